"""Terms of offers in memory: versions never change, so what was read once is kept."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from services.coupon.templates import repository
from services.coupon.templates.repository import TermsKey
from services.coupon.templates.rules import worst_case
from services.coupon.templates.terms import Terms
from shared.db import Transaction

_MOST_TERMS = 10_000


@dataclass(frozen=True)
class Snapshot:
    """One version of an offer's terms, with what is made of it again and again."""

    terms: Terms

    @cached_property
    def worst_case(self) -> int | None:
        """The highest discount that one coupon can give; None when nothing bounds it."""
        return worst_case(self.terms.benefit)

    @cached_property
    def benefit(self) -> dict[str, Any]:
        """The benefit as views show it."""
        return self.terms.benefit.model_dump(mode="json", exclude_none=True)

    @cached_property
    def threshold(self) -> dict[str, Any]:
        """The threshold as views show it."""
        return self.terms.threshold.model_dump(mode="json", exclude_none=True)

    @cached_property
    def fragments(self) -> tuple[orjson.Fragment, orjson.Fragment]:
        """Benefit and threshold as JSON, ready to be set into an answer."""
        return orjson.Fragment(orjson.dumps(self.benefit)), orjson.Fragment(orjson.dumps(self.threshold))


class TermsCache:
    """Terms by template and version."""

    def __init__(self) -> None:
        self._known: dict[TermsKey, Snapshot] = {}

    async def load(self, tx: Transaction, keys: Collection[TermsKey]) -> dict[TermsKey, Snapshot]:
        """The terms of every key. A coupon without terms would be a broken database: KeyError."""
        missing = sorted({key for key in keys if key not in self._known})
        if missing:
            if len(self._known) + len(missing) > _MOST_TERMS:
                self._known.clear()
            for row in await repository.terms(tx, missing):
                self._known[row.template_id, row.version] = Snapshot(Terms.model_validate(row.terms))
        return {key: self._known[key] for key in keys}
