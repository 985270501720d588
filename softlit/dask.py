# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15a-states-and-files.ipynb, cell build-dask
"""softmax, log_softmax and logsumexp of dask arrays: lazily, in this process or on a cluster.

The functions return dask arrays. ``compute()`` runs them on the threads of the process, or, where a
``distributed.Client`` is active, on its workers.
"""

import errno
import math
import os
from functools import partial, reduce
from weakref import WeakValueDictionary

import numpy as np

from softlit._arrays import Layout, mask_array, real_array, refuse_shape
from softlit._boxes import block_shape, rows_that_hold
from softlit._exp import scaled_gaps
from softlit._extras import ZarrArray, is_archive, required
from softlit.files import NpyFile
from softlit.streaming import SoftmaxState

_da, _flatten = required("dask.array"), required("dask.core").flatten
_CHUNK = 2**19  # entries of a chunk: 2 MiB of float32 for each thread
_TASK = 2**22  # entries that one task reads piece by piece
_AT_ONCE = 2**18  # entries of a piece: two runs of a state
_OPENED = (
    WeakValueDictionary()
)  # files by the names of the dask arrays that open them


class _Unread:
    """A file whose parts are not read yet: each is a tuple of the file and of where it begins and ends."""

    def __init__(self, file):
        self.file = file
        self.shape, self.dtype, self.ndim = file.shape, file.dtype, file.ndim

    def __getitem__(self, at):
        return self.file, at[0].start, at[0].stop


def _lazily(stored, chunks):
    """A dask array whose tasks read their chunks; its name is its own, since a file may change."""
    meta = np.empty((0,) * stored.ndim, stored.dtype)
    return _da.from_array(
        stored,
        chunks,
        name=False,
        asarray=False,
        fancy=False,
        inline_array=True,
        meta=meta,
    )


def _in_large_tasks(x, axis):
    """The array; or, if it opens a file whose rows are reduced, one of fewer chunks that are not read yet."""
    file, axes = _OPENED.get(x.name), Layout(x.shape, axis).axes
    if file is None or 0 not in axes:
        return x
    return _lazily(
        _Unread(file), (rows_that_hold(_TASK, file.shape), *file.shape[1:])
    )


def _state_of_chunk(block, axis, keepdims, computing_meta=False):
    if computing_meta:
        return block
    if not isinstance(block, tuple):
        return SoftmaxState().update(block, axis)
    (file, start, stop), state = block, SoftmaxState()
    for row in range(
        start, stop, height := rows_that_hold(_AT_ONCE, file.shape)
    ):
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


def _plain(x, name):
    """A dask array of numbers and nothing else."""
    try:
        array = _da.asanyarray(x)
    except ValueError as error:
        raise ValueError(
            f"{name} cannot be read as an array: {error}"
        ) from error
    # dask keeps the mask of an array, but not those of arrays in a list, or of a single number
    parts = array._meta, *_flatten([x], (list, tuple))
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost: give dask.array.ma.getdata({name}), "
            f"and where=~dask.array.ma.getmaskarray({name})"
        )
    return array


def _admitted(x):
    """A dask array, and the dtypes of its results and of its states."""
    x = _plain(x, "x")
    wide, dtype = real_array(np.empty(0, x.dtype), "x")
    return x, dtype, np.result_type(wide, np.float64)


def _refuse_unknown(x):
    if any(map(math.isnan, x.shape)):
        raise ValueError(
            "x has chunks of unknown size: x.compute_chunk_sizes() finds them"
        )


def _beside(part, name, shape, chunks):
    """The part in this shape, and cut in this way."""
    refuse_shape(part.shape, shape, name)
    part = part.reshape((1,) * (len(shape) - part.ndim) + part.shape)
    cuts = (
        cut if size == n else (1,)
        for cut, size, n in zip(chunks, part.shape, shape, strict=True)
    )
    return _da.broadcast_to(part.rechunk(tuple(cuts)), shape, chunks=chunks)


def _mask(where, x):
    """The mask beside x, or None."""
    if where is None:
        return None
    _refuse_unknown(x)
    where = _plain(where, "where")
    mask_array(np.empty(0, where.dtype), (0,))  # refuses what is not bool
    return _beside(where, "where", x.shape, x.chunks)


def _by_chunk(function, x, *others, dtype):
    """The function of the chunks that lie at one place, in the shape and the chunks of x."""
    meta = np.empty((0,) * x.ndim, dtype)
    return _da.map_blocks(function, x, *others, dtype=dtype, meta=meta)


def _choose(block, mask, other):
    return np.where(mask, block, block.dtype.type(other))


def _chosen(x, mask, other):
    """The array where the mask is True, the other number elsewhere."""
    return (
        x if mask is None else _by_chunk(_choose, x, mask, other, dtype=x.dtype)
    )


def _fields(dtype):
    return np.dtype([(field, dtype) for field in ("top", "rest", "lost")])


def _packed(state):
    """The numbers of a state as one structured number for each slice."""
    numbers = state.numbers
    packed = np.empty(state.shape, _fields(numbers.dtype))
    for field, values in zip(packed.dtype.names, numbers, strict=True):
        packed[field] = values
    return packed


def _of_state(block, packed, axis, method, dtype):
    kept = np.squeeze(packed, axis)
    numbers = np.stack([kept[field] for field in packed.dtype.names])
    state = SoftmaxState.from_numbers(numbers, numbers.dtype)
    return getattr(state, method)(block, axis).astype(dtype, copy=False)


def _two_visits(x, axis, name, beta, where, left_out):
    x, dtype, wide = _admitted(x)
    if not x.ndim:
        return _two_visits(
            x.reshape(1), axis, name, beta, where, left_out
        ).reshape(())
    if type(beta) is float and beta == 1:
        mask = _mask(where, x)
        x = x if mask is None else _chosen(x.astype(dtype), mask, -np.inf)
    else:
        x, beta = _with_beta(
            x.astype(np.result_type(dtype, np.float32)), axis, beta
        )
        mask = _mask(where, x)
        x = _gaps_to_leader(x, axis, beta, mask)
    axes = tuple(range(x.ndim)) if axis is None else axis
    states = _reduction(x, axis, True, _packed, _fields(wide))
    applied = partial(_of_state, axis=axes, method=name, dtype=dtype)
    return _chosen(_by_chunk(applied, x, states, dtype=dtype), mask, left_out)


def _with_beta(x, axis, beta):
    """The array in the shape that it has beside beta, and beta with one number for each slice."""
    beta = _plain(beta, "beta")
    real_array(np.empty(0, beta.dtype), "beta")
    _refuse_unknown(x)
    layout = Layout.shared(x.shape, axis, beta, "beta")
    x, one = (
        _da.broadcast_to(x, layout.shape),
        layout.reduced_shape(keepdims=True),
    )
    chunks = (
        (1,) if axis in layout.axes else cut
        for axis, cut in enumerate(x.chunks)
    )
    return x, _beside(beta, "beta", one, tuple(chunks))


def _signed(block, beta, mask=None):
    """What is largest at the entry that leads: the logits, or for a negative beta their negatives."""
    signed = np.copysign(1, beta).astype(block.dtype) * block
    return (
        signed
        if mask is None
        else np.where(mask, signed, block.dtype.type(-np.inf))
    )


def _largest(block, axis, keepdims):
    return np.max(block, axis=axis, keepdims=keepdims, initial=-np.inf)


def _gaps_of_block(block, largest, beta, mask=None, *, axis):
    """The gaps of a part of the slices; the leader of each whole slice is put in front of its entries."""
    layout, wide = Layout(block.shape, axis), np.result_type(block, np.float64)
    with np.errstate(all="ignore"):
        lead = layout.column(np.copysign(1, beta) * largest, "largest").astype(
            wide
        )
        beta = layout.column(beta.astype(block.dtype), "beta").astype(wide)
        rows = np.concatenate([lead, layout.rows(block)], axis=-1)
        if mask is not None:
            mask = np.concatenate(
                [np.ones(lead.shape, bool), layout.rows(mask)], axis=-1
            )
        return layout.restore(scaled_gaps(rows, beta, mask)[..., 1:])


def _gaps_to_leader(x, axis, beta, mask):
    """beta times the gap of each logit to its leader, for which the chunks are read once more."""
    masks, axes = () if mask is None else (mask,), Layout(x.shape, axis).axes
    signed = _by_chunk(_signed, x, beta, *masks, dtype=x.dtype)
    largest = _da.reduction(
        signed, _largest, _largest, axes, keepdims=True, dtype=x.dtype
    )
    function = partial(_gaps_of_block, axis=axes)
    return _by_chunk(
        function, x, largest, beta, *masks, dtype=np.result_type(x, np.float64)
    )


def softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""Softmax of a dask array, lazily; otherwise as `softlit.softmax`.

    .. math:: S(\beta x)_i = \frac{e^{\beta x_i}}{\sum_j e^{\beta x_j}}

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; they may be cut into chunks.
    beta : float or array, optional
        Inverse temperature: a number, or an array of NumPy or dask that broadcasts against `x` and does not
        vary along `axis`; at 0, infinities and NaN as in `softlit.softmax`.
    where : array of bool, optional
        Entries that take part, an array of NumPy or dask that broadcasts to the shape of `x`.

    Returns
    -------
    dask array
        In the shape and the chunks of `x` (broadcast with `beta`), right to 6 ulp in float64 and 3 in
        float32 at `beta` = 1; for others as `softlit.softmax`. Entries that `where` leaves out are 0, also
        where it leaves out whole slices.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers, `where` does not hold bool, or one is a masked array.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : of NumPy arrays.
    softlit.softmax_chunks : of blocks, without dask.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The chunks are read twice, for another `beta` than 1 three
    times.

    Examples
    --------
    >>> import dask.array as da
    >>> import softlit.dask
    >>> x = da.from_array([1000.0, 1000.0, 0.0, 0.0], chunks=2)
    >>> softlit.dask.softmax(x).compute()
    array([0.5, 0.5, 0. , 0. ])
    >>> softlit.dask.softmax(x, where=x < 500).compute()
    array([0. , 0. , 0.5, 0.5])
    """
    return _two_visits(x, axis, "softmax", beta, where, 0)


def log_softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""The logarithms of the probabilities, without loss for small ones; otherwise as `softmax`.

    .. math:: \log S(\beta x)_i = \beta x_i - \log \sum_j e^{\beta x_j}

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; they may be cut into chunks.
    beta : float or array, optional
        Inverse temperature: a number, or an array of NumPy or dask that broadcasts against `x` and does not
        vary along `axis`; at 0, infinities and NaN as in `softlit.softmax`.
    where : array of bool, optional
        Entries that take part, an array of NumPy or dask that broadcasts to the shape of `x`.

    Returns
    -------
    dask array
        In the shape and the chunks of `x` (broadcast with `beta`). Entries that `where` leaves out are -inf.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers, `where` does not hold bool, or one is a masked array.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.log_softmax : of NumPy arrays.
    softlit.dask.softmax : the probabilities themselves.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The chunks are read twice, for another `beta` than 1 three
    times.

    Examples
    --------
    >>> import dask.array as da
    >>> import softlit.dask
    >>> x = da.from_array([1000.0, 1000.0, 0.0, 0.0], chunks=2)
    >>> softlit.dask.log_softmax(x)[1:3].compute().tolist()
    [-0.6931471805599453, -1000.6931471805599]
    """
    return _two_visits(x, axis, "log_softmax", beta, where, -np.inf)


def logsumexp(x, axis=-1, *, keepdims=False, where=None):
    r"""LogSumExp of a dask array, in one visit to its chunks.

    .. math:: \operatorname{LSE}(x) = \log \sum_j e^{x_j}

    Parameters
    ----------
    x : dask array, or what `dask.array.asanyarray` makes one of
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over.
    keepdims : bool, optional
        Whether the summed axes stay, with size 1.
    where : array of bool, optional
        Entries that take part, an array of NumPy or dask that broadcasts to the shape of `x`.

    Returns
    -------
    dask array
        With the summed axes gone; within 1 ulp in float64 and 3 in float32 for results of size 1 and more,
        whatever the chunks. A slice that `where` leaves out altogether gives -inf.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, `where` does not hold bool, or one is a masked array.
    ValueError
        If `where` does not broadcast to the shape of `x`.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.logsumexp : of NumPy arrays.
    softlit.SoftmaxState : what a chunk becomes.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-monoid`, and chapter 15a, :prf:ref:`thm-exact-sum`.

    Examples
    --------
    >>> import dask.array as da
    >>> import softlit.dask
    >>> x = da.from_array([1000.0, 1000.0, 0.0, 0.0], chunks=2)
    >>> softlit.dask.logsumexp(x).compute().round(4)
    np.float64(1000.6931)
    """
    x, dtype, _ = _admitted(x)
    if not x.ndim:
        return logsumexp(x.reshape(1), axis, where=where)
    mask = _mask(where, x)
    x = x if mask is None else _chosen(x.astype(dtype), mask, -np.inf)
    return _reduction(x, axis, keepdims, SoftmaxState.logsumexp, dtype)


def open_array(path, chunks="auto", *, component=None):
    """An array on disk as a dask array that reads it when it is computed.

    `dask.diagnostics.ProgressBar` shows how far a computation in the process has come, and
    `distributed.progress` one on a cluster.

    Parameters
    ----------
    path : path_like
        A .npy file, or a folder, zip file or address that Zarr opens (zarr must be installed).
    chunks : optional
        As in `dask.array.from_array`; "auto" takes about half a million numbers that lie together. Zarr
        arrays keep their own.
    component : str, optional
        The name of an array in a Zarr group, such as ``"logits"`` or ``"epoch/logits"``.

    Raises
    ------
    OSError, TypeError, ValueError
        As `softlit.files.NpyFile` does, here or when it is computed. Of a Zarr group the arrays are named,
        of a damaged Zarr array the chunk; a chunk that is missing is no damage, but holds the fill value, as
        Zarr wants it.

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
    path = os.fsdecode(path)
    if not os.path.exists(path) and "://" not in path:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if not os.path.isfile(path) or is_archive(path):
        stored = ZarrArray(path, component)
        return _lazily(stored, stored.array.chunks)
    if component is not None:
        raise ValueError(
            f"{path} is no Zarr group, so it has no component {component!r}"
        )
    return _of_npy(NpyFile(path), chunks)


def _of_npy(file, chunks):
    if chunks != "auto":
        return _lazily(file, chunks)
    if file.fortran_order:
        return _of_npy(file.T, chunks).T
    blocks = block_shape(file.shape, _CHUNK)
    x = _lazily(file, blocks)
    if blocks[1:] == file.shape[1:]:
        _OPENED[x.name] = file
    return x


__all__ = [
    "log_softmax",
    "logsumexp",
    "open_array",
    "softmax",
]
