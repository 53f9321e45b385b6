"""What two processes do together in test_ranks: the test is the first, this file, started as a program, the second."""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainer import config, devices, gathering, models, ranks, synchrony
from trainer.errors import RunError
from trainer.learner import Learner
from trainer.ranks import ALONE, Team

CPU = torch.device("cpu")
WEIGHTS = torch.tensor([1.0, 2.0, 3.0])
PLAIN = {"augment.rotation": 10, "augment.mixup": 0.4, "compute.precision": "fp32"}
CASES: dict[str, tuple[int, dict[str, object]]] = {
    "batch norm, adamw": (8, {"model.backbone": "cxr_small", "compute.batch": 4}),
    "an uneven part, the average": (7, {"model.backbone": "cxr_small", "compute.batch": 4, "optimiser.average": 0.9}),
    "a part without an image": (9, {"model.backbone": "cxr_small", "compute.batch": 4, "compute.accumulate": 5}),
    "accumulated, sgd": (11, {"model.backbone": "squeezenet1_1", "compute.accumulate": 3, "optimiser.name": "sgd"}),
    "frozen stages": (8, {"model.backbone": "cxr_small", "schedule.head_only": 1, "schedule.stages": 1}),
    "all stages": (7, {"model.features": "stages", "compute.batch": 4, "schedule.head_only": 2, "optimiser.name": "sgd"}),
}
"""Images of a step, and settings: for each the weights must be those of one process."""


def learner(case: str, team: Team) -> Learner:
    """One that learns as `case` says."""
    count = team.count
    settings = config.changed(config.TrainConfig(), {**PLAIN, **CASES[case][1], "compute.devices": count})
    torch.manual_seed(5)
    classifier = models.build(settings.model.backbone, 3, features=settings.model.features)
    return Learner(classifier, settings, weights=WEIGHTS, steps_per_epoch=2, device=CPU, precision="fp32", team=team)


def learned(case: str, team: Team) -> tuple[dict[str, Tensor], list[float]]:
    """Weights that are kept after three steps over two epochs, and the loss of each step."""
    one, losses = learner(case, team), []
    for step in range(3):
        loss, weight = one.step(*batch(CASES[case][0], step), epoch=step // 2, step=step)
        losses.append(loss / weight)
    return {name: value.clone() for name, value in one.kept.state_dict().items()}, losses


def batch(count: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random squares of 32 px with one of three findings each."""
    generator = torch.Generator().manual_seed(step)
    pixels = torch.randint(0, 256, (count, 1, 32, 32), dtype=torch.uint8, generator=generator)
    targets = torch.eye(3)[torch.randint(0, 3, (count,), generator=generator)]
    return pixels, targets, torch.ones(count, 3, dtype=torch.bool)


def normalised(team: Team, rows: slice) -> dict[str, Tensor]:
    """Batch norm of some rows of a fixed batch: output, running statistics, and all gradients (those of weights summed)."""
    generator = torch.Generator().manual_seed(3)
    whole = torch.randn(5, 3, 4, 4, generator=generator, dtype=torch.float64) * 0.01 + 100  # a large mean, a small variance
    weight = torch.randn(5, 3, 4, 4, generator=generator, dtype=torch.float64)
    norm = nn.BatchNorm2d(3, dtype=torch.float64)
    nn.init.uniform_(norm.weight, generator=generator)
    x = whole[rows].requires_grad_()
    with synchrony.over(team):
        y = norm(x)
    (y.square() * weight[rows]).sum().backward()
    assert norm.weight.grad is not None
    assert norm.bias.grad is not None
    assert x.grad is not None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    team.add_up_all([norm.weight.grad, norm.bias.grad])
    return {
        "y": y.detach(), "x": x.grad, "weight": norm.weight.grad, "bias": norm.bias.grad,
        "mean": norm.running_mean.clone(), "var": norm.running_var.clone(),
    }  # fmt: skip


def together(team: Team) -> dict[str, Any]:
    """Everything that both processes do, in the same order; what this one found."""
    found: dict[str, Any] = {
        "sums": team.sums([team.rank + 1.0, 0.5]),
        "any": [team.any(team.rank == 1), team.any(False)],
        "most": team.most(7 * team.rank),
        "told": team.told({"run": "Lüttich", "n": 3} if team.first else "not asked"),
        "short": team.told(1),
        "gathered": team.gathered(torch.tensor([team.rank, 5])).tolist(),
    }
    ranks.BUCKET = 4
    tensors = [torch.full((2, 2), team.rank + 1.0), torch.full((3,), 1.0), torch.full((9,), team.rank + 0.0)]
    team.add_up_all(tensors)
    found["all"] = [sorted(set(tensor.flatten().tolist())) for tensor in tensors]
    network = nn.Linear(2, 2)
    nn.init.constant_(network.weight, team.rank + 4.0)
    team.spread(network.state_dict().values())
    found["spread"] = sorted(set(network.weight.detach().flatten().tolist()))
    for name, edge in (("uneven", 3), ("empty", 5)):
        found[name] = normalised(team, slice(0, edge) if team.first else slice(edge, 5))
    for case in CASES:
        found[case] = learned(case, team)
    return found


def main(out: Path) -> None:
    """The second process: keep what was found, then end with a reason."""
    devices.prepare(1)
    with gathering.joined() as team:
        torch.save(together(team), out)
        team.report(RunError("The disk is full", where="second", remedy="Free some space."))
    os._exit(2)


if __name__ == "__main__":
    assert ranks.placed() != ALONE
    main(Path(sys.argv[1]))
