"""Keys for the things of the fake coupon part, and whether they open the door."""

from typing import Any

from kit.gateway import Suite

THING = {"kind": "restricted", "scopes": ["coupon:things:*"]}


async def status_of(suite: Suite, key: str | None, address: str = "198.51.100.7") -> int:
    answer = await suite.client(key, address).get("/v1/things/1")
    return answer.status_code


async def made_with(suite: Suite, maker: dict[str, Any] | None, **wanted: Any) -> dict[str, Any]:
    """A new key, made with another one (the administrator's, where none is given) from where that one works."""
    address = "203.0.113.7" if maker and maker["allowed_ips"] else "198.51.100.7"
    client = suite.client(maker["key"], address) if maker else suite.client()
    answer = await client.post("/v1/keys", json={"name": "test", **wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def rotated(suite: Suite, key: dict[str, Any], overlap: int = 3600) -> dict[str, Any]:
    """The successor of a key, made by the administrator."""
    answer = await suite.client().post(f"/v1/keys/{key['id']}/rotate", json={"overlap_seconds": overlap})
    assert answer.status_code == 201, answer.text
    new: dict[str, Any] = answer.json()
    return new
