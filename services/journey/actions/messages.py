"""Messages to customers: some channels are delivered in the transaction that plans them, others queued for a worker."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from services.journey.actions.repository import effect_row, insert_effects
from services.journey.run import Channel, Run, SendMessage
from shared.contracts import Event, MessageFailed, MessageSent
from shared.db import Transaction
from shared.ids import new_id


@dataclass(frozen=True)
class AtOnce:
    """Delivered in the transaction that plans it."""

    deliver: Callable[[Transaction, Sequence[Mapping[str, Any]]], Awaitable[None]]


@dataclass(frozen=True)
class Queued:
    """Planned for the channel's worker, which is woken."""

    wake: Callable[[], None]


class Messages:
    """Keeps one row of the ledger for each message: `run:node:visit` is sent once, whatever is repeated."""

    def __init__(self, channels: Mapping[Channel, AtOnce | Queued]) -> None:
        if set(channels) != set(get_args(Channel)):
            raise ValueError(
                f"every channel, and no other, is sent in some way: {set(channels) ^ set(get_args(Channel))}"
            )
        self._channels = channels

    async def record(self, tx: Transaction, sends: Sequence[tuple[Run, SendMessage]], now: datetime) -> list[Event]:
        """Writes the ledger, and delivers or queues; answers the messages to publish in the same transaction."""
        rows = {send.reference: self._row(run, send, now) for run, send in sends}
        new = await insert_effects(tx, list(rows.values()))
        fresh = [row for reference, row in rows.items() if reference in new]
        for channel, way in self._channels.items():
            mine = [row for row in fresh if row["channel"] == channel and row["status"] != "failed"]
            if not mine:
                continue
            if isinstance(way, AtOnce):
                await way.deliver(tx, mine)
            else:
                tx.after_commit(way.wake)
        return [outcome(row) for row in fresh if row["status"] in ("sent", "failed")]

    def _row(self, run: Run, send: SendMessage, now: datetime) -> dict[str, Any]:
        status, reason, due_at = "sent", None, None
        if send.failure is not None:
            status, reason = "failed", f"template_failed: {send.failure}"[:300]
        elif isinstance(self._channels[send.channel], Queued):
            status, due_at = "planned", now
        payload = {"subject": send.subject, "body": send.body, "url": send.url}
        return effect_row(
            run,
            new_id("snd"),
            send.reference,
            send.node_id,
            now,
            kind="message",
            channel=send.channel,
            template_id=send.template_id,
            status=status,
            reason=reason,
            due_at=due_at,
            payload=payload,
        )


def outcome(values: Mapping[str, Any]) -> Event:
    """The event that tells what became of a message (a row of the ledger)."""
    kind = MessageSent if values["status"] == "sent" else MessageFailed
    return kind(
        owner_id=values["owner_id"],
        message_id=values["id"],
        journey_id=values["journey_id"],
        run_id=values["run_id"],
        customer_id=values["customer_id"],
        channel=values["channel"],
        template_id=values["template_id"],
        reason=values["reason"],
    )
