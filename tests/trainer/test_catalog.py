"""The catalog: what is stored is found again, by any filter, from any thread and process."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer import catalog as module
from trainer.catalog import NO, NOT_STATED, YES, Catalog, Filter, Split, project_folder
from trainer.errors import BusyError, DataError, StorageError

from .makers import entry

FINDINGS = ("Normal", "Pneumonia", "COVID-19")


def test_name_gets_its_suffix_unless_it_is_a_project_already(tmp_path: Path) -> None:
    assert project_folder(tmp_path / "chest") == tmp_path / "chest.cxr"
    assert project_folder(tmp_path / "chest.cxr") == tmp_path / "chest.cxr"
    assert project_folder(tmp_path / "v1.2") == tmp_path / "v1.2.cxr"
    (tmp_path / "renamed").mkdir()
    (tmp_path / "renamed" / "catalog.sqlite").touch()
    assert project_folder(tmp_path / "renamed") == tmp_path / "renamed"
    assert project_folder(Path("/")) == Path("/")


def test_create_and_open_find_the_same_project(tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "chest") as first:
        assert first.project == tmp_path / "chest.cxr"
        assert list(first.ids()) == []
    with Catalog.open(tmp_path / "chest") as again:
        assert again.findings() == []
    again.close()


def test_what_is_no_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such project.*cxr-trainer import"):
        Catalog.open(tmp_path / "nowhere.cxr")
    (tmp_path / "empty.cxr").mkdir()
    with pytest.raises(DataError, match="no CXR project"):
        Catalog.open(tmp_path / "empty.cxr")


def test_a_file_in_the_place_of_the_project_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.cxr").write_text("a file")
    with pytest.raises(StorageError, match="there already"):
        Catalog.create(tmp_path / "x.cxr")


def test_records_come_in_the_order_asked(catalog: Catalog, source: Path) -> None:
    ids = catalog.ids()
    records = catalog.records(ids[[3, 0]])
    assert [record.path for record in records] == [source / "a/003.png", source / "a/000.png"]
    first = records[1]
    assert (first.patient, first.view, first.age, first.width, first.height) == ("p0", "PA", 60.0, 20, 10)
    assert first.labels == {"Normal": NO, "COVID-19": YES}
    assert first.digest == f"{0:040x}"
    assert first.flags == ()
    assert first.excluded is False
    assert catalog.records(ids[5:])[0].age is None
    assert catalog.records([]) == []


def test_columns_of_images(catalog: Catalog, source: Path) -> None:
    ids = catalog.ids()[::-1]
    assert catalog.patients(ids) == ["", "", "p1", "p1", "p0", "p0"]
    assert catalog.column(ids[:2], "view") == ["AP", "PA"]
    assert catalog.column(ids[:2], "age") == [None, 56.0]
    assert catalog.files(ids[5:]) == [(source / "a/000.png", f"{0:040x}")]
    with pytest.raises(ValueError, match="drop"):
        catalog.column(ids, "drop table")


def test_an_image_may_be_asked_for_twice(catalog: Catalog) -> None:
    one = int(catalog.ids()[0])
    assert catalog.patients([one, one, one]) == ["p0"] * 3
    assert catalog.labels([one, one], ["Normal"]).tolist() == [[0], [0]]


def test_an_unknown_id_is_told(catalog: Catalog) -> None:
    with pytest.raises(DataError, match="does not hold all"):
        catalog.patients([1, 999])


@pytest.mark.parametrize("few", [0, 1_000])
def test_labels_by_both_ways(catalog: Catalog, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(module, "FEW", few)
    ids = catalog.ids()[[4, 0, 1]]
    labels = catalog.labels(ids, ["COVID-19", "Normal"])
    assert labels.dtype == np.int8
    assert labels.tolist() == [[NOT_STATED, NO], [YES, NO], [NO, YES]]
    assert catalog.labels([], ["Normal"]).shape == (0, 1)
    with pytest.raises(DataError, match="Did you mean Normal"):
        catalog.labels(ids, ["Norml"])


def test_findings_keep_their_order(catalog: Catalog) -> None:
    catalog.set_labels([1], "Aardvark", YES)
    assert catalog.findings() == ["Normal", "COVID-19", "Aardvark"]


def test_answers_by_hand(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.set_labels(ids[:3], "Normal", YES)
    catalog.set_labels(ids[:1], "COVID-19", NOT_STATED)
    assert catalog.labels(ids, ["Normal", "COVID-19"]).tolist()[:3] == [[1, -1], [1, 0], [1, 0]]
    assert catalog.records(ids[:1])[0].labels == {"Normal": 1}
    assert list(catalog.ids(Filter({"COVID-19": NOT_STATED}))) == [ids[0], ids[4], ids[5]]
    assert catalog.counts().findings["COVID-19"] == {"yes": 0, "no": 3, "not stated": 3}


def test_an_answer_that_is_none_is_refused(catalog: Catalog) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        catalog.set_labels([1], "Normal", 7)
    assert catalog.records([1])[0].labels["Normal"] == NO


def test_excluded_images_are_left_out_and_come_back(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.set_excluded(ids[:2], True)
    assert list(catalog.ids()) == list(ids[2:])
    assert list(catalog.ids(Filter(excluded=True))) == list(ids[:2])
    assert list(catalog.ids(Filter(excluded=None))) == list(ids)
    assert catalog.records(ids[:1])[0].excluded is True
    assert catalog.counts().excluded == 2
    assert catalog.counts().images == 4
    catalog.set_excluded(ids, False)
    assert list(catalog.ids()) == list(ids)


def test_flags(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.add_flag(ids[:3], "blurred")
    catalog.add_flag(ids[:1], "rotated")
    catalog.add_flag(ids[:1], "rotated")
    assert catalog.records(ids[:1])[0].flags == ("blurred", "rotated")
    assert list(catalog.ids(Filter(flag="blurred"))) == list(ids[:3])
    catalog.remove_flag(ids, "blurred")
    assert catalog.records(ids[:2])[0].flags == ("rotated",)
    assert catalog.counts().flags == {"rotated": 1}


def test_gone_images_are_left_out(catalog: Catalog, source: Path) -> None:
    ids = catalog.ids()
    catalog.store(source, [], gone=[int(ids[0])])
    assert list(catalog.ids()) == list(ids[1:])
    assert list(catalog.ids(Filter(gone=True))) == [ids[0]]
    assert catalog.records(ids[:1])[0].flags == ("gone",)
    assert catalog.known(source)["a/000.png"].gone


def test_masks_lie_beside_their_images(catalog: Catalog, source: Path) -> None:
    first, second = (
        entry(70, masks=(("left lung", "m/l.png"), ("right lung", "m/r.png"))),
        entry(71, masks=(("lung", "x.png"),)),
    )
    catalog.store(source, [first, second, entry(72)], layout="as asked", options={"layout": "flat"})
    known = catalog.known(source)
    assert (known[first.path].masks, known["a/072.png"].masks) == (first.masks, ())
    one, two = known[first.path].id, known[second.path].id
    assert catalog.masks([two, one]) == {
        one: (("left lung", source / "m/l.png"), ("right lung", source / "m/r.png")),
        two: (("lung", source / "x.png"),),
    }
    catalog.store(source, [replace(known[first.path], masks=(("lesion", "n.png"),))], gone=[two])
    (folder,) = [one for one in catalog.sources() if one.root == source]
    assert folder.masks == {"lesion": 1}
    assert catalog.masks([one]) == {one: (("lesion", source / "n.png"),)}


def test_counts(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.save_split(Split("s", {"train": ids[:4], "test": ids[4:]}, 1, "by hand", 0, None, "d"))
    counts = catalog.counts()
    assert counts.images == 6
    assert counts.patients == 2
    assert counts.patient_unknown == 2
    assert counts.views == {"AP": 3, "PA": 3}
    assert counts.findings == {
        "Normal": {"yes": 3, "no": 3, "not stated": 0},
        "COVID-19": {"yes": 1, "no": 3, "not stated": 2},
    }
    assert (counts.split_name, counts.split) == ("s", {"train": 4, "test": 2})
    assert counts.sources == {"": 6}


def test_counts_of_an_empty_project(tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "empty") as catalog:
        counts = catalog.counts()
    assert (counts.images, counts.patients, counts.patient_unknown, counts.findings, counts.split) == (0, 0, 0, {}, {})


def test_splits_round_trip(catalog: Catalog) -> None:
    ids = catalog.ids()
    split = Split("fold 1", {"test": ids[4:], "train": ids[:4][::-1]}, 7, "by patient", 5, 1, "abc", ("few", "rare"))
    catalog.save_split(split)
    read = catalog.split()
    assert list(read.parts) == ["train", "test"]
    assert np.array_equal(read.parts["train"], ids[:4])
    assert read.parts["train"].dtype == np.int64
    assert (read.name, read.seed, read.rule, read.folds, read.fold, read.digest, read.warnings) == (
        "fold 1", 7, "by patient", 5, 1, "abc", ("few", "rare"),
    )  # fmt: skip
    catalog.save_split(Split("other", {"train": ids}, 1, "", 0, None, ""))
    assert catalog.splits() == ["fold 1", "other"]
    assert catalog.active_split() == "other"
    catalog.activate_split("fold 1")
    assert catalog.split().name == "fold 1"
    assert catalog.split("other").fold is None


def test_a_split_of_the_same_name_is_replaced(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.save_split(Split("s", {"train": ids}, 1, "", 0, None, ""))
    catalog.save_split(Split("s", {"test": ids[:1]}, 1, "", 0, None, ""))
    assert {part: list(found) for part, found in catalog.split("s").parts.items()} == {"test": [ids[0]]}


def test_a_split_with_an_image_twice_is_refused_as_a_whole(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.save_split(Split("s", {"train": ids}, 1, "", 0, None, ""))
    with pytest.raises(sqlite3.IntegrityError):
        catalog.save_split(Split("s", {"train": ids[:3], "test": ids[2:]}, 1, "", 0, None, ""))
    assert np.array_equal(catalog.split("s").parts["train"], ids)


def test_split_that_does_not_exist_is_told(catalog: Catalog) -> None:
    with pytest.raises(DataError, match=r"no split yet.*cxr-trainer split"):
        catalog.split()
    catalog.save_split(Split("fold 1", {"train": catalog.ids()}, 1, "", 0, None, ""))
    with pytest.raises(DataError, match="Did you mean fold 1"):
        catalog.split("fold 2")
    with pytest.raises(DataError):
        catalog.activate_split("fold 2")
    assert catalog.active_split() == "fold 1"


def test_splits_are_added_beside_the_active_one_all_or_none(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.save_split(Split("mine", {"train": ids}, 1, "by hand", 0, None, "d"))
    folds = [Split(f"cv-fold{n}", {"train": ids[:3], "test": ids[3:]}, 1, "", 2, n - 1, f"d{n}") for n in (1, 2)]
    catalog.add_splits(folds)
    assert catalog.split_digests() == {"mine": "d", "cv-fold1": "d1", "cv-fold2": "d2"}
    assert catalog.active_split() == "mine"
    with pytest.raises(DataError, match="a split of that name already"):
        catalog.add_splits(
            [Split("new", {"train": ids}, 1, "", 0, None, "n"), Split("mine", {"test": ids}, 1, "", 0, None, "m")]
        )
    assert catalog.split_digests() == {"mine": "d", "cv-fold1": "d1", "cv-fold2": "d2"}
    assert catalog.split("mine").parts["train"].tolist() == ids.tolist()


def test_store_keeps_ids_and_the_users_answers(catalog: Catalog, source: Path) -> None:
    ids = catalog.ids()
    catalog.set_labels(ids[:1], "Normal", YES)
    known = catalog.known(source)
    assert known["a/000.png"].by_hand == {"Normal"}
    assert known["a/000.png"].labels == {"COVID-19": YES}
    changed = replace(known["a/000.png"], digest="f" * 40, labels={"Normal": NO, "COVID-19": NO})
    more = entry(99, labels={"Normal": YES})
    catalog.store(source, [changed, more], findings=("Normal", "COVID-19"), resaved=True)
    assert catalog.records(ids[:1])[0].labels == {"Normal": YES, "COVID-19": NO}
    assert catalog.files(ids[:1])[0][1] == "f" * 40
    assert len(catalog.ids()) == 7


def test_known_is_what_was_stored(catalog: Catalog, source: Path) -> None:
    added = entry(
        8, study="s", sex="F", source="x", part_given="test", facts='{"bits": 8}', labels={"Normal": NO}, duplicate=True
    )
    catalog.store(source, [added], findings=("Normal",))
    assert replace(catalog.known(source)["a/008.png"], id=0) == added
    assert catalog.facts(int(catalog.ids()[-1])) == {"bits": 8}
    assert catalog.facts(1) == {}
    assert catalog.known(source.parent) == {}
    assert catalog.options(source.parent) == {}


def test_findings_that_nobody_answers_are_dropped(catalog: Catalog, source: Path) -> None:
    known = catalog.known(source)
    catalog.store(source, [replace(known[path], labels={"Effusion": YES}) for path in known], findings=("Effusion",))
    assert catalog.findings() == ["Effusion"]


def test_a_store_that_fails_changes_nothing(catalog: Catalog, source: Path) -> None:
    before = catalog.known(source)
    with pytest.raises(KeyError):
        catalog.store(source, [entry(9, labels={"Normal": YES}), entry(10, labels={"Undeclared": YES})], findings=("Normal",))
    assert catalog.known(source) == before
    with pytest.raises(sqlite3.IntegrityError):
        catalog.store(source, [entry(9), entry(9)])
    assert catalog.known(source) == before


def test_project_and_source_may_move_together(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "images/a").mkdir(parents=True)
    (old / "images/a/001.png").write_bytes(bytes(101))
    with Catalog.create(old / "p.cxr") as catalog:
        catalog.store(old / "images", [entry(1)], options={"layout": "flat"})
    shutil.move(old, tmp_path / "new")
    moved = tmp_path / "new" / "images"
    with Catalog.open(tmp_path / "new" / "p.cxr") as catalog:
        assert catalog.folders() == [moved]
        assert catalog.files([1])[0][0] == moved / "a/001.png"
        assert list(catalog.known(moved)) == ["a/001.png"]
        assert catalog.options(moved) == {"layout": "flat"}
        catalog.store(moved, [entry(2)])
        assert catalog.folders() == [moved]
        assert len(catalog.ids()) == 2


def test_threads_take_turns(catalog: Catalog) -> None:
    ids = catalog.ids()

    def work(flag: str) -> list[int]:
        seen = []
        for _ in range(20):
            catalog.add_flag(ids, flag)
            seen.append(len(catalog.ids(Filter(flag=flag))))
            catalog.remove_flag(ids, flag)
        return seen

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, ["a", "b", "c", "d"])) == [[6] * 20] * 4
    assert catalog.counts().flags == {}


def test_a_writer_elsewhere_lets_readers_in_and_writers_wait(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.schema.BUSY_SECONDS", 0.01)
    other = sqlite3.connect(catalog.project / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Catalog.open(catalog.project) as reader:
        assert len(reader.ids()) == 6
        with pytest.raises(StorageError, match=r"Another program is writing.*try again"):
            reader.set_excluded([1], True)
        other.execute("ROLLBACK")
        reader.set_excluded([1], True)
    other.close()
    assert len(catalog.ids()) == 5


def test_a_full_disk_is_told_and_nothing_is_lost(catalog: Catalog, source: Path) -> None:
    connection = catalog._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageError, match="disk is full"):
        catalog.store(source, [entry(number) for number in range(100, 3000)])
    assert len(catalog.ids()) == 6


KILLED = """
import os, signal, sys
from pathlib import Path
from trainer.catalog import Catalog, Entry
with Catalog.open(Path(sys.argv[1])) as catalog:
    catalog._connection.set_progress_handler(lambda: os.kill(os.getpid(), signal.SIGKILL), int(sys.argv[2]))
    entries = [Entry(f"b/{n}.png", f"{n:040x}", 1, 1, 1, 1, labels={"Normal": 1}) for n in range(2000)]
    catalog.store(Path(sys.argv[3]), entries, findings=("Normal",))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
@pytest.mark.parametrize("operations", [3_000, 60_000, 110_000])
def test_a_kill_in_the_middle_of_a_change_leaves_the_old_state(catalog: Catalog, source: Path, operations: int) -> None:
    command = [sys.executable, "-c", KILLED, str(catalog.project), str(operations), str(source)]
    done = subprocess.run(command, check=False, timeout=60, cwd=Path(module.__file__).parent.parent)
    assert done.returncode == -signal.SIGKILL
    with Catalog.open(catalog.project) as after:
        assert len(after.ids()) == 6
        assert after._connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert after._connection.execute("PRAGMA foreign_key_check").fetchall() == []
        after.store(source, [entry(7)])
        assert len(after.ids()) == 7


def test_a_catalog_outlives_its_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from trainer.catalog import Catalog, Entry\n"
        "catalog = Catalog.create(Path(sys.argv[1])); catalog.store(Path('/x'), [Entry('a.png', 'd', 1, 1, 1, 1)])\n"
        "import os; os._exit(0)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "p")],
        check=True,
        timeout=60,
        cwd=Path(module.__file__).parent.parent,
        env=os.environ,
    )
    with Catalog.open(tmp_path / "p") as catalog:
        assert catalog.column(catalog.ids(), "path") == ["a.png"]


def test_closing_waits_for_what_another_thread_reads(tmp_path: Path) -> None:
    """SQLite ends the whole program where a connection is closed under a running query."""
    for _ in range(5):
        catalog = Catalog.create(tmp_path / "busy")
        if not len(catalog.ids()):
            catalog.store(tmp_path, [entry(number, path=f"{number}.png") for number in range(2_000)])
        ids = catalog.ids()

        def read(catalog: Catalog = catalog, ids: np.ndarray = ids) -> int:
            done = 0
            try:
                while True:
                    done += len(catalog.records(ids))
            except sqlite3.ProgrammingError:  # it is closed
                return done

        with ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            while not any(reader.running() for reader in readers):
                pass
            catalog.close()
            assert all(reader.result() % len(ids) == 0 for reader in readers)


def test_a_project_that_is_moved_or_replaced_takes_no_changes(tmp_path: Path) -> None:
    """SQLite would write into the file that was there, and say that all is stored."""
    with Catalog.create(tmp_path / "old.cxr") as catalog:
        catalog.store(tmp_path, [entry(1)])
        for change in ("moved", "replaced"):
            if change == "moved":
                catalog.project.rename(tmp_path / "new.cxr")
            else:
                shutil.copytree(tmp_path / "new.cxr", catalog.project)
            with pytest.raises(StorageError, match="not at its place any more"):
                catalog.set_labels([1], "Mass", YES)
            assert "Mass" not in catalog.findings()


def test_patience_with_another_writer_can_be_short(catalog: Catalog) -> None:
    other = sqlite3.connect(catalog.project / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(BusyError, match="Another program is writing"), catalog.impatient(0.02):
        catalog.set_excluded([1], True)
    assert time.monotonic() - start < 2
    other.execute("ROLLBACK")
    other.close()
    assert catalog._connection.execute("PRAGMA busy_timeout").fetchone() == (5_000,)
