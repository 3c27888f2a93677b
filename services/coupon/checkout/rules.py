"""What may happen to a checkout in which state. Pure."""

from datetime import datetime


def effective(status: str, expires_at: datetime, now: datetime) -> str:
    """The status by the clock: a lock that ran out is expired, whether or not the sweeper came by."""
    return "expired" if status == "locked" and expires_at <= now else status


def settled(reserved: int, amount: int) -> int:
    """What redeeming changes of the budget: the worst case that was reserved becomes what was really taken off."""
    return amount - reserved if reserved else 0


def topped_up(spent: int, reserved: int, budgeted: bool) -> int:
    """What a lock takes of the budget, when there is one, beyond what the coupon reserved already."""
    return max(spent - reserved, 0) if budgeted else 0


def reserved_again(held: int, wanted: int, room: int) -> int:
    """What a coupon that comes back after its use changes of the budget, from the `held` that it used.

    It reserves the `wanted` again, but no more than there is `room` for; what it still lacks, its next lock has to find.
    """
    return min(wanted - held, max(room, 0))
