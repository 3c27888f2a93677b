"""The one way to a new coupon: every source comes through `Granting.grant`.

A batch of wishes for any number of templates takes a handful of statements. The templates' rows are locked first, in
order, so what is left of every limit is known for sure while the batch is decided; CHECKs and unique keys stand behind it.
Where several processes want the same template, claims are served from a leased part of its limits instead, and lock only
their own lease; then two processes may serve one customer at once, and the unique key of her coupons tells the second.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from services.coupon.abuse.velocity import Velocity
from services.coupon.audience.knowing import Audience
from services.coupon.audience.rules import Facts, not_for
from services.coupon.refusals import refusal
from services.coupon.settings import CouponSettings
from services.coupon.statements import padded
from services.coupon.templates import leases
from services.coupon.templates import repository as templates
from services.coupon.templates.repository import Snapshot, TermsBook
from services.coupon.templates.validity import local_day, next_day, window
from services.coupon.wallet.leasing import Leasing
from services.coupon.wallet.minting import Lot, Output, mint
from services.coupon.wallet.models import Coupon, CouponEntry
from services.coupon.wallet.rules import LIMITS, Supply, closed, reminder, share_out
from services.coupon.wishes import Granted, Source, Wish
from shared.batching import Again
from shared.db import Transaction, insert_bulk
from shared.service import Kit
from shared.web import Problem
from shared.web.schemas import rfc3339

_HELD = (
    select(Coupon.c.customer_id, Coupon.c.template_id, func.max(Coupon.c.seq).label("number"))
    .where(
        Coupon.c.customer_id.in_(bindparam("customers", expanding=True)),
        Coupon.c.template_id.in_(bindparam("templates", expanding=True)),
    )
    .group_by(Coupon.c.customer_id, Coupon.c.template_id)
)
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
        return [self.wishes[index].customer_id for index in indexes]

    def short(self, index: int) -> bool:
        answer = self.answers[index]
        return isinstance(answer, Problem) and answer.code in LIMITS


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a customer would meet at a template: what is left, how many she has, and the refusal, if it is one."""

    lot: Lot
    supply: Supply
    held: int
    refused: Problem | None


class Granting:
    """Gives out coupons within the limits of their templates."""

    def __init__(
        self,
        kit: Kit,
        settings: CouponSettings,
        book: TermsBook,
        audience: Audience,
        leasing: Leasing,
        velocity: Velocity,
    ) -> None:
        self._kit = kit
        self._audience = audience
        self._book = book
        self._leasing = leasing
        self._velocity = velocity
        self._time_zone = settings.time_zone
        self._remind_days_before = settings.remind_days_before

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
            minted = await self._decide(batch, pending)
            refused = [answer for answer in batch.answers.values() if isinstance(answer, Problem)]
            if whole and refused:
                if first:
                    return [batch.answers[index] for index in range(len(wishes))]
                raise refused[0]
            pending = await self._insert(batch, minted)
            first = False
        await self._store(batch, groups)
        if tally is not None:
            await self._velocity.count(tx, tally, wishes, batch.answers)
        return [batch.answers[index] for index in range(len(wishes))]

    async def foresee(self, tx: Transaction, template_id: str, customer_id: str, source: Source) -> Lot | Problem:
        """What `grant` would give for such a wish now, or its refusal. Locks nothing, writes nothing."""
        row = await templates.find(tx, template_id)
        if row is None or row.cash_back_of is not None:
            return refusal("not_found")
        seen = (await self.outlook(tx, [row], customer_id, source))[row.id]
        return seen.refused or seen.lot

    async def outlook(
        self, tx: Transaction, rows: Sequence[Row[Any]], customer_id: str, source: Source
    ) -> dict[str, Outlook]:
        """What the customer would meet at these templates now, by id. Locks nothing, writes nothing."""
        wishes = [
            Wish(template_id=row.id, customer_id=customer_id, source=source, actor="", reason="looked at")
            for row in rows
        ]
        batch = _Batch(tx, wishes, self._kit.clock.now(), False)
        snapshots = await self._book.load(tx, [(row.id, row.terms_version) for row in rows])
        batch.lots = {row.id: self._lot(row, snapshots[row.id, row.terms_version], batch.now) for row in rows}
        await self._admit(batch, {row.id: [index] for index, row in enumerate(rows)})
        counted = await templates.days(tx, [(key, lot.day) for key, lot in batch.lots.items() if lot.day])
        leased = await leases.unused(tx, list(batch.lots))
        found = {}
        for index, (key, lot) in enumerate(batch.lots.items()):
            supply = _supply(lot, counted, leased=False)
            if key in leased:
                supply.give(leased[key].unused, lot.cost, today=True)
            answer = batch.answers.get(index)
            if answer is None:
                number = share_out(replace(supply), [customer_id], batch.held[key])[0]
                answer = None if isinstance(number, int) else self._refused(lot, number, batch.now)
            refused = answer if isinstance(answer, Problem) else None
            found[key] = Outlook(lot, supply, batch.held[key].get(customer_id, 0), refused)
        return found

    async def _open(self, batch: _Batch, groups: dict[str, list[int]]) -> None:
        """Lock what decides the batch: rows of templates in their order, then leases. Raises Again when a lease is gone."""
        needs = {template_id: len(indexes) for template_id, indexes in groups.items()}
        mine = self._leasing.usable(needs, batch.now) if batch.may_lease else []
        rows = await templates.hold(batch.tx, sorted(groups.keys() - set(mine)))
        rows = {key: row for key, row in rows.items() if row.kind == "coupon" and _gives(row, batch, groups[key])}
        if mine:
            leased = await leases.use(batch.tx, self._leasing.holder, sorted(mine))
            if any(key not in leased or leased[key].unused < needs[key] for key in mine):
                self._leasing.forget(mine)
                raise Again
            rows |= leased
            batch.leased = frozenset(mine)
        snapshots = await self._book.load(batch.tx, [(row.id, row.terms_version) for row in rows.values()])
        for row in rows.values():
            batch.lots[row.id] = self._lot(row, snapshots[row.id, row.terms_version], batch.now)
        if any(batch.lots[key].row.day != batch.lots[key].day for key in mine):
            self._leasing.forget(mine)
            raise Again  # it is of yesterday
        days = [(lot.row.id, lot.day) for key, lot in batch.lots.items() if lot.day and key not in batch.leased]
        counted = await templates.days(batch.tx, days)
        batch.supplies = {key: _supply(lot, counted, key in batch.leased) for key, lot in batch.lots.items()}

    def _lot(self, row: Row[Any], snapshot: Snapshot, now: datetime) -> Lot:
        validity = snapshot.terms.validity
        starts, ends = window(validity, now)
        day = None if row.per_day is None else local_day(now, self._zone(snapshot))
        days_before = validity.remind_days_before
        days_before = self._remind_days_before if days_before is None else days_before
        return Lot(row, snapshot, day, now, starts, ends, reminder(ends, days_before, now))

    def _zone(self, snapshot: Snapshot) -> str:
        return snapshot.terms.validity.time_zone or self._time_zone

    async def _admit(self, batch: _Batch, groups: dict[str, list[int]]) -> dict[str, list[int]]:
        """By template, the wishes that nothing speaks against but perhaps a limit; the others are answered."""
        customers = sorted({wish.customer_id for wish in batch.wishes})
        scopes = [lot.snapshot.terms.scope for lot in batch.lots.values()]
        known = await self._audience.facts(batch.tx, scopes, customers, batch.now)
        batch.held = await _held(batch.tx, sorted(batch.lots), customers)
        open_to: dict[str, list[int]] = {}
        for template_id, indexes in groups.items():
            lot = batch.lots.get(template_id)
            for index in indexes:
                wish = batch.wishes[index]
                closing = (
                    refusal("not_found") if lot is None else _closed(lot, wish, known[wish.customer_id], batch.now)
                )
                if closing is None:
                    open_to.setdefault(template_id, []).append(index)
                else:
                    batch.answers[index] = closing
        return open_to

    async def _decide(self, batch: _Batch, pending: dict[str, list[int]]) -> list[int]:
        """Share out what is left. Answers the wishes that get a coupon, which `output` then holds."""
        minted = []
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
                    batch.answers[index] = mint(lot, batch.wishes[index], number, batch.output)
                    minted.append(index)
                else:
                    batch.answers[index] = self._refused(lot, number, batch.now)
        return minted

    async def _insert(self, batch: _Batch, minted: list[int]) -> dict[str, list[int]]:
        """Insert the coupons. Answers, by template, the wishes to decide again: those whose number another process gave
        out at the same time, and those that were refused what these have not taken.
        """
        if not minted:
            return {}
        fresh = batch.output.coupons[-len(minted) :]
        # In one order everywhere: processes that serve the same customers wait for each other, never in a circle.
        inserted = await insert_bulk(batch.tx, Coupon.table, sorted(fresh, key=_KEY), ignore=True)
        if len(inserted) == len(fresh):
            return {}
        known = {coupon_id for (coupon_id,) in inserted}
        lost = {row["id"] for row in fresh} - known
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
        newer = await _held(batch.tx, sorted(again), sorted(customers))
        for template_id, numbers in newer.items():
            batch.held[template_id].update(numbers)
        _refuse_second_use(batch, [row for row in fresh if row["id"] in lost])
        return again

    def _refused(self, lot: Lot, code: str, now: datetime) -> Problem:
        if code == "day_limit_reached":
            return refusal(code, retry_at=rfc3339(next_day(now, self._zone(lot.snapshot))))
        return refusal(code)

    async def _store(self, batch: _Batch, groups: dict[str, list[int]]) -> None:
        """Ledger, counters and messages of the coupons that were inserted."""
        output, tx = batch.output, batch.tx
        if not output.coupons:
            return
        await insert_bulk(tx, CouponEntry.table, output.entries)
        numbers = Counter(row["template_id"] for row in output.coupons)
        await self._leasing.spend(tx, {key: numbers[key] for key in sorted(numbers) if key in batch.leased})
        counts, days = [], []
        for key in sorted(numbers.keys() - batch.leased):
            lot, number = batch.lots[key], numbers[key]
            if batch.may_lease:
                number += await self._leasing.lease(tx, lot, batch.supplies[key], len(groups[key]))
            counts.append({"counted_id": key, "more_issued": number, "more_spent": number * lot.cost})
            if lot.day is not None:
                days.append({"template_id": key, "day": lot.day, "issued": number})
        await templates.count(tx, counts, by=self._leasing.holder)
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


async def _held(tx: Transaction, template_ids: Sequence[str], customers: Sequence[str]) -> dict[str, dict[str, int]]:
    """The highest number of a coupon by template and customer."""
    held: dict[str, dict[str, int]] = {template_id: {} for template_id in template_ids}
    if not held:
        return held
    parameters = {"customers": padded(customers), "templates": padded(template_ids)}
    for row in await tx.execute(_HELD, parameters):
        held[row.template_id][row.customer_id] = row.number
    return held


def _gives(row: Row[Any], batch: _Batch, indexes: list[int]) -> bool:
    """Coupons of cash-back are given for completed orders only, and those come together with nobody else's."""
    return row.cash_back_of is None or all(batch.wishes[index].source == "cash_back" for index in indexes)


def _closed(lot: Lot, wish: Wish, known: Facts, now: datetime) -> Problem | None:
    code = closed(lot.row.status, lot.snapshot.terms.validity, wish.source, now)
    if code == "not_started":
        return refusal(code, starts_at=rfc3339(lot.starts))
    if code is not None:
        return refusal(code)
    unfit = not_for(lot.snapshot.terms.scope, known, now)
    return None if unfit is None else refusal(unfit)


def _supply(lot: Lot, counted: dict[tuple[str, str], int], leased: bool) -> Supply:
    row = lot.row
    if leased:  # each coupon of a lease is one of the total, of the day and of the budget already
        return Supply(total=row.unused, day=None, budget=None, per_customer=row.per_customer, cost=0)
    reserves = row.budget is not None and row.budget_on == "issue"
    return Supply(
        total=None if row.total is None else row.total - row.issued,
        day=None if lot.day is None else row.per_day - counted.get((row.id, lot.day), 0),
        budget=row.budget - row.budget_spent if reserves else None,
        per_customer=row.per_customer,
        cost=lot.cost,
    )
