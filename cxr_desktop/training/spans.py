"""Times and numbers of trainings in words."""

import math
from datetime import datetime


def duration(seconds: float) -> str:
    """ "12 s", "3 min", "1 h 20 min"."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def moment(seconds: float) -> str:
    """A time since the epoch as this computer's date and time."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def clock(seconds: float) -> str:
    """A time since the epoch as this computer's time of day."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%H:%M:%S}"


def three(value: float) -> str:
    """Three decimals; in words where it is not defined."""
    return "not defined" if math.isnan(value) else f"{value:.3f}"
