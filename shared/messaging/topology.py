"""Names and arguments of everything that the RabbitMQ bus declares. Portable from RabbitMQ 3.10 to 4.x.

    publisher ──► {prefix}.events (topic exchange)
                      │ by event name
                      ▼
                  {prefix}.{consumer} (quorum queue) ──► handler
                      ▲                                     │ failed: a confirmed copy, then the acknowledgement
                      │ after its time                      ▼
                      └──────────────────── {prefix}.{consumer}.wait.{milliseconds}
                                            {prefix}.{consumer}.parked, when it failed after the last wait too

Every queue is a quorum queue with an explicit delivery limit, because 4.x sets one of its own (20) that would drop parked
messages after a few listings. What dies in a consumer's queue itself (a message that killed its process again and again)
is dead-lettered to the parked queue by the broker, at least once.
"""

from dataclasses import dataclass
from typing import Any

UNLIMITED = 2**31 - 1
"""A delivery limit that is never reached; -1 would say it better, but 3.x refuses it."""


@dataclass(frozen=True, slots=True)
class Topology:
    """`prefix` begins every name; `delivery_limit` is how often the broker itself hands over one message again
    (connections lost, processes killed) before it parks it."""

    prefix: str
    retry_seconds: tuple[float, ...]
    delivery_limit: int = 50

    @property
    def exchange(self) -> str:
        """The name of the one exchange."""
        return f"{self.prefix}.events"

    def queue(self, consumer: str) -> str:
        """The name of a consumer's queue."""
        return f"{self.prefix}.{consumer}"

    def parked(self, consumer: str) -> str:
        """The name of the queue of what failed for good."""
        return f"{self.prefix}.{consumer}.parked"

    def waiting(self, consumer: str, seconds: float) -> str:
        """The time is part of the name: changing the waits never meets an old queue with other arguments."""
        return f"{self.prefix}.{consumer}.wait.{round(seconds * 1000)}"

    def after_failure(self, attempts: int) -> float | None:
        """How many seconds a message waits that has failed `attempts` times; None: it is parked."""
        return self.retry_seconds[attempts - 1] if attempts <= len(self.retry_seconds) else None

    def queue_arguments(self, consumer: str) -> dict[str, Any]:
        """What the broker is told of a consumer's queue."""
        return self._quorum(self.delivery_limit, **_dead_letter_to(self.parked(consumer)))

    def parked_arguments(self) -> dict[str, Any]:
        """What the broker is told of a parked queue."""
        return self._quorum(UNLIMITED)

    def waiting_arguments(self, consumer: str, seconds: float) -> dict[str, Any]:
        """What the broker is told of a queue in which messages wait for another try."""
        back = _dead_letter_to(self.queue(consumer))
        return self._quorum(UNLIMITED, **back, **{"x-message-ttl": round(seconds * 1000)})

    @staticmethod
    def _quorum(delivery_limit: int, **more: Any) -> dict[str, Any]:
        return {"x-queue-type": "quorum", "x-delivery-limit": delivery_limit, **more}


def _dead_letter_to(queue: str) -> dict[str, Any]:
    """Through the default exchange, so that a returning message reaches this one queue and no other subscriber.

    At-least-once dead-lettering needs `reject-publish`; without it a message may get lost on the way between two queues.
    """
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
