"""A network whose head is solved at once: it stands where `learner.Learner` does, for a training of a single step."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer import config, losses, models, solving
from trainer.machines import SupportVectors

PRECISION = "fp32"


class Solver:
    """Holds the classifier. What is solved is finished, so that there is no half of it to go on from."""

    def __init__(self, classifier: models.Classifier, settings: config.TrainConfig, *, device: torch.device) -> None:
        self.settings = settings
        self.device = device
        self.precision = PRECISION
        self.passes = 1
        self.classifier: models.Classifier = classifier.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def kept(self) -> models.Classifier:
        """The network that is validated and saved."""
        return self.classifier

    def thaw(self, epoch: int) -> None:
        """Nothing of the backbone ever learns."""
        self.classifier.unfreeze(0)
        self.classifier.requires_grad_(False)

    def learning_rate(self, step: int) -> float:
        """There is none."""
        return 0.0

    @torch.no_grad()
    def solve(
        self, vectors: Tensor, targets: NDArray[np.int8], weights: NDArray[np.float64], patients: NDArray[np.int64]
    ) -> tuple[float, float]:
        """As `solving.solve`; returns the sum of the cross-entropy of these images and the weight to divide it by."""
        head = self.classifier.head.cpu()
        assert isinstance(head, SupportVectors)
        solving.solve(head, vectors, targets, weights, patients)
        logits = head(vectors[:, 0])
        head.to(self.device)
        loss, weight = losses.parts(
            logits,
            torch.from_numpy(targets).clamp_min(0).float(),
            torch.from_numpy(targets) >= 0,
            task=self.settings.task.kind,
            settings=config.Loss(),
            weights=None,
        )
        return float(loss), float(weight)

    @property
    def held(self) -> int:
        """How many training images are support vectors."""
        assert isinstance(self.classifier.head, SupportVectors)
        return len(self.classifier.head.centres)

    def tensors(self) -> Iterator[Tensor]:
        """All weights and statistics: what several processes must have alike before they begin."""
        yield from self.classifier.state_dict().values()

    def state(self) -> dict[str, Any]:
        """The backbone: a run that was stopped before its head was solved solves it then."""
        return {
            "backbone": {name: value for name, value in self.classifier.state_dict().items() if not name.startswith("head.")}
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with the backbone that `state` was taken of."""
        self.classifier.load_state_dict(state["backbone"], strict=False)
