"""Every operation that the public door lets through. What is not listed here is denied.

One line per operation: method, path template, the scope its key needs, the part that serves it. A test compares this
table with the OpenAPI document of every part; neither may have an extra row. Whoever adds a route to a part appends
its line to that part's block.

Marks: `tracking=True` accepts the Segment SDKs' manners (HTTP Basic, `writeKey` in the body, `text/plain`, CORS with
preflight); `hook=True` needs no key because the part proves the sender by a signature, and is limited by address;
`body_limit` in bytes, where one mebibyte is too small.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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
    hook: bool = False
    body_limit: int = MEBIBYTE


GATEWAY = (
    Route("GET", "/", PUBLIC, "gateway"),
    Route("GET", "/healthz", PUBLIC, "gateway"),
    Route("GET", "/readyz", PUBLIC, "gateway"),
    Route("GET", "/metrics", PUBLIC, "gateway"),
    Route("GET", "/openapi.json", PUBLIC, "gateway"),
    Route("GET", "/docs", PUBLIC, "gateway"),
    Route("GET", "/docs/static/{file}", PUBLIC, "gateway"),
    Route("POST", "/v1/keys", "gateway:keys:write", "gateway"),
    Route("GET", "/v1/keys", "gateway:keys:read", "gateway"),
    Route("GET", "/v1/keys/{key_id}", "gateway:keys:read", "gateway"),
    Route("POST", "/v1/keys/{key_id}/rotate", "gateway:keys:write", "gateway"),
    Route("DELETE", "/v1/keys/{key_id}", "gateway:keys:write", "gateway"),
    Route("POST", "/v1/webhook-endpoints", "gateway:webhooks:write", "gateway"),
    Route("GET", "/v1/webhook-endpoints", "gateway:webhooks:read", "gateway"),
    Route("GET", "/v1/webhook-endpoints/{endpoint_id}", "gateway:webhooks:read", "gateway"),
    Route("PATCH", "/v1/webhook-endpoints/{endpoint_id}", "gateway:webhooks:write", "gateway"),
    Route("DELETE", "/v1/webhook-endpoints/{endpoint_id}", "gateway:webhooks:write", "gateway"),
    Route("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries", "gateway:webhooks:read", "gateway"),
    Route("POST", "/v1/webhook-endpoints/{endpoint_id}/test", "gateway:webhooks:write", "gateway"),
    Route("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret", "gateway:webhooks:write", "gateway"),
    Route("GET", "/v1/webhook-deliveries/{delivery_id}", "gateway:webhooks:read", "gateway"),
    Route("POST", "/v1/webhook-deliveries/{delivery_id}/replay", "gateway:webhooks:write", "gateway"),
    Route("POST", "/v1/webhook-sources", "gateway:sources:write", "gateway"),
    Route("GET", "/v1/webhook-sources", "gateway:sources:read", "gateway"),
    Route("GET", "/v1/webhook-sources/{source_id}", "gateway:sources:read", "gateway"),
    Route("PATCH", "/v1/webhook-sources/{source_id}", "gateway:sources:write", "gateway"),
    Route("DELETE", "/v1/webhook-sources/{source_id}", "gateway:sources:write", "gateway"),
    Route("POST", "/v1/webhook-sources/{source_id}/rotate-secret", "gateway:sources:write", "gateway"),
    Route("POST", "/v1/webhook-sources/{source_id}/test", "gateway:sources:read", "gateway"),
    Route("GET", "/v1/webhook-sources/{source_id}/received", "gateway:sources:read", "gateway"),
    Route("POST", "/v1/hooks/{source_id}", PUBLIC, "gateway", hook=True),
    Route("GET", "/v1/event-types", "gateway:events:read", "gateway"),
    Route("GET", "/v1/audit-log", "gateway:audit:read", "gateway"),
)

COUPON: tuple[Route, ...] = (
    Route("POST", "/v1/coupon-templates", "coupon:templates:write", "coupon"),
    Route("GET", "/v1/coupon-templates", "coupon:templates:read", "coupon"),
    Route("GET", "/v1/coupon-templates/{template_id}", "coupon:templates:read", "coupon"),
    Route("PATCH", "/v1/coupon-templates/{template_id}", "coupon:templates:write", "coupon"),
    Route("POST", "/v1/coupon-templates/{template_id}/claims", "coupon:coupons:write", "coupon"),
    Route(
        "POST",
        "/v1/coupon-templates/{template_id}/issues",
        "coupon:issues:write",
        "coupon",
        body_limit=64 * MEBIBYTE,
    ),
    Route("GET", "/v1/coupon-jobs", "coupon:issues:read", "coupon"),
    Route("GET", "/v1/coupon-jobs/{job_id}", "coupon:issues:read", "coupon"),
    Route("POST", "/v1/coupon-jobs/{job_id}/cancel", "coupon:issues:write", "coupon"),
    Route("GET", "/v1/coupon-jobs/{job_id}/results", "coupon:issues:read", "coupon"),
    Route("GET", "/v1/coupon-jobs/{job_id}/results.csv", "coupon:issues:read", "coupon"),
    Route("POST", "/v1/coupon-packs", "coupon:packs:write", "coupon"),
    Route("GET", "/v1/coupon-packs", "coupon:packs:read", "coupon"),
    Route("GET", "/v1/coupon-packs/{pack_id}", "coupon:packs:read", "coupon"),
    Route("PATCH", "/v1/coupon-packs/{pack_id}", "coupon:packs:write", "coupon"),
    Route("POST", "/v1/coupon-packs/{pack_id}/claims", "coupon:coupons:write", "coupon"),
    Route("GET", "/v1/coupon-packs/{pack_id}/claims", "coupon:coupons:read", "coupon"),
    Route("GET", "/v1/coupon-packs/{pack_id}/claims/{claim_id}", "coupon:coupons:read", "coupon"),
    Route("GET", "/v1/claim-centre", "coupon:coupons:read", "coupon"),
    Route("GET", "/v1/coupons", "coupon:coupons:read", "coupon"),
    Route("GET", "/v1/coupons/{coupon_id}", "coupon:coupons:read", "coupon"),
    Route("POST", "/v1/coupons/{coupon_id}/void", "coupon:voids:write", "coupon"),
    Route("POST", "/v1/promotions", "coupon:promotions:write", "coupon"),
    Route("GET", "/v1/promotions", "coupon:promotions:read", "coupon"),
    Route("GET", "/v1/promotions/{promotion_id}", "coupon:promotions:read", "coupon"),
    Route("PATCH", "/v1/promotions/{promotion_id}", "coupon:promotions:write", "coupon"),
    Route("POST", "/v1/coupon-templates/{template_id}/codes", "coupon:codes:write", "coupon"),
    Route("GET", "/v1/code-batches", "coupon:codes:read", "coupon"),
    Route("GET", "/v1/code-batches/{batch_id}", "coupon:codes:read", "coupon"),
    Route("GET", "/v1/code-batches/{batch_id}/codes", "coupon:codes:read", "coupon"),
    Route("GET", "/v1/code-batches/{batch_id}/download", "coupon:codes:read", "coupon"),
    Route("POST", "/v1/code-batches/{batch_id}/void", "coupon:codes:write", "coupon"),
    Route("POST", "/v1/public-codes", "coupon:codes:write", "coupon"),
    Route("GET", "/v1/public-codes", "coupon:codes:read", "coupon"),
    Route("GET", "/v1/public-codes/{public_code_id}", "coupon:codes:read", "coupon"),
    Route("PATCH", "/v1/public-codes/{public_code_id}", "coupon:codes:write", "coupon"),
    Route("POST", "/v1/codes/redeem", "coupon:coupons:write", "coupon"),
    Route("GET", "/v1/codes/{code}", "coupon:codes:read", "coupon"),
    Route("POST", "/v1/share-offers", "coupon:share-offers:write", "coupon"),
    Route("GET", "/v1/share-offers", "coupon:share-offers:read", "coupon"),
    Route("GET", "/v1/share-offers/{offer_id}", "coupon:share-offers:read", "coupon"),
    Route("PATCH", "/v1/share-offers/{offer_id}", "coupon:share-offers:write", "coupon"),
    Route("POST", "/v1/share-offers/{offer_id}/shares", "coupon:shares:write", "coupon"),
    Route("GET", "/v1/shares", "coupon:shares:read", "coupon"),
    Route("GET", "/v1/shares/{token}", "coupon:shares:read", "coupon"),
    Route("POST", "/v1/shares/{token}/helps", "coupon:shares:write", "coupon"),
    Route("GET", "/v1/shares/{token}/helps", "coupon:shares:read", "coupon"),
    Route("POST", "/v1/claim-codes", "coupon:claim-codes:write", "coupon"),
    Route("GET", "/v1/claim-codes", "coupon:claim-codes:read", "coupon"),
    Route("GET", "/v1/claim-codes/figures", "coupon:claim-codes:read", "coupon"),
    Route("POST", "/v1/claim-codes/redeem", "coupon:coupons:write", "coupon"),
    Route("GET", "/v1/claim-codes/{claim_code_id}", "coupon:claim-codes:read", "coupon"),
    Route("PATCH", "/v1/claim-codes/{claim_code_id}", "coupon:claim-codes:write", "coupon"),
    Route("GET", "/v1/claim-codes/{claim_code_id}/token", "coupon:claim-tokens:read", "coupon"),
    Route("GET", "/v1/claim-codes/{claim_code_id}/qr.svg", "coupon:claim-tokens:read", "coupon"),
    Route("POST", "/v1/draws", "coupon:draws:write", "coupon"),
    Route("GET", "/v1/draws", "coupon:draws:read", "coupon"),
    Route("GET", "/v1/draws/{draw_id}", "coupon:draws:read", "coupon"),
    Route("POST", "/v1/draws/{draw_id}/close", "coupon:draws:write", "coupon"),
    Route("POST", "/v1/draws/{draw_id}/tickets", "coupon:tickets:write", "coupon"),
    Route("GET", "/v1/draws/{draw_id}/tickets", "coupon:tickets:read", "coupon"),
    Route("GET", "/v1/draws/{draw_id}/tickets/{number}", "coupon:tickets:read", "coupon"),
    Route("GET", "/v1/draws/{draw_id}/audit", "coupon:audit:read", "coupon"),
    Route("POST", "/v1/quotes", "coupon:quotes:write", "coupon"),
    Route("POST", "/v1/quotes/preview", "coupon:templates:read", "coupon"),
    Route("POST", "/v1/checkouts", "coupon:checkouts:write", "coupon"),
    Route("GET", "/v1/checkouts", "coupon:checkouts:read", "coupon"),
    Route("GET", "/v1/checkouts/{checkout_id}", "coupon:checkouts:read", "coupon"),
    Route("POST", "/v1/checkouts/{checkout_id}/commit", "coupon:checkouts:write", "coupon"),
    Route("POST", "/v1/checkouts/{checkout_id}/rollback", "coupon:checkouts:write", "coupon"),
    Route("POST", "/v1/checkouts/{checkout_id}/extend", "coupon:checkouts:write", "coupon"),
    Route("POST", "/v1/checkouts/{checkout_id}/refunds", "coupon:refunds:write", "coupon"),
    Route("GET", "/v1/checkouts/{checkout_id}/refunds", "coupon:refunds:read", "coupon"),
    Route("POST", "/v1/checkouts/{checkout_id}/refunds/quote", "coupon:refunds:write", "coupon"),
    Route("GET", "/v1/refunds/{refund_id}", "coupon:refunds:read", "coupon"),
    Route("POST", "/v1/redemption-tokens", "coupon:redemption-tokens:write", "coupon"),
    Route("GET", "/v1/redemption-tokens", "coupon:redemption-tokens:read", "coupon"),
    Route("GET", "/v1/redemption-tokens/{token_id}", "coupon:redemption-tokens:read", "coupon"),
    Route("GET", "/v1/redemption-tokens/{token_id}/qr.svg", "coupon:redemption-tokens:read", "coupon"),
    Route("GET", "/v1/redemption-keys", "coupon:redemption-keys:read", "coupon"),
    Route("POST", "/v1/redemption-keys/rotate", "coupon:redemption-keys:write", "coupon"),
    Route("POST", "/v1/redemptions", "coupon:redemptions:write", "coupon"),
    Route("GET", "/v1/redemptions", "coupon:redemptions:read", "coupon"),
    Route("GET", "/v1/redemptions/{redemption_id}", "coupon:redemptions:read", "coupon"),
    Route("POST", "/v1/redemptions/{redemption_id}/reverse", "coupon:redemptions:write", "coupon"),
    Route("POST", "/v1/redemptions/settlements", "coupon:redemptions:write", "coupon"),
    Route("GET", "/v1/redemption-conflicts", "coupon:redemptions:read", "coupon"),
    Route("GET", "/v1/redemption-conflicts/{conflict_id}", "coupon:redemptions:read", "coupon"),
    Route("POST", "/v1/checkouts/{checkout_id}/complete", "coupon:completions:write", "coupon"),
    Route("GET", "/v1/cash-back", "coupon:cash-back:read", "coupon"),
    Route("GET", "/v1/cash-back/{cash_back_id}", "coupon:cash-back:read", "coupon"),
    Route("GET", "/v1/order-messages", "coupon:order-messages:read", "coupon"),
    Route("GET", "/v1/order-messages/{message_id}", "coupon:order-messages:read", "coupon"),
    Route("POST", "/v1/abuse/rules", "coupon:abuse:write", "coupon"),
    Route("GET", "/v1/abuse/rules", "coupon:abuse:read", "coupon"),
    Route("GET", "/v1/abuse/rules/{rule_id}", "coupon:abuse:read", "coupon"),
    Route("PATCH", "/v1/abuse/rules/{rule_id}", "coupon:abuse:write", "coupon"),
    Route("DELETE", "/v1/abuse/rules/{rule_id}", "coupon:abuse:write", "coupon"),
    Route("POST", "/v1/abuse/denials", "coupon:abuse:write", "coupon"),
    Route("GET", "/v1/abuse/denials", "coupon:abuse:read", "coupon"),
    Route("GET", "/v1/abuse/denials/{denial_id}", "coupon:abuse:read", "coupon"),
    Route("DELETE", "/v1/abuse/denials/{denial_id}", "coupon:abuse:write", "coupon"),
    Route("GET", "/v1/abuse/cases", "coupon:abuse:read", "coupon"),
    Route("GET", "/v1/abuse/cases/{case_id}", "coupon:abuse:read", "coupon"),
    Route("POST", "/v1/abuse/cases/{case_id}/decide", "coupon:abuse:write", "coupon"),
    Route("GET", "/v1/audit/coupons", "coupon:audit:read", "coupon"),
)

SEGMENTS: tuple[Route, ...] = (
    Route("POST", "/v1/identify", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/track", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/page", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/screen", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/group", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/alias", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/batch", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/i", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/t", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/p", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/s", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/g", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/a", "segments:events:write", "segments", tracking=True),
    Route("POST", "/v1/b", "segments:events:write", "segments", tracking=True),
    Route("GET", "/v1/tracking-rejects", "segments:events:read", "segments"),
    Route("POST", "/v1/imports/orders", "segments:imports:write", "segments", body_limit=8 * MEBIBYTE),
    Route("GET", "/v1/profiles", "segments:profiles:read", "segments"),
    Route("GET", "/v1/profiles/{customer_id}", "segments:profiles:read", "segments"),
    Route("GET", "/v1/profiles/{customer_id}/timeline", "segments:profiles:read", "segments"),
    Route("POST", "/v1/segments", "segments:segments:write", "segments"),
    Route("GET", "/v1/segments", "segments:segments:read", "segments"),
    Route("POST", "/v1/segments/preview", "segments:segments:read", "segments"),
    Route("GET", "/v1/segments/{segment_id}", "segments:segments:read", "segments"),
    Route("PUT", "/v1/segments/{segment_id}", "segments:segments:write", "segments"),
    Route("PATCH", "/v1/segments/{segment_id}", "segments:segments:write", "segments"),
    Route("DELETE", "/v1/segments/{segment_id}", "segments:segments:write", "segments"),
    Route("GET", "/v1/segments/{segment_id}/versions", "segments:segments:read", "segments"),
    Route("GET", "/v1/segments/{segment_id}/members", "segments:segments:read", "segments"),
    Route("GET", "/v1/segments/{segment_id}/members/{customer_id}", "segments:segments:read", "segments"),
    Route("GET", "/v1/audit/segments", "segments:audit:read", "segments"),
)

JOURNEY: tuple[Route, ...] = (
    Route("POST", "/v1/journeys", "journey:journeys:write", "journey"),
    Route("GET", "/v1/journeys", "journey:journeys:read", "journey"),
    Route("GET", "/v1/journeys/{journey_id}", "journey:journeys:read", "journey"),
    Route("PUT", "/v1/journeys/{journey_id}", "journey:journeys:write", "journey"),
    Route("POST", "/v1/journeys/{journey_id}/publish", "journey:journeys:write", "journey"),
    Route("POST", "/v1/journeys/{journey_id}/pause", "journey:journeys:write", "journey"),
    Route("POST", "/v1/journeys/{journey_id}/resume", "journey:journeys:write", "journey"),
    Route("POST", "/v1/journeys/{journey_id}/stop", "journey:journeys:write", "journey"),
    Route("POST", "/v1/journeys/{journey_id}/entries", "journey:entries:write", "journey"),
    Route("POST", "/v1/journeys/{journey_id}/dry-run", "journey:journeys:read", "journey"),
    Route("GET", "/v1/journeys/{journey_id}/runs", "journey:runs:read", "journey"),
    Route("GET", "/v1/journeys/{journey_id}/statistics", "journey:runs:read", "journey"),
    Route("GET", "/v1/journey-runs/{run_id}", "journey:runs:read", "journey"),
    Route("POST", "/v1/message-templates", "journey:templates:write", "journey"),
    Route("GET", "/v1/message-templates", "journey:templates:read", "journey"),
    Route("GET", "/v1/message-templates/{template_id}", "journey:templates:read", "journey"),
    Route("POST", "/v1/message-templates/{template_id}/preview", "journey:templates:read", "journey"),
    Route("GET", "/v1/messages", "journey:messages:read", "journey"),
    Route("GET", "/v1/messages/{message_id}", "journey:messages:read", "journey"),
    Route("GET", "/v1/customers/{customer_id}/inbox", "journey:inbox:read", "journey"),
    Route("POST", "/v1/customers/{customer_id}/inbox/{message_id}/read", "journey:inbox:write", "journey"),
    Route("GET", "/v1/audit/journeys", "journey:audit:read", "journey"),
)

INVENTORY: tuple[Route, ...] = (
    Route("POST", "/v1/locations", "inventory:locations:write", "inventory"),
    Route("GET", "/v1/locations", "inventory:locations:read", "inventory"),
    Route("GET", "/v1/locations/{location_id}", "inventory:locations:read", "inventory"),
    Route("PATCH", "/v1/locations/{location_id}", "inventory:locations:write", "inventory"),
    Route("GET", "/v1/stock", "inventory:stock:read", "inventory"),
    Route("GET", "/v1/stock/movements", "inventory:stock:read", "inventory"),
    Route("POST", "/v1/stock/adjustments", "inventory:stock:write", "inventory"),
    Route("POST", "/v1/stock/counts", "inventory:stock:write", "inventory"),
    Route("PUT", "/v1/stock/safety", "inventory:stock:write", "inventory"),
    Route("GET", "/v1/availability", "inventory:availability:read", "inventory"),
    Route("POST", "/v1/reservations", "inventory:reservations:write", "inventory"),
    Route("GET", "/v1/reservations", "inventory:reservations:read", "inventory"),
    Route("GET", "/v1/reservations/{reservation_id}", "inventory:reservations:read", "inventory"),
    Route("POST", "/v1/reservations/{reservation_id}/confirm", "inventory:reservations:write", "inventory"),
    Route("POST", "/v1/reservations/{reservation_id}/release", "inventory:reservations:write", "inventory"),
    Route("POST", "/v1/reservations/{reservation_id}/extend", "inventory:reservations:write", "inventory"),
    Route("POST", "/v1/reservations/{reservation_id}/ship", "inventory:reservations:write", "inventory"),
    Route("GET", "/v1/audit/stock", "inventory:audit:read", "inventory"),
)

ROUTES: tuple[Route, ...] = GATEWAY + COUPON + SEGMENTS + JOURNEY + INVENTORY


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    methods: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """Finds the route of a raw path, segment by segment; a literal segment goes before a parameter.

    Raises ValueError when two routes share method and shape.
    """

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if route.method in node.methods:
            raise ValueError(f"two routes for {route.method} {route.template}")
        node.methods[route.method] = route

    def match(self, method: str, path: str) -> Route | frozenset[str]:
        """The route of `path` (percent-encoded, as sent), or the methods that the path knows: none means unknown."""
        allowed: set[str] = set()
        for node in _leaves(self._root, path.split("/"), 1):
            found = node.methods.get(method)
            if found is not None:
                return found
            allowed.update(node.methods)
        return frozenset(allowed)


def _leaves(node: _Node, segments: list[str], depth: int) -> Iterator[_Node]:
    if depth == len(segments):
        yield node
        return
    segment = segments[depth]
    literal = node.literals.get(segment)
    if literal is not None:
        yield from _leaves(literal, segments, depth + 1)
    if node.parameter is not None and segment:
        yield from _leaves(node.parameter, segments, depth + 1)
