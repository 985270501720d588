# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15-streaming.ipynb, cell build-dask
"""softmax, log_softmax and logsumexp of dask arrays: lazily, in this process or on a cluster.

The functions return dask arrays. ``compute()`` runs them on the threads of the process, or, where a
``distributed.Client`` is active, on its workers.
"""

import math
import os
from functools import partial, reduce
from importlib import import_module
from weakref import WeakValueDictionary

import numpy as np

from softlit._arrays import Layout, real_array
from softlit.files import NpyFile
from softlit.streaming import SoftmaxState


def _required(module):
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"softlit.dask needs {module.partition('.')[0]}: pip install 'softlit[dask]'"
        ) from error


_da, _flatten = _required("dask.array"), _required("dask.core").flatten
_CHUNK = 2**19  # entries of a chunk: 2 MiB of float32 for each thread
_TASK = 2**22  # entries that one task reads piece by piece
_PIECE = 2**18  # two runs of a state
_OPENED = WeakValueDictionary()  # files by the names of the dask arrays that open them


class _Unread:
    """A file whose parts are not read yet: each is a tuple of the file and of where it begins and ends."""

    def __init__(self, file):
        self.file = file
        self.shape, self.dtype, self.ndim = file.shape, file.dtype, file.ndim

    def __getitem__(self, at):
        return self.file, at[0].start, at[0].stop


def _rows(file, entries):
    """How many rows of a file have about so many entries."""
    return max(1, entries // max(1, math.prod(file.shape[1:])))


def _lazily(stored, chunks):
    """A dask array whose tasks read their chunks; its name is its own, since a file may change."""
    meta = np.empty((0,) * stored.ndim, stored.dtype)
    return _da.from_array(
        stored, chunks, name=False, asarray=False, fancy=False, inline_array=True, meta=meta
    )


def _in_large_tasks(x, axis):
    """The array; or, if it opens a file whose rows are reduced, one of fewer chunks that are not read yet."""
    file = _OPENED.get(x.name)
    if file is None or 0 not in Layout(x.shape, axis).axes:
        return x
    return _lazily(_Unread(file), (_rows(file, _TASK), *file.shape[1:]))


def _state_of_chunk(block, axis, keepdims):
    if not isinstance(block, tuple):
        return SoftmaxState().update(block, axis)
    (file, start, stop), state = block, SoftmaxState()
    for row in range(start, stop, height := _rows(file, _PIECE)):
        state = state.update(file[row : min(row + height, stop)], axis)
    return state


def _merge(states, axis, keepdims):
    return reduce(SoftmaxState.merge, _flatten([states]))


def _finish(states, axis, keepdims, result, computing_meta=False):
    if computing_meta:
        return states
    value = result(_merge(states, axis, keepdims))
    return np.expand_dims(value, axis) if keepdims else value


def _reduction(x, axis, keepdims, result, dtype):
    return _da.reduction(
        _in_large_tasks(x, axis),
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


def _fields(dtype):
    return np.dtype([(field, dtype) for field in ("top", "rest", "lost")])


def _packed(state):
    """The numbers of a state as one structured number for each slice."""
    numbers = state.numbers
    packed = np.empty(state.shape, _fields(numbers.dtype))
    for field, values in zip(packed.dtype.names, numbers, strict=True):
        packed[field] = values
    return packed


def _apply(block, packed, axis, method):
    kept = np.squeeze(packed, axis)
    numbers = np.stack([kept[field] for field in packed.dtype.names])
    state = SoftmaxState._of(numbers, block.dtype)
    return getattr(state, method)(block, axis)


def _two_visits(x, axis, name):
    x, dtype, wide = _admitted(x)
    axes = tuple(range(x.ndim)) if axis is None else axis
    states = _reduction(x, axis, True, _packed, _fields(wide))
    meta = np.empty((0,) * x.ndim, dtype)
    return _da.map_blocks(_apply, x, states, axis=axes, method=name, dtype=dtype, meta=meta)


def softmax(x, axis=-1):
    r"""Softmax of a dask array, as `softlit.softmax` without `beta` and `where`.

    .. math:: S(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; they may be cut into chunks.

    Returns
    -------
    dask array
        In the shape and the chunks of `x`, right to 6 ulp in float64 and 3 in float32.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : of NumPy arrays.
    softlit.softmax_chunks : of blocks, without dask.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The chunks are read twice.

    Examples
    --------
    >>> import dask.array as da
    >>> import softlit.dask
    >>> x = da.from_array([1000.0, 1000.0, 0.0, 0.0], chunks=2)
    >>> softlit.dask.softmax(x).compute()
    array([0.5, 0.5, 0. , 0. ])
    """
    return _two_visits(x, axis, "softmax")


def log_softmax(x, axis=-1):
    r"""The logarithms of the probabilities, without loss for small ones; otherwise as `softmax`.

    .. math:: \log S(x)_i = x_i - \operatorname{LSE}(x)

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; they may be cut into chunks.

    Returns
    -------
    dask array
        In the shape and the chunks of `x`.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.log_softmax : of NumPy arrays.
    softlit.dask.softmax : the probabilities themselves.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The chunks are read twice.

    Examples
    --------
    >>> import dask.array as da
    >>> import softlit.dask
    >>> x = da.from_array([1000.0, 1000.0, 0.0, 0.0], chunks=2)
    >>> softlit.dask.log_softmax(x)[1:3].compute().tolist()
    [-0.6931471805599453, -1000.6931471805599]
    """
    return _two_visits(x, axis, "log_softmax")


def logsumexp(x, axis=-1, *, keepdims=False):
    r"""LogSumExp of a dask array, in one visit to its chunks.

    .. math:: \operatorname{LSE}(x) = \log \sum_j e^{x_j}

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
        With the summed axes gone; within 1 ulp in float64 and 3 in float32 for results of size 1 and more,
        whatever the chunks.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.logsumexp : of NumPy arrays.
    softlit.SoftmaxState : what a chunk becomes.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-monoid` and :prf:ref:`thm-exact-sum`.

    Examples
    --------
    >>> import dask.array as da
    >>> import softlit.dask
    >>> x = da.from_array([1000.0, 1000.0, 0.0, 0.0], chunks=2)
    >>> softlit.dask.logsumexp(x).compute().round(4)
    np.float64(1000.6931)
    """
    x, dtype, _ = _admitted(x)
    return _reduction(x, axis, keepdims, SoftmaxState.logsumexp, dtype)


class _Zarr:
    """A Zarr array that names the chunk which cannot be read."""

    def __init__(self, path):
        self.path, self.array = path, _required("zarr").open_array(path, mode="r")
        self.shape, self.dtype, self.ndim = (
            self.array.shape,
            self.array.dtype,
            self.array.ndim,
        )

    def __getitem__(self, at):
        try:
            return self.array[at]
        except OSError:  # names its file
            raise
        except Exception as error:
            raise ValueError(
                f"{self.path}: the chunk {self._chunk(at)} cannot be read: {error}"
            ) from error

    def _chunk(self, at):
        """The name of the chunk of the first of these entries; dask reads no two at once."""
        sizes = self.array.shards or self.array.chunks
        first = (
            np.ravel(range(size)[part])[0]
            for part, size in zip(at, self.shape, strict=True)
        )
        place = (int(entry) // size for entry, size in zip(first, sizes, strict=True))
        return self.array.metadata.encode_chunk_key(tuple(place))


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
        As `softlit.files.NpyFile` does, here or when it is computed. Of a damaged Zarr array the chunk is
        named; a chunk that is missing is none, but holds the fill value, as Zarr wants it.

    See Also
    --------
    softlit.files.NpyFile : the same without dask.

    Notes
    -----
    The arrays of two calls are two to dask: the file may have changed between them, and is read anew.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import softlit.dask
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "logits.npy")
    ...     np.save(path, np.zeros((4, 2)))
    ...     print(softlit.dask.open_array(path, chunks=(2, 2)).sum().compute())
    0.0
    """
    path = os.fspath(path)
    if not path.endswith(".npy"):
        stored = _Zarr(path)
        return _lazily(stored, stored.array.chunks)
    file = NpyFile(path)
    if chunks != "auto":
        return _lazily(file, chunks)
    x = _lazily(file, (_rows(file, _CHUNK), *file.shape[1:]))
    _OPENED[x.name] = file
    return x


__all__ = [
    "log_softmax",
    "logsumexp",
    "open_array",
    "softmax",
]
