"""Real servers that the tests use when they are there. A missing one skips aloud, and fails where CI=true."""

import os
import socket
from functools import lru_cache
from urllib.parse import urlsplit

import pytest

POSTGRES_URL = os.environ.get("QUANYU_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BROKER_URL = os.environ.get("QUANYU_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
REDIS_URL = os.environ.get("QUANYU_TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
_URLS = {"postgresql": (POSTGRES_URL, 5432), "rabbitmq": (BROKER_URL, 5672), "redis": (REDIS_URL, 6379)}


@lru_cache
def available(server: str) -> bool:
    """True when something listens where the server should be."""
    url, port = _URLS[server]
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or port), timeout=2):
            return True
    except OSError:
        return False


def require(server: str) -> None:
    """Skip the test aloud when the server is missing; fail it where nothing may be skipped."""
    if available(server):
        return
    reason = f"{server} does not listen at {urlsplit(_URLS[server][0]).hostname}: this test was not run"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
