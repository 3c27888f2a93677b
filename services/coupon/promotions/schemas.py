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
    "validity": {"from": "2026-11-01T00:00:00+08:00", "until": "2026-11-12T00:00:00+08:00"},
    "limits": {"total": 10000, "budget": 20000000},
}


class PromotionIn(OfferIn):
    """A new promotion 自动促销. Its layer is `shop` unless `stacking` says otherwise."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    @model_validator(mode="before")
    @classmethod
    def _on_the_shop_layer(cls, body: Any) -> Any:
        """Only what is about goods: what takes off the shipping fee has its own layer."""
        if not isinstance(body, dict):
            return body
        benefit, stacking = body.get("benefit"), body.get("stacking", {})
        if not isinstance(stacking, dict) or (isinstance(benefit, dict) and benefit.get("kind") in SHIPPING_KINDS):
            return body
        return {**body, "stacking": {"layer": "shop", **stacking}}


class PromotionView(OfferView):
    """A promotion and its present terms. `issued` counts the orders that use it, open or paid."""
