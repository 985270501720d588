# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03-computing-it-well.ipynb, cell build-gaps
"""softmax, log_softmax and logsumexp along any axes, with the maximum kept out of the sums."""

import numpy as np

from softlit._arrays import Layout, mask_array, real_array


def _scaled_gaps(rows, beta, mask):
    """beta (x - max x) along the last axis, or beta (x - min x) for a negative beta: never positive.

    Equal infinities are tied, beta = 0 gives zeros, an infinite beta keeps the ties of the maximum
    alone, and a row of -inf alone gives NaN. Entries outside the mask get -inf.
    """
    y = np.copysign(1, beta) * rows
    if mask is not None:
        y = np.where(mask, y, -np.inf)
    top = np.max(y, axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isneginf(top) & (beta != 0), np.nan, top)
    half_gaps = np.where(y == top, 0, y / 2 - top / 2)
    scaled = np.abs(beta) * half_gaps * 2
    zero_times_infinity = np.isnan(scaled) & ~np.isnan(half_gaps) & ~np.isnan(beta)
    scaled = np.where(zero_times_infinity, 0, scaled)
    return scaled if mask is None else np.where(mask, scaled, -np.inf)


def _rest(gaps):
    """The sum of exp(gaps) along the last axis without one maximal term, which is exactly 1."""
    e = np.exp(gaps)
    if gaps.shape[-1]:
        np.put_along_axis(e, np.argmax(gaps, axis=-1)[..., np.newaxis], 0, axis=-1)
    return np.sum(e, axis=-1, keepdims=True)


# --- book/03-computing-it-well.ipynb, cell build-slicewise
def _slicewise(function, x, axis, beta, where, masked):
    """Apply a function of the scaled gaps to each slice; masked entries get the value `masked`."""
    x, dtype = real_array(x)
    beta, _ = real_array(beta, "beta")
    shape = np.broadcast_shapes(x.shape, beta.shape)
    layout = Layout(shape, axis)
    mask = mask_array(where, shape)
    mask_rows = None if mask is None else layout.rows(mask)
    with np.errstate(all="ignore"):
        column = layout.column(beta.astype(x.dtype), "beta")
        rows = layout.rows(np.broadcast_to(x, shape))
        result = layout.restore(function(_scaled_gaps(rows, column, mask_rows)))
        if mask is not None:
            result = np.where(mask, result, masked)
        return result.astype(dtype, copy=False)[()]


# --- book/03-computing-it-well.ipynb, cell build-softmax
def _softmax_of_gaps(gaps):
    e = np.exp(gaps)
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""The softmax function: probabilities proportional to the exponentials of the logits.

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
    Derived in chapter 02, :prf:ref:`thm-safe-shift`; built in chapter 03. Error analysis of the
    shifted form: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp
    and softmax functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, doi:10.1093/imanum/draa038.

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
    return _slicewise(_softmax_of_gaps, x, axis, beta, where, masked=0)


# --- book/03-computing-it-well.ipynb, cell build-log-softmax
def _log_softmax_of_gaps(gaps):
    return gaps - np.log1p(_rest(gaps))


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
    TypeError, ValueError, numpy.exceptions.AxisError
        As `softmax` does.

    See Also
    --------
    softlit.softmax, softlit.logsumexp

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split`. Error analysis: P. Blanchard, D. J. Higham and
    N. J. Higham, IMA J. Numer. Anal. 41 (2021) 2311-2330, doi:10.1093/imanum/draa038.

    Examples
    --------
    >>> import softlit
    >>> softlit.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    >>> bool(softlit.log_softmax([0.0, -40.0])[0] < 0)
    True
    """
    return _slicewise(_log_softmax_of_gaps, x, axis, beta, where, masked=-np.inf)


# --- book/03-computing-it-well.ipynb, cell build-logsumexp
def logsumexp(x, axis=-1, *, keepdims=False, where=None):
    r"""The logarithm of the sum of the exponentials: the smooth maximum.

    .. math:: \operatorname{LSE}(x) = \log \sum_j e^{x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over; None takes all of them.
    keepdims : bool, optional
        Whether the summed axes stay, with size 1.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        `x` with the summed axes reduced, a NumPy scalar if none is left. float16, float32, float64
        and longdouble are kept (float16 is computed wider), integers and bool give float64. A slice
        with a NaN gives NaN, one with +inf gives +inf; an empty slice, one that `where` leaves out
        altogether, and one of -inf alone give -inf. No warning is raised.

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
    softlit.softmax : its gradient.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split`. Error analysis: P. Blanchard, D. J. Higham and
    N. J. Higham, IMA J. Numer. Anal. 41 (2021) 2311-2330, doi:10.1093/imanum/draa038.

    Examples
    --------
    >>> import softlit
    >>> round(float(softlit.logsumexp([1000.0, 1000.0])), 6)
    1000.693147
    >>> softlit.logsumexp([[0.0, 0.0], [1.0, 1.0]], axis=0).round(6)
    array([1.313262, 1.313262])
    """
    x, dtype = real_array(x)
    layout = Layout(x.shape, axis)
    mask = mask_array(where, x.shape)
    rows = layout.rows(x if mask is None else np.where(mask, x, -np.inf))
    with np.errstate(all="ignore"):
        top = np.max(rows, axis=-1, keepdims=True, initial=-np.inf)
        value = np.where(np.isfinite(top), top + np.log1p(_rest(rows - top)), top)
        return layout.reduced(value, keepdims).astype(dtype, copy=False)[()]


__all__ = [
    "log_softmax",
    "logsumexp",
    "softmax",
]
