"""Scores coupons after shoppers got them 风险评分: the hot path only leaves hashes behind, a loop reads them later.

Ids of coupons sort by their making, so a cursor walks along them; it stays some seconds behind the clock, so that what was
written at the same time by other processes is there before it passes.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, select, update

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.repository import Counted
from services.coupon.abuse.rules import ACTIONS
from services.coupon.audience.queries import Audience
from services.coupon.review.cases import Cases, Suspect
from services.coupon.review.models import AbuseCursor, AbuseShare, AbuseSighting
from services.coupon.review.rules import Facts, Finding, findings, score
from services.coupon.settings import CouponSettings
from services.coupon.templates.models import Template
from services.coupon.wallet.models import Coupon
from shared.db import Transaction, excluded, insert_ignore, one_of, upsert
from shared.messaging import rest_after
from shared.service import Kit

_NAME = "claims"
_BATCH = 500
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database knows around one batch."""

    customers: Mapping[tuple[str, str], int]
    times: Mapping[str, Sequence[datetime]]
    first: Mapping[str, datetime]
    failures: Mapping[Counted, int]
    shares: Mapping[tuple[str, str], int]
    issued: Mapping[str, int]


class Scoring:
    """The loop that scores, and opens cases where too much looks wrong."""

    def __init__(
        self,
        kit: Kit,
        settings: CouponSettings,
        audience: Audience,
        guarding: AttemptLimiter,
        fingerprints: Fingerprints,
        cases: Cases,
    ) -> None:
        self._kit = kit
        self._audience = audience
        self._guarding = guarding
        self._fingerprints = fingerprints
        self._cases = cases
        self._threshold = settings.abuse_case_score
        self._lag = timedelta(seconds=settings.abuse_lag_seconds)

    async def work(self) -> float | None:
        """Score the next coupons. Answers a rest when more may wait: claims go before their scores, also on SQLite."""
        started, horizon = time.monotonic(), self._kit.clock.now() - self._lag
        async with self._kit.db.read() as tx:
            position = await tx.scalar(select(AbuseCursor.c.position).where(AbuseCursor.c.name == _NAME))
            if position is not None and not await self._next(tx, position, horizon, 1):
                return None
        async with self._kit.db.write() as tx:
            if position is None:
                await insert_ignore(
                    tx, AbuseCursor.table, [{"name": _NAME, "position": await self._start(tx, horizon)}]
                )
            chosen = select(AbuseCursor.table).where(AbuseCursor.c.name == _NAME).with_for_update(skip_locked=True)
            held = (await tx.execute(chosen)).one_or_none()
            if held is None:
                return None  # another process is at it
            rows = await self._next(tx, held.position, horizon, _BATCH)
            if not rows:
                return None
            await tx.execute(update(AbuseCursor.table).where(AbuseCursor.c.name == _NAME).values(position=rows[-1].id))
            await self._score(tx, [row for row in rows if row.source in ACTIONS])
        return rest_after(time.monotonic() - started) if len(rows) == _BATCH else None

    async def _start(self, tx: Transaction, horizon: datetime) -> str:
        """Where the first round begins: what is older than a day, from before this was installed, is left alone."""
        old = select(func.max(Coupon.c.id)).where(Coupon.c.issued_at < horizon - _DAY)
        return await tx.scalar(old) or ""

    async def _next(self, tx: Transaction, position: str, horizon: datetime, limit: int) -> list[Row[Any]]:
        """The coupons behind `position`, up to the first that is too fresh."""
        columns = Coupon.c
        chosen = select(
            columns.id,
            columns.template_id,
            columns.customer_id,
            columns.source,
            columns.origin_address,
            columns.origin_device,
            columns.issued_at,
        )
        rows = []
        for row in await tx.execute(chosen.where(columns.id > position).order_by(columns.id).limit(limit)):
            if row.issued_at > horizon:
                break
            rows.append(row)
        return rows

    async def _score(self, tx: Transaction, rows: Sequence[Row[Any]]) -> None:
        if not rows:
            return
        await self._remember(tx, rows)
        seen = await self._seen(tx, rows)
        filed: dict[tuple[str, str], list[tuple[tuple[Finding, ...], Suspect]]] = defaultdict(list)
        for row in rows:
            found = findings(self._facts(row, seen))
            if score(found) >= self._threshold:
                filed[_culprit(row, found)].append((found, Suspect(row.id, row.template_id, row.customer_id)))
        for (subject, value), entries in sorted(filed.items()):
            heaviest = max((found for found, _ in entries), key=score)
            await self._cases.file(tx, subject, value, heaviest, [suspect for _, suspect in entries])

    async def _remember(self, tx: Transaction, rows: Sequence[Row[Any]]) -> None:
        sightings: Counter[tuple[str, str, str]] = Counter()
        shares: Counter[tuple[str, str]] = Counter()
        for row in rows:
            for subject, value in (("device", row.origin_device), ("address", row.origin_address)):
                if value is not None:
                    sightings[subject, value, row.customer_id] += 1
            if row.origin_device is not None:
                shares[row.template_id, row.origin_device] += 1
        last = max(row.issued_at for row in rows)
        await upsert(
            tx,
            AbuseSighting.table,
            [
                {"subject": subject, "value": value, "customer_id": customer_id, "coupons": number, "last_at": last}
                for (subject, value, customer_id), number in sorted(sightings.items())
            ],
            ["subject", "value", "customer_id"],
            {
                "coupons": AbuseSighting.c.coupons + excluded(tx, AbuseSighting.table).coupons,
                "last_at": excluded(tx, AbuseSighting.table).last_at,
            },
        )
        await upsert(
            tx,
            AbuseShare.table,
            [
                {"template_id": template_id, "device": device, "coupons": number, "last_at": last}
                for (template_id, device), number in sorted(shares.items())
            ],
            ["template_id", "device"],
            {
                "coupons": AbuseShare.c.coupons + excluded(tx, AbuseShare.table).coupons,
                "last_at": excluded(tx, AbuseShare.table).last_at,
            },
        )

    async def _seen(self, tx: Transaction, rows: Sequence[Row[Any]]) -> _Seen:
        start, end = min(row.issued_at for row in rows), max(row.issued_at for row in rows)
        customers = sorted({row.customer_id for row in rows})
        templates = sorted({row.template_id for row in rows})
        devices = sorted({row.origin_device for row in rows if row.origin_device})
        values = {*devices, *(row.origin_address for row in rows if row.origin_address)}
        people = await tx.execute(
            select(AbuseSighting.c.subject, AbuseSighting.c.value, func.count().label("number"))
            .where(one_of(AbuseSighting.c.value, values), AbuseSighting.c.last_at > end - _DAY)
            .group_by(AbuseSighting.c.subject, AbuseSighting.c.value)
        )
        recent = await tx.execute(
            select(Coupon.c.customer_id, Coupon.c.issued_at).where(
                one_of(Coupon.c.customer_id, customers),
                Coupon.c.issued_at > start - _MINUTE,
                Coupon.c.source.in_(list(ACTIONS)),
            )
        )
        times: dict[str, list[datetime]] = defaultdict(list)
        for row in recent:
            times[row.customer_id].append(row.issued_at)
        taken = await tx.execute(
            select(AbuseShare.table).where(
                and_(one_of(AbuseShare.c.template_id, templates), one_of(AbuseShare.c.device, devices))
            )
        )
        issued = await tx.execute(select(Template.c.id, Template.c.issued).where(one_of(Template.c.id, templates)))
        counted = sorted({one for row in rows for one in self._counted(row)})
        return _Seen(
            {(row.subject, row.value): row.number for row in people},
            times,
            await self._audience.first_seen(tx, customers),
            await self._guarding.failures(tx, counted),
            {(row.template_id, row.device): row.coupons for row in taken},
            {row.id: row.issued for row in issued},
        )

    def _counted(self, row: Row[Any]) -> list[Counted]:
        """Under which subjects the failures of this coupon's customer, device and address are counted."""
        found = [("customer", self._fingerprints.of("customer", row.customer_id))]
        found += [("device", row.origin_device)] if row.origin_device else []
        found += [("address", row.origin_address)] if row.origin_address else []
        return found

    def _facts(self, row: Row[Any], seen: _Seen) -> Facts:
        minute = [at for at in seen.times.get(row.customer_id, ()) if row.issued_at - _MINUTE < at <= row.issued_at]
        return Facts(
            customers_on_device=seen.customers.get(("device", row.origin_device or ""), 0),
            customers_on_address=seen.customers.get(("address", row.origin_address or ""), 0),
            coupons_last_minute=len(minute),
            known_for=row.issued_at - seen.first.get(row.customer_id, row.issued_at),
            failures=max((seen.failures.get(one, 0) for one in self._counted(row)), default=0),
            device_coupons=seen.shares.get((row.template_id, row.origin_device or ""), 0),
            template_coupons=seen.issued.get(row.template_id, 0),
        )


def _culprit(row: Row[Any], found: Sequence[Finding]) -> tuple[str, str]:
    """Whose case it is: the device when one is suspect, else the address, else the customer."""
    codes = {one.code for one in found}
    if row.origin_device and codes & {"many_customers_on_device", "device_takes_share"}:
        return "device", row.origin_device
    if row.origin_address and "many_customers_on_address" in codes:
        return "address", row.origin_address
    return "customer", row.customer_id
