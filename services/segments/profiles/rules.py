"""Identifiers in their normal form, and which of them an item names. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.segments.rule_language.scalars import phone_text, plain_text

USER = "user_id"
ANONYMOUS = "anonymous_id"
Key = str
"""An identifier: `type:value`. No type holds a colon."""


def user_key(value: str) -> Key:
    """The identifier of a customer."""
    return f"{USER}:{value}"


def anonymous_key(value: str) -> Key:
    """The identifier of a device or browser that nobody has signed in on."""
    return f"{ANONYMOUS}:{value}"


def identifier(kind: str, value: str) -> Key:
    """The normal form of an identifier: E.164 for `phone`, lower case for `email`; ids stay as they are."""
    if kind in (USER, ANONYMOUS):
        return f"{kind}:{value}"
    text = plain_text(value).strip()
    if kind == "phone":
        text = phone_text(text)
    return f"{kind}:{(text.lower() if kind == 'email' else text)[:200]}"


def contact_identifiers(traits: Mapping[str, Any], external: Iterable[tuple[str, str]]) -> list[Key]:
    """What else a person is found by: phone and e-mail among the traits, and `context.externalIds`."""
    found = [identifier(kind, traits[kind]) for kind in ("phone", "email") if isinstance(traits.get(kind), str)]
    found += [identifier(kind, value) for kind, value in external if kind not in (USER, ANONYMOUS) and ":" not in kind]
    return [key for key in found if not key.endswith(":")]
