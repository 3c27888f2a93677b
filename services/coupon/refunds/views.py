"""How refunds, stored ones and those that are only quoted, become answers."""

from collections.abc import Mapping, Sequence

from services.coupon.cash_back.reduction import Cut
from services.coupon.refunds.models import Refund, RefundLine, RefundShare
from services.coupon.refunds.paid_order import PaidOrder
from services.coupon.refunds.rules import LineBack, Policy
from services.coupon.refunds.schemas import (
    CashBackCutView,
    DiscountShareView,
    PayersView,
    RefundAnswer,
    RefundLineView,
    RefundView,
)
from shared.db import as_dict


def refund_view(row: Refund, lines: Sequence[RefundLine], shares: Sequence[RefundShare]) -> RefundView:
    """A stored refund; `lines` and `shares` are its own."""
    views = [
        RefundLineView(
            line_id=line.line_id,
            quantity=line.quantity,
            amount=line.amount,
            points=line.points,
            shares=[DiscountShareView.model_validate(share) for share in shares if share.line_id == line.line_id],
        )
        for line in lines
    ]
    found = {"payers": _payers(row.amount, row.points, views), "lines": views}
    return RefundView(**{**as_dict(row), **row.outcome, **found})


def quoted_view(
    order: PaidOrder,
    policy: Policy,
    lines: Sequence[LineBack],
    wanted: Mapping[str, int],
    coupons: list[str],
    cuts: Sequence[Cut],
) -> RefundAnswer:
    """A refund as it would be made now."""
    checkout = order.checkout
    views = [_decided(line, order.funders) for line in lines]
    amount, points = sum(line.money for line in lines), sum(line.points for line in lines)
    return RefundAnswer(
        checkout_id=checkout.id,
        order_id=checkout.order_id,
        customer_id=checkout.customer_id,
        policy=policy,
        currency=checkout.currency,
        amount=amount,
        points=points,
        whole=order.whole(wanted),
        payers=_payers(amount, points, views),
        lines=views,
        coupons_returned=coupons,
        gifts_kept=tuple(order.gifts_left(wanted)),
        cash_back=[CashBackCutView(**cut.view) for cut in cuts],
    )


def _decided(line: LineBack, funders: Mapping[str, str]) -> RefundLineView:
    shares = [{"source": source, "funder": funders[source], "amount": amount} for source, amount in line.offers.items()]
    return RefundLineView(
        line_id=line.line_id,
        quantity=line.quantity,
        amount=line.money,
        points=line.points,
        shares=[DiscountShareView.model_validate(share) for share in shares],
    )


def _payers(amount: int, points: int, lines: Sequence[RefundLineView]) -> PayersView:
    """Who gets what back in all."""
    by_funder = {"shop": 0, "platform": 0}
    for line in lines:
        for share in line.shares:
            by_funder[share.funder] += share.amount
    return PayersView(customer=amount, points=points, **by_funder)
