"""Templates as those who give their coupons ask for them."""

from datetime import datetime

from services.coupon.refusals import refusal
from services.coupon.templates import repository
from services.coupon.templates.models import Template
from shared.db import Transaction
from shared.web import Caller, invalid


async def read_lasting(tx: Transaction, caller: Caller, template_id: str, pointer: str, at: datetime) -> Template:
    """The template that something new is to give coupons of, from `at` on.

    Raises Unprocessable at `pointer` when there is none, or when it has ended by then: nobody could get one.
    """
    row = await repository.find_offered(tx, caller, template_id)
    if row is None:
        raise invalid(pointer, "unknown_template", "There is no coupon template with this id.")
    refuse_ended(row, pointer, at)
    return row


async def read_unended(tx: Transaction, caller: Caller, template_id: str, now: datetime) -> Template:
    """The template of a path that gives coupons. Raises NotFound when there is none, Gone when it has ended."""
    row = await repository.find_offered(tx, caller, template_id)
    if row is None:
        raise refusal("not_found")
    if row.status == "ended" or (row.ends_at is not None and row.ends_at <= now):
        raise refusal("ended")
    return row


def refuse_ended(row: Template, pointer: str, at: datetime) -> None:
    """Raise Unprocessable at `pointer` for a template that has ended by then."""
    if row.status == "ended":
        raise invalid(pointer, "template_ended", "This template was ended, so nobody can get a coupon of it.")
    if row.ends_at is not None and row.ends_at <= at:
        detail = (
            "This template's validity.until comes before that, so nobody could get a coupon of it. Make it later first."
        )
        raise invalid(pointer, "template_ended", detail)
