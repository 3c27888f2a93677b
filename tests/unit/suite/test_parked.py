"""Parked messages can be read whatever they are."""

import pytest

from shared.messaging import Parked
from suite.commands.parked import contents


def parked(body: bytes) -> Parked:
    return Parked("evt_1", "journey.events", "events.tracked", 4, "boom", body)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('[{"id":"evt_1","payload":{"sku":"库存"}}]'.encode(), [{"id": "evt_1", "payload": {"sku": "库存"}}]),
        (b'{"id":"evt_1"}', [{"id": "evt_1"}]),
        (b"\xff rubbish", [{"not_json": "\ufffd rubbish"}]),
        (b"", [{"not_json": ""}]),
    ],
)
def test_any_body_can_be_shown(body: bytes, shown: list[object]) -> None:
    assert contents(parked(body)) == shown
