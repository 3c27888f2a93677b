"""Correlation keys (关联键): how an event finds the runs that it concerns. Pure."""

from collections.abc import Mapping

from services.journey.storable import clean

LONGEST_KEY = 255
LARGEST_KEY = 10**30


def key_value(properties: Mapping[str, object], name: str | None) -> str | None:
    """The key of an event: text or a whole number under this name. Anything else is no key."""
    value = properties.get(name) if name else None
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) > LARGEST_KEY:
        return None
    text = clean(str(value))
    return text if 0 < len(text) <= LONGEST_KEY else None


def of_customer(customer_id: str) -> str:
    """Matches any event of this customer."""
    return f"c:{customer_id}"


def of_key(name: str, value: str) -> str:
    """Matches an event that carries this value under this property."""
    return f"k:{name}={value}"
