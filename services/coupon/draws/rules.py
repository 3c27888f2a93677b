"""How a ticket's prize comes from the seed: algorithm `v1`, as `docs/draws.md` describes it for outsiders. Pure."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.coupon.draws.models import DrawPrize

ALGORITHM = "v1"
WHOLE = 10_000
"""Odds are basis points of this."""
_FAIR = (1 << 64) // WHOLE * WHOLE
"""Numbers of 64 bits from here on are drawn again, else low points would come a little more often."""
RAN_OUT = "ran_out"


def seed_hash(seed: str) -> str:
    """What is published before the first ticket: SHA-256 of the seed's 32 bytes, in hexadecimal digits."""
    return hashlib.sha256(bytes.fromhex(seed)).hexdigest()


def point(seed: str, draw_id: str, number: int, customer_id: str) -> int:
    """The ticket's point, 0 to 9999, each as likely as any other."""
    attempt = 0
    while True:
        message = f"{draw_id}|{number}|{customer_id}|{attempt}".encode()
        value = int.from_bytes(hmac.new(bytes.fromhex(seed), message, hashlib.sha256).digest()[:8], "big")
        if value < _FAIR:
            return value % WHOLE
        attempt += 1


def drawn_at(ticket_point: int, odds: Sequence[int]) -> int | None:
    """The place of the prize in whose part of the 10,000 points this one lies; None when it lies behind all."""
    end = 0
    for place, odds_bp in enumerate(odds):
        end += odds_bp
        if ticket_point < end:
            return place
    return None


def linked(before: str, ticket: Mapping[str, Any]) -> str:
    """The hash that ties a ticket to all before it: whoever keeps one knows that none of them was changed later."""
    names = ("number", "customer_id", "drawn", "prize", "reason", "coupon_id")
    text = json.dumps([before, *(ticket[name] for name in names)], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def closed_now(status: str, starts_at: datetime, ends_at: datetime, now: datetime) -> str | None:
    """Why no ticket is drawn now; None when the draw is open."""
    if status == "closed":
        return "draw_closed"
    if now < starts_at:
        return "draw_not_started"
    return "draw_ended" if now >= ends_at else None


@dataclass
class Replay:
    """Draws all tickets again, in their order, and says where what was written differs. Without the seed it can't tell
    what should have been drawn, but everything else.
    """

    draw_id: str
    seed: str | None
    seed_hash: str
    prizes: Sequence[DrawPrize]
    number: int = 0
    chain: str = ""
    awarded: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chain = self.seed_hash
        self.awarded = {prize.place: 0 for prize in self.prizes}

    def faults(self, ticket: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with the next ticket."""
        self.number += 1
        if ticket["number"] != self.number:
            yield f"ticket {self.number} is missing"
            self.number = ticket["number"]
        self.chain = linked(self.chain, ticket)
        if self.chain != ticket["chain"]:
            yield "its hash does not follow from the ticket and the one before"
            self.chain = ticket["chain"]
        if self.seed is not None:
            expected = drawn_at(
                point(self.seed, self.draw_id, ticket["number"], ticket["customer_id"]),
                [prize.odds_bp for prize in self.prizes],
            )
            if ticket["drawn"] != expected:
                yield f"the seed draws {_named(expected)}, the ticket says {_named(ticket['drawn'])}"
        yield from self._wrong_award(ticket["drawn"], ticket["prize"], ticket["reason"])

    def _wrong_award(self, drawn: int | None, prize: int | None, reason: str | None) -> Iterator[str]:
        if drawn is None:
            if prize is not None:
                yield "a prize was given though none was drawn"
            return
        if drawn not in self.awarded or (prize is not None and prize not in self.awarded):
            yield "it names a prize that the draw does not have"
            return
        spare = self.prizes[drawn].fallback
        if prize != drawn and (reason is None or prize not in (spare, None)):
            yield f"{_named(drawn)} was drawn and {_named(prize)} given without a reason for it"
        if reason == RAN_OUT and self._left(drawn):
            yield f"{_named(drawn)} had not run out"
        if prize is not None:
            self.awarded[prize] += 1
            quantity = self.prizes[prize].quantity
            if quantity is not None and self.awarded[prize] > quantity:
                yield f"{_named(prize)} was given more often than there were"

    def _left(self, place: int) -> bool:
        quantity = self.prizes[place].quantity
        return quantity is None or self.awarded[place] < quantity


def _named(place: int | None) -> str:
    return "no prize" if place is None else f"prize {place}"
