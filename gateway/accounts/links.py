"""One-time links 一次性链接: whoever holds one chooses the password of its account, once and in time."""

import secrets
from datetime import datetime, timedelta

from gateway.accounts import repository
from gateway.accounts.models import Account
from gateway.accounts.rules import digest, fault_of_password, link_token, plain_login
from gateway.accounts.schemas import LinkView
from shared.db import Transaction
from shared.ids import new_id
from shared.service import Kit
from shared.web import Gone, invalid

PAGE = "/sign-in"
_INVITED_FOR = timedelta(days=3)
_FIRST_FOR = timedelta(hours=1)


class Links:
    """Every method works in its caller's transaction."""

    def __init__(self, kit: Kit) -> None:
        self._clock = kit.clock

    async def make(self, tx: Transaction, account_id: str | None, created_by: str | None) -> LinkView:
        """A link for this account, in place of an open one; for None, for whoever becomes the first administrator."""
        now, token = self._clock.now(), link_token(secrets.token_bytes(32))
        expires_at = now + (_FIRST_FOR if account_id is None else _INVITED_FOR)
        row = {
            "id": new_id("alk"),
            "account_id": account_id,
            "digest": digest(token),
            "created_at": now,
            "created_by": created_by,
            "expires_at": expires_at,
        }
        await repository.insert_link(tx, row)
        return LinkView(token=token, path=f"{PAGE}#{token}", expires_at=expires_at)

    async def holder(self, tx: Transaction, token: str) -> Account | None:
        """Whose link it is; None for the first administrator's. Raises Gone."""
        link = await repository.find_link(tx, digest(token), self._clock.now())
        if link is None:
            raise spent()
        account = await repository.find(tx, link.account_id) if link.account_id else None
        if link.account_id and (account is None or account.disabled_at is not None):
            raise spent()
        if link.account_id is None and await repository.any_account(tx):
            raise spent()
        return account

    async def take(self, tx: Transaction, token: str, hashed: str, wanted: tuple[str, str] | None) -> Account:
        """Give the link's account this password: the first administrator's, with `wanted` login and name, is made by it.

        Whatever sessions the account had end. Raises Gone, also for who comes second.
        """
        now = self._clock.now()
        link = await repository.find_link(tx, digest(token), now)
        if link is None or not await repository.use_link(tx, link.id, now):
            raise spent()
        account_id = link.account_id or await self._first(tx, wanted, now)
        await repository.update_account(tx, account_id, {"password": hashed, "password_since": now})
        await repository.end_sessions(tx, account_id)
        account = await repository.lock(tx, account_id)
        if account is None or account.disabled_at is not None:
            raise spent()
        return account

    async def _first(self, tx: Transaction, wanted: tuple[str, str] | None, now: datetime) -> str:
        if wanted is None or not await repository.insert_policy(tx, now):
            raise spent()
        login, name = wanted
        row = {
            "id": new_id("acc"),
            "login": plain_login(login),
            "name": name,
            "role": "administrator",
            "epoch": 0,
            "created_at": now,
        }
        if not await repository.insert_account(tx, row):
            raise spent()
        return str(row["id"])


def refuse_weak(password: str, *names: str) -> None:
    """Raise Unprocessable for a password that is too easily guessed."""
    if (fault := fault_of_password(password, *names)) is not None:
        raise invalid("#/password", "weak_password", f"A password {fault}.")


def spent() -> Gone:
    """A link that is good for nothing, whatever the reason."""
    return Gone("link_spent", "This link was used, replaced, or is too old. Ask an administrator for another.")
