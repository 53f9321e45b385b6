"""Heads of one and two layers, and DarkCovidNet as it was published."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

from trainer import checkpoints, config, devices, explain, heads, images, models, predict, train
from trainer.backbones import BACKBONES
from trainer.model_card import Header


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(11)


def test_the_head_is_one_layer_unless_a_hidden_one_is_asked_for() -> None:
    assert config.TrainConfig().model.hidden == 0
    assert list(models.build("cxr_small", 3).head.state_dict()) == ["1.weight", "1.bias"]  # the names of checkpoints so far
    two = heads.head("cxr_small", 128, 3, dropout=0.4, hidden=16)
    assert [tuple(m.weight.shape) for m in two if isinstance(m, nn.Linear)] == [(16, 128), (3, 16)]
    assert [m.p for m in two if isinstance(m, nn.Dropout)] == [0.4, 0.4]


def test_two_layers_compute_what_is_written_by_hand() -> None:
    head = heads.head("cxr_small", 8, 3, dropout=0.5, hidden=5).eval()
    vector, state = torch.rand(4, 8), head.state_dict()
    hidden = (vector @ state["1.weight"].T + state["1.bias"]).clamp_min(0)
    torch.testing.assert_close(head(vector), hidden @ state["4.weight"].T + state["4.bias"])


@pytest.mark.parametrize("hidden", [0, 16])
def test_a_checkpoint_knows_its_head(tmp_path: Path, hidden: int) -> None:
    made = models.build("cxr_small", 2, hidden=hidden).eval()
    settings = {"model.hidden": hidden} if hidden else {}  # those of runs from before the setting do not name it
    header = Header("cxr_small", ("A", "B"), "multi-class", 64, "stretch", 0.0, 1, settings=settings)
    checkpoints.save(tmp_path / "a.safetensors", made, header)
    found, read = checkpoints.load(tmp_path / "a.safetensors")
    assert read.hidden == hidden
    pixels = torch.rand(1, 1, 64, 64)
    assert torch.equal(found(pixels), made(pixels))


def test_a_training_with_two_layers_stopped_and_resumed_ends_with_the_same_weights(
    project: Path, tiny: config.TrainConfig, drawn: Path
) -> None:
    wanted = {"model.backbone": "darkcovidnet", "model.hidden": 16, "model.dropout": 0.3, "schedule.head_only": 1}
    chosen = config.changed(tiny, wanted)
    whole = train.run(project, chosen, name="whole")
    asked = iter([False] * 4 + [True] * 100)
    parted = train.run(project, chosen, name="parted", stop=lambda: next(asked))
    assert parted.status == "stopped"
    assert train.resume(parted.run).status == "finished"
    one, other = (safetensors.torch.load_file(run / "last.safetensors") for run in (whole.run, parted.run))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    member = predict.member(whole.run, devices.choose("cpu"))
    assert [m.out_features for m in member.classifier.head if isinstance(m, nn.Linear)] == [16, 3]
    image = images.read(next(drawn.rglob("images/**/*.png")))
    assert explain.of_image(member, image).shape == (3, 2, 2)


# --- DarkCovidNet


@pytest.mark.parametrize(("findings", "count"), [(2, 1_164_434), (3, 1_167_586)])
def test_darkcovidnet_has_as_many_weights_as_the_published_one(findings: int, count: int) -> None:
    """The paper's table gives the sum for two findings; for three it is what its 1.17 million are."""
    with torch.device("meta"):
        net = models.build("darkcovidnet", findings)
    assert sum(parameter.numel() for parameter in net.parameters()) == count
    assert sum(isinstance(module, nn.Conv2d) for module in net.modules()) == 17
    assert sum(isinstance(module, nn.MaxPool2d) for module in net.modules()) == 5


def test_darkcovidnet_computes_what_the_published_one_computes() -> None:
    """Layer by layer from its description: 17 convolutions with a border of one, poolings, and one linear layer."""
    net = models.build("darkcovidnet", 3).eval()
    for module in net.modules():  # statistics that are not those of a new network
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    pixels = torch.rand(1, 1, 256, 256)
    x = (pixels - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.no_grad():
        for number, (conv, norm) in enumerate(zip(convolutions[:16], norms[:16], strict=True)):
            if number in (1, 2, 5, 8, 11):
                x = functional.max_pool2d(x, 2)
            x = functional.conv2d(x, conv.weight, padding=1)
            x = functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
            x = functional.leaky_relu(x, 0.1)
        x = functional.relu(functional.conv2d(x, convolutions[16].weight, padding=1))
        x = functional.batch_norm(x, norms[16].running_mean, norms[16].running_var, norms[16].weight, norms[16].bias)
        assert x.shape == (1, 3, 13, 13)  # 507 inputs of its linear layer
        expected = functional.linear(x.flatten(1), net.head[-1].weight, net.head[-1].bias)
        torch.testing.assert_close(net(pixels), expected, rtol=1e-4, atol=1e-5)


def test_darkcovidnets_map_is_cut_to_the_cells_over_the_image() -> None:
    """Cell i of what is kept looks at the place of cell i of an even grid, a few pixels apart; the cells cut off do not."""
    body, (before, behind) = models.build("darkcovidnet", 2).eval().body, BACKBONES["darkcovidnet"].beyond
    for name, module in list(body.named_modules()):  # all means, without signs, so that what a cell sees has a middle
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        elif isinstance(module, nn.MaxPool2d):
            body.set_submodule(name, nn.AvgPool2d(2))
    size = 256
    side = body(torch.zeros(1, 3, size, size)).shape[2]
    assert side - before - behind == size // 32
    reach = 160  # black all around, so that the border does not shift the middle
    pixels = torch.zeros(1, 3, size + 2 * reach, size + 2 * reach).requires_grad_(True)
    cell = reach // 32 + before + 3
    body(pixels)[0, :, cell, cell].sum().backward()
    assert pixels.grad is not None
    weight = pixels.grad[0].abs().sum(dim=(0, 1))
    centre = float((weight * torch.arange(len(weight))).sum() / weight.sum()) + 0.5 - reach
    assert centre == pytest.approx((3 + 0.5) * 32, abs=5)
