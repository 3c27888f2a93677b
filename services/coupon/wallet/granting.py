"""The one way to a new coupon: claims, direct issue and journeys all come through `Granting.grant`.

A batch of wishes for any number of templates takes a handful of statements. The templates' rows are locked first, in
order, so what is left of every limit is known for sure while the batch is decided; CHECKs and unique keys stand behind it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select

from services.coupon.abuse.velocity import Velocity
from services.coupon.audience.knowing import facts
from services.coupon.audience.rules import Facts, not_for
from services.coupon.statements import padded
from services.coupon.templates import repository as templates
from services.coupon.templates.repository import Snapshot, TermsBook
from services.coupon.templates.validity import local_day, next_day, window
from services.coupon.wallet.ledger import COUPON, ENTRY
from services.coupon.wallet.minting import Granted, Lot, Output, Wish, mint
from services.coupon.wallet.refusals import refusal
from services.coupon.wallet.rules import Supply, closed, reminder, share_out
from shared.db import Transaction, insert_bulk
from shared.service import Kit
from shared.web import Problem
from shared.web.schemas import rfc3339

_HELD = (
    select(COUPON.c.customer_id, COUPON.c.template_id, func.max(COUPON.c.seq).label("number"))
    .where(
        COUPON.c.customer_id.in_(bindparam("customers", expanding=True)),
        COUPON.c.template_id.in_(bindparam("templates", expanding=True)),
    )
    .group_by(COUPON.c.customer_id, COUPON.c.template_id)
)


class Granting:
    """Gives out coupons within the limits of their templates."""

    def __init__(self, kit: Kit, book: TermsBook, velocity: Velocity, time_zone: str, remind_days_before: int) -> None:
        self._kit = kit
        self._book = book
        self._velocity = velocity
        self._time_zone = time_zone
        self._remind_days_before = remind_days_before

    async def grant(self, tx: Transaction, wishes: Sequence[Wish]) -> list[Granted | Problem]:
        """One answer for each wish, in order. Publishes `coupon.issued` for the coupons that were given."""
        now = self._kit.clock.now()
        tally = await self._velocity.look(tx, wishes)
        answers: dict[int, Granted | Problem] = {} if tally is None else {**tally.barred}
        groups: dict[str, list[int]] = {}
        for index, wish in enumerate(wishes):
            if index not in answers:
                groups.setdefault(wish.template_id, []).append(index)
        lots = await self._lots(tx, sorted(groups), now)
        customers = sorted({wish.customer_id for wish in wishes})
        held = await self._held(tx, sorted(lots), customers)
        known = await facts(tx, [lot.snapshot.terms.scope for lot in lots.values()], customers, now)
        counted = await templates.days(tx, [(lot.row.id, lot.day) for lot in lots.values() if lot.day])
        output = Output([], [], [], [])
        for template_id, indexes in groups.items():
            lot = lots.get(template_id)
            if lot is None:
                answers.update((index, refusal("not_found")) for index in indexes)
                continue
            open_to = []
            for index in indexes:
                closing = self._closed(lot, wishes[index], known[wishes[index].customer_id], now)
                if closing is None:
                    open_to.append(index)
                else:
                    answers[index] = closing
            numbers = share_out(
                _supply(lot, counted), [wishes[index].customer_id for index in open_to], held[template_id]
            )
            for index, number in zip(open_to, numbers, strict=True):
                if isinstance(number, int):
                    answers[index] = mint(lot, wishes[index], number, output)
                else:
                    answers[index] = self._refused(lot, number, now)
        await self._store(tx, lots, output)
        if tally is not None:
            await self._velocity.count(tx, tally, wishes, answers)
        return [answers[index] for index in range(len(wishes))]

    async def _lots(self, tx: Transaction, template_ids: Sequence[str], now: datetime) -> dict[str, Lot]:
        held = await templates.hold(tx, template_ids)
        rows = {key: row for key, row in held.items() if row.kind == "coupon"}
        snapshots = await self._book.load(tx, [(row.id, row.terms_version) for row in rows.values()])
        lots = {}
        for row in rows.values():
            snapshot = snapshots[row.id, row.terms_version]
            starts, ends = window(snapshot.terms.validity, now)
            day = None if row.per_day is None else local_day(now, self._zone(snapshot))
            days_before = snapshot.terms.validity.remind_days_before
            days_before = self._remind_days_before if days_before is None else days_before
            lots[row.id] = Lot(row, snapshot, day, now, starts, ends, reminder(ends, days_before, now))
        return lots

    def _zone(self, snapshot: Snapshot) -> str:
        return snapshot.terms.validity.time_zone or self._time_zone

    async def _held(
        self, tx: Transaction, template_ids: Sequence[str], customers: Sequence[str]
    ) -> dict[str, dict[str, int]]:
        """The highest number of a coupon by template and customer."""
        held: dict[str, dict[str, int]] = {template_id: {} for template_id in template_ids}
        if not held:
            return held
        parameters = {"customers": padded(customers), "templates": padded(template_ids)}
        for row in await tx.execute(_HELD, parameters):
            held[row.template_id][row.customer_id] = row.number
        return held

    def _closed(self, lot: Lot, wish: Wish, known: Facts, now: datetime) -> Problem | None:
        validity = lot.snapshot.terms.validity
        code = closed(lot.row.status, validity, wish.source, now)
        if code == "not_started":
            return refusal(code, starts_at=rfc3339(lot.starts))
        if code is not None:
            return refusal(code)
        unfit = not_for(lot.snapshot.terms.scope, known, now)
        return None if unfit is None else refusal(unfit)

    def _refused(self, lot: Lot, code: str, now: datetime) -> Problem:
        if code == "day_limit_reached":
            return refusal(code, retry_at=rfc3339(next_day(now, self._zone(lot.snapshot))))
        return refusal(code)

    async def _store(self, tx: Transaction, lots: dict[str, Lot], output: Output) -> None:
        if not output.coupons:
            return
        await insert_bulk(tx, COUPON, output.coupons)
        await insert_bulk(tx, ENTRY, output.entries)
        numbers = Counter(row["template_id"] for row in output.coupons)
        await templates.count(
            tx,
            [
                {"counted_id": key, "more_issued": number, "more_spent": number * lots[key].cost}
                for key, number in sorted(numbers.items())
            ],
        )
        days = [{"template_id": key, "day": lots[key].day, "issued": numbers[key]} for key in sorted(numbers)]
        await templates.count_days(tx, [row for row in days if row["day"] is not None])
        await self._kit.outbox.publish(tx, output.events, correlations=output.correlations)


def _supply(lot: Lot, counted: dict[tuple[str, str], int]) -> Supply:
    row = lot.row
    day = None if lot.day is None else row.per_day - counted.get((row.id, lot.day), 0)
    return Supply(
        total=None if row.total is None else row.total - row.issued,
        day=day,
        budget=None if row.budget is None or row.budget_on == "redemption" else row.budget - row.budget_spent,
        per_customer=row.per_customer,
        cost=lot.cost,
    )
