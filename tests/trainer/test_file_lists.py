"""Which files are predicted, in which order and under which names; through the terminal in `test_prediction_table`."""

from pathlib import Path

import pytest
from PIL import Image

from trainer import file_lists
from trainer.errors import DataError, StorageError


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    for name in ("1.png", "2.png", "in/1.png", "in/deep/ä, b.png", "in/1_mask.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(folder / name)
    return folder


def test_a_folder_in_order_with_its_masks_told(films: Path) -> None:
    found = file_lists.chosen([films])
    assert found.names == ["1.png", "2.png", "in/1.png", "in/deep/ä, b.png"]
    assert found.paths == [films / name for name in found.names]
    assert found.masks == [films / "in" / "1_mask.png"]


def test_names_of_a_list_stay_as_they_stand_there(films: Path, tmp_path: Path) -> None:
    """Two files of one name in two folders must not become two rows of one name."""
    listed = tmp_path / "list.txt"
    listed.write_bytes("\ufeffin/1.png\r\n\r\n 1.png \r\nin/deep/ä, b.png\r\n1.png\r\nin\r\n".encode())
    found = file_lists.chosen([films], listed)
    assert found.names == ["in/1.png", " 1.png ", "in/deep/ä, b.png", "1.png", "in/1.png", "in/deep/ä, b.png"]
    assert found.paths[:2] == [films / "in" / "1.png", films / "1.png"]


def test_files_beside_a_list_come_first(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list.txt").write_text("films/1.png")
    monkeypatch.chdir(tmp_path)
    assert file_lists.chosen([films / "2.png"], tmp_path / "list.txt").names == ["2.png", "films/1.png"]
    assert file_lists.chosen([], tmp_path / "list.txt").names == ["films/1.png"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sample.csv", 'File,Label\n2.png,0\n"in/deep/ä, b.png",1\n'),
        ("sample.csv", 'id;Image Index\r\n7;2.png\r\n8;"in/deep/ä, b.png"\r\n'),
        ("sample.tsv", "label\tpath\n0\t2.png\n1\tin/deep/ä, b.png\n"),
    ],
)
def test_a_table_names_files_in_a_column(films: Path, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert file_lists.chosen([films], tmp_path / name).names == ["2.png", "in/deep/ä, b.png"]


def test_a_table_without_a_header_is_a_list(films: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("2.png\n1.png\n")
    assert file_lists.chosen([films], tmp_path / "list.csv").names == ["2.png", "1.png"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.txt", b"1.png\ngone.png\nx\ny\nz\n", "4 of 5 names in the list are no file in .*gone.png .line 2., .* and 1 more"),
        ("l.txt", b"1\n", "1 of 1 name in the list is no file"),
        ("l.txt", b"\n \n", "The list is empty"),
        ("l.txt", b"\x89PNG\0\0", "not a text file"),
        ("l.csv", b"a,b\n1.png,2\n", "Call the column with the names File. There is: a, b"),
        ("l.csv", b"File,Label\n", "header but no rows"),
    ],
)
def test_a_list_that_cannot_be_is_refused_whole(films: Path, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        file_lists.chosen([films], tmp_path / name)


def test_what_is_missing_is_told(films: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        file_lists.chosen([films], tmp_path / "gone.txt")
    with pytest.raises(DataError, match="nothing to predict"):
        file_lists.chosen([])
    (tmp_path / "list.txt").write_text("1.png")
    with pytest.raises(DataError, match="no folder is given beside the list"):
        file_lists.chosen([films, films / "in"], tmp_path / "list.txt")
