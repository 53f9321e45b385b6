"""What lies in a folder, and what its sub-folders say."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import places
from trainer.catalog import Catalog
from trainer.errors import DataError, StorageError
from trainer.places import folders, listing


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def found(root: Path) -> list[str]:
    return [file.path for file in listing(root).files]


def test_images_are_found_in_all_folders(tmp_path: Path) -> None:
    touch(tmp_path, "b.PNG", "a/x.jpg", "a/deep/y.dcm", "a/z.tif", "README.md", "a/notes.pdf")
    seen = listing(tmp_path)
    assert [file.path for file in seen.files] == ["a/deep/y.dcm", "a/x.jpg", "a/z.tif", "b.PNG"]
    assert seen.files[0].bytes == 1
    assert seen.files[0].modified == (tmp_path / "a/deep/y.dcm").stat().st_mtime_ns
    assert seen.notes == ("passed over: 2 other files",)


def test_dicom_without_an_extension_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "IM000001").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    (tmp_path / "NOTES").write_bytes(b"nothing")
    assert found(tmp_path) == ["IM000001"]


@pytest.mark.parametrize(
    "path",
    [
        "masks/a.png", "COVID/masks/a.png", "Mask/a.png", "lung masks/a.png", "infection masks/a.png", "lung_masks/a.png",
        "ManualMask/leftMask/a.png", "CHNCXR_0001_0_mask.png", "x-mask.png", "__MACOSX/a.png", ".hidden/a.png", "._a.png",
        "Thumbs.db", "desktop.ini", ".DS_Store", "mask_covid_1.png", "patient 1/mask.png", "a_lungmask.png", "a_mask_left.png",
        "a_masks.png", "a_seg.png", "Ground-truths/a.png", "LungsMask/a.png", "a_mask2.png", "a_leftmask.png",
    ],
)  # fmt: skip
def test_masks_and_system_files_are_passed_over(tmp_path: Path, path: str) -> None:
    touch(tmp_path, "real.png", path)
    assert found(tmp_path) == ["real.png"]
    assert len(listing(tmp_path).notes) == 1


@pytest.mark.parametrize(
    "path",
    ["unmasked/a.png", "Bergmask/a.png", "maskara.png", "masked people/a.png", "Lung Segmentation Data/a.png", "segment_1.png"],
)
def test_other_words_are_no_masks(tmp_path: Path, path: str) -> None:
    touch(tmp_path, path)
    assert found(tmp_path) == [path]


def test_of_several_chosen_files_masks_are_no_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "a_mask.png")
    seen = listing(tmp_path, [tmp_path / "a.png", tmp_path / "a_mask.png"])
    assert [[file.path for file in files] for files in (seen.files, seen.masks)] == [["a.png"], ["a_mask.png"]]
    assert seen.notes == ("passed over: 1 mask",)
    assert len(listing(tmp_path, [tmp_path / "a_mask.png"]).files) == 1, "by itself it was meant"


def test_tables_are_seen_at_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "manifest.csv", "labels.TSV", "deep/other.CSV.gz", "deep/er/1.txt", "b.xlsx", "c.gz")
    seen = listing(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in seen.tables] == [
        "b.xlsx", "deep/er/1.txt", "deep/other.CSV.gz", "labels.TSV", "manifest.csv",
    ]  # fmt: skip
    assert [path.name for path in seen.tables_at_top(tmp_path)] == ["b.xlsx", "labels.TSV", "manifest.csv"]
    assert [file.path for file in seen.files] == ["a.png"]


def test_masks_are_listed_apart(tmp_path: Path) -> None:
    touch(tmp_path, "COVID/images/1.png", "COVID/masks/1.png", "COVID/masks/deep/2.png", "COVID/masks/about.doc", "x_mask.png")
    seen = listing(tmp_path)
    assert [file.path for file in seen.files] == ["COVID/images/1.png"]
    assert [mask.path for mask in seen.masks] == ["COVID/masks/1.png", "COVID/masks/deep/2.png", "x_mask.png"]
    assert seen.masks[0].bytes == 1
    assert seen.masks[0].modified == (tmp_path / "COVID/masks/1.png").stat().st_mtime_ns
    assert seen.notes == ("passed over: 1 folder of masks", "passed over: 1 mask")


def test_links_that_go_round_end(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "y.png").symlink_to(tmp_path / "a" / "x.png")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    seen = listing(tmp_path)
    assert [file.path for file in seen.files] == ["a/x.png", "y.png"]
    assert seen.notes == ("passed over: 1 link to a folder",)
    assert seen.refused == (("dangling.png", "There is no such file or folder"),)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path) == ["a.png"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.png", "locked/b.png")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if isinstance(path, Path) and path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refusing)
        seen = listing(tmp_path)
    assert [file.path for file in seen.files] == ["a.png"]
    assert seen.refused == (("locked/", "No permission"),)


def test_a_project_inside_is_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "p.cxr/cache/b.png", "odd.cxr/c.png")
    Catalog.create(tmp_path / "p.cxr").close()
    assert found(tmp_path) == ["a.png", "odd.cxr/c.png"]


def test_only_some_files(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png")
    assert [file.path for file in listing(tmp_path, [tmp_path / "b.png"]).files] == ["b.png"]
    with pytest.raises(StorageError, match="no such file"):
        listing(tmp_path, [tmp_path / "c.png"])


def test_a_folder_for_each_finding() -> None:
    seen = folders(["Covid/1.png", "Covid/2.png", "Normal/1.png", "Normal/2.png", "top.png"])
    assert seen.findings == ("Covid", "Normal")
    assert seen.findings_of == ("Covid", "Covid", "Normal", "Normal", "")
    assert seen.parts_of == ("",) * 5
    assert seen.how == "a folder for each finding (Covid, Normal)"


@pytest.mark.parametrize(
    "template",
    ["{}/{}.png", "data/{}/{}.png", "X-Ray Image DataSet/{}/{}.png", "{}/images/{}.png", "chest/chest/{}/images/{}.png"],
)
def test_folders_that_say_nothing_are_left_out(template: str) -> None:
    seen = folders([template.format(finding, number) for finding in ("COVID", "Normal") for number in range(2)])
    assert seen.findings == ("COVID", "Normal")
    assert seen.findings_of == ("COVID", "COVID", "Normal", "Normal")


def test_numbered_folders_of_images_are_no_findings() -> None:
    assert folders([f"images_{n:03d}/images/{m}.png" for n in range(12) for m in range(4)]).findings == ()
    assert folders(["png-512/A/1.png", "png-512/A/2.png", "png/B/1.png", "png/B/2.png"]).findings == ("A", "B")


def test_split_folders_with_findings_inside() -> None:
    paths = ["train/A/1.png", "train/B/2.png", "Val/A/3.png", "valid/B/6.png", "test/A/4.png", "test/B/5.png"]
    seen = folders(paths)
    assert seen.parts_of == ("train", "train", "validation", "validation", "test", "test")
    assert seen.findings == ("A", "B")
    assert seen.how == "split folders (train, validation, test), kept as given; a folder for each finding (A, B)"


def test_findings_with_split_folders_inside() -> None:
    seen = folders(["A/train/1.png", "B/train/2.png", "A/test/3.png", "B/test/4.png"])
    assert seen.parts_of == ("train", "train", "test", "test")
    assert seen.findings_of == ("A", "B", "A", "B")


def test_split_folders_without_findings() -> None:
    seen = folders(["train/1.png", "train/2.png", "test/3.png"])
    assert seen.findings == ()
    assert seen.how == "split folders (train, test), kept as given"


def test_one_split_folder_alone_is_no_split() -> None:
    seen = folders(["train/A/1.png", "train/B/2.png", "train/A/3.png", "train/B/4.png"])
    assert seen.parts_of == ("",) * 4
    assert seen.findings_of == ("A", "B", "A", "B")


def test_a_tree_of_findings() -> None:
    seen = folders(["Pneumonia/Viral/1.png", "Pneumonia/Bacterial/2.png", "Normal/3.png"] * 2)
    assert seen.findings == ("Normal", "Pneumonia/Bacterial", "Pneumonia/Viral")


def test_one_finding_alone() -> None:
    assert folders(["Covid/1.png", "Covid/2.png"]).findings == ("Covid",)


def test_a_folder_of_unlabelled_images_states_nothing() -> None:
    seen = folders(["covid/1.png", "covid/2.png", "unlabelled/3.png"])
    assert seen.findings == ("covid",)
    assert seen.findings_of == ("covid", "covid", "")


def test_images_in_one_folder_have_no_labels() -> None:
    for paths in (["1.png", "2.png"], ["images/1.png", "images/2.png"]):
        seen = folders(paths)
        assert seen.findings == ()
        assert seen.how == "images without labels"


def test_folders_of_patients_are_no_findings() -> None:
    assert folders([f"p{n}/s{m}/{m}.png" for n in range(20) for m in range(2)]).findings == ()
    assert folders([f"p{n}/{m}.png" for n in range(101) for m in range(3)]).findings == ()


def test_folders_of_patients_inside_findings_are_cut_off() -> None:
    paths = [f"{finding}/patient{n}/study1/{n}.png" for finding in ("Covid-19", "Normal") for n in range(9)]
    assert folders(paths).findings == ("Covid-19", "Normal")
    paths = [f"{finding}/{name}/{n}.png" for finding in ("Covid", "Normal") for n, name in enumerate("abcdefgh")]
    assert folders(paths).findings == ("Covid", "Normal")


def test_numbered_findings_are_findings() -> None:
    assert folders([f"{level}/{n}.png" for level in ("0", "1", "2") for n in range(4)]).findings == ("0", "1", "2")
    assert folders([f"level{n % 2}/{n}.png" for n in range(6)]).findings == ("level0", "level1")


def test_trees_of_numbers_are_no_findings() -> None:
    paths = [f"files/p1{n % 3}/p1000{n // 2}/s{n // 2}/{n}.jpg" for n in range(60)]
    assert folders(paths).findings == ()


PATHS = st.lists(
    st.builds(
        lambda names, number: "/".join([*names, f"{number}.png"]),
        st.lists(st.sampled_from(["train", "test", "A", "B", "images", "unknown"]), max_size=3),
        st.integers(0, 9),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=100)
@given(paths=PATHS)
def test_every_image_gets_an_answer_from_the_known_ones(paths: list[str]) -> None:
    seen = folders(paths)
    assert len(seen.findings_of) == len(seen.parts_of) == len(paths)
    assert {name for name in seen.findings_of if name} == set(seen.findings)
    assert set(seen.parts_of) <= {"", "train", "test"}
    assert seen.how


def test_places_that_cannot_be(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.png", "t.csv", "file.cxr")
    project = tmp_path / "p.cxr"
    with pytest.raises(DataError, match="No source was named"):
        places.roots(project, [])
    with pytest.raises(DataError, match="no such folder"):
        places.roots(project, [tmp_path / "none"])
    with pytest.raises(DataError, match="lies inside another"):
        places.roots(project, [tmp_path, tmp_path / "a"])
    with pytest.raises(DataError, match="inside the project"):
        places.roots(tmp_path, [tmp_path / "a"])
    with pytest.raises(DataError, match=r"A table is no source.*--labels"):
        places.roots(project, [tmp_path / "t.csv"])
    with pytest.raises(DataError, match="A file stands where the project"):
        places.check_project(tmp_path / "file.cxr")


def test_a_project_that_cannot_be_written_to_is_told_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="cannot be written to"):
        places.check_project(tmp_path / "deep" / "p.cxr")


def test_single_files_are_grouped_by_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.png", "a/y.png", "b/z.png")
    a, b = tmp_path / "a", tmp_path / "b"
    assert places.roots(tmp_path / "p.cxr", [a / "x.png", b, a / "y.png"]) == {b: (), a: (a / "x.png", a / "y.png")}
    assert places.roots(tmp_path / "p.cxr", [b / "z.png", b]) == {b: ()}


@pytest.mark.parametrize(
    ("path", "mask"),
    [
        ("masks/a.png", True),
        ("x/lung_mask/a.png", True),
        ("a_mask.png", True),
        ("images/a.png", False),
        ("unmasked/a.png", False),
    ],
)
def test_masks_are_known_by_their_names(path: str, *, mask: bool) -> None:
    assert places.is_mask(Path(path)) is mask
