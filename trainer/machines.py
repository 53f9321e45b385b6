"""A support vector machine as the head of a network: a class is a place near some training images and far from others.

Cortes and Vapnik, "Support-vector networks" (Machine Learning 20, 1995), with a Gaussian kernel; probabilities as Platt,
"Probabilistic outputs for support vector machines" (1999). `solving` finds what stands in it; here it only answers.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SupportVectors(nn.Module):
    """Vectors float [N,F] -> logits float32 [N,K].

    One machine tells two findings apart, for every two of them where an image has exactly one (`pairs`), or says of one
    finding whether it is there. Its margin f(x) = sum of w_m exp(-gamma |x - c_m|^2) + b becomes the logit t = slope f +
    offset. Of pairs, the logit of a finding is the sum of log sigmoid(t) over the machines that know it, less the mean of these
    sums: a product of their probabilities, which argmax decides nearly as their votes do.

    Columns are standardised; those of one of `groups`, which follow each other, share a weight of 1, so that many columns of
    one kind do not drown few of another. `centres` (standardised, not weighted) are the vectors of training images, in half
    precision, and as many as there are: the weights file decides, and it holds what the network says of these images.
    """

    mean: Tensor
    rate: Tensor
    share: Tensor
    centres: Tensor
    weights: Tensor
    bias: Tensor
    slope: Tensor
    offset: Tensor
    gamma: Tensor

    def __init__(self, findings: int, *, pairs: bool, groups: Sequence[int]) -> None:
        super().__init__()
        width = sum(groups)
        self.pairs = list(combinations(range(findings), 2)) if pairs else []
        count = len(self.pairs) if pairs else findings
        self.findings, self.paired = findings, pairs
        for name, value in {
            "mean": torch.zeros(width),
            "rate": torch.ones(width),
            "centres": torch.zeros(0, width, dtype=torch.float16),
            "weights": torch.zeros(count, 0),
            "bias": torch.zeros(count),
            "slope": torch.ones(count),
            "offset": torch.zeros(count),
            "gamma": torch.ones(()),
        }.items():
            self.register_buffer(name, value)
        # Not in the file: it follows from the network.
        self.register_buffer("share", torch.cat([torch.full((n,), n**-0.5) for n in groups]), persistent=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """Logits; those of an unsolved one are the same for every image."""
        # What tells distances apart is less than half precision resolves.
        with torch.autocast(vectors.device.type, enabled=False):
            squares = distances(self.placed(vectors.float()), self.centres.float() * self.share)
            margins = torch.exp(-self.gamma * squares) @ self.weights.T + self.bias
            t = self.slope * margins + self.offset
            return self._coupled(t) if self.paired else t

    def placed(self, vectors: Tensor) -> Tensor:
        """Vectors float32 [N,F], standardised and weighted: where they stand among the centres."""
        return (vectors - self.mean) * self.rate * self.share

    def _coupled(self, t: Tensor) -> Tensor:
        yes, no = F.logsigmoid(t), F.logsigmoid(-t)
        found = [t.new_zeros(len(t)) for _ in range(self.findings)]
        for number, (first, second) in enumerate(self.pairs):
            found[first] = found[first] + yes[:, number]
            found[second] = found[second] + no[:, number]
        logits = torch.stack(found, dim=1)
        # The probabilities are the same without this, but not a heat map: log sigmoid is flat where a finding is certain.
        return logits - logits.mean(dim=1, keepdim=True)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:  # noqa: ANN401 - torch's own
        # How many centres there are is known by the file alone; how wide they are is not.
        for name in ("centres", "weights"):
            value, own = state_dict.get(prefix + name), getattr(self, name)
            if value is not None and value.ndim == 2:
                rows, columns = (len(value), own.shape[1]) if name == "centres" else (len(own), value.shape[1])
                setattr(self, name, own.new_zeros(rows, columns))
        super()._load_from_state_dict(state_dict, prefix, *args)


def distances(one: Tensor, other: Tensor) -> Tensor:
    """Squared distances of rows, float32 [N,F] and [M,F] -> [N,M]."""
    squares = (one * one).sum(1)[:, None] + (other * other).sum(1) - 2 * one @ other.T
    return squares.clamp_min(0)
