"""Codes that were looked up, as they stand within one transaction: what each still gives, and to whom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from services.coupon.codes.rules import public_state, unique_state


@dataclass(frozen=True, slots=True)
class Had:
    """What a customer got by a public code last: the how manieth it was, and whether that coupon can still be used."""

    number: int
    coupon_id: str
    live: bool


class FoundCode(Protocol):
    """A code that exists. A round of grants holds what it wants first, and settles it with what came of it."""

    row: Any

    def hers(self, customer_id: str) -> str | None:
        """The coupon that this code gave the customer, when asking again gives that one."""

    def usable(self, now: datetime) -> bool: ...

    def busy(self, customer_id: str) -> bool:
        """True when what another ask of this round holds decides whether there is something left for this one."""

    def hold(self, customer_id: str) -> str:
        """Keep one use for the customer; answers its reference, which no other use of any code has."""

    def settle(self, customer_id: str, coupon_id: str | None) -> None:
        """End the hold: with the new coupon, or with nothing."""


@dataclass
class FoundUnique:
    """A unique code; `row` has also its batch's `template_id`, `batch_status` and `valid_until`."""

    row: Any
    _given: tuple[str, str] | None = None
    _held: bool = False

    def hers(self, customer_id: str) -> str | None:
        owner, coupon_id = self._given or (self.row.customer_id, self.row.coupon_id)
        return coupon_id if owner == customer_id else None

    def usable(self, now: datetime) -> bool:
        row = self.row
        return self._given is None and unique_state(row.coupon_id, row.batch_status, row.valid_until, now) == "usable"

    def busy(self, customer_id: str) -> bool:
        return self._held

    def hold(self, customer_id: str) -> str:
        self._held = True
        return f"{self.row.batch_id}:{self.row.number}"

    def settle(self, customer_id: str, coupon_id: str | None) -> None:
        self._held = False
        if coupon_id is not None:
            self._given = (customer_id, coupon_id)


@dataclass
class FoundPublic:
    """A public code and what the asking customers had of it."""

    row: Any
    had: Mapping[str, Had]
    _new: dict[str, Had] = field(default_factory=dict)
    _holding: set[str] = field(default_factory=set)
    _given: int = 0

    def number(self, customer_id: str) -> int:
        """How many coupons the customer has had by this code."""
        last = self._last(customer_id)
        return 0 if last is None else last.number

    def hers(self, customer_id: str) -> str | None:
        last = self._last(customer_id)
        if last is None or not (last.live or last.number >= self.row.per_customer):
            return None
        return last.coupon_id

    def usable(self, now: datetime) -> bool:
        return public_state(self.row, now) == "usable" and not self._full(0)

    def busy(self, customer_id: str) -> bool:
        return customer_id in self._holding or self._full(len(self._holding))

    def hold(self, customer_id: str) -> str:
        self._holding.add(customer_id)
        return f"{self.row.id}:{customer_id}:{self.number(customer_id) + 1}"

    def settle(self, customer_id: str, coupon_id: str | None) -> None:
        self._holding.discard(customer_id)
        if coupon_id is not None:
            self._given += 1
            self._new[customer_id] = Had(self.number(customer_id) + 1, coupon_id, live=True)

    def _last(self, customer_id: str) -> Had | None:
        return self._new.get(customer_id) or self.had.get(customer_id)

    def _full(self, held: int) -> bool:
        return self.row.total is not None and self.row.used + self._given + held >= self.row.total
