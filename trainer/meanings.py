"""What the figures are called and what they mean, in a line each: the same words in the window, the report and the tables."""

from collections.abc import Mapping

METRIC_NAMES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "macro_auroc": "Macro AUROC",
    "hamming": "Hamming loss",
    "exact_match": "Exact match",
    "macro_auprc": "Macro AUPRC",
    "macro_sensitivity": "Macro sensitivity",
    "macro_specificity": "Macro specificity",
    "macro_precision": "Macro precision",
    "loss": "Loss",
    "f_beta": "F-beta of one finding",
    "specificity_at_sensitivity": "Specificity at a least sensitivity",
}

METRICS: Mapping[str, str] = {
    "accuracy": "share of answers that are right",
    "balanced_accuracy": "as accuracy, but rare findings count as much as frequent ones",
    "macro_f1": "mean over the findings of F1, which needs both sensitivity and precision",
    "macro_auroc": "mean over the findings of the chance that an image with it scores above one without it; 0.5 is guessing",
    "hamming": "share of answers that are wrong: less is better",
    "exact_match": "share of images with no mistake at all",
    "f_beta": "sensitivity and precision of the finding that matters in one, sensitivity counting beta times as much",
    "specificity_at_sensitivity": "specificity for the finding that matters where enough of the images with it are found",
    "macro_auprc": "mean over the findings of the area under the precision-recall curve",
    "macro_sensitivity": "mean over the findings of the share found",
    "macro_specificity": "mean over the findings of the share rightly called free of it",
    "macro_precision": "mean over the findings of the share of alarms that are right",
}

FIGURE_NAMES: Mapping[str, str] = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision (PPV)",
    "npv": "NPV",
    "f1": "F1",
    "accuracy": "Accuracy",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
}

FIGURES: Mapping[str, str] = {
    "sensitivity": "of the images with it, the share found",
    "specificity": "of the images without it, the share called free of it",
    "precision": "of the alarms, the share that is right",
    "npv": "of the all-clears, the share that is right",
    "f1": "sensitivity and precision in one",
    "accuracy": "share of answers that are right",
    "auroc": "chance that an image with it scores above one without it; 0.5 is guessing",
    "auprc": "area under the precision-recall curve; guessing gives the share of images with it",
    "brier": "mean squared distance of the probability from the truth: less is better",
}

REPEATED: Mapping[str, tuple[str, ...]] = {"multi-class": ("exact_match", "macro_sensitivity"), "multi-label": ()}
"""Headline figures that repeat another one in a task."""
