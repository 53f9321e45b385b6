"""The dialogs that the window itself opens: import, keyboard, glossary, about, theme, and the question before it closes."""

import platform
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import PySide6
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox, QWidget

import trainer
from cxr_desktop import closing, theme
from cxr_desktop.glossary import GlossaryDialog
from cxr_desktop.keyboard import KeyboardDialog
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from cxr_desktop.supervisor import TrainingTask
from cxr_desktop.tasks import Task

LIBRARIES: Mapping[str, tuple[str, str]] = {
    "PySide6-Essentials": ("Qt for Python", "LGPL 3"),
    "torch": ("PyTorch", "BSD 3"),
    "torchvision": ("torchvision", "BSD 3"),
    "timm": ("timm", "Apache 2.0"),
    "safetensors": ("safetensors", "Apache 2.0"),
    "numpy": ("NumPy", "BSD 3"),
    "pillow": ("Pillow", "MIT-CMU"),
    "pydicom": ("pydicom", "MIT"),
    "imagecodecs": ("imagecodecs", "BSD 3"),
    "matplotlib": ("Matplotlib", "its own, like Python's"),
    "pyqtgraph": ("pyqtgraph", "MIT"),
    "openpyxl": ("openpyxl", "MIT"),
    "defusedxml": ("defusedxml", "PSF"),
    "jinja2": ("Jinja2", "BSD 3"),
    "rich": ("Rich", "MIT"),
    "filelock": ("filelock", "MIT"),
    "platformdirs": ("platformdirs", "MIT"),
}
"""Every package that the program needs to run -> its name for people, and its licence."""
ABOUT = """<h3>CXR Desktop {version}</h3>
<p>Build, judge and explain chest X-ray classifiers on this computer.</p>
<p><b>For teaching and research, not for diagnosis.</b></p>
<p>Free software under the Apache License 2.0. It stands on {libraries}, and on what these need in turn. Each comes with the
text of its licence. Weights that are downloaded and datasets that are imported have licences of their own.</p>
<p>Python {python}, Qt for Python {qt}, {system}</p>"""


def import_images(parent: QWidget, project: Project, sources: Sequence[Path], *, new: bool = False) -> None:
    """Open the import wizard; `new` makes another project even if one is open."""
    from cxr_desktop.dataset.import_wizard import ImportWizard

    wizard = ImportWizard(project, list(sources), parent, new=new)
    wizard.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    wizard.open()


def keyboard(parent: QWidget, actions: Mapping[str, Sequence[QAction]]) -> None:
    """Every action with its key."""
    _open(KeyboardDialog(actions, parent))


def glossary(parent: QWidget, word: str = "") -> None:
    """The words of the field."""
    _open(GlossaryDialog(word, parent))


def about(parent: QWidget) -> None:
    """What this is, under which licence."""
    libraries = ", ".join(f"{name} ({licence})" for name, licence in LIBRARIES.values())
    words = ABOUT.format(
        libraries=libraries,
        version=trainer.__version__,
        python=platform.python_version(),
        qt=PySide6.__version__,
        system=platform.platform(),
    )
    box = QMessageBox(QMessageBox.Icon.NoIcon, "About CXR Desktop", words, QMessageBox.StandardButton.Close, parent)
    _open(box)


def add_themes(menu: QMenu, settings: Settings) -> None:
    """System, light, dark: one is chosen, shown at once and remembered."""
    themes = menu.addMenu("&Theme")
    group = QActionGroup(themes)
    for name in theme.CHOICES:
        action = QAction(name.capitalize(), group, checkable=True, checked=settings.text("theme", "system") == name)
        action.triggered.connect(partial(_choose_theme, settings, name))
        themes.addAction(action)


def _choose_theme(settings: Settings, name: str) -> None:
    settings.set_text("theme", name)
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme.apply(application, name)


def may_close(parent: QWidget, project: Project, tasks: Sequence[Task]) -> bool:
    """Ask what becomes of runs and other work before the window closes; False if it is to stay."""
    active = project.training.trainings()
    if active and not closing.ask(parent, project.training, active):
        return False
    tasks = [task for task in tasks if task.running and not isinstance(task, TrainingTask)]
    if not tasks:
        return True
    words = "\n".join(task.label for task in tasks)
    box = QMessageBox(QMessageBox.Icon.Question, "Work is under way", f"This is not finished yet:\n\n{words}", parent=parent)
    box.setInformativeText("If you close now it is stopped. What was finished before is kept.")
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
    stop.setAutoDefault(False)  # Enter must not do it, wherever the focus goes
    stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.exec()
    return box.clickedButton() is stop


def _open(dialog: QWidget) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
