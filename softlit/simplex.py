# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/04-inverse.ipynb, cell build-closure
"""Distributions and their logits: closure, inverse, and vector space."""

import numpy as np

from softlit._arrays import Layout, nonnegative_array, on_rows, real_array


@on_rows(x=nonnegative_array)
def closure(x, axis=-1):
    r"""Divide non-negative numbers by their sum, so that they sum to 1.

    .. math:: \mathcal{C}(x)_i = \frac{x_i}{\sum_j x_j}

    Parameters
    ----------
    x : array_like
        Non-negative numbers of any shape: counts, weights, shares.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the result sums to 1; None takes all of them.

    Returns
    -------
    ndarray
        The shape of `x`. float16, float32, float64 and longdouble are kept (float16 is computed
        wider), integers and bool give float64. A slice with a NaN, or of zeros alone, gives NaN; of
        several infinite entries each has an equal share. Large entries do not overflow, and no
        warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If an entry is negative; the message names it.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : the closure of the exponentials.
    softlit.softmax_inverse : logits of a distribution.

    Notes
    -----
    Derived in chapter 04, :prf:ref:`def-closure`. The name is from the analysis of
    compositions [1]_.

    References
    ----------
    .. [1] J. Aitchison, "The statistical analysis of compositional data", Chapman and Hall, 1986,
       https://doi.org/10.1007/978-94-009-4109-0

    Examples
    --------
    >>> import softlit
    >>> softlit.closure([2, 1, 1])
    array([0.5 , 0.25, 0.25])
    >>> softlit.closure([1e308, 1e308])
    array([0.5, 0.5])
    """
    top = np.max(x, axis=-1, keepdims=True, initial=0)
    _, exponent = np.frexp(top)
    scaled = np.where(np.isinf(top), x == top, np.ldexp(x, -exponent))
    whole = np.sum(scaled, axis=-1, keepdims=True)
    return np.abs(scaled) / whole  # abs: no -0.0


# --- book/04-inverse.ipynb, cell build-refuse-sums
def _refuse_sums(sums, layout, allowed):
    """Raise a ValueError that names the first slice whose sum is further from 1 than allowed."""
    off = np.abs(sums - 1) > allowed
    if layout.size and off.any():
        place = np.argwhere(off)[0].tolist()
        index = [":"] * len(layout.working)
        for dimension, position in zip(layout.order, place, strict=False):
            index[dimension] = str(position)
        entries = f"p[{', '.join(index)}]" if place else "p"
        raise ValueError(
            f"{entries} sums to {sums[tuple(place)]}, not to 1 within {allowed:.1e}; "
            "closure(p) divides by the sum"
        )


# --- book/04-inverse.ipynb, cell build-inverse
def softmax_inverse(p, axis=-1, *, constant=0.0):
    r"""Logits whose softmax is p: the logarithms, plus any constant.

    .. math:: x_i = \log p_i + c

    Parameters
    ----------
    p : array_like
        Distributions along `axis`: non-negative numbers that sum to 1.
    axis : int, tuple of ints or None, optional
        The axis or axes along which `p` sums to 1; None takes all of them.
    constant : float or array_like, optional
        The undetermined constant c, which is the logsumexp of the result; finite, and converted to
        the dtype of the computation. An array broadcasts against `p`, and does not vary along `axis`.

    Returns
    -------
    ndarray
        Logits in the shape of `p` (broadcast with `constant`). float16, float32, float64 and
        longdouble are kept (float16 is computed wider), integers and bool give float64. A zero gives
        -inf, which softmax takes back to 0. A slice with a NaN gives NaN. No warning is raised.

    Raises
    ------
    TypeError
        If `p` or `constant` does not hold real numbers.
    ValueError
        If an entry is negative, or a slice sums to something that is not 1 up to rounding (2 N eps,
        with eps that of the computation, plus the eps of the dtype of `p`); the message names the
        entry or the slice. Also if `constant` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.clr : the choice of the constant that makes the logits sum to 0.
    softlit.closure : makes a distribution of non-negative numbers.

    Notes
    -----
    Derived in chapter 04, :prf:ref:`thm-inverse`; the choices of the constant in
    :prf:ref:`thm-choice-of-constant`. Logarithms of shares, up to a constant, are what the analysis of
    compositions works with [1]_.

    References
    ----------
    .. [1] J. Aitchison, "The statistical analysis of compositional data", J. R. Stat. Soc. B 44 (1982)
       139-177, https://doi.org/10.1111/j.2517-6161.1982.tb01195.x

    Examples
    --------
    >>> import softlit
    >>> softlit.softmax_inverse([0.5, 0.25, 0.25]).round(4)
    array([-0.6931, -1.3863, -1.3863])
    >>> softlit.softmax(softlit.softmax_inverse([1.0, 0.0], constant=7.0))
    array([1., 0.])
    >>> softlit.softmax_inverse([0.5, 0.4])
    Traceback (most recent call last):
        ...
    ValueError: p sums to 0.9, not to 1 within 1.1e-15; closure(p) divides by the sum
    """
    p, dtype = nonnegative_array(p)
    with np.errstate(all="ignore"):
        constant = real_array(constant, "constant")[0].astype(p.dtype)
        layout = Layout.shared(p.shape, axis, constant, "constant")
        constant = layout.column(constant, "constant")
        rows = layout.rows(np.broadcast_to(p, layout.shape))
        sums = np.sum(rows, axis=-1)
        rounding = layout.size * np.finfo(rows.dtype).eps
        allowed = 2 * rounding + np.finfo(dtype).eps
        _refuse_sums(sums, layout, min(allowed, 0.25))
        logits = np.log(rows) + constant
        logits = np.where(np.isnan(sums)[..., np.newaxis], np.nan, logits)
        return layout.restore(logits).astype(dtype, copy=False)[()]


# --- book/04-inverse.ipynb, cell build-log-ratios
def _log_ratios(rows):
    """log(q / max q) along the last axis, with all its digits where the ratio is near 1 too."""
    top = np.max(rows, axis=-1, keepdims=True, initial=0)
    ratio = rows / top
    lost = (
        ratio < np.finfo(rows.dtype).tiny
    )  # underflowed: take two logarithms instead
    far = np.where(lost, np.log(rows) - np.log(top), np.log(ratio))
    return np.where(ratio > 0.5, np.log1p((rows - top) / top), far)


# --- book/04-inverse.ipynb, cell build-clr
@on_rows(p=nonnegative_array)
def clr(p, axis=-1):
    r"""The centred log-ratio: the logits of p that sum to 0.

    .. math:: \operatorname{clr}(p)_i = \log p_i - \frac1N \sum_j \log p_j

    Parameters
    ----------
    p : array_like
        Positive numbers of any shape. They need not sum to 1: a common factor cancels.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the result sums to 0; None takes all of them.

    Returns
    -------
    ndarray
        Logits in the shape of `p`. float16, float32, float64 and longdouble are kept (float16 is
        computed wider), integers and bool give float64. A slice with a NaN, an infinite entry or a
        zero gives NaN: the mean of its logarithms is not finite. No warning is raised.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers.
    ValueError
        If an entry is negative; the message names it.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : its inverse on logits that sum to 0.
    softlit.softmax_inverse : with any constant, and for zeros.

    Notes
    -----
    Derived in chapter 04, :prf:ref:`thm-clr-inverse`. The errors are relative to the largest
    log-ratio, not to the size of the logarithms, so that nearly uniform distributions keep their
    digits. It is from the analysis of compositions [1]_.

    References
    ----------
    .. [1] J. Aitchison, "The statistical analysis of compositional data", J. R. Stat. Soc. B 44 (1982)
       139-177, https://doi.org/10.1111/j.2517-6161.1982.tb01195.x

    Examples
    --------
    >>> import softlit
    >>> softlit.clr([0.7, 0.2, 0.1]).round(4)
    array([ 1.0662, -0.1865, -0.8797])
    >>> softlit.softmax(softlit.clr([7, 2, 1])).round(4)
    array([0.7, 0.2, 0.1])
    """
    ratios = _log_ratios(p)
    mean = np.sum(ratios, axis=-1, keepdims=True) / p.shape[-1]
    return np.where(np.isfinite(mean), ratios - mean, np.nan)


# --- book/05-superposition.ipynb, cell build-perturb
from softlit._arrays import broadcast_together, on_floats
from softlit.kernels import softmax


@on_floats(p=nonnegative_array, q=nonnegative_array)
def perturb(p, q, axis=-1):
    r"""The product of two distributions, closed: Bayes' rule as a sum.

    .. math:: (p \oplus q)_i = \frac{p_i q_i}{\sum_j p_j q_j}

    Parameters
    ----------
    p, q : array_like
        Non-negative numbers; their shapes broadcast. They need not sum to 1, a common factor of a
        slice does not matter.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the result sums to 1, counted in the broadcast shape; None
        takes all of them.

    Returns
    -------
    ndarray
        Probabilities in the broadcast shape, in the wider of the two dtypes: float16, float32, float64 and
        longdouble are kept (float16 is computed wider), integers and bool count as float64. An entry that
        is 0 in `p` or in `q` is 0. A slice without an entry that is positive in both gives NaN, as do NaN
        and 0 times inf. Entries equal to inf share the slice equally. No warning is raised.

    Raises
    ------
    ValueError
        If an entry is negative (the message says which), or the shapes do not broadcast.
    TypeError
        If `p` or `q` does not hold real numbers.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.power : the multiples that belong to this sum.
    softlit.softmax : turns sums of logits into perturbations.

    Notes
    -----
    Derived in chapter 05, :prf:ref:`thm-sum`. Computed as softmax(log p + log q), so products
    neither overflow nor underflow on the way. Where the result is a normal number, its relative
    error is at most (10 L + N + 8) u, with u the unit roundoff of the result and L the
    largest finite \|log p_i\| + \|log q_i\| of the slice. The operation is
    from the analysis of compositions [1]_.

    References
    ----------
    .. [1] J. Aitchison, "The statistical analysis of compositional data", J. R. Stat. Soc. B 44 (1982)
       139-177, https://doi.org/10.1111/j.2517-6161.1982.tb01195.x

    Examples
    --------
    >>> import softlit
    >>> softlit.perturb([0.5, 0.5], [0.2, 0.6]).round(6)
    array([0.25, 0.75])
    >>> softlit.perturb([1e-200, 1e-200], [1e-200, 3e-200]).round(6)
    array([0.25, 0.75])
    """
    p, q = broadcast_together(p=p, q=q)
    return softmax(np.log(p) + np.log(q), axis)


# --- book/05-superposition.ipynb, cell build-power
@on_floats(p=nonnegative_array)
def power(p, a, axis=-1):
    r"""A power of a distribution, closed: temperature as a multiple.

    .. math:: (a \odot p)_i = \frac{p_i^a}{\sum_j p_j^a}

    Parameters
    ----------
    p : array_like
        Non-negative numbers. They need not sum to 1, a common factor of a slice does not matter.
    a : float or array_like
        The exponent; an array broadcasts against `p` and does not vary along `axis`. It is the
        inverse temperature `beta` of `softlit.softmax` at the logits log p.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the result sums to 1, counted in the broadcast shape; None
        takes all of them.

    Returns
    -------
    ndarray
        Probabilities in the shape of `p` (broadcast with `a`). float16, float32, float64 and
        longdouble are kept (float16 is computed wider), integers and bool give float64. Zeros of
        `p` are limits: for a > 0 they stay 0, for a < 0 they share the whole slice equally. For
        a = 0 all entries are equal, those of zeros included (0^0 = 1). For a = inf the maxima
        share the slice, for a = -inf the minima. Entries of `p` equal to inf share the slice for
        a > 0; for a < 0 they are 0 beside a finite entry. NaN in the slice or in `a` gives NaN, and
        so do zeros alone for a > 0 and infinities alone for a < 0. No warning is raised.

    Raises
    ------
    ValueError
        If an entry of `p` is negative (the message says which), or `a` varies along `axis`, or the
        shapes do not broadcast.
    TypeError
        If `p` or `a` does not hold real numbers.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.perturb : the sum that belongs to these multiples.
    softlit.softmax : takes the exponent as `beta`.

    Notes
    -----
    Derived in chapter 05, :prf:ref:`thm-scaling`. Computed as softmax(a log p), so powers neither
    overflow nor underflow on the way. `a` is rounded to the dtype of the computation first. Where
    the result is a normal number, its relative error is then at most (12 \|a\| L + N + 8) u, with u
    the unit roundoff of the result and L the largest finite \|log p_i\| of the slice. The vector
    space that `perturb` and `power` make of the simplex: [1]_.

    References
    ----------
    .. [1] J. J. Egozcue, V. Pawlowsky-Glahn, G. Mateu-Figueras and C. Barceló-Vidal, "Isometric logratio
       transformations for compositional data analysis", Math. Geol. 35 (2003) 279-300,
       https://doi.org/10.1023/A:1023818214614

    Examples
    --------
    >>> import softlit
    >>> softlit.power([0.25, 0.75], 2).round(6)
    array([0.1, 0.9])
    >>> softlit.power([0.0, 0.25, 0.75], [[1.0], [0.0], [-1.0]]).round(4)
    array([[0.    , 0.25  , 0.75  ],
           [0.3333, 0.3333, 0.3333],
           [1.    , 0.    , 0.    ]])
    """
    a = real_array(a, "a")[0]
    Layout.shared(p.shape, axis, a, "a")
    return softmax(np.log(p), axis, beta=a)


__all__ = [
    "closure",
    "clr",
    "perturb",
    "power",
    "softmax_inverse",
]
