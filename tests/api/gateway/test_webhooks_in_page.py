"""`docs/webhooks-in.md`: its calls do what it says, and its table is that of the code."""

import re
from typing import Any

import pytest
from api.gateway.sourcekit import SHOP, made, received
from kit.gateway import Suite
from kit.pages import DOCS, LANGUAGES, blocks, calls, perform

from gateway.settings import GatewaySettings
from gateway.webhooks_in.ready import READY
from gateway.webhooks_in.schemes import SCHEMES

PAGES = [f"webhooks-in{language}.md" for language in LANGUAGES]


def test_both_languages_show_the_same_calls() -> None:
    assert blocks(PAGES[0], "calls") == blocks(PAGES[1], "calls") != []


async def test_the_calls_of_the_page_do_what_it_says(suite: Suite, post: Any) -> None:
    source = await made(suite, SHOP)
    assert (await post(source, {"topic": "orders/paid"})).status_code == 422
    (row,) = await received(suite, source)
    for call in calls(PAGES[0]):
        await perform(suite.client(), call, source_id=source["id"], received_id=row["id"])


@pytest.mark.parametrize("page", PAGES)
def test_the_table_names_every_scheme_with_its_secret(page: str) -> None:
    text = (DOCS / page).read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE))
    del rows["scheme"]
    assert set(rows) == set(SCHEMES)
    for name, scheme in SCHEMES.items():
        named = re.findall(r"`(\w+)`", rows[name])
        assert named == [field for field in scheme.fields if field not in ("secret", "<serial>")]
    assert set(re.findall(r"`(\w+\.orders)`", text)) == set(READY)
    defaults = {name: field.default for name, field in GatewaySettings.model_fields.items()}
    assert (defaults["webhooks_in_keep_days"], defaults["webhooks_in_bodies_keep_days"]) == (30, 14)
    assert re.search(r"30 (days|天)", text)
    assert re.search(r"14 (days|天)", text)
