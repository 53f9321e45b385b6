"""A classifier: backbone, head for n findings, and its own preprocessing, so that a model file needs nothing beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from trainer import heads, hypercolumns, machines
from trainer import weights as weight_files
from trainer.architectures import BACKBONES, LAST, LAYERS, PLACES, Backbone
from trainer.architectures import check as check
from trainer.backbones import parts
from trainer.blocks import MeanAndDeviation, Places
from trainer.errors import ConfigError, Progress, WeightsError, counted, did_you_mean
from trainer.fitting import Fit, few, fitted, plain_names, prefixed


class Classifier(nn.Module):
    """Grey radiographs in, logits out: `head(neck(body(normalised pixels)))`.

    `body` ends with the last activation [N,C,h,w], which heat maps look at; `neck` makes a vector of it; `head` is always new,
    and so are the modules of the body that no weights file has (`Backbone.new`): both learn in any case.
    `mean` and `std` are buffers and travel with the weights. Stages that are frozen stay in evaluation mode under `train()`, so
    that the running statistics of their batch norm do not move and their dropout stays off; so do batch norms that are kept.
    In evaluation mode a `mirrored` one says the mean of its logits for the image and for its mirror image.
    Where `features` is "stages", the last activation is that of all stages stacked, and the neck pools each channel's mean and
    standard deviation; with "places" also its mean in each part of the image. The head is of layers, or a support vector
    machine, one for findings that exclude each other or another (`task`). Instead of images the network takes the vectors that
    its neck once made of them (see `vectors`).
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        findings: int,
        *,
        dropout: float,
        hidden: int = 0,
        mirrored: bool = False,
        features: str = LAST,
        head: str = LAYERS,
        task: str = "multi-class",
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.findings = findings
        self.mirrored = mirrored
        self.stacked = features != LAST
        self.body, self.neck, width = parts(backbone.name, dropout)
        if self.stacked:
            self.neck = Places() if features == PLACES else MeanAndDeviation()
            width = 2 * hypercolumns.channels(self.body, [*dict(backbone.blocks)], torch.zeros(1, len(backbone.mean), 64, 64))
        groups = (width, Places.SIDE**2 * width // 2) if features == PLACES else (width,)
        self.head: nn.Module = (
            heads.head(backbone.name, sum(groups), findings, dropout=dropout, hidden=hidden, stacked=self.stacked)
            if head == LAYERS
            else machines.SupportVectors(findings, pairs=task == "multi-class", groups=groups)
        )
        self.register_buffer("mean", torch.tensor(backbone.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(backbone.std).view(1, -1, 1, 1))
        self._frozen: list[nn.Module] = []
        self._norms: list[nn.Module] = []

    @property
    def layer(self) -> nn.Module:
        """The module whose output [N,C,h,w] heat maps look at, unless they look at all stages."""
        return self.body

    @property
    def looked_at(self) -> str:
        """What heat maps look at, in words."""
        return "all stages" if self.stacked else self.backbone.layer

    def features(self, pixels: Tensor) -> Tensor:
        """Pixels [N,1,S,S], uint8 0..255 or float 0..1 -> the last activation [N,C,h,w]."""
        grey = pixels.to(self.mean.dtype)
        if pixels.dtype == torch.uint8:
            grey = grey / 255
        normalised = (grey - self.mean) / self.std
        if self.stacked:
            blocks = dict(self.backbone.blocks)
            found, last = hypercolumns.activations(self.body, [*blocks], normalised)
            return hypercolumns.stacked(found, [*blocks.values()], (last.shape[2], last.shape[3]), self.backbone.cells)
        activation: Tensor = self.body(normalised)
        return activation

    def vectors(self, pixels: Tensor) -> Tensor:
        """Pixels [N,1,S,S], uint8 0..255 or float 0..1 -> what the neck makes of the last activation, [N,F]."""
        found: Tensor = self.neck(self.features(pixels))
        return found

    def classify(self, activation: Tensor) -> Tensor:
        """The last activation [N,C,h,w] -> logits float32 [N,K]."""
        logits: Tensor = self.head(self.neck(activation))
        return logits.float()

    def forward(self, shown: Tensor) -> Tensor:
        """Pixels [N,1,S,S], uint8 0..255 or float 0..1, or vectors float32 [N,1 or 2,F] of images (and of their mirror images)
        -> logits float32 [N,K].
        """
        both = self.mirrored and not self.training
        if shown.ndim == 3:
            seen = shown.unbind(1)[: 1 + both]
        else:
            seen = tuple(self.vectors(view) for view in ((shown, shown.flip(3)) if both else (shown,)))
        logits: list[Tensor] = [self.head(vector).float() for vector in seen]
        return (logits[0] + logits[1]) / 2 if both else logits[0]

    def stages(self) -> list[list[nn.Module]]:
        """The modules of each stage that can be frozen, from the input to the last before the head."""
        return [[self._module(name) for name in names] for names in self.backbone.stages]

    def head_parameters(self) -> list[nn.Parameter]:
        """What is trained in any case: the head, and what of the body never comes with weights."""
        new = (self.body.get_submodule(name) for name in self.backbone.new)
        return [*self.head.parameters(), *(parameter for module in new for parameter in module.parameters())]

    def backbone_parameters(self) -> list[nn.Parameter]:
        """All others, frozen or not."""
        new = {id(parameter) for parameter in self.head_parameters()}
        return [found for found in (*self.body.parameters(), *self.neck.parameters()) if id(found) not in new]

    def unfreeze(self, stages: int | None) -> None:
        """Let the head and the last `stages` stages learn: 0 the head only, None (or more than there are) everything."""
        parted = self.stages()
        first = 0 if stages is None else max(0, len(parted) - stages)
        self._frozen = [module for stage in parted[:first] for module in stage]
        self.requires_grad_(True)
        for module in self._frozen:
            module.requires_grad_(False)
        self.train(self.training)

    def keep_statistics(self) -> None:
        """Let batch norms normalise by the means and variances that they have, as in evaluation; their factors still learn.

        Not those of the head, nor of modules that no weights file has.
        """
        new = {module for name in self.backbone.new for module in self.body.get_submodule(name).modules()}
        own = (*self.body.modules(), *self.neck.modules())
        self._norms = [module for module in own if isinstance(module, nn.BatchNorm2d) and module not in new]
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As torch's own, except that frozen stages and kept batch norms stay in evaluation mode."""
        super().train(mode)
        for module in (*self._frozen, *self._norms):
            module.eval()
        return self

    def _module(self, name: str) -> nn.Module:
        home = self.neck if name == "classifier" else self.body
        return home.get_submodule(name)


@dataclass(frozen=True)
class Loaded:
    """What became of a weights file: numbers of tensors taken, names left in the file, names the network still misses."""

    source: str
    taken: int
    left: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def words(self) -> str:
        """One sentence for a person."""
        if not self.taken:
            return "All weights start at random."
        left = f", {len(self.left)} in the file not used{_some(self.left)}" if self.left else ""
        missing = f", {len(self.missing)} of the backbone stay random{_some(self.missing)}" if self.missing else ""
        return f"{self.taken} tensors taken from {self.source}{left}{missing}."

    def unmeasured(self, backbone: Backbone) -> str:
        """A sentence about batch norms whose mean is not in the file and that cannot therefore be kept; or ""."""
        new = tuple(f"{name}." for name in backbone.new)
        names = [name for name in self.missing if name.endswith("running_mean") and not name.startswith(new)]
        if not self.taken or not names:
            return ""
        what = f"{self.source} has no mean and variance for {counted(len(names), 'batch norm')}{_some(tuple(names))}"
        return f"{what}, which will not find them either while Batch norm is kept: choose learned."


def build(
    backbone: str,
    findings: int,
    *,
    dropout: float = 0.0,
    hidden: int = 0,
    mirrored: bool = False,
    features: str = LAST,
    head: str = LAYERS,
    task: str = "multi-class",
) -> Classifier:
    """Make a classifier with random weights from torch's global generator.

    `hidden` features between two linear layers of the head; 0: it has one. The others: see `Classifier`. Raises
    `ConfigError` for an unknown backbone, or one that lacks these features or cannot have this head.
    """
    check(backbone, features=features, head=head)
    if findings < 1:
        raise ConfigError("A classifier needs at least one finding", where=backbone, remedy="Label some images first.")
    shape = {"dropout": dropout, "hidden": hidden, "mirrored": mirrored, "features": features, "head": head, "task": task}
    return Classifier(BACKBONES[backbone], findings, **shape)  # type: ignore[arg-type]


def initialise(classifier: Classifier, weights: str, *, progress: Progress | None = None) -> Loaded:
    """Put pretrained weights into body and neck: "none", "imagenet" (downloaded once) or the path of a weights file.

    The head stays new, whatever the file holds: its findings may be others. A backbone that is put together from others takes
    the ImageNet weights of each, and a file of one of them too. Progress counts bytes of a download. Raises `WeightsError` if
    the file is damaged or for another network, and then nothing is changed; `StorageError` if it cannot be opened; `Stopped`
    passes through.
    """
    if weights == "none":
        return Loaded("none", 0)
    imagenet = weights == "imagenet"
    if not imagenet and not (Path(weights).suffix or Path(weights).is_file()):
        near = did_you_mean(weights, ("imagenet", "none"))
        meant = f" {near}" if near.startswith("Did") else ""
        remedy = f"Choose imagenet, none, or the path of a .safetensors or .pth file.{meant}"
        raise WeightsError(f"'{weights}' is no weights file", where="model.weights", remedy=remedy)
    path, found = _imagenet(classifier.backbone, progress) if imagenet else _from_file(classifier, Path(weights).expanduser())
    fit = _fit(classifier, found)
    if not fit.taken or fit.another:
        _refuse(classifier.backbone.name, found, fit, path)
    _check_finite(found, fit.taken, path)
    targets = _targets(classifier)
    with torch.no_grad():
        for name in fit.taken:
            targets[name].copy_(found[name].view_as(targets[name]))
    return Loaded(
        source="ImageNet" if imagenet else path.name,
        taken=len(fit.taken),
        left=tuple(name for name in found if name not in targets),
        missing=tuple(name for name in targets if name not in found and not name.endswith("num_batches_tracked")),
    )


def _imagenet(backbone: Backbone, progress: Progress | None) -> tuple[Path, dict[str, Tensor]]:
    """The (last) file and its tensors, named as in the network. All files are there before the first is read."""
    paths = {part: weight_files.imagenet(part, progress) for part in backbone.joined or (backbone.name,)}
    found: dict[str, Tensor] = {}
    for part, path in paths.items():
        plain = plain_names(weight_files.load(path))
        found |= prefixed(part, plain) if backbone.joined else plain
    return path, found


def _from_file(classifier: Classifier, path: Path) -> tuple[Path, dict[str, Tensor]]:
    """The tensors of a file, named as in the network: also where it is of one of the networks that this one joins."""
    found = plain_names(weight_files.load(path))
    if not _fit(classifier, found).taken:
        for part in classifier.backbone.joined:
            named = prefixed(part, found)
            fit = _fit(classifier, named)
            if len(fit.taken) > len(found) / 2 and not fit.another:
                return path, named
    return path, found


def _targets(classifier: Classifier) -> dict[str, Tensor]:
    return {**classifier.body.state_dict(), **classifier.neck.state_dict()}


def _fit(classifier: Classifier, found: Mapping[str, Tensor]) -> Fit:
    return fitted(classifier.backbone, _targets(classifier), found)


def _check_finite(found: Mapping[str, Tensor], names: tuple[str, ...], path: Path) -> None:
    for name in names:
        if not torch.isfinite(found[name]).all():
            raise WeightsError(
                f"The weights hold values that are no numbers ({name})", where=path, remedy="Choose another weights file."
            )


def _refuse(backbone: str, found: Mapping[str, Tensor], fit: Fit, path: Path) -> None:
    others = [name for name in _that_fit(found) if name != backbone]
    if fit.clashes:
        name = fit.clashes[0]
        what = f"The weights are for another network than {backbone}: {name} has the shape {list(found[name].shape)}"
    elif fit.taken and fit.homeless:
        what = f"The weights are for another network than {backbone}, which has no {few(list(fit.homeless))}"
    else:
        names = sorted(_targets(_skeleton(backbone)))
        what = f"Nothing in the weights file fits {backbone}: it holds {few(list(found))}, but {few(names)} are expected"
    remedy = f"They fit {' and '.join(others)}." if others else "Choose a file with torchvision's or timm's names and shapes."
    raise WeightsError(what, where=path, remedy=remedy)


def _that_fit(found: Mapping[str, Tensor]) -> Iterator[str]:
    """Backbones that the file is of: most of it belongs to them, and most of them is in it."""
    for name in BACKBONES:
        classifier = _skeleton(name)
        fit = _fit(classifier, found)
        weights = [key for key, tensor in _targets(classifier).items() if tensor.ndim > 1]
        most = len(fit.taken) > len(found) / 2 and len(set(weights) & set(fit.taken)) > 0.9 * len(weights)
        if most and not fit.another:
            yield name


def _skeleton(backbone: str) -> Classifier:
    with torch.device("meta"):
        return Classifier(BACKBONES[backbone], 1, dropout=0.0)


def _some(names: tuple[str, ...]) -> str:
    return f" ({few(list(names))})"
