"""What makes logits of a backbone's vector: always new, whatever weights the backbone starts from."""

from torch import nn

from trainer.blocks import AveragePool, Standardised

GRID = 13
"""Side of DarkCovidNet's last activation at the 256 px that it was published with; other sizes are pooled to it."""


def head(backbone: str, width: int, findings: int, *, dropout: float, hidden: int = 0, stacked: bool = False) -> nn.Sequential:
    """Dropout and a linear layer: [N,width] -> logits [N,findings], with random weights from torch's global generator.

    With `hidden` features there are two linear layers, with ReLU and dropout between them. DarkCovidNet's takes its last
    activation [N,width,h,w] instead, and has its last convolution, one channel a finding, in front. In front of that of
    `stacked` activations each figure, on a scale of its own, is standardised.
    """
    layers: list[nn.Module] = []
    if stacked:
        layers = [Standardised(width)]
    if backbone == "darkcovidnet":
        layers = _dark(width, findings)
        width = findings * GRID * GRID
    layers.append(nn.Dropout(dropout))
    if hidden:
        first = nn.Linear(width, hidden)
        nn.init.kaiming_normal_(first.weight, nonlinearity="relu")
        nn.init.zeros_(first.bias)
        layers += [first, nn.ReLU(), nn.Dropout(dropout)]
    last = nn.Linear(hidden or width, findings)
    # Small, so that training starts undecided and does not shake pretrained features in its first steps.
    nn.init.normal_(last.weight, std=0.01)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def _dark(width: int, findings: int) -> list[nn.Module]:
    # The norm stands behind the activation here, as fastai's conv_layer has it.
    conv = nn.Conv2d(width, findings, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return [conv, nn.ReLU(inplace=True), nn.BatchNorm2d(findings), AveragePool(GRID), nn.Flatten()]
