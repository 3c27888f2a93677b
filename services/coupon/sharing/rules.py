"""How a share stands by the clock, and who may help it. Pure."""

from datetime import datetime
from typing import Literal

ShareStatus = Literal["open", "complete", "expired"]


def share_status(helps: int, friends: int, expires_at: datetime, now: datetime) -> ShareStatus:
    """Complete stays complete, whatever the clock says."""
    if helps >= friends:
        return "complete"
    return "expired" if expires_at <= now else "open"


def refused_help(sharer_id: str, status: ShareStatus, offer_status: str, customer_id: str) -> str | None:
    """The code of the reason why this customer can't help that sharer now; None when they can."""
    if sharer_id == customer_id:
        return "own_share"
    if status != "open":
        return f"share_{status}"
    return "offer_paused" if offer_status != "active" else None
