# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-layout
"""Where slices lie: rows, or neighbours interleaved along a third axis; and tiles that fit the cache.

Axis 1 runs along the slices in both.
"""

import math

import numpy as np

from softlit._limits import BLOCK


def to_slices(x, layout, interleaved=True):
    """The slices along axis 1: a view unless their axes are apart, or few neighbours interleaved."""
    if interleaved and layout.axes:
        first, last = layout.axes[0], layout.axes[-1]
        inner = math.prod(layout.working[last + 1 :])
        if inner >= 32 and layout.axes == tuple(range(first, last + 1)):
            return x.reshape(-1, layout.size, inner)
    return layout.rows(x).reshape(-1, layout.size)


def from_slices(y, layout):
    """As many numbers as there were, back in the shape and order that the array came in."""
    return y.reshape(layout.shape) if y.ndim == 3 else layout.restore(y)


def tiles(x, itemsize):
    """Indices that cut an array into tiles of whole slices, of about a block or of one slice."""
    outer, n, inner = (*x.shape, 1)[:3]
    entries = BLOCK // itemsize
    width = min(inner, max(1024, entries // n))
    height = max(1, entries // (n * width))
    for row in range(0, outer, height):
        for column in range(0, inner, width):
            tile = (
                slice(row, row + height),
                slice(None),
                slice(column, column + width),
            )
            yield tile[: x.ndim]


def pieces(tile):
    """Indices that cut a tile across its slices into pieces of at most a block."""
    n = tile.shape[1]
    step = max(1, BLOCK * n // tile.nbytes)
    return [
        (slice(None), slice(start, start + step)) for start in range(0, n, step)
    ]


def top_places(rows):
    """The index of the maximum of each row."""
    return np.arange(len(rows))[:, np.newaxis], rows.argmax(axis=1)[
        :, np.newaxis
    ]


def tops(x):
    """The maximum of each slice."""
    return (
        x[top_places(x)]
        if x.ndim == 2
        else np.maximum.reduce(x, axis=1, keepdims=True)
    )


def _slices_first(x):
    """The same memory, seen with one index for each slice."""
    return x if x.ndim == 2 else x.swapaxes(1, 2)


def take(x, chosen):
    """The chosen slices, one bool for each, as rows."""
    return _slices_first(x)[chosen[:, 0]]


def put(x, chosen, rows):
    """Rows in the places that the chosen slices have in x."""
    _slices_first(x)[chosen[:, 0]] = rows


__all__ = [
    "from_slices",
    "pieces",
    "put",
    "take",
    "tiles",
    "to_slices",
    "top_places",
    "tops",
]
