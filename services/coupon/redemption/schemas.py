"""What customers, tills and merchants send and get about store redemption."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.coupon.pricing.schemas import MOST_LINES, LineIn
from shared.money import Currency
from shared.web import Amount, Body, ExternalId, Instant, Name, View

TokenText = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
MOST_SETTLED = 500


class TokenIn(Body):
    """Show this coupon at a till 出示券码."""

    coupon_id: ExternalId


class TokenView(View):
    """A token on show 核销码. Ask for a new one before `expires_at`; each works for less than a minute."""

    id: str
    coupon_id: str
    token: Annotated[str, Field(description="what the QR picture holds: a compact JWS, signed with Ed25519")]
    short_code: Annotated[str, Field(description="nine digits to read aloud where nothing can scan")]
    issued_at: Instant
    expires_at: Instant
    qr_svg_url: str


class PublicKey(View):
    """A public key as JWK (RFC 8037)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"
    kid: str
    x: Annotated[str, Field(description="base64url, 32 bytes")]


class KeySet(View):
    """The keys that tokens are signed with (JWK set). An offline till keeps a copy."""

    keys: list[PublicKey]


class RedemptionIn(Body):
    """Use a coupon at a till 核销. Name it by `token` (scanned), `short_code` (typed), or `coupon_id` with `customer_id`.

    With `lines` the discount is priced; else `amount` says what the till takes off, by default the coupon's face amount.
    """

    token: TokenText | None = None
    short_code: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    coupon_id: ExternalId | None = None
    customer_id: ExternalId | None = None
    order_ref: Annotated[
        ExternalId, Field(description="the till's receipt 小票号; the same again gets the same answer")
    ]
    amount: Amount | None = None
    currency: Currency = "CNY"
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MOST_LINES)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if sum(one is not None for one in (self.token, self.short_code, self.coupon_id)) != 1:
            raise ValueError("name the coupon once: by token, by short_code, or by coupon_id with customer_id")
        if (self.coupon_id is None) != (self.customer_id is None):
            raise ValueError("coupon_id and customer_id go together, and without them give neither")
        if self.amount is not None and self.lines is not None:
            raise ValueError("give lines to have the discount priced, or its amount, not both")
        names = [line.line_id for line in self.lines or ()]
        if len(set(names)) < len(names):
            raise ValueError("two lines have the same line_id; give each its own")
        return self


class RedemptionView(View):
    """A coupon used at a till 核销记录. Its `coupon.redeemed` message carries `id` as `redemption_id`."""

    id: str
    coupon_id: str
    template_id: str
    customer_id: str
    shop_id: str
    staff_key_id: str
    order_ref: str
    amount: int
    currency: str
    status: Literal["redeemed", "reversed"]
    offline: bool
    redeemed_at: Instant
    created_at: Instant
    reversed_at: Instant | None
    reverse_reason: str | None


class ReverseIn(Body):
    """Why the redemption is taken back 撤销核销."""

    reason: Name


class SettlementItem(Body):
    """What an offline till did: `redeemed_at` by its own clock, within the token's life."""

    token: TokenText
    redeemed_at: Instant
    order_ref: ExternalId
    amount: Amount


class SettlementIn(Body):
    """What a till did while it was offline 离线核销补录, in any order; sending it again changes nothing."""

    redemptions: Annotated[list[SettlementItem], Field(min_length=1, max_length=MOST_SETTLED)]


class SettledView(View):
    """What became of one item. `conflict`: the coupon was no longer to be had; the loss stands among the conflicts."""

    order_ref: str
    outcome: Literal["redeemed", "replayed", "conflict", "refused"]
    code: str | None = None
    detail: str | None = None
    detail_zh: str | None = None
    redemption_id: str | None = None
    conflict_id: str | None = None


class SettlementView(View):
    """One answer for each item, in their order."""

    results: list[SettledView]


class RedemptionConflictView(View):
    """An offline till gave a discount for a coupon that was gone 核销冲突. `held_by`: where it is used."""

    id: str
    coupon_id: str
    customer_id: str
    shop_id: str
    staff_key_id: str
    order_ref: str
    amount: int
    code: str
    held_by: str | None
    redeemed_at: Instant
    created_at: Instant
