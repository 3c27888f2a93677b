"""The table of the effect ledger, and the row of an effect."""

from datetime import datetime
from typing import Any

from services.journey.engine.models import EffectRow
from services.journey.engine.run import Run
from shared.db import table

EFFECT = table(EffectRow)


def effect_row(run: Run, effect_id: str, reference: str, node_id: str, now: datetime, **columns: Any) -> dict[str, Any]:
    """A new row; all rows have the same keys, so that they can be inserted together."""
    return {
        "id": effect_id,
        "idem_key": reference,
        "journey_id": run.journey_id,
        "run_id": run.id,
        "node_id": node_id,
        "customer_id": run.customer_id,
        "channel": None,
        "template_id": None,
        "reason": None,
        "provider_ref": None,
        "payload": {},
        "attempts": 0,
        "due_at": None,
        "created_at": now,
        "updated_at": now,
        **columns,
    }
