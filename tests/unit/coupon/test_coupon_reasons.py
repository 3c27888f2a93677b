"""Reasons: one table, two languages, money as people write it."""

import re
from string import Formatter

import pytest

from services.coupon.reasons import CODES, REASONS, explain


def filled(key: str) -> dict[str, int]:
    """A number for each value that the sentences of the key need."""
    names = {name for text in REASONS[key] for _, name, _, _ in Formatter().parse(text) if name}
    return {name: 1690 if name.endswith("amount") else 2 for name in names - {"currency"}}


@pytest.mark.parametrize("key", sorted(REASONS))
def test_each_reason_can_be_told_in_both_languages(key: str) -> None:
    reason = explain(key, currency="CNY", **filled(key))
    assert re.fullmatch(r"[a-z_]+", reason.code)
    assert reason.code in CODES
    assert reason.detail.endswith(".")
    assert re.search("[\u4e00-\u9fff]", reason.detail_zh)
    assert not {"{", "}"} & {*reason.detail, *reason.detail_zh}


def test_money_is_never_bare_minor_units() -> None:
    assert explain("below_threshold:amount", missing_amount=1690).detail_zh == "再买¥16.90即可使用"
    assert "$16.90" in explain("below_threshold:amount", currency="USD", missing_amount=1690).detail
    assert "JP¥1,690" in explain("below_threshold:amount", currency="JPY", missing_amount=1690).detail


def test_an_unknown_reason_or_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        explain("because")
    with pytest.raises(KeyError):
        explain("below_threshold:amount")
