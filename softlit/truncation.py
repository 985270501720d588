# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/16-trusting-the-output.ipynb, cell build-truncation
"""Which entries of softmax to keep: masks of the k largest, of a mass, of a share of the largest."""

from functools import wraps

import numpy as np

from softlit._arrays import on_rows, positive_int, real_array
from softlit._limits import wide
from softlit.kernels import log_softmax, softmax


def _as_mask(function):
    """The function with its zeros and ones as bool."""

    @wraps(function)
    def mask(*given, **named):
        return function(*given, **named) != 0

    return mask


def _possible(x, where):
    """The logits in at least float64, and which of them can be kept: those that take part, and no -inf."""
    x = x.astype(wide(x), copy=False)
    if where is not None:
        x = np.where(where, x, -np.inf)
    if np.isnan(x).any():
        raise ValueError("x holds a NaN, which has no place in an order")
    return x, x > -np.inf


def _refuse_beside(p, beta):
    """Raise a ValueError if p is no probability, or beta NaN."""
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p must lie between 0 and 1")
    if np.isnan(beta).any():
        raise ValueError("beta must not be NaN")


def _put_back(kept, order):
    """What is kept of sorted entries, in the places that they came from."""
    mask = np.zeros(kept.shape, bool)
    np.put_along_axis(mask, order, kept, -1)
    return mask


# --- book/16-trusting-the-output.ipynb, cell build-top-k-mask
@_as_mask
@on_rows(x=real_array)
def top_k_mask(x, k, axis=-1, *, where=None):
    r"""The k largest logits of each slice, as a mask: top-k.

    .. math:: \{i : x_i \text{ is among the } k \text{ largest}\}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    k : int
        How many entries to keep, at least 1; a slice that has fewer keeps all.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all entries together.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray of bool
        A mask in the shape of `x`, for the argument ``where`` of `softlit.softmax` and others. Of equal
        logits the first are kept, so that there are exactly k; -inf is never kept. Compared in float64
        or, for that dtype, longdouble.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, `k` is no int, or `where` does not hold bool.
    ValueError
        If a logit that takes part is NaN, `k` is less than 1, or the shapes do not fit.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.top_p_mask : as many as make up a share.
    softlit.min_p_mask : all that are not too far below the largest.
    softlit.softmax : draws on the mask through ``where``.

    Notes
    -----
    Derived in chapter 16, :prf:ref:`thm-truncation-temperature`. It does not depend on a temperature, as
    long as that is positive. Its use for text: [1]_.

    References
    ----------
    .. [1] A. Fan, M. Lewis and Y. Dauphin, "Hierarchical neural story generation", ACL 2018,
       https://doi.org/10.48550/arXiv.1805.04833

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> x = np.log([0.7, 0.2, 0.1])
    >>> softlit.top_k_mask(x, 2)
    array([ True,  True, False])
    >>> softlit.softmax(x, where=softlit.top_k_mask(x, 2)).round(3)
    array([0.778, 0.222, 0.   ])
    """
    x, possible = _possible(x, where)
    order = np.argsort(-x, axis=-1, stable=True)
    first = np.arange(x.shape[-1]) < positive_int(k, "k")
    return _put_back(np.broadcast_to(first, x.shape), order) & possible


# --- book/16-trusting-the-output.ipynb, cell build-top-p-mask
@_as_mask
@on_rows(x=real_array, columns=("p", "beta"))
def top_p_mask(x, p, axis=-1, *, beta=1.0, where=None):
    r"""The smallest set with at least the share p, as a mask: top-p.

    .. math:: \{1, \dots, k\} , \quad k = \min \{ k : S(\beta x)_1 + \dots + S(\beta x)_k \ge p \} ,

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    p : array_like
        The share to keep, from 0 to 1, one number or one a slice.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all entries together.
    beta : array_like, optional
        Inverse temperature, one number or one a slice: the mask is that of ``softmax(x, beta=beta)``.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray of bool
        A mask in the shape of `x`, broadcast with `p` and `beta`, for the argument ``where`` of
        `softlit.softmax` and others. The entry with which the sum reaches p is kept, and at least one
        is; of equal entries the first are. A sum that misses p by a rounding counts as reaching it. p =
        1 keeps all with a share above 0. Compared in float64 or, for that dtype, longdouble.

    Raises
    ------
    TypeError
        If `x`, `p` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If a logit that takes part is NaN, `p` is not between 0 and 1, `beta` is NaN, or the shapes do
        not fit.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.top_k_mask : a fixed number of entries.
    softlit.min_p_mask : all that are not too far below the largest.
    softlit.softmax : draws on the mask through ``where``.

    Notes
    -----
    Derived in chapter 16, :prf:ref:`thm-truncation-temperature`. The tail is summed from its small end,
    so that p = 1 loses nothing. With ``beta`` the cut comes after the temperature, without it before.
    The method: [1]_.

    References
    ----------
    .. [1] A. Holtzman, J. Buys, L. Du, M. Forbes and Y. Choi, "The curious case of neural text degeneration",
       ICLR 2020, https://doi.org/10.48550/arXiv.1904.09751

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> x = np.log([0.7, 0.2, 0.1])
    >>> softlit.top_p_mask(x, 0.8)
    array([ True,  True, False])
    >>> softlit.top_p_mask(x, 0.8, beta=2.0)
    array([ True, False, False])
    """
    _refuse_beside(p, beta)
    eps = np.finfo(x.dtype).eps
    x, possible = _possible(x, where)
    shares = softmax(x, beta=beta, where=possible)
    order = np.argsort(-shares, axis=-1, stable=True)
    rising = np.take_along_axis(shares, order, -1)[..., ::-1]
    tail = np.cumsum(rising, axis=-1)[..., ::-1]  # with all that are smaller
    rounding = np.where(p < 1, 4 * eps, 0)
    kept = tail > (1 - p + rounding) * tail[..., :1]
    kept[..., :1] = True
    return _put_back(kept, order) & (shares > 0)


# --- book/16-trusting-the-output.ipynb, cell build-min-p-mask
@_as_mask
@on_rows(x=real_array, columns=("p", "beta"))
def min_p_mask(x, p, axis=-1, *, beta=1.0, where=None):
    r"""All with at least p times the largest share, as a mask: min-p.

    .. math:: \{i : S(\beta x)_i \ge p \max_j S(\beta x)_j\} = \{i : \beta x_i \ge \max_j \beta x_j + \log p\}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    p : array_like
        The part of the largest share, from 0 to 1, one number or one a slice.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all entries together.
    beta : array_like, optional
        Inverse temperature, one number or one a slice: the mask is that of ``softmax(x, beta=beta)``.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray of bool
        A mask in the shape of `x`, broadcast with `p` and `beta`, for the argument ``where`` of
        `softlit.softmax` and others. All of the largest entries are kept; -inf never is. p = 0 keeps all
        others. Compared in float64 or, for that dtype, longdouble.

    Raises
    ------
    TypeError
        If `x`, `p` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If a logit that takes part is NaN, `p` is not between 0 and 1, `beta` is NaN, or the shapes do
        not fit.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.top_k_mask : a fixed number of entries.
    softlit.top_p_mask : as many as make up a share.
    softlit.softmax : draws on the mask through ``where``.

    Notes
    -----
    Derived in chapter 16, :prf:ref:`thm-truncation-temperature`. At most 1/(p max share) entries are
    kept. The method: [1]_.

    References
    ----------
    .. [1] N. N. Minh et al., "Turning up the heat: min-p sampling for creative and coherent LLM outputs",
       https://doi.org/10.48550/arXiv.2407.01082

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> x = np.log([0.7, 0.2, 0.1])
    >>> softlit.min_p_mask(x, 0.2)
    array([ True,  True, False])
    >>> softlit.min_p_mask(x, 0.2, beta=2.0)
    array([ True, False, False])
    """
    _refuse_beside(p, beta)
    x, possible = _possible(x, where)
    logs = log_softmax(x, beta=beta, where=possible)
    top = np.max(logs, axis=-1, keepdims=True, initial=-np.inf)
    return (logs >= top + np.log(p)) & possible


__all__ = [
    "min_p_mask",
    "top_k_mask",
    "top_p_mask",
]
