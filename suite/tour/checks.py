"""What must hold of coupons, stock and prices in the story."""

from typing import Any

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
        self._stage.expect(len(mine) <= 1, f"{shopper.customer_id} should have one coupon but has {len(mine)}.")
        return mine

    async def coupon(self, shopper: Shopper, status: str) -> None:
        """The shopper's coupon is in this state."""
        coupon = await self._client.get(f"/v1/coupons/{shopper.coupon['id']}")
        self._stage.equal(f"the status of {shopper.coupon['id']}", coupon["status"], status)

    async def stock(self, sku: str, available: int, *, reserved: int) -> None:
        """Over all warehouses."""
        levels = await self._client.all(f"/v1/stock?sku={sku}")
        self._stage.equal(f"what is available of {sku}", sum(level["available"] for level in levels), available)
        self._stage.equal(f"what is reserved of {sku}", sum(level["reserved"] for level in levels), reserved)

    def quote(self, quote: dict[str, Any], shopper: Shopper) -> None:
        """The cart's price with the shopper's coupon, shared out to the lines to the last 分."""
        stage = self._stage
        stage.equal("the quote's subtotal", quote["subtotal"], self._shop.subtotal)
        stage.equal("the quote's discount", quote["discount"], DISCOUNT)
        stage.equal("the quote's total", quote["total"], self._shop.total)
        stage.equal("the applied coupon", [one["coupon_id"] for one in quote["applied"]], [shopper.coupon["id"]])
        shares = [line["discount"] for line in quote["lines"]]
        stage.equal("the sum of the lines' shares", sum(shares), DISCOUNT)
        stage.tell(
            f"quote 试算: {format_money(quote['subtotal'])} − {format_money(quote['discount'])}"
            f" + shipping {format_money(SHIPPING_FEE)} = {format_money(quote['total'])}",
            "shared out as " + " + ".join(format_money(share) for share in shares),
        )
