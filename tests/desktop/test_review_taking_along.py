"""What a user takes along from the Review page: pictures without the patient, the table; and one scale for all images."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import Notice
from cxr_desktop.pages import review
from cxr_desktop.pages.review import ReviewPage
from cxr_desktop.review import review_export
from cxr_desktop.settings import Settings
from tests.desktop.review_page import finding, heat, key, listed, reviewed
from tests.desktop.reviewed import PATIENT, second_run
from tests.trainer import dicom_files
from trainer import files, images, predict


def chunks(path: Path) -> list[bytes]:
    content, place, found = path.read_bytes(), 8, []
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        found.append(content[place + 4 : place + 8])
        place += 12 + length
    return found


def test_a_saved_picture_holds_nothing_of_the_patient(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reviewed(qtbot, page, three[1:2], run_folder)
    proposed: list[str] = []

    def ask(parent: object, title: str, name: str, kinds: str) -> tuple[str, str]:
        proposed.append(name)
        return str(tmp_path / "saved" / "picture"), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    with qtbot.waitSignal(page.project.noticed) as told:
        key(qtbot, page, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    saved = tmp_path / "saved" / "picture.png"
    assert str(saved) in told.args[0].what
    shown = finding(page).replace(" ", "-")
    assert Path(proposed[0]).name == f"{shown}-1.png", "named by the finding and a number, not by the file or the patient"
    assert set(chunks(saved)) == {b"IHDR", b"IDAT", b"IEND"}
    content = saved.read_bytes()
    assert not any(word in content for word in (PATIENT.encode(), b"Jane", b"b-other"))
    with Pillow.open(saved) as picture:
        assert picture.info == {}
        assert picture.mode == "RGB"
        assert picture.height >= 50


def test_a_picture_through_another_window_says_that_no_network_sees_it(qtbot: QtBot, page: ReviewPage, tmp_path: Path) -> None:
    windows = {"WindowCenter": [800, 400], "WindowWidth": [1600, 800], "VOILUTFunction": "LINEAR_EXACT"}
    path = tmp_path / "several.dcm"
    path.write_bytes(dicom_files.file(np.arange(0, 1600, 25, dtype=np.uint16).reshape(8, 8), **windows))
    page.review([path])
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.image is not None)
    page.desk.viewer.viewer_actions.next_look.trigger()
    qtbot.waitUntil(lambda: page.desk.viewer.looks.current == 1)
    with qtbot.waitSignal(page.project.noticed) as told:
        page.export.save_picture(tmp_path / "saved.png")
    assert told.args[0].what.endswith("It is shown through another window than the one that a network sees.")
    with Pillow.open(tmp_path / "saved.png") as picture:
        saved = np.asarray(picture)[:8, :8, 0].astype(float)
    assert np.abs(saved - np.rint(images.read(path, look=1).pixels * 255)).max() <= 1
    with qtbot.waitSignal(page.project.noticed) as told:
        page.export.copy_picture()
    assert "another window" in told.args[0].what
    page.desk.viewer.viewer_actions.reset.trigger()
    with qtbot.waitSignal(page.project.noticed) as told:
        page.export.copy_picture()
    assert told.args[0].what == "The picture is on the clipboard."


def test_the_picture_is_what_is_seen(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, tmp_path: Path
) -> None:
    reviewed(qtbot, page, three[:1], run_folder)
    image = images.read(three[0])
    page.desk.viewer.set_mode("overlay")
    page.export.save_picture(tmp_path / "with.png")
    page.desk.viewer.set_mode("original")
    page.export.save_picture(tmp_path / "without.png")
    qtbot.waitUntil(lambda: (tmp_path / "with.png").exists() and (tmp_path / "without.png").exists())
    with Pillow.open(tmp_path / "without.png") as picture:
        grey = np.asarray(picture)
    assert grey.shape == (60, 40, 3)
    np.testing.assert_allclose(grey[..., 0], image.pixels * 255, atol=1)
    with Pillow.open(tmp_path / "with.png") as picture:
        coloured = np.asarray(picture)[:60, :40].astype(int)
    assert (coloured != grey).any() == bool(heat(page).max() > 0)


def test_the_picture_is_copied(qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path) -> None:
    reviewed(qtbot, page, three[:1], run_folder)
    with qtbot.waitSignal(page.project.noticed):
        key(qtbot, page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().image()
    assert copied.height() >= 60
    assert copied.textKeys() == []


def test_the_table_is_exported_as_the_terminal_writes_it(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second = second_run(run_folder)
    reviewed(qtbot, page, [three[0].parent], run_folder, second)
    target = tmp_path / "predictions.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.waitUntil(page.actions_.save_table.isEnabled)
    with qtbot.waitSignal(page.project.noticed):
        page.actions_.save_table.trigger()
    headers, expected = predict.run([run_folder, second], [three[0].parent])
    files.write_text(tmp_path / "terminal.csv", predict.table(headers, list(expected)))
    assert target.read_bytes() == (tmp_path / "terminal.csv").read_bytes()
    with target.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3


def test_a_table_has_the_columns_that_are_asked_for(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reviewed(qtbot, page, [three[0].parent], run_folder)
    target, asked = tmp_path / "submission.csv", list[str]()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), review_export.OWN_COLUMNS))

    def columns(*words: object, text: str) -> tuple[str, bool]:
        asked.append(text)
        return "File,Label=Normal", True

    monkeypatch.setattr(QInputDialog, "getText", columns)
    qtbot.waitUntil(page.actions_.save_table.isEnabled)
    for _ in range(2):
        with qtbot.waitSignal(page.project.noticed):
            page.actions_.save_table.trigger()
    assert asked == ["File,Label", "File,Label=Normal"]
    _, expected = predict.run([run_folder], [three[0].parent])
    level = page.queue.files.kind.thresholds["Normal"]
    place = page.queue.files.kind.findings.index("Normal")
    lines = [f"{one.path.name},{'' if one.error else int(one.probabilities[place] >= level)}" for one in expected]
    assert target.read_text().splitlines() == ["File,Label", *lines]


def test_a_dialog_that_is_cancelled_changes_nothing(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, monkeypatch: pytest.MonkeyPatch, told: list[Notice]
) -> None:
    reviewed(qtbot, page, three[:1], run_folder)
    for name in ("getSaveFileName", "getOpenFileNames"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    for action in ("save_picture", "save_table", "open_files", "open_folder"):
        getattr(page.actions_, action).trigger()
    assert listed(page) == ["a-good.png"]
    assert told == []


def test_files_and_folders_are_opened_by_dialog(
    qtbot: QtBot, page: ReviewPage, three: list[Path], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(three[0])], ""))
    qtbot.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: listed(page) == ["a-good.png"])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(three[0].parent))
    page.actions_.open_folder.trigger()
    qtbot.waitUntil(lambda: len(listed(page)) == 3)
    assert settings.text(review.FOLDER) == str(three[0].parent.parent)


def test_the_scale_is_fixed_by_the_strongest_map_seen(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path
) -> None:
    reviewed(qtbot, page, three[:2], run_folder)
    tops = [float(heat(page).max())]
    key(qtbot, page, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "b-other.dcm" and heat(page) is not None)
    tops.append(float(heat(page).max()))
    page.actions_.scale.trigger()
    assert page.desk.viewer.lightbox.fixed_top == pytest.approx(max(tops))
