"""The room of signed calls."""

from datetime import timedelta

from gateway.keys.room import KeysRoom
from gateway.signatures.models import RequestNonce
from gateway.signatures.proof import Signatures
from gateway.signatures.rules import SKEW_SECONDS
from shared.loops import Loop
from shared.pruning import Pruner
from shared.room import Room
from shared.service import Kit

_KEPT = timedelta(seconds=2 * SKEW_SECONDS + 60)
"""As long as a timestamp from the future is good, and as replicas' clocks may differ."""


class SignaturesRoom(Room):
    """Offers `signatures`, which tell who signed a call."""

    def __init__(self, kit: Kit, keys: KeysRoom) -> None:
        self.signatures = Signatures(kit, keys.cache)
        forgotten = Pruner(kit.db, kit.clock, {RequestNonce.c.used_at: _KEPT})
        self.loops = [Loop("prune nonces", forgotten.tick, 300.0, timed=True)]
