"""HTTP shapes of signing in, and of one's own account."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.accounts.roles import RoleName
from gateway.accounts.schemas import Login, Password
from shared.web import Body, Instant, Name, View
from shared.web.identity import KeyKind

Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class CredentialsIn(Body):
    """A login and its password."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    password: Password


class SecondFactorIn(Body):
    """Either the six digits of the authenticator app, or one of the recovery codes."""

    code: Code | None = None
    recovery_code: Code | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.code is None) == (self.recovery_code is None):
            raise ValueError("give either code or recovery_code")
        return self


class LinkIn(Body):
    """A one-time link's token and the password to be. The first administrator chooses login and name as well."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    password: Password
    login: Login | None = None
    name: Name | None = None


class PasswordIn(Body):
    """The present password, and the one to be."""

    current: Password
    password: Password


class ProofIn(Body):
    """One's password once more, before something of weight."""

    password: Password


class CodeIn(Body):
    """The six digits that the authenticator app shows now."""

    code: Code


class SignedInView(View):
    """What follows. With `second_factor_needed`, show the code at `/v1/sign-in/second-factor`.

    `csrf_token` goes into the header `X-CSRF-Token` of every call that changes something; `/v1/me` answers it too.
    """

    status: Literal["signed_in", "second_factor_needed"]
    csrf_token: str


class MeView(View):
    """Who calls, and what they may do. For a session: who is signed in, and `csrf_token`.

    `second_factor_to_set_up`: nothing else may be done before that.
    """

    kind: KeyKind
    id: str
    scopes: list[str]
    login: str | None = None
    name: str | None = None
    role: RoleName | None = None
    session_id: str | None = None
    session_expires_at: Instant | None = None
    csrf_token: str | None = None
    second_factor_since: Instant | None = None
    second_factor_to_set_up: bool = False
    recovery_codes_left: int | None = None


class SessionView(View):
    """A browser that is signed in. `browser` is what it calls itself. `last_used_at` is a minute old at most."""

    id: str
    address: str
    browser: str
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant
    current: bool


class SessionsView(View):
    """The browsers in which one is signed in."""

    data: list[SessionView]


class FactorConfirmedView(SignedInView):
    """The second factor is in force. The recovery codes are shown this once only."""

    recovery_codes: list[str] = Field(description="each good once in place of the second factor")
