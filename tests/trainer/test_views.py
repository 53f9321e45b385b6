"""Words for views, as DICOM and the datasets write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import views


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("PA", "frontal", "PA"),
        ("ap", "frontal", "AP"),
        ("AP Supine", "frontal", "AP"),
        ("AP erect", "frontal", "AP"),
        ("AP_horizontal", "frontal", "AP"),
        ("POSTERO-ANTERIOR", "frontal", "PA"),
        ("antero posterior", "frontal", "AP"),
        ("p.a.", "frontal", "PA"),
        ("a.p. liegend", "frontal", "AP"),
        ("Frontal", "frontal", "Frontal"),
        ("LL", "lateral", "lateral"),
        ("RL", "lateral", "lateral"),
        ("LLAT", "lateral", "lateral"),
        ("LATERAL", "lateral", "lateral"),
        ("left lateral", "lateral", "lateral"),
        ("XTABLE LATERAL", "lateral", "lateral"),
        ("L", "lateral", "lateral"),
        ("R", "lateral", "lateral"),
        ("COSTAL", "other", "COSTAL"),
        ("LAO", "other", "LAO"),
        ("AP LLD", "other", "AP LLD"),
        ("left lateral decubitus", "other", "left lateral decubitus"),
        ("AP AXIAL", "other", "AP AXIAL"),
        ("Coronal", "other", "Coronal"),
        ("PA and lateral", "", "PA and lateral"),
        ("frontal and lateral", "", "frontal and lateral"),
        ("erect", "", "erect"),
        (" portable   L side ", "", "portable L side"),
        ("3", "", "3"),
        ("", "", ""),
    ],
)
def test_words_of_dicom_and_of_the_datasets(text: str, kind: str, name: str) -> None:
    assert views.kind(text) == kind
    assert views.named(text) == name


@pytest.mark.parametrize(
    ("said", "view"),
    [
        ("XR CHEST 2 VIEWS; W Chest Lat.", "lateral"),
        ("Chest PA and lateral; Thorax p.a.", ""),
        ("CHEST AP; Chest lat", ""),  # one of them is wrong
        ("Chest frontal; lateral", ""),
        ("Chest lateral; Chest left decubitus", ""),
        ("CHEST; L", ""),
        ("Thorax standard profile", ""),
        ("", ""),
    ],
)
def test_descriptions_tell_a_lateral_view_where_they_agree(said: str, view: str) -> None:
    assert views.described(said) == view


@given(st.text(max_size=30))
def test_any_text_has_a_kind_and_a_name_that_keeps_it(text: str) -> None:
    kind = views.kind(text)
    assert kind in (views.FRONTAL, views.LATERAL, views.OTHER, views.UNKNOWN)
    assert views.kind(views.named(text)) == kind
    assert views.named(views.named(text)) == views.named(text)
