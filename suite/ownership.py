"""What only who owns the data may do, without a key: on the database itself, beside a suite that runs or not."""

from pathlib import Path

from gateway.accounts.schemas import AccountIn
from shared.language import say
from shared.web import Problem
from suite.errors import Stop
from suite.settings import SuiteSettings
from suite.wiring import Flags, owned_gateway


async def reset_administrator(settings: SuiteSettings, flags: Flags) -> Path:
    """Give the administrator another key. Answers the file in which it lies."""
    async with owned_gateway(settings, flags) as gateway:
        try:
            await gateway.keys.administrator.reset()
        except ValueError as error:
            raise Stop(f"{error}.") from None
        return gateway.keys.key_file.path


async def invite_administrator(settings: SuiteSettings, flags: Flags, login: str, name: str) -> str:
    """The path of a one-time link for a new administrator. Raises Stop for a login that is taken, or none."""
    try:
        wanted = AccountIn(login=login, name=name, role="administrator")
    except ValueError:
        raise Stop(
            say(
                f"{login} is no login: an e-mail address or a short name is good.",
                f"{login} 不能作登录名：可用邮箱或短名。",
            )
        ) from None
    async with owned_gateway(settings, flags) as gateway:
        try:
            return (await gateway.accounts.accounts.invite(None, wanted)).link.path
        except Problem as problem:
            raise Stop(problem.detail) from None


async def reset_second_factor(settings: SuiteSettings, flags: Flags, login: str) -> None:
    """Take the second factor away. Raises Stop for a login that nobody has."""
    async with owned_gateway(settings, flags) as gateway:
        accounts = gateway.accounts.accounts
        try:
            await accounts.reset_second_factor(None, await accounts.id_of(login))
        except Problem as problem:
            raise Stop(problem.detail) from None
