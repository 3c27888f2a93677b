"""`quanyu keys`: the keys of a running suite, through its API; and the administrator's, for who owns the data."""

import sys
from typing import Annotated, Any

import typer

from shared.language import helps, say
from suite.commands.common import DataDir, Key, Url, caller, connect, flags, run, suite_settings
from suite.terminal import console, plain, show_table

app = typer.Typer(
    no_args_is_help=True,
    help=say(
        "Create, list, revoke and rotate API keys; reset a lost administrator's.",
        "创建、列出、作废、轮换 API 密钥；重置丢失的管理员密钥。",
    ),
)
KeyId = Annotated[
    str, typer.Argument(help=say("The key's id, as `quanyu keys list` shows it.", "密钥 id，见 `quanyu keys list`。"))
]


@app.command()
@helps("创建一把密钥并打印。只显示这一次。")
def create(
    name: Annotated[str, typer.Argument(help=say("What the key is for; people read it.", "密钥的用途，供人阅读。"))],
    kind: Annotated[
        str,
        typer.Option(
            help=say(
                "secret, restricted, publishable or partner.",
                "secret（密钥）、restricted（受限）、publishable（可公开）或 partner（合作方）。",
            )
        ),
    ] = "restricted",
    scope: Annotated[
        list[str] | None,
        typer.Option(help=say("Such as coupon:*:read; give it several times.", "如 coupon:*:read；可多次给出。")),
    ] = None,
    expires_at: Annotated[
        str | None,
        typer.Option(
            help=say(
                "RFC 3339 with offset; without it the key does not end.", "带时区偏移的 RFC 3339 时间；不填则不过期。"
            )
        ),
    ] = None,
    shop: Annotated[
        str | None, typer.Option(help=say("Makes it a staff key of this shop.", "设为该门店的店员密钥。"))
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help=say("owner_id of a partner who gets another key.", "再给一把密钥的合作方的 owner_id。")),
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Create a key and print it. It is shown this once only."""

    async def work() -> Any:
        body = flags(name=name, kind=kind, scopes=scope or None, expires_at=expires_at, shop_id=shop, owner_id=owner)
        async with connect(caller(url, data_dir), key) as client:
            return await client.post("/v1/keys", body)

    _show_new(run(work()))


@app.command("list")
@helps("列出密钥，不含密钥本身。")
def list_keys(url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """List the keys, without the keys themselves."""

    async def work() -> list[dict[str, Any]]:
        async with connect(caller(url, data_dir), key) as client:
            return await client.all("/v1/keys")

    heads = ("id", say("kind", "类型"), say("status", "状态"), say("name", "名称"), say("scopes", "权限"))
    rows = [(one["id"], one["kind"], one["status"], one["name"], " ".join(one["scopes"])) for one in run(work())]
    show_table(console, heads, rows, whole=heads[:3])


@app.command()
@helps("立即作废一把密钥，以及用它创建的所有密钥。")
def revoke(
    key_id: KeyId,
    keep_made: Annotated[
        bool,
        typer.Option("--keep-made", help=say("Let the keys that were made with it live on.", "保留用它创建的密钥。")),
    ] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """End a key at once, with every key that was made with it."""

    async def work() -> None:
        async with connect(caller(url, data_dir), key) as client:
            await client.delete(f"/v1/keys/{key_id}" + "?keep_made=true" * keep_made)

    run(work())
    console.print(say(f"{plain(key_id)} is revoked.", f"{plain(key_id)} 已作废。"))


@app.command()
@helps("用权限相同的新密钥替换一把密钥，只打印一次。")
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        int, typer.Option(help=say("Seconds for which the old key still works.", "旧密钥继续有效的秒数。"))
    ] = 86_400,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Replace a key by a new one with the same rights and print it once."""

    async def work() -> Any:
        async with connect(caller(url, data_dir), key) as client:
            return await client.post(f"/v1/keys/{key_id}/rotate", {"overlap_seconds": overlap})

    _show_new(run(work()))


@app.command()
@helps("打印一个新的密钥值，可用作 QUANYU_ADMIN_KEY。不保存任何内容，也无需套件在运行。")
def generate() -> None:
    """Print a fresh secret, as QUANYU_ADMIN_KEY takes it. Nothing is stored, and no suite need run."""
    from gateway.keys.management import new_key

    sys.stdout.write(new_key("secret") + "\n")


@app.command("reset-admin")
@helps(
    "管理员密钥丢失时另发一把。供数据的所有者使用：直接作用于数据库。"
    "若设置了 QUANYU_ADMIN_KEY 即用它，否则新生成一把；之后都在 <data-dir>/admin.key 中。运行中的套件在数秒内采用。"
)
def reset_admin(data_dir: DataDir = None) -> None:
    """Give the administrator another key when the old one is lost. For who owns the data: works on the database itself.

    The key is QUANYU_ADMIN_KEY where that is set, else a fresh one; either lies in <data-dir>/admin.key afterwards. A suite
    that runs takes it up within seconds.
    """
    given = flags(data_dir=data_dir)
    settings = suite_settings(given)
    from suite import ownership

    path = run(ownership.reset_administrator(settings, given), settings)
    console.print(
        say(
            f"The administrator has another key. It is in {plain(path)}; the one before ends at once.",
            f"管理员已有新密钥，位于 {plain(path)}；旧密钥立即失效。",
        ),
        soft_wrap=True,
    )


def _show_new(answer: dict[str, Any]) -> None:
    console.print(f"{plain(answer['id'])}  {plain(answer['name'])}  ({plain(answer['kind'])})")
    console.print(f"[bold]{plain(answer['key'])}[/bold]", soft_wrap=True)
    console.print(
        say(
            "Keep it now: it is stored as a digest only and cannot be shown again.",
            "请立即保存：系统只存摘要，无法再次显示。",
        )
    )
