"""Codes that were looked up, as they stand within one transaction: what each still gives, and to whom. Pure.

A round of grants keeps what it wants first (`keep`), and settles it with what came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.coupon.codes.models import PublicCode
from services.coupon.codes.rules import public_state, unique_state


@dataclass(frozen=True, slots=True)
class LastUse:
    """What a customer got by a public code last: the how manieth it was, and whether that coupon can still be used."""

    number: int
    coupon_id: str
    live: bool


class UniqueCode(NamedTuple):
    """A unique code with what its batch says."""

    batch_id: str
    number: int
    code: str
    customer_id: str | None
    coupon_id: str | None
    redeemed_at: datetime | None
    owner_id: str
    template_id: str
    batch_status: str
    valid_until: datetime | None


@dataclass
class FoundUnique:
    """A unique code: it gives one coupon to whoever comes first."""

    row: UniqueCode
    _given: tuple[str, str] | None = None
    _kept: bool = False

    def coupon_of(self, customer_id: str) -> str | None:
        """The coupon that this code gave the customer, when asking again gives that one."""
        owner, coupon_id = self._given or (self.row.customer_id, self.row.coupon_id)
        return coupon_id if owner == customer_id else None

    def usable(self, now: datetime) -> bool:
        """Whether it may give another coupon."""
        row = self.row
        return self._given is None and unique_state(row.coupon_id, row.batch_status, row.valid_until, now) == "usable"

    def busy(self, _customer_id: str) -> bool:
        """True when what another ask of this round keeps decides whether there is something left for this one."""
        return self._kept

    def keep(self, _customer_id: str) -> str:
        """Keep its one use; answers the use's reference, which no other use of any code has."""
        self._kept = True
        return f"{self.row.batch_id}:{self.row.number}"

    def settle(self, customer_id: str, coupon_id: str | None) -> None:
        """End what was kept: with the new coupon, or with nothing."""
        self._kept = False
        if coupon_id is not None:
            self._given = (customer_id, coupon_id)


@dataclass
class FoundPublic:
    """A public code and what the asking customers had of it."""

    row: PublicCode
    had: Mapping[str, LastUse]
    _new: dict[str, LastUse] = field(default_factory=dict)
    _keeping: set[str] = field(default_factory=set)
    _given: int = 0

    def number(self, customer_id: str) -> int:
        """How many coupons the customer has had by this code."""
        last = self._last(customer_id)
        return 0 if last is None else last.number

    def coupon_of(self, customer_id: str) -> str | None:
        """The coupon that this code gave the customer last, when asking again gives that one."""
        last = self._last(customer_id)
        if last is None or not (last.live or last.number >= self.row.per_customer):
            return None
        return last.coupon_id

    def usable(self, now: datetime) -> bool:
        """Whether it may give another coupon."""
        return public_state(self.row, now) == "usable" and not self._full(0)

    def busy(self, customer_id: str) -> bool:
        """True when what another ask of this round keeps decides whether there is something left for this one."""
        return customer_id in self._keeping or self._full(len(self._keeping))

    def keep(self, customer_id: str) -> str:
        """Keep one use for the customer; answers the use's reference, which no other use of any code has."""
        self._keeping.add(customer_id)
        return f"{self.row.id}:{customer_id}:{self.number(customer_id) + 1}"

    def settle(self, customer_id: str, coupon_id: str | None) -> None:
        """End what was kept: with the new coupon, or with nothing."""
        self._keeping.discard(customer_id)
        if coupon_id is not None:
            self._given += 1
            self._new[customer_id] = LastUse(self.number(customer_id) + 1, coupon_id, live=True)

    def _last(self, customer_id: str) -> LastUse | None:
        return self._new.get(customer_id) or self.had.get(customer_id)

    def _full(self, kept: int) -> bool:
        return self.row.total is not None and self.row.used + self._given + kept >= self.row.total


FoundCode = FoundUnique | FoundPublic
"""A code that exists."""
