"""Use cases that count what became of an offer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.coupon.figures import repository
from services.coupon.figures.schemas import PromotionFigures, TemplateFigures
from services.coupon.templates import repository as templates
from services.coupon.templates.models import Template
from services.coupon.templates.problems import unknown_offer
from services.coupon.templates.rules import OfferKind
from shared.db import Transaction, Use, used_for
from shared.service import Kit
from shared.web import Caller
from shared.web.lanes import Lane

_BP = 10_000
_WAITING = 20


class OfferFigures:
    """Of the merchant's offers, and of a partner's own."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lane = Lane(at_once=1, waiting=_WAITING)
        """Each reads whole tables: one after the other."""

    async def of_template(self, caller: Caller, template_id: str) -> TemplateFigures:
        """The states of its coupons, and what they took off. Raises NotFound; Unavailable when too many ask."""
        async with self._reading() as tx:
            row = await _own(tx, caller, template_id, "coupon", "coupon template")
            now = self._kit.clock.now()
            found = await repository.coupons(tx, template_id, now)
            money = await repository.money_of_coupons(tx, template_id)
        claimed, redeemed = sum(found.values()), found.get("redeemed", 0)
        return TemplateFigures(
            template_id=template_id,
            currency=row.currency,
            claimed=claimed,
            unused=found.get("issued", 0),
            locked=found.get("locked", 0),
            redeemed=redeemed,
            expired=found.get("expired", 0),
            voided=found.get("voided", 0),
            redemption_rate_bp=(redeemed * _BP * 2 + claimed) // (claimed * 2) if claimed else None,
            **money._asdict(),
            as_of=now,
        )

    async def of_promotion(self, caller: Caller, promotion_id: str) -> PromotionFigures:
        """The states of its orders, and what it took off. Raises NotFound; Unavailable when too many ask."""
        async with self._reading() as tx:
            row = await _own(tx, caller, promotion_id, "promotion", "promotion")
            now = self._kit.clock.now()
            found = await repository.orders(tx, promotion_id)
            money = await repository.money_of_promotion(tx, promotion_id)
        return PromotionFigures(
            promotion_id=promotion_id,
            currency=row.currency,
            locked=found.get("live", 0),
            redeemed=found.get("redeemed", 0),
            returned=found.get("returned", 0),
            **money._asdict(),
            as_of=now,
        )

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Transaction]:
        async with self._lane.turn():
            with used_for(Use.LONG):
                async with self._kit.db.read() as tx:
                    yield tx


async def _own(tx: Transaction, caller: Caller, offer_id: str, kind: OfferKind, noun: str) -> Template:
    row = await templates.find_own(tx, caller, offer_id, kind)
    if row is None:
        raise unknown_offer(noun)
    return row
