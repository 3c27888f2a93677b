"""The claim centre 领券中心: what one customer sees, what they may take, and why not."""

import pytest
from api.coupon.mall import Json, Mall
from sqlalchemy import event

from services.coupon.wallet import centre
from shared.clock import ManualClock


async def shown(mall: Mall, **query: str | int) -> dict[str, Json]:
    answer = await mall.http.get("/v1/claim-centre", params={"customer_id": "c1", **query})
    assert answer.status_code == 200, answer.text
    return {one["template_id"]: one for one in answer.json()["data"]}


async def test_each_state_has_its_reason(mall: Mall, clock: ManualClock) -> None:
    later = {"from": "2026-11-12T00:00:00+08:00", "until": "2026-11-13T00:00:00+08:00"}
    wanted = {
        "claimable": await mall.template(limits={"total": 10, "per_customer": 3}),
        "claimed": await mall.template(limits={"per_customer": 1}),
        "not_started": await mall.template(validity=later),
        "not_eligible": await mall.template(scope={"segments": ["seg_1"]}),
        "gone": await mall.template(limits={"total": 1}),
    }
    today = await mall.template(limits={"per_day": 1})
    spent = await mall.template(1000, limits={"budget": 1000})
    hidden = await mall.template(visible_in_centre=False)
    paused = await mall.template(status="paused")
    over = await mall.template(validity={"until": "2026-11-11T02:00:01Z"})
    clock.advance(seconds=1)
    for template_id, customer in ((wanted["claimed"], "c1"), (wanted["claimable"], "c1")):
        await mall.claim(template_id, customer)
    for template_id in (wanted["gone"], today, spent, wanted["claimable"]):
        await mall.claim(template_id, "c2")
    found = await shown(mall)
    assert {state: found[key]["state"] for state, key in wanted.items()} == {state: state for state in wanted}
    codes = {key: found[key]["reason"] and found[key]["reason"]["code"] for key in (*wanted.values(), today, spent)}
    assert list(codes.values()) == [
        None,
        "claim_limit_reached",
        "not_started",
        "not_eligible",
        "sold_out",
        "day_limit_reached",
        "budget_exhausted",
    ]
    assert found[wanted["gone"]]["reason"]["detail_zh"] == "优惠券已被领完"
    assert not {hidden, paused, over} & found.keys()
    one = found[wanted["claimable"]]
    assert (one["total"], one["remaining"], one["taken_percent"], one["held"], one["may_claim"]) == (10, 8, 20, 1, 2)
    assert found[wanted["gone"]]["taken_percent"] == 100
    assert found[wanted["not_started"]]["starts_at"] == "2026-11-11T16:00:00Z"
    for state, key in wanted.items():
        assert list(await shown(mall, status=state)).count(key) == 1
        code = (await mall.try_claim(key)).json().get("code")  # the claim says the same
        assert code == codes[key] or state == "claimable"


async def test_a_page_counts_down_from_the_servers_clock(mall: Mall) -> None:
    await mall.template(validity={"until": "2026-11-12T00:00:00Z"})
    page = (await mall.http.get("/v1/claim-centre?customer_id=c1")).json()
    assert (page["server_time"], page["data"][0]["ends_at"]) == ("2026-11-11T02:00:00Z", "2026-11-12T00:00:00Z")


async def test_offers_of_other_channels_stay_out(mall: Mall) -> None:
    app = await mall.template(scope={"channels": ["app"]})
    anywhere = await mall.template()
    assert set(await shown(mall, channel="store")) == {anywhere}
    assert set(await shown(mall, channel="app")) == set(await shown(mall)) == {anywhere, app}


async def test_pages_show_every_offer_once(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centre, "_WINDOW", 3)
    monkeypatch.setattr(centre, "_MOST_WINDOWS", 2)
    made = [await mall.template(limits={"total": number % 2}) for number in range(15)]
    for status, expected in (("", made), ("&status=gone", made[::2])):
        seen: list[str] = []
        path = f"/v1/claim-centre?customer_id=c1&limit=4{status}"
        page = (await mall.http.get(path)).json()
        for _ in range(20):
            seen += [one["template_id"] for one in page["data"]]
            assert len(page["data"]) <= 4
            if not page["has_more"]:
                break
            page = (await mall.http.get(f"{path}&cursor={page['next_cursor']}")).json()
        assert seen == expected[::-1]


async def test_a_shopper_sees_her_own_and_a_merchant_says_whose(mall: Mall) -> None:
    template_id = await mall.template(limits={"per_customer": 1})
    await mall.claim(template_id, "c1")
    shopper = mall.running.client(customer_id="c1")
    (mine,) = (await shopper.get("/v1/claim-centre")).json()["data"]
    assert (mine["state"], mine["held"]) == ("claimed", 1)
    assert (await shopper.get("/v1/claim-centre?customer_id=c2")).status_code == 404
    nobody = await mall.http.get("/v1/claim-centre")
    assert (nobody.status_code, nobody.json()["errors"][0]["pointer"]) == (422, "?customer_id")


async def test_a_page_takes_few_statements_however_many_offers(mall: Mall) -> None:
    for _ in range(40):
        await mall.template(limits={"total": 5, "per_day": 5, "per_customer": 1}, scope={"segments": ["seg_1"]})
    await shown(mall)  # the terms are known from here on
    statements: set[str] = set()
    for engine in (mall.running.service.kit.db._writer, mall.running.service.kit.db._reader):
        event.listen(engine.sync_engine, "before_cursor_execute", lambda _c, _k, text, *_: statements.add(text))
    assert len(await shown(mall, limit=40)) == 40
    assert 1 <= len([one for one in statements if "FROM template" in one or "FROM coupon" in one]) <= 4
    assert len(statements) <= 10  # whatever else the service's loops look for meanwhile
