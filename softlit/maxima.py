# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/07a-rates-and-rounding.ipynb, cell build-soft-gaps
"""Three smooth versions of the maximum along any axes, computed from the gaps below it."""

import numpy as np

from softlit._arrays import on_rows, real_array
from softlit.kernels import logsumexp


def _for_either_sign(function, x, beta, where):
    """A soft maximum for beta >= 0 of each row; a negative beta turns the signs round."""
    keep = np.broadcast_to(True if where is None else where, x.shape)
    sign = np.copysign(1, beta)
    y = np.where(keep, sign * x, -np.inf)
    value = sign * function(y, np.abs(beta), keep) + 0  # no negative zero
    return np.where(np.isnan(beta), np.nan, value)[..., 0]


def _halved_gaps(y, beta):
    """The maximum of each row, half the gaps of its entries to it, and beta times the gaps."""
    top = np.max(y, axis=-1, keepdims=True, initial=-np.inf)
    half = np.where(y == top, 0, y / 2 - top / 2)
    return top, half, np.where((half == 0) | (beta == 0), 0, beta * half * 2)


def _add_twice(top, half):
    """top + 2 half, also where 2 half overflows; an infinite top stays."""
    direct = top + 2 * half
    result = np.where(np.isfinite(direct), direct, top + half + half)
    return np.where(np.isinf(top), top, result)


def _average(y, top, half, weights):
    """The weighted mean of each row; entries of weight 0 do not count, even infinite ones."""
    weight = np.sum(weights, axis=-1, keepdims=True)
    shares = weights / weight
    gap = np.sum(
        np.where(shares == 0, 0, shares * half), axis=-1, keepdims=True
    )
    plain = np.sum(np.where(shares == 0, 0, shares * y), axis=-1, keepdims=True)
    mean = np.where(np.isinf(gap), plain, _add_twice(top, gap))
    return np.where(weight > 0, mean, np.nan)


# --- book/07a-rates-and-rounding.ipynb, cell build-boltzmann
def _boltzmann(y, beta, keep):
    top, half, gaps = _halved_gaps(y, beta)
    return _average(y, top, half, np.where(keep, np.exp(gaps), 0))


@on_rows(x=real_array, columns=["beta"])
def boltzmann_max(x, axis=-1, *, beta=1.0, keepdims=False, where=None):
    r"""The mean of the entries under their own softmax: a soft maximum from below.

    .. math:: B_\beta(x) = S(\beta x)^{\mathsf T} x = \frac{\sum_j x_j e^{\beta x_j}}{\sum_j e^{\beta x_j}}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes that are reduced; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, in units of 1/x; an array broadcasts against `x`, and does not vary along
        `axis`. It is rounded to the dtype of the computation. 0 gives the mean, a negative one a soft
        minimum, inf and -inf the maximum and the minimum, NaN gives NaN.
    keepdims : bool, optional
        Whether the reduced axes stay, with size 1.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        `x` (broadcast with `beta`) with the reduced axes gone, a NumPy scalar if none is left.
        float16, float32, float64 and longdouble are kept (float16 is computed wider), integers and
        bool give float64. A slice with a NaN gives NaN. Infinities give limits: for a positive `beta`
        +inf if one entry is +inf, entries of -inf have no weight, and a slice of -inf alone gives
        -inf; for a negative one the signs are reversed; for 0 it is the mean of the entries, NaN if
        both infinities occur. An empty slice, and one that `where` leaves out altogether, have no
        mean: NaN. No warning is raised.

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
    softlit.lse_max : from above; softlit.mellowmax : from below, and monotone.

    Notes
    -----
    Derived in chapter 07, :prf:ref:`thm-boltzmann-gradient`. For N entries and a positive `beta` it
    is below the maximum by at most W((N - 1)/e)/beta, where W is the Lambert function
    (:prf:ref:`thm-worst-gap`). It can fall when an entry rises (:prf:ref:`thm-boltzmann-not-monotone`).
    On W: [1]_; on the operator in reinforcement learning: [2]_.

    References
    ----------
    .. [1] R. M. Corless, G. H. Gonnet, D. E. G. Hare, D. J. Jeffrey and D. E. Knuth, "On the Lambert W
       function", Adv. Comput. Math. 5 (1996) 329-359, https://doi.org/10.1007/BF02124750
    .. [2] K. Asadi and M. L. Littman, "An alternative softmax operator for reinforcement learning",
       ICML 2017, PMLR 70, 243-252, https://doi.org/10.48550/arXiv.1612.05628

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> round(float(softlit.boltzmann_max([1, 2, 3, 4, 5])), 4)
    4.4519
    >>> softlit.boltzmann_max([[0.0, 3.0], [2.0, 2.0]], beta=np.inf)
    array([3., 2.])
    >>> softlit.boltzmann_max([0.0, 5.0]) > softlit.boltzmann_max([0.5, 5.0])
    np.True_
    """
    return _for_either_sign(_boltzmann, x, beta, where)


# --- book/07a-rates-and-rounding.ipynb, cell build-lse
def _rest(gaps):
    """The sum of exp(gaps) along the last axis without one maximal term, which is exactly 1."""
    e = np.exp(gaps)
    if gaps.shape[-1]:
        np.put_along_axis(
            e, np.argmax(gaps, axis=-1)[..., np.newaxis], 0, axis=-1
        )
    return np.sum(e, axis=-1, keepdims=True)


def _lse(y, beta, keep):
    top, _, gaps = _halved_gaps(y, beta)
    rest = _rest(np.where(np.isneginf(y), -np.inf, gaps))
    return _add_twice(top, np.where(rest == 0, 0, np.log1p(rest) / 2 / beta))


@on_rows(x=real_array, columns=["beta"])
def _lse_max(x, axis=-1, *, beta=1.0, keepdims=False, where=None):
    return _for_either_sign(_lse, x, beta, where)


def lse_max(x, axis=-1, *, beta=1.0, keepdims=False, where=None):
    r"""LogSumExp at an inverse temperature: a soft maximum from above.

    .. math:: \operatorname{LSE}_\beta(x) = \frac{1}{\beta} \log \sum_j e^{\beta x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes that are reduced; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `boltzmann_max`, except at 0, where the function has a pole: 0.0
        gives the limit from above and -0.0 the limit from below: +inf and -inf if two entries or more
        take part.
    keepdims : bool, optional
        Whether the reduced axes stay, with size 1.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Shaped and typed as `boltzmann_max` does. A slice with a NaN gives NaN. For a positive `beta`
        (0.0 included) one entry of +inf gives +inf, entries of -inf do not take part, and a slice of
        -inf alone, an empty one, and one that `where` leaves out altogether give -inf; for a negative
        one (-0.0 included) the signs are reversed. No warning is raised.

    Raises
    ------
    TypeError, ValueError, numpy.exceptions.AxisError
        As `boltzmann_max` does.

    See Also
    --------
    softlit.logsumexp : the same for `beta` = 1, subnormal results apart.
    softlit.mellowmax : the same minus log(N)/beta.

    Notes
    -----
    Derived in chapter 07, :prf:ref:`thm-soft-maximum-bounds`: for a positive `beta` it exceeds the
    maximum by at most log(N)/beta. Its gradient is ``softmax(x, beta=beta)``. It is convex,
    :prf:ref:`thm-lse-convex`, and falls as `beta` grows, :prf:ref:`thm-soft-maxima-slope`. More on such
    functions: [1]_.

    References
    ----------
    .. [1] S. Boyd and L. Vandenberghe, "Convex optimization", Cambridge University Press, 2004,
       https://doi.org/10.1017/CBO9780511804441

    Examples
    --------
    >>> import softlit
    >>> softlit.lse_max([1000.0, 1000.0], beta=[[1.0], [100.0]]).round(4)
    array([1000.6931, 1000.0069])
    >>> softlit.lse_max([1.0, 2.0], beta=0.0)
    np.float64(inf)
    """
    beta = real_array(beta, "beta")[0]
    if beta.ndim == 0 and beta == 1:
        return logsumexp(x, axis, keepdims=keepdims, where=where)
    return _lse_max(x, axis, beta=beta, keepdims=keepdims, where=where)


# --- book/07a-rates-and-rounding.ipynb, cell build-mellowmax
def _mellow(y, beta, keep):
    top, half, gaps = _halved_gaps(y, beta)
    count = np.sum(keep, axis=-1, keepdims=True, dtype=y.dtype)
    below = (
        np.sum(np.where(keep, np.expm1(gaps), 0), axis=-1, keepdims=True)
        / count
    )
    mean = (
        np.sum(np.where(keep, np.exp(gaps), 0), axis=-1, keepdims=True) / count
    )
    log_mean = np.where(below > -0.5, np.log1p(below), np.log(mean))
    widest = np.min(gaps, axis=-1, keepdims=True, initial=0, where=keep)
    flat = widest >= -np.finfo(y.dtype).eps
    plain = _average(y, top, half, keep.astype(y.dtype))
    return np.where(flat, plain, _add_twice(top, log_mean / 2 / beta))


@on_rows(x=real_array, columns=["beta"])
def mellowmax(x, axis=-1, *, beta=1.0, keepdims=False, where=None):
    r"""The log of the mean exponential: a soft maximum that is monotone and never expands distances.

    .. math:: \operatorname{mm}_\beta(x) = \frac{1}{\beta} \log \frac{1}{N} \sum_j e^{\beta x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes that are reduced; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `boltzmann_max`; 0 gives the mean.
    keepdims : bool, optional
        Whether the reduced axes stay, with size 1.
    where : array_like of bool, optional
        Entries that take part, and are counted by N; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Shaped and typed as `boltzmann_max` does. A slice with a NaN gives NaN. For a positive `beta`
        one entry of +inf gives +inf, entries of -inf are counted and add nothing to the sum, and a
        slice of -inf alone gives -inf; for a negative one the signs are reversed; for 0 it is the mean,
        NaN if both infinities occur. An empty slice, and one that `where` leaves out altogether, give
        NaN. No warning is raised.

    Raises
    ------
    TypeError, ValueError, numpy.exceptions.AxisError
        As `boltzmann_max` does.

    See Also
    --------
    softlit.lse_max : the same plus log(N)/beta.

    Notes
    -----
    Derived in chapter 07, :prf:ref:`thm-mellowmax`. For a positive `beta` it is convex,
    :prf:ref:`thm-lse-convex`; it rises with `beta`, :prf:ref:`thm-soft-maxima-slope`. Introduced by [1]_.

    References
    ----------
    .. [1] K. Asadi and M. L. Littman, "An alternative softmax operator for reinforcement learning",
       ICML 2017, PMLR 70, 243-252, https://doi.org/10.48550/arXiv.1612.05628

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.mellowmax([0.0, 1.0, 5.0], beta=[[0.0], [1.0], [np.inf]]).round(4)
    array([2.    , 3.9261, 5.    ])
    """
    return _for_either_sign(_mellow, x, beta, where)


__all__ = [
    "boltzmann_max",
    "lse_max",
    "mellowmax",
]
