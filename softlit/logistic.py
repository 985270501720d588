# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/04-inverse.ipynb, cell build-sigmoid
"""Two outputs: the logistic function, an integral of it, and inverses."""

import numpy as np

from softlit._arrays import on_floats, real_array


@on_floats(x=real_array)
def sigmoid(x):
    r"""The logistic function: the first of two softmax outputs.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}} = S((x, 0))_1

    Parameters
    ----------
    x : array_like
        Differences of logits: real numbers of any shape.

    Returns
    -------
    ndarray
        Probabilities in the shape of `x`. float16, float32, float64 and longdouble are kept (float16
        is computed wider), integers and bool give float64. -inf gives 0, +inf gives 1, NaN gives NaN.
        No warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    See Also
    --------
    softlit.logit : the inverse.
    softlit.softplus : an integral; ``-softplus(-x)`` is the logarithm of ``sigmoid(x)``.
    softlit.softmax : more than two outputs.

    Notes
    -----
    Derived in chapter 04, :prf:ref:`thm-two-outputs`. A probability close to 1 cannot be stored as
    finely as one close to 0: for the complement take ``sigmoid(-x)``, not ``1 - sigmoid(x)``. Softmax
    as its extension to more outputs: [1]_.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
       relationships to statistical pattern recognition", Neurocomputing, NATO ASI Series F 68 (1990)
       227-236, https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    >>> import softlit
    >>> softlit.sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    >>> f"{softlit.sigmoid(-40.0):.4e}"
    '4.2484e-18'
    """
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


# --- book/04-inverse.ipynb, cell build-logit
@on_floats(p=real_array)
def logit(p):
    r"""The inverse of the logistic function: the logarithm of the odds.

    .. math:: \operatorname{logit}(p) = \log \frac{p}{1 - p}

    Parameters
    ----------
    p : array_like
        Probabilities of any shape.

    Returns
    -------
    ndarray
        Log-odds in the shape of `p`. float16, float32, float64 and longdouble are kept (float16 is
        computed wider), integers and bool give float64. 0 gives -inf, 1 gives +inf; NaN, and a number
        outside [0, 1], give NaN, as the logarithm of a negative number does. No warning is raised.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers.

    See Also
    --------
    softlit.sigmoid : the inverse.
    softlit.clr : more than two outcomes; refuses negative numbers.

    Notes
    -----
    Derived in chapter 04, :prf:ref:`thm-logit`. Within 1/4 of 1/2 it is 2 artanh(2 p - 1), whose
    argument is exact; there the difference of two logarithms would cancel. Ratios of more than two
    shares and their logarithms: [1]_.

    References
    ----------
    .. [1] J. Aitchison, "The statistical analysis of compositional data", J. R. Stat. Soc. B 44 (1982)
       139-177, https://doi.org/10.1111/j.2517-6161.1982.tb01195.x

    Examples
    --------
    >>> import softlit
    >>> softlit.logit([0.0, 0.5, 1.0])
    array([-inf,   0.,  inf])
    >>> f"{softlit.logit(0.5 + 2.0**-40):.6e}"
    '3.637979e-12'
    """
    middle = 2 * np.arctanh(2 * p - 1)
    return np.where(np.abs(p - 0.5) <= 0.25, middle, np.log(p / (1 - p)))


# --- book/04-inverse.ipynb, cell build-softplus
@on_floats(x=real_array)
def softplus(x):
    r"""The logsumexp of 0 and x: a smooth max(0, x).

    .. math:: \operatorname{softplus}(x) = \log(1 + e^x) = \max(0, x) + \log(1 + e^{-|x|})

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.

    Returns
    -------
    ndarray
        The shape of `x`. float16, float32, float64 and longdouble are kept (float16 is computed
        wider), integers and bool give float64. -inf gives 0, +inf gives +inf, NaN gives NaN. No
        warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    See Also
    --------
    softlit.sigmoid : its derivative; ``-softplus(-x)`` is the logarithm of ``sigmoid(x)``.
    softlit.softplus_inverse : the inverse.
    softlit.logsumexp : more than two terms.

    Notes
    -----
    Derived in chapter 04, :prf:ref:`thm-softplus`. It is the logsumexp of x and 0, whose errors [1]_
    analyses.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import softlit
    >>> softlit.softplus([-1000.0, 0.0, 3.0]).round(4)
    array([0.    , 0.6931, 3.0486])
    >>> float(softlit.softplus(1000.0))
    1000.0
    >>> f"{softlit.softplus(-40.0):.4e}"
    '4.2484e-18'
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# --- book/04a-inverse-of-softplus.ipynb, cell build-softplus-inverse
# log 2 as a float64, and what that leaves out
_LOG_2 = np.log(2.0), np.longdouble("2.3190468138462996154949e-17")


@on_floats(y=real_array)
def softplus_inverse(y):
    r"""The inverse of softplus: the number whose softplus is y.

    .. math:: \operatorname{softplus}^{-1}(y) = \log(e^y - 1) = y + \log(1 - e^{-y})

    Parameters
    ----------
    y : array_like
        Positive numbers of any shape.

    Returns
    -------
    ndarray
        Real numbers in the shape of `y`. float16, float32, float64 and longdouble are kept (those below
        64 bits are computed wider), integers and bool give float64. 0 gives -inf, +inf gives +inf; NaN
        and negative numbers, which no softplus is, give NaN, as the logarithm of a negative number
        does. No warning is raised.

    Raises
    ------
    TypeError
        If `y` does not hold real numbers.

    See Also
    --------
    softlit.softplus : the inverse.
    softlit.logit : the inverse of the logistic function, its derivative.

    Notes
    -----
    Derived in chapter 04a, :prf:ref:`thm-softplus-inverse`. The error is at most 4 ulp, near the zero at
    log(2) as well as for tiny and for large `y`. Use it for the starting value of a parameter that is
    kept positive by softplus. It is the inverse of the logsumexp of x and 0, whose errors [1]_ analyses.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import softlit
    >>> softlit.softplus_inverse([0.0, 1.0, 100.0]).round(4)
    array([    -inf,   0.5413, 100.    ])
    >>> f"{softlit.softplus_inverse(1e-300):.4f}"
    '-690.7755'
    >>> f"{softlit.softplus(softlit.softplus_inverse(0.1)):.6f}"
    '0.100000'
    """
    y = y.astype(np.promote_types(y.dtype, np.float64), copy=False)
    high, low = (part.astype(y.dtype) for part in _LOG_2)
    from_log_2 = (y - high) - low
    near = np.log1p(2 * np.expm1(from_log_2))
    far = y + np.log(-np.expm1(-y))
    return np.where(np.abs(from_log_2) <= 0.3, near, far)


__all__ = [
    "logit",
    "sigmoid",
    "softplus",
    "softplus_inverse",
]
