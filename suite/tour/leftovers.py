"""What a tour takes back when it was played, or stopped half-way: nothing of it can be claimed, or does any more work.

Its customers, orders, goods and coupons stay: they are what there is to be looked at.
"""

from collections.abc import Sequence
from typing import Any

from suite.client import Client, Problem

Step = tuple[str, str, Any]
"""Method, path, body."""


async def take_back(client: Client, steps: Sequence[Step]) -> None:
    """Try all of them, whatever becomes of one. Raises the first refusal at the end; what is gone already is none."""
    refusals: list[Problem] = []
    for method, path, body in steps:
        try:
            await client.call(method, path, body)
        except Problem as error:
            if error.status != 404:
                refusals.append(error)
    if refusals:
        raise refusals[0]


def of_story(ids: dict[str, str]) -> list[Step]:
    """Journey, template, endpoint, key."""
    return [
        *_each(ids, ("journey",), "POST", "/v1/journeys/{}/stop"),
        *_each(ids, ("template",), "PATCH", "/v1/coupon-templates/{}", {"status": "ended"}),
        *_each(ids, ("endpoint",), "DELETE", "/v1/webhook-endpoints/{}"),
        *_each(ids, ("key",), "DELETE", "/v1/keys/{}"),
    ]


def of_campaign(ids: dict[str, str]) -> list[Step]:
    """Promotion, codes, share offer, draw, the templates behind them, webhook source, staff key."""
    return [
        *_each(ids, ("promotion",), "PATCH", "/v1/promotions/{}", {"status": "ended"}),
        *_each(ids, ("batch",), "POST", "/v1/code-batches/{}/void"),
        *_each(ids, ("public",), "PATCH", "/v1/public-codes/{}", {"status": "paused"}),
        *_each(ids, ("share",), "PATCH", "/v1/share-offers/{}", {"status": "paused"}),
        *_each(ids, ("draw",), "POST", "/v1/draws/{}/close"),
        *_each(ids, ("percent", "gift"), "PATCH", "/v1/coupon-templates/{}", {"status": "ended"}),
        *_each(ids, ("source",), "DELETE", "/v1/webhook-sources/{}"),
        *_each(ids, ("till",), "DELETE", "/v1/keys/{}"),
    ]


def _each(ids: dict[str, str], names: Sequence[str], method: str, path: str, body: Any = None) -> list[Step]:
    return [(method, path.format(ids[name]), body) for name in names if name in ids]
