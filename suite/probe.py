"""`python -m suite.probe`: exits with 0 when the part in this container is ready; the image's health check."""

import http.client
import sys

from suite.settings import SuiteSettings


def ready(port: int) -> bool:
    """True when /readyz on this machine answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(SuiteSettings().port) else 1)
