"""The second half of the story: a day of coupons 大促. A promotion, codes, one order with everything on it, a webhook of
the order system, refunds, a till, a share, a draw.

Its calls make things that a repeated call would make twice, so it is played where nothing is killed meanwhile.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ids import new_id
from shared.language import Language, say, spoken
from shared.money import format_money
from shared.webhooks import signed_headers
from suite.client import Client, Problem
from suite.tour.leftovers import of_campaign, take_back
from suite.tour.shop import tea_offer
from suite.tour.stage import Stage

SHOP = "flagship"


class Campaign:
    """Played against one suite; `run` is part of every name, so that runs don't meet."""

    def __init__(self, client: Client, stage: Stage, run: str) -> None:
        self.client, self.stage, self.run = client, stage, run
        self.customer = f"zhao-{run}"
        self.ids: dict[str, str] = {}

    async def play(self) -> None:
        """Every scene, one after the other."""
        try:
            await self.offers()
            await self.order()
            await self.refunds()
            await self.till()
            await self.friends()
        finally:
            await self.tidy()

    # --- what the merchant offers, and what the customer gets hold of ----------------------------------------------

    async def offers(self) -> None:
        """The merchant makes offers of many kinds; a customer gets them."""
        self.stage.scene(
            say(
                "A day of coupons 大促: a promotion, a unique code, a public code",
                "大促的一天：自动促销、唯一码、公共码",
            )
        )
        body = {**tea_offer(self.run, "每满200减20", {"kind": "every", "threshold": 20_000, "amount": 2_000}, "shop")}
        self.ids["promotion"] = (await self.client.post("/v1/promotions", body))["id"]
        self.stage.tell(
            say("an automatic promotion 每满减: 20 off for every 200", "自动促销：每满200减20"), self.ids["promotion"]
        )
        percent = {"kind": "percent_off", "percent_bp": 2_000, "max_amount": 5_000}
        self.ids["percent"] = await self._template("8折券 封顶50", percent, total=100)
        batch = await self.client.post(f"/v1/coupon-templates/{self.ids['percent']}/codes", {"count": 1000})
        self.ids["batch"] = batch["id"]

        async def made() -> Any:
            found = await self.client.get(f"/v1/code-batches/{batch['id']}")
            return found if found["status"] == "done" else None

        _, seconds = await self.stage.until(say("the batch of codes", "兑换码批次"), made)
        code = (await self.client.get(f"/v1/code-batches/{batch['id']}/codes?limit=1"))["data"][0]["code"]
        self.stage.tell(
            say("1,000 unique codes 兑换码 for 20 % off, at most 50", "1,000 个唯一兑换码：8折，最多减50"),
            batch["id"],
            seconds=seconds,
        )
        typed = {"code": f" {code[:4].lower()}-{code[4:]} ", "customer_id": self.customer}
        self.ids["coupon"] = (await self.client.post("/v1/codes/redeem", typed))["id"]
        self.stage.tell(
            say("赵敏 Zhao Min types one of them, in their own way", "赵敏用自己的方式输入其中一个"), self.ids["coupon"]
        )
        mistyped = {**typed, "code": code[:-1] + ("2" if code[-1] != "2" else "3")}
        await self._refused(
            "/v1/codes/redeem",
            mistyped,
            "coupon_invalid",
            say("a typing error gets the one public refusal", "输错的码只得到统一的拒绝"),
        )
        self.ids["gift"] = await self._template(
            "无门槛券 减10", {"kind": "amount_off", "amount": 1_000}, layer="coupon"
        )
        public = {"code": f"D11-{self.run}", "template_id": self.ids["gift"]}
        self.ids["public"] = (await self.client.post("/v1/public-codes", public))["id"]
        self.stage.tell(say("a public code 公共码 for everybody", "人人可用的公共码"), public["code"])

    # --- one order with all of it ----------------------------------------------------------------------------------

    async def order(self) -> None:
        """One cart, priced with everything that is in the wallet."""
        self.stage.scene(say("One order with everything on it 下单", "一笔订单用上所有优惠"))
        cart = self._cart() | {"codes": [f"D11-{self.run}"], "points": 500}
        quote = await self.client.post("/v1/quotes", cart)
        # 3 × 199.00: twice 200 is reached (−40), 20 % is more than 50 (−50), the code takes 10, points 5, shipping is 10.
        money = [quote[name] for name in ("subtotal", "discount", "points_discount", "shipping_fee", "total")]
        self.stage.equal(say("the quote", "试算"), money, [59_700, 10_000, 500, 1_000, 50_200])
        self.stage.equal(
            say("the sum of the lines", "各行之和"), sum(line["discount"] for line in quote["lines"]), 10_000
        )
        self.stage.tell(
            say(
                f"quote 试算: {format_money(59_700)} − {format_money(10_000)} − points {format_money(500)}"
                f" + shipping {format_money(1_000)} = {format_money(50_200)}",
                f"试算：{format_money(59_700)} − {format_money(10_000)} − 积分 {format_money(500)}"
                f" + 运费 {format_money(1_000)} = {format_money(50_200)}",
            ),
            " + ".join(f"{one['name'].partition(' · ')[0]} {format_money(one['amount'])}" for one in quote["applied"]),
        )
        if quote.get("next_step"):
            self.stage.note(quote["next_step"]["detail_zh" if spoken() is Language.CHINESE else "detail"])
        order_id = f"order-zhao-{self.run}"
        checkout = await self.client.post("/v1/checkouts", {**cart, "order_id": order_id})
        self.ids["checkout"] = checkout["id"]
        self.stage.equal(say("the checkout's total", "结算单的合计"), checkout["quote"]["total"], quote["total"])
        self.stage.tell(
            say("checkout: the same price, the coupons locked 锁券", "结算：价格不变，券已锁定"), checkout["id"]
        )
        await self._paid_by_webhook(order_id)

    async def _paid_by_webhook(self, order_id: str) -> None:
        body = {"name": f"order-system {self.run}", "scheme": "standard", "maps_to": {"event": "order.*"}}
        source = await self.client.post("/v1/webhook-sources", body)
        self.ids["source"] = source["id"]
        paid = {"type": "order.paid", "data": {"order_id": order_id}}
        sent = json.dumps(paid, ensure_ascii=False).encode()
        headers = signed_headers([source["secret"]], new_id("msg"), datetime.now(UTC), sent)
        await self.client.post(f"/v1/hooks/{source['id']}", paid, headers)

        async def committed() -> Any:
            found = await self.client.get(f"/v1/checkouts/{self.ids['checkout']}")
            return found if found["status"] == "committed" else None

        _, seconds = await self.stage.until(
            say("the payment that the order system told", "订单系统通知的支付"), committed
        )
        self.stage.tell(
            say("the order system's signed webhook says paid: redeemed 核销", "订单系统的签名回调告知已支付：核销"),
            order_id,
            seconds=seconds,
        )

    # --- goods come back -------------------------------------------------------------------------------------------

    async def refunds(self) -> None:
        """Goods come back in two parts."""
        self.stage.scene(say("Goods come back 退款", "退款"))
        path = f"/v1/checkouts/{self.ids['checkout']}/refunds"
        one = {"lines": [{"line_id": "1", "quantity": 1}], "refund_id": f"refund-1-{self.run}"}
        asked = await self.client.post(f"{path}/quote", one)
        first = await self.client.post(path, one)
        self.stage.equal(
            say("the refund, as it was asked for before", "退款与事先询问的一致"), first["amount"], asked["amount"]
        )
        self.stage.tell(
            say(
                f"one of three is refunded: {format_money(first['amount'])} to the customer, {first['points']} points",
                f"退三件中的一件：退给顾客 {format_money(first['amount'])}，{first['points']} 积分",
            ),
            say(
                f"{format_money(first['payers']['shop'])} of its discount back to the shop",
                f"其优惠中 {format_money(first['payers']['shop'])} 退回店铺",
            ),
        )
        rest = await self.client.post(path, {"refund_id": f"refund-2-{self.run}"})
        self.stage.equal(say("what came back in all", "退款总额"), first["amount"] + rest["amount"], 50_200)
        self.stage.equal(say("the points that came back", "退回的积分"), first["points"] + rest["points"], 500)
        self.stage.tell(
            say(
                f"and the rest: {format_money(rest['amount'])}, together exactly what was paid",
                f"其余全退：{format_money(rest['amount'])}，合计正好等于实付",
            ),
            rest["id"],
        )
        coupon = await self.client.get(f"/v1/coupons/{self.ids['coupon']}")
        self.stage.equal(say("the coupon's status", "优惠券的状态"), coupon["status"], "issued")
        self.stage.tell(
            say("the coupon is back 退券", "退券"), " → ".join(entry["event"] for entry in coupon["ledger"])
        )

    # --- in the shop -----------------------------------------------------------------------------------------------

    async def till(self) -> None:
        """A coupon is used in a shop, by a signed code."""
        self.stage.scene(say("At the till of a shop 门店核销", "门店核销"))
        scopes = ["coupon:redemptions:write", "coupon:redemptions:read"]
        body = {"name": f"till {self.run}", "kind": "restricted", "scopes": scopes, "shop_id": SHOP}
        key = await self.client.post("/v1/keys", body)
        self.ids["till"] = key["id"]
        self.stage.tell(say("a staff key 店员密钥 of one shop", "一家门店的店员密钥"), key["id"])
        token = await self.client.post("/v1/redemption-tokens", {"coupon_id": self.ids["coupon"]})
        self.stage.tell(
            say("a signed code on their phone, good for less than a minute", "顾客手机上的签名券码，不到一分钟内有效"),
            token["short_code"],
        )
        receipt = {
            "short_code": token["short_code"],
            "order_ref": f"receipt-{self.run}",
            "lines": self._cart()["lines"],
        }
        async with self._as(key["key"]) as staff:
            used = await staff.post("/v1/redemptions", receipt)
            self.stage.equal(say("what the till takes off", "收银台减掉的金额"), used["amount"], 5_000)
            self.stage.tell(
                say(
                    f"redeemed in {used['shop_id']}: {format_money(used['amount'])} off",
                    f"在 {used['shop_id']} 核销：减 {format_money(used['amount'])}",
                ),
                used["id"],
            )
            again = {"token": token["token"], "order_ref": f"receipt-2-{self.run}"}
            await self._refused(
                "/v1/redemptions", again, "coupon_redeemed", say("it works once 只能核销一次", "只能核销一次"), staff
            )

    # --- friends and luck ------------------------------------------------------------------------------------------

    async def friends(self) -> None:
        """A share, a scan and a lucky draw."""
        self.stage.scene(say("Friends and luck 分享与抽奖", "分享与抽奖"))
        body = {"name": f"邀好友得券 · {self.run}", "reward_template_id": self.ids["gift"], "friends": 1}
        offer = await self.client.post("/v1/share-offers", body)
        self.ids["share"] = offer["id"]
        share = await self.client.post(f"/v1/share-offers/{offer['id']}/shares", {"customer_id": f"qian-{self.run}"})
        helped = await self.client.post(f"/v1/shares/{share['token']}/helps", {"customer_id": f"sun-{self.run}"})
        self.stage.equal(say("the share's status", "分享的状态"), helped["status"], "complete")
        self.stage.tell(say("a friend helps, the sharer gets a coupon 分享得券", "好友助力，分享者得券"), share["id"])
        now = datetime.now(UTC)
        prizes = [
            {"name": "减10元券", "template_id": self.ids["gift"], "odds_bp": 2_000, "quantity": 50},
            {"name": "贴纸", "odds_bp": 3_000},
        ]
        window = {"from": (now - timedelta(minutes=5)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
        body = {"name": f"大转盘 · {self.run}", "window": window, "prizes": prizes, "limits": {"per_customer": 1}}
        draw = await self.client.post("/v1/draws", body)
        self.ids["draw"] = draw["id"]
        for number in range(10):
            await self.client.post(f"/v1/draws/{draw['id']}/tickets", {"customer_id": f"luck-{number}-{self.run}"})
        closed = await self.client.post(f"/v1/draws/{self.ids.pop('draw')}/close")
        audit = await self.client.get(f"/v1/draws/{draw['id']}/audit")
        self.stage.equal(
            say("the draw's audit", "抽奖的审计"), (audit["ok"], audit["outcomes"], audit["tickets"]), (True, True, 10)
        )
        won = sum(prize["awarded"] for prize in closed["prizes"])
        self.stage.tell(
            say(
                f"ten tickets, {won} prizes; the seed is open, anybody can draw again 抽奖可复核",
                f"十张奖票，{won} 个中奖；种子已公开，人人可复核",
            ),
            draw["id"],
        )

    async def tidy(self) -> None:
        """Take back what could still be claimed, or would still be at work, after the story."""
        await take_back(self.client, of_campaign(self.ids))

    # --- small things ----------------------------------------------------------------------------------------------

    async def _template(
        self, name: str, benefit: dict[str, Any], layer: str = "coupon", total: int | None = None
    ) -> str:
        limits = {} if total is None else {"limits": {"total": total}}
        body = {**tea_offer(self.run, name, benefit, layer), **limits, "validity": {"days_after_claim": 7}}
        return str((await self.client.post("/v1/coupon-templates", body))["id"])

    def _cart(self) -> dict[str, Any]:
        sku = f"TEA-{self.run}"
        line = {"line_id": "1", "product_id": sku, "sku": sku, "shop_id": SHOP, "quantity": 3, "unit_price": 19_900}
        return {"customer_id": self.customer, "channel": "app", "shipping_fee": 1_000, "lines": [line]}

    async def _refused(self, path: str, body: Any, code: str, what: str, client: Client | None = None) -> None:
        try:
            await (client or self.client).post(path, body)
        except Problem as error:
            self.stage.equal(what, error.code, code)
            self.stage.tell(what, code)
        else:
            self.stage.expect(
                False,
                say(f"{what}: {path} should have been refused with {code}.", f"{what}：{path} 本应以 {code} 被拒绝。"),
            )

    @asynccontextmanager
    async def _as(self, key: str) -> AsyncIterator[Client]:
        async with Client(self.client.url, key) as client:
            yield client
