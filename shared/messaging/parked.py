"""Parked messages as an operator reads them. Listing, replaying and dropping are calls of the bus itself, on either bus:

    bus.parked("journey.events")              the oldest hundred
    bus.replay("journey.events", [one.id])    without ids: all of the queue
    bus.drop("journey.events", [one.id])

A message may be parked because it is no message at all, so nothing here relies on what its body should be.
"""

from typing import Any

from pydantic_core import from_json

from shared.messaging.bus import Parked


def contents(parked: Parked) -> list[Any]:
    """The envelopes inside, as JSON values. What is not JSON comes as one `{"not_json": …}` with its first 2,000 characters.

    Holds customer data as it was sent.
    """
    try:
        found = from_json(parked.body)
    except ValueError:
        return [{"not_json": parked.body[:2000].decode(errors="replace")}]
    return found if isinstance(found, list) else [found]
