"""What comes in a flood is told once in a minute, with how many were left out."""

import logging

import pytest
import structlog
from structlog.testing import LogCapture

from shared.observability import outages


def test_a_flood_is_a_line_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("shared.observability.outages.time.monotonic", lambda: now)
    lines = LogCapture()
    log = outages.Seldom(structlog.wrap_logger(None, [lines], structlog.make_filtering_bound_logger(logging.INFO)))
    for number in range(1_000):
        log.info("order matches nothing", order_id=f"o{number}")
    now += 61
    log.info("order matches nothing", order_id="later")
    log.info("order matches nothing", order_id="at once after it")
    told = [(line["order_id"], line["untold"]) for line in lines.entries]
    assert told == [("o0", 0), ("later", 999)]
