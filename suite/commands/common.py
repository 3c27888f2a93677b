"""What all commands share: options, settings with precedence flags > environment > .env, and running a coroutine."""

from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from shared.language import say

if TYPE_CHECKING:
    from shared.settings import ServiceSettings
    from suite.client import Client
    from suite.settings import CallerSettings, SuiteSettings

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help=say("Folder of databases and keys. (./data when left out)", "存放数据库与密钥的目录。（不填为 ./data）"),
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help=say(
            "Where the suite runs. (http://127.0.0.1:8000 when left out)",
            "套件的地址。（不填为 http://127.0.0.1:8000）",
        ),
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        help=say(
            "API key; others on this machine see it here, but not in the variable. "
            "(QUANYU_ADMIN_KEY or <data-dir>/admin.key when left out)",
            "API 密钥；写在这里会被本机其他用户看到，写在环境变量中则不会。（不填为 QUANYU_ADMIN_KEY 或 <data-dir>/admin.key）",
        ),
    ),
]

Result = TypeVar("Result")


def flags(**given: Any) -> dict[str, Any]:
    """The flags that were really given; the others leave the word to the environment."""
    return {name: value for name, value in given.items() if value is not None}


def suite_settings(given: Mapping[str, Any]) -> "SuiteSettings":
    """The suite's settings, with these flags. What reads them is loaded now and not before: help needs none of it."""
    from suite.settings import SuiteSettings, load

    return load(SuiteSettings, given)


def caller(url: str | None, data_dir: Path | None) -> "CallerSettings":
    """Where a command finds the running suite."""
    from suite.settings import CallerSettings, load

    return load(CallerSettings, flags(url=url, data_dir=data_dir))


def connect(settings: "CallerSettings", key: str | None = None) -> "Client":
    """A client of the running suite, loaded now for the same reason."""
    from suite import client

    return client.connect(settings, key)


def run(work: Coroutine[Any, Any, Result], settings: "ServiceSettings | None" = None) -> Result:
    """Run a command's coroutine on uvloop, where there is one."""
    if settings is not None:
        from shared.observability.logging import configure_logging

        configure_logging(settings.log_format, settings.log_level)
    import asyncio

    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
