"""What a person picked, files and folders -> the image files among them, by the same rule wherever files are predicted."""

from collections.abc import Sequence
from pathlib import Path

from trainer import files, images, places
from trainer.errors import DataError, Progress


def expanded(paths: Sequence[Path], progress: Progress | None = None, *, left_out: list[Path] | None = None) -> list[Path]:
    """The files, and all images of the folders, among `paths`. Raises `DataError` if something is missing or empty.

    Progress counts the files that were looked at; how many there will be is not known (0). The masks of the folders are put
    into `left_out`.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = _inside(path, progress, left_out)
            if not inside:
                raise DataError("There are no images in this folder", where=path, remedy="Give PNG, JPEG, TIFF or DICOM files.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise DataError("There is no such file or folder", where=path, remedy="Check the path for a typing error.")
    if not found:
        raise DataError("There is nothing to predict", remedy="Give files or folders of radiographs.")
    return found


def _inside(folder: Path, progress: Progress | None, left_out: list[Path] | None) -> list[Path]:
    """All images of a folder, masks left out, as the import does."""
    found: list[Path] = []
    masks: list[Path] = []
    with files.storage_in_words(folder):
        for number, path in enumerate(folder.rglob("*"), 1):
            if path.is_file() and images.looks_like_image(path):
                (masks if places.is_mask(path.relative_to(folder)) else found).append(path)
            if progress and number % 100 == 0:
                progress(number, 0)
    if left_out is not None:
        left_out.extend(sorted(masks))
    return sorted(found)
