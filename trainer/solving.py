"""A support vector machine for a network's head: margins from all training images, probabilities from folds over patients.

What is solved for has no epochs, so that nothing of it is chosen by looking at validation images.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.machines import SupportVectors, distances
from trainer.margins import Floats, widest

COST = 5.0
"""C of the textbooks. In trials on a thousand radiographs 3 to 10 were right equally often."""
FOLDS = 5
"""Parts of the training images of which each is judged by the machine of the others, for the probabilities."""
USUAL = (3.0, 0.0)
"""Slope and offset where there are too few patients for folds: a margin of 1 is taken for odds of 20 to 1."""

Answers = NDArray[np.bool_]
Codes = NDArray[np.int64]


@torch.no_grad()
def solve(machine: SupportVectors, vectors: Tensor, targets: NDArray[np.int8], weights: Floats, patients: Codes) -> None:
    """Solve a machine for training images.

    vectors float32 [N,V,F] of images (and of their mirror images, whose mean is learned from); targets int8 [N,K], -1 not
    stated; weights float64 [N,K], what a mistake costs; patients int64 [N]. gamma is 1 over the median of the squared
    distances.
    """
    every = vectors.reshape(-1, vectors.shape[2])
    machine.mean.copy_(every.mean(0))
    deviation = every.std(0, correction=0)
    # A column that never changes says nothing; its noise in other images must not be blown up.
    machine.rate.copy_(torch.where(deviation > 1e-6, 1 / deviation.clamp_min(1e-6), torch.zeros_like(deviation)))
    centres = ((vectors.mean(1) - machine.mean) * machine.rate).half()
    stand = centres.float() * machine.share
    squares = distances(stand, stand).double().numpy()
    np.fill_diagonal(squares, 0.0)  # which rounding does not leave so
    apart = squares[np.triu_indices(len(squares), 1)]
    machine.gamma.fill_(1 / max(float(np.median(apart)) if len(apart) else 1.0, 1e-12))
    kernel = np.exp(-float(machine.gamma) * squares)
    solved = [_solved(kernel, answers, cost, patients) for answers, cost in _questions(machine, targets, weights)]
    used = np.flatnonzero(np.any([found != 0 for found, _, _ in solved], axis=0))
    machine.centres = centres[used].contiguous()
    machine.weights = torch.from_numpy(np.stack([found[used] for found, _, _ in solved])).float()
    machine.bias.copy_(torch.tensor([bias for _, bias, _ in solved]))
    machine.slope.copy_(torch.tensor([line[0] for _, _, line in solved]))
    machine.offset.copy_(torch.tensor([line[1] for _, _, line in solved]))


def _questions(machine: SupportVectors, targets: NDArray[np.int8], weights: Floats) -> list[tuple[Answers, Floats]]:
    """What each machine is asked of each image: the answer bool [N], and what a mistake costs [N], 0 where it is not asked."""
    if not machine.paired:
        return [(targets[:, k] == 1, weights[:, k] * (targets[:, k] >= 0)) for k in range(machine.findings)]
    single = (targets == 1) & ((targets == 1).sum(1, keepdims=True) == 1)
    cost = (single * weights).sum(1)
    return [(single[:, first], cost * (single[:, first] | single[:, second])) for first, second in machine.pairs]


def _solved(kernel: Floats, answers: Answers, cost: Floats, patients: Codes) -> tuple[Floats, float, tuple[float, float]]:
    """Weights [N] and bias of one machine, and the line that makes a logit of its margin; where there is one answer only,
    that is always given.
    """
    asked = np.flatnonzero(cost > 0)
    if len(set(answers[asked])) < 2:
        return np.zeros(len(answers)), float(answers[asked[0]]) * 2 - 1 if len(asked) else 0.0, USUAL
    weights, bias = _margin(kernel, answers, cost, asked)
    line = _line(kernel, answers, cost, asked, patients)
    # libsvm and Platt fit a line of either slope; one that turns the machine's own answers round is no better than none.
    return weights, bias, line if line[0] > 0 else USUAL


def _margin(kernel: Floats, answers: Answers, cost: Floats, rows: Codes) -> tuple[Floats, float]:
    """Weights [N], 0 where not in `rows`, and bias."""
    weights = np.zeros(len(answers))
    weights[rows], bias = widest(kernel[np.ix_(rows, rows)], answers[rows], COST * cost[rows])
    return weights, bias


def _line(kernel: Floats, answers: Answers, cost: Floats, asked: Codes, patients: Codes) -> tuple[float, float]:
    """Slope and offset that make a logit of a margin, from margins of images of patients whom the machine had not learned."""
    folds = _folds(answers, asked, patients)
    margins = np.full(len(answers), np.nan)
    for fold in np.unique(folds):
        rows, others = asked[folds != fold], asked[folds == fold]
        if len(set(answers[rows])) == 2:
            weights, bias = _margin(kernel, answers, cost, rows)
            margins[others] = kernel[others] @ weights + bias
    known = asked[np.isfinite(margins[asked])]
    if len(set(answers[known])) < 2:
        return USUAL
    return platt(margins[known], answers[known], cost[known])


def _folds(answers: Answers, asked: Codes, patients: Codes) -> Codes:
    """The fold of each image asked of, whole patients together, those with a yes dealt out before the others."""
    codes = patients[asked]
    with_yes = np.unique(codes[answers[asked]])
    order = [*with_yes, *np.setdiff1d(codes, with_yes)]
    dealt = {int(patient): place % FOLDS for place, patient in enumerate(order)}
    return np.array([dealt[int(patient)] for patient in codes], np.int64)


def platt(margins: Floats, answers: Answers, cost: Floats) -> tuple[float, float]:
    """Slope and offset of the logistic curve through margins [N] with these answers and weights: Platt (1999), whose targets
    are drawn in by one more image on either side, solved by Newton's method as Lin, Lin and Weng (2007) do.
    """
    yes, no = float(cost[answers].sum()), float(cost[~answers].sum())
    wanted = np.where(answers, (yes + 1) / (yes + 2), 1 / (no + 2))
    line = np.array([0.0, np.log((yes + 1) / (no + 1))])
    design = np.stack([margins, np.ones(len(margins))], axis=1)

    def loss(line: Floats) -> float:
        return float(cost @ (np.logaddexp(0, design @ line) - wanted * (design @ line)))

    for _ in range(100):
        p = np.exp(-np.logaddexp(0, -(design @ line)))
        gradient = design.T @ (cost * (p - wanted))
        if np.abs(gradient).max() < 1e-6 * cost.sum():
            break
        curve = (design * (cost * p * (1 - p))[:, None]).T @ design + 1e-10 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        share = 1.0
        while loss(line - share * step) > loss(line) - 1e-4 * share * float(gradient @ step) and share > 1e-8:
            share /= 2
        line = line - share * step
    return float(line[0]), float(line[1])
