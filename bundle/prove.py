"""Proof that a bundle works where there is no Python: `python -m bundle.prove FOLDER [--project PROJECT] [--out OUT]`.

A read-only copy does the main job in the window by itself and the trainer's verbs after it, with empty user folders and without
this computer's Python. Exit status 0 only if all of it was done. OUT then holds the pictures of the pages and check.json.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bundle import sizes, symbols
from bundle.screen import Onlooker, VirtualScreen
from bundle.sealed import Sealed

ROOT = Path(__file__).parent.parent
STEPS = ["open", "train", "evaluate", "review"]
LONGEST = 1800
"""Seconds after which a program is taken to hang."""
SHADES = 32
"""A picture with fewer colours than this is blank."""


class Failed(RuntimeError):  # noqa: N818 - the word that is printed
    """A step of the proof did not do what it should."""


class Proof:
    """The steps; each prints one line when it is done and raises `Failed` if it is not."""

    def __init__(self, sealed: Sealed, work: Path, display: str) -> None:
        self.sealed, self.work = sealed, work
        self.environment = _clean_environment(work, display)
        self._foreign: set[str] = set()
        self._handed_on: set[str] = set()

    def run(self, name: str, *words: object, wanted: int = 0) -> str:
        """One program of the bundle, to its end. Returns what it printed."""
        command = [self.sealed.program(name), *(str(word) for word in words)]
        since = time.perf_counter()
        with self._watched():
            done = subprocess.run(
                command, env=self.environment, cwd=self.work, stdin=subprocess.DEVNULL,
                capture_output=True, encoding="utf-8", errors="replace", timeout=LONGEST, check=False,
            )  # fmt: skip
        shown = " ".join([name, *(str(word) for word in words if Path(str(word)).name == str(word))])
        if done.returncode != wanted:
            raise Failed(f"{shown}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        if "Traceback" in done.stderr:
            raise Failed(f"{shown}: {done.stderr}")
        _say(f"{shown}: {time.perf_counter() - since:.1f} s")
        return done.stdout

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note from where the running programs load libraries."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.25):
                self._foreign.update(self.sealed.outside())
                self._handed_on.update(self.sealed.handed_on("cxr-trainer") & {"QT_PLUGIN_PATH", "LD_LIBRARY_PATH_ORIG"})

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def main_job(self, project: Path | None, out: Path) -> Path:
        """The window does the main job on a project (a small demo if none is given). Returns the run."""
        if project is None:
            made = json.loads(self.run("cxr-trainer", "demo", self.work / "demo", "--images", 160, "--json").splitlines()[-1])
            project = next(self.work.glob("demo/*.cxr"))
            _expect(bool(made), "the demo says what it made")
        try:
            self.run("cxr-desktop", "--check", out, project)
        finally:
            told = _told(out / "check.json")
            print(told["problem"], end="")
        _expect([step["step"] for step in told["steps"]] == STEPS and not told["problem"], f"all steps were done: {told}")
        for step in told["steps"]:
            _say(f"  {step['step']}: {step['seconds']} s")
        pictures = sorted(out.glob("[0-9]*.png"))
        _expect(len(pictures) >= len(STEPS) and not [path.name for path in pictures if _is_blank(path)], "no picture is blank")
        return next(out.glob("*.cxr")) / "runs" / "check"

    def verbs(self, run: Path, dicom: Path) -> None:
        """The trainer by itself: what needs no network, and what does, on what the window made."""
        _expect("usage" in self.run("cxr-trainer", "--help"), "help is printed")
        _expect("scratch" in self.run("cxr-trainer", "recipes"), "the recipes came along")
        _expect("cpu" in self.run("cxr-trainer", "devices"), "a device is found")
        out = self.work / "results"
        out.mkdir()
        said = json.loads(self.run("cxr-trainer", "predict", run, dicom, "--csv", out / "all.csv", "--json").splitlines()[-1])
        _expect(bool(said) and (out / "all.csv").is_file(), "a prediction is made")
        self.run("cxr-trainer", "explain", run, dicom, "--out", out / "maps")
        _expect(any(not _is_blank(path) for path in (out / "maps").rglob("*.png")), "a heat map is drawn")
        self.run("cxr-trainer", "report", run, "--out", out / "report.html")
        _expect("<svg" in (out / "report.html").read_text(encoding="utf-8"), "the report has its figures")
        self.run("cxr-trainer", "show", self.work / "absent.cxr", wanted=2)

    def aftermath(self) -> None:
        """Nothing is left, nothing was changed, and nothing came from this computer's Python."""
        _expect(not (left := self.sealed.left_behind()), f"no process is left behind {left or ''}")
        _expect(not (changed := self.sealed.changes()), f"nothing was written into its own folder {changed or ''}")
        _expect(not self._handed_on, f"what the window started was not told of its libraries {self._handed_on or ''}")
        here = [path for path in self._foreign if any(Path(path).is_relative_to(place) for place in _development())]
        _expect(not here, f"nothing was loaded from this computer's Python {here or ''}")
        print("   loaded from the system: " + (", ".join(sorted({Path(path).name for path in self._foreign})) or "not known"))
        # torch makes an empty folder for its compiler there whenever it trains, in a bundle or not.
        files = [path.name for path in (self.work / "temp").iterdir() if not path.name.startswith("torchinductor_")]
        _expect(not files, f"nothing is left in the folder for temporary files {files or ''}")

    def start_times(self, onlooker: Onlooker, times: int) -> None:
        """From the start of the process until the window can be seen, frozen and not, in turns."""
        frozen, thawed = [self.sealed.program("cxr-desktop")], [sys.executable, "-m", "cxr_desktop"]
        plain = {**self.environment, "PYTHONPATH": str(ROOT)}
        rounds = [(onlooker.seconds(frozen, self.environment), onlooker.seconds(thawed, plain)) for _ in range(times + 1)]
        _say(f"window on the screen, very first start: bundle {rounds[0][0]:.2f} s, without freezing {rounds[0][1]:.2f} s")
        for name, column in zip(("bundle", "without freezing"), zip(*rounds[1:], strict=True), strict=True):
            print(f"   {name}: median of {times} {statistics.median(column):.2f} s ({min(column):.2f} to {max(column):.2f})")


def _clean_environment(work: Path, display: str) -> dict[str, str]:
    """Empty user folders, and no way to find this computer's Python."""
    home = work / "home"
    for folder in (home, work / "temp"):
        folder.mkdir()
    own = {name: str(home) for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")}
    own |= {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")}
    own |= {name: str(work / "temp") for name in ("TMPDIR", "TEMP", "TMP")}
    if sys.platform == "win32":
        return own | {name: os.environ[name] for name in ("SYSTEMROOT", "COMSPEC", "PATHEXT") if name in os.environ}
    kept = {name: os.environ[name] for name in ("XDG_RUNTIME_DIR", "WAYLAND_DISPLAY", "XAUTHORITY") if name in os.environ}
    return own | kept | {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **({"DISPLAY": display} if display else {})}


def _development() -> list[Path]:
    """Where Python and this project lie, except for folders that hold all else too."""
    return [place for place in (Path(sys.prefix), Path(sys.base_prefix), ROOT) if str(place) not in ("/usr", "/usr/local", "/")]


def _told(path: Path) -> dict[str, Any]:
    """What the window's check wrote of itself."""
    return (
        dict(json.loads(path.read_text(encoding="utf-8")))
        if path.is_file()
        else {"steps": [], "problem": "It wrote nothing.\n"}
    )


def _is_blank(path: Path) -> bool:
    from PIL import Image

    with Image.open(path) as picture:
        return picture.convert("RGB").getcolors(SHADES) is not None


def _expect(fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise Failed(f"not so: {what}")
    _say(what.strip())


def _say(text: str) -> None:
    print(f"ok {text}", flush=True)


def proved(options: argparse.Namespace, work: Path, screen: VirtualScreen | None) -> None:
    """All steps, on a copy. Raises `Failed`."""
    display = screen.display if screen else os.environ.get("DISPLAY", "")
    out = options.out.absolute() if options.out else work / "out"
    shutil.rmtree(out, ignore_errors=True)
    with Sealed(options.bundle, work) as sealed:
        proof = Proof(sealed, work, display)
        _say("a copy was made and is read-only")
        _expect(not (dead := sealed.dead_links()), f"no link leads nowhere {dead or ''}")
        if screen and options.times:
            proof.start_times(Onlooker(display), options.times)
        run = proof.main_job(options.project and options.project.absolute(), out)
        proof.verbs(run, out / "review.dcm")
        proof.aftermath()


def print_sizes(bundle: Path) -> None:
    """The parts of a bundle, largest first."""
    parts = sizes.measured(bundle)
    for name, room in parts:
        print(f"{room / 1e6:8.1f} MB  {name}")
    print(f"{sum(room for _, room in parts) / 1e6:8.1f} MB  altogether")
    if glibc := symbols.newest_glibc(bundle):
        print(f"needs glibc {glibc} or newer")


def parsed(argv: Sequence[str] | None) -> Any:  # noqa: ANN401 - a namespace
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="the folder that PyInstaller made, for example dist/cxr-desktop")
    parser.add_argument("--project", type=Path, help="a project to work on (a copy is made); default: a small demo")
    parser.add_argument("--out", type=Path, help="where the pictures and check.json go; default: nowhere")
    parser.add_argument("--times", type=int, default=5, help="starts that are measured (default 5, 0: none)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Prove, and say how it went."""
    options = parsed(argv)
    print_sizes(options.bundle)
    screen = VirtualScreen() if VirtualScreen.is_possible() else None
    if screen is None and sys.platform.startswith("linux") and not (os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}):
        print("Not proved: there is no display here, and no virtual one (Xvfb) is installed.")
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="bundle-") as work:
            proved(options, Path(work).resolve(), screen)
    except (Failed, TimeoutError, subprocess.TimeoutExpired) as error:
        print(f"FAILED {error}")
        return 1
    finally:
        if screen:
            screen.end()
    print("Proved: this bundle works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
