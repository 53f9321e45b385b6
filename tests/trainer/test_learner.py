"""One training step: pieces give the gradient of the whole, the state is all there is, averages move as they should."""

import copy

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from trainer import config, learner, losses, models
from trainer.errors import RunError

CPU = torch.device("cpu")


def _learner(**values: object) -> learner.Learner:
    torch.manual_seed(0)
    plain = {
        "model.backbone": "cxr_small",
        "augment.flip": 0,
        "augment.brightness": 0,
        "augment.contrast": 0,
        "optimiser.clip": 0,
    }
    precision = str(values.pop("precision", "fp32"))
    settings = config.changed(config.TrainConfig(), {**plain, **values})
    classifier = models.build(settings.model.backbone, 3, dropout=0.0)
    return learner.Learner(
        classifier, settings, weights=torch.tensor([1.0, 2.0, 3.0]), steps_per_epoch=4, device=CPU, precision=precision
    )


def _batch(count: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (count, 1, 64, 64), dtype=torch.uint8, generator=generator)
    targets = torch.eye(3)[torch.randint(0, 3, (count,), generator=generator)]
    return pixels, targets, torch.ones(count, 3, dtype=torch.bool)


def test_pieces_give_the_gradient_of_the_whole_batch() -> None:
    values = {"model.backbone": "squeezenet1_1"}  # without batch norm, whose statistics differ by piece
    whole, pieces = _learner(**values), _learner(**values)
    pieces.parts = 4
    for one in (whole, pieces):
        loss, weight = one.step(*_batch(), epoch=0, step=0)
    for a, b in zip(whole.classifier.parameters(), pieces.classifier.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)
    assert weight == pytest.approx(float((_batch()[1] * torch.tensor([1.0, 2.0, 3.0])).sum()))
    assert loss > 0


def test_a_step_returns_the_loss_that_it_makes_small() -> None:
    one = _learner()
    copied = copy.deepcopy(one.classifier).train()
    pixels, targets, stated = _batch()
    loss, weight = one.step(pixels, targets, stated, epoch=0, step=0)
    expected = losses.loss(
        copied(pixels.float() / 255),
        targets,
        stated,
        task="multi-class",
        settings=config.Loss(),
        weights=torch.tensor([1.0, 2.0, 3.0]),
    )
    assert loss / weight == pytest.approx(float(expected.detach()), rel=1e-5)


def test_nothing_stated_changes_nothing() -> None:
    one = _learner()
    before = {name: tensor.clone() for name, tensor in one.classifier.named_parameters()}
    pixels, targets, _ = _batch()
    assert one.step(pixels, targets, torch.zeros(8, 3, dtype=torch.bool), epoch=0, step=0) == (0.0, 0.0)
    assert all(torch.equal(before[name], tensor) for name, tensor in one.classifier.named_parameters())


@pytest.mark.parametrize("name", ["adamw", "adam", "nadam", "sgd"])
def test_a_restored_learner_goes_on_to_the_bit(name: str) -> None:
    values = {"optimiser.name": name, "optimiser.average": 0.9, "model.dropout": 0.5}
    one = _learner(**values)
    for step in range(2):
        one.step(*_batch(), epoch=0, step=step)
    other = _learner(**values)
    other.restore(copy.deepcopy(one.state()))
    for learning in (one, other):
        for step in (2, 3):
            learning.step(*_batch(), epoch=0, step=step)
    for kept in ("classifier", "kept"):
        first, second = getattr(one, kept).state_dict(), getattr(other, kept).state_dict()
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_the_average_follows_slowly_and_is_what_is_kept() -> None:
    one = _learner(**{"optimiser.average": 0.999})
    assert one.kept is one.average
    for step in range(3):
        before = [p.clone() for p in one.kept.parameters()]
        one.step(*_batch(), epoch=0, step=step)
        decay = min(0.999, (1 + step) / (10 + step))
        for old, now, current in zip(before, one.kept.parameters(), one.classifier.parameters(), strict=True):
            torch.testing.assert_close(now, old * decay + current * (1 - decay), rtol=1e-4, atol=1e-6)
    assert _learner().kept is not None
    assert _learner().average is None


def test_the_average_is_torchs_with_its_batch_statistics() -> None:
    one = _learner(**{"optimiser.average": 0.15})
    network, average = one.classifier, one.average
    assert average is not None
    torchs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.15), use_buffers=True)
    torchs.update_parameters(network)  # the first is a copy
    for step in range(1, 4):
        one.step(*_batch(), epoch=0, step=step)
        torchs.update_parameters(network)
    wanted, found = torchs.module.state_dict(), average.state_dict()
    statistics = [name for name in wanted if name.endswith(("running_mean", "running_var"))]
    assert statistics
    assert all(not torch.equal(found[name], network.state_dict()[name]) for name in statistics)
    for name, value in found.items():
        if value.is_floating_point():  # torch averages counters too
            torch.testing.assert_close(value, wanted[name], rtol=1e-5, atol=1e-7)


def test_biases_and_norms_do_not_decay_and_the_backbone_has_its_own_rate() -> None:
    one = _learner(**{"optimiser.weight_decay": 0.1, "schedule.backbone_lr": 0.1})
    for group in one._optimiser.param_groups:
        assert all((p.ndim > 1) == (group["weight_decay"] == 0.1) for p in group["params"])
    head = {id(p) for p in one.classifier.head_parameters()}
    shares = {group["share"] for group in one._optimiser.param_groups if {id(p) for p in group["params"]} & head}
    assert shares == {1.0}
    assert {group["share"] for group in one._optimiser.param_groups} == {1.0, 0.1}


def test_stages_thaw_when_the_schedule_says() -> None:
    one = _learner(**{"schedule.head_only": 1, "schedule.stages": 1})
    learning = []
    for epoch in (0, 1):
        one.step(*_batch(), epoch=epoch, step=4 * epoch)
        learning.append({name.partition(".")[0] for name, p in one.classifier.named_parameters() if p.requires_grad})
        named = {name for name, p in one.classifier.named_parameters() if p.requires_grad}
    assert learning[0] == {"head"}
    assert any("stage2" in name for name in named)
    assert not any("stem" in name for name in named)


def test_mixed_precision_is_near_and_settled_by_measurement() -> None:
    settings = config.changed(config.TrainConfig(), {"model.backbone": "cxr_small", "model.size": 64, "compute.batch": 4})
    chosen, seconds = learner.fastest_precision(models.build("cxr_small", 3), settings, CPU)
    assert chosen in seconds
    assert set(seconds) == {"fp32", "bf16"}
    exact, mixed = _learner(), _learner()
    mixed.precision = "bf16"
    results = [one.step(*_batch(), epoch=0, step=0) for one in (exact, mixed)]
    assert results[0][0] == pytest.approx(results[1][0], rel=0.05)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_accumulated_batches_are_one_large_batch(name: str) -> None:
    values = {"model.backbone": "squeezenet1_1", "optimiser.name": name, "optimiser.clip": 1.0, "compute.batch": 8}
    whole = _learner(**values)
    added = _learner(**{**values, "compute.batch": 2, "compute.accumulate": 4})
    assert (whole.passes, added.passes) == (1, 4)
    for step in range(3):
        found = [one.step(*_batch(), epoch=0, step=step) for one in (whole, added)]
        assert found[0] == pytest.approx(found[1], rel=1e-5)
    for a, b in zip(whole.classifier.parameters(), added.classifier.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def test_batch_norm_sees_one_pass_and_counts_each() -> None:
    added = _learner(**{"compute.batch": 2, "compute.accumulate": 4})
    pixels, targets, stated = _batch()
    norm = next(module for module in added.classifier.modules() if isinstance(module, torch.nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    norm.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    added.step(pixels, targets, stated, epoch=0, step=0)
    assert [len(one) for one in seen] == [2, 2, 2, 2]
    mean = torch.zeros(len(seen[0][0]))
    for one in seen:
        mean = 0.9 * mean + 0.1 * one.mean((0, 2, 3))
    assert norm.running_mean is not None
    torch.testing.assert_close(norm.running_mean, mean, rtol=1e-4, atol=1e-6)


def test_the_average_by_hand() -> None:
    """Decay 0.15 at most, at first (1 + step) / (10 + step): 1/10, 0.15, 0.15."""
    one = _learner(**{"optimiser.average": 0.15})
    name = "head.1.bias"
    seen = [one.classifier.state_dict()[name].clone()]
    for step in range(3):
        one.step(*_batch(), epoch=0, step=step)
        seen.append(one.classifier.state_dict()[name].clone())
    by_hand = 0.00225 * seen[0] + 0.02025 * seen[1] + 0.1275 * seen[2] + 0.85 * seen[3]
    torch.testing.assert_close(one.kept.state_dict()[name], by_hand, rtol=1e-5, atol=1e-8)
    assert not torch.equal(by_hand, seen[3])
    before = one.kept.state_dict()[name].clone()
    one.step(*_batch()[:2], torch.zeros(8, 3, dtype=torch.bool), epoch=0, step=3)
    assert torch.equal(one.kept.state_dict()[name], before)  # nothing was learned, so nothing moves


def test_half_precision_goes_on_to_the_bit_with_its_scale() -> None:
    pixels, *answers = _batch(2)
    few = pixels[..., :32, :32], *answers
    one = _learner(precision="fp16")
    one._scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100, growth_interval=2)  # too large: the first steps are skipped
    start = {name: value.clone() for name, value in one.classifier.named_parameters()}
    one.step(*few, epoch=0, step=0)
    assert all(torch.equal(start[name], value) for name, value in one.classifier.named_parameters())
    assert one.state()["scaler"]["scale"] == 2.0**99
    one._scaler.update(2.0**10)
    one.step(*few, epoch=0, step=1)
    other = _learner(precision="fp16")
    other._scaler = torch.amp.GradScaler("cpu", growth_interval=2)
    other.restore(copy.deepcopy(one.state()))
    for learning in (one, other):
        for step in (2, 3):
            learning.step(*few, epoch=0, step=step)
    assert one.state()["scaler"] == other.state()["scaler"]
    assert one.state()["scaler"]["scale"] > 2.0**10  # it has grown, at the same step in both
    first, second = one.classifier.state_dict(), other.classifier.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["head.1.weight"], start["head.1.weight"])


def _holding(images: int) -> models.Classifier:
    """A network on a device whose memory takes so many images at once."""

    def refuse(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > images:
            raise torch.OutOfMemoryError

    classifier = models.build("cxr_small", 3)
    classifier.register_forward_pre_hook(refuse)
    return classifier


def test_memory_is_tried_before_several_processes_begin() -> None:
    values = {
        "model.backbone": "cxr_small",
        "model.size": 32,
        "compute.batch": 8,
        "compute.accumulate": 2,
        "compute.devices": 3,
    }
    settings = config.changed(config.TrainConfig(), values)
    assert learner.pieces(_holding(8), settings, CPU, "fp32") == 1
    assert learner.pieces(_holding(3), settings, CPU, "fp32") == 4
    with pytest.raises(RunError, match="too small even for one image"):
        learner.pieces(_holding(0), settings, CPU, "fp32")


@pytest.mark.parametrize(("head_only", "learns"), [(0, True), (1, True), (2, False)])
def test_what_is_tried_before_a_training_learns_as_much_as_its_last_epoch(head_only: int, learns: bool) -> None:
    seen: list[bool] = []

    def look(module: models.Classifier, inputs: object) -> None:
        seen.append(all(parameter.requires_grad for parameter in module.backbone_parameters()))

    values = {"model.backbone": "cxr_small", "model.size": 32, "schedule.epochs": 2, "schedule.head_only": head_only}
    classifier = models.build("cxr_small", 3)
    classifier.register_forward_pre_hook(look)  # type: ignore[arg-type]
    learner.fastest_precision(classifier, config.changed(config.TrainConfig(), values), CPU)
    assert set(seen) == {learns}


def test_precision_is_measured_also_where_memory_is_short() -> None:
    settings = config.changed(config.TrainConfig(), {"model.backbone": "cxr_small", "model.size": 32, "compute.batch": 6})
    chosen, seconds = learner.fastest_precision(_holding(2), settings, CPU)
    assert chosen in seconds


def test_what_is_no_lack_of_memory_is_not_taken_for_it() -> None:
    def broken() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    def full() -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    assert learner.unless_full(full) is None
    assert learner.unless_full(lambda: 5) == 5
    with pytest.raises(RuntimeError, match="mat1"):
        learner.unless_full(broken)


def test_one_small_image_at_a_time_is_refused_in_words() -> None:
    """The last activation is one pixel then, of which batch norm can take no variance."""
    one = _learner(**{"model.backbone": "resnet18", "model.size": 32, "compute.batch": 1})
    pixels, targets, stated = _batch(1)
    with pytest.raises(RunError, match="one image of 32 px at a time") as refused:
        one.step(pixels[:, :, :32, :32], targets, stated, epoch=0, step=0)
    assert "compute.batch of at least 3" in refused.value.remedy


@pytest.mark.parametrize(("weights", "kept"), [("imagenet", True), ("none", False)])
def test_kept_batch_norms_stay_as_they_came_while_their_factors_learn(weights: str, kept: bool) -> None:
    one = _learner(**{"schedule.batch_norm": "kept", "model.weights": weights, "model.backbone": "resnet18"})
    before = {name: value.clone() for name, value in one.classifier.state_dict().items()}
    for step in range(3):
        one.step(*_batch(), epoch=0, step=step)
    after = one.classifier.state_dict()
    for name in before:
        if name.endswith(("running_mean", "running_var")):
            assert torch.equal(before[name], after[name]) == kept
    assert not torch.equal(before["body.layer4.1.bn2.weight"], after["body.layer4.1.bn2.weight"])


def test_norms_that_no_file_has_learn_also_where_the_others_are_kept() -> None:
    net = models.build("resnet50v2_xception", 2)
    net.keep_statistics()
    net.train()
    learning = {name for name, module in net.named_modules() if isinstance(module, torch.nn.BatchNorm2d) and module.training}
    assert learning
    assert all(name.removeprefix("body.").startswith(tuple(net.backbone.new)) for name in learning)
    dark = models.build("darkcovidnet", 2)
    dark.keep_statistics()
    dark.train()
    assert [name for name, module in dark.named_modules() if isinstance(module, torch.nn.BatchNorm2d) and module.training] == [
        "head.2"
    ]
