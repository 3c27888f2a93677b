"""Attack 12 on the coupon service: each operation on an object of another partner answers like a random id."""

from typing import Any

import pytest
from api.coupon.mall import Mall
from attacks.partners import Case, Json, Partners, cases_of
from conftest import RunService

from services.coupon.app import create_service
from services.coupon.code_format import new_codes
from services.coupon.settings import CouponSettings
from shared.contracts import OrderPaid

PATHS = (
    "/v1/coupon", "/v1/promotions", "/v1/code", "/v1/public-codes", "/v1/share", "/v1/claim-", "/v1/draws",
    "/v1/checkouts", "/v1/refunds", "/v1/redemption", "/v1/cash-back",
)  # fmt: skip
BENEFIT = {"kind": "amount_off", "amount": 100}
WINDOW = {"from": "2026-11-11T00:00:00Z", "until": "2026-11-12T00:00:00Z"}


@pytest.fixture
async def partners(run_service: RunService) -> Partners:
    return Partners(await run_service(create_service, CouponSettings, job_chunk_size=20, code_chunk_size=20))


def cart(customer_id: str = "c1") -> Json:
    line = {"line_id": "1", "sku": "s1", "quantity": 1, "unit_price": 10_000}
    return {"customer_id": customer_id, "lines": [line]}


async def catalogue(partners: Partners, made: Json, by: Any = None) -> None:
    """Offers of partner A, or of whom is named, by the names of the routes' parameters."""
    make = partners.make
    made["template_id"] = (await make("/v1/coupon-templates", {"name": "券", "benefit": BENEFIT}, by=by))["id"]
    back = {"kind": "cash_back", "percent_bp": 1000, "max_amount": 9_000, "valid_days": 7}
    made["promotion_id"] = (await make("/v1/promotions", {"name": "返", "benefit": back}, by=by))["id"]
    items = [{"template_id": made["template_id"]}]
    made["pack_id"] = (await make("/v1/coupon-packs", {"name": "礼包", "items": items}, by=by))["id"]
    share = {"name": "邀", "reward_template_id": made["template_id"], "friends": 1}
    made["offer_id"] = (await make("/v1/share-offers", share, by=by))["id"]
    prize = {"name": "券", "odds_bp": 10_000, "template_id": made["template_id"]}
    draw = {"name": "转盘", "window": WINDOW, "prizes": [prize], "limits": {"per_customer": 1000}}
    made["draw_id"] = (await make("/v1/draws", draw, by=by))["id"]


async def codes(partners: Partners, made: Json) -> None:
    template_id = made["template_id"]
    made["batch_id"] = (await partners.make(f"/v1/coupon-templates/{template_id}/codes", {"count": 3}))["id"]
    issue = {"customer_ids": ["c9"], "reason": "x"}
    made["job_id"] = (await partners.make(f"/v1/coupon-templates/{template_id}/issues", issue))["id"]
    await partners.running.tick()
    made["code"] = (await partners.a.get(f"/v1/code-batches/{made['batch_id']}/codes")).json()["data"][0]["code"]
    public = {"code": "DOUBLE11", "template_id": template_id}
    made["public_code_id"] = (await partners.make("/v1/public-codes", public))["id"]
    scan = {"template_id": template_id, "shop_id": "shopA", "rotating": True}
    made["claim_code_id"] = (await partners.make("/v1/claim-codes", scan))["id"]
    token = (await partners.a.get(f"/v1/claim-codes/{made['claim_code_id']}/token")).json()["token"]
    await partners.make("/v1/claim-codes/redeem", {"token": token, "customer_id": "c7"})
    partners.made.append("shopA")


async def customers(partners: Partners, made: Json) -> None:
    make, template_id = partners.make, made["template_id"]
    made["coupon_id"] = (await make(f"/v1/coupon-templates/{template_id}/claims", {"customer_id": "c1"}))["id"]
    made["claim_id"] = (await make(f"/v1/coupon-packs/{made['pack_id']}/claims", {"customer_id": "c2"}))["id"]
    share = await make(f"/v1/share-offers/{made['offer_id']}/shares", {"customer_id": "c3"})
    made["token"] = share["id"]
    drawn = await make(f"/v1/draws/{made['draw_id']}/tickets", {"customer_id": "c4", "ticket_ref": "t1"})
    made["number"] = drawn["number"]
    shown = (await make(f"/v1/coupon-templates/{template_id}/claims", {"customer_id": "c5"}))["id"]
    token = await make("/v1/redemption-tokens", {"coupon_id": shown})
    made["token_id"] = token["id"]
    till = partners.till("own_a")
    redeemed = await make("/v1/redemptions", {"token": token["token"], "order_ref": "r1", "amount": 10}, by=till)
    made["redemption_id"] = redeemed["id"]
    late = {"token": token["token"], "order_ref": "r2", "amount": 10, "redeemed_at": redeemed["redeemed_at"]}
    settled = await make("/v1/redemptions/settlements", {"redemptions": [late]}, by=till)
    made["conflict_id"] = settled["results"][0]["conflict_id"]
    partners.made += [made["redemption_id"], made["conflict_id"]]


async def orders(partners: Partners, made: Json) -> None:
    checkout = await partners.make("/v1/checkouts", {**cart("c6"), "order_id": "o1"})
    made["checkout_id"] = checkout["id"]
    await partners.make(f"/v1/checkouts/{checkout['id']}/commit")
    made["refund_id"] = (await partners.make(f"/v1/checkouts/{checkout['id']}/refunds", {"refund_id": "x1"}))["id"]
    made["cash_back_id"] = (await partners.a.get("/v1/cash-back")).json()["data"][0]["id"]
    partners.made.append(made["cash_back_id"])


def cases(made: Json) -> list[Case]:
    bodies: dict[str, Any] = {
        "PATCH /v1/coupon-templates/{template_id}": {"status": "paused"},
        "POST /v1/coupon-templates/{template_id}/claims": {"customer_id": "c8"},
        "POST /v1/coupon-templates/{template_id}/issues": {"customer_ids": ["c8"], "reason": "x"},
        "POST /v1/coupon-templates/{template_id}/codes": {"count": 1},
        "PATCH /v1/coupon-packs/{pack_id}": {"status": "paused"},
        "POST /v1/coupon-packs/{pack_id}/claims": {"customer_id": "c8"},
        "POST /v1/coupons/{coupon_id}/void": {"reason": "x"},
        "PATCH /v1/promotions/{promotion_id}": {"status": "paused"},
        "PATCH /v1/public-codes/{public_code_id}": {"status": "paused"},
        "PATCH /v1/share-offers/{offer_id}": {"status": "paused"},
        "POST /v1/share-offers/{offer_id}/shares": {"customer_id": "c8"},
        "PATCH /v1/claim-codes/{claim_code_id}": {"status": "paused"},
        "POST /v1/draws/{draw_id}/tickets": {"customer_id": "c8"},
        "POST /v1/checkouts/{checkout_id}/extend": {"ttl_seconds": 60},
        "POST /v1/redemptions/{redemption_id}/reverse": {"reason": "x"},
    }
    return cases_of(PATHS, made, bodies, {"GET /v1/codes/{code}": next(new_codes(""))})


async def test_attack_12_every_operation_on_another_partners_coupons_answers_like_a_random_id(
    partners: Partners,
) -> None:
    made: Json = {}
    await catalogue(partners, made)
    for step in (codes, customers, orders):
        await step(partners, made)
    await partners.refuses_like_nothing(cases(made))
    await partners.lists_tell_nothing(PATHS, queries(made))


def queries(made: Json) -> dict[str, list[Json]]:
    """Filters of each list, among them those that would find A's objects."""
    template = {"template_id": made["template_id"]}
    return {
        "GET /v1/coupon-templates": [{}, {"status": "active", "name": "券"}],
        "GET /v1/coupon-packs": [{}, {"status": "active"}],
        "GET /v1/promotions": [{}, {"name": "返"}],
        "GET /v1/coupon-jobs": [{}, template],
        "GET /v1/coupons": [{}, {"customer_id": "c1", **template}],
        "GET /v1/code-batches": [{}, template],
        "GET /v1/public-codes": [{}, template],
        "GET /v1/share-offers": [{}, {"status": "active"}],
        "GET /v1/shares": [{}, {"offer_id": made["offer_id"], "customer_id": "c3"}],
        "GET /v1/claim-codes": [{}, {"shop_id": "shopA"}],
        "GET /v1/claim-codes/figures": [{}, {"shop_id": "shopA"}],
        "GET /v1/claim-centre": [{"customer_id": "c1"}],
        "GET /v1/draws": [{}, {"status": "open"}],
        "GET /v1/checkouts": [{}, {"order_id": "o1"}, {"customer_id": "c6"}],
        "GET /v1/redemption-tokens": [{}],
        "GET /v1/redemptions": [{}, {"shop_id": "shopA"}, {"customer_id": "c5"}],
        "GET /v1/redemption-conflicts": [{}, {"shop_id": "shopA"}],
        "GET /v1/cash-back": [{}, {"order_id": "o1"}, {"customer_id": "c6"}],
    }


async def test_attack_12_partners_read_the_merchants_catalogue_and_change_nothing_of_it(partners: Partners) -> None:
    made: Json = {}
    await catalogue(partners, made, by=partners.merchant)
    for path, name in (
        ("coupon-templates", "template_id"),
        ("promotions", "promotion_id"),
        ("coupon-packs", "pack_id"),
        ("share-offers", "offer_id"),
    ):
        one = f"/v1/{path}/{made[name]}"
        before = (await partners.b.get(one)).json()
        assert (await partners.b.patch(one, json={"status": "paused"})).status_code == 404
        assert (await partners.b.get(one)).json() == before
    assert (await partners.b.post(f"/v1/draws/{made['draw_id']}/close")).status_code == 404
    assert (await partners.b.get(f"/v1/draws/{made['draw_id']}")).json()["status"] == "open"
    for path in ("order-messages", "abuse/cases", "abuse/rules", "audit/coupons"):
        answer = await partners.b.get(f"/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "operators_only"), path
    assert (await partners.b.post("/v1/redemption-keys/rotate")).json()["code"] == "operators_only"


async def test_attack_12_the_same_order_and_references_of_two_partners_are_apart(partners: Partners) -> None:
    made: Json = {}
    await catalogue(partners, made, by=partners.merchant)
    body = {**cart("c6"), "order_id": "o1"}
    mine, theirs = [await partners.make("/v1/checkouts", body, by=one) for one in (partners.a, partners.b)]
    assert mine["id"] != theirs["id"]
    other = await partners.b.post("/v1/checkouts", json={**cart("c7"), "order_id": "o1"})
    assert (other.status_code, other.json()["checkout_id"]) == (422, theirs["id"])
    path = f"/v1/draws/{made['draw_id']}/tickets"
    tickets = [
        await partners.make(path, {"customer_id": who, "ticket_ref": "t1"}, by=by)
        for who, by in (("c1", partners.a), ("c2", partners.b), ("c1", partners.a))
    ]
    assert [one["number"] for one in tickets] == [1, 2, 1]
    shares = [
        await partners.make(f"/v1/share-offers/{made['offer_id']}/shares", {"customer_id": "c3"}, by=by)
        for by in (partners.a, partners.merchant)
    ]
    assert shares[0]["token"] == shares[1]["token"], "the merchant sees everybody's"
    limited = await partners.b.post(f"/v1/share-offers/{made['offer_id']}/shares", json={"customer_id": "c3"})
    assert shares[0]["token"] not in limited.text
    claim = {"customer_id": "c4", "number": 1}
    await partners.make(f"/v1/coupon-packs/{made['pack_id']}/claims", claim)
    assert (await partners.b.post(f"/v1/coupon-packs/{made['pack_id']}/claims", json=claim)).status_code == 404


async def test_attack_12_a_partners_order_system_settles_its_own_orders_only(partners: Partners) -> None:
    body = {**cart("c6"), "order_id": "o1"}
    mine, theirs = [await partners.make("/v1/checkouts", body, by=one) for one in (partners.a, partners.b)]
    await Mall(partners.running).send(OrderPaid(order_id="o1", owner_id="own_b"))
    assert (await partners.a.get(f"/v1/checkouts/{mine['id']}")).json()["status"] == "locked"
    assert (await partners.b.get(f"/v1/checkouts/{theirs['id']}")).json()["status"] == "committed"
    await Mall(partners.running).send(OrderPaid(order_id="o1"))
    assert (await partners.a.get(f"/v1/checkouts/{mine['id']}")).json()["status"] == "locked", (
        "theirs is open, and newer"
    )


async def test_attack_12_a_till_sees_no_token_that_a_customer_has_not_shown_it(partners: Partners) -> None:
    made: Json = {}
    await catalogue(partners, made)
    coupon = await partners.make(f"/v1/coupon-templates/{made['template_id']}/claims", {"customer_id": "c1"})
    token = await partners.make("/v1/redemption-tokens", {"coupon_id": coupon["id"]})
    till = partners.till("own_a")
    assert (await till.get("/v1/redemption-tokens")).json()["data"] == []
    for path in ("", "/qr.svg"):
        assert (await till.get(f"/v1/redemption-tokens/{token['id']}{path}")).status_code == 404
    assert (await partners.a.get(f"/v1/redemption-tokens/{token['id']}")).json()["short_code"] == token["short_code"]


async def test_attack_12_no_refusal_names_the_offer_of_another_partner(partners: Partners) -> None:
    terms = {"benefit": {"kind": "amount_off", "amount": 5000}, "threshold": {"amount": 10_000}}
    mine = await partners.make("/v1/promotions", {"name": "甲的秘密活动", **terms})
    body: Json = {"name": "券", **terms}
    answers = [await one.post("/v1/coupon-templates", json=body) for one in (partners.a, partners.b)]
    assert (answers[0].status_code, answers[0].json()["offers"]) == (422, [mine["id"]])
    assert answers[1].status_code == 201, answers[1].text
