"""How the story is told and checked: numbered scenes, one line per step with its ids, amounts and time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rich.console import Console

from shared.language import say
from suite.client import NotRunning, Problem
from suite.errors import Stop
from suite.terminal import plain

PATIENCE = 15.0  # seconds until something that should happen by itself counts as missing
Found = TypeVar("Found")


class TourFailed(Stop):
    """An expectation of the story did not hold; the message says which."""


class Stage:
    """Prints and checks. `patience` is in seconds; the tests that kill processes give more of it."""

    def __init__(self, console: Console, patience: float = PATIENCE) -> None:
        self._console = console
        self._patience = patience
        self._scene = 0
        self._started = time.perf_counter()
        self.checks = 0

    def scene(self, title: str) -> None:
        """The title of the next scene."""
        self._scene += 1
        self._console.print(f"\n[bold]{self._scene}  {plain(title)}[/bold]")

    def tell(self, what: str, *details: str, seconds: float | None = None) -> None:
        """One step that happened."""
        text = " · ".join((plain(what), *(f"[cyan]{plain(detail)}[/cyan]" for detail in details if detail)))
        took = f"  [dim]{_time(seconds)}[/dim]" if seconds is not None else ""
        self._console.print(f"   [green]✓[/green] {text}{took}", soft_wrap=True)

    def note(self, text: str) -> None:
        """A remark, dimmed."""
        self._console.print(f"     [dim]{plain(text)}[/dim]", soft_wrap=True)

    def expect(self, holds: bool, sentence: str) -> None:
        """Raises TourFailed with the sentence (what should have been, and what was) when it does not hold."""
        self.checks += 1
        if not holds:
            raise TourFailed(f"Scene {self._scene}: {sentence}")

    def equal(self, what: str, found: object, wanted: object) -> None:
        """Expect two values to be the same."""
        self.expect(
            found == wanted,
            say(f"{what} should be {wanted!r} but is {found!r}.", f"{what} 应为 {wanted!r}，却是 {found!r}。"),
        )

    async def until(self, what: str, look: Callable[[], Awaitable[Found | None]]) -> tuple[Found, float]:
        """Look again and again until something is found; answers it and the seconds that it took. Raises TourFailed.

        Refusals count as not yet: an object may appear a moment after the event that makes it.
        """
        started, last = time.perf_counter(), ""
        while time.perf_counter() - started < self._patience:
            try:
                found = await look()
            except (Problem, NotRunning) as error:
                if isinstance(error, Problem) and error.status not in (404, 409, 429, 502, 503, 504):
                    raise
                found, last = None, say(f" Last answer: {error}", f" 最后的应答：{error}")
            if found is not None:
                self.checks += 1
                return found, time.perf_counter() - started
            await asyncio.sleep(0.03)
        raise TourFailed(
            say(
                f"Scene {self._scene}: {what} did not happen within {self._patience:.0f} s.{last}",
                f"第 {self._scene} 幕：{what} 在 {self._patience:.0f} 秒内没有发生。{last}",
            )
        )

    def end(self) -> None:
        """How much was checked, and how long it took."""
        took = time.perf_counter() - self._started
        self._console.print(
            say(
                f"\n[bold green]The story is complete[/bold green]: {self.checks} checks in {took:.1f} s.",
                f"\n[bold green]故事完成[/bold green]：{self.checks} 项检查，用时 {took:.1f} 秒。",
            )
        )


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


class Clock:
    """Seconds since it was made, for steps that are timed by hand."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.perf_counter() - self._started


def short(value: Any, length: int = 30) -> str:
    """An id as it is, anything long cut."""
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"
