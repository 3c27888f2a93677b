"""Refunds as other shops got them wrong, played through the API: what comes back, by line; each names its public report."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from api.coupon.mall import Json, Mall
from kit.alone import Alone


@dataclass(frozen=True)
class Report:
    """An order of these `lines` with a coupon of each of the `offers`, and what each refund gives back by line."""

    lines: tuple[Json, ...]
    offers: tuple[Json, ...]
    paid: int
    refunds: tuple[tuple[Json, Json], ...]
    fee: int = 0
    more: Json = field(default_factory=dict)


def goods(name: str, price: int, quantity: int = 1, **more: Any) -> Json:
    return {"line_id": name, "sku": name, "product_id": name, "unit_price": price, "quantity": quantity, **more}


def back(policy: str = "keep", shipping: str = "when_whole", **units: int) -> Json:
    lines = [{"line_id": name, "quantity": count} for name, count in units.items()]
    return {"lines": lines, "policy": policy, "shipping": shipping}


TENTH: Json = {"benefit": {"kind": "percent_off", "percent_bp": 1_000}}
BUY_2_GET_1: Json = {"benefit": {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}}}
HALF_FEE: Json = {"benefit": {"kind": "shipping_percent_off", "percent_bp": 5_000}}
THREE = (goods("a", 3_000, 3),)
REPORTS = {
    "bagisto 1509: one of three is cheaper; its discount is not taken from the third once more": Report(
        (goods("a", 10_000, 3),),
        ({"benefit": {"kind": "amount_off", "amount": 3_000, "per": "unit", "max_units": 1}},),
        27_000,
        ((back(a=2), {"a": 18_000}), (back(a=1), {"a": 9_000})),
    ),
    "prestashop 18319: one of two comes back with its own share of 20 %, not with all of it": Report(
        (goods("a", 15_000), goods("b", 6_000)),
        ({"benefit": {"kind": "percent_off", "percent_bp": 2_000}},),
        16_800,
        ((back(a=1), {"a": 12_000}), (back(b=1), {"b": 4_800})),
    ),
    "sylius refund plugin 252: a fee that the shop paid is nothing to give back": Report(
        (goods("a", 5_000),),
        ({"benefit": {"kind": "free_shipping"}},),
        5_000,
        ((back(a=1), {"a": 5_000, "shipping": 0}),),
        fee=1_000,
    ),
    "magento 22343: the discount of a fee that is not refunded is not taken off the goods": Report(
        (goods("a", 5_000),),
        (HALF_FEE,),
        5_500,
        ((back(a=1, shipping="never"), {"a": 5_000}), ({"lines": [], "shipping": "now"}, {"shipping": 500})),
        fee=1_000,
    ),
    "openmage 4396: all lines and the fee together are all that was paid": Report(
        (goods("a", 10_999), goods("b", 7_777, 2)),
        (TENTH, HALF_FEE),
        26_396,
        (({}, {"a": 9_899, "b": 13_999, "shipping": 2_498}),),
        fee=4_997,
    ),
    "vendure 2762: an order with a coupon is cancelled whole, and what the coupon took is nobody's to pay out": Report(
        (goods("a", 10_000, 2),),
        ({"benefit": {"kind": "amount_off", "amount": 1_000}},),
        19_000,
        (({}, {"a": 19_000}),),
    ),
    "vendure 3885: two of five pizzas are sold out; discount and delivery fee of the rest stay as they were": Report(
        (goods("pizza", 550, 5),),
        ({**TENTH, "threshold": {"amount": 2_000}},),
        2_525,
        ((back(pizza=2), {"pizza": 990}), (back(pizza=3), {"pizza": 1_485, "shipping": 50})),
        fee=50,
    ),
    "medusa 345: goods that took no discount come back at their price": Report(
        (goods("a", 10_000), goods("b", 10_000, discountable=False)),
        (TENTH,),
        19_000,
        ((back(b=1), {"b": 10_000}), (back(a=1), {"a": 9_000})),
    ),
    "dynamics 4215: two of buy-two-get-one come back, keep": Report(
        THREE, (BUY_2_GET_1,), 6_000, ((back(a=2), {"a": 4_000}), (back(a=1), {"a": 2_000}))
    ),
    "dynamics 4215: two of buy-two-get-one come back, and the third was free no more": Report(
        THREE,
        (BUY_2_GET_1,),
        6_000,
        ((back("clawback", a=2), {"a": 3_000}), (back("clawback", a=1), {"a": 3_000})),
    ),
    "magento 13153: nothing was paid, so nothing is given back, and less than nothing neither": Report(
        (goods("a", 3_000, 2),),
        ({"benefit": {"kind": "percent_off", "percent_bp": 10_000}, "allow_zero_pay": True},),
        0,
        ((back(a=1), {"a": 0}), ({}, {"a": 0})),
    ),
    "odoo 221928: goods that points paid for in part give points back, once": Report(
        (goods("a", 5_000, 2),),
        ({"benefit": {"kind": "amount_off", "amount": 1_000}},),
        8_400,
        ((back(a=1), {"a": 4_200}), ({}, {"a": 4_200})),
        more={"points": 600},
    ),
}


async def played(mall: Mall, report: Report, number: int) -> None:
    customer = f"c{number}"
    offers = [{"allow_zero_pay": True, **offer} for offer in report.offers]  # all reports' offers are live at once
    coupons = [await mall.claim(await mall.template(**offer), customer) for offer in offers]
    cart = {"customer_id": customer, "lines": list(report.lines), "shipping_fee": report.fee, "coupons": coupons}
    order = await mall.checkout(f"o{number}", {**cart, **report.more})
    await mall.end(order["id"], "commit")
    assert order["quote"]["total"] == report.paid
    for body, expected in report.refunds:
        quoted = (await mall.http.post(f"/v1/checkouts/{order['id']}/refunds/quote", json=body)).json()
        refund = await mall.refund(order["id"], **body)
        assert {line["line_id"]: line["amount"] for line in refund["lines"]} == expected
        assert (refund["amount"], refund["lines"]) == (sum(expected.values()), quoted["lines"])
    points = sum(one["points"] for one in (await _refunds(mall, order["id"])))
    assert points == report.more.get("points", 0)
    assert sum(one["amount"] for one in await _refunds(mall, order["id"])) == report.paid
    assert {(await mall.coupon(one))["status"] for one in coupons} == {"issued"}
    over = await mall.try_refund(order["id"], lines=[{"line_id": report.lines[0]["line_id"], "quantity": 1}])
    assert (over.status_code, over.json()["code"]) == (409, "nothing_left_to_refund")  # woocommerce 28856


async def _refunds(mall: Mall, checkout_id: str) -> list[Json]:
    found: list[Json] = (await mall.http.get(f"/v1/checkouts/{checkout_id}/refunds")).json()["data"]
    return found


@pytest.mark.parametrize("kept_backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("report", REPORTS)
def test_a_report_of_another_shop(alone: Alone, report: str) -> None:
    mall = Mall(alone.running)
    alone.run(played(mall, REPORTS[report], list(REPORTS).index(report)))
    assert alone.run(mall.audit()) == {}
