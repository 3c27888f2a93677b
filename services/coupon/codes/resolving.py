"""What a code gives a customer: looked at for a quote, redeemed for a checkout or a wallet. One way for both kinds of codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.code_format import normalised
from services.coupon.codes import repository
from services.coupon.codes.looked_up import FoundCode
from services.coupon.codes.problems import coupon_invalid
from services.coupon.codes.rules import TOLD
from services.coupon.wallet.granting import Granting
from services.coupon.wallet.new_coupons import Lot
from services.coupon.wallet.outlook import Outlooks
from services.coupon.wishes import NOWHERE, Granted, Origin, Wish
from shared.db import Transaction
from shared.service import Kit
from shared.web import Caller, Problem


@dataclass(frozen=True, slots=True)
class Ask:
    """A customer shows a code. `caller` is who did it, `correlation` the request."""

    code: str
    customer_id: str
    caller: Caller
    correlation: str | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The coupon of a code; `body` is its view as JSON when it is new, None when the customer had it already."""

    coupon_id: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Refused:
    """No coupon; `template_id` is the code's, where there is such a code: a failed guess counts against it."""

    problem: Problem
    template_id: str | None


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a code would give: the customer's own coupon of it, or else a new one of this lot (template, terms, window)."""

    coupon_id: str | None
    lot: Lot | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """One ask of a round, for which a use of its code is kept."""

    index: int
    code: FoundCode
    wish: Wish


class Resolving:
    """Finds codes and turns them into coupons."""

    def __init__(self, kit: Kit, granting: Granting, outlooks: Outlooks, attempts: AttemptLimiter) -> None:
        self._kit = kit
        self._granting = granting
        self._outlooks = outlooks
        self._attempts = attempts

    async def peek(self, tx: Transaction, customer_id: str, code: str) -> Peeked | Problem:
        """What redeeming would give now, or why it would give nothing. Locks nothing, writes nothing."""
        now = self._kit.clock.now()
        key = normalised(code)
        found = (await repository.find(tx, [key], [customer_id], now)).get(key)
        if found is None:
            return coupon_invalid()
        own = found.coupon_of(customer_id)
        if own is not None:
            return Peeked(own, None)
        if not found.usable(now):
            return coupon_invalid()
        lot = await self._outlooks.foresee(tx, found.row.template_id, customer_id, "code")
        return _told(lot) if isinstance(lot, Problem) else Peeked(None, lot)

    async def lock(self, tx: Transaction, customer_id: str, typed: Sequence[str]) -> list[str]:
        """Lock these codes' rows before anything else of a transaction that will redeem them; their templates' ids."""
        keys = {normalised(code) for code in typed}
        found = await repository.lock(tx, keys, [customer_id], self._kit.clock.now())
        return sorted({code.row.template_id for code in found.values()})

    async def redeem(self, tx: Transaction, asks: Sequence[Ask]) -> list[Redeemed | Refused]:
        """One answer for each ask, in order. A customer's own redeemed code answers its coupon again.

        All codes' rows are locked first, then the templates': ask for all codes of a transaction at once.
        """
        now = self._kit.clock.now()
        keys = [normalised(ask.code) for ask in asks]
        customers = {ask.customer_id for ask in asks}
        found = await repository.lock(tx, set(keys), customers, now)
        locked = await self._attempts.exhausted(tx, {code.row.template_id for code in found.values()})
        answers: dict[int, Redeemed | Refused] = {}
        waiting = list(range(len(asks)))
        while waiting:
            kept: list[_Kept] = []
            later = []
            for index in waiting:
                ask, code = asks[index], found.get(keys[index])
                answer = _at_once(code, ask.customer_id, now)
                if answer is not None:
                    answers[index] = answer
                elif code is not None and code.row.template_id in locked:
                    answers[index] = Refused(locked[code.row.template_id], None)
                elif code is None or code.busy(ask.customer_id):
                    later.append(index)  # what others of this round hold may be given back
                else:
                    kept.append(_Kept(index, code, _wish(ask, code)))
            answers.update(await self._grant(tx, kept, now))
            waiting = later
        return [answers[index] for index in range(len(asks))]

    async def _grant(self, tx: Transaction, kept: Sequence[_Kept], now: datetime) -> dict[int, Redeemed | Refused]:
        answers: dict[int, Redeemed | Refused] = {}
        uses = []
        granted = await self._granting.grant(tx, [one.wish for one in kept])
        for one, grant in zip(kept, granted, strict=True):
            customer_id = one.wish.customer_id
            if isinstance(grant, Granted):
                one.code.settle(customer_id, grant.coupon_id)
                uses.append((one.code, customer_id, grant.coupon_id))
                answers[one.index] = Redeemed(grant.coupon_id, grant.body)
            else:
                one.code.settle(customer_id, None)
                answers[one.index] = Refused(_told(grant), one.wish.template_id)
        await repository.insert_uses(tx, uses, now)
        return answers


def _at_once(code: FoundCode | None, customer_id: str, now: datetime) -> Redeemed | Refused | None:
    """The answer that needs no grant; None when the code may give a new coupon."""
    if code is None:
        return Refused(coupon_invalid(), None)
    own = code.coupon_of(customer_id)
    if own is not None:
        return Redeemed(own, None)
    return None if code.usable(now) else Refused(coupon_invalid(), code.row.template_id)


def _wish(ask: Ask, code: FoundCode) -> Wish:
    """The wish for the coupon; one use of the code is kept for it."""
    return Wish(
        template_id=code.row.template_id,
        customer_id=ask.customer_id,
        source="code",
        actor=ask.caller.actor,
        owner_id=ask.caller.owner_id,
        reason="code redeemed",
        reference=code.keep(ask.customer_id),
        correlation=ask.correlation,
        origin=ask.origin,
    )


def _told(refused: Problem) -> Problem:
    return refused if refused.code in TOLD else coupon_invalid()
