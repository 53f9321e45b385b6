"""Which dataset it is, why, how it is read, and what to know of it: a page to be read."""

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTextBrowser, QWidget

from cxr_desktop import theme
from cxr_desktop.wording import in_window
from trainer.preview import Looked, Preview


class ImportRecognised(QTextBrowser):
    """Text that is scrolled, selected and copied; it opens nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setAccessibleName("What was recognised, and why")
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(theme.SPACE)
        self.document().setIndentWidth(2 * theme.SPACE)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def show_preview(self, found: Preview) -> None:
        """Tell of each source."""
        self.setHtml("".join(_source(one, found) for one in found.sources))


def known(found: Preview) -> int:
    """How many notes there are on the sources."""
    return sum(len(one.notes) for one in found.sources)


def masks_in_words(one: Looked) -> str:
    """Which masks are kept, in a sentence; "" where there are none."""
    told = [f"{count:,} {_masks(kind, count)}" for kind, count in one.masks.items()]
    if not told:
        return ""
    alone = sum(one.masks.values()) == 1
    return f"{', '.join(told)} {'is kept beside its image' if alone else 'are kept beside their images'}"


def _masks(kind: str, count: int) -> str:
    name = kind if kind == "mask" else f"{kind} mask"
    return name if count == 1 else f"{name}s"


def _source(one: Looked, found: Preview) -> str:
    read = [*one.layout.split("; "), masks_in_words(one)]  # rules and policies are one long sentence
    if found.patient_from and not any(text.startswith("patient: ") for text in read):
        read.insert(1, f"patient: {found.patient_from}")
    title = one.recognised or "No known dataset"
    where = f" ({one.root.name})" if len(found.sources) > 1 else ""
    known_by = ["It is none of the known datasets, so its tables and folders are taken at their word"]
    return (
        f"<h3>{escape(title + where)}</h3>"
        + _listed("Why", one.why or (() if one.recognised else known_by))
        + _listed("How it is read", [text for text in read if text])
        + _listed("Good to know", one.notes)
    )


def _listed(title: str, sentences: Sequence[str]) -> str:
    rows = "".join(f"<li>{escape(_sentence(in_window(text)))}</li>" for text in sentences)
    return f"<p><b>{title}</b></p><ul>{rows}</ul>" if rows else ""


def _sentence(text: str) -> str:
    whole = text if text.endswith((".", "!", "?")) else f"{text}."
    # A file's name or a mask's count at the beginning stays as it is written.
    return whole if "." in whole.split(" ")[0] else whole[:1].upper() + whole[1:]
