"""Table paths find their files, and never a file that is only likely."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.joins import joined, normal

ROOT = "/data/cxr"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b.png", "a/b.png"),
        ("./a//b.png", "a/b.png"),
        ("a/../b.png", "b.png"),
        ("a\\b.png", "a/b.png"),
        ("C:\\scans\\b.png", "scans/b.png"),
        ("/data/cxr/a/b.png", "a/b.png"),
        ("/elsewhere/b.png", "elsewhere/b.png"),
        ("../b.png", None),
        ("a/../../b.png", None),
        ("..", None),
        ("..\\..\\etc\\passwd", None),
        ("/../etc/passwd", None),
        ("..b.png", "..b.png"),
    ],
)
def test_paths_become_relative(text: str, expected: str | None) -> None:
    assert normal(text, ROOT) == expected


def test_paths_from_the_tables_own_folder() -> None:
    assert normal("../images/a.png", ROOT, "tables") == "images/a.png"
    assert normal("../../a.png", ROOT, "tables") is None
    found = joined(["../images/a.png", "b.png"], ["images/a.png", "tables/b.png"], root=ROOT, beside="tables")
    assert found.files == ("images/a.png", "tables/b.png")


def one(asked: str, *paths: str) -> tuple[str, str]:
    found = joined([asked], paths, root=ROOT)
    return found.files[0], found.doubts[0]


@pytest.mark.parametrize(
    ("asked", "paths", "expected"),
    [
        ("x/1.png", ("x/1.png", "y/1.png"), "x/1.png"),
        ("1.png", ("deep/down/1.png", "deep/2.png"), "deep/down/1.png"),
        ("other/1.png", ("x/1.png",), "x/1.png"),
        ("CheXpert-v1.0/train/p1/s1/view.jpg", ("train/p1/s1/view.jpg", "train/p2/s1/view.jpg"), "train/p1/s1/view.jpg"),
        ("NORMAL-1.PNG", ("Normal-1.png",), "Normal-1.png"),
        ("00000001_001", ("images/00000001_001.png",), "images/00000001_001.png"),
        ("1.2.840.7", ("1.2.840.7.dcm", "1.2.840.8.dcm"), "1.2.840.7.dcm"),
        ("scan.jpeg", ("scan.jpg",), "scan.jpg"),
        ("C:\\data\\x\\1.png", ("x/1.png", "y/1.png"), "x/1.png"),
    ],
)
def test_files_that_are_meant(asked: str, paths: tuple[str, ...], expected: str) -> None:
    assert one(asked, *paths) == (expected, "")


def test_no_file_is_no_doubt() -> None:
    assert one("3.png", "x/1.png", "x/2.png") == ("", "")
    assert one("1.2.840.7", "1.2.840.dcm") == ("", "")


def test_two_files_of_one_name_are_a_doubt() -> None:
    file, why = one("1.png", "x/1.png", "y/1.png")
    assert file == ""
    assert why.startswith("several files have its name: ")
    assert one("z/1", "x/1.png", "y/1.jpg")[1]


def test_a_path_out_of_the_source_is_a_doubt() -> None:
    assert one("../1.png", "1.png") == ("", "its path leads out of the source folder")


def test_a_file_that_another_row_names_exactly_is_not_taken() -> None:
    found = joined(["a/1.png", "b/1.png"], ["a/1.png"], root=ROOT)
    assert found.files == ("a/1.png", "")
    assert found.doubts == ("", "")


def test_two_rows_that_would_take_one_file_get_none() -> None:
    found = joined(["b/1.png", "c/1.png", "b/1.png"], ["a/1.png"], root=ROOT)
    assert found.files == ("", "", "")
    assert set(found.doubts) == {"several rows mean the same file"}
    assert joined(["b/1.png", "b/1.png"], ["a/1.png"], root=ROOT).files == ("a/1.png", "a/1.png")


NAMES = st.sampled_from(["1.png", "2.png", "3.jpg", "1"])
PATHS = st.builds(lambda folders, name: "/".join([*folders, name]), st.lists(st.sampled_from("abC"), max_size=2), NAMES)


@settings(deadline=None, max_examples=200)
@given(asked=st.lists(PATHS, max_size=6), paths=st.lists(PATHS, unique=True, max_size=6))
def test_every_path_is_found_missing_or_in_doubt(asked: list[str], paths: list[str]) -> None:
    found = joined(asked, paths, root=ROOT)
    meant: dict[str, set[str]] = {}
    for text, file, doubt in zip(asked, found.files, found.doubts, strict=True):
        assert not (file and doubt)
        assert file == text or text not in paths
        if file:
            assert file in paths
            meant.setdefault(file, set()).add(text)
    assert all(len(texts) == 1 for texts in meant.values())
