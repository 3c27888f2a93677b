"""`quanyu import orders` on a running suite: whole, twice, killed in the middle, with every kind of bad row."""

import asyncio
import csv
import re
import signal
import sys
from pathlib import Path

import pytest
from rich.console import Console
from scenarios.arrangements import RunningSuite
from scenarios.conftest import StartSuite

from suite.tour.stage import Stage

pytestmark = pytest.mark.slow

HEADER = ["订单编号", "会员号", "下单时间", "商品编码", "商品名称", "数量", "单价"]
ORDERS = 3000
BAD = [
    ["B1", "", "2026-01-02 10:00:00", "p1", "围巾", "1", "10"],
    ["B2", "c1", "2026-02-30 10:00:00", "p1", "围巾", "1", "10"],
    ["B3", "c1", "2026-01-02 10:00:00", "p1", "围巾", "1.5", "10"],
    ["B4", "c1", "2026-01-02 10:00:00", "p1", "围巾", "1", "-10"],
    ["B5", "c1", "2026-01-02 10:00:00", "", "围巾", "1", "10"],
    ["B6", "c1", "2026-01-02 10:00:00", "p1", "围巾", "1", "0"],
    ["B7", "c1", "2150-01-02 10:00:00", "p1", "围巾", "1", "10"],
    ["", "c1", "2026-01-02 10:00:00", "p1", "围巾", "1", "10"],
    ["B8", "c1", "2026-01-02 10:00:00"],
]


def history(path: Path) -> None:
    """3,000 orders of 500 customers in GB18030, two lines each, and one row of every bad kind among them."""
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(ORDERS):
            row = [f"T{number:06d}", f"buyer-{number % 500}", f"2026-0{1 + number % 9}-1{number % 10} 12:00:00"]
            writer.writerow([*row, "SCARF", "羊绒围巾", "2", "129.90"])
            writer.writerow([*row, "BELT", "牛皮腰带", "1", "88"])
            if number % 400 == 0 and number // 400 < len(BAD):
                writer.writerow(BAD[number // 400])
        writer.writerow(BAD[-1])


class Import:
    """One run of the command."""

    def __init__(self, suite: RunningSuite, file: Path) -> None:
        self._suite = suite
        self._file = file

    async def start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "suite", "import", "orders", str(self._file), "--url", self._suite.url,
            env={**self._suite.environment, "COLUMNS": "200"}, cwd=self._file.parent,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def whole(self) -> tuple[int, int, str]:
        """(orders imported, orders already there, all that was printed)."""
        process = await self.start()
        printed = (await process.communicate())[0].decode()
        assert process.returncode == 0, printed
        found = re.search(r"([\d,]+) orders imported .*?([\d,]+) already there", printed, re.S)
        assert found is not None, printed
        return int(found[1].replace(",", "")), int(found[2].replace(",", "")), printed


async def first_customer(suite: RunningSuite) -> None:
    """Wait until something of the file has arrived."""
    async with suite.client() as client:
        stage = Stage(Console(quiet=True), 120)
        await stage.until("the first customer", lambda: client.get("/v1/profiles/buyer-1"))


async def stored(suite: RunningSuite) -> int:
    """How many customers have exactly six orders, by the suite's own preview."""
    leaf = {"event": "Order Completed", "measure": "count", "op": "eq", "value": 6}
    rule = {**leaf, "within": {"from": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}}
    async with suite.client() as client:
        preview = await client.post("/v1/segments/preview", {"rule": rule, "sample": 1})
        return int(preview["count"])


@pytest.mark.parametrize("kind", ["embedded", "one_process"])
async def test_a_file_is_loaded_once_however_often_and_wherever_it_is_killed(
    start_suite: StartSuite, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    history(file)
    async with start_suite(kind) as suite:
        load = Import(suite, file)
        cut = await load.start()
        await first_customer(suite)
        cut.send_signal(signal.SIGKILL)
        await cut.communicate()
        assert not (tmp_path / "orders.rejects.csv").exists()

        new, known, printed = await load.whole()
        assert (new + known, new > 0, known > 0) == (ORDERS, True, True), printed
        assert "Nothing new" not in printed

        new, known, printed = await load.whole()
        assert (new, known) == (0, ORDERS)
        assert "Nothing new" in printed
        assert await stored(suite) == 500, "each of the 500 customers has exactly six orders"
        rejected = (tmp_path / "orders.rejects.csv").read_text(encoding="utf-8-sig")
        reasons = [row["reason"] for row in csv.DictReader(rejected.splitlines())]
        assert sorted(reasons) == sorted(
            ["no_customer", "bad_date", "bad_quantity", "bad_price", "no_product_code", "free_order", "refused",
             "no_order_number", "bad_row"]
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["embedded"])
async def test_the_suite_may_be_killed_while_a_file_is_loaded(
    start_suite: StartSuite, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    history(file)
    async with start_suite(kind) as suite:
        loading = asyncio.create_task(Import(suite, file).whole())
        await first_customer(suite)
        await suite.kill_and_restart("suite")
        new, known, printed = await loading
        assert new + known == ORDERS, printed
        assert await stored(suite) == 500
