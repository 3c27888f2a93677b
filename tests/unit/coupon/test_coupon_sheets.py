"""Lists of customers out of spreadsheets: encodings, headers, broken files, pieces of any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coupon.wallet.rules import next_chunk, progress
from services.coupon.wallet.sheets import UNCLEAR_ID, CustomerSheet, SheetRow, csv_rows
from shared.table_files import TableFault


def read(data: bytes, size: int = 1 << 20) -> list[str]:
    named = rows(data, size)
    assert {one.code for one in named} <= {None}
    return [one.customer_id for one in named]


def rows(data: bytes, size: int = 1 << 20) -> list[SheetRow]:
    sheet, found = CustomerSheet(), list[SheetRow]()
    for start in range(0, len(data), size):
        found += sheet.feed(data[start : start + size])
    return found + sheet.close()


@pytest.mark.parametrize(
    "data",
    [
        b"c1\nc2\n",
        b"c1\r\nc2",
        b"\n\nc1\n\n c2 \n",
        b"customer_id\nc1\nc2\n",
        b"\xef\xbb\xbfcustomer_id\r\nc1\r\nc2\r\n",
        "客户编号\nc1\nc2\n".encode(),
        "\ufeff客户编号\nc1\nc2\n".encode(),
        "姓名,客户编号\n张三,c1\n李四,c2\n".encode("gb18030"),
        b'"name","Customer_ID"\n"a, b",c1\n"x ""y""","c2"\n',
        b"c1,anything\nc2\n",
        b"name;customer_id\nx;c1\ny;c2\n",
        b"c1\rc2\r",
        "客户编号\nc1\nc2\n".encode("utf-16"),
    ],
)
def test_what_spreadsheets_write_is_read(data: bytes) -> None:
    assert read(data) == ["c1", "c2"]


@given(
    ids=st.lists(st.text("客户编号abc123😀-_", min_size=1, max_size=20), max_size=30),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    size=st.integers(1, 40),
)
def test_pieces_of_any_size_make_no_difference(ids: list[str], encoding: str, size: int) -> None:
    data = ("客户编号\n" + "".join(f"{one}\n" for one in ids)).encode(encoding)
    assert read(data, size) == ids


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"c1\n\xff\xfe\xfa\xff\n", 2),
        (b'c1\n"c2\n', 2),
        (b"c1\n" + b"x" * 140_000, 2),
    ],
)
def test_a_broken_file_is_named_by_its_line(data: bytes, line: int) -> None:
    with pytest.raises(TableFault, match=rf"^Line {line}: ") as caught:
        read(data, 1000)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("c2\u200b", "c2<U+200B>"),
        ("c\x002", "c<U+0000>2"),
        ("c\u00a02", "c<U+00A0>2"),
        ("张\u2800", "张<U+2800>"),
        ("cafe\u0301", "cafe\u0301"),
        ("x" * 201, "x" * 200),
    ],
)
def test_a_row_whose_id_is_none_is_told_and_the_others_stand(cell: str, shown: str) -> None:
    assert rows(f"c1\n{cell}\n c3\u3000\n".encode()) == [SheetRow("c1"), SheetRow(shown, UNCLEAR_ID), SheetRow("c3")]


def test_an_encoding_does_not_change_on_the_way() -> None:
    sheet = CustomerSheet()
    assert sheet.feed("c1\n客户\n".encode()) == [SheetRow("c1"), SheetRow("客户")]
    with pytest.raises(TableFault, match=r"^Line 4: "):
        sheet.feed("c3\n客\n".encode("gb18030"))


def test_rows_with_everything_in_them_are_written_so_that_they_come_back() -> None:
    assert csv_rows([["a,b", 'c"d', "客户", ""]]) == 'a,b,"c""d",客户,\r\n'.replace("a,b,", '"a,b",').encode()


@given(size=st.integers(200, 5000), seconds=st.floats(0, 100), most=st.integers(1, 5000))
def test_chunks_stay_within_their_bounds(size: int, seconds: float, most: int) -> None:
    assert min(200, most) <= next_chunk(size, seconds, most) <= most


def test_chunks_follow_the_machine() -> None:
    assert next_chunk(1000, 0.4, 2000) == 500  # half at most, however slow it was
    assert next_chunk(1000, 0.01, 5000) == 2000
    assert next_chunk(1000, 0.1, 2000) == 1000


def test_progress_knows_no_more_than_there_is() -> None:
    assert progress(0, 0, 0, True).percent == 0
    assert progress(0, 10, 0, True).eta_seconds is None
    assert (progress(250, 1000, 10, True).rate, progress(250, 1000, 10, True).eta_seconds) == (25, 30)
    assert progress(1000, 1000, 10, False).eta_seconds is None
