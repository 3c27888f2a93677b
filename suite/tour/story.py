"""The main story in five scenes: merchant, shopper, purchase, partner, cancellation. Each can be played on its own
after the ones before it; everything is asked again and again until it is so, because services answer by message.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.money import format_money
from suite.audits import AUDITS, run_audits
from suite.client import Client, Problem
from suite.tour.checks import Checks
from suite.tour.receiver import Receiver
from suite.tour.shop import EVENTS, STOCK, WAREHOUSES, HttpTracker, Shop, Shopper, Tracker
from suite.tour.stage import Clock, Stage


class Story:
    """The story on one suite. Ids of what was made are kept here from scene to scene."""

    tracker: Tracker

    def __init__(
        self,
        client: Client,
        stage: Stage,
        receiver: Receiver,
        shop: Shop,
        new_tracker: Callable[[Client, str], Tracker] = HttpTracker,
    ) -> None:
        """`new_tracker(client, write_key)` makes the shopper's app."""
        self.client = client
        self._new_tracker = new_tracker
        self.stage = stage
        self.receiver = receiver
        self.shop = shop
        self.checks = Checks(client, stage, shop)
        self.ids: dict[str, str] = {}
        run = shop.run
        self.first = Shopper(f"lin-{run}", "林晓 Lin Xiao", "上海", f"order-lin-{run}")
        self.second = Shopper(f"wang-{run}", "王磊 Wang Lei", "成都", f"order-wang-{run}")

    # --- scene 1: the merchant -------------------------------------------------------------------------------------

    async def merchant(self) -> None:
        """Scene 1: keys, stock, a coupon, a segment and a journey."""
        self.stage.scene("The merchant opens the shop 商家开店")
        await self._keys()
        await self._stock()
        await self._campaign()

    async def _keys(self) -> None:
        body = {"name": f"app {self.shop.run}", "kind": "publishable", "scopes": ["segments:events:write"]}
        key = await self.client.post("/v1/keys", body)
        self.ids["key"] = key["id"]
        self.tracker = self._new_tracker(self.client, key["key"])
        self.stage.tell("a publishable key for the shopper's app", key["id"])
        body = {"url": self.receiver.url, "events": list(EVENTS), "description": f"partner {self.shop.run}"}
        try:
            endpoint = await self.client.post("/v1/webhook-endpoints", body)
        except Problem as error:
            if all(one.get("code") != "url_refused" for one in error.document.get("errors", ())):
                raise
            self.stage.tell(
                "an endpoint on this machine is refused: webhooks lead out only 内网地址被拒", "url_refused"
            )
            return
        self.ids["endpoint"], self.receiver.secret = endpoint["id"], endpoint["secret"]
        self.stage.tell("a partner's webhook endpoint for " + ", ".join(EVENTS), endpoint["id"])

    async def _stock(self) -> None:
        for place, name in WAREHOUSES.items():
            body = {"id": self.shop.location(place), "name": name, "kind": "warehouse"}
            await self.client.post("/v1/locations", body)
        lines = [
            {"sku": item.sku, "location_id": self.shop.location(place), "change": STOCK // len(WAREHOUSES)}
            for item in self.shop.cart
            for place in WAREHOUSES
        ]
        opening = {"lines": lines, "reason": "received", "reference": f"opening-{self.shop.run}"}
        await self.client.post("/v1/stock/adjustments", opening)
        self.stage.tell(f"{len(WAREHOUSES)} warehouses", *WAREHOUSES.values())
        for item in self.shop.cart:
            await self.checks.stock(item.sku, STOCK, reserved=0)
            self.stage.tell(f"{STOCK} × {item.name}", item.sku, format_money(item.unit_price))

    async def _campaign(self) -> None:
        template = await self.client.post("/v1/coupon-templates", self.shop.template(datetime.now(UTC)))
        self.ids["template"] = template["id"]
        self.stage.tell("a coupon template 优惠券模板: 满300减50, 1,000 in all, one per customer", template["id"])
        segment = await self.client.post("/v1/segments", self.shop.segment())
        self.ids["segment"] = segment["id"]
        self.stage.tell("a segment 人群: added to the cart within 30 days and no order", segment["id"])
        message = await self.client.post("/v1/message-templates", self.shop.message())
        body = self.shop.journey(template["id"], segment["id"], message["id"])
        journey = await self.client.post("/v1/journeys", body)
        self.ids["journey"] = journey["id"]

        async def published() -> Any:
            return await self.client.post(f"/v1/journeys/{journey['id']}/publish")

        _, seconds = await self.stage.until("the journey's publication", published)
        text = f"a journey 旅程 弃购挽回, published: wait {self.shop.timeout}, branch, coupon, message"
        self.stage.tell(text, journey["id"], seconds=seconds)

    # --- scene 2: a shopper leaves a full cart ---------------------------------------------------------------------

    async def shopper(self, shopper: Shopper) -> None:
        """Browse, leave the cart, become a member of the segment, get coupon and message from the journey."""
        self.stage.scene(f"{shopper.name} fills a cart and leaves 加购后离开")
        await self.browse(shopper)
        await self.becomes_member(shopper)
        await self.journey_helps(shopper)

    async def browse(self, shopper: Shopper) -> None:
        """The shopper looks at goods and fills a cart."""
        clock, item = Clock(), self.shop.cart[1]
        traits = {"name": shopper.name.split()[0], "city": shopper.city}
        await self.tracker.send(
            {"type": "identify", "userId": shopper.customer_id, "traits": traits},
            self.shop.viewed(shopper.customer_id, item),
            self.shop.added(shopper.customer_id, item),
        )
        self.stage.tell("identify, Product Viewed, Product Added", shopper.customer_id, seconds=clock.seconds)

    async def becomes_member(self, shopper: Shopper) -> None:
        """The segment notices."""

        async def look() -> Any:
            answer = await self.client.get(f"/v1/segments/{self.ids['segment']}/members/{shopper.customer_id}")
            return answer if answer["member"] else None

        member, seconds = await self.stage.until(f"{shopper.customer_id} entering the segment", look)
        self.stage.tell("in the segment 进入人群", f"since {member['since']}", seconds=seconds)

    async def journey_helps(self, shopper: Shopper) -> None:
        """The journey waits, issues the coupon and writes to the shopper."""

        async def issued() -> Any:
            return next(iter(await self.checks.coupons(shopper, self.ids["template"])), None)

        async def delivered() -> Any:
            inbox = await self.client.get(f"/v1/customers/{shopper.customer_id}/inbox")
            return next(iter(inbox["data"]), None)

        shopper.coupon, seconds = await self.stage.until(f"the coupon of {shopper.customer_id}", issued)
        self.stage.equal("the coupon's status", shopper.coupon["status"], "issued")
        code = shopper.coupon["code"]
        self.stage.tell("the journey waited and issued a coupon 发券", shopper.coupon["id"], code, seconds=seconds)
        message, seconds = await self.stage.until(f"the message in the inbox of {shopper.customer_id}", delivered)
        self.stage.expect(code in str(message["body"]), f"the message should name the code {code}: {message['body']}")
        self.stage.tell(
            "a message in the app's inbox 站内信", f"{message['subject']} {message['body']}", seconds=seconds
        )
        await self.tell_once(shopper)

    async def tell_once(self, shopper: Shopper) -> None:
        """One run, one coupon, one message; and the path of the run."""
        runs = await self.client.all(f"/v1/journeys/{self.ids['journey']}/runs?customer_id={shopper.customer_id}")
        self.stage.equal(f"the number of runs of {shopper.customer_id}", len(runs), 1)
        self.stage.equal("the number of coupons", len(await self.checks.coupons(shopper, self.ids["template"])), 1)
        messages = await self.client.all(f"/v1/customers/{shopper.customer_id}/inbox")
        self.stage.equal("the number of messages", len(messages), 1)
        await self._tell_run(runs[0]["id"])

    async def _tell_run(self, run_id: str) -> None:
        async def finished() -> Any:
            run = await self.client.get(f"/v1/journey-runs/{run_id}")
            return run if run["ended_at"] else None

        run, _ = await self.stage.until(f"the end of the run {run_id}", finished)
        path = " → ".join(f"{step['node_id']} ({step['reason']})" for step in run["steps"])
        self.stage.note(f"{run_id}: {path}")

    # --- scene 3: the purchase -------------------------------------------------------------------------------------

    async def purchase(self, shopper: Shopper) -> None:
        """Scene 3: the shopper comes back and buys."""
        self.stage.scene(f"{shopper.name} comes back and buys 回来下单")
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
        self.stage.equal("the checkout's status", shopper.checkout["status"], "locked")
        self.stage.tell("checkout: the coupon is locked 锁券", shopper.checkout["id"], seconds=clock.seconds)
        await self.checks.coupon(shopper, "locked")
        clock = Clock()
        shopper.reservation = await self.client.post("/v1/reservations", self.shop.reservation(shopper.order_id))
        self.stage.equal("the reservation's status", shopper.reservation["status"], "held")
        places = ", ".join(f"{line['sku']} from {line['location_id']}" for line in shopper.reservation["lines"])
        self.stage.tell("stock reserved 占用库存", shopper.reservation["id"], places, seconds=clock.seconds)

    async def pay(self, shopper: Shopper) -> None:
        """The order is paid: the coupon is used, the stock is committed."""
        checkout = await self.client.post(f"/v1/checkouts/{shopper.checkout['id']}/commit")
        self.stage.equal("the checkout's status", checkout["status"], "committed")
        await self.checks.coupon(shopper, "redeemed")
        self.stage.tell("paid: the coupon is redeemed 核销", shopper.coupon["id"])
        reservation = await self.client.post(f"/v1/reservations/{shopper.reservation['id']}/confirm")
        self.stage.equal("the reservation's status", reservation["status"], "confirmed")
        self.stage.tell("the reservation is confirmed", shopper.reservation["id"])
        await self.tracker.send(self.shop.completed(shopper.customer_id, shopper.order_id))
        self.stage.tell("Order Completed", shopper.order_id, format_money(self.shop.total))

    async def leaves_segment(self, shopper: Shopper) -> None:
        """The segment and the journey notice the order."""

        async def left() -> Any:
            answer = await self.client.get(f"/v1/segments/{self.ids['segment']}/members/{shopper.customer_id}")
            return None if answer["member"] else answer

        _, seconds = await self.stage.until(f"{shopper.customer_id} leaving the segment", left)
        self.stage.tell("out of the segment 离开人群", shopper.customer_id, seconds=seconds)

        async def counted() -> Any:
            figures = await self.client.get(f"/v1/journeys/{self.ids['journey']}/statistics")
            return figures if figures["goals_reached"] >= 1 else None

        figures, seconds = await self.stage.until("the journey's goal", counted)
        self.stage.tell(
            f"the journey counts its goal 转化: {figures['goals_reached']}", self.ids["journey"], seconds=seconds
        )

    # --- scene 4: the partner --------------------------------------------------------------------------------------

    async def partner(self, shopper: Shopper, *, repeats: bool = False) -> None:
        """Each event once; `repeats` allows deliveries of one event id again, as after a crash of the gateway."""
        self.stage.scene("The partner's webhook endpoint 合作方回调")
        if "endpoint" not in self.ids:
            self.stage.note(
                "left out: this suite sends webhooks to the internet only. `make run` plays it, with a partner here"
            )
            return
        for event_type, data in self._wanted(shopper).items():

            async def arrived(event_type: str = event_type, data: dict[str, str] = data) -> Any:
                return self.receiver.of(event_type, **data) or None

            found, _ = await self.stage.until(f"{event_type} at the partner's endpoint", arrived)
            self.stage.equal(
                f"the number of {event_type} for {shopper.customer_id}", len({d.event_id for d in found}), 1
            )
            self.stage.tell(f"{event_type}, signature verified", found[0].event_id)
        ids = [delivery.event_id for delivery in self.receiver.deliveries]
        self.stage.expect(repeats or len(ids) == len(set(ids)), f"some deliveries came twice: {sorted(ids)}")
        self.stage.equal("deliveries with a wrong signature", self.receiver.forged, [])
        self.stage.note(f"{len(set(ids))} events in {len(ids)} deliveries")

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
        self.stage.equal("the checkout's status", checkout["status"], "rolled_back")
        reservation = await self.client.post(f"/v1/reservations/{shopper.reservation['id']}/release")
        self.stage.equal("the reservation's status", reservation["status"], "released")
        self.stage.tell("cancelled 取消订单", shopper.checkout["id"], shopper.reservation["id"])
        await self.checks.coupon(shopper, "issued")
        coupon = await self.client.get(f"/v1/coupons/{shopper.coupon['id']}")
        kinds = [entry["event"] for entry in coupon["ledger"]]
        self.stage.equal("the coupon's ledger", kinds, ["issued", "locked", "returned"])
        self.stage.tell("the coupon is back in the wallet 退券", " → ".join(kinds))

    async def accounts(self) -> None:
        """Stock, ledgers and audits after all that."""
        self.stage.scene("The books 对账")
        for item in self.shop.cart:
            await self.checks.stock(item.sku, STOCK - item.quantity, reserved=item.quantity)
            movements = await self.client.all(f"/v1/stock/movements?sku={item.sku}")
            self.stage.tell(f"{item.sku}: {STOCK - item.quantity} of {STOCK} available", f"{len(movements)} movements")
        for name, checks in (await run_audits(self.client)).items():
            bad = [f"{check['name']}: {check['detail']}" for check in checks if not check["ok"]]
            self.stage.expect(not bad, f"the audit of {name} found: {'; '.join(bad)}")
            self.stage.tell(f"audit of {AUDITS[name]}: clean 对账无误", f"{len(checks)} checks")

    async def tidy(self) -> None:
        """Take back what would still be at work after the story: journey, endpoint, key."""
        if "journey" in self.ids:
            await self.client.post(f"/v1/journeys/{self.ids['journey']}/stop")
        if "endpoint" in self.ids:
            await self.client.delete(f"/v1/webhook-endpoints/{self.ids['endpoint']}")
        if "key" in self.ids:
            await self.client.delete(f"/v1/keys/{self.ids['key']}")
