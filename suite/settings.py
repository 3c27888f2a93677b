"""Settings of the suite as a whole: where it listens, and how a command finds it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import SettingsError

from shared.language import say
from shared.setting_sources import WrongSettingFile
from shared.settings import ServiceSettings
from suite.errors import Stop
from suite.variables import variable_of

_URL = r"^https?://[^/\s]+/?$"
Url = Annotated[str, StringConstraints(pattern=_URL, strip_whitespace=True)]
_DRAIN_SECONDS = 5.0
Settings = TypeVar("Settings", bound=ServiceSettings)


class SuiteSettings(ServiceSettings, service="suite"):
    """Flags of `quanyu serve` and their environment variables: `QUANYU_PORT`, `QUANYU_HOST` …"""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="0 = any free port")
    split: bool = Field(
        False,
        description="answer requests in one process, and do what follows from them in a second one that it starts",
    )
    drain_seconds: float | None = Field(
        None,
        ge=0,
        le=300,
        description="wait between 'not ready' and closing, for load balancers; empty = 5 in production, else 0",
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="a port of its own for /metrics, /livez, /readyz and /startupz of this process, for Prometheus and not for "
        "the world; 0 = any free one; empty = none. A second process (--split) has the next one, the parts of `make full` "
        "those that follow",
    )
    metrics_host: str = Field("127.0.0.1", description="address of that port: one of the inner network")
    open_connections: int | None = Field(
        None, ge=16, description="of callers, at once; empty = 8192, or what the process may open less 640"
    )
    open_connections_per_address: int = Field(
        256, ge=1, description="of one address (of one /64 network in IPv6) that is no trusted proxy"
    )
    head_seconds: float = Field(10, gt=0, description="from connecting to the end of a request's headers")
    stall_seconds: float = Field(
        30, gt=0, description="how long a body or the reading of an answer may be behind the least rate"
    )
    least_bytes_per_second: int = Field(500, ge=1, description="the rate of a body and of the reading of an answer")

    def unsafe(self) -> list[str]:
        """Nothing: the suite owns no data, and each of its parts looks at its own servers and secrets."""
        return []

    def resolved_drain_seconds(self) -> float:
        """Seconds between 'not ready' and closing."""
        if self.drain_seconds is not None:
            return self.drain_seconds
        return _DRAIN_SECONDS if self.environment == "production" else 0.0


class CallerSettings(ServiceSettings, service="suite"):
    """How the commands that call a running suite find it: `QUANYU_URL`, `QUANYU_ADMIN_KEY` or `<data-dir>/admin.key`."""

    url: Url = Field("http://127.0.0.1:8000", description="where the suite answers")
    admin_key: SecretStr | None = Field(None, description="empty = read from `admin.key` in the data folder")

    tour_port: int = Field(
        8009,
        ge=0,
        le=65_535,
        description="port of this machine where the tour's partner hears webhooks, 0 = any free one; `serve --demo` lets them go "
        "there, another suite refuses and the tour says so",
    )

    def unsafe(self) -> list[str]:
        """Nothing: a caller needs no servers."""
        return []

    @property
    def key_file(self) -> Path:
        """Where the administrator's key was written."""
        return self.data_dir / "admin.key"


def load(options: type[Settings], given: Mapping[str, Any]) -> Settings:
    """Settings from flags, environment and .env. Raises Stop with every wrong one and what is wrong; never its value."""
    try:
        return options(**given)
    except ValidationError as error:
        raise Stop(_wrong_settings(options, given, error)) from None
    except SettingsError as error:
        if isinstance(error.__cause__, WrongSettingFile):
            reason = error.__cause__
            raise Stop(say(f"The settings are wrong. {reason}", f"设置有误。{reason}")) from None
        # a list that is no JSON though it begins so; the message names the field only
        name = re.search(r'field "(\w+)"', str(error))
        variable = variable_of(options, name[1]) if name else say("A setting", "某项设置")
        raise Stop(
            say(
                f"The settings are wrong. {variable} is a list: write its items with commas between them.",
                f"设置有误。{variable} 是列表：各项之间用逗号分隔。",
            )
        ) from None


def _wrong_settings(options: type[ServiceSettings], given: Mapping[str, Any], error: ValidationError) -> str:
    sentences = []
    for problem in error.errors(include_url=False, include_input=False):
        field, *place = problem["loc"] or ("",)
        message = _message(problem)
        name = f"--{str(field).replace('_', '-')}" if field in given else variable_of(options, str(field))
        number = int(place[0]) + 1 if place and isinstance(place[0], int) else 0
        which = say(f" (item {number})", f"（第 {number} 项）") if number else ""
        sentences.append(f"{name}{which}: {message}" if field else message)
    wrong = "; ".join(sentences)
    return say(f"The settings are wrong. {wrong}", f"设置有误。{wrong}")


def _in_other_words(kind: str, c: Mapping[str, Any]) -> str | None:
    """What pydantic's types of errors mean for a setting; None where its own words do."""
    match kind:
        case "int_parsing" | "int_from_float" | "int_type":
            return say("must be a whole number", "须为整数")
        case "float_parsing" | "float_type":
            return say("must be a number", "须为数字")
        case "bool_parsing" | "bool_type":
            return say("must be true or false", "须为 true 或 false")
        case "greater_than":
            return say(f"must be more than {c['gt']}", f"须大于 {c['gt']}")
        case "greater_than_equal":
            return say(f"must be at least {c['ge']}", f"不得小于 {c['ge']}")
        case "less_than":
            return say(f"must be less than {c['lt']}", f"须小于 {c['lt']}")
        case "less_than_equal":
            return say(f"must be at most {c['le']}", f"不得大于 {c['le']}")
        case "enum" | "literal_error":
            return say(f"must be {c['expected']}", f"须为 {c['expected']}")
        case "string_pattern_mismatch" if c["pattern"] == _URL:
            return say("must be http://host:port or https://host:port", "须为 http://host:port 或 https://host:port")
    return None


def _message(problem: Mapping[str, Any]) -> str:
    told = _in_other_words(problem["type"], problem.get("ctx", {}))
    return told or str(problem["msg"]).removeprefix("Value error, ")
