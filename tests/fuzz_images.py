"""Damaged files of every kind through `trainer.images`, in a process of their own: does it crash, hang, or take all memory?

    python -m tests.fuzz_images [--files 10000] [--seed 1] [--out docs/fuzz.md] [--only KIND] [--keep FOLDER]

Each file is made from the seed and its number alone. A child process takes them one by one, with a limit on its memory, and is
ended where it has computed for five seconds without an answer. A crash or a hang costs one file: a fresh child goes on.
"""

import argparse
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.trainer import mutants
from trainer import glimpse, images
from trainer.errors import ImageError

ROOT = Path(__file__).parent.parent
CHILD = (sys.executable, "-m", "tests.fuzz_images")
PATIENCE = 5.0
"""Seconds of computing that one file may take."""
ASLEEP = 60.0
"""Seconds on the clock after which a child that computes nothing is taken for dead."""
ADDRESSES = 8 * 2**30
"""Address space of the child in bytes: beyond it memory is refused, so that a bomb ends in an error and not in the computer."""
MOST_MEMORY = 3 * 2**30
"""Bytes that may really be in use; a radiograph of the largest size that is read takes less."""

PAGE = """# Damaged files

{files} damaged files of {kinds} kinds went through `trainer.glimpse` and `trainer.images`, one by one, in a process of their
own with a limit on its memory and five seconds of computing for each. Each was made from a small whole file: bytes changed,
numbers set to extremes, parts left out, repeated or cut off, another size told alike by the DICOM header and by the pixels.

Again: `python -m tests.fuzz_images {again} --out docs/fuzz.md` (Linux; a short version runs in the tests).

* Wrong: **{wrong}** (a crash, a hang, another exception than `ImageError`, pixels outside 0..1, more than {gigabytes} GB of
  memory, a file that can be read but is refused by the quick look of an import, or one that is refused without a remedy).
* Slowest: {seconds} s ({slowest}). Highest memory: {megabytes} MB ({highest}).

{table}

{details}## Why files were refused

The 25 commonest reasons; digits as #.

| files | reason |
|---:|---|
{reasons}
"""


@dataclass
class Tally:
    """What has been seen: (kind, outcome) -> files, reasons of refusal, and what is wrong, in words."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, int, str] = (0.0, 0, "")
    memory: tuple[int, int, str] = (0, 0, "")

    def add(self, number: int, kind: str, outcome: str, words: str, seconds: float, memory: int) -> None:
        """Count one file."""
        self.counts[kind, outcome] += 1
        self.slowest = max(self.slowest, (seconds, number, kind))
        self.memory = max(self.memory, (memory, -number, kind))
        if outcome == "refused":
            self.reasons["".join("#" if letter.isdigit() else letter for letter in words)] += 1
        if outcome not in ("read", "refused"):
            self.wrong.append(f"file {number} ({kind}): {outcome}: {words}")


def made(kinds: dict[str, list[bytes]], seed: int, number: int) -> tuple[str, bytes]:
    """File `number` of a seed: its kind and its bytes."""
    names = list(kinds)
    kind = names[number % len(names)]
    return kind, mutants.one_mutant(kinds[kind], random.Random(f"{seed}/{number}"))


def outcome(content: bytes) -> tuple[str, str]:
    """Decode a file: what came of it, and the reason where it was refused or is wrong."""
    try:
        seen: object = glimpse.of(content, name="x")
    except ImageError as error:
        seen = error
    try:
        found = images.decode(content, name="x")
        if found.pixels.size < 100_000:
            images.stored_digest(content, name="x")
    except ImageError as error:
        return ("refused", error.what) if error.remedy else ("no remedy", error.what)
    if isinstance(seen, ImageError):
        return "refused unopened", seen.what
    pixels = found.pixels
    if pixels.dtype != np.float32 or pixels.ndim != 2 or not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
        return "wrong pixels", f"{pixels.dtype} {pixels.shape}"
    return "read", ""


def _child(seed: int, first: int, last: int, only: str) -> None:
    """Take files one by one and say of each, in one line, what came of it."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kinds = _kinds(only)
    swallowed: list[str] = []
    sys.unraisablehook = lambda lost: swallowed.append(f"lost {lost.exc_type.__name__} in {lost.object}")
    print("ready", flush=True)
    for number in range(first, last):
        kind, content = made(kinds, seed, number)
        start = time.process_time()
        try:
            came, words = outcome(content)
        except Exception as error:  # noqa: BLE001 - whatever leaves it is what is looked for
            came, words = "exception", f"{type(error).__name__}: {error}"
        if swallowed:
            came, words = "exception", swallowed.pop()
        taken = time.process_time() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if came in ("read", "refused") and memory > MOST_MEMORY:
            came = "memory"
        print(json.dumps([number, kind, came, words, taken, memory]), flush=True)
        if came == "memory":
            return  # a fresh process begins with little again


def _kinds(only: str) -> dict[str, list[bytes]]:
    return {kind: files for kind, files in mutants.kinds().items() if only in ("", kind)}


def _lines(child: subprocess.Popen[bytes]) -> Iterator[str]:
    """The lines of a child as they come; ends where it ends, or does not answer. Other programs may take the processor."""
    assert child.stdout
    rest, since, computed = b"", time.monotonic(), _computed(child)
    while time.monotonic() - since < ASLEEP and _computed(child) - computed < PATIENCE:
        if not select.select([child.stdout], [], [], 0.25)[0]:
            continue
        read = child.stdout.read1(65536)
        if not read:
            return
        *whole, rest = (rest + read).split(b"\n")
        yield from (line.decode() for line in whole)
        since, computed = time.monotonic(), _computed(child)


def _computed(child: subprocess.Popen[bytes]) -> float:
    """Seconds that a child has computed (proc(5): the 14th and 15th field, the 12th and 13th after the name)."""
    try:
        after_name = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def run(files: int, seed: int, *, only: str = "", told: bool = False, child: Sequence[str] = CHILD) -> Tally:
    """Put so many files through children; crashed and hanging ones are counted as what they are."""
    names = list(_kinds(only))
    tally, number = Tally(), 0
    while number < files:
        command = [*child, "--child", f"{seed},{number},{files}", "--only", only]
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said) as process,
        ):
            for line in _lines(process):
                if line == "ready":
                    continue
                found = json.loads(line)
                tally.add(*found)
                number = found[0] + 1
                if told and number % 250 == 0:
                    print(f"{number:,} of {files:,}: {len(tally.wrong)} wrong", flush=True)
            hangs = process.poll() is None and number < files and not _ended(process)
            process.kill()
            process.wait()
            said.seek(0)
            last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
        if number < files and (hangs or process.returncode):
            words = f"no answer after {PATIENCE:g} s" if hangs else f"the process ended with {process.returncode} {last}"
            tally.add(number, names[number % len(names)], "hang" if hangs else "crash", words, PATIENCE if hangs else 0.0, 0)
            if told:
                print(tally.wrong[-1], flush=True)
            number += 1
    return tally


def _ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether a child that says nothing more is about to end by itself."""
    try:
        child.wait(0.5)
    except subprocess.TimeoutExpired:
        return False
    return True


def page(tally: Tally, files: int, seed: int) -> str:
    """The result as a page for docs/."""
    outcomes = sorted({came for _, came in tally.counts} | {"read", "refused", "crash", "hang"}, key=_rank)
    kinds = list(dict.fromkeys(kind for kind, _ in tally.counts))
    rows = [f"| {kind} | {' | '.join(str(tally.counts[kind, came]) for came in outcomes)} |" for kind in kinds]
    total = " | ".join(f"**{sum(tally.counts[kind, came] for kind in kinds):,}**" for came in outcomes)
    reasons = [f"| {count:,} | {words} |" for words, count in tally.reasons.most_common(25)]
    wrong = ["## Wrong", "", *(f"* {one}" for one in tally.wrong), ""] if tally.wrong else []
    table = [
        f"| kind | {' | '.join(outcomes)} |",
        f"|---|{'---:|' * len(outcomes)}",
        *rows,
        f"| **altogether** | {total} |",
    ]
    return PAGE.format(
        files=f"{files:,}",
        kinds=len(kinds),
        again=f"--files {files} --seed {seed}",
        wrong=len(tally.wrong),
        gigabytes=f"{MOST_MEMORY / 2**30:g}",
        seconds=f"{tally.slowest[0]:.2f}",
        slowest=f"file {tally.slowest[1]}, {tally.slowest[2]}",
        megabytes=f"{tally.memory[0] / 2**20:,.0f}",
        highest=f"file {-tally.memory[1]}, {tally.memory[2]}",
        table="\n".join(table),
        details="\n".join([*wrong, ""]) if wrong else "",
        reasons="\n".join(reasons),
    )


def _rank(came: str) -> tuple[int, str]:
    order = ("read", "refused", "crash", "hang")
    return (order.index(came) if came in order else len(order), came)


def main(arguments: list[str] | None = None) -> int:
    """Run from a terminal: 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="one kind of file alone")
    parser.add_argument("--out", type=Path, help="write the result as a page")
    parser.add_argument("--keep", type=Path, help="write the files that were wrong into this folder")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        _child(*(int(part) for part in asked.child.split(",")), asked.only)
        return 0
    tally = run(asked.files, asked.seed, only=asked.only, told=True)
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        for words in tally.wrong:
            number = int(words.split()[1])
            (asked.keep / f"{number}.bin").write_bytes(made(_kinds(asked.only), asked.seed, number)[1])
    if asked.out:
        asked.out.write_text(page(tally, asked.files, asked.seed), encoding="utf-8")
    print("\n".join([*tally.wrong, f"{len(tally.wrong)} of {asked.files:,} wrong"]))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
