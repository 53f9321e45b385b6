"""What was published of the four systems and DarkCovidNet, recomputed from the counts that stand in the publications."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer.intervals import wilson


@dataclass(frozen=True)
class Counts:
    """A 2x2 table of images: found, missed, false alarms, rightly denied."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def sensitivity(self) -> float:
        """Share of the positives that were found."""
        return self.tp / (self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the alarms that were right."""
        return self.tp / (self.tp + self.fp)

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn)."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)

    @property
    def swapped(self) -> "Counts":
        """As the same table reads when the negatives are taken for the positives."""
        return Counts(tp=self.tn, fn=self.fp, fp=self.fn, tn=self.tp)


A_IMAGES = 628
A_POSITIVES = {"COVID-19": 28, "Normal": 400, "Pneumonia": 228}
A_MISTAKES = {"COVID-19": (9, 2), "Normal": (19, 16), "Pneumonia": (16, 19)}
"""Validation: images missed and false alarms. For COVID-19, 19 of 28 found settles which is which; for the others the order is
not certain, and `a_tables` can be asked for either."""
A_TRAIN_MISTAKES, A_TRAIN_IMAGES = 867, 6200


def a_tables(*, turned: bool = False) -> Mapping[str, Counts]:
    """A's 2x2 tables on validation; `turned` takes the two kinds of mistakes of normal and pneumonia the other way round."""
    found = {}
    for name, (missed, false) in A_MISTAKES.items():
        if turned and name != "COVID-19":
            missed, false = false, missed
        positives = A_POSITIVES[name]
        found[name] = Counts(positives - missed, missed, false, A_IMAGES - positives - false)
    return found


def a_hamming() -> tuple[float, float]:
    """Share of wrong answers on validation and train."""
    wrong = sum(sum(pair) for pair in A_MISTAKES.values())
    return wrong / (A_IMAGES * len(A_MISTAKES)), A_TRAIN_MISTAKES / (A_TRAIN_IMAGES * len(A_MISTAKES))


def interval(share: float, n: int) -> str:
    """A published share with Wilson's interval for n images, as if each were a patient."""
    low, high = wilson(share, n)
    return f"{share:.3f} ({low:.3f} to {high:.3f})"


def a_lines() -> list[str]:
    """A's tables as published and as they read with the axes put right, in Markdown."""
    rows = []
    for name, one in a_tables().items():
        other = one.swapped
        rows.append(
            f"| {name} | {interval(one.sensitivity, one.tp + one.fn)} | {one.precision:.3f} | {one.f1:.3f} "
            f"| {other.sensitivity:.3f} | {other.precision:.3f} | {other.f1:.3f} |"
        )
    validation, train = a_hamming()
    macro = [sum(one.f1 for one in a_tables(turned=turned).values()) / 3 for turned in (False, True)]
    told = (
        f"Hamming loss from these tables: validation {validation:.4f} (published 0.0429), train {train:.4f} (published 0.047). "
        'The published tables call the negatives "Actual Infected": read so, nearly all COVID images seem to be found, while '
        f"19 of 28 were. Macro F1 with the axes put right is {macro[0]:.3f} (with the other two findings' mistakes, of which "
        f"it is uncertain which are misses, the other way round {macro[1]:.3f}); 0.951 is published as F1."
    )
    head = "| finding | sensitivity | precision | F1 | sensitivity, axes as labelled | precision | F1 |"
    return [head, "|---|---|---|---|---|---|---|", *rows, "", told]


D_RECALLS = {"Tuberculosis": 0.97, "Viral pneumonia": 0.96, "COVID-19": 0.96, "Opacity": 0.94, "Normal": 0.93}
R_RECALL, R_PRECISION, R_ACCURACY = 0.805, 0.332, 0.9141


def d_lines() -> list[str]:
    """D's recalls put together, and the F1 that the pooled counts of Rahimzadeh and Attar give."""
    mean = sum(D_RECALLS.values()) / len(D_RECALLS)
    f1 = 2 * R_RECALL * R_PRECISION / (R_RECALL + R_PRECISION)
    told = (
        f"The five published recalls of D have the mean {mean:.3f}; 0.954 is published. Of Rahimzadeh and Attar, whose network "
        f"it is, the raw counts pooled over folds give accuracy {R_ACCURACY:.4f}, COVID recall {R_RECALL:.3f}, precision "
        f"{R_PRECISION:.3f}, and so F1 {f1:.3f}: two of three COVID alarms were false, which an accuracy of 0.914 hides."
    )
    return [told]
