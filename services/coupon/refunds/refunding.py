"""Refunds 退款: decided from the frozen shares, stored once, one after the other for each checkout."""

from asyncio import to_thread
from collections.abc import Mapping, Sequence
from typing import Any

from services.coupon.cash_back.reduction import CashBackReduction, Cut, KeptGoods
from services.coupon.checkout import repository as checkouts
from services.coupon.checkout.models import Checkout
from services.coupon.checkout.problems import unknown_checkout
from services.coupon.refunds import repository
from services.coupon.refunds.kept_goods import kept_after, used_offers
from services.coupon.refunds.models import Refund
from services.coupon.refunds.paid_order import PaidOrder
from services.coupon.refunds.queries import Refunds
from services.coupon.refunds.returning import Ended, Returning
from services.coupon.refunds.rules import LineBack, Policy, default_policy, give_back
from services.coupon.refunds.schemas import RefundAnswer, RefundIn, RefundView
from services.coupon.refunds.views import quoted_view
from services.coupon.templates.cache import TermsCache
from services.coupon.wallet import repository as wallet
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Caller, Conflict, Unprocessable, fingerprint


class Refunding:
    """Takes goods back. Concurrent refunds of one checkout wait for each other on its row."""

    def __init__(
        self, kit: Kit, terms_cache: TermsCache, returning: Returning, reduction: CashBackReduction, refunds: Refunds
    ) -> None:
        self._kit = kit
        self._terms_cache = terms_cache
        self._reduction = reduction
        self._returning = returning
        self._refunds = refunds

    async def quote(self, caller: Caller, checkout_id: str, body: RefundIn) -> RefundAnswer:
        """What `refund` would answer. Stores nothing."""
        async with self._kit.db.read() as tx:
            checkout = await checkouts.find_seen(tx, caller, checkout_id)
            if checkout is None:
                raise unknown_checkout()
            order = await self._order(tx, checkout)
            wanted = order.wanted(body)
            policy, lines, kept = await self._decide(tx, order, wanted, body.policy)
            cuts = await self._reduction.foresee(tx, checkout_id, kept)
            coupons = await self._returning.returnable(tx, checkout_id, _ended(order, body, wanted, cuts))
            return quoted_view(order, policy, lines, wanted, coupons, cuts)

    async def refund(self, caller: Caller, checkout_id: str, body: RefundIn) -> tuple[RefundView, bool]:
        """The refund, and whether that `refund_id` was refunded before.

        Raises Conflict when the order is not paid or has fewer units left, Unprocessable for a line that it does not have.
        """
        async with self._kit.db.write() as tx:
            checkout = await checkouts.lock_seen(tx, caller, checkout_id)
            if checkout is None:
                raise unknown_checkout()
            return await self.refund_held(tx, checkout, body, caller.actor)

    async def refund_held(
        self, tx: Transaction, checkout: Checkout, body: RefundIn, actor: str
    ) -> tuple[RefundView, bool]:
        """The same for a checkout whose row this transaction holds."""
        sent = fingerprint(body)
        if body.refund_id is not None:
            known = await repository.find_named(tx, checkout.id, body.refund_id)
            if known is not None:
                return await self._again(tx, known, sent), True
        order = await self._order(tx, checkout)
        if body.lines is None and body.refund_id is None and order.emptied_by is not None:
            return await self._refunds.found(
                tx, order.emptied_by
            ), True  # all that was left came back already, with this one
        wanted = order.wanted(body)
        policy, lines, kept = await self._decide(tx, order, wanted, body.policy)
        used = [lock.coupon_id for lock in (await checkouts.coupon_locks(tx, [checkout.id]))[checkout.id]]
        await wallet.lock(tx, [*used, *await self._reduction.coupons(tx, checkout.id)])
        cuts = await self._reduction.foresee(tx, checkout.id, kept)
        row = self._row(checkout, body, sent, policy, lines, actor)
        row |= {"number": len(order.refunds) + 1, "whole": order.whole(wanted)}
        coupons = await self._returning.give_back(tx, checkout, _ended(order, body, wanted, cuts), actor)
        await self._reduction.apply(tx, cuts, actor)
        gifts = [gift.model_dump() for gift in order.gifts_left(wanted)]
        row["outcome"] = {"coupons_returned": coupons, "gifts_kept": gifts, "cash_back": [cut.view for cut in cuts]}
        line_rows = _line_rows(row["id"], checkout.id, lines)
        await repository.insert_refund(tx, row, line_rows, _share_rows(row["id"], checkout.id, lines, order.funders))
        return await self._refunds.found(tx, row["id"]), False

    async def _again(self, tx: Transaction, known: Refund, sent: str) -> RefundView:
        if known.fingerprint != sent:
            detail = "This refund_id was used for another refund of the order. Repeat its body, or use a new id."
            raise Unprocessable("idempotency_key_reused", detail, refund=known.id)
        return await self._refunds.found(tx, known.id)

    async def _order(self, tx: Transaction, checkout: Checkout) -> PaidOrder:
        """All that is known of the checkout. Raises Conflict unless it was paid."""
        if checkout.status != "committed":
            detail = "Only a committed checkout can be refunded. Roll this one back, or let its lock run out."
            raise Conflict("checkout_not_committed", detail, checkout_status=checkout.status)
        if checkout.cart is None:
            detail = "This checkout is older than refunds; its cart was not kept. Refund it in the shop's own books."
            raise Conflict("cart_not_kept", detail)
        lines, shares = await repository.sold(tx, checkout.id)
        refunds = await repository.of_checkout(tx, checkout.id)
        return PaidOrder(checkout, lines, shares, refunds, await repository.given_back(tx, checkout.id))

    async def _decide(
        self, tx: Transaction, order: PaidOrder, wanted: Mapping[str, int], asked: Policy | None
    ) -> tuple[Policy, list[LineBack], KeptGoods]:
        offers = await used_offers(tx, self._terms_cache, order.checkout.id)
        policy = asked or default_policy([offer.terms.refund_policy for offer in offers])
        units = {line.line_id: line.returned + wanted.get(line.line_id, 0) for line in order.lines}
        # It may price the rest a hundred times: not while everybody else waits.
        kept = await to_thread(kept_after, order.sale, order.cart, units, offers) if policy == "clawback" else None
        rest = KeptGoods(order.goods_price(), order.goods_price(wanted), None if kept is None else kept.cash_back)
        return policy, give_back(order.sale, order.before, wanted, kept), rest

    def _row(
        self,
        checkout: Checkout,
        body: RefundIn,
        sent: str,
        policy: Policy,
        lines: Sequence[LineBack],
        actor: str,
    ) -> dict[str, Any]:
        refund_id = new_id("rfd")
        return {
            "id": refund_id,
            "owner_id": checkout.owner_id,
            "checkout_id": checkout.id,
            "order_id": checkout.order_id,
            "customer_id": checkout.customer_id,
            "refund_id": body.refund_id or refund_id,
            "fingerprint": sent,
            "policy": policy,
            "currency": checkout.currency,
            "amount": sum(line.money for line in lines),
            "points": sum(line.points for line in lines),
            "actor": actor,
            "created_at": self._kit.clock.now(),
        }


def _ended(order: PaidOrder, body: RefundIn, wanted: Mapping[str, int], cuts: Sequence[Cut]) -> Ended:
    """Which offers this refund gives back: those of which nothing is kept, neither goods nor what they gave."""
    kept = {cut.row.source for cut in cuts if cut.lost}  # their cash-back is used or held
    return lambda source: body.return_coupons == "when_whole" and source not in kept and order.ends(source, wanted)


def _line_rows(refund_id: str, checkout_id: str, lines: Sequence[LineBack]) -> list[dict[str, Any]]:
    return [
        {
            "refund_id": refund_id,
            "checkout_id": checkout_id,
            "line_id": line.line_id,
            "position": position,
            "quantity": line.quantity,
            "amount": line.money,
            "points": line.points,
        }
        for position, line in enumerate(lines)
    ]


def _share_rows(
    refund_id: str, checkout_id: str, lines: Sequence[LineBack], funders: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "refund_id": refund_id,
            "checkout_id": checkout_id,
            "line_id": line.line_id,
            "source": source,
            "funder": funders[source],
            "amount": amount,
        }
        for line in lines
        for source, amount in line.offers.items()
    ]
