"""The backbones built: each one's two parts, body and neck.

The body ends with the last activation that still has a height and a width, the one that heat maps look at; the neck makes one
vector of it. Names inside both are torchvision's own, so that its weight files fit key by key.
"""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from trainer.architectures import BACKBONES, Backbone
from trainer.vision import torchvision

__all__ = ["BACKBONES", "AveragePool", "Backbone", "MeanAndMax", "Residual", "parts"]


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
