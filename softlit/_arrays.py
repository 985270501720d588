# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00a-arrays.ipynb, cell build-arrays
"""How every function reads its arguments: which numbers, which axes, which entries."""

import math
import operator
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple


def refuse_more_than_numbers(x, name):
    """Raise a TypeError if an array, or one within a list, would lose something by becoming NumPy's."""
    if isinstance(x, list | tuple):
        if not all(
            issubclass(kind, int | float | np.generic)
            for kind in set(map(type, x))
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
        raise ValueError(
            f"{name} cannot be read as an array: {error}"
        ) from error
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"{name} cannot be read as an array: {error}"
        ) from error
    refuse_more_than_numbers(
        array, name
    )  # some convert themselves to a masked array
    return np.asarray(array)


def _advice(x, array, name):
    """What to do with an argument that holds no floats, integers or bool; '' if there is nothing."""
    if hasattr(x, "toarray"):
        return (
            f": {name} is a {type(x).__name__}, and {name}.toarray() an array"
        )
    if array.dtype != object:
        narrow = array.dtype.kind == "V" and np.can_cast(
            array.dtype, np.float32
        )
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
    return array.astype(
        np.promote_types(result, np.float32), copy=False
    ), result


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
        raise TypeError(
            f"{name} must hold bool, not values of dtype {where.dtype}{advice}"
        )
    return where if shape is None else broadcast_array(where, shape, name)


def broadcasts(shape, target):
    """Whether an array of this shape broadcasts to the target."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(
        n in (1, wanted) for n, wanted in pairs
    )


def refuse_shape(shape, target, name):
    """Raise a ValueError that names the array and both shapes if it does not broadcast to the target."""
    if not broadcasts(shape, target):
        raise ValueError(
            f"{name} has shape {shape}, which does not broadcast to {target}"
        )


def broadcast_array(array, shape, name):
    """The array in this shape.

    Raises
    ------
    ValueError
        If it does not broadcast; the message names the array and both shapes.
    """
    if array.shape == shape:
        return array
    refuse_shape(array.shape, shape, name)
    return np.broadcast_to(array, shape)


def broadcast_together(**arrays):
    """The arrays, which come by their names, in the shape that all of them broadcast to.

    Raises
    ------
    ValueError
        If there is none; the message names all arrays and their shapes.
    """
    try:
        return np.broadcast_arrays(*arrays.values())
    except ValueError:
        told = " and ".join(
            f"{name} has shape {a.shape}" for name, a in arrays.items()
        )
        raise ValueError(f"{told}: they do not broadcast") from None


def whole_number(number, told):
    """An argument that counts, as an int; what is told of another one begins the message."""
    try:
        return operator.index(number)
    except TypeError:
        raise TypeError(f"{told}, not {number!r}") from None


def first_place(chosen, name):
    """The first place of an array that is chosen, and what to call it: `x[2, 0]`."""
    place = tuple(np.argwhere(chosen)[0].tolist())
    return place, f"{name}{list(place)}" if place else name


def first_slice(chosen, name):
    """The first slice that is chosen, by its place among all, and what to call it: `x in slice [2]`."""
    place, entry = first_place(chosen, f"{name} in slice ")
    return place, entry if place else name


# --- book/00a-arrays.ipynb, cell build-slices
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
        dimensions = tuple(range(len(self.working)))
        axes = dimensions if axis is None else axis
        try:
            self.axes = normalize_axis_tuple(axes, len(dimensions))
        except TypeError:
            raise TypeError(
                f"axis must be an int, a tuple of ints or None, not {axis!r}"
            ) from None
        kept = [
            dimension for dimension in dimensions if dimension not in self.axes
        ]
        self.order = (*kept, *self.axes)
        self.in_order = self.order == dimensions
        self.outer = tuple([self.working[dimension] for dimension in kept])
        self.size = math.prod(
            [self.working[dimension] for dimension in self.axes]
        )

    @classmethod
    def shared(cls, shape, axis, values, name):
        """The layout of an array of this shape when it is broadcast with one value a slice.

        Of the values only the shape is asked.

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
        layout._refuse_several(values, name)
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
        moved = rows.reshape(
            [self.working[dimension] for dimension in self.order]
        )
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
        self._refuse_several(values, name)
        values = np.broadcast_to(values, self._kept_shape())
        return values.transpose(self.order).reshape(*self.outer, 1)

    def _refuse_several(self, values, name):
        if not broadcasts(values.shape, self._kept_shape()):
            raise self._refusal(
                values, name, f" and varies along axis {self.axes}"
            )

    def _refusal(self, values, name, fault):
        told = (
            f"{name} has shape {values.shape}{fault}; one slice has one {name}"
        )
        if values.shape == self.outer:
            one = (
                "[:, np.newaxis]"
                if self._kept_shape() == [*values.shape, 1]
                else ""
            )
            told += (
                f": write {name}{one or f'.reshape{tuple(self._kept_shape())}'}"
            )
        return ValueError(told)

    def reduced_shape(self, keepdims=False):
        """The shape that a NumPy reduction over the axes gives."""
        if not self.shape:
            return ()
        return tuple(self._kept_shape()) if keepdims else self.outer

    def reduced(self, values, keepdims=False):
        """One value a row, in the shape that a NumPy reduction over the axes gives."""
        return values.reshape(self.reduced_shape(keepdims))


# --- book/00a-arrays.ipynb, cell build-on-rows
import inspect
from functools import wraps


def _by_name(function):
    """A function that gives the arguments of a call by name, those that are left out too.

    Quicker than `inspect.Signature.bind`; a call that does not fit gets the TypeError of Python itself.
    """
    parameters = dict(inspect.signature(function).parameters)
    defaults = {
        k: p.default for k, p in parameters.items() if p.default is not p.empty
    }
    placed = [
        k for k, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    body = inspect.unwrap(function)

    def arguments(given, named):
        by_name = dict(zip(placed, given, strict=False))
        fits = len(by_name) == len(given) and by_name.keys().isdisjoint(named)
        by_name = defaults | by_name | named
        if not fits or by_name.keys() != parameters.keys():
            body(*given, **named)
        return by_name

    return arguments


def on_floats(**readers):
    """A decorator: the function computes with floats, and takes and returns what others do.

    Each argument named here is read by its reader, such as `real_array` or `nonnegative_array`. The body
    gets arrays of floats of one dtype, the widest of them and at least float32; it may overflow or divide by
    zero without a warning; and what it returns becomes an array, or a scalar, of the widest dtype that came.
    All other arguments are as the caller gave them.

    Examples
    --------
    >>> from softlit._arrays import on_floats, real_array
    >>> @on_floats(x=real_array, y=real_array)
    ... def log_ratio(x, y):
    ...     return np.log(x / y)
    >>> log_ratio(np.float16([1, 0]), np.float16(1))
    array([  0., -inf], dtype=float16)
    """

    def decorate(function):
        by_name = _by_name(function)

        @wraps(function)
        def called(*given, **named):
            arguments = by_name(given, named)
            dtype = np.dtype(np.float16)  # the narrowest
            for name, reader in readers.items():
                arguments[name], own = reader(arguments[name], name)
                dtype = np.promote_types(dtype, own)
            with np.errstate(all="ignore"):
                wide = np.promote_types(dtype, np.float32)
                for name in readers:
                    arguments[name] = arguments[name].astype(wide, copy=False)
                return function(**arguments).astype(dtype, copy=False)[()]

        return called

    return decorate


def _laid_out(arguments, entries, columns, axis):
    """The layout of the slices, and in the place of arguments their rows."""
    arrays = {name: arguments[name] for name in entries}
    if len(arrays) > 1:
        arrays = dict(zip(entries, broadcast_together(**arrays), strict=True))
    numbers = {name: real_array(arguments[name], name)[0] for name in columns}
    wide, shape = arrays[entries[0]].dtype, arrays[entries[0]].shape
    layout = None if columns else Layout(shape, axis)
    for name, values in numbers.items():
        layout = Layout.shared(
            layout.shape if layout else shape, axis, values, name
        )
    if layout.shape != shape:
        arrays = {
            k: np.broadcast_to(array, layout.shape)
            for k, array in arrays.items()
        }
    rows = {name: layout.rows(array) for name, array in arrays.items()}
    for name, values in numbers.items():
        rows[name] = layout.column(values.astype(wide), name)
    mask = mask_array(arguments.get("where"), layout.shape)
    return layout, rows if mask is None else rows | {"where": layout.rows(mask)}


def on_rows(columns=(), **readers):
    """A decorator: the function is written for rows, and called for slices along any axes.

    Its parameters are the arrays that are named here with their readers, as in `on_floats`, and `axis`; it
    may have `where`, `keepdims` and others. In the body

    - the arrays are broadcast against each other, and each slice is a row, along their last axis;
    - `where` is a mask in the shape of the rows, or None;
    - each of `columns`, such as `beta`, of which a slice has one, is a column with one number a row;
    - `axis` and `keepdims` play no part.

    The body returns either rows, which are put back where the slices came from, or one number a row, which
    has the shape of a reduction over `axis`.

    Examples
    --------
    >>> from softlit._arrays import on_rows, real_array
    >>> @on_rows(x=real_array)
    ... def spread(x, axis=-1, *, keepdims=False):
    ...     return np.max(x, axis=-1) - np.min(x, axis=-1)
    >>> spread([[1, 2], [3, 6]], axis=0)
    array([2., 4.])
    >>> spread(np.float32([[1, 2], [3, 6]]), axis=None, keepdims=True)
    array([[5.]], dtype=float32)
    """

    def decorate(formula):
        @on_floats(**readers)
        @wraps(formula)
        def along_axes(*, axis, keepdims=False, **arguments):
            layout, rows = _laid_out(arguments, tuple(readers), columns, axis)
            result = formula(**(arguments | rows))
            if result.ndim > len(layout.outer):
                return layout.restore(result)
            return layout.reduced(result, keepdims)

        return along_axes

    return decorate


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
        negative = p < 0
    if negative.any():
        place, entry = first_place(negative, name)
        raise ValueError(
            f"{name} must not be negative, but {entry} is {p[place]!s}"
        )
    return p, dtype


# --- book/11-cross-entropy.ipynb, cell build-class-indices
def class_indices(labels, shape, axis, name, ignore_index=None):
    """Labels as one class for each slice of an array of this shape, -1 for a slice that is ignored.

    Raises
    ------
    TypeError
        If `axis` is not an integer.
    ValueError
        If the shapes do not fit, or a label is not a class.
    """
    axis = whole_number(axis, "axis must be an int where labels are classes")
    layout = Layout(shape, axis)
    labels = broadcast_array(labels, layout.outer, name)
    ignored = np.zeros(labels.shape, bool)
    if ignore_index is not None:
        ignored = labels == ignore_index
    wrong = ~ignored & ((labels < 0) | (labels >= layout.size))
    if wrong.any():
        place, entry = first_place(wrong, name)
        raise ValueError(
            f"{entry} is {labels[place]}, which is no class: "
            f"they go from 0 to {layout.size - 1}"
        )
    k = labels.astype(np.intp)  # unsigned ones have no -1
    k[ignored] = -1
    return k


# --- book/15-streaming.ipynb, cell build-blocks
def positive_int(count, name):
    """A number of things, as an int.

    Raises
    ------
    TypeError
        If it is not an int.
    ValueError
        If it is less than 1.
    """
    count = whole_number(count, f"{name} must be a positive int")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
    return count


__all__ = [
    "Layout",
    "broadcast_array",
    "broadcast_together",
    "broadcasts",
    "class_indices",
    "first_place",
    "first_slice",
    "mask_array",
    "nonnegative_array",
    "on_floats",
    "on_rows",
    "plain_array",
    "positive_int",
    "real_array",
    "refuse_more_than_numbers",
    "refuse_shape",
    "whole_number",
]
