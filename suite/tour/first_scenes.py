"""The first half of the main story: the merchant opens the shop, and a shopper leaves a full cart."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.language import say
from shared.money import format_money
from suite.client import Client, Problem
from suite.tour.checks import Checks
from suite.tour.receiver import Receiver
from suite.tour.shop import EVENTS, STOCK, WAREHOUSES, HttpTracker, Shop, Shopper, Tracker
from suite.tour.stage import Clock, Stage


class FirstScenes:
    """Scenes 1 and 2. Ids of what was made are kept here from scene to scene."""

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
        self.stage.scene(say("The merchant opens the shop 商家开店", "商家开店"))
        await self._keys()
        await self._stock()
        await self._campaign()

    async def _keys(self) -> None:
        body = {"name": f"app {self.shop.run}", "kind": "publishable", "scopes": ["segments:events:write"]}
        key = await self.client.post("/v1/keys", body)
        self.ids["key"] = key["id"]
        self.tracker = self._new_tracker(self.client, key["key"])
        self.stage.tell(say("a publishable key for the shopper's app", "一把可公开密钥，供顾客的 App 使用"), key["id"])
        body = {"url": self.receiver.url, "events": list(EVENTS), "description": f"partner {self.shop.run}"}
        try:
            endpoint = await self.client.post("/v1/webhook-endpoints", body)
        except Problem as error:
            if all(one.get("code") != "url_refused" for one in error.document.get("errors", ())):
                raise
            self.stage.tell(
                say(
                    "an endpoint on this machine is refused: webhooks lead out only 内网地址被拒",
                    "本机上的端点被拒：回调只发往外网",
                ),
                "url_refused",
            )
            return
        self.ids["endpoint"], self.receiver.secret = endpoint["id"], endpoint["secret"]
        self.stage.tell(
            say("a partner's webhook endpoint for ", "合作方的回调端点，订阅 ") + ", ".join(EVENTS), endpoint["id"]
        )

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
        self.stage.tell(say(f"{len(WAREHOUSES)} warehouses", f"{len(WAREHOUSES)} 个仓库"), *WAREHOUSES.values())
        for item in self.shop.cart:
            await self.checks.stock(item.sku, STOCK, reserved=0)
            self.stage.tell(f"{STOCK} × {item.name}", item.sku, format_money(item.unit_price))

    async def _campaign(self) -> None:
        template = await self.client.post("/v1/coupon-templates", self.shop.template(datetime.now(UTC)))
        self.ids["template"] = template["id"]
        self.stage.tell(
            say(
                "a coupon template 优惠券模板: 满300减50, 1,000 in all, one per customer",
                "优惠券模板：满300减50，共1,000张，每人一张",
            ),
            template["id"],
        )
        segment = await self.client.post("/v1/segments", self.shop.segment())
        self.ids["segment"] = segment["id"]
        self.stage.tell(
            say("a segment 人群: added to the cart within 30 days and no order", "人群：30天内加购且未下单"),
            segment["id"],
        )
        message = await self.client.post("/v1/message-templates", self.shop.message())
        body = self.shop.journey(template["id"], segment["id"], message["id"])
        journey = await self.client.post("/v1/journeys", body)
        self.ids["journey"] = journey["id"]

        async def published() -> Any:
            return await self.client.post(f"/v1/journeys/{journey['id']}/publish")

        _, seconds = await self.stage.until(say("the journey's publication", "旅程的发布"), published)
        text = say(
            f"a journey 旅程 弃购挽回, published: wait {self.shop.timeout}, branch, coupon, message",
            f"旅程“弃购挽回”已发布：等待 {self.shop.timeout}、分支、发券、消息",
        )
        self.stage.tell(text, journey["id"], seconds=seconds)

    # --- scene 2: a shopper leaves a full cart ---------------------------------------------------------------------

    async def shopper(self, shopper: Shopper) -> None:
        """Browse, leave the cart, become a member of the segment, get coupon and message from the journey."""
        self.stage.scene(say(f"{shopper.name} fills a cart and leaves 加购后离开", f"{shopper.name} 加购后离开"))
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
        self.stage.tell(
            say("identify, Product Viewed, Product Added", "identify、浏览商品、加入购物车"),
            shopper.customer_id,
            seconds=clock.seconds,
        )

    async def becomes_member(self, shopper: Shopper) -> None:
        """The segment notices."""

        async def look() -> Any:
            answer = await self.client.get(f"/v1/segments/{self.ids['segment']}/members/{shopper.customer_id}")
            return answer if answer["member"] else None

        member, seconds = await self.stage.until(
            say(f"{shopper.customer_id} entering the segment", f"{shopper.customer_id} 进入人群"), look
        )
        self.stage.tell(
            say("in the segment 进入人群", "进入人群"),
            say(f"since {member['since']}", f"自 {member['since']}"),
            seconds=seconds,
        )

    async def journey_helps(self, shopper: Shopper) -> None:
        """The journey waits, issues the coupon and writes to the shopper."""

        async def issued() -> Any:
            return next(iter(await self.checks.coupons(shopper, self.ids["template"])), None)

        async def delivered() -> Any:
            inbox = await self.client.get(f"/v1/customers/{shopper.customer_id}/inbox")
            return next(iter(inbox["data"]), None)

        shopper.coupon, seconds = await self.stage.until(
            say(f"the coupon of {shopper.customer_id}", f"{shopper.customer_id} 的优惠券"), issued
        )
        self.stage.equal(say("the coupon's status", "优惠券的状态"), shopper.coupon["status"], "issued")
        code = shopper.coupon["code"]
        self.stage.tell(
            say("the journey waited and issued a coupon 发券", "旅程等待后发券"),
            shopper.coupon["id"],
            code,
            seconds=seconds,
        )
        message, seconds = await self.stage.until(
            say(f"the message in the inbox of {shopper.customer_id}", f"{shopper.customer_id} 收件箱中的消息"),
            delivered,
        )
        self.stage.expect(
            code in str(message["body"]),
            say(
                f"the message should name the code {code}: {message['body']}",
                f"消息应包含券码 {code}：{message['body']}",
            ),
        )
        self.stage.tell(
            say("a message in the app's inbox 站内信", "App 站内信"),
            f"{message['subject']} {message['body']}",
            seconds=seconds,
        )
        await self.tell_once(shopper)

    async def tell_once(self, shopper: Shopper) -> None:
        """One run, one coupon, one message; and the path of the run."""
        runs = await self.client.all(f"/v1/journeys/{self.ids['journey']}/runs?customer_id={shopper.customer_id}")
        self.stage.equal(
            say(f"the number of runs of {shopper.customer_id}", f"{shopper.customer_id} 的旅程次数"), len(runs), 1
        )
        self.stage.equal(
            say("the number of coupons", "优惠券数量"), len(await self.checks.coupons(shopper, self.ids["template"])), 1
        )
        messages = await self.client.all(f"/v1/customers/{shopper.customer_id}/inbox")
        self.stage.equal(say("the number of messages", "消息数量"), len(messages), 1)
        await self._tell_run(runs[0]["id"])

    async def _tell_run(self, run_id: str) -> None:
        async def finished() -> Any:
            run = await self.client.get(f"/v1/journey-runs/{run_id}")
            return run if run["ended_at"] else None

        run, _ = await self.stage.until(say(f"the end of the run {run_id}", f"旅程 {run_id} 的结束"), finished)
        path = " → ".join(f"{step['node_id']} ({step['reason']})" for step in run["steps"])
        self.stage.note(f"{run_id}: {path}")
