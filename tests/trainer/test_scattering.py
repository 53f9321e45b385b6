"""Wavelet scattering: the filters are Morlet's, the moduli those of plain convolution, and each cell lies where it should."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import Tensor

from trainer import models
from trainer.scattering import Scattering, morlet


def shown(count: int = 2, side: int = 64) -> Tensor:
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(3))


def moduli(found: Tensor) -> Tensor:
    """Coefficients themselves, without logarithm."""
    return found.exp() - 1e-3


@pytest.mark.parametrize("angles", [4, 6, 8])
def test_wavelets_by_hand(angles: int) -> None:
    found = morlet(angles).numpy()
    down, right = np.mgrid[-3:4, -3:4].astype(np.float64)
    for number in range(angles):
        turned = math.pi * number / angles
        along = right * math.cos(turned) + down * math.sin(turned)
        across = down * math.cos(turned) - right * math.sin(turned)
        envelope = np.exp(-(along**2) / 2 - across**2 / (2 * (angles / 4) ** 2))
        wave = np.exp(2.2j * along)
        by_hand = envelope * (wave - (envelope * wave).sum() / envelope.sum())
        np.testing.assert_allclose(found[number], by_hand / np.abs(by_hand).sum(), atol=1e-6)
    assert np.abs(found.sum((1, 2))).max() < 1e-6


@pytest.mark.parametrize(("side", "cells"), [(64, 4), (160, 10), (150, 9), (32, 2)])
def test_shapes(side: int, cells: int) -> None:
    scattering = Scattering()
    assert scattering(shown(2, side)).shape == (2, scattering.channels, cells, cells) == (2, 241, cells, cells)
    assert scattering(shown(2, side)[:0]).shape == (0, 241, cells, cells)  # a process without images
    assert Scattering(levels=2, angles=4).channels == 1 + 8 + 16


def test_moduli_are_those_of_plain_convolution() -> None:
    image = shown(1, 32)
    found = moduli(Scattering(levels=2, angles=4)(image))[0].numpy()
    waves = morlet(4).numpy()
    grey = image[0, 0].numpy().astype(np.float64)

    def of(maps: np.ndarray, wave: np.ndarray) -> np.ndarray:
        parts = [correlate(maps, part.astype(np.float64), mode="nearest") for part in (wave.real, wave.imag)]
        return np.hypot(*parts)

    def coarser(maps: np.ndarray) -> np.ndarray:
        binomial = np.outer(*[np.array([1, 3, 3, 1]) / 8] * 2)
        bordered = np.pad(maps, 1, mode="edge")
        half = range(0, len(maps), 2)
        return np.array([[(bordered[i : i + 4, j : j + 4] * binomial).sum() for j in half] for i in half])

    def averaged(maps: np.ndarray, side: int) -> np.ndarray:
        return maps.reshape(8, side, 8, side).mean((1, 3))

    once = [of(grey, wave) for wave in waves]
    by_hand = [coarser(coarser(grey)), *(averaged(maps, 4) for maps in once)]
    by_hand += [averaged(of(coarser(grey), wave), 2) for wave in waves]
    by_hand += [averaged(of(coarser(maps), wave), 2) for maps in once for wave in waves]
    np.testing.assert_allclose(found, np.stack(by_hand), atol=2e-6)


def test_a_mirrored_image_gives_mirrored_maps() -> None:
    """Also of the angles: 0 stays, the others change places. No cell is shifted by a border or a stride."""
    scattering, image = Scattering(), shown(1)
    straight, mirrored = scattering(image), scattering(image.flip(3)).flip(3)
    other = [0, *(6 - angle for angle in range(1, 6))]
    torch.testing.assert_close(mirrored[:, :1], straight[:, :1])
    torch.testing.assert_close(mirrored[:, 1:7], straight[:, 1:7][:, other], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(mirrored[:, 1:7], straight[:, 1:7], atol=1e-2)


def test_stripes_light_up_their_angle_and_level() -> None:
    place = torch.arange(128, dtype=torch.float32)
    for level, wave in ((0, 2.2), (1, 1.1), (2, 0.55)):
        stripes = 0.5 + 0.4 * torch.cos(wave * place).expand(1, 1, 128, 128)
        found = moduli(Scattering()(stripes))[0, :, 4, 4]
        # Behind the image's own average, each level brings its first moduli, and then those of the moduli before it.
        firsts = torch.stack([found[start : start + 6] for start in (1, 7, 49)])
        assert divmod(int(firsts.argmax()), 6) == (level, 0)


def test_a_plain_image_has_no_structure_and_contrast_is_a_factor() -> None:
    plain = moduli(Scattering()(torch.full((1, 1, 64, 64), 0.7)))
    assert float(plain[:, 1:].max()) < 1e-5
    assert float((plain[:, :1] - 0.7).abs().max()) < 1e-5
    image = shown(1)
    torch.testing.assert_close(moduli(Scattering()(image * 0.5)), moduli(Scattering()(image)) * 0.5, rtol=1e-3, atol=1e-5)


def test_nothing_of_it_is_learned_or_stored_and_a_black_image_has_a_gradient() -> None:
    net = models.build("scattering", 2)
    assert not any("wavelets" in name or "blur" in name for name in net.state_dict())
    assert not list(net.body.get_submodule("wavelets").parameters())
    black = torch.zeros(2, 1, 64, 64, requires_grad=True)
    net(black).sum().backward()  # type: ignore[no-untyped-call]
    assert black.grad is not None
    assert torch.isfinite(black.grad).all()


def test_mixed_precision_leaves_the_wavelets_alone() -> None:
    smooth = (torch.linspace(0.2, 0.8, 64) * torch.ones(64, 1)).expand(1, 1, 64, 64)
    exact = Scattering()(smooth)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(Scattering()(smooth), exact)
