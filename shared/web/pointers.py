"""JSON pointers (RFC 6901) into the body that was sent. Pure.

Where pydantic found something wrong it tells by a path through its own models: names of the kinds of a union stand in it, and
names of fields that were not sent. A form that marks fields needs the place in its own body.
"""

from collections.abc import Sequence
from typing import Any


def pointer(*parts: str | int) -> str:
    """`#/lines/0/quantity`."""
    return "#" + "".join(f"/{_escaped(part)}" for part in parts)


def within(place: str, name: str) -> str:
    """The pointer to the member `name` of what is at `place`."""
    return f"{place}/{_escaped(name)}"


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def pointer_into(sent: Any, location: Sequence[str | int], *, missing: bool) -> str:
    """Where in `sent` that location is; of a `missing` field, where it should be."""
    return pointer(*_kept(sent, tuple(location), missing=missing))


def cut_to(sent: Any, full: str) -> str:
    """The pointer as far as `sent` goes, and one step further: a rule about the whole may speak of what a patch left out."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in full.split("/")[1:]]
    for depth, part in enumerate(parts):
        inside, sent = _step(sent, part)
        if not inside:
            return pointer(*parts[: depth + 1])
    return pointer(*parts)


def _kept(sent: Any, location: tuple[str | int, ...], *, missing: bool) -> tuple[str | int, ...]:
    """The parts of a location that lead through `sent`; the others name what only the models have.

    A kind may be called as one of its fields: of two ways the one that reaches the end is right, else the longer one.
    """
    if not location:
        return ()
    part, rest = location[0], location[1:]
    if missing and not rest:
        return (part,) if isinstance(sent, dict) else ()
    without = _kept(sent, rest, missing=missing)
    inside, below = _step(sent, part)
    if not inside:
        return without
    within = (part, *_kept(below, rest, missing=missing))
    return max(within, without, key=lambda way: (way[-1:] == location[-1:], len(way)))


def _step(sent: Any, part: str | int) -> tuple[bool, Any]:
    if isinstance(sent, dict):
        return part in sent, sent.get(part)
    if isinstance(sent, list) and str(part).isdecimal() and int(part) < len(sent):
        return True, sent[int(part)]
    return False, None
