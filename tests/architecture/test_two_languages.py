"""Whoever calls `quanyu` reads English or Chinese: every sentence has its twin beside it, and both name the same things.

A sentence is a text of two words or more. It goes into `say(english, chinese)` of `shared.language`; the docstring of a command
has its twin in `@helps`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TOOLS = (
    "suite/handbook",
    "suite/worker.py",
    "suite/tour/shop.py",
    "suite/door",
    "suite/reference.py",
    "suite/released.py",
    "suite/probe.py",
    "suite/installation.py",
)
"""For those who write Quanyu, or for programs: English alone. The installation runs without `shared` and says both at once."""
_ELSEWHERE = (
    "gateway/settings.py",
    "shared/private_files.py",
    "shared/setting_sources.py",
    "shared/settings.py",
)
FILES = sorted(
    path
    for path in [*(ROOT / "suite").rglob("*.py"), *(ROOT / name for name in _ELSEWHERE)]
    if not str(path.relative_to(ROOT)).startswith(_TOOLS)
)
_SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}")
_MARKUP = re.compile(r"\[/?[a-z ]*\]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_NOT_SAID = {
    "Field": "a setting's description stands in docs/settings.md",
    "get_logger": "logs are English",
    **dict.fromkeys(("debug", "info", "warning", "error", "exception"), "logs are English"),
    **dict.fromkeys(("compile", "fullmatch", "match", "search", "sub", "removeprefix"), "a pattern"),
    "execute": "SQL",
    "create_task": "a task's name, for those who look for a bug",
}


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _text(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or "{}" for part in parts)
    return None


def _named(node: ast.expr) -> set[str]:
    return {ast.dump(part) for part in ast.walk(node) if isinstance(part, ast.FormattedValue)}


def pairs(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls of `say`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "say":
            yield node


def alone(node: ast.AST) -> Iterator[ast.expr]:
    """Sentences that stand outside of `say`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and _called(child) in {"say", "helps", *_NOT_SAID}:
            continue
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        if isinstance(child, ast.expr) and (text := _text(child)) is not None:
            if _SENTENCE.search(_MARKUP.sub("", text)):
                yield child
        else:
            yield from alone(child)


def twins(call: ast.Call) -> str | None:
    """What is wrong with a call of `say`."""
    if len(call.args) != 2 or call.keywords:
        return "two sentences are wanted"
    english, chinese = call.args
    if (text := _text(english)) is None or (twin := _text(chinese)) is None:
        return "a sentence is written out here, in either language"
    if re.search(r"[A-Za-z]{2}", text.replace("{}", "")) and not _HAN.search(twin):
        return "the second one is no Chinese"
    if _named(english) != _named(chinese):
        return "they name different things"
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sentence_has_a_twin(path: Path) -> None:
    tree = ast.parse(path.read_text())
    guilty = [f"{path.name}:{call.lineno}: {wrong}" for call in pairs(tree) if (wrong := twins(call))]
    guilty += [f"{path.name}:{one.lineno}: only in English: {_text(one)!r}" for one in alone(tree)]
    assert guilty == []


def _commands(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any("command" in ast.dump(one) for one in node.decorator_list):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_has_help_in_both(path: Path) -> None:
    for command in _commands(ast.parse(path.read_text())):
        assert "helps" in {_called(one) for one in command.decorator_list if isinstance(one, ast.Call)}, command.name


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("console.print('Nothing is parked.')", 1),
        ("raise Stop(f'There is no {file}.')", 1),
        ("raise Stop(f'{file} ' + 'is not there')", 1),
        ("log.info('nothing is parked')", 0),
        ("console.print(say('Nothing is parked.', '没有。'))", 0),
        ("def f():\n    '''A docstring is not said.'''", 0),
    ],
)
def test_a_sentence_alone_is_found(code: str, found: int) -> None:
    assert len(list(alone(ast.parse(code)))) == found


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("say(f'{key} is revoked.', f'{key} 已作废。')", None),
        ("say(f'{key} is revoked.', f'{name} 已作废。')", "they name different things"),
        ("say(f'{key} is revoked.', '已作废。')", "they name different things"),
        ("say('It is revoked.', 'It is revoked.')", "the second one is no Chinese"),
        ("say('It is revoked.')", "two sentences are wanted"),
        ("say(english, '已作废。')", "a sentence is written out here, in either language"),
    ],
)
def test_twins_that_differ_are_found(code: str, wrong: str | None) -> None:
    [call] = pairs(ast.parse(code))
    assert twins(call) == wrong
