"""New coupons: what each consists of: its row, its first ledger entry, its event and the answer to its claim. No I/O.

The hot path comes through here once for each coupon, so what all coupons of a batch share is made once, in the lot.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from services.coupon.code_format import new_code
from services.coupon.templates.cache import Snapshot
from services.coupon.templates.lease_repository import LeasedTemplate
from services.coupon.templates.models import Template
from services.coupon.templates.supply import cost_of
from services.coupon.templates.validity import FOREVER
from services.coupon.wishes import Granted, Wish
from shared.contracts import CouponIssued
from shared.db.types import instant_text
from shared.ids import new_id
from shared.web.schemas import rfc3339


@dataclass(frozen=True)
class Lot:
    """What all wishes of one template and source share at this moment."""

    row: Template | LeasedTemplate
    snapshot: Snapshot
    day: str | None
    now: datetime
    starts: datetime
    ends: datetime
    remind_at: datetime | None = None

    @cached_property
    def cost(self) -> int:
        """What each coupon reserves of the budget."""
        return cost_of(self.row, self.snapshot.worst_case)

    @property
    def budget_left(self) -> int | None:
        """What is left of a budget that redeeming takes from; None where there is none."""
        row = self.row
        if isinstance(row, LeasedTemplate) or row.budget is None or row.budget_on != "redemption":
            return None
        return row.budget - row.budget_spent

    @cached_property
    def stored(self) -> tuple[str, str, str, str | None]:
        """`now`, `starts`, `ends`, `remind_at` as the database keeps them: written once, not once for each coupon."""
        reminded = None if self.remind_at is None else instant_text(self.remind_at)
        return instant_text(self.now), instant_text(self.starts), instant_text(self.ends), reminded

    @cached_property
    def answered(self) -> tuple[str, str, str | None]:
        """The same as answers show them."""
        return rfc3339(self.now), rfc3339(self.starts), None if self.ends == FOREVER else rfc3339(self.ends)


@dataclass(slots=True)
class Output:
    """What a batch writes; the lists go in step."""

    coupons: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    events: list[CouponIssued] = field(default_factory=list)
    correlations: list[str | None] = field(default_factory=list)

    def drop(self, coupon_ids: Collection[str]) -> None:
        """Forget these coupons."""
        kept = [index for index, row in enumerate(self.coupons) if row["id"] not in coupon_ids]
        self.coupons = [self.coupons[index] for index in kept]
        self.entries = [self.entries[index] for index in kept]
        self.events = [self.events[index] for index in kept]
        self.correlations = [self.correlations[index] for index in kept]


def add_coupon(lot: Lot, wish: Wish, number: int, output: Output) -> Granted:
    """Add everything that one new coupon writes to `output`; `number` counts the customer's coupons of the template."""
    coupon_id, code = new_id("cpn"), new_code()
    output.coupons.append(_coupon(lot, wish, number, coupon_id, code))
    output.entries.append(_entry(lot, wish, coupon_id))
    output.events.append(_event(lot, wish, coupon_id, code))
    output.correlations.append(wish.correlation)
    return Granted(coupon_id, _body(lot, wish, coupon_id, code))


def _coupon(lot: Lot, wish: Wish, number: int, coupon_id: str, code: str) -> dict[str, Any]:
    now, starts, ends, remind_at = lot.stored
    return {
        "id": coupon_id,
        "owner_id": wish.owner_id,
        "template_id": lot.row.id,
        "terms_version": lot.row.terms_version,
        "customer_id": wish.customer_id,
        "seq": number,
        "code": code,
        "status": "issued",
        "step": 1,
        "source": wish.source,
        "reference": wish.reference,
        "valid_from": starts,
        "valid_until": ends,
        "issued_day": lot.day,
        "reserved": lot.cost,
        "face_amount": wish.face_amount,
        "lock_token": 0,
        "checkout_id": None,
        "locked_until": None,
        "remind_at": remind_at,
        "origin_address": wish.origin.address,
        "origin_device": wish.origin.device,
        "issued_at": now,
        "updated_at": now,
    }


def _entry(lot: Lot, wish: Wish, coupon_id: str) -> dict[str, Any]:
    return {
        "coupon_id": coupon_id,
        "step": 1,
        "template_id": lot.row.id,
        "event": "issued",
        "from_status": None,
        "to_status": "issued",
        "budget_change": lot.cost,
        "amount": None,
        "checkout_id": None,
        "reason": wish.reason,
        "actor": wish.actor,
        "occurred_at": lot.stored[0],
    }


def worth(benefit: dict[str, Any], face_amount: int | None) -> dict[str, Any]:
    """The benefit as one coupon has it."""
    return benefit if face_amount is None else {**benefit, "amount": face_amount}


def _event(lot: Lot, wish: Wish, coupon_id: str, code: str) -> CouponIssued:
    return CouponIssued(
        owner_id=wish.owner_id,
        coupon_id=coupon_id,
        template_id=lot.row.id,
        customer_id=wish.customer_id,
        template_name=lot.row.name,
        code=code,
        valid_from=lot.starts,
        valid_until=lot.ends,
        currency=lot.row.currency,
        benefit=worth(lot.snapshot.benefit, wish.face_amount),
        source=wish.source,
        reference=wish.reference,
    )


def _body(lot: Lot, wish: Wish, coupon_id: str, code: str) -> bytes:
    """The same document as `CouponView` makes of the stored row; a test compares the two."""
    benefit, threshold = lot.snapshot.fragments
    now, starts, ends = lot.answered
    return orjson.dumps(
        {
            "id": coupon_id,
            "template_id": lot.row.id,
            "template_name": lot.row.name,
            "customer_id": wish.customer_id,
            "code": code,
            "status": "issued",
            "source": wish.source,
            "currency": lot.row.currency,
            "benefit": benefit if wish.face_amount is None else worth(lot.snapshot.benefit, wish.face_amount),
            "threshold": threshold,
            "valid_from": starts,
            "valid_until": ends,
            "issued_at": now,
            "server_time": now,
        }
    )
