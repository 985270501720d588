# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-limits
"""What is peculiar to each float type: one row of limits a dtype; and what is short, and what a block."""

from typing import NamedTuple

import numpy as np


class _Limits(NamedTuple):
    """What decides, in one dtype, which way a slice is worked."""

    wide: np.dtype  # of sums: float64, or the same if that is wider
    low: np.floating  # below, the results of exp become subnormal
    high: float  # above, their sums may overflow
    largest_sum: (
        float  # up to here a sum of exponentials is believed without a shift
    )
    moderate: float  # maxima up to here need not be subtracted
    safe: float  # no warning comes of logits of at most this size
    small: int  # entries; up to there the number of calls decides
    vector: int  # entries; the same of a single slice, worked in float64


def _row(dtype, **limits):
    low = np.log(np.finfo(dtype).tiny) + dtype(0.9)
    return _Limits(wide=np.promote_types(dtype, np.float64), low=low, **limits)


_WIDE = {"high": 693, "largest_sum": 2.0**1000, "moderate": 300, "safe": 340}
# float64 after longdouble, which is the same type on some machines
LIMITS = {
    np.dtype(np.longdouble): _row(np.longdouble, **_WIDE, small=0, vector=0),
    np.dtype(np.float64): _row(np.float64, **_WIDE, small=2**16, vector=2**16),
    np.dtype(np.float32): _row(
        np.float32,
        high=83,
        largest_sum=2.0**120,
        moderate=40,
        safe=36,
        small=2**15,
        vector=2**14,
    ),
}
BLOCK = 2**19  # bytes; stays in a core's own cache
SHORT = 128  # entries of a slice; below, a quotient and NumPy's buffer cost less than their cures
SHORT_FOR_FLOAT32 = (
    32  # entries of a slice; below, float32 is worked in float64
)


def wide(x):
    """The dtype of an array, or float64 if that is wider."""
    return LIMITS[x.dtype].wide


__all__ = [
    "BLOCK",
    "LIMITS",
    "SHORT",
    "SHORT_FOR_FLOAT32",
    "wide",
]
