"""Short ways to talk to a running segments service."""

from typing import Any

from kit.services import RunningService

from shared.clock import Clock


class Segments:
    """The service, as a test sees it."""

    def __init__(self, running: RunningService, clock: Clock) -> None:
        self.running = running
        self.clock = clock
        self.http = running.client()
        self._messages = 0

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, expect: int = 200, **params: Any) -> Any:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def segment(self, rule: Any, name: str = "s", **extra: Any) -> str:
        created = await self.post("/v1/segments", {"name": name, "rule": rule, **extra}, 201)
        identity: str = created["id"]
        return identity

    async def track(self, user: str, event: str, message_id: str | None = None, **extra: Any) -> None:
        """One track call; `at` is an aware datetime, `properties` a dict."""
        self._messages += 1
        at = extra.pop("at", None)
        body = {"userId": user, "event": event, "messageId": message_id or f"m{self._messages}", **extra}
        if at is not None:
            body["timestamp"] = at.isoformat()
        await self.post("/v1/track", body)

    async def identify(self, user: str, **traits: Any) -> None:
        await self.post("/v1/identify", {"userId": user, "traits": traits})

    async def members(self, segment_id: str) -> list[str]:
        page = await self.get(f"/v1/segments/{segment_id}/members", limit=100)
        return sorted(member["customer_id"] or member["profile_id"] for member in page["data"])

    async def preview(self, rule: Any, **extra: Any) -> list[str]:
        found = await self.post("/v1/segments/preview", {"rule": rule, "sample": 100, **extra})
        assert found["count"] == len(found["sample"])
        return sorted(one["customer_id"] or one["profile_id"] for one in found["sample"])

    async def messages(self, name: str) -> list[dict[str, Any]]:
        await self.running.drain()
        return self.running.recorder.named(name)

    async def audit(self) -> None:
        found = await self.get("/v1/audit/segments")
        assert found["ok"], found

    async def tick(self) -> None:
        await self.running.tick()
