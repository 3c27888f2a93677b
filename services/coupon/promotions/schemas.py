"""What clients send and get about promotions."""

from typing import Any

from pydantic import ConfigDict, model_validator

from services.coupon.templates.benefits import SHIPPING_KINDS
from services.coupon.templates.schemas import OfferIn, OfferView

_EXAMPLE: dict[str, Any] = {
    "name": "全场满300减30",
    "currency": "CNY",
    "benefit": {"kind": "amount_off", "amount": 3000},
    "threshold": {"amount": 30000},
    "validity": {"from": "2026-11-01T00:00:00+08:00", "until": "2036-11-12T00:00:00+08:00"},
    "limits": {"total": 10000, "budget": 20000000},
}


def as_a_promotion(body: Any) -> Any:
    """The defaults of a promotion, where the body does not say otherwise: it stands in the layer shop (what takes off the
    shipping fee has its own), and an order takes what it uses of the budget."""
    if not isinstance(body, dict):
        return body
    benefit, stacking, limits = body.get("benefit"), body.get("stacking", {}), body.get("limits", {})
    shipping = isinstance(benefit, dict) and benefit.get("kind") in SHIPPING_KINDS
    if isinstance(stacking, dict) and not shipping:
        body = {**body, "stacking": {"layer": "shop", **stacking}}
    if isinstance(limits, dict):
        body = {**body, "limits": {"budget_on": "redemption", **limits}}
    return body


class PromotionIn(OfferIn):
    """A new promotion 自动促销. Its layer is `shop` unless `stacking` says otherwise."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    _defaults = model_validator(mode="before")(as_a_promotion)


class PromotionView(OfferView):
    """A promotion and its present terms. `issued` counts the orders that use it, open or paid."""
