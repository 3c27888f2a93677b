"""What the ways to a coupon say to the wallet, and what it answers: shapes that several rooms speak of."""

from typing import Literal, NamedTuple

from shared.web import MERCHANT

Source = Literal["claim", "direct", "journey", "code", "pack", "share", "qr", "draw", "cash_back"]
"""How a coupon came to its customer."""


class Origin(NamedTuple):
    """Where a request of a shopper's comes from, as hashes; None = not known. Stored with the coupon it brought."""

    address: str | None = None
    device: str | None = None


NOWHERE = Origin()


class Wish(NamedTuple):
    """One customer should get one coupon of one template. `correlation` is the request that asks for it.

    `origin` is where a shopper's own request comes from; what the merchant gives comes from nowhere. `face_amount` is what
    this coupon is worth, where each has a worth of its own. `owner_id` is whose the coupon will be, `walled` that they name
    the template themselves and other owners' templates don't exist for them.
    """

    template_id: str
    customer_id: str
    source: Source
    actor: str
    reason: str
    reference: str | None = None
    correlation: str | None = None
    origin: Origin = NOWHERE
    face_amount: int | None = None
    owner_id: str = MERCHANT
    walled: bool = False

    def finds(self, owner_id: str) -> bool:
        """True when a template of this owner may be named by the wish."""
        return not self.walled or owner_id in (self.owner_id, MERCHANT)


class Granted(NamedTuple):
    """The new coupon; `body` is the answer to a claim, as JSON."""

    coupon_id: str
    body: bytes
