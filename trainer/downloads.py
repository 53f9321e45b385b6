"""Pretrained weights without reading them: where they lie, and what a training will have to fetch."""

import os
from pathlib import Path

import platformdirs

from trainer.architectures import BACKBONES, Backbone
from trainer.errors import WeightsError

RANDOM, IMAGENET = "none", "imagenet"
SUFFIXES = (".safetensors", ".pth", ".pt")


def folder() -> Path:
    """The user's folder of downloaded weights; it may not exist yet."""
    return Path(platformdirs.user_cache_dir("cxr-desktop", appauthor=False)) / "weights"


def torch_folder() -> Path:
    """Torch's own folder of downloaded weights, which is looked at too; it may not exist."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", Path(cache) / "torch")).expanduser()
    return home / "hub" / "checkpoints"


def offer(row: Backbone) -> str:
    """Which ImageNet weights there are for a backbone: how much is fetched for them, from whom, under which terms."""
    rows = [BACKBONES[name] for name in row.joined or (row.name,)]
    if not row.pretrained:
        return "There are no ImageNet weights for it: it learns from scratch."
    of = "timm, Apache 2.0" if any(one.address for one in rows) else "torchvision, BSD 3"
    size = max(1, round(sum(one.megabytes for one in rows)))
    return f"ImageNet weights: {size} MB ({of}); the photographs that they learned from are for research, not for business."


def words(backbone: str, weights: str) -> str:
    """A sentence on where a backbone would start and what that needs.

    Raises `WeightsError` where it is known before that this cannot work: no ImageNet weights for this backbone, no such file.
    """
    row = BACKBONES.get(backbone)
    if weights == RANDOM:
        return "All weights start at random: that needs many images and epochs."
    if weights != IMAGENET:
        return _file(weights)
    if row is None or not row.pretrained:
        raise WeightsError(f"There are no ImageNet weights for {backbone}", remedy="Choose none, or a weights file.")
    rows = [BACKBONES[name] for name in row.joined or (row.name,)]
    missing = [one for one in rows if not any((place / one.file).is_file() for place in (folder(), torch_folder()))]
    if not missing:
        return f"The ImageNet weights of {backbone} are on this computer."
    size = max(1, round(sum(one.megabytes for one in missing)))
    return (
        f"The ImageNet weights of {backbone} are not on this computer: they will be downloaded once, {size} MB. Without "
        "internet that is not possible: take the recipe scattering, or a weights file."
    )


def _file(name: str) -> str:
    path = Path(name).expanduser()
    if not name.strip() or not path.is_file():
        kinds = ", ".join(SUFFIXES)
        raise WeightsError(
            f"There is no weights file '{name}'", remedy=f"Choose imagenet, none, or a file that is there ({kinds})."
        )
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"{path.name} is no weights file", remedy=f"Choose imagenet, none, or one of {', '.join(SUFFIXES)}.")
    return f"The backbone starts from {path.name}, as far as its names and shapes fit."
