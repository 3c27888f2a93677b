"""A quote's JSON is what its documented model says: nothing of it is missing, unknown, or written in another way."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from unit.coupon.carts import line, off, offer, tangle

from services.coupon.pricing.candidates import Candidate
from services.coupon.pricing.cart import Cart
from services.coupon.pricing.engine import price
from services.coupon.pricing.offers import Offer, Refusal
from services.coupon.pricing.schemas import QuoteView
from services.coupon.pricing.views import Json, quote_json
from services.coupon.templates.validity import FOREVER

NOW = datetime(2026, 11, 11, 2, 0, 0, 120, tzinfo=UTC)


def _quote(cart: Cart, offers: list[Offer]) -> Json:
    ends = [FOREVER, NOW + timedelta(days=1)]
    known = {
        one.id: Candidate(
            one.id, one.template_id, 1, one.terms, "券", "CNY", NOW, ends[at % 2], automatic=one.automatic
        )
        for at, one in enumerate(offers)
    }
    answer = price(cart, offers, points=100)
    refused = {**answer.refused, "cpn_gone": Refusal.of("not_found")}
    return quote_json(answer, known, refused, NOW, typed={offers[0].id: "ABCD"})


def _as_documented(quote: Json) -> Json:
    return QuoteView.model_validate(quote).model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("seed", range(20))
def test_the_json_of_a_quote_is_that_of_its_model(seed: int) -> None:
    quote = _quote(*tangle(Random(seed)))  # noqa: S311 - the same every time
    assert quote["applied"] or quote["rejected"]
    assert _as_documented(quote) == quote


def test_so_is_that_of_gifts_cash_back_and_next_steps() -> None:
    offers = [
        offer("gift", {"kind": "gift", "sku": "cup"}),
        offer("other", {"kind": "exchange", "product_id": "p9"}),
        offer("back", {"kind": "cash_back", "amount": 300}),
        offer(
            "steps", {"kind": "ladder", "steps": [{"threshold": 100, "amount": 10}, {"threshold": 9000, "amount": 900}]}
        ),
        offer("more", **off(100, 5000)),
    ]
    quote = _quote(Cart((line("1", 2000),), 800), offers)
    assert {one["kind"] for one in quote["lines"]} == {"item", "gift", "exchange"}
    assert quote["cash_back"]
    assert quote["next_step"]["coupon_id"] == "cpn_more"
    assert quote["server_time"] == "2026-11-11T02:00:00.000120Z"
    assert _as_documented(quote) == quote
