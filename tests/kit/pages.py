"""What the documentation shows, taken out of its pages to be run."""

import json
import re
from pathlib import Path

import httpx

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("", ".zh-CN")


def blocks(page: str, kind: str, section: str = "") -> list[str]:
    """The code blocks of that kind on a page, of one section or of all."""
    text = (DOCS / page).read_text()
    if section:
        text = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def calls(page: str, section: str = "") -> list[str]:
    """The lines of its `calls` blocks: a method, a path, and a JSON body where there is one."""
    return [line for block in blocks(page, "calls", section) for line in block.splitlines()]


async def perform(client: httpx.AsyncClient, call: str, **ids: str) -> httpx.Response:
    """Make such a call; `{endpoint_id}` in its path is what `ids` has for it. It must succeed."""
    method, path, *body = call.split(" ", 2)
    answer = await client.request(method, path.format(**ids), json=json.loads(body[0]) if body else None)
    assert answer.is_success, (call, answer.text)
    return answer
