"""Alert rules, dashboard and pages name the metrics that the code registers, with their labels, and none besides."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from suite.handbook.metrics import ALERTS, CHINESE, NAME, alerts, metrics, named_in

ROOT = Path(__file__).parents[3]
BOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/quanyu.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
QUERIES = {
    **{rule["alert"]: rule["expr"] for rule in alerts()},
    **{f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]},
}
KNOWN = {metric.name: metric for metric in metrics()}
OF_PROMETHEUS = {"le", "job", "instance"}
NOT_ALERTED = {
    "quanyu_door_connections": "how many there may be is a setting; who is refused has an alert",
    "quanyu_gateway_capacity": "who is refused has an alert",
    "quanyu_gateway_key_lookups_total": "a share, to be looked at",
    "quanyu_gateway_replicas": "the right number is the operator's",
    "quanyu_gateway_upstream_connections": "failures have an alert",
    "quanyu_group_commit_batch_size": "to be looked at",
    "quanyu_outbox_published_total": "what is not sent has an alert",
}


def labels_in(query: str) -> set[str]:
    """Labels that a query matches or groups by."""
    grouped = re.findall(r"\bby \(([^)]*)\)", query)
    matched = re.findall(r"\{([^}]*)\}", query)
    return {name.strip() for group in grouped for name in group.split(",")} | {
        name for matcher in matched for name in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matcher)
    }


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_queries_name_metrics_and_labels_that_exist(query: str) -> None:
    named = named_in(query)
    assert named - set(KNOWN) == set()
    for name in NAME.findall(query):
        suffixed = name not in KNOWN
        kinds = {KNOWN[one].kind for one in named_in(name)}
        assert (kinds == {"histogram"}) is suffixed, "of a histogram, and only of one, parts are asked for"
    labels = set().union(*(KNOWN[name].labels for name in named)) if named else set()
    assert labels_in(query) - labels - OF_PROMETHEUS == set()
    assert query.count("(") == query.count(")")


def test_every_metric_has_an_alert_or_a_reason_for_none() -> None:
    alerted = set().union(*(named_in(rule["expr"]) for rule in alerts()))
    assert set(KNOWN) - alerted == set(NOT_ALERTED)
    assert set(KNOWN) == set(CHINESE)


def test_rules_have_the_shape_that_prometheus_wants() -> None:
    document = yaml.safe_load(ALERTS.read_text())
    assert set(document) == {"groups"}
    for group in document["groups"]:
        assert set(group) == {"name", "rules"}
    rules = alerts()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+[smh]", rule["for"]), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        used = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        assert set(used) <= labels_in(rule["expr"]) | {"instance", "service"}, rule["alert"]
        assert sorted(used) == sorted(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary_zh"])), rule["alert"]
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True)


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert (len(set(ids)), BOARD["uid"]) == (len(ids), "quanyu")
    taken = set[tuple[int, int]]()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
    shown = set().union(*(named_in(target["expr"]) for panel in PANELS for target in panel["targets"]))
    assert set(KNOWN) - shown <= {
        "quanyu_figures_failed_total",
        "quanyu_gateway_forwarded_untrusted_total",
        "quanyu_gateway_limit_store_failures_total",
        "quanyu_gateway_replicas",
        "quanyu_loop_last_success_timestamp_seconds",
        "quanyu_outbox_published_total",
        "quanyu_outbox_relay_failures_total",
    }


def test_every_metric_on_the_page_is_served_and_the_other_way_round() -> None:
    served = set(re.findall(r"^# TYPE (quanyu_\w+) ", generate_latest().decode(), re.MULTILINE))
    served = {name for name in served if not name.endswith("_created")}
    for page in ("metrics.md", "metrics.zh-CN.md"):
        listed = set(re.findall(r"^\| `(quanyu_\w+)` \|", (ROOT / "docs" / page).read_text(), re.MULTILINE))
        assert listed == served, page


def test_labels_are_few_and_never_name_a_person_or_a_key() -> None:
    for metric in metrics():
        assert len(metric.labels) <= 4
        assert not {"key", "key_id", "customer", "customer_id", "owner", "path", "url", "address"} & {*metric.labels}
