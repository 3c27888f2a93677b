"""Time zones by their IANA names. Pure but for the time zone database."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_NOT_A_PLACE = frozenset(("localtime", "Factory"))
"""What the machine is set to, and what nobody has set. The database also has files that are no zones (`right/…` counts leap
seconds: 27 seconds off); none of its names is taken from outside."""


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises ValueError for none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Asia/Shanghai") from None


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_A_PLACE


def known_zone(name: str) -> str:
    """`name`, when it is that of a zone wherever this runs. Raises ValueError."""
    if name not in _names():
        raise ValueError("must be an IANA time zone such as Asia/Shanghai")
    return name
