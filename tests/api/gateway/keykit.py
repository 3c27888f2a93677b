"""Keys for the things of the fake coupon part, and whether they open the door."""

from kit.gateway import Suite

THING = {"kind": "restricted", "scopes": ["coupon:things:*"]}


async def status_of(suite: Suite, key: str | None, address: str = "198.51.100.7") -> int:
    answer = await suite.client(key, address).get("/v1/things/1")
    return answer.status_code
