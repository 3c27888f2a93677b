"""What a key that every visitor holds may call: this list, looked at one by one. Each is cheap, bounded and harmless."""

from gateway.keys.rules import PUBLISHABLE_SCOPES
from gateway.routes import ROUTES
from shared.web.identity import covers

TRACKING = ["identify", "track", "page", "screen", "group", "alias", "batch", "i", "t", "p", "s", "g", "a", "b"]
READING = [
    ("GET", "/v1/coupon-templates"),
    ("GET", "/v1/coupon-templates/{template_id}"),
    ("GET", "/v1/availability"),
]


def test_the_operations_open_to_publishable_keys_are_these_and_no_other() -> None:
    found = {
        (route.method, route.template)
        for route in ROUTES
        if route.scope and any(covers(scope, route.scope) for scope in PUBLISHABLE_SCOPES)
    }
    assert found == {*READING, *(("POST", f"/v1/{call}") for call in TRACKING)}


def test_none_of_them_takes_a_large_body() -> None:
    open_to_visitors = [route for route in ROUTES if route.scope in PUBLISHABLE_SCOPES]
    assert {route.body_limit for route in open_to_visitors} == {1 << 20}
