# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/01-hard-and-soft.ipynb, cell build-arrays
"""How every function reads its arguments: which numbers, which axes, which entries."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple


def real_array(x, name="x"):
    """An array of floats to compute with, and the dtype of the result.

    Integers and bool become float64, float16 is widened to float32 for the computation.

    Raises
    ------
    TypeError
        If the entries are not real numbers.
    """
    x = np.asarray(x)
    if x.dtype.kind in "iub":
        return x.astype(np.float64), np.dtype(np.float64)
    if x.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers, not values of dtype {x.dtype}")
    result = x.dtype.newbyteorder("=")
    return x.astype(np.promote_types(result, np.float32), copy=False), result


def mask_array(where, shape, name="where"):
    """The mask as a bool array of the given shape, or None.

    Raises
    ------
    TypeError
        If the entries are not bool.
    ValueError
        If the mask does not broadcast to the shape.
    """
    if where is None:
        return None
    where = np.asarray(where)
    if where.dtype != bool:
        raise TypeError(f"{name} must hold bool, not values of dtype {where.dtype}")
    return np.broadcast_to(where, shape)


class Layout:
    """The slices of an array along some axes, laid out as rows along one last axis, and back.

    Raises
    ------
    numpy.exceptions.AxisError
        If an axis is out of range.
    """

    def __init__(self, shape, axis):
        self.shape = shape
        self.working = shape or (1,)  # a 0-d array is one slice of one entry
        dimensions = range(len(self.working))
        if axis is None:
            self.axes = tuple(dimensions)
        else:
            self.axes = normalize_axis_tuple(axis, len(self.working))
        kept = [dimension for dimension in dimensions if dimension not in self.axes]
        self.order = (*kept, *self.axes)
        self.in_order = self.order == tuple(dimensions)
        self.outer = tuple(self.working[dimension] for dimension in kept)
        self.size = math.prod(self.working[dimension] for dimension in self.axes)

    def rows(self, x):
        """An array of this shape as rows: its slices lie along the last axis."""
        if not self.in_order:
            x = x.reshape(self.working).transpose(self.order)
        return x.reshape(*self.outer, self.size)

    def restore(self, rows):
        """Rows back in the shape and order that the array came in."""
        if self.in_order:
            return rows.reshape(self.shape)
        moved = rows.reshape([self.working[dimension] for dimension in self.order])
        return moved.transpose(np.argsort(self.order)).reshape(self.shape)

    def _kept_shape(self):
        return [1 if k in self.axes else n for k, n in enumerate(self.working)]

    def column(self, values, name):
        """One value a row, from an array that broadcasts against the slices.

        Raises
        ------
        ValueError
            If it has more than one value for some slice.
        """
        try:
            values = np.broadcast_to(values, self._kept_shape())
        except ValueError:
            raise ValueError(
                f"{name} has shape {values.shape} and varies along axis {self.axes}; "
                f"one slice has one {name}"
            ) from None
        return values.transpose(self.order).reshape(*self.outer, 1)

    def reduced(self, values, keepdims=False):
        """One value a row, in the shape that a NumPy reduction over the axes gives."""
        if keepdims:
            return values.reshape(self._kept_shape() if self.shape else ())
        return values.reshape(self.outer if self.shape else ())


# --- book/04-inverse.ipynb, cell build-nonnegative
def nonnegative_array(p, name="p"):
    """As `real_array`, for numbers that cannot be negative: weights, counts, probabilities.

    Raises
    ------
    TypeError
        If the entries are not real numbers.
    ValueError
        If an entry is negative; the message names the first one.
    """
    p, dtype = real_array(p, name)
    with np.errstate(invalid="ignore"):
        negative = np.argwhere(p < 0)
    if len(negative):
        place = negative[0].tolist()
        entry = f"{name}{place}" if place else name
        raise ValueError(f"{name} must not be negative, but {entry} is {p[tuple(place)]!s}")
    return p, dtype


# --- book/15-streaming.ipynb, cell build-blocks
import operator


def positive_int(count, name):
    """A number of things, as an int.

    Raises
    ------
    TypeError
        If it is not an int.
    ValueError
        If it is less than 1.
    """
    try:
        count = operator.index(count)
    except TypeError:
        raise TypeError(f"{name} must be a positive int, not {count!r}") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
    return count


def block_shape(shape, entries):
    """The shape of blocks of at most so many entries, each of which lies in one stretch of memory."""
    block = []
    for size in reversed(shape):
        block.append(min(size, max(1, entries)))
        entries //= max(1, size)
    return tuple(reversed(block))


__all__ = [
    "Layout",
    "block_shape",
    "mask_array",
    "nonnegative_array",
    "positive_int",
    "real_array",
]
