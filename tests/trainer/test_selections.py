"""Many images in a few numbers: the same as counting them one by one."""

from collections import Counter

import numpy as np
import pytest

from trainer import catalog as module
from trainer.catalog import NOT_STATED, YES, Catalog, Split
from trainer.errors import Stopped

from .makers import entry


def _split(catalog: Catalog) -> None:
    ids = np.sort(catalog.ids())
    catalog.save_split(Split("s", {"train": ids[:3], "test": ids[3:5]}, 1, "by hand", 0, None, "d"))
    catalog.activate_split("s")


def test_everything_is_counted(catalog: Catalog) -> None:
    ids = np.sort(catalog.ids())
    _split(catalog)
    catalog.set_excluded(ids[:1], True)
    catalog.add_flag(ids[:3], "rotated")
    catalog.set_labels(ids[4:6], "COVID-19", YES)
    found = catalog.selection(ids)
    assert (found.images, found.excluded, found.patients, found.patient_unknown) == (6, 1, 2, 2)
    assert found.answers == {"Normal": (3, 3, 0, 0), "COVID-19": (3, 3, 0, 2)}
    assert found.flags == {"rotated": 3}
    assert found.values["view"] == {"AP": 3, "PA": 3}
    assert found.values["part"] == {"train": 3, "test": 2, "": 1}
    assert found.age == (56.0, 60.0)
    assert found.age_unknown == 1


def test_what_the_user_took_away_is_not_stated(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.set_labels(ids[:2], "Normal", NOT_STATED)
    assert catalog.selection(ids).answers["Normal"] == (2, 2, 2, 2)
    assert catalog.selection(ids[:1]).answers == {"Normal": (0, 0, 1, 1), "COVID-19": (1, 0, 0, 0)}


def test_no_image_and_images_that_are_not_there(catalog: Catalog) -> None:
    nothing = catalog.selection([])
    assert (nothing.images, nothing.age) == (0, None)
    assert nothing.answers == {"Normal": (0, 0, 0, 0), "COVID-19": (0, 0, 0, 0)}
    assert catalog.selection([1, 1, 99]).images == 1


def test_without_a_split_all_are_in_no_part(catalog: Catalog) -> None:
    assert catalog.selection(catalog.ids()).values["part"] == {"": 6}


def test_bit_by_bit_is_the_same_as_at_once(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    _split(catalog)
    whole = catalog.selection(catalog.ids())
    monkeypatch.setattr(module, "FEW", 2)
    seen: list[tuple[int, int]] = []
    assert catalog.selection(catalog.ids(), lambda count, total: seen.append((count, total))) == whole
    assert seen == [(0, 6), (2, 6), (4, 6)]


def test_counting_can_be_stopped(catalog: Catalog) -> None:
    def stop(_count: int, _total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        catalog.selection(catalog.ids(), stop)


def test_numbers_are_those_of_the_records(catalog: Catalog) -> None:
    ids = catalog.ids()[[0, 2, 5]]
    records = catalog.records(ids)
    found = catalog.selection(ids)
    assert found.values["sex"] == dict(Counter(record.sex for record in records))
    assert found.values["source"] == dict(Counter(record.source for record in records))
    for name, (yes, no, unstated, _) in found.answers.items():
        answers = [record.labels.get(name, NOT_STATED) for record in records]
        assert (yes, no, unstated) == (answers.count(1), answers.count(0), answers.count(-1))


def test_frequent_values_come_first(catalog: Catalog) -> None:
    folder = catalog.folders()[0]
    more = [entry(number, source="rare" if number == 20 else "often") for number in range(20, 25)]
    catalog.store(folder, more, findings=())
    assert list(catalog.selection(catalog.ids()).values["source"].items()) == [("", 6), ("often", 4), ("rare", 1)]
