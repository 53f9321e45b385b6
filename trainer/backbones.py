"""The backbones built: each one's two parts, body and neck.

The body ends with the last activation that still has a height and a width, the one that heat maps look at; the neck makes one
vector of it. Names inside both are torchvision's or timm's own, so that their weight files fit key by key.
"""

from collections import OrderedDict
from typing import Any

from torch import nn

from trainer import blocks
from trainer.architectures import BACKBONES, Backbone
from trainer.blocks import AveragePool, MeanAndMax, Residual
from trainer.scattering import Scattering
from trainer.vision import torchvision

__all__ = ["BACKBONES", "AveragePool", "Backbone", "MeanAndMax", "Residual", "parts"]

_TIMM = {"resnet50v2": "resnetv2_50", "xception": "legacy_xception"}
"""Backbones that come from timm, by the name that they have there."""


def parts(name: str, dropout: float) -> tuple[nn.Module, nn.Module, int]:
    """Build (body, neck, width of the vector) with random weights from torch's global generator."""
    row = BACKBONES[name]
    if name in _OWN:
        return _OWN[name]()
    if row.joined:
        networks = {part: parts(part, dropout) for part in row.joined}
        channels = sum(width for _, _, width in networks.values())
        body = blocks.Concatenation({part: network for part, (network, _, _) in networks.items()}, channels)
        return body, _pooled(), blocks.Concatenation.OUTPUTS
    if name in _TIMM:
        return _of_timm(_TIMM[name])
    # init_weights=True is what torchvision does today; left out, it warns.
    more = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    network = torchvision.models.get_model(name, weights=None, **more)
    width = [module.in_features for module in network.modules() if isinstance(module, nn.Linear)]
    neck = _neck(name, network)
    for module in neck.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return _body(name, network), neck, width[-1] if width else 512


def _of_timm(name: str) -> tuple[nn.Module, nn.Module, int]:
    # Here and not above: it takes a third of a second, for the sake of two networks. It imports torchvision, which must have
    # come through our door before.
    import timm

    network: Any = timm.create_model(name, pretrained=False, num_classes=0)
    layers = [(part, module) for part, module in network.named_children() if part not in ("head", "global_pool", "fc")]
    return nn.Sequential(OrderedDict(layers)), _pooled(), int(network.num_features)


def _pooled() -> nn.Sequential:
    return nn.Sequential(OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()))


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
    pooled = _pooled()
    if name.startswith("mobilenet_v3"):
        pooled.add_module("classifier", network.classifier[:2])
    return pooled


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
    _draw(body)
    return body, MeanAndMax(), 128


def _scattering() -> tuple[nn.Module, nn.Module, int]:
    """Fixed wavelets, and a small network that learns from what they find (Oyallon et al. 2018)."""
    wavelets = Scattering()
    body = nn.Sequential(
        OrderedDict(
            wavelets=wavelets,
            norm=nn.BatchNorm2d(wavelets.channels, affine=False),
            mix=nn.Sequential(nn.Conv2d(wavelets.channels, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(inplace=True)),
            deep=nn.Sequential(Residual(128, 1), Residual(128, 1)),
        )
    )
    _draw(body)
    return body, MeanAndMax(), 256


def _draw(body: nn.Module) -> None:
    """First weights of a network of our own, from torch's global generator."""
    for module in body.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, Residual):
            # Each residual block begins as the identity, so that evidence stays over the place that gave it: pooling does not
            # mind where it lies, and without this some networks come to hold it several cells beside the lesion.
            nn.init.zeros_(module.norm.weight)


def _darkcovidnet() -> tuple[nn.Module, nn.Module, int]:
    """Ozturk et al. 2020, as their published program builds it; its last convolution belongs to the findings, to the head."""
    body = OrderedDict[str, nn.Module](
        conv1=blocks.dark(3, 8),
        pool1=nn.MaxPool2d(2),
        conv2=blocks.dark(8, 16),
        triple1=blocks.dark_triple(16, 32),
        triple2=blocks.dark_triple(32, 64),
        triple3=blocks.dark_triple(64, 128),
        triple4=blocks.dark_triple(128, 256),
        narrow=blocks.dark(256, 128, 1),
        wide=blocks.dark(128, 256),
    )
    return nn.Sequential(body), nn.Identity(), 256


_OWN = {"cxr_small": _cxr_small, "scattering": _scattering, "darkcovidnet": _darkcovidnet}
"""Backbones that are written here."""
