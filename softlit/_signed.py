# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-weights
"""The logarithm of a sum of exponentials with weights of any sign, as right as its condition allows."""

import numpy as np

from softlit._arrays import Layout, broadcast_together, mask_array, real_array
from softlit._limits import wide
from softlit._portable import is_foreign


def _signed_terms(x, b):
    """b exp(x - centre) along rows, right to their last digits, and the centres."""
    top = np.max(x + np.log(np.abs(b)), axis=-1, keepdims=True, initial=-np.inf)
    centre = np.where(np.isfinite(top) & (np.abs(top) > 300), np.rint(top), 0)
    gap = x - centre
    lost = x - (gap + centre)
    lost = np.where(np.abs(lost) < 1, lost, 0)  # else the term is 0 or infinite
    near = np.clip(
        gap, -700, 700
    )  # a large weight brings back what exp alone would lose
    return np.exp(near) * b * np.exp(gap - near) * (1 + lost), centre


def _sums_in_two(terms):
    """The sum along rows of terms of any sign, as two numbers: one without a rounding, and a small one."""
    size = np.sum(np.abs(terms), axis=-1, keepdims=True)
    grid = np.ldexp(terms.dtype.type(1.5), np.frexp(size)[1] + 1)
    coarse = np.where(np.isfinite(size), (terms + grid) - grid, terms)
    fine = np.where(np.isfinite(size), terms - coarse, 0)
    return tuple(
        np.sum(part, axis=-1, keepdims=True) for part in (coarse, fine)
    )


def _signed_log(x, b):
    """log |sum of b exp(x)| along rows, and the sign of the sum."""
    terms, centre = _signed_terms(x, b)
    coarse, fine = _sums_in_two(terms)
    total = coarse + fine
    sign = np.sign(total)
    less_one = (sign * coarse - 1) + sign * fine
    near_one = np.abs(less_one) < 0.5
    return centre + np.where(
        near_one, np.log1p(less_one), np.log(np.abs(total))
    ), sign


def weighted_logsumexp(x, b, axis, keepdims, where):
    """log |sum of b exp(x)| over the axes, and the sign of the sum."""
    if is_foreign(x) or is_foreign(b):
        raise TypeError(
            "the weights b and return_sign are for NumPy arrays alone"
        )
    # a Python number does not widen the result; numpy.float64, which is a float too, does
    scalar = type(b) in (bool, int, float)
    (x, dtype), (b, own) = real_array(x), real_array(b, "b")
    dtype = dtype if scalar else np.promote_types(dtype, own)
    x, b = broadcast_together(x=x, b=b)
    layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
    x, b = (layout.rows(part.astype(wide(part))) for part in (x, b))
    kept = b != 0 if mask is None else (b != 0) & layout.rows(mask)
    with np.errstate(all="ignore"):
        results = _signed_log(np.where(kept, x, -np.inf), np.where(kept, b, 0))
        return tuple(
            layout.reduced(value, keepdims).astype(dtype)[()]
            for value in results
        )


__all__ = [
    "weighted_logsumexp",
]
