"""The backbones that can be chosen: what each is, its stages for unfreezing, and its two parts, body and neck.

The body ends with the last activation that still has a height and a width, the one that heat maps look at; the neck makes one
vector of it. Names inside both are torchvision's own, so that its weight files fit key by key.
"""

from collections import OrderedDict
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from trainer.vision import torchvision

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Backbone:
    """One row of the registry.

    `parameters_millions` counts body and neck without the head; `stages` are names of modules from the input to the head;
    `layer` names the module whose output heat maps look at; `mean` and `std` (one value a channel, grey values 0..1) are what
    its weights were trained with; `smallest` is the least image side in px that it can take.
    """

    name: str
    help: str
    parameters_millions: float
    stages: tuple[tuple[str, ...], ...]
    layer: str
    smallest: int = 32
    pretrained: bool = True
    mean: tuple[float, ...] = _IMAGENET[0]
    std: tuple[float, ...] = _IMAGENET[1]


class AveragePool(nn.Module):
    """Adaptive average pooling [N,C,h,w] -> [N,C,side,side], the same numbers as `nn.AdaptiveAvgPool2d`.

    Written as two matrix products, because torch's own has no deterministic gradient on CUDA and no ONNX form for sides that
    do not divide.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """Average over bins that differ by at most one row or column in size."""
        rows, columns = self._bins(x.shape[2], x), self._bins(x.shape[3], x)
        return rows @ x @ columns.T

    def _bins(self, length: int, like: Tensor) -> Tensor:
        bins = torch.zeros(self.side, length)
        for i in range(self.side):
            start, end = i * length // self.side, -(-(i + 1) * length // self.side)
            bins[i, start:end] = 1 / (end - start)
        return bins.to(like)


class MeanAndMax(nn.Module):
    """[N,C,h,w] -> [N,2C]: the mean for what is spread over the lungs, the maximum for what is small."""

    def forward(self, x: Tensor) -> Tensor:
        """Means first, then maxima."""
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)


class Residual(nn.Module):
    """ReLU(x + BN(conv(x))) with one 3x3 convolution."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,h,w] -> the same shape."""
        return torch.relu(x + self.norm(self.conv(x)))


def parts(name: str, dropout: float) -> tuple[nn.Module, nn.Module, int]:
    """Build (body, neck, width of the vector) with random weights from torch's global generator."""
    if name == "cxr_small":
        return _cxr_small()
    # init_weights=True is what torchvision does today; left out, it warns.
    more = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    network = torchvision.models.get_model(name, weights=None, **more)
    width = [module.in_features for module in network.modules() if isinstance(module, nn.Linear)]
    neck = _neck(name, network)
    for module in neck.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return _body(name, network), neck, width[-1] if width else 512


def _body(name: str, network: Any) -> nn.Module:  # noqa: ANN401 - torchvision is untyped
    if name in ("alexnet", "vgg16"):
        # The last pooling goes to the neck: heat maps want the finer grid before it.
        return nn.Sequential(OrderedDict(features=network.features[:-1]))
    if name == "densenet121":
        return nn.Sequential(OrderedDict(features=network.features, relu=nn.ReLU(inplace=True)))
    if hasattr(network, "features"):
        return nn.Sequential(OrderedDict(features=network.features))
    names = [part for part, _ in network.named_children()]
    return nn.Sequential(OrderedDict((part, getattr(network, part)) for part in names[: names.index("avgpool")]))


def _neck(name: str, network: Any) -> nn.Module:  # noqa: ANN401 - torchvision is untyped
    if name in ("alexnet", "vgg16"):
        layers = list(network.classifier)[:-1]
        return nn.Sequential(
            OrderedDict(
                maxpool=network.features[-1],
                avgpool=AveragePool(6 if name == "alexnet" else 7),
                flatten=nn.Flatten(),
                classifier=nn.Sequential(*(layers[:-1] if isinstance(layers[-1], nn.Dropout) else layers)),
            )
        )
    if name == "convnext_tiny":
        return nn.Sequential(OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), classifier=network.classifier[:2]))
    pooled = OrderedDict[str, nn.Module](avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
    if name.startswith("mobilenet_v3"):
        pooled["classifier"] = network.classifier[:2]
    return nn.Sequential(pooled)


def _cxr_small() -> tuple[nn.Module, nn.Module, int]:
    def block(inputs: int, outputs: int, kernel: int) -> nn.Module:
        # An even kernel puts each output cell over the middle of its two input cells. An odd one would shift the last map by
        # 3.5 pixels of the input against the radiograph.
        conv = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2 - 1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))

    body = nn.Sequential(
        OrderedDict(
            stem=block(1, 16, 6),
            down1=block(16, 32, 4),
            stage1=Residual(32, 1),
            down2=block(32, 64, 4),
            # The dilation lets each place of the last map see half of the radiograph without losing its resolution.
            stage2=nn.Sequential(Residual(64, 2), Residual(64, 1)),
        )
    )
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, Residual):
            # Each residual block begins as the identity, so that evidence stays over the place that gave it: pooling does not
            # mind where it lies, and without this some networks come to hold it several cells beside the lesion.
            nn.init.zeros_(module.norm.weight)
    return body, MeanAndMax(), 128


def _stages(text: str, prefix: str = "") -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name if name == "classifier" else prefix + name for name in stage.split()) for stage in text.split("|"))


_ROWS = (
    Backbone(
        "cxr_small",
        "Our own small network for training from scratch on a processor, at 128 px; a fine grid for heat maps.",
        0.125,
        _stages("stem | down1 stage1 | down2 stage2"),
        "stage2",
        pretrained=False,
        mean=(0.5,),
        std=(0.25,),
    ),
    Backbone(
        "alexnet",
        "The network of 2012: large and plain, fast for its size, rarely the best.",
        57.0,
        _stages("0 | 3 | 6 8 10 | classifier", "features."),
        "features.11",
        smallest=63,
    ),
    Backbone(
        "squeezenet1_0",
        "Small and quick; like squeezenet1_1 with more arithmetic.",
        0.74,
        _stages("0 | 3 4 5 | 7 8 9 10 | 12", "features."),
        "features.12",
    ),
    Backbone(
        "squeezenet1_1",
        "Small and quick: the default on a computer without a graphics card.",
        0.72,
        _stages("0 | 3 4 | 6 7 | 9 10 11 12", "features."),
        "features.12",
    ),
    Backbone(
        "vgg16",
        "Large, slow and plain; often used in the literature; its heat maps are clear.",
        134.26,
        _stages("0 2 | 5 7 | 10 12 14 | 17 19 21 | 24 26 28 | classifier", "features."),
        "features.29",
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
        # torchvision's weights for it came from TensorFlow and expect -1..1.
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
    Backbone(
        "resnet18",
        "Residual network, the usual first choice with a graphics card.",
        11.18,
        _stages("conv1 bn1 | layer1 | layer2 | layer3 | layer4"),
        "layer4",
    ),
    Backbone(
        "resnet50",
        "Residual network, deeper: better with many images, three times slower than resnet18.",
        23.51,
        _stages("conv1 bn1 | layer1 | layer2 | layer3 | layer4"),
        "layer4",
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
    ),
    Backbone(
        "mobilenet_v2",
        "Made for telephones: few parameters, good on small data.",
        2.22,
        _stages("0 1 | 2 3 | 4 5 6 | 7 8 9 10 11 12 13 | 14 15 16 17 18", "features."),
        "features.18",
    ),
    Backbone(
        "mobilenet_v3_small",
        "Made for telephones: the least arithmetic of all here.",
        1.52,
        _stages("0 1 | 2 3 | 4 5 6 7 8 | 9 10 11 12 | classifier", "features."),
        "features.12",
    ),
    Backbone(
        "mobilenet_v3_large",
        "Made for telephones: a little larger and better than mobilenet_v3_small.",
        4.2,
        _stages("0 1 | 2 3 | 4 5 6 | 7 8 9 10 11 12 | 13 14 15 16 | classifier", "features."),
        "features.16",
    ),
    Backbone(
        "efficientnet_b0",
        "High accuracy for few parameters; slower to train than its size suggests.",
        4.01,
        _stages("0 1 | 2 | 3 | 4 5 | 6 7 8", "features."),
        "features.8",
    ),
    Backbone(
        "convnext_tiny",
        "The most modern here; wants a graphics card.",
        27.82,
        _stages("0 1 | 2 3 | 4 5 | 6 7 classifier", "features."),
        "features.7",
    ),
)

BACKBONES = MappingProxyType({row.name: row for row in _ROWS})
"""Every backbone by its name, in the order in which they are shown."""
