"""Messages between the parts: bus, outbox, inbox."""

from shared.messaging.bus import Bus, BusUnavailable, Deliver, Depth, Failed, Pack, Parked, Subscription
from shared.messaging.consumer import Consumer
from shared.messaging.local import LocalBus
from shared.messaging.outbox import Outbox, Relay
from shared.messaging.pace import rest_after

__all__ = [
    "Bus",
    "BusUnavailable",
    "Consumer",
    "Deliver",
    "Depth",
    "Failed",
    "LocalBus",
    "Outbox",
    "Pack",
    "Parked",
    "Relay",
    "Subscription",
    "rest_after",
]
