"""Start of the window: application, settings, project, and the hook that keeps the window when we have a fault."""

import argparse
import faulthandler
import logging
import logging.handlers
import os
import platform
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import platformdirs
from PySide6.QtWidgets import QApplication

import trainer
from cxr_desktop import theme
from cxr_desktop.collector import Collector
from cxr_desktop.main_window import NAME, MainWindow
from cxr_desktop.moved_images import MovedImages
from cxr_desktop.notices import ERROR, Notice
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings

EXAMPLE = "examples:\n  cxr-desktop lungs.cxr\n  cxr-desktop --demo\n  cxr-desktop chest.dcm another.png"
Opened = Callable[[MainWindow], None]


def main(argv: Sequence[str] | None = None, opened: Opened = lambda window: None) -> int:
    """Open the window on what is named: a project, a run, files. `opened` is called once the window is on screen."""
    options = _parsed(argv)
    if options.if_display and not _has_display():
        place = options.paths[0] if options.paths else Path.cwd()
        _say(f"{NAME} has no display to open its window on. The result lies in {place}.")
        for report in sorted(place.glob("runs/*/report.html")):
            _say(f"Report: {report}")
        return 0
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName(NAME)
    application.setApplicationVersion(trainer.__version__)
    settings = Settings()
    theme.apply(application, settings.text("theme", "system"))
    project = Project(settings)
    window = MainWindow(project)
    project.settled.connect(window.notices.settle)
    MovedImages(project, window)
    collector = Collector(application)
    log = _logging()
    sys.excepthook = _fault_hook(window, log)
    window.show()
    if options.paths and not options.check:
        window.open_paths([path.absolute() for path in options.paths])
    if options.demo:
        window.demo.start()
    if options.check:
        _check(window, options)
    opened(window)
    try:
        return application.exec()
    finally:
        sys.excepthook = sys.__excepthook__
        project.finish()
        collector.stop()
        collector.deleteLater()
        window.deleteLater()
        project.deleteLater()


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cxr-desktop",
        description="Build, judge and explain chest X-ray classifiers. For teaching and research, not for diagnosis.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PROJECT|RUN|FILES", help="project, run, radiographs, folder")
    parser.add_argument("--demo", action="store_true", help="make the demo and show it")
    parser.add_argument("--check", type=Path, metavar="OUT", help="go through the main job on a copy of PROJECT; tell in OUT")
    parser.add_argument("--if-display", action="store_true", help="without a display, say so and end well")
    parser.add_argument("--version", action="version", version=f"cxr-desktop {trainer.__version__}")
    options = parser.parse_args(argv)
    if options.check and len(options.paths) != 1:
        parser.error("--check needs one project, for example: cxr-desktop --check out demo/demo.cxr")
    return options


def _check(window: MainWindow, options: argparse.Namespace) -> None:
    """The window works by itself, as somebody would who tries whether it works here."""
    from cxr_desktop.check import Check

    options.check.mkdir(parents=True, exist_ok=True)
    Check(window, options.check.absolute(), options.paths[0].absolute())


def _has_display() -> bool:
    """Whether a window can be shown; Windows and macOS always have a display."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _say(text: str) -> None:
    if sys.stdout is not None:  # a windowed program on Windows has none
        sys.stdout.write(text + "\n")


def _logging() -> Path:
    """Faults are written to a file, those of native code too, which end the program without a word on the screen."""
    path = platformdirs.user_log_path("cxr-desktop", appauthor=False) / "faults.log"
    logger = logging.getLogger("cxr_desktop")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = logging.handlers.RotatingFileHandler(path, maxBytes=1_000_000, backupCount=1, delay=True, encoding="utf-8")
    except OSError:  # a read-only home: the window itself still tells
        return path
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.addHandler(writer)
    if sys.stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable()
    return path


def _fault_hook(window: MainWindow, log: Path) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """A fault of ours: log it and tell it; the window stays."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        details = _details(kind, error, trace)
        logging.getLogger("cxr_desktop").error(details)
        window.project.noticed.emit(
            Notice(
                ERROR,
                f"A fault of the program: {_short(error)}.",
                f"It was written to {log}",
                "Nothing of yours is lost and you can go on. Please copy the details and report them.",
                details,
            )
        )

    return tell


def _short(error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__} {error}".split())
    return text if len(text) <= 200 else text[:200] + "…"


def _details(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    versions = f"{NAME} {trainer.__version__}, Python {platform.python_version()}, {platform.platform()}"
    return versions + "\n" + "".join(traceback.format_exception(kind, error, trace))
