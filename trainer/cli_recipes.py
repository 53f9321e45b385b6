"""The verb `recipes`: show those that there are, or the settings; save, import, export and delete one's own."""

import argparse
from pathlib import Path

from trainer import bags, config, console, own_recipes, recipes
from trainer.errors import ConfigError, did_you_mean
from trainer.recipes import Recipe

_BELONGS = {
    "--from": ("from_run", ("save",)),
    "--title": ("title", ("save",)),
    "--about": ("about", ("save",)),
    "--name": ("name", ("take_in",)),
    "--replace": ("replace", ("save", "take_in")),
}
"""Options that mean something beside others only: where the value is, and beside which."""
_TYPED = {"save": "--save", "take_in": "--import"}


def run(options: argparse.Namespace) -> int:
    """Show recipes or settings, or do what is asked with one's own. Raises `ConfigError`, `StorageError`, `RunError`."""
    for word, (value, beside) in _BELONGS.items():
        if getattr(options, value) and not any(getattr(options, one) for one in beside):
            which = " or ".join(_TYPED[one] for one in beside)
            raise ConfigError(f"{word} belongs to {which}", remedy="See cxr-trainer recipes --help.")
    asked = options.settings or options.save or options.take_in or options.export or options.delete
    if asked and options.names:
        raise ConfigError(f"'{options.names[0]}' has no meaning here", remedy="Only recipes that are to be shown are named so.")
    if options.settings:
        return _settings(options)
    if asked:
        return _own(options)
    return _show(options)


def _show(options: argparse.Namespace) -> int:
    found = recipes.every()
    for name in options.names:
        if name not in {recipe.name for recipe in found}:
            raise ConfigError(f"There is no recipe '{name}'", remedy=did_you_mean(name, [recipe.name for recipe in found]))
    wanted = [recipe for recipe in found if not options.names or recipe.name in options.names]
    if options.json:
        console.emit({"recipes": [_as_json(recipe) for recipe in wanted], "damaged": recipes.damaged()})
        return 0
    for recipe in wanted:
        _say(recipe)
    for sentence in recipes.damaged():
        console.say(f"Note: {sentence}")
    return 0


def _as_json(recipe: Recipe) -> dict[str, object]:
    settings = config.to_dict(recipe.settings, only_changed=True)
    return {"name": recipe.name, "title": recipe.title, "about": recipe.about, "own": recipe.own, "settings": settings}


def _say(recipe: Recipe) -> None:
    own = " (your own)" if recipe.own else ""
    console.say(f"{recipe.name}{own}: {recipe.title}")
    if recipe.about:
        console.say(recipe.about, indent=2)
    changes = ", ".join(config.assignments(config.to_dict(recipe.settings, only_changed=True)))
    console.say(f"Differs from the defaults in: {changes or 'nothing'}.", indent=2)
    if note := own_recipes.missing(recipe.settings):
        console.say(f"Note: {note}", indent=2)
    console.say("")


def _own(options: argparse.Namespace) -> int:
    """Save, import, export or delete a recipe of one's own."""
    note = ""
    if options.save:
        _save(options)
        done = f"Saved: train with --recipe {options.save}"
    elif options.take_in:
        name = options.name or own_recipes.usable_name(options.take_in.stem)
        made = own_recipes.take_in(options.take_in, name=name, replace=options.replace)
        done, note = f"Imported: train with --recipe {made.name}", own_recipes.missing(made.settings)
    elif options.export:
        name, path = options.export
        own_recipes.export(name, Path(path))
        done = f"Written: {path}"
        if own_recipes.needs_file(settings := recipes.load(name).settings):
            note = f"It starts from {settings.model.weights}: send that file along; model.weights says where it lies."
    else:
        own_recipes.delete(options.delete)
        done = f"Deleted: {options.delete}"
    if options.json:
        console.emit({"done": done, **({"note": note} if note else {})})
        return 0
    console.say(done, wrapped=False)
    if note:
        console.say(f"Note: {note}")
    return 0


def _save(options: argparse.Namespace) -> None:
    if not options.from_run:
        raise ConfigError("--save keeps the settings of a run", remedy="Say which: --from lungs.cxr/runs/first")
    own_recipes.check_name(options.save)
    found = bags.either(options.from_run)
    kind, held = ("bag", {"config": found.plan().config}) if isinstance(found, bags.Bag) else ("run", found.about())
    about = options.about or f"The settings of the {kind} {found.name}."
    own_recipes.save(options.save, own_recipes.of_run(held), title=options.title, about=about, replace=options.replace)


def _settings(options: argparse.Namespace) -> int:
    """Every key that `train --set` takes."""
    found = list(config.settings())
    if options.json:
        keys = ("key", "default", "label", "help", "unit", "low", "high", "choices")
        levels = {"key": config.LEVEL, "choices": list(config.LEVELS), "values": config.LEVELS}
        console.emit({"settings": [{key: getattr(one, key) for key in keys} for one in found], "shorthands": [levels]})
        return 0
    rows = [(one.key, _shown(one.default), _allowed(one), one.help) for one in found]
    console.table("", ("Setting", "Default", "Allowed", "About"), rows)
    console.say(f"\n{config.LEVEL} stands for several numbers of augment at once:")
    for name, numbers in config.LEVELS.items():
        console.say(f"{name}: {', '.join(f'{key} {value:g}' for key, value in numbers.items())}", indent=2)
    return 0


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(one: config.Setting) -> str:
    if one.low is not None and one.high is not None:
        return f"{one.low:g} to {one.high:g} {one.unit}".strip()
    return ", ".join(one.choices)
