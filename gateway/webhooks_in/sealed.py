"""Secrets of sources at rest: sealed as a whole, each for its source, in the list of `gateway/rotation.py`."""

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json, to_json

from gateway import rotation
from gateway.webhooks_in.schemes import Secret
from shared.seals import Seal
from shared.service import Kit


class SealedSecrets:
    """What lies in `Source.secrets` is no use to who has a copy of the database."""

    def __init__(self, kit: Kit) -> None:
        self._seal = Seal(kit.secret, "webhook sources")

    def sealed(self, secret: Secret, source_id: str) -> str:
        """The text to store."""
        return base64.b64encode(self._seal.seal(to_json(dict(secret)), source_id)).decode()

    def live(self, stored: Iterable[dict[str, Any]], source_id: str, now: datetime) -> Sequence[Secret]:
        """The secrets in force, newest first; without those sealed under another secret of the installation."""
        opened = [self._opened(text, source_id) for text in rotation.live(stored, now)]
        return [from_json(plain) for plain in opened if plain is not None]

    def _opened(self, text: str, source_id: str) -> bytes | None:
        try:
            return self._seal.open(base64.b64decode(text, validate=True), source_id)
        except ValueError:
            return None  # what was never sealed proves nothing


class SealedBodies:
    """What partners told, kept for a while to be replayed. It names customers: it opens for its row only."""

    def __init__(self, kit: Kit) -> None:
        self._seal = Seal(kit.secret, "webhook bodies")

    def sealed(self, body: bytes, source_id: str, delivery_id: str) -> bytes:
        """The bytes to store."""
        return self._seal.seal(body, f"{source_id} {delivery_id}")

    def opened(self, sealed: bytes, source_id: str, delivery_id: str) -> bytes | None:
        """The message again; None when it was sealed under another secret of the installation."""
        return self._seal.open(sealed, f"{source_id} {delivery_id}")
