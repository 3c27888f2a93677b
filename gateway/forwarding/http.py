"""Forwarding over HTTP to a part in other processes: to which of its instances, and what its failures are to a caller."""

from collections.abc import Callable, Sequence
from math import ceil

from starlette.types import Receive, Send

from gateway.forwarding.carrier import Carrier, Distrusted
from gateway.forwarding.connection import UpstreamBroken
from gateway.forwarding.instance import Instance
from gateway.forwarding.instances import CircuitOpen, Instances
from gateway.forwarding.pool import Bounds, UpstreamBusy, UpstreamDown
from gateway.forwarding.port import Forwarded, Headers
from gateway.metrics import UPSTREAM_FAILURES, UPSTREAM_RETRIES
from shared.web import Problem, Unavailable
from shared.web.asgi import ClientGone
from shared.web.identity import DISTRUST
from shared.web.requests import DEADLINE

_RETRY_SHARE = 0.2
_PART_OF_DEADLINE = 0.9

Sign = Callable[[Forwarded], Headers]
"""The identity headers of a request."""


class HttpForwarder:
    """Forwards to the instances at `urls` (scheme, host and port each). Close it at the end.

    A request goes to another instance when no connection to the first can be made, and it is sent a second time only when
    that is harmless (`Carrier`). A POST that was sent never is.
    """

    in_process = False

    def __init__(
        self,
        name: str,
        urls: Sequence[str],
        sign: Sign,
        bounds: Bounds,
    ) -> None:
        """Raises ValueError for a URL that is anything more."""
        self.name = name
        self._sign = sign
        self.deadline = bounds.deadline_seconds
        self.stream_seconds = bounds.stream_seconds
        # A part gives up first, so that its own answer, which knows more, is what the caller gets.
        self._told = [(DEADLINE, b"%d" % int(_PART_OF_DEADLINE * 1000 * bounds.deadline_seconds))]
        self._retry_credit = 10.0
        self.instances = Instances(name, urls, bounds)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.instances.aclose()

    async def forward(self, request: Forwarded, receive: Receive, send: Send) -> None:
        """Send the request on and its answer back. Raises a Problem while no answer has begun."""
        call = Carrier(self, request, receive, send)
        try:
            await call.run()
        except ClientGone:
            return
        except Distrusted as error:
            raise self._problem("upstream_distrusts_gateway", 502, DISTRUST) from error
        except CircuitOpen as error:
            what = "has failed again and again and is left alone for a moment; try again"
            raise self._problem("upstream_circuit_open", 503, what, str(ceil(error.seconds))) from error
        except UpstreamDown as error:
            raise self._problem("upstream_unavailable", 503, "does not answer; try again", "1") from error
        except UpstreamBusy as error:
            raise self._problem("upstream_busy", 503, "has too much to do; try again", "1") from error
        except UpstreamBroken as error:
            detail = "broke off before answering; what you asked may or may not have been done"
            raise self._problem("upstream_failed", 502, detail) from error
        except TimeoutError as error:
            detail = "did not answer in time; what you asked may or may not have been done"
            raise self._problem("upstream_timeout", 504, detail) from error

    def _problem(self, code: str, status: int, what: str, retry_after: str | None = None) -> Problem:
        UPSTREAM_FAILURES.labels(self.name, code).inc()
        headers = {"Retry-After": retry_after} if retry_after else None
        return Unavailable(code, f"The {self.name} service {what}.", status=status, headers=headers)

    def may_retry(self) -> bool:
        """Retries stay under a fifth of the traffic, so that a service in trouble does not get more of it."""
        if self._retry_credit < 1:
            return False
        self._retry_credit -= 1
        UPSTREAM_RETRIES.labels(self.name).inc()
        return True

    def earn_retry(self) -> None:
        """Each request earns a part of a retry."""
        self._retry_credit = min(self._retry_credit + _RETRY_SHARE, 100.0)

    def head(self, request: Forwarded, instance: Instance) -> bytes:
        """The request line and headers as bytes."""
        target = request.raw_path + (b"?" + request.query if request.query else b"")
        lines = [request.method.encode("ascii") + b" " + target + b" HTTP/1.1", b"host: " + instance.place.authority]
        lines += [name + b": " + value for name, value in (*request.headers, *self._sign(request), *self._told)]
        if request.has_body and not any(name == b"content-length" for name, _ in request.headers):
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1 or b"\0" in head:
            raise Problem("malformed_header", "A header holds a line break or a NUL.", status=400)
        return head
