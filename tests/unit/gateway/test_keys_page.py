"""`docs/keys.md`: its lines of Python and Node sign as the gateway proves, and its vectors are those of the tests."""

import json
import shutil
import subprocess
from typing import Any

import pytest
from kit.pages import LANGUAGES, blocks

from gateway.signatures.rules import RequestTarget, Signed, sign

pages = pytest.mark.parametrize("page", [f"keys{language}.md" for language in LANGUAGES])
SECRET = "qysec_docs_only_0123456789abcdefghijklmnopq"
CALLS = [
    ("POST", "/v1/coupon-templates/tpl_1/claims", '{"customer_id":"张三"}'),
    ("GET", "/v1/coupons?customer_id=%E5%BC%A0%E4%B8%89&limit=10", ""),
    ("GET", "/v1/coupons?limit=10&code=a?b", ""),
]
_DRIVER = """
const calls = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(calls.map(([secret, method, target, body]) =>
  signed(secret, "key_01", method, target, Buffer.from(body), "1790000000", "n-1"))));
"""


def _expected(method: str, target: str, body: str) -> str:
    path, _, query = target.partition("?")
    signed = Signed("key_01", 1790000000, "n-1", ())
    return sign(SECRET, signed, RequestTarget(method, path.encode(), query.encode()), body.encode())


def _in_python(code: str) -> list[dict[str, str]]:
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 - the page's own lines
    made = space["signed"]
    return [
        made(SECRET, "key_01", method, target, body.encode(), "1790000000", "n-1") for method, target, body in CALLS
    ]


def _in_node(code: str) -> list[dict[str, str]]:
    given = json.dumps([(SECRET, *call) for call in CALLS])
    command = ["node", "-e", code + _DRIVER]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=True)
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@pages
@pytest.mark.parametrize("language", ["python", "js"])
def test_the_lines_on_the_page_sign_what_we_prove(page: str, language: str) -> None:
    if language == "js" and shutil.which("node") is None:
        pytest.skip("Node is not installed: the page's lines for it were not run")
    (code,) = blocks(page, language)
    made = _in_python(code) if language == "python" else _in_node(code)
    assert [one["X-Quanyu-Signature"] for one in made] == [f"v1={_expected(*call)}" for call in CALLS]
    assert {(one["X-Quanyu-Key-Id"], one["X-Quanyu-Timestamp"], one["X-Quanyu-Nonce"]) for one in made} == {
        ("key_01", "1790000000", "n-1")
    }


@pages
def test_the_page_shows_the_vectors(page: str) -> None:
    (vectors,) = blocks(page, "text")
    told = [
        [f"{method} {target}", *([body] if body else []), f"v1={_expected(method, target, body)}"]
        for method, target, body in CALLS[:2]
    ]
    assert [one.splitlines() for one in vectors.strip().split("\n\n")] == told
