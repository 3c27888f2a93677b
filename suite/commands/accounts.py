"""`quanyu accounts`: operators' accounts of a running suite, through its API; and a way in for who owns the data."""

from typing import Annotated, Any

import typer

from shared.language import helps, say
from suite.commands.common import DataDir, Key, Url, caller, connect, flags, run, suite_settings
from suite.terminal import console, plain, show_table

app = typer.Typer(
    no_args_is_help=True,
    help=say(
        "Invite and list operators of the console; make an administrator, reset a lost second factor.",
        "邀请、列出控制台操作员；创建管理员，重置丢失的双因素。",
    ),
)
Login = Annotated[str, typer.Argument(help=say("An e-mail address or a short name.", "邮箱或短名。"))]
PersonName = Annotated[
    str | None,
    typer.Option("--name", help=say("What people call them. (the login when left out)", "称呼。（不填则同登录名）")),
]


@app.command("list")
@helps("列出操作员。")
def list_accounts(url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """List the operators."""

    async def work() -> list[dict[str, Any]]:
        async with connect(caller(url, data_dir), key) as client:
            return await client.all("/v1/accounts")

    heads = ("id", say("login", "登录名"), say("role", "角色"), say("status", "状态"), say("second factor", "双因素"))
    rows = [
        (one["id"], one["login"], one["role"], one["status"], say("yes", "有") if one["second_factor_since"] else "-")
        for one in run(work())
    ]
    show_table(console, heads, rows, whole=heads[:2])


@app.command()
@helps("邀请一位操作员，打印一次性链接。")
def invite(
    login: Login,
    role: Annotated[
        str,
        typer.Option(
            help=say(
                "viewer, marketer, stock_keeper, developer or administrator.",
                "viewer（只读）、marketer（营销）、stock_keeper（库存）、developer（开发）或 administrator（管理员）。",
            )
        ),
    ] = "viewer",
    name: PersonName = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Invite an operator and print the one-time link with which they choose a password."""
    settings = caller(url, data_dir)

    async def work() -> Any:
        async with connect(settings, key) as client:
            return await client.post("/v1/accounts", {"login": login, "name": name or login, "role": role})

    _show_link(settings.url, run(work())["link"]["path"])


@app.command("create-administrator")
@helps("创建一名管理员并打印一次性链接。供数据的拥有者使用：直接操作数据库。")
def create_administrator(login: Login, name: PersonName = None, url: Url = None, data_dir: DataDir = None) -> None:
    """Make an administrator and print the one-time link. For who owns the data: works on the database itself."""
    given = flags(data_dir=data_dir)
    settings = suite_settings(given)
    from suite import ownership

    path = run(ownership.invite_administrator(settings, given, login, name or login), settings)
    _show_link(caller(url, None).url, path)


@app.command("reset-second-factor")
@helps("取消一个账号的双因素，供手机和恢复码都丢失的人使用。直接操作数据库。")
def reset_second_factor(login: Login, data_dir: DataDir = None) -> None:
    """Take the second factor from an account whose holder lost phone and recovery codes. Works on the database itself."""
    given = flags(data_dir=data_dir)
    settings = suite_settings(given)
    from suite import ownership

    run(ownership.reset_second_factor(settings, given, login), settings)
    console.print(
        say(
            f"{plain(login)} signs in with the password alone now, and should set up a second factor again.",
            f"{plain(login)} 现在只凭密码登录，请尽快重新设置双因素。",
        ),
        soft_wrap=True,
    )


def _show_link(url: str, path: str) -> None:
    console.print(
        say(
            "Good once, within three days; send it so that only its holder reads it:",
            "三天内有效，仅用一次；请只发给本人：",
        ),
        soft_wrap=True,
    )
    console.print(f"[bold]{plain(url.rstrip('/') + path)}[/bold]", soft_wrap=True)
