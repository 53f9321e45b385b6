"""How fast a support vector machine's margin is found, beside libsvm (scikit-learn) on the same kernel, in turns.

    python benchmarks/margin_speed.py [IMAGES ...]

Drawn vectors: two clouds of 300 columns that overlap, so that about half of the images become support vectors, as with
radiographs. Printed are the medians of five rounds, their ratio, and how far the margins of both are apart at most.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from trainer import margins
from trainer.solving import COST

ROUNDS = 5
COLUMNS = 300


def main(sizes: list[int]) -> None:
    """Measure and print."""
    print("| images | support vectors | ours | libsvm | times as long as libsvm | margins apart |\n|---|---|---|---|---|---|")
    for count in sizes:
        rng = np.random.default_rng(count)
        answers = rng.random(count) < 0.4
        places = rng.normal(size=(count, COLUMNS)) + 0.1 * answers[:, None]
        kernel = rbf_kernel(places, gamma=0.5 / COLUMNS)
        cost = np.full(count, COST)
        times: dict[str, list[float]] = {"ours": [], "libsvm": []}
        for _ in range(ROUNDS):
            weights, bias = timed(times["ours"], lambda k=kernel, a=answers, c=cost: margins.widest(k, a, c))
            peer = timed(times["libsvm"], lambda k=kernel, a=answers: SVC(C=COST, kernel="precomputed").fit(k, a))
        apart = np.abs(kernel @ weights + bias - peer.decision_function(kernel)).max()
        ours, theirs = (statistics.median(times[name]) for name in ("ours", "libsvm"))
        cells = (
            f"{count:,}",
            np.count_nonzero(weights),
            f"{ours:.2f} s",
            f"{theirs:.2f} s",
            f"{ours / theirs:.2f}",
            f"{apart:.4f}",
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def timed(into: list[float], work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the work gives
    """What the work gives; its seconds are noted."""
    start = time.perf_counter()
    found = work()
    into.append(time.perf_counter() - start)
    return found


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 2000, 5000])
