"""What a killed run leaves behind is found by the next one, and what a living run has made is left alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit import runs


def of_a_run(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> runs.Ledger:
    monkeypatch.setenv(runs.MARK, name)
    return runs.Ledger(folder, "gw0")


def test_only_what_runs_that_are_over_have_made_is_taken_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = runs.name_of(os.getpid())
    assert alive is not None
    of_a_run(alive, tmp_path, monkeypatch).note("database", "mine")
    over = of_a_run(f"{os.getpid()}_1", tmp_path, monkeypatch)  # the same id, given out again
    over.note("database", "kept")
    over.note("database", "dropped")
    over.forget("database", "dropped")
    assert list(over.left_behind()) == [("database", "kept")]
    assert list(over.left_behind()) == []
    assert [file.name for file in tmp_path.iterdir()] == [f"{alive}.gw0.json"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked up in /proc")
def test_children_of_a_run_that_is_over_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def child() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"], stdout=-1)

    ours = child()
    monkeypatch.setenv(runs.MARK, f"{os.getpid()}_1")
    orphan = child()
    try:
        for one in (ours, orphan):
            assert one.stdout is not None
            one.stdout.readline()
        assert orphan.pid in runs.kill_orphans()
        assert orphan.wait() == -9
        assert ours.poll() is None
    finally:
        for one in (ours, orphan):
            one.kill()
            one.communicate()
