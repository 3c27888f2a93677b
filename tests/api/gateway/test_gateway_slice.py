"""The main way through the door: key → route → part → answer."""

from typing import Any


async def test_a_key_opens_its_route_and_carries_a_proven_identity(suite: Any) -> None:
    key = await suite.key(kind="restricted", scopes=["coupon:things:write"])
    answer = await suite.client(key).post("/v1/things?x=1", json={"a": 1}, headers={"X-Quanyu-Key-Id": "key_evil"})
    assert answer.status_code == 200, answer.text
    (seen,) = suite.parts["coupon"].seen
    assert (seen["path"], seen["query"], seen["body"]) == ("/v1/things", "x=1", b'{"a":1}')
    assert seen["caller"].scopes == ("coupon:things:write",)
    assert seen["caller"].kind == "restricted"
    names = {name for name, _ in seen["headers"]}
    assert not names & {"authorization", "x-quanyu-key-id", "cookie"}
    assert answer.headers["x-request-id"].startswith("req_")
    assert "q=120000;w=60" in answer.headers["ratelimit-policy"]
