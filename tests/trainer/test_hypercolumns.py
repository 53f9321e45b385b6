"""Heads that see all stages: what is stacked, where its cells stand, what learns, and what comes back from a file."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

from tests.trainer.test_checkpoints import HEADER
from tests.trainer.test_heat_places import averaging, middle
from trainer import checkpoints, explain, hypercolumns, models
from trainer.architectures import BACKBONES
from trainer.blocks import MeanAndDeviation, Standardised
from trainer.errors import ConfigError

ABLE = [name for name, row in BACKBONES.items() if row.blocks]


def network(name: str, **more: object) -> models.Classifier:
    torch.manual_seed(3)
    return models.build(name, 2, features="stages", **more).eval()  # type: ignore[arg-type]


def pixels(count: int = 2, size: int = 96) -> torch.Tensor:
    return torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", ABLE)
def test_the_activations_are_those_that_torchvision_extracts(name: str) -> None:
    net = network(name)
    row, image = net.backbone, (pixels() / 255 - net.mean) / net.std
    blocks = [*dict(row.blocks)]
    wanted = {name: str(number) for number, name in enumerate(blocks)}
    # Those that the next layer overwrites in place are clones there, and so from before it.
    body = net.body
    for module in body.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6 | nn.SiLU):
            module.inplace = False
    with torch.no_grad():
        expected = create_feature_extractor(body, wanted)(image)
        found, last = hypercolumns.activations(body, blocks, image)
        for map_, other in zip(found, expected.values(), strict=True):
            torch.testing.assert_close(map_, other)
        torch.testing.assert_close(last, body(image))


@pytest.mark.parametrize("name", ABLE)
def test_the_cells_of_each_block_stand_over_the_middle_of_what_they_see(name: str) -> None:
    body, row = averaging(name), BACKBONES[name]
    for name, (first, step) in row.blocks:
        cell = max(4, round(64 / step))
        expected = first + step * cell

        class Cut(nn.Module):
            def forward(self, x: torch.Tensor, name: str = name) -> torch.Tensor:
                return hypercolumns.activations(body, [name], x)[0][0]

        assert middle(Cut(), len(row.mean), cell, round(2 * expected)) == pytest.approx((expected, expected), abs=1.5)


def test_cells_are_averaged_over_the_cell_that_they_lie_over() -> None:
    """Cells every 2 px from 1, onto cells every 4 px from 2: two each; onto cells from 1: one and both its neighbours."""
    fine = torch.arange(6.0).expand(1, 1, 6, 6)
    even = hypercolumns.stacked([fine, torch.ones(1, 2, 3, 3)], [(1, 2), (2, 4)], (3, 3), (2, 4))
    assert even.shape == (1, 3, 3, 3)
    assert even[0, 0].tolist() == [[0.5, 2.5, 4.5]] * 3
    assert torch.equal(even[0, 1:], torch.ones(2, 3, 3))
    odd = hypercolumns.stacked([fine], [(1, 2)], (3, 3), (1, 4))
    assert odd[0, 0, 0].tolist() == [0.5, 2, 4]
    assert hypercolumns.stacked([fine], [(1, 2)], (1, 1), (90, 4)).item() == 5


def test_the_pooling_is_numpys_mean_and_standard_deviation() -> None:
    maps = torch.randn(3, 4, 5, 6)
    values = maps.double().numpy()
    expected = np.concatenate([values.mean((2, 3)), values.std((2, 3))], axis=1)
    np.testing.assert_allclose(MeanAndDeviation()(maps).numpy(), expected, atol=1e-5)
    flat = torch.ones(1, 1, 4, 4, requires_grad=True)
    MeanAndDeviation()(flat).sum().backward()
    assert torch.isfinite(flat.grad).all()  # type: ignore[arg-type]


def test_figures_of_all_scales_are_standardised_and_one_image_alone_by_what_was_measured() -> None:
    figures = torch.randn(8, 7, generator=torch.Generator().manual_seed(4)) * torch.logspace(-3, 3, 7) + 5
    norm = Standardised(7)
    found = norm(figures)
    torch.testing.assert_close(found, (figures - figures.mean(0)) / figures.std(0, correction=0), atol=1e-2, rtol=1e-2)
    measured = (figures - figures.mean(0)) / figures.std(0)  # by the variance n - 1, from the first step on
    torch.testing.assert_close(norm(figures[:1]), measured[:1], atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(norm.eval()(figures), measured, atol=1e-2, rtol=1e-2)
    assert norm.num_batches_tracked == 1
    later = Standardised(7)
    for step in range(4):
        later(figures + step)
    torch.testing.assert_close(later.running_mean, figures.mean(0) + 1.5, atol=1e-3, rtol=1e-4)  # a plain mean


def test_a_network_learns_from_one_image() -> None:
    net = network("squeezenet1_1").train()
    net.unfreeze(0)
    net(pixels(8))
    alone = net(pixels(8)[:1])
    alone.sum().backward()
    torch.testing.assert_close(alone, net.eval()(pixels(8)[:1]))


@pytest.mark.parametrize("name", ABLE)
def test_the_head_alone_learns_from_all_stages(name: str) -> None:
    net = network(name, hidden=8).train()
    net.unfreeze(0)
    net(pixels()).sum().backward()
    assert all(parameter.grad is not None for parameter in net.head_parameters())
    assert all(parameter.grad is None for parameter in net.backbone_parameters())
    first = next(module for module in net.head.modules() if isinstance(module, nn.Linear))
    assert first.in_features == 2 * net.features(pixels()).shape[1]


def test_a_heat_map_is_of_all_stages_and_lies_over_a_blob() -> None:
    size, net = 224, network("squeezenet1_1")
    base = torch.full((1, 1, size, size), 0.3)
    rows, columns = np.mgrid[:size, :size] + 0.5
    blob = np.exp(-((rows - 90) ** 2 + (columns - 140) ** 2) / (2 * 8**2)).astype(np.float32)
    with torch.no_grad():
        changed = (net.features(base + 0.5 * torch.from_numpy(blob)) - net.features(base))[0, :64].square().sum(0).numpy()
    grid = explain.grid(net.backbone, size)
    laid = explain.upsampled(explain.Heatmap(changed, "A", "", grid), (size, size), "stretch")
    assert [float((laid * at).sum() / laid.sum()) for at in (rows, columns)] == pytest.approx([90, 140], abs=4)
    found = explain.heatmap(net, pixels(1, size), ("A", "B"), "B")
    assert found.values.shape == changed.shape
    assert found.layer == "all stages"


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    net = network("mobilenet_v2", hidden=8, mirrored=True)
    settings = {"model.features": "stages", "model.hidden": 8, "model.mirror": "averaged"}
    header = dataclasses.replace(HEADER, backbone="mobilenet_v2", settings=settings)
    net = models.build("mobilenet_v2", len(header.findings), hidden=8, mirrored=True, features="stages").eval()
    checkpoints.save(tmp_path / "a.safetensors", net, header)
    with torch.no_grad():
        assert torch.equal(checkpoints.load(tmp_path / "a.safetensors")[0](pixels()), net(pixels()))


def test_a_backbone_without_stages_to_see_says_which_have_them() -> None:
    with pytest.raises(ConfigError, match="can only see its last activation") as found:
        models.build("vgg16", 2, features="stages")
    assert "squeezenet1_1" in found.value.remedy
