"""Several stages of a network seen at once: their activations laid over one grid and stacked.

Hariharan et al., "Hypercolumns for object segmentation and fine-grained localization" (CVPR 2015). What tells one radiograph
from another is often texture, which middle stages know better than the last one, made for the things of photographs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Cells = tuple[float, float]
"""Middle of a grid's first cell, in px from the border, and the distance to the next (`Backbone.cells`)."""


def activations(body: nn.Module, blocks: Sequence[str], pixels: Tensor) -> tuple[list[Tensor], Tensor]:
    """The outputs of the modules `blocks`, named from `body` in the order in which they work, and of `body` itself.

    A module is found wherever there are only `nn.Sequential` above it. One that the next layer overwrites in place (ReLU behind
    a norm) is seen as that layer leaves it.
    """
    seen: list[Tensor] = []
    last = _through(body, "", pixels, frozenset(blocks), seen)
    return seen, last


def stacked(found: Sequence[Tensor], cells: Sequence[Cells], shape: tuple[int, int], onto: Cells) -> Tensor:
    """Activations [N,C,h,w] -> [N,sum of C,*shape] on one grid: means of the cells that lie over each of its cells.

    `cells` says where those of each activation stand, `onto` where those of the grid do.
    """
    laid = []
    for map_, own in zip(found, cells, strict=True):
        rows, columns = (
            _means(length, own, wanted, onto).to(map_) for length, wanted in zip(map_.shape[2:], shape, strict=True)
        )
        laid.append(map_ if map_.shape[2:] == shape and own == onto else rows @ map_ @ columns.T)
    return torch.cat(laid, dim=1)


@torch.no_grad()
def channels(body: nn.Module, blocks: Sequence[str], example: Tensor) -> int:
    """How many channels the stack of a new network has; `example` is any image that it can take."""
    found, _ = activations(body.eval(), blocks, example)
    body.train()
    return sum(map_.shape[1] for map_ in found)


def _through(module: nn.Module, name: str, x: Tensor, blocks: frozenset[str], seen: list[Tensor]) -> Tensor:
    if isinstance(module, nn.Sequential):
        for part, child in module.named_children():
            x = _through(child, f"{name}.{part}" if name else part, x, blocks, seen)
    else:
        x = module(x)
    if name in blocks:
        seen.append(x)
    return x


def _means(length: int, cells: Cells, wanted: int, onto: Cells) -> Tensor:
    """Float32 [wanted,length]: each row is the mean of the cells within half a step of its own middle, or of the nearest."""
    places = cells[0] + cells[1] * torch.arange(length)
    middles = onto[0] + onto[1] * torch.arange(wanted)
    apart = (middles[:, None] - places).abs()
    over = (apart <= torch.clamp(apart.amin(dim=1, keepdim=True), min=onto[1] / 2)).float()
    return over / over.sum(dim=1, keepdim=True)
