"""What other shops got wrong about times, currencies and codes, played on ours; reports are named by repository and number."""

from typing import Any

import pytest
from api.coupon.mall import Json, Mall

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # rules, not rows
OFF = {"kind": "amount_off", "amount": 100}


async def taken_off(mall: Mall, at: str, price: int = 1000, currency: str = "CNY", **draft: Any) -> int:
    """What a promotion takes off one unit at that instant."""
    lines = [{"line_id": "a", "sku": "a", "product_id": "a", "quantity": 1, "unit_price": price}]
    tried = {"ref": "w", "name": "w", "currency": currency, "benefit": OFF, "automatic": True, **draft}
    body = {"customer_id": "c1", "currency": currency, "lines": lines, "drafts": [tried], "live": False, "at": at}
    answer = await mall.http.post("/v1/quotes/preview", json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["discount"])


async def test_thursday_until_half_past_one_is_no_fridays_business(mall: Mall) -> None:
    """coryetzkorn/php-store-hours #7, mozilla-mobile/prox #124: closed after midnight, or open a night early."""
    night = {"weekdays": [4], "hours": [{"from": "11:00", "until": "01:30"}]}
    found = [
        await taken_off(mall, f"2026-11-{at}+08:00", validity=night)
        for at in ("26T01:00:00", "26T10:59:59", "26T11:00:00", "27T01:29:59", "27T01:30:00", "27T11:00:00")
    ]
    assert found == [0, 0, 100, 100, 0, 0]


async def test_a_night_in_which_clocks_go_back_is_open_by_the_wall_clock(mall: Mall) -> None:
    """underlx/underlx #78: on the day of 25 hours the night ended an hour early."""
    night = {"weekdays": [6], "hours": [{"from": "22:00", "until": "02:30"}], "time_zone": "Europe/Berlin"}
    utc = ("24T19:59:00", "24T20:00:00", "25T00:15:00", "25T00:45:00", "25T01:15:00", "25T01:45:00")
    assert [await taken_off(mall, f"2026-10-{at}Z", validity=night) for at in utc] == [0, 100, 100, 0, 100, 0]


async def test_the_last_day_lasts_until_its_midnight_where_the_shop_is(mall: Mall) -> None:
    """awesomemotive/easy-digital-downloads #7492, woocommerce/woocommerce-ios #6254: over hours or a day too early."""
    until = {"until": "2026-12-06T00:00:00+08:00"}
    instants = (
        "2026-12-05T23:59:59+08:00",
        "2026-12-05T15:59:59Z",
        "2026-12-05T16:00:00Z",
        "2026-12-05T11:00:00-05:00",
    )
    assert [await taken_off(mall, at, validity=until) for at in instants] == [100, 100, 0, 0]


async def test_an_offer_may_have_begun_and_need_not_end(mall: Mall) -> None:
    """mitodl/mitxpro #555 (begun today: not for hours), ingenesis/shopp #3252 (without an end: over since 1970)."""
    template_id = await mall.template(validity={"from": "2026-11-01T00:00:00Z", "until": None})
    assert (await mall.try_claim(template_id)).status_code == 201


async def test_a_validity_that_was_read_can_be_sent_back_and_renaming_leaves_it(mall: Mall) -> None:
    """umbraco/Umbraco.Commerce.Issues #728: saving something else removed the dates, as they came back without a zone."""
    hours = [{"from": "10:00", "until": "24:00"}]
    whole = {
        "from": "2026-11-01T00:00:00+08:00",
        "until": "2026-12-01T00:00:00.25+08:00",
        "weekdays": [1],
        "hours": hours,
    }
    path = f"/v1/coupon-templates/{await mall.template(validity=whole)}"
    before = (await mall.http.get(path)).json()["validity"]
    assert (before["from"], before["until"]) == ("2026-10-31T16:00:00Z", "2026-11-30T16:00:00.250000Z")
    for patch in ({"name": "other"}, {"validity": before}):
        assert (await mall.http.patch(path, json=patch)).json()["validity"] == before


@pytest.mark.parametrize(
    ("currency", "price", "benefit", "off", "shown"),
    [
        ("KWD", 41_625, {"kind": "percent_off", "percent_bp": 10_000}, 41_625, None),
        ("JPY", 1_000, {"kind": "amount_off", "amount": 275}, 275, "JP¥275 off"),
        ("CLF", 12_345_678, {"kind": "amount_off", "amount": 1_234_567}, 1_234_567, "CLF 123.4567 off"),
        ("KWD", 1_234, {"kind": "percent_off", "percent_bp": 1_500}, 185, None),
    ],
)
async def test_a_currency_keeps_its_own_digits(
    mall: Mall, currency: str, price: int, benefit: Json, off: int, shown: str | None
) -> None:
    """woocommerce/woocommerce #22267 (100 % of 41.625 leaves 0.01), useautumn/autumn #234 (275 JPY become 27,500)."""
    more: Json = {"benefit": benefit, "allow_zero_pay": True}
    assert await taken_off(mall, "2026-11-11T00:00:00Z", price, currency, **more) == off
    template_id = await mall.template(currency=currency, **more)
    assert shown in (None, (await mall.seen(template_id))["summary"]["en"])


async def test_a_code_in_any_spelling_is_one_code_in_a_cart(mall: Mall) -> None:
    """woocommerce/woocommerce #16497: capitals of ü were not found, or the coupon was applied once more."""
    body = {"code": "dankefür100", "template_id": await mall.template(limits={"per_customer": 9})}
    assert (await mall.http.post("/v1/public-codes", json=body)).status_code == 201
    spelt = ["dankefür100", "DANKEFÜR100", "dankefu\u0308r-100", " DankeFür100\u200b"]
    for codes in ([one] for one in spelt):
        assert (await mall.quote({**mall.cart(), "codes": codes}))["discount"] == 1_000, codes
    assert (await mall.quote({**mall.cart(), "codes": spelt}))["discount"] == 1_000
    checkout = await mall.checkout("o1", {**mall.cart(), "codes": spelt})
    assert checkout["quote"]["discount"] == 1_000


async def test_times_at_the_end_of_the_calendar_are_no_fault_of_a_value(mall: Mall) -> None:
    far = await mall.template(validity={"from": "9999-12-30T00:00:00Z", "days_after_claim": 3_660})
    assert (await mall.try_claim(far)).json()["code"] == "not_started"
    endless = await mall.template(validity={"until": "9999-12-31T23:59:59.999999Z", "days_after_claim": 3_660})
    assert (await mall.try_claim(endless)).status_code == 201
    for at in ("0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        drafts = [{"ref": "w", "name": "w", "benefit": OFF, "validity": {"days_after_claim": 3_660}}]
        answer = await mall.http.post("/v1/quotes/preview", json={**mall.cart(), "drafts": drafts, "at": at})
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/at"], at


@pytest.mark.parametrize(
    "name", ["localtime", "Factory", "right/UTC", "posix/UTC", "GMT+8", "asia/shanghai", "+08:00", "../UTC"]
)
async def test_a_zone_is_the_same_wherever_this_runs(mall: Mall, name: str) -> None:
    """Files of the zone database that are no zones: the machine's own setting, and clocks that count leap seconds."""
    body = {"name": "x", "benefit": OFF, "validity": {"time_zone": name}}
    answer = await mall.http.post("/v1/coupon-templates", json=body)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/validity/time_zone"]
