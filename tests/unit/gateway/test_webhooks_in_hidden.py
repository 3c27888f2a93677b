"""What an operator sees of a partner's body: structure, ids and codes; of people nothing."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks_in.hidden import HIDDEN, masked

PEOPLE = {
    "buyer_nick": "小红",
    "receiver_name": "张三",
    "receiver_mobile": "13800138000",
    "openid": "oABCD1234567890abcdefghijklm",
    "address": {"detail": "文三路1号", "city": "Hangzhou"},
    "remark": "please call",
    "id_card": 110101199003070000,
}


def test_nothing_about_people_is_left() -> None:
    text = json.dumps(masked({"content": json.dumps(PEOPLE), **PEOPLE, "deep": [PEOPLE]}), ensure_ascii=False)
    for value in ("小红", "张三", "13800138000", "oABCD", "文三路", "please call", "110101199003070000"):
        assert value not in text


def test_ids_codes_and_numbers_stay() -> None:
    told = {"topic": "taobao_trade_TradeBuyerPay", "content": {"tid": 2231958349, "payment": "44.00", "paid": True}}
    assert masked({**told, "content": json.dumps(told["content"])}) == told


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_chinese_text_and_phones_never_pass(value: Any) -> None:
    shown = json.dumps(masked({"x": value, "y": ["李四", "13912345678", 13912345678]}), ensure_ascii=False)
    assert "李四" not in shown
    assert "13912345678" not in shown
    assert HIDDEN in shown
