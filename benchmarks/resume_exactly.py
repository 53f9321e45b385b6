"""Does a run that was stopped or killed end with the same weights as one that was not? At many random steps.

    python benchmarks/resume_exactly.py [times]

Each time a training of a drawn dataset is stopped at a random step, or killed (SIGKILL) at a random moment, and resumed, until
it is finished; its last and best weights are compared with those of the uninterrupted run, to the bit. Settings differ from
time to time: optimiser, sampler, averaging, frozen stages, dropout, augmentation.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import safetensors.torch
import torch

from trainer import config, importer, phantom, runs, split, train
from trainer.catalog import Catalog

EPOCHS, BATCH = 12, 8
PLAIN = {
    "model.backbone": "cxr_small",
    "model.weights": "none",
    "model.size": 64,
    "model.dropout": 0.3,
    "schedule.epochs": EPOCHS,
    "compute.batch": BATCH,
    "compute.precision": "fp32",
    "compute.threads": 1,
    "augment.rotation": 5,
    "augment.shift": 0.05,
}
RESUME = "import sys; from pathlib import Path; from trainer import train; train.resume(Path(sys.argv[1]))"
START = (
    "import json, sys; from pathlib import Path; from trainer import config, train; "
    "train.run(Path(sys.argv[1]), config.changed(config.TrainConfig(), json.loads(sys.argv[2])), name='parts')"
)


def settings(rng: random.Random) -> config.TrainConfig:
    return config.changed(
        config.TrainConfig(),
        {
            **PLAIN,
            "optimiser.name": rng.choice(["adamw", "adam", "nadam", "sgd"]),
            "optimiser.average": rng.choice([0, 0.9]),
            "imbalance.method": rng.choice(["none", "class-weights", "weighted-sampler"]),
            "schedule.head_only": rng.choice([0, 1]),
            "schedule.stages": rng.choice([0, 1]),
            "schedule.name": rng.choice(["cosine", "one-cycle", "constant"]),
            "seed": rng.randrange(1000),
        },
    )


def weights(run: Path) -> list[dict[str, torch.Tensor]]:
    return [safetensors.torch.load_file(run / f"{name}.safetensors") for name in ("last", "best")]


def same(one: Path, other: Path) -> bool:
    pairs = zip(weights(one), weights(other), strict=True)
    return all(a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a) for a, b in pairs)


def stopped(project: Path, chosen: config.TrainConfig, rng: random.Random, steps: int) -> tuple[Path, str]:
    places = sorted(rng.sample(range(1, steps), 2))
    outcome = train.run(project, chosen, name="parts", stop=after(places[0]))
    outcome = train.resume(outcome.run, stop=after(places[1] - places[0]))
    return train.resume(outcome.run).run, f"stopped after steps {places[0]} and {places[1]}"


def after(steps: int) -> train.StopAsked:
    asked = iter(range(steps))
    return lambda: next(asked, None) is None


def killed(project: Path, chosen: config.TrainConfig, rng: random.Random) -> tuple[Path, str]:
    run, kills = project / "runs" / "parts", 0
    command = [sys.executable, "-c", START, project, json.dumps(config.to_dict(chosen))]
    while True:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(rng.uniform(2.4, 4.5))
            break
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            kills += 1
        if (run / "config.json").exists():
            command = [sys.executable, "-c", RESUME, run]
    return run, f"killed {kills} times"


def main() -> int:
    times, rng, failures = int(sys.argv[1]) if len(sys.argv) > 1 else 10, random.Random(1), 0
    with tempfile.TemporaryDirectory() as folder:
        phantom.run(Path(folder) / "drawn", images=60, findings=("Normal", "Tuberculosis", "Cardiomegaly"), size=64)
        for number in range(times):
            project = Path(folder) / f"{number}.cxr"
            importer.run(project, [Path(folder) / "drawn"])
            with Catalog.open(project) as catalog:
                split.run(catalog, test=0.2, val=0.2)
            chosen = settings(rng)
            whole = train.run(project, chosen, name="whole").run
            steps = runs.find(whole).events()[-1]["epochs"] * -(-36 // BATCH)
            made, how = stopped(project, chosen, rng, steps) if number % 2 == 0 else killed(project, chosen, rng)
            right = same(whole, made)
            failures += not right
            verdict = "same" if right else "DIFFERENT"
            print(f"{number + 1:3}: {chosen.optimiser.name}, {chosen.imbalance.method}: {how}: {verdict}", flush=True)
    print(f"{times - failures} of {times} ended with the same weights, to the bit.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
