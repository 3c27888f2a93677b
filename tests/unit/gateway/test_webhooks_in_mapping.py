"""What a partner's body becomes: worked cases, everything malformed, and the laws that hold for any body."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks_in.maps_to import EVENT_NAMES, MapsTo
from gateway.webhooks_in.rules import Ignored, Unmappable, read, translate
from shared.contracts import OrderCancelled, OrderCompleted, OrderEvent, OrderPaid, OrderRefunded, RefundedLine
from shared.external_ids import fault_of

SHOP = MapsTo.model_validate(
    {
        "type_at": "/topic",
        "types": {
            "orders/paid": "order.paid",
            "orders/cancelled": "order.cancelled",
            "orders/fulfilled": "order.completed",
            "refunds/create": "order.refunded",
        },
        "fields": {
            "order_id": "/order/id",
            "refund_id": "/refund/id",
            "reason": "/order/cancel_reason",
            "lines": "/refund/items",
            "line_id": "/line/id",
            "quantity": "/qty",
        },
    }
)
OURS = MapsTo(event="order.*")


def refused(maps_to: MapsTo, document: Any) -> tuple[str, str]:
    with pytest.raises(Unmappable) as error:
        translate(maps_to, document)
    return error.value.code, error.value.detail


def refund(items: Any, **refund_fields: Any) -> dict[str, Any]:
    return {"topic": "refunds/create", "order": {"id": 1001}, "refund": {"id": "r1", "items": items, **refund_fields}}


# a mapping


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"topic": "orders/paid", "order": {"id": "o1"}}, OrderPaid(order_id="o1")),
        ({"topic": "orders/paid", "order": {"id": 1001}}, OrderPaid(order_id="1001")),
        ({"topic": "orders/fulfilled", "order": {"id": "订单1"}}, OrderCompleted(order_id="订单1")),
        ({"topic": "orders/cancelled", "order": {"id": "o1"}}, OrderCancelled(order_id="o1")),
        (
            {"topic": "orders/cancelled", "order": {"id": "o1", "cancel_reason": "x" * 300}},
            OrderCancelled(order_id="o1", reason="x" * 200),
        ),
        (
            refund(
                [{"line": {"id": "1"}, "qty": 2}, {"line": {"id": 7}, "qty": "3"}, {"line": {"id": "b"}, "qty": 1.0}]
            ),
            OrderRefunded(
                order_id="1001",
                refund_id="r1",
                lines=(
                    RefundedLine(line_id="1", quantity=2),
                    RefundedLine(line_id="7", quantity=3),
                    RefundedLine(line_id="b", quantity=1),
                ),
            ),
        ),
    ],
)
def test_a_body_becomes_what_its_type_says(body: Any, expected: OrderEvent) -> None:
    assert translate(SHOP, body) == expected


def test_one_event_for_every_delivery_and_types_of_other_kinds() -> None:
    paid = MapsTo.model_validate({"event": "order.paid", "fields": {"order_id": "/0/a~1b/m~0n"}})
    assert translate(paid, [{"a/b": {"m~n": "o1"}}]) == OrderPaid(order_id="o1")
    by_flag = MapsTo.model_validate(
        {"type_at": "/paid", "types": {"true": "order.paid", "2": "order.cancelled"}, "fields": {"order_id": "/id"}}
    )
    assert translate(by_flag, {"paid": True, "id": 5}) == OrderPaid(order_id="5")
    assert translate(by_flag, {"paid": 2, "id": 5}) == OrderCancelled(order_id="5")
    assert isinstance(translate(by_flag, {"paid": False, "id": 5}), Ignored)


@pytest.mark.parametrize("items", [None, []])
def test_a_refund_whose_lines_are_missing_is_not_taken_for_all_of_the_order(items: Any) -> None:
    assert refused(SHOP, refund(items))[0] == "lines_missing"
    body = refund(items)
    del body["refund"]["items"]
    assert refused(SHOP, body)[0] == "lines_missing"
    whole = SHOP.model_copy(update={"whole_without_lines": True})
    assert translate(whole, body) == OrderRefunded(order_id="1001", refund_id="r1")


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        ({"topic": "orders/paid"}, "field_missing", "/order/id"),
        ({"topic": "orders/paid", "order": {"id": None}}, "field_missing", "/order/id"),
        ({"topic": "orders/paid", "order": {"id": 10.5}}, "field_invalid", "/order/id"),
        ({"topic": "orders/paid", "order": {"id": True}}, "field_invalid", "/order/id"),
        ({"topic": "orders/paid", "order": {"id": {"x": 1}}}, "field_invalid", "/order/id"),
        ({"topic": "orders/paid", "order": {"id": ""}}, "field_invalid", "/order/id"),
        ({"topic": "orders/paid", "order": {"id": "x" * 201}}, "field_invalid", "/order/id"),
        (
            {"topic": "orders/paid", "order": {"id": "1\u200b"}},
            "field_invalid",
            "/order/id can't be an id: character 2",
        ),
        ({"topic": "orders/paid", "order": {"id": "a\x00b"}}, "field_invalid", "U+0000"),
        (refund([{"line": {"id": "a\x00b"}, "qty": 1}]), "field_invalid", "/refund/items/0/line/id"),
        ({"topic": "refunds/create", "order": {"id": 1}, "refund": {}}, "field_missing", "/refund/id"),
        (refund("all"), "field_invalid", "/refund/items"),
        (refund([{"line": {"id": "1"}}]), "field_missing", "/refund/items/0/qty"),
        (refund([{"line": {"id": "1"}, "qty": 1}, {"qty": 1}]), "field_missing", "/refund/items/1/line/id"),
        (refund([{"line": {"id": "1"}, "qty": 0}]), "field_invalid", "/refund/items/0/qty"),
        (refund([{"line": {"id": "1"}, "qty": -1}]), "field_invalid", "/refund/items/0/qty"),
        (refund([{"line": {"id": "1"}, "qty": 1.5}]), "field_invalid", "/refund/items/0/qty"),
        (refund([{"line": {"id": "1"}, "qty": True}]), "field_invalid", "/refund/items/0/qty"),
        (refund([{"line": {"id": "1"}, "qty": 1}] * 1001), "field_invalid", "/refund/items"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused_by_place(body: Any, code: str, place: str) -> None:
    found_code, detail = refused(SHOP, body)
    assert (found_code, place in detail) == (code, True), detail


def test_what_is_not_for_us_is_ignored_and_named_only_when_it_looks_like_a_type() -> None:
    for kind, shown in (
        ("orders/updated", "orders/updated"),
        ("订单已更新", "订单已更新"),
        ("+86 138 0013 8000", None),
    ):
        made = translate(SHOP, {"topic": kind, "order": {"id": "o1"}})
        assert isinstance(made, Ignored)
        assert (made.code, made.their_type) == ("type_not_mapped", shown)
    bodies: list[Any] = [{}, [], "paid", None, {"topic": {"a": 1}}, {"topic": None}]
    for body in bodies:
        made = translate(SHOP, body)
        assert isinstance(made, Ignored)
        assert made.code == "no_type"


# our own shape


def test_our_own_shape_passes_as_it_is() -> None:
    data = {
        "order_id": "o1",
        "refund_id": "r1",
        "lines": [{"line_id": "1", "quantity": 2}],
        "policy": "clawback",
    }
    expected = OrderRefunded(
        order_id="o1", refund_id="r1", lines=(RefundedLine(line_id="1", quantity=2),), policy="clawback"
    )
    assert translate(OURS, {"type": "order.refunded", "timestamp": "…", "data": data}) == expected
    only = MapsTo(event="order.paid")
    assert translate(only, {"type": "order.paid", "data": {"order_id": "o1"}}) == OrderPaid(order_id="o1")
    assert isinstance(translate(only, {"type": "order.refunded", "data": data}), Ignored)
    assert isinstance(translate(OURS, {"type": "coupon.redeemed", "data": {}}), Ignored)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "field_missing"),
        ([], "field_missing"),
        ({}, "field_invalid"),
        ({"order_id": 5, "refund_id": "r"}, "field_invalid"),
        ({"order_id": "o", "refund_id": "r", "line": []}, "unknown_field"),
        ({"order_id": "o", "refund_id": "r", "lines": [{"line_id": "1", "quantity": 1, "qty": 1}]}, "unknown_field"),
        ({"order_id": "o", "refund_id": "r", "lines": [{"line_id": "1", "quantity": "1"}]}, "field_invalid"),
        ({"order_id": "o", "refund_id": "r", "lines": ["1"]}, "field_invalid"),
        ({"order_id": "o", "refund_id": "r", "policy": "all"}, "field_invalid"),
    ],
)
def test_our_own_shape_is_read_strictly(data: Any, code: str) -> None:
    assert refused(OURS, {"type": "order.refunded", "data": data})[0] == code


# laws

_scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12))
_names = st.sampled_from(
    ["topic", "order", "refund", "id", "items", "qty", "line", "type", "data", "order_id", "refund_id", "lines", "x"]
)
_types = st.sampled_from([*(SHOP.types or ()), *EVENT_NAMES])
_documents = st.recursive(
    st.one_of(_scalars, _types),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=6)),
    max_leaves=25,
)


@given(document=_documents, maps_to=st.sampled_from([SHOP, OURS, MapsTo(event="order.refunded")]))
def test_any_json_becomes_a_message_or_is_ignored_or_refused(document: Any, maps_to: MapsTo) -> None:
    made: Any = None
    with suppress(Unmappable):
        made = translate(maps_to, document)
    if isinstance(made, OrderEvent):
        assert type(made).model_validate_json(made.model_dump_json()) == made
        assert "\x00" not in made.order_id


_id = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200).filter(
    lambda text: not fault_of(text)
)


@given(
    order_id=_id,
    refund_id=_id,
    lines=st.lists(st.tuples(_id, st.integers(1, 10**9)), min_size=1, max_size=5),
    places=st.permutations(["a", "b/c", "d~e", "0"]),
)
def test_what_is_put_at_the_pointers_is_what_comes_out(
    order_id: str, refund_id: str, lines: list[tuple[str, int]], places: list[str]
) -> None:
    order_at, refund_at, lines_at, type_at = ("/" + place.replace("~", "~0").replace("/", "~1") for place in places)
    maps_to = MapsTo.model_validate(
        {
            "type_at": type_at,
            "types": {"refund": "order.refunded"},
            "fields": {"order_id": order_at, "refund_id": refund_at, "lines": lines_at},
        }
    )
    items = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in lines]
    document = dict(zip(places, (order_id, refund_id, items, "refund"), strict=True))
    made = translate(maps_to, read(json.dumps(document).encode()))
    assert isinstance(made, OrderRefunded)
    assert (made.order_id, made.refund_id) == (order_id, refund_id)
    assert [(line.line_id, line.quantity) for line in made.lines] == lines


@given(_documents)
def test_sentences_never_repeat_what_stands_in_the_body(document: Any) -> None:
    secret = "13800138000"
    body = {"topic": "refunds/create", "order": {"id": [secret, document]}, "refund": {"id": secret, "items": secret}}
    assert secret not in refused(SHOP, body)[1]


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Unmappable):
        read(body)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b'"\xff"', b'"\\ud800"', b"[" * 5000])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Unmappable):
        read(body)
