"""One run, live: how it stands and how far it is, its curves, notes, settings and console."""

import time
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QTabWidget, QToolButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.jobs import Job
from cxr_desktop.project import Project
from cxr_desktop.status_bar import Elided
from cxr_desktop.training import spans
from cxr_desktop.training.run_actions import RunActions
from cxr_desktop.training.run_charts import RunCharts
from cxr_desktop.training.run_details import Console, Differences, Notes, end_of
from trainer import comparison, files, runs
from trainer.course import Course, Summary
from trainer.errors import TrainerError
from trainer.runs import Run, Status

REDRAW = 250
"""Milliseconds between two drawings of curves that grow."""


class RunView(QWidget):
    """Shows `Summary` and follows the run's history as long as it is shown. All work on the run is done by `actions`."""

    def __init__(self, project: Project, actions: RunActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._actions = actions
        self._shown: Summary | None = None
        self._course = Course()
        self._metric = ""
        self._stale = False
        self._facts: Job | None = None
        self._log: Job | None = None
        self._timer = QTimer(self, interval=REDRAW)
        self._timer.timeout.connect(self._draw)
        self._make()
        self._lay_out()
        training = project.training
        training.begun.connect(self._begun)
        training.events.connect(self._took)
        training.status_changed.connect(self._stands)
        training.ended.connect(self._stands)
        project.closed.connect(lambda: self.show_run(None))

    @property
    def run(self) -> Run | None:
        """The run that is shown."""
        return Run(self._shown.folder) if self._shown else None

    def show_run(self, one: Summary | None) -> None:
        """Show a run, or none. The same run again only says how it stands."""
        if one and self._shown and one.folder == self._shown.folder:
            self._shown = one
            self.refresh()
            return
        if self.run:
            self._project.training.unfollow(self.run)
        self._shown = one
        self._metric = one.metric if one else ""
        self._clear()
        if self.run and one:
            self.name.say(one.name)
            self._course = self._project.training.follow(self.run)
            self._ask_facts(self.run)
            self.refresh()

    def refresh(self) -> None:
        """Say again how the run stands and what can be done with it."""
        if self._shown:
            self._stands(str(self._shown.folder))

    # Parts

    def _make(self) -> None:
        self.name = Elided()
        font = theme.heading("", level=2).font()
        self.name.setFont(font)
        self.state = Elided()
        self.facts = theme.muted()
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the training")
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(self.fontMetrics().height())
        self.times = theme.muted()
        self.charts = RunCharts(self)
        self.notes = Notes()
        self.settings = Differences()
        self.console = Console()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("What is shown of the run")
        for part, title in (
            (self.charts.curves, "Curves"),
            (self.charts.pace, "Rate and speed"),
            (self.notes, "Notes"),
            (self.settings, "Settings"),
            (self.console, "Console"),
        ):
            self.tabs.addTab(part, title)
        self.tabs.currentChanged.connect(lambda: self._changed())
        self.buttons = {
            action: _button(action)
            for action in (
                self._actions.stop,
                self._actions.cancel,
                self._actions.resume,
                self._actions.evaluate,
                self._actions.report,
                self._actions.bag,
            )
        }
        for action, button in self.buttons.items():
            action.changed.connect(lambda action=action, button=button: button.setVisible(self._offers(action)))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        for button in self.buttons.values():
            row.addWidget(button)
        progress = QHBoxLayout()
        progress.addWidget(self.bar, 1)
        progress.addWidget(self.times, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(row)
        column.addWidget(self.state)
        column.addWidget(self.facts)
        column.addLayout(progress)
        column.addWidget(self.tabs, 1)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Draw what came in the meantime."""
        super().showEvent(event)
        self._changed()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Nobody looks: nothing is drawn."""
        super().hideEvent(event)
        self._timer.stop()

    # What happens to the run

    def _mine(self, folder: str) -> bool:
        return self._shown is not None and str(self._shown.folder) == folder

    def _begun(self, folder: str) -> None:
        if self._mine(folder) and self.run:
            self._course = self._project.training.course(self.run)
            self.charts.clear()
            self.notes.clear()
            self._ask_facts(self.run)
            self._changed()

    def _took(self, folder: str, events: object) -> None:
        if self._mine(folder):
            self._stale = True
            if self.isVisible() and not self._timer.isActive():
                self._timer.start()

    def _stands(self, folder: str, status: Status | None = None) -> None:
        """Say how it stands, and offer what can be done."""
        run = self.run
        if not self._mine(folder) or run is None or self._shown is None:
            return
        training = self._project.training
        known = status or training.status(run) or self._shown.status
        if training.is_active(run) and known.state != "running":
            task = training.task(run)
            self.state.say(f"{task.label if task else 'Starting'}: the trainer loads its libraries")
        else:
            self.state.say(known.words[:1].upper() + known.words[1:])
        role = {"failed": "error", "crashed": "error", "damaged": "error", "finished": "good"}.get(known.state, "")
        theme.restyled(self.state, role)
        for action, button in self.buttons.items():
            button.setVisible(self._offers(action))
        self._changed()

    def _offers(self, action: QAction) -> bool:
        return self._shown is not None and action.isEnabled()

    # Drawing

    def _clear(self) -> None:
        self._course = Course()
        for part in (self.charts, self.notes):
            part.clear()
        self.console.show_text("")
        for label in (self.facts, self.times):
            label.setText("")
        for words in (self.name, self.state):
            words.say("")
        for button in self.buttons.values():
            button.hide()

    def _changed(self) -> None:
        self._stale = True
        if self.isVisible() and self._shown:
            self._draw()
            self._timer.start()

    def _draw(self) -> None:
        """Bring what is seen up to date; the timer goes on as long as time passes for the run."""
        run = self.run
        if run is None:
            self._timer.stop()
            return
        active = self._project.training.is_active(run)
        if self._stale:
            self._stale = False
            self._draw_tab()
        elif not active:
            self._timer.stop()
        self._draw_progress(active=active)

    def _draw_tab(self) -> None:
        course, tab = self._course, self.tabs.currentWidget()
        self.notes.show_log(course.log)
        if tab in (self.charts.curves, self.charts.pace):
            self.charts.show_course(course, self._metric)
        elif tab is self.console and self.run and (self._log is None or not self._log.running):
            path = self.run.console
            self._log = self._project.run(lambda progress: end_of(path), self.console.show_text, owner=self)

    def _draw_progress(self, *, active: bool) -> None:
        course, now = self._course, time.time()
        done, total = course.progress()
        for part in (self.bar, self.times):
            part.setVisible(active)
        if active:
            self.bar.setRange(0, total)
            self.bar.setValue(done)
        left, elapsed = course.remaining(now), course.elapsed(now if active else None)
        words = [course.sentence()]
        words += [f"{spans.duration(left)} left"] if left is not None else []
        words += [f"{spans.duration(elapsed)} so far"] if elapsed else []
        self.times.setText(" · ".join(word for word in words if word))
        facts = [runs.event_words(course.started)] if course.started else []
        if elapsed >= 1 and not active:
            facts.append(f"{spans.duration(elapsed)} of training.")
        self.facts.setText(" ".join(facts))
        self.facts.setVisible(bool(facts))

    def _ask_facts(self, run: Run) -> None:
        """Read the configuration, in a job."""
        if not files.is_file(run.folder / "config.json"):
            return  # it begins once there is one

        def read(progress: object) -> tuple[dict[str, Any], tuple[comparison.Difference, ...]]:
            about = run.about()
            return about, comparison.from_recipe(about)

        if self._facts:
            self._facts.cancel()
        self._facts = self._project.run(read, self._show_facts, self._show_damage, owner=self)

    def _show_facts(self, found: tuple[dict[str, Any], tuple[comparison.Difference, ...]]) -> None:
        about, differences = found
        self._metric = str(about.get("config", {}).get("choice.metric", ""))
        self.settings.show_recipe(str(about.get("recipe", "")), differences)
        self.charts.clear()
        self._changed()

    def _show_damage(self, error: TrainerError) -> None:
        self.state.say(str(error))
        theme.restyled(self.state, "error")


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setAccessibleName(action.text().replace("&", ""))
    return button
