# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15-streaming.ipynb, cell build-files
"""Arrays on disk that are larger than memory, read in blocks and checked on the way."""

import os
import sys
import tempfile

import numpy as np

from softlit._arrays import Layout, real_array
from softlit.kernels import softmax
from softlit.streaming import softmax_chunks

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class NpyFile:
    """An array of real numbers in a .npy file, of which parts are read when they are asked for.

    ``file[2:5]`` reads entries of the first axis into a new array. The object is small and may be sent to
    another process that sees the same file.

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

    Raises
    ------
    OSError
        If the file cannot be opened.
    TypeError
        If it does not hold real numbers.
    ValueError
        If it is no .npy file, is stored in Fortran order, or is shorter than its header says; the message
        names the file, and how many bytes are missing. Reading raises the same.

    See Also
    --------
    softlit.files.softmax_npy : softmax of such a file.
    softlit.dask.open_array : the array for an engine that works on many parts at once.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from softlit.files import NpyFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "logits.npy")
    ...     np.save(path, np.arange(6.0).reshape(3, 2))
    ...     file = NpyFile(path)
    ...     print(file.shape, file[1:], [len(block) for block in file.blocks(entries=4)])
    (3, 2) [[2. 3.]
     [4. 5.]] [2, 1]
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        with open(self.path, "rb") as file:
            try:
                read_header = _HEADERS[np.lib.format.read_magic(file)]
                self.shape, fortran, self.dtype = read_header(file)
            except (KeyError, ValueError) as error:
                raise ValueError(
                    f"{self.path} is no .npy file of numbers: {error}"
                ) from None
            self._start = file.tell()
        if self.dtype.kind not in "fiub":
            raise TypeError(
                f"{self.path} must hold real numbers, not values of dtype {self.dtype}"
            )
        if fortran and len(self.shape) > 1:
            raise ValueError(
                f"{self.path} is stored in Fortran order, which cannot be read row by row"
            )
        self.ndim = len(self.shape)
        self._check_size()

    def _check_size(self):
        wanted = self._start + self.dtype.itemsize * int(np.prod(self.shape, dtype=object))
        missing = wanted - os.path.getsize(self.path)
        if missing > 0:
            raise ValueError(
                f"{self.path} is truncated: {missing} of {wanted} bytes are missing"
            )

    def __getitem__(self, at):
        first, *others = at if isinstance(at, tuple) else (at,)
        start, stop, step = first.indices(self.shape[0])
        rows = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self._start + start * (rows.nbytes // max(1, len(rows))))
            unread = memoryview(rows.reshape(-1).view(np.uint8))
            while len(unread):
                count = file.readinto(unread)
                if not count:
                    self._check_size()
                    raise ValueError(f"{self.path} ended {len(unread)} bytes too early")
                unread = unread[count:]
        return rows[(slice(None, None, step), *others)]

    def blocks(self, entries=2**20, *, progress=False):
        """The array in blocks along its first axis, which can be gone through any number of times.

        Parameters
        ----------
        entries : int, optional
            About how many numbers a block holds.
        progress : bool, optional
            Whether to show a bar on standard error.

        Returns
        -------
        iterable of ndarray
        """
        return _Blocks(self, entries, progress)


class _Blocks:
    def __init__(self, file, entries, progress):
        self.file, self.progress = file, progress
        per_row = int(np.prod(file.shape[1:], dtype=object))
        self.height = max(1, entries // max(1, per_row))

    def __iter__(self):
        rows = self.file.shape[0]
        for start in range(0, rows, self.height):
            yield self.file[start : start + self.height]
            if self.progress:
                _show_progress(min(1, (start + self.height) / rows))


def _show_progress(share):
    full = round(40 * share)
    end = "\n" if share == 1 else ""
    print(
        f"\r[{'#' * full}{' ' * (40 - full)}] {share:4.0%}",
        end=end,
        file=sys.stderr,
        flush=True,
    )


def softmax_npy(source, target, axis=-1, *, entries=2**20, progress=False):
    r"""Softmax of an array in a .npy file, into another one, a block at a time.

    .. math:: S(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    Parameters
    ----------
    source : path_like
        A .npy file of real numbers of one axis or more.
    target : path_like
        The file to write. It appears when it is whole; if anything fails, there is none.
    axis : int, tuple of ints or None, optional
        As in `softlit.softmax`. If it includes the first axis, the source is read twice.
    entries : int, optional
        About how many numbers to hold at a time.
    progress : bool, optional
        Whether to show a bar on standard error.

    Raises
    ------
    OSError, TypeError, ValueError
        As `NpyFile` does.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax_chunks : softmax of any blocks.
    softlit.dask.softmax : on many threads or machines.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The dtype is kept, the errors are those of
    `softlit.softmax_chunks`.

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
    file = NpyFile(source)
    blocks = file.blocks(entries, progress=progress)
    if 0 in Layout(file.shape, axis).axes:
        results = softmax_chunks(blocks, axis)
    else:
        results = (softmax(block, axis) for block in blocks)
    dtype = real_array(np.empty(0, file.dtype))[1]
    header = {"descr": dtype.str, "fortran_order": False, "shape": file.shape}
    folder, name = os.path.split(os.path.abspath(target))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            np.lib.format.write_array_header_1_0(out, header)
            for block in results:
                out.write(np.ascontiguousarray(block).data)
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's files are for their owner alone
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


__all__ = [
    "NpyFile",
    "softmax_npy",
]
