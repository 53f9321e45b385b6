"""Matrix, mistakes, subgroups and curves: a cell shows exactly its images, and every number is the evaluation's."""

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.calibration_panel import CalibrationPanel
from cxr_desktop.evaluation.error_panel import ErrorPanel
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.figure_words import number
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.evaluation.matrix_panel import MatrixPanel
from cxr_desktop.evaluation.subgroup_table import ABOVE, BELOW, SubgroupTable
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.project import Project
from tests.desktop.evaluated import click, click_cell, judged_of
from trainer import mistakes

Read = tuple[Judged, ThresholdDraft]


@pytest.fixture(scope="module", params=["multi-class", "multi-label"])
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judged_of(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def read(judged: Judged, project: Project) -> Read:
    assert project.open(judged.run.project)
    return judged, ThresholdDraft(judged.thresholds)


@pytest.fixture
def overview(qtbot: QtBot, project: Project, read: Read) -> MatrixPanel:
    panel = MatrixPanel(project, LoadedNetwork())
    qtbot.addWidget(panel)
    panel.resize(620, 560)
    panel.show_judged(*read)
    panel.show()
    return panel


@pytest.fixture
def errors(qtbot: QtBot, project: Project, read: Read) -> ErrorPanel:
    panel = ErrorPanel(project, LoadedNetwork())
    qtbot.addWidget(panel)
    panel.resize(620, 560)
    panel.show_judged(*read)
    panel.show()
    return panel


def expected_cell(judged: Judged, finding: str, threshold: float, truth: int, said: int) -> list[int]:
    """Ids of a cell, counted another way than the code does."""
    prediction = judged.prediction
    assert prediction is not None
    found = []
    for row, image in enumerate(prediction.ids.tolist()):
        if prediction.task == "multi-class":
            if prediction.targets[row, truth] == 1 and prediction.probabilities[row].argmax() == said:
                found.append(image)
        else:
            k = prediction.findings.index(finding)
            called = int(float(prediction.probabilities[row, k]) >= threshold)
            if (prediction.targets[row, k], called) == (truth, said):
                found.append(image)
    return sorted(found)


@pytest.mark.parametrize("cell", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_click_on_a_cell_shows_exactly_its_images(
    overview: MatrixPanel, project: Project, read: Read, qtbot: QtBot, cell: tuple[int, int]
) -> None:
    judged, draft = read
    wanted: list[tuple[list[int], str]] = []
    project.images_wanted.connect(lambda ids, words: wanted.append((sorted(ids.tolist()), words)))
    click_cell(overview.matrix, *cell)
    finding = overview.chooser.finding()
    expected = expected_cell(judged, finding, draft.value(finding), *cell)
    assert overview.matrix.written(*cell) == str(len(expected))
    assert sorted(overview.gallery.ids().tolist()) == expected
    assert sorted(item.image for item in overview.gallery.model.items) == expected
    if expected:
        click(overview.gallery.to_dataset)
        assert wanted == [(expected, overview.gallery.title.text())]
        assert "run first, validation" in wanted[0][1]
        qtbot.waitUntil(lambda: all(item.record is not None for item in overview.gallery.model.items))
        qtbot.waitUntil(lambda: isinstance(overview.gallery.picture(overview.gallery.model.items[0]), QPixmap))
    else:
        assert not overview.gallery.to_dataset.isEnabled()


def test_what_stands_in_the_cells_is_chosen_and_remembered(overview: MatrixPanel, project: Project, read: Read) -> None:
    overview.mode.setCurrentIndex(overview.mode.findData("rows"))
    assert "%" in overview.matrix.written(0, 0)
    again = MatrixPanel(project, LoadedNetwork())
    assert again.mode.currentData() == "rows"
    again.deleteLater()


def test_the_matrix_of_a_finding_follows_its_threshold(overview: MatrixPanel, read: Read) -> None:
    judged, draft = read
    if overview.exclusive:
        assert not overview.chooser.isVisible()
        return
    finding = overview.chooser.finding()
    draft.move(finding, 0.0)
    overview.show_judged(judged, draft)
    assert overview.matrix.written(1, 0) == "0"
    assert overview.matrix.written(0, 0) == "0"


def test_an_image_that_left_the_project_says_so(overview: MatrixPanel, read: Read, qtbot: QtBot) -> None:
    judged, draft = read
    assert judged.prediction is not None
    gone = dataclasses.replace(judged.prediction, ids=judged.prediction.ids + 1000)
    overview.show_judged(dataclasses.replace(judged, prediction=gone), draft)
    click_cell(overview.matrix, 0, 0)
    qtbot.waitUntil(lambda: not overview.gallery._reading.busy)
    assert overview.gallery.picture(overview.gallery.model.items[0]) == "not in the project any more"
    assert "not in the project" in overview.gallery.model.items[0].words


def test_without_predictions_a_cell_says_what_to_do(overview: MatrixPanel, read: Read) -> None:
    judged, draft = read
    overview.show_judged(dataclasses.replace(judged, prediction=None), draft)
    overview.matrix.cell_chosen.emit(0, 0)
    assert "evaluate again" in overview.gallery.state.text()


@pytest.mark.parametrize("place", [0, 1])
def test_mistakes_are_those_of_the_finding(errors: ErrorPanel, read: Read, place: int) -> None:
    judged, draft = read
    errors.kinds.setCurrentIndex(place)
    kind = (mistakes.FALSE_NEGATIVE, mistakes.FALSE_POSITIVE)[place]
    assert judged.prediction is not None
    for finding in judged.findings:
        errors.chooser.go(finding)
        rows = mistakes.rows(judged.prediction, draft.values(), finding, kind)
        assert errors.kinds.tabText(place).endswith(f": {len(rows)}")
        assert [item.row for item in errors.gallery.model.items] == rows[:12].tolist()


def test_another_draw_is_another_and_the_same_number_the_same(errors: ErrorPanel, read: Read) -> None:
    judged, draft = read
    for finding in judged.findings:
        draft.move(finding, 1.0)  # all are missed
    if judged.prediction is not None and judged.prediction.task == "multi-class":
        turned = np.ascontiguousarray(judged.prediction.probabilities[:, [1, 2, 0]])  # nearly all are wrong
        judged = dataclasses.replace(judged, prediction=dataclasses.replace(judged.prediction, probabilities=turned))
    errors.show_judged(judged, draft)
    errors.most.setValue(2)
    assert int(errors.kinds.tabText(0).rpartition(" ")[2]) > 5
    drawn = []
    for _ in range(8):
        errors.draw()
        assert errors.how.currentData() == mistakes.RANDOM
        drawn.append(tuple(item.image for item in errors.gallery.model.items))
    assert len(set(drawn)) > 1
    errors.seed = 3
    errors.show_judged(judged, draft)
    assert tuple(item.image for item in errors.gallery.model.items) == drawn[2]
    assert "(draw 4)" in errors.gallery.title.text()
    errors.most.setValue(1)
    assert len(errors.gallery.model.items) == 1
    assert " 1 of " in errors.gallery.title.text()


def test_an_image_is_opened_by_click_and_by_key(errors: ErrorPanel, qtbot: QtBot) -> None:
    opened: list[object] = []
    errors.gallery.opened.connect(opened.append)
    for place in range(2):
        errors.kinds.setCurrentIndex(place)
        if errors.gallery.model.items:
            break
    view = errors.gallery.list
    index = errors.gallery.model.index(0, 0)
    click(view.viewport(), view.visualRect(index).center())
    assert opened == [errors.gallery.model.items[0]]
    view.setCurrentIndex(index)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert opened == [errors.gallery.model.items[0]] * 2
    assert errors.gallery.current() is errors.gallery.model.items[0]


def test_subgroups_stand_with_their_intervals(qtbot: QtBot, read: Read) -> None:
    judged, _ = read
    table = SubgroupTable()
    qtbot.addWidget(table)
    table.show_judged(judged)
    assert judged.evaluation is not None
    cells = range(table.table.columnCount())
    rows = [[table.table.item(row, c) for c in cells] for row in range(table.table.rowCount())]
    texts = [[item.text() for item in row if item] for row in rows]
    groups = {f"{group.column}:{group.group}": group for group in judged.evaluation.subgroups}
    assert texts[0][:3] == ["All images", "30", "15"]
    assert next(row[0] for row in texts if len(row) == 1) in ("View", "Sex", "Age in years")
    female = next(row for row in texts if row[0] == "F")
    one = groups["sex:F"]
    assert female[1] == str(one.images)
    assert female[3].lstrip(f"{ABOVE}{BELOW} ").startswith(number(one.metrics["macro_f1"].value))
    table.chooser.go(judged.findings[1])
    assert table.table.horizontalHeaderItem(3).text() == "Sensitivity"


def test_no_subgroup_is_said(qtbot: QtBot, read: Read) -> None:
    judged, _ = read
    assert judged.evaluation is not None
    table = SubgroupTable()
    qtbot.addWidget(table)
    table.show_judged(dataclasses.replace(judged, evaluation=dataclasses.replace(judged.evaluation, subgroups=())))
    assert "No column of the catalog" in table.table.item(1, 0).text()


def test_curves_and_calibration_of_each_finding(qtbot: QtBot, read: Read) -> None:
    judged, _ = read
    panel = CalibrationPanel()
    qtbot.addWidget(panel)
    panel.resize(620, 560)
    panel.show_judged(judged)
    for finding in judged.findings:
        panel.chooser.go(finding)
        scores = judged.scores[finding]
        assert scores.result is not None
        assert panel.roc.series() == (f"{finding} {number(scores.result.auroc.value)}",)
        assert number(scores.result.auprc.value) in panel.areas.text()
        assert number(scores.calibration.error) in panel.error.text()
        assert sum(panel.bars.counts) == int((scores.y >= 0).sum())
        assert panel.bars.counts == np.histogram(scores.p[scores.y >= 0], bins=10, range=(0, 1))[0].tolist()
    panel.others.setChecked(True)
    assert len(panel.roc.series()) == len(judged.findings)
    assert "images" in panel.bars.accessibleDescription()
