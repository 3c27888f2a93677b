"""Reading audiences: previews, members, explanations."""

import time

from sqlalchemy import func, select

from services.segments.membership.batch import Batch
from services.segments.membership.defining import Segments, find
from services.segments.membership.explaining import load_case
from services.segments.membership.repository import membership
from services.segments.membership.rulebook import Rulebooks
from services.segments.membership.schemas import ExplanationView, MemberView, PreviewIn, PreviewView, SampleView
from services.segments.profiles.reading import find_customer
from services.segments.profiles.repository import profile
from services.segments.rules.scalars import instant, micros
from shared.service import Kit
from shared.web import Caller, Page, Paging, fetch_page


class Audiences:
    """Questions about segments that change nothing."""

    def __init__(self, kit: Kit, rulebooks: Rulebooks, segments: Segments) -> None:
        self._kit = kit
        self._rulebooks = rulebooks
        self._segments = segments

    async def preview(self, body: PreviewIn) -> PreviewView:
        """How many a rule selects now, by the batch evaluator."""
        started = time.perf_counter()
        async with self._kit.db.read() as tx:
            node, _ = self._segments.read(body.rule, body.time_zone, await self._rulebooks.current(tx))
            members = Batch(tx, micros(self._kit.clock.now())).members(node)
            total = select(func.count()).select_from(members).scalar_subquery()
            chosen = select(profile.c.id, profile.c.customer_id, total.label("total"))
            chosen = chosen.join(members, members.c.uid == profile.c.uid).order_by(profile.c.uid)
            rows = (await tx.execute(chosen.limit(max(body.sample, 1)))).all()
        took = round((time.perf_counter() - started) * 1000, 1)
        sample = [SampleView(profile_id=row.id, customer_id=row.customer_id) for row in rows[: body.sample]]
        return PreviewView(count=rows[0].total if rows else 0, sample=sample, took_ms=took)

    async def members(self, segment_id: str, paging: Paging) -> Page[MemberView]:
        """Newest profiles first."""
        async with self._kit.db.read() as tx:
            await find(tx, segment_id)
            columns = (membership.c.uid, membership.c.since, profile.c.id, profile.c.customer_id)
            chosen = select(*columns).join(profile, profile.c.uid == membership.c.uid)
            chosen = chosen.where(membership.c.segment_id == segment_id)
            return await fetch_page(
                tx,
                chosen,
                membership.c.uid,
                paging,
                lambda row: MemberView(profile_id=row.id, customer_id=row.customer_id, since=instant(row.since)),
            )

    async def explain(self, caller: Caller, segment_id: str, customer_id: str) -> ExplanationView:
        """Why a customer is or is not a member. Raises a 404 problem for an unknown customer."""
        caller.require_customer(customer_id)
        async with self._kit.db.read() as tx:
            row = await find(tx, segment_id)
            person = await find_customer(tx, customer_id)
            book = await self._rulebooks.current(tx)
            now = micros(self._kit.clock.now())
            nodes = {one.id: one.node for one in book.segments}
            case = await load_case(tx, person.uid, self._rulebooks.parse(row), nodes, now)
            chosen = membership.c.segment_id == segment_id, membership.c.uid == person.uid
            since = await tx.scalar(select(membership.c.since).where(*chosen))
        change = case.next_change(now)
        return ExplanationView(
            segment_id=segment_id,
            customer_id=customer_id,
            profile_id=person.id,
            member=since is not None,
            since=None if since is None else instant(since),
            next_change_at=None if change is None else instant(change),
            because=case.because(now),
        )
