"""What is promised before a training must be what the training then finds."""

from pathlib import Path

import numpy as np
import pytest

from trainer import config, dataset, importer, outlook, runs, train
from trainer.catalog import Catalog

MULTI_CLASS = config.Task()
MULTI_LABEL = config.Task(kind="multi-label")


def _look(project: Path, task: config.Task = MULTI_CLASS, split: str = "") -> outlook.Outlook:
    with Catalog.open(project) as catalog:
        return outlook.look(catalog, task, split)


def test_what_is_told_is_what_a_training_reports(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts["train"]
        catalog.set_excluded(ids[:2], True)
        catalog.set_labels(ids[2:4], "Pleural effusion", 1)  # some of them show two findings now
        catalog.set_labels(ids[2:4], "Normal", 1)
    found = _look(project)
    outcome = train.run(project, config.changed(tiny, {"schedule.epochs": 1}), name="real")
    run = runs.find(outcome.run)
    started = next(event for event in run.events() if event["kind"] == "started")
    assert found.images == started["images"]
    assert list(found.findings) == run.about()["findings"]
    assert found.split == run.about()["split"]["name"]
    notes = [event["text"] for event in run.events() if event["kind"] == "note"]
    assert found.remarks
    assert set(found.remarks) <= set(notes)
    assert found.problems == ()


def test_targets_are_those_of_the_training_images(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts["train"]
        part = dataset.part(catalog, ids, dataset.findings(catalog, MULTI_CLASS), tiny)
        people = len(set(catalog.patients(part.ids)))
    found = _look(project)
    np.testing.assert_array_equal(found.targets, part.targets)
    assert found.patients["train"] == people
    expected = f"{len(part.ids)} training images of {people} patients, {found.images['validation']} for validation"
    assert found.words() == f"{expected}; split {found.split}"


def test_unknown_patients_are_not_counted(project: Path, drawn: Path, tmp_path: Path) -> None:
    found = outlook.Outlook("a", ("X",), ("X",), np.ones((1, 1), np.int8), {"train": 1, "validation": 2}, {"train": None})
    assert found.words() == "1 training image, 2 for validation; split a"


def test_an_empty_project_and_one_without_a_split_are_told(drawn: Path, tmp_path: Path) -> None:
    Catalog.create(tmp_path / "empty.cxr").close()
    assert "no images yet" in _look(tmp_path / "empty.cxr").problems[0]
    importer.run(tmp_path / "new.cxr", [drawn])
    found = _look(tmp_path / "new.cxr")
    assert "not divided" in found.problems[0]
    assert set(found.known) == {"Lobar pneumonia", "Normal", "Pleural effusion"}


def test_findings_that_cannot_be_are_told_as_the_trainer_says_it(project: Path) -> None:
    assert "nothing to tell apart" in _look(project, config.Task(findings=("Normal",))).problems[0]
    (problem,) = _look(project, config.Task(findings=("Normal", "Fractur"))).problems
    assert "No image of this project states 'Fractur'" in problem
    assert str(project) not in problem  # it is shown beside the settings, where a path says nothing


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_finding_without_images_in_a_part_is_a_problem(project: Path, part: str) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts[part]
        catalog.set_excluded(ids[catalog.labels(ids, ["Normal"])[:, 0] == 1], True)
    (problem,) = _look(project).problems
    assert "image shows Normal" in problem
    assert ("validation" in problem) == (part == "validation")
    others = config.Task(findings=("Lobar pneumonia", "Pleural effusion"))
    assert _look(project, others).problems == ()


def test_of_many_absent_findings_three_are_named(project: Path) -> None:
    with Catalog.open(project) as catalog:
        split = catalog.split()
        for number in range(5):
            catalog.set_labels(split.parts["test"][:1], f"Rare {number}", 1)
    problem = _look(project, MULTI_LABEL).problems[0]
    assert "shows Rare 0, Rare 1, Rare 2 and 2 more: it cannot be learned" in problem


def test_an_empty_part_is_a_problem(project: Path) -> None:
    with Catalog.open(project) as catalog:
        catalog.set_excluded(catalog.split().parts["validation"], True)
    (problem,) = _look(project).problems
    assert problem.startswith("The validation part has no image")


def test_what_every_image_shows_is_remarked_for_multi_label(project: Path) -> None:
    with Catalog.open(project) as catalog:
        catalog.set_labels(catalog.ids(), "Normal", 1)
    assert any("without Normal" in told for told in _look(project, MULTI_LABEL).remarks)


def test_another_split_can_be_looked_at(project: Path) -> None:
    with Catalog.open(project) as catalog:
        name = catalog.active_split()
    assert _look(project, split=name).split == name
    assert "no such split" in _look(project, split="nowhere").problems[0].lower()


def test_the_setting_at_fault_is_named(project: Path) -> None:
    assert _look(project).setting == ""
    assert _look(project, config.Task(implies=("Normal",))).setting == "task.implies"
    assert _look(project, config.Task(implies=("Normal > Pleural effusion",))).setting == "task.implies", "not in multi-class"
    assert _look(project, config.Task("multi-label", implies=("Normal > Nothing",))).setting == "task.implies"
    assert _look(project, config.Task(findings=("Nothing", "Normal"))).setting == "task.findings"


def test_a_level_where_there_is_no_tree_is_remarked(project: Path) -> None:
    assert any("Level 3 changes nothing" in told for told in _look(project, config.Task(level=3)).remarks)
    assert not any("Level" in told for told in _look(project).remarks)
    with Catalog.open(project) as catalog:
        catalog.set_labels(catalog.ids()[:1], "Pneumonia/Viral", 1)
    assert not any("changes nothing" in told for told in _look(project, config.Task(level=1)).remarks)
