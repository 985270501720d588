# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15a-states-and-files.ipynb, cell build-boxes
"""Which entries of an array an index selects, and how an array is cut into boxes of whole slices."""

import math
import operator
from itertools import product


def rows_that_hold(entries, shape):
    """How many entries of the first axis hold about so many numbers: at least one."""
    return max(1, entries // max(1, math.prod(shape[1:])))


def block_shape(shape, entries):
    """The shape of blocks of at most so many entries, each of which lies in one stretch of memory."""
    block = []
    for size in reversed(shape):
        block.append(min(size, max(1, entries)))
        entries //= max(1, size)
    return tuple(reversed(block))


def _block_of_slices(shape, axes, entries):
    """As `block_shape`; smaller if it holds parts of many slices, since each of these has a state."""
    block = block_shape(shape, entries)
    slices = math.prod(
        size for axis, size in enumerate(block) if axis not in axes
    )
    if 16 * slices > entries and any(
        block[axis] < shape[axis] for axis in axes
    ):
        return block_shape(shape, entries // 16)
    return block


def panels(shape, axes, entries):
    """Lists of boxes: those of one list hold some slices along the axes, each whole, in one box or several.

    A box is cut along the first axes of the array and holds all of the others.
    """
    if 0 in shape:
        return
    block = _block_of_slices(shape, axes, entries)
    cut = [axis for axis, size in enumerate(shape) if block[axis] < size] or [0]
    cuts = [_cut(shape[axis], block[axis]) for axis in range(cut[-1] + 1)]
    kept = [parts for axis, parts in enumerate(cuts) if axis not in axes]
    for fixed in map(iter, product(*kept)):
        sides = (
            parts if axis in axes else [next(fixed)]
            for axis, parts in enumerate(cuts)
        )
        yield list(product(*sides))


def _cut(size, length):
    return [
        slice(start, min(start + length, size))
        for start in range(0, size, length)
    ]


def selected(at, shape, path):
    """The entries of each axis that an index selects, as rising ranges, and the index that is then left."""
    at = at if isinstance(at, tuple) else (at,)
    kinds = [type(one) for one in at]
    named = sum(kind not in (type(...), type(None)) for kind in kinds)
    if named > len(shape) or kinds.count(type(...)) > 1:
        raise IndexError(
            f"{path}: {len(at)} indices are too many for the shape {shape}"
        )
    ranges, view, axes = [], [], iter(enumerate(shape))
    for one in at:
        view.append(one)
        if one is Ellipsis:
            ranges += [range(next(axes)[1]) for _ in range(len(shape) - named)]
        elif one is not None:
            axis, size = next(axes)
            entries, view[-1] = _selected_of_axis(one, axis, size, path)
            ranges.append(entries)
    return [*ranges, *(range(size) for _, size in axes)], tuple(view)


def _selected_of_axis(one, axis, size, path):
    if isinstance(one, slice):
        entries = range(size)[one]
        rising = entries.step > 0
        return (
            (entries, slice(None))
            if rising
            else (entries[::-1], slice(None, None, -1))
        )
    try:
        entry = operator.index(one) if not isinstance(one, bool) else None
    except TypeError:
        entry = None
    if entry is None:
        raise TypeError(
            f"{path} is indexed by integers, slices, ... and None, not by {type(one).__name__}: "
            "read a slice, and choose from that"
        )
    if not -size <= entry < size:
        raise IndexError(
            f"{path}: {entry} is out of range for axis {axis} of size {size}"
        )
    entry %= size
    return range(entry, entry + 1), 0


__all__ = [
    "block_shape",
    "panels",
    "rows_that_hold",
    "selected",
]
