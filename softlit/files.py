# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15a-states-and-files.ipynb, cell build-files
"""Arrays on disk that are larger than memory, read in blocks and checked on the way."""

import copy
import errno
import math
import os
import secrets
import sys
from contextlib import contextmanager, suppress
from itertools import count

import numpy as np

from softlit._arrays import Layout, positive_int, real_array
from softlit._boxes import panels, rows_that_hold, selected
from softlit.kernels import softmax
from softlit.streaming import softmax_chunks

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    # differs in how it writes the names of fields, and numbers have none
    (3, 0): np.lib.format.read_array_header_2_0,
}
_PIECE = 2**20  # bytes that are read at a time where not all of them are wanted
_GAP = 2**14  # bytes that are quicker read than passed over


class NpyFile:
    """An array of real numbers in a .npy file, of which parts are read when they are asked for.

    ``file[2:5]`` reads entries of the first axis into a new array. Integers, slices of any step, Ellipsis
    and None select what they select of an array, and little more than that is held in memory. The object
    is small and may be sent to another process that sees the same file.

    Parameters
    ----------
    path : path_like
        The file; it stays closed but while something is read.

    Attributes
    ----------
    path : str
        Where the file is.
    shape : tuple of ints
        The shape of the array, as the header of the file says.
    dtype : numpy.dtype
        The dtype of its numbers.
    ndim : int
        How many axes it has.
    fortran_order : bool
        Whether the entries of the last axis lie together.

    Raises
    ------
    OSError
        If the file cannot be opened.
    TypeError
        If it does not hold real numbers, or is indexed by a list or an array.
    ValueError
        If it is no .npy file, or is shorter than its header says; the message names the file, and how many
        bytes are missing. Reading raises the same.
    IndexError
        If an index is out of range.

    See Also
    --------
    softlit.files.softmax_npy : softmax of such a file.
    softlit.dask.open_array : the array for an engine that works on many parts at once.

    Notes
    -----
    In a file in Fortran order, as ``np.save(path, x.T)`` writes it, the entries of the *last* axis lie
    together, and ``file.T``, the same file with its axes reversed, is read in long stretches.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from softlit.files import NpyFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "logits.npy")
    ...     np.save(path, np.arange(6.0).reshape(3, 2))
    ...     file = NpyFile(path)
    ...     print(file.shape, file[1:], file[-1, 0], [len(block) for block in file.blocks(entries=4)])
    (3, 2) [[2. 3.]
     [4. 5.]] 4.0 [2, 1]
    """

    def __init__(self, path):
        self.path = os.fsdecode(path)
        with open(self.path, "rb") as file:
            try:
                self.shape, fortran, self.dtype = _read_header(file)
            except OSError:
                raise
            except (
                Exception
            ) as error:  # NumPy lets errors of Python's tokenizer through
                raise ValueError(
                    f"{self.path} is no .npy file of numbers: {error}"
                ) from None
            self._start = file.tell()
        if self.dtype.kind not in "fiub":
            raise TypeError(
                f"{self.path} must hold real numbers, not values of dtype {self.dtype}"
            )
        self.ndim = len(self.shape)
        self.fortran_order = fortran and self.ndim > 1
        self._check_size()

    @property
    def T(self):
        """The same file with its axes reversed."""
        file = copy.copy(self)
        file.shape, file.fortran_order = (
            self.shape[::-1],
            not self.fortran_order and self.ndim > 1,
        )
        return file

    def _check_size(self):
        wanted = self._start + self.dtype.itemsize * math.prod(self.shape)
        missing = wanted - os.path.getsize(self.path)
        if missing > 0:
            raise ValueError(
                f"{self.path} is truncated: {missing} of {wanted} bytes are missing"
            )

    def __getitem__(self, at):
        ranges, view = selected(at, self.shape, self.path)
        if self.fortran_order:
            return self._read(self.shape[::-1], ranges[::-1]).T[view]
        return self._read(self.shape, ranges)[view]

    def _read(self, shape, ranges):
        """The entries in these ranges of an array that lies in the file in C order."""
        out = np.empty([len(entries) for entries in ranges], self.dtype)
        if out.size:
            with open(self.path, "rb", buffering=0) as file:
                self._fill(file, self._start, shape, ranges, out)
        return out

    def _fill(self, file, start, shape, ranges, out):
        """Read entries of an array that begins at a byte of the file, in one stretch where they lie so."""
        if not shape:
            self._fill_whole(file, start, out)
            return
        (entries, *others), inner = ranges, shape[1:]
        size = self.dtype.itemsize * math.prod(inner)
        whole = all(
            len(part) == n for part, n in zip(others, inner, strict=True)
        )
        if whole and (entries.step == 1 or len(entries) == 1):
            self._fill_whole(file, start + size * entries[0], out)
        elif size * entries.step <= _GAP:
            for some, part in _some_at_a_time(
                entries, out, _PIECE // (size * entries.step)
            ):
                rows = np.empty((some[-1] - some[0] + 1, *inner), self.dtype)
                self._fill_whole(file, start + size * some[0], rows)
                steps = (
                    slice(part.start, part.stop, part.step) for part in others
                )
                part[...] = rows[(slice(None, None, entries.step), *steps)]
        else:
            for place, entry in enumerate(entries):
                self._fill(
                    file, start + size * entry, inner, others, out[place, ...]
                )

    def _fill_whole(self, file, start, out):
        """Read as many bytes as the array has, from a byte of the file on."""
        file.seek(start)
        unread = memoryview(out.reshape(-1).view(np.uint8))
        while len(unread):
            count = file.readinto(unread)
            if not count:
                self._check_size()
                raise ValueError(
                    f"{self.path} ended {len(unread)} bytes too early"
                )
            unread = unread[count:]

    def blocks(self, entries=2**20, *, progress=False):
        """The array in blocks along its first axis, which can be gone through any number of times.

        Parameters
        ----------
        entries : int, optional
            About how many numbers a block holds: at least those of one entry of the first axis. Where that
            is too much, read parts of it, as ``file[0, :1000]``.
        progress : bool, optional
            Whether to show a bar on standard error.

        Returns
        -------
        iterable of ndarray

        Raises
        ------
        TypeError
            If `entries` is no int.
        ValueError
            If `entries` is not positive, or the array has no axis.
        """
        self._refuse_0d()
        return _Blocks(self, positive_int(entries, "entries"), progress)

    def _refuse_0d(self):
        if not self.ndim:
            raise ValueError(
                f"{self.path} holds one number without an axis; one axis or more are needed"
            )


def _read_header(file):
    """Shape, whether in Fortran order, and dtype."""
    if file.read(4) == b"PK\x03\x04":
        raise ValueError(
            "it is an archive, .npz or .zip; unpack it, as by python -m zipfile -e FILE FOLDER, "
            "and open one of the .npy files in it"
        )
    file.seek(0)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"its version {version} is unknown")
    shape, fortran, dtype = _HEADERS[version](file)
    if any(size < 0 for size in shape):
        raise ValueError(f"its header says the shape {shape}")
    return shape, fortran, dtype


def _some_at_a_time(entries, out, many):
    """Ranges of some entries at a time, and where they go."""
    many = max(1, many)
    for first in range(0, len(entries), many):
        yield entries[first : first + many], out[first : first + many]


class _Blocks:
    """Blocks along the first axis."""

    def __init__(self, file, entries, progress):
        self.file, self.progress = file, progress
        self.height = rows_that_hold(entries, file.shape)

    def __iter__(self):
        starts = range(0, self.file.shape[0], self.height)
        shown = _bar(len(starts), self.progress)
        for start in starts:
            yield self.file[start : start + self.height]
            shown()


class _Boxes:
    """Parts of a file at any indices."""

    def __init__(self, file, boxes, shown):
        self.file, self.boxes, self.shown = file, boxes, shown

    def __iter__(self):
        for box in self.boxes:
            yield self.file[box[0] if len(box) == 1 else box]
            self.shown()


def _bar(total, progress):
    """What is to be called after each of so many parts."""
    done = count(1)
    return lambda: _show_progress(next(done) / total) if progress else None


def _show_progress(share):
    full = round(40 * share)
    end = "\n" if share == 1 else ""
    print(
        f"\r[{'#' * full}{' ' * (40 - full)}] {share:4.0%}",
        end=end,
        file=sys.stderr,
        flush=True,
    )


def _softmax_of_boxes(file, boxes, axis, shown):
    """Softmax of each box; in one visit if a single box holds the slices, in two if they are cut."""
    blocks = _Boxes(file, boxes, shown)
    results = (
        softmax_chunks(blocks, axis)
        if len(boxes) > 1
        else (softmax(block, axis) for block in blocks)
    )
    return zip(boxes, results, strict=True)


@contextmanager
def _appearing(target):
    """A file to write to, which takes the place of the target when it is whole, and else is gone."""
    target = os.path.abspath(os.fsdecode(target))
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as out:
            yield out
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def softmax_npy(source, target, axis=-1, *, entries=2**20, progress=False):
    r"""Softmax of an array in a .npy file, into another one, a block at a time.

    .. math:: S(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    Parameters
    ----------
    source : path_like
        A .npy file of real numbers of one axis or more.
    target : path_like
        The file to write. It appears when it is whole; if anything fails, there is none, and an older one
        stays as it was. It may be the source.
    axis : int, tuple of ints or None, optional
        As in `softlit.softmax`. Where the slices are too long for a block, the source is read twice.
    entries : int, optional
        About how many numbers to hold at a time. Long rows are cut too.
    progress : bool, optional
        Whether to show a bar on standard error.

    Raises
    ------
    OSError, TypeError, ValueError
        As `NpyFile` does; also if the array has no axis, or `entries` is no positive int.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax_chunks : softmax of any blocks.
    softlit.dask.softmax : on many threads or machines, and with beta and where.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The dtype is kept, the errors are those of
    `softlit.softmax_chunks`, or of `softlit.softmax` where blocks hold whole slices. The order of the file,
    C or Fortran, is kept too.

    The memory is that of 8 blocks of `entries` float64 numbers at most, and a few MB, whatever the shape.
    The folder of the target needs room for the whole result until it appears: 40 GB for 40 GB of logits,
    also where the target exists or is the source.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from softlit.files import softmax_npy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source, target = pathlib.Path(folder, "logits.npy"), pathlib.Path(folder, "shares.npy")
    ...     np.save(source, [1000.0, 1000.0])
    ...     softmax_npy(source, target)
    ...     print(np.load(target))
    [0.5 0.5]
    """
    file, entries = NpyFile(source), positive_int(entries, "entries")
    file._refuse_0d()
    axes, fortran = Layout(file.shape, axis).axes, file.fortran_order
    if fortran:
        file, axes = file.T, tuple(file.ndim - 1 - axis for axis in axes)
    dtype = real_array(np.empty(0, file.dtype))[1]
    shape = file.shape[::-1] if fortran else file.shape
    header = {"descr": dtype.str, "fortran_order": fortran, "shape": shape}
    lists = list(panels(file.shape, axes, entries))
    visits = sum(
        len(boxes) if len(boxes) == 1 else 2 * len(boxes) for boxes in lists
    )
    shown = _bar(visits, progress)
    with _appearing(target) as out:
        np.lib.format.write_array_header_1_0(out, header)
        start = out.tell()
        for boxes in lists:
            for box, p in _softmax_of_boxes(file, boxes, axes, shown):
                first = sum(
                    part.start * math.prod(file.shape[axis + 1 :])
                    for axis, part in enumerate(box)
                )
                out.seek(start + first * dtype.itemsize)
                out.write(np.ascontiguousarray(p).data)


__all__ = [
    "NpyFile",
    "softmax_npy",
]
