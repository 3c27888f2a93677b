"""Rules of segments for property tests: a strategy that draws any rule, and a catalogue that holds every kind of leaf."""

from typing import Any

from hypothesis import strategies as st

ZONES = ["Asia/Shanghai", "America/New_York"]
EVENTS = ["Order Completed", "Product Viewed"]
WINDOWS = st.one_of(
    st.none(),
    st.builds(lambda last: {"last": last, "mode": "rolling"}, st.sampled_from(["1h", "6h", "1d", "3d"])),
    st.builds(
        lambda last, today: {"last": last, "mode": "calendar", "include_today": today},
        st.sampled_from(["1d", "2d", "3d"]),
        st.booleans(),
    ),
    st.sampled_from(
        [
            {"from": "2026-11-10", "until": "2026-11-12"},
            {"from": "2026-11-11T01:00:00Z"},
            {"until": "2026-11-11T12:00:00+08:00"},
        ]
    ),
)
COMPARE = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])
WHERE = st.sampled_from(
    [
        None,
        [{"property": "total", "op": "gt", "value": 500}],
        [{"property": "sku", "op": "in", "value": ["a", "7"]}],
        [{"property": "sku", "op": "ne", "value": "a"}],
        [{"property": "sku", "op": "not_exists"}, {"property": "total", "op": "lte", "value": 1000}],
        [{"property": "made", "op": "before", "value": "2026-11-11"}],
        [{"property": "made", "op": "after", "value": "2026-11-10"}],
    ]
)


def leaf(event: str, within: Any, where: Any, **rest: Any) -> dict[str, Any]:
    shown = {"event": event, "within": within, "where": where, **rest}
    return {name: value for name, value in shown.items() if value is not None}


def numeric(measure: str, name: str | None, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A leaf with a measured number."""
    one = st.builds(
        lambda event, within, where, op, value: leaf(
            event, within, where, measure=measure, property=name, op=op, value=value
        ),
        st.sampled_from(EVENTS), WINDOWS, WHERE, COMPARE, values,
    )  # fmt: skip
    two = st.builds(
        lambda event, within, a, b: leaf(
            event, within, None, measure=measure, property=name, op="between", value=sorted([a, b])
        ),
        st.sampled_from(EVENTS), WINDOWS, values, values,
    )  # fmt: skip
    return st.one_of(one, two)


def edge(measure: str) -> st.SearchStrategy[Any]:
    """A leaf of the first or last event: of its property, or of its time."""
    of_property = st.builds(
        lambda event, within, op, value: leaf(
            event, within, None, measure=measure, property="sku", op=op, value=[value] if "in" in op else value
        ),
        st.sampled_from(EVENTS),
        WINDOWS,
        st.sampled_from(["eq", "ne", "in", "not_in", "starts_with"]),
        st.sampled_from(["a", "b", "7", 7]),
    )
    tests = [
        ("before", "2026-11-11"), ("after", "2026-11-10"), ("after", "2026-11-11T03:30:00Z"),
        ("within_last", "6h"), ("within_last", "2d"), ("exists", None), ("not_exists", None),
    ]  # fmt: skip
    of_time = st.builds(
        lambda event, within, test: leaf(event, within, None, measure=measure, op=test[0], value=test[1]),
        st.sampled_from(EVENTS),
        WINDOWS,
        st.sampled_from(tests),
    )
    return st.one_of(of_property, of_time)


def presence(measure: str) -> st.SearchStrategy[Any]:
    """Whether there is anything to measure."""
    return st.builds(
        lambda within, op: leaf("Order Completed", within, None, measure=measure, property="total", op=op),
        WINDOWS,
        st.sampled_from(["exists", "not_exists"]),
    )


BY_MEASURE: dict[str, st.SearchStrategy[Any]] = {
    "count": numeric("count", None, st.integers(0, 4)),
    "sum": st.one_of(
        numeric("sum", "total", st.sampled_from([0, 500, 1000, 2500])),
        numeric("sum", "weight", st.sampled_from([0.3, 0.6, -1.5])),
    ),
    "avg": st.one_of(numeric("avg", "total", st.sampled_from([500, 750, 1000])), presence("avg")),
    "min": st.one_of(numeric("min", "total", st.sampled_from([500, 1000])), presence("min")),
    "max": st.one_of(numeric("max", "total", st.sampled_from([500, 1000])), presence("max")),
    "distinct": numeric("distinct", "sku", st.integers(0, 3)),
    "first": edge("first"),
    "last": edge("last"),
}
EVENT_LEAVES = st.one_of(*BY_MEASURE.values())
TRAIT_LEAVES = st.sampled_from(
    [
        {"trait": "city", "op": "eq", "value": "上海"},
        {"trait": "city", "op": "ne", "value": "上海"},
        {"trait": "city", "op": "in", "value": ["北京", "7"]},
        {"trait": "city", "op": "not_in", "value": ["上海", 7]},
        {"trait": "city", "op": "starts_with", "value": "上"},
        {"trait": "tags", "op": "contains", "value": "a"},
        {"trait": "city", "op": "contains", "value": "海"},
        {"trait": "score", "op": "gt", "value": 5},
        {"trait": "score", "op": "lte", "value": "5.5"},
        {"trait": "score", "op": "between", "value": [5, 7]},
        {"trait": "score", "op": "exists"},
        {"trait": "score", "op": "not_exists"},
        {"trait": "joined", "op": "before", "value": "2026-11-11"},
        {"trait": "joined", "op": "after", "value": "2026-11-10"},
        {"trait": "joined", "op": "after", "value": "2026-11-11T02:00:00+08:00"},
        {"trait": "joined", "op": "within_last", "value": "1d"},
        {"trait": "joined", "op": "within_last", "value": "6h"},
    ]
)
LEAVES = st.one_of(EVENT_LEAVES, EVENT_LEAVES, TRAIT_LEAVES)
RULES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda rules: {"all": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rules: {"any": rules}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda rule: {"not": rule}, inner),
    ),
    max_leaves=4,
)

_3D = {"last": "3d", "mode": "rolling"}
_1D = {"last": "1d", "mode": "rolling"}
_1H = {"last": "1h", "mode": "rolling"}
_ORDER = {"event": "Order Completed"}
_VIEW = {"event": "Product Viewed"}
CATALOGUE: list[dict[str, Any]] = [
    {**_ORDER, "op": "gte", "value": 1, "within": _1H},
    {**_ORDER, "op": "gte", "value": 2, "within": _1D},
    {**_ORDER, "op": "eq", "value": 2, "within": _1D},
    {**_ORDER, "op": "ne", "value": 1, "within": _1H},
    {**_ORDER, "op": "lt", "value": 2, "within": _3D},
    {**_ORDER, "op": "between", "value": [1, 2], "within": _1D},
    {**_ORDER, "op": "eq", "value": 0},
    {**_VIEW, "op": "gte", "value": 3},
    {**_VIEW, "op": "in", "value": [1, 3], "within": _1D},
    {**_VIEW, "op": "gte", "value": 1, "within": {"last": "1d", "mode": "calendar"}},
    {**_VIEW, "op": "gte", "value": 2, "within": {"last": "2d", "mode": "calendar", "include_today": False}},
    {**_VIEW, "op": "gte", "value": 1, "within": {"from": "2026-11-10", "until": "2026-11-12"}},
    {**_ORDER, "op": "gte", "value": 1, "within": _3D, "where": [{"property": "total", "op": "gt", "value": 500}]},
    {**_ORDER, "op": "gte", "value": 1, "within": _3D, "where": [{"property": "sku", "op": "ne", "value": "a"}]},
    {**_ORDER, "op": "gte", "value": 1, "where": [{"property": "made", "op": "before", "value": "2026-11-11"}]},
    {**_ORDER, "measure": "sum", "property": "total", "op": "gte", "value": 1500, "within": _1D},
    {**_ORDER, "measure": "sum", "property": "total", "op": "gte", "value": 1500, "within": _1D, "currency": "USD"},
    {**_ORDER, "measure": "sum", "property": "total", "op": "gt", "value": 2000},
    {**_VIEW, "measure": "sum", "property": "weight", "op": "eq", "value": 0.3, "within": _3D},
    {**_ORDER, "measure": "avg", "property": "total", "op": "gte", "value": 750, "within": _1D},
    {**_ORDER, "measure": "avg", "property": "total", "op": "ne", "value": 500},
    {**_ORDER, "measure": "min", "property": "total", "op": "lt", "value": 600, "within": _1D},
    {**_ORDER, "measure": "max", "property": "total", "op": "lte", "value": 1000, "within": _1D},
    {**_ORDER, "measure": "min", "property": "total", "op": "not_exists", "within": _1H},
    {**_VIEW, "measure": "distinct", "property": "sku", "op": "gte", "value": 2, "within": _1D},
    {**_VIEW, "measure": "distinct", "property": "sku", "op": "gte", "value": 2},
    {**_VIEW, "measure": "first", "property": "sku", "op": "eq", "value": "a", "within": _1D},
    {**_VIEW, "measure": "last", "property": "sku", "op": "eq", "value": 7, "within": _1D},
    {**_VIEW, "measure": "last", "property": "sku", "op": "ne", "value": "b"},
    {**_VIEW, "measure": "last", "op": "within_last", "value": "6h"},
    {**_VIEW, "measure": "first", "op": "within_last", "value": "1d", "within": _3D},
    {**_ORDER, "measure": "first", "op": "after", "value": "2026-11-10"},
    {**_ORDER, "measure": "last", "op": "not_exists", "within": _1D},
    {"trait": "city", "op": "eq", "value": "上海"},
    {"trait": "city", "op": "not_in", "value": ["上海", 7]},
    {"trait": "tags", "op": "contains", "value": "a"},
    {"trait": "score", "op": "lte", "value": "5.5"},
    {"trait": "score", "op": "not_exists"},
    {"trait": "joined", "op": "within_last", "value": "1d"},
    {"trait": "joined", "op": "before", "value": "2026-11-11"},
    {"all": [{"trait": "city", "op": "eq", "value": "上海"}, {**_VIEW, "op": "gte", "value": 1, "within": _1H}]},
    {"any": [{"not": {**_ORDER, "within": _1D}}, {"trait": "score", "op": "gt", "value": 5}]},
    {"all": [{**_VIEW, "within": _1D}, {"not": {**_ORDER, "within": _1H}}]},
]
"""Every operator, measure and window at least once; short windows, so that random histories cross their edges."""
