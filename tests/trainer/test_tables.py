"""Tables of every kind are read; what cannot be read says so."""

import csv
import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import tables
from trainer.errors import DataError, StorageError


def written(folder: Path, content: bytes | str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(table: tables.Table) -> list[tuple[str, ...]]:
    return [line.cells for line in table.lines]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, end: str) -> None:
    lines = [["path", "label"], ["a.png", "Normal"], ["b, c.png", "x"]]
    if delimiter == ",":
        lines[2][0] = '"b, c.png"'
    table = tables.read(written(tmp_path, end.join(delimiter.join(line) for line in lines) + end))
    assert table.header == ("path", "label")
    assert cells(table) == [("a.png", "Normal"), ("b, c.png", "x")]
    assert [line.number for line in table.lines] == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Bild,Befund\nä.png,Lungenentzündung\n"
    start = b"\xff\xfe" if encoding == "utf-16-le" else b""
    table = tables.read(written(tmp_path, start + text.encode(encoding)))
    assert table.header == ("Bild", "Befund")
    assert cells(table) == [("ä.png", "Lungenentzündung")]
    assert table.notes == ()


def test_what_is_not_utf_8_is_read_with_a_note(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path,label\nä.png,“x”\n".encode("cp1252")))
    assert cells(table) == [("ä.png", "“x”")]
    assert table.notes == ("t.csv is not UTF-8; it was read as Windows-1252",)
    table = tables.read(written(tmp_path, b"path,label\n\x81\xe4.png,x\n"))
    assert cells(table) == [("\x81ä.png", "x")]
    assert "Latin-1" in table.notes[0]


def test_labels_joined_with_a_bar_do_not_make_it_the_delimiter(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path,labels\na.png,A|B\nb.png,A|C\nc.png,B|C\n"))
    assert table.header == ("path", "labels")
    assert cells(table)[0] == ("a.png", "A|B")


def test_semicolons_with_decimal_commas(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path;age;label\na.png;1,5;x\nb.png;2,5;y\n"))
    assert table.header == ("path", "age", "label")


def test_one_column_is_a_table(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path\na.png\nb.png\n"))
    assert table.header == ("path",)
    assert cells(table) == [("a.png",), ("b.png",)]


def test_headers_are_cleaned(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, 'Image  Index ," Encoded\nPixels",,label,,\na.png,x,y,N,,\n'))
    assert table.header == ("Image Index", "Encoded Pixels", "column 3", "label")
    assert cells(table) == [("a.png", "x", "y", "N")]
    assert table.column("image_index") == ["a.png"]
    assert table.column("LABEL") == ["N"]


def test_empty_lines_and_blanks_say_nothing(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "\n\npath,label\n\n  a.png , x \n,,\n\n"))
    assert cells(table) == [("a.png", "x")]
    assert table.lines[0].number == 5


def test_ragged_rows(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path,label,view\na.png,x,PA\nb.png,x\nc.png,Last, First,PA\nd.png,x,AP,\n"))
    assert cells(table) == [("a.png", "x", "PA"), ("b.png", "x", ""), ("d.png", "x", "AP")]
    assert [line.number for line in table.ragged] == [4]
    assert table.notes == ("1 rows of t.csv are shorter than its header; the missing cells count as empty",)


def test_a_column_that_stands_twice_is_refused_when_it_is_wanted(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path,label,view,label\na.png,x,PA,y\n"))
    assert table.header == ("path", "label", "view", "label (2)")
    assert table.column("view") == ["PA"]
    for name in ("label", "label (2)", "Label"):
        with pytest.raises(DataError, match=r"stands twice.*Rename"):
            table.column(name)


def test_columns_that_differ_in_case_only_are_told_apart_by_it(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path,Label,label\na.png,x,y\n"))
    assert table.column("Label") == ["x"]
    assert table.column("label") == ["y"]
    with pytest.raises(DataError, match="stands twice"):
        table.column("LABEL")


def test_a_missing_column_gets_a_suggestion(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, "path,finding\na.png,x\n"))
    with pytest.raises(DataError, match=r"no column 'findings'.*Did you mean finding\?"):
        table.column("findings")
    with pytest.raises(DataError, match=r"There is: finding, path\."):
        table.column("zebra")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n,,\n", "empty"),
        (b"path,label\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text table"),
        (b"PK\x03\x04" + b"\0" * 50, "workbook or an archive"),
        (b'path,label\na.png,"x\nb.png,y\n', "never closed"),
        (b"path,label\na.png," + b"x" * 200_000 + b"\n", "no readable table"),
        (b"\xff\xfea", "no text table|is empty|no rows"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        tables.read(written(tmp_path, content))
    assert "t.csv" in str(caught.value)
    assert caught.value.remedy


def test_misplaced_quotation_marks_are_read_with_a_note(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, 'path,note\na.png,"so-called" finding\nb.png,y\n'))
    assert [row[0] for row in cells(table)] == ["a.png", "b.png"]
    assert table.notes == ("t.csv has misplaced quotation marks",)


def test_no_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        tables.read(tmp_path / "none.csv")
    with pytest.raises(StorageError, match="folder stands where a file"):
        tables.read(tmp_path)


def test_what_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LARGEST", 10)
    with pytest.raises(DataError, match="too large"):
        tables.read(written(tmp_path, "path,label\na,b\n"))


def test_formulas_and_odd_headers_are_only_text(tmp_path: Path) -> None:
    content = 'path,=cmd|\' /C calc\'!A0,<script>\n=1+1.png,@SUM(1),""""\n'
    table = tables.read(written(tmp_path, content))
    assert table.header[2] == "<script>"
    assert cells(table) == [("=1+1.png", "@SUM(1)", '"')]


WORD = st.text(st.characters(exclude_characters="\0\r\x1a", exclude_categories=["Cs"]), max_size=8)
FILLED = st.text(st.sampled_from("abc ,;|\"'äß\n"), min_size=1, max_size=6).filter(lambda word: word.strip())


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(FILLED, WORD, FILLED), min_size=1, max_size=8))
def test_what_csv_writes_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("path", "note", "label"), *rows])
    table = tables.read(written(tmp_path_factory.mktemp("round"), text.getvalue()))
    assert cells(table) == [tuple(cell.strip() for cell in row) for row in rows]


@settings(deadline=None, max_examples=100)
@given(content=st.binary(max_size=200) | st.text(st.sampled_from('ab,;|\t"\n\r ='), max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), content)
    try:
        table = tables.read(path)
    except DataError:
        return
    assert table.lines or table.ragged
    assert len(set(table.header)) == len(table.header)
    assert all(len(line.cells) == len(table.header) for line in table.lines)


# Packed, in part, and without a header


def test_packed_tables(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress("\ufeffpath,label\r\nä.png,x\r\n".encode()), "t.csv.gz")
    assert cells(tables.read(path)) == [("ä.png", "x")]
    assert tables.header(path) == ("path", "label")
    path = written(tmp_path, gzip.compress(b"path\tlabel\n\xe4.png\tx\n"), "t.tsv.gz")
    assert cells(tables.read(path)) == [("ä.png", "x")]
    whole = gzip.compress(b"path,label\n" + b"a.png,x\n" * 1000)
    for broken in (whole[:-9], whole[:30], whole[:20] + b"zzzz" + whole[24:], whole[:-1] + b"\xff"):
        with pytest.raises(DataError, match="damaged or not whole"):
            tables.read(written(tmp_path, broken, "t.csv.gz"))


def test_what_unpacks_to_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, gzip.compress(b"path,label\n" + b"a" * 10_000_000), "t.csv.gz")
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(tables, "LARGEST", 1_000_000)
    for reader in (tables.read, tables.lines_without_header):
        with pytest.raises(DataError, match="too large"):
            reader(path)
    assert tables.header(path) == ("path", "label")


def test_only_some_columns(tmp_path: Path) -> None:
    path = written(tmp_path, ",Image ID,note,view,label,label\n0,a.png,x,PA,A,B\n1,b.png,y,AP,C,D,more\n")
    table = tables.read(path, ["image_id", "VIEW", "label", "no such", "column 1"])
    assert table.header == ("column 1", "Image ID", "view", "label", "label (2)")
    assert cells(table) == [("0", "a.png", "PA", "A", "B")]
    assert table.ragged[0].cells == ("1", "b.png", "AP", "C", "D")
    with pytest.raises(DataError, match="stands twice"):
        table.column("label")


@pytest.mark.parametrize(
    "content",
    [
        'Image  Index ," Encoded\nPixels",,label,,\na.png,x,y,N,,\n',
        "path;label\n" + "a.png;x\n" * 400 + '"',
        "path,label\n" + "ä.png,x\n" * 400,
        "path,label\n" + "a.png,x\n" * 600 + "\0",
        "\n\n a \n",
    ],
)
def test_a_header_alone_is_that_of_the_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(tables, "_SAMPLE", 1_000)
    path = written(tmp_path, content)
    try:
        whole = tables.read(path).header
    except DataError:
        whole = tables.read(written(tmp_path, content.rstrip('"\0') + "b\n", "other.csv")).header
    assert tables.header(path) == whole


def test_a_header_of_what_is_no_table(tmp_path: Path) -> None:
    for content in (b"", b"\n,,\n", b"\x89PNG\r\n\x1a\n\0", b"a,b\0"):
        with pytest.raises(DataError):
            tables.header(written(tmp_path, content))
    with pytest.raises(StorageError, match="no such file"):
        tables.header(tmp_path / "none.csv")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_without_a_header(tmp_path: Path, end: str) -> None:
    text = end.join(["\ufeff77 a.jpeg COVID-19 cohen", "", "  COVID 949 ä b.png\tpositive ", "x\u2028y", ""])
    found = tables.lines_without_header(written(tmp_path, text, "train_COVIDx9A.txt"))
    assert found == ((1, "77 a.jpeg COVID-19 cohen"), (3, "COVID 949 ä b.png\tpositive"), (4, "x\u2028y"))
    assert tables.lines_without_header(written(tmp_path, "")) == ()
    for content in (b"\0\1", b"PK\x03\x04"):
        with pytest.raises(DataError):
            tables.lines_without_header(written(tmp_path, content))


def test_tables_by_their_names() -> None:
    for name in ("a.csv", "B.CSV", "c.tsv", "d.txt", "e.csv.gz", "f.xlsx", "g.tab", "train.v2.csv"):
        assert tables.is_table(name)
        assert tables.is_table(Path("folder") / name)
    for name in ("a.gz", "a.png", "csv", "a.xls", "a.dcm.gz", "a.nii.gz"):
        assert not tables.is_table(name)


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="no text table"):
        tables.read(tmp_path / "t.csv")
