"""What a frozen network says of each image, computed once: while nothing below the head learns, every epoch says the same.

Vectors are what the neck makes of the last activation, in fp32. They lie in the project's cache, by the network that they are
of: a second training with another head, or on another fold, finds them there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainer import batches, config, dataset, images, models, shards
from trainer.catalog import Catalog
from trainer.errors import Progress
from trainer.ranks import ALONE, Team

BATCH = 32
"""Images that go through the network at once, as in `predict`."""
SHARD = 128
"""Vectors that are written at once: a stop may cost the work on as many."""
_UNMOVED = ("rotation", "zoom", "shift", "brightness", "contrast", "mixup", "cutmix")
"""Random changes that make every image a new one; mirroring makes only one other of it."""
_MOVING = (nn.Dropout, _BatchNorm)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of a list of images, and perhaps of their mirror images, in the place of their squares."""

    views: tuple[shards.Rows, ...]
    failures: tuple[tuple[Path, str], ...] = ()

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Which of the list are there, bool [N]."""
        return self.views[0].there

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Vectors of some images as float32 [n, 1 or 2, F]: of the image, then of its mirror image."""
        return np.stack([view.take(rows) for view in self.views], axis=1)


def views(settings: config.TrainConfig) -> dict[str, int]:
    """How many vectors an image of each part needs: 2 where its mirror image is shown as well."""
    return {"train": 1 + (settings.augment.flip > 0), "validation": 1 + (settings.model.mirror == "averaged")}


def worth(classifier: models.Classifier, settings: config.TrainConfig, counts: Mapping[str, int], shown: int) -> bool:
    """Whether a training computes less with vectors, which say the same: `counts` images by part, `shown` in an epoch.

    Asked of a network of which all is frozen that will be while only the head learns.
    """
    if any(getattr(settings.augment, name) for name in _UNMOVED) or isinstance(classifier.neck, nn.Identity):
        return False
    below = (*classifier.body.modules(), *classifier.neck.modules())
    learning = any(parameter.requires_grad for parameter in (*classifier.body.parameters(), *classifier.neck.parameters()))
    if learning or any(module.training and isinstance(module, _MOVING) for module in below):
        return False
    each = views(settings)
    once = sum(counts[name] * each[name] for name in counts)
    always = min(settings.schedule.head_only, settings.schedule.epochs) * (shown + counts["validation"] * each["validation"])
    return once < always


def of_parts(
    classifier: models.Classifier,
    settings: config.TrainConfig,
    parts: Mapping[str, dataset.Part],
    catalog: Catalog,
    *,
    team: Team = ALONE,
    progress: Progress | None = None,
) -> dict[str, dataset.Part]:
    """The parts with vectors instead of squares, from the cache or computed into it; several processes take turns.

    Raises `StorageError`; `Stopped` from `progress`, which keeps what is computed.
    """
    cache, each = catalog.project / "cache", views(settings)
    folders = [cache / f"vectors-{_name(classifier, settings)}{end}" for end in ("", "-mirrored")]
    if team.first:
        shards.make_room(cache, keep=folders)
    places = [shards.known(folder) for folder in folders]
    digests = {name: [digest for _, digest in catalog.files(part.ids)] for name, part in parts.items()}
    todo = [(name, view) for name in parts for view in range(each[name])]
    # The first says what is missing: another program may be writing just now.
    missing = team.told([_absent(digests[name], places[view]) for name, view in todo])
    training = classifier.training
    classifier.eval()
    width = _computed(classifier, parts["train"].cache.take(np.zeros(1, np.int64)), mirrored=False).shape[1]
    done, total = 0, sum(map(len, missing))
    for (name, view), rows in zip(todo, missing, strict=True):
        for piece in batches.chunks(np.array(rows, np.int64), SHARD):
            made = torch.zeros(len(piece), width)
            for number, some in enumerate(batches.chunks(np.arange(len(piece)), BATCH)):
                if number % team.count == team.rank:
                    made[some] = _computed(classifier, parts[name].cache.take(piece[some]), mirrored=bool(view))
                if progress:
                    progress(done + int(some[-1]) + 1, total)
            team.add_up(made)
            if team.first:
                places[view] |= shards.write(folders[view], made.numpy(), [digests[name][row] for row in piece])
            done += len(piece)
    classifier.train(training)
    team.told()  # all is written
    if not team.first:
        places = [shards.known(folder) for folder in folders]
    return {
        name: replace(part, cache=Vectors(tuple(_rows(digests[name], places[view], width) for view in range(each[name]))))
        for name, part in parts.items()
    }


def _rows(digests: Sequence[str], places: shards.Places, width: int) -> shards.Rows:
    return shards.assembled(digests, places, (width,), np.float32)


def _absent(digests: Sequence[str], places: shards.Places) -> list[int]:
    """Rows of contents that have no vector yet; of exact copies one."""
    return [row for digest, row in {digest: row for row, digest in enumerate(digests)}.items() if digest not in places]


@torch.no_grad()
def _computed(classifier: models.Classifier, squares: NDArray[Any], *, mirrored: bool) -> Tensor:
    """Vectors float32 [n, F] of squares uint8 [n, 1, S, S], or of their mirror images."""
    shown = torch.from_numpy(squares).to(classifier.mean.device)
    return classifier.vectors(shown.flip(3) if mirrored else shown).float().cpu()


def _name(classifier: models.Classifier, settings: config.TrainConfig) -> str:
    """A digest of all that decides about a vector: weights, their network, the squares, and what computes."""
    seen = hashlib.blake2b(digest_size=16)
    about = (classifier.backbone.name, settings.model.features, settings.model.size, settings.model.fit, images.PIPELINE)
    seen.update(repr((*about, torch.__version__, classifier.mean.device.type)).encode())
    for module in (classifier.body, classifier.neck):
        for name, tensor in module.state_dict().items():
            seen.update(name.encode())
            seen.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return seen.hexdigest()
