"""`python -m bench` runs every benchmark and writes `bench/RESULTS.md`."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import (
    bulk_issue,
    codes,
    deliveries,
    forwarding,
    gateway,
    hot_keys,
    ingestion,
    leases,
    messaging,
    pricing,
    quotes,
)

_LIBRARIES = ("fastapi", "starlette", "uvicorn", "uvloop", "sqlalchemy", "asyncpg", "aiosqlite", "pydantic")


def _machine() -> str:
    server = subprocess.run(["psql", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {server}, {libraries}"


def main() -> None:
    """Each table once; medians of several rounds."""
    tables = [
        (
            "## One hot key, over HTTP through the gateway",
            hot_keys.__doc__,
            "| what | database | rate | p50 ms | p99 ms | CPU ms a call (bare) | of pgbench | of the bare program |",
            8,
        ),
        (
            "## Quotes, over HTTP through the gateway",
            quotes.__doc__,
            "| what | database | rate | p50 ms | p99 ms | CPU ms | ratio to the bare engine |",
            7,
        ),
        ("## Two processes on one hot template", leases.__doc__, "| what | rate | ratio |", 3),
        (
            "## Bulk issue",
            bulk_issue.__doc__,
            "| what | database | customers | list comes in | issued | p99 ms of a claim meanwhile | ratio |",
            7,
        ),
        ("## Tracking", ingestion.__doc__, "| what | database | rate | p95 ms until the member is seen | ratio |", 5),
        ("## Codes", codes.__doc__, "| what | database | rate | seconds | ratio |", 5),
        ("## Messages", messaging.__doc__, "| bus, database | packs | messages | ratio |", 4),
        (
            "## Webhooks out",
            deliveries.__doc__,
            "| endpoints | database | deliveries | CPU ms of one | bare sender | ratio |",
            6,
        ),
        ("## The gateway in process", gateway.__doc__, "| what | time of one call | ratio |", 3),
        ("## The gateway's HTTP client", forwarding.__doc__, "| what | rate | CPU | ratio | of the client |", 5),
        ("## Prices, in process", pricing.__doc__, "| what | rate | p50 ms | p99 ms | ratio |", 5),
    ]
    text = [
        "# Results",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {_machine()}.",
        "Client and server share the machine. Trust the ratios, not the digits; repeat with `make bench`.",
    ]
    for (title, note, head, columns), measure in zip(
        tables,
        (
            hot_keys.main,
            quotes.main,
            leases.main,
            bulk_issue.main,
            ingestion.main,
            codes.main,
            messaging.main,
            deliveries.main,
            gateway.main,
            forwarding.main,
            pricing.main,
        ),
        strict=True,
    ):
        print(f"\n{title.strip('# ')} …", flush=True)
        rows = measure()
        text += ["", title, "", (note or "").strip(), "", head, "|---" * columns + "|", *rows]
    path = Path(__file__).parent / "RESULTS.md"
    path.write_text("\n".join(text) + "\n")
    print(f"\nwritten to {path.name}")


if __name__ == "__main__":
    main()
