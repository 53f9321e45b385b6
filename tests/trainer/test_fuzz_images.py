"""The short version of the fuzz (docs/fuzz.md holds the long one), and whether the instrument notices what it looks for."""

import random
import sys
from pathlib import Path

import pytest

from tests.trainer import mutants
from trainer import decoders, images

if not sys.platform.startswith("linux"):
    pytest.skip("limits memory and looks into /proc", allow_module_level=True)

from tests import fuzz_images


def test_damaged_files_of_every_kind_neither_crash_nor_hang() -> None:
    tally = fuzz_images.run(168, seed=11)
    assert tally.wrong == []
    kinds = {kind for kind, _ in tally.counts}
    assert kinds == {*(syntax.name for syntax in decoders.SYNTAXES.values()), "PNG", "JPEG", "TIFF", "BMP", "WebP"}
    assert sum(tally.counts.values()) == 168
    assert sum(count for (_, came), count in tally.counts.items() if came == "read") > 30
    page = fuzz_images.page(tally, 168, 11)
    assert "* Wrong: **0**" in page
    assert "--files 168 --seed 11" in page


def test_what_is_damaged_was_whole_before() -> None:
    for kind, files in mutants.kinds().items():
        for content in files:
            assert fuzz_images.outcome(content) == ("read", ""), kind
            assert not [word for word in images.decode(content, name="x").facts.warnings if "damaged" in word]


def test_a_file_is_made_from_its_number_alone() -> None:
    kinds = mutants.kinds()
    first, again = ([fuzz_images.made(kinds, 3, number) for number in (5, 99)] for _ in range(2))
    assert first == again
    assert fuzz_images.made(kinds, 3, 5) != fuzz_images.made(kinds, 4, 5)
    seeds = kinds["JPEG-LS lossless"]
    assert len({mutants.one_mutant(seeds, random.Random(number)) for number in range(50)}) > 45


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("os.abort()", "file 2 (RLE lossless): crash: the process ended with -6 ready to die"),
        ("sys.exit(3)", "file 2 (RLE lossless): crash: the process ended with 3 ready to die"),
        ("exec('while True: pass')", "file 2 (RLE lossless): hang: no answer after 0.3 s"),
        ("time.sleep(60)", "file 2 (RLE lossless): hang: no answer after 0.3 s"),
    ],
)
def test_a_child_that_dies_or_says_nothing_costs_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, words: str
) -> None:
    """A program that answers as a child does, but for file 2."""
    monkeypatch.setattr(fuzz_images, "PATIENCE", 0.3)
    monkeypatch.setattr(fuzz_images, "ASLEEP", 1.2)
    program = tmp_path / "child.py"
    program.write_text(
        f"""
import json, os, sys, time

_, first, last = (int(part) for part in sys.argv[2].split(","))
print("ready", flush=True)
for number in range(first, last):
    if number == 2:
        print("ready to die", file=sys.stderr, flush=True)
        {deed}
    print(json.dumps([number, "RLE lossless", "read", "", 0.25 * number, 1000 - number]), flush=True)
""",
        encoding="utf-8",
    )
    tally = fuzz_images.run(5, seed=1, only="RLE lossless", child=(sys.executable, "-S", "-E", str(program)))
    assert tally.wrong == [words]
    assert tally.counts["RLE lossless", "read"] == 4
    assert (tally.slowest, tally.memory) == ((1.0, 4, "RLE lossless"), (1000, 0, "RLE lossless"))
    assert f"* {words}" in fuzz_images.page(tally, 5, 1)
