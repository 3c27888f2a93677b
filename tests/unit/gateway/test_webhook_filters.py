"""Conditions on events, and what is left of a thin message."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.docs.events import catalogue
from gateway.webhooks_out.conditions import EventCondition
from gateway.webhooks_out.filters import NEGATIVE, passes, thinned, unknown
from shared.contracts import REGISTRY, public_names

DATA = {
    "amount": 5000,
    "shop_id": "上海店",
    "reason": None,
    "benefit": {"kind": "amount_off"},
    "a.b": 1,
    "a": {"b": 2},
    "on": True,
}


@pytest.mark.parametrize(
    ("property", "op", "value", "expected"),
    [
        ("amount", "gte", 5000, True),
        ("amount", "gt", 5000, False),
        ("amount", "lt", 5000.5, True),
        ("amount", "lte", 4999, False),
        ("shop_id", "eq", "上海店", True),
        ("shop_id", "ne", "上海店", False),
        ("shop_id", "in", ["x", "上海店"], True),
        ("shop_id", "gt", 1, False),
        ("benefit.kind", "eq", "amount_off", True),
        ("a.b", "eq", 1, True),
        ("on", "eq", 1, False),
        ("on", "eq", True, True),
        ("on", "gte", 1, False),
        ("amount", "eq", "5000", False),
        ("reason", "exists", None, False),
        ("reason", "not_exists", None, True),
        ("missing", "eq", 1, False),
        ("missing", "ne", 1, True),
        ("missing.deeper", "not_in", [1], True),
    ],
)
def test_conditions(property: str, op: str, value: Any, expected: bool) -> None:
    assert passes([{"property": property, "op": op, "value": value}], DATA) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(
    data=st.dictionaries(st.sampled_from("ab"), JSON),
    name=st.sampled_from(["a", "b", "a.b"]),
    op=st.sampled_from(["eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "exists", "not_exists"]),
    number=st.integers(-3, 3),
)
def test_any_event_passes_or_not_and_the_negative_is_the_complement(
    data: dict[str, Any], name: str, op: str, number: int
) -> None:
    condition = {"property": name, "op": op, "value": [number] if op.endswith("in") else number}
    found = passes([condition], data)
    assert found in (True, False)
    if op in NEGATIVE:
        assert found is not passes([condition | {"op": NEGATIVE[op]}], data)


@pytest.mark.parametrize(
    ("op", "value"),
    [("eq", None), ("eq", [1]), ("in", 1), ("in", []), ("gt", "5"), ("gt", True), ("exists", 1), ("like", "x")],
)
def test_conditions_that_make_no_sense_are_refused(op: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"op|value|takes"):
        EventCondition(property="amount", op=op, value=value)


def test_a_property_that_none_of_the_events_has_is_named() -> None:
    conditions = [{"property": name, "op": "exists"} for name in ("amount", "benefit.kind", "ammount", "available")]
    assert unknown(conditions, ["coupon.*"]) == [2, 3]
    assert unknown(conditions, ["*"]) == [2]


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry["name"])
def test_a_thin_message_has_ids_and_nothing_of_what_happened(entry: dict[str, Any]) -> None:
    thin = json.loads(thinned(json.dumps(entry["example"]).encode()))
    assert (thin["type"], thin["timestamp"]) == (entry["name"], entry["example"]["timestamp"])
    assert thin["data"], "something to ask the API for"
    assert thin["data"].items() <= entry["example"]["data"].items()
    assert {"amount", "code", "reason", "benefit", "template_name"} & set(thin["data"]) == set()


def test_no_public_event_tells_how_somebody_is_reached() -> None:
    personal = {"phone", "mobile", "email", "openid", "unionid", "address", "traits", "id_card"}
    assert {
        (name, field) for name in public_names() for field in REGISTRY[name].model_fields if field in personal
    } == set()
