"""How far a connection is behind the least rate, while its body comes in or its answer goes out."""

import asyncio

from suite.door.limits import Limits

try:
    import fcntl
    import termios
except ImportError:  # Windows
    _KNOWS_THE_KERNEL = False
else:
    _KNOWS_THE_KERNEL = True


class Pace:
    """Seconds that a caller owes: each that passes is one more, each `least_rate` bytes are one less.

    A transfer may thus stand still for `stall_seconds` at any time, and go as slowly as the least rate for ever.
    """

    def __init__(self, limits: Limits) -> None:
        self._rate = limits.least_rate
        self._most = limits.stall_seconds
        self.untaken = 0
        """Bytes of answers that the caller had not taken at the last look."""
        self.owes = 0.0
        self.received = 0
        """Bytes of the body since the last look."""

    def sends_slowly(self, passed: float, *, expected: bool) -> bool:
        """Look at the body. Not `expected`: nobody waits for more of it."""
        received, self.received = self.received, 0
        if not expected or self.untaken:
            return False
        return self._late(passed, received)

    def reads_slowly(self, passed: float, transport: asyncio.Transport) -> bool:
        """Look at what was written and not taken."""
        before, self.untaken = self.untaken, _untaken(transport)
        if not self.untaken:
            return False
        if not before:
            self.owes = 0.0
            return False
        return self._late(passed, before - self.untaken)

    def _late(self, passed: float, moved: int) -> bool:
        self.owes = max(0.0, self.owes + passed - max(moved, 0) / self._rate)
        return self.owes > self._most


def _untaken(transport: asyncio.Transport) -> int:
    """Bytes that the caller has not taken: ours and, on Linux, the kernel's, which takes ours in large lumps."""
    ours = transport.get_write_buffer_size()
    if not ours or not _KNOWS_THE_KERNEL:
        return ours
    try:
        queued = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return ours
    return ours + int.from_bytes(queued, "little")
