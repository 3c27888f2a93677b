"""Who holds a session: read from the database when first asked for, and believed for three seconds.

A session that was ended here is refused at once; one that another replica ended, within those three seconds, and so is one
whose account was disabled or got another role. A token that this installation did not make costs no look.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.accounts.roles import OWN_SCOPES, ROLES
from gateway.accounts.rules import digest
from gateway.policy import Bucket
from gateway.settings import GatewaySettings
from gateway.sign_in import repository
from gateway.sign_in.repository import Opened
from gateway.sign_in.rules import csrf_token, is_ours
from shared.service import Kit
from shared.web import MERCHANT, Caller

SESSION = "quanyu.session"
"""Where the door puts the session of a request, for the gateway's own rooms."""
MEMORY = timedelta(seconds=3)
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class CachedSession:
    """A session as the hot path needs it. `limited`: its holder must set up a second factor before anything else."""

    id: str
    caller: Caller
    bucket: Bucket
    csrf: str
    expires_at: datetime
    limited: bool


class SessionCache:
    """Answers `authenticate(token)`. Holds digests, never tokens."""

    def __init__(self, kit: Kit, settings: GatewaySettings) -> None:
        self._db = kit.db
        self._clock = kit.clock
        self._secret = kit.secret
        self._idle = timedelta(minutes=settings.session_idle_minutes)
        self._known: OrderedDict[str, tuple[datetime, Opened | None]] = OrderedDict()
        self._looks: dict[str, asyncio.Task[Opened | None]] = {}
        self._uses: dict[str, datetime] = {}
        self._changes = 0

    async def authenticate(self, token: str) -> CachedSession | None:
        """The session of this token, if it may do anything now; it is used by this."""
        found, now = await self._opened(token), self._clock.now()
        if found is None or found.stage != "full":
            return None
        self._uses[found.id] = now
        limited = found.must_have_factor and not found.has_factor
        scopes = OWN_SCOPES if limited else ROLES[found.role]
        caller = Caller(found.account_id, MERCHANT, "staff", scopes)
        return CachedSession(
            found.id, caller, Bucket(found.account_id, "staff"), csrf_token(token), found.expires_at, limited
        )

    async def waiting(self, token: str) -> Opened | None:
        """The session of this token, if only its second factor is still to be shown."""
        found = await self._opened(token)
        return found if found is not None and found.stage == "second_factor" else None

    def forget_account(self, account_id: str) -> None:
        """Ask the database again for every session of this account."""
        self._changes += 1
        for known in [one for one, (_, found) in self._known.items() if found and found.account_id == account_id]:
            del self._known[known]

    async def note_uses(self) -> None:
        """Write down the last uses since the last round (a loop calls this once a minute)."""
        uses, self._uses = self._uses, {}
        try:
            async with self._db.write() as tx:
                await repository.update_last_uses(tx, uses)
        except BaseException:
            self._uses = uses | self._uses
            raise

    async def _opened(self, token: str) -> Opened | None:
        if not is_ours(token, self._secret):
            return None
        found, now = await self._remembered(digest(token)), self._clock.now()
        if found is None or now >= found.expires_at:
            return None
        last_used = max(found.last_used_at, self._uses.get(found.id, found.last_used_at))
        return found if now - last_used < self._idle else None

    async def _remembered(self, fingerprint: str) -> Opened | None:
        known = self._known.get(fingerprint)
        if known is not None and abs(self._clock.now() - known[0]) < MEMORY:
            return known[1]
        look = self._looks.get(fingerprint)
        if look is None:
            look = self._looks[fingerprint] = asyncio.create_task(self._look(fingerprint))
            look.add_done_callback(lambda _done: self._looks.pop(fingerprint, None))
        return await asyncio.shield(look)

    async def _look(self, fingerprint: str) -> Opened | None:
        """Read it, and again when something was ended meanwhile: the answer may be what was before."""
        while True:
            changes, now = self._changes, self._clock.now()
            async with self._db.read() as tx:
                found = await repository.find_open(tx, fingerprint)
            if changes == self._changes:
                break
        self._known[fingerprint] = (now, found)
        self._known.move_to_end(fingerprint)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found
