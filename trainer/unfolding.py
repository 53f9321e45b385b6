"""Give batch norm back to a network whose weights file has it folded into the convolutions.

Files made for inference may hold batch norm with mean 0, variance 1 and factor 1, its work done by the convolution before it
(Jacob et al., CVPR 2018, section 3.2). Such a network is right when it is evaluated. When it learns, batch norm normalises by
the batch, every channel loses the scale that it had, and nearly all that was pretrained is gone with the first step.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from trainer import batches, dataset, models
from trainer.errors import counted

IMAGES = 256
"""Training images that are measured; each gives many values a channel."""
_TOGETHER = 16
"""Images that go through the network at once while measuring."""
_NEAR = 1e-3
"""A variance this near to 1 in all channels is a number that someone put there."""


def given_back(classifier: models.Classifier, loaded: models.Loaded, part: dataset.Part) -> str:
    """Measure on images of the training part, evenly spread, where the weights need it; a sentence for a person, or ""."""
    norms = folded(classifier, loaded.missing) if loaded.taken else []
    if not norms:
        return ""
    total = len(part.ids)
    rows = np.unique(np.linspace(0, total - 1, min(total, IMAGES)).astype(np.int64))
    unfold(classifier, norms, (torch.from_numpy(part.cache.take(one)) for one in batches.chunks(rows, _TOGETHER)))
    return (
        f"The weights have batch norm folded into the convolutions; it was measured on {counted(len(rows), 'training image')} "
        "and put back, so that learning does not lose what they know."
    )


def folded(classifier: models.Classifier, missing: Iterable[str] = ()) -> list[nn.BatchNorm2d]:
    """Batch norms that do nothing but add, of those whose numbers come from a file (`missing`: names that do not)."""
    absent = {name.rpartition(".")[0] for name in missing}
    new = {module for name in classifier.backbone.new for module in classifier.body.get_submodule(name).modules()}
    return [
        module
        for name, module in (*classifier.body.named_modules(), *classifier.neck.named_modules())
        if isinstance(module, nn.BatchNorm2d) and module not in new and name not in absent and _does_nothing(module)
    ]


@torch.no_grad()
def unfold(classifier: models.Classifier, norms: Sequence[nn.BatchNorm2d], shown: Iterable[Tensor]) -> None:
    """Put mean and variance of what reaches each norm into it, and undo them by its factor and shift.

    `shown` are batches of pixels uint8 [N,1,S,S]. The evaluated network stays the function that it was, but for rounding; the
    learning one is nearly that function too.
    """
    measured = [_Moments(norm) for norm in norms]
    hooks = [norm.register_forward_pre_hook(moments) for norm, moments in zip(norms, measured, strict=True)]
    learning = classifier.training
    try:
        classifier.eval()
        for pixels in shown:
            classifier.features(pixels)
    finally:
        classifier.train(learning)
        for hook in hooks:
            hook.remove()
    for norm, moments in zip(norms, measured, strict=True):
        if moments.count:
            _set(norm, *moments.found())


def _does_nothing(norm: nn.BatchNorm2d) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    return mean is not None and variance is not None and not bool(mean.any()) and bool(((variance - 1).abs() < _NEAR).all())


class _Moments:
    """Mean and variance of each channel of what reaches a norm, in float64: float32 loses small variances of large values."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        self.count = 0
        self._sum = torch.zeros(norm.num_features, dtype=torch.float64)
        self._squares = torch.zeros(norm.num_features, dtype=torch.float64)

    def __call__(self, _norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """A hook: count what is about to enter, [N,C,h,w]."""
        x = inputs[0].transpose(0, 1).flatten(1).double()
        self.count += x.shape[1]
        self._sum += x.sum(1)
        self._squares += x.square().sum(1)

    def found(self) -> tuple[Tensor, Tensor]:
        """Mean and (biased) variance, float64 [C]."""
        mean = self._sum / self.count
        return mean, (self._squares / self.count - mean.square()).clamp_min(0)


def _set(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Give a norm these statistics without changing what it computes when evaluated."""
    assert norm.running_mean is not None  # as `folded` has seen
    assert norm.running_var is not None
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    norm.bias.copy_(norm.bias + factor * (mean - norm.running_mean))
    norm.weight.copy_(factor * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
