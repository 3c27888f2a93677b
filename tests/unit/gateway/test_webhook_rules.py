"""Which events an endpoint wants."""

import pytest

from gateway.webhooks_out.rules import PATTERN, matches


@pytest.mark.parametrize(
    ("patterns", "event", "expected"),
    [
        (["coupon.redeemed"], "coupon.redeemed", True),
        (["coupon.redeemed"], "coupon.redeemed_twice", False),
        (["stock.*"], "stock.sold_out", True),
        (["stock.*"], "stocktake.done", False),
        (["*"], "anything.at_all", True),
        ([], "coupon.redeemed", False),
    ],
)
def test_patterns(patterns: list[str], event: str, expected: bool) -> None:
    assert matches(patterns, event) is expected


@pytest.mark.parametrize(
    "text", ["", "coupon", "*.issued", "coupon.**", "coupon.*.x", "Coupon.issued", "coupon issued"]
)
def test_what_is_no_pattern(text: str) -> None:
    assert not PATTERN.fullmatch(text)
