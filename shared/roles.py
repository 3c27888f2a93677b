"""What a process does of a part's work: answer requests, do what follows from them, or both."""

from enum import StrEnum


class Role(StrEnum):
    """Of a process; of background work, by which kind of process it is done."""

    ALL = "all"
    API = "api"
    WORKER = "worker"

    @property
    def answers(self) -> bool:
        """Requests are answered here."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Messages are sent and heard here, and what is due is done."""
        return self is not Role.API

    def does(self, work: "Role") -> bool:
        """Whether this process does what is meant for `work`; ALL is done by each."""
        return work is self or Role.ALL in (self, work)
