"""The shop window: what a key that every visitor holds sees of offers. What the claim centre shows, and no more of it."""

from typing import Any

import httpx
import pytest
from api.coupon.mall import Mall

from shared.clock import ManualClock

SHOWN = {
    "id",
    "name",
    "summary",
    "currency",
    "benefit",
    "threshold",
    "scope",
    "members_only",
    "validity",
    "per_customer",
    "state",
}
HIDDEN: dict[str, dict[str, Any]] = {
    "paused": {"status": "paused"},
    "private": {"visible_in_centre": False},
    "over": {"validity": {"until": "2026-11-11T10:00:01+08:00"}},  # a second after these tests begin
}


@pytest.fixture(params=["publishable key", "end-user's token"])
def visitor(request: pytest.FixtureRequest, mall: Mall) -> httpx.AsyncClient:
    if request.param == "publishable key":
        return mall.running.client(["coupon:templates:read"], kind="publishable")
    return mall.running.client(customer_id="c1")


async def listed(client: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/coupon-templates", params=filters)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_a_visitor_sees_what_the_claim_centre_shows_and_the_rest_does_not_exist(
    mall: Mall, visitor: httpx.AsyncClient, clock: ManualClock
) -> None:
    public = await mall.template(name="public")
    hidden = [await mall.template(name=name, **more) for name, more in HIDDEN.items()]
    clock.advance(seconds=1)
    promotion = await mall.promotion()
    assert [one["id"] for one in await listed(visitor)] == [public]
    unknown = (await visitor.get("/v1/coupon-templates/tpl_none")).json()
    for template_id in (*hidden, promotion):
        refused = await visitor.get(f"/v1/coupon-templates/{template_id}")
        assert refused.status_code == 404
        assert {**refused.json(), "request_id": ""} == {**unknown, "request_id": ""}
    centre = (await mall.http.get("/v1/claim-centre", params={"customer_id": "c1"})).json()["data"]
    assert [one["template_id"] for one in centre] == [public]


async def test_a_visitor_sees_nothing_of_the_merchants_own(mall: Mall, visitor: httpx.AsyncClient) -> None:
    template_id = await mall.template(
        name="满300减50",
        threshold={"amount": 30_000},
        scope={"include": {"categories": ["shoes"]}, "channels": ["app"], "segments": ["seg_1"], "tiers": ["gold"]},
        validity={"days_after_claim": 7, "remind_days_before": 2},
        limits={"total": 77_777, "per_day": 66_666, "per_customer": 2, "budget": 5_555_555_000},
    )
    shown = (await visitor.get(f"/v1/coupon-templates/{template_id}")).json()
    assert [shown] == await listed(visitor)
    assert shown.keys() == SHOWN
    assert shown["scope"].keys() == {
        "include",
        "exclude",
        "unit_price",
        "exclude_on_sale",
        "channels",
        "first_order_only",
        "new_customer_days",
    }
    assert "remind_days_before" not in shown["validity"]
    text = str(shown)
    assert not [secret for secret in ("77777", "66666", "5555555", "seg_1", "gold") if secret in text]
    assert (shown["per_customer"], shown["members_only"], shown["state"]) == (2, True, "claimable")
    merchants = await mall.seen(template_id)
    same = SHOWN - {"scope", "members_only", "validity", "per_customer", "state"}
    assert {name: shown[name] for name in same} == {name: merchants[name] for name in same}
    assert shown["validity"].items() <= merchants["validity"].items()


async def test_no_filter_and_no_cursor_tells_of_what_is_hidden(
    mall: Mall, visitor: httpx.AsyncClient, clock: ManualClock
) -> None:
    public = [await mall.template(name=f"public {n}") for n in range(3)]
    for name, more in HIDDEN.items():
        await mall.template(name=name, **more)
    clock.advance(seconds=1)
    assert await listed(visitor, status="paused") == []
    for name in HIDDEN:
        assert await listed(visitor, name=name) == []
    assert [one["id"] for one in await listed(visitor, status="active")] == public[::-1]
    assert await listed(visitor, currency="EUR") == []
    first = (await visitor.get("/v1/coupon-templates", params={"limit": 3})).json()
    assert (first["has_more"], first["next_cursor"]) == (False, None), "the hidden ones are not counted"
    seen: list[str] = []
    cursor = None
    while cursor is not None or not seen:
        page = (
            await visitor.get("/v1/coupon-templates", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert seen == public[::-1]
    merchants = (await mall.http.get("/v1/coupon-templates", params={"limit": 1})).json()
    crossed = await listed(visitor, cursor=merchants["next_cursor"])
    assert {one["id"] for one in crossed} <= set(public), "a cursor of the merchant's list opens nothing either"


async def test_whether_it_can_be_claimed_now(mall: Mall, visitor: httpx.AsyncClient, clock: ManualClock) -> None:
    ids = {
        "total": await mall.template(limits={"total": 1}),
        "day": await mall.template(limits={"per_day": 1}),
        "budget": await mall.template(amount=1000, limits={"budget": 1500}),
        "later": await mall.template(validity={"from": "2026-11-12T10:00:00+08:00"}),
    }

    async def states() -> dict[str, str]:
        found = {one["id"]: one["state"] for one in await listed(visitor)}
        return {name: found[template_id] for name, template_id in ids.items()}

    open_ones = dict.fromkeys(("total", "day", "budget"), "claimable")
    assert await states() == {**open_ones, "later": "not_started"}
    for name in open_ones:
        await mall.claim(ids[name], "somebody")
    assert await states() == {**dict.fromkeys(open_ones, "gone"), "later": "not_started"}
    clock.advance(seconds=86_400)
    assert await states() == {"total": "gone", "day": "claimable", "budget": "gone", "later": "claimable"}


async def test_a_visitor_changes_nothing(mall: Mall) -> None:
    template_id = await mall.template()
    visitor = mall.running.client(["coupon:templates:read"], kind="publishable")
    calls = [
        await visitor.post("/v1/coupon-templates", json={}),
        await visitor.patch(f"/v1/coupon-templates/{template_id}", json={"status": "paused"}),
        await visitor.post(f"/v1/coupon-templates/{template_id}/claims", json={"customer_id": "c1"}),
        await visitor.post("/v1/quotes/preview", json={}),
        await visitor.get("/v1/claim-centre?customer_id=c1"),
    ]
    assert {answer.status_code for answer in calls} == {403}
