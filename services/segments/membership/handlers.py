"""Messages in: the journey service asks whether a rule holds for one customer now."""

from services.segments.membership.cache import RuleCache
from services.segments.membership.explaining import case_of
from services.segments.profiles.repository import find_customer
from services.segments.rule_language.faults import Faults
from services.segments.rule_language.parser import parse_rule
from services.segments.rule_language.scalars import micros
from services.segments.settings import SegmentsSettings
from shared.contracts import Envelope, RuleAsked, RuleEvaluated
from shared.db import Transaction
from shared.service import Kit


class RuleQuestions:
    """Answers journey.rule_asked with rule.evaluated, under the same reference."""

    def __init__(self, kit: Kit, cache: RuleCache, settings: SegmentsSettings) -> None:
        self._kit = kit
        self._cache = cache
        self._settings = settings

    async def on_asked(self, tx: Transaction, asked: RuleAsked, _envelope: Envelope) -> None:
        """A rule that can't be evaluated, or a customer that nobody has seen, matches nothing, and the answer says why."""
        await self._kit.outbox.publish(tx, [await self._evaluate(tx, asked)])

    async def _evaluate(self, tx: Transaction, asked: RuleAsked) -> RuleEvaluated:
        rules = await self._cache.current(tx)
        settings = self._settings
        try:
            node = parse_rule(
                asked.rule,
                time_zone=settings.default_time_zone,
                currency=settings.default_currency,
                known_segments=rules.by_id,
            )
        except Faults as faults:
            return _refused(asked, str(faults)[:2000])
        person = await find_customer(tx, asked.customer_id)
        if person is None:
            return _refused(asked, f"nobody is known as customer {asked.customer_id}")
        now = micros(self._kit.clock.now())
        case = await case_of(tx, person.uid, node, rules.nodes, now)
        because = tuple(leaf.model_dump(mode="json") for leaf in case.because(now))
        return RuleEvaluated(
            reference=asked.reference, customer_id=asked.customer_id, matches=case.holds(node, now), because=because
        )


def _refused(asked: RuleAsked, error: str) -> RuleEvaluated:
    return RuleEvaluated(reference=asked.reference, customer_id=asked.customer_id, matches=False, error=error)
