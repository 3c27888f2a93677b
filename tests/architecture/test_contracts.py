"""Contracts stay what they are: additive changes only, each event told by somebody and heard by somebody, all in the docs."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.clock import SystemClock
from shared.contracts import REGISTRY, Event
from shared.contracts.catalogue import CATALOGUE, ROOT, SNAPSHOTS, outdated, problems, snapshot, snapshot_changes
from shared.db import Database
from shared.messaging import LocalBus
from shared.service import Service
from suite.parts import PARTS
from suite.wiring import build

EVENTS = [pytest.param(event, id=name) for name, event in sorted(REGISTRY.items())]
UPDATE = "run: python -m shared.contracts.catalogue --write"


def test_no_contract_breaks_who_reads_it() -> None:
    assert problems() == []


@pytest.mark.parametrize("event", EVENTS)
def test_snapshots_are_up_to_date(event: type[Event]) -> None:
    path = ROOT / SNAPSHOTS / f"{event.name}.json"
    assert path.exists(), UPDATE
    assert json.loads(path.read_text(encoding="utf-8")) == snapshot(event), UPDATE


def test_the_catalogue_in_the_docs_is_up_to_date() -> None:
    assert ROOT / CATALOGUE not in outdated(), UPDATE


def test_a_breaking_change_would_be_seen() -> None:
    event = REGISTRY["coupon.redeemed"]
    before: dict[str, Any] = json.loads(json.dumps(snapshot(event)))
    before["schema"]["properties"]["cashier"] = {"type": "string"}
    assert snapshot_changes(before, event) == ["cashier is gone"]
    assert snapshot_changes({**snapshot(event), "version": event.version + 1}, event)


def _constructed(package: Path) -> Iterator[str]:
    """Names that a package's code calls: among them the events that it makes."""
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node, ast.Name):
                yield node.id  # chosen from a table of classes, and called later


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_publisher(event: type[Event]) -> None:
    package = ROOT / "gateway" if event.owner == "gateway" else ROOT / "services" / event.owner
    assert event.__name__ in set(_constructed(package)), f"{event.owner} never makes it"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> list[Service]:
    """The real parts, not running."""
    folder = tmp_path_factory.mktemp("parts")
    bus = LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), SystemClock())
    upstreams = {f"{name}_url": "http://127.0.0.1:1" for name in PARTS if name != "gateway"}
    return [build(name, {"data_dir": folder, **upstreams}, bus) for name in PARTS]


@pytest.fixture(scope="module")
def heard(services: list[Service]) -> set[str]:
    """The names that the parts subscribe to."""
    return {name for service in services for subscription in service.subscriptions for name in subscription.names}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_heard_or_public(event: type[Event], heard: set[str]) -> None:
    assert event.public or event.name in heard


def test_public_events_reach_the_webhooks(heard: set[str]) -> None:
    assert {name for name, event in REGISTRY.items() if event.public} <= heard


def test_the_parts_readmes_say_what_they_hear(services: list[Service]) -> None:
    """The row of a subscription's consumer names its events, and no consumer that is gone."""
    for service in services:
        folder = ROOT / "gateway" if service.name == "gateway" else ROOT / "services" / service.name
        text = (folder / "README.md").read_text(encoding="utf-8")
        rows = dict(re.findall(r"^\| (`[\w.]+`.*|every public event) \| `\w+/` \((.*)\) \|", text, re.MULTILINE))
        public = {name for name, event in REGISTRY.items() if event.public}
        told = [
            (consumer, public if events == "every public event" else set(re.findall(r"`([\w.]+)`", events)))
            for events, consumers in rows.items()
            for consumer in re.findall(r"`([\w.]+)`", consumers)
        ]
        assert {consumer for consumer, _ in told} == {one.consumer for one in service.subscriptions}, service.name
        for one in service.subscriptions:
            assert set(one.names) <= dict(told)[one.consumer], one.consumer
