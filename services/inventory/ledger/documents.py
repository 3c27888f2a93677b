"""Documents with a reference of the caller's own: the same reference again gets the first answer, and does nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from services.inventory.ledger import repository
from shared.db import Transaction
from shared.ids import new_id
from shared.web import Conflict, fingerprint

Kind = Literal["adjustment", "shipment", "release"]
_PREFIXES: Final[Mapping[Kind, str]] = {"adjustment": "adj", "shipment": "shp", "release": "rel"}


class Document:
    """One adjustment, shipment or cancellation. `await register(...)` first, `await keep(...)` last, in one transaction."""

    def __init__(self, kind: Kind, owner_id: str, reference: str | None) -> None:
        self.id = new_id(_PREFIXES[kind])
        self._owner_id = owner_id
        self._kind = kind
        self._reference = reference

    async def register(self, tx: Transaction, body: Any, now: datetime) -> Mapping[str, Any] | None:
        """None: go on. Otherwise what was answered to this reference before.

        Raises Conflict (`reference_reused`) when the reference stood for another body. Without a reference there is
        nothing to register.
        """
        if self._reference is None:
            return None
        same = fingerprint(body)
        row = {"id": self.id, "owner_id": self._owner_id, "kind": self._kind, "reference": self._reference}
        earlier = await repository.insert_document(tx, row | {"fingerprint": same, "answer": {}, "created_at": now})
        if earlier is None:
            return None
        if earlier.fingerprint != same:
            raise Conflict(
                "reference_reused",
                "This reference was used for another body. Send the first body unchanged, or choose a new reference.",
                reference=self._reference,
            )
        return earlier.answer

    async def keep(self, tx: Transaction, answer: Mapping[str, Any]) -> None:
        """Keep the answer for the next time."""
        if self._reference is not None:
            await repository.update_document(tx, self.id, answer)
