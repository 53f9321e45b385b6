"""Augmentation: exact where it can be, and close to scipy's rotation where it resamples."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from trainer import config
from trainer.augment import Changes, augmented, changed, drawn, generator

NOTHING = config.Augment(flip=0, rotation=0, zoom=0, shift=0, brightness=0, contrast=0)


def _only(**changes: float) -> config.Augment:
    return config.Augment(**{"flip": 0.0, "brightness": 0.0, "contrast": 0.0} | changes)


def _noise(count: int = 4, size: int = 16, seed: int = 1) -> Tensor:
    return torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def _smooth(size: int = 64) -> Tensor:
    """One image with structure in every direction and black borders, so that resampling methods agree."""
    rng = np.random.default_rng(4)
    image = ndimage.gaussian_filter(rng.random((size, size)), 2.5)
    image = (image - image.min()) / (image.max() - image.min())
    window = np.hanning(size)
    return torch.tensor(image * np.outer(window, window), dtype=torch.float32)[None, None]


def _changes(count: int = 1, **values: object) -> Changes:
    plain: dict[str, Tensor] = {
        "flip": torch.zeros(count, dtype=torch.bool),
        "angle": torch.zeros(count),
        "scale": torch.ones(count),
        "down": torch.zeros(count, dtype=torch.long),
        "right": torch.zeros(count, dtype=torch.long),
        "brightness": torch.zeros(count),
        "contrast": torch.ones(count),
    }
    return Changes(**plain | {name: torch.as_tensor([value] * count) for name, value in values.items()})


def _shifted(pixels: Tensor, down: int, right: int) -> Tensor:
    """Slow and plain: each pixel by itself."""
    out = torch.zeros_like(pixels)
    size = pixels.shape[-1]
    for y in range(size):
        for x in range(size):
            if 0 <= y - down < size and 0 <= x - right < size:
                out[..., y, x] = pixels[..., y - down, x - right]
    return out


def test_all_settings_zero_give_the_same_values_to_the_bit() -> None:
    pixels = _noise()
    found = augmented(pixels, NOTHING, generator(1, 0, 0))
    assert found.dtype == torch.float32
    assert torch.equal(found, pixels / 255)
    assert torch.equal(augmented(pixels / 255, NOTHING, generator(1, 0, 0)), pixels / 255)
    assert torch.equal((found * 255).round().to(torch.uint8), pixels)


def test_a_certain_flip_is_the_exact_mirror() -> None:
    pixels = _noise()
    assert torch.equal(augmented(pixels, _only(flip=1), generator(1, 0, 0)), pixels.flip(-1) / 255)


def test_about_half_of_the_images_are_flipped() -> None:
    changes = drawn(4000, 16, _only(flip=0.5), generator(1, 0, 0))
    assert abs(changes.flip.float().mean().item() - 0.5) < 0.03


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.1, 0.3, 0.5]))
def test_a_shift_moves_pixels_as_they_are(seed: int, share: float) -> None:
    pixels, choice = _noise(3, 12, seed), _only(shift=share)
    changes = drawn(3, 12, choice, generator(seed, 0, 0))
    found = augmented(pixels, choice, generator(seed, 0, 0))
    for i in range(3):
        assert torch.equal(found[i], _shifted(pixels[i] / 255, int(changes.down[i]), int(changes.right[i])))
    assert int(changes.down.abs().max()) <= round(share * 12)


@pytest.mark.parametrize("angle", [-30.0, 10.0, 90.0])
def test_rotation_agrees_with_scipy(angle: float) -> None:
    pixels = _smooth()
    found = changed(pixels, _changes(angle=np.deg2rad(np.float32(angle))))[0, 0].numpy()
    expected = ndimage.rotate(pixels[0, 0].numpy(), angle, reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_quarter_turn_is_counter_clockwise() -> None:
    pixels = _noise(1, 16) / 255
    found = changed(pixels, _changes(angle=torch.pi / 2))
    torch.testing.assert_close(found, torch.rot90(pixels, 1, (-2, -1)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [0.8, 1.25])
def test_zoom_agrees_with_scipy(scale: float) -> None:
    pixels = _smooth()
    found = changed(pixels, _changes(scale=scale))[0, 0].numpy()
    centre = (pixels.shape[-1] - 1) / 2
    expected = ndimage.affine_transform(
        pixels[0, 0].numpy(), np.eye(2) / scale, offset=centre - centre / scale, order=1, mode="grid-constant"
    )
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_zooming_in_enlarges() -> None:
    square = torch.zeros(1, 1, 32, 32)
    square[..., 12:20, 12:20] = 1
    assert changed(square, _changes(scale=1.5)).sum() == pytest.approx(64 * 1.5**2, rel=0.05)


def test_a_shift_beside_a_rotation_comes_after_it_and_by_whole_pixels() -> None:
    pixels = _smooth()
    turned = changed(pixels, _changes(angle=0.2))
    both = changed(pixels, _changes(angle=0.2, down=5, right=-3))
    inner = (..., slice(8, -8), slice(8, -8))  # at the border the shift brings in what the turn alone had cut off
    torch.testing.assert_close(both[inner], _shifted(turned, 5, -3)[inner], atol=1e-4, rtol=0)


def test_vacant_places_are_black_even_in_a_brighter_image() -> None:
    white = torch.ones(1, 1, 16, 16)
    found = changed(white, _changes(down=4, brightness=0.2))
    assert torch.equal(found[..., :4, :], torch.zeros(1, 1, 4, 16))
    assert (changed(white, _changes(scale=0.5))[..., 0, :] == 0).all()


def test_brightness_is_added_and_contrast_turns_about_the_mean() -> None:
    pixels = torch.tensor([[0.2, 0.4], [0.4, 0.6]]).view(1, 1, 2, 2)
    torch.testing.assert_close(changed(pixels, _changes(brightness=0.1)), pixels + 0.1)
    torch.testing.assert_close(changed(pixels, _changes(contrast=1.5)), 0.4 + 1.5 * (pixels - 0.4))
    torch.testing.assert_close(changed(pixels, _changes(contrast=0.5)), 0.4 + 0.5 * (pixels - 0.4))
    assert torch.equal(changed(pixels, _changes(brightness=0.9)).clamp(0, 1), changed(pixels, _changes(brightness=0.9)))


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    rotation=st.sampled_from([0.0, 20.0, 180.0]),
    zoom=st.sampled_from([0.0, 0.5]),
    tone=st.sampled_from([0.0, 0.9]),
)
def test_values_stay_in_range_and_the_input_stays_as_it_was(seed: int, rotation: float, zoom: float, tone: float) -> None:
    pixels = _noise(3, 12, seed)
    before, choice = pixels.clone(), config.Augment(rotation=rotation, zoom=zoom, shift=0.2, brightness=tone, contrast=tone)
    found = augmented(pixels, choice, generator(seed, 0, 0))
    assert found.shape == pixels.shape
    assert found.dtype == torch.float32
    assert 0 <= float(found.min()) <= float(found.max()) <= 1 + 1e-6
    assert torch.equal(pixels, before)


def test_the_limits_are_kept_and_reached() -> None:
    choice = config.Augment(rotation=10, zoom=0.25, shift=0.1, brightness=0.2, contrast=0.3)
    changes = drawn(5000, 100, choice, generator(1, 0, 0))
    for values, low, high in (
        (torch.rad2deg(changes.angle), -10, 10),
        (changes.scale, 0.8, 1.25),
        (changes.down, -10, 10),
        (changes.right, -10, 10),
        (changes.brightness, -0.2, 0.2),
        (changes.contrast, 0.7, 1.3),
    ):
        slack = 0.01 * (high - low)
        assert low - 1e-5 <= float(values.min()) <= low + slack
        assert high - slack <= float(values.max()) <= high + 1e-5
    assert abs(changes.scale.log().mean().item()) < 0.01


def test_each_image_is_changed_by_itself() -> None:
    one = _noise(1, 16).expand(6, -1, -1, -1)
    found = augmented(one, config.Augment(), generator(1, 0, 0))
    assert len({tuple(image.flatten().tolist()) for image in found}) == 6


def test_the_same_generator_state_gives_the_same_images() -> None:
    pixels, choice = _noise(), config.Augment(rotation=10, shift=0.1)
    first = augmented(pixels, choice, generator(3, 2, 1))
    assert torch.equal(first, augmented(pixels, choice, generator(3, 2, 1)))
    for other in ((4, 2, 1), (3, 1, 2), (3, 2, 2)):
        assert not torch.equal(first, augmented(pixels, choice, generator(*other)))


def test_switching_one_change_on_leaves_the_others() -> None:
    little = drawn(8, 16, config.Augment(), generator(1, 0, 0))
    more = drawn(8, 16, config.Augment(rotation=10, zoom=0.2, shift=0.1), generator(1, 0, 0))
    for name in ("flip", "brightness", "contrast"):
        assert torch.equal(getattr(little, name), getattr(more, name))


def test_random_numbers_are_drawn_on_the_cpu_whatever_the_device() -> None:
    """The meta device computes nothing: numbers drawn there would not move the CPU generator."""
    moved, still = generator(1, 0, 0), generator(1, 0, 0)
    choice = config.Augment(rotation=10, zoom=0.1, shift=0.1)
    elsewhere = augmented(torch.empty(4, 1, 16, 16, device="meta"), choice, moved)
    augmented(_noise(), choice, still)
    assert elsewhere.device.type == "meta"
    assert torch.equal(moved.get_state(), still.get_state())
    assert all(values.device.type == "cpu" for values in vars(drawn(4, 16, choice, moved)).values())
