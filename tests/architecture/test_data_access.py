"""Where SQL stands and what its rows are (docs/adr/0009-data-access.md)."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from shared.db import TableModel

ROOT = Path(__file__).parents[2]
PARTS = ("gateway", "services/coupon", "services/inventory", "services/journey", "services/segments")
parts = pytest.mark.parametrize("part", PARTS)
STATEMENTS = {"select", "insert", "update", "delete", "exists", "text", "literal_column", "union_all"}
HELPERS = {"claim_due", "insert_bulk", "insert_ignore", "update_bulk", "upsert"}


def _sources(part: str) -> list[Path]:
    return [path for path in sorted((ROOT / part).rglob("*.py")) if "migrations" not in path.parts]


def _holds_sql(path: Path) -> bool:
    """Repositories, the audits' checks, and tables with their indexes."""
    return path.stem in {"repository", "checks", "models"} or path.stem.endswith(("_repository", "_checks"))


@parts
def test_sql_stands_in_repositories(part: str) -> None:
    guilty = []
    for path in _sources(part):
        if _holds_sql(path):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names}
                found = names & STATEMENTS if (node.module or "").startswith("sqlalchemy") else set()
                found |= names & HELPERS if node.module == "shared.db" else set()
                guilty += [f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in sorted(found)]
    assert guilty == []


@parts
def test_rows_have_types(part: str) -> None:
    """`tx.rows(Coupon, …)` answers coupons; a driver's row, whose columns nobody checks, goes nowhere."""
    untyped = re.compile(r"\bRow\[|\._mapping\b|\bimport Row\b|\btx\.execute\(")
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _sources(part)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if untyped.search(line)
    ]
    assert guilty == []


@parts
def test_statements_name_columns_that_exist(part: str) -> None:
    """`Coupon.c.statsu` passes mypy: SQLAlchemy's collections answer to any name."""
    models = _models(part)
    guilty = []
    for path in _sources(part):
        guilty += [
            f"{path.relative_to(ROOT)}:{node.lineno} {name}.c.{column}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
            for name, column in [_column(node)]
            if name in models and not hasattr(models[name].c, column)
        ]
    assert guilty == []


@parts
def test_a_table_is_declared_once(part: str) -> None:
    """No second name for a model's table: statements say `Coupon.table` and `Coupon.c.id`."""
    twin = re.compile(r"^\s*\w+(: Final)?(, \w+)* = (table\(\w+\)|\w+\.table\b(?!\.))", re.MULTILINE)
    guilty = [str(path.relative_to(ROOT)) for path in _sources(part) if twin.search(path.read_text())]
    assert guilty == []


def _column(node: ast.Attribute) -> tuple[str, str]:
    """("Coupon", "status") of `Coupon.c.status`; else two empty strings."""
    inner = node.value
    if isinstance(inner, ast.Attribute) and inner.attr == "c" and isinstance(inner.value, ast.Name):
        return inner.value.id, node.attr
    return "", ""


def _models(part: str) -> dict[str, type[TableModel]]:
    found = {}
    for path in _sources(part):
        if path.stem == "models":
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            found.update({name: one for name, one in vars(module).items() if _is_model(one)})
    return found


def _is_model(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, TableModel) and hasattr(one, "__table__")
