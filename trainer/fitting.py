"""Whether the tensors of a weights file are those of a network: by their names and shapes, without the network's modules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from trainer.architectures import Backbone

# torchvision renames these when it loads; its densenet file is older than its densenet.
_OLD_DENSENET = (("norm.1.", "norm1."), ("norm.2.", "norm2."), ("conv.1.", "conv1."), ("conv.2.", "conv2."))


@dataclass(frozen=True)
class Fit:
    """Names that fit, names of another shape, and names of weights inside the backbone that it has no place for.

    The last are those of a deeper network of the family (resnet101 for resnet50): all that is asked for is in its file, but
    the layers that it would be taken from never stood behind one another.
    """

    taken: tuple[str, ...]
    clashes: tuple[str, ...]
    homeless: tuple[str, ...]

    @property
    def another(self) -> bool:
        """Whether the file is of another network."""
        return bool(self.clashes or self.homeless)


def fitted(backbone: Backbone, targets: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Fit:
    """Compare what a backbone asks for with what a file holds, both by plain name."""
    shared = [name for name in targets if name in found]
    taken = tuple(name for name in shared if _fits(targets[name], found[name]))
    places = {_place(backbone, name) for name in targets} - {"classifier"}  # which in other networks is the head
    left = (name for name, tensor in found.items() if name not in targets and tensor.ndim > 1)
    homeless = tuple(name for name in left if _place(backbone, name) in places)
    return Fit(taken, tuple(name for name in shared if name not in set(taken)), homeless)


def plain_names(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as torchvision and timm have them today, from old files and from our own checkpoints.

    The preprocessing is no weight.
    """
    plain = {}
    for name, tensor in found.items():
        if name in ("mean", "std"):
            continue
        name = name.removeprefix("body.").removeprefix("neck.")
        if ".denselayer" in name:
            for old, new in _OLD_DENSENET:
                name = name.replace(old, new)
        plain[name] = tensor
    return plain


def prefixed(part: str, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of one network as they stand in another that joins it."""
    return {f"{part}.{name}": tensor for name, tensor in found.items()}


def few(names: Sequence[str]) -> str:
    """Two names, and how many more there are."""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def _place(backbone: Backbone, name: str) -> str:
    """The part of a network that a name stands in: its first word, behind that of a joined network."""
    for part in backbone.joined:
        name = name.removeprefix(f"{part}.")
    return name.partition(".")[0]


def _fits(target: Tensor, found: Tensor) -> bool:
    # A counter is stored as [] or as [1], depending on who wrote the file, and a 1x1 convolution as a matrix by some.
    same_shape = target.shape in (found.shape, (*found.shape, 1, 1)) or target.numel() == found.numel() == 1
    return same_shape and target.is_floating_point() == found.is_floating_point()
