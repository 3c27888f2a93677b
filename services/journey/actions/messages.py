"""Messages to customers: an inbox message is delivered in the transaction that plans it; a webhook is queued for its worker."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.journey.actions.repository import effect_row, insert_effects
from services.journey.inbox.repository import insert_sends
from services.journey.run import Run, SendMessage
from shared.contracts import Event, MessageFailed, MessageSent
from shared.db import Transaction
from shared.ids import new_id

WEBHOOK = "webhook"


class Messages:
    """Keeps one row of the ledger for each message: `run:node:visit` is sent once, whatever is repeated."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def record(self, tx: Transaction, sends: Sequence[tuple[Run, SendMessage]], now: datetime) -> list[Event]:
        """Writes the ledger and the inbox; answers the messages to publish in the same transaction."""
        rows = {send.reference: self._row(run, send, now) for run, send in sends}
        new = await insert_effects(tx, list(rows.values()))
        fresh = [(run, send, rows[send.reference]) for run, send in sends if send.reference in new]
        await insert_sends(tx, [row for _, _, row in fresh if row["channel"] == "inbox" and row["status"] == "sent"])
        if any(row["status"] == "planned" for _, _, row in fresh):
            tx.after_commit(self._wake)
        return [outcome(row) for _, _, row in fresh if row["status"] in ("sent", "failed")]

    @staticmethod
    def _row(run: Run, send: SendMessage, now: datetime) -> dict[str, Any]:
        status: str = "sent"
        reason: str | None = None
        due_at: datetime | None = None
        if send.failure is not None:
            status, reason = "failed", f"template_failed: {send.failure}"[:300]
        elif send.channel == WEBHOOK:
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
    """The message that tells what became of a send (a row of the ledger)."""
    kind = MessageSent if values["status"] == "sent" else MessageFailed
    return kind(
        message_id=values["id"],
        journey_id=values["journey_id"],
        run_id=values["run_id"],
        customer_id=values["customer_id"],
        channel=values["channel"],
        template_id=values["template_id"],
        reason=values["reason"],
    )
