"""What an endpoint has that only we may read: its own headers, and the private half of its signing keys. Sealed at rest."""

import base64
from collections.abc import Iterable, Mapping

from pydantic_core import from_json, to_json

from shared.seals import Seal
from shared.webhooks import new_signing_key, public_key

_Opened = dict[str, str]


class Sealing:
    """Seals and opens them; sealed for one endpoint they open for no other."""

    def __init__(self, secret: str) -> None:
        self._headers = Seal(secret, "webhook headers")
        self._keys = Seal(secret, "webhook signing keys")

    def headers(self, endpoint_id: str, given: Mapping[str, str]) -> bytes | None:
        """Headers as they are stored; None for none."""
        return self._headers.seal(to_json(given), endpoint_id) if given else None

    def opened_headers(self, endpoint_id: str, sealed: bytes | None) -> _Opened:
        """What is sent. Nothing when it was sealed under another secret of the installation."""
        plain = self._headers.open(bytes(sealed), endpoint_id) if sealed else None
        return from_json(plain) if plain else {}

    def new_key(self, endpoint_id: str) -> tuple[str, str]:
        """A fresh Ed25519 key: as it is stored, and its public half `whpk_…`."""
        key = new_signing_key()
        return base64.b64encode(self._keys.seal(key, endpoint_id)).decode(), public_key(key)

    def opened_keys(self, endpoint_id: str, stored: Iterable[str]) -> list[bytes]:
        """The keys that sign."""
        found = (self._keys.open(base64.b64decode(one), endpoint_id) for one in stored)
        return [key for key in found if key is not None]
