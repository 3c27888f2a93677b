"""What a scheme does: it proves that a delivery was signed by who shares the secret, and names the delivery."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

LONGEST_ID = 200


class Scheme(Protocol):
    """No state, no clock, no I/O. Comparisons take the same time for right and wrong."""

    def new_secret(self) -> str:
        """A fresh secret of at least 128 random bits, in the form that partners of this scheme expect."""

    def check_secret(self, secret: str) -> None:
        """Raises ValueError, with what to do, for a secret that this scheme can't use or that could be guessed."""

    def prove(self, live_secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The delivery's id (1 to 200 characters), the same whenever it is repeated. `headers` has lower-case names.

        Raises SignatureInvalid, never anything else, whatever was sent.
        """
