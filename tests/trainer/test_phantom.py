"""Drawn radiographs: the truth about them, the same again to the bit, and datasets that appear whole or not at all."""

import csv
import errno
import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from trainer import phantom
from trainer.errors import ConfigError, DataError, Stopped, StorageError
from trainer.phantom import FINDINGS, NORMAL, Drawn

SIZE = 96
FOUR = (NORMAL, "COVID-19", "Lobar pneumonia", "Tuberculosis")
IN_THE_LUNGS = [name for name in FINDINGS if name != phantom.CARDIOMEGALY]


@cache
def _drawn(patient: int = 0, image: int = 0, findings: tuple[str, ...] = (), size: int = 128) -> Drawn:
    return phantom.draw(patient, image, findings, size=size)


def _width(mask: np.ndarray) -> int:
    return int(np.ptp(np.flatnonzero(mask.any(0)))) + 1


def _ratio(drawn: Drawn) -> float:
    return _width(drawn.heart) / _width(drawn.lungs)


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _grey(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.mode == "L"
        return np.asarray(picture)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# ---------------------------------------------------------------------------------------------------------------- draw


def test_what_can_be_drawn() -> None:
    assert set(FINDINGS) == {
        "COVID-19",
        "Lobar pneumonia",
        "Interstitial",
        "Tuberculosis",
        "Pleural effusion",
        "Cardiomegaly",
    }
    assert NORMAL not in FINDINGS


@settings(deadline=None, max_examples=12)
@given(
    patient=st.integers(0, 10_000),
    image=st.integers(0, 9),
    findings=st.lists(st.sampled_from(FINDINGS), unique=True, max_size=3),
    size=st.sampled_from([64, 96, 100]),
    seed=st.integers(0, 1000),
)
def test_any_image_is_a_radiograph(patient: int, image: int, findings: list[str], size: int, seed: int) -> None:
    drawn = phantom.draw(patient, image, findings, size=size, seed=seed)
    assert drawn.pixels.shape == drawn.lungs.shape == drawn.heart.shape == (size, size)
    assert drawn.pixels.dtype == np.float32
    assert drawn.lungs.dtype == drawn.heart.dtype == bool
    assert np.isfinite(drawn.pixels).all()
    assert drawn.pixels.min() >= 0
    assert drawn.pixels.max() <= 1
    assert drawn.pixels.std() > 0.1
    assert set(drawn.lesions) == set(findings)
    assert all(mask.shape == (size, size) and mask.dtype == bool and mask.any() for mask in drawn.lesions.values())
    assert drawn.sex in ("F", "M")
    assert 18 <= drawn.age <= 90


def test_the_same_arguments_give_the_same_bits() -> None:
    first = phantom.draw(4, 2, ["COVID-19", "Interstitial"], size=SIZE, seed=9)
    again = phantom.draw(4, 2, ["Interstitial", "COVID-19"], size=SIZE, seed=9)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.lungs, again.lungs)
    np.testing.assert_array_equal(first.lesions["COVID-19"], again.lesions["COVID-19"])


def test_another_process_gives_the_same_bits() -> None:
    code = (
        "import hashlib; from trainer import phantom;"
        "print(hashlib.sha256(phantom.draw(3, 1, ['Tuberculosis'], size=96).pixels.tobytes()).hexdigest())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    here = hashlib.sha256(phantom.draw(3, 1, ["Tuberculosis"], size=96).pixels.tobytes()).hexdigest()
    assert told.stdout.strip() == here


@pytest.mark.parametrize("change", [{"patient": 1}, {"image": 1}, {"seed": 1}])
def test_another_patient_image_or_seed_gives_another_picture(change: dict[str, int]) -> None:
    usual = {"patient": 0, "image": 0, "seed": 0}
    first, second = (phantom.draw(findings=[], size=SIZE, **values) for values in (usual, usual | change))
    assert np.abs(first.pixels - second.pixels).mean() > 0.01


def test_the_anatomy_belongs_to_the_patient() -> None:
    same = [_drawn(5, image, size=256) for image in range(5)]
    assert len({(drawn.sex, drawn.age) for drawn in same}) == 1
    assert np.ptp([_ratio(drawn) for drawn in same]) < 0.03
    others = [_drawn(patient, 0) for patient in range(12)]
    assert np.ptp([_ratio(drawn) for drawn in others]) > 0.035
    assert len({drawn.age for drawn in others}) > 6


def test_images_of_one_patient_resemble_each_other_more_than_others() -> None:
    """Otherwise a patient on both sides of a split would not matter."""

    def shape(patient: int, image: int) -> np.ndarray:
        mask = _drawn(patient, image).lungs
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        return np.array([np.ptp(rows) / np.ptp(columns), _ratio(_drawn(patient, image))])

    pairs = np.array([[shape(patient, image) for image in (0, 1)] for patient in range(12)])
    within = np.abs(pairs[:, 0] - pairs[:, 1]).mean(0)
    between = np.abs(pairs[:, None, 0] - pairs[None, :, 1]).mean((0, 1))
    assert np.all(within < between)
    assert within[1] < 0.5 * between[1]  # breath moves the domes, not the heart's share of the width


def test_the_size_changes_the_resolution_only() -> None:
    small, large = _drawn(2, 0, ("Lobar pneumonia",), 128), _drawn(2, 0, ("Lobar pneumonia",), 256)
    reduced = large.pixels.reshape(128, 2, 128, 2).mean((1, 3))
    assert np.corrcoef(small.pixels.ravel(), reduced.ravel())[0, 1] > 0.99
    for name in ("lungs", "heart"):
        one, two = getattr(small, name), getattr(large, name)[::2, ::2]
        assert (one & two).sum() / (one | two).sum() > 0.93


@pytest.mark.parametrize("patient", range(8))
def test_lungs_are_darker_than_the_heart(patient: int) -> None:
    drawn = _drawn(patient)
    assert drawn.pixels[drawn.lungs].mean() + 0.15 < drawn.pixels[drawn.heart].mean()
    assert 0.1 < drawn.lungs.mean() < 0.5


@pytest.mark.parametrize("patient", range(12))
def test_the_cardiothoracic_ratio(patient: int) -> None:
    assert _ratio(_drawn(patient, 0, (), 256)) < 0.5
    assert _ratio(_drawn(patient, 0, (phantom.CARDIOMEGALY,), 256)) > 0.5


@pytest.mark.parametrize("name", FINDINGS)
@pytest.mark.parametrize("patient", range(3))
def test_a_finding_changes_the_pixels_inside_its_mask(name: str, patient: int) -> None:
    without, with_it = _drawn(patient, 1), _drawn(patient, 1, (name,))
    change = np.abs(with_it.pixels - without.pixels)
    mask = with_it.lesions[name]
    assert change[mask].mean() > 0.02
    outside = ~mask & ~without.heart & ~with_it.heart
    assert change[mask].mean() > 4 * change[outside].mean()


@pytest.mark.parametrize("name", IN_THE_LUNGS)
@pytest.mark.parametrize("patient", range(5))
def test_lesions_lie_in_the_lungs(name: str, patient: int) -> None:
    drawn = _drawn(patient, 0, (name,))
    mask = drawn.lesions[name]
    assert not (mask & ~drawn.lungs).any()
    assert mask.sum() > 0.01 * drawn.lungs.sum()
    np.testing.assert_array_equal(drawn.lungs, _drawn(patient, 0).lungs)  # the lungs are where they were


@pytest.mark.parametrize("name", ["COVID-19", "Lobar pneumonia", "Pleural effusion"])
def test_opacities_are_brighter(name: str) -> None:
    for patient in range(4):
        without, with_it = _drawn(patient, 1), _drawn(patient, 1, (name,))
        mask = with_it.lesions[name]
        assert with_it.pixels[mask].mean() > without.pixels[mask].mean() + 0.02


def test_the_mask_of_an_enlarged_heart_is_the_heart() -> None:
    drawn = _drawn(1, 0, (phantom.CARDIOMEGALY,))
    np.testing.assert_array_equal(drawn.lesions[phantom.CARDIOMEGALY], drawn.heart)
    assert drawn.heart.sum() > 1.15 * _drawn(1, 0).heart.sum()


@pytest.mark.parametrize("name", ["COVID-19", "Lobar pneumonia", "Tuberculosis", "Pleural effusion"])
def test_the_extent_varies(name: str) -> None:
    areas = [float(_drawn(patient, 0, (name,)).lesions[name].sum() / _drawn(patient).lungs.sum()) for patient in range(8)]
    assert max(areas) > 1.4 * min(areas)


def test_several_findings_at_once_keep_their_own_masks() -> None:
    both = _drawn(2, 0, ("COVID-19", "Pleural effusion"))
    for name in ("COVID-19", "Pleural effusion"):
        np.testing.assert_array_equal(both.lesions[name], _drawn(2, 0, (name,)).lesions[name])
    everything = _drawn(2, 0, FINDINGS)
    assert tuple(everything.lesions) == FINDINGS


def test_normal_means_none() -> None:
    assert not _drawn().lesions
    np.testing.assert_array_equal(phantom.draw(0, 0, [NORMAL], size=128).pixels, _drawn().pixels)


def test_unknown_findings_and_sizes_are_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="Did you mean Tuberculosis"):
        phantom.draw(0, 0, ["Tuberculosys"])
    with pytest.raises(ConfigError, match="Choose between 64 and 2048"):
        phantom.draw(0, 0, [], size=10)


# ----------------------------------------------------------------------------------------------------------------- run


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "dataset"
    phantom.run(folder, images=40, findings=FOUR, size=64, seed=3)
    return folder


def test_the_summary_counts_what_is_there(tmp_path: Path) -> None:
    summary = phantom.run(tmp_path / "set", images=15, findings=FOUR, size=64)
    rows = _rows(tmp_path / "set")
    assert summary.folder == tmp_path / "set"
    assert summary.images == len(rows) == 15
    assert summary.patients == len({row["patient"] for row in rows}) == 9
    assert summary.findings == Counter(row["labels"] for row in rows)
    assert (summary.fault, summary.faulty) == ("", 0)


def test_the_manifest_names_every_image(dataset: Path) -> None:
    rows = _rows(dataset)
    assert tuple(rows[0]) == phantom.COLUMNS
    images = sorted(path.relative_to(dataset).as_posix() for path in (dataset / "images").rglob("*.png"))
    assert sorted(row["path"] for row in rows) == images
    for row in rows:
        assert row["path"].split("/")[1] == row["labels"] == row["drawn"]
        assert row["view"] == "PA"
        assert row["sex"] in ("F", "M")
        assert row["source"] == "phantom"
        assert row["fault"] == ""
    assert {row["labels"] for row in rows} == set(FOUR)


def test_files_hold_what_draw_gives(dataset: Path) -> None:
    for row in _rows(dataset)[::7]:
        name = Path(row["path"]).stem
        person, number = int(name[1:5]) - 1, int(name[6:]) - 1
        drawn = phantom.draw(person, number, row["drawn"].split("|"), size=64, seed=3)
        np.testing.assert_array_equal(_grey(dataset / row["path"]), np.rint(drawn.pixels * 255).astype(np.uint8))
        np.testing.assert_array_equal(_grey(dataset / "masks" / "lungs" / f"{name}.png"), drawn.lungs * 255)
        for finding, mask in drawn.lesions.items():
            np.testing.assert_array_equal(_grey(dataset / "masks" / finding / f"{name}.png"), mask * 255)
        assert (row["sex"], int(row["age"])) == (drawn.sex, drawn.age)


def test_every_image_has_its_masks_and_no_others(dataset: Path) -> None:
    rows = _rows(dataset)
    assert len(list((dataset / "masks" / "lungs").iterdir())) == len(rows)
    for finding in FOUR[1:]:
        with_mask = {path.name for path in (dataset / "masks" / finding).iterdir()}
        assert with_mask == {Path(row["path"]).name for row in rows if row["drawn"] == finding}
    assert not (dataset / "masks" / NORMAL).exists()


def test_patients_have_one_to_four_images_and_mostly_one_finding(dataset: Path) -> None:
    by_patient: dict[str, set[str]] = {}
    for row in _rows(dataset):
        by_patient.setdefault(row["patient"], set()).add(row["labels"])
    counts = Counter(row["patient"] for row in _rows(dataset))
    assert len(counts) == 25
    assert set(counts.values()) <= {1, 2, 3, 4}
    assert max(counts.values()) > 1
    assert all(len(labels - {NORMAL}) <= 1 for labels in by_patient.values())


def test_workers_do_not_matter(tmp_path: Path) -> None:
    for workers in (1, 3):
        phantom.run(tmp_path / str(workers), images=9, findings=FOUR, size=64, workers=workers)
    assert _digests(tmp_path / "1") == _digests(tmp_path / "3")


def test_another_seed_gives_another_dataset(tmp_path: Path) -> None:
    for seed in (1, 2):
        phantom.run(tmp_path / str(seed), images=3, findings=FOUR, size=64, seed=seed)
    assert _digests(tmp_path / "1") != _digests(tmp_path / "2")


def test_several_findings_in_one_image(tmp_path: Path) -> None:
    summary = phantom.run(tmp_path / "set", images=30, several=True, size=64)
    rows = _rows(tmp_path / "set")
    assert any("|" in row["labels"] for row in rows)
    assert all(row["path"].count("/") == 1 for row in rows)  # no folder could stand for several
    assert not any(NORMAL in row["labels"] and "|" in row["labels"] for row in rows)
    for row in rows:
        for finding in set(row["labels"].split("|")) - {NORMAL}:
            assert (tmp_path / "set" / "masks" / finding / Path(row["path"]).name).is_file()
    assert summary.findings == Counter(label for row in rows for label in row["labels"].split("|"))


def test_as_many_patients_as_asked_for(tmp_path: Path) -> None:
    phantom.run(tmp_path / "few", images=8, patients=2, findings=FOUR, size=64)
    assert Counter(row["patient"] for row in _rows(tmp_path / "few")) == {"P0001": 4, "P0002": 4}


def test_progress_counts_every_image(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    phantom.run(tmp_path / "set", images=5, findings=FOUR, size=64, progress=lambda *step: told.append(step))
    assert told == [(done, 5) for done in range(1, 6)]


# -------------------------------------------------------------------------------------------------------------- faults


def _faulty(tmp_path: Path, fault: str, images: int = 40) -> tuple[Path, list[dict[str, str]]]:
    folder = tmp_path / fault
    summary = phantom.run(folder, images=images, findings=FOUR, size=64, fault=fault, seed=5)
    rows = _rows(folder)
    assert summary.faulty == sum(row["fault"] == fault for row in rows) > 0
    assert {row["fault"] for row in rows} == {"", fault}
    return folder, rows


def _clean(row: dict[str, str]) -> np.ndarray:
    name = Path(row["path"]).stem
    drawn = phantom.draw(int(name[1:5]) - 1, int(name[6:]) - 1, row["drawn"].split("|"), size=64, seed=5)
    return np.rint(drawn.pixels * 255).astype(np.uint8)


def test_text_markers_go_with_one_finding(tmp_path: Path) -> None:
    folder, rows = _faulty(tmp_path, "text-marker")
    marked = Counter(row["labels"] for row in rows if row["fault"])
    total = Counter(row["labels"] for row in rows)
    assert marked["COVID-19"] / total["COVID-19"] == pytest.approx(0.9, abs=0.12)
    assert sum(marked.values()) - marked["COVID-19"] < 0.1 * (len(rows) - total["COVID-19"])
    for row in rows[:12]:
        changed = _grey(folder / row["path"]) != _clean(row)
        assert changed.any() == bool(row["fault"])
        assert not changed[20:].any()


def test_inverted_images_are_inverted(tmp_path: Path) -> None:
    folder, rows = _faulty(tmp_path, "inverted", 20)
    for row in rows:
        if row["fault"]:
            np.testing.assert_array_equal(_grey(folder / row["path"]), 255 - _clean(row))
    np.testing.assert_array_equal(
        _grey(folder / rows[0]["path"]), _clean(rows[0]) if not rows[0]["fault"] else 255 - _clean(rows[0])
    )


def test_duplicates_have_the_same_pixels_and_another_patient(tmp_path: Path) -> None:
    folder, rows = _faulty(tmp_path, "duplicates", 30)
    content = {row["path"]: (folder / row["path"]).read_bytes() for row in rows}
    copies = [row for row in rows if row["fault"]]
    for row in copies:
        originals = [other for other in rows if content[other["path"]] == content[row["path"]] and not other["fault"]]
        assert len(originals) == 1
        assert originals[0]["labels"] == row["labels"]
        assert (originals[0]["sex"], originals[0]["age"]) == (row["sex"], row["age"])
    assert any(
        content[other["path"]] == content[row["path"]] and other["patient"] != row["patient"]
        for row in copies
        for other in rows
    )
    assert len(set(content.values())) < len(rows)


def test_wrong_labels_differ_from_what_was_drawn(tmp_path: Path) -> None:
    _folder, rows = _faulty(tmp_path, "label-noise", 30)
    for row in rows:
        assert (row["labels"] != row["drawn"]) == bool(row["fault"])
        assert row["path"].split("/")[1] == row["labels"]
    assert sum(bool(row["fault"]) for row in rows) == 3


def test_only_what_is_faulty_differs(tmp_path: Path) -> None:
    folder, rows = _faulty(tmp_path, "inverted", 12)
    phantom.run(tmp_path / "clean", images=12, findings=FOUR, size=64, seed=5)
    clean, faulty = _digests(tmp_path / "clean"), _digests(folder)
    differing = {name for name in clean if name.startswith("images/") and clean[name] != faulty[name]}
    assert differing == {row["path"] for row in rows if row["fault"]}


# ------------------------------------------------------------------------------------------------- refusals and stops


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"findings": ("Covid-19",)}, "COVID-19"),
        ({"fault": "inverteds"}, "Did you mean inverted"),
        ({"fault": "zzz"}, "There is: duplicates, inverted, label-noise, text-marker"),
        ({"images": 0}, "images = 0"),
        ({"images": 10, "patients": 11}, "Choose between 3 and 10"),
        ({"images": 10, "patients": 2}, "Choose between 3 and 10"),
        ({"size": 63}, "Choose between 64 and 2048"),
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_written(arguments: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        phantom.run(tmp_path / "set", **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="nothing was changed"):
        phantom.run(tmp_path, images=2, findings=FOUR, size=64)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(DataError, match="taken"):
        phantom.run(tmp_path / "thesis.txt", images=2, findings=FOUR, size=64)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_and_missing_parents_are_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/deep"):
        phantom.run(tmp_path / name, images=2, findings=FOUR, size=64)
        assert len(_rows(tmp_path / name)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "new"]


def _stop_at(step: int) -> Callable[[int, int], None]:
    def progress(done: int, _total: int) -> None:
        if done >= step:
            raise Stopped

    return progress


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("there", [False, True])
def test_stopping_leaves_nothing(step: int, there: bool, tmp_path: Path) -> None:
    if there:
        (tmp_path / "set").mkdir()
    with pytest.raises(Stopped):
        phantom.run(tmp_path / "set", images=6, findings=FOUR, size=64, progress=_stop_at(step))
    assert not [path for path in tmp_path.rglob("*") if path != tmp_path / "set"]


def test_a_full_disk_is_told_in_words_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        phantom.run(tmp_path / "set", images=4, findings=FOUR, size=64)
    assert not list(tmp_path.iterdir())


def test_the_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    seen: list[bool] = []
    phantom.run(
        tmp_path / "set", images=4, findings=FOUR, size=64, progress=lambda *_: seen.append((tmp_path / "set").exists())
    )
    assert seen == [False] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
