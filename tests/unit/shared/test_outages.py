"""What is away is told once when it is lost and once when it is back; what libraries say of it is folded; nobody is quoted."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger

from shared.loops import Loop
from shared.messaging import BusUnavailable
from shared.observability.errors import format_exception, summary
from shared.observability.logging import Folded
from shared.observability.masks import mask
from shared.observability.outages import Outage

PHONE, OPENID = "13912345678", "oK7xQ2mZp9Rr4TtLw8YyVbNcDfGh"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1000.0]
    monkeypatch.setattr("shared.observability.outages.time.monotonic", lambda: now[0])
    yield now
    monkeypatch.undo()


def test_an_outage_is_two_lines_whoever_notices_it(clock: list[float]) -> None:
    log, told = listening()
    outage = Outage(log, "RabbitMQ")
    outage.worked("publisher")
    for _ in range(5):
        clock[0] += 1
        outage.failed("ConnectionError: refused", "publisher")
        outage.failed("TimeoutError: no answer", "consumers")
    clock[0] += 0.5
    outage.worked("publisher")
    outage.worked("publisher")
    outage.worked("consumers")
    outage.worked("consumers")
    assert [(one["event"], one["log_level"]) for one in told] == [
        ("RabbitMQ is lost", "warning"),
        ("RabbitMQ is back", "info"),
    ]
    assert told[0]["error"] == "ConnectionError: refused"
    assert (told[1]["seconds"], told[1]["failures"]) == (4.5, 10)


def test_a_second_outage_is_told_too_and_in_a_long_one_another_reason(clock: list[float]) -> None:
    log, told = listening()
    outage = Outage(log, "it")
    for reason in ("A: x", "A: y", "B: z", "B: again"):
        outage.failed(reason)
        clock[0] += 20
    outage.worked()
    outage.failed("A: x")
    assert [one["event"] for one in told] == ["it is lost", "it stays lost", "it is back", "it is lost"]


def listening(**bound: Any) -> tuple[FilteringBoundLogger, list[Any]]:
    """A logger that hears everything, and what it heard."""
    heard = LogCapture()
    log = structlog.wrap_logger(None, [heard], structlog.make_filtering_bound_logger(logging.DEBUG), **bound)
    return log, heard.entries


async def rounds(*errors: Exception | None, told: bool = False) -> list[Any]:
    """The lines of a loop whose rounds end so."""
    left, done = list(errors), asyncio.Event()

    async def tick() -> bool:
        if not left:
            done.set()
            await asyncio.Event().wait()
        if (error := left.pop(0)) is not None:
            raise error
        return True

    log, lines = listening(service="coupon")
    running = asyncio.create_task(Loop("sweep", tick).run("coupon", log, lambda _: told))
    await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return [(one["event"], one["service"]) for one in lines]


async def test_a_loop_that_fails_says_so_once_and_once_that_it_works_again() -> None:
    assert await rounds(ValueError("x"), ValueError("x"), None, None) == [
        ("loop sweep is lost", "coupon"),
        ("loop sweep is back", "coupon"),
    ]


async def test_what_the_bus_or_the_database_tells_of_itself_no_loop_repeats() -> None:
    assert await rounds(BusUnavailable("away"), None, told=True) == []


class Customer(BaseModel):
    phone: int
    tags: dict[str, int]


def test_a_refused_value_is_told_by_its_place_and_not_quoted() -> None:
    with pytest.raises(ValidationError) as refused:
        Customer.model_validate({"phone": f"my {PHONE}", "tags": {OPENID: "x", PHONE: "y", "vip": "z"}})
    assert PHONE in str(refused.value), "pydantic quotes it"
    said = summary(refused.value)
    assert (PHONE in said, OPENID in said) == (False, False)
    assert said.startswith("ValidationError: 4 in Customer: phone int_parsing; ")
    assert "tags.vip int_parsing" in said
    assert "tags.… int_parsing" in said


def test_a_databases_error_is_told_by_its_kind() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection, pytest.raises(IntegrityError) as refused:
        connection.execute(text("CREATE TABLE t (phone TEXT UNIQUE)"))
        for _ in range(2):
            connection.execute(text("INSERT INTO t VALUES (:phone)"), {"phone": f"x{PHONE}x"})
    assert PHONE in str(refused.value), "SQLAlchemy quotes it"
    assert summary(refused.value) == "IntegrityError: UNIQUE constraint failed: t.phone"

    class Unique(Exception):
        sqlstate, constraint_name = "23505", "uq_customer_phone"

    assert summary(Unique(f"Key (phone)=({PHONE})")) == "Unique: Unique 23505 uq_customer_phone"


def test_a_traceback_quotes_nobody_down_to_its_cause() -> None:
    try:
        try:
            Customer.model_validate({"phone": f"my {PHONE}", "tags": {}})
        except ValidationError as cause:
            raise ExceptionGroup("all", [ValueError(f"call {PHONE}"), sqlite3.Error("gone")]) from cause
    except ExceptionGroup as error:
        told = format_exception((type(error), error, error.__traceback__))
    assert PHONE not in told
    for line in ("ValidationError: 1 in Customer: phone int_parsing", "ValueError: call 139****5678", "Error: gone"):
        assert line in told
    assert "model_validate" in told


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 13912345678 now", "call 139****5678 now"),
        ("139 1234 5678", "139****5678"),
        ("+86-139-1234-5678", "+86-139****5678"),
        ("+44 7911 123456", "+44****56"),
        (f"openid={OPENID}", "openid=oK7x…"),
        ("redis://:word@redis:6379/0", "redis://:…@redis:6379/0"),
        ("amqp://u:word@mq/", "amqp://u:…@mq/"),
        ("a.person@example.com", "a…@example.com"),
    ],
)
def test_what_is_personal_or_secret_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01T10:20:06+08:00",
        "order-13912345678901234",
        "omg_01M8RM062WE3MTNZGM4SQGV93P",
        "outbox_of_coupon_is_waiting_",
        "1796122613",
        "+0800",
    ],
)
def test_what_is_neither_stays(text: str) -> None:
    assert mask(text) == text


def record(name: str, message: str, *arguments: Any, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, "file", 1, message, arguments, exc_info)


def test_the_same_line_of_a_library_comes_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("shared.observability.logging.time.monotonic", lambda: now[0])
    folded = Folded()
    lines = []
    for _ in range(5):
        one = record("aiormq.connection", "Connection %r was blocked\nby %s", "c", "memory", error=ValueError(PHONE))
        if folded.filter(one):
            lines.append(one.getMessage())
            assert one.exc_info is None
        now[0] += 30
    first = "Connection 'c' was blocked: ValueError: 139****5678"
    assert lines == [
        first,
        f"{first} (1 times more in the minute before)",
        f"{first} (1 times more in the minute before)",
    ]


def test_what_a_lost_connection_leaves_behind_is_not_told_twice() -> None:
    folded = Folded()
    assert not folded.filter(record("aiormq.connection", "error when creating transport: %r", "x"))
    assert not folded.filter(record("asyncio", "Task exception was never retrieved", error=ConnectionResetError()))
    assert not folded.filter(record("sqlalchemy.pool", "Exception terminating connection", error=TimeoutError()))
    assert folded.filter(record("asyncio", "Task exception was never retrieved", error=KeyError("a bug")))
    assert folded.filter(record("elsewhere", "anything", error=ConnectionResetError()))
