"""Files as merchants have them: compressed or not, in the encodings of Excel and of Chinese shop systems."""

import codecs
import gzip
from pathlib import Path

import pytest

from suite.importing.files import ReadingError, open_table

TEXT = "订单号,客户ID,商品名称\n1001,c1,羊毛围巾\n1002,c2,真丝衬衫\n"


def read(path: Path) -> tuple[str, list[list[str]]]:
    with open_table(path) as table:
        return table.encoding, [table.header, *[row.cells for row in table.rows]]


@pytest.mark.parametrize(
    ("encoding", "bom", "detected"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", codecs.BOM_UTF8, "utf-8-sig"),
        ("gbk", b"", "gb18030"),
        ("gb18030", b"", "gb18030"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16"),
    ],
)
def test_every_usual_encoding_is_recognised(tmp_path: Path, encoding: str, bom: bytes, detected: str) -> None:
    plain, packed = tmp_path / "orders.csv", tmp_path / "orders.csv.gz"
    plain.write_bytes(bom + TEXT.encode(encoding))
    packed.write_bytes(gzip.compress(bom + TEXT.encode(encoding)))
    for path in (plain, packed):
        found, rows = read(path)
        assert found == detected
        assert rows == [["订单号", "客户ID", "商品名称"], ["1001", "c1", "羊毛围巾"], ["1002", "c2", "真丝衬衫"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_taken_from_the_header(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(TEXT.replace(",", delimiter), encoding="utf-8")
    assert read(path)[1][1] == ["1001", "c1", "羊毛围巾"]


def test_rows_carry_the_number_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text('a,b\n1,"two\nlines"\n\n2,x\n', encoding="utf-8")
    with open_table(path) as table:
        assert [(row.number, row.cells[0]) for row in table.rows] == [(3, "1"), (5, "2")]


def test_a_quote_never_closed_costs_rows_but_does_not_stop_the_import(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text('a,b\n1,2\n3,"' + "x" * 200_000 + "\n4,5\n", encoding="utf-8")
    assert read(path)[1][1] == ["1", "2"]


def test_what_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"There is no file .*missing\.csv"):
        read(tmp_path / "missing.csv")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(ReadingError, match="is empty"):
        read(tmp_path / "empty.csv")
    (tmp_path / "words.csv").write_text("only words\nmore words\n")
    with pytest.raises(ReadingError, match="one column only"):
        read(tmp_path / "words.csv")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(TEXT.encode() * 2000)[:-200])
    with pytest.raises(ReadingError, match="damaged or cut off"):
        read(tmp_path / "cut.csv.gz")
    with pytest.raises(ReadingError, match="cannot be read"):
        read(tmp_path)
