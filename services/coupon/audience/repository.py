"""The SQL of the memberships."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from services.coupon.audience.models import SegmentMember
from shared.db import Transaction, excluded, table, upsert

MEMBER = table(SegmentMember)


async def remember(tx: Transaction, segment_id: str, customer_id: str, member: bool, at: datetime) -> None:
    """Store a change unless a newer one is known already."""
    row = {"segment_id": segment_id, "customer_id": customer_id, "member": member, "changed_at": at}
    await upsert(
        tx,
        MEMBER,
        [row],
        key=["segment_id", "customer_id"],
        update_columns=["member", "changed_at"],
        where=MEMBER.c.changed_at <= excluded(tx, MEMBER).changed_at,
    )


async def memberships(
    tx: Transaction, segments: Collection[str], customers: Sequence[str]
) -> frozenset[tuple[str, str]]:
    """Which of these customers belong to which of these segments, as (segment_id, customer_id)."""
    if not segments:
        return frozenset()
    columns = MEMBER.c
    found = select(columns.segment_id, columns.customer_id).where(
        columns.segment_id.in_(sorted(segments)), columns.customer_id.in_(customers), columns.member
    )
    return frozenset((row.segment_id, row.customer_id) for row in await tx.execute(found))
