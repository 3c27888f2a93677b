"""Tables in every usual encoding, in pieces of any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.table_files import TableFault, TableReader, TableRow

cells = st.text("订单号客户abc123😀-_ \"',;\n", min_size=1, max_size=12)
tables = st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=8)


def read(data: bytes, size: int = 1 << 20, *, strict: bool = True) -> list[TableRow]:
    reader, rows = TableReader(strict=strict), list[TableRow]()
    for start in range(0, len(data), size):
        rows += reader.feed(data[start : start + size])
    return rows + reader.close()


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@given(
    table=tables,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    size=st.integers(1, 50),
    strict=st.booleans(),
)
def test_what_was_written_is_read_whatever_the_pieces(
    table: list[list[str]], encoding: str, end: str, delimiter: str, size: int, strict: bool
) -> None:
    table = [["订单", "客户"], *table]
    text = "".join(delimiter.join(map(quoted, row)) + end for row in table)
    assert [row.cells for row in read(text.encode(encoding), size, strict=strict)] == table


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_rows_carry_the_line_that_a_spreadsheet_shows(size: int) -> None:
    rows = read('a,b\r\n1,"two\r\nlines"\r\n\r\n2,x'.encode("gb18030"), size)
    assert [(row.number, row.cells) for row in rows] == [(1, ["a", "b"]), (3, ["1", "two\r\nlines"]), (5, ["2", "x"])]


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    ("data", "line"),
    [(b"a\n\xe5\xff\xff\n", 2), (b'a\nb\n"c\nd\n', 3), (b'a\n"b"c\n', 2), (b"a\n" + b"x" * 1_200_000, 2)],
)
def test_a_fault_is_named_by_its_line(data: bytes, line: int, size: int) -> None:
    with pytest.raises(TableFault, match=rf"^Line {line}: ") as caught:
        read(data, max(size, len(data) // 1000))
    assert str(caught.value).endswith(".")


def test_who_reads_what_can_be_read_loses_only_broken_rows() -> None:
    reader = TableReader(strict=False)
    rows = reader.feed("a,b\n客,1\n".encode())
    rows += reader.feed(b'\xff\xfe,2\n3,"' + b"x" * 200_000 + b"\n4,5\n") + reader.close()
    assert rows[:3] == [TableRow(1, ["a", "b"]), TableRow(2, ["客", "1"]), TableRow(3, ["\udcff\udcfe", "2"])]
    assert rows[3].cells == []


def test_an_encoding_that_shows_late_is_still_found() -> None:
    reader = TableReader(strict=True)
    assert reader.feed(b"a,b\n" * 3) == [TableRow(number, ["a", "b"]) for number in (1, 2, 3)]
    assert reader.feed("客".encode("gb18030")[:1]) == []
    assert reader.feed("客".encode("gb18030")[1:] + b",c\n") == [TableRow(4, ["客", "c"])]
    assert reader.encoding == "gb18030"
