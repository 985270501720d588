# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/14-relatives.ipynb, cell build-threshold
"""Relatives of softmax with exact zeros, sparsemax and entmax, and how their shares move with the logits."""

import numpy as np

from softlit._arrays import on_rows, real_array
from softlit._exp import scaled_gaps
from softlit._limits import wide
from softlit._tiles import tiles, top_places
from softlit.jacobian import softmax_jvp
from softlit.kernels import softmax

_FEW = 64  # leaders that are tried before a whole row is sorted


def _order(alpha):
    """The order as a float.

    Raises
    ------
    ValueError
        If it does not lie between 1 and 2.
    """
    alpha = float(alpha)
    if not 1 <= alpha <= 2:
        raise ValueError(f"alpha must be from 1 to 2, not {alpha}")
    return alpha


def _leaders(y, m):
    """The m largest entries of each row, from above, as columns."""
    n = y.shape[1]
    if m < n:
        y = np.partition(y, n - m, axis=1)[:, n - m :]
    return np.sort(y, axis=1)[:, ::-1].T.copy()


def _shares(y, c, lost, a):
    """[1 + a (y - c - lost)]_+^(1/a) in the place of y."""
    if a < 0.5:  # the logarithm keeps the digits that 1 + ... would round off
        y -= c
        y -= lost
        y *= a
        np.maximum(y, -1, out=y)
        np.log1p(y, out=y)
        y /= a
        return np.exp(y, out=y)
    if a < 1:
        y *= a
    y += 1 - a * c
    np.maximum(y, a * lost, out=y)
    y -= a * lost
    if a < 1:
        np.power(y, 1 / a, out=y)
    return y


def _slopes(shares, a):
    """Minus the derivatives of the shares in the threshold."""
    return shares > 0 if a == 1 else shares ** (1 - a)


def _by_formula(y, a):
    """The threshold of sorted columns, for a = 1 and a = 1/2."""
    z = y * a
    k = np.arange(1, len(y) + 1, dtype=y.dtype)[:, np.newaxis]
    sums = np.cumsum(z, axis=0)
    above = sums - k * z  # what the first k have above the last of them
    if a == 0.5:
        squares = np.cumsum(z * z, axis=0)
        above = squares - z * (sums + above)
    size = np.maximum(np.count_nonzero(above < 1, axis=0), 1)
    last = size - 1, np.arange(y.shape[1])
    mean = sums[last] / size
    if a == 1:
        return mean + (1 - 1 / size)
    spread = squares[last] - sums[last] * mean
    return 2 * (mean + (1 - np.sqrt((1 - spread) / size)))


def _by_newton(y, a):
    """The threshold of columns, from below."""
    c = np.zeros(y.shape[1], y.dtype)
    for _ in range(100):
        shares = _shares(y.copy(), c, 0, a)
        total = np.sum(shares, axis=0)
        slope = a * np.sum(_slopes(shares, a), axis=0)
        step = -total * np.expm1(-a * np.log(total)) / slope
        c += np.maximum(step, 0)
        if not (step > 4 * np.finfo(y.dtype).eps).any():
            break
    return c


def _threshold(y, a):
    """c and what its rounding loses, with y - c = x - t - 1/a; and how many entries are tied and alone."""
    n = y.shape[1]
    m = min(_FEW, n)
    solve = _by_formula if a in (1, 0.5) else _by_newton
    leaders = _leaders(y, m)
    c = solve(leaders, a)
    if m < n and (leaders[-1] > c - 1 / a).any():
        # more entries raise c, so the others that are above it now are all that can count
        above = y > (c - 1 / a)[:, np.newaxis]
        leaders = _leaders(y, np.count_nonzero(above, axis=1).max())
        c = solve(leaders, a)
    tied = np.count_nonzero(leaders == 0, axis=0)
    alone = np.count_nonzero(leaders > c - 1 / a, axis=0) == tied
    coarse = c.astype(np.float32).astype(c.dtype)
    shares = _shares(leaders, coarse, c - coarse, a)
    missing = 1 - np.sum(shares, axis=0)
    lost = (c - coarse) - missing / np.sum(_slopes(shares, a), axis=0)
    return coarse[:, np.newaxis], lost[:, np.newaxis], np.where(alone, tied, 0)


def _write_gaps(x, beta, mask, out):
    """beta (x - max x), never positive; of a masked entry -inf."""
    top = x[top_places(x)]
    if mask is None and (beta == 1).all() and np.isfinite(top).all():
        np.subtract(x, top, out=out)
    else:
        out[:] = scaled_gaps(x, beta, mask)


def _write_shares(x, beta, mask, a, out):
    """Entmax of a tile of rows."""
    _write_gaps(x, beta, mask, out)
    c, lost, alone = _threshold(out, a)
    _shares(out, c, lost, a)
    some = alone > 1
    if some.any():  # equal shares, to the last bit
        equal = 1 / alone[some][:, np.newaxis].astype(out.dtype)
        out[some] = np.where(out[some] > 0, equal, 0)


@on_rows(columns=("beta",), x=real_array)
def _entmax_rows(x, alpha, axis=-1, *, beta=1.0, where=None):
    if not x.size:
        return np.zeros_like(x)
    rows = x.reshape(-1, x.shape[-1])
    factors = np.broadcast_to(beta, (*x.shape[:-1], 1)).reshape(-1, 1)
    mask = None if where is None else where.reshape(rows.shape)
    result = np.empty(rows.shape, x.dtype)
    for at, _ in tiles(rows, wide(x).itemsize):
        tile = rows[at].astype(wide(x), copy=False)
        kept = result.dtype == tile.dtype
        out = result[at] if kept else np.empty_like(tile)
        part = None if mask is None else mask[at]
        beta = factors[at].astype(tile.dtype)
        _write_shares(tile, beta, part, alpha - 1, out)
        if not kept:
            result[at] = out
    result = result.reshape(x.shape)
    return result if where is None else np.where(where, result, 0)


# --- book/14-relatives.ipynb, cell build-entmax
def entmax(x, axis=-1, *, alpha=1.5, beta=1.0, where=None):
    r"""Entmax: shares between those of softmax and of sparsemax.

    .. math:: q_i = \max((\alpha - 1)(\beta x_i - t), 0)^{1/(\alpha - 1)}, \qquad \sum_j q_j = 1

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the shares sum to 1; None takes all of them.
    alpha : float, optional
        The order, from 1, which is softmax, to 2, which is sparsemax.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x` (broadcast with `beta`).

    Returns
    -------
    ndarray or scalar
        Shares in the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d), exactly 0 for every
        logit that is not above the threshold. float16, float32, float64 and longdouble are kept (float16
        is computed wider), integers and bool give float64. Entries that `where` leaves out are 0. A
        slice with a NaN gives NaN; of several entries equal to +inf each has an equal share; a slice of
        -inf alone gives NaN. `beta` = 0 gives equal shares, inf and -inf the hard limits. No warning is
        raised.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `alpha` does not lie between 1 and 2, `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.sparsemax : the order 2.
    softlit.entmax_jvp : its derivative.

    Notes
    -----
    Derived in chapter 14, :prf:ref:`thm-entmax`. For `beta` = 1 the error of a share is at most one eps
    of the dtype, that is one unit in the last place of 1, on all rows that searches have found. A share
    next to the threshold has no relative accuracy: it is a small difference. The orders 1.5 and 2 are
    computed by sorting, the others by Newton's method, which takes longer. The family: [1]_.

    References
    ----------
    .. [1] B. Peters, V. Niculae and A. F. T. Martins, "Sparse sequence-to-sequence models", Proc. 57th ACL
       (2019) 1504-1519, https://doi.org/10.18653/v1/P19-1146

    Examples
    --------
    >>> import softlit
    >>> softlit.entmax([1.0, 0.5, -2.0]).round(4)
    array([0.674, 0.326, 0.   ])
    >>> softlit.entmax([2.0, 2.0, 0.0], alpha=1.2).round(4)
    array([0.4889, 0.4889, 0.0221])
    """
    alpha = _order(alpha)
    if alpha == 1:
        return softmax(x, axis, beta=beta, where=where)
    return _entmax_rows(x, alpha, axis, beta=beta, where=where)


# --- book/14-relatives.ipynb, cell build-sparsemax
def sparsemax(x, axis=-1, *, beta=1.0, where=None):
    r"""Sparsemax: the distribution nearest to the logits.

    .. math:: q_i = \max(\beta x_i - t, 0), \qquad \sum_j q_j = 1

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the shares sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x` (broadcast with `beta`).

    Returns
    -------
    ndarray or scalar
        Shares in the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d), exactly 0 for every
        logit that is not above the threshold; dtypes, infinities, NaN and masks as in `softlit.entmax`.
        No warning is raised.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.entmax : the family between softmax and sparsemax.
    softlit.softmax : which gives no zeros.

    Notes
    -----
    Derived in chapter 14, :prf:ref:`thm-sparsemax`. For `beta` = 1 the error of a share is at most one
    eps of the dtype on all rows that searches have found; tied leaders that take all have 1/k, correctly
    rounded. Introduced for attention in [1]_; other algorithms for the projection: [2]_.

    References
    ----------
    .. [1] A. F. T. Martins and R. F. Astudillo, "From softmax to sparsemax: a sparse model of attention and
       multi-label classification", Proc. 33rd ICML (2016), https://doi.org/10.48550/arXiv.1602.02068
    .. [2] L. Condat, "Fast projection onto the simplex and the l1 ball", Math. Program. 158 (2016) 575-585,
       https://doi.org/10.1007/s10107-015-0946-6

    Examples
    --------
    >>> import softlit
    >>> softlit.sparsemax([1.0, 0.5, -0.3])
    array([0.75, 0.25, 0.  ])
    >>> softlit.sparsemax([3.0, 2.0])
    array([1., 0.])
    """
    return entmax(x, axis, alpha=2, beta=beta, where=where)


# --- book/14-relatives.ipynb, cell build-entmax-products
@on_rows(columns=("beta",), x=real_array, v=real_array)
def _entmax_products(x, v, alpha, axis=-1, *, beta=1.0, where=None):
    p = entmax(x, alpha=alpha, beta=beta, where=where)
    inside = p > 0
    w = np.where(inside, p ** (2 - alpha), 0 * p)
    moved = np.sum(w, axis=-1, keepdims=True) * softmax_jvp(
        np.log(w), v, where=where
    )
    infinite = (inside & np.isinf(x)).any(axis=-1, keepdims=True)
    hard = (np.isinf(beta) | infinite) & (beta != 0)
    several = np.sum(inside, axis=-1, keepdims=True) > 1
    limits = np.where(several, np.nan, np.where(np.isnan(moved), moved, 0))
    moved = np.where(hard, limits, np.where(hard, 0, beta) * moved) + 0  # no -0
    return moved if where is None else np.where(where, moved, 0)


# --- book/14-relatives.ipynb, cell build-entmax-jvp
def entmax_jvp(x, v, axis=-1, *, alpha=1.5, beta=1.0, where=None):
    r"""How the shares of entmax move as the logits move along `v`.

    .. math:: J v = \beta\, w \circ \Big(v - \frac{w^{\mathsf T} v}{\sum_j w_j} \mathbf{1}\Big), \qquad
        w_i = q_i^{2 - \alpha} \text{ where } q_i > 0, \text{ else } 0

    The Jacobian is symmetric, so this also carries a gradient back from the shares to the logits.

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    v : array_like
        The direction; it broadcasts with `x`.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the shares sum to 1; None takes all of them.
    alpha : float, optional
        The order, from 1, which is softmax, to 2, which is sparsemax.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`; it is a factor of the result.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x` (broadcast with `beta`).

    Returns
    -------
    ndarray or scalar
        Derivatives in the shape of `x` and `v` (broadcast with `beta`; a NumPy scalar if 0-d), of the
        promoted dtype of `x` and `v`, where integers and bool count as float64; float16 is computed
        wider. Where a logit stands exactly at the threshold it is the derivative of the side on which its
        share stays 0. Infinite logits give limits, NaN where none exists: at several logits of +inf, or
        for an infinite `beta` with a tied maximum. A slice with a NaN, or of -inf alone, gives NaN.
        Entries that `where` leaves out are 0. No warning is raised.

    Raises
    ------
    TypeError
        If `x`, `v` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `alpha` does not lie between 1 and 2, `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.entmax : the shares.
    softlit.softmax_jvp : the order 1.

    Notes
    -----
    Derived in chapter 14, :prf:ref:`thm-entmax-jacobian`. The family: [1]_.

    References
    ----------
    .. [1] B. Peters, V. Niculae and A. F. T. Martins, "Sparse sequence-to-sequence models", Proc. 57th ACL
       (2019) 1504-1519, https://doi.org/10.18653/v1/P19-1146

    Examples
    --------
    >>> import softlit
    >>> softlit.entmax_jvp([1.0, 0.5, -0.3], [1.0, 0.0, 0.0], alpha=2)
    array([ 0.5, -0.5,  0. ])
    >>> softlit.entmax_jvp([9.0, 0.5, -0.3], [1.0, 0.0, 0.0])
    array([0., 0., 0.])
    """
    alpha = _order(alpha)
    if alpha == 1:
        return softmax_jvp(x, v, axis, beta=beta, where=where)
    return _entmax_products(x, v, alpha, axis, beta=beta, where=where)


__all__ = [
    "entmax",
    "entmax_jvp",
    "sparsemax",
]
