"""What others have written is shown and does nothing: no markup, no escape sequences, on no line that the program prints."""

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from shared.observability.masks import visible
from suite import announcement, cli
from suite.client import Problem
from suite.commands import keys
from suite.terminal import plain
from suite.tour.stage import Stage

SUITE = Path(cli.__file__).parent
EVIL = [
    "[/red]",
    "[bold]loud[/bold]",
    "[link=https://evil.example]here[/link]",
    "[/]",
    "name\\",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b2J",
    "a\rb\x08c",
    "one\ntwo",
    "\u202egnp.exe",
    "\ud800",
    ":warning:",
]
KEY = {"id": "key_1", "kind": "secret", "status": "active", "scopes": ["*"], "key": "qy_live_sk_x"}


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 140 columns gets, colours and all."""
    found = io.StringIO()
    terminal = Console(file=found, width=140, force_terminal=True, highlight=False, emoji=False)
    for module in (keys, announcement):
        monkeypatch.setattr(module, "console", terminal)
    return found


def harmless(text: str, evil: str) -> bool:
    """Only our own colours are left of all that moves something, and the text itself is there to be read."""
    for colour in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1;31m", "\x1b[2m"):
        text = text.replace(colour, "")
    return text.replace("\n", "").isprintable() and visible(evil, keep="") in text.replace("\n", "")


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_a_keys_name_does_not_end_the_list(evil: str, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**KEY, "name": evil}, {**KEY, "name": "plain"}]

    def answered(work: Any) -> Any:
        work.close()
        return rows

    monkeypatch.setattr(keys, "run", answered)
    keys.list_keys()
    assert harmless(printed.getvalue(), evil)
    assert len(printed.getvalue().splitlines()) == 3
    assert "plain" in printed.getvalue()


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_a_new_key_and_a_step_of_the_tour_are_shown(evil: str, printed: io.StringIO) -> None:
    keys._show_new({**KEY, "name": evil})
    assert harmless(printed.getvalue(), evil)
    out = io.StringIO()
    stage = Stage(Console(file=out, width=200, force_terminal=True, highlight=False, emoji=False))
    stage.scene(evil)
    stage.tell(evil, evil, seconds=1)
    stage.note(evil)
    assert harmless(out.getvalue(), evil)


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_a_refusal_is_one_line(evil: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: Any) -> None:
        raise Problem(409, {"code": "x", "detail": evil}, "GET /v1/keys")

    monkeypatch.setattr(cli, "in_our_words", lambda _: refused)
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr().err
    assert visible(evil, keep="") in said
    assert said.rstrip("\n").isprintable()


def test_letters_of_every_language_stay() -> None:
    for text in ("满300减50　全场", "Ünïcode – „quoted“", "50 % off", "naïve\u00a0space"):
        assert plain(text) == text
    assert visible("two\nlines\tof a log") == "two\nlines\tof a log"


def prints() -> Iterator[tuple[str, ast.expr]]:
    """Every value that is put into a line which the program prints."""
    for path in sorted(SUITE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr not in ("print", "add_row", "add_task", "print_json"):
                    continue
                if any(one.arg == "markup" for one in node.keywords):
                    continue  # says itself that its text is no markup
                for argument in node.args:
                    said = (
                        isinstance(argument, ast.Call) and ast.unparse(argument.func) == "say"
                    )  # its parts are looked at
                    for value in ast.walk(argument):
                        if isinstance(value, ast.FormattedValue) and value.format_spec is None:
                            yield f"{path.relative_to(SUITE)}:{value.lineno}", value.value
                        elif (
                            value is argument
                            and not said
                            and not isinstance(value, ast.Constant | ast.JoinedStr | ast.Starred)
                        ):
                            yield f"{path.relative_to(SUITE)}:{value.lineno}", value


# Ours: constants of this program, and what is made of `plain` a line earlier. A number is told by its format, `{count:,}`.
OURS = {
    "AUDITS[part]",
    "BAD if finding.bad else NOTE", "COLOURS.get(name, 'white')", "CUSTOMERS", "DAYS",
    "mark", "_time(seconds)", "answer['accepted']", "answer['duplicates']", "done", "file", "made",
    "part", "places", "process.name", "self._scene", "self.checks", "table", "table.encoding",
    "took", "url", "uses", "what", "why", "BAD", "GOOD", "reason.value", "text", "grid", "', '.join(names)",
}  # fmt: skip


def test_every_value_that_is_printed_is_made_plain() -> None:
    wrong = [
        (place, ast.unparse(value))
        for place, value in prints()
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("plain", "len"))
        and ast.unparse(value) not in OURS
    ]
    assert wrong == []
