"""Every kind of bad definition gets one clear finding with its place."""

from copy import deepcopy
from typing import Any

import pytest

from services.journey.definition.graph import Definition
from services.journey.definition.rules import check, missing, needed

ABANDONED_CART: dict[str, Any] = {
    "name": "弃购挽回",
    "entry": {"kind": "event", "event": "Product Added", "key": "cart_id", "reentry": {"mode": "once_per_key"}},
    "exit_on": [{"event": "Order Completed"}],
    "goal": {"event": "Order Completed", "within": "3d"},
    "nodes": {
        "w": {"kind": "wait_for", "event": "Order Completed", "match_key": True, "timeout": "1h"},
        "s": {"kind": "split", "variants": [{"name": "A", "share_bp": 9000}, {"name": "holdout", "share_bp": 1000}]},
        "b": {"kind": "branch", "rule": {"all": [{"segment": "seg_1"}, {"not": {"any": [{"segment": "seg_2"}]}}]}},
        "c": {"kind": "issue_coupon", "template_id": "tpl_1"},
        "m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"},
        "x": {"kind": "exit"},
    },
    "edges": [
        ["entry", "w"], ["w", "timeout", "s"], ["w", "event", "x"], ["s", "A", "b"], ["s", "holdout", "x"],
        ["b", "yes", "c"], ["b", "no", "x"], ["c", "m"], ["m", "x"],
    ],
}  # fmt: skip


def findings(**changes: Any) -> list[tuple[str, str]]:
    """(pointer, code) of the cart journey with some paths (`nodes.w.timeout`) replaced; None removes."""
    raw = deepcopy(ABANDONED_CART)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = raw
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return [(finding.pointer, finding.code) for finding in check(Definition.model_validate(raw))]


def test_the_cart_journey_is_sound() -> None:
    assert findings() == []


EDGES = ABANDONED_CART["edges"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nodes__lost": {"kind": "exit"}}, [("#/nodes/lost", "unreachable_node")]),
        ({"edges": [*EDGES, ["w", "later", "x"]]}, [("#/edges/9", "unknown_port")]),
        ({"edges": [*EDGES, ["x", "m"]]}, [("#/edges/9", "unknown_port")]),
        ({"edges": [*EDGES, ["w", "x"]]}, [("#/edges/9", "unknown_port")]),
        ({"edges": [*EDGES, ["c", "ghost"]]}, [("#/edges/9/1", "unknown_node")]),
        ({"edges": [*EDGES, ["ghost", "x"]]}, [("#/edges/9/0", "unknown_node")]),
        ({"edges": [*EDGES, ["m", "error", "entry"]]}, [("#/edges/9/2", "unknown_node")]),
        ({"edges": [*EDGES, ["c", "x"]]}, [("#/edges/9", "port_wired_twice")]),
        ({"edges": [*EDGES, ["c", "error", "m"], ["m", "error", "c"]]},
         [("#/nodes/c", "loop_without_wait"), ("#/nodes/m", "loop_without_wait")]),
        ({"nodes__s__variants": [{"name": "A", "share_bp": 9000}, {"name": "holdout", "share_bp": 999}]},
         [("#/nodes/s/variants", "shares_not_whole")]),
        ({"nodes__w__timeout": "banana"}, [("#/nodes/w/timeout", "invalid_duration")]),
        ({"nodes__w__timeout": "0s"}, [("#/nodes/w/timeout", "invalid_duration")]),
        ({"goal__within": "forever"}, [("#/goal/within", "invalid_duration")]),
        ({"time_zone": "Mars/Olympus"}, [("#/time_zone", "unknown_time_zone")]),
        ({"time_zone": "right/UTC"}, [("#/time_zone", "unknown_time_zone")]),
        ({"entry__key": None}, [("#/entry/reentry/mode", "reentry_needs_key"), ("#/nodes/w/match_key", "match_needs_key")]),
        ({"nodes__b__rule": {}}, [("#/nodes/b/rule", "invalid_rule")]),
        ({"nodes__b__rule": {"colour": "red"}}, [("#/nodes/b/rule", "invalid_rule")]),
        ({"nodes__b__rule": {"all": []}}, [("#/nodes/b/rule/all", "invalid_rule")]),
        ({"nodes__b__rule": {"all": [{"trait": "a"}], "any": [{"trait": "a"}]}}, [("#/nodes/b/rule", "invalid_rule")]),
        ({"nodes__m__url": "https://example.com"}, [("#/nodes/m/url", "url_without_webhook")]),
        ({"nodes__entry": {"kind": "exit"}}, [("#/nodes/entry", "reserved_name"), ]),
    ],
)  # fmt: skip
def test_bad_definitions(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = findings(**changes)
    assert [one for one in found if one[1] != "unreachable_node" or one in expected] == expected


@pytest.mark.parametrize(
    ("wait", "code"),
    [
        ({"for": "1x"}, "invalid_duration"),
        ({"for": "1h", "at_local": "09:00"}, "wait_needs_one"),
        ({}, "wait_needs_one"),
        ({"at_local": "24:00"}, "invalid_local_time"),
        ({"at_local": "09:00", "time_zone": "Nowhere"}, "unknown_time_zone"),
        ({"until": "tomorrow"}, "invalid_date"),
        ({"until": "2030-01-01T09:00:00"}, "invalid_date"),
        ({"until": "2030-02-30"}, "invalid_date"),
        ({"until": {}}, "date_needs_one"),
        ({"until": {"property": "a", "trait": "b"}}, "date_needs_one"),
    ],
)
def test_bad_waits(wait: dict[str, Any], code: str) -> None:
    raw = {"name": "n", "entry": {"kind": "api"}, "nodes": {"w": {"kind": "wait", **wait}}, "edges": [["entry", "w"]]}
    assert [finding.code for finding in check(Definition.model_validate(raw))] == [code]


def test_an_unwired_entry() -> None:
    raw = {"name": "n", "entry": {"kind": "api"}, "nodes": {"x": {"kind": "exit"}}, "edges": []}
    assert [finding.code for finding in check(Definition.model_validate(raw))] == ["entry_unwired", "unreachable_node"]


def loop(wait: dict[str, Any], port: str) -> list[str]:
    raw = {
        "name": "n",
        "entry": {"kind": "api"},
        "nodes": {"w": wait, "m": {"kind": "send", "channel": "inbox", "template_id": "msg_1"}},
        "edges": [["entry", "w"], ["w", port, "m"], ["m", "w"]],
    }
    return [finding.code for finding in check(Definition.model_validate(raw))]


def test_cycles_pass_only_through_a_wait_of_a_minute() -> None:
    assert loop({"kind": "wait", "for": "60s"}, "out") == []
    assert loop({"kind": "wait", "at_local": "09:00"}, "out") == []
    assert loop({"kind": "wait_for", "event": "E", "timeout": "1m"}, "timeout") == []
    quick = ["loop_without_wait", "loop_without_wait"]
    assert loop({"kind": "wait", "for": "59s"}, "out") == quick
    assert loop({"kind": "wait", "until": "2030-01-01"}, "out") == quick
    assert loop({"kind": "wait", "for": "1h"}, "error") == quick
    assert loop({"kind": "wait_for", "event": "E", "timeout": "1h"}, "event") == quick


def test_a_rule_of_endless_depth_is_refused() -> None:
    rule: dict[str, Any] = {"segment": "seg_1"}
    for _ in range(5000):
        rule = {"not": rule}
    assert [code for _, code in findings(nodes__b__rule=rule)] == ["invalid_rule"]


def test_needed_ids_carry_their_places() -> None:
    found = needed(Definition.model_validate(ABANDONED_CART))
    assert found.templates == {"tpl_1": ["#/nodes/c/template_id"]}
    assert found.messages == {"msg_1": ["#/nodes/m/template_id"]}
    assert found.segments == {
        "seg_1": ["#/nodes/b/rule/all/0/segment"],
        "seg_2": ["#/nodes/b/rule/all/1/not/any/0/segment"],
    }
    lost = missing(found.segments, ["seg_1"], "unknown_segment", "segment")
    assert [(one.pointer, one.code) for one in lost] == [("#/nodes/b/rule/all/1/not/any/0/segment", "unknown_segment")]
