"""The one way to a new coupon: every source comes through `Granting.grant`.

A batch of wishes for any number of templates takes a handful of statements. The templates' rows are locked first, in
order, so what is left of every limit is known for sure while the batch is decided; CHECKs and unique keys stand behind it.
Where several processes want the same template, claims are served from a leased part of its limits instead, and lock only
their own lease; then two processes may serve one customer at once, and the unique key of their coupons tells the second.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from services.coupon.abuse.velocity import Velocity
from services.coupon.templates import lease_repository as leases
from services.coupon.templates import repository as templates
from services.coupon.templates.lease_repository import LeasedTemplate
from services.coupon.templates.models import Template
from services.coupon.templates.supply import Supply
from services.coupon.wallet import repository
from services.coupon.wallet.admission import Admission, supply_left
from services.coupon.wallet.leasing import Leasing
from services.coupon.wallet.new_coupons import Lot, Output, add_coupon
from services.coupon.wallet.rules import LIMITS, share_out
from services.coupon.wishes import Granted, Wish
from shared.batching import Again
from shared.db import Transaction
from shared.service import Kit
from shared.web import Problem

_KEY = itemgetter("customer_id", "template_id", "seq")


@dataclass
class _Batch:
    """Wishes that are decided together, and what is known and decided so far."""

    tx: Transaction
    wishes: Sequence[Wish]
    now: datetime
    may_lease: bool
    lots: dict[str, Lot] = field(default_factory=dict)
    leased: frozenset[str] = frozenset()
    """Templates served from a lease of this process."""
    supplies: dict[str, Supply] = field(default_factory=dict)
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    answers: dict[int, Granted | Problem] = field(default_factory=dict)
    output: Output = field(default_factory=Output)

    def customers(self, indexes: Sequence[int]) -> list[str]:
        """Who made these wishes."""
        return [self.wishes[index].customer_id for index in indexes]

    def short(self, index: int) -> bool:
        """Whether the wish was refused because of a limit."""
        answer = self.answers[index]
        return isinstance(answer, Problem) and answer.code in LIMITS


class Granting:
    """Gives out coupons within the limits of their templates."""

    def __init__(self, kit: Kit, admission: Admission, leasing: Leasing, velocity: Velocity) -> None:
        self._kit = kit
        self._admission = admission
        self._leasing = leasing
        self._velocity = velocity

    async def grant(
        self, tx: Transaction, wishes: Sequence[Wish], *, whole: bool = False, may_lease: bool = False
    ) -> list[Granted | Problem]:
        """One answer for each wish, in order. Publishes `coupon.issued` for the coupons that were given.

        `whole`: all or nothing; when one is refused nothing is given, whatever the answers to the others say. (Raises that
        refusal in place of answering when others took what was decided on; the caller's transaction must not commit then.)
        `may_lease`: for a stream of claims whose batches may be run `Again`.
        """
        tally = await self._velocity.look(tx, wishes)
        batch = _Batch(tx, wishes, self._kit.clock.now(), may_lease)
        batch.answers.update({} if tally is None else tally.barred)
        groups: dict[str, list[int]] = {}
        for index, wish in enumerate(wishes):
            if index not in batch.answers:
                groups.setdefault(wish.template_id, []).append(index)
        await self._open(batch, groups)
        pending = await self._admit(batch, groups)
        first = True
        while pending:
            given = await self._decide(batch, pending)
            refused = [answer for answer in batch.answers.values() if isinstance(answer, Problem)]
            if whole and refused:
                if first:
                    return [batch.answers[index] for index in range(len(wishes))]
                raise refused[0]
            pending = await self._insert(batch, given)
            first = False
        await self._store(batch, groups)
        if tally is not None:
            await self._velocity.count(tx, tally, wishes, batch.answers)
        return [batch.answers[index] for index in range(len(wishes))]

    async def _open(self, batch: _Batch, groups: dict[str, list[int]]) -> None:
        """Lock what decides the batch: rows of templates in their order, then leases. Raises Again when a lease is gone."""
        needs = {template_id: len(indexes) for template_id, indexes in groups.items()}
        mine = self._leasing.usable(needs, batch.now) if batch.may_lease else []
        locked = await templates.lock(batch.tx, sorted(groups.keys() - set(mine)))
        rows: list[Template | LeasedTemplate] = [
            row for key, row in locked.items() if row.kind == "coupon" and _gives(row, batch, groups[key])
        ]
        leased = await leases.lock(batch.tx, self._leasing.holder, sorted(mine)) if mine else {}
        if any(key not in leased or leased[key].unused < needs[key] for key in mine):
            self._leasing.forget(mine)
            raise Again
        batch.leased = frozenset(mine)
        batch.lots = await self._admission.lots(batch.tx, [*rows, *leased.values()], batch.now)
        if any(leased[key].day != batch.lots[key].day for key in mine):
            self._leasing.forget(mine)
            raise Again  # it is of yesterday
        days = [(key, lot.day) for key, lot in batch.lots.items() if lot.day and key not in batch.leased]
        counted = await templates.days(batch.tx, days)
        batch.supplies = {key: supply_left(lot, counted) for key, lot in batch.lots.items()}

    async def _admit(self, batch: _Batch, groups: dict[str, list[int]]) -> dict[str, list[int]]:
        """By template, the wishes that nothing speaks against but perhaps a limit; the others are answered."""
        wishes = {index: batch.wishes[index] for indexes in groups.values() for index in indexes}
        closed = await self._admission.closed(batch.tx, batch.lots, wishes, batch.now)
        batch.answers.update(closed)
        customers = sorted({wish.customer_id for wish in wishes.values()})
        batch.held = await repository.numbers(batch.tx, sorted(batch.lots), customers)
        open_to = {key: [index for index in indexes if index not in closed] for key, indexes in groups.items()}
        return {key: indexes for key, indexes in open_to.items() if indexes}

    async def _decide(self, batch: _Batch, pending: dict[str, list[int]]) -> list[int]:
        """Share out what is left. Answers the wishes that get a coupon, which `output` then holds."""
        given = []
        for template_id in sorted(pending):
            lot, indexes = batch.lots[template_id], pending[template_id]
            supply, customers = batch.supplies[template_id], batch.customers(indexes)
            left = replace(supply)
            numbers = share_out(left, customers, batch.held[template_id])
            empty_handed = template_id not in batch.leased and any(number in LIMITS for number in numbers)
            # What other processes hold and have not given out comes before a refusal.
            if empty_handed and await self._leasing.recall(batch.tx, lot, supply):
                left = replace(supply)
                numbers = share_out(left, customers, batch.held[template_id])
            batch.supplies[template_id] = left
            for index, number in zip(indexes, numbers, strict=True):
                if isinstance(number, int):
                    batch.answers[index] = add_coupon(lot, batch.wishes[index], number, batch.output)
                    given.append(index)
                else:
                    batch.answers[index] = self._admission.limited(lot, number)
        return given

    async def _insert(self, batch: _Batch, given: list[int]) -> dict[str, list[int]]:
        """Insert the coupons. Answers, by template, the wishes to decide again: those whose number another process gave
        out at the same time, and those that were refused what these have not taken.
        """
        if not given:
            return {}
        fresh = batch.output.coupons[-len(given) :]
        # In one order everywhere: processes that serve the same customers wait for each other, never in a circle.
        inserted = await repository.insert_coupons(batch.tx, sorted(fresh, key=_KEY))
        if len(inserted) == len(fresh):
            return {}
        lost = {row["id"] for row in fresh} - inserted
        batch.output.drop(lost)
        again: dict[str, list[int]] = {}
        for index, wish in enumerate(batch.wishes):
            answer = batch.answers[index]
            if isinstance(answer, Granted) and answer.coupon_id in lost:
                again.setdefault(wish.template_id, []).append(index)
        for template_id, indexes in again.items():
            lot = batch.lots[template_id]
            batch.supplies[template_id].give(len(indexes), lot.cost, today=True)
            # `closed` refusals share no code with limits, so these were decided by `share_out`.
            same = [i for i, wish in enumerate(batch.wishes) if wish.template_id == template_id and batch.short(i)]
            again[template_id] = sorted([*indexes, *same])
        customers = {batch.wishes[index].customer_id for indexes in again.values() for index in indexes}
        newer = await repository.numbers(batch.tx, sorted(again), sorted(customers))
        for template_id, numbers in newer.items():
            batch.held[template_id].update(numbers)
        _refuse_second_use(batch, [row for row in fresh if row["id"] in lost])
        return again

    async def _store(self, batch: _Batch, groups: dict[str, list[int]]) -> None:
        """Ledger, counters and messages of the coupons that were inserted."""
        output, tx = batch.output, batch.tx
        if not output.coupons:
            return
        repository.insert_entries(tx, output.entries)
        numbers = Counter(row["template_id"] for row in output.coupons)
        await self._leasing.spend(tx, {key: numbers[key] for key in sorted(numbers) if key in batch.leased})
        counts, days = [], []
        for key in sorted(numbers.keys() - batch.leased):
            lot, number = batch.lots[key], numbers[key]
            if batch.may_lease:
                number += await self._leasing.lease(tx, lot, batch.supplies[key], len(groups[key]))
            counts.append({"id": key, "more_issued": number, "more_spent": number * lot.cost})
            if lot.day is not None:
                days.append({"template_id": key, "day": lot.day, "issued": number})
        templates.count(tx, counts, by=self._leasing.holder)
        await templates.count_days(tx, days)
        await self._kit.outbox.publish(tx, output.events, correlations=output.correlations)


def _refuse_second_use(batch: _Batch, lost: Sequence[dict[str, Any]]) -> None:
    """Raises when a coupon was lost though its number is free: its reference was used before, and trying again never ends.

    Whoever gives such a reference locks what it names and looks first, so this is a mistake in the code.
    """
    for row in lost:
        free = batch.held[row["template_id"]].get(row["customer_id"], 0) < row["seq"]
        if free and row["reference"] is not None:
            raise RuntimeError(f"a second coupon of {row['template_id']} for one {row['source']} reference")


def _gives(row: Template, batch: _Batch, indexes: list[int]) -> bool:
    """Coupons of cash-back are given for completed orders only, and those come together with nobody else's."""
    return row.cash_back_of is None or all(batch.wishes[index].source == "cash_back" for index in indexes)
