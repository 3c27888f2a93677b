"""The pages that people read in a browser: the landing page, the reference, the guides. Both languages, one frame. Pure."""

from html import escape
from pathlib import Path

from gateway.docs import guides
from gateway.docs.languages import Language

FOLDER = Path(__file__).parent / "static"
HTML_LANG: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
_OTHER: dict[Language, Language] = {"en": "zh", "zh": "en"}
_WORDS: dict[Language, dict[str, str]] = {
    "en": {"home": "Home", "docs": "API", "guides": "Guides", "other": "中文"},
    "zh": {"home": "首页", "docs": "接口文档", "guides": "指南", "other": "English"},
}
_TITLE = "Quanyu 全域"
_LANDING = {language: (FOLDER / f"landing.{language}.html").read_text(encoding="utf-8") for language in HTML_LANG}


def landing(language: Language) -> str:
    """The page at `/`: what this is, where the key lies, what to do next."""
    return _frame(language, "", _LANDING[language], f"/?lang={_OTHER[language]}", ("origin.js",))


def reference(language: Language) -> str:
    """The page at `/docs`, on which the scripts unfold the OpenAPI document."""
    scripts = ("swagger-ui-bundle.js", "start.js")
    body = '<div id="docs"></div>'
    return _frame(language, "API", body, f"/docs?lang={_OTHER[language]}", scripts, wide=True)


def guide_list(language: Language) -> str:
    """The page at `/docs/guides`."""
    title = _WORDS[language]["guides"]
    body = f"<h1>{title}</h1>{guides.contents(language)}"
    return _frame(language, title, body, f"/docs/guides?lang={_OTHER[language]}")


def guide(name: str) -> str:
    """One guide, which `guides.names()` has."""
    title, body = guides.rendered(name)
    other = guides.twin(name)
    return _frame(guides.language_of(name), title, f"<article>{body}</article>", other and guides.PREFIX + other)


def _frame(
    language: Language, title: str, body: str, switch: str | None, scripts: tuple[str, ...] = (), *, wide: bool = False
) -> str:
    words = _WORDS[language]
    query = f"?lang={language}"
    links = [("/" + query, words["home"]), ("/docs" + query, words["docs"]), ("/docs/guides" + query, words["guides"])]
    if switch:
        links.append((switch, words["other"]))
    styles = ("swagger-ui.css", "pages.css") if wide else ("pages.css",)
    links_to = "".join(f'<link rel="stylesheet" href="/docs/static/{name}">' for name in styles)
    tail = "".join(f'<script src="/docs/static/{name}"></script>' for name in scripts)
    nav = "".join(f'<a href="{escape(where)}">{text}</a>' for where, text in links)
    kind = "wide" if wide else "page"
    full = escape(f"{title} · {_TITLE}" if title else _TITLE)
    return f"""<!doctype html>
<html lang="{HTML_LANG[language]}"><head><meta charset="utf-8"><title>{full}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">{links_to}
</head><body class="{kind}-frame"><nav>{nav}</nav><main class="{kind}">
{body}
</main>{tail}
</body></html>
"""
