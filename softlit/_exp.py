# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-exp
"""Exponentials of gaps with all their digits, what to subtract before, and gaps times beta."""

import numpy as np

from softlit._limits import LIMITS


def shifted_exp(x, centre, out=None):
    """exp(x - centre), in float64 0 for what would be subnormal; the centre None is 0."""
    if centre is None:
        return np.exp(x, out=out)
    low = LIMITS[x.dtype].low
    gap = np.subtract(x, centre, out=out)
    if (
        (centre > 0) & (centre < -2 * low)
    ).any():  # else at most half an ulp of 1 is rounded off
        return _exp_with_correction(gap, x, centre)
    if x.dtype == np.float32 or np.minimum.reduce(gap, axis=None) >= low:
        return np.exp(gap, out=gap)
    kept = (gap > low).astype(gap.dtype)
    np.maximum(gap, low, out=gap)
    np.exp(gap, out=gap)
    return np.multiply(gap, kept, out=gap)


def _exp_with_correction(gap, x, centre):
    """exp(x - centre) in the place of the rounded difference, with what was rounded off put back."""
    np.maximum(gap, LIMITS[x.dtype].low, out=gap)
    factor = np.add(gap, centre)  # exact, since the centre is an integer
    np.subtract(x, factor, out=factor)
    factor += 1  # exp(gap + lost) = exp(gap) (1 + lost)
    np.maximum(factor, 0, out=factor)  # far below: 0
    np.exp(gap, out=gap)
    return np.multiply(gap, factor, out=gap)


def safe_centre(top):
    """What to subtract from slices with these maxima: nothing if that is safe, else an integer.

    Either way the sum of the exponentials is at least 1.
    """
    moderate = (top >= 0) & (top <= LIMITS[top.dtype].moderate)
    return np.where(moderate | ~np.isfinite(top), 0, np.floor(top))


def looks_moderate(x):
    """Whether exp stays in its quick range, judged by one entry in sixteen."""
    some = x[::16] if len(x) >= 16 else x[:, ::16]
    least, most = (
        np.minimum.reduce(some, axis=None),
        np.maximum.reduce(some, axis=None),
    )
    limits = LIMITS[x.dtype]
    return limits.low <= least and most <= limits.high


# --- book/03a-engine-room.ipynb, cell build-gaps
def scaled_gaps(rows, beta, mask):
    """beta (x - max x) along the last axis, or beta (x - min x) for a negative beta: never positive.

    Equal infinities are tied, beta = 0 gives zeros, an infinite beta keeps the ties of the maximum
    alone, and a row of -inf alone gives NaN. Entries outside the mask get -inf.
    """
    y = np.copysign(1, beta) * rows
    if mask is not None:
        y = np.where(mask, y, -np.inf)
    top = np.max(y, axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isneginf(top) & (beta != 0), np.nan, top)
    half_gaps = np.where(y == top, 0, y / 2 - top / 2)
    scaled = np.abs(beta) * half_gaps * 2
    zero_times_infinity = (
        np.isnan(scaled) & ~np.isnan(half_gaps) & ~np.isnan(beta)
    )
    scaled = np.where(zero_times_infinity, 0, scaled)
    scaled = np.where(
        np.isinf(beta) & (y < top), -np.inf, scaled
    )  # a gap too small to be halved
    return scaled if mask is None else np.where(mask, scaled, -np.inf)


__all__ = [
    "looks_moderate",
    "safe_centre",
    "scaled_gaps",
    "shifted_exp",
]
