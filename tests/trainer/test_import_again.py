"""The same source imported again: what was chosen before holds until something else is said, and no answer is lost unasked."""

from pathlib import Path

import pytest

from trainer import cli, importer, preview
from trainer.catalog import NO, YES, Catalog
from trainer.errors import DataError
from trainer.labelling import FIRST, Asked
from trainer.policies import Policies

from . import folder_makers
from .makers import draw, figures, state

EDEMA = "file,edema,effusion\n1.png,1,0\n2.png,-1,1\n3.png,0,-1\n"
NAMED = "file,label,patient\n1.png,a,p1\n2.png,b,p2\n3.png,a,p1\n4.png,b,p1\n"


@pytest.fixture
def wards(tmp_path: Path) -> Path:
    """Folders that could be taken for findings."""
    draw(tmp_path / "wards", "east/1.png", "east/2.png", "west/3.png")
    return tmp_path / "wards"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "p.cxr"


def typed(project: Path, source: Path, *options: str) -> dict[str, int]:
    """Import as at a terminal; the answers on the image that is uncertain about the first finding."""
    assert cli.main(["import", str(project), str(source), *options]) == 0
    return state(project)["east/2.png"]


def test_a_policy_is_changed_and_changed_back(wards: Path, project: Path) -> None:
    (wards / "t.csv").write_text(EDEMA)
    assert typed(project, wards) == {"effusion": YES}
    assert typed(project, wards, "--uncertain", "yes") == {"edema": YES, "effusion": YES}
    assert typed(project, wards, "--no-finding", "all-no") == {"edema": YES, "effusion": YES}, "remembered, each by itself"
    assert typed(project, wards, "--uncertain", "not-stated") == {"effusion": YES}
    with Catalog.open(project) as catalog:
        assert catalog.options(wards)["policies"]["no_finding"] == "all no"


def test_a_policy_alone_forgets_neither_table_nor_columns(wards: Path, project: Path) -> None:
    table = wards.parent / "elsewhere.csv"
    table.write_text(EDEMA)
    typed(project, wards, "--labels", str(table), "--label-column", "edema")
    assert typed(project, wards, "--uncertain", "no") == {"edema": NO}
    assert typed(project, wards, "--patient-column", "effusion") == {"edema": NO}, "nor does a column that is named now"
    with Catalog.open(project) as catalog:
        assert set(catalog.patients(catalog.ids())) == {"0", "1", "-1"}


def test_a_layout_that_is_named_begins_anew(wards: Path, project: Path) -> None:
    (wards / "t.csv").write_text(EDEMA)
    assert typed(project, wards, "--layout", "folders") == {"east": YES, "west": NO}
    assert typed(project, wards) == {"east": YES, "west": NO}
    assert typed(project, wards, "--layout", "auto") == {"effusion": YES}
    assert typed(project, wards) == {"effusion": YES}


@pytest.mark.parametrize("content", ["", "file,label,patient\n1.png,b,p1\n2.png,b,p2\n2.png,a,p2\n"])
def test_a_table_that_is_gone_or_cut_takes_no_answers_along(tmp_path: Path, project: Path, content: str) -> None:
    source = tmp_path / "source"
    draw(source, "1.png", "2.png", "3.png")
    (source / "t.csv").write_text(NAMED)
    importer.run(project, [source])
    before = state(project)
    (source / "t.csv").write_text(content) if content else (source / "t.csv").rename(tmp_path / "t.csv")
    with pytest.raises(DataError, match="source would lose its findings a, b") as error:
        importer.run(project, [source])
    assert "--labels" in error.value.remedy
    assert state(project) == before
    looked = preview.run(project, [source])
    assert looked.questions[0] in str(error.value), "the window asks before"
    importer.carried_out(project, [source], looked.asked)
    assert state(project) == {path: {} for path in before}, "as asked"


def test_folders_do_not_take_the_place_of_a_table_unasked(wards: Path, project: Path) -> None:
    (wards / "t.csv").write_text(EDEMA)
    importer.run(project, [wards])
    (wards / "t.csv").unlink()
    with pytest.raises(DataError, match="get the findings east, west instead of edema, effusion"):
        importer.run(project, [wards])
    assert importer.run(project, [wards], layout="folders").findings == {"east": 2, "west": 1}


def test_one_more_image_of_a_folder_is_in_its_table_too(tmp_path: Path, project: Path) -> None:
    source = tmp_path / "source"
    draw(source, "1.png", "2.png", "3.png")
    (source / "t.csv").write_text(NAMED)
    importer.run(project, [source])
    draw(source, "4.png")
    found = importer.run(project, [source / "4.png"])
    assert figures(found) == (1, 0, 0, 0)
    assert found.unmatched == (), "the others are not asked for"
    with Catalog.open(project) as catalog:
        of = dict(zip(catalog.column(catalog.ids(), "path"), catalog.patients(catalog.ids()), strict=True))
    assert (state(project)["4.png"], of["4.png"]) == ({"a": NO, "b": YES}, "p1"), "no patient of its own"


def test_images_that_are_none_any_more_state_nothing(tmp_path: Path, project: Path) -> None:
    folder = folder_makers.covid_qu_ex(tmp_path)
    first = importer.run(project, [folder], layout="folders")
    told = preview.run(project, [folder], Asked("covid-qu-ex"))
    made = importer.run(project, [folder], layout="covid-qu-ex")
    assert first.taken == 10
    assert sorted(map(len, state(project).values())) == [0] * 5 + [3] * 5
    sentence = next(text for text in made.warnings if "would be left out now" in text)
    assert sentence.startswith("5 images of the project would be left out now")
    assert sentence in told.warnings
    assert (told.relabelled, made.changed) == (10, 10)
    assert dict(told.findings).keys() == made.findings.keys()


def test_images_that_another_table_does_not_name_keep_what_is_known(wards: Path, project: Path) -> None:
    (wards / "t.csv").write_text(EDEMA)
    importer.run(project, [wards])
    (wards / "t.csv").write_text("file,edema,effusion\n1.png,0,0\n2.png,0,0\n")
    made = importer.run(project, [wards])
    assert "1 image of the project is not named in the table; what was known of it stays" in made.warnings
    assert state(project)["west/3.png"] == {"edema": NO}


def test_what_holds_after_the_last_import() -> None:
    last = Asked("nih", Path("t.csv"), policies=Policies("yes"))
    assert Asked().after(FIRST) == FIRST
    assert Asked().after(last) == last
    assert Asked("auto").after(last) == Asked("auto", policies=Policies("yes"))
    assert Asked(policies=Policies("no", "", "")).after(last) == Asked("nih", Path("t.csv"), policies=Policies("no"))
