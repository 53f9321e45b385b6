"""One run as it is seen: finished, live, crashed, resumed; and a history of 100,000 batches."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.project import Project
from cxr_desktop.training import run_charts
from cxr_desktop.training.run_actions import RunActions
from cxr_desktop.training.run_charts import RunCharts
from cxr_desktop.training.run_details import Console, Differences, Notes, end_of
from cxr_desktop.training.run_view import RunView
from trainer.comparison import Difference
from trainer.course import Course, Summary, summary
from trainer.runs import Run, Status

from .scenes import STARTED, batch, epoch, make_run, terminal


@pytest.fixture
def view(qtbot: QtBot, opened: Project) -> Iterator[RunView]:
    page = QWidget()
    actions = RunActions(opened, page)
    made = RunView(opened, actions, page)
    qtbot.addWidget(page)
    page.resize(700, 500)
    made.resize(700, 500)
    page.show()
    yield made
    page.close()


def _show(view: RunView, run: Run) -> None:
    one = summary(run)
    view._actions.set_runs([one])
    view.show_run(one)


def _offered(view: RunView) -> set[str]:
    return {
        button.accessibleName() for button in view.findChildren(QToolButton) if button.isVisible() and button.defaultAction()
    }


def test_a_finished_run(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "one", {"optimiser.lr": 1e-2})
    run.best.write_bytes(b"weights")
    _show(view, run)
    qtbot.waitUntil(lambda: "Macro F1" in view.charts.metrics.series())
    assert view.name.whole == "one"
    assert view.state.whole == "Finished after 2 epochs"
    assert view.facts.text().startswith("On Test CPU in fp32, batches of 8; 16 training and 4 validation images.")
    assert set(view.charts.loss.series()) == {"Batches", "Batches, smoothed", "Train", "Validation"}
    qtbot.waitUntil(lambda: view.charts.metrics.markers() == {"Kept: epoch 2, Macro F1 0.400": (2, 0.4)})
    assert not view.bar.isVisible()
    assert _offered(view) == {"Evaluate", "Report"}


def test_its_words_stand_in_the_other_tabs(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "one", {"optimiser.lr": 1e-2})
    run.console.write_text("first line\nlast line\n")
    _show(view, run)
    qtbot.waitUntil(lambda: "Finished after 2 epochs." in view.notes.toPlainText())
    assert "Epoch 1 of 4: loss 1.000" in view.notes.toPlainText()
    view.tabs.setCurrentWidget(view.settings)
    qtbot.waitUntil(lambda: view.settings.table.rowCount() == 2)
    rows = [[view.settings.table.item(row, column).text() for column in range(3)] for row in range(2)]
    assert ["Learning rate", "0.005", "0.01"] in rows
    assert view.settings.words.text() == "2 settings of this run differ from the recipe 'scratch'."
    view.tabs.setCurrentWidget(view.console)
    qtbot.waitUntil(lambda: view.console.toPlainText() == "first line\nlast line")


def test_a_run_of_a_terminal_has_no_console(qtbot: QtBot, view: RunView, opened: Project) -> None:
    _show(view, make_run(opened.folder, "one"))
    view.tabs.setCurrentWidget(view.console)
    qtbot.waitUntil(lambda: view.console.placeholderText().startswith("There is no console.log"))


def test_a_live_run_moves_and_ends(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "live", end="")
    with terminal(run) as other:
        qtbot.waitUntil(lambda: opened.training.is_active(run))
        _show(view, run)
        qtbot.waitUntil(lambda: view.state.whole == "Running in epoch 3 of 4")
        assert _offered(view) == {"Stop and keep", "Cancel training…"}
        other.write("batch", 5)
        qtbot.waitUntil(lambda: view.bar.value() == 5)
        assert view.bar.maximum() == 8
        assert "left" in view.times.text()
        assert "so far" in view.times.text()
        assert view.charts.loss.description().count("Batches")
        other.kill()
        qtbot.waitUntil(lambda: view.state.whole.startswith("Crashed in epoch 3 of 4"))
    qtbot.waitUntil(lambda: not opened.training.active())
    assert view.state.property("role") == "error"
    view._actions.set_runs([summary(run)])  # as the list does
    assert _offered(view) == {"Resume"}
    assert not view.bar.isVisible()


def test_images_being_read_are_counted(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "live", epochs=0, end="")
    with terminal(run):
        qtbot.waitUntil(lambda: opened.training.is_active(run))
        _show(view, run)
        run.append("reading", done=30, total=120)
        qtbot.waitUntil(lambda: view.times.text() == "Reading images: 30 of 120")
        assert (view.bar.value(), view.bar.maximum()) == (30, 120)


def test_what_was_done_again_replaces_what_was_lost(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "one", epochs=3, end="")
    _show(view, run)
    qtbot.waitUntil(lambda: view._course.batches() == 6)
    run.append("started", **{**STARTED, "epoch": 1, "step": 2})
    batch(run, 3)
    qtbot.waitUntil(lambda: view._course.batches() == 3)
    assert [event["epoch"] for event in view._course.epochs] == [1]
    qtbot.waitUntil(lambda: "Resumed in epoch 2." in view.notes.toPlainText())


def test_a_run_that_only_starts_says_what_it_waits_for(view: RunView, opened: Project) -> None:
    run = Run(opened.folder / "runs" / "soon")
    opened.training._add_task(str(run.folder), "Starting soon")
    view.show_run(Summary(run.folder, Status("new", "starting")))
    assert view.state.whole == "Starting soon: the trainer loads its libraries"
    assert (view.bar.minimum(), view.bar.maximum()) == (0, 0)  # it moves, and does not say how far
    assert view.charts.loss.description() == "Drawn from the first batch on."


def test_another_run_leaves_nothing_of_the_first(qtbot: QtBot, view: RunView, opened: Project) -> None:
    first, second = make_run(opened.folder, "one"), make_run(opened.folder, "two", epochs=0, end="")
    _show(view, first)
    qtbot.waitUntil(lambda: view._course.batches() == 4)
    _show(view, second)
    assert view.name.whole == "two"
    assert view.charts.loss.series() == ()
    assert view.notes.toPlainText() == ""
    view.show_run(None)
    assert view.run is None
    assert _offered(view) == set()


def test_a_damaged_run_says_so(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "one")
    (run.folder / "config.json").write_text("{")
    _show(view, run)
    qtbot.waitUntil(lambda: "damaged" in view.state.whole)
    assert view.state.property("role") == "error"


def test_closing_the_project_empties_the_view(qtbot: QtBot, view: RunView, opened: Project) -> None:
    _show(view, make_run(opened.folder, "one"))
    opened.close()
    assert view.run is None
    assert view.charts.loss.series() == ()


def test_nothing_is_drawn_while_nobody_looks(qtbot: QtBot, view: RunView, opened: Project) -> None:
    run = make_run(opened.folder, "one", end="")
    _show(view, run)
    qtbot.waitUntil(lambda: view._course.batches() == 4)
    view.hide()
    shown = view.charts._shown
    batch(run, 5)
    qtbot.waitUntil(lambda: view._course.batches() == 5)
    assert not view._timer.isActive()
    # Under load it was once told again from its beginning: the charts are wiped then, which is not drawing.
    assert view.charts._shown in (shown, (-1, 0.0))
    view.show()
    assert view.charts._shown not in (shown, (-1, 0.0))


def test_a_hundred_thousand_batches_do_not_slow_it(qtbot: QtBot) -> None:
    """CPU time of drawing, which other programs do not lengthen: a fixed part of a redraw's 250 ms."""
    charts = RunCharts()
    for part in (charts.curves, charts.pace):
        qtbot.addWidget(part)
    course = Course()
    course.add([{"time": 0.0, "kind": "started", **STARTED, "steps_per_epoch": 1_000}])
    events = [
        {"time": step / 4, "kind": "batch", "step": step, "loss": 1 / step, "lr": 1e-3, "images_per_second": 9.0, "eta": 1.0}
        for step in range(1, 100_001)
    ]
    start = time.process_time()
    for first in range(0, len(events), 2_000):
        course.add(events[first : first + 2_000])
    piece = (time.process_time() - start) / 50
    start = time.process_time()
    charts.show_course(course, "macro_f1")
    drawn = time.process_time() - start
    assert course.batches() == 100_000
    assert piece < 0.05
    assert drawn < 0.1


def test_charts_draw_only_what_is_new(qtbot: QtBot, tmp_path: Path) -> None:
    charts = RunCharts()
    for part in (charts.curves, charts.pace):
        qtbot.addWidget(part)
    run, course = make_run(tmp_path, "one", end=""), Course()
    course.add(run.events())
    charts.show_course(course, "macro_f1")
    charts.loss.remove_series(run_charts.RAW)
    charts.show_course(course, "macro_f1")
    assert run_charts.RAW not in charts.loss.series()  # nothing had happened
    epoch(run, 3, 0.9)
    course.add(run.events()[-1:])
    charts.show_course(course, "macro_f1")
    assert run_charts.RAW in charts.loss.series()
    assert charts.metrics.markers() == {"Kept: epoch 3, Macro F1 0.900": (3, 0.9)}


def test_the_loss_can_be_what_chooses(qtbot: QtBot, tmp_path: Path) -> None:
    charts = RunCharts()
    for part in (charts.curves, charts.pace):
        qtbot.addWidget(part)
    course = Course()
    course.add(make_run(tmp_path, "one").events())
    charts.show_course(course, "loss")
    assert charts.loss.markers() == {"Kept: epoch 2, Loss 0.550": (2, 0.55)}
    assert charts.metrics.markers() == {}


def test_notes_are_added_not_written_again(qtbot: QtBot) -> None:
    notes = Notes()
    qtbot.addWidget(notes)
    notes.show_log([(1.7e9, "one")])
    notes.show_log([(1.7e9, "one"), (1.7e9, "two")])
    assert [line.partition("  ")[2] for line in notes.toPlainText().splitlines()] == ["one", "two"]
    notes.show_log([(1.7e9, "other")])
    assert notes.toPlainText().endswith("other")
    assert len(notes.toPlainText().splitlines()) == 1
    notes.show_log([(1.7e9, "other"), (1.7e9, "accuracy 0.5, macro_f1 0.25, macro_f1x")])
    assert notes.toPlainText().endswith("accuracy 0.5, Macro F1 0.25, macro_f1x"), "figures by their names"


def test_the_console_shows_the_end_of_a_long_file(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    assert end_of(path) is None
    path.write_text("".join(f"line {number}\n" for number in range(20_000)))
    text = end_of(path)
    assert text is not None
    assert len(text) < 64_000
    assert text.splitlines()[0].startswith("line ")
    assert text.endswith("line 19999")
    console = Console()
    qtbot.addWidget(console)
    console.resize(300, 100)
    console.show_text(text)
    assert console.verticalScrollBar().value() == console.verticalScrollBar().maximum()


def test_differences_say_when_there_are_none(qtbot: QtBot) -> None:
    part = Differences()
    qtbot.addWidget(part)
    part.show_recipe("quick", [])
    assert part.words.text() == "All settings are those of the recipe 'quick'."
    assert part.table.isHidden()
    part.show_recipe("", [Difference("seed", "Seed", ("1", "2"))])
    assert part.words.text() == "1 setting of this run differs from the defaults."
    assert not part.table.isHidden()
