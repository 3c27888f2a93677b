"""The rules of the house that a machine can hold (docs/architecture.md says why)."""

import ast
import importlib
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("suite", "gateway", "services", "shared")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_imports_follow_the_plan() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", PACKAGES)
def test_our_packages_are_ours(name: str) -> None:
    """Strangers' distributions on the public index carry the names `services` and `shared`."""
    module = importlib.import_module(name)
    assert Path(module.__path__[0]).resolve() == ROOT / name
    assert name not in {distribution.metadata["Name"].lower() for distribution in distributions()}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_name_no_stranger_and_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?://", text)
    names = {line.split("==")[0].strip() for line in text.splitlines() if "==" in line and not line.startswith(" ")}
    assert not names & set(PACKAGES)
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", text)[1:])


def test_nothing_reads_the_environment_but_the_settings() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text()) and path.parts[len(ROOT.parts)] != "suite"
    ]
    assert guilty == []


def test_nothing_happens_at_import() -> None:
    """No call at module level that opens, connects or creates an engine."""
    forbidden = {"create_async_engine", "create_engine", "connect", "connect_robust", "open", "Database"}
    guilty = []
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
                continue
            for call in ast.walk(node):
                if isinstance(call, ast.Call):
                    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                    if name in forbidden:
                        guilty.append(f"{path.relative_to(ROOT)}:{call.lineno} {name}")
    assert guilty == []


def test_rules_are_pure() -> None:
    """`rules.py` decides; it does no I/O, knows no clock and no database."""
    forbidden = {
        "sqlalchemy",
        "sqlmodel",
        "asyncio",
        "httpx",
        "shared.db",
        "shared.clock",
        "shared.messaging",
        "shared.service",
    }
    guilty = []
    for path in SOURCES:
        if path.name != "rules.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            guilty += [
                f"{path.relative_to(ROOT)}: {name}" for name in names if any(_within(name, one) for one in forbidden)
            ]
        if re.search(r"datetime\.now\(|time\.time\(", path.read_text()):
            guilty.append(f"{path.relative_to(ROOT)} reads the clock")
    assert guilty == []


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_files_fit_in_the_head() -> None:
    """Migrations are left out: Alembic writes them from the models, in one piece, and nobody works on them afterwards."""
    tests = sorted(path for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*.py"))
    worked_on = [path for path in (*SOURCES, *tests) if path.parent.name != "migrations"]
    long = [f"{path.relative_to(ROOT)}: {n}" for path in worked_on if (n := len(path.read_text().splitlines())) > 300]
    assert long == []


def test_nothing_tracked_names_this_machine_or_a_registry() -> None:
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    hosts = re.compile(
        "|".join((r"/" + "work/", "pypi" + r"\.org", "npmjs" + r"\.(org|com)", "files.python" + "hosted"))
    )
    guilty = []
    for name in files:
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture or a font, or removed in this change
        guilty += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if hosts.search(line)]
    assert guilty == []


def test_what_does_not_exist_has_one_code() -> None:
    """`token_unknown` is no object's path but a token that was shown: a till tells it from others' refusals."""
    codes = {
        str(getattr(call.args[0], "value", None))
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "NotFound" and call.args
    }
    assert codes == {"not_found", "token_unknown"}


def test_files_that_the_configuration_names_exist() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r'"((?:services|shared|gateway|suite|tests)/[\w/]+(?:\.py)?)"', text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_route_says_in_a_phrase_what_it_does() -> None:
    """A summary of its own, not the function's name with spaces; the docstring says the rest."""
    guilty = []
    for path in [one for one in SOURCES if one.name == "api.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            for route in _routes(node):
                told = {keyword.arg: keyword.value for keyword in route.keywords}
                hidden = isinstance(flag := told.get("include_in_schema"), ast.Constant) and flag.value is False
                if "summary" not in told and not hidden:
                    guilty.append(f"{path.relative_to(ROOT)}:{route.lineno}")
    assert guilty == []


def _routes(node: ast.AST) -> list[ast.Call]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    methods = {"get", "post", "put", "patch", "delete"}
    return [
        one
        for one in node.decorator_list
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr in methods
        and isinstance(one.func.value, ast.Name)
        and one.func.value.id.endswith("router")
    ]
