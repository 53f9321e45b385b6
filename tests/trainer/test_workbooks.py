"""Workbooks are read as if they had been saved as CSV, and none can do more than that."""

import datetime
import gzip
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from trainer import importer, tables, workbooks
from trainer.catalog import Catalog
from trainer.errors import DataError

from .makers import draw, state


def book(folder: Path, *rows: list[object], name: str = "t.xlsx") -> Path:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.save(folder / name)
    return folder / name


def forged(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same workbook with the content of its members changed."""
    with zipfile.ZipFile(path) as old:
        members = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return path


def test_cells_are_plain_text(tmp_path: Path) -> None:
    day = datetime.datetime(2020, 3, 1)  # noqa: DTZ001 - a sheet knows no time zones
    path = book(
        tmp_path,
        ["FILE NAME", "a", "b", "c", "day", "time", "yes", "error", None, None],
        ["  COVID-1 ", 1.0, 0.25, -7, day, day.replace(hour=7), True, "#N/A", None, " "],
        [None, None],
        ["COVID-2", 1e300, 12345678, "x\ny", day.date(), None, False, None],
    )
    table = tables.read(path)
    assert table.header == ("FILE NAME", "a", "b", "c", "day", "time", "yes", "error")
    assert [line.number for line in table.lines] == [2, 4]
    assert table.lines[0].cells == ("COVID-1", "1", "0.25", "-7", "2020-03-01", "2020-03-01 07:00:00", "TRUE", "")
    assert table.lines[1].cells == ("COVID-2", "1e+300", "12345678", "x y", "2020-03-01", "", "FALSE", "")
    assert table.notes == ("1 cells of t.xlsx hold an error such as #N/A; they count as empty",)
    assert tables.header(path) == table.header


def test_formulas_are_their_last_result(tmp_path: Path) -> None:
    path = forged(
        book(tmp_path, ["path", "n"], ["a.png", 0]),
        lambda name, old: old.replace(b"<v>0</v>", b"<f>1+1</f><v>2</v>") if "sheet1" in name else old,
    )
    assert tables.read(path).column("n") == ["2"]


def test_the_first_sheet_with_rows_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "Empty"
    for title, rows in {"Title": ["Our list"], "Rows": ["path", "a.png"], "More": ["path", "b.png"]}.items():
        sheet: Worksheet = made.create_sheet(title)
        for row in rows:
            sheet.append([row])
    hidden = made.create_sheet("Hidden", 0)
    hidden.append(["path"])
    hidden.append(["secret.png"])
    hidden.sheet_state = "hidden"
    made.save(tmp_path / "t.xlsx")
    table = tables.read(tmp_path / "t.xlsx")
    assert table.column("path") == ["a.png"]
    assert table.notes == ("t.xlsx has 4 sheets with rows; 'Rows' was read",)


def test_a_stated_size_that_is_wrong_changes_nothing(tmp_path: Path) -> None:
    path = forged(
        book(tmp_path, ["path", "n"], ["a.png", 5]),
        lambda name, old: old.replace(b'ref="A1:B2"', b'ref="A1:A1"') if "sheet1" in name else old,
    )
    assert tables.read(path).lines[0].cells == ("a.png", "5")
    forged(path, lambda name, old: old.replace(b'ref="A1:A1"', b'ref="A1:XFD1048576"'))
    assert tables.read(path).lines[0].cells == ("a.png", "5")


def test_what_is_no_open_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"")
    cases = {
        path.read_bytes(): "of another kind or an archive",
        b"\xd0\xcf\x11\xe0" + b"\0" * 600: "password, or of the old kind",
        b"PK\x03\x04" + b"\0" * 50: "damaged workbook or an archive",
    }
    for content, words in cases.items():
        path.write_bytes(content)
        for reader in (tables.read, tables.header):
            with pytest.raises(DataError, match=words) as caught:
                reader(path)
            assert "save the sheet as CSV" in caught.value.remedy
    with pytest.raises(DataError, match="no sheet with rows"):
        tables.read(book(tmp_path))
    with pytest.raises(DataError, match="header but no rows"):
        tables.read(book(tmp_path, ["path", "label"]))


def test_what_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path, ["path", "n"], ["a.png", 5])
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'

    def bomb(name: str, old: bytes) -> bytes:
        return laughs.encode() + old.replace(b"path", b"&b;") if "sheet1" in name else old

    with pytest.raises(DataError, match="damaged"):
        tables.read(forged(path, bomb))
    path = book(tmp_path, ["path", "n"], ["a.png", 5])
    for found, changed in ((b'"2"', b'"999999999"'), (b"B2", b"ZZZZ2")):
        with pytest.raises(DataError, match="damaged"):
            tables.read(forged(path, lambda name, old, a=found, b=changed: old.replace(a, b) if "sheet1" in name else old))
        book(tmp_path, ["path", "n"], ["a.png", 5])
    monkeypatch.setattr(workbooks, "_MOST_CELLS", 3)
    with pytest.raises(DataError, match="too large"):
        tables.read(path)
    monkeypatch.setattr(workbooks, "LARGEST", 100)
    with pytest.raises(DataError, match="too large"):
        tables.read(path)


def test_damaged_workbooks_are_read_or_refused(tmp_path: Path) -> None:
    whole = book(tmp_path, ["path", "label"], ["a.png", "x"], ["b.png", 2.5]).read_bytes()
    chance = random.Random(5)
    path = tmp_path / "broken.xlsx"
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        path.write_bytes(bytes(broken[: chance.choice((len(broken), chance.randrange(4, len(broken))))]))
        refused += _refused(path)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        names = archive.namelist()
    for name in names:
        path.write_bytes(whole)
        refused += _refused(forged(path, lambda n, old, name=name: old[: len(old) // 2] if n == name else old))
    forged(path, lambda name, old: old.replace(b"spreadsheetml.sheet.main", b"presentation") if "Types" in name else old)
    assert _refused(path)
    assert refused > 10


def test_a_workbook_beside_the_images_is_their_table(source: Path, tmp_path: Path) -> None:
    draw(source, "a.png", "b.png")
    book(
        source, ["path", "patient", "age", "Edema", "Mass"], ["a.png", 7.0, 58, 1, 0], ["b.png", 8, 3.5, 0, None], name="t.xlsx"
    )
    found = importer.run(tmp_path / "p.cxr", [source])
    assert found.layouts == ("t.xlsx: one column per finding: Edema, Mass",)
    assert state(tmp_path / "p.cxr") == {"a.png": {"Edema": 1, "Mass": 0}, "b.png": {"Edema": 0}}
    with Catalog.open(tmp_path / "p.cxr") as catalog:
        assert [(one.patient, one.age) for one in catalog.records(catalog.ids())] == [("7", 58.0), ("8", 3.5)]
    (source / "t.xlsx").rename(tmp_path / "t.xlsx")
    (source / "t.csv.gz").write_bytes(gzip.compress(b"path,label\na.png,A\nb.png,B\n"))
    assert importer.run(tmp_path / "q.cxr", [source]).findings == {"A": 1, "B": 1}


def _refused(path: Path) -> bool:
    try:
        assert tables.read(path).header
    except DataError as error:
        return bool(error.remedy)
    return False
