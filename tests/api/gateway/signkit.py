"""A partner that signs its calls, as docs/keys.md tells it to: nothing here is the gateway's own code."""

import hashlib
import hmac
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
from kit.gateway import Suite

from shared.clock import ManualClock

_COUNT = itertools.count()


class Signer(httpx.Auth):
    """Signs each request with each of `secrets`; what is in `changed` is sent in place of what was signed."""

    requires_request_body = True

    def __init__(self, key_id: str, secrets: list[str], clock: ManualClock, **changed: str) -> None:
        self.key_id = key_id
        self.secrets = secrets
        self.clock = clock
        self.changed = changed

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # a generator is one
        stamp = self.changed.get("timestamp", str(int(self.clock.now().timestamp())))
        nonce = self.changed.get("nonce", f"n{next(_COUNT)}")
        path, _, query = request.url.raw_path.decode().partition("?")
        body = hashlib.sha256(request.content).hexdigest()
        lines = "\n".join(["QY1-HMAC-SHA256", stamp, nonce, request.method, path, query, body])
        made = [hmac.new(one.encode(), lines.encode(), "sha256").hexdigest() for one in self.secrets]
        request.headers["x-quanyu-key-id"] = self.key_id
        request.headers["x-quanyu-timestamp"] = stamp
        request.headers["x-quanyu-nonce"] = nonce
        request.headers["x-quanyu-signature"] = ",".join(f"v1={one}" for one in made)
        yield request


async def signing_secret(suite: Suite, key_id: str, **wanted: Any) -> str:
    """A new signing secret of the key, made by the administrator."""
    answer = await suite.client().post(f"/v1/keys/{key_id}/rotate-signing-secret", json=wanted)
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["signing_secret"]
    return secret
