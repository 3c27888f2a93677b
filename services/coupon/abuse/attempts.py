"""Guessing is paid for: each wrong code, token or secret counts against whoever tried, and a right one earns nothing back.

    async with attempts.admit(client, customer_id) as attempt:     # around the request's own transaction, not inside it
        async with kit.db.write() as tx:
            found = await look_up(tx, code)
            if found is None:
                attempt.failed()
                raise refusal
            await attempt.of_template(tx, found.template_id)       # once it is known

Who used up a budget gets the same 429 for right and wrong codes. The count is written after the request's transaction,
in one of its own, so a refusal that rolls everything back is counted all the same, also under an Idempotency-Key.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import ceil

from services.coupon.abuse import repository
from services.coupon.abuse.cache import ControlsCache
from services.coupon.abuse.fingerprints import Fingerprints
from services.coupon.abuse.models import AbuseFailure
from services.coupon.abuse.repository import Counted
from services.coupon.settings import CouponSettings
from services.coupon.wishes import Origin
from shared.batching import GroupCommit
from shared.db import Errand, Transaction
from shared.service import Kit
from shared.web import Client, Problem, TooManyRequests

KEPT = timedelta(days=1)
"""So long failures are remembered after they stopped to count, for scores."""
_FOR_MANY = frozenset(("server", "staff"))
"""They act for many who are right, at the same time: what they have under way is not held against them."""


@dataclass
class Attempt:
    """One try at something that could be guessed. `origin` belongs into the wish for a coupon that comes of it."""

    origin: Origin
    _limiter: "AttemptLimiter"
    wrong: int = 0
    templates: Counter[str] = field(default_factory=Counter)
    overrun: timedelta | None = None

    def failed(self, template_id: str | None = None) -> None:
        """A guess was wrong (unknown, used up, not theirs …): counted when the block ends. One attempt may try several."""
        self.wrong += 1
        if template_id is not None:
            self.templates[template_id] += 1

    async def of_template(self, tx: Transaction, template_id: str) -> None:
        """Raises TooManyRequests when too many guesses at this template failed, whoever made them."""
        await self._limiter.refuse_exhausted(tx, [("template", template_id)])


class AttemptLimiter:
    """Failure budgets for guessing, by address, customer, device and template."""

    def __init__(self, kit: Kit, settings: CouponSettings, fingerprints: Fingerprints, controls: ControlsCache) -> None:
        self._kit = kit
        self._controls = controls
        self._fingerprints = fingerprints
        self._window = timedelta(seconds=settings.guess_window_seconds)
        self._budgets = {
            "address": settings.guess_budget_address,
            "server": settings.guess_budget_server,
            "customer": settings.guess_budget_customer,
            "device": settings.guess_budget_device,
            "staff": settings.guess_budget_staff,
            "template": settings.guess_budget_template,
        }
        self.group: GroupCommit[Sequence[Counted], Sequence[AbuseFailure]] = GroupCommit(
            "coupon.guesses", kit.db, self._ask, max_batch=settings.group_commit_max, reading=True
        )
        # Guesses being looked at in this process: a budget can't be overrun by asking all at once.
        self._trying: Counter[Counted] = Counter()

    @asynccontextmanager
    async def admit(
        self, client: Client, customer_id: str | None, *, staff: str | None = None, denied: Problem | None = None
    ) -> AsyncIterator[Attempt]:
        """Lets one attempt pass. Raises TooManyRequests (`too_many_attempts`) when a budget is used up.

        `staff` is the key of a till, which several may share. Who is on a deny list gets `denied` (default: not_eligible):
        give what a wrong guess gets there. The block must lie around the request's transaction, never inside it.
        """
        origin = await self._controls.origin(client, customer_id, denied)
        subjects = self._subjects(client, customer_id, staff)
        ahead = {one: self._trying[one] for one in subjects if one[0] not in _FOR_MANY}
        self._trying.update(subjects)
        attempt = Attempt(origin, self)
        try:
            self._refuse(await self.group.submit(subjects), ahead)
            yield attempt
        finally:
            if attempt.wrong:
                await self._kit.db.aside(
                    Errand(partial(self._count, attempt, subjects), partial(self._leave, subjects))
                )
                if attempt.overrun is not None:  # guesses at other processes were faster
                    raise _too_many(attempt.overrun)
            else:
                self._leave(subjects)

    async def refuse_exhausted(self, tx: Transaction, subjects: Sequence[Counted]) -> None:
        """Raises TooManyRequests when one of them used up its budget."""
        self._refuse(await repository.failures(tx, subjects, self._kit.clock.now()), {})

    def _refuse(self, rows: Sequence[AbuseFailure], ahead: Mapping[Counted, int]) -> None:
        """`ahead`: how many attempts of theirs are under way already and might fail."""
        now = self._kit.clock.now()
        counted = {(row.subject, row.value): row for row in rows}
        ends = [row.until for key, row in counted.items() if row.failures >= self._budgets[key[0]]]
        if ends:
            raise _too_many(max(ends) - now)
        for subject, trying in ahead.items():
            failures = counted[subject].failures if subject in counted else 0
            if failures + trying >= self._budgets[subject[0]]:
                raise _too_many(timedelta(seconds=1))

    async def exhausted(self, tx: Transaction, template_ids: Collection[str]) -> dict[str, TooManyRequests]:
        """Those of these templates at which too many guesses failed, each with its refusal (for batches of attempts)."""
        now = self._kit.clock.now()
        rows = await repository.failures(tx, [("template", one) for one in sorted(template_ids)], now)
        return {row.value: _too_many(row.until - now) for row in rows if row.failures >= self._budgets["template"]}

    async def any_failed(self, tx: Transaction) -> bool:
        """Whether any guess of anybody failed lately."""
        return await repository.any_failures(tx, self._kit.clock.now() - KEPT)

    async def failures(self, tx: Transaction, subjects: Sequence[Counted]) -> dict[Counted, int]:
        """How many guesses of each subject failed lately."""
        rows = await repository.failures(tx, subjects, self._kit.clock.now() - KEPT)
        return {(row.subject, row.value): row.failures for row in rows}

    async def _ask(self, tx: Transaction, asked: Sequence[Sequence[Counted]]) -> Sequence[Sequence[AbuseFailure]]:
        """What is counted against each of several attempts that arrive together, in one question."""
        every = {one for subjects in asked for one in subjects}
        rows = {
            (row.subject, row.value): row for row in await repository.failures(tx, sorted(every), self._kit.clock.now())
        }
        return [[rows[one] for one in subjects if one in rows] for subjects in asked]

    def _subjects(self, client: Client, customer_id: str | None, staff: str | None) -> list[Counted]:
        given = [
            ("server" if client.server else "address", client.address),
            ("server", client.partner),  # whatever shoppers, shops and keys the partner names
            ("customer", customer_id),
            ("device", client.device),
            ("staff", staff),
        ]
        return sorted((kind, self._fingerprints.of(kind, value)) for kind, value in given if value)

    async def _count(self, attempt: Attempt, trying: Sequence[Counted], tx: Transaction) -> None:
        """The attempt's failures more for each subject."""
        now = self._kit.clock.now()
        wrong = {
            **dict.fromkeys(trying, attempt.wrong),
            **{("template", key): n for key, n in attempt.templates.items()},
        }
        await repository.count_failures(tx, wrong, self._budgets, now, now + self._window)
        counted = await repository.failures(tx, trying, now)
        over = [row.until - now for row in counted if row.failures > self._budgets[row.subject]]
        attempt.overrun = max(over, default=None)

    def _leave(self, subjects: Sequence[Counted]) -> None:
        self._trying.subtract(subjects)
        for subject in subjects:
            if not self._trying[subject]:
                del self._trying[subject]


def _too_many(wait: timedelta) -> TooManyRequests:
    seconds = max(ceil(wait.total_seconds()), 1)
    return TooManyRequests(
        "too_many_attempts",
        f"Too many wrong attempts. Wait {seconds} s and check what you enter.",
        headers={"Retry-After": str(seconds)},
        detail_zh=f"尝试次数过多，请 {seconds} 秒后再试，并核对输入内容。",
    )
