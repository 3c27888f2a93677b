"""What clients send and get about draws."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.coupon.draws.rules import WHOLE
from services.coupon.wallet.schemas import CouponView
from shared.web import BasisPoints, Body, ExternalId, Instant, Name, View

Times = Annotated[int, Field(strict=True, ge=1, le=10**6)]
Pieces = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Status = Literal["open", "closed"]
_EXAMPLE: dict[str, Any] = {
    "name": "双11大转盘",
    "window": {"from": "2026-11-01T00:00:00+08:00", "until": "2036-11-12T00:00:00+08:00"},
    "prizes": [
        {"name": "100元券", "template_id": "tpl_…", "odds_bp": 100, "quantity": 50, "fallback": "5元券"},
        {"name": "5元券", "template_id": "tpl_…", "odds_bp": 3000, "quantity": None},
    ],
    "limits": {"per_day": 3},
}


class Window(Body):
    """When tickets are drawn: `from` included, `until` excluded."""

    model_config = ConfigDict(populate_by_name=True)
    from_: Annotated[Instant, Field(alias="from")]
    until: Instant

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until <= self.from_:
            raise ValueError("the window ends before it starts; make `until` later than `from`")
        return self


class PrizeIn(Body):
    """A prize: a coupon, or (`template_id` null) something that the merchant hands out. `quantity` null: no end of it."""

    name: Name
    template_id: ExternalId | None = None
    odds_bp: BasisPoints
    quantity: Pieces | None = None
    fallback: Annotated[Name | None, Field(description="name of the prize that is given once this one ran out")] = None


class TicketLimits(Body):
    """Tickets of one customer: in all, and on one day of the merchant's calendar. At least one of the two."""

    per_customer: Times | None = None
    per_day: Times | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.per_customer is None and self.per_day is None:
            raise ValueError("give `per_customer`, `per_day` or both")
        return self


class DrawIn(Body):
    """A lucky draw 抽奖 with stated odds; what is missing to 10,000 basis points is no prize."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    name: Name
    window: Window
    prizes: Annotated[list[PrizeIn], Field(min_length=1, max_length=50)]
    limits: TicketLimits

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [prize.name for prize in self.prizes]
        if len(set(names)) < len(names):
            raise ValueError("two prizes have the same name; give each its own")
        if sum(prize.odds_bp for prize in self.prizes) > WHOLE:
            raise ValueError("the odds of all prizes are more than 10000 basis points")
        for prize in self.prizes:
            if prize.fallback is not None and (prize.fallback == prize.name or prize.fallback not in names):
                raise ValueError(f"the fallback of {prize.name!r} must be the name of another prize")
        return self


class PrizeView(View):
    """A prize with its stated odds. `place` is its number in the algorithm, from 0."""

    place: int
    name: str
    template_id: str | None
    odds_bp: int
    quantity: int | None
    fallback: str | None
    awarded: int


class DrawView(View):
    """A draw. `seed` is null until it is closed; `seed_hash` is its SHA-256, published from the start."""

    id: str
    name: str
    status: Status
    window: Window
    prizes: list[PrizeView]
    limits: TicketLimits
    algorithm: Annotated[str, Field(description="see the page on draws: how a ticket's prize follows from the seed")]
    seed_hash: str
    seed: str | None
    tickets: int
    created_at: Instant
    updated_at: Instant


class TicketIn(Body):
    """Who draws. The same `ticket_ref` (an order, a sign-in) gets the same ticket again."""

    customer_id: ExternalId
    ticket_ref: ExternalId | None = None


class TicketView(View):
    """A ticket. `drawn` is the place of the prize by the seed, `prize` that of what was given, `reason` why they differ.

    `chain` is a receipt: it ties the ticket to all before it.
    """

    draw_id: str
    number: int
    customer_id: str
    ticket_ref: str | None
    drawn: int | None
    prize: int | None
    prize_name: str | None
    reason: str | None
    coupon_id: str | None
    chain: str
    created_at: Instant


class DrawnView(TicketView):
    """A ticket just drawn, with its coupon."""

    coupon: CouponView | None


class Mismatch(View):
    """A ticket (or, number 0, a counter) that is not what it should be."""

    number: int
    detail: str


class DrawAuditView(View):
    """All tickets drawn again. `outcomes` false: still open, so only numbers, hashes and quantities are proven."""

    ok: bool
    algorithm: str
    seed_hash: str
    seed: str | None
    outcomes: bool
    tickets: int
    mismatches: Annotated[list[Mismatch], Field(description="the first hundred")]
