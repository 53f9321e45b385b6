"""Pictures on the viewer's buttons: line drawings in one colour that follows the theme."""

from PySide6.QtGui import QIcon

from cxr_desktop import icons, theme

_LENS = '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.3 15.3L20.5 20.5"/>'
_DRAWINGS = {
    "fit": '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/><rect x="8.5" y="8.5" width="7" height="7"/>',
    "actual": '<path d="M5 8l2.5-2v12M15.5 8L18 6v12"/><path d="M12 10v.3M12 14.5v.3" stroke-width="2.4"/>',
    "zoom_in": f'{_LENS}<path d="M7.5 10.5h6M10.5 7.5v6"/>',
    "zoom_out": f'{_LENS}<path d="M7.5 10.5h6"/>',
    "window": '<circle cx="12" cy="12" r="4.2"/><path d="M12 7.8a4.2 4.2 0 0 1 0 8.4z" fill="{c}"/>'
    '<path d="M12 2.5v2.2M12 19.3v2.2M2.5 12h2.2M19.3 12h2.2"/>'
    '<path d="M5.3 5.3l1.5 1.5M17.2 17.2l1.5 1.5M18.7 5.3l-1.5 1.5M6.8 17.2l-1.5 1.5"/>',
    "invert": '<rect x="4" y="4" width="16" height="16" rx="1"/><path d="M12 4h8v16h-8z" fill="{c}"/>',
    "reset": '<path d="M5 5v5h5"/><path d="M5.4 10A7.5 7.5 0 1 1 4.6 14"/>',
    "original": '<rect x="4" y="4" width="16" height="16" rx="1"/>',
    "overlay": '<rect x="4" y="4" width="16" height="16" rx="1"/><circle cx="13.5" cy="13" r="4" fill="{c}"/>',
    "beside": '<rect x="2.5" y="5" width="8.5" height="14" rx="1"/><rect x="13" y="5" width="8.5" height="14" rx="1"/>'
    '<circle cx="17.6" cy="13" r="2.3" fill="{c}"/>',
}
SIZES = (20, 24, 40, 48)


def names() -> list[str]:
    """What can be drawn."""
    return list(_DRAWINGS)


def icon(name: str) -> QIcon:
    """A drawing in the theme's colours of now, for buttons that can be used and for those that cannot."""
    made = QIcon()
    for mode, colour, opacity in (
        (QIcon.Mode.Normal, theme.colours().text, 1.0),
        (QIcon.Mode.Disabled, theme.colours().muted, 0.5),
    ):
        for size in SIZES:
            made.addPixmap(icons.drawn(_DRAWINGS[name], colour, size, opacity), mode)
    return made
