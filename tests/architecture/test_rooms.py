"""The diagram of a part made of rooms is true: `app.py` names the rooms that each stands on, and those alone are used.

That no two stand on each other is held by the import rules (`acyclic_siblings` in pyproject.toml).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = sorted(
    {
        path.parents[1].relative_to(ROOT).as_posix()
        for pattern in ("gateway/*/room.py", "services/*/*/room.py")
        for path in ROOT.glob(pattern)
    }
)
Pairs = set[tuple[str, str]]
"""The room that stands, and the one that it stands on."""


def rooms(part: Path) -> dict[str, str]:
    """The folder of each room by the name of its class."""
    return {
        node.name: path.parent.name
        for path in part.glob("*/room.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Room" for base in node.bases)
    }


def named(part: Path) -> Pairs:
    """What `app.py` says: `wallet = WalletRoom(kit, templates)` names wallet and templates."""
    known = rooms(part)
    built = {
        node.targets[0].id: (known[node.value.func.id], node.value)
        for node in ast.walk(ast.parse((part / "app.py").read_text()))
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id in known
    }
    assert {room for room, _ in built.values()} == set(known.values()), "each room is built once in app.py, by its name"
    return {
        (room, built[word.id][0])
        for room, call in built.values()
        for word in ast.walk(call)
        if isinstance(word, ast.Name) and word.id in built
    }


def used(part: Path) -> Pairs:
    """What the rooms do: import from another, or take something that it offers."""
    known = rooms(part)
    return {
        (room, other)
        for room in known.values()
        for path in (part / room).rglob("*.py")
        for other in _others(ast.parse(path.read_text()), part, path.name == "room.py", known)
        if other != room
    }


def _others(tree: ast.Module, part: Path, is_room: bool, known: dict[str, str]) -> Iterator[str]:
    for module in _imported(tree):
        words = module.split(".")
        inside = (
            words[words.index(part.name) + 1 :] if part.name in words[:2] else []
        )  # `gateway.x`, `services.coupon.x`
        match inside:
            case [room, *rest] if room in known.values():
                # `room.py` imports the class of another room in order to name it, which is no use yet.
                if not (is_room and rest[:1] == ["room"]):
                    yield room
    if is_room:
        yield from _taken(tree, known)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _taken(tree: ast.Module, known: dict[str, str]) -> Iterator[str]:
    """The rooms, given to the constructor or as fields of a dataclass, of which the code reads something."""
    given: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and isinstance(node.annotation, ast.Name):
            given[node.arg] = node.annotation.id
        elif isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Name):
            given[ast.unparse(node.target)] = node.annotation.id
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            word = ast.unparse(node.value).removeprefix("self.")
            if known.get(given.get(word, "")):
                yield known[given[word]]


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_used_that_the_diagram_does_not_name(part: str) -> None:
    assert used(ROOT / part) - named(ROOT / part) == set()


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_named_that_is_not_used(part: str) -> None:
    assert named(ROOT / part) - used(ROOT / part) == set()


def test_what_is_not_named_or_not_used_is_found(tmp_path: Path) -> None:
    part = tmp_path / "shop"
    files = {
        "app.py": "till = TillRoom(kit)\nstock = StockRoom(kit, till)\ndesk = DeskRoom(kit, stock.counting)",
        "till/room.py": "class TillRoom(Room):\n    def __init__(self, kit: Kit): ...",
        "till/use.py": "from services.shop.stock import table",
        "stock/room.py": "from services.shop.till.room import TillRoom\nclass StockRoom(Room):\n    till: TillRoom",
        "desk/room.py": "class DeskRoom(Room):\n    def __init__(self, kit: Kit, stock: StockRoom): self.count = stock.counting",
    }
    for name, text in files.items():
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).write_text(text)
    assert used(part) - named(part) == {("till", "stock")}
    assert named(part) - used(part) == {("stock", "till")}


def test_there_are_parts_made_of_rooms() -> None:
    assert {"gateway", "services/coupon"} <= set(PARTS)
