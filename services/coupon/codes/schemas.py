"""What clients send and get about codes."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from services.coupon.code_format import ALPHABET, LEAST_PUBLIC, MOST_PREFIX, MOST_PUBLIC, Typed, normalised, readable
from shared.web import Body, ExternalId, Instant, Patch, View

MOST_CODES = 1_000_000
BatchStatus = Literal["running", "done", "voided"]
PublicStatus = Literal["active", "paused"]
Uses = Annotated[int, Field(strict=True, ge=1, le=10**12)]
PerCustomer = Annotated[int, Field(strict=True, ge=1, le=1000)]


def _prefix(value: str) -> str:
    plain = normalised(value)
    if len(plain) > MOST_PREFIX or any(one not in ALPHABET for one in plain):
        raise ValueError(f"must be up to {MOST_PREFIX} of the characters {ALPHABET} (no 0 O 1 I L, which look alike)")
    return plain


def _public(value: str) -> str:
    if not readable(value):
        raise ValueError(
            f"must hold {LEAST_PUBLIC} to {MOST_PUBLIC} letters or digits, not of alphabets that look alike (Latin, Greek, "
            "Cyrillic) together; spaces and hyphens don't count"
        )
    return value


Prefix = Annotated[str, StringConstraints(max_length=40), AfterValidator(_prefix)]
PublicText = Annotated[str, StringConstraints(max_length=100), AfterValidator(_public)]


class CodesIn(Body):
    """How many unique codes 兑换码 to make; `valid_until` is the last moment to redeem them."""

    count: Annotated[int, Field(strict=True, ge=1, le=MOST_CODES)]
    prefix: Prefix = ""
    valid_until: Instant | None = None


class BatchView(View):
    """A batch of unique codes. `made` of `count` exist already; `redeemed` of them turned into coupons."""

    id: str
    template_id: str
    status: BatchStatus
    prefix: str
    count: int
    made: int
    redeemed: int
    valid_until: Instant | None
    created_at: Instant
    updated_at: Instant


class CodeView(View):
    """One code of a batch."""

    number: int
    code: str
    customer_id: str | None
    coupon_id: str | None
    redeemed_at: Instant | None


class PublicLimits(Body):
    """How often a public code works: in all, and for each customer, who holds at most one unused coupon of it at a time."""

    total: Uses | None = None
    per_customer: PerCustomer = 1


class PublicCodeIn(Body):
    """A code for everybody 公共码, such as DOUBLE11."""

    code: PublicText
    template_id: ExternalId
    limits: PublicLimits = PublicLimits()
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    status: PublicStatus = "active"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        refuse_empty_window(self.valid_from, self.valid_until)
        return self


class PublicCodePatch(Patch):
    """What to change; `limits` replaces both limits."""

    nullable: ClassVar[frozenset[str]] = frozenset(("valid_from", "valid_until"))
    status: PublicStatus | None = None
    limits: PublicLimits | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None


class PublicCodeView(View):
    """A public code and how often it was redeemed."""

    id: str
    code: str
    template_id: str
    status: PublicStatus
    limits: PublicLimits
    used: int
    valid_from: Instant | None
    valid_until: Instant | None
    created_at: Instant
    updated_at: Instant


class RedeemIn(Body):
    """A code and who wants the coupon. Case, full width, spaces and hyphens make no difference."""

    code: Typed
    customer_id: ExternalId


class CodeLookupView(View):
    """What staff may know of a code 查码. `state` unused, redeemed, voided, expired or not started, paused, used up."""

    kind: Literal["unique", "public"]
    code: str
    state: Literal["usable", "redeemed", "voided", "expired", "not_started", "paused", "used_up"]
    template_id: str
    batch_id: str | None = None
    public_code_id: str | None = None
    customer_id: str | None = None
    coupon_id: str | None = None
    redeemed_at: Instant | None = None
    valid_until: Instant | None


def refuse_empty_window(start: datetime | None, end: datetime | None) -> None:
    """Raises ValueError when nothing lies between the two."""
    if start is not None and end is not None and end <= start:
        raise ValueError("the window ends before it starts; make `valid_until` later than `valid_from`")
