"""The first day: the demo from the first start to its report; a folder of radiographs brought in, looked at and divided."""

from pathlib import Path

import platformdirs

from cxr_desktop.dataset.import_wizard import ImportWizard
from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.demo_start import FOLDER
from trainer.catalog import Catalog

from .window import User, Walk


def test_the_demo_from_the_first_start_to_its_report(walk: Walk) -> None:
    made = platformdirs.user_documents_path() / FOLDER / "demo.cxr"
    assert not made.exists()

    def steps(user: User) -> None:
        window, run = user.window, made / "runs" / "demo"
        window.demo.options = ("--images", "24")
        user.click("Try the demo")
        assert window.status.work.isVisible()
        seen: list[str] = []  # few images are drawn so quickly that whoever only looks now and then may miss it
        (task,) = window.status.work.tasks()
        task.noted.connect(lambda: seen.append(window.status.work.label.text()))
        user.until(lambda: any("Drawing" in text for text in seen), "what is being done now")
        user.click("Page Home", window.navigation)
        user.click("Try the demo")
        user.note("The demo is being made")
        user.until(lambda: window.pages.get("training") is window.stack.currentWidget(), "the Train page")
        page = window.pages["training"]
        user.until(lambda: page.view.run is not None and page.view.run.folder == run, "the run, live")
        user.until(lambda: " left" in page.view.times.text() and page.view.bar.value() > 0, "its progress")
        assert window.windowTitle().startswith("demo")
        user.note("The demo is ready")
        assert window.stack.currentWidget() is window.pages["evaluation"]
        user.says("Macro F1")
        assert (run / "report.html").exists()
        assert not window.status.work.isVisible()
        user.keys("Ctrl+W")
        assert not user.project.is_open
        user.click("Try the demo")  # the one that is there
        user.until(lambda: user.project.is_open and window.stack.currentWidget() is page, "the demo again")

    walk(steps)
    assert [folder.name for folder in made.parent.parent.iterdir()] == [FOLDER]
    assert walk.code == 0


def test_a_folder_that_is_dropped_becomes_a_project_with_a_split(walk: Walk, drawn: Path, tmp_path: Path) -> None:
    broken = next((drawn / "images" / "Normal").iterdir())
    broken.write_bytes(broken.read_bytes()[:100])

    def bring_in(user: User) -> None:
        user.drop([drawn])
        wizard = user.dialog(ImportWizard)
        user.type("chests", user.field("Name of the project"))
        user.says(f"A new project is made: {tmp_path / 'chests.cxr'}")
        user.click("Next")
        user.says("30 image files: 30 new")
        user.says("They go to chests.cxr")
        user.click("Import")
        user.says("29 images in chests")
        assert broken.name in wizard.report.table.as_csv()
        assert user.project.folder == tmp_path / "chests.cxr"
        user.click("Split…")

    def divide(user: User) -> None:
        proposed = user.dialog(SplitDialog).form.name
        user.click("Make split")
        name = proposed.placeholderText()
        user.until(lambda: user.top() is user.window, "the split to be made")
        with Catalog.open(tmp_path / "chests.cxr") as catalog:
            assert name == catalog.active_split() != ""

    def look(user: User) -> None:
        page = user.window.stack.currentWidget()
        user.says("29 of 29 images")
        user.says(" patients")
        user.keys(page.bar.table.shortcut() if hasattr(page.bar.table, "shortcut") else "Ctrl+T")
        table = page.views.table
        user.until(table.isVisible, "the table")
        model, columns = table.model(), range(table.model().columnCount())
        user.until(lambda: model.rowCount() == 29 and model.index(0, 0).data(), "its rows")
        row = " ".join(str(model.index(0, column).data()) for column in columns)
        assert any(part in row.casefold() for part in ("train", "validation", "test")), row
        assert any(name in row for name in ("Normal", "Lobar pneumonia", "Pleural effusion")), row

    def steps(user: User) -> None:
        bring_in(user)
        divide(user)
        look(user)

    walk(steps)
