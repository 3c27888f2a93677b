"""Messages in: which coupon templates and segments exist."""

from services.journey.definition.repository import KNOWN
from shared.contracts import CouponTemplateChanged, Envelope, SegmentChanged
from shared.db import Transaction, excluded, upsert


async def on_template(tx: Transaction, change: CouponTemplateChanged, _: Envelope) -> None:
    """A coupon template was made or changed."""
    await _keep(tx, "coupon_template", change.template_id, change.name_text, change.status, change.version_number)


async def on_segment(tx: Transaction, change: SegmentChanged, _: Envelope) -> None:
    """A segment was made or changed."""
    await _keep(tx, "segment", change.segment_id, change.name_text, change.status, change.version_number)


async def _keep(tx: Transaction, kind: str, known_id: str, name: str, status: str, version: int) -> None:
    """Messages come in any order: an older version changes nothing."""
    row = {"kind": kind, "id": known_id, "name": name, "status": status, "version": version}
    newer = KNOWN.c.version <= excluded(tx, KNOWN).version
    await upsert(tx, KNOWN, [row], ["kind", "id"], ["name", "status", "version"], where=newer)
