"""The documentation is held to the code: generated pages are current, links lead somewhere, commands of the README run."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from gateway.routes import ROUTES
from gateway.settings import GatewaySettings
from services.coupon.base import Base
from services.coupon.reasons import CODES, REASONS
from shared.contracts import REGISTRY
from shared.settings import ServiceSettings
from suite import cli
from suite.handbook.coupon.examples import EXAMPLES
from suite.handbook.coupon.lifecycle import RUNNING
from suite.handbook.coupon.pages import ENGINEERS, MARKETERS, made_blocks
from suite.handbook.coupon.refusals import told
from suite.handbook.coupon.states import states
from suite.importing.columns import KNOWN
from suite.parts import SERVICES
from suite.reference import PAGES
from suite.settings import CallerSettings, SuiteSettings
from suite.wiring import service

ROOT = Path(__file__).parents[2]
SETTINGS = [SuiteSettings, CallerSettings, GatewaySettings, *(service(name)[1] for name in SERVICES)]
READMES = ("README.md", "README.zh-CN.md")
PARTS = sorted(path.parent for path in (*ROOT.glob("services/*/README.md"), ROOT / "gateway/README.md"))
parts = pytest.mark.parametrize("part", PARTS, ids=lambda path: path.name)
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md", "services/*/README.md", "gateway/README.md")
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_match_the_code(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), f"docs/{name} is old: run `make docs`"


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_says_what_it_is_for(kind: type[ServiceSettings]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_every_event_and_endpoint_is_listed() -> None:
    events = (ROOT / "docs/events.md").read_text()
    assert [name for name in REGISTRY if f"`{name}`" not in events] == []
    endpoints = (ROOT / "docs/endpoints.md").read_text()
    assert [route for route in ROUTES if f"`{route.method} {route.template}`" not in endpoints] == []


@pytest.mark.parametrize("name", MARKETERS)
def test_every_example_is_shown_once(name: str) -> None:
    assert sorted(made_blocks(ROOT / "docs" / name)) == sorted([*EXAMPLES, *RUNNING])


def test_every_reason_refusal_and_state_of_the_coupon_service_is_listed() -> None:
    page = (ROOT / "docs" / ENGINEERS).read_text()
    codes = [*CODES, *(one.code for one in told())]
    assert [code for code in codes if f"| `{code}` |" not in page] == []
    assert [sentence for pair in REASONS.values() for sentence in pair if sentence not in page] == []
    missing = [
        (table, state)
        for table, state in states(Base.metadata)
        if f"| {table.replace('_', ' ')} | `{state}` |" not in page
    ]
    assert missing == []


def test_paths_in_the_documents_exist() -> None:
    """A path, or the beginning of some: `/v1/coupons/{id}` is that of any parameter's name."""
    templates = [re.sub(r"{\w+}", "{}", route.template) + "/" for route in ROUTES]
    unknown = {
        f"{document.relative_to(ROOT)}: {path}"
        for document in DOCUMENTS
        for path in re.findall(r"`(?:[A-Z]+ )?(/v1/[\w{}/.-]+)", document.read_text())
        if not any(template.startswith(re.sub(r"{\w+}", "{}", path) + "/") for template in templates)
    }
    assert unknown == set()


def test_every_operation_says_what_it_does() -> None:
    empty = [line for line in (ROOT / "docs/endpoints.md").read_text().splitlines() if line.endswith(("| |", "|  |"))]
    assert empty == []


def test_links_lead_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)} → {target}"
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)\)", document.read_text())
        if not target.startswith(("http://", "https://")) and not (document.parent / target).exists()
    ]
    assert broken == []


def test_both_readmes_have_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        lines = "\n".join(blocks(name)).splitlines()
        return [line for line in lines if not line.lstrip().startswith("#")]

    assert commands(READMES[0]) == commands(READMES[1])


def blocks(name: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text(), re.MULTILINE)
    }
    assert wanted - targets == set()


def test_mapped_columns_in_the_documents_are_fields_of_the_import() -> None:
    texts = (document.read_text() for document in DOCUMENTS)
    named = {field for text in texts for field in re.findall(r"--map [^=\s]+=(\w+)", text)}
    assert named
    assert named - KNOWN.keys() == set()


def test_quanyu_commands_in_the_documents_exist() -> None:
    wanted = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:`|^)quanyu ([a-z]+)", document.read_text(), re.MULTILINE)
    }
    command = typer.main.get_command(cli.app)
    assert isinstance(command, TyperGroup)
    assert wanted - command.commands.keys() == set()


def test_files_named_in_the_documents_exist() -> None:
    """A path of the tree, or of the document's own part, in code quotes; `{…}` and `*` stand for several."""
    tops = ("gateway", "services", "shared", "suite", "tests", "bench", "docs", "deploy")
    unknown = {
        f"{document.relative_to(ROOT)}: {path}"
        for document in DOCUMENTS
        if document.name != "CHANGELOG.md"
        for path in re.findall(rf"`((?:{'|'.join(tops)})/[\w/.*-]+)`", document.read_text())
        if not any(found for place in (ROOT, document.parent) for found in place.glob(path.rstrip("/")))
    }
    assert unknown == set()


@parts
def test_a_parts_readme_lists_its_rooms_and_their_tables(part: Path) -> None:
    rows = re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", (part / "README.md").read_text(), re.MULTILINE)
    listed = {room: set() if said.startswith("none") else set(re.findall(r"`(\w+)`", said)) for room, said in rows}
    tables = {
        path.parent.name: {
            name
            for models in path.parent.glob("models.py")
            for name in re.findall(r'__tablename__ = "(\w+)"', models.read_text())
        }
        for path in part.glob("*/room.py")
    }
    assert listed == tables


@parts
def test_files_named_in_a_parts_readme_exist(part: Path) -> None:
    """As seen from the part, one of its rooms, or the root; what is named in brackets after a file stands in it."""
    text = (part / "README.md").read_text()
    unknown = [name for name in re.findall(r"`([\w/]+(?:\.py|/))`", text) if not _meant(part, name)]
    misplaced = [
        f"{name}: {word}"
        for name, words in re.findall(r"`([\w/]+\.py)` \(((?:`\w+`(?:, )?)+)", text)
        for word in re.findall(r"\w+", words)
        if not any(re.search(rf"\b{word}\b", path.read_text()) for path in _meant(part, name))
    ]
    assert (unknown, misplaced) == ([], [])


def _meant(part: Path, name: str) -> list[Path]:
    return [path for path in (ROOT / name, part / name, *part.glob(f"*/{name}")) if path.exists()]
