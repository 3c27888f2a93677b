"""HTTP shapes of message templates."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from services.journey.run import Channel
from services.journey.templates.rules import LONGEST_SOURCE
from shared.web import Body, ExternalId, Instant, JsonObject, Name, View

Source = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SOURCE)]


class MessageTemplateIn(Body):
    """A message in Liquid; it sees `customer`, `event`, `coupon` and `journey`."""

    name: Name
    channel: Channel
    subject: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    body: Source
    locale: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = "zh-CN"
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        default=None, description="Webhook only: where its messages are posted, unless the node names another URL."
    )

    @model_validator(mode="after")
    def _url_is_for_webhooks(self) -> Self:
        if self.url is not None and self.channel != "webhook":
            raise ValueError("only the channel webhook takes a url; leave it out")
        return self


class MessageTemplateView(View):
    """A message template. It never changes; make another one instead."""

    id: str
    name: str
    channel: Channel
    subject: str | None
    body: str
    locale: str
    url: str | None
    created_at: Instant


class MessageTemplateCreated(MessageTemplateView):
    """With the signing secret of a webhook template, shown this once."""

    secret: str | None


class PreviewIn(Body):
    """What to render with: a known customer's traits, and data of one's own over them."""

    customer_id: ExternalId | None = None
    customer: JsonObject = Field(default_factory=dict)
    event: JsonObject = Field(default_factory=dict)
    coupon: JsonObject = Field(default_factory=dict)
    journey: JsonObject = Field(default_factory=dict)


class PreviewView(View):
    """The message as the customer would get it."""

    channel: Channel
    subject: str | None
    body: str
