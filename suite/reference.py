"""Writes what is made from the code in `docs`: the pages of settings and endpoints, and blocks of the pages about coupons.

`python -m suite.reference --write` writes them, without the flag it only compares (and fails when they are old).
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from gateway.app import create_gateway
from gateway.forwarding.embedded import AsgiForwarder
from gateway.routes import PUBLIC, ROUTES
from gateway.settings import GatewaySettings
from shared.clock import SystemClock
from shared.db import Database
from shared.messaging import LocalBus
from shared.settings import PREFIX, ServiceSettings
from suite.handbook.coupon.pages import pages
from suite.handbook.metrics import chinese_page, english_page
from suite.parts import SERVICES
from suite.settings import CallerSettings, SuiteSettings
from suite.wiring import service

# What stands outside OpenAPI because it is no part of the API itself.
_PAGES = {
    "/": "A page that leads to the documents",
    "/healthz": "The process answers",
    "/livez": "The same, by the name that Kubernetes uses",
    "/startupz": "The parts run; asks no server",
    "/readyz": "This process can do its own work, else 503; tells what is degraded or down, and since when",
    "/metrics": "Prometheus metrics (in production at a port of their own, not at the public door)",
    "/openapi.json": "The OpenAPI 3.1 document of all parts",
    "/openapi.zh-CN.json": "The same in Chinese 中文接口文档",
    "/postman.json": "The same as a Postman collection",
    "/postman.zh-CN.json": "The Postman collection in Chinese",
    "/asyncapi.json": "The events that webhooks tell, as AsyncAPI 3",
    "/docs/guides": "The guides, listed",
    "/docs/guides/{page}": "One guide; `webhooks.zh-CN` is the Chinese one",
    "/docs": "The same to read and try in a browser",
    "/docs/static/{file}": "What that page is made of",
    "/sign-in": "The plain page for signing in 登录页",
    "/sign-in/static/{file}": "What it is made of",
}
DOCS = Path(__file__).parents[1] / "docs"
_MADE = "Made from the code by `make docs`; a test holds it to that.\n"


def settings_page() -> str:
    """Every setting of every part, with its default."""
    lines = [
        "# Settings\n",
        _MADE,
        "Flags of the command line go before environment variables, these before `.env`, this before the default. A part's own",
        "variable goes before the suite's: the coupon service reads `QUANYU_COUPON_DATABASE_URL`, then `QUANYU_DATABASE_URL`.\n",
        "A list has commas between its items. A name that begins with `QUANYU_` and is no setting is refused, not ignored.\n",
        "Each may be read from a file, as Docker, Kubernetes and systemd hand over secrets: `QUANYU_ADMIN_KEY_FILE=/path`.",
        "White space at the file's ends does not count, and who sets both names hears of it.\n",
        "`QUANYU_ENVIRONMENT=production` refuses to start on defaults that only suit a laptop ([security.md](security.md)).\n",
        "## Every part\n",
        *_table(ServiceSettings, PREFIX, set()),
    ]
    shared = set(ServiceSettings.model_fields)
    parts: list[tuple[str, type[ServiceSettings], str]] = [("Command line and server", SuiteSettings, PREFIX)]
    parts += [("Commands that call a running suite", CallerSettings, PREFIX)]
    parts += [(name, kind, f"{PREFIX}{name.upper()}_") for name in SERVICES for kind in [service(name)[1]]]
    parts += [("gateway", GatewaySettings, PREFIX)]
    for title, kind, prefix in parts:
        rows = list(_table(kind, prefix, shared))
        if len(rows) > 3:
            lines += [f"## {title}\n", *rows]
    return "\n".join(lines).rstrip() + "\n"


def _table(kind: type[ServiceSettings], prefix: str, without: set[str]) -> Iterator[str]:
    yield "| variable | default | meaning |\n|---|---|---|"
    for name, field in kind.model_fields.items():
        if name not in without:
            yield f"| `{prefix}{name.upper()}` | {_default(field)} | {field.description} |"
    yield ""


def _default(field: Any) -> str:
    value = field.default
    if value is None or value is PydanticUndefined or isinstance(value, SecretStr):
        return "none" if NoneType in get_args(field.annotation) else "see the meaning"
    if isinstance(value, tuple):
        return (
            "`" + ",".join(f"{one:g}" if isinstance(one, float | int) else str(one) for one in value) + "`"
            if value
            else "none"
        )
    return f"`{value}`"


def endpoints_page() -> str:
    """Every operation of the public door, with its scope and what it is for."""
    summaries = _summaries()
    lines = [
        "# Endpoints\n",
        _MADE,
        "The same with every field stands at `/docs` of a running suite. Every error is a problem document (RFC 9457).",
        "A client is generated from `/openapi.json`; a test does it for Python:\n",
        "```",
        "openapi-python-client generate --url http://127.0.0.1:8000/openapi.json --config docs/python-client.yaml",
        "```\n",
        "For TypeScript. `auth` is a function: a text would be sent in every way that a key may come, and two are refused.\n",
        "```",
        "npx @hey-api/openapi-ts -i http://127.0.0.1:8000/openapi.json -o quanyu -c @hey-api/client-fetch",
        'client.setConfig({ baseUrl, auth: (scheme) => (scheme.scheme === "bearer" ? key : undefined) });',
        "```\n",
    ]
    for part in ("coupon", "segments", "journey", "inventory", "gateway"):
        lines += [f"## {part}\n", "| operation | scope | what it does |\n|---|---|---|"]
        for route in ROUTES:
            if route.service == part:
                what = summaries.get((route.method, route.template)) or _PAGES.get(route.template, "")
                scope = f"`{route.scope}`" if route.scope != PUBLIC else "open"
                lines.append(f"| `{route.method} {route.template}` | {scope} | {what} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


@cache
def _summaries() -> dict[tuple[str, str], str]:
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        bus = LocalBus(Database(f"sqlite:///{folder}/bus.db", schema="bus"), clock)
        flags: dict[str, Any] = {"data_dir": folder}
        services = [create(kind(**flags), bus, clock) for create, kind in map(service, SERVICES)]
        forwarders = {service.name: AsgiForwarder(service.app) for service in services}
        gateway = create_gateway(GatewaySettings(**flags), bus, clock, forwarders)
        documents = [app.openapi() for app in (*(service.app for service in services), gateway.admin)]
    return {
        (method.upper(), path): operation.get("summary", "")
        for document in documents
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "endpoints.md": endpoints_page,
    "metrics.md": english_page,
    "metrics.zh-CN.md": chinese_page,
    **pages(DOCS, _summaries),
}


def main() -> None:
    """Check the generated pages, or write them with `--write`."""
    old = []
    for name, make in PAGES.items():
        path = DOCS / name
        text = make()
        if "--write" in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            old.append(name)
    if old:
        sys.exit(f"docs/{', docs/'.join(old)} no longer match the code; run `make docs`")


if __name__ == "__main__":
    main()
