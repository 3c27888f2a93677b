"""What goes into the engine and what comes out of it. Pure shapes; amounts are minor units, shares stand per cart line."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.coupon.pricing.cart import Cart
from services.coupon.reasons import Reason, explain
from services.coupon.templates.terms import Terms

Shares = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """One coupon, or one running promotion (`automatic`), as the engine sees it.

    `face_amount` stands in the place of the benefit's amount (cash-back coupons each have their own worth).
    """

    id: str
    template_id: str
    terms: Terms
    expires_at: datetime
    terms_version: int = 1
    automatic: bool = False
    face_amount: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an offer is not used. `missing_amount` / `missing_quantity` tell the next step 凑单.

    `unmet`: all conditions of the offer that are not met, each with what is missing to it; the refusal speaks of the first.
    """

    code: str
    detail: str
    detail_zh: str
    missing_amount: int | None = None
    missing_quantity: int | None = None
    excluded_by: str | None = None
    unmet: "tuple[Refusal, ...]" = ()

    @classmethod
    def of(
        cls,
        key: str,
        *,
        currency: str = "CNY",
        missing_amount: int | None = None,
        missing_quantity: int | None = None,
        excluded_by: str | None = None,
        **values: int | str,
    ) -> "Refusal":
        """The refusal of that key of `reasons`."""
        missing = {"missing_amount": missing_amount, "missing_quantity": missing_quantity}
        known = {name: value for name, value in missing.items() if value is not None}
        reason: Reason = explain(key, currency=currency, **known, **values)
        return cls(reason.code, reason.detail, reason.detail_zh, missing_amount, missing_quantity, excluded_by)

    @classmethod
    def of_all(cls, conditions: "Sequence[Refusal]") -> "Refusal":
        """The refusal for all of these conditions at once: the words of the first, and the most that any of them asks for."""
        amounts = [one.missing_amount for one in conditions if one.missing_amount is not None]
        pieces = [one.missing_quantity for one in conditions if one.missing_quantity is not None]
        return replace(
            conditions[0],
            missing_amount=max(amounts, default=None),
            missing_quantity=max(pieces, default=None),
            unmet=tuple(conditions),
        )


@dataclass(frozen=True, slots=True)
class ExtraLine:
    """Goods that an offer adds to the order at price 0 赠品: named by SKU (gift) or product (exchange)."""

    source: str
    quantity: int
    sku: str | None = None
    product_id: str | None = None


@dataclass(frozen=True, slots=True)
class PromisedCashBack:
    """What an offer gives back once the order completes, as a coupon that is valid for so many days."""

    source: str
    amount: int
    valid_days: int


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a used offer would take off in all, if the cart held so much more of its goods 凑单."""

    would_take_off: int
    missing_amount: int | None = None
    missing_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A used offer: its share of each line, of the shipping fee, and what else it brings."""

    offer: Offer
    shares: Shares
    shipping: int = 0
    gifts: tuple[ExtraLine, ...] = ()
    cash_back: PromisedCashBack | None = None
    next_step: NextStep | None = None

    @property
    def amount(self) -> int:
        """All that it takes off, goods and shipping."""
        return sum(self.shares) + self.shipping


@dataclass(frozen=True, slots=True)
class Answer:
    """The price of a cart: what is used, in the order of application, and why the other offers are not.

    `running` is what is left to pay of each line after discounts and points. No combination takes more than `bound` off
    (goods and shipping together); `exact` when that is what this one takes.
    """

    cart: Cart
    uses: tuple[Use, ...]
    running: Shares
    shipping_left: int
    points: Shares
    refused: dict[str, Refusal] = field(default_factory=dict)
    exact: bool = True
    bound: int = 0

    @property
    def discount(self) -> int:
        """What all offers take off the goods."""
        return sum(sum(use.shares) for use in self.uses)

    @property
    def shipping_discount(self) -> int:
        """What all offers take off the shipping fee."""
        return sum(use.shipping for use in self.uses)

    @property
    def points_discount(self) -> int:
        """What is paid in points."""
        return sum(self.points)

    @property
    def total(self) -> int:
        """What the customer pays."""
        return sum(self.running) + self.shipping_left

    @property
    def extra_lines(self) -> Sequence[ExtraLine]:
        """What the used offers add to the order at price 0."""
        return tuple(extra for use in self.uses for extra in use.gifts)

    @property
    def cash_back(self) -> Sequence[PromisedCashBack]:
        """What the used offers promise for the completed order."""
        return tuple(use.cash_back for use in self.uses if use.cash_back is not None)
