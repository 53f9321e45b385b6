"""A picture of every page in its states: `python -m tests.tour OUT` walks the window and says what is cut off or overlaps.

It is walked on the demo (made, or named with --project) and on real radiographs where they are (CXR_TEST_DATA, or --real),
light and dark, at 1280x800 and 1024x700, at one and at two pixels to a point, on a screen of its own (Xvfb) where there is
none. OUT/pictures/STATE.SIZE.THEME.SCALE.png are to be looked at by a person; OUT/problems-SCALE.txt is what a machine can see,
and OUT/readme has the four pictures of README.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZES = ((1280, 800), (1024, 700))
THEMES = ("light", "dark")
SCALES = (1, 2)
README = {
    "dataset-one-selected": "dataset",
    "train-finished-run": "train",
    "evaluate-threshold-moved": "evaluate",
    "review-many-beside": "review",
}
"""States that illustrate README, and the names of their pictures."""
WIDTH = 900


def main(argv: Sequence[str] | None = None) -> int:
    """Take the pictures; 1 if anything is wrong with them."""
    options = _parsed(argv)
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    if options.scale:
        return _walk(options, out)
    with _screen():
        from tests import tour_projects

        demo = options.project or tour_projects.demo(_fresh(out / "projects"))
        real = options.real or _real(out / "projects")
        if real is None:
            print("No real radiographs here: set CXR_TEST_DATA, or name a project with --real.")
        words = [
            sys.executable,
            "-m",
            "tests.tour",
            out,
            "--project",
            demo.absolute(),
            *(["--real", real.absolute()] if real else []),
        ]
        words += ["--rooms", *options.rooms] if options.rooms else []
        codes = []
        for scale in (1,) if options.quick else SCALES:
            more = ["--scale", scale, *(["--quick"] if options.quick else [])]
            environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": "xcb"}
            codes.append(subprocess.run([str(word) for word in [*words, *more]], env=environment, cwd=ROOT).returncode)
    return max(codes)


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tour", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--project", type=Path, metavar="DEMO.cxr", help="the demo; without it, it is made")
    parser.add_argument("--real", type=Path, metavar="DARKCOVID.cxr", help="a project of real radiographs")
    parser.add_argument("--rooms", nargs="*", default=[], help="only these: home, dataset, bringing_in, training, ...")
    parser.add_argument("--quick", action="store_true", help="light, 1280x800 and one pixel to a point only")
    parser.add_argument("--scale", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _real(folder: Path) -> Path | None:
    from tests import tour_projects

    data = Path(os.environ.get("CXR_TEST_DATA") or ROOT.parent / "shared" / "data")
    images = data / "darkcovid"
    return tour_projects.real(_fresh(folder / "real"), images) if images.is_dir() else None


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _screen() -> Iterator[None]:
    """A screen: the one that is there, or one of our own."""
    if os.environ.get("DISPLAY") or sys.platform in ("win32", "darwin"):
        yield
        return
    read, write = os.pipe()
    words = ["Xvfb", "-displayfd", str(write), "-screen", "0", "2600x1700x24", "-nolisten", "tcp"]
    server = subprocess.Popen(words, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as said:
        os.environ["DISPLAY"] = f":{said.readline().strip()}"
    try:
        yield
    finally:
        server.terminate()
        server.wait()


class Camera:
    """Takes a window or dialog in every theme and size, and writes down what is wrong with it."""

    def __init__(self, out: Path, scale: int, *, quick: bool) -> None:
        self.pictures = out / "pictures"
        self.readme = out / "readme"
        for folder in (self.pictures, self.readme):
            folder.mkdir(exist_ok=True)
        self.scale = scale
        self.themes, self.sizes = (THEMES[:1], SIZES[:1]) if quick else (THEMES, SIZES)
        self.problems: list[str] = []
        self.taken = 0

    def shoot(self, user: object, name: str) -> None:
        """Take what is on top now, and leave it as it was found."""
        from PySide6.QtWidgets import QApplication

        from cxr_desktop import theme

        for chosen in self.themes:
            theme.apply(QApplication.instance(), chosen)
            for size in self.sizes if user.top() is user.window else (None,):
                self._take(user, name, chosen, size)
        theme.apply(QApplication.instance(), self.themes[0])
        user.window.resize(*self.sizes[0])

    def _take(self, user: object, name: str, chosen: str, size: tuple[int, int] | None) -> None:
        from tests import tour_looks

        top = user.top()
        if size:
            user.window.resize(*size)
        user.qtbot.wait(120)
        user.until(lambda: not user.project.jobs.busy() or user.project.training.active(), "the work to end")
        user.qtbot.wait(60)
        title = f"{name}.{f'{size[0]}x{size[1]}' if size else 'dialog'}.{chosen}.{self.scale}x"
        picture = top.grab()
        picture.save(str(self.pictures / f"{title}.png"))
        self.taken += 1
        told = tour_looks.problems(top)
        if size is None and (top.width() > SIZES[1][0] or top.height() > SIZES[1][1]):
            told.append(f"larger than a small screen: {top.width()} x {top.height()}")
        self.problems += [f"{title}: {one}" for one in told]
        if name in README and chosen == "light" and size == SIZES[0] and self.scale == 2:
            _small(self.pictures / f"{title}.png", self.readme / f"{README[name]}.jpg")


def _small(picture: Path, path: Path) -> None:
    """A picture for README: narrow, so that it is small; with all its colours, as those of heat maps mean something."""
    from PIL import Image

    whole = Image.open(picture).convert("RGB")
    small = whole.resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS)
    small.save(path, quality=84, subsampling=0, optimize=True, progressive=True)


class LateError(Exception):
    """A condition did not come true."""


class Pilot:
    """What a `User` needs of pytest-qt, without pytest."""

    TimeoutError = LateError

    def wait(self, milliseconds: int) -> None:
        """Let the window work."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def waitUntil(self, condition: Callable[[], bool], timeout: int) -> None:  # noqa: N802 - as pytest-qt calls it
        """Wait until it is so."""
        end = time.monotonic() + timeout / 1000
        while not condition():
            if time.monotonic() > end:
                raise LateError
            self.wait(20)


def _walk(options: argparse.Namespace, out: Path) -> int:
    """In a process of its own: the scale is chosen before there is an application."""
    home = Path(tempfile.mkdtemp(prefix="tour-"))
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        os.environ[name] = str(home)
    camera = Camera(out, options.scale, quick=options.quick)
    failed: list[str] = []
    try:
        _go(options, home, camera, failed)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    said = [*failed, *dict.fromkeys(camera.problems)]
    (out / f"problems-{options.scale}x.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
    print(f"{camera.taken} pictures at {options.scale}x, {len(said)} problems:", *said, sep="\n")
    return int(bool(said))


def _go(options: argparse.Namespace, home: Path, camera: Camera, failed: list[str]) -> None:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from cxr_desktop import app
    from cxr_desktop.main_window import MainWindow
    from tests.journeys.window import User
    from tests.tour_projects import copied
    from tests.tour_rooms import ROOMS, Guide

    demo = home / "demo" / "demo.cxr"
    shutil.copytree(options.project.parent, demo.parent)
    real = copied(options.real, home) if options.real else None
    data = Path(os.environ.get("CXR_TEST_DATA") or ROOT.parent / "shared" / "data")
    dicom = next(iter(sorted((data / "dicom").glob("chest_CR*.dcm"))), None)

    def opened(window: MainWindow) -> None:
        QTimer.singleShot(0, lambda: walk(window))

    def walk(window: MainWindow) -> None:
        user = User(Pilot(), window)
        guide = Guide(user, home, demo, real, dicom, lambda name: camera.shoot(user, name))
        for name in options.rooms or ROOMS:
            since = time.monotonic()
            try:
                ROOMS[name](guide)
            except BaseException:  # noqa: BLE001 - the other rooms are walked all the same
                failed.append(f"room {name}: {traceback.format_exc()}")
                window.grab().save(str(camera.pictures / f"failed-{name}.png"))
                while (dialog := QApplication.activeModalWidget()) is not None and dialog.isVisible():
                    dialog.hide()
            print(f"{name}: {time.monotonic() - since:.0f} s", flush=True)
            window.notices.clear()
        QApplication.exit(0)

    app.main([], opened)


if __name__ == "__main__":
    sys.exit(main())
