# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15-streaming.ipynb, cell build-dask
"""softmax, log_softmax and logsumexp of dask arrays: lazily, in this process or on a cluster.

The functions return dask arrays. ``compute()`` runs them on the threads of the process, or, where a
``distributed.Client`` is active, on its workers.
"""

import os
from functools import partial, reduce
from importlib import import_module

import numpy as np

from softlit._arrays import real_array
from softlit.files import NpyFile
from softlit.streaming import SoftmaxState


def _required(module):
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError("softlit.dask needs dask: pip install 'softlit[dask]'") from error


_da, _flatten = _required("dask.array"), _required("dask.core").flatten
_CHUNK = 2**19  # entries: 2 MiB of float32 for each thread


def _state_of_chunk(block, axis, keepdims):
    return SoftmaxState().update(block, axis)


def _merge(states, axis, keepdims):
    return reduce(SoftmaxState.merge, _flatten([states]))


def _finish(states, axis, keepdims, result, computing_meta=False):
    if computing_meta:
        return states
    value = result(_merge(states, axis, keepdims))
    return np.expand_dims(value, axis) if keepdims else value


def _reduction(x, axis, keepdims, result, dtype):
    return _da.reduction(
        x,
        chunk=_state_of_chunk,
        combine=_merge,
        aggregate=partial(_finish, result=result),
        axis=axis,
        keepdims=keepdims,
        concatenate=False,
        dtype=dtype,
        meta=np.empty((0,) * x.ndim, dtype),
    )


def _admitted(x):
    """A dask array, and the dtypes of its results and of its states."""
    x = _da.asanyarray(x)
    wide, dtype = real_array(np.empty(0, x.dtype), "x")
    return x, dtype, np.result_type(wide, np.float64)


def _packed(state):
    """The numbers of a state as one structured number for each slice."""
    numbers = state.numbers
    packed = np.empty(
        state.shape, [(field, numbers.dtype) for field in ("top", "rest", "lost")]
    )
    for field, values in zip(packed.dtype.names, numbers, strict=True):
        packed[field] = values
    return packed


def _apply(block, packed, axis, method):
    kept = np.squeeze(packed, axis)
    state = SoftmaxState._of([kept[field] for field in packed.dtype.names], block.dtype)
    return getattr(state, method)(block, axis)


def _two_visits(x, axis, name):
    x, dtype, wide = _admitted(x)
    axes = tuple(range(x.ndim)) if axis is None else axis
    fields = np.dtype([(field, wide) for field in ("top", "rest", "lost")])
    states = _reduction(x, axis, True, _packed, fields)
    meta = np.empty((0,) * x.ndim, dtype)
    return _da.map_blocks(_apply, x, states, axis=axes, method=name, dtype=dtype, meta=meta)


def softmax(x, axis=-1):
    """Softmax of a dask array, as `softlit.softmax` without `beta` and `where`.

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; they may be cut into chunks.

    Returns
    -------
    dask array
        In the chunks of `x`, right to 6 ulp in float64 and 3 in float32.
    """
    return _two_visits(x, axis, "softmax")


def log_softmax(x, axis=-1):
    """The logarithms of these probabilities, as `softlit.log_softmax`; arguments as in `softmax`."""
    return _two_visits(x, axis, "log_softmax")


def logsumexp(x, axis=-1, *, keepdims=False):
    """LogSumExp of a dask array, in one visit to its chunks.

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over.
    keepdims : bool, optional
        Whether the summed axes stay, with size 1.

    Returns
    -------
    dask array
        Within 1 ulp in float64 and 3 in float32 for results of size 1 and more, whatever the chunks.
    """
    x, dtype, _ = _admitted(x)
    return _reduction(x, axis, keepdims, SoftmaxState.logsumexp, dtype)


def open_array(path, chunks="auto"):
    """An array on disk as a dask array that reads it when it is computed.

    `dask.diagnostics.ProgressBar` shows how far a computation in the process has come, and
    `distributed.progress` one on a cluster.

    Parameters
    ----------
    path : path_like
        A .npy file, or a folder or file that Zarr opens (zarr must be installed).
    chunks : optional
        As in `dask.array.from_array`, along the first axis; "auto" takes about half a million numbers. Zarr
        arrays keep their own.

    Raises
    ------
    OSError, TypeError, ValueError
        As `softlit.files.NpyFile` does, here or when it is computed.
    """
    path = os.fspath(path)
    if not path.endswith(".npy"):
        return _da.from_zarr(path)
    file = NpyFile(path)
    if chunks == "auto":
        per_row = max(1, int(np.prod(file.shape[1:], dtype=object)))
        chunks = (max(1, _CHUNK // per_row), *file.shape[1:])
    meta = np.empty((0,) * file.ndim, file.dtype)
    return _da.from_array(file, chunks=chunks, asarray=False, inline_array=True, meta=meta)


__all__ = [
    "log_softmax",
    "logsumexp",
    "open_array",
    "softmax",
]
