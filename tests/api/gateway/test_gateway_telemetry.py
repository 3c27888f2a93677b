"""What the gateway's log and metrics tell, and what they never do."""

import json
from typing import Any

import pytest
from kit.gateway import ADMIN_KEY, Suite

from shared.observability.logging import configure_logging

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # see test_gateway_proxy.py


async def test_no_secret_reaches_the_log(run_gateway: Any, capsys: pytest.CaptureFixture[str]) -> None:
    suite = await run_gateway(log_format="json", log_level="debug")
    configure_logging("json", "debug")
    try:
        await suite.client().get("/v1/things/1?phone=13812345678", headers={"cookie": "s=canary"})
        await suite.client("qy_live_sk_" + "Q" * 49).get("/v1/things/1")
        await suite.client(None).post("/v1/batch", json={"writeKey": "qy_live_pk_" + "Z" * 49})
        await suite.client().get('/v1/"quoted', headers={"x-request-id": '"},{'})
        suite.gateway.app.access_log.flush()
    finally:
        with capsys.disabled():  # later tests must not log into what this one captured
            configure_logging("json", "warning")
    logged = capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines() if '"event":"request"' in line]
    assert [(line["route"], line["status"], line.get("refused")) for line in lines] == [
        ("/v1/things/{thing_id}", 200, None),
        ("/v1/things/{thing_id}", 401, "key malformed"),
        ("/v1/batch", 401, "key malformed"),
        ("unmatched", 404, "not_found"),
    ]
    assert lines[0]["key_id"] == "key_admin"
    for secret in (ADMIN_KEY[12:-4], "Q" * 20, "Z" * 20, "canary", "13812345678"):
        assert secret not in logged


async def test_metrics_count_by_template_and_are_hidden_in_production(suite: Suite) -> None:
    await suite.client().get("/v1/things/42")
    text = (await suite.client(None).get("/metrics")).text
    assert (
        'quanyu_gateway_request_duration_seconds_count{method="GET",route="/v1/things/{thing_id}",status="200"}' in text
    )
    assert "/v1/things/42" not in text


async def test_metrics_can_be_hidden(run_gateway: Any) -> None:
    suite = await run_gateway(metrics_public=False)
    assert (await suite.client(None).get("/metrics")).status_code == 404
