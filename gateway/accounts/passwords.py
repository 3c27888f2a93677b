"""Passwords are hashed with argon2id, in threads and few at once: guesses wait for each other and for nobody else.

Parameters are those of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane (25 ms on a small machine).
"""

import asyncio
import os

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.accounts.rules import plain_password
from shared.web.lanes import Lane, Lanes

_MOST_WAITING = 100
"""Strangers' guesses that may wait: two or three seconds of work."""


class Passwords:
    """`hash` and `matches`. `who` is the address or device that asks; each waits in a lane of its own.

    Known browsers have a lane beside that of all strangers: a flood of guesses keeps no operator waiting.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
        at_once = max(1, (os.cpu_count() or 1) // 4)
        self._strangers = Lane(at_once, _MOST_WAITING)
        self._of_address = Lanes(at_once=_MOST_WAITING, each=1, waiting=4)
        self._known = Lanes(at_once, each=1, waiting=4)
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str, who: str) -> str:
        """What is stored of a password. Whoever sets one has proved themselves: it waits with known browsers."""
        async with self._known.turn(who):
            return await asyncio.to_thread(self._hasher.hash, plain_password(password))

    async def matches(self, password: str, stored: str | None, who: str, *, known: bool) -> bool:
        """Whether it is the stored one. Without a stored one the answer is no, after the same time. Raises Unavailable."""
        if known:
            async with self._known.turn(who):
                return await asyncio.to_thread(self._compare, password, stored)
        async with self._of_address.turn(who), self._strangers.turn():
            return await asyncio.to_thread(self._compare, password, stored)

    def _compare(self, password: str, stored: str | None) -> bool:
        try:
            return self._hasher.verify(stored or self._nobodys, plain_password(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
