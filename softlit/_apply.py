# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03-computing-it-well.ipynb, cell build-careful
"""How a task is done for a whole array: tile by tile, with care where it is needed, or the short way."""

import numpy as np

from softlit._arrays import Layout, mask_array, real_array
from softlit._exp import looks_moderate, safe_centre, scaled_gaps
from softlit._limits import LIMITS, SHORT, SHORT_FOR_FLOAT32, wide
from softlit._tiles import put, take, tiles, to_slices, tops


def _attempt(task, x, out, *mask):
    """Work a tile as it is, if that is promising; which slices it has not done."""
    if (mask and not task.multiplies_by_mask) or not looks_moderate(x):
        return np.ones((len(x), 1, *x.shape[2:]), bool)
    total = task.tile(x, None, out, *mask)
    return ~((total >= task.least_sum) & (total <= LIMITS[x.dtype].largest_sum))


def _with_care(task, x, out):
    """Work a tile of slices that need their maximum subtracted, or whose maximum is not finite."""
    top = tops(x)
    centre = safe_centre(top)
    if x.dtype == np.float32 and not task.in_float64 and not centre.any():
        centre = None  # in float64 a floor keeps exp quick
    if task.reduces:
        task.tile(x, centre, out)
        np.copyto(out, top, where=~np.isfinite(top))
        return
    if np.isposinf(top).any():  # the limit: ties of +inf at 0, and nothing else counts
        x = np.where(np.isposinf(top), np.where(x == np.inf, x.dtype.type(0), -np.inf), x)
    task.tile(x, centre, out)


def _again(way, task, strays, x, out, *mask):
    """Work the strays of a tile in another way."""
    count = np.count_nonzero(strays)
    if count == strays.size:
        way(task, x, out, *mask)
    elif count:
        some = take(out, strays)
        way(task, take(x, strays), some, *(take(part, strays) for part in mask))
        put(out, strays, some)


def _unmasked(task, x, out):
    """Try a tile as it is; then, with care, the slices in which exp left its range."""
    _again(_with_care, task, _attempt(task, x, out), x, out)


def _without_mask(task, x, out, mask):
    """Work a tile with -inf in the place of what the mask leaves out."""
    _unmasked(task, np.where(mask, x, -np.inf), out)
    if not task.reduces:
        np.copyto(out, task.left_out, where=~mask)


def _masked(task, x, out, mask):
    """Try a tile with its exponentials multiplied by the mask; then the others without it."""
    _again(_without_mask, task, _attempt(task, x, out, mask), x, out, mask)


# --- book/03-computing-it-well.ipynb, cell build-whole
def _by_tiles(task, x, beta, mask, out):
    """Do a task for all tiles of an array of slices."""
    n = x.shape[1]
    np.setbufsize(16 if n >= SHORT else 8192)  # the default copies what NumPy broadcasts
    narrow = x.dtype == np.float32 and n < SHORT_FOR_FLOAT32
    dtype = wide(x) if task.in_float64 else x.dtype
    for tile in tiles(x, dtype.itemsize):
        part, allowed = x[tile], None if mask is None else mask[tile]
        if beta is not None:
            part = scaled_gaps(part.astype(wide(x), copy=False), beta[tile[0]], allowed)
        result = out[tile]
        if narrow or part.dtype != out.dtype:
            part = part.astype(wide(x), copy=False)
            result = np.empty(result.shape, part.dtype)
        if allowed is None:
            _unmasked(task, part, result)
        else:
            _masked(task, part, result, allowed)
        if result.dtype != out.dtype:
            out[tile] = result


def by_slices(task, x, axis, where, beta=1.0):
    """The results of a task for the slices of an array, as `to_slices` lays them out, and the layout."""
    with np.errstate(all="ignore"):  # also restores the size of the buffer
        column = None
        if type(beta) is not float or beta != 1:
            beta = real_array(beta, "beta")[0].astype(x.dtype)
            layout = Layout.shared(x.shape, axis, beta, "beta")
            x = np.broadcast_to(x, layout.shape)
            column = layout.column(beta, "beta").reshape(-1, 1)
        layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
        columns = task.columns(layout.size)
        if 0 in x.shape:  # of an empty sum the logarithm is -inf
            return np.full((*layout.outer, columns), -np.inf, x.dtype), layout
        rows = to_slices(x, layout, column is None)
        mask = None if mask is None else to_slices(mask, layout, column is None)
        out = np.empty((len(rows), columns, *rows.shape[2:]), x.dtype)
        _by_tiles(task, rows, column, mask, out)
        return out, layout


# --- book/03-computing-it-well.ipynb, cell build-small-arrays
def of_small(task, x, axis, where):
    """What a task makes of x if x is small, its slices are rows, and no warning can arise; else None."""
    if type(x) is not np.ndarray or not x.ndim or where is not None:
        return None
    if type(axis) is not int or axis != -1:
        return None
    limits = LIMITS.get(x.dtype)
    if limits is None or not 0 < x.size <= limits.small:
        return None
    if not (-limits.safe <= x.item(x.argmin()) and x.item(x.argmax()) <= limits.safe):
        return None
    logits = x.astype(np.float64, copy=False)
    if x.ndim == 1:
        value = task.vector(logits)
        return x.dtype.type(value) if task.reduces else value.astype(x.dtype, copy=False)
    rows = logits.reshape(-1, x.shape[-1])
    out = np.empty((len(rows), task.columns(x.shape[-1])))
    task.tile(rows, None, out)
    shape = x.shape[:-1] if task.reduces else x.shape
    return out.reshape(shape).astype(x.dtype, copy=False)


__all__ = [
    "by_slices",
    "of_small",
]
