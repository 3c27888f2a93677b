"""The SQL of the effect ledger."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, text, update

from services.journey.actions.models import PENDING_SQL, EffectRow
from services.journey.run import Answered, Channel, Run
from shared.db import Transaction, claim_due, insert_ignore, one_of
from shared.web import Caller, Page, Paging, filtered, page_of, visible

V = TypeVar("V")
_pending = text(PENDING_SQL)
"""Literal, so that both planners can use the partial index."""
_SETTLED = ("status", "reason", "provider_ref", "updated_at")
_SETTLE = (
    update(EffectRow.table)
    .where(EffectRow.c.idem_key == bindparam("reference"), EffectRow.c.status == "asked")
    .values({name: bindparam(f"new_{name}", type_=EffectRow.c[name].type) for name in _SETTLED})
)


def effect_row(run: Run, effect_id: str, reference: str, node_id: str, now: datetime, **columns: Any) -> dict[str, Any]:
    """A new row; all rows have the same keys, so that they can be inserted together."""
    return {
        "id": effect_id,
        "owner_id": run.owner_id,
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


async def insert_effects(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Those that are not in the ledger yet; answers their references."""
    return {key for (key,) in await insert_ignore(tx, EffectRow.table, rows, [EffectRow.c.idem_key])}


async def settle(tx: Transaction, answered: Sequence[Answered], now: datetime) -> None:
    """Marks questions as answered; the first answer stays."""
    if not answered:
        return
    rows = [
        {
            "reference": one.reference,
            "new_status": one.status,
            "new_reason": one.reason,
            "new_provider_ref": one.provider_ref,
            "new_updated_at": now,
        }
        for one in sorted(answered, key=lambda one: one.reference)
    ]
    await tx.run(_SETTLE, rows)


async def find_asker(tx: Transaction, reference: str) -> str | None:
    """The run that asked under this reference."""
    found: str | None = await tx.scalar(select(EffectRow.c.run_id).where(EffectRow.c.idem_key == reference))
    return found


async def effects_of(tx: Transaction, run_id: str) -> list[EffectRow]:
    """The effects of a run in their order."""
    return await tx.rows(
        EffectRow, select(EffectRow.table).where(EffectRow.c.run_id == run_id).order_by(EffectRow.c.id)
    )


# -- messages -------------------------------------------------------------------------------------


async def page_messages(
    tx: Transaction,
    customer_id: str | None,
    journey_id: str | None,
    status: str | None,
    paging: Paging,
    to_view: Callable[[EffectRow], V],
) -> Page[V]:
    """Messages, newest first."""
    wanted = {
        EffectRow.c.kind: "message",
        EffectRow.c.customer_id: customer_id,
        EffectRow.c.journey_id: journey_id,
        EffectRow.c.status: status,
    }
    chosen = visible(filtered(select(EffectRow.table), wanted), EffectRow.c.owner_id, paging.caller)
    return await page_of(tx, EffectRow, chosen, EffectRow.c.id, paging, to_view)


async def find_message(tx: Transaction, caller: Caller, message_id: str) -> EffectRow | None:
    """The message of this id."""
    same = and_(EffectRow.c.id == message_id, EffectRow.c.kind == "message")
    return await tx.row(EffectRow, visible(select(EffectRow.table).where(same), EffectRow.c.owner_id, caller))


async def claim_messages(
    tx: Transaction, channel: Channel, busy: Sequence[str], now: datetime, lease: timedelta, limit: int
) -> list[EffectRow]:
    """Messages of the channel that are due, but for those of `busy` templates, each with this attempt on its account."""
    values = {"status": "claimed", "due_at": now + lease, "attempts": EffectRow.c.attempts + 1, "updated_at": now}
    where = and_(_waiting(channel, busy), EffectRow.c.due_at <= now)
    return await claim_due(tx, EffectRow, where=where, order_by=EffectRow.c.due_at, limit=limit, values=values)


async def next_message(tx: Transaction, channel: Channel, busy: Sequence[str]) -> datetime | None:
    """When the next of them is due; one that was claimed is so again when its lease ends."""
    waiting = select(EffectRow.c.due_at).where(_waiting(channel, busy)).order_by(EffectRow.c.due_at).limit(1)
    found: datetime | None = await tx.scalar(waiting)
    return found


def _waiting(channel: Channel, busy: Sequence[str]) -> ColumnElement[bool]:
    free = or_(EffectRow.c.template_id.is_(None), ~one_of(EffectRow.c.template_id, busy))
    return and_(_pending, EffectRow.c.channel == channel, free)


async def update_claimed(tx: Transaction, row: EffectRow, values: Mapping[str, Any]) -> bool:
    """Changes a message while this claim of it stands. False when another worker took it over meanwhile."""
    return await tx.run(update(EffectRow.table).where(_fence(row)).values(**values)) > 0


def _fence(row: EffectRow) -> ColumnElement[bool]:
    return and_(EffectRow.c.id == row.id, EffectRow.c.status == "claimed", EffectRow.c.attempts == row.attempts)
