"""The drawn chest: what belongs to the patient, where the parts lie, how findings and film change it."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import anatomy, canvas, exposure, lesions, skeleton
from trainer.anatomy import Chest
from trainer.canvas import Pose

SIZE = 128
STRAIGHT = Pose(angle=0.0, zoom=1.1, shift=(0.0, 0.0), breath=0.0, turn=0.0, gas=0.8)


@cache
def _chest(number: int = 1, ratio: float = 0.45, size: int = SIZE) -> Chest:
    return anatomy.chest(anatomy.patient(0, number), canvas.frame(size, STRAIGHT), ratio)


def _width(mask: np.ndarray) -> int:
    return int(np.ptp(np.flatnonzero(mask.any(0)))) + 1


def test_a_patient_is_the_same_again_and_unlike_others() -> None:
    assert anatomy.patient(3, 5) == anatomy.patient(3, 5)
    assert anatomy.patient(3, 5) != anatomy.patient(3, 6)
    assert anatomy.patient(3, 5) != anatomy.patient(4, 5)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1000), number=st.integers(0, 100_000))
def test_patients_are_people(seed: int, number: int) -> None:
    person = anatomy.patient(seed, number)
    assert person.sex in ("F", "M")
    assert 18 <= person.age <= 90
    assert 0.56 <= person.width <= 0.69
    assert person.heart < 0.5  # a heart is not enlarged unless it is drawn so
    assert person.apex < person.base
    assert (person.breast > 0) == (person.sex == "F")


def test_both_sexes_and_all_ages_occur() -> None:
    people = [anatomy.patient(0, number) for number in range(200)]
    assert 60 < sum(person.sex == "F" for person in people) < 140
    assert min(person.age for person in people) < 30
    assert max(person.age for person in people) > 80


def test_the_rib_cage_is_narrow_at_the_top() -> None:
    person = anatomy.patient(0, 1)
    heights = np.linspace(person.apex, 0.4, 30)
    widths = anatomy.outer(person, heights)
    assert np.all(np.diff(widths) >= 0)
    assert widths[-1] == pytest.approx(person.width, rel=0.02)
    assert anatomy.outer(person, np.array([person.apex - 0.3]))[0] == 0


@pytest.mark.parametrize("number", range(6))
def test_lungs_lie_left_and_right_of_the_middle(number: int) -> None:
    chest = _chest(number)
    half = SIZE // 2
    right, left = chest.lungs[:, :half], chest.lungs[:, half:]
    assert right.sum() > left.sum() > 0.5 * right.sum()  # the heart takes room from the left lung
    assert not chest.lungs[:, half - 2 : half + 2].any()
    assert 0.15 < chest.lungs.mean() < 0.45
    assert not (chest.lungs & chest.heart).any()


@pytest.mark.parametrize("number", range(6))
def test_the_heart_lies_to_the_patients_left(number: int) -> None:
    heart = _chest(number).heart
    assert heart[:, SIZE // 2 :].sum() > 1.3 * heart[:, : SIZE // 2].sum()
    assert np.flatnonzero(heart.any(1)).min() > SIZE * 0.4


@pytest.mark.parametrize("number", range(6))
def test_the_right_dome_stands_higher(number: int) -> None:
    lungs = _chest(number).lungs
    place = round(0.45 * 1.1 * SIZE / 2)
    lowest = [np.flatnonzero(lungs[:, SIZE // 2 + sign * place]).max() for sign in (-1, 1)]
    assert lowest[0] < lowest[1]


@pytest.mark.parametrize("ratio", [0.42, 0.48, 0.55, 0.62])
@pytest.mark.parametrize("number", range(3))
def test_the_cardiothoracic_ratio_is_the_one_asked_for(ratio: float, number: int) -> None:
    chest = _chest(number, ratio, 256)
    assert _width(chest.heart) / _width(chest.lungs) == pytest.approx(ratio, abs=0.035)


def test_depths_are_those_of_a_body() -> None:
    chest = _chest()
    assert chest.air.min() >= 0
    assert 8 < chest.air.max() < 25
    assert np.all(chest.body >= 0)
    assert np.all(chest.air[chest.lungs] < chest.body[chest.lungs])
    assert chest.body[0, 0] < 2
    assert chest.air[chest.lungs].mean() > 3 * chest.air[chest.heart].mean()
    assert all(part.dtype == np.float32 for part in (chest.body, chest.air, chest.gas, chest.lateral, chest.height))


def test_breath_lowers_the_diaphragm() -> None:
    deep = Pose(angle=0.0, zoom=1.1, shift=(0.0, 0.0), breath=0.06, turn=0.0, gas=0.0)
    chest = anatomy.chest(anatomy.patient(0, 1), canvas.frame(SIZE, deep), 0.45)
    assert chest.lungs.sum() > _chest().lungs.sum() * 1.02


def test_the_stomach_bubble_is_drawn_when_there_is_gas() -> None:
    empty = Pose(angle=0.0, zoom=1.1, shift=(0.0, 0.0), breath=0.0, turn=0.0, gas=0.0)
    without = anatomy.chest(anatomy.patient(0, 1), canvas.frame(SIZE, empty), 0.45).gas
    bubble = _chest().gas - without
    rows, columns = np.nonzero(bubble > 1)
    assert columns.min() > SIZE // 2
    assert rows.min() > SIZE // 2


def test_bones_and_vessels_lie_where_they_belong() -> None:
    chest = _chest()
    bone = skeleton.bones(chest, chest.air)
    assert bone.shape == (SIZE, SIZE)
    assert bone.dtype == np.float32
    assert bone.min() >= 0
    assert 0.3 < (bone[chest.lungs] > 0.05).mean() < 0.95  # ribs with spaces between them
    thick = skeleton.vessels(chest)
    middle = (chest.lateral > 0.2) & (chest.lateral < 0.5) & chest.lungs
    edge = (chest.lateral > 0.9) & chest.lungs
    assert thick[middle].mean() > 3 * thick[edge].mean()


def test_bones_fade_where_no_air_is_left() -> None:
    chest = _chest()
    clear, hidden = skeleton.bones(chest, chest.air), skeleton.bones(chest, np.zeros_like(chest.air))
    assert hidden[chest.lungs].mean() < 0.7 * clear[chest.lungs].mean()


@pytest.mark.parametrize("name", lesions.PAINTERS)
@pytest.mark.parametrize("seed", range(3))
def test_painters_stay_in_range_and_vary(name: str, seed: int) -> None:
    share = lesions.PAINTERS[name](_chest(), np.random.default_rng(seed))
    assert share.dtype == np.float32
    assert share.min() >= 0
    assert 0.15 < share.max() <= 1
    inside = share[_chest().lungs]
    assert inside.any()
    other = lesions.PAINTERS[name](_chest(), np.random.default_rng(seed + 100))
    assert not np.array_equal(share, other)


def _centre(name: str, seed: int) -> tuple[float, float, list[float]]:
    """Mean height and mean lateral place of a lesion, and its share of the right and the left lung."""
    chest = _chest()
    share = lesions.PAINTERS[name](chest, np.random.default_rng(seed)) * chest.lungs
    parts = [
        float((share[:, cut] > 0).sum() / chest.lungs[:, cut].sum()) for cut in (slice(0, SIZE // 2), slice(SIZE // 2, None))
    ]
    return float(np.average(chest.height, weights=share)), float(np.average(chest.lateral, weights=share)), parts


@pytest.mark.parametrize("seed", range(8))
def test_covid_is_peripheral_low_and_on_both_sides(seed: int) -> None:
    height, lateral, parts = _centre("COVID-19", seed)
    assert lateral > 0.6
    assert height > 0.4
    assert min(parts) > 0.02


@pytest.mark.parametrize("seed", range(8))
def test_tuberculosis_is_in_the_upper_zones(seed: int) -> None:
    assert _centre("Tuberculosis", seed)[0] < 0.4


@pytest.mark.parametrize("seed", range(8))
def test_a_lobe_is_on_one_side_only(seed: int) -> None:
    parts = _centre("Lobar pneumonia", seed)[2]
    assert min(parts) == 0
    assert max(parts) > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_the_fissure_is_sharp(seed: int) -> None:
    chest = _chest(size=256)
    share = lesions.lobar(chest, np.random.default_rng(seed))
    assert np.abs(np.diff(share, axis=0)).max() > 0.25


@pytest.mark.parametrize("seed", range(4))
def test_the_interstitial_pattern_is_everywhere_and_fine(seed: int) -> None:
    chest = _chest(size=256)
    share = lesions.interstitial(chest, np.random.default_rng(seed))
    assert (share[chest.lungs] > 0).mean() > 0.9
    assert (share - canvas.smooth(share, 40))[chest.lungs].std() > 0.03


@pytest.mark.parametrize("seed", range(8))
def test_an_effusion_fills_the_angle_and_climbs_the_wall(seed: int) -> None:
    chest = _chest()
    share = lesions.effusion(chest, np.random.default_rng(seed)) * chest.lungs
    side = max((slice(0, SIZE // 2), slice(SIZE // 2, None)), key=lambda cut: share[:, cut].sum())
    filled, lungs, lateral = share[:, side] > 0, chest.lungs[:, side], chest.lateral[:, side]
    rows = np.nonzero(lungs)[0]
    assert filled[rows.max() - 2 : rows.max()][lungs[rows.max() - 2 : rows.max()]].all()
    outside, inside = filled & (lateral > 0.9), filled & (lateral < 0.6)
    assert np.nonzero(outside)[0].min() < (np.nonzero(inside)[0].min() if inside.any() else SIZE)


def test_a_cavity_has_air_in_its_middle() -> None:
    found = 0
    for seed in range(12):
        chest = _chest(size=256)
        share = lesions.tuberculosis(chest, np.random.default_rng(seed))
        solid, hollow = share > 0.2, (share > 0) & (share < 0.1)
        ring = np.maximum.accumulate(solid, 0) & np.maximum.accumulate(solid[::-1], 0)[::-1]
        ring &= np.maximum.accumulate(solid, 1) & np.maximum.accumulate(solid[:, ::-1], 1)[:, ::-1]
        found += (ring & hollow).sum() > 40
    assert found >= 10


def _developed(depth: np.ndarray, seed: int = 0, **changes: object) -> np.ndarray:
    chest = _chest()
    values = {
        "scatter": 0.3,
        "noise": 0.0,
        "black": 1.0,
        "latitude": 1.3,
        "gamma": 1.0,
        "crisp": 0.0,
        "borders": (-2.0, -2.0, 2.0, 2.0),
        "tilt": 0.0,
        "letter": None,
    } | changes
    how = exposure.Exposure(**values)  # type: ignore[arg-type]
    return exposure.develop(
        depth.astype(np.float32), _simple_depth(), chest.lungs, chest.frame, how, np.random.default_rng(seed)
    )


def _simple_depth() -> np.ndarray:
    chest = _chest()
    return exposure.tissue(chest.body, chest.air)


def test_dense_is_bright_and_the_range_is_kept() -> None:
    grey = _developed(_simple_depth())
    assert grey.dtype == np.float32
    assert grey.min() >= 0
    assert grey.max() <= 1
    assert grey[_chest().lungs].mean() + 0.2 < grey[_chest().heart].mean()
    assert grey[0, 0] < 0.05


def test_more_tissue_is_never_darker() -> None:
    depth = _simple_depth()
    more = depth.copy()
    more[60:70, 30:40] += 0.3
    difference = _developed(more) - _developed(depth)
    assert difference[60:70, 30:40].min() > 0


def test_scatter_lowers_contrast_of_dense_parts() -> None:
    depth = _simple_depth()
    depth[80:84, 60:64] += 0.5
    contrast = [np.ptp(_developed(depth, scatter=scatter, latitude=1.6)[78:86, 58:66]) for scatter in (0.0, 0.6)]
    assert contrast[1] < contrast[0]


def test_noise_is_seeded_and_the_only_chance() -> None:
    depth = _simple_depth()
    np.testing.assert_array_equal(_developed(depth, 1, noise=0.01), _developed(depth, 1, noise=0.01))
    assert not np.array_equal(_developed(depth, 1, noise=0.01), _developed(depth, 2, noise=0.01))
    np.testing.assert_array_equal(_developed(depth, 1), _developed(depth, 2))


def test_the_collimator_closes_and_the_letter_shows() -> None:
    depth = _simple_depth()
    closed = _developed(depth, borders=(-0.5, -0.5, 0.5, 0.5))
    assert closed[:, : SIZE // 4 - 2].max() == 0
    assert closed[SIZE // 2, SIZE // 2] > 0
    marked = _developed(depth, letter=(0.6, -0.7)) - _developed(depth)
    rows, columns = np.nonzero(marked > 0.2)
    assert len(rows) > 4
    assert columns.min() > SIZE * 0.7
    assert rows.max() < SIZE * 0.3


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_exposures_are_within_reason(seed: int) -> None:
    how = exposure.exposure(np.random.default_rng(seed))
    left, top, right, bottom = how.borders
    assert left < -0.85
    assert top < -0.85
    assert right > 0.85
    assert bottom > 0.85
    assert 0 < how.noise < 0.02
    assert how.latitude > 1
