"""The tracking endpoints: a raw body becomes sound items and dead letters, and the answer waits until they are durable."""

from dataclasses import dataclass
from typing import Any

from services.segments.events.rules import Item, nested_too_deeply
from services.segments.tracking.ingesting import Ingestion, Request
from services.segments.tracking.parsing import MAX_BATCH, MAX_EVENT, MAX_MERGED, inflate, parse_object, refusal, text
from services.segments.tracking.rules import Arrival, Rejected, normalise, parse_time
from shared.clock import Clock
from shared.ids import new_id
from shared.web import HotRequest
from shared.web.asgi import header

SUCCESS = b'{"success":true}'
_KEPT = 32 * 1024
MOST_ITEMS = 10_000
"""In one batch. What is no item at all is small: without a bound it would be a quarter of a million dead letters."""
MOST_ITEMS_OF_SHOPPERS, MOST_TRAITS_OF_SHOPPERS = 1_000, 5_000
"""From a page or an app, whose SDKs send a hundred at a time at most. A batch is one transaction, and others wait for it."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Takes tracking calls."""

    ingestion: Ingestion
    clock: Clock
    currency: str

    async def single(self, request: HotRequest[Any], kind: str) -> bytes:
        """One call of a known type. Raises a 400 problem when the item can't be accepted."""
        raw = parse_object(inflate(request.raw, header(request.scope, b"content-encoding"), MAX_EVENT))
        try:
            item = normalise(raw, self._arrival(request, raw, {}), kind)
        except Rejected as rejected:
            raise refusal(rejected.code, rejected.detail) from None
        await self.ingestion.ingest(Request([item]))
        return SUCCESS

    async def batch(self, request: HotRequest[Any]) -> bytes:
        """Many calls. Items that can't be accepted go to the dead letters; the others are stored all the same."""
        body = inflate(request.raw, header(request.scope, b"content-encoding"), MAX_BATCH)
        outer = parse_object(body)
        batch = outer.get("batch")
        if not isinstance(batch, list):
            raise refusal("missing_batch", "A batch is an object with a list of items under `batch`.")
        context = outer.get("context")
        if isinstance(context, dict):
            _check_shared(context, batch)
        arrival = self._arrival(request, outer, context if isinstance(context, dict) else {})
        most = MOST_ITEMS_OF_SHOPPERS if request.caller.shopper else MOST_ITEMS
        if len(batch) > most:
            raise refusal("too_many_items", f"A batch holds at most {most} items with this key; send smaller batches.")
        request.cost = len(batch)
        items: list[Item] = []
        rejected: list[dict[str, Any]] = []
        measure = len(body) > MAX_EVENT
        for raw in batch:
            try:
                if measure and len(text(raw)) > MAX_EVENT:
                    raise Rejected("event_too_large", "An item holds at most 32 KB.", _plain_id(raw))
                items.append(normalise(raw, arrival))
            except Rejected as reason:
                rejected.append(_dead_letter(raw, reason, request, arrival))
        if request.caller.shopper and sum(len(item.traits) for item in items) > MOST_TRAITS_OF_SHOPPERS:
            detail = f"A batch sets at most {MOST_TRAITS_OF_SHOPPERS} traits with this key; send smaller batches."
            raise refusal("too_many_traits", detail)
        if items or rejected:
            await self.ingestion.ingest(Request(items, rejected))
        return SUCCESS

    def _arrival(self, request: HotRequest[Any], outer: dict[str, Any], context: dict[str, Any]) -> Arrival:
        sent_at = parse_time(outer.get("sentAt"))
        caller = request.caller
        return Arrival(self.clock.now(), sent_at, context, self.currency, caller.customer_id, not caller.shopper)


def _check_shared(context: dict[str, Any], batch: list[Any]) -> None:
    """The context that items share is stored with each of them."""
    if nested_too_deeply(context):
        raise refusal("nested_too_deeply", "`context` holds at most 32 levels of objects and lists.")
    if len(text(context)) * len(batch) > MAX_MERGED:
        detail = "The shared `context` is too large for so many items. Send smaller batches, or a smaller context."
        raise refusal("batch_too_large", detail)


def _plain_id(raw: Any) -> str | None:
    given = raw.get("messageId") if isinstance(raw, dict) else None
    return given if isinstance(given, str) and len(given) <= 100 and "\x00" not in given else None


def _dead_letter(raw: Any, reason: Rejected, request: HotRequest[Any], arrival: Arrival) -> dict[str, Any]:
    return {
        "id": new_id("rej"),
        "owner_id": request.caller.owner_id,
        "received_at": arrival.received_at,
        "code": reason.code,
        "detail": reason.detail,
        "message_id": reason.message_id,
        "request_id": request.request_id,
        "key_id": request.caller.key_id,
        "item": text(raw)[:_KEPT].decode(errors="replace"),
    }
