"""The pieces that networks are put together from: poolings, residual blocks, the concatenation of several networks."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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


class MeanAndDeviation(nn.Module):
    """[N,C,h,w] -> float32 [N,2C]: how much of each channel there is, and how unevenly it is spread."""

    def forward(self, x: Tensor) -> Tensor:
        """Means first, then standard deviations."""
        x = x.float()  # what tells images apart may be less than half precision resolves
        variance = x.var(dim=(2, 3), correction=0)
        return torch.cat([x.mean(dim=(2, 3)), torch.sqrt(variance + 1e-10)], dim=1)  # not 0: there it has no gradient


class Places(nn.Module):
    """[N,C,h,w] -> float32 [N, 2C + 16C]: as `MeanAndDeviation`, then the means of each sixteenth of the image (4 x 4)."""

    SIDE = 4

    def __init__(self) -> None:
        super().__init__()
        self.whole, self.parts = MeanAndDeviation(), AveragePool(self.SIDE)

    def forward(self, x: Tensor) -> Tensor:
        """The figures of the whole image first."""
        return torch.cat([self.whole(x), self.parts(x.float()).flatten(1)], dim=1)


class Standardised(nn.BatchNorm1d):
    """[N,C] -> [N,C], each column with mean 0 and variance 1 over images: batch norm for figures on scales of their own.

    What it measures is a plain mean at first: torch's begins at a variance of 1, which figures that differ by thousandths would
    take hundreds of steps to leave, and an average of weights for good. One image alone is standardised by what was measured
    before.
    """

    def __init__(self, columns: int) -> None:
        super().__init__(columns, eps=1e-8, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """As batch norm, which refuses to learn from one image, unless other processes have more."""
        mean, variance, steps = self.running_mean, self.running_var, self.num_batches_tracked
        if self.training and steps is not None:
            momentum = max(self.momentum or 0.0, 1 / (int(steps) + 1))
            try:
                found = F.batch_norm(x, mean, variance, training=True, momentum=momentum, eps=self.eps)
            except ValueError:
                pass
            else:
                steps += 1
                return found
        return F.batch_norm(x, mean, variance, eps=self.eps)


class Residual(nn.Module):
    """ReLU(x + BN(conv(x))) with one 3x3 convolution."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,h,w] -> the same shape."""
        return torch.relu(x + self.norm(self.conv(x)))


class Bottleneck(nn.Module):
    """Convolution block or identity block: 1x1, 3x3 and 1x1 convolutions beside a shortcut (He et al., CVPR 2016, figure 5).

    Where inputs and outputs differ in number the shortcut is a 1x1 convolution, and the block is a convolution block; where
    they do not it is the input itself, and the block is an identity block. The grid [h,w] stays.
    """

    def __init__(self, inputs: int, middle: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, middle, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, outputs, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,h,w] -> [N,outputs,h,w]."""
        found = torch.relu(self.norm1(self.conv1(x)))
        found = torch.relu(self.norm2(self.conv2(found)))
        return torch.relu(self.norm3(self.conv3(found)) + self.shortcut(x))


class Concatenation(nn.Module):
    """Several networks look at the same image; a convolution block and three identity blocks read their maps together.

    Each of `networks` (by name) makes a map [N,C,h,w], `channels` all of them in sum. Networks of one total stride have their
    cells over the same places, so that grids that differ are made equal by repeating the last row and column of the shorter
    one, not by resizing. 1024 outputs, as in the layer that Rahimzadeh and Attar 2020 put there
    (doi 10.1016/j.imu.2020.100360); the middle of a block is a quarter of that, as in ResNet.
    """

    OUTPUTS = 1024
    BLOCKS = ("convolution", "identity1", "identity2", "identity3")

    def __init__(self, networks: Mapping[str, nn.Module], channels: int) -> None:
        super().__init__()
        self.networks = tuple(networks)
        for name, network in networks.items():
            self.add_module(name, network)
        middle = self.OUTPUTS // 4
        for name in self.BLOCKS:
            self.add_module(name, Bottleneck(channels, middle, self.OUTPUTS))
            channels = self.OUTPUTS

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pixels [N,3,S,S] -> [N,1024,h,w]."""
        maps = [self.get_submodule(name)(x) for name in self.networks]
        rows, columns = (max(map_.shape[axis] for map_ in maps) for axis in (2, 3))
        joined = torch.cat([extended(map_, rows, columns) for map_ in maps], dim=1)
        for name in self.BLOCKS:
            joined = self.get_submodule(name)(joined)
        return joined


def extended(x: Tensor, rows: int, columns: int) -> Tensor:
    """[N,C,h,w] -> [N,C,rows,columns] with the last row and column repeated; `rows` >= h and `columns` >= w."""
    if rows > x.shape[2]:
        x = torch.cat([x, x[:, :, -1:].expand(-1, -1, rows - x.shape[2], -1)], dim=2)
    if columns > x.shape[3]:
        x = torch.cat([x, x[..., -1:].expand(-1, -1, -1, columns - x.shape[3])], dim=3)
    return x


def dark(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """A layer of DarkCovidNet: convolution, norm, leaky ReLU of slope 0.1; a 1x1 convolution has a border of one too."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True))


def dark_triple(inputs: int, outputs: int) -> nn.Sequential:
    """Three layers of DarkCovidNet behind a pooling that halves the grid: wide, narrow, wide."""
    return nn.Sequential(
        OrderedDict(
            pool=nn.MaxPool2d(2),
            wide=dark(inputs, outputs),
            narrow=dark(outputs, inputs, 1),
            again=dark(inputs, outputs),
        )
    )
