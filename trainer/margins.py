"""The widest margin between two kinds of images: a support vector machine's quadratic problem, two variables at a time.

Sequential minimal optimisation with the second-order choice of Fan, Chen and Lin, "Working set selection using second order
information" (JMLR 6, 2005), which is what libsvm does; checked against it. Ours, as libsvm comes with scikit-learn and SciPy,
which would be far more to bundle than these lines.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 1e-3
"""How far the conditions of Karush, Kuhn and Tucker may be from true at the end, libsvm's default."""
_FLAT = 1e-12
_MOST = 1000
"""Steps for each image after which it is good enough: usually a few are needed, and rounding must not make it endless."""


def widest(kernel: Floats, answers: NDArray[np.bool_], cost: Floats) -> tuple[Floats, float]:
    """Weights float64 [N] and bias of the margin f(x) = sum of w_n k(x, x_n) + b, which is positive for a yes.

    kernel float64 [N,N], positive semidefinite; answers bool [N], both kinds; cost float64 [N] > 0, the most that an image's
    weight may be (C of the textbooks). An image beyond the margin on its own side has a weight of exactly 0.
    """
    sign = np.where(answers, 1.0, -1.0)
    diagonal = np.diag(kernel)
    # Of each weight, signed: how far it may go up and down.
    low, high = np.where(answers, 0.0, -cost), np.where(answers, cost, 0.0)
    weights = np.zeros(len(answers))
    slope = sign.copy()  # what the target gains with each weight: sign - kernel @ weights
    for _ in range(_MOST * len(weights)):
        rising, falling = weights < high, weights > low
        up = int(np.where(rising, slope, -np.inf).argmax())
        gain = slope[up] - slope
        if gain[falling].max() < TOLERANCE:
            break
        curve = np.maximum(diagonal[up] + diagonal - 2 * kernel[up], _FLAT)
        down = int(np.where(falling & (gain > 0), gain * gain / curve, -np.inf).argmax())
        step = min(gain[down] / curve[down], high[up] - weights[up], weights[down] - low[down])
        weights[up] += step
        weights[down] -= step
        # Exactly at its border, so that it is known to be there.
        for place, border in ((up, high), (down, low)):
            if abs(weights[place] - border[place]) < _FLAT:
                weights[place] = border[place]
        slope -= step * (kernel[up] - kernel[down])
    free = (weights > low) & (weights < high)
    if free.any():
        return weights, float(slope[free].mean())
    return weights, float(slope[weights < high].max() + slope[weights > low].min()) / 2
