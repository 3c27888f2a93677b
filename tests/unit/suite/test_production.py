"""`QUANYU_ENVIRONMENT=production` refuses each value of the table in docs/security.md, and no value beside it."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings
from services.journey.settings import JourneySettings
from shared.settings import ServiceSettings
from suite.parts import PARTS
from suite.wiring import settings_of

ROOT = Path(__file__).parents[3]
SECRET = "0123456789abcdef"
SAFE: dict[str, Any] = {
    "environment": "production",
    "internal_secret": SECRET,
    "database_url": "postgresql://quanyu_coupon:long-and-made-by-chance@db/quanyu",
    "broker_url": "amqps://quanyu:long-and-made-by-chance@mq/",
}
REFUSED: list[tuple[str, Any, type[ServiceSettings]]] = [
    ("internal_secret", None, ServiceSettings),
    ("internal_secret", "fifteen letters", ServiceSettings),
    ("internal_secret", "embedded-default-not-for-production", ServiceSettings),
    ("database_url", None, ServiceSettings),
    ("database_url", "sqlite:///data/coupon.db", ServiceSettings),
    ("database_url", "postgresql://postgres:postgres@db/quanyu", ServiceSettings),
    ("database_url", "postgresql://Shop:shop@db/quanyu", ServiceSettings),
    ("broker_url", None, ServiceSettings),
    ("broker_url", "amqp://guest:guest@mq/", ServiceSettings),
    ("redis_url", "redis://:changeme@redis/0", ServiceSettings),
    *(
        (name, value, options)
        for options in (GatewaySettings, JourneySettings)
        for name, value in (
            ("webhooks_allow_private", True),
            ("webhooks_allowed_private", "127.0.0.1:8009"),
            ("webhooks_allowed_private", "10.1.0.0/16,0.0.0.0/0"),
            ("webhooks_allowed_private", "169.254.169.254"),
            ("webhooks_allowed_private", "100.100.100.200:80"),
            ("webhooks_allowed_private", "[::1]:443"),
            ("webhooks_allowed_private", "fe80::/10"),
        )
    ),
]
TAKEN: dict[str, Any] = {
    "redis_url": "redis://redis/0",
    "webhooks_allowed_private": "10.1.0.0/16,192.168.7.9:443,fd12:3456::/48",
}


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "value", "options"), REFUSED)
def test_production_refuses_the_value(name: str, value: Any, options: type[ServiceSettings]) -> None:
    given = {key: one for key, one in {**SAFE, name: value}.items() if one is not None}
    with pytest.raises(ValidationError) as told:
        options(**given)
    said = str([one["msg"] for one in told.value.errors(include_input=False)])
    assert f"QUANYU_{name.upper()}" in said or "everybody can read" in said
    assert str(value) not in said


@pytest.mark.parametrize("part", PARTS)
def test_production_takes_what_is_safe(part: str) -> None:
    assert settings_of(part, {**SAFE, **TAKEN}).environment == "production"


@pytest.mark.parametrize("page", ["security.md", "security.zh-CN.md"])
def test_the_table_names_what_is_refused_and_nothing_else(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    table = text.split("<!-- production refuses -->")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `(QUANYU_[A-Z_]+)`", table, re.M)
    assert set(rows) == {f"QUANYU_{name.upper()}" for name, _, _ in REFUSED}
    assert "serve --demo" in table


@pytest.mark.parametrize("environment", ["Production", "prod", "staging"])
def test_no_other_word_passes_for_production(environment: str) -> None:
    with pytest.raises(ValidationError, match="environment"):
        ServiceSettings(environment=environment)
