"""The backbones that can be chosen: what each is, its stages for unfreezing, its ImageNet weights. Without torch."""

from dataclasses import dataclass
from types import MappingProxyType

from trainer.errors import ConfigError, did_you_mean

LAST, STAGES, PLACES = "last", "stages", "places"
"""What a head can see (`config.Model.features`): the backbone's last activation, those of all its stages, or these and
where in the image they are.
"""
LAYERS, SUPPORT_VECTORS = "layers", "support-vectors"
"""What a head can be (`config.Model.head`)."""

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_EVEN = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Of weights that expect -1..1: those that came from TensorFlow, and timm's own of ResNet50V2."""
_TIMM = "https://github.com/rwightman/pytorch-image-models/releases/download/"


@dataclass(frozen=True)
class Backbone:
    """One row of the registry.

    `parameters_millions` counts body and neck without the head; `stages` are names of modules from the input to the head;
    `layer` names the module whose output heat maps look at; `mean` and `std` (one value a channel, grey values 0..1) are what
    its weights were trained with; `smallest` is the least image side in px that it can take; `file` names its ImageNet weights,
    `megabytes` their size (MiB), `address` where they lie if they are not torchvision's.

    `joined` names the backbones that it is put together from, each with its own weights; `new` are modules that no weights
    file has, so that they learn with the head. `beyond` counts the rows and columns of its last activation that lie before and
    behind the image. `cells` says which place each of the others looks at, along either side: the middle of the first, in px
    from the border, and the distance to the next. It follows from kernels, strides and borders, layer by layer. `blocks` are
    the modules that a head which sees all stages looks at, each with the same said of it; none where there is no such head.
    """

    name: str
    help: str
    parameters_millions: float
    stages: tuple[tuple[str, ...], ...]
    layer: str
    smallest: int = 32
    file: str = ""
    megabytes: float = 0.0
    address: str = ""
    joined: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    beyond: tuple[int, int] = (0, 0)
    cells: tuple[float, float] = (0.5, 32.0)
    blocks: tuple[tuple[str, tuple[float, float]], ...] = ()
    mean: tuple[float, ...] = _IMAGENET[0]
    std: tuple[float, ...] = _IMAGENET[1]

    @property
    def pretrained(self) -> bool:
        """Whether there are ImageNet weights for it."""
        return bool(self.file or self.joined)


def _stages(text: str, prefix: str = "") -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name if name == "classifier" else prefix + name for name in stage.split()) for stage in text.split("|"))


def _blocks(text: str, cells: str, prefix: str = "") -> tuple[tuple[str, tuple[float, float]], ...]:
    """The blocks of each stage with its cells: "0.5 2" is a first middle and a step, in px."""
    placed = zip(_stages(text, prefix), (stage.split() for stage in cells.split("|")), strict=True)
    return tuple((name, (float(first), float(step))) for names, (first, step) in placed for name in names)


_HALVED = "0.5 2 | 0.5 4 | 0.5 8 | 0.5 16 | 0.5 32"
"""Stages of odd kernels and even borders, each of which halves the one before."""


def _both(first: tuple[tuple[str, ...], ...], second: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """The stages of two networks side by side: the n-th of both are one."""
    named = zip(("resnet50v2.", "xception."), (first, second), strict=True)
    parted = [[tuple(prefix + name for name in stage) for stage in stages] for prefix, stages in named]
    return tuple(one + other for one, other in zip(*parted, strict=True))


_RESNET50V2 = _stages("stem | stages.0 | stages.1 | stages.2 | stages.3 norm")
_XCEPTION = _stages(
    "conv1 bn1 conv2 bn2 | block1 block2 block3 | block4 block5 block6 block7"
    " | block8 block9 block10 block11 | block12 conv3 bn3 conv4 bn4"
)

_ROWS = (
    Backbone(
        "cxr_small",
        "Our own small network for training from scratch on a processor, at 128 px; a fine grid for heat maps.",
        0.125,
        _stages("stem | down1 stage1 | down2 stage2"),
        "stage2",
        cells=(4.0, 8.0),
        mean=(0.5,),
        std=(0.25,),
    ),
    Backbone(
        "scattering",
        "Fixed wavelets below a small network: the one to start from random weights with a thousand images.",
        0.33,
        _stages("norm mix | deep"),
        "deep",
        cells=(8.0, 16.0),
        mean=(0.0,),
        std=(1.0,),
    ),
    Backbone(
        "alexnet",
        "The network of 2012: large and plain, fast for its size, rarely the best.",
        57.0,
        _stages("0 | 3 | 6 8 10 | classifier", "features."),
        "features.11",
        smallest=63,
        cells=(15.5, 16.0),
        file="alexnet-owt-7be5be79.pth",
        megabytes=233.1,
    ),
    Backbone(
        "squeezenet1_0",
        "Small and quick; like squeezenet1_1 with more arithmetic.",
        0.74,
        _stages("0 | 3 4 5 | 7 8 9 10 | 12", "features."),
        "features.12",
        cells=(17.5, 16.0),
        blocks=_blocks("0 | 3 4 5 | 7 8 9 10 | 12", "3.5 2 | 5.5 4 | 9.5 8 | 17.5 16", "features."),
        file="squeezenet1_0-b66bff10.pth",
        megabytes=4.8,
    ),
    Backbone(
        "squeezenet1_1",
        "Small and quick: the default on a computer without a graphics card.",
        0.72,
        _stages("0 | 3 4 | 6 7 | 9 10 11 12", "features."),
        "features.12",
        cells=(15.5, 16.0),
        blocks=_blocks("0 | 3 4 | 6 7 | 9 10 11 12", "1.5 2 | 3.5 4 | 7.5 8 | 15.5 16", "features."),
        file="squeezenet1_1-b8a52dc0.pth",
        megabytes=4.7,
    ),
    Backbone(
        "vgg16",
        "Large, slow and plain; often used in the literature; its heat maps are clear.",
        134.26,
        _stages("0 2 | 5 7 | 10 12 14 | 17 19 21 | 24 26 28 | classifier", "features."),
        "features.29",
        cells=(8.0, 16.0),
        file="vgg16-397923af.pth",
        megabytes=527.8,
    ),
    Backbone(
        "googlenet",
        "Inception of 2014: looks at several scales at once, of moderate size.",
        5.6,
        _stages(
            "conv1 conv2 conv3 | inception3a inception3b"
            " | inception4a inception4b inception4c inception4d inception4e | inception5a inception5b"
        ),
        "inception5b",
        cells=(22.5, 32.0),
        blocks=_blocks(
            "conv3 | inception3a inception3b"
            " | inception4a inception4b inception4c inception4d inception4e | inception5a inception5b",
            "2.5 4 | 6.5 8 | 14.5 16 | 22.5 32",
        ),
        mean=_EVEN[0],
        std=_EVEN[1],
        file="googlenet-1378be20.pth",
        megabytes=49.7,
    ),
    Backbone(
        "resnet18",
        "Residual network, the usual first choice with a graphics card.",
        11.18,
        _stages("conv1 bn1 | layer1 | layer2 | layer3 | layer4"),
        "layer4",
        blocks=_blocks("bn1 | layer1 | layer2 | layer3 | layer4", _HALVED),
        file="resnet18-f37072fd.pth",
        megabytes=44.7,
    ),
    Backbone(
        "resnet50",
        "Residual network, deeper: better with many images, three times slower than resnet18.",
        23.51,
        _stages("conv1 bn1 | layer1 | layer2 | layer3 | layer4"),
        "layer4",
        blocks=_blocks("bn1 | layer1 | layer2 | layer3 | layer4", _HALVED),
        file="resnet50-0676ba61.pth",
        megabytes=97.8,
    ),
    Backbone(
        "densenet121",
        "The network of CheXNet and of most published chest radiograph classifiers; needs much memory.",
        6.95,
        _stages(
            "conv0 norm0 | denseblock1 transition1 | denseblock2 transition2 | denseblock3 transition3 | denseblock4 norm5",
            "features.",
        ),
        "features.norm5 + ReLU",
        cells=(14.5, 32.0),
        blocks=_blocks(
            "norm0 | transition1 | transition2 | transition3 | norm5", "0.5 2 | 2.5 8 | 6.5 16 | 14.5 32 | 14.5 32", "features."
        ),
        file="densenet121-a639ec97.pth",
        megabytes=30.8,
    ),
    Backbone(
        "mobilenet_v2",
        "Made for telephones: few parameters, good on small data.",
        2.22,
        _stages("0 1 | 2 3 | 4 5 6 | 7 8 9 10 11 12 13 | 14 15 16 17 18", "features."),
        "features.18",
        # Not the last convolution: of its 1,280 channels, which blocks before it hold already, the head would see hardly else.
        blocks=_blocks("1 | 2 3 | 4 5 6 | 7 8 9 10 11 12 13 | 14 15 16 17", _HALVED, "features."),
        file="mobilenet_v2-b0353104.pth",
        megabytes=13.6,
    ),
    Backbone(
        "mobilenet_v3_small",
        "Made for telephones: the least arithmetic of all here.",
        1.52,
        _stages("0 1 | 2 3 | 4 5 6 7 8 | 9 10 11 12 | classifier", "features."),
        "features.12",
        file="mobilenet_v3_small-047dcff4.pth",
        megabytes=9.8,
    ),
    Backbone(
        "mobilenet_v3_large",
        "Made for telephones: a little larger and better than mobilenet_v3_small.",
        4.2,
        _stages("0 1 | 2 3 | 4 5 6 | 7 8 9 10 11 12 | 13 14 15 16 | classifier", "features."),
        "features.16",
        file="mobilenet_v3_large-8738ca79.pth",
        megabytes=21.1,
    ),
    Backbone(
        "efficientnet_b0",
        "High accuracy for few parameters; slower to train than its size suggests.",
        4.01,
        _stages("0 1 | 2 | 3 | 4 5 | 6 7 8", "features."),
        "features.8",
        blocks=_blocks("1 | 2 | 3 | 4 5 | 6 7", _HALVED, "features."),
        file="efficientnet_b0_rwightman-7f5810bc.pth",
        megabytes=20.5,
    ),
    Backbone(
        "convnext_tiny",
        "The most modern here; wants a graphics card.",
        27.82,
        _stages("0 1 | 2 3 | 4 5 | 6 7 classifier", "features."),
        "features.7",
        cells=(16.0, 32.0),
        file="convnext_tiny-983f1562.pth",
        megabytes=109.1,
    ),
    Backbone(
        "resnet50v2",
        "Residual network with its norms before the convolutions (He et al. 2016); half of resnet50v2_xception.",
        23.5,
        _RESNET50V2,
        "norm",
        mean=_EVEN[0],
        std=_EVEN[1],
        file="resnetv2_50_a1h-000cdf49.pth",
        megabytes=97.7,
        address=_TIMM + "v0.1-rsb-weights/resnetv2_50_a1h-000cdf49.pth",
    ),
    Backbone(
        "xception",
        "Depthwise separable convolutions (Chollet 2017): few weights for its depth; half of resnet50v2_xception.",
        20.81,
        _XCEPTION,
        "act4",
        cells=(3.5, 32.0),
        mean=_EVEN[0],
        std=_EVEN[1],
        file="xception-43020ad28.pth",
        megabytes=87.4,
        address=_TIMM + "v0.1-cadene/xception-43020ad28.pth",
    ),
    Backbone(
        "resnet50v2_xception",
        "ResNet50V2 and Xception side by side, read by four new blocks (Rahimzadeh and Attar 2020); wants a graphics card.",
        53.76,
        _both(_RESNET50V2, _XCEPTION),
        "identity3",
        cells=(2.0, 32.0),  # between those of the two, which are 3 px apart
        mean=_EVEN[0],
        std=_EVEN[1],
        joined=("resnet50v2", "xception"),
        new=("convolution", "identity1", "identity2", "identity3"),
    ),
    Backbone(
        "darkcovidnet",
        "The small network of Ozturk et al. 2020 for COVID-19, from scratch at 256 px, as they published it.",
        1.16,
        _stages("conv1 conv2 | triple1 | triple2 | triple3 | triple4 narrow wide"),
        "wide",
        # Its 1x1 convolutions add a border each time, so that its last activation reaches far beyond the image.
        beyond=(3, 2),
        cells=(20.0, 32.0),
    ),
)

BACKBONES = MappingProxyType({row.name: row for row in _ROWS})
"""Every backbone by its name, in the order in which they are shown."""


def check(backbone: str, size: int | None = None, features: str = LAST, head: str = LAYERS) -> None:
    """Raise `ConfigError` if there is no such backbone, images of `size` px are too small for it, it lacks `features`, or
    cannot have this `head`.
    """
    if backbone not in BACKBONES:
        raise ConfigError("There is no such backbone", where=backbone, remedy=did_you_mean(backbone, BACKBONES))
    smallest = BACKBONES[backbone].smallest
    if size is not None and size < smallest:
        raise ConfigError(
            f"Images of {size} px are too small for {backbone}",
            where="model.size",
            remedy=f"Choose at least {smallest} px or another backbone.",
        )
    if features != LAST and not BACKBONES[backbone].blocks:
        able = ", ".join(name for name, row in BACKBONES.items() if row.blocks)
        raise ConfigError(
            f"The head of {backbone} can only see its last activation",
            where="model.features",
            remedy=f"Set Features to {LAST}, or choose one of these backbones: {able}.",
        )
    row = BACKBONES[backbone]
    if head == SUPPORT_VECTORS and (row.new or backbone == "darkcovidnet"):
        why = "parts of it that have no weights would stay random" if row.new else "it has no vector for one to learn from"
        raise ConfigError(
            f"{backbone} cannot have a support vector machine as its head: {why}",
            where="model.head",
            remedy=f"Set Head to {LAYERS}, or choose another backbone.",
        )
