"""The rule set in memory: a snapshot, and each transaction makes sure that it has the newest."""

from services.segments.membership import segment_repository
from services.segments.membership.models import Segment
from services.segments.membership.rule_set import RuleSet, compile_rules
from services.segments.rule_language.parser import parse_rule
from services.segments.rule_language.tree import Node
from shared.db import Transaction


class RuleCache:
    """The newest rule set, read again only when it changed."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._rules = RuleSet(-1)
        self._parsed: dict[tuple[str, int], Node] = {}

    async def current(self, tx: Transaction) -> RuleSet:
        """The rule set as of this transaction, which must hold its lock."""
        revision = await segment_repository.find_revision(tx)
        if revision != self._rules.revision:
            self._rules = await self._load(tx, revision)
        return self._rules

    async def _load(self, tx: Transaction, revision: int) -> RuleSet:
        rows = await segment_repository.find_evaluated(tx)
        ready = await segment_repository.find_ready_leaves(tx)
        parsed = {(row.id, row.version): self._parsed.get((row.id, row.version)) or self.parse(row) for row in rows}
        self._parsed = parsed
        return compile_rules(revision, rows, ready, {one: node for (one, _), node in parsed.items()})

    def parse(self, row: Segment) -> Node:
        """The tree of a stored segment."""
        return parse_rule(row.rule, time_zone=row.time_zone, currency=self._currency)
