"""The room of profiles: who somebody is."""

from shared.room import Room


class ProfilesRoom(Room):
    """Offers functions that work in the caller's transaction: `resolving.resolve`, and the repository."""
