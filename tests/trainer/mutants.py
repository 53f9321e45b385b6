"""Image files with some bytes changed or cut off, as a bad disk or a stopped copy leaves them."""

import random
from collections.abc import Iterator, Sequence

import numpy as np

from trainer import images
from trainer.errors import ImageError


def mutated(seeds: Sequence[bytes], mutants: int, seed: int, first: int) -> Iterator[bytes]:
    """Each seed in turn with 1, 2 or 8 of its bytes from `first` on changed; every fifth is cut off too."""
    chance = random.Random(seed)
    for turn in range(mutants):
        content = bytearray(seeds[turn % len(seeds)])
        for _ in range(chance.choice([1, 2, 8])):
            content[chance.randrange(first, len(content))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        if turn % 5 == 0:
            del content[chance.randrange(len(content)) :]
        yield bytes(content)


def check_mutants_are_read_or_refused(seeds: Sequence[bytes], *, mutants: int, seed: int, first: int = 0) -> None:
    """Nothing but `ImageError` leaves the decoder, and what is read (more than 200 of them) is in 0..1."""
    read = 0
    for content in mutated(seeds, mutants, seed, first):
        try:
            pixels = images.decode(content, name="x").pixels
        except ImageError:
            continue
        assert pixels.dtype == np.float32
        assert 0 <= pixels.min() <= pixels.max() <= 1
        read += 1
    assert read > 200
