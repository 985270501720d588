# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/06-sharpness.ipynb, cell build-entropy
"""How much a distribution leaves open, and how far it is from another."""

import numpy as np

from softlit._arrays import nonnegative_array, on_rows


@on_rows(p=nonnegative_array)
def entropy(p, axis=-1):
    r"""The entropy of a distribution, in nats.

    .. math:: H(p) = -\sum_j p_j \log p_j, \qquad 0 \log 0 = 0

    Parameters
    ----------
    p : array_like
        Probabilities of any shape. That they sum to 1 is taken on trust.
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over; None takes all of them.

    Returns
    -------
    ndarray or scalar
        Nats (divide by log 2 for bits), with the summed axes reduced, a NumPy scalar if none is left.
        float16, float32, float64 and longdouble are kept (float16 is computed wider), integers and
        bool give float64. A slice with a NaN gives NaN, an empty one 0; an infinite entry, which no
        distribution has, gives the limit -inf. No warning is raised.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers.
    ValueError
        If an entry is negative; the message names the first one.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.kl_divergence : log N minus the entropy is the divergence from the uniform distribution.

    Notes
    -----
    Derived in chapter 06, :prf:ref:`def-entropy`. No term is negative, so the sum loses no
    digits: for N entries the error stays within N + 8 units in the last place. Introduced by [1]_.

    References
    ----------
    .. [1] C. E. Shannon, "A mathematical theory of communication", Bell Syst. Tech. J. 27 (1948) 379-423,
       https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> import softlit
    >>> softlit.entropy([[1.0, 0.0], [0.5, 0.5]]).round(6)
    array([0.      , 0.693147])
    """
    return 0 - np.sum(np.where(p == 0, 0, p * np.log(p)), axis=-1)


# --- book/06a-majorisation.ipynb, cell build-kl-terms
def _artanh_minus(v):
    """artanh(v) - v for abs(v) <= 1/3, by its series; each term adds more than three bits."""
    terms = np.finfo(v.dtype).nmant // 3
    square, tail = v * v, np.zeros_like(v)
    for power in range(2 * terms + 1, 1, -2):
        tail = tail * square + v.dtype.type(1) / power
    return v * square * tail


def _kl_terms(p, q):
    """p log(p/q) - p + q entry by entry, without cancellation; never negative."""
    difference, relative = p - q, (p - q) / (p + q)
    near = difference * relative + 2 * p * _artanh_minus(relative)
    ratio = p / q
    normal = (ratio >= np.finfo(p.dtype).tiny) & np.isfinite(ratio)
    far = (
        p * np.where(normal, np.log(ratio), np.log(p) - np.log(q)) - difference
    )
    terms = np.where(np.abs(relative) <= 1 / 3, near, np.where(p == 0, q, far))
    terms = np.where((p == 0) & (q == 0), 0, terms)
    apart = ((p > 0) & (q == 0)) | (np.isinf(p) != np.isinf(q))
    return np.where(
        apart, p + q + np.inf, terms
    )  # infinite, unless one of the two is NaN


# --- book/06a-majorisation.ipynb, cell build-kl
@on_rows(p=nonnegative_array, q=nonnegative_array)
def kl_divergence(p, q, axis=-1):
    r"""The Kullback-Leibler divergence of p from q, in nats.

    .. math:: \operatorname{KL}(p \,\|\, q) = \sum_j p_j \log \frac{p_j}{q_j}
              = \sum_j \left( p_j \log \frac{p_j}{q_j} - p_j + q_j \right)

    The second form is what is computed. The two agree if `p` and `q` have the same sum.

    Parameters
    ----------
    p, q : array_like
        Probabilities of any shapes that broadcast. That they sum to 1 is taken on trust: for other sums
        the result is the second form.
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over, of the broadcast shape; None takes all of them.

    Returns
    -------
    ndarray or scalar
        Nats, never negative, with the summed axes reduced, a NumPy scalar if none is left. inf if an
        entry of `p` is positive where that of `q` is 0, or if just one of the two is infinite; entries
        where both are 0 count 0. NaN if both are infinite, or their sum overflows, as no distribution's
        can. The dtype is the wider one of the two; float16 is computed wider, integers
        and bool count as float64. A slice with a NaN gives NaN, an empty one 0. No warning is raised.

    Raises
    ------
    TypeError
        If `p` or `q` does not hold real numbers.
    ValueError
        If an entry is negative (the message names the first one), or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.entropy : the divergence from the uniform distribution is log N minus it.

    Notes
    -----
    Derived in chapter 06a, :prf:ref:`thm-entropy-kl` and :prf:ref:`thm-kl-digits`. For N entries the
    error stays within N + 30 units in the last place, also where `p` and `q` nearly agree. That is for the
    numbers as they are given: an entry of `p` that is off by d has changed the result by d log(p/q), which
    for nearly equal distributions is far more than a rounding of it. Its role in information theory: [1]_.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of information theory", 2nd edition, Wiley-Interscience,
       2006, https://doi.org/10.1002/047174882X

    Examples
    --------
    >>> import softlit
    >>> round(float(softlit.kl_divergence([1.0, 0.0], [0.5, 0.5])), 6)
    0.693147
    >>> softlit.kl_divergence([[0.5, 0.5], [0.0, 1.0]], [0.0, 1.0])
    array([inf,  0.])
    """
    return np.sum(_kl_terms(p, q), axis=-1)


__all__ = [
    "entropy",
    "kl_divergence",
]
