"""Scores coupons after shoppers got them 风险评分: the hot path only leaves hashes behind, a loop reads them later.

Ids of coupons sort by their making, so a cursor walks along them; it stays some seconds behind the clock, so that what was
written at the same time by other processes is there before it passes.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.coupon.abuse.attempts import AttemptLimiter
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.repository import Counted
from services.coupon.abuse.rules import ACTIONS
from services.coupon.audience.queries import Audience
from services.coupon.review import scoring_repository
from services.coupon.review.cases import Cases, Suspect
from services.coupon.review.rules import Finding, Signals, Weights, findings, score
from services.coupon.review.scoring_repository import ClaimedCoupon
from services.coupon.settings import CouponSettings
from shared.db import Transaction, seconds_until
from shared.messaging import rest_after
from shared.service import Kit

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
        attempts: AttemptLimiter,
        fingerprints: Fingerprints,
        cases: Cases,
    ) -> None:
        self._kit = kit
        self._audience = audience
        self._attempts = attempts
        self._fingerprints = fingerprints
        self._cases = cases
        self._weights = Weights.of(settings)
        self._threshold = settings.abuse_case_score
        self._lag = timedelta(seconds=settings.abuse_lag_seconds)

    async def tick(self) -> float | None:
        """Score the next coupons. Answers a rest when more may wait: claims go before their scores, also on SQLite. Else how
        long the next is too fresh.
        """
        started, horizon = time.monotonic(), self._kit.clock.now() - self._lag
        async with self._kit.db.read() as tx:
            position = await scoring_repository.find_position(tx)
            if position is not None:
                wait = seconds_until(await scoring_repository.next_at(tx, position), horizon)
                if wait is None or wait > 0:
                    return wait
        async with self._kit.db.write() as tx:
            if position is None:  # what is older than a day, from before this was installed, is left alone
                await scoring_repository.insert_position(tx, horizon - _DAY)
            position = await scoring_repository.lock_position(tx)
            if position is None:
                return None  # another process is at it
            rows = await scoring_repository.following(tx, position, horizon, _BATCH)
            if not rows:
                return None
            await scoring_repository.update_position(tx, rows[-1].id)
            await self._score(tx, [row for row in rows if row.source in ACTIONS])
        return rest_after(time.monotonic() - started) if len(rows) == _BATCH else None

    async def _score(self, tx: Transaction, rows: Sequence[ClaimedCoupon]) -> None:
        if not rows:
            return
        last = max(row.issued_at for row in rows)
        await scoring_repository.count_sightings(tx, rows, last)
        await scoring_repository.count_shares(tx, rows, last)
        seen = await self._seen(tx, rows)
        filed: dict[tuple[str, str], list[tuple[tuple[Finding, ...], Suspect]]] = defaultdict(list)
        for row in rows:
            found = findings(self._signals(row, seen), self._weights)
            if score(found) >= self._threshold:
                filed[_culprit(row, found)].append((found, Suspect(row.id, row.template_id, row.customer_id)))
        for (subject, value), entries in sorted(filed.items()):
            heaviest = max((found for found, _ in entries), key=score)
            await self._cases.file(tx, subject, value, heaviest, [suspect for _, suspect in entries])

    async def _seen(self, tx: Transaction, rows: Sequence[ClaimedCoupon]) -> _Seen:
        start, end = min(row.issued_at for row in rows), max(row.issued_at for row in rows)
        customers = sorted({row.customer_id for row in rows})
        templates = {row.template_id for row in rows}
        devices = {row.origin_device for row in rows if row.origin_device}
        addresses = {row.origin_address for row in rows if row.origin_address}
        return _Seen(
            customers=await scoring_repository.crowds(tx, devices | addresses, end - _DAY),
            times=await scoring_repository.moments(tx, customers, start - _MINUTE),
            first=await self._audience.first_seen(tx, customers),
            failures=await self._failures(tx, rows),
            shares=await scoring_repository.shares(tx, templates, devices),
            issued=await scoring_repository.issued(tx, templates) if devices else {},
        )

    async def _failures(self, tx: Transaction, rows: Sequence[ClaimedCoupon]) -> Mapping[Counted, int]:
        if not await self._attempts.any_failed(tx):
            return {}  # mostly nobody guessed: no need to hash every customer
        return await self._attempts.failures(tx, sorted({one for row in rows for one in self._counted(row)}))

    def _counted(self, row: ClaimedCoupon) -> list[Counted]:
        """Under which subjects the failures of this coupon's customer, device and address are counted."""
        found = [("customer", self._fingerprints.of("customer", row.customer_id))]
        found += [("device", row.origin_device)] if row.origin_device else []
        found += [("address", row.origin_address)] if row.origin_address else []
        return found

    def _signals(self, row: ClaimedCoupon, seen: _Seen) -> Signals:
        minute = [at for at in seen.times.get(row.customer_id, ()) if row.issued_at - _MINUTE < at <= row.issued_at]
        return Signals(
            customers_on_device=seen.customers.get(("device", row.origin_device or ""), 0),
            customers_on_address=seen.customers.get(("address", row.origin_address or ""), 0),
            coupons_last_minute=len(minute),
            known_for=row.issued_at - seen.first.get(row.customer_id, row.issued_at),
            failures=max((seen.failures.get(one, 0) for one in self._counted(row)), default=0) if seen.failures else 0,
            device_coupons=seen.shares.get((row.template_id, row.origin_device or ""), 0),
            template_coupons=seen.issued.get(row.template_id, 0),
        )


def _culprit(row: ClaimedCoupon, found: Sequence[Finding]) -> tuple[str, str]:
    """Whose case it is: the device when one is suspect, else the address, else the customer."""
    codes = {one.code for one in found}
    if row.origin_device and codes & {"many_customers_on_device", "device_takes_share"}:
        return "device", row.origin_device
    if row.origin_address and "many_customers_on_address" in codes:
        return "address", row.origin_address
    return "customer", row.customer_id
