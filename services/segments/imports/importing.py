"""Importing order history: each order is judged by itself, and stored with whoever else comes in at the time."""

import asyncio
from typing import Any

from pydantic import ValidationError

from services.segments.events.rules import Item
from services.segments.imports.rules import order_item
from services.segments.imports.schemas import OrderIn, OrderResult, OrdersIn, OrdersResult
from services.segments.tracking.ingesting import Ingestion, Request
from services.segments.tracking.rules import Rejected
from shared.clock import Clock
from shared.web import Caller
from shared.web.problems import from_validation


class OrdersImport:
    """Order history in bulk. A second run changes nothing."""

    def __init__(self, ingestion: Ingestion, clock: Clock, currency: str) -> None:
        self._ingestion = ingestion
        self._clock = clock
        self._currency = currency

    async def run(self, caller: Caller, body: OrdersIn) -> OrdersResult:
        """Store what is sound; answers one result for each order."""
        received_at = self._clock.now()
        judged: list[Item | OrderResult] = []
        for index, raw in enumerate(body.orders):
            await asyncio.sleep(0)  # an order has up to 5,000 lines, and others wait
            try:
                order = OrderIn.model_validate(raw)
                currency = body.currency or self._currency
                judged.append(order_item(order, body.source, currency, received_at, caller.wall))
            except ValidationError as error:
                judged.append(_invalid(index, raw, error))
            except Rejected as reason:
                judged.append(_rejected(index, raw, reason.code, reason.detail, f"#/orders/{index}"))
        items = [one for one in judged if isinstance(one, Item)]
        fresh = await self._ingestion.ingest(Request(items)) if items else frozenset()
        new = set(fresh)
        results = [
            one if isinstance(one, OrderResult) else _stored(index, one, new) for index, one in enumerate(judged)
        ]
        count = {status: sum(1 for one in results if one.status == status) for status in ("accepted", "duplicate")}
        return OrdersResult(
            accepted=count["accepted"],
            duplicates=count["duplicate"],
            rejected=len(results) - sum(count.values()),
            results=results,
        )


def _stored(index: int, item: Item, new: set[str]) -> OrderResult:
    """Accepted the first time that its message id comes, if it was new."""
    accepted = item.message_id in new
    new.discard(item.message_id)
    order_id = str(item.properties["order_id"])
    return OrderResult(index=index, order_id=order_id, status="accepted" if accepted else "duplicate")


def _invalid(index: int, raw: Any, error: ValidationError) -> OrderResult:
    problem = from_validation(error.errors(include_url=False, include_input=False), raw, in_body=True)
    first = (problem.errors or [])[0]
    return _rejected(index, raw, first.code, first.detail, f"#/orders/{index}{first.pointer.removeprefix('#')}")


def _rejected(index: int, raw: Any, code: str, detail: str, pointer: str) -> OrderResult:
    given = raw.get("order_id") if isinstance(raw, dict) else None
    order_id = given[:200] if isinstance(given, str) else None
    return OrderResult(index=index, order_id=order_id, status="rejected", code=code, detail=detail, pointer=pointer)
