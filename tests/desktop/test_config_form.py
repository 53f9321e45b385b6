"""The form of all settings: made from their description, honest about what is wrong and what is changed."""

import types
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets.choice_box import ChoiceBox
from cxr_desktop.widgets.config_form import FOLLOWING, ConfigForm
from cxr_desktop.widgets.number_box import NumberBox
from cxr_desktop.widgets.setting_row import SettingRow
from cxr_desktop.wording import in_window
from trainer import config, recipes
from trainer.config import TrainConfig
from trainer.errors import ConfigError

from .test_number_box import wheel

SETTINGS = {item.key: item for item in config.settings()}
RECIPE = recipes.load("quick").settings


@pytest.fixture(autouse=True)
def _deleted(qapp: QApplication) -> Iterator[None]:
    """Forms of past tests are deleted now: hundreds of controls that live on would make every further one slower."""
    yield
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def form(qtbot: QtBot) -> ConfigForm:
    """Unfolded, with the recipe `quick` and three findings."""
    made = ConfigForm()
    qtbot.addWidget(made)
    made.set_config(RECIPE, RECIPE)
    made.set_findings(["Normal", "Covid", "Mass"])
    made.others.unfold(True)
    made.resize(420, 3000)
    made.show()
    return made


def _other(item: config.Setting) -> Any:  # noqa: ANN401 - the setting's own type
    """A value of a setting that is neither the recipe's nor, where there is a third, its default."""
    now = (item.default, config.get(RECIPE, item.key))
    if item.key in ("task.findings", "model.backbone", "compute.device", "model.weights"):
        return {"task.findings": ("Covid", "Mass"), "model.backbone": "resnet18", "compute.device": "cpu"}.get(item.key, "none")
    if item.choices:
        return next((choice for choice in item.choices if choice not in now), item.default)
    if item.key == "choice.finding":
        return "Covid"
    if isinstance(item.kind, types.GenericAlias):
        return (0.25, 0.5) if get_args(item.kind)[0] is float else ("Covid>Mass",)
    assert item.low is not None
    assert item.high is not None
    choices = (item.low, item.high, (item.low + item.high) / 2)
    return next(item.kind(value) for value in choices if item.kind(value) not in now)


def _type(qtbot: QtBot, row: SettingRow, text: str) -> None:
    box = row.control
    assert isinstance(box, NumberBox)
    box.setFocus()
    box.selectAll()
    qtbot.keyClick(box, Qt.Key.Key_Delete)
    qtbot.keyClicks(box, text)


# --- all of them, from their description


def test_every_setting_appears_exactly_once(form: ConfigForm) -> None:
    assert list(form.rows) == sorted(form.rows, key=lambda key: not (SETTINGS[key].essential or key in FOLLOWING))
    assert set(form.rows) == set(SETTINGS)
    rows = form.findChildren(SettingRow)
    assert sorted(row.setting.key for row in rows) == sorted(SETTINGS)
    assert {row.setting.key for row in rows if not row.isVisible()} == set(FOLLOWING)


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("macro_f1", set()),
        ("f_beta", {"choice.finding", "choice.beta"}),
        ("specificity_at_sensitivity", {"choice.finding", "choice.sensitivity"}),
    ],
)
def test_what_a_choice_by_one_finding_needs_stands_below_it(form: ConfigForm, metric: str, shown: set[str]) -> None:
    form.set_value("choice.metric", metric)
    assert {key for key in FOLLOWING if form.rows[key].isVisible()} == shown
    for key in shown:
        assert form.rows["choice.metric"].y() < form.rows[key].y() < form.rows["compute.device"].y()
    form.set_value("choice.metric", "accuracy")
    form.set_value("choice.sensitivity", 0.5)
    assert form.rows["choice.sensitivity"].isVisible(), "what is changed is never out of sight"
    form.set_recipe(config.changed(RECIPE, {"choice.finding": "Covid"}))
    assert form.rows["choice.finding"].isVisible()


def test_every_setting_is_explained_and_can_be_reached(form: ConfigForm) -> None:
    for key, item in SETTINGS.items():
        row = form.rows[key]
        shown = " ".join(label.text() for label in row.findChildren(QLabel) if label.isVisibleTo(row))
        assert item.label in shown
        assert in_window(item.help) in shown
        assert not item.unit or item.unit in shown
        assert row.name.buddy() is row.control
        assert row.control.accessibleName() == item.label
        assert in_window(item.help) in row.control.accessibleDescription()
        taker = row.control.focusProxy() or row.control
        assert taker.accessibleName() == item.label
        assert taker.focusPolicy() & Qt.FocusPolicy.TabFocus, key
        if item.low is not None:
            high = item.high if isinstance(item.high, int) else f"{item.high:g}"
            assert f"{item.low:g} to {high}" in row.control.toolTip()


def test_a_difference_is_marked_and_can_be_taken_back(form: ConfigForm, qtbot: QtBot) -> None:
    for item in SETTINGS.values():
        _mark_and_reset(form, qtbot, item)


def _mark_and_reset(form: ConfigForm, qtbot: QtBot, item: config.Setting) -> None:
    row = form.rows[item.key]
    assert not row.is_marked
    assert not row.difference.isVisible()
    form.set_value(item.key, _other(item))
    assert row.is_marked
    assert row.name.font().bold()
    assert row.difference.text.text().startswith("changed from ")
    assert [key for key, one in form.rows.items() if one.is_marked] == [item.key]
    qtbot.mouseClick(row.difference.reset, Qt.MouseButton.LeftButton)
    assert form.changes() == {}
    assert not row.is_marked
    assert not row.name.font().bold()
    assert config.get(form.config(), item.key) == config.get(RECIPE, item.key)


def test_what_a_control_shows_is_what_it_gives(form: ConfigForm) -> None:
    for item in SETTINGS.values():
        value = _other(item)
        form.set_value(item.key, value)
        form.rows[item.key].control.edited.emit()  # as if the user had edited it to just this
        assert form.problems() == {}
        assert form.changes() == {item.key: value}
        form.reset(item.key)


def test_numbers_outside_their_limits_are_refused_with_the_trainers_words(form: ConfigForm, qtbot: QtBot) -> None:
    numbers = [item for item in SETTINGS.values() if item.kind in (int, float)]
    assert len(numbers) > 20
    for item in numbers:
        _refuse(form, qtbot, item)
        form.reset(item.key)


def _refuse(form: ConfigForm, qtbot: QtBot, item: config.Setting) -> None:
    assert item.high is not None
    row = form.rows[item.key]
    _type(qtbot, row, str(int(item.high) + 1))
    with pytest.raises(ConfigError) as refused:
        config.changed(TrainConfig(), {item.key: str(int(item.high) + 1)})
    assert row.wrong.text() == in_window(f"{refused.value.what}. {refused.value.remedy}")
    assert row.wrong.text().startswith(f"{item.label} = ")
    assert item.key not in row.wrong.text() or item.key == item.label.lower()
    assert row.wrong.isVisible()
    assert form.problems() == {item.key: row.wrong.text()}
    assert item.low is not None
    assert item.low <= config.get(form.config(), item.key) <= item.high  # the last right value
    assert row.control.text() == str(int(item.high) + 1)  # nothing is lost


def test_choices_are_those_of_the_trainer(form: ConfigForm) -> None:
    for item in SETTINGS.values():
        box = form.rows[item.key].control
        if item.choices:
            assert isinstance(box, ChoiceBox)
            assert [box.itemData(i) for i in range(box.count())] == list(item.choices)


# --- behaviour


def test_all_differences_at_once_make_the_same_configuration_in_the_terminal(form: ConfigForm) -> None:
    for item in SETTINGS.values():
        form.set_value(item.key, _other(item))
    words = config.assignments(form.changes())
    assert len(words) == len(SETTINGS)
    assert config.changed(RECIPE, config.parsed(words)) == form.config()


def test_typing_changes_the_configuration_at_once(form: ConfigForm, qtbot: QtBot) -> None:
    with qtbot.waitSignal(form.changed):
        _type(qtbot, form.rows["optimiser.lr"], "3e-4")
    assert form.config().optimiser.lr == 3e-4
    assert form.rows["optimiser.lr"].difference.text.text() == "changed from 3e-3"
    assert form.differences.text() == "1 setting changed from the recipe."
    _type(qtbot, form.rows["schedule.epochs"], "30")
    assert form.rows["schedule.epochs"].difference.text.text() == "changed from 15"
    assert form.changes() == {"optimiser.lr": 3e-4, "schedule.epochs": 30}
    assert form.differences.text() == "2 settings changed from the recipe."


def test_what_is_wrong_is_told_until_it_is_right(form: ConfigForm, qtbot: QtBot) -> None:
    row = form.rows["optimiser.lr"]
    _type(qtbot, row, "fast")
    assert "takes a number, not 'fast'" in row.wrong.text()
    assert row.is_marked
    assert "takes a number" in row.control.accessibleDescription()
    _type(qtbot, form.rows["schedule.epochs"], "20")
    assert row.control.text() == "fast"
    assert list(form.problems()) == ["optimiser.lr"]
    _type(qtbot, row, "3e-3")
    assert form.problems() == {}
    assert not row.wrong.isVisible()
    assert not row.is_marked


def test_reset_takes_back_what_was_typed_wrongly(form: ConfigForm, qtbot: QtBot) -> None:
    row = form.rows["optimiser.lr"]
    _type(qtbot, row, "fast")
    qtbot.mouseClick(row.difference.reset, Qt.MouseButton.LeftButton)
    assert row.control.text() == "3e-3"
    assert form.problems() == {}
    assert row.control.hasFocus()


def test_reset_all_sets_everything_as_the_recipe_has_it(form: ConfigForm, qtbot: QtBot) -> None:
    assert not form.reset_button.isVisible()
    form.set_value("seed", 5)
    _type(qtbot, form.rows["schedule.epochs"], "many")
    qtbot.mouseClick(form.reset_button, Qt.MouseButton.LeftButton)
    assert form.config() == RECIPE
    assert form.problems() == {}
    assert form.rows["schedule.epochs"].control.text() == "15"
    assert not form.reset_button.isVisible()


def test_another_recipe_keeps_what_was_changed_and_what_was_typed_wrongly(form: ConfigForm, qtbot: QtBot) -> None:
    scratch = recipes.load("scratch").settings
    form.set_value("seed", 5)
    _type(qtbot, form.rows["optimiser.lr"], "fast")
    form.set_recipe(scratch)
    assert form.config() == config.changed(scratch, {"seed": 5})
    assert form.recipe() == scratch
    assert form.rows["optimiser.lr"].control.text() == "fast"
    assert list(form.problems()) == ["optimiser.lr"]
    assert form.rows["model.size"].control.text() == "160"
    form.reset("optimiser.lr")
    assert form.rows["optimiser.lr"].control.text() == "5e-3"


def test_images_too_small_for_the_backbone_are_told_at_the_size(form: ConfigForm, qtbot: QtBot) -> None:
    form.set_value("model.backbone", "alexnet")
    _type(qtbot, form.rows["model.size"], "48")
    assert form.problems() == {
        "model.size": "Images of 48 px are too small for alexnet. Choose at least 63 px or another backbone."
    }
    form.set_value("model.backbone", "resnet18")
    assert form.problems() == {}
    _type(qtbot, form.rows["model.size"], "5")
    assert "outside its limits" in form.problems()["model.size"]
    form.set_value("model.backbone", "alexnet")
    assert "outside its limits" in form.problems()["model.size"]  # what is wrong by itself comes first


def test_a_backbone_whose_stages_cannot_be_seen_is_told_at_the_features(form: ConfigForm, qtbot: QtBot) -> None:
    form.set_value("model.backbone", "vgg16")
    form.set_value("model.features", "stages")
    assert list(form.problems()) == ["model.features"]
    assert "last activation" in form.problems()["model.features"]
    form.set_value("model.backbone", "mobilenet_v2")
    assert form.problems() == {}
    folded = ConfigForm()
    qtbot.addWidget(folded)
    recipe = recipes.load("all-stages").settings
    folded.set_config(recipe, recipe)
    folded.set_value("model.backbone", "vgg16")  # where the features are not seen
    assert list(folded.problems()) == ["model.backbone"]
    folded.set_value("model.backbone", "resnet18")
    assert folded.problems() == {}


def test_others_are_folded_away_and_say_how_many_are_changed(qtbot: QtBot) -> None:
    form = ConfigForm()
    qtbot.addWidget(form)
    form.set_config(config.changed(RECIPE, {"seed": 3, "model.dropout": 0.5, "schedule.epochs": 3}), RECIPE)
    form.show()
    assert form.others.button.text() == "All settings (2 changed)"
    assert set(form.rows) == {key for key, item in SETTINGS.items() if item.essential or key in FOLLOWING}
    qtbot.mouseClick(form.others.button, Qt.MouseButton.LeftButton)
    assert form.rows["seed"].isVisible()
    assert form.rows["seed"].is_marked
    assert form.rows["seed"].control.text() == "3"
    qtbot.mouseClick(form.others.button, Qt.MouseButton.LeftButton)
    assert not form.rows["seed"].isVisible()
    form.show_setting("model.dropout")
    qtbot.waitUntil(form.rows["model.dropout"].control.hasFocus)


def test_settings_are_searched_by_all_that_can_be_read(form: ConfigForm, qtbot: QtBot) -> None:
    for text, found in (
        ("weight pull", {"optimiser.weight_decay"}),
        ("CLIP", {"optimiser.clip"}),
        ("ema", {"optimiser.average"}),
        ("augmentation zoom", {"augment.zoom"}),
        ("bf16", {"compute.precision"}),
        ("nothing like this", set()),
    ):
        qtbot.keyClicks(form.others.search, text)
        shown = {key for key, row in form.rows.items() if row.isVisible() and not SETTINGS[key].essential}
        assert shown & set(FOLLOWING) == set()
        assert shown == found
        assert form.others.nothing.isVisible() == (not found)
        form.others.search.clear()
        assert {key for key, row in form.rows.items() if not row.isVisible()} == set(FOLLOWING)


def test_the_wheel_scrolls_the_form_and_changes_nothing(form: ConfigForm, qtbot: QtBot) -> None:
    area = QScrollArea()
    qtbot.addWidget(area)
    area.setWidgetResizable(True)
    area.setWidget(form)
    area.resize(420, 400)
    area.show()
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 500)
    form.others.search.setFocus()
    turned = 0
    for row in form.rows.values():
        target = getattr(row.control, "box", row.control)
        if isinstance(target, (NumberBox, ChoiceBox)):
            area.ensureWidgetVisible(target)
            before = area.verticalScrollBar().value()
            wheel(target, -120)
            turned += area.verticalScrollBar().value() > before
    assert form.changes() == {}
    assert turned > 30
    area.takeWidget()


def test_words_lead_to_the_glossary(form: ConfigForm, qtbot: QtBot) -> None:
    row = form.rows["compute.precision"]
    with qtbot.waitSignal(form.glossary_wanted) as asked:
        qtbot.mouseClick(row.question, Qt.MouseButton.LeftButton)
    assert asked.args == ["mixed precision"]
    row = form.rows["optimiser.lr"]
    row.control.setFocus()
    with qtbot.waitSignal(form.glossary_wanted) as asked:
        qtbot.keyClick(row.control, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    assert asked.args == ["learning rate"]


def test_everything_can_be_reached_by_tab_in_the_order_of_the_eye(form: ConfigForm, qtbot: QtBot) -> None:
    form.activateWindow()
    form.set_value("choice.metric", "f_beta")
    first = form.rows["task.kind"].control
    first.setFocus()
    places, seen = [], []
    for _ in range(300):
        now = QApplication.focusWidget()
        assert now is not None
        if now in seen:
            break
        seen.append(now)
        places.append(now.mapTo(form, now.rect().topLeft()).y() // 12)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    for row in form.rows.values():
        taker = row.control.focusProxy() or row.control
        assert (taker in seen) == (row.question in seen) == row.isVisible(), row.setting.key
    assert form.others.search in seen
    assert places == sorted(places)


def test_a_row_remarks_what_a_choice_means(form: ConfigForm) -> None:
    row = form.rows["model.backbone"]
    form.set_value("model.backbone", "densenet121")
    assert row.note.isVisible()
    assert "CheXNet" in row.note.text()
    assert "Macro AUROC" in form.rows["choice.metric"].control.itemText(1)


def test_settings_that_stand_elsewhere_have_no_row_but_a_value(qtbot: QtBot) -> None:
    middle = QWidget()
    QVBoxLayout(middle)
    form = ConfigForm(elsewhere=frozenset({"imbalance.method", "loss.gamma"}), middle=middle)
    qtbot.addWidget(form)
    form.others.unfold(True)
    assert {"imbalance.method", "loss.gamma"} & set(form.rows) == set()
    form.set_value("imbalance.method", "oversampling")
    assert form.changes() == {"imbalance.method": "oversampling"}
    row = form.adopt("loss.gamma")
    middle.layout().addWidget(row)
    _type(qtbot, row, "x")
    assert list(form.problems()) == ["loss.gamma"]
    with pytest.raises(ConfigError):
        form.set_value("imbalance.method", "magic")


def test_two_columns_and_one(form: ConfigForm) -> None:
    left, right = form.rows["task.kind"], form.others
    assert left.mapTo(form, left.rect().topLeft()).x() == right.mapTo(form, right.rect().topLeft()).x()
    form.resize(1000, 2500)
    form.set_wide(True)
    QApplication.processEvents()
    assert right.mapTo(form, right.rect().topLeft()).x() > 400
    form.set_wide(False)
    QApplication.processEvents()
    assert right.mapTo(form, right.rect().topLeft()).x() < 20


def test_marks_follow_the_theme(form: ConfigForm, qapp: QApplication) -> None:
    form.set_value("schedule.epochs", 3)
    dot = form.rows["schedule.epochs"].dot
    for choice, colours in (("light", theme.LIGHT), ("dark", theme.DARK)):
        theme.apply(qapp, choice)
        QApplication.processEvents()
        picture = dot.grab().toImage()
        seen = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}
        assert colours.accent in seen


def test_devices_are_offered_and_the_chosen_one_is_kept(form: ConfigForm) -> None:
    form.set_value("compute.device", "cuda:0")
    form.set_devices([{"name": "cpu", "label": "A processor", "memory": 0, "free": 0}])
    assert form.rows["compute.device"].control.given() == "cuda:0"
    assert form.changes() == {"compute.device": "cuda:0"}


def test_no_finding_ticked_is_told_at_the_list(form: ConfigForm) -> None:
    box = form.rows["task.findings"].control
    for row in range(box.count()):
        box.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert form.problems() == {"task.findings": "No finding is chosen. Tick at least one."}
    assert form.config().task.findings == ("Mass",)  # the last right value
    box.item(0).setCheckState(Qt.CheckState.Checked)
    assert form.problems() == {}
    assert form.config().task.findings == ("Normal",)
