"""HTTP shapes of accounts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.accounts.roles import RoleName
from gateway.accounts.rules import LONGEST_LOGIN, LONGEST_PASSWORD, fault_of_login
from shared.web import Body, Instant, Name, View


def _login(text: str) -> str:
    if (fault := fault_of_login(text)) is not None:
        raise ValueError(f"a login {fault}")
    return text


Login = Annotated[str, Field(max_length=LONGEST_LOGIN), AfterValidator(_login)]
"""An e-mail address or a short name, in any script. Case and width do not matter."""
Password = Annotated[str, StringConstraints(min_length=1, max_length=2 * LONGEST_PASSWORD)]
"""Never answered, logged or stored as it is."""
Status = Literal["invited", "active", "disabled"]


class AccountIn(Body):
    """An operator to be invited."""

    login: Login
    name: Name
    role: RoleName


class AccountPatch(Body):
    """What changes. Their sessions end with a new role, and when they are disabled."""

    name: Name | None = None
    role: RoleName | None = None
    disabled: bool | None = None


class PolicyPatch(Body):
    """What holds for all accounts."""

    require_second_factor: bool


class PolicyView(View):
    """What holds for all accounts: whether nobody works here without a second factor."""

    require_second_factor: bool


class AccountView(View):
    """An operator. `second_factor_since` is empty for who has none."""

    id: str
    login: str
    name: str
    role: RoleName
    status: Status
    second_factor_since: Instant | None
    created_at: Instant
    created_by: str | None
    disabled_at: Instant | None
    last_sign_in_at: Instant | None


class LinkView(View):
    """A one-time link 一次性链接. The one answer that holds its `token`; send it on by a way that only its holder reads.

    `path` is the page that takes it: put your own address before it. The token stands behind the `#`, which no server sees.
    """

    token: str
    path: str
    expires_at: Instant


class InvitedView(AccountView):
    """An operator with the link to choose a password with."""

    link: LinkView


class RoleView(View):
    """A role and what it may do."""

    name: RoleName
    scopes: list[str]


class RolesView(View):
    """Every role."""

    data: list[RoleView]


class NewFactorView(View):
    """What an authenticator app wants to know: `secret` to type, `uri` to open, `qr_svg` to scan. Confirm it with a code."""

    secret: str
    uri: str
    qr_svg: str


class RecoveryCodesView(View):
    """Ten codes, each good once in place of the second factor. They are shown this once only."""

    recovery_codes: list[str]
