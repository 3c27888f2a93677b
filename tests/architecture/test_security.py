"""docs/security.md is held to the tests: each promise names one that exists, and every attack of the list has one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("security.md", "security.zh-CN.md")
ATTACKS = range(1, 65)
OWASP = {f"API{number}" for number in range(1, 11)}
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def known() -> set[str]:
    """The names of all tests, and of the files that hold them."""
    found = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
    files = list((ROOT / "tests").rglob("test_*.py"))
    return {path.stem for path in files} | {name for path in files for name in found.findall(path.read_text())}


def rows(page: str) -> dict[int, tuple[str, str]]:
    """The tests and the OWASP numbers of each attack."""
    text = (ROOT / "docs" / page).read_text()
    return {int(number): (named, filed) for number, _, named, filed in ROW.findall(text)}


@pytest.mark.parametrize("page", PAGES)
def test_tests_named_by_the_security_page_exist(page: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text()))
    assert sorted(named - known()) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_attack_is_tested_or_says_why_not(page: str) -> None:
    found = rows(page)
    assert sorted(found) == list(ATTACKS)
    numbered = {int(name.split("_")[2]) for name in known() if re.match(r"test_attack_\d+_", name)}
    bare = {
        number
        for number, (named, _) in found.items()
        if "`test_" not in named and number not in numbered and not named.startswith(("none: ", "无："))
    }
    assert bare == set()
    assert {number for number in numbered if number not in ATTACKS} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_attack_is_filed(page: str) -> None:
    filed = {number: set(named.split(", ")) for number, (_, named) in rows(page).items()}
    assert {number: names for number, names in filed.items() if not names <= OWASP} == {}
    assert set().union(*filed.values()) == OWASP


def test_both_pages_name_the_same_tests() -> None:
    first, second = (set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text())) for page in PAGES)
    assert first == second
