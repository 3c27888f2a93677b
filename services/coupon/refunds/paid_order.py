"""A paid order with all that came back of it: stored rows as what the rules decide on. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.coupon.checkout.models import Checkout, CheckoutLine, DiscountShare
from services.coupon.pricing.cart import POINTS, SHIPPING, Cart
from services.coupon.pricing.schemas import CartIn
from services.coupon.refunds.models import Refund, RefundShare
from services.coupon.refunds.rules import Back, Sale, Sold
from services.coupon.refunds.schemas import GiftKeptView, RefundIn
from shared.web import Conflict, FieldError, Unprocessable


@dataclass(frozen=True)
class PaidOrder:
    """A committed checkout with all that came back of it so far."""

    checkout: Checkout
    lines: Sequence[CheckoutLine]
    shares: Sequence[DiscountShare]
    refunds: Sequence[Refund]
    given: Sequence[RefundShare]

    @property
    def sale(self) -> Sale:
        """What was sold and paid."""
        by_line: dict[str, dict[str, int]] = {line.line_id: {} for line in self.lines}
        for share in self.shares:
            by_line[share.line_id][share.source] = share.amount
        return Sale([Sold(line.line_id, line.unit_price, line.quantity, by_line[line.line_id]) for line in self.lines])

    @property
    def cart(self) -> Cart:
        """What was priced."""
        return CartIn.model_validate(self.checkout.cart).priced()

    @property
    def before(self) -> Back:
        """What all refunds so far gave back."""
        offers: dict[str, int] = {}
        for share in self.given:
            offers[share.source] = offers.get(share.source, 0) + share.amount
        units = {line.line_id: line.returned for line in self.lines if line.returned}
        money = sum(refund.amount for refund in self.refunds)
        return Back(units, money, sum(refund.points for refund in self.refunds), offers)

    @property
    def funders(self) -> dict[str, str]:
        """Who pays for each offer."""
        return {share.source: share.funder for share in self.shares if share.source != POINTS}

    @property
    def emptied_by(self) -> str | None:
        """The refund after which no goods were left; None while some are."""
        return next((refund.id for refund in self.refunds if refund.whole), None)

    @property
    def left(self) -> dict[str, int]:
        """Units that can still come back, by line."""
        return {line.line_id: line.quantity - line.returned for line in self.lines if line.quantity > line.returned}

    def wanted(self, body: RefundIn) -> dict[str, int]:
        """The units that this request brings back, the shipping fee as a line of its own.

        Raises Unprocessable for a line that the order does not have, Conflict when fewer units are left.
        """
        goods = {line.line_id for line in self.lines if line.line_id != SHIPPING}
        left = {line_id: count for line_id, count in self.left.items() if line_id in goods}
        if body.lines is None:
            wanted = left
        else:
            _refuse_unknown(body, goods)
            wanted = {line.line_id: line.quantity for line in body.lines}
        _refuse_too_many(wanted, left, everything=body.lines is None)
        if SHIPPING in self.left and self._with_shipping(body, wanted):
            wanted = {**wanted, SHIPPING: 1}
        if not wanted:
            raise Conflict("nothing_left_to_refund", "The shipping fee came back already, or there was none.", lines=[])
        return wanted

    def goods_price(self, back: Mapping[str, int] | None = None) -> int:
        """The price of the goods; with `back`, of those that are kept when these units come back too."""
        gone = (
            {line.line_id: line.returned + back.get(line.line_id, 0) for line in self.lines} if back is not None else {}
        )
        goods = (line for line in self.lines if line.kind == "goods")
        return sum(line.unit_price * (line.quantity - gone.get(line.line_id, 0)) for line in goods)

    def whole(self, wanted: Mapping[str, int]) -> bool:
        """True when no goods are left after these, gifts included."""
        return all(wanted.get(line_id, 0) == count for line_id, count in self.left.items() if line_id != SHIPPING)

    def gifts_left(self, wanted: Mapping[str, int]) -> list[GiftKeptView]:
        """What the customer still has after these that they did not pay for."""
        left = {line.line_id: line.quantity - line.returned - wanted.get(line.line_id, 0) for line in self.lines}
        return [
            GiftKeptView(line_id=line.line_id, source=line.source, quantity=left[line.line_id])
            for line in self.lines
            if line.source is not None and left[line.line_id]
        ]

    def ends(self, source: str, wanted: Mapping[str, int]) -> bool:
        """True when with these, and not before, all is back that the offer was used for, and all that it gave.

        That is all goods of the order, and what came by this offer alone: its gifts 赠品, and the shipping fee if it paid of it.
        """
        paid_shipping = any(share.line_id == SHIPPING and share.source == source for share in self.shares)
        needed = {
            line.line_id
            for line in self.lines
            if line.kind == "goods" or line.source == source or (line.line_id == SHIPPING and paid_shipping)
        }
        open_ = {line_id: count for line_id, count in self.left.items() if line_id in needed}
        return bool(open_) and all(wanted.get(line_id, 0) == count for line_id, count in open_.items())

    def _with_shipping(self, body: RefundIn, wanted: Mapping[str, int]) -> bool:
        return body.shipping == "now" or (body.shipping == "when_whole" and self.whole(wanted))


def _refuse_unknown(body: RefundIn, goods: set[str]) -> None:
    errors = [
        FieldError(pointer=f"#/lines/{index}/line_id", code="unknown_line", detail="The order has no line of this id.")
        for index, line in enumerate(body.lines or ())
        if line.line_id not in goods
    ]
    if errors:
        detail = "The order has no such line. Name lines as its checkout did."
        raise Unprocessable("unknown_line", detail, errors=errors)


def _refuse_too_many(wanted: Mapping[str, int], left: Mapping[str, int], *, everything: bool) -> None:
    over = [
        {"line_id": line_id, "requested": count, "left": left.get(line_id, 0)}
        for line_id, count in wanted.items()
        if count > left.get(line_id, 0)
    ]
    if over or (everything and not wanted):
        detail = "More units than are left of the order; see `lines` for how many are."
        raise Conflict("nothing_left_to_refund", detail, lines=over)
