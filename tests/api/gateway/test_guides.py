"""The pages that people read in a browser: in both languages, nothing from outside, nothing that runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.gateway import Suite
from kit.pages import DOCS

from gateway.docs import guides
from gateway.docs.languages import chosen

NAMES = sorted(path.stem for path in DOCS.glob("*.md"))
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def links(text: str) -> Iterator[str]:
    yield from re.findall(r'(?:href|src)="([^"]+)"', text)


async def test_every_guide_is_shown_and_its_links_lead_somewhere(suite: Suite) -> None:
    client, known = suite.client(None), set[str]()
    for name in NAMES:
        page = await client.get(f"/docs/guides/{name}")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8"), name
        assert page.headers["content-security-policy"].startswith("default-src 'self'; style-src")
        assert f'<html lang="{"zh-CN" if name.endswith("zh-CN") else "en"}">' in page.text
        assert "width=device-width" in page.text
        assert "<script" not in page.text
        for link in links(page.text):
            assert link.startswith(("/", "#", "https://", "http://", "data:,")), (name, link)
            path = link.partition("#")[0]
            if path.startswith("/") and path not in known:
                assert (await client.get(path)).status_code == 200, (name, link)
                known.add(path)
    assert "/docs/guides/webhooks.zh-CN" in known


async def test_the_list_has_every_guide_and_prefers_the_readers_language(suite: Suite) -> None:
    client = suite.client(None)
    english, chinese = [(await client.get("/docs/guides", params={"lang": one})).text for one in ("en", "zh")]
    for name in NAMES:
        plain = name.removesuffix(".zh-CN")
        assert f'href="/docs/guides/{plain}"' in english
        translated = f"{plain}.zh-CN" if f"{plain}.zh-CN" in NAMES else plain
        assert f'href="/docs/guides/{translated}"' in chinese
    assert "给开发者" in chinese


async def test_a_page_that_is_not_there_is_a_problem(suite: Suite) -> None:
    for name in ("nothing", "webhooks.md", "..%2fREADME", "adr/0001-one-code-two-arrangements", ""):
        assert (await suite.client(None).get(f"/docs/guides/{name}")).status_code in (400, 404)


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/guides"])
async def test_pages_speak_the_language_that_is_asked_for(suite: Suite, path: str) -> None:
    client = suite.client(None)
    for query, accepted, expected in (
        ("", None, "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=zh", "en", "zh-CN"),
    ):
        page = await client.get(path + query, headers={"accept-language": accepted} if accepted else {})
        assert f'<html lang="{expected}">' in page.text
        assert "accept-language" in page.headers["vary"]
    switch = re.findall(r'<a href="([^"]+)">(?:中文|English)</a>', (await client.get(path + "?lang=zh")).text)
    assert switch == [f"{path}?lang=en"]


async def test_the_first_page_says_where_the_key_lies_and_what_to_do(suite: Suite) -> None:
    for language in ("en", "zh"):
        page = (await suite.client(None).get("/", params={"lang": language})).text
        for said in ("admin.key", "QUANYU_ADMIN_KEY", "quanyu keys reset-admin", "/v1/coupon-templates", "webhooks"):
            assert said in page


def test_the_browsers_wish_is_read_as_it_is_weighed(backend: object) -> None:
    for accepted, expected in {
        "": "en",
        "zh": "zh",
        "fr, de": "en",
        "en;q=0.5, zh;q=0.6": "zh",
        "zh;q=0.1, en": "en",
        "zh-TW, en-GB": "zh",
        "zh;q=0": "en",
        "zh;q=a, *": "en",
        ";;q=,,zh;q=9999": "zh",
        "zh" * 5000: "zh",
        "zh" + " " * 30_000 + "!": "zh",
        "zh" + " ;" * 15_000: "en",
    }.items():
        assert chosen(b"", accepted) == expected, accepted[:40]
    assert chosen(b"lang=fr&x=%ff", "zh") == "zh"


def test_what_a_page_holds_can_not_run(backend: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """# A `page` <b>
<!-- a remark
of two lines -->
<script>alert(1)</script> <img src=x onerror=alert(1)>
[run](javascript:alert(1)) [data](data:text/html,x) [file](../secret.md) [page](evil.md#part) ![picture](http://x.example/a.png)
"""
    (tmp_path / "evil.md").write_text(text)
    monkeypatch.setattr(guides, "FOLDER", tmp_path)
    monkeypatch.setattr(guides, "names", lambda: {"evil"})
    title, html = guides.rendered("evil")
    assert title == "A page <b>"
    assert "<script" not in html
    assert "<img" not in html
    assert "remark" not in html
    assert list(links(html)) == ["/docs/guides/evil#part", "http://x.example/a.png"]


def test_a_wheel_brings_the_guides(backend: object) -> None:
    root = DOCS.parent
    assert "docs = 'gateway/docs/guides'" in (root / "pyproject.toml").read_text()
    assert root / "gateway/docs/guides" == guides._INSTALLED
