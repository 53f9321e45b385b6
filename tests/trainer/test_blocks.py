"""Pieces of networks: residual blocks as torchvision has them, and several networks' maps side by side."""

import functools

import pytest
import torch
from torch import nn

from trainer import blocks, models
from trainer.vision import torchvision


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


@pytest.mark.parametrize("inputs", [48, 32])
def test_a_block_is_torchvisions_bottleneck(inputs: int) -> None:
    """A convolution block where the widths differ, an identity block where they do not."""
    shortcut = nn.Sequential(nn.Conv2d(inputs, 32, 1, bias=False), nn.BatchNorm2d(32)) if inputs != 32 else None
    peer = torchvision.models.resnet.Bottleneck(inputs, 8, downsample=shortcut).eval()
    ours = blocks.Bottleneck(inputs, 8, 32).eval()
    state = {name.replace("bn", "norm").replace("downsample", "shortcut"): value for name, value in peer.state_dict().items()}
    ours.load_state_dict(state)
    x = torch.rand(2, inputs, 5, 7)
    torch.testing.assert_close(ours(x), peer(x))


def test_the_shorter_map_gets_its_last_row_and_column_again() -> None:
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    found = blocks.extended(x, 3, 4)
    assert found[0, 0].tolist() == [[1, 2, 2, 2], [3, 4, 4, 4], [3, 4, 4, 4]]
    found.sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0].tolist() == [[1, 3], [2, 6]]  # each value learns from all places that it stands in
    assert blocks.extended(x, 2, 2) is x


def test_maps_of_different_grids_are_read_together() -> None:
    networks = {"fine": nn.Conv2d(3, 5, 3, stride=2, padding=1), "coarse": nn.Conv2d(3, 4, 3, stride=2)}
    joined = blocks.Concatenation(networks, 9).eval()
    pixels = torch.rand(2, 3, 16, 16)
    seen: list[torch.Tensor] = []
    joined.get_submodule("convolution").register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        assert joined(pixels).shape == (2, 1024, 8, 8)
        fine, coarse = networks["fine"](pixels), networks["coarse"](pixels)
    assert (fine.shape[2], coarse.shape[2]) == (8, 7)
    torch.testing.assert_close(seen[0][:, :5], fine)
    torch.testing.assert_close(seen[0][:, 5:, :7, :7], coarse)
    torch.testing.assert_close(seen[0][:, 5:, 7, :7], coarse[:, :, 6])


def test_its_blocks_are_one_that_narrows_and_three_that_keep() -> None:
    with torch.device("meta"):
        joined = blocks.Concatenation({}, 4096)
    widths = [getattr(joined, name).conv1.in_channels for name in joined.BLOCKS]
    assert widths == [4096, 1024, 1024, 1024]
    shortcuts = [isinstance(getattr(joined, name).shortcut, nn.Identity) for name in joined.BLOCKS]
    assert shortcuts == [False, True, True, True]


@functools.cache
def both() -> nn.Module:
    with torch.device("meta"):
        return models.build("resnet50v2_xception", 1).eval().body


@pytest.mark.parametrize(("size", "sides"), [(32, (1, 1)), (36, (2, 1)), (224, (7, 7)), (229, (8, 7)), (300, (10, 10))])
def test_both_halves_have_a_cell_over_the_same_place(size: int, sides: tuple[int, int]) -> None:
    """10 x 10 at 300 px is what Rahimzadeh and Attar name; elsewhere Xception may lack the last row, never more."""
    body = both()
    pixels = torch.zeros(1, 3, size, size, device="meta")
    assert tuple(body.get_submodule(name)(pixels).shape[2] for name in ("resnet50v2", "xception")) == sides
    assert body(pixels).shape == (1, 1024, sides[0], sides[0])
