"""How a share stands by the clock, and who may help it. Pure."""

from datetime import datetime
from typing import Any, Literal

ShareStatus = Literal["open", "complete", "expired"]


def share_status(helps: int, friends: int, expires_at: datetime, now: datetime) -> ShareStatus:
    if helps >= friends:
        return "complete"
    return "expired" if expires_at <= now else "open"


def refused_help(share: Any, offer_status: str, customer_id: str, now: datetime) -> str | None:
    """The code of the reason why this friend can't help this share now; None when she can."""
    if share.customer_id == customer_id:
        return "own_share"
    status = share_status(share.helps, share.friends, share.expires_at, now)
    if status != "open":
        return f"share_{status}"
    return "offer_paused" if offer_status != "active" else None
