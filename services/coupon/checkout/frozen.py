"""What a checkout freezes: the quote, one lock for each coupon that it uses, one share for each line. No I/O."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from services.coupon.checkout.schemas import CheckoutIn
from services.coupon.pricing.quoting import Priced
from services.coupon.pricing.schemas import QuoteView
from services.coupon.wallet.ledger import Change
from shared.ids import new_id

Json = dict[str, Any]


def checkout(body: CheckoutIn, priced: Priced, fingerprint: str, now: datetime) -> Json:
    """The row of a new checkout."""
    quote = priced.view
    return {
        "id": new_id("chk"),
        "order_id": body.order_id,
        "customer_id": body.customer_id,
        "fingerprint": fingerprint,
        "status": "locked",
        "currency": body.currency,
        "subtotal": quote.subtotal,
        "discount": quote.discount,
        "first_order": priced.first_order,
        "quote": quote.model_dump(mode="json"),
        "ttl_seconds": body.ttl_seconds,
        "expires_at": now + timedelta(seconds=body.ttl_seconds),
        "created_at": now,
        "updated_at": now,
    }


def changes(row: Json, quote: QuoteView, held: Mapping[str, Row[Any]], actor: str) -> list[Change]:
    """What happens to the coupons, whose rows are `held`."""
    return [
        Change(
            before=held[use.coupon_id],
            event="locked",
            to_status="locked",
            reason=f"order {row['order_id']}",
            actor=actor,
            checkout_id=row["id"],
            amount=use.amount,
            lock_token=held[use.coupon_id].lock_token + 1,
            locked_until=row["expires_at"],
        )
        for use in quote.applied
    ]


def locks(row: Json, quote: QuoteView, held: Mapping[str, Row[Any]]) -> list[Json]:
    return [
        {
            "checkout_id": row["id"],
            "coupon_id": use.coupon_id,
            "template_id": use.template_id,
            "token": held[use.coupon_id].lock_token + 1,
            "amount": use.amount,
            "state": "live",
        }
        for use in quote.applied
    ]


def shares(row: Json, priced: Priced) -> list[Json]:
    return [
        {
            "checkout_id": row["id"],
            "line_id": line.line_id,
            "source": share.source,
            "layer": priced.layers[share.source],
            "amount": share.amount,
        }
        for line in priced.view.lines
        for share in line.discounts
    ]
