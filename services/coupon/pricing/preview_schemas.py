"""What marketers send and get when they try drafts 试算预览."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.coupon.pricing.schemas import EXAMPLE, CartIn, QuoteView
from services.coupon.promotions.schemas import as_a_promotion
from services.coupon.templates.schemas import TemplateIn
from services.coupon.templates.scopes import Flag
from shared.web import ExternalId, Unprocessable, View
from shared.web.schemas import Simulated

MOST_DRAFTS = 50
_DRAFT: dict[str, Any] = {
    "ref": "满300减50",
    "name": "满300减50",
    "benefit": {"kind": "amount_off", "amount": 5000},
    "threshold": {"amount": 30000},
}


class DraftIn(TemplateIn):
    """The body of a new offer, with a name (`ref`) for the answer. `automatic`: as a promotion, else as a coupon."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DRAFT]})
    ref: ExternalId
    automatic: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _as_a_promotion(cls, body: Any) -> Any:
        return as_a_promotion(body) if isinstance(body, dict) and body.get("automatic") is True else body


class PreviewIn(CartIn):
    """A cart and the drafts to try on it. `coupons` may name the refs that are to be used; `live`: with the promotions
    that run. The customer's wallet is not looked at."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "drafts": [_DRAFT], "live": False}]})
    drafts: Annotated[list[DraftIn], Field(min_length=1, max_length=MOST_DRAFTS)]
    live: Annotated[Flag, Field(description="true: price the cart with the running promotions as well")] = False
    at: Annotated[Simulated | None, Field(description="the instant to price at; default now")] = None

    @model_validator(mode="after")
    def _distinct_drafts(self) -> Self:
        refs = [draft.ref for draft in self.drafts]
        if len(set(refs)) < len(refs):
            raise ValueError("two drafts have the same ref; give each its own")
        if any(ref.startswith("prm_") for ref in refs):
            raise ValueError("a ref may not begin with prm_, as the ids of promotions do")
        if self.codes:
            raise Unprocessable("codes_in_preview", "A preview prices drafts; leave `codes` empty.")
        return self


class DraftFault(View):
    """Why a draft would be refused when it is created. `offers` names the live ones that it is about, `example_lines` a cart."""

    ref: str
    pointer: str
    code: str
    detail: str
    offers: list[str]
    example_lines: list[dict[str, Any]] | None = None


class ConflictOffer(View):
    """One offer of a stack: a draft, or a live one."""

    ref: str | None = None
    template_id: str | None = None
    promotion_id: str | None = None
    name: str


class ConflictView(View):
    """Offers that together make the goods free, or sell lines under their cost, on this cart.

    `amount` is the worth of what is free, or what is missing to the cost. `allowed`: the draft sets allow_zero_pay.
    """

    ref: str
    kind: Literal["free", "under_cost"]
    offers: list[ConflictOffer]
    lines: list[str]
    amount: int
    allowed: bool
    detail: str
    detail_zh: str


class PreviewView(QuoteView):
    """The price as if the customer held one coupon of each draft, with `ref` in the place of `coupon_id`.

    `conflicts`: stacks that go too far on this cart, of a draft with the other drafts and the `compared_with` live offers
    that take most off it.
    `faults`: all that would refuse a draft at its creation.
    """

    conflicts: list[ConflictView]
    compared_with: int
    faults: list[DraftFault]
