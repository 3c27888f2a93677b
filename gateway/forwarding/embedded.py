"""Forwarding within one process: the part's ASGI application is called directly, nothing is copied or parsed twice."""

from starlette.types import ASGIApp, Receive, Send

from gateway.forwarding.port import Forwarded
from shared.web.identity import SCOPE_KEY
from shared.web.requests import REQUEST_ID


class AsgiForwarder:
    """Calls `app` with the verified caller in its scope, where no HTTP request can write."""

    in_process = True

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def forward(self, request: Forwarded, receive: Receive, send: Send) -> None:
        """Call the application with the caller in its scope."""
        scope = dict(request.scope)
        scope["method"] = request.method
        scope["headers"] = request.headers
        scope[SCOPE_KEY] = request.caller
        scope[REQUEST_ID] = request.request_id
        await self._app(scope, receive, send)

    async def aclose(self) -> None:
        """Nothing is open: the part is closed by whoever runs it."""
