"""Batch norm folded into convolutions: known, measured, put back; and what becomes of learning without."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trainer import config, models, runs, train, unfolding

SIZE = 64


@pytest.fixture(scope="module")
def network() -> models.Classifier:
    """cxr_small with batch norms as after learning: means, variances, factors and shifts of all kinds."""
    torch.manual_seed(1)
    made = models.build("cxr_small", 2)
    with torch.no_grad():
        for norm in _norms(made):
            norm.running_mean.uniform_(-0.5, 0.5)
            norm.running_var.uniform_(0.2, 3)
            norm.weight.uniform_(0.3, 2)
            norm.bias.uniform_(-0.5, 0.5)
    return made.eval()


def _norms(network: models.Classifier) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def _pixels(count: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    coarse = torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    return coarse.repeat_interleave(SIZE // 8, 2).repeat_interleave(SIZE // 8, 3)


def _shown() -> Iterator[Tensor]:
    yield from _pixels().split(8)


def _folded(network: models.Classifier, folder: Path) -> Path:
    """A file of the same function, made as for inference: torch's own fusion, and norms that only add the bias."""
    tensors = dict(network.body.state_dict())
    modules = list(network.body.named_modules())
    for (before, conv), (name, norm) in itertools.pairwise(modules):
        if isinstance(norm, nn.BatchNorm2d):
            assert isinstance(conv, nn.Conv2d), "in this network each norm stands right behind its convolution"
            fused = fuse_conv_bn_eval(conv, norm)
            tensors[f"{before}.weight"] = fused.weight.detach()
            tensors[f"{name}.bias"] = fused.bias.detach()
            tensors[f"{name}.running_mean"] = torch.zeros_like(norm.running_mean)
            tensors[f"{name}.running_var"] = torch.ones_like(norm.running_var) - norm.eps
            tensors[f"{name}.weight"] = torch.ones_like(norm.weight)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "folded.safetensors")
    return folder / "folded.safetensors"


@pytest.fixture
def folded(network: models.Classifier, tmp_path: Path) -> tuple[models.Classifier, models.Loaded]:
    made = models.build("cxr_small", 2)
    return made, models.initialise(made, str(_folded(network, tmp_path)))


def _features(network: models.Classifier, *, learning: bool) -> Tensor:
    network.train(learning)
    with torch.no_grad():
        found = network.features(_pixels())
    network.eval()
    return found


def test_folded_norms_are_known_and_others_are_not(
    network: models.Classifier, folded: tuple[models.Classifier, models.Loaded]
) -> None:
    made, loaded = folded
    assert unfolding.folded(made, loaded.missing) == _norms(made)
    assert unfolding.folded(network) == []
    names = {name for name, module in made.body.named_modules() if module is _norms(made)[0]}
    assert unfolding.folded(made, [f"{name}.running_var" for name in names]) == _norms(made)[1:]


def test_the_evaluated_network_stays_and_the_learning_one_becomes_it(
    network: models.Classifier, folded: tuple[models.Classifier, models.Loaded]
) -> None:
    made, _ = folded
    wanted = _features(network, learning=False)
    torch.testing.assert_close(_features(made, learning=False), wanted, rtol=1e-3, atol=1e-4)
    lost = _correlation(_features(made, learning=True), wanted)
    made, _ = folded
    for norm in _norms(made):  # that pass moved them
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    unfolding.unfold(made, _norms(made), _shown())
    torch.testing.assert_close(_features(made, learning=False), wanted, rtol=1e-3, atol=1e-4)
    assert _correlation(_features(made, learning=True), wanted) > 0.999 > lost
    assert unfolding.folded(made) == []


def test_what_is_put_in_are_mean_and_variance_of_what_reaches_the_norm(folded: tuple[models.Classifier, models.Loaded]) -> None:
    made, _ = folded
    seen: list[Tensor] = []
    first = _norms(made)[0]
    hook = first.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    unfolding.unfold(made, _norms(made), _shown())
    hook.remove()
    values = torch.cat(seen).transpose(0, 1).flatten(1)
    torch.testing.assert_close(first.running_mean, values.mean(1))
    torch.testing.assert_close(first.running_var, values.var(1, unbiased=False))


def _correlation(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


def test_a_training_from_folded_weights_says_that_it_measured(
    project: Path, tiny: config.TrainConfig, network: models.Classifier, tmp_path: Path
) -> None:
    notes = {}
    for name, path in (("folded", _folded(network, tmp_path)), ("plain", _plain(network, tmp_path))):
        outcome = train.run(project, config.changed(tiny, {"model.weights": str(path), "schedule.epochs": 1}), name=name)
        notes[name] = [event["text"] for event in runs.find(outcome.run).events() if event["kind"] == "note"]
    assert [text for text in notes["folded"] if "measured on" in text and "training images and put back" in text]
    assert not [text for text in notes["plain"] if "folded" in text]


def _plain(network: models.Classifier, folder: Path) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in network.body.state_dict().items()}, folder / "plain.safetensors")
    return folder / "plain.safetensors"
