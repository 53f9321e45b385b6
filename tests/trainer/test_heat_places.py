"""Heat maps lie over what the network saw: the place of each cell, by gradients, and of a blob, by what it changes."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from trainer import backbones, explain, geometry, models
from trainer.architectures import BACKBONES


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    yield
    torch.set_num_threads(threads)


def averaging(name: str) -> nn.Module:
    """The body of a backbone with means in the place of weights and maxima, so that what a cell sees has a middle."""
    body = backbones.parts(name, 0.0)[0].eval().requires_grad_(False)
    for part, module in list(body.named_modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        elif isinstance(module, nn.MaxPool2d):
            pool = nn.AvgPool2d(module.kernel_size, module.stride, module.padding, ceil_mode=module.ceil_mode)
            body.set_submodule(part, pool)
        elif isinstance(module, nn.LayerNorm):  # leaves nothing of channels that are all the same
            body.set_submodule(part, nn.Identity())
        elif isinstance(module, nn.BatchNorm2d) and not module.affine and module.running_mean is not None:
            module.running_mean.fill_(-10)  # logarithms, which no ReLU behind them is to cut off
    return body


def middle(body: nn.Module, channels: int, cell: int, size: int) -> tuple[float, float]:
    """Row and column, in px, of the middle of what a cell on the diagonal sees."""
    # Nearly black, so that nothing is cut off where an activation ends at six.
    pixels = torch.full((1, channels, size, size), 1e-3, requires_grad=True)
    (gradient,) = torch.autograd.grad(body(pixels)[0, :, cell, cell].sum(), pixels)
    seen = gradient[0].abs().sum(dim=0).double()
    places = torch.arange(size, dtype=torch.float64) + 0.5
    total = float(seen.sum())
    return float(seen.sum(dim=1) @ places) / total, float(seen.sum(dim=0) @ places) / total


@pytest.mark.parametrize("name", BACKBONES)
def test_each_cell_stands_over_the_middle_of_what_it_sees(name: str) -> None:
    """Two cells, each in the middle of an image of its own, so that the borders cut what it sees on both sides alike."""
    body, row = averaging(name), BACKBONES[name]
    first, step = row.cells
    for cell in (1, 3) if step == 32 else (3, 5):
        expected = first + step * cell
        found = middle(body, len(row.mean), row.beyond[0] + cell, round(2 * expected))
        assert found == pytest.approx((expected, expected), abs=1.5)


@pytest.mark.parametrize(("name", "shift"), [("resnet18", 15.5), ("squeezenet1_1", 0.0)])
def test_a_blob_is_found_where_it_is(name: str, shift: float) -> None:
    """A blob at places around the middle; stretched over the square, as elsewhere, the map would lie beside it."""
    size = 224
    net = models.build(name, 2)
    with torch.no_grad():
        net.train()(torch.rand(2, 1, size, size))
    net.eval()
    rows, columns = np.mgrid[:size, :size] + 0.5
    errors = {None: [], explain.grid(net.backbone, size): []}
    base = torch.full((1, 1, size, size), 0.3)
    with torch.no_grad():
        empty = net.features(base)
        for middle in np.linspace(0.35, 0.65, 4) * size:
            blob = np.exp(-((rows - middle) ** 2 + (columns - middle) ** 2) / (2 * 8**2)).astype(np.float32)
            changed = (net.features(base + 0.5 * torch.from_numpy(blob)) - empty)[0].square().sum(0).numpy()
            for grid, found in errors.items():
                laid = geometry.from_square(changed, (size, size), "stretch", grid)
                found.append([float((laid * at).sum() / laid.sum()) - middle for at in (rows, columns)])
    evenly, ours = (np.mean(found) for found in errors.values())
    assert abs(ours) < 5
    assert evenly == pytest.approx(ours + shift, abs=6)


def test_a_heat_map_knows_where_its_cells_stand() -> None:
    net = models.build("resnet18", 1).eval()
    pixels = torch.randint(0, 256, (1, 1, 64, 64), dtype=torch.uint8)
    for found in (explain.heatmap(net, pixels, ("A",), "A"), *explain.heatmaps(net, pixels, ("A",))):
        assert found.grid == geometry.Grid(0.5 / 64, 0.5)
        laid = explain.upsampled(explain.Heatmap(np.eye(2, dtype=np.float32), "A", "", found.grid), (64, 64), "stretch")
        assert laid[0, 0] == laid[32, 32] == laid[63, 63] == 1
        assert laid[16, 16] == pytest.approx(0.5)


@pytest.mark.parametrize("fit", geometry.FITS)
@pytest.mark.parametrize("cells", [2, 3, 7])
def test_cells_that_share_the_square_evenly_need_no_grid(fit: geometry.Fit, cells: int) -> None:
    values = np.random.default_rng(1).random((cells, cells))
    even = geometry.Grid(0.5 / cells, 1 / cells)
    laid = geometry.from_square(values, (30, 41), fit, even)
    np.testing.assert_array_equal(laid, geometry.from_square(values, (30, 41), fit))


def test_a_grid_by_hand() -> None:
    """Two cells over the pixels 0 and 2 of four: those between get half of both, those behind the last what it says."""
    values = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert geometry.from_square(values, (4, 4), "stretch", geometry.Grid(0.125, 0.5)).tolist() == [[0, 0.5, 1, 1]] * 4
