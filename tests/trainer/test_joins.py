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


def test_accents_are_the_same_letters_however_they_are_spelled() -> None:
    mac, table = "A\u0308rzte/Mu\u0308ller.png", "\u00c4rzte/M\u00fcller.png"
    assert joined([table, "a.png"], [mac, "a.png"], root=ROOT).files == (mac, "a.png")
    assert joined([mac], [table], root=ROOT).files == (table,)
    assert joined(["M\u00dcLLER"], [mac], root=ROOT).files == (mac,)
    two = joined([table], [mac, table], root=ROOT)
    assert two.files == (table,), "two files that nothing else tells apart"


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


VIEWS = [f"CheXpert-v1.0/train/patient{number}/study1/view1.jpg" for number in range(4)]


def test_a_path_whose_image_is_not_there_takes_no_other_of_its_name() -> None:
    """Only a part of a dataset was loaded, and one image that the table does not name."""
    files = ["train/patient1/study1/view1.jpg", "train/patient9/study1/view1.jpg"]
    assert joined(VIEWS, files, root=ROOT).files == ("", files[0], "", "")
    found = joined(["train/patient4/study1/view1.jpg", files[0]], files, root=ROOT)
    assert found.files == ("", files[0]), "also where all other rows name their files exactly"
    assert found.doubts == ("", "")


def test_the_folder_of_a_dataset_may_be_called_otherwise() -> None:
    files = [path.partition("/")[2] for path in VIEWS]
    assert joined(VIEWS, files, root=ROOT).files == tuple(files)
    inner = [f"chexpert/{file}" for file in files]
    assert joined(VIEWS, inner, root=ROOT, beside="chexpert").files == tuple(inner)
    assert joined(VIEWS, inner, root=ROOT).files == tuple(inner)
    both = [*VIEWS, *(path.replace("v1.0", "v1.0-small") for path in VIEWS)]
    assert joined(both, files, root=ROOT).files == ("",) * 8, "two paths of each file"
    assert joined(both, files[:1], root=ROOT).doubts[0] == "several rows mean the same file"


def test_the_path_that_fits_best_gets_the_file() -> None:
    found = joined(["old/a/1.png", "old/b/1.png", "1.png"], ["new/a/1.png"], root=ROOT)
    assert found.files == ("new/a/1.png", "", "")
    found = joined(["scan.jpg", "scan.jpeg"], ["x/scan.jpg"], root=ROOT)
    assert found.doubts == ("several rows mean the same file",) * 2


def test_a_name_that_many_files_have() -> None:
    """Files of one name are told apart by their folders, whatever their number and the case."""
    files = [f"data/P{number:03d}/View.png" for number in range(300)]
    asked = [f"old/p{number:03d}/view.png" for number in range(299, -1, -1)]
    assert joined(asked, files, root=ROOT).files == tuple(reversed(files))
    found = joined(["view.png"], files, root=ROOT)
    assert found.doubts == ("several files have its name: data/P000/View.png, data/P001/View.png",)
    assert joined(["x/VIEW.png"], ["a/VIEW.png", "b/view.png"], root=ROOT).files == ("a/VIEW.png",), "the case decides last"


@settings(deadline=None, max_examples=50)
@given(st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from("12")), min_size=1))
def test_a_table_with_another_prefix_finds_all(places: set[tuple[str, str, str]]) -> None:
    files = sorted(f"{a}/{b}/{c}.png" for a, b, c in places)
    found = joined([f"D:\\old disk\\set\\{file}" for file in files], files, root=ROOT)
    assert found.files == tuple(files)


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
