"""Questions to other services: a coupon wanted, a rule to evaluate. Asked by message, answered by message."""

from collections.abc import Sequence
from datetime import datetime

from services.journey.actions.repository import effect_row, insert_effects, settle
from services.journey.run import Answered, AskCoupon, AskRule, Run
from shared.contracts import CouponRequested, Event, RuleAsked
from shared.db import Transaction
from shared.ids import new_id


class Questions:
    """Keeps one row of the ledger for each question; asking again publishes it again under the same reference."""

    async def record(
        self,
        tx: Transaction,
        asked: Sequence[tuple[Run, AskCoupon | AskRule]],
        answered: Sequence[Answered],
        now: datetime,
    ) -> list[Event]:
        """Writes the ledger; answers the messages to publish in the same transaction."""
        await insert_effects(tx, [self._row(run, ask, now) for run, ask in asked])
        await settle(tx, answered, now)
        return [self._message(run, ask) for run, ask in asked]

    @staticmethod
    def _row(run: Run, ask: AskCoupon | AskRule, now: datetime) -> dict[str, object]:
        if isinstance(ask, AskCoupon):
            columns: dict[str, object] = {"kind": "coupon", "template_id": ask.template_id}
        else:
            columns = {"kind": "rule", "payload": dict(ask.rule)}
        return effect_row(run, new_id("efx"), ask.reference, ask.node_id, now, status="asked", **columns)

    @staticmethod
    def _message(run: Run, ask: AskCoupon | AskRule) -> Event:
        if isinstance(ask, AskCoupon):
            return CouponRequested(
                reference=ask.reference,
                template_id=ask.template_id,
                customer_id=run.customer_id,
                journey_id=run.journey_id,
                run_id=run.id,
            )
        return RuleAsked(reference=ask.reference, customer_id=run.customer_id, rule=dict(ask.rule))
