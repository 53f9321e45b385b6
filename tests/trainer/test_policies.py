"""What is made of answers that are neither plain yes nor plain no."""

from dataclasses import fields
from pathlib import Path

import pytest

from trainer import importer, labelling, plans
from trainer.catalog import NO, YES, Catalog
from trainer.errors import DataError
from trainer.labelling import FIRST, Asked
from trainer.policies import CHOICES, Policies

from .makers import draw, state


def test_the_first_choice_of_each_is_the_default() -> None:
    assert Policies() == Policies(**{name: choices[0][0] for name, choices in CHOICES.items()})
    assert list(CHOICES) == [item.name for item in fields(Policies)]


def test_policies_in_words() -> None:
    assert Policies().in_words("uncertain") == "an uncertain answer (-1) counts as not stated"
    assert Policies(readers="any").in_words("readers").endswith("one who says yes is enough")
    assert Policies().in_words() == Policies().in_words("uncertain", "readers", "no_finding")


def test_a_policy_that_is_not_there_is_refused() -> None:
    assert Policies().wrong() is None
    assert Policies(readers="most").wrong() == ("readers", "most")
    with pytest.raises(DataError, match="no such policy for 'readers'"):
        labelling.checked(Asked(policies=Policies(readers="majorty")))


@pytest.fixture
def clinic(source: Path) -> Path:
    """Three images with an uncertain answer, and a statement of no finding."""
    draw(source, "a.png", "b.png", "c.png")
    (source / "labels.csv").write_text("Path,No Finding,Edema,Mass\na.png,1.0,,\nb.png,0.0,-1.0,1.0\nc.png,,0.0,1.0\n")
    return source


@pytest.mark.parametrize(("policy", "answer"), [("not stated", None), ("yes", YES), ("no", NO)])
def test_uncertain_answers(clinic: Path, tmp_path: Path, policy: str, answer: int | None) -> None:
    made = importer.carried_out(tmp_path / "p.cxr", [clinic], Asked(policies=Policies(uncertain=policy)))
    assert state(made.project)["b.png"].get("Edema") == answer
    assert ("-1" in made.layouts[0]) == (policy != "not stated"), "what is not as usual is said"


def test_no_finding_as_a_no_to_all_others(clinic: Path, tmp_path: Path) -> None:
    usual = importer.run(tmp_path / "usual.cxr", [clinic])
    assert state(usual.project)["a.png"] == {"No Finding": YES}
    made = importer.carried_out(tmp_path / "p.cxr", [clinic], Asked(policies=Policies(no_finding="all no")))
    assert state(made.project) == {
        "a.png": {"Edema": NO, "Mass": NO},
        "b.png": {"Mass": YES},
        "c.png": {"Edema": NO, "Mass": YES},
    }
    assert "No Finding" not in made.findings


def test_the_next_import_reads_with_the_same_policies(clinic: Path, tmp_path: Path) -> None:
    asked = Asked(policies=Policies(uncertain="yes", no_finding="all no"))
    project = importer.carried_out(tmp_path / "p.cxr", [clinic], asked).project
    assert importer.run(project, [clinic]).unchanged == 3
    with Catalog.open(project) as catalog:
        assert catalog.options(clinic)["policies"] == {
            "uncertain": "yes", "readers": "majority", "no_finding": "all no",
        }  # fmt: skip


def test_a_project_from_before_there_were_policies(clinic: Path, tmp_path: Path) -> None:
    project = importer.run(tmp_path / "p.cxr", [clinic]).project
    with Catalog.open(project) as catalog:
        options = dict(catalog.options(clinic))
    del options["policies"], options["columns"]["reader"]
    assert plans._as_last_time(options) == FIRST


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("majority", {"Mass": YES, "Edema": NO}), ("any", {"Mass": YES, "Edema": YES, "Nodule": YES}), ("all", {"Mass": NO})],
)
def test_readers_of_any_table_vote(source: Path, tmp_path: Path, policy: str, expected: dict[str, int]) -> None:
    """One row for each of what a reader saw; Nodule is seen by one of two who say something on it."""
    draw(source, "a.png", "b.png")
    rows = ["a.png,r1,Mass", "a.png,r1,Edema", "a.png,r2,Mass", "a.png,r3,Nodule", "b.png,r1,Nodule"]
    (source / "labels.csv").write_text("image,radiologist,finding\n" + "\n".join(rows))
    made = importer.carried_out(tmp_path / "p.cxr", [source], Asked(policies=Policies(readers=policy)))
    found = state(made.project)["a.png"]
    assert {name: found.get(name) for name in expected} == expected
    assert "several readers" in made.layouts[0]


def test_what_matters_is_known(clinic: Path, tmp_path: Path) -> None:
    said = plans.planned(tmp_path / "p.cxr", [clinic], Asked())[0].said
    assert said.matters == ("uncertain", "no_finding")
    assert said.layout == "labels.csv: one column per finding: No Finding, Edema, Mass"
