"""Losses: against torch's own, with what is not stated left out."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainer import config, imbalance, mixing
from trainer.errors import ConfigError
from trainer.losses import loss, parts
from trainer.vision import torchvision

PLAIN = config.Loss()
FOCAL = config.Loss(name="focal")
KINDS = pytest.mark.parametrize(
    "kind", [PLAIN, FOCAL, config.Loss(name="focal", gamma=0.5, alpha=(0.25,))], ids=["ce", "focal", "half"]
)


def _random(images: int, findings: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, the true finding of each image, weights."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(images, findings, generator=generator) * 3,
        torch.randint(findings, (images,), generator=generator),
        torch.rand(findings, generator=generator) + 0.1,
    )


def _one_hot(truth: Tensor, findings: int) -> Tensor:
    return nn.functional.one_hot(truth, findings).float()


@settings(deadline=None, max_examples=40)
@given(
    images=st.integers(1, 12),
    findings=st.integers(2, 6),
    seed=st.integers(0, 10**6),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    weighted=st.booleans(),
)
def test_hard_targets_give_torchs_cross_entropy(
    images: int, findings: int, seed: int, smoothing: float, weighted: bool
) -> None:
    logits, truth, weights = _random(images, findings, seed)
    chosen = weights if weighted else None
    each = nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="none")(logits, truth)
    cost = weights[truth] if weighted else torch.ones(images)
    expected = (cost * each).sum() / cost.sum()
    if not smoothing:
        torch.testing.assert_close(nn.CrossEntropyLoss(weight=chosen)(logits, truth), expected, rtol=1e-5, atol=1e-6)
    stated = torch.ones(images, findings, dtype=torch.bool)
    found = loss(
        logits, _one_hot(truth, findings), stated, task="multi-class", settings=config.Loss(smoothing=smoothing), weights=chosen
    )
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(
    images=st.integers(1, 12),
    findings=st.integers(1, 6),
    seed=st.integers(0, 10**6),
    smoothing=st.sampled_from([0.0, 0.2]),
    weighted=st.booleans(),
)
def test_stated_pairs_give_torchs_binary_cross_entropy(
    images: int, findings: int, seed: int, smoothing: float, weighted: bool
) -> None:
    logits, _, weights = _random(images, findings, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    targets = torch.randint(2, (images, findings), generator=generator).float()
    stated = torch.rand(images, findings, generator=generator) < 0.7
    stated[0, 0] = True
    values = nn.functional.binary_cross_entropy_with_logits(
        logits, targets * (1 - smoothing) + 0.5 * smoothing, reduction="none"
    ) * torch.where((targets == 1) & torch.tensor(weighted), weights, 1.0)
    if not smoothing:
        torchs = nn.functional.binary_cross_entropy_with_logits(
            logits, targets, pos_weight=weights if weighted else None, reduction="none"
        )
        torch.testing.assert_close(torchs, values, rtol=1e-5, atol=1e-6)
    found = loss(
        logits,
        torch.where(stated, targets, torch.nan),
        stated,
        task="multi-label",
        settings=config.Loss(smoothing=smoothing),
        weights=weights if weighted else None,
    )
    torch.testing.assert_close(found, values[stated].mean(), rtol=1e-5, atol=1e-6)


def test_soft_targets_are_the_mixture_of_hard_ones() -> None:
    logits, truth, _ = _random(8, 3, 5)
    stated = torch.ones(8, 3, dtype=torch.bool)
    one, other = _one_hot(truth, 3), _one_hot(truth.flip(0), 3)
    losses = [
        loss(logits, targets, stated, task="multi-class", settings=PLAIN) for targets in (one, other, 0.3 * one + 0.7 * other)
    ]
    torch.testing.assert_close(losses[2], 0.3 * losses[0] + 0.7 * losses[1])


def test_soft_targets_agree_with_torchs_probabilities() -> None:
    logits, _, _ = _random(8, 4, 6)
    targets = torch.softmax(_random(8, 4, 7)[0], 1)
    stated = torch.ones(8, 4, dtype=torch.bool)
    found = loss(logits, targets, stated, task="multi-class", settings=config.Loss(smoothing=0.1))
    torch.testing.assert_close(found, nn.CrossEntropyLoss(label_smoothing=0.1)(logits, targets))


def test_a_hand_worked_value() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])  # probabilities 1/4 and 3/4
    stated = torch.ones(1, 2, dtype=torch.bool)
    found = loss(logits, torch.tensor([[1.0, 0.0]]), stated, task="multi-class", settings=PLAIN)
    assert found.item() == pytest.approx(math.log(4))
    found = loss(logits, torch.tensor([[1.0, 0.0]]), stated, task="multi-label", settings=PLAIN)
    assert found.item() == pytest.approx((math.log(2) + math.log(4)) / 2)  # sigmoid(0) = 1/2, 1 - sigmoid(log 3) = 1/4


def test_images_without_exactly_one_finding_are_left_out_of_multi_class() -> None:
    logits, truth, _ = _random(6, 3, 8)
    targets, stated = _one_hot(truth, 3), torch.ones(6, 3, dtype=torch.bool)
    stated[1] = False  # nothing stated
    targets[2] = 0  # none of these findings
    targets[3] = torch.tensor([1.0, 1.0, 0.0])  # two at once
    stated[4] = targets[4] == 1  # the yes alone is stated: it decides
    targets[1, 0] = torch.nan
    kept = torch.tensor([0, 4, 5])
    found = loss(logits, targets, stated, task="multi-class", settings=PLAIN)
    torch.testing.assert_close(found, nn.CrossEntropyLoss()(logits[kept], truth[kept]))


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 2.0, 1.0])])
def test_nothing_stated_gives_zero_and_a_gradient_of_zeros(task: str, weights: Tensor | None) -> None:
    logits = _random(4, 3, 9)[0].requires_grad_()
    targets, stated = torch.full((4, 3), -1.0), torch.zeros(4, 3, dtype=torch.bool)
    found = loss(logits, targets, stated, task=task, settings=config.Loss(smoothing=0.1), weights=weights)
    found.backward()
    assert found.item() == 0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(4, 3))


@KINDS
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_what_is_not_stated_gets_no_gradient(task: str, kind: config.Loss) -> None:
    logits = _random(5, 3, 10)[0].requires_grad_()
    targets, stated = _one_hot(torch.tensor([0, 1, 2, 0, 1]), 3), torch.ones(5, 3, dtype=torch.bool)
    stated[2] = False
    loss(logits, targets, stated, task=task, settings=kind).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad[2], torch.zeros(3))
    assert (logits.grad[[0, 1, 3, 4]].abs().sum(1) > 0).all()


def test_findings_of_weight_zero_alone_give_zero_not_nan() -> None:
    logits, truth = torch.randn(3, 2, generator=torch.Generator().manual_seed(1)), torch.zeros(3, dtype=torch.long)
    stated = torch.ones(3, 2, dtype=torch.bool)
    found = loss(logits, _one_hot(truth, 2), stated, task="multi-class", settings=PLAIN, weights=torch.tensor([0.0, 1.0]))
    assert found.item() == 0


@KINDS
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_sums_over_batches_give_the_loss_of_the_whole(task: str, kind: config.Loss) -> None:
    logits, truth, weights = _random(9, 3, 11)
    targets = _one_hot(truth, 3)
    stated = torch.ones(9, 3, dtype=torch.bool)
    stated[[1, 5]] = False
    whole = loss(logits, targets, stated, task=task, settings=kind, weights=weights)
    pieces = [
        parts(logits[piece], targets[piece], stated[piece], task=task, settings=kind, weights=weights)
        for piece in (slice(0, 2), slice(2, 9))
    ]
    torch.testing.assert_close(whole, sum(p[0] for p in pieces) / sum(p[1] for p in pieces))


@KINDS
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_half_precision_logits_are_computed_in_float32(task: str, kind: config.Loss) -> None:
    logits = (_random(6, 3, 12)[0] * 30).to(torch.bfloat16)
    targets, stated = _one_hot(torch.arange(6) % 3, 3), torch.ones(6, 3, dtype=torch.bool)
    exact = loss(logits.double(), targets, stated, task=task, settings=kind)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(logits, targets, stated, task=task, settings=kind)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(exact.item(), rel=1e-6)


@KINDS
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_extreme_logits_stay_finite(task: str, kind: config.Loss) -> None:
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    found = loss(logits, torch.eye(2).flip(0), torch.ones(2, 2, dtype=torch.bool), task=task, settings=kind)
    found.backward()
    assert math.isfinite(found.item())
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="no kind of task"):
        loss(torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.bool), task="ordinal", settings=PLAIN)


def _labels(images: int, findings: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randint(2, (images, findings), generator=generator).float(),
        torch.rand(images, findings, generator=generator) < 0.7,
    )


@settings(deadline=None, max_examples=60)
@given(
    images=st.integers(1, 12),
    findings=st.integers(1, 6),
    seed=st.integers(0, 10**6),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]),
    alpha=st.sampled_from([0.0, 0.25, 0.75]),
    smoothing=st.sampled_from([0.0, 0.2]),
)
def test_stated_pairs_give_torchvisions_focal_loss(
    images: int, findings: int, seed: int, gamma: float, alpha: float, smoothing: float
) -> None:
    logits = _random(images, findings, seed)[0]
    targets, stated = _labels(images, findings, seed + 1)
    stated[0, 0] = True
    expected = torchvision.ops.sigmoid_focal_loss(
        logits, targets * (1 - smoothing) + 0.5 * smoothing, alpha=-1, gamma=gamma, reduction="none"
    ) * (alpha * targets + (1 - alpha) * (1 - targets) if alpha else 1.0)
    if not smoothing:
        torchs = torchvision.ops.sigmoid_focal_loss(logits, targets, alpha=alpha or -1, gamma=gamma, reduction="none")
        torch.testing.assert_close(torchs, expected, rtol=1e-5, atol=1e-6)
    chosen = config.Loss(name="focal", gamma=gamma, alpha=(alpha,), smoothing=smoothing)
    found = loss(logits, torch.where(stated, targets, torch.nan), stated, task="multi-label", settings=chosen)
    torch.testing.assert_close(found, expected[stated].mean(), rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(
    images=st.integers(1, 12),
    findings=st.integers(2, 6),
    seed=st.integers(0, 10**6),
    gamma=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    weighted=st.booleans(),
)
def test_multi_class_focal_loss_is_the_softmax_form_of_the_paper(
    images: int, findings: int, seed: int, gamma: float, weighted: bool
) -> None:
    logits, truth, weights = _random(images, findings, seed)
    p = torch.softmax(logits.double(), 1)[torch.arange(images), truth]
    cost = weights[truth].double() if weighted else torch.ones(images).double()
    expected = (cost * -((1 - p) ** gamma) * p.log()).sum() / cost.sum()
    found = loss(
        logits,
        _one_hot(truth, findings),
        torch.ones(images, findings, dtype=torch.bool),
        task="multi-class",
        settings=config.Loss(name="focal", gamma=gamma),
        weights=weights if weighted else None,
    )
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_two_classes_by_softmax_are_one_label_by_sigmoid(smoothing: float) -> None:
    logits, truth, _ = _random(9, 2, 3)
    chosen = config.Loss(name="focal", smoothing=smoothing)
    two = loss(logits, _one_hot(truth, 2), torch.ones(9, 2, dtype=torch.bool), task="multi-class", settings=chosen)
    margin = (logits[:, 1] - logits[:, 0]).unsqueeze(1)
    one = loss(margin, truth.float().unsqueeze(1), torch.ones(9, 1, dtype=torch.bool), task="multi-label", settings=chosen)
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_gamma_zero_is_cross_entropy(task: str) -> None:
    logits, truth, weights = _random(7, 3, 21)
    arguments = (logits, _one_hot(truth, 3), torch.ones(7, 3, dtype=torch.bool))
    plain = loss(*arguments, task=task, settings=config.Loss(smoothing=0.1), weights=weights)
    focal = loss(*arguments, task=task, settings=config.Loss(name="focal", gamma=0, smoothing=0.1), weights=weights)
    torch.testing.assert_close(focal, plain)


def test_class_weights_multiply_the_yes_term_of_focal_loss() -> None:
    logits, _, weights = _random(7, 3, 22)
    targets, stated = _labels(7, 3, 23)
    plain = torchvision.ops.sigmoid_focal_loss(logits, targets, alpha=-1, gamma=2, reduction="none")
    expected = (plain * torch.where(targets == 1, weights, 1.0))[stated].mean()
    found = loss(logits, targets, stated, task="multi-label", settings=FOCAL, weights=weights)
    torch.testing.assert_close(found, expected)


def test_focal_loss_looks_at_what_is_still_wrong() -> None:
    stated = torch.ones(1, 2, dtype=torch.bool)
    easy, hard = torch.tensor([[0.0, math.log(9.0)]]), torch.tensor([[0.0, 0.0]])  # 0.9 and 0.5 for the true finding
    targets = torch.tensor([[0.0, 1.0]])
    for logits, share in ((easy, 0.01), (hard, 0.25)):
        plain = loss(logits, targets, stated, task="multi-class", settings=PLAIN)
        assert loss(logits, targets, stated, task="multi-class", settings=FOCAL).item() == pytest.approx(plain.item() * share)


def test_one_alpha_does_not_touch_multi_class() -> None:
    logits, truth, _ = _random(5, 3, 24)
    arguments = (logits, _one_hot(truth, 3), torch.ones(5, 3, dtype=torch.bool))
    alpha = config.Loss(name="focal", alpha=(0.25,))
    torch.testing.assert_close(
        loss(*arguments, task="multi-class", settings=alpha), loss(*arguments, task="multi-class", settings=FOCAL)
    )


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_soft_targets_of_a_mixture_have_a_focal_loss_too(task: str) -> None:
    logits = _random(4, 3, 25)[0].requires_grad_()
    targets = torch.softmax(_random(4, 3, 26)[0], 1)
    found = loss(logits, targets, torch.ones(4, 3, dtype=torch.bool), task=task, settings=FOCAL)
    found.backward()
    assert 0 < found.item() < loss(logits, targets, torch.ones(4, 3, dtype=torch.bool), task=task, settings=PLAIN).item()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_the_gradient_of_focal_loss_is_that_of_its_differences(task: str) -> None:
    logits, truth, weights = _random(4, 3, 27)
    arguments = (_one_hot(truth, 3).double(), torch.ones(4, 3, dtype=torch.bool))

    def value(z: Tensor) -> Tensor:
        return loss(z, *arguments, task=task, settings=FOCAL, weights=weights.double())

    assert torch.autograd.gradcheck(value, logits.double().requires_grad_())


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_alpha_of_each_finding_is_torchvisions_finding_by_finding(gamma: float) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(6, 3, generator=generator) * 3
    targets = torch.randint(0, 2, (6, 3), generator=generator).float()
    alphas = (0.25, 0.0, 0.9)
    columns = [
        torchvision.ops.sigmoid_focal_loss(logits[:, k], targets[:, k], alpha=alpha or -1, gamma=gamma, reduction="none")
        for k, alpha in enumerate(alphas)
    ]
    chosen = config.Loss(name="focal", gamma=gamma, alpha=alphas)
    found = parts(logits, targets, torch.ones(6, 3, dtype=torch.bool), task="multi-label", settings=chosen)
    torch.testing.assert_close(found[0], torch.stack(columns).sum())
    assert found[1] == 18


def test_alpha_of_each_finding_weights_the_images_of_a_multi_class_task() -> None:
    """By hand: p = 0.5, 0.8 for the true one of two; (1 - p)^2 (-ln p) times the alpha of the true finding."""
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(4)]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    chosen = config.Loss(name="focal", gamma=2, alpha=(0.75, 0.2))
    total, weight = parts(logits, targets, torch.ones(2, 2, dtype=torch.bool), task="multi-class", settings=chosen)
    assert float(total) == pytest.approx(0.75 * 0.25 * math.log(2) + 0.2 * 0.04 * math.log(1.25))
    assert float(weight) == 2


def test_focal_loss_acts_on_each_image_and_not_on_the_mean_of_the_batch() -> None:
    """The mean of focal losses is not the focal loss of the mean: a batch of an easy and a hard image shows it."""
    logits, targets = torch.tensor([[4.0], [-4.0]]), torch.ones(2, 1)
    stated = torch.ones(2, 1, dtype=torch.bool)
    each = [parts(logits[[i]], targets[[i]], stated[[i]], task="multi-label", settings=FOCAL)[0] for i in (0, 1)]
    together = loss(logits, targets, stated, task="multi-label", settings=FOCAL)
    assert float(together) == pytest.approx(float(sum(each)) / 2)
    mean = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    assert float((1 - torch.exp(-mean)) ** 2 * mean) != pytest.approx(float(together), rel=0.05)


def _least(target: Tensor, task: str, weights: Tensor) -> Tensor:
    """The probabilities that make the loss of one image with this answer smallest, by descent."""
    logits = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS([logits], lr=0.5, max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16)

    def closure() -> Tensor:
        descent.zero_grad()
        stated = torch.ones(1, 3, dtype=torch.bool)
        found = loss(logits, target, stated, task=task, settings=config.Loss(smoothing=0.1), weights=weights)
        found.backward()
        return found

    descent.step(closure)
    return (torch.softmax(logits, 1) if task == "multi-class" else torch.sigmoid(logits)).detach()[0]


@pytest.mark.parametrize(("task", "rest"), [("multi-class", 0.1 / 3), ("multi-label", 0.05)])
def test_smoothing_asks_for_the_same_answers_whatever_they_cost(task: str, rest: float) -> None:
    """A share moved to a rare finding must not get its weight: images without it would learn to say it nearly half."""
    weights = torch.tensor([20.0, 0.5, 1.0], dtype=torch.float64)
    found = _least(torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64), task, weights)
    yes = 0.9 + rest if task == "multi-class" else 0.95
    assert found.tolist() == pytest.approx([rest, yes, rest], abs=1e-4)


def test_smoothing_mixes_with_mixtures() -> None:
    """By hand: 0.3 of finding 0 (weight 4), 0.7 of finding 1 (weight 1); 1.9 of it all, 0.2 spread evenly."""
    logits, weights = _random(1, 2, 31)[0], torch.tensor([4.0, 1.0])
    logs = torch.log_softmax(logits, 1)[0]
    targets, stated = torch.tensor([[0.3, 0.7]]), torch.ones(1, 2, dtype=torch.bool)
    total, weight = parts(logits, targets, stated, task="multi-class", settings=config.Loss(smoothing=0.2), weights=weights)
    assert float(total) == pytest.approx(float(-(0.8 * 1.2 + 0.19) * logs[0] - (0.8 * 0.7 + 0.19) * logs[1]), rel=1e-5)
    assert float(weight) == pytest.approx(1.9)


@pytest.mark.parametrize("method", ["none", "class-weights"])
@pytest.mark.parametrize("alpha", [(0.0,), (0.25,), (0.9, 0.5, 0.2)], ids=["no alpha", "one alpha", "alphas"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("mixup", [0.0, 0.4])
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_before_anything_is_learned_the_loss_is_shared_as_imbalance_says(
    task: str, mixup: float, smoothing: float, alpha: tuple[float, ...], method: str
) -> None:
    """The share of an answer is the part of the loss that is gone where it costs nothing."""
    generator = np.random.default_rng(3)
    answers = np.eye(3, dtype=np.int8)[generator.choice(3, 900, p=[0.05, 0.6, 0.35])]
    if task == "multi-label":
        answers[generator.random((900, 3)) < 0.3] = -1
        answers = answers[(answers >= 0).any(1)]
    how, chosen = config.Imbalance(method=method), config.Loss(name="focal", alpha=alpha, smoothing=smoothing)
    weights = imbalance.class_weights(answers, task, how) if method == "class-weights" else np.ones(3, np.float32)
    targets, stated = torch.from_numpy(answers).clamp_min(0).float(), torch.from_numpy(answers >= 0)
    if mixup:
        mix = mixing.drawn(len(answers), 8, config.Augment(mixup=mixup), 1, 0, 0)
        assert mix is not None
        both = (targets[mix.partner], stated[mix.partner])
        targets, stated = mixing.mixed_answers((targets, stated), both, mix.share, task)
    logits, cost = torch.zeros(len(answers), 3, dtype=torch.float64), torch.from_numpy(weights).double()

    def total(weights: Tensor, k: int) -> float:
        only = stated if task == "multi-class" else stated & (torch.arange(3) == k)
        return float(parts(logits, targets, only, task=task, settings=chosen, weights=weights)[0])

    shares = [1 - total(torch.where(torch.arange(3) == k, 0.0, cost), k) / total(cost, k) for k in range(3)]
    promised = imbalance.shown(answers, task, how, chosen).loss_share
    np.testing.assert_allclose(shares, promised, atol=0.001 if not mixup else 0.05)
