"""The image's health check, and what a starting suite says: degraded is well, and what is not ready is not called so."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from kit.servers import free_port
from kit.serving import serving

from suite.announcement import announce
from suite.commands.serve import _second
from suite.probe import ask
from suite.settings import SuiteSettings


def saying(status: int, document: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json")]
        await send(
            {"type": "http.response.start", "status": status if scope["path"] == "/readyz" else 200, "headers": headers}
        )
        await send({"type": "http.response.body", "body": json.dumps(document).encode()})

    return app


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (
            200,
            {"status": "degraded", "checks": ["coupon: RabbitMQ can't be reached"]},
            (True, "coupon: RabbitMQ can't be reached"),
        ),
        (503, {"code": "not_ready", "checks": ["coupon: is draining"]}, (False, "coupon: is draining")),
        (502, "a proxy's page", (False, "")),
    ],
)
async def test_the_probe_follows_readiness(status: int, document: Any, expected: tuple[bool, str]) -> None:
    async with serving(saying(status, document)) as url:
        port = int(url.rpartition(":")[2])
        assert await asyncio.to_thread(ask, port) == expected
        assert (await asyncio.to_thread(ask, port, "livez"))[0] is True


def test_nobody_answers() -> None:
    well, told = ask(free_port())
    assert (well, told) == (False, "no answer: ConnectionRefusedError")


@pytest.mark.parametrize("part", [None, "coupon"])
@pytest.mark.parametrize("ready", [True, False])
def test_what_is_not_ready_is_not_called_ready(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, part: str | None, ready: bool
) -> None:
    announce("http://127.0.0.1:1", part, tmp_path / "admin.key", ready, ["coupon: RabbitMQ can't be reached"])
    said = capsys.readouterr().out
    assert ("is ready on" in said) is (ready and part is None)
    assert ("not ready" in said) is not ready
    assert "coupon: RabbitMQ can't be reached" in said


def test_a_second_process_has_the_next_port_for_figures(tmp_path: Path) -> None:
    settings = SuiteSettings(data_dir=tmp_path, metrics_port=9464)
    assert _second(None, settings, {})[1]["QUANYU_METRICS_PORT"] == "9465"
