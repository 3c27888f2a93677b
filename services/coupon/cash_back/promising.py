"""What a checkout promises when it is locked. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.coupon.pricing.offers import Answer
from shared.ids import new_id


def promises(checkout: Mapping[str, Any], answer: Answer) -> list[dict[str, Any]]:
    """One row for each offer of the order that promises cash-back; `checkout` is the row that is being stored."""
    return [
        {
            "id": new_id("csb"),
            "checkout_id": checkout["id"],
            "order_id": checkout["order_id"],
            "customer_id": checkout["customer_id"],
            "source": use.offer.id,
            "template_id": use.offer.template_id,
            "currency": checkout["currency"],
            "promised": use.cash_back.amount,
            "amount": use.cash_back.amount,
            "valid_days": use.cash_back.valid_days,
            "status": "promised",
            "created_at": checkout["created_at"],
            "updated_at": checkout["created_at"],
        }
        for use in answer.uses
        if use.cash_back is not None and use.cash_back.amount
    ]
