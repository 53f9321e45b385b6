"""Review from the user's side: drop, look, go through, ask where the model looked, take the result along."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import Notice
from cxr_desktop.pages.review import ReviewPage
from cxr_desktop.project import Project
from cxr_desktop.review.review_list import FIRST_FINDING, PROBABILITY
from cxr_desktop.settings import Settings
from cxr_desktop.widgets.model_dialog import ModelDialog
from cxr_desktop.widgets.review_panel import NO_MODEL, NOT_FOR_DIAGNOSIS
from tests.desktop.review_page import WAIT, Made, finding, heat, key, listed, reviewed, use
from tests.desktop.reviewed import PATIENT, bag_of, drop, second_run
from trainer import bag_thresholds, explain, images, model_card, predict
from trainer.catalog import Catalog

# Without a model


def test_a_run_that_is_asked_for_reviews(qtbot: QtBot, page: ReviewPage, project: Project, run_folder: Path) -> None:
    other = second_run(run_folder)
    assert project.open(run_folder.parent.parent)
    project.run_wanted.emit("evaluation", str(run_folder))
    before = page.models.paths
    project.run_wanted.emit("review", str(run_folder if before == [other] else other))
    assert page.models.paths != before
    assert len(page.models.paths) == 1
    qtbot.waitUntil(lambda: bool(page.models.known), timeout=WAIT)
    assert page.bar.model.text() == f"Model: {page.models.known[0].name}"


def test_an_empty_page_says_what_to_do(page: ReviewPage) -> None:
    assert page.stack.currentWidget() is page.empty
    assert "Drop radiographs" in page.empty.label().text()
    assert page.bar.model.text() == "Model: No model"
    assert not page.actions_.save_picture.isEnabled()
    assert not page.actions_.next.isEnabled()


def test_images_are_shown_without_a_model(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    assert drop(page, [three[0].parent])
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.image is not None)
    assert page.stack.currentWidget() is page.desk
    assert listed(page) == ["a-good.png", "b-other.dcm", "c-damaged.png"]
    np.testing.assert_array_equal(page.desk.viewer.lightbox.image.pixels, images.read(three[0]).pixels)
    assert page.desk.panel.model.text() == NO_MODEL
    assert not page.desk.panel.bars.isVisible()
    assert page.desk.viewer.lightbox.heat is None
    assert page.queue.ensemble is None


def test_a_drop_of_something_else_is_not_wanted(page: ReviewPage) -> None:
    assert not drop(page, [])


def test_what_is_missing_among_what_was_opened_is_told(
    qtbot: QtBot, page: ReviewPage, three: list[Path], told: list[Notice], tmp_path: Path
) -> None:
    page.review([tmp_path / "nowhere.dcm", three[0]])
    qtbot.waitUntil(lambda: bool(told))
    assert "no such file" in told[0].what
    assert listed(page) == ["a-good.png"]


def test_what_the_file_says_and_what_speaks_against_it(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    page.review(three[1:2])
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.image is not None)
    panel = page.desk.panel
    assert "lateral view (LL)" in panel.cautions.text()
    assert panel.cautions.isVisible()
    assert "70 × 50 px" in panel.facts.text()
    everything = [label.text() for label in (panel.facts, panel.cautions, panel.model, panel.verdict, panel.stated)]
    assert not any(PATIENT in text or "Jane" in text for text in everything)


def test_a_damaged_file_says_why_in_words(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    page.review(three)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.image is not None)
    key(qtbot, page, Qt.Key.Key_J)
    key(qtbot, page, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: page.desk.panel.refusal.isVisible())
    assert "incomplete" in page.desk.panel.refusal.text()
    assert page.desk.viewer.lightbox.image is None
    key(qtbot, page, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.image is not None)
    assert not page.desk.panel.refusal.isVisible()


# With a model


def test_a_png_and_a_dicom_are_reviewed_as_in_the_terminal(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path
) -> None:
    reviewed(qtbot, page, [three[0].parent], run_folder)
    headers, expected = predict.run([run_folder], [three[0].parent])
    names = headers[0].findings
    for row, one in enumerate(expected):
        cells = [page.files.index(row, column).data() for column in range(page.files.columnCount())]
        assert cells[0] == one.path.name
        assert cells[1] == ("not readable" if one.error else "done")
        if not one.error:
            assert cells[2] == names[int(one.probabilities.argmax())]
            assert [text.removeprefix("▲ ") for text in cells[FIRST_FINDING:]] == [f"{p:.3f}" for p in one.probabilities]
    qtbot.waitUntil(lambda: page.desk.count.text() == "3 images · 1 not readable")
    assert not page.desk.progress.isVisible()


def test_the_heat_map_is_that_of_explain_for_the_finding_that_was_asked_for(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path
) -> None:
    reviewed(qtbot, page, three[:1], run_folder)
    member = predict.opened([run_folder], device="cpu")[0]
    image, names = images.read(three[0]), member.header.findings
    said = page.files.said(three[0])
    assert finding(page) == names[int(said.probabilities.argmax())], "the most probable one first"
    for number, name in enumerate(names):
        key(qtbot, page, Qt.Key(Qt.Key.Key_1 + number))
        qtbot.waitUntil(lambda name=name: finding(page) == name and heat(page) is not None)
        expected = explain.of_image(member, image)[number]
        np.testing.assert_allclose(heat(page), images.from_square(expected, image.pixels.shape, member.header.fit), atol=1e-6)
        assert page.desk.panel.bars.selected() == name
    key(qtbot, page, Qt.Key.Key_0)
    assert page.desk.viewer.lightbox.heat is None
    assert page.desk.panel.bars.selected() == ""
    key(qtbot, page, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: heat(page) is not None)


def test_a_finding_is_chosen_at_its_bar_and_stays_chosen(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path
) -> None:
    reviewed(qtbot, page, three, run_folder)
    last = page.files.kind.findings[-1]
    page.desk.panel.bars.chosen.emit(last)
    qtbot.waitUntil(lambda: finding(page) == last and heat(page) is not None)
    key(qtbot, page, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "b-other.dcm" and heat(page) is not None)
    assert finding(page) == last


def test_what_it_comes_to_is_said_in_words(qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path) -> None:
    reviewed(qtbot, page, three[:1], run_folder)
    said, words = page.files.said(three[0]), page.desk.panel.verdict.text()
    names, limits = page.files.kind.findings, page.files.kind.thresholds
    above = [name for name, value in zip(names, said.probabilities, strict=True) if value >= limits[name]]
    assert f"Most probable: {names[int(said.probabilities.argmax())]}." in words
    assert ("No finding is above" in words) == (not above)
    assert all(name in words for name in above)
    model = page.desk.panel.model.text()
    assert "first: cxr_small, 32 px, recipe scratch" in model
    assert "Macro F1" in model
    assert " to " in model, "with its interval, since it has been evaluated"
    labels = [label.text() for label in page.desk.panel.widget().findChildren(type(page.desk.panel.model))]
    assert NOT_FOR_DIAGNOSIS in labels


def test_an_ensemble_shows_its_spread(qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path) -> None:
    second = second_run(run_folder)
    reviewed(qtbot, page, three[:1], run_folder, second)
    _, expected = predict.run([run_folder, second], three[:1])
    one = next(expected)
    np.testing.assert_array_equal(page.files.said(three[0]).spread, one.spread)
    heads = page.files.columnCount()
    assert heads == FIRST_FINDING + 2 * len(page.files.kind.findings)
    name = page.files.kind.findings[0]
    assert f"± {one.spread[0]:.3f}" in page.desk.panel.bars.words(name)
    assert "Mean of 2 networks" in page.desk.panel.verdict.text()
    assert "2 models: first, second" in page.bar.model.text()


def test_models_that_do_not_fit_are_refused_and_the_one_before_stays(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, told: list[Notice]
) -> None:
    other = second_run(run_folder, "other", findings=("Cardiomegaly", "Effusion", "Mass"))
    reviewed(qtbot, page, three[:1], run_folder)
    page.models.use([run_folder, other])
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT)
    assert "cannot be averaged" in told[0].what
    assert page.queue.ensemble.names == ("first",)
    assert page.models.paths == [run_folder]
    assert page.bar.model.text() == "Model: first"


def test_a_dropped_model_is_used(qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path) -> None:
    assert drop(page, [run_folder / "best.safetensors", three[0]])
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)
    assert listed(page) == ["a-good.png"]
    assert page.models.paths == [run_folder / "best.safetensors"]


def test_a_model_that_vanished_is_told(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, told: list[Notice]
) -> None:
    page.models.use([run_folder])
    (run_folder / "best.safetensors").unlink()
    page.review(three[:1])
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT)
    assert "no trained network" in told[0].what
    assert page.models.paths == []
    qtbot.waitUntil(lambda: page.bar.model.text() == "Model: No model")


# With a project


def test_the_newest_run_of_the_open_project_is_the_model(
    qtbot: QtBot, made: Made, opened_run: Project, three: list[Path]
) -> None:
    page = made(opened_run)
    qtbot.waitUntil(lambda: page.bar.model.text() == "Model: first")
    assert page.queue.ensemble is None, "nothing is opened before there is something to review"
    page.review(three[:1])
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)


def test_what_the_project_states_stands_beside(qtbot: QtBot, made: Made, opened_run: Project) -> None:
    page = made(opened_run)
    with Catalog.open(opened_run.folder) as catalog:
        train = opened_run.runs()[0].split()["parts"]["train"][:1]
        record = catalog.records(train)[0]
    (stated,) = [name for name, answer in record.labels.items() if answer == 1]
    page.review([record.path])
    qtbot.waitUntil(lambda: page.desk.panel.stated.isVisible(), timeout=WAIT)
    assert f"Stated: {stated}." in page.desk.panel.stated.text()
    assert "first was trained with this image" in page.desk.panel.stated.text()


def test_a_file_that_the_project_does_not_know_has_nothing_stated(
    qtbot: QtBot, made: Made, opened_run: Project, three: list[Path]
) -> None:
    page = made(opened_run)
    page.review(three[:1])
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not opened_run.jobs.busy())
    assert not page.desk.panel.stated.isVisible()


def test_the_project_is_closed_and_the_review_goes_on(qtbot: QtBot, made: Made, opened_run: Project, three: list[Path]) -> None:
    page = made(opened_run)
    opened_run.review_wanted.emit(three)
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)
    opened_run.close()
    key(qtbot, page, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "b-other.dcm" and heat(page) is not None, timeout=WAIT)


def test_a_moved_threshold_shows_at_once(qtbot: QtBot, made: Made, opened_run: Project, three: list[Path]) -> None:
    page = made(opened_run)
    page.review(three[:1])
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)
    model_card.set_thresholds(opened_run.runs()[0].best, {"Normal": 0.0})
    opened_run.runs_changed.emit()
    qtbot.waitUntil(lambda: "Above its threshold: Normal." in page.desk.panel.verdict.text())


def test_the_model_is_remembered(qtbot: QtBot, made: Made, project: Project, run_folder: Path, settings: Settings) -> None:
    first = made(project)
    first.models.use([run_folder])
    second = made(project)
    assert second.models.paths == [run_folder]
    qtbot.waitUntil(lambda: second.bar.model.text() == "Model: first")


# Going through


def test_next_and_previous_by_key_and_by_list(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    page.review(three)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "a-good.png")
    for code, name in (
        (Qt.Key.Key_J, "b-other.dcm"),
        (Qt.Key.Key_K, "a-good.png"),
        (Qt.Key.Key_PageDown, "b-other.dcm"),
        (Qt.Key.Key_PageUp, "a-good.png"),
        (Qt.Key.Key_PageUp, "a-good.png"),
        (Qt.Key.Key_Right, "b-other.dcm"),
        (Qt.Key.Key_Left, "a-good.png"),
        (Qt.Key.Key_Down, "b-other.dcm"),
    ):
        key(qtbot, page, code)
        qtbot.waitUntil(lambda name=name: page.desk.viewer.lightbox.caption == name)
    place = page.desk.files.visualRect(page.files.index(0, 0)).center()
    qtbot.mouseClick(page.desk.files.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "a-good.png")


def test_files_are_removed_and_the_list_is_cleared(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    page.review(three)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "a-good.png")
    key(qtbot, page, Qt.Key.Key_Delete)
    assert listed(page) == ["b-other.dcm", "c-damaged.png"]
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "b-other.dcm")
    page.actions_.clear.trigger()
    assert listed(page) == []
    assert page.desk.viewer.lightbox.image is None
    assert page.stack.currentWidget() is page.empty
    assert all(path.exists() for path in three)


def test_removing_everything_empties_the_page(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    page.review(three)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.image is not None)
    page.desk.files.selectAll()
    key(qtbot, page, Qt.Key.Key_Delete)
    assert listed(page) == []
    assert page.desk.viewer.lightbox.image is None


def test_dropping_again_shows_what_was_dropped(qtbot: QtBot, page: ReviewPage, three: list[Path]) -> None:
    page.review(three)
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "a-good.png")
    page.review(three[1:2])
    qtbot.waitUntil(lambda: page.desk.viewer.lightbox.caption == "b-other.dcm")
    assert len(listed(page)) == 3


def test_the_table_sorts_by_a_click_and_shares_the_selection(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path
) -> None:
    reviewed(qtbot, page, three, run_folder)
    key(qtbot, page, Qt.Key.Key_T)
    table = page.desk.table
    assert table.isVisible()
    assert not page.desk.viewer.isVisible()
    header = table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(PROBABILITY) + 5, header.height() // 2)
    for descending in (True, False):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=at)
        values = [float(page.files.index(row, PROBABILITY).data()) for row in range(2)]
        assert values == sorted(values, reverse=descending)
        assert page.files.path(2).name == "c-damaged.png", "what is not known stands last"
    assert {index.row() for index in table.selectionModel().selectedIndexes()} == {page.files.row(three[0])}
    assert len(table.selectionModel().selectedIndexes()) == page.files.columnCount()
    key(qtbot, page, Qt.Key.Key_T)
    assert page.desk.viewer.isVisible()


def test_predicting_is_paused_and_goes_on(qtbot: QtBot, page: ReviewPage, run_folder: Path, drawn: Path) -> None:
    page.actions_.pause.setEnabled(True)
    page.actions_.pause.trigger()
    page.review([drawn / "images"])
    qtbot.waitUntil(lambda: page.files.rowCount() == 30)
    use(qtbot, page, run_folder)
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: page.desk.count.text() == "1 of 30 predicted")
    assert page.desk.progress.isVisible()
    qtbot.mouseClick(page.desk.pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.desk.count.text() == "30 images", timeout=WAIT)
    assert not page.desk.progress.isVisible()


def test_closing_while_predicting_ends_cleanly(qtbot: QtBot, page: ReviewPage, run_folder: Path, drawn: Path) -> None:
    page.review([drawn / "images"])
    use(qtbot, page, run_folder)
    qtbot.waitUntil(lambda: len(page.files.answered()) > 2, timeout=WAIT)
    page.close()
    page.project.finish()
    assert len(page.files.waiting) > 0
    assert not page.project.jobs.busy()


# Its shape


def test_every_action_has_a_name_and_no_two_share_a_key(page: ReviewPage) -> None:
    named = [action for action in page.commands if action is not None and action.isVisible()]
    assert all(action.text() for action in named)
    keys = [key.toString() for action in page.commands if action is not None for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    page.actions_.show_table_keys(True)
    keys = [key.toString() for action in page.commands if action is not None for key in action.shortcuts()]
    assert len(keys) == len(set(keys))


def test_what_is_seen_has_a_name_for_screen_readers(page: ReviewPage) -> None:
    desk = page.desk
    for widget in (desk.files, desk.table, desk.panel, desk.panel.bars, desk.progress, page.bar.model):
        assert widget.accessibleName()


def test_the_arrangement_is_remembered(qtbot: QtBot, made: Made, project: Project, three: list[Path]) -> None:
    page = made(project)
    page.review(three[:1])
    qtbot.waitUntil(lambda: page.desk.isVisible())
    page.desk.splitter.setSizes([300, 400, 300])
    page.desk.viewer.set_mode("overlay")
    sizes = page.desk.splitter.sizes()
    page.hide()
    again = made(project)
    assert again.desk.viewer.mode == "overlay"
    again.review(three[:1])
    qtbot.waitUntil(lambda: again.desk.isVisible())
    assert again.desk.splitter.sizes() == sizes


def test_the_model_is_chosen_in_a_dialog(
    qtbot: QtBot, made: Made, opened_run: Project, run_folder: Path, three: list[Path]
) -> None:
    second = second_run(run_folder)
    page = made(opened_run)
    reviewed(qtbot, page, three[:1], run_folder)
    qtbot.mouseClick(page.bar.model, Qt.MouseButton.LeftButton)
    dialog = page.findChild(ModelDialog)
    qtbot.waitUntil(lambda: dialog.models.count() == 2)
    assert dialog.chosen() == [run_folder]
    for row in range(2):
        dialog.models.item(row).setCheckState(Qt.CheckState.Checked)
    use_it = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert use_it.text() == "Use 2 as an ensemble"
    qtbot.mouseClick(use_it, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.queue.ensemble.names == ("first", "second"), timeout=WAIT)
    assert set(page.models.paths) == {run_folder, second}
    page.actions_.choose_model.trigger()
    again = next(one for one in page.findChildren(ModelDialog) if one is not dialog or one.isVisible())
    again.reject()
    QApplication.processEvents()
    assert set(page.models.paths) == {run_folder, second}


def test_a_bag_reviews_with_its_own_thresholds_and_says_whose_map_it_is(
    qtbot: QtBot, page: ReviewPage, three: list[Path], run_folder: Path, project: Project
) -> None:
    bag = bag_of(run_folder)
    project.open(bag.project)
    levels = dict.fromkeys(model_card.read_header(run_folder / "best.safetensors").findings, 0.99)
    digest = bag_thresholds.weights(bag.trained().values())
    bag_thresholds.keep(bag, bag_thresholds.Kept(levels, {}, digest))
    assert drop(page, three[:1])
    qtbot.waitUntil(lambda: page.files.rowCount() > 0)
    page.review([bag.folder])
    qtbot.waitUntil(
        lambda: page.queue.ensemble is not None and page.queue.ensemble.names == ("pair-01", "pair-02"), timeout=WAIT
    )
    qtbot.waitUntil(lambda: heat(page) is not None, timeout=WAIT)
    _, expected = predict.run([run.folder for run in bag.trained().values()], three[:1], device="cpu")
    said = page.files.said(three[0])
    assert said is not None
    np.testing.assert_allclose(said.probabilities, next(expected).probabilities, atol=1e-6)
    panel = page.desk.panel
    assert "No finding is above its threshold." in panel.verdict.text()
    assert "Thresholds: those of the bag pair, for the mean of its 2 networks." in panel.verdict.text()
    assert "pair (bag of 2 seeds)" in page.bar.model.text()
    shown = page.desk.viewer.lightbox.heat
    assert shown is not None
    assert shown.of == "mean of 2 networks"
    mean = np.array(shown.values)
    assert panel.whose.isVisible()
    panel.whose.setCurrentIndex(2)
    panel.whose.activated.emit(2)
    qtbot.waitUntil(lambda: heat(page) is not None and page.desk.viewer.lightbox.heat.of == "pair-02", timeout=WAIT)
    assert not np.array_equal(heat(page), mean)
    bag_thresholds.keep(bag, bag_thresholds.Kept(dict.fromkeys(levels, 0.0), {}, digest))
    project.runs_changed.emit()
    qtbot.waitUntil(lambda: "Above their threshold" in panel.verdict.text(), timeout=WAIT)
    use(qtbot, page, run_folder)
    qtbot.waitUntil(lambda: heat(page) is not None and page.desk.viewer.lightbox.heat.of == "", timeout=WAIT)
    assert not panel.whose.isVisible()
