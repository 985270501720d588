# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-careful
"""How a task is done for a whole array: tile by tile, with care where it is needed, or the short way."""

import numpy as np

from softlit._arrays import Layout, mask_array, real_array
from softlit._exp import looks_moderate, safe_centre, scaled_gaps
from softlit._limits import LIMITS, SHORT, SHORT_FOR_FLOAT32, wide
from softlit._tiles import put, take, tiles, to_slices, tops

_ALL = np.array(True)  # the slices of a tile, where none of them is done


def _attempt(task, x, out, mask=None):
    """Work a tile as it is, if that is promising; one bool for each slice that is still to be done."""
    if (mask is not None and not task.multiplies_by_mask) or not looks_moderate(
        x
    ):
        return _ALL
    total = (
        task.tile(x, None, out)
        if mask is None
        else task.tile(x, None, out, mask)
    )
    return ~((total >= task.least_sum) & (total <= LIMITS[x.dtype].largest_sum))


def _with_care(task, x, out):
    """Work a tile of slices that need their maximum subtracted, or whose maximum is not finite."""
    top = tops(x)
    centre = safe_centre(top)
    if x.dtype == np.float32 and not centre.any():
        centre = None  # in float64 a floor keeps exp quick
    if task.reduces:
        task.tile(x, centre, out)
        np.copyto(out, top, where=~np.isfinite(top))
        return
    if np.isposinf(
        top
    ).any():  # the limit: ties of +inf at 0, and nothing else counts
        x = np.where(
            np.isposinf(top), np.where(x == np.inf, x.dtype.type(0), -np.inf), x
        )
    task.tile(x, centre, out)


def _again(way, task, strays, x, out, *mask):
    """Work the strays of a tile, of which there are some, in another way."""
    if strays.all():
        way(task, x, out, *mask)
    else:
        some = take(out, strays)
        way(task, take(x, strays), some, *(take(part, strays) for part in mask))
        put(out, strays, some)


def _unmasked(task, x, out):
    """Try a tile as it is; then, with care, the slices in which exp left its range."""
    strays = _attempt(task, x, out)
    if np.count_nonzero(strays):
        _again(_with_care, task, strays, x, out)


def _without_mask(task, x, out, mask):
    """Work a tile with -inf in the place of what the mask leaves out."""
    _unmasked(task, np.where(mask, x, -np.inf), out)
    if not task.reduces:
        np.copyto(out, task.left_out, where=~mask)


def _masked(task, x, out, mask):
    """Try a tile with its exponentials multiplied by the mask; then the others without it."""
    strays = _attempt(task, x, out, mask)
    if np.count_nonzero(strays):
        _again(_without_mask, task, strays, x, out, mask)


# --- book/03a-engine-room.ipynb, cell build-whole
def _work(task, x, out, mask):
    """Do a task for a tile."""
    if mask is None:
        _unmasked(task, x, out)
    else:
        _masked(task, x, out, mask)


def _by_tiles(task, x, beta, mask, out):
    """Do a task for all tiles of an array of slices."""
    n = x.shape[1]
    if n >= SHORT:
        np.setbufsize(16)  # the default copies what NumPy broadcasts
    narrow = x.dtype == np.float32 and n < SHORT_FOR_FLOAT32
    for tile in tiles(x, x.dtype.itemsize):
        part, allowed = x[tile], None if mask is None else mask[tile]
        if beta is not None:
            part = scaled_gaps(
                part.astype(wide(x), copy=False), beta[tile[0]], allowed
            )
        if part.dtype == out.dtype and not narrow:
            _work(task, part, out[tile], allowed)
        else:
            result = np.empty(out[tile].shape, wide(x))
            _work(task, part.astype(result.dtype, copy=False), result, allowed)
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


# --- book/03a-engine-room.ipynb, cell build-small-arrays
_FLOAT64 = np.dtype(np.float64)


def of_small(task, x, axis, where, beta=1.0):
    """What a task makes of x if x is small, its slices are rows, and no warning can arise; else None."""
    if type(beta) is not float or beta != 1 or where is not None:
        return None
    if (
        type(axis) is not int
        or axis != -1
        or type(x) is not np.ndarray
        or not x.ndim
    ):
        return None
    dtype = x.dtype
    limits = LIMITS.get(dtype)
    if limits is None or not 0 < x.size <= limits.small:
        return None
    safe = limits.safe
    if not (-safe <= x.item(x.argmin()) and x.item(x.argmax()) <= safe):
        return None
    if x.ndim == 1 and x.size <= limits.vector:
        value = task.vector(x.astype(_FLOAT64, copy=False))
        if task.reduces:
            return dtype.type(value)
    elif x.shape[-1] < SHORT_FOR_FLOAT32:
        value = _small_rows(task, x.astype(_FLOAT64, copy=False))
    else:
        value = _small_rows(task, x)
    return value if dtype is _FLOAT64 else value.astype(dtype, copy=False)


def _small_rows(task, x):
    rows = x.reshape(-1, x.shape[-1])
    out = np.empty((len(rows), task.columns(x.shape[-1])), x.dtype)
    task.tile(rows, None, out)
    return out.reshape(x.shape[:-1] if task.reduces else x.shape)[()]


__all__ = [
    "by_slices",
    "of_small",
]
