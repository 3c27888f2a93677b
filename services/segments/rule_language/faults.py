"""What is wrong with a rule, and the small checks that every leaf needs."""

import hashlib
import re
from typing import Any, NamedTuple

from shared.db import json_dumps
from shared.external_ids import fault_of
from shared.web.pointers import within

_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = 3660 * 86_400
MAX_NAME = 200


class Fault(NamedTuple):
    """One thing that is wrong: where (JSON pointer), a stable code, and what to do."""

    pointer: str
    code: str
    detail: str


class Faults(ValueError):
    """All that is wrong with a rule."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


class Refused(Exception):
    """One leaf can't be read; its neighbours are still looked at."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


class Reader:
    """Small checks that raise Refused. Carries the segment's zone and the currency for amounts without one."""

    def __init__(
        self, time_zone: str, currency: str, known: frozenset[str] | None, circular: frozenset[str] = frozenset()
    ) -> None:
        self.time_zone = time_zone
        self.currency = currency
        self.known_segments = known
        self.circular = circular
        self.faults: list[Fault] = []
        self.values = 0
        """Values of the lists that were read so far."""

    def refuse(self, pointer: str, detail: str, code: str = "invalid_rule") -> Refused:
        """For `raise reader.refuse(…)`."""
        return Refused(Fault(pointer, code, detail))

    def only(self, rule: dict[str, Any], allowed: set[str], pointer: str) -> None:
        """Members that the leaf doesn't know are faults, never ignored."""
        for name in rule:
            if name not in allowed:
                known = ", ".join(sorted(allowed))
                raise self.refuse(within(pointer, name), f"Unknown member; here are allowed: {known}.", "unknown_field")

    def name(self, rule: dict[str, Any], member: str, pointer: str) -> str:
        """The name of an event, trait or property."""
        value = rule.get(member)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
            raise self.refuse(f"{pointer}/{member}", f"`{member}` is text of 1 to {MAX_NAME} characters.")
        if any(sign in value for sign in '"\\'):
            raise self.refuse(f"{pointer}/{member}", f"`{member}` may hold no quotation mark or backslash.")
        fault = fault_of(value)
        if fault is not None:
            raise self.refuse(f"{pointer}/{member}", f"`{member}` can't be a name: {fault}.")
        return value

    def choice(self, value: object, allowed: tuple[str, ...], pointer: str, what: str) -> str:
        """One of the allowed words."""
        if not isinstance(value, str) or value not in allowed:
            raise self.refuse(pointer, f"{what} is one of {', '.join(allowed)}.")
        return value

    def duration(self, value: object, pointer: str) -> int:
        """Microseconds of `30d`, `12h`, `15m`, `90s` or `2w`."""
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self.refuse(pointer, "A duration is a number and s, m, h, d or w, such as 30d or 15m.")
        seconds = int(match[1]) * _UNITS[match[2]]
        if seconds > _LONGEST:
            raise self.refuse(pointer, "A duration is at most 3660d.")
        return seconds * 1_000_000


def leaf_id(canonical: dict[str, Any]) -> int:
    """63 bits of a hash over the canonical form: equal leaves are one leaf."""
    text = json_dumps(dict(sorted(canonical.items())))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
