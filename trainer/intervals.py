"""How far a figure can be trusted: intervals from drawing patients, not images, again and again.

Two images of one patient are no two independent witnesses, so whole patients are drawn with replacement (Rutter 2000, Acad
Radiol 7:413; Field & Welsh 2007, J R Stat Soc B 69:369) and each image weighs as often as its patient was drawn.

The plain percentiles of the draws are too narrow with few patients or near 0 and 1 (measured in
benchmarks/interval_coverage.py: 84 to 94 % instead of 95 %). So the draws give the standard error only, and the interval is
built around the figure on the logit scale, where it stays inside 0..1 and leans the right way (Newcombe 2001, Am Stat 55:200),
with Student's t and the factor sqrt(n / (n - 1)) against the narrowness of small bootstraps (Hesterberg 2015, Am Stat 69:371).
Where all draws agree, as at 0 and 1, they would claim certainty: there the Wilson interval (1927, J Am Stat Assoc 22:209)
on the number of patients speaks, and a part of an average that stands there lends the average its error.

Measured there, 60 to 300 patients with one to four images: headline figures are covered in 93.1 to 96.3 %, those of a single
finding in 91.9 % (AUROC 0.97, 30 patients with the finding) to 98.9 % (sensitivity, 12 patients: on the safe side).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.errors import Progress

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Weights of the images float64 [B, N] -> M figures for each row, float64 [B, M], each in 0..1 or nan."""

_BATCH = 2**19  # weights at once: 4 MB, which stays in the cache of most processors
_LEAST_DEFINED = 0.5  # of the draws, or the interval is not defined


@dataclass(frozen=True, eq=False)
class Intervals:
    """M figures, each with the ends of its interval, float64 [M]; nan = not defined."""

    value: Floats
    low: Floats
    high: Floats


def patient_codes(patients: Sequence[str]) -> NDArray[np.int64]:
    """Number the patients 0..G-1, int64 [N]; an image of an unknown patient ("") is a patient of its own."""
    alone = [name or f"\0{row}" for row, name in enumerate(patients)]
    return np.unique(np.asarray(alone, dtype=object), return_inverse=True)[1].astype(np.int64)


def patients_where(codes: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Floats:
    """Return how many patients have an image that is chosen, float64 [K]: codes [N], chosen [N, K]."""
    present = np.zeros((int(codes.max(initial=-1)) + 1, chosen.shape[1]), dtype=bool)
    rows, columns = np.nonzero(chosen)
    present[codes[rows], columns] = True
    return np.asarray(present.sum(axis=0), dtype=np.float64)


def patients_of_average(counts: ArrayLike) -> float:
    """Return the patients that a mean of K figures is worth, each from its own `counts` [K] of patients.

    The variance of a mean of K independent shares is that of one share of K^2 / sum(1 / n) patients: K equal parts of G
    patients give G, and one rare finding pulls it down. Zeros (figure not defined) are left out.
    """
    n = np.asarray(counts, dtype=np.float64)
    n = n[n > 0]
    return float(n.size**2 / np.sum(1 / n)) if n.size else 0.0


def error_of_average(values: Floats, patients: Floats, level: float = 0.95) -> float:
    """Return the standard error that parts of an average at 0 or 1 hide from every draw: values [K], patients [K].

    Each such part has the error that its Wilson interval implies (half its width over z); the others have none here, since
    the draws show it. Parts that are nan are left out.
    """
    defined = ~np.isnan(values)
    border = defined & ((values == 0) | (values == 1))
    z = NormalDist().inv_cdf((1 + level) / 2)
    errors = z / (2 * (patients[border] + z * z))
    return float(np.sqrt(np.sum(errors**2)) / max(1, int(defined.sum())))


def patient_bootstrap(
    patients: NDArray[np.int64],
    statistic: Statistic,
    *,
    contributing: ArrayLike | None = None,
    unseen: ArrayLike | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    progress: Progress | None = None,
) -> Intervals:
    """Return the figures of `statistic` with intervals at `level`.

    `patients` int64 [N] are codes 0..G-1 without gaps. `contributing` [M] says how many patients each figure rests on (None:
    all); a sensitivity, for example, rests on the patients with the finding only. A draw in which a figure is not defined is
    left out; where more than half are, the interval is not defined. `unseen` [M] are standard errors to add to those of the
    draws (see `error_of_average`; None: 0).
    """
    value = statistic(np.ones((1, len(patients))))[0]
    groups = int(patients.max(initial=-1)) + 1
    resting = np.full(value.shape, float(groups)) if contributing is None else np.asarray(contributing, dtype=np.float64)
    if groups == 0 or draws < 2:
        return Intervals(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
    rows = [statistic(weights) for weights in _drawn(patients, groups, draws, seed, progress)]
    hidden = np.zeros(value.shape) if unseen is None else np.asarray(unseen, dtype=np.float64)
    low, high = _ends(value, np.concatenate(rows), resting, hidden, level)
    return Intervals(value, low, high)


def _drawn(patients: NDArray[np.int64], groups: int, draws: int, seed: int, progress: Progress | None) -> Iterator[Floats]:
    """Weights of the images, float64 [B, N], until all draws are made."""
    random = np.random.default_rng(seed)
    batch = max(1, _BATCH // len(patients))
    for start in range(0, draws, batch):
        if progress:
            progress(start, draws)
        size = min(batch, draws - start)
        chosen = random.integers(0, groups, (size, groups)) + np.arange(size)[:, None] * groups
        times = np.bincount(chosen.ravel(), minlength=size * groups).reshape(size, groups)
        yield times.astype(np.float64)[:, patients]
    if progress:
        progress(draws, draws)


def _ends(value: Floats, drawn: Floats, patients: Floats, unseen: Floats, level: float) -> tuple[Floats, Floats]:
    defined = ~np.isnan(drawn)
    enough = (defined.sum(axis=0) >= max(2.0, _LEAST_DEFINED * len(drawn))) & ~np.isnan(value) & (patients > 0)
    low, high = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    for i in np.flatnonzero(enough):
        error = float(np.hypot(np.std(drawn[defined[:, i], i], ddof=1), unseen[i]))
        # Rounding alone makes errors of about 1e-16; below 1e-12 all draws agree.
        if error < 1e-12 or not 0 < value[i] < 1 or patients[i] < 2:
            low[i], high[i] = wilson(value[i], patients[i], level)
        else:
            ends = near_border if error > value[i] * (1 - value[i]) else logit_interval
            low[i], high[i] = ends(value[i], error, patients[i], level)
    return low, high


def logit_interval(value: float, error: float, patients: float, level: float = 0.95) -> tuple[float, float]:
    """Return value -/+ t * error * sqrt(n / (n - 1)) made on the logit scale (delta method); 0 < value < 1, n >= 2 patients."""
    reach = t_quantile((1 + level) / 2, patients - 1) * error * np.sqrt(patients / (patients - 1)) / (value * (1 - value))
    odds = value / (1 - value)
    low, high = odds * np.exp(-min(reach, 500.0)), odds * np.exp(min(reach, 500.0))
    return float(low / (1 + low)), float(high / (1 + high))


def near_border(value: float, error: float, patients: float, level: float = 0.95) -> tuple[float, float]:
    """Return the logit interval, no end of it further out than that of Wilson's interval on the patients.

    For an error above 1 on the logit scale, where the delta method would reach over nearly all of 0..1.
    """
    low, high = logit_interval(value, error, patients, level)
    least, most = wilson(value, patients, level)
    return max(low, least), min(high, most)


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share seen in n > 0 independent cases (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * np.sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n))
    # At the border the far end is the share itself; rounding must not push it inside.
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return float(0.0 if share == 0 else low), float(1.0 if share == 1 else high)


def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t, probability in 0..1, freedom (rounded down, at least 1); within 0.4 % for 0.01..0.99.

    Exact for 1 and 2, else the expansion of Abramowitz & Stegun 26.7.5.
    """
    v = max(1, int(freedom))
    if v == 1:
        return float(np.tan(np.pi * (probability - 0.5)))
    if v == 2:
        return float((2 * probability - 1) * np.sqrt(2 / (4 * probability * (1 - probability))))
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / v**power for power, term in enumerate(terms, start=1)))
