"""The names of settings: a typing error is refused, a list reads as its page shows it, what is wrong is called as it was set."""

from pathlib import Path

import pytest

from gateway.settings import GatewaySettings
from services.coupon.settings import CouponSettings
from shared.settings import ServiceSettings
from suite.errors import Stop
from suite.parts import SERVICES
from suite.setting_names import all_settings, check_names
from suite.settings import SuiteSettings, load
from suite.worker import SecondProcess


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("QUANYU_DATABSE_URL", "QUANYU_DATABASE_URL"),
        ("quanyu_prt", "QUANYU_PORT"),
        ("QUANYU_COUPN_DATABASE_URL", "QUANYU_COUPON_DATABASE_URL"),
    ],
)
def test_a_typing_error_is_refused_and_not_ignored(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "hidden-word")
    with pytest.raises(Stop, match=f"{name} .did you mean {meant}") as told:
        check_names()
    assert "hidden" not in str(told.value)


def test_a_typing_error_in_the_file(folder: Path) -> None:
    (folder / ".env").write_text("POSTGRES_PASSWORD=x\nQUANYU_ADMINKEY=hidden-word\n")
    with pytest.raises(Stop, match=r"QUANYU_ADMINKEY .did you mean QUANYU_ADMIN_KEY") as told:
        check_names()
    assert "hidden" not in str(told.value)


@pytest.mark.parametrize(
    "name", ["QUANYU_PORT", "quanyu_inventory_database_url", "QUANYU_TEST_POSTGRES_URL", "QUANYUX"]
)
def test_what_is_a_setting_or_none_of_ours_is_let_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    check_names()


def test_no_part_is_forgotten() -> None:
    assert {options.service for options in all_settings()} == {"suite", "gateway", *SERVICES}


@pytest.mark.parametrize(("text", "read"), [("0, 5,300", (0, 5, 300)), ("[0, 5, 300]", (0, 5, 300)), ("7", (7,))])
@pytest.mark.parametrize("file", [True, False])
def test_a_list_is_written_as_the_page_of_settings_shows_it(
    monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, read: tuple[float, ...], file: bool
) -> None:
    if file:
        (folder / ".env").write_text(f"QUANYU_BUS_RETRY_SECONDS={text}\n")
    else:
        monkeypatch.setenv("QUANYU_BUS_RETRY_SECONDS", text)
    assert ServiceSettings().bus_retry_seconds == read


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("QUANYU_COUPON_DATABASE_URL", "mysql://x", "QUANYU_COUPON_DATABASE_URL: must"),
        ("QUANYU_DATABASE_URL", "mysql://x", "QUANYU_DATABASE_URL: must"),
        ("quanyu_redis_url", "localhost:6379", "quanyu_redis_url: must be redis://"),
        ("QUANYU_OTLP_ENDPOINT", "collector:4318", "QUANYU_OTLP_ENDPOINT: must be http://"),
        ("QUANYU_BUS_RETRY_SECONDS", "1,soon", r"QUANYU_BUS_RETRY_SECONDS \(item 2\)"),
        ("QUANYU_BUS_RETRY_SECONDS", "[1,", "QUANYU_BUS_RETRY_SECONDS is a list"),
    ],
)
def test_what_is_wrong_is_called_as_it_was_set(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Stop, match=told):
        load(CouponSettings, {})


def test_a_wrong_flag_is_called_by_its_name() -> None:
    with pytest.raises(Stop, match="--port"):
        load(SuiteSettings, {"port": 70_000})


def test_a_database_as_hosting_platforms_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_DATABASE_URL", "postgres://user:word@host/quanyu")
    assert ServiceSettings().database_url == "postgresql://user:word@host/quanyu"


def test_networks_and_origins_are_lists_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_TRUSTED_PROXIES", "10.0.0.1, fd00::/8")
    monkeypatch.setenv("QUANYU_CORS_ORIGINS", "https://shop.example")
    settings = GatewaySettings()
    assert settings.trusted_proxies == ("10.0.0.1/32", "fd00::/8")
    assert settings.cors_origins == ("https://shop.example",)


def test_a_ramp_of_points_reads_its_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_COUPON_ABUSE_DEVICE_CUSTOMERS", "3,20,15,80")
    assert CouponSettings().abuse_device_customers == (3, 20, 15, 80)


@pytest.mark.parametrize("in_file", [True, False])
def test_a_value_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, folder: Path, in_file: bool) -> None:
    (folder / "secret").write_text("  postgresql://quanyu_coupon:it's@db/quanyu\n")
    (folder / "proxies").write_text("10.0.0.1, 10.0.0.2\n")
    names = {"QUANYU_COUPON_DATABASE_URL_FILE": folder / "secret", "quanyu_trusted_proxies_file": folder / "proxies"}
    if in_file:
        (folder / ".env").write_text("".join(f"{name}={path}\n" for name, path in names.items()))
    else:
        for name, path in names.items():
            monkeypatch.setenv(name, str(path))
    monkeypatch.setenv("QUANYU_DATABASE_URL", "postgresql://everybody/quanyu")
    check_names()
    # in the environment a part's own goes first, and what is in the environment goes before `.env`
    own, everybodys = "postgresql://quanyu_coupon:it's@db/quanyu", "postgresql://everybody/quanyu"
    assert CouponSettings().database_url == (everybodys if in_file else own)
    assert SuiteSettings().database_url == everybodys
    assert GatewaySettings().trusted_proxies == ("10.0.0.1/32", "10.0.0.2/32")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "can't be read: No such file"),
        (b"", "is empty"),
        (b"\xff\xfe\x00", "is no text"),
        (b"x" * 70_000, "is too long"),
    ],
)
def test_a_file_that_holds_no_value_is_named(
    monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (folder / "secret").write_bytes(content)
    monkeypatch.setenv("QUANYU_ADMIN_KEY_FILE", str(folder / "secret"))
    with pytest.raises(Stop, match=f"QUANYU_ADMIN_KEY_FILE names .*secret, which {told}"):
        load(GatewaySettings, {})


def test_a_wrong_value_in_a_file_is_called_by_the_variable_that_names_it(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "url").write_text("hidden-word")
    monkeypatch.setenv("QUANYU_BROKER_URL_FILE", str(folder / "url"))
    with pytest.raises(Stop, match="QUANYU_BROKER_URL_FILE: must be amqp") as told:
        load(CouponSettings, {})
    assert "hidden" not in str(told.value)


def test_a_value_and_a_file_for_it_are_one_too_many(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("QUANYU_ADMIN_KEY", "hidden-word")
    monkeypatch.setenv("QUANYU_ADMIN_KEY_FILE", str(folder / "secret"))
    with pytest.raises(Stop, match="both set; leave one") as told:
        load(GatewaySettings, {})
    assert "hidden" not in str(told.value)


def test_a_second_process_is_not_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_DATABASE_CONNECTIONS_FILE", "connections")
    monkeypatch.setenv("QUANYU_ADMIN_KEY_FILE", "key")
    environment = SecondProcess([], {"QUANYU_DATABASE_CONNECTIONS": "20"}).environment
    ours = {name for name in environment if name.startswith(("QUANYU_DATABASE", "QUANYU_ADMIN"))}
    assert ours == {"QUANYU_DATABASE_CONNECTIONS", "QUANYU_ADMIN_KEY_FILE"}
