"""Reading audiences: previews, members, explanations."""

import time

from services.segments.membership import batch_repository, repository, segment_repository
from services.segments.membership.cache import RuleCache
from services.segments.membership.explaining import case_of
from services.segments.membership.management import Segments
from services.segments.membership.schemas import ExplanationView, MemberView, PreviewIn, PreviewView, SampleView
from services.segments.profiles.problems import unknown_profile
from services.segments.profiles.repository import find_customer
from services.segments.rule_language.scalars import instant, micros
from shared.service import Kit
from shared.web import Caller, Page, Paging
from shared.web.lanes import Lane


class SegmentQueries:
    """Questions about segments that change nothing."""

    def __init__(self, kit: Kit, cache: RuleCache, segments: Segments) -> None:
        self._kit = kit
        self._cache = cache
        self._segments = segments
        self._previews = Lane(at_once=2, waiting=8)

    async def preview(self, caller: Caller, body: PreviewIn) -> PreviewView:
        """How many a rule selects now, by the batch evaluator, which goes over all profiles."""
        async with self._previews.turn(patient=not self._kit.db.is_joined()):
            return await self._preview(caller, body)

    async def _preview(self, caller: Caller, body: PreviewIn) -> PreviewView:
        started = time.perf_counter()
        async with self._kit.db.read() as tx:
            node, _ = self._segments.parse(caller, body.rule, body.time_zone, await self._cache.current(tx))
            rows = await batch_repository.find_selected(tx, node, micros(self._kit.clock.now()), max(body.sample, 1))
        took = round((time.perf_counter() - started) * 1000, 1)
        sample = [SampleView(profile_id=row.id, customer_id=row.customer_id) for row in rows[: body.sample]]
        return PreviewView(count=rows[0].total if rows else 0, sample=sample, took_ms=took)

    async def members(self, segment_id: str, paging: Paging) -> Page[MemberView]:
        """Newest profiles first."""
        async with self._kit.db.read() as tx:
            await segment_repository.read_offered(tx, paging.caller, segment_id)
            return await repository.members_page(tx, segment_id, paging)

    async def explain(self, caller: Caller, segment_id: str, customer_id: str) -> ExplanationView:
        """Why a customer is or is not a member. Raises a 404 problem for an unknown customer."""
        caller.require_customer(customer_id)
        async with self._kit.db.read() as tx:
            row = await segment_repository.read_offered(tx, caller, segment_id)
            person = await find_customer(tx, customer_id)
            if person is None:
                raise unknown_profile()
            rules = await self._cache.current(tx)
            now = micros(self._kit.clock.now())
            case = await case_of(tx, person.uid, self._cache.parse(row), rules.nodes, now)
            since = await repository.find_since(tx, segment_id, person.uid)
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
