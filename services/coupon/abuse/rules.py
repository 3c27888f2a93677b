"""How often is too often, and for whom that is asked. Pure."""

from collections.abc import Sequence
from typing import Literal

Subject = Literal["customer", "device", "address"]
Action = Literal["claim", "redeem_code", "share", "scan", "draw", "pack"]
ACTIONS: dict[str, Action] = {
    "claim": "claim",
    "code": "redeem_code",
    "share": "share",
    "qr": "scan",
    "draw": "draw",
    "pack": "pack",
}
"""Sources of coupons that shoppers reach for themselves. What the merchant gives (direct, journey, cash-back) is no abuse."""


def admitted(moments: Sequence[int], now: int, most: int, window: int) -> int | None:
    """None when one more is allowed: fewer than `most` of the `moments` (ascending) lie in the window that ends now.

    Else after how many milliseconds it will be. `now`, `window` in milliseconds too. Exact for any window, not only aligned ones.
    """
    inside = [moment for moment in moments if moment > now - window]
    if len(inside) < most:
        return None
    return inside[len(inside) - most] + window - now
