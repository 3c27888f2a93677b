"""The orders of a file into a running suite: batches, several requests in flight, a progress bar, a report.

Every request may be repeated: the suite knows an order by source, kind and number. So a refused connection is tried
again, a killed import is run again, and a second run of the whole file changes nothing.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from shared.language import say
from shared.observability.masks import mask
from suite.client import Client, NotRunning, Problem
from suite.importing.columns import Columns, recognise
from suite.importing.files import Table, open_table
from suite.importing.orders import Order, OrderGroups, order_body
from suite.importing.reasons import Reason
from suite.importing.report import Rejects
from suite.importing.rules import Reader
from suite.terminal import plain, show_table

ORDERS_PER_REQUEST = 250
LINES_PER_REQUEST = 10_000  # some 1.5 MB
IN_FLIGHT = 3
TRIES = 8
PASSING = (429, 502, 503, 504)


@dataclass(frozen=True)
class Options:
    """What the command line said; None = by the file: Online Retail is recognised, all else is a Chinese shop."""

    mapping: dict[str, str]
    source: str | None
    currency: str | None
    time_zone: ZoneInfo | None
    rejects: Path


@dataclass
class Summary:
    """What the import did; orders by what the suite answered, rows by where they went."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    rows_imported: int = 0
    rows_known: int = 0
    rejected: dict[Reason, int] = field(default_factory=dict)
    seconds: float = 0


async def load_orders(client: Client, path: Path, options: Options, console: Console) -> Summary:
    """Import the file and print the report. Raises ReadingError, ColumnsError, Problem, NotRunning."""
    started, size = time.monotonic(), path.stat().st_size if path.is_file() else 0  # noqa: ASYNC240  # nothing waits
    await client.get("/healthz")
    with open_table(path) as table:
        columns = recognise(table.header, options.mapping)
        source = options.source or _source(columns)
        currency = options.currency or ("GBP" if columns.online_retail else "CNY")
        zone = options.time_zone or ZoneInfo("Europe/London" if columns.online_retail else "Asia/Shanghai")
        how = say(f"source {source}, {currency}, times in {zone.key}", f"来源 {source}，{currency}，时间按 {zone.key}")
        _introduce(console, path, table, columns, how)
        with Rejects(options.rejects, table.header, columns.position["order_id"]) as rejects, _bar(console) as bar:
            task = bar.add_task(plain(path.name), total=size)
            loading = _Loading(client, source, currency, Reader(columns, currency, zone), rejects)
            await loading.all_of(table, bar, task)
            bar.update(task, completed=size)
    summary = loading.summary
    summary.rejected = dict(rejects.counts)
    summary.seconds = time.monotonic() - started
    _report(console, summary, rejects)
    return summary


def _source(columns: Columns) -> str:
    if columns.export is not None:
        return columns.export.source
    return "online_retail" if columns.online_retail else "orders"


class _Loading:
    """One import at work."""

    def __init__(self, client: Client, source: str, currency: str, reader: Reader, rejects: Rejects) -> None:
        self.summary = Summary()
        self._client = client
        self._envelope = {"source": source, "currency": currency}
        self._reader = reader
        self._rejects = rejects
        self._batch: list[tuple[Order, dict[str, Any]]] = []
        self._lines = 0
        self._flying: set[asyncio.Task[None]] = set()

    async def all_of(self, table: Table, bar: Progress, task: TaskID) -> None:
        try:
            for order in self._orders(table):
                if not self._take(order):
                    continue
                bar.update(task, completed=table.position())
                await self._send(IN_FLIGHT - 1)
            await self._send(0)
        finally:
            for unfinished in self._flying:
                unfinished.cancel()

    def _orders(self, table: Table) -> Iterator[Order]:
        grouping = OrderGroups()
        for row in table.rows:
            self.summary.rows += 1
            line = self._reader.line(row.cells)
            reason = line if isinstance(line, Reason) else grouping.add(row, line)
            if reason is not None:
                self._rejects.add(row, reason, where=self._reader.where(row.cells, reason))
            yield from grouping.complete()
        yield from grouping.rest()

    def _take(self, order: Order) -> bool:
        """Put the order into the batch; True when the batch is full."""
        body = order_body(order)
        if isinstance(body, Reason):
            for row in order.rows:
                self._rejects.add(row, body)
            return False
        self._batch.append((order, body))
        self._lines += len(order.rows)
        return len(self._batch) >= ORDERS_PER_REQUEST or self._lines >= LINES_PER_REQUEST

    async def _send(self, leave: int) -> None:
        """Send the batch, then wait until no more than `leave` requests are on their way. Raises what one of them met."""
        if self._batch:
            self._flying.add(asyncio.create_task(self._request(self._batch)))
            self._batch, self._lines = [], 0
        while len(self._flying) > leave:
            done, self._flying = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def _request(self, batch: list[tuple[Order, dict[str, Any]]]) -> None:
        answer = await self._stubborn({**self._envelope, "orders": [body for _, body in batch]})
        for (order, _), result in zip(batch, answer["results"], strict=True):
            self._count(order, result)

    def _count(self, order: Order, result: dict[str, Any]) -> None:
        if result["status"] == "accepted":
            self.summary.accepted += 1
            self.summary.rows_imported += len(order.rows)
        elif result["status"] == "duplicate":
            self.summary.duplicates += 1
            self.summary.rows_known += len(order.rows)
        else:
            for row in order.rows:
                self._rejects.add(row, Reason.REFUSED, str(result.get("detail", "")))

    async def _stubborn(self, body: dict[str, Any]) -> Any:
        """The call, tried again while the suite is away or overloaded."""
        wait = 0.2
        for _ in range(TRIES):
            try:
                return await self._client.post("/v1/imports/orders", body)
            except Problem as error:
                if error.status not in PASSING:
                    raise
            except NotRunning:
                pass  # it may be starting again
            await asyncio.sleep(wait)
            wait = min(wait * 2, 10)
        return await self._client.post("/v1/imports/orders", body)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console
    )


def _introduce(console: Console, path: Path, table: Table, columns: Columns, how: str) -> None:
    console.print(f"[bold]{plain(path)}[/bold]: {table.encoding}, {plain(how)}", soft_wrap=True)
    if columns.export is not None:
        title = columns.export.title
        console.print(say(f"  An export of {plain(title)}.", f"  这是 {plain(title)} 的订单报表。"))
    named = {index: field for field, places in columns.position.items() for index in places}
    uses = ", ".join(f"{plain(columns.header[i])} → {field}" for i, field in sorted(named.items()))
    others = len(columns.header) - len(named)
    rest = say(f", {others} not used", f"，另有 {others} 列未使用") if others else ""
    console.print(f"  {uses}{plain(rest)}", soft_wrap=True)


def _report(console: Console, done: Summary, rejects: Rejects) -> None:
    rejected, speed = sum(done.rejected.values()), done.rows / max(done.seconds, 0.001)
    console.print(
        say(
            f"{done.rows:,} rows in {done.seconds:.1f} s ({speed:,.0f} rows/s): "
            f"{done.accepted:,} orders imported ({done.rows_imported:,} rows), {done.duplicates:,} already there "
            f"({done.rows_known:,} rows), {rejected:,} rows rejected.",
            f"{done.rows:,} 行，用时 {done.seconds:.1f} 秒（每秒 {speed:,.0f} 行）："
            f"导入 {done.accepted:,} 个订单（{done.rows_imported:,} 行），已存在 {done.duplicates:,} 个"
            f"（{done.rows_known:,} 行），拒收 {rejected:,} 行。",
        ),
        soft_wrap=True,
    )
    if done.accepted == 0:
        why = (
            say("every order of this file was there already", "这个文件里的订单都已存在")
            if done.duplicates
            else say("the file holds no order to import", "这个文件里没有可导入的订单")
        )
        console.print(
            say(f"Nothing new: {plain(why)}; nothing was changed.", f"没有新数据：{plain(why)}；未作任何改动。")
        )
    if not done.rejected:
        return
    show_table(
        console,
        (say("row", "行"), say("order", "订单"), say("reason", "原因"), say("what it means", "含义")),
        [(one.row, mask(one.order), one.reason.value, mask(one.explanation)) for one in rejects.first],
    )
    if rejected > len(rejects.first):
        counts = ", ".join(f"{reason.value} {count:,}" for reason, count in sorted(done.rejected.items()))
        console.print(
            say(f"These are the first; in all: {plain(counts)}.", f"以上是前几行；合计：{plain(counts)}。"),
            soft_wrap=True,
        )
    console.print(
        say(
            f"Every rejected row, with its reason, is in {plain(rejects.path)} (opens in Excel).",
            f"全部被拒的行及原因在 {plain(rejects.path)}（可用 Excel 打开）。",
        ),
        soft_wrap=True,
    )
