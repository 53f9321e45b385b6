"""The learning rate over a training, against torch's own schedulers."""

import pytest
import torch

from trainer import config, schedules


def _factors(schedule: config.Schedule, steps_per_epoch: int) -> list[float]:
    return [schedules.factor(schedule, step, steps_per_epoch) for step in range(schedule.epochs * steps_per_epoch)]


def _optimiser() -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def test_cosine_is_that_of_torch_after_the_warm_up() -> None:
    found = _factors(config.Schedule(epochs=6, warmup=1.0), 10)
    optimiser = _optimiser()
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50)
    for factor in found[10:]:
        assert factor == pytest.approx(peer.get_last_lr()[0], abs=1e-12)
        optimiser.step()
        peer.step()


def test_warm_up_rises_to_the_whole() -> None:
    assert _factors(config.Schedule(epochs=2, warmup=1.0), 4)[:4] == [0.25, 0.5, 0.75, 1.0]


def test_one_cycle_is_that_of_torch() -> None:
    found = _factors(config.Schedule(name="one-cycle", epochs=10, warmup=3.0), 10)
    optimiser = _optimiser()
    peer = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=101, pct_start=31 / 101, final_div_factor=1e9)
    for factor in found:
        assert factor == pytest.approx(peer.get_last_lr()[0], abs=1e-3)
        optimiser.step()
        peer.step()


def test_constant_stays() -> None:
    assert set(_factors(config.Schedule(name="constant", epochs=3, warmup=0.0), 5)) == {1.0}


@pytest.mark.parametrize("name", ["cosine", "one-cycle", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.5, 100.0])
def test_every_step_lies_between_nothing_and_the_whole(name: str, warmup: float) -> None:
    found = _factors(config.Schedule(name=name, epochs=3, warmup=warmup), 7)
    assert all(0 <= factor <= 1 for factor in found)
    assert found[0] > 0
