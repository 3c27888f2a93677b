"""`quanyu parked` on the local bus's file, as an operator uses it while nothing runs."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from kit.servers import free_port
from messaging.arrangement import until

from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import Failed, LocalBus, Pack
from suite import cli

QUEUE = "journey.events"
BODIES = {"evt_one": b'[{"id":"evt_one"}]', "evt_two": b'[{"id":"evt_two"}]', "evt_junk": b"\xff no message"}
Quanyu = Callable[..., str]


async def park(folder: Path) -> None:
    """Three messages whose handler refuses them for good."""

    async def refuse(packs: Sequence[Pack]) -> list[Failed]:
        return [Failed(pack, "refused for lin@example.com") for pack in packs]

    bus = LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), SystemClock(), retry_seconds=())
    await bus.start()
    await bus.subscribe(QUEUE, ["events.tracked"], refuse)
    await bus.publish([Pack(name, "events.tracked", body) for name, body in BODIES.items()])

    async def all_parked() -> bool:
        return len(await bus.parked(QUEUE)) == len(BODIES)

    await until(all_parked, "all parked")
    await bus.stop()


@pytest.fixture
def quanyu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Quanyu:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    asyncio.run(park(tmp_path))

    def call(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["quanyu", "parked", *arguments, "--data-dir", str(tmp_path)])
        try:
            cli.main()
            ended = 0
        except SystemExit as end:
            ended = int(end.code or 0)
        printed = capsys.readouterr()
        assert ended == code, printed.err
        return printed.out + printed.err

    return call


def test_parked_messages_are_listed_shown_replayed_and_dropped(quanyu: Quanyu) -> None:
    listed = quanyu("list")
    assert all(name in listed for name in BODIES)
    assert "lin@" not in listed
    assert "evt_two" in quanyu("show", QUEUE, "evt_two")
    assert "no message" in quanyu("show", QUEUE, "evt_junk")
    assert "1 replayed" in quanyu("replay", QUEUE, "evt_one")
    assert "no parked message evt_one" in " ".join(quanyu("replay", QUEUE, "evt_one", code=1).split())
    assert "no parked message evt_one" in " ".join(quanyu("show", QUEUE, "evt_one", code=1).split())
    assert "1 dropped" in quanyu("drop", QUEUE, "evt_junk")
    assert "1 replayed" in quanyu("replay", QUEUE, "all")
    assert "Nothing is parked" in quanyu("list")


def test_a_broker_that_is_away_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, quanyu: Quanyu) -> None:
    monkeypatch.setenv("QUANYU_BROKER_URL", f"amqp://guest:hidden-word@127.0.0.1:{free_port()}/")
    for command in (("list",), ("show", QUEUE, "evt_one"), ("replay", QUEUE, "all")):
        said = " ".join(quanyu(*command, code=1).split())
        assert "quanyu: The message bus does not answer. Check QUANYU_BROKER_URL" in said
        assert "hidden-word" not in said
