"""Heat maps: Grad-CAM as its authors wrote it, as another library computes it, and drawn with a scale that can be trusted."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import colormaps
from torch import nn

from trainer import explain, geometry, models
from trainer.errors import DataError

# Behind our own imports, since it imports torchvision, and that goes through our door first.
grad_cam = pytest.importorskip("pytorch_grad_cam")

NAMES = ("Normal", "Pneumonia/Viral/COVID-19", "Tuberculosis")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    yield
    torch.set_num_threads(threads)


def built(name: str, findings: int = 3) -> models.Classifier:
    """A random classifier whose norms have seen noise, so that its activations are neither dead nor exploded."""
    net = models.build(name, findings)
    nn.init.normal_(net.head[-1].weight, std=0.5)
    with torch.no_grad():
        net.train()(torch.rand(4, 1, 64, 64))
    return net.eval()


def image(count: int = 1, side: int = 96) -> torch.Tensor:
    return torch.randint(0, 256, (count, 1, side, side), dtype=torch.uint8)


# --- Grad-CAM


KINDS = ["resnet18", "densenet121", "vgg16", "squeezenet1_0", "squeezenet1_1", "mobilenet_v3_small", "cxr_small"]
KINDS += ["alexnet", "googlenet", "resnet50v2", "xception", "resnet50v2_xception", "darkcovidnet", "scattering"]


@pytest.mark.parametrize("name", KINDS)
def test_maps_agree_with_pytorch_grad_cam(name: str) -> None:
    net, pixels = built(name), image(side=64)
    ours = explain.maps(net, pixels, range(3))[0]
    net.neck.requires_grad_(False)  # spares the peer the gradients of 120 million weights of VGG
    named = {**dict(net.body.named_modules()), "features.norm5 + ReLU": net.body}[net.backbone.layer]
    before, behind = net.backbone.beyond
    with grad_cam.GradCAM(model=net, target_layers=[named]) as peer:
        compared = 0
        for index in range(3):
            peer(input_tensor=pixels.float() / 255, targets=[lambda logits, index=index: logits[index]])
            activations, gradients = peer.activations_and_grads.activations, peer.activations_and_grads.gradients
            theirs = peer.get_cam_image(
                None, None, None, activations[0].detach().numpy(), gradients[0].numpy(), eigen_smooth=False
            )[0]
            theirs = np.maximum(theirs, 0)[before : len(theirs) - behind, before : len(theirs) - behind]
            if theirs.max() > 0:
                assert np.corrcoef(theirs.ravel(), ours[index].ravel())[0, 1] > 0.999
                np.testing.assert_allclose(ours[index], theirs, rtol=1e-3, atol=1e-4 * theirs.max())
                compared += 1
            else:
                assert ours[index].max() == 0
    assert compared >= 1


def test_one_place_counts_as_much_as_its_channel_weighs() -> None:
    """By hand: mean pooling over 2x2 and head weights (2, -1) make the gradients 2/4 and -1/4 in every place."""

    class Hand(nn.Module):
        mean = torch.zeros(1)
        backbone = models.BACKBONES["resnet18"]

        def features(self, pixels: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[[[1.0, 0.0], [4.0, 2.0]], [[0.0, 2.0], [8.0, 0.0]]]])

        def classify(self, activation: torch.Tensor) -> torch.Tensor:
            return activation.mean(dim=(2, 3)) @ torch.tensor([[2.0], [-1.0]])

    found = explain.maps(Hand(), image(), [0])  # type: ignore[arg-type]
    assert found.tolist() == [[[[0.5, 0.0], [0.0, 1.0]]]]


def test_a_batch_is_its_images_one_by_one() -> None:
    net, pixels = built("resnet18"), image(3)
    together = explain.maps(net, pixels, [2, 0])
    assert together.shape == (3, 2, 3, 3)
    assert together.dtype == np.float32
    for index in range(3):
        np.testing.assert_allclose(
            explain.maps(net, pixels[index : index + 1], [2, 0])[0], together[index], rtol=1e-3, atol=1e-6
        )


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_memory_format_and_precision_do_not_matter(name: str) -> None:
    net, pixels = built(name), image()
    plain = explain.maps(net, pixels, range(3))
    net = net.to(memory_format=torch.channels_last)
    np.testing.assert_allclose(explain.maps(net, pixels, range(3)), plain, rtol=1e-3, atol=1e-4)
    half = explain.maps(net.to(torch.bfloat16), pixels, range(3))
    assert half.dtype == np.float32
    assert np.corrcoef(half.ravel(), plain.ravel())[0, 1] > 0.98


def test_explaining_changes_nothing() -> None:
    net, pixels = built("resnet18").train(), image(2)
    net.unfreeze(1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    explain.maps(net, pixels, range(3))
    assert net.training
    assert net.body.layer4[0].bn1.training
    assert not net.body.layer1[0].bn1.training
    assert all(parameter.grad is None for parameter in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_it_works_where_gradients_are_switched_off() -> None:
    net, pixels = built("squeezenet1_1"), image()
    plain = explain.maps(net, pixels, range(3))
    with torch.no_grad():
        np.testing.assert_array_equal(explain.maps(net, pixels, range(3)), plain)
    with torch.inference_mode():
        np.testing.assert_array_equal(explain.maps(net, pixels, range(3)), plain)


def test_no_gradient_reaches_the_body() -> None:
    net = built("resnet18")
    net.body.register_full_backward_hook(lambda *_: pytest.fail("the gradient went further than the last activation"))
    explain.maps(net, image(), [0])


def test_heat_maps_have_names_and_layers() -> None:
    net, pixels = built("squeezenet1_1"), image()
    every = explain.heatmaps(net, pixels, NAMES)
    assert [one.finding for one in every] == list(NAMES)
    assert {one.layer for one in every} == {"features.12"}
    assert all(one.values.min() >= 0 and one.values.ndim == 2 for one in every)
    single = explain.heatmap(net, pixels, NAMES, NAMES[1])
    np.testing.assert_allclose(single.values, every[1].values, rtol=1e-5)
    assert explain.maps(net, pixels, []).shape == (1, 0, 5, 5)


def test_an_unknown_finding_is_asked_back() -> None:
    with pytest.raises(DataError, match="Did you mean Tuberculosis"):
        explain.heatmap(built("cxr_small"), image(), NAMES, "Tuberculosiss")


@pytest.mark.parametrize("fit", geometry.FITS)
def test_a_map_lies_where_the_image_was(fit: geometry.Fit) -> None:
    values = np.zeros((8, 8), np.float32)
    values[4, 4] = 3.0  # just right of and below the centre of the square
    laid = explain.upsampled(explain.Heatmap(values, "x", "y"), (120, 200), fit)
    assert laid.shape == (120, 200)
    row, column = np.unravel_index(laid.argmax(), laid.shape)
    assert 60 <= row <= 75
    assert 100 <= column <= 115
    assert laid.max() == pytest.approx(3.0, abs=0.3)


# --- overlay

GREY = np.linspace(0, 1, 200 * 240, dtype=np.float32).reshape(200, 240)


def spot(top: float = 2.0) -> np.ndarray:
    values = np.zeros((200, 240), np.float32)
    values[50:60, 70:80] = top
    return values


def test_what_was_not_seen_lies_outside_of_a_frame() -> None:
    plain = explain.overlay(GREY, spot(), finding="COVID-19")
    drawn = explain.overlay(GREY, spot(), finding="COVID-19", seen=(20, 0, 220, 200))
    assert drawn.shape[0] == 320, "room for the words at the right"
    assert drawn[240:, 240:].any()
    changed = (drawn[:200] != plain).any(axis=2)
    assert changed[50:150, :240].any(axis=0).nonzero()[0].tolist() == [20, 219]
    np.testing.assert_array_equal(plain, explain.overlay(GREY, spot(), finding="COVID-19", seen=(0, 0, 240, 200)))


def test_outside_the_evidence_the_radiograph_is_untouched() -> None:
    drawn = explain.overlay(GREY, spot(), finding="COVID-19")
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] == 200
    assert drawn.shape[1] > 240
    plain = np.rint(GREY * 255).astype(np.uint8)
    outside = spot() == 0
    for channel in range(3):
        np.testing.assert_array_equal(drawn[:200, :240, channel][outside], plain[outside])


def test_the_strongest_place_has_the_brightest_colour_at_the_opacity() -> None:
    drawn = explain.overlay(GREY, spot(), finding="x", opacity=0.5)
    top = np.array(colormaps[explain.COLOURS](1.0)[:3])
    np.testing.assert_allclose(drawn[55, 75], np.rint((0.5 * GREY[55, 75] + 0.5 * top) * 255), atol=1)


def test_weak_evidence_on_a_common_scale_stays_weak() -> None:
    grey = np.full((200, 240), 0.5, np.float32)
    own = explain.overlay(grey, spot(0.1), finding="x").astype(int)[55, 75]
    common = explain.overlay(grey, spot(0.1), finding="x", scale_max=10.0).astype(int)[55, 75]
    assert np.abs(own - 128).max() > 40
    assert np.abs(common - 128).max() <= 2
    above = explain.overlay(grey, spot(20.0), finding="x", scale_max=10.0)
    np.testing.assert_array_equal(above[55, 75], explain.overlay(grey, spot(10.0), finding="x", scale_max=10.0)[55, 75])


def test_two_scales_are_written_differently() -> None:
    one, two = (explain.overlay(GREY, spot(top), finding="x")[:, 240:] for top in (1.0, 2.5))
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, explain.overlay(GREY, spot(1.0), finding="x")[:, 240:])


def test_no_evidence_is_said_and_not_stretched(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    wrapped = explain._wrapped
    monkeypatch.setattr(explain, "_wrapped", lambda draw, text, *rest: said.append(text) or wrapped(draw, text, *rest))
    drawn = explain.overlay(GREY, np.zeros((200, 240), np.float32), finding="Tuberculosis")
    explain.overlay(GREY, spot(), finding="Tuberculosis")
    assert said == ["no evidence for Tuberculosis", "Tuberculosis"]
    bar = drawn[:, 240:].astype(int)
    assert np.ptp(bar, axis=2).max() == 0  # words in white on black and no colours


def test_the_name_of_the_finding_fits_beside_the_image() -> None:
    lines = []
    canvas = explain.Pillow.new("RGB", (200, 200))
    draw, font = explain.ImageDraw.Draw(canvas), explain.ImageFont.load_default(16)
    for name in (*NAMES, "no evidence for " + NAMES[1], "W" * 40, ""):
        found = explain._wrapped(draw, name, font, 128)
        assert all(draw.textlength(line, font) <= 128 for line in found)
        lines.append("".join(line + " " if line and not line.endswith("/") else line for line in found).strip())
    assert lines[:4] == ["Normal", NAMES[1], "Tuberculosis", "no evidence for " + NAMES[1]]


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    top=st.floats(0, 1e6),
    opacity=st.floats(0, 1),
    scale=st.none() | st.floats(0, 1e6),
)
@settings(deadline=None, max_examples=15)
def test_any_size_and_value_can_be_drawn(height: int, width: int, top: float, opacity: float, scale: float | None) -> None:
    values = np.full((height, width), top, np.float32)
    pixels = np.full((height, width), 0.3)
    drawn = explain.overlay(pixels, values, finding="A/long name of a finding", opacity=opacity, scale_max=scale)
    assert drawn.shape[0] == max(160, height)
    assert drawn.shape[1] > width
    if top == 0 or opacity == 0:
        assert (drawn[:height, :width] == 76).all()
