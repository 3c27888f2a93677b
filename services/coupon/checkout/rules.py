"""What may happen to a checkout in which state. Pure."""

from datetime import datetime


def effective(status: str, expires_at: datetime, now: datetime) -> str:
    """The status by the clock: a lock that ran out is expired, whether or not the sweeper came by."""
    return "expired" if status == "locked" and expires_at <= now else status


def settled(reserved: int, amount: int) -> int:
    """What redeeming changes of the budget: the worst case that was reserved becomes what was really taken off."""
    return amount - reserved if reserved else 0
