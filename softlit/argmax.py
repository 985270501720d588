# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/01-hard-and-soft.ipynb, cell build-hardmax
"""Which entry is the largest: the hard answer as a one-hot vector."""

import numpy as np

from softlit._arrays import Layout, mask_array, real_array


def hardmax(x, axis=-1, *, where=None):
    r"""The argmax as a one-hot vector; tied maxima share equally.

    .. math:: \operatorname{hardmax}(x)_i = [x_i = \max_j x_j] / m,

    where m is the number of entries that equal the maximum.

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which a slice lies; None takes all of them.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray
        The shape of `x`; float32, float64, longdouble and float16 are kept, integers and bool
        give float64. Entries that `where` leaves out are 0. A slice with a NaN, or of -inf alone,
        gives NaN; several entries equal to +inf are tied like finite ones. No warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `where` does not broadcast to the shape of `x`.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : the smooth version, which tends to this one as `beta` grows.

    Notes
    -----
    Derived in chapter 01, :prf:ref:`def-hardmax`.

    Examples
    --------
    >>> import softlit
    >>> softlit.hardmax([1.0, 3.0, 2.0])
    array([0., 1., 0.])
    >>> softlit.hardmax([3.0, 1.0, 3.0])
    array([0.5, 0. , 0.5])
    >>> softlit.hardmax([[1, 5], [4, 2]], axis=0)
    array([[0., 1.],
           [1., 0.]])
    """
    x, dtype = real_array(x)
    mask = mask_array(where, x.shape)
    layout = Layout(x.shape, axis)
    with np.errstate(all="ignore"):
        rows = layout.rows(x if mask is None else np.where(mask, x, -np.inf))
        top = np.max(rows, axis=-1, keepdims=True, initial=-np.inf)
        hits = (rows == top).astype(rows.dtype)  # none in a row with a NaN: 0/0 below
        shares = hits / np.sum(hits, axis=-1, keepdims=True)
        shares = layout.restore(np.where(np.isneginf(top), np.nan, shares))
        if mask is not None:
            shares = np.where(mask, shares, 0)
        return shares.astype(dtype, copy=False)[()]


__all__ = [
    "hardmax",
]
