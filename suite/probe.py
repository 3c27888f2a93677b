"""`python -m suite.probe [readyz|livez|startupz]`: exits with 0 when this container answers 200; the image's health check.

`readyz`, the default, is for whoever sends calls (`depends_on` of Compose, a load balancer). A supervisor that kills what is
unhealthy is to ask `livez`: a process whose database is away is no better after a restart.
"""

import http.client
import json
import sys

from suite.settings import SuiteSettings

_SECONDS = 4


def ask(port: int, path: str = "readyz") -> tuple[bool, str]:
    """Whether /`path` on this machine answers 200, and what is not well: `docker inspect` shows it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        return answer.status == 200, _told(answer.read())
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer: {type(error).__name__}"
    finally:
        connection.close()


def _told(body: bytes) -> str:
    try:
        return "; ".join(json.loads(body)["checks"])
    except (ValueError, KeyError, TypeError):
        return ""


if __name__ == "__main__":
    well, told = ask(SuiteSettings().port, *sys.argv[1:2])
    sys.stdout.write(f"{told}\n")
    sys.exit(0 if well else 1)
