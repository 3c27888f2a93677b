"""Checkout 下单锁券: price the cart, freeze the quote, hold its coupons for the order."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.coupon.abuse.attempts import Attempt, AttemptLimiter
from services.coupon.cash_back import repository as cash_back
from services.coupon.cash_back.rules import promises
from services.coupon.checkout import new_checkout, queries, repository
from services.coupon.checkout.models import Checkout
from services.coupon.checkout.promotion_usage import PromotionUsage
from services.coupon.checkout.releasing import Releasing
from services.coupon.checkout.schemas import CheckoutIn, CheckoutView
from services.coupon.codes.problems import coupon_invalid
from services.coupon.codes.resolving import Ask, Refused, Resolving
from services.coupon.pricing.candidates import UNUSABLE
from services.coupon.pricing.quoting import Priced, Quoting, vouched
from services.coupon.pricing.typed_codes import distinct
from services.coupon.templates import repository as templates
from services.coupon.templates.models import Template
from services.coupon.wallet import ledger
from services.coupon.wallet import repository as wallet
from services.coupon.wallet.models import Coupon
from shared.contracts import CouponLocked
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Client, Conflict, Unprocessable, fingerprint


class Locking:
    """Opens checkouts, one at a time for each order of an owner."""

    def __init__(
        self,
        kit: Kit,
        quoting: Quoting,
        codes: Resolving,
        attempts: AttemptLimiter,
        usage: PromotionUsage,
        releasing: Releasing,
    ) -> None:
        self._kit = kit
        self._quoting = quoting
        self._codes = codes
        self._attempts = attempts
        self._usage = usage
        self._releasing = releasing

    async def lock(self, caller: Caller, body: CheckoutIn, client: Client) -> tuple[CheckoutView, bool]:
        """The order's checkout, and whether it was there already. Codes turn into coupons of the wallet.

        Raises Unprocessable when the order's open checkout was made from another body or a code is wrong, Conflict when a
        coupon that the body names cannot be used by anybody else's leave. Nothing is locked or redeemed then.
        """
        vouched(caller, body)
        if not body.codes:
            return await self._lock(caller, body, None)
        async with self._attempts.admit(client, body.customer_id, denied=coupon_invalid()) as attempt:
            return await self._lock(caller, body, attempt)

    async def _lock(self, caller: Caller, body: CheckoutIn, attempt: Attempt | None) -> tuple[CheckoutView, bool]:
        now = self._kit.clock.now()
        sent = fingerprint(body)
        async with self._kit.db.write() as tx:
            candidates, offers = await self._hold(tx, body)
            known = await repository.find_open(tx, caller.owner_id, body.order_id)
            if known is not None:
                return await self._again(tx, known, sent)
            if attempt is not None:
                candidates = await self._redeemed(tx, caller, body, attempt, candidates)
            held = await wallet.lock(tx, candidates)
            priced = await self._quoting.price(tx, body, candidates, order_id=body.order_id)
            _refuse_unusable(body, priced)
            row = new_checkout.checkout(body, priced, sent, now) | {"owner_id": caller.owner_id}
            if not await repository.insert_checkout(tx, row):
                known = await repository.find_open(tx, caller.owner_id, body.order_id)
                if known is None:
                    raise Conflict("checkout_in_progress", "Another call is settling this order. Try again.")
                return await self._again(tx, known, sent)
            await self._store(tx, row, priced, held, offers, caller.actor)
            stored = await repository.find(tx, str(row["id"]))
            assert stored is not None  # noqa: S101 - inserted above in this transaction
            return await queries.view(tx, stored, self._kit.clock.now()), False

    async def _hold(self, tx: Transaction, body: CheckoutIn) -> tuple[Sequence[str], Mapping[str, Template]]:
        """Hold all that the price depends on, in the house order, and end the customer's locks that ran out.

        Answers the coupons to price, which nobody else can take from here on, and the offers with limits.
        """
        theirs = await self._codes.lock(tx, body.customer_id, body.codes) if body.codes else []
        due = await repository.lock_due(tx, self._kit.clock.now(), body.customer_id, body.order_id)
        coupons, used = await self._releasing.holding(tx, due)
        candidates = await self._quoting.candidates(tx, body)
        await wallet.lock(tx, [*candidates, *coupons])
        offers = await templates.lock_limited(tx, [*used, *theirs, *await self._quoting.limited(tx, body, candidates)])
        if due:
            await self._releasing.release(tx, due, "expired", "lock_expired", "clock")
        return candidates, offers

    async def _redeemed(
        self, tx: Transaction, caller: Caller, body: CheckoutIn, attempt: Attempt, candidates: Sequence[str]
    ) -> list[str]:
        """The coupons to price with those of the codes. A wrong code must not silently make the order dearer: it raises."""
        asks = [Ask(code, body.customer_id, caller, origin=attempt.origin) for code in distinct(body.codes)]
        coupons = []
        for answer in await self._codes.redeem(tx, asks):
            if isinstance(answer, Refused):
                attempt.failed(answer.template_id)
                raise answer.problem
            coupons.append(answer.coupon_id)
        return list(dict.fromkeys([*candidates, *coupons]))

    async def _again(self, tx: Transaction, known: Checkout, sent: str) -> tuple[CheckoutView, bool]:
        if known.fingerprint != sent:
            raise Unprocessable(
                "idempotency_key_reused",
                "This order has an open checkout that was made from another body. Roll it back first, or repeat its body.",
                checkout_id=known.id,
            )
        return await queries.view(tx, known, self._kit.clock.now()), True

    async def _store(
        self,
        tx: Transaction,
        checkout: dict[str, Any],
        priced: Priced,
        held: Mapping[str, Coupon],
        offers: Mapping[str, Template],
        actor: str,
    ) -> None:
        """All that belongs to a new checkout: lines and shares, the locks of its coupons, what it takes of promotions."""
        answer, reason = priced.answer, f"order {checkout['order_id']}"
        taken = new_checkout.budget_taken(answer, held, offers)
        await ledger.apply(tx, new_checkout.changes(checkout, answer, held, taken, actor), checkout["created_at"])
        await repository.insert_parts(
            tx,
            lines=new_checkout.lines(checkout, priced),
            shares=new_checkout.shares(checkout, answer),
            coupons=new_checkout.locks(checkout, answer, held, taken),
        )
        await cash_back.insert_promises(tx, promises(checkout, answer))
        await self._usage.take(tx, checkout["id"], new_checkout.promotions(answer), reason, actor)
        events = [
            CouponLocked(
                owner_id=checkout["owner_id"],
                coupon_id=use.offer.id,
                template_id=use.offer.template_id,
                customer_id=checkout["customer_id"],
                checkout_id=checkout["id"],
                order_id=checkout["order_id"],
                amount=use.amount,
                currency=checkout["currency"],
            )
            for use in new_checkout.coupons(answer)
        ]
        await self._kit.outbox.publish(tx, events)


def _refuse_unusable(body: CheckoutIn, priced: Priced) -> None:
    """A named coupon that is used, held or gone must not silently make the order dearer. Other reasons stand in the quote."""
    if body.coupons == "best":
        return
    gone = [one for one in priced.view.rejected if one.code in UNUSABLE]
    if gone:
        detail = "A coupon that the order names can't be used. Quote again, and leave it out."
        rejected = [one.model_dump(exclude_none=True) for one in gone]
        raise Conflict("coupon_unavailable", detail, rejected=rejected)
