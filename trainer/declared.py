"""The settings of training, part by part, each declared once: name, default, label, help, unit, limits, choices.

What is done with them (reading, checking, writing) stands in `config`, which also hands these classes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FRONTAL_VIEWS, ALL_VIEWS = "frontal", "all"

OF_ONE_FINDING = ("f_beta", "specificity_at_sensitivity")
"""Metrics of `Choice.finding` alone."""

_LEVELS: Mapping[str, tuple[float, ...]] = {
    "none": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "light": (0.5, 0.0, 0.0, 0.0, 0.1, 0.1),
    "medium": (0.5, 7.0, 0.05, 0.05, 0.15, 0.15),
    "strong": (0.5, 15.0, 0.15, 0.1, 0.25, 0.25),
}
LEVELS: Mapping[str, Mapping[str, float]] = {
    name: dict(zip(("flip", "rotation", "zoom", "shift", "brightness", "contrast"), numbers, strict=True))
    for name, numbers in _LEVELS.items()
}
"""Levels of augmentation: numbers of `Augment` by name. light is the default; medium has what is usual for chest
radiographs (turns and shifts as patients stand); strong goes as far as a radiograph still looks like one."""


def setting(default: Any, label: str, help: str, **more: Any) -> Any:  # noqa: A002, ANN401 - becomes a dataclass field
    return field(default=default, metadata={"label": label, "help": help, **more})


@dataclass(frozen=True)
class Task:
    """What is to be told apart."""

    kind: str = setting(
        "multi-class",
        "Task",
        "multi-class: each image has exactly one finding; multi-label: each finding is present or absent on its own.",
        choices=("multi-class", "multi-label"),
        essential=True,
        term="multi-class, multi-label",
    )
    findings: tuple[str, ...] = setting(
        (), "Findings", "The findings to learn, in this order; all of the project unless some are chosen.", term="finding"
    )
    views: str = setting(
        FRONTAL_VIEWS,
        "Views",
        "frontal leaves out images whose view is known to be lateral, oblique or otherwise not frontal; those of unknown view "
        "stay. all takes every image. The network is judged on the same views as it learns from.",
        choices=(FRONTAL_VIEWS, ALL_VIEWS),
        term="view",
    )
    level: int = setting(
        0,
        "Level of findings",
        "Where findings form a tree (Pneumonia/Viral/COVID-19): 1 learns the first step (Pneumonia), 2 the first two, and so "
        "on; 0 learns all names as they are labelled. A shorter path with nothing below it (No Finding) stays; an image whose "
        "label ends above the level (Pneumonia at level 2) is not stated there.",
        low=0,
        high=9,
        term="finding",
    )
    implies: tuple[str, ...] = setting(
        (),
        "Implications",
        'What one finding says of another, for multi-label tasks: "COVID-19 > Pneumonia" makes each image with COVID-19 one '
        "with pneumonia, and each without pneumonia one without COVID-19. Several are parted by commas.",
        term="implication",
    )


@dataclass(frozen=True)
class Model:
    """The network and what it sees."""

    backbone: str = setting(
        "squeezenet1_1",
        "Backbone",
        "The network that turns a radiograph into features.",
        essential=True,
    )
    weights: str = setting(
        "imagenet",
        "Weights",
        "Where the backbone starts: imagenet (downloaded once), none (random), or the path of a .safetensors or .pth file.",
        essential=True,
    )
    size: int = setting(
        256,
        "Image size",
        "Side of the square that the network sees; twice the side costs four times the time.",
        unit="px",
        low=32,
        high=1024,
        step=32,
        essential=True,
    )
    fit: str = setting(
        "stretch",
        "Fit",
        "How a radiograph becomes a square: stretch changes its shape, pad adds black borders, crop cuts the longer side.",
        choices=("stretch", "pad", "crop"),
    )
    dropout: float = setting(
        0.2,
        "Dropout",
        "Share of features left out at random before the head while training; more works against overfitting.",
        low=0.0,
        high=0.9,
    )
    hidden: int = setting(
        0,
        "Hidden layer",
        "Features of a second fully connected layer in the head, with ReLU and dropout; 0: the head is one layer.",
        unit="features",
        low=0,
        high=8192,
        step=128,
        term="head",
    )
    head: str = setting(
        "layers",
        "Head",
        "What makes probabilities of features: layers, trained over the epochs; support-vectors, a support vector machine, "
        "solved at once over a backbone that does not learn, for at most 5,000 images.",
        choices=("layers", "support-vectors"),
        term="support vector machine",
    )
    features: str = setting(
        "last",
        "Features",
        "What the head sees: last, the backbone's last activation; stages, those of all its stages, with textures; places, "
        "these and where in the image they are (4 x 4).",
        choices=("last", "stages", "places"),
        term="hypercolumn",
    )
    mirror: str = setting(
        "off",
        "Mirror image",
        "averaged: a prediction is the mean of what is said of the image and of its mirror image; steadier, at twice the time.",
        choices=("off", "averaged"),
        term="mirror image",
    )


@dataclass(frozen=True)
class Optimiser:
    """How weights are changed after each batch."""

    name: str = setting(
        "adamw",
        "Optimiser",
        "The rule that turns gradients into changes of the weights.",
        choices=("adamw", "adam", "nadam", "sgd"),
    )
    lr: float = setting(
        3e-4,
        "Learning rate",
        "Size of the largest step; too large and the loss jumps, too small and nothing is learned.",
        low=1e-7,
        high=10.0,
        essential=True,
    )
    weight_decay: float = setting(
        1e-2,
        "Weight decay",
        "Pull of the weights (not of biases and norms) towards zero, against overfitting. adamw pulls beside the gradient, the "
        "others as a part of it.",
        low=0.0,
        high=1.0,
        step=0.005,
    )
    momentum: float = setting(
        0.9, "Momentum", "Share of the last step that goes into the next one (SGD only).", low=0.0, high=0.999, step=0.01
    )
    clip: float = setting(
        1.0, "Gradient clipping", "Longest gradient (L2 norm) that is let through; 0 lets all through.", low=0.0, high=1000.0
    )
    average: float = setting(
        0.0,
        "Weight averaging",
        "Decay of the running average of the weights (EMA) that is validated and kept; 0 keeps the last weights themselves.",
        low=0.0,
        high=0.9999,
        step=0.01,
    )


@dataclass(frozen=True)
class Schedule:
    """How long, and how the learning rate moves."""

    epochs: int = setting(
        15, "Epochs", "How often the network sees the training images.", low=1, high=10_000, essential=True, term="epoch"
    )
    name: str = setting(
        "cosine",
        "Schedule",
        "cosine: warm-up, then falling to zero along a cosine; one-cycle: rising, then falling; constant: warm-up, then level.",
        choices=("cosine", "one-cycle", "constant"),
    )
    warmup: float = setting(
        1.0,
        "Warm-up",
        "Time in which the learning rate rises from zero (one-cycle: its rising part).",
        unit="epochs",
        low=0.0,
        high=1000.0,
    )
    head_only: int = setting(
        0,
        "Head only",
        "Epochs at the start in which only the head learns and the backbone stays as it came.",
        unit="epochs",
        low=0,
        high=10_000,
        term="freezing",
    )
    stages: int = setting(
        0,
        "Stages to unfreeze",
        "How many stages of the backbone, counted from the head, learn after that; 0: all.",
        low=0,
        high=100,
        term="freezing",
    )
    backbone_lr: float = setting(
        1.0,
        "Backbone learning rate",
        "Learning rate of the backbone as a share of the head's.",
        low=0.0,
        high=1.0,
        term="learning rate",
    )
    batch_norm: str = setting(
        "learned",
        "Batch norm",
        "learned: the mean and variance of layers are those of the images of each step; kept: those that came with pretrained "
        "weights stay, which is steadier where images are few.",
        choices=("learned", "kept"),
        term="batch norm",
    )


@dataclass(frozen=True)
class Loss:
    """What is made small: cross entropy for multi-class tasks, binary cross entropy for multi-label ones, or focal loss."""

    name: str = setting(
        "cross-entropy",
        "Loss",
        "cross-entropy: each image counts alike; focal: images that are already right count less (Lin et al. 2017).",
        choices=("cross-entropy", "focal"),
    )
    gamma: float = setting(
        2.0,
        "Focal gamma",
        "How strongly focal loss leaves out what is already right; 0 is cross entropy, 2 is usual.",
        low=0.0,
        high=10.0,
        term="focal loss",
    )
    alpha: tuple[float, ...] = setting(
        (0.0,),
        "Focal alpha",
        "Multi-label: the weight of yes, no gets the rest; 0 weights neither, the paper has 0.25. One number, or one for "
        "each finding in their order (0.25, 0.5); in a multi-class task these weight the images of each finding.",
        low=0.0,
        high=0.99,
        term="focal loss",
    )
    smoothing: float = setting(
        0.0,
        "Label smoothing",
        "How far the targets move from 0 and 1 towards even; keeps the network from being too sure.",
        low=0.0,
        high=0.5,
    )


@dataclass(frozen=True)
class Imbalance:
    """What is done about rare findings."""

    method: str = setting(
        "none",
        "Imbalance",
        "class-weights: mistakes on rare findings cost more; weighted-sampler: rare findings are drawn more often; "
        "oversampling repeats images of rare findings; undersampling leaves out images of frequent ones, others each epoch.",
        choices=("none", "class-weights", "weighted-sampler", "oversampling", "undersampling"),
        essential=True,
    )
    weighting: str = setting(
        "balanced",
        "Class weights",
        "How class-weights are made. balanced: by one over the number of images; effective-number: by the effective number of "
        "images (Cui et al. 2019), which is milder; own: the numbers in Own weights.",
        choices=("balanced", "effective-number", "own"),
        term="class weights",
    )
    beta: float = setting(
        0.999,
        "Beta of the effective number",
        "How much a further image of a finding still adds: 0 weights all alike, towards 1 it becomes balanced.",
        low=0.0,
        high=0.999999,
        step=0.001,
        term="class weights",
    )
    weights: tuple[float, ...] = setting(
        (),
        "Own weights",
        "What a mistake costs, one number for each finding in their order (1, 4, 0.5). Multi-label: the weight of a yes "
        "(positive weight), where one number may stand for all findings.",
        low=0.001,
        high=1000.0,
        term="class weights",
    )
    ratio: float = setting(
        0.0,
        "Sampler ratio",
        "Weighted sampler: an image of the rarest finding is drawn so many times as often as one of the commonest (8 is "
        "8:1), those between by the same law; multi-label: of yes and no. 0: as often as makes all even.",
        low=0.0,
        high=1000.0,
        step=1,
        term="weighted sampler",
    )


@dataclass(frozen=True)
class Augment:
    """Random changes to training images, anew each time an image is shown."""

    flip: float = setting(
        0.5, "Horizontal flip", "Chance that left and right are exchanged (the heart changes side too).", low=0.0, high=1.0
    )
    rotation: float = setting(
        0.0,
        "Rotation",
        "Largest turn to either side. Turning resamples, which softens the image.",
        unit="degrees",
        low=0.0,
        high=180.0,
    )
    zoom: float = setting(0.0, "Zoom", "Largest change of scale, in or out, as a share. Zooming resamples.", low=0.0, high=0.5)
    shift: float = setting(
        0.0, "Shift", "Largest shift along each axis, as a share of the side; by whole pixels.", low=0.0, high=0.5
    )
    brightness: float = setting(
        0.1, "Brightness", "Largest change of brightness, as a share of the grey scale.", low=0.0, high=0.9
    )
    contrast: float = setting(0.1, "Contrast", "Largest change of contrast, as a share.", low=0.0, high=0.9)
    mixup: float = setting(
        0.0,
        "Mixup",
        "Blend each image with another of its batch, and their answers too (Zhang et al. 2018). Alpha of the Beta "
        "distribution of the shares: 0 is off, 0.2 mixes a little, 1 evenly.",
        low=0.0,
        high=10.0,
        step=0.1,
        term="mixup and CutMix",
    )
    cutmix: float = setting(
        0.0,
        "CutMix",
        "Put a rectangle of another image of the batch into each image, and mix the answers by its area (Yun et al. "
        "2019). Alpha as for mixup; 0 is off. With both on, each image gets one of the two.",
        low=0.0,
        high=10.0,
        step=0.1,
        term="mixup and CutMix",
    )


@dataclass(frozen=True)
class Choice:
    """Which epoch is kept, and when to end early; both look at validation data only."""

    metric: str = setting(
        "macro_f1",
        "Choose by",
        "The validation metric that decides which epoch is kept. The last two look at one finding, the Finding that matters.",
        choices=(
            "macro_f1",
            "macro_auroc",
            "balanced_accuracy",
            "accuracy",
            "loss",
            *OF_ONE_FINDING,
        ),
        essential=True,
        term="metric",
    )
    finding: str = setting(
        "",
        "Finding that matters",
        "The finding that f_beta or specificity_at_sensitivity is about; its threshold is then chosen by the same rule.",
        term="finding",
    )
    beta: float = setting(
        2.0,
        "Beta of F-beta",
        "How many times as much sensitivity counts as precision: 1 is F1, 2 weighs what is missed heavier, 0.5 false alarms.",
        low=0.1,
        high=10.0,
        step=0.5,
        term="F-beta",
    )
    sensitivity: float = setting(
        0.95,
        "Least sensitivity",
        "Share of the images with the finding that must be found; of the thresholds that do so, the one with the best "
        "specificity counts.",
        low=0.01,
        high=1.0,
        term="sensitivity",
    )
    criterion: str = setting(
        "youden",
        "First thresholds",
        "How the threshold of each finding is chosen on validation at first: youden (sensitivity + specificity) or f1.",
        choices=("youden", "f1"),
        term="threshold",
    )
    patience: int = setting(
        0,
        "Patience",
        "Epochs without a better value after which training ends; 0 never ends early.",
        unit="epochs",
        low=0,
        high=10_000,
    )


@dataclass(frozen=True)
class Compute:
    """Where and how it is computed."""

    device: str = setting(
        "auto", "Device", "Where it is computed: auto takes the GPU if there is one; or cpu, cuda, cuda:1, mps.", essential=True
    )
    precision: str = setting(
        "auto",
        "Precision",
        "auto measures on this network and device what is fastest; fp32 is exact, bf16 and fp16 are mixed precision.",
        choices=("auto", "fp32", "bf16", "fp16"),
        term="mixed precision",
    )
    batch: int = setting(
        32,
        "Batch",
        "Images that go through the network at once, on each device.",
        unit="images",
        low=1,
        high=4096,
        step=8,
        essential=True,
    )
    accumulate: int = setting(
        1,
        "Gradient accumulation",
        "Batches whose gradients are added up for one step: the same as a batch so many times as large, for less memory. Only "
        "batch norm sees the difference: it takes mean and variance over what goes through the network at once.",
        unit="batches",
        low=1,
        high=1024,
        term="gradient accumulation",
    )
    devices: int = setting(
        1,
        "Devices",
        "GPUs that share each step, every one with a batch of its own; 0 takes all there are. With the device cpu: processes.",
        low=0,
        high=1024,
        term="several devices",
    )
    threads: int = setting(
        0, "Threads", "Processor threads of each process; 0 takes all cores, shared out among processes.", low=0, high=1024
    )

    @property
    def images_per_step(self) -> int:
        """Images between two changes of the weights, on all devices together."""
        return self.batch * self.accumulate * max(1, self.devices)
