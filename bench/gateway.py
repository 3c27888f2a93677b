"""What the gateway adds to a request inside one process: the same call through its door and straight to the service.

Both are driven as ASGI applications without a socket, alternately, so that the difference is the gateway's alone:
path check, key, scope, rate limit, headers, access log.
"""

import asyncio
import os
import tempfile
import time
from statistics import median
from typing import Any

from shared.observability.logging import configure_logging

ROUNDS = 7
CALLS = 1_000


async def _drive(app: Any, scope: dict[str, Any]) -> float:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message

    started = time.perf_counter()
    for _ in range(CALLS):
        await app(dict(scope), receive, send)
    return (time.perf_counter() - started) / CALLS


async def measure() -> tuple[float, float]:
    """Median seconds of one call: through the gateway, and straight to the inventory service."""
    from gateway.keys.management import new_key
    from shared.web.identity import SCOPE_KEY, Caller
    from suite.settings import SuiteSettings
    from suite.wiring import embedded

    key = new_key("secret")
    os.environ["QUANYU_ADMIN_KEY"] = key
    with tempfile.TemporaryDirectory() as folder:
        flags: dict[str, Any] = {"data_dir": folder, "log_level": "warning"}
        async with embedded(SuiteSettings(**flags), flags) as running:
            service = next(part for part in running.parts if part.name == "inventory")
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "GET",
                "path": "/v1/locations",
                "raw_path": b"/v1/locations",
                "query_string": b"",
                "scheme": "http",
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 8000),
                "headers": [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer " + key.encode())],
            }
            caller = Caller("key_bench", "own_bench", "secret", ("*",))
            through, straight = [], []
            for _ in range(ROUNDS):
                through.append(await _drive(running.app, scope))
                straight.append(await _drive(service.app, {**scope, SCOPE_KEY: caller}))
    return median(through), median(straight)


def main() -> list[str]:
    """Rows of the results table."""
    configure_logging("console", "warning")
    through, straight = asyncio.run(measure())
    added = (through - straight) * 1000
    rows = [
        f"| the service called directly (yardstick) | {straight * 1000:.3f} ms | 1.0 |",
        f"| the same through the gateway, in process | {through * 1000:.3f} ms | {through / straight:.2f} |",
        f"| so the gateway adds | {added:.3f} ms | |",
    ]
    print("\n".join(rows))
    return rows


if __name__ == "__main__":
    main()
