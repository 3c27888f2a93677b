"""The second factor 双因素: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for who lost it.

A code proves once: the step it belongs to must lie after the last one used, by a conditional update.
"""

import io
import secrets
from datetime import datetime
from hmac import compare_digest

import pyotp

from gateway.accounts import repository
from gateway.accounts.models import Account
from gateway.accounts.rules import RECOVERY_CODES, digest, plain_recovery_code, recovery_code
from gateway.accounts.schemas import NewFactorView
from shared.db import Transaction
from shared.seals import Seal
from shared.service import Kit

_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)
"""Steps by which a phone's clock may be off."""
_ISSUER = "Quanyu"


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The step of 30 seconds that this code belongs to, one off at most; None when it is no code of these. Pure."""
    if not (code.isascii() and code.isdigit()):
        return None
    step = int(now.timestamp()) // _STEP_SECONDS
    app = pyotp.TOTP(secret)
    found = [step + off for off in _DRIFT if compare_digest(app.generate_otp(step + off), code)]
    return found[0] if found else None


class SecondFactor:
    """Set up, proved, taken away. Every method works in its caller's transaction."""

    def __init__(self, kit: Kit) -> None:
        self._clock = kit.clock
        self._seal = Seal(kit.secret, "second factors")
        self._notes = kit.log

    async def begin(self, tx: Transaction, account: Account) -> NewFactorView:
        """A fresh secret, which counts once a code of it was shown. The one in force stays until then."""
        secret = pyotp.random_base32()
        await repository.update_account(tx, account.id, {"factor_wanted": self._seal.seal(secret.encode(), account.id)})
        uri = pyotp.TOTP(secret).provisioning_uri(name=account.login, issuer_name=_ISSUER)
        picture = io.BytesIO()
        import segno  # loaded by those who need it

        segno.make_qr(uri).save(picture, kind="svg", scale=4)
        return NewFactorView(secret=secret, uri=uri, qr_svg=picture.getvalue().decode())

    async def confirm(self, tx: Transaction, account: Account, code: str) -> bool:
        """Put the wanted secret in force when the code is one of it."""
        secret = self._opened(account.factor_wanted, account.id)
        step = None if secret is None else matching_step(secret, code, self._clock.now())
        return step is not None and await repository.take_wanted_factor(tx, account, step, self._clock.now())

    async def proves(self, tx: Transaction, account: Account, code: str) -> bool:
        """Whether the code is one of the factor in force and has not been used, nor one after it."""
        secret = self._opened(account.factor, account.id)
        step = None if secret is None else matching_step(secret, code, self._clock.now())
        return step is not None and await repository.use_step(tx, account, step)

    async def recovers(self, tx: Transaction, account: Account, typed: str) -> bool:
        """Whether it is a recovery code of theirs that was not used; it is now."""
        return await repository.use_recovery_code(tx, account.id, digest(plain_recovery_code(typed)), self._clock.now())

    async def new_recovery_codes(self, tx: Transaction, account_id: str) -> list[str]:
        """Ten fresh codes, to be shown once; those before are no good any more."""
        codes = [recovery_code(secrets.token_bytes(10)) for _ in range(RECOVERY_CODES)]
        await repository.replace_recovery_codes(tx, account_id, [digest(one) for one in codes])
        return codes

    async def remove(self, tx: Transaction, account_id: str) -> None:
        """No second factor any more, and no recovery codes."""
        await repository.remove_factor(tx, account_id)
        await repository.replace_recovery_codes(tx, account_id, [])

    def _opened(self, sealed: bytes | None, account_id: str) -> str | None:
        if sealed is None:
            return None
        secret = self._seal.open(sealed, account_id)
        if secret is None:
            self._notes.warning(
                "a second factor was sealed under another QUANYU_INTERNAL_SECRET; reset it with `quanyu accounts`",
                account_id=account_id,
            )
            return None
        return secret.decode()
