"""What a checkout promises when it is locked, and what a refund leaves of a promise. Pure."""

from collections.abc import Mapping
from typing import Any

from services.coupon.pricing.offers import Answer
from shared.ids import new_id


def promises(checkout: Mapping[str, Any], answer: Answer) -> list[dict[str, Any]]:
    """One row for each offer of the order that promises cash-back; `checkout` is the row that is being stored."""
    return [
        {
            "id": new_id("csb"),
            "owner_id": checkout["owner_id"],
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


def left_after(promised: int, amount: int, price: int, kept_price: int, repriced: int | None) -> int:
    """What is left of `promised` (of which `amount` was left before) when goods for `kept_price` of `price` are kept.

    It falls in the proportion of the goods' price, rounded down. `repriced` is what the offer would promise for the kept goods
    alone (policy clawback); None where that was not asked. It never grows again.
    """
    left = promised * kept_price // price if price else 0
    return min(amount, left, left if repriced is None else repriced)
