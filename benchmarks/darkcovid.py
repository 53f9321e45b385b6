"""The main job on 1,125 real radiographs: import, split, train, evaluate, report, for three split seeds, timed as a whole.

    python benchmarks/darkcovid.py [--data FOLDER] [--out FOLDER] [--set key=value ...]

Data: the folder of the real test data (CXR_TEST_DATA): darkcovid/ with its manifest, and the SqueezeNet 1.1 weights. Each step
is the command that a user types, in a process of its own, so that the time holds the starts too. The test part is opened once
per seed; settings must not be chosen by what this prints for it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SEEDS = (1, 2, 3)
DATA = Path(os.environ.get("CXR_TEST_DATA", "../shared/data"))


def verb(*words: object) -> Any:  # noqa: ANN401 - whatever json holds
    done = subprocess.run(
        [sys.executable, "-m", "trainer", *map(str, words), "--json"], stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def main_job(data: Path, out: Path, seed: int, assignments: list[str]) -> dict[str, Any]:
    project, run = out / f"seed{seed}.cxr", out / f"seed{seed}.cxr" / "runs" / "quick"
    weights = data / "weights" / "squeezenet1_1_imagenet_features.safetensors"
    sets = [word for text in (f"model.weights={weights}", *assignments) for word in ("--set", text)]
    start = time.monotonic()
    verb("import", project, data / "darkcovid")
    verb("split", project, "--test", 0.2, "--val", 0.1, "--seed", seed)
    trained = verb("train", project, *sets, "--run", "quick")
    validation = verb("evaluate", run, "--on", "val")
    test = verb("evaluate", run, "--on", "test")
    verb("report", run)
    return {"seconds": time.monotonic() - start, "trained": trained, "validation": validation, "test": test}


def figure(found: dict[str, float]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp())
    print(
        "| split seed | validation macro F1 | test macro F1 (95 %) | test accuracy (95 %) | best epoch | whole job | training |"
    )
    print("|---|---|---|---|---|---|---|")
    tests = []
    for seed in SEEDS:
        found = main_job(options.data, out, seed, options.set)
        metrics, trained = found["test"]["metrics"], found["trained"]
        tests.append(metrics["macro_f1"]["value"])
        print(
            f"| {seed} | {found['validation']['metrics']['macro_f1']['value']:.3f} | {figure(metrics['macro_f1'])} "
            f"| {figure(metrics['accuracy'])} | {trained['best_epoch']} of {trained['epochs']} | {found['seconds']:.0f} s "
            f"| {trained['images_per_second']:.0f} images/s, {trained['precision']} |",
            flush=True,
        )
    print(f"\nTest macro F1, mean over the split seeds: {sum(tests) / len(tests):.3f}")


if __name__ == "__main__":
    main()
