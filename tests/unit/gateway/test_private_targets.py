"""One private address may be opened for webhooks without opening the rest of the network."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from services.journey.settings import JourneySettings
from shared.http import EgressClient, EgressFailed, EgressRefused, check_url
from shared.internet import PrivateTarget, private_targets
from suite.commands.serve import for_the_demonstration
from suite.settings import CallerSettings, SuiteSettings

TARGETS = tuple(PrivateTarget.parse(text) for text in ("127.0.0.1:8009", "10.1.0.0/16", "[::1]:8443"))
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8009/hooks",
        "https://127.0.0.1:8009/",
        "http://10.1.2.3/",
        "http://10.1.2.3:9/",
        "https://[::1]:8443/",
    ],
)
def test_the_targets_may_be_called(url: str) -> None:
    check_url(url, allow_private=TARGETS)
    with pytest.raises(EgressRefused):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8010/",
        "http://127.0.0.1/",
        "http://127.0.0.2:8009/",
        "http://10.2.0.1/",
        "http://[::1]:8009/",
        "https://[::ffff:127.0.0.1]:8009/",
        "http://[::ffff:10.1.2.3]/",
        "http://169.254.169.254/",
        "http://localhost:8009/hooks",
        "http://2130706433:8009/",
        "http://user@127.0.0.1:8009/",
        "http://93.184.216.34/",
    ],
)
def test_nothing_else_may(url: str) -> None:
    with pytest.raises(EgressRefused):
        check_url(url, allow_private=TARGETS)


async def test_a_name_that_leads_to_a_target_is_refused() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["10.1.2.3"]

    async with EgressClient(allow_private=TARGETS, resolver=resolver) as client:
        with pytest.raises(EgressRefused):
            await client.post("https://partner.example/hooks", headers={}, content=b"{}")


async def test_a_target_is_really_called() -> None:
    async with EgressClient(allow_private=(PrivateTarget.parse("127.0.0.1:9"),), total_seconds=2) as client:
        with pytest.raises(EgressFailed):  # nobody listens on the discard port
            await client.post("http://127.0.0.1:9/hooks", headers={}, content=b"{}")


@pytest.mark.parametrize("kind", [GatewaySettings, JourneySettings])
def test_they_come_from_one_variable(
    kind: type[GatewaySettings] | type[JourneySettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANYU_WEBHOOKS_ALLOWED_PRIVATE", "127.0.0.1:8009, 10.1.0.0/16 ,[::1]:8443")
    assert kind().webhooks_allowed_private == TARGETS
    for wrong in ("localhost:8009", "127.0.0.1:0", "10.1.0.1/16", "127.0.0.1:99999", "*"):
        monkeypatch.setenv("QUANYU_WEBHOOKS_ALLOWED_PRIVATE", wrong)
        with pytest.raises(ValidationError, match="1 validation error"):
            kind()


def test_a_target_reads_as_it_is_written() -> None:
    for target in TARGETS:
        assert PrivateTarget.parse(str(target)) == target


def test_make_opens_no_door() -> None:
    text = (ROOT / "Makefile").read_text()
    assert "PRIVATE" not in text


def test_the_demonstration_lets_webhooks_go_to_its_own_partner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANYU_WEBHOOKS_ALLOWED_PRIVATE", "10.1.0.0/16")
    given = for_the_demonstration(SuiteSettings())
    text = given["webhooks_allowed_private"]
    assert text == f"10.1.0.0/16,127.0.0.1:{CallerSettings().tour_port}"
    assert GatewaySettings(**given).webhooks_allowed_private == private_targets(text)
