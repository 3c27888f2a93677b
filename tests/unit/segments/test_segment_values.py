"""Comparable forms of values, and local days where clocks change."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.examples import examples

from services.segments.rule_language.faults import Faults
from services.segments.rule_language.parser import parse_rule, write_rule
from services.segments.rule_language.scalars import (
    Scalar,
    as_number,
    day_date,
    day_micros,
    instant,
    micros,
    number_text,
    phone_text,
    scalar,
)
from services.segments.rule_language.zones import day_start, local_day
from services.segments.tracking.rules import Arrival, Rejected, in_minor_units, normalise


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (10, "10", 10_000_000),
        ("10", "10", 10_000_000),
        ("10.0", "10.0", 10_000_000),
        (10.0, "10", 10_000_000),
        (0.1, "0.1", 100_000),
        ("-0.5", "-0.5", -500_000),
        ("010", "010", None),
        ("1e3", "1e3", None),
        ("１０", "10", 10_000_000),
        ("ＶＩＰ　金", "VIP 金", None),
        (True, "true", None),
        (10**15, "1000000000000000", None),
        (1e300, "1e+300", None),
        (float("1e-9"), "0", 0),
        ("", "", None),
        ([1, "a", None, {}], "\x1f1\x1fa\x1f", None),
        ({"a": 1}, None, None),
    ],
)
def test_a_value_has_one_text_and_one_exact_number(value: Any, text: str | None, number: int | None) -> None:
    found = scalar(value)
    assert (found.text, found.number) == (text, number)


def test_times_and_dates_are_told_apart() -> None:
    assert scalar("2026-11-11") == Scalar("2026-11-11", None, None, day_micros(date(2026, 11, 11)))
    at = micros(datetime(2026, 11, 11, 2, tzinfo=UTC))
    for text in ("2026-11-11T10:00:00+08:00", "2026-11-11T02:00:00Z", "2026-11-11 02:00:00"):
        assert scalar(text).moment == at
    assert scalar("2026-13-11").day is scalar("9999-12-31T23:59:59Z").moment is scalar("0001-01-01").day is None


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("13800138000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("call me", "call me"),
    ],
)
def test_phones_are_brought_to_one_form(given: str, normal: str) -> None:
    assert phone_text(given) == normal


def test_numbers_read_back() -> None:
    assert [number_text(as_number(one) or 0) for one in ("1200", "0.5", "-3.25", "9000000000000")] == [
        "1200", "0.5", "-3.25", "9000000000000",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Asia/Shanghai", date(2026, 11, 11), "2026-11-10T16:00:00+00:00"),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00:00+00:00"),  # spring forward at two
        ("America/New_York", date(2026, 3, 9), "2026-03-09T04:00:00+00:00"),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00:00+00:00"),  # back at two
        ("America/New_York", date(2026, 11, 2), "2026-11-02T05:00:00+00:00"),
        ("Asia/Beirut", date(2022, 3, 27), "2022-03-26T22:00:00+00:00"),  # there was no midnight
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00:00+00:00"),  # there were two
    ],
)
def test_a_local_day_begins_at_its_first_instant(zone: str, day: date, first: str) -> None:
    start = day_start(day_micros(day), zone)
    assert instant(start).isoformat() == first
    assert day_date(local_day(start, zone)) == day
    assert day_date(local_day(start - 1, zone)) < day


def test_a_normalised_rule_reads_back_as_itself() -> None:
    rule = {
        "all": [
            {"trait": "city", "op": "in", "value": ["上海", "7", 7]},
            {"not": {"event": "Order Completed"}},
            {"event": "Order Completed", "measure": "sum", "property": "total", "op": "gt", "value": "5",
             "within": {"last": "2w", "mode": "calendar", "include_today": False}},
            {"any": [{"event": "x", "within": {"until": "2026-11-11"}, "where": [{"property": "a", "op": "exists"}]}]},
        ]
    }  # fmt: skip
    node = parse_rule(rule, time_zone="Asia/Shanghai", currency="CNY")
    written = write_rule(node)
    assert written["all"][2]["currency"] == "CNY"
    again = parse_rule(written, time_zone="Asia/Shanghai", currency="USD")
    assert again == node
    assert write_rule(again) == written


def test_every_fault_of_a_rule_is_named() -> None:
    rule = {"all": [{"tag": "x"}, {"trait": "a", "op": "gt", "value": "b"}, {"any": [5, {"segment": "s"}]}]}
    with pytest.raises(Faults) as refused:
        parse_rule(rule, time_zone="UTC", currency="CNY", known_segments=())
    assert [(one.pointer, one.code) for one in refused.value.faults] == [
        ("#/rule/all/0/tag", "unsupported_rule"),
        ("#/rule/all/1/value", "invalid_rule"),
        ("#/rule/all/2/any/0", "invalid_rule"),
        ("#/rule/all/2/any/1/segment", "unknown_segment"),
    ]


def test_amounts_follow_the_digits_of_their_currency() -> None:
    assert in_minor_units({"price": 12.345, "currency": "KWD"}, "CNY")["price"] == 12_345
    assert in_minor_units({"price": 1999, "currency": "JPY"}, "CNY")["price"] == 1999
    assert in_minor_units({"price": "0.005"}, "CNY") == {"price": 1, "currency": "CNY"}
    assert in_minor_units({"size": 1.5}, "CNY") == {"size": 1.5}
    with pytest.raises(Rejected):
        in_minor_units({"price": 1, "currency": "人民币"}, "CNY")


WORDS = [
    "all", "any", "not", "trait", "event", "segment", "op", "value", "measure", "property", "within", "where", "currency",
    "last", "mode", "from", "until", "include_today", "tag", "x",
]  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5),
    st.sampled_from(
        ["eq", "ne", "in", "gt", "between", "before", "within_last", "exists", "count", "sum", "first", "30d", "1w", "rolling",
         "calendar", "2026-11-11", "9999-12-31T23:59:59-23:59", "0001-01-01", "-1", "CNY", "total"]
    ),
)  # fmt: skip
JSON = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)),
    max_leaves=12,
)


@settings(max_examples=examples(400))
@given(rule=JSON)
def test_whatever_is_sent_as_a_rule_is_read_or_refused(rule: Any) -> None:
    found: list[Any] = []
    node = None
    try:
        node = parse_rule(rule, time_zone="Asia/Shanghai", currency="CNY", known_segments=["x"])
    except Faults as faults:
        found = faults.faults
    assert (node is None) == bool(found)
    assert all(one.pointer.startswith("#/rule") and one.code and one.detail for one in found)
    if node is not None:
        assert parse_rule(write_rule(node), time_zone="Asia/Shanghai", currency="CNY") == node


@settings(max_examples=examples(400))
@given(
    item=st.dictionaries(
        st.sampled_from(
            [
                "type",
                "userId",
                "anonymousId",
                "event",
                "properties",
                "traits",
                "timestamp",
                "sentAt",
                "context",
                "messageId",
            ]
        ),
        st.one_of(
            VALUES, st.dictionaries(st.sampled_from(["total", "currency", "products", "order_id"]), JSON, max_size=4)
        ),
    )
)
def test_whatever_is_sent_as_an_item_is_accepted_or_rejected(item: Any) -> None:
    item["type"] = item.get("type") if item.get("type") == "x" else "track"
    arrival = Arrival(datetime(2026, 11, 11, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
    reason = None
    try:
        assert normalise(item, arrival).ts <= micros(arrival.received_at)
    except Rejected as rejected:
        reason = rejected
    assert reason is None or (reason.code and str(reason))
