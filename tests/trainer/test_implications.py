"""Implications between findings: read, closed, refused, applied to answers, and told where labels contradict them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trainer import config, dataset, evaluate, freshness, implications, outlook, predict, runs, train, truths
from trainer.catalog import Catalog, Split
from trainer.errors import ConfigError
from trainer.model_card import read_header, weights_digest
from trainer.results import Prediction

from .makers import entry

COVID = ("COVID-19 > Pneumonia",)
NAMES = ("COVID-19", "Pneumonia", "Normal")
TASK = config.Task(kind="multi-label", findings=NAMES, implies=COVID)


def test_what_is_stated_is_read_and_what_follows_is_added() -> None:
    assert implications.parsed(["A > B", " B>C "]) == (("A", "B"), ("A", "C"), ("B", "C"))
    assert implications.parsed(["A > B > C"]) == implications.parsed(["A > B", "B > C"])
    assert implications.parsed(["A > B", "A > B"]) == (("A", "B"),)
    assert implications.parsed([]) == ()


@pytest.mark.parametrize("text", ["COVID-19", "COVID-19 >", "> Pneumonia", ""])
def test_what_is_no_implication_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="FINDING > FINDING"):
        implications.parsed([text])


def test_a_circle_is_refused() -> None:
    with pytest.raises(ConfigError, match="said to imply itself"):
        implications.parsed(["A > B", "B > C", "C > A"])


def test_it_is_for_multi_label_tasks_and_known_findings() -> None:
    with pytest.raises(ConfigError, match="exactly one finding"):
        implications.check(COVID, "multi-class", NAMES)
    with pytest.raises(ConfigError, match="Did you mean COVID-19"):
        implications.check(["COVID19 > Pneumonia"], "multi-label", NAMES)
    implications.check(COVID, "multi-label", NAMES)
    implications.check((), "multi-class", NAMES)


def test_the_truth_table_of_one_implication() -> None:
    """By hand: COVID-19, Pneumonia -> as they count."""
    table = {
        (1, -1): (1, 1), (1, 0): (1, 1), (1, 1): (1, 1),
        (0, -1): (0, -1), (0, 0): (0, 0), (0, 1): (0, 1),
        (-1, -1): (-1, -1), (-1, 0): (0, 0), (-1, 1): (-1, 1),
    }  # fmt: skip
    stated = np.array(list(table), np.int8)
    made = implications.applied(stated, NAMES[:2], implications.parsed(COVID))
    assert [tuple(row) for row in made.tolist()] == list(table.values())
    assert stated.tolist() == [list(row) for row in table], "what was stated is left as it was"


@given(hnp.arrays(np.int8, st.tuples(st.integers(0, 12), st.just(4)), elements=st.sampled_from([-1, 0, 1])))
def test_afterwards_no_image_contradicts_and_again_changes_nothing(answers: np.ndarray) -> None:
    names, pairs = ("A", "B", "C", "D"), implications.parsed(["A > B > C", "D > C"])
    made = implications.applied(answers, names, pairs)
    assert implications.contradicted(made, names, pairs) == {}
    np.testing.assert_array_equal(implications.applied(made, names, pairs), made)
    assert (made[answers == 1] == 1).all(), "a yes stays a yes"
    for first, second in pairs:
        assert not ((made[:, names.index(first)] == 1) & (made[:, names.index(second)] != 1)).any()


def test_contradictions_are_found() -> None:
    answers = np.array([[1, 0], [1, 1], [0, 0], [1, 0]], np.int8)
    assert {k: v.tolist() for k, v in implications.contradicted(answers, NAMES[:2], (("COVID-19", "Pneumonia"),)).items()} == {
        ("COVID-19", "Pneumonia"): [0, 3]
    }


# In a project


@pytest.fixture
def folders(tmp_path: Path, source: Path) -> Iterator[Catalog]:
    """Twelve images from three folders, as an import labels them: COVID-19, Pneumonia, Normal, the others denied."""
    with Catalog.create(tmp_path / "three.cxr") as made:
        rows = [entry(n, view="PA", labels={name: int(k == n % 3) for k, name in enumerate(NAMES)}) for n in range(12)]
        made.store(source, rows, findings=NAMES)
        ids = made.ids()
        made.save_split(Split("half", {"train": ids[:6], "validation": ids[6:]}, 1, "by hand", 0, None, "d"))
        yield made


def test_targets_are_completed_and_contradictions_told(folders: Catalog) -> None:
    question = truths.of_task(TASK, NAMES)
    ids, answers = truths.asked(folders, folders.ids(), question)
    assert (answers == 1).sum(0).tolist() == [4, 8, 4]
    told = truths.unfit(folders, ids, question, "train")
    completed, contradicted = told
    assert completed == "4 of 12 train images have labels that were completed: COVID-19 implies Pneumonia."
    assert contradicted.startswith("4 train images state COVID-19 and deny Pneumonia, which it implies: counted as with")
    assert contradicted.endswith("The first: 000.png, 003.png, 006.png.")
    assert truths.unfit(folders, ids, truths.Question(NAMES, "multi-label"), "train") == []


def test_a_finding_that_is_not_learned_still_says_something(folders: Catalog) -> None:
    task = config.Task(kind="multi-label", findings=("Pneumonia", "Normal"), implies=COVID)
    question = truths.of_task(task, truths.findings(folders, task))
    _, answers = truths.asked(folders, folders.ids(), question)
    assert (answers == 1).sum(0).tolist() == [8, 4]


def test_the_window_and_a_training_see_the_same(folders: Catalog) -> None:
    seen = outlook.look(folders, TASK)
    assert (seen.targets == 1).sum(0).tolist() == [2, 4, 2]
    assert sum("counted as with Pneumonia" in remark for remark in seen.remarks) == 2
    refused = outlook.look(folders, config.Task(findings=NAMES, implies=COVID))
    assert "multi-class" in refused.problems[0]


def test_a_run_learns_and_is_judged_with_its_implications(project: Path, tiny: config.TrainConfig) -> None:
    rule = "Lobar pneumonia > Pleural effusion"
    changes = {"task.kind": "multi-label", "task.implies": rule, "schedule.epochs": 1, "model.size": 32}
    run = runs.find(train.run(project, config.changed(tiny, changes), name="implied").run)
    notes = [event["text"] for event in run.events() if event["kind"] == "note"]
    assert sum("Lobar pneumonia implies Pleural effusion" in note for note in notes) == 2
    header = read_header(run.best)
    assert header.implies == (rule,)
    made = evaluate.run(run.folder, on="test", draws=20)
    with Catalog.open(project) as catalog:
        kept = Prediction.load(run.predictions("test"))
        plain = truths.targets(catalog, kept.ids, kept.findings)
        one, other = (kept.findings.index(name) for name in ("Lobar pneumonia", "Pleural effusion"))
        assert ((plain[:, one] == 1) & (plain[:, other] == 0)).any()
        assert (kept.targets[kept.targets[:, one] == 1, other] == 1).all()
        assert made.findings["Pleural effusion"].positives == int((kept.targets[:, other] == 1).sum())
        assert freshness.reasons(made, kept, header, weights_digest(run.best), catalog, run) == ()
        member = predict.opened([run.folder], device="cpu")[0]
        again = predict.on_catalog(member.classifier, header, catalog, kept.ids)
        np.testing.assert_array_equal(again.targets, kept.targets)
        np.testing.assert_array_equal(dataset.answers(catalog, kept.ids, truths.of_header(header)), kept.targets)
