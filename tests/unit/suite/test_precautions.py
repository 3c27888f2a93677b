"""What `quanyu doctor` says of an installation that stands open."""

from pathlib import Path
from typing import Any

import pytest

from gateway.settings import GatewaySettings
from suite.door.limits import connections_within
from suite.precautions import CHECKS, Finding, Installation
from suite.settings import SuiteSettings

SAFE = {
    "metrics_port": 9464,
    "environment": "production",
    "internal_secret": "a-secret-of-their-own",
    "database_url": "postgresql://h/d",
}
ADMIN_KEY = "qy_live_sk_" + "0" * 49


def findings(installation: Installation) -> list[Finding]:
    return [found for check in CHECKS if (found := check(installation)) is not None]


@pytest.fixture(autouse=True)
def _many_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.precautions.raise_descriptors", lambda: 65_536)


def installation(folder: Path, url: str = "https://api.shop.example", **given: Any) -> Installation:
    options = {**SAFE, "broker_url": "amqp://h/", "data_dir": folder, "admin_key": ADMIN_KEY, **given}
    options = {name: value for name, value in options.items() if value is not None}
    return Installation(SuiteSettings(**options), GatewaySettings(**options), url)


def test_a_careful_installation_hears_nothing(tmp_path: Path) -> None:
    assert list(findings(installation(tmp_path, host="0.0.0.0", trusted_proxies=("10.0.0.0/8",)))) == []


def test_the_defaults_of_one_process_are_at_most_worth_a_note(tmp_path: Path) -> None:
    options: dict[str, Any] = {"data_dir": tmp_path}
    found = findings(Installation(SuiteSettings(**options), GatewaySettings(**options), "http://127.0.0.1:8000"))
    assert [finding for finding in found if finding.bad] == []


@pytest.mark.parametrize(
    ("given", "said", "bad"),
    [
        ({"admin_key": None}, "QUANYU_ADMIN_KEY", False),
        ({"host": "0.0.0.0"}, "QUANYU_TRUSTED_PROXIES", False),
        ({"metrics_port": None}, "QUANYU_METRICS_PORT", False),
        ({"url": "http://api.shop.example"}, "unencrypted", True),
        ({"url": "http://1.2.3.4:8000"}, "unencrypted", True),
    ],
)
def test_what_stands_open_is_said_with_its_remedy(tmp_path: Path, given: dict[str, Any], said: str, bad: bool) -> None:
    (tmp_path / "admin.key").touch(mode=0o600)
    (found,) = findings(installation(tmp_path, **given))
    assert said in found.sentence
    assert found.bad is bad


def test_webhooks_to_every_private_address_are_worth_a_note(tmp_path: Path) -> None:
    found = installation(tmp_path, environment=None, webhooks_allow_private=True)
    assert [one.sentence for one in findings(found) if "QUANYU_WEBHOOKS_ALLOWED_PRIVATE" in one.sentence]


@pytest.mark.parametrize("name", ["admin.key", "internal.secret", "coupon.db", "bus.db-wal"])
def test_a_file_that_others_may_read_is_bad(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / name).chmod(0o640)
    (tmp_path / "notes.txt").touch(mode=0o644)  # not ours to judge
    (found,) = findings(installation(tmp_path))
    assert (found.bad, name in found.sentence, "notes.txt" in found.sentence) == (True, True, False)


@pytest.mark.parametrize("environment", ["production", None])
def test_a_folder_that_others_may_look_into(tmp_path: Path, environment: str | None) -> None:
    tmp_path.chmod(0o755)
    (found,) = findings(installation(tmp_path, environment=environment))
    assert (found.bad, "chmod" in found.sentence) == (environment == "production", True)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://[::1]:8000", "http://gateway:8000", "http://10.0.0.7", "https://shop.example"],
)
def test_a_way_that_nobody_shares_needs_no_tls(tmp_path: Path, url: str) -> None:
    assert list(findings(installation(tmp_path, url))) == []


def test_every_check_says_what_it_holds() -> None:
    assert [check for check in CHECKS if not check.__doc__] == []
    assert Finding("It is so.").bad is False


def test_few_open_files_are_told_with_what_they_are_enough_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.precautions.raise_descriptors", lambda: 1024)
    (found,) = findings(installation(tmp_path))
    told = f"{connections_within(1024, None)} callers"
    assert ("1024 files" in found.sentence, told in found.sentence, found.bad) == (True, True, False)
    assert list(findings(installation(tmp_path, open_connections=100))) == []
