"""The use cases around endpoints and deliveries."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic_core import to_json

from gateway import rotation
from gateway.audit_log.log import AuditLog
from gateway.event_examples import example_of
from gateway.event_scopes import EVENT_SCOPES
from gateway.webhooks_out import attempts_repository, repository
from gateway.webhooks_out.filters import thinned
from gateway.webhooks_out.handlers import Addressee, Fanout
from gateway.webhooks_out.models import Delivery, Endpoint
from gateway.webhooks_out.problems import checked_conditions, endpoint_found, must_be_enabled
from gateway.webhooks_out.rules import grants, hears, lacking, may_hear
from gateway.webhooks_out.schemas import (
    AttemptView,
    DeliveryDetail,
    DeliveryView,
    EndpointIn,
    EndpointPatch,
    EndpointView,
    NewEndpointView,
)
from gateway.webhooks_out.sealed import Sealing
from shared.contracts import REGISTRY
from shared.db import Transaction
from shared.http import EgressClient, EgressRefused
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, Forbidden, NotFound, Page, Paging, invalid
from shared.web.schemas import rfc3339
from shared.webhooks import new_secret

TEST_TYPE = "webhook.test"


class Endpoints:
    """Everything that a partner does with endpoints. Another owner's endpoint does not exist for them."""

    def __init__(self, kit: Kit, egress: EgressClient, fanout: Fanout, log: AuditLog) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._egress = egress
        self._fanout = fanout
        self._log = log
        self._sealing = Sealing(kit.secret)

    async def create(self, caller: Caller, wanted: EndpointIn) -> NewEndpointView:
        """Register a URL, which must be one that we would call. The secret is in this answer only."""
        scopes = _granted(caller.scopes, wanted.events)
        conditions = checked_conditions([one.stored() for one in wanted.where], wanted.events)
        await self._check(wanted.url)
        now, secret, endpoint_id = self._clock.now(), new_secret(), new_id("whe")
        row = {
            "id": endpoint_id,
            "owner_id": caller.owner_id,
            "url": wanted.url,
            "events": wanted.events,
            "scopes": scopes,
            "description": wanted.description,
            "secrets": rotation.first(secret),
            "conditions": conditions,
            "payload": wanted.payload,
            "max_in_flight": wanted.max_in_flight,
            "rate_per_second": wanted.rate_per_second,
            **self._own_headers(endpoint_id, wanted.headers),
            **self._new_keys(endpoint_id, wanted.asymmetric),
            "status": "enabled",
            "standing": "unproven",
            "created_at": now,
            "changed_at": now,
        }
        async with self._db.write() as tx:
            await repository.insert_endpoint(tx, row)
            await self._log.record(tx, caller, "webhook_endpoint.create", endpoint_id, events=wanted.events)
            made = await self._endpoint(tx, endpoint_id, caller)
        return NewEndpointView(**_shown(made), secret=secret)

    async def page(self, caller: Caller, paging: Paging, status: str | None) -> Page[EndpointView]:
        """The endpoints that the caller may know of."""
        async with self._db.read() as tx:
            return await repository.page_of_endpoints(tx, caller, status, paging, EndpointView.model_validate)

    async def read(self, caller: Caller, endpoint_id: str) -> EndpointView:
        """One of them. Raises NotFound."""
        async with self._db.read() as tx:
            return EndpointView.model_validate(await self._endpoint(tx, endpoint_id, caller))

    async def change(self, caller: Caller, endpoint_id: str, change: EndpointPatch) -> EndpointView:
        """Change some fields. Disabling holds what is waiting; enabling resumes with new events, the rest is for a replay."""
        if change.url is not None:
            await self._check(change.url)
        now = self._clock.now()
        values = change.given()
        for name in ("enabled", "where", "headers", "asymmetric"):
            values.pop(name, None)
        async with self._db.write() as tx:
            before = await self._endpoint(tx, endpoint_id, caller, locked=True)
            if change.url is not None or change.events is not None:
                values["scopes"] = _turned(caller, before, change.events or before.events)
            if change.url is not None:
                values["standing"] = "unproven"
            # Who turns an endpoint elsewhere must not get what somebody else had us send along.
            if change.headers is not None or change.url not in (None, before.url):
                values |= self._own_headers(endpoint_id, change.headers or {})
            if change.where is not None or change.events is not None:
                where = before.conditions if change.where is None else [one.stored() for one in change.where]
                values["conditions"] = checked_conditions(where, change.events or before.events)
            if change.asymmetric is not None and change.asymmetric == (before.public_key is None):
                values |= self._new_keys(endpoint_id, change.asymmetric)
            if change.enabled is False:
                await repository.disable(tx, endpoint_id, "by_request", now)
            elif change.enabled:
                values |= {"status": "enabled", "disabled_reason": None, "failing_since": None, "paused_until": None}
            await repository.update_endpoint(tx, endpoint_id, values | {"changed_at": now})
            fields = sorted(change.model_fields_set)
            await self._log.record(tx, caller, "webhook_endpoint.change", endpoint_id, fields=fields)
            return EndpointView.model_validate(await self._endpoint(tx, endpoint_id, caller))

    async def remove(self, caller: Caller, endpoint_id: str) -> None:
        """Nothing is sent to it any more; what waits is given up and its secrets are forgotten."""
        now = self._clock.now()
        async with self._db.write() as tx:
            await self._endpoint(tx, endpoint_id, caller)
            forgotten = self._own_headers(endpoint_id, {}) | self._new_keys(endpoint_id, wanted=False)
            gone = forgotten | {"status": "deleted", "secrets": [], "changed_at": now}
            await repository.update_endpoint(tx, endpoint_id, gone)
            await repository.give_up(tx, endpoint_id, "endpoint deleted", now)
            await self._log.record(tx, caller, "webhook_endpoint.delete", endpoint_id)

    async def rotate_secret(self, caller: Caller, endpoint_id: str, overlap: timedelta) -> NewEndpointView:
        """A new secret; deliveries carry the old one's signature too until the overlap ends."""
        secret = new_secret()
        async with self._db.write() as tx:
            row = await self._endpoint(tx, endpoint_id, caller, locked=True)
            now = self._clock.now()
            secrets = rotation.rotated(row.secrets, secret, now, overlap)
            values: dict[str, Any] = {"secrets": secrets, "changed_at": now}
            if row.public_key is not None:
                key, values["public_key"] = self._sealing.new_key(endpoint_id)
                values["signing_keys"] = rotation.rotated(row.signing_keys, key, now, overlap)
            await repository.update_endpoint(tx, endpoint_id, values)
            await self._log.record(tx, caller, "webhook_endpoint.rotate_secret", endpoint_id)
            return NewEndpointView(**_shown(await self._endpoint(tx, endpoint_id, caller)), secret=secret)

    async def test(self, caller: Caller, endpoint_id: str, event_type: str | None) -> DeliveryView:
        """Send an example of an event type, or a `webhook.test`, to this endpoint alone, now, whatever else it wants to hear."""
        now = self._clock.now()
        body = {"type": TEST_TYPE, "timestamp": rfc3339(now), "data": {"endpoint_id": endpoint_id}}
        if event_type is not None:
            caller.require(EVENT_SCOPES[event_type])
            body = example_of(REGISTRY[event_type]) | {"timestamp": rfc3339(now)}
        async with self._db.write() as tx:
            row = await self._endpoint(tx, endpoint_id, caller)
            must_be_enabled(row)
            if event_type is not None and not may_hear(row.scopes, event_type):
                raise _scopes_missing("the endpoint's", [EVENT_SCOPES[event_type]])
            to = Addressee(endpoint_id, row.payload)
            (made,) = await self._fanout.deliver(tx, new_id("test"), event_type or TEST_TYPE, to_json(body), [to])
            return DeliveryView.model_validate(await self._delivery(tx, made, caller))

    async def deliveries(
        self, caller: Caller, endpoint_id: str, paging: Paging, status: str | None, event_type: str | None
    ) -> Page[DeliveryView]:
        """What was sent to an endpoint of the caller's, or waits to be."""
        async with self._db.read() as tx:
            await self._endpoint(tx, endpoint_id, caller)
            return await repository.page_of_deliveries(
                tx, endpoint_id, status, event_type, paging, DeliveryView.model_validate
            )

    async def delivery(self, caller: Caller, delivery_id: str) -> DeliveryDetail:
        """One delivery with its payload and its tries. Raises NotFound."""
        async with self._db.read() as tx:
            row = await self._delivery(tx, delivery_id, caller)
            if (scope := EVENT_SCOPES.get(row.event_type)) is not None:
                caller.require(scope)
            payload = (await repository.bodies(tx, [row.event_id]))[row.event_id]
            tries = [AttemptView.model_validate(one) for one in await attempts_repository.attempts(tx, delivery_id)]
        payload = thinned(payload) if row.thin else payload
        shown = {name: getattr(row, name) for name in DeliveryView.model_fields}
        return DeliveryDetail(**shown, payload=payload.decode(), tries=tries)

    async def replay(self, caller: Caller, delivery_id: str) -> DeliveryView:
        """Send again under the same id, with the schedule begun anew. Raises Conflict while an attempt is under way."""
        async with self._db.write() as tx:
            row = await self._delivery(tx, delivery_id, caller)
            must_be_enabled(await self._endpoint(tx, row.endpoint_id, caller))
            if not await repository.replay(tx, delivery_id, self._clock.now()):
                raise Conflict("attempt_under_way", "This delivery is being sent right now. Wait for its result.")
            tx.after_commit(self._fanout.wake)
            return DeliveryView.model_validate(await self._delivery(tx, delivery_id, caller))

    def _own_headers(self, endpoint_id: str, headers: Mapping[str, str]) -> dict[str, Any]:
        return {"headers": self._sealing.headers(endpoint_id, headers), "header_names": sorted(headers)}

    def _new_keys(self, endpoint_id: str, wanted: bool) -> dict[str, Any]:
        key, public = self._sealing.new_key(endpoint_id) if wanted else (None, None)
        return {"signing_keys": rotation.first(key) if key else [], "public_key": public}

    async def _check(self, url: str) -> None:
        try:
            await self._egress.check(url)
        except EgressRefused as refused:
            raise invalid("#/url", "url_refused", refused.reason) from None

    async def _endpoint(self, tx: Transaction, endpoint_id: str, caller: Caller, *, locked: bool = False) -> Endpoint:
        return endpoint_found(await repository.find_endpoint(tx, endpoint_id, caller, locked=locked))

    async def _delivery(self, tx: Transaction, delivery_id: str, caller: Caller) -> Delivery:
        row = await repository.find_delivery(tx, delivery_id, caller)
        if row is None:
            raise NotFound("not_found", "There is no such delivery.")
        return row


def _granted(scopes: Sequence[str], events: list[str]) -> list[str]:
    """What an endpoint may hear: no more than who asks for it could read by the API. Raises Forbidden."""
    missing = lacking(events, scopes)
    if missing:
        raise _scopes_missing("its owner's", missing)
    return grants(scopes)


def _turned(caller: Caller, before: Endpoint, events: list[str]) -> list[str]:
    """The same when an endpoint gets another URL or other events: who turns the stream elsewhere could read it there.

    The merchant, who may change everybody's, lends nobody their own scopes by it, and gets hold of none that their key lacks.
    """
    if caller.owner_id == before.owner_id:
        return _granted(caller.scopes, events)
    scopes = _granted(before.scopes, events)
    told = {scope for name, scope in EVENT_SCOPES.items() if hears(events, scopes, name)}
    missing = sorted(scope for scope in told if not caller.allows(scope))
    if missing:
        raise _scopes_missing("your", missing)
    return scopes


def _scopes_missing(whose: str, missing: list[str]) -> Forbidden:
    detail = f"To hear of these events {whose} key needs {', '.join(missing)}. Use one that has it, or ask for less."
    return Forbidden("scope_missing", detail, scope=missing[0], scopes=missing)


def _shown(row: Endpoint) -> dict[str, Any]:
    return EndpointView.model_validate(row).model_dump()
