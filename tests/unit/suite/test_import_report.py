"""The file of rejected rows: whole, in Excel's encoding, and without formulas."""

import csv
from pathlib import Path

import pytest

from shared.table_files import TableRow
from suite.importing.reasons import Reason
from suite.importing.report import Rejects


def test_rejected_rows_open_in_excel(tmp_path: Path) -> None:
    path = tmp_path / "orders.rejects.csv"
    with Rejects(path, ["订单号", "说明"], (0,)) as rejects:
        rejects.add(TableRow(7, ["=cmd()", "-6"]), Reason.BAD_DATE)
        rejects.add(TableRow(8, ["围巾", "-x"]), Reason.NO_CUSTOMER)
        assert not path.exists()
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["row", "reason", "explanation", "订单号", "说明"]
    assert [row[0:2] + row[3:] for row in rows[1:]] == [
        ["7", "bad_date", "'=cmd()", "-6"],
        ["8", "no_customer", "围巾", "'-x"],
    ]
    assert rejects.counts == {Reason.BAD_DATE: 1, Reason.NO_CUSTOMER: 1}


def test_nothing_rejected_leaves_no_file(tmp_path: Path) -> None:
    with Rejects(tmp_path / "r.csv", ["a"], (0,)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_broken_import_leaves_no_finished_report(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Rejects(tmp_path / "r.csv", ["a"], (0,)):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
