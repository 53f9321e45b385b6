"""The steps of the import wizard by themselves: sources, mapping, preview, report."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import import_preview, import_report
from cxr_desktop.dataset.import_mapping import NO_COLUMN, OTHER, ImportMapping, Recognised
from cxr_desktop.dataset.import_preview import ImportPreview
from cxr_desktop.dataset.import_report import ImportReport
from cxr_desktop.dataset.import_sources import ImportSources
from cxr_desktop.tasks import Task
from trainer.catalog import Catalog
from trainer.columns import NONE, Columns
from trainer.errors import DataError
from trainer.importer import Imported
from trainer.labelling import FIRST, Asked
from trainer.plans import Refused
from trainer.policies import Policies
from trainer.preview import Looked, Preview
from trainer.records import Entry

TABLE = Path("/data/labels.csv")
HEADER = ("image", "A", "B", "C", "who", "ward")
FOUND = Recognised(TABLE, HEADER, Columns(path="image", labels=("A", "B"), patient="who"), (TABLE, Path("/data/b.csv")), True)
LOOKED = Looked(
    Path("/data"),
    9,
    "labels.csv: one column per finding: A, B",
    (TABLE,),
    TABLE,
    HEADER,
    FOUND.columns,
    notes=("passed over: 1 mask",),
)
PREVIEW = Preview(
    project=Path("/projects/x.cxr"),
    sources=(LOOKED,),
    files=9,
    new=5,
    known=3,
    findings=(("A", (2, 5, 1)), ("B", (1200, 0, 7))),
    patients=4,
    patient_from="the column 'who' of labels.csv",
    examples=(Entry("0.png", "", 0, 0, 0, 0, patient="p", age=50.0, labels={"A": 1, "B": 0}),),
    refused=(Refused("9.png", "The file is empty"),),
    warnings=("passed over: 1 mask",),
)
MADE = Imported(Path("/projects/x.cxr"), 5, 1, 2, 0, (), (), {"A": 1200}, 4, ("",), ())


@pytest.fixture
def mapping(qtbot: QtBot) -> ImportMapping:
    made = ImportMapping(None)
    qtbot.addWidget(made)
    made.show()
    made.show_recognised(FOUND)
    return made


def pick(field: QComboBox, text: str) -> None:
    """Choose as a user does."""
    field.setCurrentIndex(field.findText(text))
    field.activated.emit(field.currentIndex())


def checked(mapping: ImportMapping) -> list[str]:
    items = [mapping.findings.item(row) for row in range(mapping.findings.count())]
    return [item.text() for item in items if item.checkState() == Qt.CheckState.Checked]


# The mapping


def test_what_was_recognised_is_shown_and_asks_for_nothing(mapping: ImportMapping) -> None:
    assert mapping.table.currentText() == "labels.csv"
    assert {name: field.currentText() for name, field in mapping.columns.items()} == {
        "path": "image",
        "patient": "who",
        **dict.fromkeys(("study", "view", "sex", "age", "source", "part", "reader"), NO_COLUMN),
    }
    assert checked(mapping) == ["A", "B"]
    assert mapping.asked == Asked()


def test_columns_that_mean_something_else_are_no_findings(mapping: ImportMapping) -> None:
    offered = [mapping.findings.item(row).text() for row in range(mapping.findings.count())]
    assert offered == ["A", "B", "C", "ward"]


def test_the_image_file_needs_a_column(mapping: ImportMapping) -> None:
    assert mapping.columns["path"].findText(NO_COLUMN) == -1
    mapping.show_recognised(replace(FOUND, columns=Columns()))
    assert mapping.columns["path"].currentText() == NO_COLUMN, "as long as none was recognised"


@pytest.mark.parametrize(
    ("name", "column"), [("patient", "ward"), ("view", "C"), ("path", "ward"), ("source", "ward"), ("part", "C")]
)
def test_a_column_that_is_chosen_is_asked_for(mapping: ImportMapping, qtbot: QtBot, name: str, column: str) -> None:
    with qtbot.waitSignal(mapping.changed):
        pick(mapping.columns[name], column)
    assert mapping.asked == replace(FIRST, table=TABLE, columns=Columns(**{name: column})), "all else stays open to recognition"


def test_no_column_is_asked_for_too(mapping: ImportMapping) -> None:
    pick(mapping.columns["patient"], NO_COLUMN)
    assert mapping.asked.columns == Columns(patient=NONE)


def test_choices_add_up(mapping: ImportMapping) -> None:
    pick(mapping.columns["patient"], "ward")
    pick(mapping.columns["sex"], "C")
    mapping.findings.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert mapping.asked.columns == Columns(patient="ward", sex="C", labels=("A",))


def test_the_same_choice_again_is_no_change(mapping: ImportMapping, qtbot: QtBot) -> None:
    pick(mapping.columns["patient"], "ward")
    with qtbot.assertNotEmitted(mapping.changed):
        pick(mapping.columns["patient"], "ward")


def test_findings_are_ticked_by_key(mapping: ImportMapping, qtbot: QtBot) -> None:
    mapping.findings.setCurrentRow(2)
    with qtbot.waitSignal(mapping.changed):
        QTest.keyClick(mapping.findings, Qt.Key.Key_Space)
    assert mapping.asked.columns.labels == ("A", "B", "C")
    for row in range(3):
        mapping.findings.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert mapping.asked.columns.labels == (NONE,)


def test_several_tables_are_not_asked_for_by_name(mapping: ImportMapping) -> None:
    mapping.show_recognised(replace(FOUND, alone=False))
    pick(mapping.columns["patient"], "ward")
    assert mapping.asked == replace(FIRST, layout="table", columns=Columns(patient="ward"))


def test_another_table_forgets_the_columns(mapping: ImportMapping, qtbot: QtBot) -> None:
    pick(mapping.columns["patient"], "ward")
    pick(mapping.table, "b.csv")
    assert mapping.asked == Asked(table=Path("/data/b.csv"), policies=Policies())
    pick(mapping.table, OTHER)
    dialog = mapping.findChild(QFileDialog)
    dialog.fileSelected.emit("/elsewhere/c.csv")
    assert mapping.asked == Asked(table=Path("/elsewhere/c.csv"), policies=Policies())
    dialog.close()
    qtbot.waitUntil(lambda: mapping.findChild(QFileDialog) is None)
    assert mapping.table.currentText() == "labels.csv", "until it is recognised"


@pytest.mark.parametrize("layout", ["folders", "flat"])
def test_without_a_table_there_are_no_columns(mapping: ImportMapping, layout: str) -> None:
    mapping.asked = Asked(table=TABLE)
    mapping.layout_.setCurrentIndex(mapping.layout_.findData(layout))
    mapping.layout_.activated.emit(mapping.layout_.currentIndex())
    assert mapping.asked == Asked(layout)
    mapping.show_recognised(Recognised(None, (), Columns(), (TABLE,), True))
    assert mapping.table.currentText() == NO_COLUMN
    assert not any(field.isVisible() for field in mapping.columns.values())
    assert not mapping.findings.isVisible()
    assert mapping.layout_.currentData() == layout


KNOWN = replace(FOUND, key="chexpert", name="CheXpert", matters=("uncertain",))


def test_a_known_dataset_is_named_and_its_columns_can_be_changed(mapping: ImportMapping) -> None:
    mapping.show_recognised(KNOWN)
    assert mapping.layout_.currentText() == "Found by itself: CheXpert"
    assert mapping.layout_.findData("vindr") > 0, "every known dataset can be asked for"
    pick(mapping.columns["patient"], "ward")
    assert mapping.asked == replace(FIRST, layout="chexpert", columns=Columns(patient="ward")), "as the known dataset still"


def test_policies_are_kept_when_something_else_is_chosen(mapping: ImportMapping) -> None:
    mapping.show_recognised(KNOWN)
    mapping.policies.lists["uncertain"].buttons["yes"].click()
    assert mapping.asked == Asked("auto", policies=Policies("yes"))
    pick(mapping.columns["patient"], "ward")
    pick(mapping.table, "b.csv")
    assert mapping.asked == Asked(table=Path("/data/b.csv"), policies=Policies("yes"))
    pick(mapping.layout_, "NIH ChestX-ray14")
    assert mapping.asked == Asked("nih", policies=Policies("yes"))


def test_the_choices_of_the_last_import_hold_until_they_are_changed(mapping: ImportMapping) -> None:
    last = Asked("chexpert", TABLE, Columns(sex="C"), Policies("no"))
    mapping.show_recognised(replace(KNOWN, asked=last))
    assert mapping.layout_.currentText() == "As in its last import: CheXpert"
    assert mapping.policies.lists["uncertain"].current() == "no"
    assert mapping.asked == Asked(), "nothing was chosen now"
    pick(mapping.columns["patient"], "ward")
    assert mapping.asked == replace(last, columns=Columns(sex="C", patient="ward"))


def test_what_was_chosen_at_the_last_import_is_taken_back(mapping: ImportMapping, qtbot: QtBot) -> None:
    mapping.show_recognised(replace(KNOWN, asked=replace(FIRST, policies=Policies("yes"))))
    with qtbot.waitSignal(mapping.changed):
        mapping.policies.lists["uncertain"].buttons["not stated"].click()
    assert mapping.asked == FIRST, "all of it is said, so that nothing is left to the last import"
    mapping.show_recognised(replace(KNOWN, asked=mapping.asked))
    assert (mapping.layout_.currentText(), mapping.layout_.currentIndex()) == ("Found by itself: CheXpert", 0)
    again = ImportMapping(None)
    qtbot.addWidget(again)
    again.show_recognised(replace(KNOWN, asked=Asked("folders", policies=Policies())))
    assert again.layout_.currentText() == "As in its last import: CheXpert"
    pick(again.layout_, "As in its last import: CheXpert")
    assert again.asked == Asked(), "the same once more"
    pick(again.layout_, "A folder for each finding")
    again.show_recognised(replace(KNOWN, key="", name="", asked=again.asked))
    pick(again.layout_, "Found by itself")
    assert again.asked == FIRST


def test_a_table_that_was_chosen_before_is_offered(qtbot: QtBot) -> None:
    mapping = ImportMapping(Path("/elsewhere/c.csv"))
    qtbot.addWidget(mapping)
    mapping.show_recognised(Recognised(None, (), Columns(), (), True))
    assert mapping.table.findText("c.csv") >= 0


# The preview


@pytest.fixture
def preview(mapping: ImportMapping, qtbot: QtBot) -> ImportPreview:
    made = ImportPreview(mapping)
    qtbot.addWidget(made)
    made.resize(800, 500)
    made.show()
    return made


def _tabs(preview: ImportPreview) -> list[str]:
    tabs = preview.tabs
    return [tabs.tabText(place) for place in range(tabs.count()) if tabs.isTabVisible(place)]


def test_everything_that_would_be_taken(preview: ImportPreview) -> None:
    assert not preview.tabs.isVisible(), "nothing to see yet"
    preview.show_preview(PREVIEW)
    assert preview.reason.text() == (
        "Recognised: labels.csv: one column per finding: A, B. Patient: the column 'who' of labels.csv."
    )
    assert preview.findings.rows() == [("A", "2", "5", "1"), ("B", "1,200", "0", "7")]
    assert preview.examples.header()[-2:] == ("A", "B")
    assert preview.examples.rows() == [("0.png", "p", "", "", "50", "", "", "yes", "no")]
    assert _tabs(preview) == ["Findings 2", "About: 1 note", "First images", "Left out 1"]


def test_the_effect_of_a_policy_is_seen_in_the_counts(preview: ImportPreview) -> None:
    preview.show_preview(PREVIEW)
    assert not preview.compared.isVisible()
    yes = replace(PREVIEW, findings=(("A", (3, 5, 0)),), asked=Asked("auto", policies=Policies("yes")))
    preview.show_preview(yes)
    assert preview.findings.rows() == [("A", "3 (+1)", "5", "0 (-1)"), ("B", "0 (-1,200)", "0", "0 (-7)")]
    assert preview.compared.isVisible()
    preview.show_preview(replace(yes, asked=Asked("folders", policies=Policies("yes"))))
    assert preview.findings.rows() == [("A", "3", "5", "0")], "nothing to compare with"


def test_a_known_dataset_and_why(preview: ImportPreview) -> None:
    known = replace(
        LOOKED, key="nih", recognised="NIH ChestX-ray14", why=("a.csv has the column Image Index",), masks={"lung": 2}
    )
    refused = (Refused("9.png", "The file is empty"), *(Refused(f"{n}.png", "it is not named in a.csv") for n in range(3)))
    preview.show_preview(replace(PREVIEW, sources=(known,), refused=refused))
    assert preview.reason.text().startswith("Recognised: NIH ChestX-ray14, as a.csv has the column Image Index. Patient: ")
    assert "4 files or rows left out (3: it is not named in a.csv; 1: the file is empty)" in preview.summary.text()
    assert "2 lung masks are kept beside their images." in preview.summary.text()
    assert "Image Index" in preview.recognised.toPlainText()
    assert preview.mapping.layout_.currentText() == "Found by itself: NIH ChestX-ray14"


def test_several_sources_are_told_apart(preview: ImportPreview) -> None:
    other = replace(LOOKED, root=Path("/more"), layout="images without labels", table=None)
    preview.show_preview(replace(PREVIEW, sources=(LOOKED, other)))
    assert "data: labels.csv" in preview.reason.text()
    assert "more: images without labels" in preview.reason.text()


def test_a_problem_empties_the_tables_and_leaves_the_mapping(preview: ImportPreview) -> None:
    preview.show_preview(PREVIEW)
    error = DataError(
        "No row of the table names a file", where="labels.csv", remedy="Name the right column with --path-column."
    )
    preview.show_preview(Preview(PREVIEW.project, (LOOKED,), 9, problem=error))
    assert preview.summary.text() == (
        "No row of the table names a file (labels.csv). Choose the right column under Image file."
    )
    assert preview.findings.rows() == []
    assert not preview.tabs.isEnabled()
    assert preview.mapping.isVisible()
    preview.show_preview(PREVIEW)
    assert preview.tabs.isEnabled()
    assert preview.summary.property("role") == ""


def test_while_it_looks_nothing_holds(preview: ImportPreview) -> None:
    preview.show_preview(PREVIEW)
    preview.wait()
    assert preview.summary.text() == "Looking at the files"
    assert not preview.tabs.isEnabled()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Preview(Path("x.cxr"), (), 1, new=1), "1 image file: 1 new. They go to x.cxr."),
        (replace(PREVIEW, refused=()), "9 image files: 5 new, 3 in the project already. 4 patients. They go to x.cxr."),
        (
            replace(PREVIEW, relabelled=2, gone=1, patients=1),
            ("9 image files: 5 new, 3 in the project already (of which 2 will be described otherwise), "
            "1 of the project not there any more, 1 file or row left out. 1 patient. They go to x.cxr."),
        ),
        (
            Preview(Path("x.cxr"), (), 2, new=2, patient_unknown=2, patient_from="nowhere: each image ..."),
            "2 image files: 2 new. The patient of 2 images is unknown. They go to x.cxr.",
        ),
        (
            Preview(Path("x.cxr"), (), 2, new=2, patient_unknown=1, patients=1, patient_from="the DICOM header of each file"),
            ("2 image files: 2 new. 1 patient. The patient of 1 image is read from their headers while they are imported. "
            "They go to x.cxr."),
        ),
    ],
)  # fmt: skip
def test_a_preview_in_words(found: Preview, words: str) -> None:
    assert import_preview.in_words(found) == words


# The report


@pytest.fixture
def report(qtbot: QtBot) -> ImportReport:
    made = ImportReport()
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    return made


def test_progress_and_what_is_left(report: ImportReport, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("Importing")
    report.follow(task)
    assert (report.bar.minimum(), report.bar.maximum()) == (0, 0), "not known yet"
    monkeypatch.setattr(task, "_since", task._since - 60)
    task.advance(250, 1000)
    assert (report.bar.value(), report.bar.maximum()) == (250, 1000)
    assert report.status.text() == "250 of 1,000 files, about 3 min left"
    task.advance(1000, 1000)
    assert report.status.text() == "1,000 of 1,000 files; storing"


def test_a_clean_import_has_no_table(report: ImportReport) -> None:
    report.show_result(MADE)
    assert report.title.text() == "8 images in x.cxr"
    assert not report.table.isVisible()
    assert not report.save.isVisible()
    report.show_result(replace(MADE, warnings=("passed over: 2 masks",), unmatched=("7.png",)))
    assert report.table.rows() == [("row without a file", "7.png", ""), ("note", "", "passed over: 2 masks")]
    assert report.save.isVisible()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (MADE, ["5 new, 1 changed, 2 as before. 4 known patients in the project.", "Images with a finding: A 1,200."]),
        (
            replace(MADE, taken=0, changed=0, gone=3, findings={}, patients=1),
            ["0 new, 2 as before, 3 not there any more. 1 known patient in the project.", ("No image has a label yet: import "
             "again with a table, from a folder for each finding, or label by hand.")],
        ),
        (
            replace(MADE, refused=(Refused("a", "b"),), unmatched=("c", "d"), masks=1200, layouts=("CheXpert",)),
            ["5 new, 1 changed, 2 as before. 4 known patients in the project.",
             "1,200 masks are kept beside their images.", "1 file or row left out.",
             "2 rows of the table without a file.", "Images with a finding: A 1,200.", "Read as CheXpert."],
        ),
    ],
)  # fmt: skip
def test_a_report_in_words(made: Imported, words: list[str]) -> None:
    assert import_report.in_words(made).split("\n") == words


# The sources


@pytest.fixture
def sources(tmp_path: Path, qtbot: QtBot) -> ImportSources:
    (tmp_path / "clinic").mkdir()
    made = ImportSources([tmp_path / "clinic"], None)
    qtbot.addWidget(made)
    made.show()
    return made


def test_name_and_place_follow_the_first_source_until_they_are_written(sources: ImportSources, tmp_path: Path) -> None:
    assert sources.target() == tmp_path / "clinic.cxr"
    sources.list.item(0).setSelected(True)
    QTest.mouseClick(sources.remove, Qt.MouseButton.LeftButton)
    (tmp_path / "ward").mkdir()
    sources.add([tmp_path / "ward"])
    assert sources.target() == tmp_path / "ward.cxr"
    sources.name.selectAll()
    QTest.keyClicks(sources.name, "mine")
    sources.list.item(0).setSelected(True)
    QTest.mouseClick(sources.remove, Qt.MouseButton.LeftButton)
    sources.add([tmp_path / "clinic"])
    assert sources.target() == tmp_path / "mine.cxr"
    assert str(tmp_path / "mine.cxr") in sources.remark.text()


def test_the_place_is_chosen_in_a_dialog(sources: ImportSources, tmp_path: Path, qtbot: QtBot) -> None:
    QTest.mouseClick(sources.browse, Qt.MouseButton.LeftButton)
    dialog = sources.findChild(QFileDialog)
    (tmp_path / "projects").mkdir()
    dialog.fileSelected.emit(str(tmp_path / "projects"))
    dialog.close()
    qtbot.waitUntil(lambda: sources.findChild(QFileDialog) is None)
    assert sources.target() == tmp_path / "projects" / "clinic.cxr"
    sources.add([tmp_path])
    assert sources.target() == tmp_path / "projects" / "clinic.cxr"


def test_a_suffix_is_not_given_twice(sources: ImportSources, tmp_path: Path) -> None:
    sources.name.setText("x.cxr")
    assert sources.target() == tmp_path / "x.cxr"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
def test_where_nothing_may_be_written_documents_are_proposed(tmp_path: Path, qtbot: QtBot) -> None:
    locked = tmp_path / "locked"
    (locked / "clinic").mkdir(parents=True)
    locked.chmod(0o555)
    try:
        made = ImportSources([locked / "clinic"], None)
        qtbot.addWidget(made)
        assert Path(made.place.text()) != locked
    finally:
        locked.chmod(0o755)


def test_single_images_and_a_table(tmp_path: Path, qtbot: QtBot) -> None:
    Catalog.create(tmp_path / "x.cxr").close()
    made = ImportSources([tmp_path / "a" / "0.png", tmp_path / "a" / "t.csv"], tmp_path / "x.cxr")
    qtbot.addWidget(made)
    assert made.sources() == [tmp_path / "a" / "0.png"]
    assert made.table() == tmp_path / "a" / "t.csv"
    assert made.list.item(1).text().endswith("(table)")
    assert made.target() == tmp_path / "x.cxr"
    assert made.problem() == ""
    (tmp_path / "x.cxr").rename(tmp_path / "moved.cxr")
    assert "not at its place any more" in made.problem()  # it would make a new project there


def test_without_sources_it_is_said_where_they_would_go(tmp_path: Path, qtbot: QtBot) -> None:
    made = ImportSources([], tmp_path / "x.cxr")
    qtbot.addWidget(made)
    assert made.remark.text() == "Add a folder or files, or drop them here. They are added to x.cxr."
    assert made.remark.property("role") == "muted", "nothing is wrong yet"


def test_a_name_that_no_disk_takes_is_told_while_it_is_typed(tmp_path: Path, qtbot: QtBot) -> None:
    made = ImportSources([tmp_path], None)
    qtbot.addWidget(made)
    made.place.setText(str(tmp_path))
    made.name.setText("肺" * 100)
    assert made.problem().startswith("The name is too long")
