"""The main story in five scenes: merchant, shopper, purchase, partner, cancellation. Each can be played on its own
after the ones before it; everything is asked again and again until it is so, because services answer by message.
"""

from typing import Any

from shared.language import say
from shared.money import format_money
from suite.audits import AUDITS, run_audits
from suite.tour.first_scenes import FirstScenes
from suite.tour.leftovers import of_story, take_back
from suite.tour.shop import STOCK, Shopper
from suite.tour.stage import Clock


class Story(FirstScenes):
    """The story on one suite: what `FirstScenes` begins comes to its end."""

    # --- scene 3: the purchase -------------------------------------------------------------------------------------

    async def purchase(self, shopper: Shopper) -> None:
        """Scene 3: the shopper comes back and buys."""
        self.stage.scene(say(f"{shopper.name} comes back and buys 回来下单", f"{shopper.name} 回来下单"))
        await self.check_out(shopper)
        await self.pay(shopper)
        await self.leaves_segment(shopper)

    async def check_out(self, shopper: Shopper) -> None:
        """Quote, lock the coupon, reserve the stock. Every call may be made again."""
        quote = await self.client.post("/v1/quotes", self.shop.quote(shopper.customer_id))
        self.checks.quote(quote, shopper)
        body = {**self.shop.quote(shopper.customer_id), "order_id": shopper.order_id, "ttl_seconds": 900}
        clock = Clock()
        shopper.checkout = await self.client.post("/v1/checkouts", body)
        self.stage.equal(say("the checkout's status", "结算单的状态"), shopper.checkout["status"], "locked")
        self.stage.tell(
            say("checkout: the coupon is locked 锁券", "结算：锁券"), shopper.checkout["id"], seconds=clock.seconds
        )
        await self.checks.coupon(shopper, "locked")
        clock = Clock()
        shopper.reservation = await self.client.post("/v1/reservations", self.shop.reservation(shopper.order_id))
        self.stage.equal(say("the reservation's status", "占用的状态"), shopper.reservation["status"], "held")
        places = ", ".join(
            say(f"{line['sku']} from {line['location_id']}", f"{line['location_id']} 出 {line['sku']}")
            for line in shopper.reservation["lines"]
        )
        self.stage.tell(
            say("stock reserved 占用库存", "占用库存"), shopper.reservation["id"], places, seconds=clock.seconds
        )

    async def pay(self, shopper: Shopper) -> None:
        """The order is paid: the coupon is used, the stock is committed."""
        checkout = await self.client.post(f"/v1/checkouts/{shopper.checkout['id']}/commit")
        self.stage.equal(say("the checkout's status", "结算单的状态"), checkout["status"], "committed")
        await self.checks.coupon(shopper, "redeemed")
        self.stage.tell(say("paid: the coupon is redeemed 核销", "支付成功：券已核销"), shopper.coupon["id"])
        reservation = await self.client.post(f"/v1/reservations/{shopper.reservation['id']}/confirm")
        self.stage.equal(say("the reservation's status", "占用的状态"), reservation["status"], "confirmed")
        self.stage.tell(say("the reservation is confirmed", "占用已确认"), shopper.reservation["id"])
        await self.tracker.send(self.shop.completed(shopper.customer_id, shopper.order_id))
        self.stage.tell(say("Order Completed", "订单完成"), shopper.order_id, format_money(self.shop.total))

    async def leaves_segment(self, shopper: Shopper) -> None:
        """The segment and the journey notice the order."""

        async def left() -> Any:
            answer = await self.client.get(f"/v1/segments/{self.ids['segment']}/members/{shopper.customer_id}")
            return None if answer["member"] else answer

        _, seconds = await self.stage.until(
            say(f"{shopper.customer_id} leaving the segment", f"{shopper.customer_id} 离开人群"), left
        )
        self.stage.tell(say("out of the segment 离开人群", "离开人群"), shopper.customer_id, seconds=seconds)

        async def counted() -> Any:
            figures = await self.client.get(f"/v1/journeys/{self.ids['journey']}/statistics")
            return figures if figures["goals_reached"] >= 1 else None

        figures, seconds = await self.stage.until(say("the journey's goal", "旅程的目标"), counted)
        self.stage.tell(
            say(
                f"the journey counts its goal 转化: {figures['goals_reached']}",
                f"旅程计入转化：{figures['goals_reached']}",
            ),
            self.ids["journey"],
            seconds=seconds,
        )

    # --- scene 4: the partner --------------------------------------------------------------------------------------

    async def partner(self, shopper: Shopper, *, repeats: bool = False) -> None:
        """Each event once; `repeats` allows deliveries of one event id again, as after a crash of the gateway."""
        self.stage.scene(say("The partner's webhook endpoint 合作方回调", "合作方回调"))
        if "endpoint" not in self.ids:
            self.stage.note(
                say(
                    "left out: this suite sends webhooks to the internet only. `make run` plays it, with a partner here",
                    "略过：该套件的回调只发往外网。`make run` 会演示这一段，合作方就在本机",
                )
            )
            return
        for event_type, data in self._wanted(shopper).items():

            async def arrived(event_type: str = event_type, data: dict[str, str] = data) -> Any:
                return self.receiver.of(event_type, **data) or None

            found, _ = await self.stage.until(
                say(f"{event_type} at the partner's endpoint", f"合作方收到 {event_type}"), arrived
            )
            self.stage.equal(
                say(
                    f"the number of {event_type} for {shopper.customer_id}",
                    f"{shopper.customer_id} 的 {event_type} 数量",
                ),
                len({d.event_id for d in found}),
                1,
            )
            self.stage.tell(say(f"{event_type}, signature verified", f"{event_type}，签名已验证"), found[0].event_id)
        ids = [delivery.event_id for delivery in self.receiver.deliveries]
        self.stage.expect(
            repeats or len(ids) == len(set(ids)),
            say(f"some deliveries came twice: {sorted(ids)}", f"有投递重复到达：{sorted(ids)}"),
        )
        self.stage.equal(say("deliveries with a wrong signature", "签名有误的投递"), self.receiver.forged, [])
        self.stage.note(
            say(f"{len(set(ids))} events in {len(ids)} deliveries", f"{len(ids)} 次投递中有 {len(set(ids))} 个事件")
        )

    def _wanted(self, shopper: Shopper) -> dict[str, dict[str, str]]:
        return {
            "segment.entered": {"segment_id": self.ids["segment"], "customer_id": shopper.customer_id},
            "coupon.issued": {"coupon_id": shopper.coupon["id"]},
            "coupon.redeemed": {"coupon_id": shopper.coupon["id"]},
            "reservation.confirmed": {"reservation_id": shopper.reservation["id"]},
        }

    # --- scene 5: the second shopper cancels -----------------------------------------------------------------------

    async def cancel(self, shopper: Shopper) -> None:
        """Coupon back in the wallet, stock back."""
        checkout = await self.client.post(f"/v1/checkouts/{shopper.checkout['id']}/rollback")
        self.stage.equal(say("the checkout's status", "结算单的状态"), checkout["status"], "rolled_back")
        reservation = await self.client.post(f"/v1/reservations/{shopper.reservation['id']}/release")
        self.stage.equal(say("the reservation's status", "占用的状态"), reservation["status"], "released")
        self.stage.tell(say("cancelled 取消订单", "取消订单"), shopper.checkout["id"], shopper.reservation["id"])
        await self.checks.coupon(shopper, "issued")
        coupon = await self.client.get(f"/v1/coupons/{shopper.coupon['id']}")
        kinds = [entry["event"] for entry in coupon["ledger"]]
        self.stage.equal(say("the coupon's ledger", "优惠券的流水"), kinds, ["issued", "locked", "returned"])
        self.stage.tell(say("the coupon is back in the wallet 退券", "退券：券回到券包"), " → ".join(kinds))

    async def accounts(self) -> None:
        """Stock, ledgers and audits after all that."""
        self.stage.scene(say("The books 对账", "对账"))
        for item in self.shop.cart:
            await self.checks.stock(item.sku, STOCK - item.quantity, reserved=item.quantity)
            movements = await self.client.all(f"/v1/stock/movements?sku={item.sku}")
            self.stage.tell(
                say(
                    f"{item.sku}: {STOCK - item.quantity} of {STOCK} available",
                    f"{item.sku}：{STOCK} 件中可用 {STOCK - item.quantity} 件",
                ),
                say(f"{len(movements)} movements", f"{len(movements)} 条流水"),
            )
        for name, checks in (await run_audits(self.client)).items():
            bad = [f"{check['name']}: {check['detail']}" for check in checks if not check["ok"]]
            self.stage.expect(
                not bad, say(f"the audit of {name} found: {'; '.join(bad)}", f"{name} 对账发现：{'; '.join(bad)}")
            )
            self.stage.tell(
                say(f"audit of {AUDITS[name]}: clean 对账无误", f"{AUDITS[name]}：对账无误"),
                say(f"{len(checks)} checks", f"{len(checks)} 项检查"),
            )

    async def tidy(self) -> None:
        """Take back what could still be claimed, or would still be at work, after the story."""
        await take_back(self.client, of_story(self.ids))
