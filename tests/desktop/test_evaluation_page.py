"""The Evaluate page as a person uses it: choose, judge, save, come back; what is missing, stale or damaged is said."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.notices import Notice
from cxr_desktop.pages.evaluation import EvaluationPage
from cxr_desktop.project import Project
from tests.desktop.evaluated import click, click_cell, page_on, ready, slider, type_threshold
from tests.trainer.judged_files import judged_run
from trainer import judgement, model_card, runs
from trainer.catalog import Catalog
from trainer.results import Evaluation, Prediction


@pytest.fixture(scope="module")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    tasks = ("multi-class", "multi-label")
    return {task: judged_run(tmp_path_factory.mktemp(task), task).folder for task in tasks}


def copied(made: Path, to: Path) -> runs.Run:
    shutil.copytree(made.parents[2] / "clinic", to / "clinic")
    return runs.Run(Path(shutil.copytree(made.parent.parent, to / "lungs.cxr")) / "runs" / made.name)


@pytest.fixture
def run(made_runs: dict[str, Path], tmp_path: Path) -> runs.Run:
    return copied(made_runs["multi-class"], tmp_path)


@pytest.fixture
def page(qtbot: QtBot, project: Project, run: runs.Run) -> EvaluationPage:
    return page_on(qtbot, project, run)


def openings(run: runs.Run) -> int:
    return runs.openings(run.project, model_card.read_header(run.best).split_digest)


# What is shown


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_the_headline_is_the_evaluation_with_baselines_and_warnings(
    qtbot: QtBot, project: Project, made_runs: dict[str, Path], tmp_path: Path, task: str
) -> None:
    run = copied(made_runs[task], tmp_path)
    page = page_on(qtbot, project, run)
    evaluation = Evaluation.load(run.evaluation("validation"))
    shown = page.side.headline.values
    for name in ("macro_f1", "macro_auroc", "hamming", "accuracy"):
        figure = evaluation.metrics[name]
        assert shown[name] == f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    assert page.side.facts.text() == "30 images of 15 patients"
    assert page.side.told == list(evaluation.warnings)
    assert "always" in page.side.headline.legend.text()
    assert page.side.openings.text() == "Test part never opened"
    assert not page.side.outdated.isVisible()


def test_more_figures_unfold(page: EvaluationPage) -> None:
    assert not page.side.headline.others.isVisible()
    page.side.headline.more.click()
    assert page.side.headline.others.isVisible()
    page.side.headline.more.click()
    assert not page.side.headline.others.isVisible()


def test_the_same_finding_is_looked_at_on_every_tab(page: EvaluationPage) -> None:
    page.actions_.next.trigger()
    finding = page.tabs.findings.finding
    assert finding == page.judged.findings[1]  # type: ignore[union-attr]
    for panel in (page.tabs.overview, page.tabs.curves, page.tabs.errors):
        page.tabs.setCurrentWidget(panel)
        assert panel.chooser.finding() == finding
    page.tabs.errors.chooser.go(page.judged.findings[2])  # type: ignore[union-attr]
    assert page.tabs.findings.finding == page.judged.findings[2]  # type: ignore[union-attr]
    page.actions_.previous.trigger()
    assert page.tabs.findings.finding == finding


def test_a_name_that_begins_like_another_is_not_mistaken(page: EvaluationPage) -> None:
    assert page.judged is not None
    assert page.judged.findings[1:] == ("Pneumonia", "Pneumonia/Viral")
    for finding, panel in (("Pneumonia/Viral", page.tabs.curves), ("Pneumonia", page.tabs.errors)):
        page.tabs.findings.chooser.go(finding)
        page.tabs.setCurrentWidget(panel)
        assert panel.chooser.finding() == finding
    page.tabs.errors.chooser.go("Normal")
    page.tabs.setCurrentWidget(page.tabs.curves)
    assert page.tabs.curves.chooser.finding() == "Normal"


def test_a_cell_of_a_finding_shows_its_images_in_the_overview(page: EvaluationPage, qtbot: QtBot) -> None:
    page.tabs.setCurrentWidget(page.tabs.findings)
    click_cell(page.tabs.findings.matrix, 1, 1)
    assert page.tabs.currentWidget() is page.tabs.overview
    assert page.judged is not None
    assert page.judged.evaluation is not None
    finding = page.tabs.findings.finding
    assert len(page.tabs.overview.gallery.ids()) == page.judged.evaluation.findings[finding].matrix[1][1]
    assert "called yes at threshold" in page.tabs.overview.gallery.title.text()


# Thresholds


def test_saved_reopened_still_there_and_reset(page: EvaluationPage, qtbot: QtBot, run: runs.Run, project: Project) -> None:
    first = model_card.read_header(run.best).thresholds
    type_threshold(page.tabs.findings.bar, "0.9")
    finding = page.tabs.findings.finding
    assert page.unsaved() == (finding,)
    assert page.tabs.tabText(1) == "Findings •"
    click(page.tabs.findings.save)
    assert not page.tabs.findings.save.isEnabled()
    ready(qtbot, page)
    assert model_card.read_header(run.best).thresholds == {**first, finding: 0.9}
    assert page.unsaved() == ()
    assert page.tabs.tabText(1) == "Findings"
    evaluation = Evaluation.load(run.evaluation("validation"))
    assert evaluation.findings[finding].threshold == 0.9
    assert page.tabs.findings.table.texts("f1")[1] != "when saved"  # the intervals are those of the evaluation now
    assert any("set by hand" in warning for warning in page.side.told)

    again = EvaluationPage(project)
    qtbot.addWidget(again)
    ready(qtbot, again)
    assert again.tabs.findings.bar.threshold() == 0.9
    again.actions_.reset.trigger()
    again.actions_.save.trigger()
    ready(qtbot, again)
    assert model_card.read_header(run.best).thresholds == first
    assert all(origin.rule == "youden" for origin in model_card.read_header(run.best).origins.values())


def test_moved_but_not_saved_is_kept_when_the_page_is_left_or_closed(
    page: EvaluationPage, qtbot: QtBot, run: runs.Run, project: Project
) -> None:
    type_threshold(page.tabs.findings.bar, "0.9")
    finding = page.tabs.findings.finding
    page.hide()
    page.show()
    assert page.unsaved() == (finding,)
    again = page_on(qtbot, project, run)
    assert again.unsaved() == (finding,)
    assert again.tabs.findings.bar.threshold() == 0.9
    again.actions_.undo.trigger()  # nothing to take back after reopening, but it can be discarded
    again.actions_.discard.trigger()
    assert again.unsaved() == ()
    assert model_card.read_header(run.best).thresholds[finding] != 0.9


def test_keys_of_the_page(page: EvaluationPage, qtbot: QtBot, run: runs.Run) -> None:
    page.tabs.setCurrentWidget(page.tabs.findings)
    track = slider(page.tabs.findings.bar)
    track.setFocus()
    QTest.keyClick(track, Qt.Key.Key_PageUp)
    finding = page.tabs.findings.finding
    moved = page.tabs.findings.bar.threshold()
    assert page.unsaved() == (finding,)
    QTest.keyClick(track, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert page.unsaved() == ()
    QTest.keyClick(track, Qt.Key.Key_PageUp)
    QTest.keyClick(track, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    ready(qtbot, page)
    assert model_card.read_header(run.best).thresholds[finding] == moved
    QTest.keyClick(track, Qt.Key.Key_BracketRight, Qt.KeyboardModifier.ControlModifier)
    assert page.tabs.findings.finding != finding


def test_a_rule_is_saved_as_a_rule(page: EvaluationPage, qtbot: QtBot, run: runs.Run) -> None:
    type_threshold(page.tabs.findings.bar, "0.9")
    click(page.tabs.findings.points.at_least)
    click(page.tabs.findings.save)
    ready(qtbot, page)
    finding, header = page.tabs.findings.finding, model_card.read_header(run.best)
    assert header.origins[finding].rule == "sensitivity=0.9"
    expected = judgement.choose_thresholds(Prediction.load(run.predictions("validation")), "sensitivity=0.9")
    assert header.thresholds[finding] == expected[finding]


def test_when_saving_is_refused_nothing_is_lost(page: EvaluationPage, qtbot: QtBot, run: runs.Run, told: list[Notice]) -> None:
    type_threshold(page.tabs.findings.bar, "0.9")
    with run.locked():
        click(page.tabs.findings.save)
        ready(qtbot, page)
    assert "Another process is working on this run" in told[-1].text()
    assert page.unsaved() == (page.tabs.findings.finding,)
    assert page.tabs.findings.save.isEnabled()


# The seal


def test_cancelled_does_not_count_and_shows_nothing(page: EvaluationPage, run: runs.Run, qtbot: QtBot) -> None:
    page.side.parts.setCurrentIndex(1)
    ready(qtbot, page)
    assert page.side.parts.currentText() == "Test (sealed)"
    assert page.stack.currentWidget() is page.empty
    assert "never opened" in page.empty.text.text()
    assert page.empty.button.text() == "Open the test part…"
    click(page.empty.button)
    dialog = page.findChild(SealDialog)
    assert dialog is not None
    dialog.sure.click()
    dialog.reject()
    assert openings(run) == 0
    assert not page.work.busy
    assert not run.evaluation("test").exists()


def test_confirmed_counts_and_the_count_stands_beside_it_for_ever(
    qtbot: QtBot, project: Project, run_folder: Path, told: list[Notice]
) -> None:
    run = runs.Run(run_folder)
    page = page_on(qtbot, project, run, "test")
    before = openings(run)
    page.actions_.open_test.trigger()
    dialog = page.findChild(SealDialog)
    assert dialog is not None
    dialog.sure.click()
    dialog.accept()
    assert page.side.cancel.isVisible()
    ready(qtbot, page)
    assert told == [] or all(notice.kind == "information" for notice in told)
    assert openings(run) == before + 1
    assert page.judged is not None
    assert page.judged.evaluation is not None
    assert page.judged.evaluation.part == "test"
    assert page.side.parts.currentText() == "Test"
    assert page.side.openings.text() == f"Test part opened {before + 1} time"
    page.side.parts.setCurrentIndex(0)
    ready(qtbot, page)
    assert f"opened {before + 1} time" in page.side.openings.text()


def test_cancelling_an_evaluation_leaves_no_half(qtbot: QtBot, project: Project, run_folder: Path) -> None:
    run = runs.Run(run_folder)
    run.evaluation("validation").unlink()
    page = page_on(qtbot, project, run)
    assert page.empty.button.text() == "Evaluate on validation"
    click(page.empty.button)
    assert page.work.busy
    assert not page.actions_.evaluate.isEnabled()
    click(page.side.cancel)
    ready(qtbot, page)
    assert not run.evaluation("validation").exists()
    assert page.empty.button.isEnabled()


# Stale, missing, damaged


def test_relabelled_images_make_it_stale_and_evaluating_again_mends_it(
    qtbot: QtBot, project: Project, run_folder: Path
) -> None:
    run = runs.Run(run_folder)
    page = page_on(qtbot, project, run)
    kept = Prediction.load(run.predictions("validation"))
    old = kept.findings[int(kept.targets[0].argmax())]
    new = next(name for name in kept.findings if name != old)
    project.catalog.set_labels(kept.ids[:1], old, 0)
    project.catalog.set_labels(kept.ids[:1], new, 1)
    project.images_changed.emit()
    ready(qtbot, page)
    assert "1 of these images has another label now" in page.side.outdated.text()
    click(page.side.evaluate)
    ready(qtbot, page)
    assert not page.side.outdated.isVisible()
    again = Prediction.load(run.predictions("validation"))
    assert again.findings[int(again.targets[0].argmax())] == new


def test_a_hidden_page_catches_up_when_it_is_shown(page: EvaluationPage, qtbot: QtBot, run: runs.Run, project: Project) -> None:
    page.hide()
    ids = Prediction.load(run.predictions("validation")).ids
    project.catalog.set_excluded(ids[:1], True)
    project.images_changed.emit()
    assert not page.busy
    page.show()
    ready(qtbot, page)
    assert "1 of these images cannot be judged any more" in page.side.outdated.text()


def test_thresholds_changed_in_a_terminal_are_seen(page: EvaluationPage, qtbot: QtBot, run: runs.Run, project: Project) -> None:
    header = model_card.read_header(run.best)
    model_card.set_thresholds(run.best, {**header.thresholds, "Pneumonia": 0.77})
    project.runs_changed.emit()
    ready(qtbot, page)
    assert page.side.outdated.text().endswith("The model carries other thresholds now: Pneumonia.")
    page.tabs.findings.chooser.go("Pneumonia")
    assert page.tabs.findings.bar.threshold() == 0.77


def test_nothing_is_read_again_while_another_run_trains(page: EvaluationPage, project: Project) -> None:
    before = page.judged
    project.runs_changed.emit()
    assert not page.busy
    assert page.judged is before


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_damaged_evaluation_is_a_notice_and_a_way_out(
    qtbot: QtBot, project: Project, run: runs.Run, told: list[Notice], part: str
) -> None:
    run.evaluation(part).write_text('{"run": 3}')
    page = page_on(qtbot, project, run, part)
    assert page.empty.title.text() == "The evaluation cannot be read"
    assert page.empty.button.text() == ("Evaluate again" if part == "validation" else "Open the test part again…")
    assert str(run.evaluation(part)) in told[-1].text()


def test_damaged_predictions_are_a_notice(qtbot: QtBot, project: Project, run: runs.Run, told: list[Notice]) -> None:
    run.predictions("validation").write_bytes(b"PK\x03\x04")
    page_on(qtbot, project, run)
    assert "The predictions cannot be read" in told[-1].text()


def test_missing_predictions_leave_the_headline(qtbot: QtBot, project: Project, run: runs.Run, told: list[Notice]) -> None:
    run.predictions("validation").unlink()
    page = page_on(qtbot, project, run)
    assert page.stack.currentWidget() is page.tabs
    assert "missing" in page.side.outdated.text()
    assert page.side.headline.values
    for place in range(page.tabs.count()):
        page.tabs.setCurrentIndex(place)
    assert told == []


def test_a_damaged_checkpoint_is_a_notice(qtbot: QtBot, project: Project, run: runs.Run, told: list[Notice]) -> None:
    run.best.write_bytes(b"nonsense")
    page = page_on(qtbot, project, run)
    assert page.empty.title.text() == "This run cannot be read"
    assert "not a checkpoint" in told[-1].text()


def test_without_project_run_or_network(qtbot: QtBot, project: Project, run: runs.Run, tmp_path: Path) -> None:
    page = EvaluationPage(project)
    qtbot.addWidget(page)
    assert page.empty.title.text() == "No project is open"
    Catalog.create(tmp_path / "empty.cxr").close()
    assert project.open(tmp_path / "empty.cxr")
    assert page.empty.title.text() == "Nothing to judge yet"
    pages: list[str] = []
    project.page_wanted.connect(pages.append)
    page.empty.button.click()
    assert pages == ["training"]
    run.best.unlink()
    assert project.open(run.project)
    ready(qtbot, page)
    assert page.empty.title.text() == "This run has no trained network yet"
    assert "(not trained yet)" in page.side.runs.currentText()
    project.close()
    assert page.empty.title.text() == "No project is open"
    for action in page.commands:
        assert action is None or not action.isEnabled()


def test_another_page_can_ask_for_a_run(page: EvaluationPage, qtbot: QtBot, project: Project, run: runs.Run) -> None:
    second = Path(shutil.copytree(run.folder, run.folder.with_name("second")))
    project.run_wanted.emit("evaluation", str(second))
    ready(qtbot, page)
    assert page.judged is not None
    assert page.judged.run.folder == second
    assert page.side.runs.currentText() == "second"
    project.run_wanted.emit("training", str(run.folder))
    assert page.judged.run.folder == second
    page.side.runs.setCurrentIndex(page.side.runs.findText("first"))
    ready(qtbot, page)
    assert page.judged.run.folder == run.folder


def test_run_part_and_tab_are_remembered(page: EvaluationPage, qtbot: QtBot, project: Project) -> None:
    page.tabs.setCurrentIndex(3)
    page.side.parts.setCurrentIndex(1)
    ready(qtbot, page)
    page.hide()
    again = EvaluationPage(project)
    qtbot.addWidget(again)
    ready(qtbot, again)
    assert again.tabs.currentIndex() == 3
    assert again.side.part() == "test"


def test_every_action_has_a_name_and_a_tip_and_no_key_twice(page: EvaluationPage) -> None:
    actions = [action for action in page.commands if action is not None]
    assert all(action.text() and action.toolTip() != action.text() for action in actions)
    keys = [key.toString() for action in actions for key in action.shortcuts()]
    assert len(keys) == len(set(keys)) > 5
    assert set(actions) <= set(page.actions())


def test_an_evaluation_on_another_project_is_a_part_of_its_own(
    page: EvaluationPage, qtbot: QtBot, project: Project, run: runs.Run
) -> None:
    text = run.evaluation("validation").read_text("utf-8").replace('"part": "validation"', '"part": "external: other"')
    run.evaluation("external-other").write_text(text, encoding="utf-8")
    shutil.copy(run.predictions("validation"), run.predictions("external-other"))
    project.runs_changed.emit()
    place = page.side.parts.findText("External: other")
    page.side.parts.setCurrentIndex(place)
    ready(qtbot, page)
    assert page.judged is not None
    assert page.judged.part == "external-other"
    assert page.judged.outdated == ()
    assert "not on these images" in page.tabs.findings.note.text()


def test_numbers_on_the_page_are_those_of_the_report(page: EvaluationPage, run: runs.Run) -> None:
    kept = Prediction.load(run.predictions("validation"))
    accuracy = float(np.mean(kept.probabilities.argmax(1) == kept.truth()))
    assert page.side.headline.values["accuracy"].startswith(f"{accuracy:.3f} ")
    matrix = page.tabs.overview.matrix
    total = sum(int(matrix.written(row, column)) for row in range(3) for column in range(3))
    assert total == 30
