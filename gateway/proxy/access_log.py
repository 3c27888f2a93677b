"""One line per request, written in batches: a line through the general log pipeline costs more than the rest of the way.

A line holds only what we chose ourselves or checked (template, ids, numbers): no path, query, header or body, since those
hold personal data. What was not yet written when the process is killed is lost; everything else of a request is not here.
"""

import asyncio
import sys
from datetime import UTC, datetime

from gateway.settings import GatewaySettings

_PAUSE_SECONDS = 0.1
_MOST_WAITING = 1000


class AccessLog:
    """`add` a line; it appears on standard error within a tenth of a second. JSON or a plain line, as the settings say."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.enabled = settings.access_log and settings.log_level in ("debug", "info")
        self._json = settings.log_format == "json"
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, fields: list[tuple[str, str | int | float]]) -> None:
        """`fields` hold no quotes or line breaks."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._json:
            pairs = [f'"{name}":"{value}"' if isinstance(value, str) else f'"{name}":{value}' for name, value in fields]
            self._waiting.append(f'{{"timestamp":"{now}","level":"info","event":"request",{",".join(pairs)}}}\n')
        else:
            self._waiting.append(f"{now} request {' '.join(f'{name}={value}' for name, value in fields)}\n")
        if len(self._waiting) >= _MOST_WAITING:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._waiting = self._waiting, []
        sys.stderr.write("".join(lines))
        sys.stderr.flush()
