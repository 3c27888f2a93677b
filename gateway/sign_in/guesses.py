"""Guesses at passwords and codes are counted before they are looked at: many at once get no more than one after the other.

Who signs in from a browser that is known is counted by that browser: strangers who guess at the account make only each
other wait. Nobody is locked out for good: after fifteen minutes at most the next guess may come, from anywhere.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from gateway.metrics import SIGN_INS
from gateway.sign_in import repository
from gateway.sign_in.models import Guesses
from gateway.sign_in.rules import OF_ACCOUNT, OF_ADDRESS, OF_BROWSER, Patience
from shared.db import Transaction
from shared.service import Kit
from shared.web import BadRequest, TooManyRequests

Subjects = Mapping[str, Patience]


def of_browser(browser: str, account_id: str) -> Subjects:
    """A browser in which this account was signed in before."""
    return {f"browser:{browser}:{account_id}"[:80]: OF_BROWSER}


def of_stranger(subject: str, address: str) -> Subjects:
    """`subject` is an account, or where logins are counted that nobody has."""
    return {subject: OF_ACCOUNT, f"address:{address}": OF_ADDRESS}


def of_factor(who: str) -> Subjects:
    """Who knows the password and guesses at the second factor."""
    return {f"factor:{who}"[:80]: OF_ACCOUNT}


class GuessCounter:
    """`count` in a transaction of its own before the proof is looked at; `right` or nothing after it."""

    def __init__(self, kit: Kit) -> None:
        self._db = kit.db
        self._clock = kit.clock

    async def count(self, subjects: Subjects) -> bool:
        """Count one guess against each. Answers whether the next one will have to wait. Raises TooManyRequests.

        Raises BadRequest within a call that is undone when it is refused: the count would be undone as well.
        """
        if self._db.is_joined():
            raise BadRequest(
                "no_idempotency_key", "Leave Idempotency-Key out: what is proved here is proved anew each time."
            )
        now, refused, last = self._clock.now(), timedelta(), False
        async with self._db.write() as tx:
            rows = await repository.lock_guesses(tx, list(subjects), now)
            for row in rows:
                refused = max(refused, self._wait(row, subjects[row.subject]))
            for row in rows if not refused else ():
                patience = subjects[row.subject]
                wrong = patience.counted(row.wrong, row.last_at, now) + 1
                last |= wrong >= patience.free
                await repository.update_guesses(tx, row.subject, wrong, now)
        if refused:
            SIGN_INS.labels("waiting").inc()
            seconds = ceil(refused.total_seconds())
            detail = f"Too many wrong guesses. Wait {seconds} s, or ask an administrator for a link."
            raise TooManyRequests("too_many_guesses", detail, headers={"Retry-After": str(seconds)})
        return last

    async def right(self, tx: Transaction, subjects: Subjects) -> None:
        """It was no guess. What others guessed from the same address still counts."""
        for subject, patience in sorted(subjects.items()):
            if patience is OF_ADDRESS:
                await repository.take_back_guess(tx, subject)
            else:
                await repository.forget_guesses(tx, [subject])

    def _wait(self, row: Guesses, patience: Patience) -> timedelta:
        now = self._clock.now()
        wrong = patience.counted(row.wrong, row.last_at, now)
        return max(patience.free_at(wrong, row.last_at) - now, timedelta()) if wrong else timedelta()
