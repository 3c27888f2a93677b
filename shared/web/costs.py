"""What a call counts for: one that carries many things says how many, and the gateway charges its key's limit with them."""

from fastapi import Response

COST_HEADER = b"x-quanyu-cost"
"""Between a part and the gateway, which keeps it to itself."""


def costs(response: Response, count: int) -> None:
    """Say that the call behind this answer carries `count` things."""
    response.headers[COST_HEADER.decode()] = str(count)
