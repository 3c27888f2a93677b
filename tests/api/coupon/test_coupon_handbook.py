"""The examples of the pages for marketers, sent to the API as a reader would: the same numbers come back."""

from pathlib import Path

import pytest
from api.coupon.mall import Mall
from conftest import Backend

from services.coupon.handbook.examples import EXAMPLES
from services.coupon.handbook.worked import work_out


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    """One database is enough: a preview stores nothing."""
    return Backend("sqlite", tmp_path, None)


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
