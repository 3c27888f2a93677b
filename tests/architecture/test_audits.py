"""What an audit proves can fail: each check is seen red by damage that a test of its part does on purpose."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = sorted(path.parents[1].name for path in ROOT.glob("services/*/audit/room.py"))
UNTOUCHABLE = {"one_live_lock": "coupon: a unique index refuses the second lock, and a test sees it refuse"}


def _names(part: str) -> Iterator[str]:
    """Every check of a part, as it is spelled where it is made."""
    for path in sorted((ROOT / "services" / part / "audit").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Check", "judge"):
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path.name}:{node.lineno}: spell the check's name out"
                yield str(name.value)


def _damaged(part: str) -> set[str]:
    """The keys of `DAMAGE` in the part's audit tests; where a file has none, what its tests name as broken."""
    found: set[str] = set()
    for path in (ROOT / "tests/api" / part).glob("test_*audit*.py"):
        tree = ast.parse(path.read_text())
        damages = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and _is_damage(node)]
        keys = [key for damage in damages if isinstance(damage, ast.Dict) for key in damage.keys]
        said = keys if damages else ast.walk(tree)
        found |= {node.value for node in said if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


def _is_damage(node: ast.AnnAssign) -> bool:
    return isinstance(node.target, ast.Name) and node.target.id == "DAMAGE"


def test_every_service_proves_something() -> None:
    assert sorted(path.name for path in (ROOT / "services").iterdir() if (path / "app.py").exists()) == PARTS


@pytest.mark.parametrize("part", PARTS)
def test_every_check_is_broken_on_purpose(part: str) -> None:
    names = list(_names(part))
    assert names
    assert len(names) == len(set(names))
    assert set(names) - _damaged(part) <= set(UNTOUCHABLE)


def test_what_is_called_untouchable_is_a_check_that_no_test_damages() -> None:
    assert set(UNTOUCHABLE) <= {name for part in PARTS for name in _names(part)}
    assert not any(set(UNTOUCHABLE) & _damaged(part) for part in PARTS)
