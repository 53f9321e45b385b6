"""How fast a large folder is imported, beside only reading and hashing its files with as many processes.

    python benchmarks/import_speed.py [--images 200000] [--rounds 3] [--folder FOLDER]

The folder (made in a temporary place, or kept in FOLDER) holds hard links to 4,000 different drawn files: half are JPEG of
about 45 KB, half PNG of about 400 KB, in two parts and three findings. Both run as programs of their own, in turns, on files
that the system holds in memory. Printed are images a second, their ratio (the aim is 0.8), processor time, and the peak memory
of all processes of an import together (shared pages counted once, Linux only; the aim is below 500 MB). At last an import is
killed half way and started again: its catalog must be that of the others.
"""

import argparse
import io
import json
import multiprocessing
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL.Image

from trainer import files, survey
from trainer.catalog import Catalog

FINDINGS = ("Edema", "Fracture", "Nodule")
DIFFERENT = 4_000
DRAWN = 40


def seeds(folder: Path) -> list[Path]:
    """Different files: few drawings, each with a number written into it."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    slope = np.outer(np.linspace(40, 200, 1024), np.linspace(0.4, 1, 1024))
    for number in range(DRAWN):
        drawn = (slope + noise.normal(0, 3, slope.shape)).clip(0, 255).astype(np.uint8)
        png, jpeg = io.BytesIO(), io.BytesIO()
        PIL.Image.fromarray(drawn[:, :740]).save(png, "PNG")
        PIL.Image.fromarray(drawn[:512, :512]).save(jpeg, "JPEG", quality=92)
        for copy in range(DIFFERENT // 2 // DRAWN):
            text = f"{number} {copy}".encode()
            chunk = b"tEXtComment\0" + text
            chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
            (folder / f"{number}_{copy}.png").write_bytes(png.getvalue()[:33] + chunk + png.getvalue()[33:])
            remark = b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text
            (folder / f"{number}_{copy}.jpg").write_bytes(jpeg.getvalue()[:2] + remark + jpeg.getvalue()[2:])
    return sorted(folder.iterdir())


def make(folder: Path, images: int) -> None:
    """A data set of hard links."""
    made = seeds(folder.with_name("seeds"))
    for number in range(images):
        source = made[number * 7919 % len(made)]
        place = folder / ("test" if number % 10 == 0 else "train") / FINDINGS[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        os.link(source, place / f"{number:08d}{source.suffix}")


def digest(path: str) -> str:
    """What the import does with the bytes of a file, and no more."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as the import does
        return files.digest(file.read())


def only_read(folder: Path) -> None:
    """List all files, read and hash them."""
    paths = [os.path.join(above, name) for above, _, names in os.walk(folder) for name in names]  # noqa: PTH118
    with multiprocessing.Pool(survey.cores()) as pool:
        assert len(pool.map(digest, paths, chunksize=survey.CHUNK)) == len(paths)


def tree(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def state(pid: int) -> tuple[str, float]:
    """State of a process ("" is none, "Z" has ended and nobody has asked how) and the seconds of processor time it had."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return "", 0.0
    return told[0], (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Memory of a process in MB, of what it shares its part."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / 1024
    return 0.0


def timed(words: list[str]) -> tuple[float, float, float]:
    """Seconds, and of the process and all that it starts processor seconds and peak memory in MB, as seen twice a second."""
    began, peak, work = time.perf_counter(), 0.0, 0.0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        pids = list(tree(process.pid))
        peak = max(peak, sum(map(memory, pids)))
        work = max(work, sum(state(pid)[1] for pid in pids))
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
    assert process.returncode == 0, words
    return time.perf_counter() - began, work, peak


def importing(project: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "trainer", "import", str(project), str(folder), "--json"]


def killed(project: Path, folder: Path, images: int) -> int:
    """Start an import, kill it (and nothing else) half way, and count the processes that are there a second later."""
    words = [*importing(project, folder), "--progress"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while json.loads(process.stderr.readline())["progress"][0] < images // 2:
            pass
        others = [pid for pid in tree(process.pid) if pid != process.pid]
        process.kill()
    time.sleep(1)
    return sum(state(pid)[0] not in ("", "Z") for pid in others)


def dump(project: Path) -> list[str]:
    """All that a catalog holds."""
    with Catalog.open(project) as catalog:
        return [line for line in catalog._connection.iterdump() if not line.startswith('INSERT INTO "settings"')]


def main() -> None:
    """Make the folder, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only-read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_read:
        return only_read(options.only_read)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "data"
        if not folder.exists():
            make(folder, options.images)
        project, again = Path(temporary) / "p.cxr", Path(temporary) / "again.cxr"
        reading, ratios = [sys.executable, __file__, "--only-read", str(folder)], []
        timed(reading)  # into memory
        for _ in range(options.rounds):
            shutil.rmtree(project, ignore_errors=True)
            read, read_work, _ = timed(reading)
            took, work, peak = timed(importing(project, folder))
            ratios.append(read / took)
            print(f"read and hash {options.images / read:7.0f} images/s ({read_work:.0f} s of processor time)", end="; ")
            print(f"import {options.images / took:7.0f} images/s ({work:.0f} s): {read / took:.2f}; {peak:.0f} MB", flush=True)
        print(f"median ratio {statistics.median(ratios):.2f} with {survey.cores()} processes")
        left = killed(again, folder, options.images)
        print(f"killed half way: {left} processes left, project there: {again.exists()}")
        timed(importing(again, folder))
        print("started again: the same catalog" if dump(again) == dump(project) else "started again: ANOTHER CATALOG")
    return None


if __name__ == "__main__":
    main()
