"""What `--quick` leaves out, and that it is said; that CI leaves out nothing."""

from collections import Counter

import pytest

REASONS = {"second": "repeat a test on a second database", "slow": "take more than ten seconds"}
_SECOND, _FIRST = "postgresql", "sqlite"


class Selection:
    """Leaves out what takes long and what repeats on PostgreSQL a test that runs on SQLite. Counts it for the last line."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        ids = {item.nodeid for item in items}
        why = {item.nodeid: reason for item in items if (reason := _reason(item, ids))}
        self.left_out = Counter(why.values())
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in why])
        items[:] = [item for item in items if item.nodeid not in why]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["left_out"] = dict(self.left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """A worker is done. Each has collected, and left out, the same."""
        self.left_out = Counter(getattr(node, "workeroutput", {}).get("left_out", self.left_out))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.left_out:
            counts = ", ".join(f"{self.left_out[reason]} that {text}" for reason, text in REASONS.items())
            terminalreporter.write_sep("=", "left out", yellow=True)
            terminalreporter.write_line(f"{counts}. `make test-all` runs them; `make test T=path` all of that path.")


class NothingSkipped:
    """With CI=true a run in which a test skipped itself has failed."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and terminal.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(item: pytest.Item, ids: set[str]) -> str | None:
    if item.get_closest_marker("slow"):
        return "slow"
    first = item.nodeid.replace(_SECOND, _FIRST)
    return "second" if first != item.nodeid and first in ids else None
