"""How stored segments are answered."""

from services.segments.membership.models import Segment
from services.segments.membership.schemas import Progress, SegmentView


def segment_view(row: Segment, profiles: int) -> SegmentView:
    """`profiles`: how many live profiles there are, for the progress of a backfill."""
    progress = None
    if row.status == "backfilling":
        done = min(row.cursor, profiles)
        progress = Progress(done=done, total=profiles, entered=row.entered, exited=row.exited)
    return SegmentView(
        id=row.id,
        name=row.name,
        rule=row.rule,
        time_zone=row.time_zone,
        status=row.status,
        version=row.version,
        count=row.member_count,
        backfill=progress,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
