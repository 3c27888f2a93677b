"""The guides: the pages of `docs`, shown to people who have nothing but the running suite."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gateway.docs.languages import Language

_INSTALLED = Path(__file__).parent / "guides"
"""Where a wheel has them: `pyproject.toml` puts them there. A source tree has them in `docs`."""
FOLDER = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "docs"
PREFIX = "/docs/guides/"
_CHINESE = ".zh-CN"
GROUPS: tuple[tuple[dict[Language, str], tuple[str, ...]], ...] = (
    (
        {"en": "For shops", "zh": "给商户"},
        ("coupons-for-marketers", "stock-for-merchants", "importing-orders", "draws"),
    ),
    (
        {"en": "For engineers", "zh": "给开发者"},
        (
            "keys",
            "limits",
            "webhooks",
            "webhooks-in",
            "inputs",
            "coupons-for-engineers",
            "events",
            "endpoints",
            "glossary",
        ),
    ),
    (
        {"en": "For operators", "zh": "给运维"},
        ("deploying", "accounts", "runbook", "metrics", "settings", "processes", "behind-a-proxy", "security"),
    ),
)
_REST: dict[Language, str] = {"en": "About the suite", "zh": "关于本系统"}
# Raw HTML is shown as text, and links to scripts are no links: that is the parser's own rule. A picture could be anybody's.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_REMARK = re.compile(r"^<!--.*?-->\n?", re.MULTILINE | re.DOTALL)


@cache
def names() -> frozenset[str]:
    """The pages that there are; `webhooks.zh-CN` is one."""
    return frozenset(path.stem for path in FOLDER.glob("*.md"))


@cache
def rendered(name: str) -> tuple[str, str]:
    """A page's title and its HTML. `name` is one of `names()`."""
    text = _REMARK.sub("", (FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    tokens = _MARKDOWN.parse(text)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[number + 1].content))
        if token.children:
            token.children = list(_linked(token.children))
    return _title(text), _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})


def language_of(name: str) -> Language:
    """The language that a page is written in."""
    return "zh" if name.endswith(_CHINESE) else "en"


def twin(name: str) -> str | None:
    """The same page in the other language, where there is one."""
    other = name.removesuffix(_CHINESE) if name.endswith(_CHINESE) else name + _CHINESE
    return other if other in names() else None


def contents(language: Language) -> str:
    """The list of all guides, in that language where there is a page in it."""
    first = {name.removesuffix(_CHINESE) for name in names()}
    listed = {name for _, group in GROUPS for name in group}
    groups = [(title[language], group) for title, group in GROUPS]
    groups.append((_REST[language], tuple(sorted(first - listed))))
    lines = [(title, "".join(_line(name, language) for name in group)) for title, group in groups]
    return "".join(f"<h2>{title}</h2><ul>{text}</ul>" for title, text in lines)


def _line(name: str, language: Language) -> str:
    chosen = name + _CHINESE if language == "zh" and name + _CHINESE in names() else name
    note = "" if language == language_of(chosen) else " <small>English</small>"
    return f'<li><a href="{PREFIX}{chosen}">{escape(rendered(chosen)[0])}</a>{note}</li>'


def _title(text: str) -> str:
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].replace("`", "") if found else ""


def _anchor(heading: str) -> str:
    """As GitHub makes them: small letters, what is no word left out, hyphens for blanks."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _linked(tokens: Sequence[Token]) -> Iterator[Token]:
    """Links to other guides lead to them; links to files that are not shown here become plain text."""
    dropping = False
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrGet("href")))
            dropping = target is None
            token.attrSet("href", target or "")
        if not (dropping and token.type in ("link_open", "link_close")):
            yield token


def _target(href: str) -> str | None:
    if href.startswith(("https://", "http://", "#")):
        return href
    path, _, fragment = href.partition("#")
    name = path.removesuffix(".md")
    return PREFIX + name + (f"#{fragment}" if fragment else "") if name in names() else None
