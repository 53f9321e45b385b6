"""Reviewing in the window: files dropped on it, with a model and without one, good and damaged, and the result taken along."""

from pathlib import Path

import numpy as np
import PIL.Image

from tests.desktop.reviewed import PATIENT, folder_of_files
from trainer.runs import Run

from .window import User, Walk


def _page(user: User) -> object:
    user.until(lambda: user.window.stack.currentWidget() is user.window.pages.get("review"), "the Review page")
    return user.window.pages["review"]


def test_a_png_and_a_dicom_are_dropped_and_judged_by_the_projects_run(walk: Walk, run_folder: Path, tmp_path: Path) -> None:
    good, dicom, bad = folder_of_files(tmp_path / "new")

    def see(user: User) -> None:
        user.drop([good, dicom])
        page = _page(user)
        user.until(lambda: all(page.files.said(path) for path in (good, dicom)), "both answers")
        assert not any(page.files.said(path).error for path in (good, dicom))
        user.button("Model: first")
        user.until(lambda: page.desk.viewer.lightbox.heat is not None, "a heat map")
        user.keys("J")
        user.until(lambda: page.desk.viewer.lightbox.image.facts.format.startswith("DICOM"), "the next image")
        assert PATIENT not in user.words()

    def refuse(user: User) -> None:
        page = _page(user)
        user.drop([bad])
        user.until(lambda: page.files.said(bad) is not None, "the damaged file")
        assert page.files.said(bad).error
        user.says("1 not readable")
        user.until(lambda: page.desk.viewer.lightbox.image is None, "the image before to be taken away")
        assert user.words(page.desk.panel)

    def take_along(user: User) -> None:
        page = _page(user)
        user.keys("K")
        user.choosing(tmp_path / "seen.png")
        user.until(page.actions_.save_picture.isEnabled, "the image")
        user.keys("Ctrl+S")
        user.until((tmp_path / "seen.png").exists, "the picture")
        assert PATIENT.encode() not in (tmp_path / "seen.png").read_bytes()
        user.choosing(tmp_path / "all.csv")
        user.keys("Ctrl+E")
        user.until((tmp_path / "all.csv").exists, "the table")
        assert len((tmp_path / "all.csv").read_text().splitlines()) == 4
        user.keys("T")
        user.until(page.desk.table.isVisible, "the table of all")

    def steps(user: User) -> None:
        see(user)
        refuse(user)
        take_along(user)

    walk(steps, Run(run_folder).project)
    picture = np.asarray(PIL.Image.open(tmp_path / "seen.png"))
    assert picture.std() > 0


def test_without_any_model_images_are_looked_at(walk: Walk, tmp_path: Path) -> None:
    good, dicom, bad = folder_of_files(tmp_path / "new")

    def steps(user: User) -> None:
        page = _page(user)
        user.says("1 not readable")
        user.until(lambda: page.desk.viewer.lightbox.image is not None, "the first image")
        user.button("Model: No model")
        assert page.queue.ensemble is None
        assert all(page.files.thumbnail(path) for path in (good, dicom))

    walk(steps, good, dicom, bad)


def test_a_run_that_is_dropped_beside_images_reviews_them(walk: Walk, run_folder: Path, tmp_path: Path) -> None:
    good, _, _ = folder_of_files(tmp_path / "new")

    def steps(user: User) -> None:
        user.page("Review")
        user.drop([run_folder, good])
        page = _page(user)
        user.until(lambda: page.files.said(good) is not None, "the answer")
        assert not user.project.is_open

    walk(steps)
