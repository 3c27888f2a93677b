"""Event types as the world sees them: schema and example, made from the contracts."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from gateway.docs.schemas import class_name
from gateway.docs.tags import HOOKS
from gateway.event_examples import example_of
from gateway.event_scopes import EVENT_SCOPES
from shared.contracts import REGISTRY, Event, public_names
from shared.web.chinese import chinese

_IN_CHINESE = {
    "coupon.expired": "优惠券已过期。",
    "coupon.expiring": "优惠券即将到期且未使用：在 `valid_until` 之前通知一次。",
    "coupon.issued": "顾客得到一张优惠券。`reference` 是要求发券一方的编号（例如旅程的动作）。",
    "coupon.locked": "结算单锁定了优惠券。",
    "coupon.redeemed": (
        "订单已支付，优惠券已核销。线上带 `checkout_id`；门店带 `redemption_id` 和 `shop_id`，`order_id` 是小票号。"
    ),
    "coupon.returned": "订单取消或退款，优惠券退回券包。带 `checkout_id`，或门店撤销核销时的 `redemption_id`。",
    "coupon.voided": "操作员作废了优惠券。",
    "journey.completed": "顾客走完了旅程。",
    "journey.entered": "顾客进入旅程。",
    "journey.exited": "提前退出：满足退出条件、被停止或失败；`reason` 说明是哪种。",
    "message.failed": "消息没有发出；`reason` 说明原因。",
    "message.sent": "渠道接受了消息。",
    "profile.created": "第一次见到这位顾客，新建档案。",
    "reservation.confirmed": "订单已支付，库存占用已确认。",
    "reservation.expired": "超时未支付，库存已释放。",
    "reservation.held": "为未支付的订单预占库存，到 `expires_at` 为止。",
    "reservation.released": "库存占用已释放。",
    "segment.entered": "顾客进入人群。",
    "segment.exited": "顾客退出人群。",
    "stock.back_in_stock": "售罄之后重新有货。",
    "stock.changed": "一个 SKU 在一个地点经过一次交易后的库存；`level_version` 每次变动都会增大，据此可丢弃旧消息。",
    "stock.low": "没人买走的已所剩不多。再次通知须等到数量回升到一倍半。",
    "stock.sold_out": "全部被买走；未支付的订单不算售罄。",
    "webhook_endpoint.disabled": (
        "端点已停用：它答了 410，或连续数天只有失败。只通知同一所有者的其他端点。"
        "期间错过的事件会被扣留，启用后可以重放。"
    ),
}
"""What each public event tells. The English is its own docstring; a test asks for both."""


_SIGNED = [
    {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
    for name, text in (
        ("webhook-id", "The same for all attempts: what to know a repetition by"),
        ("webhook-timestamp", "Seconds since 1970, of this attempt"),
        (
            "webhook-signature",
            "`v1,` and the HMAC-SHA256 of id, timestamp and body (Standard Webhooks); several with spaces",
        ),
    )
]


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON schema of a webhook body of this type: `{"type", "timestamp", "data"}`."""
    data = event.model_json_schema()
    definitions = data.pop("$defs", None)
    schema: dict[str, Any] = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event.name},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": data,
        },
    }
    if definitions:
        schema["$defs"] = definitions
    return schema


@cache
def catalogue() -> list[dict[str, Any]]:
    """Every public event, by name."""
    found = []
    for name in public_names():
        event = REGISTRY[name]
        text = " ".join((event.__doc__ or "").split())
        found.append(
            {
                "name": name,
                "owner": event.owner,
                "version": event.version,
                "scope": EVENT_SCOPES[name],
                "description": text,
                "schema": schema_of(event),
                "example": example_of(event),
            }
        )
    return found


def webhooks() -> tuple[dict[str, Any], dict[str, Any]]:
    """The `webhooks` part of an OpenAPI document, and the schemas that it refers to."""
    hooks, schemas = {}, {}
    for entry in catalogue():
        name, schema = entry["name"], dict(entry["schema"])
        definitions = schema.pop("$defs", {})
        names = {one: class_name("event", one) for one in definitions}
        schemas.update({names[one]: _moved(definition, names) for one, definition in definitions.items()})
        schemas[class_name("event", name)] = _moved(schema, names)
        hooks[name] = {
            "post": {
                "operationId": f"webhook_{name.replace('.', '_')}",
                "summary": name,
                "description": entry["description"],
                **chinese(name, _IN_CHINESE.get(name, "")),
                "tags": [HOOKS],
                "security": [],
                "parameters": deepcopy(_SIGNED),
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": f"#/components/schemas/{class_name('event', name)}"},
                            "example": entry["example"],
                        }
                    }
                },
                "responses": {"2XX": {"description": "Received. Anything else is tried again."}},
            }
        }
    return hooks, schemas


def _moved(node: Any, names: Mapping[str, str]) -> Any:
    """`$defs` of a single schema become components of the document."""
    if isinstance(node, dict):
        return {
            key: f"#/components/schemas/{names[value.rsplit('/', 1)[1]]}"
            if key == "$ref" and isinstance(value, str)
            else _moved(value, names)
            for key, value in node.items()
        }
    return [_moved(one, names) for one in node] if isinstance(node, list) else node
