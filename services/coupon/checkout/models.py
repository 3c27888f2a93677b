"""Tables of the checkouts: the frozen cart and quote, the locks, the lines and their shares."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, PrimaryKeyConstraint, String, Text, text
from sqlmodel import Field

from services.coupon.base import Base
from shared.db import JsonType, UtcDateTime
from shared.web import partners_index

STATUSES = ("locked", "committed", "rolled_back", "expired")
_OPEN = text("status IN ('locked', 'committed')")
_DUE = text("status = 'locked'")
_LIVE = text("state = 'live'")
LOCK_STATES = ("live", "redeemed", "released", "returned")
FUNDERS = ("shop", "platform", "customer")
LINE_KINDS = ("goods", "gift", "shipping")


class Checkout(Base, table=True):
    """An order's hold on coupons 锁券. The quote is frozen here: commit and refund read it and never compute it again.

    `first_order`: it uses an offer for first orders 首单, so the customer's other orders may not, while it is open.
    An owner's order has at most one open (locked or committed) checkout; those that ended stay as history. `cart` is what was
    priced, without the customer's part of the request (None: made before carts were kept, so it can't be refunded here).
    `total` is the money to pay, `points` what is paid in points.
    """

    __tablename__ = "checkout"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("discount >= 0 AND discount <= subtotal", name="discount"),
        CheckConstraint("total >= 0", name="total"),
        CheckConstraint("points >= 0", name="points"),
        Index(
            "uq_checkout_open_order_id",
            "owner_id",
            "order_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_checkout_order_id", "order_id", "id"),
        Index("ix_checkout_due", "expires_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_checkout_customer_id", "customer_id", "id"),
        partners_index("checkout"),
    )

    id: str = Field(primary_key=True, sa_type=String(40))
    owner_id: str = Field(sa_type=String(40))
    order_id: str = Field(sa_type=String(200))
    customer_id: str = Field(sa_type=String(200))
    fingerprint: str = Field(sa_type=String(64))
    status: str = Field(sa_type=String(16))
    currency: str = Field(sa_type=String(3))
    subtotal: int = Field(sa_type=BigInteger)
    discount: int = Field(sa_type=BigInteger)
    first_order: bool = Field(False, sa_type=Boolean)
    total: int = Field(sa_type=BigInteger)
    points: int = Field(0, sa_type=BigInteger)
    quote: dict[str, object] = Field(sa_type=JsonType)
    cart: dict[str, object] | None = Field(None, sa_type=JsonType)
    ttl_seconds: int = Field(sa_type=Integer)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class CheckoutCoupon(Base, table=True):
    """One coupon in one checkout. The partial unique key allows a coupon one live lock; `token` fences older ones.

    `amount` is what it takes off, `cash_back` what it promises for later. `budget_taken` is what the lock took of the
    template's budget beyond what the coupon held before: it goes back with the lock.
    """

    __tablename__ = "checkout_coupon"
    __table_args__ = (
        PrimaryKeyConstraint("checkout_id", "coupon_id"),
        CheckConstraint(f"state IN {LOCK_STATES}", name="state"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("cash_back >= 0", name="cash_back"),
        CheckConstraint("budget_taken >= 0", name="budget_taken"),
        Index("uq_checkout_coupon_live", "coupon_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    checkout_id: str = Field(sa_type=String(40))
    coupon_id: str = Field(sa_type=String(40))
    template_id: str = Field(sa_type=String(40))
    token: int = Field(sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    cash_back: int = Field(0, sa_type=BigInteger)
    budget_taken: int = Field(0, sa_type=BigInteger)
    state: str = Field(sa_type=String(16))


class CheckoutPromotion(Base, table=True):
    """One promotion in one checkout. While it is live or redeemed it counts in the promotion's `issued` and budget.

    `budget_taken` is what it holds of the budget (0 without one), `day` the local day that it counts for (None without a
    daily limit). `step` numbers its entries.
    """

    __tablename__ = "checkout_promotion"
    __table_args__ = (
        PrimaryKeyConstraint("checkout_id", "promotion_id"),
        CheckConstraint(f"state IN {LOCK_STATES}", name="state"),
        CheckConstraint("amount >= 0 AND cash_back >= 0 AND budget_taken >= 0", name="not_negative"),
        Index(None, "promotion_id", "state"),
    )

    checkout_id: str = Field(sa_type=String(40))
    promotion_id: str = Field(sa_type=String(40))
    terms_version: int = Field(sa_type=Integer)
    amount: int = Field(sa_type=BigInteger)
    cash_back: int = Field(sa_type=BigInteger)
    budget_taken: int = Field(sa_type=BigInteger)
    day: str | None = Field(None, sa_type=String(10))
    state: str = Field(sa_type=String(16))
    step: int = Field(1, sa_type=Integer)


class PromotionEntry(Base, table=True):
    """One change of what a checkout takes of a promotion 活动流水. Append-only; the counters are the sums of it."""

    __tablename__ = "promotion_entry"
    __table_args__ = (
        PrimaryKeyConstraint("checkout_id", "promotion_id", "step"),
        CheckConstraint(f"to_state IN {LOCK_STATES}", name="state"),
        Index(None, "promotion_id"),
    )

    checkout_id: str = Field(sa_type=String(40))
    promotion_id: str = Field(sa_type=String(40))
    step: int = Field(sa_type=Integer)
    to_state: str = Field(sa_type=String(16))
    issued_change: int = Field(sa_type=Integer)
    budget_change: int = Field(sa_type=BigInteger)
    day: str | None = Field(None, sa_type=String(10))
    reason: str = Field(sa_type=Text)
    actor: str = Field(sa_type=String(255))
    occurred_at: datetime = Field(sa_type=UtcDateTime)


class CheckoutLine(Base, table=True):
    """One line of the order as it was sold; the shipping fee is a line of its own, of one unit.

    `discount` is what offers took off, `points` what is paid in points. `source` is the offer that gave a gift. `returned`
    counts the units that came back: the CHECK holds that no unit comes back twice.
    """

    __tablename__ = "checkout_line"
    __table_args__ = (
        PrimaryKeyConstraint("checkout_id", "line_id"),
        CheckConstraint(f"kind IN {LINE_KINDS}", name="kind"),
        CheckConstraint("(kind = 'gift') = (source IS NOT NULL)", name="source"),
        CheckConstraint("returned >= 0 AND returned <= quantity", name="returned"),
        CheckConstraint("discount >= 0 AND points >= 0 AND discount + points <= unit_price * quantity", name="shares"),
    )

    checkout_id: str = Field(sa_type=String(40))
    line_id: str = Field(sa_type=String(200))
    position: int = Field(sa_type=Integer)
    kind: str = Field(sa_type=String(16))
    source: str | None = Field(None, sa_type=String(40))
    unit_price: int = Field(sa_type=BigInteger)
    quantity: int = Field(sa_type=BigInteger)
    discount: int = Field(sa_type=BigInteger)
    points: int = Field(0, sa_type=BigInteger)
    returned: int = Field(0, sa_type=BigInteger)


class DiscountShare(Base, table=True):
    """What one source (an offer, or the points) takes off one line 分摊, frozen at the lock. `funder` pays for it."""

    __tablename__ = "discount_share"
    __table_args__ = (
        PrimaryKeyConstraint("checkout_id", "line_id", "source"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(f"funder IN {FUNDERS}", name="funder"),
    )

    checkout_id: str = Field(sa_type=String(40))
    line_id: str = Field(sa_type=String(200))
    source: str = Field(sa_type=String(40))
    layer: str = Field(sa_type=String(16))
    funder: str = Field("shop", sa_type=String(16))
    amount: int = Field(sa_type=BigInteger)
