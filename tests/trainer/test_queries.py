"""Filters, orders and counts: the same answers as plain Python gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import queries
from trainer.catalog import NO, NOT_STATED, YES, Catalog, Filter, Split
from trainer.errors import DataError

from .makers import entry

FINDINGS = ("Normal", "Pneumonia", "COVID-19")


def test_orders(catalog: Catalog) -> None:
    assert [catalog.column([i], "age")[0] for i in catalog.ids(order="age")] == [None, 56.0, 57.0, 58.0, 59.0, 60.0]
    assert list(catalog.ids(order="-path")) == list(catalog.ids()[::-1])
    for name in queries.ORDERS:
        assert sorted(catalog.ids(order=name)) == sorted(catalog.ids())
    with pytest.raises(DataError, match="Did you mean patient"):
        catalog.ids(order="patients")


def test_filters_that_cannot_be_are_told(catalog: Catalog) -> None:
    with pytest.raises(DataError, match="no such finding"):
        catalog.ids(Filter({"Elephant": YES}))
    with pytest.raises(DataError, match="no split yet"):
        catalog.ids(Filter(part="train"))
    catalog.save_split(Split("s", {"train": catalog.ids()[:2]}, 1, "", 0, None, ""))
    with pytest.raises(DataError, match="Did you mean train"):
        catalog.ids(Filter(part="trian"))
    with pytest.raises(DataError, match="no such split"):
        catalog.ids(Filter(part="train", split="other"))


def test_parts_of_splits(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.save_split(Split("one", {"train": ids[:3], "test": ids[3:5]}, 1, "", 0, None, ""))
    catalog.save_split(Split("two", {"validation": ids[:1]}, 1, "", 0, None, ""))
    assert list(catalog.ids(Filter(part="validation"))) == [ids[0]]
    assert list(catalog.ids(Filter(part="test", split="one"))) == list(ids[3:5])
    assert list(catalog.ids(Filter(part="none", split="one"))) == [ids[5]]
    assert list(catalog.ids(Filter(split="one"))) == list(ids[:5])


def test_text_is_taken_literally(catalog: Catalog, source: Path) -> None:
    catalog.store(source, [entry(50, path="b/100%_x.png"), entry(51, path="b/100_.png", patient="P0_b")])
    assert catalog.column(catalog.ids(Filter(text="100%")), "path") == ["b/100%_x.png"]
    assert catalog.column(catalog.ids(Filter(text="p0_")), "path") == ["b/100_.png"]
    assert len(catalog.ids(Filter(text="P0"))) == 3
    assert list(catalog.ids(Filter(text="'; DROP TABLE images; --"))) == []


ANSWERS = st.sampled_from([YES, NO, NOT_STATED])
IMAGES = st.lists(
    st.fixed_dictionaries(
        {
            "patient": st.sampled_from(["", "p1", "p2"]),
            "view": st.sampled_from(["", "PA", "AP"]),
            "age": st.none() | st.integers(0, 90).map(float),
            "labels": st.fixed_dictionaries(dict.fromkeys(FINDINGS, ANSWERS)),
            "excluded": st.booleans(),
            "gone": st.booleans(),
        }
    ),
    max_size=12,
)
FILTERS = st.builds(
    Filter,
    findings=st.dictionaries(st.sampled_from(FINDINGS), ANSWERS, max_size=2),
    view=st.sampled_from([None, "", "PA"]),
    patient=st.sampled_from([None, "", "p1"]),
    text=st.sampled_from(["", "00", "P1"]),
    excluded=st.sampled_from([None, True, False]),
    gone=st.sampled_from([None, True, False]),
)


def passes(image: dict[str, Any], path: str, where: Filter) -> bool:
    """The filter once more, in plain words."""
    return all(
        (
            all(image["labels"][name] == value for name, value in where.findings.items()),
            where.view is None or image["view"] == where.view,
            where.patient is None or image["patient"] == where.patient,
            where.text.lower() in path.lower() or where.text.lower() in image["patient"].lower(),
            where.excluded is None or image["excluded"] == where.excluded,
            where.gone is None or image["gone"] == where.gone,
        )
    )


@settings(deadline=None, max_examples=30)
@given(images=IMAGES, where=FILTERS, few=st.sampled_from([0, 100]))
def test_filters_agree_with_plain_python(
    tmp_path_factory: pytest.TempPathFactory, images: list[dict[str, Any]], where: Filter, few: int
) -> None:
    folder = tmp_path_factory.mktemp("filters")
    with Catalog.create(folder / "p") as catalog:
        rows = [
            entry(
                number,
                patient=image["patient"],
                view=image["view"],
                age=image["age"],
                labels={name: value for name, value in image["labels"].items() if value != NOT_STATED},
            )
            for number, image in enumerate(images)
        ]
        catalog.store(folder, rows, findings=FINDINGS)
        ids = catalog.ids()
        catalog.set_excluded([int(i) for i, image in zip(ids, images, strict=True) if image["excluded"]], True)
        catalog.store(folder, [], gone=[int(i) for i, image in zip(ids, images, strict=True) if image["gone"]])
        # Findings that nobody answers are dropped; here all shall be known to the filter.
        for name in set(FINDINGS) - set(catalog.findings()):
            catalog.set_labels([], name, YES)
        expected = [int(i) for i, r, image in zip(ids, rows, images, strict=True) if passes(image, r.path, where)]
        assert catalog.ids(where).tolist() == expected
        counts = catalog.counts()
        shown = [image for image in images if not (image["excluded"] or image["gone"])]
        assert counts.images == len(shown)
        assert counts.patients == len({image["patient"] for image in shown} - {""})
        assert counts.patient_unknown == sum(image["patient"] == "" for image in shown)
        assert counts.views == {view: n for view in ("", "AP", "PA") if (n := sum(image["view"] == view for image in shown))}
        for name in FINDINGS:
            answers = [image["labels"][name] for image in shown]
            values = {"yes": answers.count(YES), "no": answers.count(NO), "not stated": answers.count(NOT_STATED)}
            assert counts.findings[name] == values
        read = queries.labels_of_many if few else queries.labels_of_few
        numbers = [queries.finding_id(catalog._connection, name) for name in FINDINGS]
        truth = [[image["labels"][name] for name in FINDINGS] for image in images]
        assert read(catalog._connection, ids, numbers).tolist() == truth


def test_a_view_follows_every_change(catalog: Catalog, source: Path) -> None:
    assert len(catalog.ids()) == 6
    catalog.store(source, [entry(20, path="a/0000.png")])
    assert catalog.column(catalog.ids()[:2], "path") == ["a/000.png", "a/0000.png"]
    with Catalog.open(catalog.project) as other:
        other.store(source, [entry(21, path="a/00.png")])
    assert catalog.column(catalog.ids()[:1], "path") == ["a/00.png"]
    view = catalog.ids()
    view[:] = 0
    assert len(catalog.records(catalog.ids())) == 8


def test_a_change_in_the_middle_of_reading_is_not_seen(catalog: Catalog, source: Path) -> None:
    with catalog._reading() as connection:
        before = queries.ordered(connection, "path")
        with Catalog.open(catalog.project) as other:
            other.store(source, [entry(30 + n, view="PA") for n in range(5)])
        assert np.array_equal(queries.selected(connection, Filter(view="PA"), before), before[::2])
    assert len(catalog.ids(Filter(view="PA"))) == 8


def test_a_tally_counts_what_is_shown_by_finding_and_part(catalog: Catalog) -> None:
    ids = catalog.ids()
    bare = catalog.tally()
    assert (bare.findings, bare.parts, bare.images.tolist()) == (("Normal", "COVID-19"), ("none",), [6])
    assert bare.yes.tolist() == [[3], [1]]
    catalog.save_split(Split("s", {"train": ids[:2], "test": ids[2:5]}, 1, "", 0, None, ""))
    catalog.set_excluded(ids[3:4], True)
    tally = catalog.tally()
    assert tally.parts == ("train", "test", "none")
    assert tally.images.tolist() == [2, 2, 1]
    for row, name in enumerate(tally.findings):
        for column, part in enumerate(tally.parts):
            assert tally.yes[row, column] == len(catalog.ids(Filter({name: YES}, part=part)))


def test_a_tally_of_nothing(tmp_path: Path) -> None:
    with Catalog.create(tmp_path / "empty") as catalog:
        tally = catalog.tally()
        assert (tally.findings, tally.parts, tally.images.tolist(), tally.yes.shape) == ((), ("none",), [0], (0, 1))


def test_parts_of_images_in_the_order_asked(catalog: Catalog) -> None:
    ids = catalog.ids()
    assert catalog.parts(ids) == [""] * 6
    catalog.save_split(Split("other", {"external": ids}, 1, "", 0, None, ""))
    catalog.save_split(Split("s", {"train": ids[:2], "test": ids[2:5]}, 1, "", 0, None, ""))
    assert catalog.parts(ids[[5, 2, 0, 2]]) == ["", "test", "train", "test"]
    assert catalog.parts([]) == []


def test_patients_of_some_images_are_counted(catalog: Catalog, source: Path) -> None:
    ids = catalog.ids()
    assert [catalog.patient_count(ids[:n]) for n in range(7)] == [0, 1, 1, 2, 2, 2, 2]
    assert catalog.patient_count(ids[4:]) == 0
    catalog.store(source, [entry(40, patient="p9"), entry(41, patient="p0")])
    assert catalog.patient_count(catalog.ids()) == 3


def test_ids_are_read_in_pieces(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = catalog.ids()
    for piece in (1, 2, 3, 5, 100):
        monkeypatch.setattr(queries, "PIECE", piece)
        catalog._orders.clear()
        assert catalog.ids().tolist() == ids.tolist()
        assert catalog.ids(Filter(text="no such file")).dtype == np.int64


@given(st.lists(st.integers(-5, 40)))
def test_distinct_ids(ids: list[int]) -> None:
    assert queries.distinct(ids).tolist() == sorted(set(ids))
    assert queries.distinct(ids).dtype == np.int64
