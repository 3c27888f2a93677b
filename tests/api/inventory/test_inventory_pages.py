"""The merchants' pages about stock: every table is played, in both languages."""

import re
from pathlib import Path

import pytest
from api.inventory.shopkit import Json, Shop, figures

from services.inventory.signals.rules import judged

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("stock-for-merchants.md", "stock-for-merchants.zh-CN.md")
STEP = re.compile(r"^\| `(\w+) ?(\d*)`.*?\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$")
THRESHOLD = re.compile(r"^\| (\d+) \| (\d+) \|$", re.MULTILINE)
Table = list[tuple[str, int, tuple[int, ...]]]


def tables(page: str) -> list[Table]:
    """(step, units, what is there afterwards) of every row of every table of steps."""
    found: list[Table] = []
    for block in re.split(r"\n\n", (DOCS / page).read_text(encoding="utf-8")):
        rows = [match.groups() for match in map(STEP.match, block.splitlines()) if match]
        if rows:
            found.append([(step, int(units or 0), tuple(map(int, rest))) for step, units, *rest in rows])
    return found


class Story:
    """Plays the steps of one table on a SKU of its own."""

    def __init__(self, shop: Shop, sku: str) -> None:
        self.shop = shop
        self.sku = sku
        self.order: Json = {}
        self.version = 0

    async def play(self, step: str, units: int) -> None:
        lines = {"lines": [{"sku": self.sku, "quantity": units}]} if units else None
        if step == "receive":
            await self.shop.receive(self.sku, units)
        elif step == "sell":
            line = {"sku": self.sku, "location_id": "w1", "change": -units}
            assert (await self.shop.adjust([line], "sold")).status_code == 201
        elif step == "reserve":
            self.order = await self.shop.held(self.sku, (self.sku, units))
        elif step == "expire":
            self.shop.clock.advance(seconds=900)
            await self.shop.running.tick()
        elif step == "look":
            self.version = (await self.shop.level(self.sku))["version"]
        elif step == "count":
            body = {"sku": self.sku, "location_id": "w1", "counted": units, "expected_version": self.version}
            assert (await self.shop.client.post("/v1/stock/counts", json=body)).status_code == 201
        else:
            await self.shop.done(self.order, step, lines)


async def test_the_tables_are_what_happens(shop: Shop) -> None:
    played = [tables(page) for page in PAGES]
    assert played[0] == played[1], "the two languages show the same tables"
    assert len(played[0]) == 4
    for number, table in enumerate(played[0]):
        story = Story(shop, f"s{number}")
        for step, units, there in table:
            await story.play(step, units)
            assert figures(await shop.level(story.sku)) == there, (step, units)


@pytest.mark.parametrize("page", PAGES)
def test_the_thresholds_are_those_of_the_rules(page: str) -> None:
    rows = THRESHOLD.findall((DOCS / page).read_text(encoding="utf-8"))
    assert len(rows) == 3
    for threshold, most in ((int(one), int(other)) for one, other in rows):
        assert judged("low", most, threshold, fell=False).word == "low"
        assert judged("low", most + 1, threshold, fell=False).word == "plenty"
