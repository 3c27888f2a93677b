"""The names of settings.

A name that begins like ours and is none is a typing error: it would be ignored, and the suite start on a default. So it is
refused, before any command does anything.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from shared.language import say
from shared.setting_sources import FILE_SUFFIX
from shared.settings import PREFIX, ServiceSettings
from suite.errors import Stop
from suite.settings import CallerSettings, SuiteSettings
from suite.variables import written_names

_FOR_TESTS = f"{PREFIX}TEST_"


def check_names() -> None:
    """Raises Stop for a variable that looks like a setting and is none."""
    written = {name: text for name, text in written_names().items() if not name.startswith(_FOR_TESTS)}
    if not written:
        return
    known = set(_known())
    unknown = [text for name, text in written.items() if name not in known]
    if unknown:
        told = "; ".join(_told(name, known) for name in unknown)
        raise Stop(
            say(
                f"There is no such setting: {told}. docs/settings.md names them all.",
                f"没有这个设置：{told}。全部设置见 docs/settings.md。",
            )
        )


def _told(name: str, known: set[str]) -> str:
    near = get_close_matches(name.upper(), known, 1)
    return say(f"{name} (did you mean {near[0]}?)", f"{name}（是否指 {near[0]}？）") if near else name


def _known() -> Iterator[str]:
    for options in all_settings():
        for prefix in options.prefixes():
            yield from (prefix + field.upper() + end for field in options.model_fields for end in ("", FILE_SUFFIX))


def all_settings() -> tuple[type[ServiceSettings], ...]:
    """Every part's, and the suite's own."""
    from gateway.settings import GatewaySettings
    from services.coupon.settings import CouponSettings
    from services.inventory.settings import InventorySettings
    from services.journey.settings import JourneySettings
    from services.segments.settings import SegmentsSettings

    parts = (GatewaySettings, CouponSettings, SegmentsSettings, JourneySettings, InventorySettings)
    return (SuiteSettings, CallerSettings, *parts)
