"""Wavelet scattering: fixed filters that make of an image what early layers would have to learn, for sets that are too small.

Mallat, "Group invariant scattering" (2012); Bruna and Mallat, "Invariant scattering convolution networks" (TPAMI 2013); below
a learned network, Oyallon et al., "Scattering networks for hybrid representation learning" (TPAMI 2018). As there, an image is
filtered by oriented wavelets of several scales, the modulus taken, filtered and taken once more, and averaged; here scales are
those of a pyramid (each level half as large as the one before), so that all filters are small.
"""

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 7
"""Side of a wavelet's kernel, in cells of its level."""
SPREAD, FREQUENCY = 1.0, 2.2
"""Standard deviation of a wavelet's envelope along the wave, in cells, and the wave's angular frequency."""
_LEAST = 1e-3
"""Added to what is averaged before its logarithm is taken, for grey values 0..1: a step of 8 bits is 4e-3."""


class Scattering(nn.Module):
    """Grey values 0..1 [N,1,S,S] -> logarithms of scattering coefficients [N,channels,s,s], s = S/2^levels; nothing is learned.

    With `levels` J and `angles` L there are 1 + LJ + L^2 J(J-1)/2 channels: the image averaged, the moduli of each level, and
    of each level the moduli of every finer level's moduli.
    """

    wavelets: Tensor
    blur: Tensor

    def __init__(self, levels: int = 4, angles: int = 6) -> None:
        super().__init__()
        self.levels, self.angles = levels, angles
        self.channels = 1 + angles * levels + angles**2 * levels * (levels - 1) // 2
        found = morlet(angles)
        self.register_buffer("wavelets", torch.cat([found.real, found.imag])[:, None].contiguous(), persistent=False)
        binomial = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("blur", torch.outer(binomial, binomial)[None, None], persistent=False)

    def forward(self, grey: Tensor) -> Tensor:
        """Level after level: `image` and first moduli `once` get coarser, and all moduli are averaged down to the last."""
        image, once, averaged = grey, grey[:, :0], grey[:, :0]
        # Never in half precision: rounded grey values give moduli where there is nothing.
        with nullcontext() if grey.is_meta else torch.autocast(grey.device.type, enabled=False):
            for _ in range(self.levels):
                first, second = self._moduli(image), self._moduli(once)
                once = self._coarser(torch.cat([once, first], dim=1))
                averaged = F.avg_pool2d(torch.cat([averaged, first, second], dim=1), 2)
                image = self._coarser(image)
        return torch.log(torch.cat([image.clamp_min(0), averaged], dim=1) + _LEAST)

    def _moduli(self, maps: Tensor) -> Tensor:
        """[N,C,h,w] -> [N,CL,h,w]: how much of each angle there is; borders are repeated outwards."""
        count, channels, height, width = maps.shape
        if not channels:
            return maps
        single = F.pad(maps.reshape(count * channels, 1, height, width), (KERNEL // 2,) * 4, mode="replicate")
        even, odd = torch.split(F.conv2d(single, self.wavelets), self.angles, dim=1)
        modulus = torch.sqrt(torch.addcmul(even * even, odd, odd) + 1e-12)  # not 0: there it has no gradient
        return modulus.reshape(count, channels * self.angles, height, width)

    def _coarser(self, maps: Tensor) -> Tensor:
        """Half the size, smoothed so that nothing finer folds over; each new cell lies in the middle of four old ones."""
        channels = maps.shape[1]
        return F.conv2d(
            F.pad(maps, (1, 1, 1, 1), mode="replicate"), self.blur.expand(channels, 1, 4, 4), stride=2, groups=channels
        )


def morlet(angles: int) -> Tensor:
    """Morlet wavelets complex64 [L,7,7] at angles 0..pi, each with sum 0 and the sum of its moduli 1.

    exp(iku) under a Gaussian envelope that is 4/L as wide along the wave as across it, less the envelope times what makes the
    sum 0 (Bruna and Mallat 2013, section 2.1).
    """
    place = torch.arange(KERNEL, dtype=torch.float64) - KERNEL // 2
    down, right = torch.meshgrid(place, place, indexing="ij")
    turned = torch.arange(angles, dtype=torch.float64)[:, None, None] * math.pi / angles
    along = right * torch.cos(turned) + down * torch.sin(turned)
    across = down * torch.cos(turned) - right * torch.sin(turned)
    envelope = torch.exp(-(along**2 + (across * 4 / angles) ** 2) / (2 * SPREAD**2))
    wave = envelope * torch.exp(1j * FREQUENCY * along)
    wave = wave - envelope * wave.sum((1, 2), keepdim=True) / envelope.sum((1, 2), keepdim=True)
    return (wave / wave.abs().sum((1, 2), keepdim=True)).to(torch.complex64)
