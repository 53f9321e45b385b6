"""Batch norm over the images of all processes, so that how many devices share a batch does not change what a network learns.

torch's own `SyncBatchNorm` does the same, on GPUs only; this one works wherever processes can add up numbers, and leaves the
network as it is: while it is in force, every batch norm that learns looks at all processes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from trainer.ranks import Team


@contextmanager
def over(team: Team) -> Iterator[None]:
    """Within it, `F.batch_norm(training=True)` takes mean and variance over the images of all processes.

    All of them must go through the same layers in the same order; one may have no image at all (N = 0).
    """
    if team.alone:
        yield
        return
    with _Synchronised(team):
        yield


class _Synchronised(TorchFunctionMode):
    """Puts `_batch_norm` in the place of torch's while training."""

    def __init__(self, team: Team) -> None:
        super().__init__()
        self._team = team

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - torch's own signature
        if func is F.batch_norm and _learns(*args, **(kwargs or {})):
            return _batch_norm(self._team, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _learns(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> bool:
    return training


def _batch_norm(
    team: Team,
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """As `F.batch_norm` (Ioffe and Szegedy 2015, arXiv:1502.03167), x [N, C, ...], with the statistics of all processes.

    Each process sends count, mean and sum of squared deviations, which are put together as Chan, Golub and LeVeque do (1979):
    the difference of large sums would lose the digits of a small variance.
    """
    with torch.no_grad():
        channels = x.transpose(0, 1).flatten(1).to(torch.promote_types(x.dtype, torch.float32))
        count = channels.shape[1]
        mean = channels.mean(1) if count else channels.sum(1)
        deviation = (channels - mean[:, None]).square().sum(1)
        found = team.gathered(torch.stack([torch.full_like(mean, count), mean, deviation]))
        counts, means, deviations = found[:, 0], found[:, 1], found[:, 2]
        total = counts.sum(0)
        mean = (counts * means).sum(0) / total
        deviation = (deviations + counts * (means - mean).square()).sum(0)
        if running_mean is not None and running_var is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((deviation / (total - 1).clamp_min(1)).to(running_var.dtype), momentum)
        inverse = torch.rsqrt(deviation / total + eps)
    weight = torch.ones_like(mean) if weight is None else weight
    bias = torch.zeros_like(mean) if bias is None else bias
    normalised: Tensor = _Normalised.apply(x, weight, bias, mean, inverse, total, team)  # type: ignore[no-untyped-call]
    return normalised


class _Normalised(torch.autograd.Function):
    """(x - mean) * inverse * weight + bias, with the gradient that goes through the mean and variance of all processes."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        inverse: Tensor,
        total: Tensor,
        team: Team,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, inverse, total)
        ctx.team = team
        return (_normal(x, mean, inverse) * _wide(weight, x) + _wide(bias, x)).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x, weight, mean, inverse, total = ctx.saved_tensors
        normal = _normal(x, mean, inverse)
        gradient = gradients[0].to(normal.dtype)
        rest = [0, *range(2, x.ndim)]
        bias_gradient, weight_gradient = gradient.sum(rest), (gradient * normal).sum(rest)
        sums = torch.stack([bias_gradient, weight_gradient])
        ctx.team.add_up(sums)
        shared = (_wide(sums[0], x) + normal * _wide(sums[1], x)) / _wide(total, x)
        inner = _wide(weight * inverse, x) * (gradient - shared)
        # Of weight and bias only this process's part: it is added up with all other gradients later.
        return inner.to(x.dtype), weight_gradient, bias_gradient, None, None, None, None


def _normal(x: Tensor, mean: Tensor, inverse: Tensor) -> Tensor:
    return (x.to(mean.dtype) - _wide(mean, x)) * _wide(inverse, x)


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """[C] -> [1, C, 1, ...]."""
    return values.view(1, -1, *[1] * (like.ndim - 2))
