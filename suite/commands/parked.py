"""`quanyu parked`: messages that failed for good, where the operator decides. Works on the bus itself, not over HTTP.

A message may be parked because it is no message at all, so nothing here relies on what its body should be.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from shared.language import helps, say
from shared.observability.masks import mask, visible
from suite.commands.common import DataDir, flags, run, suite_settings
from suite.errors import Stop
from suite.terminal import console, show_table

if TYPE_CHECKING:
    from shared.messaging import Bus, Parked

app = typer.Typer(
    no_args_is_help=True, help=say("List, replay or drop messages that failed.", "查看、重投或丢弃失败的消息。")
)
Queue = Annotated[
    str,
    typer.Argument(
        help=say("The consumer that failed, such as journey.events.", "处理失败的消费者，如 journey.events。")
    ),
]
ParkedId = Annotated[
    str,
    typer.Argument(
        help=say(
            "The message's id, as `quanyu parked list` shows it; or `all`.",
            "消息 id，见 `quanyu parked list`；或 `all`（全部）。",
        )
    ),
]
MOST = 1000


@app.command("list")
@helps("列出搁置的消息：属于哪个消费者、是什么、试过几次、为何失败。")
def list_parked(
    queue: Annotated[str | None, typer.Argument(help=say("Only this consumer's.", "只看该消费者的。"))] = None,
    data_dir: DataDir = None,
) -> None:
    """Show the parked messages: whose, what, how often tried, why it failed."""
    found = run(_parked(queue, flags(data_dir=data_dir)))
    if not found:
        console.print(say("Nothing is parked.", "没有搁置的消息。"))
        return
    queue_head = say("queue", "队列")
    heads = (queue_head, "id", say("event", "事件"), say("tries", "次数"), say("error", "错误"))
    rows = [(one.queue, one.id, one.name, one.attempts, mask(one.error)) for one in found]
    show_table(console, heads, rows, whole=(queue_head, "id"))


@app.command()
@helps("原样打印一条搁置的消息（可能含客户数据）。")
def show(queue: Queue, parked_id: ParkedId, data_dir: DataDir = None) -> None:
    """Print a parked message as it travels (it may hold customer data)."""
    found = [one for one in run(_parked(queue, flags(data_dir=data_dir))) if parked_id in (one.id, "all")]
    if not found and parked_id != "all":
        raise _unknown(queue, parked_id)
    for one in found:
        text = json.dumps(contents(one), ensure_ascii=False, indent=2)
        console.print(visible(text), markup=False, soft_wrap=True)


@app.command()
@helps("将消息交还其消费者重新处理，此前的尝试次数清零。重复处理无害。")
def replay(queue: Queue, parked_id: ParkedId, data_dir: DataDir = None) -> None:
    """Give a message back to its consumer, with its tries forgotten. Handling it twice does no harm."""
    done = _decide(queue, parked_id, "replay", data_dir)
    console.print(say(f"{done} replayed.", f"已重投 {done} 条。"))


@app.command()
@helps("永久删除一条消息。")
def drop(queue: Queue, parked_id: ParkedId, data_dir: DataDir = None) -> None:
    """Delete a message for good."""
    done = _decide(queue, parked_id, "drop", data_dir)
    console.print(say(f"{done} dropped.", f"已丢弃 {done} 条。"))


def contents(parked: "Parked") -> list[Any]:
    """The envelopes inside, as JSON values. What is not JSON comes as one `{"not_json": …}` with its first 2,000 characters.

    Holds customer data as it was sent.
    """
    from pydantic_core import from_json

    try:
        found = from_json(parked.body)
    except ValueError:
        return [{"not_json": parked.body[:2000].decode(errors="replace")}]
    return found if isinstance(found, list) else [found]


def _decide(queue: str, parked_id: str, what: Literal["replay", "drop"], data_dir: Any) -> int:
    given = flags(data_dir=data_dir)

    async def work() -> int:
        async with _bus(given) as bus:
            ids = None if parked_id == "all" else [parked_id]
            act = bus.replay if what == "replay" else bus.drop
            return await act(queue, ids)

    done = run(work())
    if done == 0 and parked_id != "all":
        raise _unknown(queue, parked_id)
    return done


def _unknown(queue: str, parked_id: str) -> Stop:
    return Stop(
        say(
            f"{queue} has no parked message {parked_id}. `quanyu parked list` shows what there is.",
            f"{queue} 没有搁置的消息 {parked_id}。用 `quanyu parked list` 查看现有的。",
        )
    )


async def _parked(queue: str | None, given: dict[str, Any]) -> "list[Parked]":
    async with _bus(given) as bus:
        return await bus.parked(queue, MOST)


@asynccontextmanager
async def _bus(given: dict[str, Any]) -> AsyncIterator["Bus"]:
    from shared.messaging import BusUnavailable
    from suite import wiring  # takes a while: it is what builds the parts

    try:
        async with wiring.operators_bus(suite_settings(given), given) as bus:
            yield bus
    except BusUnavailable as error:
        raise Stop(
            say(
                f"The message bus does not answer. Check QUANYU_BROKER_URL and the server: {error}",
                f"消息总线无应答。请检查 QUANYU_BROKER_URL 和服务器：{error}",
            )
        ) from None
