"""Bags on the Evaluate page: chosen, judged, beside their members; sealed as runs are; what they lack is said."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.closer_look import CloserLook
from cxr_desktop.evaluation.figure_export import FigureExport
from cxr_desktop.evaluation.members_table import MembersTable
from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.notices import Notice
from cxr_desktop.pages.evaluation import EvaluationPage
from cxr_desktop.project import Project
from trainer import bags, evaluate_bag, mistakes, model_card, runs, thresholds
from trainer.bag_results import BagEvaluation
from trainer.bags import Bag
from trainer.results import Prediction

from .bagged import _bags, _tree, halves, pair  # noqa: F401 - fixtures
from .evaluated import click, click_cell, page_on, ready, type_threshold


def page_of(qtbot: QtBot, project: Project, bag: Bag, part: str = "validation") -> EvaluationPage:
    return page_on(qtbot, project, runs.Run(bag.folder), part)


def openings(bag: Bag) -> int:
    first = next(iter(bag.trained().values()))
    return runs.openings(bag.project, model_card.read_header(first.best).split_digest)


def confirmed(page: EvaluationPage) -> SealDialog:
    """The seal's question, answered with yes."""
    page.evaluate()
    dialog = page.findChildren(SealDialog)[-1]
    dialog.sure.click()
    dialog.accept()
    return dialog


@pytest.fixture
def judged(pair: Bag) -> Bag:  # noqa: F811
    """The bag of seeds, evaluated on validation."""
    evaluate_bag.run(pair.folder, draws=20, device="cpu")
    return pair


# Choosing


def test_a_bag_stands_before_its_members_and_is_not_taken_for_a_run(qtbot: QtBot, project: Project, pair: Bag) -> None:  # noqa: F811
    page = page_of(qtbot, project, pair)
    texts = [page.side.runs.itemText(row) for row in range(page.side.runs.count())]
    assert texts == ["bag halves, 2 folds", "\u2003halves-01", "\u2003halves-02", "bag pair, 2 seeds", "\u2003pair-01",
                     "\u2003pair-02", "fine"]  # fmt: skip
    assert page.side.run() == str(pair.folder)
    page.side.runs.setCurrentIndex(4)
    ready(qtbot, page)
    assert page.judged is not None
    assert (page.judged.run.name, page.judged.whole) == ("pair-01", None)
    assert page.side.runs.shown() == "pair-01"
    page.side.runs.setCurrentIndex(3)
    again = EvaluationPage(project)
    qtbot.addWidget(again)
    ready(qtbot, again)
    assert again.side.run() == str(pair.folder), "what was chosen is remembered"


# Judging


def test_a_bag_is_judged_and_shown_beside_its_members(
    qtbot: QtBot,
    project: Project,
    pair: Bag,  # noqa: F811
    told: list[Notice],
) -> None:
    page = page_of(qtbot, project, pair)
    assert page.empty.title.text() == "Not evaluated on validation yet"
    assert page.empty.text.text() == "Its 2 trained members are evaluated one after another, and then their average."
    click(page.empty.button)
    assert page.side.cancel.isVisible()
    ready(qtbot, page)
    assert [one.what for one in told] == []
    found = BagEvaluation.load(pair.evaluation("validation"))
    figure = found.evaluation.metrics["macro_f1"]
    assert page.side.headline.values["macro_f1"] == f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    assert page.side.facts.text().endswith(", averaged over 2 seeds")
    said = page.side.headline.findChildren(type(page.side.facts))
    over = f"members: mean {found.mean['macro_f1']:.3f}, SD {found.sd['macro_f1']:.3f}"
    assert any(label.text().endswith(f"baseline {_baseline(found):.3f}\n{over}") for label in said)
    assert page.side.told == list(found.evaluation.warnings)
    members = page.tabs.members
    page.tabs.setCurrentWidget(members)
    rows = members.table.rows()
    assert [row[0] for row in rows] == ["pair-01", "pair-02", "Mean", "SD", "All, averaged"]
    assert rows[0][1].startswith("seed 1\n")
    assert rows[4][2] == f"{figure.value:.3f}\n{figure.low:.3f} to {figure.high:.3f}"
    assert dict(members.spread.rows()) == {name: f"{value:.3f}" for name, value in found.spread.items()}
    assert f"{found.disagreement:.1%} of the images" in members.differing.text()


def _baseline(found: BagEvaluation) -> float:
    return next(one.metrics["macro_f1"] for one in found.evaluation.baselines.values() if "macro_f1" in one.metrics)


def test_a_member_is_a_click_or_a_key_away(qtbot: QtBot, project: Project, judged: Bag) -> None:
    page = page_of(qtbot, project, judged)
    page.tabs.setCurrentWidget(page.tabs.members)
    table = page.tabs.members.table
    click(table.viewport(), table.visualItemRect(table.item(2, 0)).center())
    click(table.viewport(), table.visualItemRect(table.item(1, 2)).center())
    assert page.side.run() == str(judged.folder), "neither the mean nor a figure is a link"
    click(table.viewport(), table.visualItemRect(table.item(1, 0)).center())
    ready(qtbot, page)
    assert page.judged is not None
    assert (page.judged.run.name, page.judged.part) == ("pair-02", "validation")
    assert not page.tabs.isTabVisible(page.tabs.indexOf(page.tabs.members))
    page.show_run(str(judged.folder))
    ready(qtbot, page)
    assert page.tabs.isTabVisible(page.tabs.indexOf(page.tabs.members))
    page.tabs.setCurrentWidget(page.tabs.members)
    table.setCurrentCell(0, 1)
    QTest.keyClick(table, Qt.Key.Key_Return)
    ready(qtbot, page)
    assert page.judged.run.name == "pair-01"


def test_the_tab_of_members_is_remembered_and_a_run_never_stands_on_it(qtbot: QtBot, project: Project, judged: Bag) -> None:
    page = page_of(qtbot, project, judged)
    page.tabs.setCurrentWidget(page.tabs.members)
    page.hide()
    again = EvaluationPage(project)
    qtbot.addWidget(again)
    again.show()
    ready(qtbot, again)
    assert again.side.run() == str(judged.folder)
    assert again.tabs.currentWidget() is again.tabs.members
    assert len(again.tabs.members.table.rows()) == 5
    again.show_run(str(judged.trained()[1].folder))
    ready(qtbot, again)
    assert again.tabs.currentWidget() is not again.tabs.members
    project.settings.set_text("evaluation/run", str(judged.trained()[1].folder))
    third = EvaluationPage(project)
    qtbot.addWidget(third)
    third.show()
    ready(qtbot, third)
    assert third.tabs.currentWidget() is not third.tabs.members


def test_the_images_of_a_cell_are_those_of_the_average_and_both_networks_look(
    qtbot: QtBot, project: Project, judged: Bag
) -> None:
    page = page_of(qtbot, project, judged)
    mean = Prediction.load(judged.predictions("validation"))
    each = [Prediction.load(run.predictions("validation")) for run in judged.trained().values()]
    assert np.allclose(mean.probabilities, np.mean([one.probabilities for one in each], axis=0), atol=1e-6)
    confusion = page.judged.evaluation.confusion  # type: ignore[union-attr]
    assert confusion is not None
    truth, said = next((t, s) for t, row in enumerate(confusion.counts) for s, count in enumerate(row) if count)
    gallery = page.tabs.overview.gallery
    click_cell(page.tabs.overview.matrix, truth, said)
    assert gallery.ids().tolist() == mean.ids[mistakes.cell(mean, truth, said)].tolist()
    assert gallery.title.text().endswith(", bag pair, validation")
    gallery.with_heat.setChecked(True)
    first = gallery.model.items[0]
    qtbot.waitUntil(lambda: gallery.model.items[0].record is not None and not gallery.heat.busy, timeout=30_000)
    assert isinstance(gallery.heat.picture(gallery.model.items[0].record.digest, first.finding), QPixmap)  # type: ignore[union-attr]
    ensemble = page._network._ensemble
    assert ensemble is not None
    assert ensemble.names == ("pair-01", "pair-02")
    page.look_closer(gallery, gallery.model.items[0])
    dialog = page.findChild(CloserLook)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.state.text().startswith("Heat map for"), timeout=30_000)
    heat = dialog.viewer.lightbox.heat
    assert heat is not None
    assert heat.of == "mean of 2 networks"
    dialog.close()


@pytest.mark.parametrize("wide", [620, 400])
def test_no_figure_of_a_member_is_cut_off(qtbot: QtBot, judged: Bag, wide: int) -> None:
    found = BagEvaluation.load(judged.evaluation("validation"))
    table = MembersTable()
    qtbot.addWidget(table)
    table.resize(wide, 400)
    table.show_bag(found)
    table.show()
    for column in range(table.columnCount()):
        needed = max(table.sizeHintForColumn(column), table.horizontalHeader().sectionSizeHint(column))
        assert table.columnWidth(column) >= needed
    last = table.visualItemRect(table.item(table.rowCount() - 1, 0))
    assert last.bottom() <= table.viewport().height(), "the row of the whole is never behind the scroll bar"
    table.copy()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert lines[0].startswith("Member\tLearned with\tImages\t")
    assert lines[-1].startswith("All, averaged\t")


def test_the_results_of_a_bag_can_be_taken_home(qtbot: QtBot, project: Project, judged: Bag, tmp_path: Path) -> None:
    page = page_of(qtbot, project, judged)
    page.export()
    dialog = page.findChild(FigureExport)
    assert dialog is not None
    for key, box in dialog.boxes.items():
        box.setChecked(key in ("csv", "predictions", "report"))
    dialog.folder.setText(str(tmp_path / "out"))
    click(dialog.write)
    qtbot.waitUntil(lambda: not dialog.busy.isVisible(), timeout=60_000)
    assert "files written" in dialog.told.text(), dialog.told.text()
    assert dialog.report_path() in dialog.files
    assert {path.suffix for path in dialog.files} == {".csv", ".html"}
    dialog.close()


def test_thresholds_of_a_bag_are_its_own(qtbot: QtBot, project: Project, judged: Bag, told: list[Notice]) -> None:
    page = page_of(qtbot, project, judged)
    before = {run.name: model_card.read_header(run.best).thresholds for run in judged.trained().values()}
    panel = page.tabs.findings
    assert panel.save.text() == "Save with the bag"
    click(panel.points.buttons["f1"])
    type_threshold(panel.bar, "0.9")
    finding = panel.finding
    page.save_thresholds()
    ready(qtbot, page)
    assert json.loads(judged.thresholds.read_text("utf-8"))["thresholds"][finding] == 0.9
    assert BagEvaluation.load(judged.evaluation("validation")).evaluation.findings[finding].threshold == 0.9
    assert {run.name: model_card.read_header(run.best).thresholds for run in judged.trained().values()} == before
    assert told[-1].what == "Thresholds saved with the bag. Judged again from the kept predictions: validation."
    assert page.unsaved() == ()
    assert panel.bar.threshold() == 0.9
    assert page.judged is not None
    assert page.judged.outdated == ()


def test_cancelled_leaves_no_half(qtbot: QtBot, project: Project, pair: Bag) -> None:  # noqa: F811
    page = page_of(qtbot, project, pair)
    click(page.empty.button)
    click(page.side.cancel)
    ready(qtbot, page)
    assert not pair.evaluation("validation").exists()
    assert page.empty.button.isEnabled()


# The seal


def test_opening_for_a_bag_counts_its_members_and_their_average(qtbot: QtBot, project: Project, pair: Bag) -> None:  # noqa: F811
    page = page_of(qtbot, project, pair, "test")
    assert page.side.parts.currentText() == "Test (sealed)"
    assert page.empty.title.text() == "The test part is sealed"
    page.evaluate()
    dialog = page.findChildren(SealDialog)[-1]
    said = " ".join(label.text() for label in dialog.findChildren(type(dialog.count)))
    assert "its 2 trained members and their average, each of which is a look that is counted (3 openings)" in said
    dialog.reject()
    assert openings(pair) == 0
    confirmed(page)
    ready(qtbot, page)
    assert openings(pair) == 3
    assert page.side.openings.text() == "Test part opened 3 times"
    assert page.side.parts.currentText() == "Test"
    page.side.levels.setCurrentIndex(1)
    ready(qtbot, page)
    assert page.empty.title.text() == "The test part is sealed at this level"
    page.side.levels.setCurrentIndex(0)
    ready(qtbot, page)
    assert openings(pair) == 3, "to look again at what was opened is no opening"


def test_a_cross_validation_is_pooled_and_each_image_decided_by_its_own_network(
    qtbot: QtBot,
    project: Project,
    halves: Bag,  # noqa: F811
) -> None:
    page = page_of(qtbot, project, halves, "validation")
    assert [page.side.parts.itemData(row) for row in range(page.side.parts.count())] == ["test"]
    assert "one opening for each of the 2 folds" in _said(confirmed(page))
    ready(qtbot, page)
    judged = page.judged
    assert judged is not None
    assert judged.evaluation is not None
    assert judged.whole is not None
    assert judged.outdated == ()
    assert page.side.facts.text().endswith(", pooled over 2 folds")
    own = [model_card.read_header(run.best).thresholds for run in halves.trained().values()]
    for name, result in judged.evaluation.findings.items():
        assert set(judged.whole.of_images[name]) == {levels[name] for levels in own}
        page.tabs.findings.chooser.go(name)
        shown = page.tabs.findings.matrix
        assert tuple(tuple(int(shown.written(t, s)) for s in (0, 1)) for t in (0, 1)) == result.matrix
        for truth, said in ((0, 0), (0, 1), (1, 0), (1, 1)):
            page.tabs.show_cell(name, bool(truth), bool(said))
            gallery = page.tabs.overview.gallery
            assert len(gallery.ids()) == result.matrix[truth][said]
            assert "at the threshold of its fold" in gallery.title.text()
    assert not page.tabs.findings.points.isEnabled()
    assert "network of its fold" in page.tabs.findings.save.toolTip()
    assert "network of its fold" in page.tabs.findings.points.buttons["f1"].toolTip()
    assert "network of its fold" in page.tabs.findings.note.text()
    gallery = page.tabs.overview.gallery
    assert not gallery.with_heat.isEnabled()
    assert "only that one can say where it looked" in gallery.with_heat.toolTip()
    page.tabs.setCurrentWidget(page.tabs.members)
    assert not page.tabs.members.spread.isVisible()
    assert "no two members saw the same image" in page.tabs.members.differing.text()


def _said(dialog: SealDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(type(dialog.count)))


def test_where_a_fold_decides_otherwise_now_no_image_is_shown_as_it_was_judged(
    qtbot: QtBot,
    project: Project,
    halves: Bag,  # noqa: F811
) -> None:
    evaluate_bag.run(halves.folder, on="test", draws=20, device="cpu")
    first = halves.trained()[1]
    thresholds.run(first.folder, changes=["Clear=0.99"], draws=20)
    page = page_of(qtbot, project, halves, "test")
    assert page.judged is not None
    assert page.judged.prediction is None
    assert page.judged.scores, "curves stay"
    assert page.judged.outdated == ("The networks of the folds carry other thresholds now: Clear.",)
    assert page.side.outdated.isVisible()


# What is missing


def test_too_few_members(qtbot: QtBot, project: Project, pair: Bag) -> None:  # noqa: F811
    pair.trained()[2].best.unlink()
    page = page_of(qtbot, project, pair)
    assert page.empty.title.text() == "Too few members of this bag are trained"
    assert page.empty.text.text().startswith("1 of 2 members are trained.")
    assert not page.actions_.evaluate.isEnabled()
    pages: list[str] = []
    project.page_wanted.connect(pages.append)
    click(page.empty.button)
    assert pages == ["training"]


def test_while_it_is_trained(qtbot: QtBot, project: Project, judged: Bag) -> None:
    page = page_of(qtbot, project, judged)
    with judged.locked():
        page.side.parts.setCurrentIndex(page.side.parts.findData("test"))
        ready(qtbot, page)
        assert page.empty.title.text() == "This bag is being trained"
        assert not page.actions_.open_test.isEnabled()
        page.side.parts.setCurrentIndex(page.side.parts.findData("validation"))
        ready(qtbot, page)
        assert page.side.headline.values, "what was judged stays to be seen"
        assert not page.side.evaluate.isVisible()


def test_damaged_files(qtbot: QtBot, project: Project, judged: Bag, told: list[Notice]) -> None:
    judged.evaluation("validation").write_text('{"bag": 3}', encoding="utf-8")
    page = page_of(qtbot, project, judged)
    assert page.empty.title.text() == "The evaluation cannot be read"
    assert "no evaluation of a bag" in told[-1].text()
    (judged.folder / bags.FILE).write_text("{}", encoding="utf-8")
    page.show_run(str(judged.folder))
    ready(qtbot, page)
    assert page.empty.title.text() == "This bag cannot be read"
    assert "plan is damaged" in told[-1].text()


def test_a_member_that_is_gone_is_told_and_looks_no_more(qtbot: QtBot, project: Project, judged: Bag, tmp_path: Path) -> None:
    judged.trained()[2].folder.rename(tmp_path / "gone")
    page = page_of(qtbot, project, judged)
    assert page.empty.title.text() == "Too few members of this bag are trained"
    (tmp_path / "gone").rename(judged.project / "runs" / "again")
    project.runs_changed.emit()
    page.show_run(str(judged.folder))
    ready(qtbot, page)
    assert page.judged is not None
    assert page.judged.outdated == ()
    assert [folder.name for folder in page.judged.networks] == ["pair-01", "again"], "a renamed run is still a member"
