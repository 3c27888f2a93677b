"""Calls with an Idempotency-Key in a group commit: record and effect of the whole batch are one transaction.

No record is begun before: whoever comes second with a key finds what the first left, in memory when both are in one batch,
by the unique key when another process was faster (then the batch runs again and finds the answer). A killed process leaves
neither effect nor record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from sqlalchemy import bindparam, delete, select

from shared.batching import Again, Work
from shared.db import Prepared, Transaction, insert_bulk, one_of
from shared.service import Kit
from shared.web.idempotency_keys import HeldAnswer, KeyedCall, Replayed, Submission, in_progress, refused, reused
from shared.web.problems import Problem

Q = TypeVar("Q")
A = TypeVar("A")


class _Record(NamedTuple):
    owner: str
    key: str
    fingerprint: str
    token: str
    lease_until: datetime | None
    status: int | None
    headers: list[tuple[str, str]] | None
    body: bytes | None


@dataclass
class _Sorted:
    """What becomes of the calls of a batch, by their index."""

    fresh: list[int] = field(default_factory=list)
    decided: dict[int, Exception] = field(default_factory=dict)
    repeats: dict[int, int] = field(default_factory=dict)
    """Calls that come twice in the batch get what the first of them gets."""


class Keyed(Generic[Q, A]):
    """Work for `GroupCommit` that honours keys: `GroupCommit("coupon.claims", kit.db, Keyed(kit, self._work))`.

    Kept are answers, and refusals that stay what they are.
    """

    def __init__(
        self,
        kit: Kit,
        work: Work[Q, A],
        body: Callable[[A], bytes | None] = lambda answer: answer if isinstance(answer, bytes) else None,
    ) -> None:
        """`body` is what is sent of an answer of the work; None for what is a refusal in disguise."""
        self._body = body
        self._clock = kit.clock
        self._work = work
        self._table = kit.metadata.tables["idempotency"]
        columns = self._table.c
        self._find = Prepared(
            select(*(columns[name] for name in _Record._fields)).where(one_of((columns.owner, columns.key), "keys"))
        )
        self._forget = Prepared(
            delete(self._table).where(
                columns.owner == bindparam("of"), columns.token == bindparam("by"), columns.status.is_(None)
            )
        )

    async def __call__(self, tx: Transaction, given: Sequence[Submission[Q]]) -> Sequence[A | Exception]:
        """One result for each, in order. Raises Again when another process answered one of the calls meanwhile."""
        if not any(one.call for one in given):
            return await self._work(tx, [one.request for one in given])
        plan = await self._sort(tx, given)
        done = await self._work(tx, [given[index].request for index in plan.fresh]) if plan.fresh else ()
        results: dict[int, A | Exception] = {**plan.decided, **dict(zip(plan.fresh, done, strict=True))}
        answers = {index: answer for index in plan.fresh if (answer := self._answer(given[index], results[index]))}
        await self._keep(tx, [(cast(KeyedCall, given[index].call), answer) for index, answer in answers.items()])
        for index, first in plan.repeats.items():
            results[index] = Replayed(answers[first]) if first in answers else results[first]
        return [results[index] for index in range(len(given))]

    async def _sort(self, tx: Transaction, given: Sequence[Submission[Q]]) -> _Sorted:
        calls = {(one.call.owner, one.call.key) for one in given if one.call}
        known = {(row.owner, row.key): row for row in await tx.rows(_Record, self._find, {"keys": sorted(calls)})}
        plan: _Sorted = _Sorted()
        first: dict[tuple[str, str], int] = {}
        for index, one in enumerate(given):
            call = one.call
            if call is None:
                plan.fresh.append(index)
                continue
            record = known.get((call.owner, call.key))
            if record is not None and (told := await self._earlier(tx, record, call)):
                plan.decided[index] = told
                continue
            ahead = first.setdefault((call.owner, call.key), index)
            if ahead == index:
                plan.fresh.append(index)
            elif cast(KeyedCall, given[ahead].call).fingerprint == call.fingerprint:
                plan.repeats[index] = ahead
            else:
                plan.decided[index] = reused()
        return plan

    async def _earlier(self, tx: Transaction, record: _Record, call: KeyedCall) -> Exception | None:
        """What a record says to the call; None when its worker died before it answered."""
        if record.fingerprint != call.fingerprint:
            return reused()
        if record.status is not None:
            return Replayed(HeldAnswer.of(record.status, record.headers or (), record.body or b""))
        if record.lease_until is None or record.lease_until >= self._clock.now():
            return in_progress()
        await tx.run(self._forget, {"of": record.owner, "by": record.token})
        return None

    async def _keep(self, tx: Transaction, answers: Sequence[tuple[KeyedCall, HeldAnswer]]) -> None:
        now = self._clock.now()
        rows: list[dict[str, Any]] = [
            {
                "owner": call.owner,
                "key": call.key,
                "fingerprint": call.fingerprint,
                "token": call.token,
                "lease_until": None,
                "status": answer.status,
                "headers": answer.texts(),
                "body": answer.body.decode(),
                "created_at": now,
            }
            for call, answer in sorted(answers, key=lambda one: (one[0].owner, one[0].key))
        ]
        if len(await insert_bulk(tx, self._table, rows, ignore=True)) < len(rows):
            raise Again

    def _answer(self, one: Submission[Q], result: A | Exception) -> HeldAnswer | None:
        """What is kept of a result; None for nothing."""
        if one.call is None:
            return None
        if isinstance(result, Exception):
            answer = refused(result, one.request_id) if isinstance(result, Problem) else None
            return answer if answer is not None and answer.final else None
        body = self._body(result)
        return (
            None if body is None else HeldAnswer(one.status, [(b"content-type", b"application/json")], bytearray(body))
        )
