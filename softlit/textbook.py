# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/01-hard-and-soft.ipynb, cell build-naive
"""The formulas as textbooks print them: for teaching, and as an oracle.

Never the product: they fail as the formula fails. They take an axis like the
functions of `softlit`.
"""

import numpy as np


def softmax_naive(x, axis=-1):
    r"""Softmax by its definition; overflows for large logits.

    .. math:: S(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    See Also
    --------
    softlit.softmax : without the overflow.

    Notes
    -----
    Derived in chapter 01, :prf:ref:`def-softmax`.

    Examples
    --------
    >>> from softlit.textbook import softmax_naive
    >>> softmax_naive([7.0, 7.0])
    array([0.5, 0.5])
    """
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


# --- book/02-shift-invariance.ipynb, cell build-lse-naive
def logsumexp_naive(x, axis=-1):
    r"""LogSumExp by its definition; overflows for large logits.

    .. math:: \operatorname{LSE}(x) = \log \sum_j e^{x_j}

    See Also
    --------
    softlit.logsumexp : without the overflow.

    Notes
    -----
    Derived in chapter 02, :prf:ref:`thm-lse-equivariance`.

    Examples
    --------
    >>> from softlit.textbook import logsumexp_naive
    >>> print(logsumexp_naive([7.0, 7.0]).round(4))
    7.6931
    """
    return np.log(np.sum(np.exp(x), axis=axis))


# --- book/02-shift-invariance.ipynb, cell build-shifted
def softmax_shifted(x, axis=-1):
    r"""Softmax after subtracting the maximum: no exponential exceeds 1.

    .. math::
        S(x)_i = \frac{e^{x_i - m}}{\sum_j e^{x_j - m}}, \qquad m = \max_j x_j

    See Also
    --------
    softlit.softmax : with a bound on its error, and limits at infinite logits.

    Notes
    -----
    Derived in chapter 02, :prf:ref:`thm-safe-shift`.

    Examples
    --------
    >>> from softlit.textbook import softmax_shifted
    >>> softmax_shifted([1000.0, 1000.0])
    array([0.5, 0.5])
    """
    m = np.max(x, axis=axis, keepdims=True)
    return softmax_naive(x - m, axis=axis)


def logsumexp_shifted(x, axis=-1):
    r"""LogSumExp after subtracting the maximum, which is added back at the end.

    .. math::
        \operatorname{LSE}(x) = m + \log \sum_j e^{x_j - m},
        \qquad m = \max_j x_j

    See Also
    --------
    softlit.logsumexp : with a bound on its error, and limits at infinite logits.

    Notes
    -----
    Derived in chapter 02, :prf:ref:`thm-safe-shift`.

    Examples
    --------
    >>> from softlit.textbook import logsumexp_shifted
    >>> print(logsumexp_shifted([1000.0, 1000.0]).round(4))
    1000.6931
    """
    m = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(m, axis=axis) + logsumexp_naive(x - m, axis=axis)


# --- book/03-computing-it-well.ipynb, cell build-split
def log_softmax_split(x, axis=-1):
    r"""The logarithm of softmax, with the maximum kept out of the sum.

    .. math:: \log S(x)_i = (x_i - x_k) - \log(1 + R), \qquad R = \sum_{j \ne k} e^{x_j - x_k}

    where k is an index of the maximum.

    See Also
    --------
    softlit.log_softmax : with a bound on its error, masks, and limits at infinite logits.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split`.

    Examples
    --------
    >>> from softlit.textbook import log_softmax_split
    >>> print(log_softmax_split([0.0, -40.0]))
    [-4.24835426e-18 -4.00000000e+01]
    """
    k = np.argmax(x, axis=axis, keepdims=True)
    gaps = x - np.take_along_axis(np.asarray(x), k, axis=axis)
    e = np.exp(gaps)
    np.put_along_axis(e, k, 0, axis=axis)  # kept out of the sum
    return gaps - np.log1p(np.sum(e, axis=axis, keepdims=True))


# --- book/15-streaming.ipynb, cell build-textbook-merge
def softmax_state(x):
    r"""The state of a vector: its maximum and its scaled sum.

    .. math:: (M, s) = \Bigl(\max_j x_j,\ \sum_j e^{x_j - M}\Bigr)

    See Also
    --------
    softlit.SoftmaxState : along any axis, with limits at infinite logits.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`def-softmax-state`.

    Examples
    --------
    >>> from softlit.textbook import softmax_state
    >>> print(*softmax_state([1000.0, 1000.0, 7.0]))
    1000.0 2.0
    """
    top = np.max(x)
    return top, np.sum(np.exp(x - top))


def merge_states(first, second):
    r"""The state of two families together, each with a finite maximum.

    .. math:: (M_1, s_1) \sqcup (M_2, s_2) = (M,\ s_1 e^{M_1 - M} + s_2 e^{M_2 - M}), \quad M = \max(M_1, M_2)

    See Also
    --------
    softlit.SoftmaxState : whose `merge` rounds less, and knows families without logits.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`.

    Examples
    --------
    >>> from softlit.textbook import merge_states
    >>> print(*merge_states((1000.0, 2.0), (7.0, 1.0)))
    1000.0 2.0
    """
    (m, s), (n, t) = first, second
    top = np.maximum(m, n)
    return top, s * np.exp(m - top) + t * np.exp(n - top)


__all__ = [
    "log_softmax_split",
    "logsumexp_naive",
    "logsumexp_shifted",
    "merge_states",
    "softmax_naive",
    "softmax_shifted",
    "softmax_state",
]
