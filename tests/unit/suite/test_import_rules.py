"""What a row means, row by row; the reasons are part of the report that the merchant gets."""

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.table_files import TableRow
from suite.importing.columns import ColumnsError, parse_mapping, recognise
from suite.importing.orders import Order, OrderGroups, order_body
from suite.importing.reasons import Reason
from suite.importing.rules import Line, Reader, parse_time

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
GOOD = ["536365", "85123a", " WHITE HEART ", "6", "2010-12-01 08:26:00", "2.55", "17850", "United Kingdom"]
LONDON = ZoneInfo("Europe/London")


def online_retail(**changes: str) -> Line | Reason:
    cells = [changes.get(name, value) for name, value in zip(HEADER, GOOD, strict=True)]
    return Reader(recognise(HEADER, {}), "GBP", LONDON).line(cells)


def line_of(**changes: str) -> Line:
    line = online_retail(**changes)
    assert isinstance(line, Line), line
    return line


def order_of(*rows: dict[str, str]) -> Order:
    return Order(lines=[line_of(**row) for row in rows])


def test_a_good_row() -> None:
    line = line_of()
    assert (line.order_id, line.customer_id, line.kind, line.sku, line.name) == (
        "536365", "17850", "product", "85123A", "WHITE HEART",
    )  # fmt: skip
    assert (line.quantity, line.unit_price, line.currency, line.refund) == (6, Decimal("2.55"), "GBP", False)
    assert line.at.isoformat() == "2010-12-01T08:26:00+00:00"
    assert line_of(InvoiceDate="2011-07-01 08:26:00").at.isoformat() == "2011-07-01T07:26:00+00:00"  # summer time


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"CustomerID": " "}, Reason.NO_CUSTOMER),
        ({"InvoiceNo": ""}, Reason.NO_ORDER),
        ({"InvoiceDate": "2011-02-30 10:00:00"}, Reason.BAD_DATE),
        ({"InvoiceDate": "yesterday"}, Reason.BAD_DATE),
        ({"InvoiceDate": ""}, Reason.BAD_DATE),
        ({"InvoiceDate": "9999-12-31T23:59:59-12:00"}, Reason.BAD_DATE),
        ({"Quantity": "0"}, Reason.BAD_QUANTITY),
        ({"Quantity": "1.5"}, Reason.BAD_QUANTITY),
        ({"Quantity": "many"}, Reason.BAD_QUANTITY),
        ({"Quantity": "1e30"}, Reason.BAD_QUANTITY),
        ({"UnitPrice": "-11062.06"}, Reason.BAD_PRICE),
        ({"UnitPrice": "NaN"}, Reason.BAD_PRICE),
        ({"UnitPrice": ""}, Reason.BAD_PRICE),
        ({"StockCode": " "}, Reason.NO_PRODUCT),
        ({"StockCode": "BANK CHARGES"}, Reason.NOT_A_SALE),
        ({"StockCode": "CRUK"}, Reason.NOT_A_SALE),
        ({"Quantity": "-10"}, Reason.STOCK_CORRECTION),
        ({"InvoiceNo": "C536379"}, Reason.BAD_QUANTITY),
        ({"CustomerID": "x" * 201}, Reason.TOO_LONG),
        ({"Description": "broken \udcff bytes"}, Reason.BAD_CHARACTERS),
    ],
)
def test_a_bad_row_has_its_reason(changes: dict[str, str], reason: Reason) -> None:
    assert online_retail(**changes) is reason


def test_a_row_with_other_cells_than_the_header() -> None:
    reader = Reader(recognise(HEADER, {}), "GBP", LONDON)
    assert reader.line(GOOD[:-1]) is Reason.BAD_ROW
    assert reader.line([]) is Reason.BAD_ROW


def test_an_order_sums_exactly_and_keeps_products_apart() -> None:
    body = order_body(
        order_of(
            {},
            {"StockCode": "POST", "Quantity": "1", "UnitPrice": "18.00"},
            {"StockCode": "M", "Quantity": "1", "UnitPrice": "1.005"},
            {"StockCode": "22423", "Quantity": "3", "UnitPrice": "0", "InvoiceDate": "2010-12-01 08:25:00"},
        )
    )
    assert body == {
        "order_id": "536365",
        "kind": "completed",
        "customer_id": "17850",
        "ordered_at": "2010-12-01T08:25:00+00:00",
        "currency": "GBP",
        "total": 1530 + 1800 + 101,
        "lines": [
            {"sku": "85123A", "quantity": 6, "unit_price": 255, "name": "WHITE HEART"},
            {"sku": "22423", "quantity": 3, "unit_price": 0, "name": "WHITE HEART"},
        ],
        "traits": {"country": "United Kingdom"},
    }


def test_a_cancellation_is_a_refund_with_positive_amounts() -> None:
    back = order_body(order_of({"InvoiceNo": "C536379", "Quantity": "-6"}))
    assert isinstance(back, dict)
    assert (back["order_id"], back["kind"], back["total"]) == ("C536379", "refunded", 1530)
    assert back["lines"][0]["quantity"] == 6
    discount = order_body(order_of({"InvoiceNo": "C1", "StockCode": "D", "Quantity": "-1", "UnitPrice": "27.50"}))
    assert isinstance(discount, dict)
    assert (discount["total"], discount["lines"]) == (2750, [])


def test_an_order_of_gifts_only_is_no_purchase() -> None:
    assert order_body(order_of({"UnitPrice": "0"})) is Reason.FREE_ORDER


def test_orders_are_gathered_although_their_rows_are_not_side_by_side() -> None:
    grouping = OrderGroups(window=3)
    numbers = ["1", "2", "1", "3", "3", "3", "3"]
    finished: list[str] = []
    for index, number in enumerate(numbers):
        assert grouping.add(TableRow(index, []), line_of(InvoiceNo=number)) is None
        finished += [order.lines[0].order_id for order in grouping.complete()]
    assert finished == ["2", "1"]
    assert grouping.add(TableRow(9, []), line_of(InvoiceNo="1")) is Reason.SCATTERED
    assert [len(order.lines) for order in grouping.rest()] == [4]


def test_an_order_has_one_customer_and_one_currency() -> None:
    grouping = OrderGroups()
    assert grouping.add(TableRow(1, []), line_of()) is None
    assert grouping.add(TableRow(2, []), line_of(CustomerID="1")) is Reason.OTHER_CUSTOMER
    assert grouping.add(TableRow(3, []), line_of(InvoiceNo="C536365", Quantity="-1", CustomerID="1")) is None
    assert [len(order.lines) for order in grouping.rest()] == [1, 1]


def chinese(cells: Sequence[str], header: Sequence[str], mapping: dict[str, str] | None = None) -> Line | Reason:
    return Reader(recognise(header, mapping or {}), "CNY", ZoneInfo("Asia/Shanghai")).line(cells)


def test_a_chinese_export_of_whole_orders() -> None:
    header = ["订单编号", "会员号", "下单时间", "实付金额"]
    line = chinese(["T1", "c1", "2026/11/11 00:00:01", "¥1,299.90"], header)
    assert isinstance(line, Line)
    assert line.at.isoformat() == "2026-11-10T16:00:01+00:00"
    body = order_body(Order(lines=[line]))
    assert isinstance(body, dict)
    assert (body["total"], body["currency"], body["lines"]) == (129_990, "CNY", [])
    back = chinese(["T1", "c1", "2026年11月12日", "-99"], header)
    assert isinstance(back, Line)
    assert back.refund
    assert chinese(["T1", "c1", "2026-11-12", ""], header) is Reason.BAD_PRICE


def test_only_the_online_retail_file_gets_its_special_codes() -> None:
    header = ["order_id", "customer_id", "date", "sku", "qty", "price", "currency"]
    line = chinese(["1", "c", "2026-01-01", "POST", "-2", "1", "usd"], header)
    assert isinstance(line, Line)
    assert (line.kind, line.refund, line.quantity, line.currency) == ("product", True, 2, "USD")
    assert chinese(["1", "c", "2026-01-01", "p", "2", "1", "YUAN"], header) is Reason.BAD_CURRENCY


def test_a_mapping_names_the_columns() -> None:
    header = ["no", "who", "when", "article", "n", "each"]
    mapping = parse_mapping(
        ["no=order_id", "who=customer_id", "when=at", "article=sku", "n=quantity", "each=unit_price"]
    )
    assert isinstance(chinese(["1", "c", "2026-01-01", "p", "2", "1.5"], header, mapping), Line)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["who"], "--map wants column=field"),
        (["who=customer"], "did you mean 'customer_id'"),
        (["woh=customer_id"], "did you mean 'who'"),
        (["who=customer_id", "no=customer_id"], "Two columns are mapped to customer_id"),
        (["who=customer_id"], "No column found for order_id, at, sku, quantity, unit_price"),
    ],
)
def test_a_wrong_mapping_says_what_to_do(pairs: list[str], message: str) -> None:
    with pytest.raises(ColumnsError, match=message):
        recognise(["no", "who"], parse_mapping(pairs))


@given(st.text(max_size=40))
def test_no_text_is_ever_more_than_a_bad_date(text: str) -> None:
    moment = parse_time(text, LONDON)
    assert moment is None or moment.tzinfo is not None


@given(st.lists(st.text(max_size=20), min_size=len(HEADER), max_size=len(HEADER)))
def test_no_row_ever_breaks_the_reader(cells: list[str]) -> None:
    assert isinstance(Reader(recognise(HEADER, {}), "GBP", LONDON).line(cells), (Line, Reason))
