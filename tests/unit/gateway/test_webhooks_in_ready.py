"""Mappings that are ready, on messages as the platforms' documents and SDKs show them; several places, joined types, amounts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks_in.maps_to import MapsTo
from gateway.webhooks_in.pointers import amount
from gateway.webhooks_in.ready import READY
from gateway.webhooks_in.rules import Ignored, Unmappable, translate

WECHAT = {"ToUserName": "gh_1", "FromUserName": "OpenID", "CreateTime": 1662480000, "MsgType": "event"}
DOUYIN = {"p_id": 4781320682406083640, "s_ids": [4837328765348566675], "shop_id": 1111111, "pay_amount": 1990}
TRADE = {"buyer_nick": "s***1", "payment": "44.00", "tid": 2231958349, "oid": 2231958349, "type": "guarantee_trade"}


def refund(paid_back: int) -> dict[str, Any]:
    """微信支付 退款结果通知, opened."""
    amounts = {"total": 999, "refund": paid_back, "payer_total": 999, "payer_refund": paid_back}
    resource = {"out_trade_no": "P2022", "out_refund_no": "R2022", "refund_status": "SUCCESS", "amount": amounts}
    return {"id": "EV-1", "event_type": "REFUND.SUCCESS", "resource": resource}


MESSAGES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "taobao.orders",
        {"topic": "taobao_trade_TradeBuyerPay", "content": json.dumps(TRADE)},
        "order.paid",
        {"order_id": "2231958349"},
    ),
    (
        "taobao.orders",
        {"timestamp": "2026-11-22 12:00:00", "body": {"topic": "taobao_trade_TradeSuccess", "content": TRADE}},
        "order.completed",
        {"order_id": "2231958349"},
    ),
    (
        "taobao.orders",
        {"topic": "taobao_trade_TradeClose", "content": json.dumps(TRADE)},
        "order.cancelled",
        {"order_id": "2231958349", "reason": "order_cancelled"},
    ),
    (
        "pdd.orders",
        {"type": "pdd_trade_TradeConfirmed", "mallID": "1", "content": '{"mall_id":1,"tid":"210707-339507978993455"}'},
        "order.paid",
        {"order_id": "210707-339507978993455"},
    ),
    (
        "douyin.orders",
        {"tag": "101", "msg_id": "7102", "data": json.dumps(DOUYIN | {"order_status": 2})},
        "order.paid",
        {"order_id": "4781320682406083640"},
    ),
    (
        "wechat_shop.orders",
        WECHAT
        | {"Event": "channels_ec_order_pay", "order_info": {"order_id": 3737550999277696000, "pay_time": 1662480000}},
        "order.paid",
        {"order_id": "3737550999277696000"},
    ),
    (
        "wechat_shop.orders",
        WECHAT | {"Event": "channels_ec_order_cancel", "order_info": {"order_id": "37375509992", "cancel_type": "1"}},
        "order.cancelled",
        {"order_id": "37375509992", "reason": "order_cancelled"},
    ),
    (
        "wechat_pay.orders",
        {"event_type": "TRANSACTION.SUCCESS", "resource": {"out_trade_no": "P2022", "trade_state": "SUCCESS"}},
        "order.paid",
        {"order_id": "P2022"},
    ),
    (
        "wechat_pay.orders",
        refund(999),
        "order.refunded",
        {"order_id": "P2022", "refund_id": "R2022", "lines": [], "policy": None},
    ),
]


@pytest.mark.parametrize(("name", "message", "event", "data"), MESSAGES)
def test_a_platforms_message_becomes_ours(name: str, message: dict[str, Any], event: str, data: dict[str, Any]) -> None:
    made = translate(MapsTo.model_validate({"ready": name}), message)
    assert not isinstance(made, Ignored)
    assert (made.name, made.model_dump(mode="json", exclude={"owner_id"})) == (event, data)


def test_every_ready_mapping_is_one_and_has_its_message() -> None:
    assert {name for name, *_ in MESSAGES} == set(READY)
    for name, spelled in READY.items():
        assert MapsTo.model_validate({"ready": name}).spelled_out() == MapsTo.model_validate(spelled)
        assert MapsTo.model_validate({"ready": name}).scopes() == MapsTo.model_validate(spelled).scopes()


def test_part_of_an_order_is_never_taken_for_all_of_it() -> None:
    maps_to = MapsTo.model_validate({"ready": "wechat_pay.orders"})
    with pytest.raises(Unmappable) as refused:
        translate(maps_to, refund(1))
    assert refused.value.code == "part_of_an_order"
    broken = refund(999)
    broken["resource"]["amount"]["total"] = None
    with pytest.raises(Unmappable, match="no amounts"):
        translate(maps_to, broken)


def test_a_douyin_tag_alone_settles_nothing() -> None:
    for data in ({}, {"order_status": 4}, {"order_status": 1}):
        message = {"tag": "101", "msg_id": "1", "data": json.dumps(DOUYIN | data)}
        assert isinstance(translate(MapsTo.model_validate({"ready": "douyin.orders"}), message), Ignored)


def test_lines_count_where_the_amounts_differ() -> None:
    fields = {
        "order_id": ["/missing", "/order"],
        "refund_id": "/refund",
        "lines": "/lines",
        "whole_if_equal": ["/back", "/total"],
    }
    maps_to = MapsTo.model_validate({"event": "order.refunded", "fields": fields})
    body = {"order": "o1", "refund": "r1", "total": "89.00", "lines": [{"line_id": "1", "quantity": 1}]}
    for back, lines in (("89.0", ()), (89, ()), ("20.00", ((("1", 1)),))):
        made = translate(maps_to, body | {"back": back})
        assert not isinstance(made, Ignored)
        assert tuple((one["line_id"], one["quantity"]) for one in made.model_dump()["lines"]) == lines


@pytest.mark.parametrize(
    "wrong",
    [
        {"ready": "ebay.orders"},
        {"ready": "pdd.orders", "event": "order.paid"},
        {"ready": "pdd.orders", "whole_without_lines": True},
        {"event": "order.paid", "fields": {"order_id": []}},
        {"event": "order.paid", "fields": {"order_id": ["/a", "b"]}},
        {"type_at": [], "types": {"a": "order.paid"}, "fields": {"order_id": "/a"}},
        {"event": "order.refunded", "fields": {"order_id": "/a", "refund_id": "/b", "whole_if_equal": ["/a"]}},
    ],
)
def test_what_can_not_work_is_refused_when_it_is_saved(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        MapsTo.model_validate(wrong)


@given(st.integers(0, 10**12), st.integers(0, 99))
def test_amounts_are_the_same_however_they_are_written(yuan: int, cents: int) -> None:
    assert amount(f"{yuan}.{cents:02d}") == amount(f"{yuan}.{cents:02d}0") == amount(str(yuan * 100 + cents)) / 100  # type: ignore[operator]


@given(st.text() | st.floats() | st.none() | st.booleans() | st.lists(st.integers()))
def test_what_is_no_amount_is_none(value: Any) -> None:
    found = amount(value)
    assert found is None or found >= 0
