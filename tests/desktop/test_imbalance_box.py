"""What is done about rare findings: the box shows the trainer's own numbers and warnings."""

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from cxr_desktop.project import Project
from cxr_desktop.training.imbalance_box import (
    ALPHA,
    BETA,
    GAMMA,
    KEYS,
    LOSS,
    METHOD,
    OPTIONS,
    OWN,
    RATIO,
    ROWS,
    WEIGHTING,
    ImbalanceBox,
)
from cxr_desktop.widgets.config_form import ConfigForm
from trainer import config, imbalance, pitfalls
from trainer.config import TrainConfig
from trainer.outlook import Outlook

SETTINGS = {item.key: item for item in config.settings()}
FINDINGS = ("Normal", "Covid", "Mass")
UNEVEN = np.eye(3, dtype=np.int8)[np.repeat([0, 1, 2], [100, 15, 5])]
SEVERAL = np.array([[1, 0, 0]] * 30 + [[1, 1, 0]] * 6 + [[0, 1, 1]] * 4 + [[0, 0, 0]] * 20, np.int8)
LOOK = Outlook("half", FINDINGS, FINDINGS, UNEVEN, {"train": 120, "validation": 20}, {"train": 60})


@pytest.fixture
def box(qtbot: QtBot, project: Project) -> ImbalanceBox:
    """Wired as in the page: the configuration comes back from a form. `box.form` is that form."""
    made = ImbalanceBox(project)
    form = ConfigForm(elsewhere=KEYS)
    qtbot.addWidget(made)
    qtbot.addWidget(form)
    made.place({key: form.adopt(key) for key in ROWS})
    made.changed.connect(form.set_value)
    form.changed.connect(lambda: made.set_config(form.config(), form.recipe()))
    made.form = form  # type: ignore[attr-defined]
    made.resize(420, 1000)
    made.show()
    return made


def _form(box: ImbalanceBox) -> ConfigForm:
    form: ConfigForm = box.form  # type: ignore[attr-defined]
    return form


def _choose(box: ImbalanceBox, qtbot: QtBot, method: str) -> None:
    _click(qtbot, box.methods.buttons[method])


def _click(qtbot: QtBot, button: QAbstractButton) -> None:
    """On the little circle or square."""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, button.height() // 2))


def _drawn(box: ImbalanceBox) -> tuple[Any, Any]:
    """The numbers in the two charts."""
    return box.images._canvas.bars, box.loss._canvas.bars


def test_every_method_of_the_trainer_can_be_chosen_and_has_a_sentence(box: ImbalanceBox, qtbot: QtBot) -> None:
    assert tuple(option.key for option in OPTIONS) == SETTINGS[METHOD].choices
    for option in OPTIONS:
        _choose(box, qtbot, option.key)
        assert _form(box).config().imbalance.method == option.key
        assert box.methods.texts[option.key].isVisible()
        assert option.text.endswith(".")


def test_the_sentence_can_be_clicked_like_its_button(box: ImbalanceBox, qtbot: QtBot) -> None:
    qtbot.mouseClick(box.methods.texts["oversampling"], Qt.MouseButton.LeftButton)
    assert _form(box).config().imbalance.method == "oversampling"


def test_methods_are_chosen_by_arrow_keys(box: ImbalanceBox, qtbot: QtBot) -> None:
    box.methods.buttons["none"].setFocus()
    qtbot.keyClick(box.methods.buttons["none"], Qt.Key.Key_Down)
    assert _form(box).config().imbalance.method == "class-weights"


@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_the_charts_show_the_trainers_numbers(box: ImbalanceBox, qtbot: QtBot, task: str) -> None:
    targets = UNEVEN if task == "multi-class" else SEVERAL
    _form(box).set_value("task.kind", task)
    box.set_outlook(Outlook("half", FINDINGS, FINDINGS, targets, {"train": len(targets)}, {"train": None}))
    qtbot.waitUntil(lambda: box.shown() is not None)
    for option in OPTIONS:
        _choose(box, qtbot, option.key)
        expected = imbalance.shown(targets, task, config.Imbalance(method=option.key))
        images, loss = _drawn(box)
        assert images.rows == loss.rows == FINDINGS
        np.testing.assert_allclose(images.values[:, 0], (targets == 1).sum(0))
        np.testing.assert_allclose(images.values[:, 1], expected.images, atol=0.5)
        np.testing.assert_allclose(loss.values[:, 0], expected.loss_share * 100, atol=0.5)
        if task == "multi-label":
            np.testing.assert_allclose(loss.values.sum(1), 100)
        assert f"{expected.length:,} images" in box.images_title.text()
        assert box.images.isVisible()


def test_alpha_moves_the_share_of_the_loss(box: ImbalanceBox, qtbot: QtBot) -> None:
    form = _form(box)
    form.set_value("task.kind", "multi-label")
    box.set_outlook(Outlook("half", FINDINGS, FINDINGS, SEVERAL, {"train": len(SEVERAL)}, {"train": None}))
    form.set_value(LOSS, "focal")
    form.set_value("loss.alpha", 0.75)
    expected = (
        imbalance.shown(
            SEVERAL, "multi-label", config.Imbalance(method="none"), config.Loss(name="focal", alpha=(0.75,))
        ).loss_share
        * 100
    )
    qtbot.waitUntil(lambda: len(_drawn(box)[1].rows) == 3 and np.allclose(_drawn(box)[1].values[:, 0], expected, atol=0.5))


def test_without_images_there_are_no_charts_but_the_choice(box: ImbalanceBox, qtbot: QtBot) -> None:
    assert not box.images.isVisible()
    box.set_outlook(LOOK)
    qtbot.waitUntil(box.images.isVisible)
    box.set_outlook(None)
    assert not box.images.isVisible()
    assert box.shown() is None
    box.set_outlook(Outlook("half", FINDINGS, FINDINGS, UNEVEN[:0], {"train": 0}, {"train": 0}))
    assert box.shown() is None


def test_what_was_shown_stays_until_it_is_replaced(box: ImbalanceBox, qtbot: QtBot) -> None:
    box.set_outlook(LOOK)
    qtbot.waitUntil(box.images.isVisible)
    fewer = Outlook("half", FINDINGS[:2], FINDINGS, UNEVEN[:110, :2], {"train": 110}, {"train": 60})
    box.set_outlook(fewer)
    assert box.images.isVisible()
    qtbot.waitUntil(lambda: _drawn(box)[0].rows == FINDINGS[:2])


def test_stacked_corrections_are_warned_of_in_the_trainers_words(box: ImbalanceBox, qtbot: QtBot) -> None:
    box.set_outlook(LOOK)
    qtbot.waitUntil(lambda: box.shown() is not None)
    assert not box.warning.isVisible()
    _choose(box, qtbot, "oversampling")
    _click(qtbot, box.focal)
    settings = _form(box).config()
    assert settings.loss.name == "focal"
    told = pitfalls.warnings(settings, imbalance.shown(UNEVEN, "multi-class", config.Imbalance(method="oversampling")))
    assert len(told) == 3
    assert all(sentence in box.warning.text() for sentence in told)
    assert box.warning.isVisible()
    _choose(box, qtbot, "none")
    qtbot.keyClick(box.focal, Qt.Key.Key_Space)
    assert not box.warning.isVisible()


def test_gamma_is_explained_in_numbers_while_it_moves(box: ImbalanceBox, qtbot: QtBot) -> None:
    row = _form(box).rows[GAMMA]
    assert not row.isVisible()
    qtbot.keyClick(box.focal, Qt.Key.Key_Space)
    assert row.isVisible()
    assert "gamma 2" in box.focal_text.text()
    assert "90 % counts 1 %" in box.focal_text.text()
    assert "50 % counts 25 %" in box.focal_text.text()
    row.control.setFocus()
    for _ in range(2):
        qtbot.keyClick(row.control, Qt.Key.Key_Up)
    assert "gamma 3" in box.focal_text.text()
    assert "50 % counts 12 %" in box.focal_text.text() or "50 % counts 13 %" in box.focal_text.text()
    row.control.selectAll()
    qtbot.keyClicks(row.control, "99")
    assert "outside its limits" in _form(box).problems()[GAMMA]


def test_a_changed_gamma_stays_in_sight_without_focal_loss(box: ImbalanceBox, qtbot: QtBot) -> None:
    _form(box).set_value(GAMMA, 3)
    assert _form(box).rows[GAMMA].isVisible()
    assert "change nothing" in box.warning.text()


def test_differences_from_the_recipe_are_marked_and_taken_back(box: ImbalanceBox, qtbot: QtBot) -> None:
    form = _form(box)
    recipe = config.changed(TrainConfig(), {METHOD: "class-weights"})
    form.set_config(recipe, recipe)
    assert box.methods.current() == "class-weights"
    assert not box.method_difference.isVisible()
    _choose(box, qtbot, "undersampling")
    qtbot.keyClick(box.focal, Qt.Key.Key_Space)
    assert "● changed from class-weights" in box.method_difference.text.text()
    assert "● changed from cross-entropy" in box.focal_difference.text.text()
    assert box.method_difference.isVisible()
    qtbot.mouseClick(box.method_difference.reset, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(box.focal_difference.reset, Qt.MouseButton.LeftButton)
    assert form.config() == recipe
    assert not box.focal.isChecked()
    assert not box.method_difference.isVisible()


def test_words_lead_to_the_glossary(box: ImbalanceBox, qtbot: QtBot) -> None:
    with qtbot.waitSignal(box.glossary_wanted) as asked:
        qtbot.mouseClick(box.question, Qt.MouseButton.LeftButton)
    assert asked.args == ["focal loss"]


def test_every_control_has_a_name(box: ImbalanceBox) -> None:
    for option in OPTIONS:
        assert box.methods.buttons[option.key].accessibleName() == option.title
        assert box.methods.buttons[option.key].accessibleDescription() == option.text
    assert box.images.accessibleName()
    assert box.loss.accessibleName()


def _visible(box: ImbalanceBox) -> set[str]:
    return {key for key in ROWS if _form(box).rows[key].isVisible()}


def test_rows_are_in_sight_where_they_do_something_or_are_changed(box: ImbalanceBox, qtbot: QtBot) -> None:
    assert _visible(box) == set()
    _choose(box, qtbot, "class-weights")
    assert _visible(box) == {WEIGHTING}
    _form(box).set_value(WEIGHTING, "effective-number")
    assert _visible(box) == {WEIGHTING, BETA}
    _form(box).set_value(WEIGHTING, "own")
    assert _visible(box) == {WEIGHTING, OWN}
    _choose(box, qtbot, "weighted-sampler")
    assert _visible(box) == {WEIGHTING, RATIO}  # it differs from the recipe
    _form(box).set_value(WEIGHTING, "balanced")
    _click(qtbot, box.focal)
    assert _visible(box) == {RATIO, GAMMA, ALPHA}


@pytest.mark.parametrize(
    "values",
    [
        {METHOD: "weighted-sampler", RATIO: 4},
        {METHOD: "class-weights", WEIGHTING: "effective-number", BETA: 0.9},
        {METHOD: "class-weights", WEIGHTING: "own", OWN: "1,2,5"},
        {LOSS: "focal", ALPHA: "0.1,0.2,0.9"},
    ],
)
def test_every_number_moves_the_charts_as_the_trainer_says(box: ImbalanceBox, qtbot: QtBot, values: dict[str, Any]) -> None:
    box.set_outlook(LOOK)
    form = _form(box)
    for key, value in values.items():
        form.set_value(key, value)
    chosen = form.config()
    expected = imbalance.shown(UNEVEN, "multi-class", chosen.imbalance, chosen.loss)
    qtbot.waitUntil(lambda: not box._latest.busy)
    seen = box.shown()
    assert seen is not None
    np.testing.assert_allclose(seen.images, expected.images)
    np.testing.assert_allclose(seen.loss_share, expected.loss_share)
    np.testing.assert_allclose(_drawn(box)[1].values[:, 0], expected.loss_share * 100, atol=0.5)
    assert pitfalls.in_words(seen, FINDINGS, "multi-class") == pitfalls.in_words(expected, FINDINGS, "multi-class")


def test_own_weights_that_do_not_fit_have_no_chart_but_the_other_methods_do(box: ImbalanceBox, qtbot: QtBot) -> None:
    box.set_outlook(LOOK)
    form = _form(box)
    form.set_value(WEIGHTING, "own")
    form.set_value(OWN, "1,2")
    assert "In this order: Normal, Covid, Mass" in form.rows[OWN].note.text()
    qtbot.waitUntil(lambda: box.shown() is not None and not box._latest.busy)
    _choose(box, qtbot, "class-weights")
    assert box.shown() is None
    form.set_value(OWN, "1,2,3")
    qtbot.waitUntil(lambda: box.shown() is not None)


def test_numbers_of_a_method_stand_below_it(box: ImbalanceBox) -> None:
    for key, method, after in (
        ("imbalance.ratio", "weighted-sampler", "oversampling"),
        ("imbalance.weighting", "class-weights", "weighted-sampler"),
    ):
        box.changed.emit("imbalance.method", method)
        row = box._rows[key]
        assert row.isVisible()
        top, bottom = box.methods.buttons[method], box.methods.buttons[after]
        place = row.mapTo(box, row.rect().topLeft()).y()
        assert top.mapTo(box, top.rect().bottomLeft()).y() < place < bottom.mapTo(box, bottom.rect().topLeft()).y()
