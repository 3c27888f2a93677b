"""What the door adds to each operation of the parts in the document: credentials, limits, and the headers that tell of both."""

from typing import Any

from gateway.routes import PUBLIC, Route

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Your key: `Authorization: Bearer qy_live_…`"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in `X-API-Key`"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "quanyu-session",
        "description": "Of an operator who signed in",
    },
    "csrfToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "Beside the session's cookie",
    },
    "writeKey": {"type": "http", "scheme": "basic", "description": "Tracking calls only: the key as user name"},
}
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}, {"session": [], "csrfToken": []}]
_HEADERS = {
    "RateLimit": ("What is left, and in how many seconds all of it is there again", '"key";r=1199;t=1'),
    "RateLimit-Policy": ("The limit that was counted: how many in how many seconds", '"key";q=120000;w=60'),
    "WWW-Authenticate": ("How to send a key", 'Bearer realm="quanyu"'),
    "Deprecation": ("Of a rotated key: since when it has a successor (RFC 9745)", "@1794362400"),
    "Sunset": ("Of a rotated key: when it ends (RFC 8594)", "Wed, 11 Nov 2026 02:00:00 GMT"),
    "X-Quanyu-Key-Expires": ("The same as RFC 3339", "2026-11-11T02:00:00Z"),
}
_LIMIT = ("RateLimit", "RateLimit-Policy")
_ENDING = ("Deprecation", "Sunset", "X-Quanyu-Key-Expires")


def headers() -> dict[str, Any]:
    """The door's own headers, for the components of the document."""
    return {
        name: {"description": text, "schema": {"type": "string"}, "example": example}
        for name, (text, example) in _HEADERS.items()
    }


def tell(responses: dict[str, Any]) -> None:
    """Add the door's headers to the refusals that it makes itself, among the components' responses."""
    for name, told in (("Unauthorized", ("WWW-Authenticate",)), ("TooManyRequests", _LIMIT)):
        if name in responses:
            responses[name]["headers"].update(_referred(told))


def guard(operation: dict[str, Any], route: Route) -> None:
    """Say of one operation what its caller needs and what each answer tells of limits and keys."""
    if route.scope == PUBLIC:
        operation["security"] = []
    elif route.tracking:
        operation["security"] = [*SECURITY, {"writeKey": []}]
    if route.scope != PUBLIC:
        operation["x-required-scope"] = route.scope
    told = () if route.scope == PUBLIC and not route.webhook_in else _LIMIT
    if not told:
        return
    responses = operation["responses"]
    for status, answer in responses.items():
        if status[0] == "2":
            answer.setdefault("headers", {}).update(_referred((*told, *(_ENDING if route.scope != PUBLIC else ()))))
    responses.setdefault("429", {"$ref": "#/components/responses/TooManyRequests"})
    if "requestBody" in operation:
        responses.setdefault("413", {"$ref": "#/components/responses/TooLarge"})


def _referred(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
