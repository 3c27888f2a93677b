"""Values as databases can keep them, and lists in pieces that one statement can take."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")
CHUNK = 500


def clean(text: str) -> str:
    """Without what databases cannot store: NUL characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def storable(value: Mapping[str, object]) -> dict[str, object]:
    """The same JSON object with every text clean."""
    return {clean(str(name)): _storable(inner) for name, inner in value.items()}


def _storable(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return storable(value)
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in their order, as many at once as go into one statement."""
    whole = list(values)
    for start in range(0, len(whole), CHUNK):
        yield whole[start : start + CHUNK]
