"""Settings of the suite as a whole: where it listens, and where its parts are found."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from shared.settings import ServiceSettings

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+/?$", strip_whitespace=True)]


class SuiteSettings(ServiceSettings, service="suite"):
    """Flags of `quanyu serve` and their environment variables: `QUANYU_PORT`, `QUANYU_COUPON_URL` …"""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535, description="0 = any free port")
    drain_seconds: float = Field(
        0, ge=0, le=300, description="wait between 'not ready' and closing, for load balancers"
    )
    coupon_url: Url = "http://127.0.0.1:8101"
    segments_url: Url = "http://127.0.0.1:8102"
    journey_url: Url = "http://127.0.0.1:8103"
    inventory_url: Url = "http://127.0.0.1:8104"

    @model_validator(mode="after")
    def _production_is_real(self) -> Self:
        return self  # the suite owns no data; each of its parts checks its own servers and secrets

    def url_of(self, part: str) -> str:
        """Where the gateway finds a service that runs on its own."""
        return str(getattr(self, f"{part}_url")).rstrip("/")


class CallerSettings(ServiceSettings, service="suite"):
    """How the commands that call a running suite find it: `QUANYU_URL`, `QUANYU_ADMIN_KEY` or `<data-dir>/admin.key`."""

    url: Url = "http://127.0.0.1:8000"
    admin_key: SecretStr | None = None

    @model_validator(mode="after")
    def _production_is_real(self) -> Self:
        return self  # a caller needs no servers

    @property
    def key_file(self) -> Path:
        return self.data_dir / "admin.key"
