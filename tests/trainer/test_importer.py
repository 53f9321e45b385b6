"""Imports: every kind of source, again and again, stopped, killed, and with bad files among the good."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer import errors, images, importer, survey
from trainer.catalog import NO, NOT_STATED, YES, Catalog, Filter
from trainer.errors import DataError, StorageError, TrainerError

from .makers import draw, figures, state


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "p.cxr"


def older(path: Path) -> None:
    """Give a file another time, as a copy does."""
    os.utime(path, ns=(1_000_000_000, 1_000_000_000))


# Kinds of sources


def test_a_folder_for_each_finding(classes: Path, project: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = importer.run(project, [classes], progress=lambda done, total: seen.append((done, total)))
    assert figures(found) == (6, 0, 0, 0)
    assert found.findings == {"Covid": 3, "Normal": 3}
    assert found.layouts == ("a folder for each finding (Covid, Normal)",)
    assert found.refused == ()
    assert found.patients == 0
    assert found.warnings == ("the patient of 6 images is unknown; a split can only keep exact duplicates together",)
    assert seen == [(number, 6) for number in range(1, 7)]
    assert state(project)["Covid/0.png"] == {"Covid": YES, "Normal": NO}
    with Catalog.open(project) as catalog:
        record = catalog.records(catalog.ids())[0]
        assert (record.width, record.height, record.source) == (6, 8, "clinic")
        assert record.path.is_file()
        assert catalog.facts(record.id)["format"] == "PNG"


def test_split_folders_are_kept_as_given(source: Path, project: Path) -> None:
    draw(source, *(f"{part}/{f}/{part}{n}.png" for part in ("train", "val", "test") for f in ("A", "B") for n in range(2)))
    found = importer.run(project, [source])
    assert found.layouts == ("split folders (test, train, validation), kept as given; a folder for each finding (A, B)",)
    with Catalog.open(project) as catalog:
        assert catalog.counts().parts_given == {"test": 4, "train": 4, "validation": 4}
        assert len(catalog.ids(Filter(findings={"A": YES}, part_given="train"))) == 2


def test_single_files(classes: Path, project: Path) -> None:
    files = [classes / "Covid/0.png", classes / "Covid/1.png"]
    found = importer.run(project, files)
    assert figures(found) == (2, 0, 0, 0)
    assert found.findings == {}
    with Catalog.open(project) as catalog:
        assert catalog.folders() == [classes / "Covid"]
        catalog.set_labels(catalog.ids(), "Covid", YES)
    assert figures(importer.run(project, files[:1])) == (0, 0, 1, 0)
    assert state(project) == {"0.png": {"Covid": YES}, "1.png": {"Covid": YES}}


def test_a_single_file_again_keeps_what_its_table_said(classes: Path, project: Path) -> None:
    folder = classes / "Covid"
    (folder / "t.csv").write_text("path,label\n0.png,A\n1.png,B\n2.png,B\n")
    importer.run(project, [folder])
    found = importer.run(project, [folder / "0.png"])
    assert figures(found) == (0, 0, 1, 0)
    assert state(project)["0.png"] == {"A": YES, "B": NO}


def test_several_sources_and_the_name_of_the_project(classes: Path, tmp_path: Path) -> None:
    draw(tmp_path / "other", "Effusion/a.png", "Normal/b.png", "Normal/c.png", "Effusion/d.png")
    found = importer.run(tmp_path / "study", [classes, tmp_path / "other"])
    assert found.project == tmp_path / "study.cxr"
    assert found.warnings[0] == "the project is called study.cxr"
    assert found.findings == {"Covid": 3, "Normal": 5, "Effusion": 2}
    labels = state(found.project)
    assert labels["Effusion/a.png"] == {"Normal": NO, "Effusion": YES}
    assert found.to_json()["project"] == str(found.project)


def test_duplicates_are_flagged(classes: Path, project: Path) -> None:
    draw(classes, "Covid/d1.png", "Normal/d2.png", shade=77)
    importer.run(project, [classes])
    with Catalog.open(project) as catalog:
        assert catalog.column(catalog.ids(Filter(flag="duplicate")), "path") == ["Covid/d1.png", "Normal/d2.png"]
    (classes / "Normal/d2.png").unlink()
    assert figures(importer.run(project, [classes])) == (0, 0, 7, 1)
    with Catalog.open(project) as catalog:
        assert catalog.counts().flags == {"gone": 1}


def test_masks_of_a_drawn_dataset_are_not_imported(drawn: Path, project: Path) -> None:
    found = importer.run(project, [drawn])
    assert found.taken == 48
    assert found.refused == ()
    assert found.unmatched == ()
    assert found.patients > 1
    with Catalog.open(project) as catalog:
        assert not any("mask" in path for path in catalog.column(catalog.ids(), "path"))


# Again


def test_again_nothing_is_new_and_nothing_is_read(classes: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importer.run(project, [classes])
    before = state(project)
    monkeypatch.setattr(images, "decode", lambda *_, **__: pytest.fail("decoded again"))
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)
    assert state(project) == before


def test_again_with_files_new_changed_touched_and_gone(classes: Path, project: Path) -> None:
    importer.run(project, [classes])
    with Catalog.open(project) as catalog:
        before = dict(zip(catalog.column(catalog.ids(), "path"), catalog.records(catalog.ids()), strict=True))
    draw(classes, "Normal/new.png")
    draw(classes, "Covid/0.png", shade=3)
    older(classes / "Covid/0.png")
    older(classes / "Covid/1.png")
    (classes / "Normal/2.png").unlink()
    found = importer.run(project, [classes])
    assert figures(found) == (1, 1, 4, 1)
    with Catalog.open(project) as catalog:
        after = dict(zip(catalog.column(catalog.ids(), "path"), catalog.records(catalog.ids()), strict=True))
        assert catalog.column(catalog.ids(Filter(flag="gone", gone=None)), "path")[1:] == ["Normal/2.png"]
    assert after["Covid/0.png"].id != before["Covid/0.png"].id
    assert after["Covid/0.png"].digest != before["Covid/0.png"].digest
    assert after["Covid/1.png"] == before["Covid/1.png"]
    assert "Normal/2.png" not in after
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)


def test_what_was_gone_may_come_back(classes: Path, project: Path, tmp_path: Path) -> None:
    importer.run(project, [classes])
    shutil.move(classes / "Covid/0.png", tmp_path / "away.png")
    assert figures(importer.run(project, [classes])) == (0, 0, 5, 1)
    shutil.move(tmp_path / "away.png", classes / "Covid/0.png")
    assert figures(importer.run(project, [classes])) == (0, 1, 5, 0)
    assert len(state(project)) == 6


def test_a_known_file_that_is_damaged_now_is_not_used(classes: Path, project: Path) -> None:
    importer.run(project, [classes])
    (classes / "Covid/0.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    found = importer.run(project, [classes])
    assert figures(found) == (0, 0, 5, 1)
    assert [refused.path for refused in found.refused] == ["Covid/0.png"]
    assert "Covid/0.png" not in state(project)


def test_answers_by_hand_outlive_a_new_import(classes: Path, project: Path) -> None:
    importer.run(project, [classes])
    with Catalog.open(project) as catalog:
        first = catalog.ids()[:1]
        catalog.set_labels(first, "Covid", NO)
        catalog.set_labels(first, "Normal", NOT_STATED)
        catalog.set_labels(first, "Effusion", YES)
        catalog.set_excluded(catalog.ids()[1:2], True)
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)
    older(classes / "Covid/0.png")
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)
    assert state(project)["Covid/0.png"] == {"Covid": NO, "Effusion": YES}
    assert "Covid/1.png" not in state(project)


def test_a_label_that_changed_in_the_table_is_taken(source: Path, project: Path) -> None:
    draw(source, "a.png", "b.png", "c.png")
    table = source / "labels.csv"
    table.write_text("path,label\na.png,A\nb.png,B\nc.png,B\n")
    importer.run(project, [source])
    with Catalog.open(project) as catalog:
        catalog.set_labels(catalog.ids()[2:], "B", NO)
    table.write_text("path,label\na.png,B\nb.png,B\nc.png,A\n")
    assert figures(importer.run(project, [source])) == (0, 2, 1, 0)
    assert state(project) == {"a.png": {"A": NO, "B": YES}, "b.png": {"A": NO, "B": YES}, "c.png": {"A": YES, "B": NO}}


def test_again_without_options_reads_as_last_time(classes: Path, project: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,truth\n" + "\n".join(f"{f}/{n}.png,X{n % 2}" for f in ("Covid", "Normal") for n in range(3)))
    importer.run(project, [classes], labels=table, label_columns=["truth"])
    found = importer.run(project, [classes])
    assert figures(found) == (0, 0, 6, 0)
    assert found.findings == {"X0": 4, "X1": 2}
    assert found.warnings[0] == "clinic was read as in its last import; name a table or a layout to change that"
    assert figures(importer.run(project, [classes], layout="folders")) == (0, 6, 0, 0)
    importer.run(project, [classes], labels=table, label_columns=["truth"])
    table.unlink()
    with pytest.raises(DataError, match=r"table of the last import is not there.*--labels"):
        importer.run(project, [classes])
    assert len(state(project)) == 6


def test_images_that_another_table_leaves_out_stay(source: Path, project: Path, tmp_path: Path) -> None:
    draw(source, "a.png", "b.png")
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"path,label\n{name}.png,{name.upper()}\n")
    assert figures(importer.run(project, [source], labels=tmp_path / "a.csv")) == (1, 0, 0, 0)
    assert figures(importer.run(project, [source], labels=tmp_path / "b.csv")) == (1, 0, 1, 0)
    assert state(project) == {"a.png": {"A": YES}, "b.png": {"B": YES}}


def test_a_project_that_moved_with_its_images_knows_them(classes: Path, tmp_path: Path) -> None:
    importer.run(tmp_path / "p.cxr", [classes])
    (tmp_path / "usb").mkdir()
    for name in ("p.cxr", "clinic"):
        shutil.move(tmp_path / name, tmp_path / "usb" / name)
    assert figures(importer.run(tmp_path / "usb" / "p.cxr", [tmp_path / "usb" / "clinic"])) == (0, 0, 6, 0)


# Bad sources


def test_one_bad_file_never_stops_the_others(classes: Path, project: Path) -> None:
    whole = (classes / "Covid/0.png").read_bytes()
    (classes / "Covid/cut.png").write_bytes(whole[: len(whole) // 2])
    (classes / "Covid/empty.png").write_bytes(b"")
    (classes / "Covid/text.jpg").write_text("no image")
    shutil.copy(classes / "Normal/0.png", classes / "Covid/wrong.dcm")
    found = importer.run(project, [classes])
    assert found.taken == 7
    assert [refused.path for refused in found.refused] == ["Covid/cut.png", "Covid/empty.png", "Covid/text.jpg"]
    assert all(refused.why for refused in found.refused)


def test_a_file_that_cannot_be_opened_is_refused(classes: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: str, *how: object, **more: object) -> object:
        if path.endswith("1.png"):
            raise PermissionError(13, "Permission denied", path)
        return open(path, *how, **more)  # noqa: PTH123 - what is put in place of it

    monkeypatch.setattr(survey, "open", refusing, raising=False)
    found = importer.run(project, [classes])
    assert found.taken == 4
    assert {(refused.path, refused.why) for refused in found.refused} == {
        ("Covid/1.png", "No permission"),
        ("Normal/1.png", "No permission"),
    }


def test_a_file_larger_than_any_radiograph_is_not_read(classes: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 1)
    with pytest.raises(DataError, match="None of the 6 files could be taken; the first: The file is too large"):
        importer.run(project, [classes])


def nothing(_: Path) -> None:
    """A folder with nothing in it."""


def only_text(root: Path) -> None:
    (root / "README.txt").write_text("hello")


def only_damage(root: Path) -> None:
    (root / "a.png").write_bytes(b"no")


def bad_header(root: Path) -> None:
    draw(root, "a.png")
    (root / "labels.csv").write_text("path,label\na.png,A\n")


def binary_table(root: Path) -> None:
    draw(root, "a.png")
    (root / "labels.csv").write_bytes(b"\x89PNG\0\0")


def empty_table(root: Path) -> None:
    draw(root, "a.png")
    (root / "labels.csv").write_bytes(b"")


def other_names(root: Path) -> None:
    draw(root, "a.png")
    (root / "labels.csv").write_text("path,label\nx.png,A\ny.png,B\n")


def twice(root: Path) -> None:
    draw(root, "a.png")
    (root / "labels.csv").write_text("path,label,label\na.png,A,B\n")


@pytest.mark.parametrize(
    ("prepare", "options", "words"),
    [
        (nothing, {}, "no images in this folder"),
        (only_text, {}, "no images in this folder"),
        (only_damage, {}, "None of the 1 files could be taken; the first: "),
        (bad_header, {"labels": "labels.csv", "label_columns": ["lable"]}, r"no column 'lable'.*Did you mean label"),
        (bad_header, {"label_columns": ["lable"]}, r"no column 'lable'.*Did you mean label"),
        (bad_header, {"labels": "labels.csv", "path_column": "pth"}, r"Did you mean path"),
        (bad_header, {"labels": "nowhere.csv"}, "no such file"),
        (bad_header, {"labels": "labels.csv", "layout": "folders"}, "takes no table"),
        (bad_header, {"layout": "folder"}, r"no such layout.*Did you mean folders"),
        (binary_table, {"labels": "labels.csv"}, "no text table"),
        (empty_table, {"labels": "labels.csv"}, "The table is empty"),
        (other_names, {"labels": "labels.csv"}, r"No row of the table names a file.*--path-column"),
        (other_names, {"layout": "table"}, r"No row of the table names a file"),
        (twice, {"labels": "labels.csv"}, "stands twice"),
        (only_damage, {"layout": "table"}, r"no table at the top of this folder.*--labels"),
        (only_damage, {"patient_column": "who"}, r"no table at the top of this folder.*--labels"),
    ],
)
def test_bad_sources_are_one_clear_sentence(
    source: Path, project: Path, prepare: Callable[[Path], None], options: dict[str, object], words: str
) -> None:
    prepare(source)
    if "labels" in options:
        options = options | {"labels": source / str(options["labels"])}
    with pytest.raises(TrainerError, match=words) as caught:
        importer.run(project, [source], **options)  # type: ignore[arg-type]
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    assert not project.exists()


def test_places_that_do_not_fit_are_told(classes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        importer.run(tmp_path / "p", [classes, tmp_path / "nowhere"])
    assert not (tmp_path / "p.cxr").exists()
    (tmp_path / "p.cxr").write_text("a file")
    with pytest.raises(DataError, match="A file stands where the project should be"):
        importer.run(tmp_path / "p", [classes])


def test_the_project_may_lie_in_the_source_but_not_the_other_way_round(classes: Path) -> None:
    project = classes / "p.cxr"
    importer.run(project, [classes])
    draw(project, "cache/x.png")
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)
    with pytest.raises(DataError, match="inside the project"):
        importer.run(project, [project / "cache"])


def test_a_folder_inside_an_earlier_one_is_refused(classes: Path, project: Path) -> None:
    importer.run(project, [classes])
    with pytest.raises(DataError, match=r"lies inside another.*Import the outer one alone"):
        importer.run(project, [classes / "Covid"])
    assert len(state(project)) == 6


def test_one_finding_alone_is_imported_with_a_warning(source: Path, project: Path) -> None:
    draw(source, "Covid/a.png", "Covid/b.png")
    found = importer.run(project, [source])
    assert found.taken == 2
    assert found.warnings[0] == "there is only one finding (Covid); a network needs at least two to tell apart"


# Stopped, full, killed


def test_stopping_leaves_nothing(classes: Path, project: Path) -> None:
    def stop(done: int, _: int) -> None:
        if done == 4:
            raise errors.Stopped

    with pytest.raises(errors.Stopped):
        importer.run(project, [classes], progress=stop)
    assert not project.exists()
    importer.run(project, [classes])
    draw(classes, "Covid/new.png")
    with pytest.raises(errors.Stopped):
        importer.run(project, [classes], progress=stop)
    assert len(state(project)) == 6


def test_a_disk_that_fills_up_leaves_no_project(classes: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("The disk is full")

    monkeypatch.setattr(Catalog, "store", full)
    with pytest.raises(StorageError, match="full"):
        importer.run(project, [classes])
    assert not project.exists()


CHILD = """
import os, signal, sys
from pathlib import Path
from trainer import importer
from trainer.catalog import Catalog

project, source, when = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
if when > 100:
    store = Catalog.store
    def killed(self, *args, **more):
        self._connection.set_progress_handler(kill, when)
        store(self, *args, **more)
        kill()
    Catalog.store = killed
importer.run(project, [source], progress=lambda done, _: kill() if done == when else None)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_import_is_all_or_nothing_and_can_be_repeated(source: Path, project: Path) -> None:
    draw(source, *(f"{finding}/{number}.png" for finding in ("A", "B") for number in range(40)))
    for when in (1, 60, 1_000, 8_000, 20_000):
        command = [sys.executable, "-c", CHILD, str(project), str(source), str(when)]
        done = subprocess.run(command, check=False, timeout=60, cwd=Path(importer.__file__).parent.parent)
        assert done.returncode == -signal.SIGKILL
        if project.exists():
            with Catalog.open(project) as catalog:
                assert len(catalog.ids()) in (0, 80)
                assert catalog._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = importer.run(project, [source])
    assert found.taken + found.unchanged == 80
    assert found.findings == {"A": 40, "B": 40}


# Real data


def test_real_radiographs_with_their_manifest(shared_data: Path, project: Path) -> None:
    found = importer.run(project, [shared_data / "darkcovid"])
    assert figures(found) == (1125, 0, 0, 0)
    assert found.findings == {"Covid-19": 125, "No_findings": 500, "Pneumonia": 500}
    assert found.refused == ()
    assert found.unmatched == ()
    assert found.patients == 765
    assert any("--label-column finding" in warning for warning in found.warnings)


def test_real_metadata_joined_by_file_name(shared_data: Path, project: Path) -> None:
    found = importer.run(project, [shared_data / "external" / "cohen"])
    assert found.taken == 239
    assert found.unmatched == ()
    assert found.findings["Pneumonia/Viral/COVID-19"] == 165


def test_dicom_facts_stand_in_where_no_table_speaks(shared_data: Path, project: Path, source: Path) -> None:
    name = "chest_CR_mono1_10bit_explicitLE.dcm"
    shutil.copy(shared_data / "dicom" / name, source / name)
    importer.run(project, [source])
    with Catalog.open(project) as catalog:
        record = catalog.records(catalog.ids())[0]
        facts = catalog.facts(record.id)
    assert (record.view, record.width, record.height) == ("PA", 440, 440)
    assert facts["photometric"] == "MONOCHROME1"
    (source / "t.csv").write_text(f"path,label,view,patient\n{name},x,AP,p9\n")
    assert figures(importer.run(project, [source])) == (0, 1, 0, 0)
    with Catalog.open(project) as catalog:
        assert (catalog.column([record.id], "view"), catalog.patients([record.id])) == (["AP"], ["p9"])


def test_two_imports_of_a_folder_at_once(classes: Path, project: Path) -> None:
    """From a window and a terminal: the one that is slower stores nothing and says so."""

    def meanwhile(done: int, total: int) -> None:
        if done == total:
            importer.run(project, [classes])

    with pytest.raises(DataError, match="Another import of this folder has ended meanwhile"):
        importer.run(project, [classes], progress=meanwhile)
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)


def test_a_file_that_comes_back_keeps_labels_that_the_new_table_does_not_know(classes: Path, project: Path) -> None:
    importer.run(project, [classes])
    images = sorted(classes.rglob("*.png"))
    content = images[0].read_bytes()
    images[0].unlink()
    importer.run(project, [classes])
    images[0].write_bytes(content)
    rows = "".join(f"{path.relative_to(classes).as_posix()},1\n" for path in images[1:])
    (classes / "other.csv").write_text("path,Mass\n" + rows)
    importer.run(project, [classes], labels=classes / "other.csv")
    with Catalog.open(project) as catalog:
        kept = catalog.ids(Filter(text=images[0].name), "path")[:1]
        assert catalog.labels(kept, ["Covid", "Mass"]).tolist() == [[YES, NOT_STATED]]
