"""Start of the window: application, settings, project, and the hook that keeps the window when we have a fault."""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from cxr_desktop.main_window import MainWindow

NAME = "CXR Desktop"


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, on a project if one is named."""
    options = _parsed(argv)
    if options.if_display and not _has_display():
        _say(f"{NAME} has no display to open its window on. The result lies in {options.project or Path.cwd()}.")
        for report in sorted((options.project or Path()).glob("runs/*/report.html")):
            _say(f"Report: {report}")
        return 0
    application = QApplication.instance() or QApplication(sys.argv[:1])
    application.setApplicationName(NAME)
    window = MainWindow()
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    sys.excepthook = _kept_open
    window.show()
    if options.project:
        window.open_project(options.project)
    return application.exec()


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cxr-desktop", description="Look at a project. For teaching and research, not for diagnosis."
    )
    parser.add_argument("project", nargs="?", type=Path, metavar="PROJECT", help="project folder NAME.cxr")
    parser.add_argument("--if-display", action="store_true", help="without a display, say so and end well")
    return parser.parse_args(argv)


def _has_display() -> bool:
    """Whether a window can be shown; Windows and macOS always have a display."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _say(text: str) -> None:
    if sys.stdout is not None:  # a windowed program on Windows has none
        sys.stdout.write(text + "\n")


def _kept_open(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A fault of ours: log it and tell it; the window stays."""
    logging.getLogger(__name__).error("unexpected fault", exc_info=(kind, error, trace))
    if issubclass(kind, KeyboardInterrupt):
        QApplication.quit()
        return
    box = QMessageBox(QMessageBox.Icon.Critical, NAME, f"A fault of the program: {error!r}\n\nNothing of yours is lost.")
    box.setDetailedText(_details(kind, error, trace))
    box.exec()


def _details(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    return "".join(traceback.format_exception(kind, error, trace))
