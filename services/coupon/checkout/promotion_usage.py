"""What orders take of the limits of promotions, and give back: rows, entries and counters move together.

The rows of offers with limits are held before the order is priced (see `locking`), so what was there to price with is there
to take. Promotions without limits are only counted: their rows are held last, and for as short as can be.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.coupon.checkout import repository
from services.coupon.checkout.models import CheckoutPromotion
from services.coupon.pricing.budgets import cost
from services.coupon.pricing.offers import Use
from services.coupon.templates import repository as templates
from services.coupon.templates.cache import TermsCache
from services.coupon.templates.models import Template
from services.coupon.templates.supply import Supply
from services.coupon.templates.validity import local_day
from services.coupon.wallet.rules import closed
from shared.db import Transaction
from shared.service import Kit
from shared.web import Conflict


@dataclass(frozen=True, slots=True)
class UsageStep:
    """What happens to one promotion of one checkout. `issued` and `budget` are the changes of its counters, `held` what
    the checkout has of its budget afterwards.
    """

    checkout_id: str
    promotion_id: str
    number: int
    state: str
    issued: int
    budget: int
    held: int
    day: str | None
    reason: str


class PromotionUsage:
    """Counts what checkouts use of promotions."""

    def __init__(self, kit: Kit, terms_cache: TermsCache, time_zone: str) -> None:
        self._kit = kit
        self._terms_cache = terms_cache
        self._time_zone = time_zone

    async def take(self, tx: Transaction, checkout_id: str, uses: Sequence[Use], reason: str, actor: str) -> None:
        """A new checkout uses these promotions. Raises Conflict when one changed since they were priced."""
        costs = {use.offer.id: cost(use) for use in uses}
        steps, refused = await self._steps(tx, checkout_id, costs, dict.fromkeys(costs, 1), reason)
        if refused:
            detail = "A promotion of this order changed just now. Try again."
            raise Conflict("promotion_changed", detail, headers={"Retry-After": "1"})
        rows = [
            {
                "checkout_id": checkout_id,
                "promotion_id": use.offer.id,
                "terms_version": use.offer.terms_version,
                "amount": use.amount,
                "cash_back": cost(use) - use.amount,
                "budget_taken": step.held,
                "day": step.day,
                "state": step.state,
                "step": step.number,
            }
            for use, step in zip(uses, steps, strict=True)
        ]
        if rows:
            await repository.insert_promotions(tx, rows)
            await self._count(tx, steps, actor)

    async def take_again(self, tx: Transaction, checkout_id: str, reason: str, actor: str) -> Mapping[str, str]:
        """A checkout whose lock ran out takes its promotions once more, all or none: why not, by promotion; else empty."""
        rows = await repository.promotions(tx, [checkout_id], "released")
        costs = {row.promotion_id: row.amount + row.cash_back for row in rows}
        numbers = {row.promotion_id: row.step + 1 for row in rows}
        steps, refused = await self._steps(tx, checkout_id, costs, numbers, reason)
        if not refused:
            await self._apply(tx, steps, actor)
        return refused

    async def keep(self, tx: Transaction, checkout_id: str, reason: str, actor: str) -> None:
        """The order was paid: what it took stays taken."""
        steps = [
            UsageStep(checkout_id, row.promotion_id, row.step + 1, "redeemed", 0, 0, row.budget_taken, row.day, reason)
            for row in await repository.promotions(tx, [checkout_id], "live")
        ]
        await self._apply(tx, steps, actor)

    async def give_back(
        self, tx: Transaction, rows: Sequence[CheckoutPromotion], state: str, reasons: Mapping[str, str], actor: str
    ) -> None:
        """These promotions of checkouts, live or redeemed, are used no more. `reasons` by checkout."""
        steps = [
            UsageStep(
                row.checkout_id,
                row.promotion_id,
                row.step + 1,
                state,
                issued=-1,
                budget=-row.budget_taken,
                held=0,
                day=row.day,
                reason=reasons[row.checkout_id],
            )
            for row in rows
        ]
        await self._apply(tx, steps, actor)

    async def _steps(
        self, tx: Transaction, checkout_id: str, costs: Mapping[str, int], numbers: Mapping[str, int], reason: str
    ) -> tuple[list[UsageStep], dict[str, str]]:
        """What taking these promotions writes, in the order of `costs`, and the code of each that can't be taken."""
        now = self._kit.clock.now()
        rows = await templates.lock(tx, sorted(costs))
        snapshots = await self._terms_cache.load(tx, [(row.id, row.terms_version) for row in rows.values()])
        validity = {row.id: snapshots[row.id, row.terms_version].terms.validity for row in rows.values()}
        days = {
            row.id: local_day(now, validity[row.id].time_zone or self._time_zone) if row.per_day is not None else None
            for row in rows.values()
        }
        counted = await templates.days(tx, [(key, day) for key, day in days.items() if day is not None])
        steps, refused = [], {}
        for key, spent in costs.items():
            row, day = rows[key], days[key]
            code = closed(row.status, validity[key], "claim", now) or _supply(row, day, counted, spent).refusal()
            if code is not None:
                refused[key] = code
            budget = spent if row.budget is not None else 0
            steps.append(UsageStep(checkout_id, key, numbers[key], "live", 1, budget, budget, day, reason))
        return steps, refused

    async def _apply(self, tx: Transaction, steps: Sequence[UsageStep], actor: str) -> None:
        """Change the rows of promotions that are there already, with entries and counters."""
        if not steps:
            return
        values = [
            {
                "of_checkout": one.checkout_id,
                "of_promotion": one.promotion_id,
                "new_step": one.number,
                "new_state": one.state,
                "new_budget": one.held,
                "new_day": one.day,
            }
            for one in steps
        ]
        await repository.step_promotions(tx, values)
        await self._count(tx, steps, actor)

    async def _count(self, tx: Transaction, steps: Sequence[UsageStep], actor: str) -> None:
        """The entries of these steps, and the counters: templates by id, then their days."""
        now = self._kit.clock.now()
        await repository.insert_promotion_entries(tx, [_entry(one, actor, now) for one in steps])
        issued: Counter[str] = Counter()
        spent: Counter[str] = Counter()
        days: Counter[tuple[str, str]] = Counter()
        for one in steps:
            issued[one.promotion_id] += one.issued
            spent[one.promotion_id] += one.budget
            if one.day is not None:
                days[one.promotion_id, one.day] += one.issued
        moved = sorted(key for key in issued if issued[key] or spent[key])
        if len(moved) > 1:
            await templates.lock(tx, moved)  # those without limits are not held yet, and one statement has no order
        counts = [{"id": key, "more_issued": issued[key], "more_spent": spent[key]} for key in moved]
        templates.count(tx, counts)
        more = [{"template_id": key, "day": day, "issued": n} for (key, day), n in sorted(days.items()) if n > 0]
        await templates.count_days(tx, more)
        await templates.uncount_days(tx, {key: -number for key, number in days.items() if number < 0})


def _supply(row: Template, day: str | None, counted: Mapping[tuple[str, str], int], spent: int) -> Supply:
    return Supply(
        total=None if row.total is None else row.total - row.issued,
        day=None if day is None or row.per_day is None else row.per_day - counted.get((row.id, day), 0),
        budget=None if row.budget is None else row.budget - row.budget_spent,
        per_customer=None,
        cost=spent,
    )


def _entry(step: UsageStep, actor: str, now: datetime) -> dict[str, Any]:
    return {
        "checkout_id": step.checkout_id,
        "promotion_id": step.promotion_id,
        "step": step.number,
        "to_state": step.state,
        "issued_change": step.issued,
        "budget_change": step.budget,
        "day": step.day,
        "reason": step.reason,
        "actor": actor,
        "occurred_at": now,
    }
