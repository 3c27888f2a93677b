"""What other rooms ask about locations."""

from collections.abc import Sequence

from sqlalchemy import select

from services.inventory.locations.models import Location
from shared.db import Transaction, table
from shared.web import FieldError, Unprocessable

_ADVICE = "There is no location with this id. Create it with POST /v1/locations."


async def known_locations(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are locations."""
    if not ids:
        return set()
    column = table(Location).c.id
    return set((await tx.execute(select(column).where(column.in_(ids)))).scalars())


async def require_locations(tx: Transaction, named: Sequence[tuple[str, str]]) -> None:
    """Every (id, JSON pointer of the field that named it) must be a location, else Unprocessable `unknown_location`."""
    known = await known_locations(tx, sorted({id_ for id_, _ in named}))
    errors = [
        FieldError(pointer=pointer, code="unknown_location", detail=_ADVICE)
        for id_, pointer in named
        if id_ not in known
    ]
    if errors:
        raise Unprocessable("unknown_location", f"{errors[0].pointer}: {_ADVICE}", errors=errors[:50])
