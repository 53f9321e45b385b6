"""What a task asks of the catalog: which views, at which level of the tree of findings, and what cannot be used."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer import config, evaluate, freshness, importer, outlook, phantom, predict, runs, sections, train, truths
from trainer.catalog import Catalog, Split
from trainer.errors import ConfigError, DataError
from trainer.model_card import read_header, weights_digest
from trainer.results import Prediction

from .makers import entry

VIEWS = ("PA", "AP", "lateral", "", "LAO", "PA")
"""Of every six images."""
TREE = ("Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial/Klebsiella", "Pneumonia", "No Finding")
ALL = config.Task(views="all")


def labelled(finding: str) -> dict[str, int]:
    """Answers as an import gives them to an image that lists one finding of the tree."""
    answers: dict[str, int] = {}
    for name in TREE:
        if finding == name or finding.startswith(f"{name}/"):
            answers[name] = 1
        elif not name.startswith(f"{finding}/"):
            answers[name] = 0
    return answers


@pytest.fixture
def tree(tmp_path: Path, source: Path) -> Iterator[Catalog]:
    """24 images, of which every four list COVID-19, Klebsiella, only Pneumonia, and No Finding; 12 train, 12 validate."""
    with Catalog.create(tmp_path / "tree.cxr") as made:
        rows = [entry(number, view=VIEWS[number % 6], labels=labelled(TREE[number % 4])) for number in range(24)]
        made.store(source, rows, findings=TREE)
        ids = made.ids()
        made.save_split(Split("half", {"train": ids[:12], "validation": ids[12:]}, 1, "by hand", 0, None, "d"))
        yield made


def _asked(catalog: Catalog, **task: Any) -> tuple[tuple[str, ...], np.ndarray, list[str]]:  # noqa: ANN401
    chosen = config.Task(**task)
    names = truths.findings(catalog, chosen)
    question = truths.of_task(chosen, names)
    ids, answers = truths.asked(catalog, catalog.ids(), question)
    assert ids.tolist() == sorted(ids.tolist())
    return names, answers, truths.unfit(catalog, catalog.ids(), question, "train")


def test_only_views_known_not_to_be_frontal_are_left_out(tree: Catalog) -> None:
    ids = tree.ids()
    kept = truths.in_view(tree, ids, "frontal")
    assert kept.tolist() == [view in ("PA", "AP", "") for view in VIEWS] * 4
    assert truths.in_view(tree, ids, "all").all()
    assert truths.views_left_out(tree, ids, "frontal") == 8
    assert truths.views_left_out(tree, ids, "all") == 0


@pytest.mark.parametrize(
    ("level", "names", "yes", "coarse"),
    [
        (1, ("Pneumonia", "No Finding"), (18, 6), 0),
        (2, ("Pneumonia/Viral", "Pneumonia/Bacterial", "No Finding"), (6, 6, 6), 6),
        (3, ("Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial/Klebsiella", "No Finding"), (6, 6, 6), 6),
    ],
)
def test_a_multi_class_task_at_a_level(
    tree: Catalog, level: int, names: tuple[str, ...], yes: Sequence[int], coarse: int
) -> None:
    found, answers, told = _asked(tree, level=level, views="all")
    assert found == names
    assert (answers == 1).sum(0).tolist() == list(yes)
    assert (answers >= 0).all()
    assert told == (
        [f"6 of 24 train images have a label that ends above level {level} of the tree of findings and are left out."]
        if coarse
        else []
    )


def test_as_labelled_is_as_it_was(tree: Catalog) -> None:
    found, answers, told = _asked(tree, views="all")
    assert set(found) == set(TREE)
    assert len(answers) == 12  # Pneumonia alone and No Finding: the others show their branch and Pneumonia
    assert "12 of 24 train images show several findings" in told[0]
    assert "choose one level of the tree (--set task.level=3)" in told[0]


def test_an_image_of_another_branch_does_not_end_above_the_level(tree: Catalog) -> None:
    """What is labelled Pneumonia/Bacterial/Klebsiella states Pneumonia too, but its label ends at the level, elsewhere."""
    _, answers, told = _asked(tree, level=2, views="all", findings=("Pneumonia/Viral", "No Finding"))
    assert len(answers) == 12
    assert told == [
        "6 of 24 train images have a label that ends above level 2 of the tree of findings and are left out.",
        "6 of 24 train images state none of the findings and are left out.",
    ]


def test_a_finding_is_named_once(tree: Catalog) -> None:
    with pytest.raises(ConfigError, match="'No Finding' is named twice"):
        truths.findings(tree, config.Task(findings=("No Finding", "Pneumonia", "No Finding")))


def test_a_multi_label_task_at_a_level(tree: Catalog) -> None:
    found, answers, told = _asked(tree, kind="multi-label", level=2, views="all")
    assert len(answers) == 24
    coarse = answers[(answers == -1).any(1)]
    assert coarse.tolist() == [[0 if name == "No Finding" else -1 for name in found]] * 6
    assert told == []


def test_findings_are_chosen_among_those_of_the_level(tree: Catalog) -> None:
    chosen = config.Task(level=1, findings=("No Finding", "Pneumonia"))
    assert truths.findings(tree, chosen) == ("No Finding", "Pneumonia")
    assert truths.known(tree, chosen) == ("Pneumonia", "No Finding")
    with pytest.raises(ConfigError, match=r"'Pneumonia' at level 2 of the tree.*"):
        truths.findings(tree, config.Task(level=2, findings=("No Finding", "Pneumonia")))
    with pytest.raises(ConfigError, match="Did you mean Pneumonia"):
        truths.findings(tree, config.Task(level=1, findings=("Pneumoni", "No Finding")))


def test_what_is_told_counts_views_first(tree: Catalog) -> None:
    _, answers, told = _asked(tree, level=2)
    assert len(answers) == 14
    assert told[0].startswith("8 of 24 train images are lateral or other views that are not frontal and are left out")
    assert "task.views=all" in told[0]
    assert told[1].startswith("2 of 16 train images have a label that ends above level 2")


def test_a_finding_of_laterals_alone_is_not_learned(tree: Catalog) -> None:
    tree.set_labels(tree.ids()[2:3], "Mass", 1)
    assert "Mass" in truths.findings(tree, ALL)
    assert "Mass" not in truths.findings(tree, config.Task())


def test_laterals_alone_are_refused_with_the_remedy(tree: Catalog) -> None:
    ids = tree.ids()
    with pytest.raises(DataError, match="validation part is a lateral") as told:
        truths.check_views(tree, ids[[2, 4]], config.Task(), "validation")
    assert "task.views=all" in told.value.remedy
    truths.check_views(tree, ids[[2, 4]], ALL, "validation")
    truths.check_views(tree, ids[:0], config.Task(), "validation")
    tree.set_excluded(ids[truths.in_view(tree, ids, "frontal")], True)
    with pytest.raises(DataError, match="project is a lateral"):
        truths.findings(tree, config.Task())


def test_the_outlook_sees_what_a_training_sees(tree: Catalog) -> None:
    found = outlook.look(tree, config.Task(level=2))
    assert found.known == ("Pneumonia/Viral", "Pneumonia/Bacterial", "No Finding")
    assert found.images == {"train": 7, "validation": 7}
    assert (found.targets == 1).sum(0).tolist() == [1, 3, 3]
    assert any("level 2" in remark for remark in found.remarks)
    everything = outlook.look(tree, config.Task(level=1, views="all"))
    assert everything.images == {"train": 12, "validation": 12}
    assert everything.remarks == ()
    ids = tree.ids()
    tree.set_excluded(ids[truths.in_view(tree, ids, "frontal")], True)
    assert "task.views=all" in outlook.look(tree, config.Task()).problems[0]


# In runs: the same images for training, evaluation and report


def _turn_sideways(project: Path, every: int) -> None:
    """Say of every so many-th image that it is a lateral, as an import would."""
    with sqlite3.connect(project / "catalog.sqlite") as connection:
        connection.execute("UPDATE images SET view = CASE WHEN id % ? THEN 'PA' ELSE 'lateral' END", (every,))
    connection.close()


def test_a_run_learns_from_frontal_views_and_is_judged_on_them(project: Path, tiny: config.TrainConfig) -> None:
    _turn_sideways(project, 3)
    with Catalog.open(project) as catalog:
        parts = {name: [int(i) for i in ids if i % 3] for name, ids in catalog.split().parts.items()}
    run = runs.find(train.run(project, config.changed(tiny, {"schedule.epochs": 1}), name="front").run)
    started = next(event for event in run.events() if event["kind"] == "started")
    assert started["images"] == {name: len(parts[name]) for name in ("train", "validation")}
    notes = [event["text"] for event in run.events() if event["kind"] == "note"]
    assert sum("train images are lateral or other views" in note for note in notes) == 1
    header = read_header(run.best)
    assert (header.views, header.level) == ("frontal", 0)
    made = evaluate.run(run.folder, on="test", draws=50)
    assert made.images == len(parts["test"])
    assert any("lateral or of another view" in warning for warning in made.warnings)
    kept = Prediction.load(run.predictions("test"))
    assert kept.ids.tolist() == parts["test"]
    with Catalog.open(project) as catalog:
        digest = weights_digest(run.best)
        assert freshness.reasons(made, kept, read_header(run.best), digest, catalog, run) == ()
        told = sections.data(run, catalog, "", truths.of_header(header))
        assert any("lateral, or another view" in line for line in told.left_out)
        assert predict.learned([header]) == "frontal"


def test_another_project_is_judged_on_the_same_views(trained: Path, tmp_path: Path) -> None:
    phantom.run(tmp_path / "other", images=9, findings=("Normal", "Lobar pneumonia"), size=64, seed=8)
    importer.run(tmp_path / "other.cxr", [tmp_path / "other"])
    _turn_sideways(tmp_path / "other.cxr", 3)
    made = evaluate.run(trained, on=str(tmp_path / "other.cxr"), draws=50)
    assert made.images == 6
    assert any(warning.startswith("3 images are lateral") for warning in made.warnings)


def test_a_run_from_before_the_setting_took_all_views(trained: Path) -> None:
    project = trained.parent.parent
    run = runs.find(trained)
    about = run.about()
    assert config.of_run(about["config"]).task.views == "frontal"
    old = {key: value for key, value in about["config"].items() if key not in ("task.views", "task.level")}
    assert config.of_run(old).task == config.Task(views="all")
    _turn_sideways(project, 2)
    header = read_header(run.best)
    with Catalog.open(project) as catalog:
        ids = np.array(run.split()["parts"]["validation"])
        few, _ = truths.asked(catalog, ids, truths.of_header(header))
        every, _ = truths.asked(catalog, ids, truths.Question(header.findings, header.task))
    assert len(few) < len(every) == len(ids)


def test_laterals_alone_start_no_run(project: Path, tiny: config.TrainConfig) -> None:
    _turn_sideways(project, 1)
    with pytest.raises(DataError, match="takes frontal views only"):
        train.run(project, tiny, name="none")
    assert not (project / "runs" / "none").exists()
    outcome = train.run(project, config.changed(tiny, {"task.views": "all", "schedule.epochs": 1}), name="all")
    assert outcome.status == "finished"
