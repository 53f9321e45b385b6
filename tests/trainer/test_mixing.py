"""Mixup and CutMix: pixels and answers against hand-worked ones, shares and boxes as drawn, parts of a batch as the whole."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer import augment, config, mixing
from trainer.losses import parts

STILL = config.Augment(flip=0.0, brightness=0.0, contrast=0.0)


def _settings(**more: float) -> config.Augment:
    return config.Augment(flip=0.0, brightness=0.0, contrast=0.0, **more)


def _batch(count: int = 6, size: int = 16, findings: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 1, size, size), generator=generator, dtype=torch.uint8)
    targets = torch.eye(findings)[torch.randint(findings, (count,), generator=generator)]
    return pixels, targets, torch.ones(count, findings, dtype=torch.bool)


def _prepared(
    batch: tuple[Tensor, Tensor, Tensor],
    settings: config.Augment,
    rows: Tensor | None = None,
    step: int = 5,
    task: str = "multi-class",
) -> tuple[Tensor, Tensor, Tensor]:
    return mixing.prepared(*batch, settings=settings, task=task, seed=1, epoch=2, step=step, rows=rows)


def test_without_mixing_a_batch_is_what_augment_makes_of_it() -> None:
    batch, settings = _batch(), config.Augment(rotation=10)
    shown, targets, stated = _prepared(batch, settings)
    assert torch.equal(shown, augment.augmented(batch[0], settings, augment.generator(1, 2, 5)))
    assert torch.equal(targets, batch[1])
    assert torch.equal(stated, batch[2])
    assert mixing.drawn(6, 16, settings, 1, 2, 5) is None


def test_mixup_blends_pixels_and_answers_by_the_same_share() -> None:
    """By hand, image by image, from what was drawn."""
    pixels, targets, _ = batch = _batch()
    settings = _settings(mixup=1.0)
    mix = mixing.drawn(6, 16, settings, 1, 2, 5)
    assert mix is not None
    assert not mix.box.any()
    shown, answers, stated = _prepared(batch, settings)
    for i in range(6):
        share, other = float(mix.share[i]), int(mix.partner[i])
        expected = share * pixels[i].double() / 255 + (1 - share) * pixels[other].double() / 255
        np.testing.assert_allclose(shown[i], expected, atol=1e-6)
        np.testing.assert_allclose(answers[i], share * targets[i] + (1 - share) * targets[other], atol=1e-6)
    assert stated.all()


def test_cutmix_cuts_a_box_and_shares_the_answers_by_its_area() -> None:
    pixels, targets, _ = batch = _batch(40)
    settings = _settings(cutmix=1.0)
    mix = mixing.drawn(40, 16, settings, 1, 2, 5)
    assert mix is not None
    shown, answers, _ = _prepared(batch, settings)
    for i in range(40):
        top, left, bottom, right = mix.box[i].tolist()
        other = int(mix.partner[i])
        expected = pixels[i].clone()
        expected[:, top:bottom, left:right] = pixels[other][:, top:bottom, left:right]
        np.testing.assert_array_equal(shown[i], expected / 255)
        share = 1 - (bottom - top) * (right - left) / 256
        assert float(mix.share[i]) == pytest.approx(share)
        np.testing.assert_allclose(answers[i], share * targets[i] + (1 - share) * targets[other], atol=1e-6)
    assert mix.box.min() >= 0
    assert mix.box.max() <= 16


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    """Mean 1/2 and variance 1 / (4 (2 alpha + 1)) of Beta(alpha, alpha)."""
    shares = [mixing.drawn(200, 16, _settings(mixup=alpha), 1, 0, step) for step in range(50)]
    values = np.concatenate([mix.share.numpy() for mix in shares if mix])
    assert values.mean() == pytest.approx(0.5, abs=0.02)
    assert values.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)
    assert values.min() >= 0
    assert values.max() <= 1


def test_with_both_each_image_gets_one_of_them_and_all_stand_as_often_as_before() -> None:
    mix = mixing.drawn(2000, 64, _settings(mixup=1.0, cutmix=1.0), 3, 0, 0)
    assert mix is not None
    cut = mix.box[:, 2] > mix.box[:, 0]
    assert 0.45 < float(cut.float().mean()) < 0.55
    assert sorted(mix.partner.tolist()) == list(range(2000))


def test_the_mixing_follows_from_seed_epoch_and_step_alone() -> None:
    batch, settings = _batch(), config.Augment(mixup=0.5, cutmix=0.5, rotation=5)
    first = _prepared(batch, settings)
    torch.rand(3)
    np.random.default_rng().random()
    again = _prepared(batch, settings)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], _prepared(batch, settings, step=6)[0])


def test_mixing_leaves_the_changes_of_each_image_as_they_were() -> None:
    """Switching it on draws no other flips and turns: with a share of one the same image comes out."""
    pixels, *_ = _batch()
    changed = augment.augmented(pixels, config.Augment(rotation=5), augment.generator(1, 2, 5))
    nothing = torch.zeros(6, 4, dtype=torch.int64)
    assert torch.equal(mixing.mixed_pixels(changed, changed.flip(0), torch.ones(6), nothing), changed)


@pytest.mark.parametrize(
    "settings", [config.Augment(rotation=5), config.Augment(mixup=0.5), config.Augment(cutmix=1.0, zoom=0.1)]
)
def test_rows_of_a_batch_are_those_of_the_whole_batch(settings: config.Augment) -> None:
    """Two processes, each with some rows, see together what one sees; partners may lie in the other's rows."""
    batch = _batch(8)
    whole = _prepared(batch, settings)
    for rows in (torch.tensor([0, 1, 2, 3]), torch.tensor([6, 1, 4])):
        some = _prepared(batch, settings, rows)
        for part, all_of_it in zip(some, whole, strict=True):
            torch.testing.assert_close(part, all_of_it[rows], rtol=0, atol=1e-7)


def test_a_label_that_one_of_the_two_does_not_state_is_not_stated() -> None:
    first = torch.tensor([[1.0, 0.0, torch.nan]]), torch.tensor([[True, True, False]])
    second = torch.tensor([[0.0, torch.nan, 1.0]]), torch.tensor([[True, False, True]])
    answers, stated = mixing.mixed_answers(first, second, torch.tensor([0.25]), "multi-label")
    assert stated.tolist() == [[True, False, False]]
    assert answers[0, 0] == 0.25
    assert not answers.isnan().any()


def test_a_multi_class_row_is_stated_as_a_whole_or_not_at_all() -> None:
    """A yes says no to all others; an image without exactly one yes makes the mix unusable."""
    yes = torch.tensor([[1.0, 0.0, 0.0]] * 3), torch.tensor([[True, False, False]] * 3)
    others = (
        torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]),
        torch.tensor([[False, True, True]] + [[True] * 3] * 2),
    )
    answers, stated = mixing.mixed_answers(yes, others, torch.full((3,), 0.75), "multi-class")
    assert stated.tolist() == [[True] * 3, [False] * 3, [False] * 3]
    np.testing.assert_allclose(answers[0], [0.75, 0, 0.25])
    total, weight = parts(torch.zeros(3, 3), answers, stated, task="multi-class", settings=config.Loss())
    assert float(weight) == pytest.approx(1)
    assert float(total) == pytest.approx(np.log(3))


def test_the_loss_of_mixed_answers_is_the_mixed_loss() -> None:
    """Cross entropy is linear in the target: the loss of a blend is the blend of the losses of both answers."""
    batch, settings = _batch(5), _settings(mixup=1.0)
    mix = mixing.drawn(5, 16, settings, 1, 2, 5)
    assert mix is not None
    _, answers, stated = _prepared(batch, settings)
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(4))
    found, weight = parts(logits, answers, stated, task="multi-class", settings=config.Loss())
    own = torch.nn.functional.cross_entropy(logits, batch[1].argmax(1), reduction="none")
    other = torch.nn.functional.cross_entropy(logits, batch[1][mix.partner].argmax(1), reduction="none")
    torch.testing.assert_close(found, (mix.share * own + (1 - mix.share) * other).sum())
    assert float(weight) == pytest.approx(5, abs=1e-5)


def test_a_batch_of_one_image_is_mixed_with_itself() -> None:
    batch = _batch(1)
    shown, answers, stated = _prepared(batch, _settings(mixup=1.0))
    assert torch.equal(shown, batch[0] / 255)
    assert torch.equal(answers, batch[1])
    assert stated.all()
