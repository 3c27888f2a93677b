"""The examples of the pages for marketers, sent to the API as a reader would: the same numbers come back."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from api.coupon.mall import Mall
from conftest import Backend
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from kit.backends import MigratedFiles

from shared.clock import ManualClock
from suite.handbook.coupon.examples import EXAMPLES
from suite.handbook.coupon.lifecycle import BODIES, limits
from suite.handbook.coupon.worked import work_out

PAGE = Path(__file__).parents[3] / "docs/coupons-for-engineers.md"


@pytest.fixture
def backend(tmp_path: Path, _migrated_files: MigratedFiles) -> Backend:
    """One database is enough: a preview stores nothing."""
    return Backend("sqlite", tmp_path, None, _migrated_files)


async def test_a_preview_answers_what_the_pages_show(mall: Mall) -> None:
    for name, one in EXAMPLES.items():
        drafts = [
            {**given.body, "ref": f"ofr_{at}", "automatic": given.automatic} for at, given in enumerate(one.offers)
        ]
        body = {"customer_id": "lin", "lines": one.lines, "shipping_fee": one.shipping_fee, "points": one.points}
        answer = await mall.http.post("/v1/quotes/preview", json={**body, "drafts": drafts})
        assert answer.status_code == 200, (name, answer.text)
        shown, worked = answer.json(), work_out(one).answer
        assert (shown["total"], shown["discount"]) == (worked.total, worked.discount), name
        assert {used["ref"]: used["amount"] for used in shown["applied"]} == {
            use.offer.id: use.amount for use in worked.uses
        }, name
        assert {left["ref"]: left["code"] for left in shown["rejected"]} == {
            offer_id: refusal.code for offer_id, refusal in worked.refused.items()
        }, name
        assert shown["faults"] == [], name


async def test_the_bodies_can_be_posted_as_they_stand(mall: Mall) -> None:
    for name, one in EXAMPLES.items():
        made = []
        for given in one.offers:
            path = "/v1/promotions" if given.automatic else "/v1/coupon-templates"
            answer = await mall.http.post(path, json=given.body)
            assert answer.status_code == 201, (name, answer.text)
            made.append(f"{path}/{answer.json()['id']}")
        for path in made:  # the examples do not know of each other
            await mall.http.patch(path, json={"status": "paused"})


async def test_claims_are_answered_as_the_pages_say(mall: Mall, clock: ManualClock) -> None:
    """The table of limits, played: `| day 1 | lin | gets a coupon |`."""
    for body in BODIES:
        answer = await mall.http.post("/v1/coupon-templates", json=body)
        assert answer.status_code == 201, answer.text
    limited = answer.json()["id"]
    today = "day 1"
    for day, customer, told in re.findall(r"^\| (day \d) \| (\w+) \| (.+) \|$", "\n".join(limits("en")), re.MULTILINE):
        if day != today:
            today = day
            clock.advance(seconds=86_400)
        found = await mall.try_claim(limited, customer)
        said = "gets a coupon" if found.status_code == 201 else f"{found.json()['detail']} (`{found.json()['code']}`)"
        assert said == told, (day, customer)
    assert today == "day 2"


async def test_a_till_off_line_can_do_what_the_page_says(mall: Mall, clock: ManualClock) -> None:
    (snippet,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    coupon_id = await mall.claim(await mall.template(1500))
    shown = (await mall.http.post("/v1/redemption-tokens", json={"coupon_id": coupon_id})).json()
    jwks = (await mall.http.get("/v1/redemption-keys")).json()

    def checked(token: str, seconds: float = 0, amount: int = 1500) -> Any:
        """What the till makes of it: the page's own lines, as a reader would copy them."""
        till: dict[str, Any] = {"base64": base64, "json": json, "Ed25519PublicKey": Ed25519PublicKey, "jwks": jwks}
        till |= {"token": token, "now": clock.now().timestamp() + seconds, "amount": amount}
        exec(snippet, till)  # noqa: S102 - our own documentation
        return till["claims"]

    claims = checked(shown["token"])
    assert (claims["sub"], claims["ben"], claims["amt"], claims["cur"]) == (coupon_id, "amount_off", 1500, "CNY")
    for wrong in ({"seconds": 61}, {"amount": claims["max"] + 1}):
        with pytest.raises(AssertionError):
            checked(shown["token"], **wrong)
    head, payload, signature = shown["token"].split(".")
    changed = base64.urlsafe_b64encode(base64.urlsafe_b64decode(payload + "==").replace(b"1500", b"9500")).decode()
    with pytest.raises(InvalidSignature):
        checked(".".join((head, changed.rstrip("="), signature)))
