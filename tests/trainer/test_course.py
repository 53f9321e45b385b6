"""The course of a run: the same whether told at once or event by event, with what was done again counted once."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import runs
from trainer.course import SMOOTHING, Course, summary, thinned, value_of

Event = dict[str, Any]


def _started(step: int = 0, epoch: int = 0, time: float = 0.0) -> Event:
    return {
        "time": time, "kind": "started", "epoch": epoch, "step": step, "epochs": 4, "steps_per_epoch": 2, "device_name": "CPU",
        "precision": "fp32", "batch": 8, "images": {"train": 16, "validation": 4},
    }  # fmt: skip


def _batch(step: int, time: float = 0.0, loss: float | None = 1.0, eta: float = 8.0) -> Event:
    epoch = (step + 1) // 2
    return {
        "time": time, "kind": "batch", "epoch": epoch, "step": step, "images": 8, "loss": loss, "lr": step / 10,
        "images_per_second": 50.0, "eta": eta,
    }  # fmt: skip


def _epoch(epoch: int, time: float = 0.0, *, best: bool = True, f1: float | None = 0.5) -> Event:
    return {
        "time": time, "kind": "epoch", "epoch": epoch, "epochs": 4, "step": 2 * epoch,
        "train_loss": 0.9, "validation_loss": 0.8, "metrics": {"macro_f1": f1}, "best": best, "seconds": 1.0, "eta": 4.0,
    }  # fmt: skip


def _told(*events: Event) -> Course:
    course = Course()
    course.add(events)
    return course


def test_nothing_is_known_of_a_run_that_has_not_begun() -> None:
    course = Course()
    assert course.progress() == (0, 0)
    assert course.remaining(1.0) is None
    assert course.elapsed(1.0) == 0
    assert course.best is None
    assert course.metrics() == []
    assert [values.size for values in course.curve("loss")] == [0, 0]


def test_curves_are_over_epochs() -> None:
    course = _told(_started(), *(_batch(step) for step in (1, 2, 3, 4)), _epoch(1), _epoch(2, f1=None, best=False))
    x, y = course.curve("lr")
    assert x.tolist() == [0.5, 1.0, 1.5, 2.0]
    assert y.tolist() == [0.1, 0.2, 0.3, 0.4]
    epochs, f1 = course.by_epoch("macro_f1")
    assert epochs.tolist() == [1, 2]
    assert f1[0] == 0.5
    assert math.isnan(f1[1])
    assert course.by_epoch("validation_loss")[1].tolist() == [0.8, 0.8]
    assert course.metrics() == ["macro_f1"]
    assert course.best is not None
    assert course.best["epoch"] == 1


def test_the_smoothed_loss_is_an_average_that_starts_at_the_first_value() -> None:
    losses = [3.0, 1.0, None, 2.0]
    course = _told(_started(), *(_batch(step + 1, loss=loss) for step, loss in enumerate(losses)))
    _, smoothed = course.curve("smoothed")
    weights = [SMOOTHING**2, SMOOTHING, 1.0]
    expected = sum(w * v for w, v in zip(weights, [3.0, 1.0, 2.0], strict=True)) / sum(weights)
    assert smoothed[0] == pytest.approx(3.0)
    assert smoothed[2] == smoothed[1]  # a batch without a stated label changes nothing
    assert smoothed[3] == pytest.approx(expected)
    assert math.isnan(course.curve("loss")[1][2])


def test_what_a_resumed_run_did_again_replaces_what_was_lost() -> None:
    before = [_started(), _batch(1), _batch(2), _epoch(1), _batch(3, loss=9.0), _batch(4, loss=9.0), _epoch(2, f1=0.9)]
    course = _told(*before, _started(2, 1), _batch(3, loss=1.0))
    assert course.curve("loss")[1].tolist() == [1.0, 1.0, 1.0]
    assert course.curve("smoothed")[1].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert [event["epoch"] for event in course.epochs] == [1]
    assert course.best is not None
    assert course.best["epoch"] == 1


@st.composite
def _histories(draw: st.DrawFn) -> list[Event]:
    """Histories with crashes: each session goes on from a step that was reached before."""
    events, reached = [], 0
    for _ in range(draw(st.integers(1, 4))):
        step = draw(st.integers(0, reached))
        events.append(_started(step, step // 2))
        for _ in range(draw(st.integers(0, 6))):
            step += 1
            events.append(_batch(step, loss=draw(st.floats(0.1, 5.0))))
            if step % 2 == 0:
                events.append(_epoch(step // 2, best=draw(st.booleans())))
        reached = max(reached, step)
    return events


@settings(deadline=None, max_examples=60)
@given(_histories(), st.integers(1, 5))
def test_the_course_agrees_with_the_history_however_it_is_told(events: list[Event], piece: int) -> None:
    kept = runs.uninterrupted(events)
    course = Course()
    for start in range(0, len(events), piece):
        course.add(events[start : start + piece])
    batches = [event for event in kept if event["kind"] == "batch"]
    assert course.curve("loss")[1].tolist() == [event["loss"] for event in batches]
    assert course.epochs == [event for event in kept if event["kind"] == "epoch"]
    assert course.changes == len(events)
    again = _told(*[event for event in kept if event["kind"] in ("started", "batch", "epoch")])
    np.testing.assert_allclose(course.curve("smoothed")[1], again.curve("smoothed")[1], rtol=1e-9)


def test_how_far_it_is_and_how_long_still() -> None:
    course = _told({"time": 1.0, "kind": "reading", "done": 3, "total": 20})
    assert course.progress() == (3, 20)
    assert course.sentence() == "Reading images: 3 of 20"
    course.add([_started(time=10.0), _batch(1, 11.0)])
    assert course.progress() == (1, 8)
    assert course.sentence() == ""
    assert course.remaining(11.0) == 8.0
    assert course.remaining(14.0) == 5.0
    assert course.remaining(99.0) == 0.0
    assert course.elapsed(14.0) == 4.0
    course.add([_batch(2, 12.0), _epoch(1, 13.0), {"time": 13.5, "kind": "finished", "epochs": 1}])
    assert course.remaining(14.0) is None
    assert course.ended == "finished"
    assert course.elapsed() == 3.5
    assert course.elapsed(99.0) == 3.5


def test_what_is_computed_before_the_first_step_is_told_and_counts_as_training() -> None:
    first = {"time": 1.0, "kind": "note", "text": "Only the head learns", "doing": "Computing what does not change"}
    course = _told(first, {"time": 2.0, "kind": "reading", "done": 3, "total": 20})
    assert course.sentence() == "Computing what does not change: 3 of 20"
    course.add([{**_started(time=10.0), "prepared": 8.5}, _batch(1, 11.0), {"time": 11.5, "kind": "stopped"}])
    assert course.elapsed() == 8.5 + 1.5
    course.add([{"time": 19.0, "kind": "reading", "done": 1, "total": 2}])
    assert course.sentence() == "Reading images: 1 of 2"
    course.add([{**_started(1, 0, time=20.0), "prepared": 9.0}, _batch(2, 21.0)])
    assert course.elapsed() == 8.5 + 1.5 + 0.5 + 1


def test_pauses_are_no_training() -> None:
    stopped = {"time": 15.0, "kind": "stopped"}
    course = _told(_started(time=10.0), _batch(1, 14.0), stopped, {"time": 100.0, "kind": "note", "text": "Resumed"})
    assert course.elapsed() == 5.0
    course.add([_started(1, 0, time=103.0), _batch(2, 104.0)])
    assert course.elapsed() == 6.0
    assert course.ended == ""
    assert course.remaining(104.0) == 8.0


def test_a_crash_ends_the_clock_at_the_last_sign_of_life() -> None:
    course = _told(_started(time=10.0), _batch(1, 12.0), _started(0, 0, time=500.0), _batch(1, 501.0))
    assert course.elapsed() == 3.0
    assert course.batches() == 1


def test_the_log_has_sentences_with_their_times() -> None:
    course = _told(
        {"time": 1.0, "kind": "note", "text": "All weights start at random."},
        _started(time=2.0), _batch(1, 3.0), _epoch(1, 4.0), {"time": 5.0, "kind": "stopped"}, _started(2, 1, 6.0),
        {"time": 7.0, "kind": "finished", "epochs": 4},
    )  # fmt: skip
    times, words = zip(*course.log, strict=True)
    assert times == (1.0, 2.0, 4.0, 5.0, 6.0, 7.0)
    assert words[0] == "All weights start at random."
    assert words[3] == "Stopped; what was learned is kept."
    assert words[4].startswith("Resumed in epoch 2. On CPU in fp32, batches of 8")
    assert words[5] == "Finished after 4 epochs."


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 500), st.integers(4, 60), st.integers(0, 2**31))
def test_a_thinned_curve_keeps_its_ends_and_its_peaks(points: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.arange(points, dtype=np.float64), rng.normal(size=points)
    y[rng.random(points) < 0.1] = np.nan
    few, heights = thinned(x, y, most)
    assert few.size <= most + 2 + -(-2 * points // most)
    assert (np.diff(few) > 0).all()
    if points and not np.isnan(y).all():
        assert (few[0], few[-1]) == (0, points - 1)
        assert np.nanmax(heights) == np.nanmax(y)
        assert np.nanmin(heights) == np.nanmin(y)
    assert set(few.tolist()) <= set(x.tolist())


def test_a_hundred_thousand_batches_are_drawn_with_a_few_points() -> None:
    course = _told(_started(), *(_batch(step, loss=1 / step) for step in range(1, 100_001)))
    x, y = course.curve("loss", 1_000)
    assert x.size <= 1_002
    assert y[0] == 1.0


@pytest.mark.parametrize(
    ("name", "value"), [("macro_f1", 0.5), ("validation_loss", 0.8), ("loss", 0.8), ("train_loss", 0.9), ("absent", math.nan)]
)
def test_figures_of_an_epoch(name: str, value: float) -> None:
    assert value_of(_epoch(1), name) == pytest.approx(value, nan_ok=True)


def _run(tmp_path: Path, *events: Event, about: dict[str, Any] | None = None) -> runs.Run:
    settings_ = {"choice.metric": "macro_f1", "schedule.epochs": 4}
    run = runs.create(tmp_path, "one", about or {"recipe": "quick", "created": 5.0, "config": settings_}, {"parts": {}})
    (run.folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return run


def test_a_run_in_one_row(tmp_path: Path) -> None:
    run = _run(tmp_path, _started(), _batch(1), _batch(2), _epoch(1, f1=0.4), _epoch(2, f1=0.3, best=False))
    found = summary(run)
    assert (found.name, found.recipe, found.created, found.device) == ("one", "quick", 5.0, "CPU")
    assert (found.metric, found.best, found.best_epoch) == ("macro_f1", 0.4, 1)
    assert (found.epochs, found.planned) == (2, 4)
    assert found.status.state == "crashed"


def test_epochs_that_were_lost_do_not_count_as_the_best(tmp_path: Path) -> None:
    run = _run(tmp_path, _started(), _epoch(1, f1=0.4), _epoch(2, f1=0.9), _started(2, 1))
    found = summary(run)
    assert (found.best, found.best_epoch, found.epochs) == (0.4, 1, 1)


def test_a_run_that_has_not_begun_and_one_that_is_damaged(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert summary(run).status.state == "new"
    assert summary(run).best is None
    (run.folder / "config.json").write_text("{")
    damaged = summary(run)
    assert damaged.status.state == "damaged"
    assert "damaged" in damaged.status.words
    assert not damaged.status.resumable
