"""How a partner's JSON becomes one of our messages, as the merchant says it in `maps_to`."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from gateway.webhooks_in.pointers import SHAPE
from gateway.webhooks_in.ready import READY
from shared.web import Body

OrderEventName = Literal["order.paid", "order.cancelled", "order.completed", "order.refunded"]
EVENT_NAMES: tuple[str, ...] = get_args(OrderEventName)
ANY_ORDER_EVENT = "order.*"
_CHECKOUTS = "coupon:checkouts:write"
SCOPES: Mapping[str, tuple[str, ...]] = {
    "order.paid": (_CHECKOUTS,),
    "order.cancelled": (_CHECKOUTS,),
    "order.completed": (_CHECKOUTS, "coupon:completions:write"),
    "order.refunded": (_CHECKOUTS, "coupon:refunds:write"),
}
"""Which scopes somebody needs to do by the API what each message does. One that tells of the end of an order that was not
paid yet pays it first.
"""


def _pointer(text: str) -> str:
    if not SHAPE.fullmatch(text):
        raise ValueError("a JSON pointer reads `/order/id`; write `~0` for `~` and `~1` for `/` in a name")
    return text


Pointer = Annotated[
    str,
    Field(max_length=300, examples=["/order/id"], json_schema_extra={"format": "json-pointer"}),
    AfterValidator(_pointer),
]
Places = Pointer | Annotated[tuple[Pointer, ...], Field(min_length=1, max_length=5)]
"""One place, or several."""
ReadyName = Literal["taobao.orders", "pdd.orders", "douyin.orders", "wechat_shop.orders", "wechat_pay.orders"]
TheirType = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Fields(Body):
    """Where the fields of our message stand; of several places the first where something is. `line_id` and `quantity` are looked
    for within each item of `lines`.

    `whole_if_equal` names two amounts (numbers, or texts such as "89.00"): where they are the same, a refund is of the whole
    order; where not, of its `lines`, and without those it is refused.
    """

    model_config = ConfigDict(frozen=True)
    order_id: Places
    refund_id: Places | None = None
    reason: Places | None = None
    policy: Places | None = None
    lines: Pointer | None = None
    whole_if_equal: tuple[Pointer, Pointer] | None = None
    line_id: Pointer = "/line_id"
    quantity: Pointer = "/quantity"


class MapsTo(Body):
    """One of four: `ready`, the name of a mapping that stands in `ready.py`; `event` alone for bodies `{"type", "data"}` in our
    own shape (`order.*`: all four); `event` and `fields` where every delivery tells the same; `type_at`, `types` and `fields`
    where the body says what it tells. What stands at several `type_at` is joined by `|` ("101|2"); what is missing is left out.

    A refund whose `lines` are not there is refused, unless `whole_without_lines` says that then all of the order comes back.
    """

    model_config = ConfigDict(frozen=True)
    event: Literal["order.paid", "order.cancelled", "order.completed", "order.refunded", "order.*"] | None = None
    ready: ReadyName | None = None
    type_at: Places | None = None
    types: Annotated[dict[TheirType, OrderEventName], Field(min_length=1, max_length=50)] | None = None
    fields: Fields | None = None
    whole_without_lines: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _one_of_four(self) -> Self:
        if self.ready is not None:
            if self.model_fields_set != {"ready"}:
                raise ValueError("`ready` stands alone")
            return self
        if (self.event is None) == (self.type_at is None):
            raise ValueError("give `ready`, or `event`, or `type_at` with `types`")
        if (self.type_at is None) != (self.types is None):
            raise ValueError("`type_at` and `types` go together")
        if self.fields is None:
            if self.types is not None:
                raise ValueError("with `types`, say in `fields` where order_id stands")
            if self.whole_without_lines:
                raise ValueError(
                    "`whole_without_lines` belongs to `fields`: in our own shape no lines means all of them"
                )
        elif self.event == ANY_ORDER_EVENT:
            raise ValueError("with `fields`, name one event, or tell them apart with `type_at` and `types`")
        elif "order.refunded" in self.events() and self.fields.refund_id is None:
            raise ValueError("order.refunded needs `refund_id` in `fields`: it makes a refund happen once")
        return self

    def spelled_out(self) -> "MapsTo":
        """Without `ready`: what that name stands for."""
        return self if self.ready is None else MapsTo.model_validate(READY[self.ready])

    def events(self) -> set[str]:
        """The names of the messages that deliveries may become."""
        if self.ready is not None:
            return self.spelled_out().events()
        if self.types is not None:
            return set(self.types.values())
        return set(EVENT_NAMES) if self.event == ANY_ORDER_EVENT else {str(self.event)}

    def scopes(self) -> list[str]:
        """What a key must hold to let a partner tell them."""
        return sorted({scope for event in self.events() for scope in SCOPES[event]})
