# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-ways
"""softmax, log_softmax and logsumexp along any axes, right to a few ulp, in blocks that fit the cache."""

import math

import numpy as np

from softlit._apply import by_slices, of_small
from softlit._arrays import Layout, mask_array, real_array
from softlit._limits import LIMITS, wide
from softlit._portable import (
    is_foreign,
    portable_log_softmax,
    portable_logsumexp,
    portable_softmax,
)
from softlit._signed import weighted_logsumexp
from softlit._tasks import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from softlit._tiles import from_slices


def _admit(function, portable, x, **options):
    """Call the function again with an array that it computes with; the result in the dtype of x."""
    if is_foreign(x):
        return portable(x, **options)
    x, dtype = real_array(x)
    with np.errstate(all="ignore"):
        return function(x, **options).astype(dtype, copy=False)


# --- book/03a-engine-room.ipynb, cell build-softmax
def softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""Softmax: probabilities proportional to the exponentials of the logits.

    .. math:: S(\beta x)_i = \frac{e^{\beta x_i}}{\sum_j e^{\beta x_j}}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, in units of 1/logit; an array broadcasts against `x`, and does not vary
        along `axis`. It is rounded to the dtype of the computation. 0 gives the uniform distribution,
        a negative one the soft minimum, inf and -inf the hard limits, NaN gives NaN.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Probabilities in the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d). float16,
        float32, float64 and longdouble are kept (float16 is computed wider), integers and bool give
        float64. Entries that `where` leaves out are 0. A slice with a NaN gives NaN; of several
        entries equal to +inf each has an equal share; a slice of -inf alone gives NaN. No warning is
        raised.

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
    softlit.log_softmax : the logarithms of these probabilities, without loss for small ones.
    softlit.softmin : the same for -x.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-sum-tells` and :prf:ref:`thm-compensated-shift`. For `beta` = 1
    the error is at most 6 ulp in float64 and 8 in float32 on all rows that searches have found, half an
    ulp in float32 for slices of fewer than 32 entries, as long as the result is at least 4 times the
    smallest normal number; below, it may be 0. A row made so that all roundings of the sum go one way
    may reach 20 + 2 log2(N) ulp. For another `beta` the rounded gaps add up to
    ``2 * (g_i + sum(p * g))`` ulp in float64, where ``g = beta * (max(x) - x)``, or with the minimum for
    a negative `beta`; the mean in it is at most log(N). In float32 the error is then half an ulp.
    longdouble is as right as the exponential of the C library.
    Arrays of other libraries (JAX, PyTorch with array-api-compat) are computed and returned in theirs,
    and can be differentiated there, with respect to `beta` too; a masked array is refused, since its mask
    would be lost, and one of dask in favour of `softlit.dask`.
    The name is from [1]_; error analysis of the shifted form: [2]_.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
       relationships to statistical pattern recognition", Neurocomputing, NATO ASI Series F 68 (1990)
       227-236, https://doi.org/10.1007/978-3-642-76153-9_28
    .. [2] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    >>> softlit.softmax([[1.0, 2.0], [3.0, -np.inf]]).round(4)
    array([[0.2689, 0.7311],
           [1.    , 0.    ]])
    >>> softlit.softmax([1.0, 3.0, 3.0], beta=np.inf)
    array([0. , 0.5, 0.5])
    """
    p = of_small(SOFTMAX, x, axis, where, beta)
    if p is not None:
        return p
    if type(x) is not np.ndarray or x.dtype not in LIMITS:
        given = {"axis": axis, "beta": beta, "where": where}
        return _admit(softmax, portable_softmax, x, **given)
    return from_slices(*by_slices(SOFTMAX, x, axis, where, beta))[()]


# --- book/03a-engine-room.ipynb, cell build-log-softmax
def log_softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""The logarithm of the softmax function, without forming the probabilities.

    .. math:: \log S(\beta x)_i = \beta x_i - \log \sum_j e^{\beta x_j}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softmax`.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Log-probabilities, at most 0, shaped and typed as `softmax` does. Entries that `where` leaves
        out are -inf. A slice with a NaN, or of -inf alone, gives NaN. No warning is raised.

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
    softlit.softmax, softlit.logsumexp

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split`. For `beta` = 1 the error is at most 4 ulp on all
    rows that searches have found, for results below -1e-290 (-1e-20 in float32); nearer to 0 the
    relative error may grow. On rows made against the order of the sum the 4 become 20 + 2 log2(N). For
    longdouble see `softmax`. For another `beta` the rounded gaps add, in float64, up to ``2 * (g_i +
    sum(p * g))`` times half of eps, with ``g`` as in `softmax`: an absolute error. Arrays of other
    libraries are computed and returned in theirs. Error analysis: [1]_.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import softlit
    >>> softlit.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    >>> bool(softlit.log_softmax([0.0, -40.0])[0] < 0)
    True
    """
    log_p = of_small(LOG_SOFTMAX, x, axis, where, beta)
    if log_p is not None:
        return log_p
    if type(x) is not np.ndarray or x.dtype not in LIMITS:
        given = {"axis": axis, "beta": beta, "where": where}
        return _admit(log_softmax, portable_log_softmax, x, **given)
    return from_slices(*by_slices(LOG_SOFTMAX, x, axis, where, beta))[()]


# --- book/03a-engine-room.ipynb, cell build-logsumexp
def logsumexp(
    x,
    axis=-1,
    *,
    b=None,
    keepdims=False,
    return_sign=False,
    where=None,
):
    r"""The logarithm of the sum of the exponentials: the smooth maximum.

    .. math:: \operatorname{LSE}(x) = \log \sum_j e^{x_j}, \qquad \log \sum_j b_j e^{x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over; None takes all of them.
    b : array_like, optional
        Weights of the exponentials, real numbers of any sign; they broadcast against `x`. An entry of
        weight 0 does not take part, whatever it is.
    keepdims : bool, optional
        Whether the summed axes stay, with size 1.
    return_sign : bool, optional
        Whether the result is a pair: the logarithm of the size of the sum, and its sign. Without it, a
        negative sum gives NaN.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        `x` with the summed axes reduced, a NumPy scalar if none is left. float16, float32, float64
        and longdouble are kept (float16 is computed wider), integers and bool give float64. A slice
        with a NaN gives NaN, one with +inf gives +inf; an empty slice, one that `where` leaves out
        altogether, and one of -inf alone give -inf. No warning is raised. With weights, in the wider
        dtype of both (a Python number does not widen), a sum of 0 gives -inf, and infinite terms of
        both signs give NaN.
    sign : ndarray or scalar
        1, 0 or -1 (NaN for NaN) in the shape and dtype of the result; only with `return_sign`.

    Raises
    ------
    TypeError
        If `x` or `b` does not hold real numbers, or `where` does not hold bool; if `b` or `return_sign`
        meets arrays of other libraries.
    ValueError
        If `where` does not broadcast to the shape of `x`, or `b` and `x` do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : its gradient.
    softlit.logcumsumexp : the same of the first entries, for each number of them.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split`, and with weights in chapter 03a,
    :prf:ref:`thm-weighted-condition`. The error is at most 3 ulp or, for results smaller than 1, 2 eps
    of float64, which in float32 show only below 1e-8, on all rows that searches have found; on rows made
    against the order of the sum the 3 and the 2 become 20 + 2 log2(N). For longdouble see `softmax`.
    With weights it is at most 2 ulp and 3 eps of float64 times the condition
    ``sum(abs(b) * exp(x)) / abs(sum(b * exp(x)))``, which is 1 if no weight is negative. Arrays of other
    libraries are computed and returned in theirs. Error analysis: [1]_.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import softlit
    >>> round(float(softlit.logsumexp([1000.0, 1000.0])), 6)
    1000.693147
    >>> softlit.logsumexp([[0.0, 0.0], [1.0, 1.0]], axis=0).round(6)
    array([1.313262, 1.313262])
    >>> value, sign = softlit.logsumexp([1000.0, 1001.0], b=[1, -1], return_sign=True)
    >>> round(float(value), 6), float(sign)
    (1000.541325, -1.0)
    """
    if b is not None or return_sign:
        weights = 1.0 if b is None else b
        value, sign = weighted_logsumexp(x, weights, axis, keepdims, where)
        if return_sign:
            return value, sign
        return np.where(sign < 0, np.nan, value)[()]
    value = None if keepdims else of_small(LOGSUMEXP, x, axis, where)
    if value is not None:
        return value
    if type(x) is not np.ndarray or x.dtype not in LIMITS:
        given = {"axis": axis, "keepdims": keepdims, "where": where}
        return _admit(logsumexp, portable_logsumexp, x, **given)
    values, layout = by_slices(LOGSUMEXP, x, axis, where)
    return layout.reduced(values, keepdims)[()]


# --- book/03a-engine-room.ipynb, cell build-logcumsumexp
from softlit._running import run_in_blocks


def logcumsumexp(x, axis=-1, *, where=None):
    r"""The logarithm of the running sum of the exponentials.

    .. math:: y_k = \log \sum_{j \le k} e^{x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis along which the sums run. Several axes are run through in their own order, the last one
        quickest, and None takes all of them.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        In the shape of `x`. float16, float32, float64 and longdouble are kept (all but longdouble are
        computed in float64), integers and bool give float64. After a NaN all sums are NaN, after a +inf
        all are +inf; before the first entry that takes part and is not -inf they are -inf. An entry that
        `where` leaves out has the sum of those before it. No warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or belongs to another library, or `where` does not hold bool.
    ValueError
        If `where` does not broadcast to the shape of `x`.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.logsumexp : the last of these sums.
    softlit.SoftmaxState : the same of what arrives in pieces.

    Notes
    -----
    Derived in chapter 03a, :prf:ref:`thm-joined-rests`. The error is at most 4 ulp or, for results smaller
    than 1, 2 eps of float64, which in float32 show only below 1e-8, on all rows that searches have found;
    by counting roundings it is at most 8 log2(N) ulp. A sum that runs one by one rounds N - 1 times. The
    order of the joins, for running sums of any kind, is from [1]_.

    References
    ----------
    .. [1] R. P. Brent and H. T. Kung, "A regular layout for parallel adders", IEEE Trans. Comput. C-31 (1982)
       260-264, https://doi.org/10.1109/TC.1982.1675982

    Examples
    --------
    >>> import softlit
    >>> softlit.logcumsumexp([0.0, 0.0, 0.0]).round(4)
    array([0.    , 0.6931, 1.0986])
    >>> softlit.logcumsumexp([-1000.0, 0.0, 1000.0])
    array([-1000.,     0.,  1000.])
    """
    if is_foreign(x):
        told = "logcumsumexp has no form for other libraries"
        raise TypeError(f"x must be a NumPy array: {told}")
    x, dtype = real_array(x)
    layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
    with np.errstate(all="ignore"):
        kept = x if mask is None else np.where(mask, x, -np.inf)
        rows = layout.rows(kept).astype(wide(x))
        rows = rows.reshape(math.prod(layout.outer), layout.size)
        run_in_blocks(rows)
        return layout.restore(rows).astype(dtype)[()]


__all__ = [
    "log_softmax",
    "logcumsumexp",
    "logsumexp",
    "softmax",
]
