# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-sums
"""Sums in an order that lets no number take part in many roundings, on whatever machine."""

from functools import lru_cache

import numpy as np

from softlit._limits import LIMITS

_ONES = {dtype: np.ones(128, dtype) for dtype in LIMITS}
_FEW_ROUNDINGS = (
    8  # one after the other; a tree of additions has 7 for 128 numbers
)


def slice_sums(e):
    """The sum of each slice along axis 1, which is kept: of rows, or of slices that are interleaved."""
    return row_sums(e) if e.ndim == 2 else _folded(e)


def _folded(e):
    """By halves, which is a tree of additions of whole stretches of memory."""
    n, half = e.shape[1], e.shape[1] // 2
    if n == 1:
        return e.copy()
    sums = np.empty((len(e), n - half, *e.shape[2:]), e.dtype)
    np.add(e[:, :half], e[:, half : 2 * half], out=sums[:, :half])
    if n % 2:
        sums[:, half] = e[:, -1]
    return sums if n <= 2 else _folded(sums)


def _by_dot(e, vecdot):
    return vecdot(e, _ONES[e.dtype][: e.shape[-1]])


def _by_einsum(e, einsum):
    return einsum("...j->...", e)


def row_sums(e):
    """Of runs first, as dot products with ones, then of the runs in float64, and of what is left over."""
    n = e.shape[1]
    if n <= 32:
        if not _longest_run(_by_einsum, np.einsum, e.dtype):
            return _folded(e)
        return _by_einsum(e, np.einsum)[:, np.newaxis]
    if n < 64:
        return row_sums(e[:, :32]) + row_sums(e[:, 32:])
    longest = _longest_run(_by_dot, np.vecdot, e.dtype)
    if not longest:
        return _folded(e)
    run = min(longest, 64 if n < 128 else 128)
    cut = n - n % run
    runs = _by_dot(e[:, :cut].reshape(len(e), -1, run), np.vecdot)
    if (
        e.dtype == np.float32
    ):  # in which nothing shows of what float64 rounds off
        total = _by_einsum(runs.astype(np.float64), np.einsum)[:, np.newaxis]
    else:
        total = row_sums(runs)
    return total if cut == n else total + row_sums(e[:, cut:])


@lru_cache
def _longest_run(way, tool, dtype):
    """The longest run that the tool may sum on this machine; 0 if it adds the numbers one by one."""
    for n in (128, 64, 32) if way is _by_dot else (32,):
        ends = [
            _roundings(lambda rows: way(rows, tool), n, dtype, k)
            for k in (0, n - 1)
        ]
        if max(ends) <= _FEW_ROUNDINGS:
            return n
    return 0


def _roundings(total, n, dtype, place):
    """How many additions, one after the other, the number in this place of n meets when they are summed."""
    # Beside a 1 half its last place is lost, unless it has met another half before.
    half = np.finfo(dtype).eps / 2
    rest, met = np.delete(np.arange(n), place), 0
    while len(rest):
        rows = np.zeros((len(rest), n), dtype)
        rows[:, place] = 1
        rows[:, rest[0]] = half
        rows[np.arange(len(rest)), rest] = half
        together = total(rows) > 1
        together[0] = True
        rest, met = rest[~together], met + 1
    return met


def difference(x, y):
    """x - y, rounded, and what the rounding has lost; nothing where the difference is not finite."""
    rounded = x - y
    back = rounded - x
    lost = rounded - back
    np.subtract(x, lost, out=lost)
    back += y
    lost -= back
    lost[~np.isfinite(rounded)] = 0
    return rounded, lost


__all__ = [
    "difference",
    "row_sums",
    "slice_sums",
]
