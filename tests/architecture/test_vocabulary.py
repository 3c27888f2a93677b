"""One word for each recurring thing (CONTRIBUTING.md, docs/glossary.md)."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("gateway", "services/coupon", "services/inventory", "services/journey", "services/segments", "shared", "suite")
parts = pytest.mark.parametrize("part", PARTS)
RECURRING = set(re.findall(r"`(\w+)\.py`", (ROOT / "CONTRIBUTING.md").read_text())) | {"__init__", "app"}
VERBS = set(re.findall(r"^\| (\w+ing) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE))
INSTEAD = {
    "get": "read or find",
    "fetch": "read or find",
    "list_all": "page",
    "delete_one": "remove",
    "cleanup": "prune",
    "purge": "prune",
    "expire_due": "sweep",
}
"""Names of functions that were decided against."""
IN_REPOSITORIES = {
    **INSTEAD,
    "hold": "lock",
    "held": "lock",
    "add": "insert",
    "remove": "delete",
    "expired": "due",
    "ended": "due",
}
MERGED_UNDER = 45


def _sources(part: str) -> list[Path]:
    return [path for path in sorted((ROOT / part).rglob("*.py")) if "migrations" not in path.parts]


def _recurring(stem: str) -> bool:
    return stem in RECURRING or stem.endswith(("_repository", "_checks"))


@parts
def test_use_cases_are_named_by_the_glossary(part: str) -> None:
    stems = {path: path.stem for path in _sources(part)}
    assert [
        str(path.relative_to(ROOT)) for path, stem in stems.items() if stem.endswith("ing") and stem not in VERBS
    ] == []


@parts
def test_functions_use_the_house_words(part: str) -> None:
    guilty = []
    for path in _sources(part):
        if path == ROOT / "suite/client.py":
            continue  # an HTTP client gets, posts and deletes
        instead = IN_REPOSITORIES if path.stem.endswith("repository") else INSTEAD
        guilty += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: say {instead[node.name]}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in instead
        ]
    assert guilty == []


@parts
def test_a_class_name_is_used_once(part: str) -> None:
    places = defaultdict(list)
    for path in _sources(part):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@parts
def test_small_files_with_one_user_are_part_of_it(part: str) -> None:
    users = defaultdict(set)
    for path in [one for other in PARTS for one in _sources(other)]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                users[node.module].add(path)
                for alias in node.names:
                    users[f"{node.module}.{alias.name}"].add(path)
    guilty = []
    for path in _sources(part):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        small = len(path.read_text().splitlines()) < MERGED_UNDER
        private = len(users[module]) == 1 and users[module] != {path.parent / "__init__.py"}  # a package's own exports
        if small and not _recurring(path.stem) and private:
            guilty.append(str(path.relative_to(ROOT)))
    assert guilty == []


def test_customers_are_they() -> None:
    """In code, in tests, and in the documents that people read."""
    word = re.compile(r"\b(she|her|hers|herself|he|him|his|himself)\b", re.IGNORECASE)
    files = [path for folder in (*PARTS, "tests", "bench") for path in _sources(folder)]
    files += [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/*.md"), *ROOT.glob("gateway/*.md")]
    guilty = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()[:80]}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert guilty == []
