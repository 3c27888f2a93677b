"""Exports of the shop systems that Chinese merchants use: recognised as they are, and what was paid is what counts."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.language import Language, speaking
from suite.importing.columns import Columns, ColumnsError, plain_cell, recognise
from suite.importing.exports import EXPORTS, unsold
from suite.importing.files import open_table
from suite.importing.orders import OrderGroups, order_body
from suite.importing.reasons import Reason, explanation
from suite.importing.rules import Line, Reader

SAMPLES = Path(__file__).parents[3] / "suite" / "sample"
SHANGHAI = ZoneInfo("Asia/Shanghai")
LEGACY = "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间"


def imported(path: Path) -> tuple[Columns, dict[str, dict[str, Any]], list[tuple[int, Reason]]]:
    """The orders of a file by their numbers, and its rejected rows."""
    groups, rejected = OrderGroups(), []
    with open_table(path) as table:
        columns = recognise(table.header, {})
        reader = Reader(columns, "CNY", SHANGHAI)
        for row in table.rows:
            line = reader.line(row.cells)
            reason = line if isinstance(line, Reason) else groups.add(row, line)
            if reason is not None:
                rejected.append((row.number, reason))
    bodies = [order_body(order) for order in groups.rest()]
    return columns, {body["order_id"]: body for body in bodies if isinstance(body, dict)}, rejected


def of_rows(path: Path, header: str, *rows: str) -> tuple[Columns, dict[str, dict[str, Any]], list[tuple[int, Reason]]]:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return imported(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_taobaos_report_of_orders(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ExportOrderList.csv"
    path.write_bytes((SAMPLES / "taobao.csv").read_text(encoding="utf-8-sig").encode(encoding))
    columns, orders, rejected = imported(path)
    assert columns.export is not None
    assert columns.export.source == "taobao"
    assert orders["2930679858170647"] == {
        "order_id": "2930679858170647",
        "kind": "completed",
        "customer_id": "小雨点0571",
        "ordered_at": "2025-11-01T02:12:00+00:00",
        "currency": "CNY",
        "total": 28_100,
        "lines": [],
    }
    assert {number: body["total"] for number, body in orders.items()} == {
        "2930679858170647": 28_100, "2930679858170648": 26_900, "2930679858170650": 50_200,
    }  # fmt: skip
    assert rejected == [(4, Reason.UNSOLD), (6, Reason.UNSOLD)]


def test_jds_rows_are_products_and_each_has_the_whole_orders_amount() -> None:
    columns, orders, rejected = imported(SAMPLES / "jd.csv")
    assert columns.export is not None
    assert columns.export.source == "jd"
    assert orders["311729384072"]["total"] == 28_100
    assert orders["311729384072"]["customer_id"] == "jd_lin"
    assert orders["311729384072"]["lines"] == [
        {"sku": "1953814331", "quantity": 2, "unit_price": 13_100, "name": "羊绒围巾"},
        {"sku": "1953814332", "quantity": 1, "unit_price": 6_900, "name": "羊毛手套"},
    ]
    assert rejected == [(5, Reason.UNSOLD)]


def test_youzans_report_of_orders() -> None:
    columns, orders, rejected = imported(SAMPLES / "youzan.csv")
    assert columns.export is not None
    assert columns.export.source == "youzan"
    totals = [(body["customer_id"], body["total"]) for body in orders.values()]
    assert totals == [("13800000001", 28_100), ("13800000002", 26_900)]
    assert rejected == [(4, Reason.UNSOLD)]


def test_youzans_report_of_products(tmp_path: Path) -> None:
    """A product without a code is known by its name; without the order's amount the rows' own shares are summed."""
    head = "订单号,订单商品状态,商品名称,规格编码,商品单价,商品数量,商品实际成交金额,订单创建时间,买家手机号"
    rows = (
        "E1,已发货,围巾,,131.00,2,222.42,2025-11-01 10:00:00,138",
        "E1,已发货,手套,G1,69,1,58.58,2025-11-01 10:00:00,138",
    )
    _, orders, _ = of_rows(tmp_path / "a.csv", head, *rows)
    assert (orders["E1"]["total"], [line["sku"] for line in orders["E1"]["lines"]]) == (28_100, ["围巾", "G1"])
    _, orders, _ = of_rows(tmp_path / "b.csv", f"{head},订单实付金额", *(f"{row},291.00" for row in rows))
    assert orders["E1"]["total"] == 29_100, "with the postage"


def test_taobaos_rows_of_sub_orders_have_their_own_amounts(tmp_path: Path) -> None:
    head = "子订单编号,主订单编号,买家会员名,商品标题,商品价格,购买数量,商家编码,买家实付金额,订单状态,订单创建时间"
    rows = (
        "11,1,lin,围巾,131,1,S,100,交易成功,2025-11-01 10:00",
        "12,1,lin,围巾,131,1,S,100,交易成功,2025-11-01 10:00",
    )
    _, orders, _ = of_rows(tmp_path / "a.csv", head, *rows)
    assert (orders["1"]["total"], len(orders["1"]["lines"])) == (20_000, 2)


def test_an_order_that_says_two_totals(tmp_path: Path) -> None:
    rows = (
        "1,lin,100,交易成功,2025-11-01 10:00:00",
        "1,lin,120,交易成功,2025-11-01 10:00:00",
        "2,lin,0,交易成功,2025-11-01",
    )
    _, orders, rejected = of_rows(tmp_path / "a.csv", LEGACY, *rows)
    assert (orders["1"]["total"], rejected) == (10_000, [(3, Reason.OTHER_TOTAL)])
    assert "2" not in orders, "nothing in it had a price"


def test_taobaos_report_of_products_names_no_buyer() -> None:
    with pytest.raises(ColumnsError, match="订单报表") as error:
        recognise(["订单编号", "标题", "价格", "购买数量", "外部系统编号", "商品属性", "订单状态"], {})
    assert "No column found for customer_id, at" in str(error.value)
    assert "--map '标题=customer_id'" in str(error.value), "a column that is not used yet"


def test_the_callers_mapping_goes_before_the_export(tmp_path: Path) -> None:
    columns = recognise([*LEGACY.split(","), "会员卡号"], {"会员卡号": "customer_id"})
    cells = ["1", "lin", "100", "交易成功", "2025-11-01 10:00:00", "card-7"]
    line = Reader(columns, "CNY", SHANGHAI).line(cells)
    assert isinstance(line, Line)
    assert line.customer_id == "card-7"


@pytest.mark.parametrize("api_name", ["ordered_at", "created_at"])
def test_what_the_api_calls_a_field_is_told(api_name: str) -> None:
    with pytest.raises(ColumnsError, match="did you mean 'at'"):
        recognise(["no", "who", "when"], {"when": api_name})


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="2930679858170647"', "2930679858170647"),
        ("2930679858170647\t", "2930679858170647"),
        ("=2930679858170647", "2930679858170647"),
        ("'18618486065", "18618486065"),
        ("　lin　", "lin"),
        ("'s Gravenhage", "'s Gravenhage"),
        ('="', '="'),
        ("=A1+B1", "=A1+B1"),
        ("", ""),
    ],
)
def test_cells_that_are_kept_from_a_spreadsheet(cell: str, text: str) -> None:
    assert plain_cell(cell) == text
    row = next(csv.reader(io.StringIO(f"{cell},x" if '"' not in cell else f'"{cell.replace(chr(34), chr(34) * 2)}",x')))
    assert plain_cell(row[0]) == text


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["2.93068E+15", "lin", "1", "交易成功", "2025-11-01"], Reason.ROUNDED),
        (["1", "1.38E+10", "1", "交易成功", "2025-11-01"], Reason.ROUNDED),
        (["1", "lin", "免费", "交易成功", "2025-11-01"], Reason.BAD_PRICE),
        (["1", "", "1", "等待买家付款", "2025-11-01"], Reason.NO_CUSTOMER),
        (["1", "lin", "", "等待买家付款", ""], Reason.UNSOLD),
    ],
)
def test_a_row_that_is_refused(cells: Sequence[str], reason: Reason) -> None:
    assert Reader(recognise(LEGACY.split(","), {}), "CNY", SHANGHAI).line(cells) is reason


def test_where_the_mistake_is() -> None:
    reader = Reader(recognise(LEGACY.split(","), {}), "CNY", SHANGHAI)
    cells = ["1", "lin", "1.5", "交易成功", "2025-02-30"]
    assert reader.where(cells, Reason.BAD_DATE) == "订单创建时间: 2025-02-30"
    assert reader.where(cells, Reason.NO_CUSTOMER) == ""
    assert reader.where(cells[:2], Reason.BAD_DATE) == ""


def test_amounts_as_they_are_written() -> None:
    reader = Reader(recognise(LEGACY.split(","), {}), "CNY", SHANGHAI)
    for written in ("1,299.90", "¥1299.90", "￥1，299.90元", "1299.9 元"):
        line = reader.line(["1", "lin", written, "交易成功", "2025/11/1 9:05"])
        assert isinstance(line, Line), written
        assert str(line.order_total) in ("1299.90", "1299.9")
        assert line.at.isoformat() == "2025-11-01T01:05:00+00:00"


@pytest.mark.parametrize(
    "status",
    ["等待买家付款", "等待付款", "待付款", "待支付", "未付款", "交易关闭", "已关闭", "已取消", "(删除)等待出库", "（删除）完成",
     "TRADE_CLOSED_BY_TAOBAO", "cancelled", "Canceled", "unpaid"],
)  # fmt: skip
def test_what_nobody_bought(status: str) -> None:
    assert unsold(status)


@pytest.mark.parametrize(
    "status",
    ["交易成功", "买家已付款，等待卖家发货", "卖家已发货，等待买家确认", "完成", "等待出库", "等待确认收货", "已发货", "交易完成",
     "货到付款", "paid", "closed", "fulfilled", ""],
)  # fmt: skip
def test_what_somebody_bought(status: str) -> None:
    assert not unsold(status)


def test_the_english_sample_has_one_row_of_each_common_mistake() -> None:
    _, orders, rejected = imported(SAMPLES / "orders.csv")
    assert {number: body["total"] for number, body in orders.items()} == {
        "S-1001": 33_100, "S-1002": 26_900, "S-1003": 13_100, "S-1004": 26_900, "S-1006": 59_700,
    }  # fmt: skip
    assert rejected == [(7, Reason.NO_CUSTOMER), (9, Reason.BAD_DATE), (10, Reason.BAD_CURRENCY)]


def test_every_reason_is_told_in_both_languages() -> None:
    for reason in Reason:
        english = explanation(reason)
        with speaking(Language.CHINESE):
            assert explanation(reason) != english


@pytest.mark.parametrize("page", ["importing-orders.md", "importing-orders.zh-CN.md"])
def test_the_page_has_every_column_and_every_reason(page: str) -> None:
    text = (SAMPLES.parents[1] / "docs" / page).read_text(encoding="utf-8")
    columns = {name for one in EXPORTS for names in one.columns.values() for name in names}
    assert [name for name in columns if name not in text] == []
    with speaking(Language.CHINESE if "zh" in page else Language.ENGLISH):
        assert [one for one in Reason if f"| `{one.value}` | {explanation(one)} |" not in text] == []
