"""The room of events: what happened."""

from shared.room import Room


class EventsRoom(Room):
    """Offers `rules.Item`, an event made sound, and the repository that stores and finds them."""
