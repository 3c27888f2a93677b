"""What a mapping may ask for, and where its pointers point."""

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.webhooks_in.maps_to import EVENT_NAMES, MapsTo
from gateway.webhooks_in.pointers import MISSING, SHAPE, found
from gateway.webhooks_in.rules import EVENTS
from shared.contracts import REGISTRY, OrderEvent


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", {"a": [1, {"b": None}], "": 2, "m~n": 3, "x/y": 4}),
        ("/a/0", 1),
        ("/a/1/b", None),
        ("/", 2),
        ("/m~0n", 3),
        ("/x~1y", 4),
        ("/a/2", MISSING),
        ("/a/-", MISSING),
        ("/a/01", MISSING),
        ("/a/0/b", MISSING),
        ("/b", MISSING),
    ],
)
def test_pointers(pointer: str, expected: Any) -> None:
    assert SHAPE.fullmatch(pointer)
    assert found({"a": [1, {"b": None}], "": 2, "m~n": 3, "x/y": 4}, pointer) == expected


@pytest.mark.parametrize(
    "maps_to",
    [
        {},
        {"event": "coupon.redeemed"},
        {"event": "order.paid", "type_at": "/t", "types": {"a": "order.paid"}},
        {"type_at": "/t", "fields": {"order_id": "/id"}},
        {"types": {"a": "order.paid"}, "fields": {"order_id": "/id"}},
        {"type_at": "/t", "types": {"a": "order.paid"}},
        {"type_at": "/t", "types": {}, "fields": {"order_id": "/id"}},
        {"type_at": "/t", "types": {"a": "order.refunded"}, "fields": {"order_id": "/id"}},
        {"type_at": "t", "types": {"a": "order.paid"}, "fields": {"order_id": "/id"}},
        {"event": "order.*", "fields": {"order_id": "/id"}},
        {"event": "order.refunded", "fields": {"order_id": "/id"}},
        {"event": "order.paid", "fields": {"order_id": "/i~d"}},
        {"event": "order.paid", "fields": {"order": "/id"}},
        {"event": "order.paid", "whole_without_lines": True},
    ],
)
def test_mappings_that_make_no_sense_are_refused(maps_to: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MapsTo.model_validate(maps_to)


def test_every_message_of_orders_can_be_mapped_to() -> None:
    assert (
        set(EVENT_NAMES) == set(EVENTS) == {name for name, event in REGISTRY.items() if issubclass(event, OrderEvent)}
    )
