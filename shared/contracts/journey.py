"""What the journey service tells and asks: runs 旅程实例, messages sent, coupons wanted, rules to evaluate."""

from typing import Any

from shared.contracts.base import Event, OwnedEvent, contract


class RunEvent(OwnedEvent):
    """One customer in one journey."""

    journey_id: str
    journey_name: str
    journey_version: int
    run_id: str
    customer_id: str
    reason: str
    goal_reached: bool = False


@contract("journey.entered", owner="journey", public=True)
class JourneyEntered(RunEvent):
    """A customer entered a journey 进入旅程."""


@contract("journey.completed", owner="journey", public=True)
class JourneyCompleted(RunEvent):
    """The run walked to an exit node 走完旅程."""


@contract("journey.exited", owner="journey", public=True)
class JourneyExited(RunEvent):
    """The run ended early: exit criteria, stop or failure; `reason` says which 提前退出."""


class MessageOutcome(OwnedEvent):
    """What became of one message to one customer."""

    message_id: str
    journey_id: str | None
    run_id: str | None
    customer_id: str
    channel: str
    template_id: str
    reason: str | None = None


@contract("message.sent", owner="journey", public=True)
class MessageSent(MessageOutcome):
    """The channel accepted the message 已发送."""


@contract("message.failed", owner="journey", public=True)
class MessageFailed(MessageOutcome):
    """The message was not sent; `reason` says why 发送失败."""


@contract("journey.coupon_requested", owner="journey")
class CouponRequested(Event):
    """Asks the coupon service for one coupon. The same `reference` gets the same coupon, however often it is asked."""

    reference: str
    template_id: str
    customer_id: str
    journey_id: str
    run_id: str


@contract("journey.rule_asked", owner="journey")
class RuleAsked(Event):
    """Asks the segments service whether a rule holds for one customer now."""

    reference: str
    customer_id: str
    rule: dict[str, Any]
