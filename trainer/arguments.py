"""What can be typed after `cxr-trainer`: verbs, options, and an example of each. Nothing here is slow to import."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import trainer
from trainer.errors import did_you_mean
from trainer.policies import CHOICES, UNSAID, Policies

EXAMPLES = {
    "phantom": "cxr-trainer phantom drawn --images 40 --classes Normal COVID-19",
    "import": "cxr-trainer import lungs.cxr drawn",
    "layouts": "cxr-trainer layouts",
    "show": "cxr-trainer show lungs.cxr",
    "inspect": "cxr-trainer inspect drawn/images",
    "relocate": "cxr-trainer relocate lungs.cxr moved/drawn",
    "split": "cxr-trainer split lungs.cxr --test 0.2 --val 0.2 --seed 1",
    "train": "cxr-trainer train lungs.cxr --recipe scratch --set schedule.epochs=2 --set model.size=64 --run first",
    "bag": "cxr-trainer bag lungs.cxr --members 10 --name ten",
    "resume": "cxr-trainer resume lungs.cxr/runs/first",
    "stop": "cxr-trainer stop lungs.cxr/runs/first",
    "watch": "cxr-trainer watch lungs.cxr/runs/first",
    "evaluate": "cxr-trainer evaluate lungs.cxr/runs/first --on test",
    "thresholds": "cxr-trainer thresholds lungs.cxr/runs/first --set COVID-19=sensitivity=0.9",
    "extract": "cxr-trainer extract lungs.cxr/runs/first --on test --out figures --kind svg csv",
    "predict": "cxr-trainer predict lungs.cxr/runs/first drawn/images --csv predictions.csv",
    "explain": "cxr-trainer explain lungs.cxr/runs/first drawn/images --out maps --finding COVID-19",
    "report": "cxr-trainer report lungs.cxr/runs/first",
    "models": "cxr-trainer models",
    "recipes": "cxr-trainer recipes",
    "devices": "cxr-trainer devices",
    "demo": "cxr-trainer demo demo",
}

HELP = {
    "phantom": "draw a dataset of radiographs with known truth",
    "import": "add images and labels to a project; again: only what is new, changed or gone",
    "layouts": "the public datasets that an import recognises by itself",
    "show": "what a project holds: counts by finding, patient, view, source, split",
    "inspect": "what radiograph files say of themselves, and what becomes of them on their way to grey values",
    "relocate": "say where images are now that were moved: compared by content before they are believed",
    "split": "divide a project into train, validation and test by patient",
    "train": "train a network",
    "bag": "train several networks that belong together: of several seeds, to be averaged, or of the folds of a division",
    "resume": "go on exactly with a run that was stopped, failed or crashed",
    "stop": "ask a run to stop and keep what it has learned",
    "watch": "follow a run live",
    "evaluate": "judge a run on its validation or test part, or on another project",
    "thresholds": "show or move the thresholds of a run or bag, or choose them anew on validation",
    "extract": "drawings (PNG, SVG) and tables (CSV) of an evaluation as files",
    "predict": "probabilities of one run, or of several averaged, for files or folders",
    "explain": "heat maps (Grad-CAM) over radiographs",
    "report": "one HTML file on a run or bag: data, curves, matrices, examples, limits",
    "models": "the networks that can be chosen",
    "recipes": "the named starting points for training",
    "devices": "what can be computed on here",
    "demo": "the whole main job on drawn radiographs",
}

ON_DATA = frozenset({"phantom", "import", "layouts", "show", "inspect", "relocate", "split", "stop", "watch", "recipes"})
"""Verbs that need no network, and so need not wait for torch."""

ON_RESULTS = frozenset({"thresholds", "extract"})
"""Verbs on what a network has said already: they need no torch either."""

ON_BAGS = frozenset({"resume", "evaluate", "report"})
"""Verbs that need a network and do something of their own where a bag is given in place of a run."""

_RUN_OR_BAG = "run folder, or a project for its newest run, or a bag (PROJECT.cxr/bags/NAME)"

BY_SEVERAL = frozenset({"train", "resume"})
"""Verbs that several processes may do together."""


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake with one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to learn more; exit status 2."""
        end = "" if message.endswith("?") else "."
        self.exit(2, f"{self.prog}: {message[:1].upper()}{message[1:]}{end} See {self.prog} --help.\n")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(
                None, f"there is no '{value}'. {did_you_mean(str(value), map(str, action.choices))}".rstrip(".")
            )


def parser() -> Parser:
    """The whole grammar."""
    top = Parser(
        prog="cxr-trainer",
        description="Build, judge and explain chest X-ray classifiers. For teaching and research, not for diagnosis.",
    )
    top.add_argument("--version", action="version", version=f"cxr-trainer {trainer.__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    made = {verb: _verb(verbs, verb) for verb in HELP}
    _data(made)
    _learning(made)
    _judging(made)
    _looking(made)
    return top


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse; on a mistake or --help this ends the process."""
    top = parser()
    options, unknown = top.parse_known_args(arguments)
    if unknown:
        one = _verbs(top)[options.verb]
        known = [word for action in one._actions for word in action.option_strings if word.startswith("--")]
        near = did_you_mean(unknown[0].partition("=")[0], known) if unknown[0].startswith("-") else ""
        hint = f". {near.rstrip('.')}" if near.startswith("Did") else ""
        one.error(f"'{unknown[0]}' has no meaning here{hint}")
    return options


def _verbs(top: Parser) -> dict[str, Parser]:
    """The parser of each verb."""
    return next(dict(action.choices) for action in top._actions if isinstance(action, argparse._SubParsersAction))


def policies(options: argparse.Namespace) -> Policies:
    """What the options of an import say of labels that leave something open."""
    chosen = {name: getattr(options, name) for name in CHOICES}
    values = {name: [value for value, _ in CHOICES[name] if _typed(value) == word] for name, word in chosen.items()}
    return Policies(**{name: next(iter(found), UNSAID) for name, found in values.items()})


def policy_words(chosen: Policies) -> list[str]:
    """The options that ask for policies; one of which nothing is said stays as at the last import."""
    said = {name: getattr(chosen, name) for name in CHOICES}
    return [f"--{_typed(name)}={_typed(value)}" for name, value in said.items() if value != UNSAID]


def _verb(verbs: "argparse._SubParsersAction[Parser]", verb: str) -> Parser:
    one = verbs.add_parser(
        verb,
        help=HELP[verb],
        description=HELP[verb][:1].upper() + HELP[verb][1:] + ".",
        epilog=f"example:\n  {EXAMPLES[verb]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    one.add_argument("--progress", action="store_true", help="print progress as JSON lines on stderr, for another program")
    return one


def _data(verbs: dict[str, Parser]) -> None:
    add = verbs["phantom"].add_argument
    add("out", metavar="OUT", type=Path, help="folder to make")
    add("--images", type=_count, default=400, help="how many (default 400)")
    add("--patients", type=_count, default=0, help="of how many patients (default: about two thirds of the images)")
    add("--classes", nargs="+", default=[], metavar="FINDING", help="which findings (default: all)")
    add("--several", action="store_true", help="several findings may stand in one image")
    add("--size", type=_count, default=256, help="side in pixels (default 256)")
    add("--fault", default="", help="plant a fault to be found: text-marker, duplicates, inverted, label-noise")
    add("--seed", type=_seed, default=1, help="start of all random numbers: the same seed draws the same (default 1)")
    add = verbs["import"].add_argument
    add("project", metavar="PROJECT", type=Path, help="project folder NAME.cxr; made if it is not there")
    add("sources", metavar="SOURCE", nargs="+", type=Path, help="folders or files")
    add(
        "--layout",
        default="",
        metavar="LAYOUT",
        help="how the source is arranged: auto (recognised, the default), folders, table, flat (no labels), or a known dataset "
        "('cxr-trainer layouts' lists them); again: as at the last import, unless a layout or a table is named",
    )
    add("--labels", type=Path, metavar="TABLE", help="table with the labels (default: one beside the images)")
    add("--path-column", default="", metavar="COLUMN", help="column that names the image file")
    add(
        "--label-column",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN",
        help="column(s) with the labels (after the sources); - is none, here and below",
    )
    for name in ("patient", "study", "view", "sex", "age", "source", "part", "reader"):
        add(f"--{name}-column", default="", metavar="COLUMN", help=f"column with the {name}")
    for name, choices in CHOICES.items():
        typed = [_typed(value) for value, _ in choices]
        words = "; ".join(f"{word}: {sentence}" for word, (_, sentence) in zip(typed, choices, strict=True))
        words += f" (default: as at the last import, at first {typed[0]})"
        add(f"--{_typed(name)}", choices=typed, default=UNSAID, metavar="POLICY", help=words)
    add("--resaved", action="store_true", help="files that changed are the same radiographs saved anew: keep answers by hand")
    add("--files-from", type=Path, metavar="LIST", help="text file (UTF-8) with more sources, one on each line")
    verbs["show"].add_argument("project", metavar="PROJECT", type=Path, help="project folder NAME.cxr")
    add = verbs["relocate"].add_argument
    add("project", metavar="PROJECT", type=Path, help="project folder NAME.cxr")
    add("new", metavar="NEW", type=Path, help="where the images are now; other folders that moved in the same way come along")
    add("--source", default="", metavar="OLD", help="the source folder that is meant (default: those that are missing)")
    add("--partial", action="store_true", help="also if less than half of the images are there; the others are left out")
    add = verbs["inspect"].add_argument
    add("inputs", metavar="FILE", nargs="+", type=Path, help="radiographs, or folders of them")
    add = verbs["split"].add_argument
    add("project", metavar="PROJECT", type=Path, help="project folder NAME.cxr")
    add("--test", type=_share, help="share of images in the test part (default 0.2)")
    add("--val", type=_share, help="share of images in the validation part (default 0.1)")
    add("--folds", type=_count, default=0, help="number of folds for cross-validation (default: none)")
    add("--seed", type=_seed, default=1, help="start of all random numbers: the same seed splits the same (default 1)")
    add("--name", default="", help="name of the split (default: made of shares and seed)")


def _learning(verbs: dict[str, Parser]) -> None:
    add = verbs["train"].add_argument
    add("project", metavar="PROJECT", type=Path, help="project folder NAME.cxr")
    add("--recipe", default="quick", help="where the settings start (default quick; see 'cxr-trainer recipes')")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="assignments",
        help="change one setting; may be repeated ('cxr-trainer recipes --settings' lists them all)",
    )
    add("--device", default="", help="auto, cpu, cuda, cuda:1, mps (short for --set compute.device=...)")
    add("--split", default="", help="name of the split (default: the active one)")
    add("--run", default="", help="name of the run (default: date and time)")
    for verb in ("train", "resume"):
        verbs[verb].add_argument(
            "--devices",
            type=_devices,
            metavar="N",
            help="how many GPUs share each step: a number, or all (default: 1, or as many as the run was begun on)",
        )
        verbs[verb].add_argument(
            "--console-log",
            action="store_true",
            help='for another program: once the run can be followed, say so on stdout ({"run": FOLDER}) and write all that '
            "is printed from then on to console.log in the run",
        )
    for verb in ("resume", "stop", "watch"):
        verbs[verb].add_argument("run", metavar="RUN", type=Path, help=_RUN_OR_BAG)
    _bag(verbs["bag"])
    _recipes(verbs["recipes"])
    add = verbs["demo"].add_argument
    add("out", metavar="OUT", nargs="?", type=Path, default=Path("demo"), help="folder to make (default demo)")
    add("--images", type=_count, default=0, help=argparse.SUPPRESS)


def _recipes(verb: Parser) -> None:
    verb.add_argument("names", metavar="NAME", nargs="*", help="show these only (default: all)")
    verb.add_argument("--settings", action="store_true", help="list every setting that train --set can change")
    one = verb.add_mutually_exclusive_group()
    one.add_argument("--save", default="", metavar="NAME", help="keep the settings of a run or bag (--from RUN) as a recipe")
    one.add_argument("--import", type=Path, metavar="FILE", dest="take_in", help="take in a recipe file (.toml)")
    one.add_argument("--export", nargs=2, metavar=("NAME", "FILE"), help="write a recipe as a file, to be taken in elsewhere")
    one.add_argument("--delete", default="", metavar="NAME", help="delete a recipe of your own")
    verb.add_argument("--from", type=Path, metavar="RUN", dest="from_run", help="with --save: the run or bag")
    verb.add_argument("--title", default="", help="with --save: one line on what it is")
    verb.add_argument("--about", default="", help="with --save: a paragraph on it")
    verb.add_argument("--name", default="", help="with --import: its name here (default: that of the file)")
    verb.add_argument("--replace", action="store_true", help="with --save and --import: replace one of your own of that name")


def _bag(verb: Parser) -> None:
    add = verb.add_argument
    add("project", metavar="PROJECT", type=Path, help="project folder NAME.cxr")
    add("--members", type=_count, default=0, help="how many, with seeds that follow each other (default 10)")
    add("--folds", type=_count, default=0, help="instead: one for each fold of a cross-validation by patient")
    add("--name", default="", help="name of the bag; its runs are called NAME-01, NAME-02, ... (default: date and time)")
    add("--recipe", default="quick", help="where the settings start (default quick; see 'cxr-trainer recipes')")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="assignments", help="change one setting, as in train")
    add("--split", default="", help="name of the split, or of one of the folds (default: the active one; folds are made)")
    add(
        "--over",
        nargs="+",
        default=[],
        metavar="DEVICE",
        help="share the members out among these devices, each at work on one member (default: one after another)",
    )
    add("--console-log", action="store_true", help="for another program: say the bag on stdout, write the rest into its folder")


def _judging(verbs: dict[str, Parser]) -> None:
    add = verbs["evaluate"].add_argument
    add("run", metavar="RUN", type=Path, help=_RUN_OR_BAG)
    add(
        "--on",
        default="val",
        metavar="val|test|PROJECT",
        help="which part (default val); test is sealed and each opening is counted",
    )
    add(
        "--thresholds",
        default="",
        metavar="RULE",
        help="choose them anew on validation data: youden, f1, fbeta=2 or sensitivity=0.9 (default: as chosen before)",
    )
    add(
        "--level",
        type=_count,
        default=0,
        metavar="N",
        help="judge fine findings (Pneumonia/Viral/COVID-19) as coarse ones: 1 is the first step of their path",
    )
    add = verbs["thresholds"].add_argument
    add("run", metavar="RUN", type=Path, help=_RUN_OR_BAG)
    add("--rule", default="", help="choose all on validation data: youden, f1, fbeta=2 or sensitivity=0.9")
    add(
        "--set",
        action="append",
        default=[],
        metavar="FINDING=VALUE",
        dest="changes",
        help="set one: a number from 0 to 1, or a rule; may be repeated",
    )
    add("--reset", action="store_true", help="as they were chosen at first, on validation")
    add = verbs["extract"].add_argument
    add("run", metavar="RUN", type=Path, help=_RUN_OR_BAG)
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    add("--on", default="val", metavar="PART", help="which evaluation: val (the default), test, train, external-NAME")
    add(
        "--kind",
        nargs="+",
        default=["png", "svg", "csv"],
        metavar="KIND",
        dest="kinds",
        help="png, svg, csv (all figures), predictions (CSV of all images); default: png svg csv",
    )
    add("--paths", action="store_true", help="name the files in the table of predictions (a name may be a patient's)")


def _looking(verbs: dict[str, Parser]) -> None:
    add = verbs["predict"].add_argument
    add(
        "inputs",
        metavar="RUN|FILE",
        nargs="+",
        type=Path,
        help="run folders, bags or checkpoints, then images or folders of them",
    )
    add("--csv", type=Path, metavar="OUT", help="write a table of all probabilities (- prints it)")
    add(
        "--columns",
        default="",
        metavar="NAME[=CONTENT],...",
        help="with --csv: the columns of the table, as File,Label or File,Label=COVID-19. CONTENT is file (as it was named), "
        "name, stem, path, finding (what was decided: the most probable one; multi-label all above their thresholds), error, "
        "a FINDING (1 from its threshold on, else 0), p(FINDING) (its probability) or sd(FINDING) (the spread between "
        "networks). Where a finding has a comma: 'File,\"Label=Lung, other\"'",
    )
    add(
        "--files-from",
        type=Path,
        metavar="LIST",
        help="names of images in the order wanted: a text file with one on each line, or a table (CSV) with a column File; "
        "they are looked for in the folder that is given",
    )
    add("--device", default="auto", help="auto (the default), cpu, cuda, cuda:1, mps")
    add = verbs["explain"].add_argument
    add("run", metavar="RUN", type=Path, help=f"{_RUN_OR_BAG}, or a checkpoint")
    add("files", metavar="FILE", nargs="+", type=Path, help="images or folders")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the overlays")
    add("--finding", default="", help="explain this finding (default: the most probable one)")
    add("--device", default="auto", help="auto (the default), cpu, cuda, cuda:1, mps")
    verbs["report"].add_argument("run", metavar="RUN", type=Path, help=_RUN_OR_BAG)
    verbs["report"].add_argument("--out", type=Path, help="HTML file to write (default: report.html in the run or bag)")


def _typed(value: str) -> str:
    """A policy's value as it is typed: without spaces."""
    return value.replace(" ", "-").replace("_", "-")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no share: give a number from 0 to below 1, for example 0.2")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"'{text}' is no seed: give a whole number from 0, for example 1")
    return int(text)


def _devices(text: str) -> int:
    if text != "all" and not (text.isdecimal() and 1 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"'{text}' is no number of devices: give a whole number from 1, or all")
    return 0 if text == "all" else int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 10_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is no count: give a whole number, for example 100")
    return int(text)
