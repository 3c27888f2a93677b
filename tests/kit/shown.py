"""Pages whose commands are executed as they stand: their blocks, and whether what was printed is what the page shows."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGING = [
    (r"\b[a-z]{3,4}_[0-9A-HJKMNP-TV-Z]{26}\b", "<id>"),
    (r"\b[a-z]{3,4}_…", "<id>"),
    (r"qy_live_sk_\S+", "<key>"),
    (r"\b(hz|gz)-[0-9a-f]{6}\b", "<place>"),  # whichever warehouse the stock is taken from
    (r"-[0-9a-f]{6}\b", "-<run>"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "<time>"),
    (r"\b[0-9A-Z]{13}\b", "<code>"),
    (r"(  )?\b[\d,.]+ m?s\b", "<took>"),
    (r"[\d,.]+ 秒", "<took>"),
    (r"[\d,]+ rows/s|每秒 [\d,]+ 行", "<speed>"),
    (r"\b\d{9}$", "<short code>"),
    (r"\d+ events in \d+ deliveries|\d+ 次投递中有 \d+ 个事件", "<events>"),
    (r"\d+ prizes|\d+ 个中奖", "<prizes>"),
    (r"\d+ checks in|\d+ 项检查", "<checks>"),
    (r"  <took>$", ""),
]


@dataclass(frozen=True)
class Block:
    """A fenced block. `language` is what follows the fence; `line` is where it begins."""

    language: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block, in the page's order."""
    for found in _FENCE.finditer(page):
        yield Block(found[1], found[2], page[: found.start()].count("\n") + 1)


def settled(text: str) -> str:
    """The text with what differs from run to run replaced by its name."""
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def shows(shown: str, printed: str) -> bool:
    """True when the page shows what was printed; `…` stands for anything, of any length."""
    parts = (re.escape(part) for part in settled(shown).split("…"))
    return re.fullmatch(".*?".join(parts), settled(printed), re.DOTALL) is not None


def difference(shown: str, printed: str) -> str:
    """For the person who mends the page."""
    return "\n".join(
        difflib.unified_diff(settled(shown).splitlines(), settled(printed).splitlines(), "shown", "printed")
    )
