# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-running
"""Running sums of exponentials in few roundings: parts that join, each with its maximum kept out."""

import numpy as np

from softlit._limits import BLOCK
from softlit._tasks import log_of_near_one


def _joined(top, rest, other_top, other_rest):
    """The maximum and the rest of two parts together, from those of each."""
    higher = np.maximum(top, other_top)
    first = top == higher
    gap = np.where(
        top == other_top, 0, np.abs(top - other_top)
    )  # equal infinities are tied
    below = 1 + np.where(first, other_rest, rest)
    return higher, np.where(first, rest, other_rest) + below * np.exp(-gap)


def _running(top, rest):
    """The maxima and rests of the first 1, 2, 3 ... entries along the last axis."""
    n = top.shape[-1]
    if n <= 1:
        return top, rest
    even, second, parts = (
        n - n % 2,
        slice(1, None, 2),
        np.empty((2, *top.shape), top.dtype),
    )
    pairs = _joined(
        top[..., :even:2],
        rest[..., :even:2],
        top[..., second],
        rest[..., second],
    )
    parts[:, ..., 0] = top[..., 0], rest[..., 0]
    parts[:, ..., second] = _running(*pairs)
    before = parts[:, ..., 1 : n - 1 : 2]
    parts[:, ..., 2::2] = _joined(*before, top[..., 2::2], rest[..., 2::2])
    return tuple(parts)


def _run_along(rows):
    """The running LogSumExp of each row, in its place."""
    top, rest = _running(rows, np.zeros_like(rows))
    np.add(top, np.log1p(rest), out=rows)
    small = (np.abs(rows) < 2) & (top < 0)  # where the two parts cancel
    rows[small] = log_of_near_one(top[small], rest[small])


def run_in_blocks(rows):
    """The same for any number of rows, a block after the other."""
    height = max(1, BLOCK // rows.itemsize // max(1, rows.shape[1]))
    for start in range(0, len(rows), height):
        _run_along(rows[start : start + height])


__all__ = [
    "run_in_blocks",
]
