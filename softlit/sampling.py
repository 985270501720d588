# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/13-why-exp.ipynb, cell build-drawing
"""Draws from a softmax: with repetition by running sums, without by a race."""

import math
import operator

import numpy as np

from softlit._arrays import (
    Layout,
    first_slice,
    on_rows,
    real_array,
    whole_number,
)
from softlit._limits import wide
from softlit.kernels import softmax


def _wide(x):
    """Logits in float64 at least: a draw from float32 would miss what is rare."""
    x, _ = real_array(x)
    return x.astype(wide(x), copy=False)


def _refuse(bad, lacks):
    """Raise a ValueError that names the first of the slices that are bad."""
    if bad.any():
        _, named = first_slice(bad, "x")
        raise ValueError(f"{named} has no distribution to draw from: {lacks}")


def _largest(score, k):
    """The places of the k largest of each row, from the largest on."""
    size = score.shape[-1]
    if not 0 < k < size:
        return np.argsort(-score, axis=-1)[..., :k]
    found = np.argpartition(score, size - k, axis=-1)[..., size - k :]
    order = np.argsort(-np.take_along_axis(score, found, axis=-1), axis=-1)
    return np.take_along_axis(found, order, axis=-1)


@on_rows(columns=("beta",), x=real_array)
def _race(x, k, rng, axis=-1, *, beta=1.0, where=None):
    """The places of the first k of each row; what is infinitely ahead comes before the race."""
    keep = True if where is None else where
    ahead = np.where(beta == 0, 0, np.copysign(1, beta) * x)
    possible = keep & (ahead != -np.inf)
    broken = np.isnan(x if where is None else np.where(where, x, 0))
    broken = broken.any(axis=-1) | np.isnan(beta[..., 0])
    few = np.count_nonzero(possible, axis=-1) < k
    _refuse(broken | few, f"a NaN, or fewer than {k} entries that can be drawn")
    raced = possible & np.isfinite(ahead) & np.isfinite(beta)
    top = np.max(ahead, axis=-1, keepdims=True, initial=-np.inf, where=raced)
    gap = np.where(raced, abs(beta) * (ahead - top), 0)
    waits = rng.standard_exponential(x.shape)
    limits = np.finfo(float)  # no noise is infinite, and no gap
    score = np.maximum(gap, limits.min / 2) - np.log(waits + limits.tiny)
    if np.array_equal(raced, possible):
        first = _largest(np.where(raced, score, -np.inf), k)
    else:
        level = np.where(raced, 0, np.where(possible, ahead, -np.inf))
        first = np.lexsort((-score, -level), axis=-1)[..., :k]
    places = np.zeros(x.shape, x.dtype)
    places[..., :k] = first
    return places


# --- book/13-why-exp.ipynb, cell build-sample-distinct
def sample_distinct(x, k, axis=-1, *, beta=1.0, where=None, rng=None):
    r"""Draw k different indices, each from the softmax of what is left.

    .. math:: P(i_1, \dots, i_k) = \prod_{n=1}^k
        \frac{S(\beta x)_{i_n}}{1 - S(\beta x)_{i_1} - \dots - S(\beta x)_{i_{n-1}}}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    k : int
        How many to draw from each slice, from 0 to the number of entries that can be drawn.
    axis : int, optional
        The axis along which the probabilities sum to 1.
    beta : array_like, optional
        Inverse temperature; a number, or an array that broadcasts against the slices.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.
    rng : None, int or numpy.random.Generator, optional
        What `numpy.random.default_rng` takes: a seed, or a generator, which moves on.

    Returns
    -------
    ndarray
        Indices, of dtype intp, in the order in which they were drawn, in the shape of `x` with k entries
        along `axis`. Whatever the dtype of the logits is, the noise has float64. Logits of +inf come
        first, in random order; those of -inf, and what `where` leaves out, never. With `beta` infinite
        the largest come first (or the smallest), and ties in random order; with 0 any order is as
        likely as any other.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `where` does not hold bool; if `k` or `axis` is no int.
    ValueError
        If `k` is negative, or a slice has fewer than k entries that can be drawn, or a NaN; if the shapes
        do not fit. The message names the slice.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.sample : draws that are independent of each other.

    Notes
    -----
    Derived in chapter 13, :prf:ref:`thm-plackett-luce`. Each entry gets one random number. The keys of
    weighted sampling from a stream [1]_ are the same ones, exponentiated.

    References
    ----------
    .. [1] P. S. Efraimidis and P. G. Spirakis, "Weighted random sampling with a reservoir", Information
       Processing Letters 97 (2006) 181-185, https://doi.org/10.1016/j.ipl.2005.11.003

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.sample_distinct([5.0, 90.0, -np.inf, 60.0], 3, rng=0)
    array([1, 3, 0])
    >>> softlit.sample_distinct(np.zeros((4, 6)), 2, axis=0, rng=0).shape
    (2, 6)
    """
    axis, k = (
        whole_number(axis, "axis must be an int"),
        whole_number(k, "k must be an int"),
    )
    if k < 0:
        raise ValueError(f"k must not be negative, but it is {k}")
    rng = np.random.default_rng(rng)
    places = _race(_wide(x), k, rng, axis, beta=beta, where=where)
    first = np.moveaxis(np.atleast_1d(places), axis, -1)[..., :k]
    return np.moveaxis(first, -1, axis).astype(np.intp)


# --- book/13-why-exp.ipynb, cell build-first-above
def _first_above(running, targets):
    """For each target of a row the first place where the running sum of this row is above it."""
    count, size = running.shape
    if 0 < count < len(targets):
        pairs = zip(running, targets.T, strict=True)
        found = [np.searchsorted(*pair, side="right") for pair in pairs]
        return np.stack(found, axis=-1)
    flat, start = running.ravel(), size * np.arange(count)
    low, high = np.zeros(targets.shape, np.intp), np.intp(size - 1)
    for _ in range((size - 1).bit_length()):
        middle = (low + high) // 2
        beyond = flat[start + middle] <= targets
        low = np.where(beyond, middle + 1, low)
        high = np.where(beyond, high, middle)
    return low


def _shape(size):
    if size is None:
        return ()
    try:
        return tuple(map(operator.index, np.atleast_1d(size).tolist()))
    except TypeError:
        raise TypeError(
            f"size must be an int or a tuple of ints, not {size!r}"
        ) from None


# --- book/13-why-exp.ipynb, cell build-sample
def sample(x, axis=-1, *, size=None, beta=1.0, where=None, rng=None):
    r"""Draw indices from the softmax of logits.

    .. math:: \Pr(\text{index} = k) = S(\beta x)_k

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int or None, optional
        The axis along which the probabilities sum to 1; None takes the flattened array, as
        `numpy.argmax` does.
    size : int or tuple of ints, optional
        How many draws from each slice; one, without an axis for it, if it is left out.
    beta : array_like, optional
        Inverse temperature; a number, or an array that broadcasts against the slices.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.
    rng : None, int or numpy.random.Generator, optional
        What `numpy.random.default_rng` takes: a seed, or a generator, which moves on.

    Returns
    -------
    ndarray or scalar
        Indices, of dtype intp, of shape `size` followed by that of `x` without `axis`; a NumPy scalar if
        both are empty. The shares are computed in float64, whatever the dtype of the logits is. One
        logit of +inf is always drawn, several equally often; one of -inf, and what `where` leaves out,
        never. `beta` of 0 draws all alike, +inf and -inf the largest and the smallest.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or `where` does not hold bool; if `axis` is neither an int nor
        None, or `size` neither an int nor a tuple of them.
    ValueError
        If a slice has no softmax to draw from: a NaN, -inf alone, no entry, or none that `where` leaves
        in. The message names the slice. If the shapes do not fit.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.sample_distinct : draws without repetition.
    softlit.softmax : the probabilities.

    Notes
    -----
    Derived in chapter 13, :prf:ref:`thm-running-sums`. One random number a draw, a multiple of 2**-53:
    what has a smaller share is drawn too often or never. The other way, by noise, is that of [1]_.

    References
    ----------
    .. [1] J. I. Yellott, "The relationship between Luce's choice axiom, Thurstone's theory of comparative
       judgment, and the double exponential distribution", J. Math. Psychol. 15 (1977) 109-144,
       https://doi.org/10.1016/0022-2496(77)90026-8

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> drawn = softlit.sample(np.log([7, 2, 1]), size=10_000, rng=0)
    >>> (np.bincount(drawn) / 10_000).round(1)
    array([0.7, 0.2, 0.1])
    >>> softlit.sample(np.zeros((4, 5)), size=3, rng=0).shape
    (3, 4)
    """
    axis = None if axis is None else whole_number(axis, "axis must be an int")
    size, rng = _shape(size), np.random.default_rng(rng)
    p = np.asarray(softmax(_wide(x), axis, beta=beta, where=where))
    layout = Layout(p.shape, axis)
    running = layout.rows(p).astype(float, copy=False)
    running = running.reshape(math.prod(layout.outer), layout.size)
    np.cumsum(running, axis=-1, out=running)
    whole = running[:, -1] if layout.size else np.zeros(len(running))
    bad = ~(whole > 0).reshape(layout.outer)
    _refuse(bad, "a NaN, or no entry that can be drawn")
    targets = rng.random((math.prod(size), len(whole))) * whole
    found = _first_above(running, targets)
    return found.reshape(size + layout.reduced_shape())[()]


__all__ = [
    "sample",
    "sample_distinct",
]
