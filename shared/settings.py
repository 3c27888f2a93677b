"""Settings of a part: flags first (keyword arguments), then environment variables, then `.env`, then embedded defaults.

A service's own variable wins over the suite's: the coupon service reads `QUANYU_COUPON_DATABASE_URL`, then
`QUANYU_DATABASE_URL`. Each may be read from a file instead: `QUANYU_COUPON_DATABASE_URL_FILE`. Settings are passed on, never
imported as a global.
"""

from errno import EINVAL
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, ClassVar, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared import private_files
from shared.language import say
from shared.roles import Role
from shared.setting_sources import Environment, EnvironmentFile

PREFIX = "QUANYU_"
_SHORTEST_SECRET = 16
CONNECTIONS_OF_A_PART = 8
KNOWN_SECRETS = frozenset(("embedded-default-not-for-production",))
"""Everybody can read them in this repository's history."""


_FIRST_GUESSES = frozenset(
    ("admin", "changeme", "guest", "password", "postgres", "quanyu", "redis", "secret", "123456")
)


def _guessed(url: str) -> bool:
    """True where the URL has a password that is its user's name or stands on every list. None at all is another way to log in."""
    parts = urlsplit(url)
    return parts.password is not None and unquote(parts.password).lower() in {
        *_FIRST_GUESSES,
        str(parts.username).lower(),
    }


class ServiceSettings(BaseSettings):
    """What every part needs. Subclass it as `class CouponSettings(ServiceSettings, service="coupon")`.

    Raises pydantic's ValidationError for a wrong value, and in production without a secret, for SQLite or the local bus.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )
    service: ClassVar[str] = "suite"

    environment: Literal["development", "production"] = Field(
        "development", description="`production` refuses unsafe defaults"
    )
    data_dir: Path = Field(Path("data"), description="where the embedded databases and the administrator's key live")
    database_url: str | None = Field(None, description="SQLAlchemy-style URL; empty = one SQLite file in data_dir")
    database_connections: int | None = Field(
        None,
        ge=3,
        le=1000,
        description="PostgreSQL connections of one process, divided over its parts; empty = 42 for the whole suite, 8 for "
        "a part alone, half of it for a process with one role, or what the server has left where that is less",
    )
    database_seconds: float = Field(
        10,
        gt=0,
        le=600,
        description="PostgreSQL: how long one statement of a request may take, then its connection is cut; background work has 6 "
        "times as long, audits 90 times",
    )
    request_seconds: float = Field(
        25,
        gt=0,
        le=600,
        description="how long a request may wait in all, for databases and other requests; then it gets 503",
    )
    role: Role = Field(
        Role.ALL, description="`api` answers requests, `worker` does what follows from them, `all` both in one process"
    )
    broker_url: SecretStr | None = Field(None, description="amqp:// URL of RabbitMQ; empty = the local bus")
    broker_prefix: str = Field("quanyu", pattern=r"^[a-z0-9-]{1,60}$", description="begins exchange and queue names")
    bus_retry_seconds: tuple[float, ...] = Field((1, 60, 900), description="waits before another try")
    redis_url: SecretStr | None = Field(None, description="redis:// URL for rate limits that several gateways share")
    internal_secret: SecretStr | None = Field(
        None,
        description="what gateway and services share, 16 characters or more; empty = made once, kept in data_dir as "
        "internal.secret (not in production)",
    )
    migrate_on_start: bool = Field(True, description="False where a migrate job runs first")
    log_format: Literal["console", "json"] = Field("console", description="`console` for people, `json` for machines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is written")
    otlp_endpoint: str | None = Field(None, description="OpenTelemetry collector; empty = no traces exported")

    def __init_subclass__(cls, service: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if service is not None:
            cls.service = service

    @classmethod
    def prefixes(cls) -> tuple[str, str]:
        """How the names of this part's variables begin; the first found counts."""
        return f"{PREFIX}{cls.service.upper()}_", PREFIX

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, the first word counts: flags, environment, `.env`."""
        prefixes = cls.prefixes()
        environment = [Environment(settings_cls, env_prefix=prefix) for prefix in prefixes]
        files = [EnvironmentFile(settings_cls, env_prefix=prefix) for prefix in prefixes]
        return (init_settings, *environment, *files)

    @field_validator("database_url")
    @classmethod
    def _a_database_that_we_know(cls, url: str | None) -> str | None:
        if url is not None and url.startswith("postgres://"):  # as most hosting platforms write it
            url = url.replace("postgres://", "postgresql://", 1)
        if url is not None and not url.startswith(("postgresql://", "sqlite:///")):
            raise ValueError(
                say(
                    "must be postgresql://user:password@host/database or sqlite:///path, or empty",
                    "须为 postgresql://user:password@host/database 或 sqlite:///path，或留空",
                )
            )
        return url

    @field_validator("broker_url")
    @classmethod
    def _a_broker_that_we_know(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("amqp://", "amqps://")):
            raise ValueError(
                say("must be amqp://user:password@host/, or empty", "须为 amqp://user:password@host/，或留空")
            )
        return url

    @field_validator("redis_url")
    @classmethod
    def _a_redis_that_we_know(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError(
                say(
                    "must be redis://user:password@host:6379/0, or empty",
                    "须为 redis://user:password@host:6379/0，或留空",
                )
            )
        return url

    @field_validator("otlp_endpoint")
    @classmethod
    def _a_collector_that_we_know(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError(say("must be http://host:4318, or empty", "须为 http://host:4318，或留空"))
        return url

    @field_validator("internal_secret")
    @classmethod
    def _a_secret_that_nobody_knows(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and secret.get_secret_value() in KNOWN_SECRETS:
            raise ValueError(
                say(
                    "is one that everybody can read in the source; make another, or leave it empty",
                    "是源码中人人可见的值；请另取一个，或留空",
                )
            )
        return secret

    @model_validator(mode="after")
    def _production_is_real(self) -> Self:
        if self.environment == "production" and (wrong := self.unsafe()):
            told = "; ".join(wrong)
            raise ValueError(
                say(
                    f"QUANYU_ENVIRONMENT=production refuses to start: {told}",
                    f"QUANYU_ENVIRONMENT=production 拒绝启动：{told}",
                )
            )
        return self

    def unsafe(self) -> list[str]:
        """What production refuses of these settings, a half-sentence each; never a value. docs/security.md lists all."""
        wrong = []
        if self.internal_secret is None or len(self.internal_secret.get_secret_value()) < _SHORTEST_SECRET:
            wrong.append(
                say(
                    f"QUANYU_INTERNAL_SECRET is missing or shorter than {_SHORTEST_SECRET} characters",
                    f"QUANYU_INTERNAL_SECRET 未设置或少于 {_SHORTEST_SECRET} 个字符",
                )
            )
        if not self.database_url or self.database_url.startswith("sqlite"):
            wrong.append(
                say("QUANYU_DATABASE_URL must name a PostgreSQL server", "QUANYU_DATABASE_URL 须指向 PostgreSQL 服务器")
            )
        if self.broker_url is None:
            wrong.append(
                say("QUANYU_BROKER_URL must name a RabbitMQ server", "QUANYU_BROKER_URL 须指向 RabbitMQ 服务器")
            )
        urls = {"DATABASE_URL": self.database_url, "BROKER_URL": self.broker_url, "REDIS_URL": self.redis_url}
        wrong += [
            say(
                f"the password in QUANYU_{name} is one that everybody tries first",
                f"QUANYU_{name} 中的密码是人人最先试的那种",
            )
            for name, url in urls.items()
            if url is not None and _guessed(url.get_secret_value() if isinstance(url, SecretStr) else url)
        ]
        return wrong

    def resolved_database_connections(self) -> int:
        """How many connections this part may have to its PostgreSQL database."""
        return self.database_connections or CONNECTIONS_OF_A_PART

    def resolved_internal_secret(self) -> str:
        """What gateway and services share: the given secret, or the one of the data folder. Raises OSError."""
        if self.internal_secret is not None:
            return self.internal_secret.get_secret_value()
        file = self.data_dir / "internal.secret"
        secret = private_files.read_or_create(file, lambda: token_urlsafe(32))
        if len(secret) < _SHORTEST_SECRET:
            told = say(
                f"it holds fewer than {_SHORTEST_SECRET} characters; remove it",
                f"其中少于 {_SHORTEST_SECRET} 个字符，请删除",
            )
            raise OSError(EINVAL, told, str(file))
        return secret

    def resolved_database_url(self, name: str | None = None) -> str:
        """The database of this part (or of `name`): the given URL, or its SQLite file in `data_dir`."""
        return self.database_url or f"sqlite:///{self.data_dir / (name or self.service)}.db"


def file_variables() -> list[str]:
    """The names of what `.env` sets, in capitals."""
    return [name.upper() for name in EnvironmentFile(ServiceSettings).env_vars]
