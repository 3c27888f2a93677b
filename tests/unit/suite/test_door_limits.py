"""How many connections fit into a process, and who is too slow."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.commands.serve import _limits
from suite.door.limits import Limits, connections_within
from suite.door.pace import Pace
from suite.settings import SuiteSettings


class Unread:
    """A transport that holds so many bytes."""

    def __init__(self) -> None:
        self.size = 0

    def get_write_buffer_size(self) -> int:
        return self.size

    def get_extra_info(self, _name: str) -> Any:
        raise OSError


@pytest.mark.parametrize(
    ("descriptors", "wanted", "connections"),
    [
        (1024, None, 384),
        (65_536, None, 8_192),
        (65_536, 20_000, 20_000),
        (1024, 5_000, 384),
        (4_096, 100, 100),
        (256, None, 64),
        (None, None, 8_192),
    ],
)
def test_databases_and_parts_keep_their_descriptors(
    descriptors: int | None, wanted: int | None, connections: int
) -> None:
    assert connections_within(descriptors, wanted) == connections


def test_a_process_takes_what_its_user_may_have() -> None:
    code = """
import resource
from suite.door.limits import raise_descriptors
print(raise_descriptors(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    run = subprocess.run(
        ["sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    number, soft, hard = run.stdout.split()
    assert number == soft
    assert int(number) == min(int(hard), 65_536) > 256


@pytest.mark.parametrize(("descriptors", "wanted", "told"), [(1024, None, False), (256, None, True), (1024, 900, True)])
def test_the_operator_is_told_when_few_fit(
    descriptors: int, wanted: int | None, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _limits(SuiteSettings(open_connections=wanted), (), descriptors)
    assert ("callers can be connected at once" in capsys.readouterr().err) is told


def test_only_the_public_door_counts_addresses() -> None:
    assert _limits(SuiteSettings(), ("10.0.0.0/8",), None).per_address == 256
    assert _limits(SuiteSettings(), None, None).per_address is None


@given(st.lists(st.integers(500, 5_000), max_size=200))
def test_who_keeps_the_rate_never_owes(seconds: list[int]) -> None:
    pace = Pace(Limits())
    for moved in seconds:
        pace.received = moved
        assert not pace.sends_slowly(1.0, expected=True)
        assert pace.owes == 0


@given(st.lists(st.tuples(st.integers(0, 2_000), st.booleans()), max_size=200))
def test_who_is_late_has_sent_less_than_the_rate_for_as_long_as_is_allowed(seconds: list[tuple[int, bool]]) -> None:
    pace, lately = Pace(Limits()), []
    for moved, expected in seconds:
        pace.received = moved
        if expected:
            lately.append(moved)
        if pace.sends_slowly(1.0, expected=expected):
            worst = min(sum(lately[-n:]) - 500 * (n - 30) for n in range(1, len(lately) + 1))
            assert worst < 0
            return
        assert pace.owes <= 30


def test_a_reader_is_late_by_what_they_leave_lying() -> None:
    transport, pace = Unread(), Pace(Limits(stall_seconds=3))
    found = []
    for size in (0, 9_000, 9_000, 8_500, 8_500, 8_500, 8_500):
        transport.size = size
        found.append(pace.reads_slowly(1.0, transport))  # type: ignore[arg-type]
    assert found == [False] * 6 + [True]
