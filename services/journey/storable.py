"""Values as databases can keep them."""

from collections.abc import Mapping


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
