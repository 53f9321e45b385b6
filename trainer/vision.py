"""The one door to torchvision.

torchvision's wheel for Linux is linked against CUDA. Beside a CPU build of torch its binary part does not load, and the
import stops at "operator torchvision::nms does not exist". Nothing here uses these operators, so where the import fails in
this way their schemas are declared and it is tried again. (Declaring them first would clash with a binary part that loads.)
"""

import sys

from torch import library


def _declare_missing_operators() -> None:
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        library.define(f"torchvision::{schema.partition('(')[0]}", schema[schema.index("(") :])
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    _declare_missing_operators()
    import torchvision

__all__ = ["torchvision"]
