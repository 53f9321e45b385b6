"""Fine findings judged as coarse ones on the Evaluate page: chosen, computed by the trainer, remembered, sealed by level."""

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.closer_look import CloserLook
from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.notices import Notice
from cxr_desktop.pages.evaluation import EvaluationPage
from cxr_desktop.project import Project
from trainer import evaluate, model_card, runs
from trainer.results import Evaluation

from .bagged import _tree, fine  # noqa: F401 - fixtures
from .evaluated import click, click_cell, page_on, ready, type_threshold


@pytest.fixture
def page(qtbot: QtBot, project: Project, fine: runs.Run) -> EvaluationPage:  # noqa: F811
    return page_on(qtbot, project, fine)


@pytest.fixture
def coarse(qtbot: QtBot, project: Project, fine: runs.Run) -> EvaluationPage:  # noqa: F811
    """At level 1, which was judged in a terminal."""
    evaluate.run(fine.folder, on="val", level=1, draws=20, device="cpu")
    project.settings.set_number("evaluation/level", 1)
    return page_on(qtbot, project, fine)


def openings(run: runs.Run) -> int:
    return runs.openings(run.project, model_card.read_header(run.best).split_digest)


def choose(qtbot: QtBot, page: EvaluationPage, level: int) -> None:
    page.side.levels.setCurrentIndex(page.side.levels.findData(level))
    ready(qtbot, page)


def test_findings_without_a_tree_have_no_levels(qtbot: QtBot, project: Project, run_folder) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    page = page_on(qtbot, project, runs.Run(run_folder))
    assert not page.side.levels.isVisible()
    assert not page.side.level_label.isVisible()


def test_a_level_is_judged_by_the_trainer_and_shown_everywhere(
    qtbot: QtBot,
    project: Project,
    page: EvaluationPage,
    fine: runs.Run,  # noqa: F811
    told: list[Notice],
) -> None:
    levels = page.side.levels
    assert levels.isVisible()
    assert [levels.itemText(row) for row in range(levels.count())] == ["as learned", "1: Clear, Ill"]
    assert not levels.level()
    learned = model_card.read_header(fine.best).thresholds
    choose(qtbot, page, 1)
    assert page.empty.title.text() == "Not evaluated on validation at level 1 yet"
    assert "The findings at level 1: Clear, Ill." in page.empty.text.text()
    click(page.empty.button)
    ready(qtbot, page)
    assert [one.what for one in told] == []
    made = evaluate.run(fine.folder, on="val", level=1, device="cpu")
    figure = made.metrics["macro_f1"]
    assert page.side.headline.values["macro_f1"] == f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    assert any("Judged at level 1" in text for text in page.side.told)
    assert made.confusion is not None
    matrix = page.tabs.overview.matrix
    assert [[int(matrix.written(t, s)) for s in (0, 1)] for t in (0, 1)] == [list(row) for row in made.confusion.counts]
    page.tabs.findings.chooser.go("Ill")
    assert page.tabs.findings.bar.threshold() == made.findings["Ill"].threshold
    page.tabs.setCurrentWidget(page.tabs.curves)
    assert f"{made.findings['Ill'].auroc.value:.3f}" in page.tabs.curves.areas.text()
    assert model_card.read_header(fine.best).thresholds == learned
    again = EvaluationPage(project)
    qtbot.addWidget(again)
    ready(qtbot, again)
    assert again.side.levels.level() == 1
    assert again.judged is not None
    assert again.judged.findings == ("Clear", "Ill")
    choose(qtbot, page, 0)
    assert page.judged is not None
    assert page.judged.findings == ("Clear", "Ill/Pneumonia", "Ill/Effusion")


def test_levels_are_no_parts_of_their_own(coarse: EvaluationPage, fine: runs.Run) -> None:  # noqa: F811
    assert fine.evaluation("validation-level1").exists()
    parts = coarse.side.parts
    assert [parts.itemData(row) for row in range(parts.count())] == ["validation", "test"]


def test_coarse_thresholds_are_not_moved_and_it_is_said_why(qtbot: QtBot, coarse: EvaluationPage) -> None:
    panel = coarse.tabs.findings
    assert not panel.bar.findChildren(type(panel.bar._number))[0].isEnabled()
    assert not panel.points.isEnabled()
    assert not panel.reset.isEnabled()
    for part in (panel.save, panel.reset, panel.points.buttons["f1"], panel.points.level):
        assert "chosen anew on validation at each evaluation" in part.toolTip()
    assert "chosen anew on validation at each evaluation" in panel.note.text()
    assert panel.table.isRowHidden(2), "nothing is saved to compare with"
    assert not coarse.actions_.reset.isEnabled()
    panel.reset_all()
    panel._by_rule("f1")
    assert coarse.unsaved() == ()


def test_moves_at_the_learned_level_survive_a_look_at_the_coarse_one(qtbot: QtBot, page: EvaluationPage) -> None:
    type_threshold(page.tabs.findings.bar, "0.9")
    finding = page.tabs.findings.finding
    choose(qtbot, page, 1)
    assert page.unsaved() == ()
    choose(qtbot, page, 0)
    assert page.unsaved() == (finding,)
    assert page.tabs.findings.bar.threshold() == 0.9
    assert page.tabs.findings.points.isEnabled()


def test_there_are_no_heat_maps_of_what_was_not_learned(qtbot: QtBot, coarse: EvaluationPage) -> None:
    counts = coarse.judged.evaluation.confusion.counts  # type: ignore[union-attr]
    truth, said = next((t, s) for t, row in enumerate(counts) for s, count in enumerate(row) if count)
    gallery = coarse.tabs.overview.gallery
    click_cell(coarse.tabs.overview.matrix, truth, said)
    assert gallery.title.text().endswith(", run fine, validation, level 1")
    assert not gallery.with_heat.isEnabled()
    assert "choose the level “as learned”" in gallery.with_heat.toolTip()
    qtbot.waitUntil(lambda: gallery.model.items[0].record is not None)
    coarse.look_closer(gallery, gallery.model.items[0])
    dialog = coarse.findChild(CloserLook)
    assert dialog is not None
    qtbot.waitUntil(lambda: "choose the level" in dialog.state.text())
    assert not dialog._looking.busy
    assert dialog.viewer.lightbox.heat is None
    dialog.close()


def test_another_level_of_the_test_part_is_sealed_by_itself_and_looking_back_does_not_count(
    qtbot: QtBot,
    project: Project,
    fine: runs.Run,  # noqa: F811
) -> None:
    evaluate.run(fine.folder, on="test", draws=20, device="cpu")
    page = page_on(qtbot, project, fine, "test")
    assert openings(fine) == 1
    choose(qtbot, page, 1)
    assert page.empty.title.text() == "The test part is sealed at this level"
    assert "It was judged as learned already." in page.empty.text.text()
    assert page.side.parts.currentText() == "Test"
    click(page.empty.button)
    dialog = page.findChildren(SealDialog)[-1]
    assert any("at level 1" in label.text() for label in dialog.findChildren(type(dialog.count)))
    dialog.reject()
    assert openings(fine) == 1
    assert not fine.evaluation("test-level1").exists()
    page.open_test()
    dialog = page.findChildren(SealDialog)[-1]
    dialog.sure.click()
    dialog.accept()
    ready(qtbot, page)
    assert openings(fine) == 2
    assert Evaluation.load(fine.evaluation("test-level1")).part == "test, level 1"
    for level in (0, 1, 0):
        choose(qtbot, page, level)
        assert page.judged is not None
        assert page.judged.evaluation is not None
    assert openings(fine) == 2


def test_what_makes_coarse_figures_stale_and_what_does_not(
    qtbot: QtBot,
    project: Project,
    coarse: EvaluationPage,
    fine: runs.Run,  # noqa: F811
) -> None:
    header = model_card.read_header(fine.best)
    model_card.set_thresholds(fine.best, {**header.thresholds, "Clear": 0.87})
    project.runs_changed.emit()
    ready(qtbot, coarse)
    assert not coarse.side.outdated.isVisible(), "those of the model do not decide here"
    assert coarse.judged is not None
    assert coarse.judged.prediction is not None
    image = coarse.judged.prediction.ids[:1]
    row = coarse.judged.prediction.targets[0]
    clear = bool(row[coarse.judged.prediction.findings.index("Clear")])
    for name, value in (("Clear", not clear), ("Ill/Pneumonia", clear), ("Ill/Effusion", False)):
        project.catalog.set_labels(image, name, int(value))
    project.images_changed.emit()
    ready(qtbot, coarse)
    assert "1 of these images has another label now." in coarse.side.outdated.text()
