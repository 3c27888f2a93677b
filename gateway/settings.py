"""Settings of the gateway. Defaults are those of the embedded arrangement."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from gateway.own_secret import fault_of_secret
from shared.internet import PrivateTarget, private_targets, unsafe_targets
from shared.language import say
from shared.settings import ServiceSettings
from shared.zones import known_zone


def _network(text: str) -> str:
    return str(ip_network(text, strict=False))


def _origin(text: str) -> str:
    origin = text.lower().rstrip("/")
    if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+", origin):
        raise ValueError(
            say(
                "an origin is a scheme and a host, such as https://shop.example, or *",
                "来源由协议和主机组成，如 https://shop.example，或 *",
            )
        )
    return origin


def _administrators(secret: SecretStr) -> SecretStr:
    fault = fault_of_secret(secret.get_secret_value())
    if fault is not None:
        raise ValueError(
            say(
                f"{fault}; `quanyu keys generate` makes a good one",
                f"不合格（{fault}）；可用 `quanyu keys generate` 生成合格的密钥",
            )
        )
    return secret


AdministratorSecret = Annotated[SecretStr, AfterValidator(_administrators)]
Origin = Annotated[str, AfterValidator(_origin)]
TimeZone = Annotated[str, AfterValidator(known_zone)]
NetworkText = Annotated[str, AfterValidator(_network)]


class GatewaySettings(ServiceSettings, service="gateway"):
    """What can be set of the gateway. Where each service listens is only needed when they run as their own processes."""

    coupon_url: str | None = Field(
        None,
        description="where the coupon service listens, when it is a process of its own; several instances between commas, and "
        "of a name with several addresses each",
    )
    segments_url: str | None = Field(
        None,
        description="where the segments service listens, when it is a process of its own; several instances between commas, and "
        "of a name with several addresses each",
    )
    journey_url: str | None = Field(
        None,
        description="where the journey service listens, when it is a process of its own; several instances between commas, and "
        "of a name with several addresses each",
    )
    inventory_url: str | None = Field(
        None,
        description="where the inventory service listens, when it is a process of its own; several instances between commas, and "
        "of a name with several addresses each",
    )

    admin_key: AdministratorSecret | None = Field(
        None,
        description="the administrator's key, instead of a generated one: any secret of 32 characters or more, such as "
        "`quanyu keys generate` makes",
    )
    trusted_proxies: tuple[NetworkText, ...] = Field(
        (), description="networks, separated by commas, whose X-Forwarded-For is believed"
    )
    cors_origins: tuple[Origin, ...] = Field(
        ("*",), description="origins, separated by commas, whose pages may call what a publishable key may; * = any"
    )
    metrics_public: bool | None = Field(None, description="serve /metrics at the public door; None = not in production")
    access_log: bool = Field(True, description="log a line for each request at the public door")

    upstream_seconds: float = Field(
        30,
        gt=0,
        description="deadline for the head of an answer once the request was sent, and for each piece after it",
    )
    upstream_connections: int = Field(100, ge=1, description="open connections to one instance of a service at most")
    upstream_waiting: int = Field(
        1000, ge=0, description="requests that may wait for a connection to one instance of a service; more get 503"
    )
    upstream_idle_seconds: float = Field(60, gt=0, description="must stay below the services' keep-alive time, 75 s")

    upstream_streams: int = Field(
        1000, ge=0, description="event streams of one instance of a service that may be open at once"
    )
    upstream_stream_seconds: float = Field(
        120, gt=0, description="how long an event stream may be silent; services send a comment line before that"
    )
    overload_seconds: float = Field(
        0.5,
        gt=0,
        le=60,
        description="what a call may take on average under overload; what would make it longer gets 503, lists before checkouts",
    )

    requests_per_minute_secret: int = Field(1_200_000, ge=1, description="of a secret key")
    requests_per_minute_restricted: int = Field(120_000, ge=1, description="of a restricted or partner key")
    requests_per_minute_publishable: int = Field(
        1_200_000, ge=1, description="of a publishable key, from all addresses"
    )
    requests_per_minute_address: int = Field(12_000, ge=1, description="of one address with a publishable key")
    requests_per_minute_customer: int = Field(600, ge=1, description="of one customer with a token of their own")
    requests_per_minute_webhooks_in: int = Field(
        6_000, ge=1, description="deliveries of one address to webhook sources"
    )
    requests_per_minute_anonymous: int = Field(
        12_000,
        ge=1,
        description="of one address without a valid key: public pages, preflights, unknown paths, refusals",
    )
    failures_per_minute: int = Field(
        60, ge=1, description="refused credentials and signatures of one address, before 429 instead of 401"
    )

    time_zone: TimeZone = Field(
        "Asia/Shanghai",
        description="whose days and months the quotas of keys and the days of /v1/usage are (IANA name)",
    )

    session_idle_minutes: float = Field(60, gt=0, description="how long an operator's session lives unused")
    session_hours: float = Field(12, gt=0, description="how long an operator's session lives at most")
    console_origins: tuple[Origin, ...] = Field(
        (),
        description="origins, separated by commas, whose pages may use operators' sessions; empty = the host that is called",
    )

    audit_keep_days: float = Field(730, ge=1, description="how long entries of the audit log are kept")

    webhooks_allow_private: bool = Field(
        False, description="let webhooks go to every private address; for development only"
    )
    webhooks_allowed_private: Annotated[tuple[PrivateTarget, ...], NoDecode, BeforeValidator(private_targets)] = Field(
        (), description="private addresses and networks that webhooks may go to, with a port or without, between commas"
    )
    webhooks_out_schedule_seconds: tuple[float, ...] = Field(
        (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400),
        min_length=1,
        description="waits before each attempt",
    )
    webhooks_out_jitter: float = Field(0.2, ge=0, lt=1, description="share by which chance moves a wait")
    webhooks_out_connect_seconds: float = Field(5, gt=0, description="deadline of the connection of an attempt")
    webhooks_out_total_seconds: float = Field(15, gt=0, description="deadline of a whole attempt")
    webhooks_out_lease_seconds: float = Field(
        60, gt=0, description="how long an attempt may go unrecorded before another"
    )
    webhooks_out_in_flight: int = Field(
        2000,
        ge=1,
        description="attempts at once, and no more than 100 or a sixteenth of the files that the process may open",
    )
    webhooks_out_per_endpoint: int = Field(8, ge=1, description="attempts at once to one endpoint")
    webhooks_out_disable_days: float = Field(5, gt=0, description="of nothing but failures")
    webhooks_out_keep_days: float = Field(30, gt=0, description="how long finished and held deliveries are kept")
    webhooks_out_held_most: int = Field(
        100_000, ge=0, description="deliveries held for one disabled endpoint; the oldest go first"
    )
    webhooks_in_keep_days: float = Field(
        30, ge=7, description="how long a delivery of a partner is known, and its repetition"
    )
    webhooks_in_bodies_keep_days: float = Field(
        14, ge=0, description="how long what partners sent is kept, sealed, to be replayed; 0 = not at all"
    )

    def unsafe(self) -> list[str]:
        """As for every part, and webhooks that would go to the machine itself."""
        return super().unsafe() + unsafe_targets(self.webhooks_allow_private, self.webhooks_allowed_private)
