"""Judging in the window: evaluated, the threshold moved and saved and found again, the seal of the test part broken once."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from cxr_desktop.evaluation.seal import SealDialog
from tests.desktop.evaluated import type_threshold
from trainer.model_card import read_header
from trainer.runs import Run

from .window import User, Walk


def _at_run(user: User, run: Run, seconds: float = 60) -> None:
    user.page("Evaluate")
    page = user.window.pages["evaluation"]
    user.until(lambda: page.judged is not None and page.judged.evaluation is not None and not page.busy, "the figures", seconds)
    assert page.judged.run == run


def test_a_threshold_that_was_moved_and_saved_is_there_after_another_start(walk: Walk, run_folder: Path) -> None:
    run = Run(run_folder)
    finding = "Lobar pneumonia"
    before = dict(read_header(run.best).thresholds)

    def move(user: User) -> None:
        _at_run(user, run)
        panel = user.window.pages["evaluation"].tabs.findings
        user.window.pages["evaluation"].tabs.setCurrentWidget(panel)
        panel.show_finding(finding)
        type_threshold(panel.bar, "0.123")
        user.until(lambda: panel.state.text() == "● 1 not saved", "the move to be told")
        assert read_header(run.best).thresholds == before
        user.keys("Ctrl+Backspace")
        user.until(lambda: panel.state.text() == "saved", "the move to be taken back")
        type_threshold(panel.bar, "0.123")
        user.keys("Ctrl+S")
        user.note("Thresholds saved with the model.")
        user.until(lambda: panel.state.text() == "saved", "it to be saved")

    def find(user: User) -> None:
        _at_run(user, run)
        panel = user.window.pages["evaluation"].tabs.findings
        assert user.window.pages["evaluation"].tabs.currentWidget() is panel  # the tab is remembered, too
        panel.show_finding(finding)
        assert abs(panel.threshold() - 0.123) < 1e-6
        assert user.field("Threshold", QDoubleSpinBox, panel.bar).value() == 0.123

    walk(move, run.project)
    after = dict(read_header(run.best).thresholds)
    assert abs(after.pop(finding) - 0.123) < 1e-6
    assert {name: value for name, value in before.items() if name != finding} == after
    walk(find, run.project)


def test_a_moved_threshold_that_is_not_saved_waits_for_the_next_look(walk: Walk, run_folder: Path) -> None:
    run = Run(run_folder)

    def steps(user: User) -> None:
        _at_run(user, run)
        page = user.window.pages["evaluation"]
        page.tabs.setCurrentWidget(page.tabs.findings)
        type_threshold(page.tabs.findings.bar, "0.4321")
        user.page("Dataset")
        user.page("Evaluate")
        assert page.unsaved()
        user.keys("Ctrl+W")
        user.drop([run.project])
        _at_run(user, run)
        assert page.unsaved()

    walk(steps, run.project)


def test_the_test_part_is_sealed_until_it_is_opened_and_counted(walk: Walk, run_folder: Path) -> None:
    run = Run(run_folder)
    openings = run.project / "test-openings.jsonl"

    def steps(user: User) -> None:
        _at_run(user, run)
        parts = user.field("Part", QComboBox)
        parts.setFocus()
        QTest.keyClick(parts, Qt.Key.Key_End)  # the last one
        assert parts.currentData() == "test"
        user.says("The test part is sealed")
        user.click("Open the test part…")
        dialog = user.dialog(SealDialog)
        assert not dialog.open_button.isEnabled()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        user.until(lambda: user.top() is user.window, "the dialog to be gone")
        assert not openings.exists()
        user.click("Open the test part…")
        user.dialog(SealDialog)
        user.click("All choices are made: recipe, settings, epoch and thresholds.")
        user.click("Open and count it")
        user.says("Test part opened 1 time")
        user.says("Macro F1")
        assert len(openings.read_text().splitlines()) == 1

    walk(steps, run.project)
