"""The one way to change a coupon: its row, its ledger entry and the template's budget move together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.coupon.templates import repository as templates
from services.coupon.wallet import repository
from services.coupon.wallet.models import Coupon
from shared.db import Transaction


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a coupon whose row (`before`) is locked by this transaction; `face_amount` is its new worth, if any."""

    before: Coupon
    event: str
    to_status: str
    reason: str
    actor: str
    checkout_id: str | None = None
    amount: int | None = None
    budget_change: int = 0
    lock_token: int | None = None
    locked_until: datetime | None = None
    face_amount: int | None = None


async def apply(tx: Transaction, changes: Sequence[Change], now: datetime) -> None:
    """Write the changes. Each coupon's rows must be held; if one was not, the entry's key (coupon, step) refuses."""
    if not changes:
        return
    await repository.change(tx, [_row(change, now) for change in changes], [_entry(change, now) for change in changes])
    spent: Counter[str] = Counter()
    for change in changes:
        spent[change.before.template_id] += change.budget_change
    moved = sorted(template_id for template_id, change in spent.items() if change)
    if moved:
        await templates.lock(tx, moved)
        rows = [{"id": one, "more_issued": 0, "more_spent": spent[one]} for one in moved]
        templates.count(tx, rows)


def _row(change: Change, now: datetime) -> dict[str, Any]:
    locked = change.to_status == "locked"
    return {
        "id": change.before.id,
        "step": change.before.step,
        "status": change.to_status,
        "budget_change": change.budget_change,
        "face_amount": change.face_amount,
        "lock_token": change.before.lock_token if change.lock_token is None else change.lock_token,
        "checkout_id": change.checkout_id if locked else None,
        "locked_until": change.locked_until if locked else None,
        "updated_at": now,
    }


def _entry(change: Change, now: datetime) -> dict[str, Any]:
    return {
        "coupon_id": change.before.id,
        "step": change.before.step + 1,
        "template_id": change.before.template_id,
        "event": change.event,
        "from_status": change.before.status,
        "to_status": change.to_status,
        "budget_change": change.budget_change,
        "amount": change.amount,
        "checkout_id": change.checkout_id,
        "reason": change.reason,
        "actor": change.actor,
        "occurred_at": now,
    }
