"""Messages in: which coupon templates and segments exist."""

from services.journey.definition.repository import upsert_known
from shared.contracts import CouponTemplateChanged, Envelope, SegmentChanged
from shared.db import Transaction


async def on_template(tx: Transaction, change: CouponTemplateChanged, _: Envelope) -> None:
    """A coupon template was made or changed."""
    await _upsert(tx, "coupon_template", change.template_id, change)


async def on_segment(tx: Transaction, change: SegmentChanged, _: Envelope) -> None:
    """A segment was made or changed."""
    await _upsert(tx, "segment", change.segment_id, change)


async def _upsert(tx: Transaction, kind: str, known_id: str, change: CouponTemplateChanged | SegmentChanged) -> None:
    told = {"name": change.name_text, "status": change.status, "version": change.version_number}
    await upsert_known(tx, {"kind": kind, "id": known_id, **told})
