"""One operation that the gateway lets through."""

from dataclasses import dataclass

MEBIBYTE = 1 << 20
PUBLIC = ""
"""The scope of what needs no key at all: health, documentation, deliveries that prove themselves."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `scope` is `service:resource:action`, or PUBLIC."""

    method: str
    template: str
    scope: str
    service: str
    tracking: bool = False
    webhook_in: bool = False
    own_pages: bool = False
    body_limit: int = MEBIBYTE
