"""Small pictures on screen: the visible ones first, nothing that was scrolled past."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import thumbnails
from cxr_desktop.dataset.thumbnails import Thumbnails, make
from cxr_desktop.project import Project
from trainer import files
from trainer.errors import Stopped
from trainer.records import Record


def no_progress(done: int, total: int) -> None:
    """A job that nobody cancels."""


@pytest.fixture
def records(opened: Project) -> list[Record]:
    return opened.catalog.records(opened.catalog.ids())


@pytest.fixture
def pictures(opened: Project) -> Thumbnails:
    return Thumbnails(opened, opened)


def test_pictures_arrive(qtbot: QtBot, pictures: Thumbnails, records: list[Record]) -> None:
    heard: set[str] = set()
    pictures.ready.connect(heard.update)
    assert pictures.picture(records[0]) is None
    pictures.want(records)
    qtbot.waitUntil(lambda: all(isinstance(pictures.picture(record), QPixmap) for record in records))
    assert heard == {record.digest for record in records}
    picture = pictures.picture(records[0])
    assert isinstance(picture, QPixmap)
    assert max(picture.width(), picture.height()) == pictures.side == 128


def test_what_was_scrolled_past_is_not_made(
    qtbot: QtBot, pictures: Thumbnails, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "BATCH", 4)
    pictures.want(records)
    begun = len(records) - pictures.waiting
    assert begun == 4 * thumbnails.AT_ONCE < len(records)
    last = records[-2:]
    pictures.want(last)
    assert pictures.waiting <= 2
    qtbot.waitUntil(lambda: all(pictures.picture(record) is not None for record in last))
    qtbot.waitUntil(lambda: not pictures._jobs)
    made = sum(pictures.picture(record) is not None for record in records)
    assert made <= begun + 2 < len(records)


def test_what_a_job_leaves_is_not_taken_up_if_it_is_out_of_sight(
    qtbot: QtBot, pictures: Thumbnails, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "BUDGET", 0.0)  # every job hands over after one picture
    pictures.want(records)
    pictures.want([])
    qtbot.waitUntil(lambda: not pictures._jobs)
    assert pictures.waiting == 0
    assert sum(pictures.picture(record) is not None for record in records) == thumbnails.AT_ONCE


def test_what_a_job_leaves_is_taken_up_if_it_is_still_in_sight(
    qtbot: QtBot, pictures: Thumbnails, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "BUDGET", 0.0)
    pictures.want(records[:8])
    qtbot.waitUntil(lambda: all(pictures.picture(record) is not None for record in records[:8]))


def test_the_same_picture_is_asked_for_once(qtbot: QtBot, pictures: Thumbnails, records: list[Record]) -> None:
    pictures.want(records[:4])
    pictures.want(records[:4])
    assert pictures.waiting == 0
    assert len(pictures._under_way) == 4
    qtbot.waitUntil(lambda: not pictures._jobs)
    pictures.want(records[:4])
    assert not pictures._jobs


def test_why_there_is_no_picture(
    qtbot: QtBot, opened: Project, pictures: Thumbnails, records: list[Record], tmp_path: Path
) -> None:
    lost = replace(records[0], path=tmp_path / "gone.png", digest="f" * 40)
    pictures.want([lost])
    qtbot.waitUntil(lambda: pictures.picture(lost) is not None)
    assert pictures.picture(lost) == "There is no such file or folder"
    opened.images_changed.emit()  # perhaps it is there again
    assert pictures.picture(lost) is None


def test_another_size_is_another_picture(qtbot: QtBot, pictures: Thumbnails, records: list[Record]) -> None:
    pictures.set_side(40)
    pictures.want(records[:1])
    qtbot.waitUntil(lambda: pictures.picture(records[0]) is not None)
    pictures.set_side(60)
    assert pictures.picture(records[0]) is None
    pictures.want(records[:1])
    qtbot.waitUntil(lambda: pictures.picture(records[0]) is not None)
    picture = pictures.picture(records[0])
    assert isinstance(picture, QPixmap)
    assert max(picture.width(), picture.height()) == 60


def test_memory_holds_those_used_last(qtbot: QtBot, opened: Project, records: list[Record]) -> None:
    pictures = Thumbnails(opened, opened, memory=3 * 64 * 64 * 4)
    pictures.set_side(64)
    for record in records[:3]:
        pictures.want([record])
        qtbot.waitUntil(lambda record=record: pictures.picture(record) is not None)
    pictures.picture(records[0])  # looked at again
    pictures.want([records[3]])
    qtbot.waitUntil(lambda: pictures.picture(records[3]) is not None)
    assert [pictures.picture(record) is not None for record in records[:4]] == [True, False, True, True]


def test_they_lie_in_the_project_and_are_found_again(
    qtbot: QtBot, opened: Project, pictures: Thumbnails, records: list[Record]
) -> None:
    pictures.want(records[:1])
    qtbot.waitUntil(lambda: pictures.picture(records[0]) is not None)
    kept = list((opened.folder / "cache" / "thumbnails").rglob("*.jpg"))
    assert [file.stem for file in kept] == [records[0].digest]


def test_closing_the_project_forgets_them(qtbot: QtBot, opened: Project, pictures: Thumbnails, records: list[Record]) -> None:
    pictures.want(records[:1])
    qtbot.waitUntil(lambda: pictures.picture(records[0]) is not None)
    pictures.want(records)
    opened.close()
    assert pictures.picture(records[0]) is None
    assert pictures.waiting == 0
    pictures.want(records)  # a late repaint
    assert not pictures._jobs


def test_another_project_is_served_at_once(qtbot: QtBot, opened: Project, pictures: Thumbnails, records: list[Record]) -> None:
    pictures.want(records)
    folder = opened.folder
    opened.close()
    assert opened.open(folder)
    pictures.want(records[:2])
    qtbot.waitUntil(lambda: all(pictures.picture(record) is not None for record in records[:2]))


def test_a_job_stops_at_its_budget_but_makes_one(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [(record.path, record.digest) for record in records[:5]]
    monkeypatch.setattr(thumbnails, "BUDGET", 0.0)
    assert list(make(sources, 32, tmp_path, no_progress)) == [records[0].digest]
    monkeypatch.setattr(thumbnails, "BUDGET", 60.0)
    made = make(sources, 32, tmp_path, no_progress)
    assert {digest: np.shape(pixels) for digest, pixels in made.items()} == {r.digest: (32, 32) for r in records[:5]}


def test_a_cancelled_job_stops_before_the_next_picture(records: list[Record], tmp_path: Path) -> None:
    def cancelled(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        make([(records[0].path, records[0].digest)], 32, tmp_path / "cache", cancelled)
    assert not (tmp_path / "cache").exists()


def test_a_file_that_changed_is_told(qtbot: QtBot, pictures: Thumbnails, records: list[Record], tmp_path: Path) -> None:
    changed = tmp_path / "changed.png"
    changed.write_bytes(records[1].path.read_bytes())
    record = replace(records[0], path=changed, digest=files.digest(b"something else"))
    pictures.want([record])
    qtbot.waitUntil(lambda: pictures.picture(record) is not None)
    assert pictures.picture(record) == "The file has changed since it was imported"


def test_a_picture_that_was_refused_is_made_once_its_file_is_known_elsewhere(
    qtbot: QtBot, pictures: Thumbnails, records: list[Record]
) -> None:
    lost = replace(records[0], path=records[0].path / "moved")
    pictures.want([lost])
    qtbot.waitUntil(lambda: isinstance(pictures.picture(lost), str))
    assert pictures.picture(records[0]) is None
    pictures.want(records[:1])
    qtbot.waitUntil(lambda: isinstance(pictures.picture(records[0]), QPixmap))
