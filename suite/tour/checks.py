"""What must hold of coupons, stock and prices in the story."""

from typing import Any

from shared.language import say
from shared.money import format_money
from suite.client import Client
from suite.tour.shop import DISCOUNT, SHIPPING_FEE, Shop, Shopper
from suite.tour.stage import Stage


class Checks:
    """Asks the suite and compares. Raises TourFailed, with what should have been."""

    def __init__(self, client: Client, stage: Stage, shop: Shop) -> None:
        self._client = client
        self._stage = stage
        self._shop = shop

    async def coupons(self, shopper: Shopper, template_id: str) -> list[dict[str, Any]]:
        """The shopper's coupons of the template: none yet, or one, never more."""
        coupons = await self._client.all(f"/v1/coupons?customer_id={shopper.customer_id}")
        mine = [coupon for coupon in coupons if coupon["template_id"] == template_id]
        self._stage.expect(
            len(mine) <= 1,
            say(
                f"{shopper.customer_id} should have one coupon but has {len(mine)}.",
                f"{shopper.customer_id} 应有一张券，却有 {len(mine)} 张。",
            ),
        )
        return mine

    async def coupon(self, shopper: Shopper, status: str) -> None:
        """The shopper's coupon is in this state."""
        coupon = await self._client.get(f"/v1/coupons/{shopper.coupon['id']}")
        self._stage.equal(
            say(f"the status of {shopper.coupon['id']}", f"{shopper.coupon['id']} 的状态"), coupon["status"], status
        )

    async def stock(self, sku: str, available: int, *, reserved: int) -> None:
        """Over all warehouses."""
        levels = await self._client.all(f"/v1/stock?sku={sku}")
        self._stage.equal(
            say(f"what is available of {sku}", f"{sku} 的可用量"),
            sum(level["available"] for level in levels),
            available,
        )
        self._stage.equal(
            say(f"what is reserved of {sku}", f"{sku} 的占用量"), sum(level["reserved"] for level in levels), reserved
        )

    def quote(self, quote: dict[str, Any], shopper: Shopper) -> None:
        """The cart's price with the shopper's coupon, shared out to the lines to the last 分."""
        stage = self._stage
        stage.equal(say("the quote's subtotal", "试算的小计"), quote["subtotal"], self._shop.subtotal)
        stage.equal(say("the quote's discount", "试算的优惠"), quote["discount"], DISCOUNT)
        stage.equal(say("the quote's total", "试算的合计"), quote["total"], self._shop.total)
        stage.equal(
            say("the applied coupon", "所用的券"),
            [one["coupon_id"] for one in quote["applied"]],
            [shopper.coupon["id"]],
        )
        shares = [line["discount"] for line in quote["lines"]]
        stage.equal(say("the sum of the lines' shares", "各行分摊之和"), sum(shares), DISCOUNT)
        stage.tell(
            say(
                f"quote 试算: {format_money(quote['subtotal'])} − {format_money(quote['discount'])}"
                f" + shipping {format_money(SHIPPING_FEE)} = {format_money(quote['total'])}",
                f"试算：{format_money(quote['subtotal'])} − {format_money(quote['discount'])}"
                f" + 运费 {format_money(SHIPPING_FEE)} = {format_money(quote['total'])}",
            ),
            say("shared out as ", "分摊为 ") + " + ".join(format_money(share) for share in shares),
        )
