"""The journey service in tests: a merchant who draws journeys, customers who do things, neighbours who answer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from kit.services import RunningService
from pydantic_core import to_json
from sqlalchemy import bindparam, text

from shared.clock import ManualClock
from shared.contracts import (
    CouponIssued,
    CouponTemplateChanged,
    Event,
    EventsTracked,
    RuleEvaluated,
    SegmentChanged,
    SegmentEntered,
    SegmentExited,
    TrackedEvent,
)
from shared.db import UtcDateTime
from shared.ids import new_id
from shared.messaging import Pack

_numbers = count(1)


class JourneyShop:
    """One merchant on one running journey service."""

    def __init__(self, running: RunningService, clock: ManualClock) -> None:
        self.running = running
        self.clock = clock
        self.api = running.client()

    # -- messages in --------------------------------------------------------------------------

    def pack(self, *events: Event, ids: Sequence[str] | None = None) -> Pack:
        """What another part would publish; the same `ids` make it a redelivery."""
        envelopes = [
            {
                "id": ids[place] if ids else new_id("evt"),
                "name": event.name,
                "version": event.version,
                "occurred_at": self.clock.now(),
                "payload": event.model_dump(mode="json"),
            }
            for place, event in enumerate(events)
        ]
        return Pack(str(envelopes[0]["id"]), events[0].name, to_json(envelopes))

    async def publish(self, *events: Event, ids: Sequence[str] | None = None) -> None:
        """Publish and wait until everything is handled."""
        await self.running.bus.publish([self.pack(*events, ids=ids)])
        await self.running.drain()

    def event(self, name: str, customer_id: str | None = "c1", **more: Any) -> TrackedEvent:
        """One tracked event; `at`, `message_id`, `history`, `traits`, `type` may be given, the rest are properties."""
        at: datetime = more.pop("at", self.clock.now())
        known = {field: more.pop(field) for field in ("history", "traits", "type") if field in more}
        return TrackedEvent(
            message_id=more.pop("message_id", f"m{next(_numbers)}"),
            customer_id=customer_id,
            event=name,
            timestamp=at,
            received_at=self.clock.now(),
            properties=more,
            **{"type": "track", **known},
        )

    async def track(self, name: str, customer_id: str | None = "c1", **more: Any) -> None:
        await self.publish(EventsTracked(events=(self.event(name, customer_id, **more),)))

    async def identify(self, customer_id: str, **traits: Any) -> None:
        await self.publish(EventsTracked(events=(self.event("", customer_id, type="identify", traits=traits),)))

    async def knows(self, templates: Sequence[str] = (), segments: Sequence[str] = ()) -> None:
        """Coupon templates and segments that their owners told of."""
        for one in templates:
            await self.publish(
                CouponTemplateChanged(template_id=one, name_text=one, status="active", currency="CNY", version_number=1)
            )
        for one in segments:
            await self.publish(SegmentChanged(segment_id=one, name_text=one, status="active", version_number=1))

    async def membership(
        self, segment_id: str, customer_id: str = "c1", *, entered: bool = True, cause: str = "event"
    ) -> None:
        kind = SegmentEntered if entered else SegmentExited
        change = kind(
            segment_id=segment_id, segment_name="s", segment_version=1, profile_id=f"prf_{customer_id}",
            customer_id=customer_id, at=self.clock.now(), cause=cause,
        )  # fmt: skip
        await self.publish(change)

    def coupon(self, reference: str | None, customer_id: str = "c1", coupon_id: str = "cpn_1") -> CouponIssued:
        """The coupon service's answer."""
        return CouponIssued(
            coupon_id=coupon_id, template_id="tpl_1", customer_id=customer_id, template_name="满300减50", code="CODE1",
            valid_from=self.clock.now(), valid_until=self.clock.now() + timedelta(days=7), currency="CNY",
            benefit={"kind": "amount_off", "amount": 5000}, source="journey", reference=reference,
        )  # fmt: skip

    async def answer_rule(
        self, reference: str, matches: bool, customer_id: str = "c1", error: str | None = None
    ) -> None:
        await self.publish(RuleEvaluated(reference=reference, customer_id=customer_id, matches=matches, error=error))

    def asked(self, name: str) -> list[dict[str, Any]]:
        """Messages that went out, such as `journey.coupon_requested`; those that the bus repeated only once."""
        seen = {one.id: one.payload for one in self.running.recorder.envelopes if one.name == name}
        return list(seen.values())

    # -- over HTTP ----------------------------------------------------------------------------

    async def template(self, body: str = "Hello", channel: str = "inbox", **more: Any) -> str:
        answer = await self.api.post(
            "/v1/message-templates", json={"name": "t", "channel": channel, "body": body, **more}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def draw(self, definition: dict[str, Any]) -> str:
        answer = await self.api.post("/v1/journeys", json=definition)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def publish_journey(self, definition: dict[str, Any]) -> str:
        """Draw and publish."""
        journey_id = await self.draw(definition)
        answer = await self.api.post(f"/v1/journeys/{journey_id}/publish")
        assert answer.status_code == 200, answer.text
        return journey_id

    async def runs(self, journey_id: str, **query: Any) -> list[dict[str, Any]]:
        """All runs of a journey with their steps, oldest first."""
        answer = await self.api.get(f"/v1/journeys/{journey_id}/runs", params={"limit": 100, **query})
        assert answer.status_code == 200, answer.text
        found = [(await self.api.get(f"/v1/journey-runs/{row['id']}")).json() for row in answer.json()["data"]]
        return list(reversed(found))

    async def run(self, journey_id: str, customer_id: str = "c1") -> dict[str, Any]:
        """The only run of a customer."""
        found = await self.runs(journey_id, customer_id=customer_id)
        assert len(found) == 1, found
        return found[0]

    async def inbox(self, customer_id: str = "c1") -> list[dict[str, Any]]:
        answer = await self.api.get(f"/v1/customers/{customer_id}/inbox")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def statistics(self, journey_id: str) -> dict[str, Any]:
        return dict((await self.api.get(f"/v1/journeys/{journey_id}/statistics")).json())

    async def pass_time(self, **delta: float) -> None:
        """The clock goes on, and what became due happens."""
        self.clock.advance(timedelta(**delta))
        await self.rest()

    async def rest(self) -> None:
        """Until nothing is at work: the service's own loops may hold a lease when the test's round finds nothing to do."""
        for _ in range(50):
            await self.running.tick()
            await self.running.drain()
            if not await self._at_work():
                return
            await asyncio.sleep(0.02)

    async def _at_work(self) -> int:
        due = text(
            "SELECT (SELECT count(*) FROM run WHERE due_at <= :now AND NOT held)"
            " + (SELECT count(*) FROM effect WHERE status = 'claimed')"
        ).bindparams(bindparam("now", type_=UtcDateTime))
        async with self.running.service.kit.db.read() as tx:
            return int(await tx.scalar(due, {"now": self.clock.now()}))

    async def sound(self) -> None:
        """Every identity of the service holds."""
        answer = await self.api.get("/v1/audit/journeys")
        assert answer.status_code == 200, answer.text
        assert answer.json()["ok"], [check for check in answer.json()["checks"] if not check["ok"]]


def reasons(run: dict[str, Any]) -> list[str]:
    """The reason codes of a run's history."""
    return [step["reason"] for step in run["steps"]]
