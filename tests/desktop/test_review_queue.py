"""What is read, predicted and explained, in which order, and what is dropped."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from pytestqt.qtbot import QtBot

from cxr_desktop import inference
from cxr_desktop.inference import MEAN
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.review import review_queue
from cxr_desktop.review.review_list import ReviewList
from cxr_desktop.review.review_queue import Look, ReviewQueue
from tests.desktop.reviewed import folder_of_files, second_run
from trainer import images, model_card, predict
from trainer.errors import DataError, RunError
from trainer.verdicts import FilePrediction

WAIT = 20_000


@pytest.fixture
def queue(qtbot: QtBot, project: Project) -> Iterator[ReviewQueue]:
    made = ReviewQueue(project, ReviewList())
    made.files.setParent(made)
    yield made
    made.forget()
    made.deleteLater()


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return folder_of_files(tmp_path / "new")


def opened(qtbot: QtBot, queue: ReviewQueue, *runs: Path) -> None:
    with qtbot.waitSignal(queue.model_opened, timeout=WAIT):
        queue.use(runs)


def done(queue: ReviewQueue) -> bool:
    return bool(queue.files.rowCount()) and not queue.files.waiting


def test_all_files_are_predicted_as_in_the_terminal(
    qtbot: QtBot, queue: ReviewQueue, run_folder: Path, three: list[Path]
) -> None:
    opened(qtbot, queue, run_folder)
    queue.take([three[0].parent])
    qtbot.waitUntil(lambda: done(queue), timeout=WAIT)
    _, expected = predict.run([run_folder], [three[0].parent])
    for one in expected:
        said = queue.files.said(one.path)
        assert said is not None
        np.testing.assert_array_equal(said.probabilities, one.probabilities)
        assert said.error == one.error
    assert [bool(queue.files.thumbnail(path)) for path in three] == [True, True, False]


def test_without_a_model_only_what_is_in_sight_is_read(qtbot: QtBot, queue: ReviewQueue, three: list[Path]) -> None:
    queue.in_sight = lambda: three[:1]
    queue.take(three)
    qtbot.waitUntil(lambda: queue.files.thumbnail(three[0]) is not None)
    qtbot.waitUntil(lambda: not queue._project.jobs.busy())
    assert queue.files.thumbnail(three[1]) is None
    assert queue.files.answered() == []


def test_what_is_in_sight_comes_first(qtbot: QtBot, queue: ReviewQueue, run_folder: Path, drawn: Path) -> None:
    paths = sorted((drawn / "images").rglob("*.png"))
    queue.in_sight = lambda: [path for path in paths[-3:] if queue.files.row(path) >= 0]
    order: list[Path] = []
    answer = queue.files.answer

    def noted(said: FilePrediction) -> None:
        order.append(said.path)
        answer(said)

    queue.files.answer = noted  # type: ignore[method-assign]
    opened(qtbot, queue, run_folder)
    queue.take(paths)
    qtbot.waitUntil(lambda: done(queue), timeout=WAIT)
    assert max(order.index(path) for path in paths[-3:]) < 6, "two are at work at once, so one of the others may overtake"
    assert len(order) == len(paths)


def test_the_image_on_screen_is_read_judged_and_explained(
    qtbot: QtBot, queue: ReviewQueue, run_folder: Path, three: list[Path]
) -> None:
    queue.paused = True
    opened(qtbot, queue, run_folder)
    queue.files.add(three)
    finding = queue.files.kind.findings[1]
    queue.explain(finding)
    signals = [queue.image_read, queue.judged, queue.explained]
    with qtbot.waitSignals(signals, timeout=WAIT, order="strict"):
        queue.show(three[0])
    with qtbot.waitSignal(queue.explained, timeout=WAIT) as told:
        queue.explain(queue.files.kind.findings[0])
    path, name, member, values = told.args
    assert (path, name, member) == (three[0], queue.files.kind.findings[0], MEAN)
    assert values.shape == (60, 40)
    assert queue.seen() == (0, 0, 40, 60)
    assert queue.files.said(three[1]) is None, "paused: nothing but the image on screen"


def test_an_image_seen_a_moment_ago_is_there_at_once(
    qtbot: QtBot, queue: ReviewQueue, run_folder: Path, three: list[Path]
) -> None:
    opened(qtbot, queue, run_folder)
    queue.files.add(three)
    for path in three[:2]:
        with qtbot.waitSignal(queue.judged, timeout=WAIT):
            queue.show(path)
    looks: list[Look] = []
    queue.image_read.connect(lambda path, look: looks.append(look))
    queue.show(three[0])
    assert len(looks) == 1  # without going through a job
    assert looks[0].maps is not None


def test_only_so_many_images_are_kept(qtbot: QtBot, queue: ReviewQueue, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_queue, "KEPT", 2)
    paths = sorted((drawn / "images").rglob("*.png"))[:4]
    queue.files.add(paths)
    for path in paths:
        with qtbot.waitSignal(queue.image_read):
            queue.show(path)
    assert list(queue._looks) == paths[-2:]


def test_switching_fast_shows_the_last_one_only(qtbot: QtBot, queue: ReviewQueue, run_folder: Path, drawn: Path) -> None:
    opened(qtbot, queue, run_folder)
    paths = sorted((drawn / "images").rglob("*.png"))[:12]
    queue.files.add(paths)
    queue.paused = True
    queue.explain(queue.files.kind.findings[0])
    read: list[Path] = []
    judged: list[Path] = []
    explained: list[Path] = []
    queue.image_read.connect(lambda path, look: read.append(path))
    queue.judged.connect(lambda said: judged.append(said.path))
    queue.explained.connect(lambda path, finding, member, values: explained.append(path))
    for path in paths:
        queue.show(path)
    qtbot.waitUntil(lambda: bool(explained), timeout=WAIT)
    qtbot.waitUntil(lambda: not queue._project.jobs.busy())
    assert read == judged == explained == paths[-1:]


def test_a_damaged_file_on_screen_says_why(qtbot: QtBot, queue: ReviewQueue, three: list[Path]) -> None:
    queue.files.add(three)
    with qtbot.waitSignal(queue.not_readable) as told:
        queue.show(three[2])
    path, error = told.args
    assert path == three[2]
    assert "incomplete" in error.what
    said = queue.files.said(three[2])
    assert said is not None
    assert said.error.startswith(error.what)


def test_what_is_wrong_with_one_path_does_not_stop_the_others(
    qtbot: QtBot, queue: ReviewQueue, three: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(queue.taken) as told:
        queue.take([tmp_path / "nowhere.png", three[0], tmp_path / "empty", three[0].parent])
    assert queue.files.paths == three
    assert [type(problem) for problem in told.args[0].problems] == [DataError, DataError]


def test_a_model_that_cannot_be_opened_leaves_the_one_before(
    qtbot: QtBot, queue: ReviewQueue, run_folder: Path, tmp_path: Path
) -> None:
    opened(qtbot, queue, run_folder)
    before = queue.ensemble
    with qtbot.waitSignal(queue.model_refused, timeout=WAIT) as told:
        queue.use([tmp_path])
    assert isinstance(told.args[0], RunError)
    qtbot.waitUntil(lambda: not queue.opening)
    assert queue.ensemble is before


def test_of_two_models_wanted_in_a_row_the_last_is_opened(qtbot: QtBot, queue: ReviewQueue, run_folder: Path) -> None:
    second = second_run(run_folder)
    opened_: list[tuple[str, ...]] = []
    queue.model_opened.connect(lambda: opened_.append(queue.ensemble.names))
    queue.use([run_folder])
    queue.use([second])
    qtbot.waitUntil(lambda: not queue.opening, timeout=WAIT)
    qtbot.waitUntil(lambda: not queue._project.jobs.busy(), timeout=WAIT)
    assert opened_ == [("second",)]


def test_another_model_predicts_everything_again(qtbot: QtBot, queue: ReviewQueue, run_folder: Path, three: list[Path]) -> None:
    second = second_run(run_folder)
    opened(qtbot, queue, run_folder)
    queue.take(three)
    qtbot.waitUntil(lambda: done(queue), timeout=WAIT)
    before = queue.files.said(three[0]).probabilities
    opened(qtbot, queue, run_folder, second)
    qtbot.waitUntil(lambda: done(queue), timeout=WAIT)
    said = queue.files.said(three[0])
    assert said.spread.any()
    assert not np.array_equal(said.probabilities, before)
    opened(qtbot, queue)
    assert queue.ensemble is None
    assert queue.files.kind.findings == ()


def test_moved_thresholds_are_taken_over_and_answers_stay(
    qtbot: QtBot, queue: ReviewQueue, run_folder: Path, three: list[Path]
) -> None:
    opened(qtbot, queue, run_folder)
    queue.files.add(three)
    with qtbot.waitSignal(queue.judged, timeout=WAIT):
        queue.show(three[0])
    said = queue.files.said(three[0])
    model_card.set_thresholds(run_folder / "best.safetensors", {"Normal": 0.0})
    with qtbot.waitSignal(queue.judged):
        queue.reread_thresholds()
    assert dict(queue.ensemble.thresholds) == queue.files.kind.thresholds == {"Normal": 0.0}
    assert queue.files.said(three[0]) is said


def test_pausing_and_going_on(qtbot: QtBot, queue: ReviewQueue, run_folder: Path, drawn: Path) -> None:
    opened(qtbot, queue, run_folder)
    queue.pause(True)
    queue.take([drawn / "images"])
    qtbot.waitUntil(lambda: queue.files.rowCount() == 30)
    qtbot.waitUntil(lambda: not queue._project.jobs.busy())
    assert len(queue.files.waiting) == 30
    queue.pause(False)
    qtbot.waitUntil(lambda: done(queue), timeout=WAIT)


def test_a_device_without_memory_pauses_and_is_told_once(
    qtbot: QtBot, queue: ReviewQueue, run_folder: Path, three: list[Path], told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, queue, run_folder)

    def full(*_: object) -> None:
        raise RunError("The device has not enough memory for this model", remedy="Close other programs.")

    monkeypatch.setattr(inference, "answer", full)
    queue.take(three[:1])
    qtbot.waitUntil(lambda: queue.paused)
    qtbot.waitUntil(lambda: not queue._project.jobs.busy())
    assert [notice.what for notice in told] == ["The device has not enough memory for this model."]


def test_torch_says_that_memory_is_full_in_our_words(run_folder: Path, three: list[Path]) -> None:
    import torch

    with pytest.raises(RunError, match="not enough memory"), inference._computing():
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_ending_while_predicting_leaves_nothing(qtbot: QtBot, project: Project, run_folder: Path, drawn: Path) -> None:
    queue = ReviewQueue(project, ReviewList())
    queue.files.setParent(queue)
    opened(qtbot, queue, run_folder)
    queue.take([drawn / "images"])
    qtbot.waitUntil(lambda: len(queue.files.answered()) > 2, timeout=WAIT)
    before = threading.active_count()
    project.finish()
    assert len(queue.files.waiting) > 0
    assert not project.jobs.busy()
    assert threading.active_count() < before
    queue.deleteLater()


def test_a_deleted_queue_is_not_called_back(qtbot: QtBot, project: Project, run_folder: Path, drawn: Path) -> None:
    queue = ReviewQueue(project, ReviewList())
    queue.files.setParent(queue)
    opened(qtbot, queue, run_folder)
    queue.take([drawn / "images"])
    qtbot.waitUntil(lambda: len(queue.files.answered()) > 2, timeout=WAIT)
    queue.deleteLater()
    qtbot.waitUntil(lambda: not shiboken6.isValid(queue))
    qtbot.waitUntil(lambda: not project.jobs.busy())


def test_a_thumbnail_shows_the_whole_image(three: list[Path]) -> None:
    glance = review_queue.glanced(three[0], None, None)
    assert glance.thumbnail is not None
    np.testing.assert_array_equal(glance.thumbnail, images.to_square(images.read(three[0]).pixels, review_queue.SIDE, "pad"))
    picture = review_queue._picture(glance.thumbnail)
    assert (picture.width(), picture.height()) == (review_queue.SIDE,) * 2
    assert picture.pixelColor(48, 48).red() == glance.thumbnail[48, 48]
