"""The room of what is known about customers."""

from shared.room import Room


class CustomersRoom(Room):
    """Offers functions alone: traits are taken in and looked up in the transaction of who asks."""
