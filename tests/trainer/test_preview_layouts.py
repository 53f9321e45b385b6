"""What a preview says of the known datasets is what their import comes to, policy by policy."""

from pathlib import Path

import pytest

from trainer import importer, preview
from trainer.labelling import Asked
from trainer.layouts import LAYOUTS
from trainer.policies import Policies

from .folder_makers import MAKERS, VARIANTS
from .test_preview import agree

ALL = {**MAKERS, **{name: maker for name, (_, maker) in VARIANTS.items()}}
ONLY_WHEN_OPENED = ("padchest", "siim")
"""One file is broken; patients stand in DICOM headers only. A preview does not open the files."""
OTHERWISE = Policies("yes", "any", "all no")
OPEN = {"chexpert": ("uncertain", "no_finding"), "vindr": ("readers", "no_finding"), "stat946": ()}


@pytest.mark.parametrize("name", ALL)
def test_the_preview_of_a_known_dataset_is_what_happens(tmp_path: Path, name: str) -> None:
    folder = ALL[name](tmp_path / "data")
    found = preview.run(tmp_path / "x.cxr", [folder])
    made = importer.run(tmp_path / "x.cxr", [folder])
    if name not in ONLY_WHEN_OPENED:
        agree(found, made)
    (looked,) = found.sources
    assert (looked.key, looked.recognised) in {(layout.key, layout.name) for layout in LAYOUTS}
    assert looked.why
    assert sum(looked.masks.values()) == made.masks
    assert all(one.masks == tuple(sorted(one.masks)) for one in found.examples)


@pytest.mark.parametrize("name", OPEN)
def test_policies_that_matter_change_the_counts(tmp_path: Path, name: str) -> None:
    folder = ALL[name](tmp_path / "data")
    plain = preview.run(tmp_path / "x.cxr", [folder])
    asked = Asked(policies=OTHERWISE)
    otherwise = preview.run(tmp_path / "x.cxr", [folder], asked)
    assert set(plain.sources[0].matters) == set(OPEN[name])
    assert (plain.findings != otherwise.findings) == bool(OPEN[name])
    assert (plain.sources[0].layout != otherwise.sources[0].layout) == bool(OPEN[name])
    agree(otherwise, importer.carried_out(tmp_path / "x.cxr", [folder], asked))
    again = preview.run(tmp_path / "x.cxr", [folder])
    assert (again.asked.policies, again.relabelled) == (OTHERWISE, 0), "remembered"
