"""Several stages of a network seen at once: their activations laid over one grid and stacked.

Hariharan et al., "Hypercolumns for object segmentation and fine-grained localization" (CVPR 2015). What tells one radiograph
from another is often texture, which middle stages know better than the last one, made for the things of photographs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Cells = tuple[float, float]
"""Middle of a grid's first cell, in px from the border, and the distance to the next (`Backbone.cells`)."""


def activations(body: nn.Module, ends: Sequence[str], pixels: Tensor) -> list[Tensor]:
    """The outputs of the modules `ends`, named from `body`, and of `body` itself.

    A module is found wherever there are only `nn.Sequential` above it. One that the next layer overwrites in place (ReLU behind
    a norm) is seen as that layer leaves it.
    """
    seen: list[Tensor] = []
    last = _through(body, "", pixels, frozenset(ends), seen)
    return [*seen, last]


def stacked(found: Sequence[Tensor], cells: Sequence[Cells]) -> Tensor:
    """Activations [N,C,h,w] -> [N,sum of C,h,w] on the grid of the last: means of the cells that lie over each of its cells."""
    rows, columns = found[-1].shape[2:]
    laid = [
        _means(map_.shape[2], own, rows, cells[-1]).to(map_) @ map_ @ _means(map_.shape[3], own, columns, cells[-1]).to(map_).T
        for map_, own in zip(found[:-1], cells[:-1], strict=True)
    ]
    return torch.cat([*laid, found[-1]], dim=1)


@torch.no_grad()
def channels(body: nn.Module, ends: Sequence[str], example: Tensor) -> int:
    """How many channels the stack of a new network has; `example` is any image that it can take."""
    found = activations(body.eval(), ends, example)
    body.train()
    return sum(map_.shape[1] for map_ in found)


def _through(module: nn.Module, name: str, x: Tensor, ends: frozenset[str], seen: list[Tensor]) -> Tensor:
    if isinstance(module, nn.Sequential):
        for part, child in module.named_children():
            x = _through(child, f"{name}.{part}" if name else part, x, ends, seen)
    else:
        x = module(x)
    if name in ends:
        seen.append(x)
    return x


def _means(length: int, cells: Cells, wanted: int, onto: Cells) -> Tensor:
    """Float32 [wanted,length]: each row is the mean of the cells within half a step of its own middle, or of the nearest."""
    places = cells[0] + cells[1] * torch.arange(length)
    middles = onto[0] + onto[1] * torch.arange(wanted)
    apart = (middles[:, None] - places).abs()
    over = (apart <= torch.clamp(apart.amin(dim=1, keepdim=True), min=onto[1] / 2)).float()
    return over / over.sum(dim=1, keepdim=True)
