"""The room of the tour in which known datasets are brought in: what was recognised, policies and their effect, masks."""

from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QItemSelectionModel

from cxr_desktop.dataset.import_wizard import ImportWizard
from tests.journeys.window import User
from tests.trainer import folder_makers, layout_makers

DATASETS = {
    "chexpert": layout_makers.chexpert,
    "nih": layout_makers.nih,
    "vindr": layout_makers.vindr,
    "covid-qu-ex": folder_makers.covid_qu_ex,
}


class Guide(Protocol):
    """What this room needs of the guide."""

    user: User
    work: Path

    def page(self, title: str) -> object:
        """Go to a page."""

    def idle(self) -> None:
        """Wait until nothing is read or drawn any more."""

    def shoot(self, name: str) -> None:
        """Take a picture."""


def known_datasets(guide: Guide) -> None:
    """One after another; the last stays open, and a mask is laid over one of its images."""
    for name, make in DATASETS.items():
        guide.user.project.close()
        source = guide.work / "known" / name
        if not source.exists():
            source.mkdir(parents=True)
            make(source)
        _bring_in(guide, name, source)
    page = guide.page("Dataset")
    guide.idle()
    ids = guide.user.project.catalog.ids()
    row = next(row for row, image in enumerate(ids) if guide.user.project.catalog.masks([int(image)]))
    page.views.focus_view()
    page.views.selection.setCurrentIndex(page.views.model.index(row, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect)
    page.details.masks.box.setChecked(True)
    guide.idle()
    guide.shoot("dataset-masks")


def _bring_in(guide: Guide, name: str, source: Path) -> None:
    user = guide.user
    user.window.open_paths([source])
    wizard = user.dialog(ImportWizard)
    user.type(name, user.field("Name of the project"))
    user.click("Next")
    guide.idle()
    tabs = wizard.preview.tabs
    for place in range(tabs.count()):
        if tabs.isTabVisible(place):
            tabs.setCurrentIndex(place)
            guide.shoot(f"import-{name}-{tabs.tabText(place).split()[0].strip(':').lower()}")
    tabs.setCurrentIndex(0)
    for policy, options in wizard.preview.mapping.policies.lists.items():
        if options.isVisibleTo(wizard):
            _choose(guide, wizard, policy)
            guide.shoot(f"import-{name}-policy-{policy.replace('_', '-')}")
    user.click("Import")
    user.until(lambda: wizard.show_images.isVisible(), "the report")
    guide.idle()
    guide.shoot(f"import-{name}-report")
    user.click("Open dataset")
    user.until(lambda: user.top() is user.window, "the wizard to close")


def _choose(guide: Guide, wizard: ImportWizard, policy: str) -> None:
    """The second choice instead of the first."""
    buttons = list(wizard.preview.mapping.policies.lists[policy].buttons.values())
    buttons[1].click()
    buttons[1].setFocus()  # the form scrolls to it
    guide.user.until(lambda: wizard.next.isEnabled(), "the new preview")
    guide.idle()
