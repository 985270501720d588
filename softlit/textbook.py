# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/01-hard-and-soft.ipynb, cell build-naive
"""The formulas as textbooks print them: teaching text and oracle, never the product.

They take an axis like the functions of `softlit`, and fail as the formula fails.
"""

import numpy as np


def softmax_naive(x, axis=-1):
    """Softmax by its definition, ``exp(x) / sum(exp(x))``; overflows for large logits.

    Derived in chapter 01, :prf:ref:`def-softmax`.

    >>> softmax_naive([7.0, 7.0])
    array([0.5, 0.5])
    """
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


# --- book/02-shift-invariance.ipynb, cell build-lse-naive
def logsumexp_naive(x, axis=-1):
    """LogSumExp by its definition, ``log(sum(exp(x)))``; overflows for large logits.

    Derived in chapter 02, :prf:ref:`thm-lse-equivariance`.
    """
    return np.log(np.sum(np.exp(x), axis=axis))


# --- book/02-shift-invariance.ipynb, cell build-shifted
def softmax_shifted(x, axis=-1):
    """Softmax after subtracting the maximum: no exponential exceeds 1.

    Derived in chapter 02, :prf:ref:`thm-safe-shift`.
    """
    return softmax_naive(x - np.max(x, axis=axis, keepdims=True), axis=axis)


def logsumexp_shifted(x, axis=-1):
    """LogSumExp after subtracting the maximum, which is added back outside the logarithm.

    Derived in chapter 02, :prf:ref:`thm-safe-shift`.
    """
    m = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(m, axis=axis) + logsumexp_naive(x - m, axis=axis)


# --- book/15-streaming.ipynb, cell build-textbook-merge
def softmax_state(x):
    """The state of a vector as the papers print it: its maximum and its scaled sum.

    Derived in chapter 15, :prf:ref:`def-softmax-state`.
    """
    top = np.max(x)
    return top, np.sum(np.exp(x - top))


def merge_states(first, second):
    """The state of two families together; both must have a finite maximum.

    Derived in chapter 15, :prf:ref:`thm-merge`.
    """
    (m, s), (n, t) = first, second
    top = np.maximum(m, n)
    return top, s * np.exp(m - top) + t * np.exp(n - top)


__all__ = [
    "logsumexp_naive",
    "logsumexp_shifted",
    "merge_states",
    "softmax_naive",
    "softmax_shifted",
    "softmax_state",
]
