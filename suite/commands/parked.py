"""`quanyu parked`: messages that failed for good, where the operator decides. Works on the bus itself, not over HTTP.

A message may be parked because it is no message at all, so nothing here relies on what its body should be.
"""

import json
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import from_json
from rich.table import Column, Table

from shared.observability.logging import mask, visible
from suite.commands.common import DataDir, flags, run
from suite.errors import Stop
from suite.settings import SuiteSettings, load
from suite.terminal import console, plain

if TYPE_CHECKING:
    from shared.messaging import Bus, Parked

app = typer.Typer(no_args_is_help=True, help="List, replay or drop messages that failed.")
Queue = Annotated[str, typer.Argument(help="The consumer that failed, such as journey.events.")]
ParkedId = Annotated[str, typer.Argument(help="The message's id, as `quanyu parked list` shows it; or `all`.")]
MOST = 1000


@app.command("list")
def list_parked(
    queue: Annotated[str | None, typer.Argument(help="Only this consumer's.")] = None, data_dir: DataDir = None
) -> None:
    """Show the parked messages: whose, what, how often tried, why it failed."""
    found = run(_parked(queue, flags(data_dir=data_dir)))
    if not found:
        console.print("Nothing is parked.")
        return
    table = Table("queue", Column("id", no_wrap=True), "event", "tries", "error", box=None)
    for one in found:
        table.add_row(*map(plain, (one.queue, one.id, one.name, one.attempts, mask(one.error))))
    console.print(table)


@app.command()
def show(queue: Queue, parked_id: ParkedId, data_dir: DataDir = None) -> None:
    """Print a parked message as it travels (it may hold customer data)."""
    for one in run(_parked(queue, flags(data_dir=data_dir))):
        if parked_id in (one.id, "all"):
            text = json.dumps(contents(one), ensure_ascii=False, indent=2)
            console.print(visible(text), markup=False, soft_wrap=True)


@app.command()
def replay(queue: Queue, parked_id: ParkedId, data_dir: DataDir = None) -> None:
    """Give a message back to its consumer, with its tries forgotten. Handling it twice does no harm."""
    _decide(queue, parked_id, "replayed", data_dir)


@app.command()
def drop(queue: Queue, parked_id: ParkedId, data_dir: DataDir = None) -> None:
    """Delete a message for good."""
    _decide(queue, parked_id, "dropped", data_dir)


def contents(parked: "Parked") -> list[Any]:
    """The envelopes inside, as JSON values. What is not JSON comes as one `{"not_json": …}` with its first 2,000 characters.

    Holds customer data as it was sent.
    """
    try:
        found = from_json(parked.body)
    except ValueError:
        return [{"not_json": parked.body[:2000].decode(errors="replace")}]
    return found if isinstance(found, list) else [found]


def _decide(queue: str, parked_id: str, what: str, data_dir: Any) -> None:
    given = flags(data_dir=data_dir)

    async def work() -> int:
        async with _bus(given) as bus:
            ids = None if parked_id == "all" else [parked_id]
            act = bus.replay if what == "replayed" else bus.drop
            return await act(queue, ids)

    done = run(work())
    if done == 0 and parked_id != "all":
        raise Stop(f"{queue} has no parked message {parked_id}. `quanyu parked list` shows what there is.")
    console.print(f"{done} {what}.")


async def _parked(queue: str | None, given: dict[str, Any]) -> "list[Parked]":
    async with _bus(given) as bus:
        return await bus.parked(queue, MOST)


def _bus(given: dict[str, Any]) -> "AbstractAsyncContextManager[Bus]":
    from suite import wiring  # takes a while: it is what builds the parts

    return wiring.operators_bus(load(SuiteSettings, given), given)
