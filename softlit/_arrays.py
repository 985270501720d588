# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/01-hard-and-soft.ipynb, cell build-arrays
"""How every function reads its arguments: which numbers, which axes, which entries."""

import math
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple


def refuse_more_than_numbers(x, name):
    """Raise a TypeError if an array, or one within a list, would lose something by becoming NumPy's."""
    if isinstance(x, list | tuple):
        if not all(
            issubclass(kind, int | float | np.generic) for kind in set(map(type, x))
        ):
            for part in x:
                refuse_more_than_numbers(part, name)
    elif isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost: pass the numbers alone, {name}.data, and "
            f"to a function that takes where=, where=~numpy.ma.getmaskarray({name})"
        )
    elif getattr(x, "__dask_graph__", lambda: None)() is not None:
        raise TypeError(
            f"{name} is an array of dask, which would be loaded as a whole: softlit.dask works on its "
            f"chunks, and {name}.compute() loads it"
        )


def plain_array(x, name):
    """The argument as an array of NumPy, which must be able to hold all of it.

    Lists become one, and so does what converts itself: tables of pandas, arrays of xarray, tensors.

    Raises
    ------
    TypeError
        If a mask would be lost or an array of dask loaded, or if another library does not convert its array.
    ValueError
        If a list is ragged.
    """
    if type(x) is np.ndarray:
        return x
    refuse_more_than_numbers(x, name)
    try:
        array = np.asanyarray(x)
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name} cannot be read as an array: {error}") from error
    refuse_more_than_numbers(array, name)  # some convert themselves to a masked array
    return np.asarray(array)


def _advice(x, array, name):
    """What to do with an argument that holds no floats, integers or bool; '' if there is nothing."""
    if hasattr(x, "toarray"):
        return f": {name} is a {type(x).__name__}, and {name}.toarray() an array"
    if array.dtype != object:
        narrow = array.dtype.kind == "V" and np.can_cast(array.dtype, np.float32)
        return f": {name}.astype(numpy.float32) holds them" if narrow else ""
    if array.ndim == 0 and isinstance(x, Iterable):
        return f": {name} is a {type(x).__name__}, and list({name}) a list"
    if array.size and all(hasattr(entry, "__float__") for entry in array.flat):
        with suppress(OverflowError):  # of an int that no float can hold
            array.astype(float)
            return f": numpy.asarray({name}).astype(float) holds them"
    return ""


def real_array(x, name="x"):
    """An array of floats to compute with, and the dtype of the result.

    Integers and bool become float64, float16 is widened to float32 for the computation.

    Raises
    ------
    TypeError
        If the entries are not real numbers, or as `plain_array` does.
    ValueError
        As `plain_array` does.
    """
    array = plain_array(x, name)
    if array.dtype.kind in "iub":
        return array.astype(np.float64), np.dtype(np.float64)
    if array.dtype.kind != "f":
        advice = _advice(x, array, name)
        raise TypeError(
            f"{name} must hold real numbers, not values of dtype {array.dtype}{advice}"
        )
    result = array.dtype.newbyteorder("=")
    return array.astype(np.promote_types(result, np.float32), copy=False), result


def mask_array(where, shape, name="where"):
    """The mask as a bool array of the given shape, or of its own if that is None; None if there is no mask.

    Raises
    ------
    TypeError
        If the entries are not bool, or as `plain_array` does.
    ValueError
        If the mask does not broadcast to the shape.
    """
    if where is None:
        return None
    where = plain_array(where, name)
    if where.dtype != bool:
        advice = f": {name} != 0 holds bool" if where.dtype.kind in "iu" else ""
        raise TypeError(f"{name} must hold bool, not values of dtype {where.dtype}{advice}")
    return where if shape is None else broadcast_array(where, shape, name)


def broadcast_array(array, shape, name):
    """The array in this shape.

    Raises
    ------
    ValueError
        If it does not broadcast; the message names the array and both shapes.
    """
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {array.shape}, which does not broadcast to {shape}"
        ) from None


def broadcast_pair(a, b, names):
    """Two arrays in the shape that both broadcast to.

    Raises
    ------
    ValueError
        If there is none; the message names both arrays and their shapes.
    """
    try:
        return np.broadcast_arrays(a, b)
    except ValueError:
        raise ValueError(
            f"{names[0]} has shape {a.shape} and {names[1]} has shape {b.shape}: they do not broadcast"
        ) from None


# --- book/01-hard-and-soft.ipynb, cell build-slices
class Layout:
    """The slices of an array along some axes, laid out as rows along one last axis, and back.

    Raises
    ------
    TypeError
        If the axis is no int, tuple of ints or None.
    numpy.exceptions.AxisError
        If an axis is out of range.
    """

    def __init__(self, shape, axis):
        self.shape = shape
        self.working = shape or (1,)  # a 0-d array is one slice of one entry
        dimensions = range(len(self.working))
        axes = tuple(dimensions) if axis is None else axis
        try:
            self.axes = normalize_axis_tuple(axes, len(dimensions))
        except TypeError:
            raise TypeError(
                f"axis must be an int, a tuple of ints or None, not {axis!r}"
            ) from None
        kept = [dimension for dimension in dimensions if dimension not in self.axes]
        self.order = (*kept, *self.axes)
        self.in_order = self.order == tuple(dimensions)
        self.outer = tuple(self.working[dimension] for dimension in kept)
        self.size = math.prod(self.working[dimension] for dimension in self.axes)

    @classmethod
    def shared(cls, shape, axis, values, name):
        """The layout of an array of this shape when it is broadcast with one value a slice.

        Raises
        ------
        ValueError
            If the shapes do not broadcast, or there is more than one value for some slice.
        """
        try:
            both = np.broadcast_shapes(shape, values.shape)
        except ValueError:
            raise cls(shape, axis)._refusal(
                values, name, f", which does not broadcast with {shape}"
            ) from None
        layout = cls(both, axis)
        layout.column(values, name)
        return layout

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
            raise self._refusal(
                values, name, f" and varies along axis {self.axes}"
            ) from None
        return values.transpose(self.order).reshape(*self.outer, 1)

    def _refusal(self, values, name, fault):
        told = f"{name} has shape {values.shape}{fault}; one slice has one {name}"
        if values.shape == self.outer:
            one = "[:, np.newaxis]" if self._kept_shape() == [len(values), 1] else ""
            told += f": write {name}{one or f'.reshape{tuple(self._kept_shape())}'}"
        return ValueError(told)

    def reduced_shape(self, keepdims=False):
        """The shape that a NumPy reduction over the axes gives."""
        if not self.shape:
            return ()
        return tuple(self._kept_shape()) if keepdims else self.outer

    def reduced(self, values, keepdims=False):
        """One value a row, in the shape that a NumPy reduction over the axes gives."""
        return values.reshape(self.reduced_shape(keepdims))


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
    "broadcast_array",
    "broadcast_pair",
    "mask_array",
    "nonnegative_array",
    "plain_array",
    "positive_int",
    "real_array",
    "refuse_more_than_numbers",
]
