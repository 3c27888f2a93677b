"""The SQL of signed calls."""

from datetime import datetime

from gateway.signatures.models import RequestNonce
from shared.db import Transaction, insert_ignore


async def use_nonce(tx: Transaction, lineage_id: str, nonce: str, now: datetime) -> bool:
    """False when it was used before."""
    row = {"lineage_id": lineage_id, "nonce": nonce, "used_at": now}
    return bool(await insert_ignore(tx, RequestNonce.table, [row]))
