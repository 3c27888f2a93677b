"""`quanyu keys`: the keys of a running suite, through its API; and the administrator's, for who owns the data."""

import sys
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from suite.client import connect
from suite.commands.common import DataDir, Key, Url, caller, flags, run
from suite.settings import SuiteSettings, load
from suite.terminal import console, plain

app = typer.Typer(no_args_is_help=True, help="Create, list, revoke and rotate API keys; reset a lost administrator's.")
KeyId = Annotated[str, typer.Argument(help="The key's id, as `quanyu keys list` shows it.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; people read it.")],
    kind: Annotated[str, typer.Option(help="secret, restricted, publishable or partner.")] = "restricted",
    scope: Annotated[list[str] | None, typer.Option(help="Such as coupon:*:read; give it several times.")] = None,
    expires_at: Annotated[
        str | None, typer.Option(help="RFC 3339 with offset; without it the key does not end.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Makes it a staff key of this shop.")] = None,
    owner: Annotated[str | None, typer.Option(help="owner_id of a partner who gets another key.")] = None,
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
def list_keys(url: Url = None, key: Key = None, data_dir: DataDir = None) -> None:
    """List the keys, without the keys themselves."""

    async def work() -> list[dict[str, Any]]:
        async with connect(caller(url, data_dir), key) as client:
            return await client.all("/v1/keys")

    # the id whole: it is what revoke and rotate want
    columns = [Column(name, no_wrap=True) for name in ("id", "kind", "status")]
    table = Table(*columns, Column("name", overflow="fold"), Column("scopes", overflow="fold"), box=None)
    for one in run(work()):
        cells = (one["id"], one["kind"], one["status"], one["name"], " ".join(one["scopes"]))
        table.add_row(*map(plain, cells))
    console.print(table)


@app.command()
def revoke(
    key_id: KeyId,
    keep_made: Annotated[
        bool, typer.Option("--keep-made", help="Let the keys that were made with it live on.")
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
    console.print(f"{plain(key_id)} is revoked.")


@app.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[int, typer.Option(help="Seconds for which the old key still works.")] = 86_400,
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
def generate() -> None:
    """Print a fresh secret, as QUANYU_ADMIN_KEY takes it. Nothing is stored, and no suite need run."""
    from gateway.keys.management import new_key

    sys.stdout.write(new_key("secret") + "\n")


@app.command("reset-admin")
def reset_admin(data_dir: DataDir = None) -> None:
    """Give the administrator another key when the old one is lost. For who owns the data: works on the database itself.

    The key is QUANYU_ADMIN_KEY where that is set, else a fresh one; either lies in <data-dir>/admin.key afterwards. A suite
    that runs takes it up within seconds.
    """
    given = flags(data_dir=data_dir)
    settings = load(SuiteSettings, given)
    from suite import wiring

    path = run(wiring.reset_administrator(settings, given), settings)
    console.print(
        f"The administrator has another key. It is in {plain(path)}; the one before ends at once.", soft_wrap=True
    )


def _show_new(answer: dict[str, Any]) -> None:
    console.print(f"{plain(answer['id'])}  {plain(answer['name'])}  ({plain(answer['kind'])})")
    console.print(f"[bold]{plain(answer['key'])}[/bold]", soft_wrap=True)
    console.print("Keep it now: it is stored as a digest only and cannot be shown again.")
