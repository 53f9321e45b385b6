"""What two ways of sparing work in a training gain, each beside the same training without it.

    python benchmarks/training_speed.py [IMAGES]

Memory that is held (`devices.hold_memory`): steps of training and predictions, in a process that holds what torch frees and in
one that gives it back. What a frozen network says, computed once (`vectors`): the recipe all-stages on drawn radiographs (240),
its peer the same with a change of brightness too small to see, for which every epoch needs the images; then once more with
another head. Random weights, which time does not depend on. Processor time of one thread.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from trainer import config, devices, importer, models, phantom, recipes, split, train
from trainer.catalog import Catalog

IMAGES, ROUNDS = 240, 8
STEPS = {
    "quick": ("squeezenet1_1", 224, 16),
    "mobilenet_v2": ("mobilenet_v2", 224, 16),
    "darkcovidnet": ("darkcovidnet", 256, 32),
}
PREDICTIONS = {"all-stages": ("mobilenet_v2", 384, 32), "quick": ("squeezenet1_1", 224, 32)}


def steps(name: str, *, learns: bool) -> float:
    """Milliseconds of processor time for one image: a step of training in bf16, or a prediction in fp32."""
    backbone, size, batch = (STEPS if learns else PREDICTIONS)[name]
    torch.set_num_threads(1)
    network = models.build(backbone, 3).to(memory_format=torch.channels_last).train(learns)  # type: ignore[call-overload]
    pixels = torch.randint(0, 256, (batch, 1, size, size), dtype=torch.uint8)

    def step() -> None:
        with torch.set_grad_enabled(learns), torch.autocast("cpu", torch.bfloat16, enabled=learns):
            logits = network(pixels)
        if learns:
            network.zero_grad(set_to_none=True)
            logits.logsumexp(1).mean().backward()

    for _ in range(3):
        step()
    start = time.process_time()
    for _ in range(ROUNDS):
        step()
    return (time.process_time() - start) / (ROUNDS * batch) * 1000


def child(held: str) -> None:
    """Print the milliseconds of all steps, with memory held or given back."""
    if held == "held":
        devices.hold_memory()
    for learns, kinds in ((True, STEPS), (False, PREDICTIONS)):
        for name in kinds:
            print(f"{'a step of' if learns else 'a prediction of'} {name}\t{steps(name, learns=learns):.3f}")


def memory() -> None:
    """Compare both, each in a process of its own."""
    found = []
    for held in ("held", "given"):
        done = subprocess.run([sys.executable, __file__, "--child", held], stdout=subprocess.PIPE, check=True, text=True)
        found.append(dict(line.split("\t") for line in done.stdout.splitlines()))
    for name, held in found[0].items():
        given = found[1][name]
        print(
            f"{name}: {held} ms an image with memory held, {given} given back: {float(given) / float(held):.2f} times as long"
        )


def frozen(count: int, folder: Path) -> None:
    """Train three times on drawn radiographs."""
    phantom.run(folder / "drawn", images=count, size=384, seed=1)
    project = folder / "drawn.cxr"
    importer.run(project, [folder / "drawn"])
    with Catalog.open(project) as catalog:
        split.run(catalog, test=0.2, val=0.2, seed=1)
    once = config.changed(recipes.load("all-stages").settings, {"model.weights": "none", "compute.threads": 1})
    always = config.changed(once, {"augment.brightness": 1e-6})
    needed = {}
    for name, settings in (("images", always), ("vectors", once), ("again", config.changed(once, {"model.hidden": 64}))):
        start = resource.getrusage(resource.RUSAGE_SELF)
        train.run(project, settings, name=name)
        end = resource.getrusage(resource.RUSAGE_SELF)
        needed[name] = end.ru_utime - start.ru_utime + end.ru_stime - start.ru_stime
    print(f"all-stages, {count} images: {needed['images']:.1f} s with images in every epoch")
    for name, words in (("vectors", "computed once"), ("again", "computed before, another head")):
        print(f"  {words}: {needed[name]:.1f} s, {needed['images'] / needed[name]:.1f} times as fast")


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[-1])
    else:
        memory()
        with tempfile.TemporaryDirectory() as name:
            frozen(int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES, Path(name))
