"""Whether a database does its work, as that work has shown: told once when it ends, and once when it is well again."""

import time

from sqlalchemy.exc import DBAPIError

from shared.db.faults import Trouble, kind_of
from shared.observability.logging import get_logger
from shared.observability.metrics import DATABASE_TROUBLE

_BELIEVED_SECONDS = 15.0
_CALM_SECONDS = 5.0
"""Without room small writes still succeed among those that fail: only so long after the last failure is one believed."""


class Condition:
    """Of one part's database. `trouble` is what keeps it from its work, None while it does it."""

    def __init__(self, name: str) -> None:
        self._wrote_at = self._failed_at = self._since = -_BELIEVED_SECONDS
        self._log = get_logger(database=name)
        self._gauge = DATABASE_TROUBLE.labels(name)
        self.answered_at = float("-inf")
        """When work last ended well, by `time.monotonic()`."""
        self.trouble: Trouble | None = None

    def failed(self, error: BaseException, *, connecting: bool = False) -> None:
        """Work ended with this error. What the database did not raise says nothing about it, unless it was connecting."""
        found = kind_of(error) if connecting or isinstance(error, DBAPIError) else None
        if found is None:
            return
        self._failed_at = time.monotonic()
        if found is not self.trouble:
            self._since = self._failed_at if self.trouble is None else self._since
            self.trouble = found
            self._gauge.set(1)
            self._log.error("the database " + found.value, trouble=found.name.lower())

    def has_told(self, error: BaseException) -> bool:
        """True when the error is of the trouble that was told here, or of one that has just ended."""
        lately = self.trouble is not None or time.monotonic() - self._failed_at < _BELIEVED_SECONDS
        return lately and kind_of(error) is not None

    def answered(self) -> None:
        """It did what was asked, and wrote nothing: that says nothing of its disk."""
        self.answered_at = time.monotonic()
        if self.trouble is not None and not self.trouble.lasting:
            self._well()

    def wrote(self) -> None:
        """It has committed a change."""
        self._wrote_at = self.answered_at = time.monotonic()
        if self.trouble is not None:
            calm = self._wrote_at - self._failed_at > _CALM_SECONDS
            if calm or not self.trouble.lasting:
                self._well()

    def writes(self) -> None:
        """It was asked to write something large, and did."""
        self._wrote_at = self.answered_at = time.monotonic()
        if self.trouble is not None:
            self._well()

    @property
    def surely_writes(self) -> bool:
        """It has committed a change a moment ago, and nothing failed since."""
        return self.trouble is None and time.monotonic() - self._wrote_at < _BELIEVED_SECONDS

    def _well(self) -> None:
        self.trouble = None
        self._gauge.set(0)
        self._log.info("the database does its work again", seconds=round(time.monotonic() - self._since, 1))
