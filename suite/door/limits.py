"""What callers may take of a server: numbers, and how many connections the process's descriptors allow."""

from dataclasses import dataclass
from enum import IntEnum

from gateway.addresses import Network
from gateway.webhooks_out.lanes import most_attempts

RESERVED_DESCRIPTORS = 540  # databases (120 embedded), connections to the parts (400); besides those of webhooks
MOST_DESCRIPTORS = 65_536
MOST_CONNECTIONS = 8_192  # unless the setting says otherwise; one that waits takes about 10 kB of memory
FEW_CONNECTIONS = 256

MOST_TARGET = 8 * 1024
MOST_PIPELINED = 32
MOST_LINGERING = 64
LINGER_SECONDS = 10
HALF_CLOSED_SECONDS = 5
LAST_CALL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """What callers may take of the server. `per_address` does not count for `proxies`; None where the callers are our own."""

    connections: int = 1_000
    per_address: int | None = None
    proxies: tuple[Network, ...] = ()
    head_seconds: float = 10
    idle_seconds: float = 75  # above the 60 s that the gateway keeps idle connections
    stall_seconds: float = 30
    least_rate: int = 500

    @property
    def backlog(self) -> int:
        """Callers that the system keeps until they are taken in: all at once, so that they must fit beside the others."""
        return min(self.connections // 2 + 1, 2_048)


class Phase(IntEnum):
    """What a connection is at; those before BUSY owe us a request, and give way to one that brings it."""

    UNSPOKEN = 0  # connected, or in the middle of a head
    IDLE = 1  # answered, and kept for another request
    BUSY = 2
    LINGERING = 3  # refused; what still comes is thrown away until the caller has heard it


def raise_descriptors() -> int | None:
    """Let this process open as many files as its user may, within reason. Answers how many; None where nobody counts."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS has a lower limit of its own
        return soft
    return wanted


def connections_within(descriptors: int | None, wanted: int | None) -> int:
    """How many connections there may be: what is asked for, less than leaves databases and parts their descriptors."""
    most = wanted or MOST_CONNECTIONS
    if descriptors is None:
        return most
    reserved = RESERVED_DESCRIPTORS + most_attempts(descriptors)
    return min(most, max(descriptors - reserved, descriptors // 4))
