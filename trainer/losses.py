"""What is made small: cross entropy for multi-class tasks, binary cross entropy for multi-label ones, and their focal forms.

Each kind gives one value per image and finding; masking of what is not stated, weights and the mean are the same for all.
Focal loss (Lin et al. 2017, arXiv:1708.02002) multiplies the value of each image or pair by how wrong it still is.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from trainer import config
from trainer.errors import ConfigError

ROW_TOLERANCE = 1e-3
"""How far the targets of a multi-class image may be from adding up to 1 (mixed targets are sums of rounded numbers)."""


def loss(
    logits: Tensor, targets: Tensor, stated: Tensor, *, task: str, settings: config.Loss, weights: Tensor | None = None
) -> Tensor:
    """Mean loss over what is stated, as a scalar; 0 with a gradient of zeros where nothing is stated.

    The arguments are those of `parts`.
    """
    total, weight = parts(logits, targets, stated, task=task, settings=settings, weights=weights)
    return total / torch.where(weight > 0, weight, 1)


def parts(
    logits: Tensor, targets: Tensor, stated: Tensor, *, task: str, settings: config.Loss, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum of the loss and the weight to divide it by; both can be added up over batches for an exact mean.

    logits [N, K] of any float type (computed in float32 at least, also within autocast); targets float [N, K] in 0..1,
    soft ones allowed; stated bool [N, K], and what it leaves out is never looked at; weights [K] >= 0 or None.

    multi-class: an image counts if its stated targets add up to 1; the others are left out. With hard targets this is
    `torch.nn.CrossEntropyLoss(weight)`: the mean is weighted by the weight of the true finding.
    multi-label: each stated pair counts; `weights` multiply what a yes costs, as `pos_weight` of
    `torch.nn.BCEWithLogitsLoss`.
    focal: both times (1 - p_t) ** gamma, image by image, where p_t is the probability that is given to the targets;
    multi-label as `torchvision.ops.sigmoid_focal_loss`, whose alpha = -1 is 0 here, with one alpha or one for each finding (of
    a mixed answer each part has its own: torchvision's would take back the weight of a yes where it is mixed with a no);
    multi-class with one for each finding: times that of the true finding. The weight to divide by is that of cross entropy.
    smoothing: targets move towards even, as `label_smoothing` of torch; weights and alpha go with the answer itself. (torch
    gives the share that is moved to a rare finding the weight of that finding, and images without it learn to say it.)

    Raises `ConfigError` for an unknown task.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # Not `targets * stated`: a target that is not stated may be nan.
    targets = torch.where(stated, targets.to(logits.dtype), 0)
    if task == "multi-class":
        return _multi_class(logits, targets, settings, weights)
    if task == "multi-label":
        return _multi_label(logits, targets, stated, settings, weights)
    raise ConfigError(f"'{task}' is no kind of task", where="task.kind", remedy="Choose multi-class or multi-label.")


def _multi_class(logits: Tensor, targets: Tensor, settings: config.Loss, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    counted = ((targets.sum(1, keepdim=True) - 1).abs() < ROW_TOLERANCE).expand_as(targets)
    weighted = targets if weights is None else weights.to(targets) * targets
    costs = weighted * _alphas(settings, targets)[0] if settings.name == "focal" and len(settings.alpha) > 1 else weighted
    kept, even = 1 - settings.smoothing, settings.smoothing / targets.shape[1]
    logs = F.log_softmax(logits, dim=1)
    values = (costs * kept + costs.sum(1, keepdim=True) * even) * -logs
    if settings.name == "focal":
        values = values * _wrong((logs.exp() * (targets * kept + even)).sum(1, keepdim=True), settings.gamma)
    return _sum(values, counted), _sum(weighted, counted)


def _multi_label(
    logits: Tensor, targets: Tensor, stated: Tensor, settings: config.Loss, weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """What a yes and a no cost, each times how much of it there is: a mixed answer is some of both."""
    yes, no = (
        F.binary_cross_entropy_with_logits(logits, torch.full_like(targets, one), reduction="none") for one in (1.0, 0.0)
    )
    yes, no = torch.lerp(yes, no, settings.smoothing / 2), torch.lerp(no, yes, settings.smoothing / 2)
    if weights is not None:
        yes = yes * weights.to(targets)
    if settings.name == "focal":
        p, smoothed = torch.sigmoid(logits), targets * (1 - settings.smoothing) + settings.smoothing / 2
        wrong = _wrong(p * smoothed + (1 - p) * (1 - smoothed), settings.gamma)
        of_yes, of_no = _alphas(settings, targets)
        yes, no = yes * wrong * of_yes, no * wrong * of_no
    return _sum(yes * targets + no * (1 - targets), stated), stated.sum().to(yes)


def _alphas(settings: config.Loss, like: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of yes and no, [K] or [1]: 1 where alpha is 0."""
    pairs = [(one, 1 - one) if one else (1.0, 1.0) for one in settings.alpha]
    of_yes, of_no = torch.tensor(pairs, dtype=torch.float64).T.to(like)
    return of_yes, of_no


def _wrong(right: Tensor, gamma: float) -> Tensor:
    """(1 - p_t) ** gamma; kept from 0, where the gradient of a power below 1 is infinite."""
    return (1 - right).clamp_min(torch.finfo(right.dtype).tiny) ** gamma


def _sum(values: Tensor, counted: Tensor) -> Tensor:
    return torch.where(counted, values, 0).sum()
