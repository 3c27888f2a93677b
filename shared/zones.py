"""Time zones by their IANA names."""

from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises KeyError, ValueError or OSError for none."""
    return ZoneInfo(name)


def known_zone(name: str) -> str:
    """`name`, when the time zone database knows it. Raises ValueError."""
    try:
        zone(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone such as Asia/Shanghai") from None
    return name
