"""What a head that is solved at once needs of the other settings and of the images. Without torch."""

from trainer import config
from trainer.architectures import LAYERS, SUPPORT_VECTORS
from trainer.errors import ConfigError

MOST = 5000
"""Training images that a support vector machine learns from at most: time and memory grow with their square."""


def solved(settings: config.TrainConfig) -> bool:
    """Whether the head is solved instead of trained step by step."""
    return settings.model.head == SUPPORT_VECTORS


def check_seeds(settings: config.TrainConfig) -> None:
    """Refuse a bag of seeds whose members would be the same: no spread would look like certainty. Raises `ConfigError`."""
    if solved(settings):
        raise ConfigError(
            "A support vector machine is the same with every seed: a bag of seeds would be one network several times",
            where="model.head",
            remedy="Train one for each fold of a cross-validation instead, or one alone.",
        )


def check(settings: config.TrainConfig, images: int = 0) -> None:
    """Refuse what cannot be solved for `images` training images. Raises `ConfigError`; `where` is the setting at fault."""
    if not solved(settings):
        return
    for key, value in (("schedule.epochs", settings.schedule.epochs), ("schedule.head_only", settings.schedule.head_only)):
        if value != 1:
            raise ConfigError(
                "A support vector machine is solved once, over a backbone that does not learn",
                where=key,
                remedy="Set Epochs and Head only to 1, as the recipe support-vectors does, or Head to layers.",
            )
    if images > MOST:
        raise ConfigError(
            f"A support vector machine learns from at most {MOST:,} images, and there are {images:,} training images",
            where="model.head",
            remedy=f"Set Head to {LAYERS} (recipe all-stages), or divide the images so that fewer are for training.",
        )
