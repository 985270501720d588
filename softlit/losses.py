# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/11-cross-entropy.ipynb, cell build-loss-rows
"""Losses: what a prediction costs once the answer is known, its slope, and a divergence, from logits."""

from typing import NamedTuple

import numpy as np

from softlit._arrays import (
    class_indices,
    nonnegative_array,
    on_rows,
    plain_array,
    real_array,
)
from softlit._limits import LIMITS, SHORT, wide
from softlit._portable import (
    class_number,
    divergence,
    is_foreign,
    no_labels,
    portable_cross_entropy,
    portable_cross_entropy_grad,
    portable_kl,
)
from softlit._tiles import tiles, top_places


def _rounded_off(x, y, difference):
    """What the rounding of x - y has lost; 0 where the difference is not finite."""
    back = difference - x
    lost = difference - back
    np.subtract(x, lost, out=lost)
    back += y
    lost -= back
    lost[~np.isfinite(difference)] = 0
    return lost


def _row_sums(e):
    """The sum of each row of numbers of at least 0, in which only the last addition rounds visibly.

    Each number is cut in two: multiples of a unit so coarse that all their sums are exact, and a rest that
    is too small for its roundings to show.
    """
    if not e.shape[1]:
        return np.zeros((len(e), 1), e.dtype)
    largest = e[top_places(e)]
    power = np.frexp(largest)[1] + e.shape[1].bit_length() + 1
    unit = np.ldexp(e.dtype.type(1.5), power)
    ones = np.ones(e.shape[1], e.dtype)
    coarse = e + unit
    coarse -= unit
    total = np.vecdot(coarse, ones)
    np.subtract(e, coarse, out=coarse)
    total += np.vecdot(coarse, ones)
    return np.where(np.isfinite(largest), total[:, np.newaxis], largest)


class _Leaders(NamedTuple):
    """Rows of logits by their largest one; the sums are in units of its exponential or of 1."""

    x: np.ndarray  # the logits, at least float64; under one of +inf, 0 and -inf
    gap: np.ndarray | None  # below the top, and what its rounding has lost
    lost: np.ndarray | None
    e: np.ndarray
    place: tuple
    top: np.ndarray
    largest: np.ndarray  # exponential
    rest: np.ndarray  # the sum of the others
    tied: np.ndarray  # whether several are +inf, so that there is no slope


def _leaders(x, quick=True):
    """Exponentials as they come, if that is quick and safe, or of the gaps below the maximum."""
    x = x.astype(wide(x), copy=False)
    place = top_places(x)
    top = x[place]
    moderate = LIMITS[x.dtype].moderate
    low, high = np.minimum.reduce(x, axis=None), np.maximum.reduce(top, None)
    gap = lost = None
    infinite = top == np.inf
    if quick and -moderate <= low and high <= moderate:
        e = np.exp(x)
    else:
        if infinite.any():
            limit = np.where(x == np.inf, x.dtype.type(0), -np.inf)
            x, top = np.where(infinite, limit, x), np.where(infinite, 0, top)
        gap = x - top
        lost = _rounded_off(x, top, gap)
        e = np.exp(gap)
        e += e * lost
    largest = e[place]
    e[place] = 0
    rest = _row_sums(e)
    e[place] = largest
    tied = infinite & (rest > 0)
    return _Leaders(x, gap, lost, e, place, top, largest, rest, tied)


def _tile_by_tile(work, columns, x, *more):
    """What `work` makes of rows, and of what goes with them, as many at a time as fit the cache."""
    if not x.size:
        return np.zeros((*x.shape[:-1], columns), x.dtype)
    rows = x.reshape(-1, x.shape[-1])
    more = [part.reshape(len(rows), -1) for part in more]
    out = np.empty((len(rows), columns), x.dtype)
    if x.shape[-1] >= SHORT:
        np.setbufsize(16)  # the default copies what NumPy broadcasts
    for at, _ in tiles(rows, wide(x).itemsize):
        out[at] = work(rows[at], *(part[at] for part in more))
    return out.reshape(*x.shape[:-1], columns)


def _loss_of_labels(x, k):
    """The surprise at the entry k of each row: the gap below the top, and the top's own surprise."""
    rows = _leaders(x)
    at = np.arange(len(x))[:, np.newaxis], k
    return np.log1p(rows.rest / rows.largest) + (rows.top - rows.x[at])


def _loss_of_weights(x, y):
    """The surprises weighted with y: no term is negative."""
    rows = _leaders(x)
    terms = rows.top - rows.x
    terms += np.log1p(rows.rest / rows.largest)
    terms *= y
    if rows.gap is not None:  # else all are finite
        terms[y == 0] = 0
    return _row_sums(terms)


def _slope_of_labels(x, k):
    """p, and in the place k minus the sum of the others, from the sums, so that it needs no p - 1."""
    rows = _leaders(x)
    at = np.arange(len(x))[:, np.newaxis], k
    total = rows.largest + rows.rest
    others = (rows.largest - rows.e[at]) + rows.rest
    others = np.where(k == rows.place[1], rows.rest, others)
    slope = np.multiply(rows.e, 1 / total, out=rows.e)
    slope[at] = 0 - others / total
    slope[rows.tied[:, 0]] = np.nan
    return slope


def _slope_of_weights(x, y):
    """(sum y) p - y; where the largest p has most weight, minus the sum of the others, which cancels less."""
    rows = _leaders(x)
    y = y.astype(rows.e.dtype, copy=False)
    ones = np.ones(y.shape[1], y.dtype)
    whole = np.vecdot(y, ones)[:, np.newaxis]
    slope = np.multiply(rows.e, whole / (rows.largest + rows.rest), out=rows.e)
    cancels = slope[rows.place] + y[rows.place] >= whole
    slope -= y
    direct = slope[rows.place]
    slope[rows.place] = 0
    others = np.vecdot(slope, ones)[:, np.newaxis]
    slope[rows.place] = np.where(cancels, 0 - others, direct)
    slope[rows.tied[:, 0]] = np.nan
    slope[whole[:, 0] == 0] = 0
    return slope


def _by_rows(works, x, y, slope, where):
    """The loss of rows whose labels are y, or its slope: the work for the one of them that is asked for."""
    seen = x if where is None else np.where(where, x, -np.inf)
    result = _tile_by_tile(works[slope], x.shape[-1] if slope else 1, seen, y)
    if not slope:
        return result[..., 0]
    return result if where is None else np.where(where, result, 0)


@on_rows(x=real_array)
def _labelled(x, k, slope, axis=-1, *, where=None):
    """The loss, or its slope, of rows with a class each; of no class, -1, it is 0."""
    ignored, k = k < 0, np.maximum(k, 0)
    works = _loss_of_labels, _slope_of_labels
    result = _by_rows(works, x, k, slope, where)
    if where is not None and x.size and not slope:
        seen = np.take_along_axis(where, k[..., np.newaxis], -1)[..., 0]
        result[~seen] = np.inf
    result[ignored] = 0
    return result


@on_rows(x=real_array, labels=nonnegative_array)
def _weighted(x, labels, slope, axis=-1, *, where=None):
    """The loss, or its slope, of rows with a weight for each entry."""
    y = labels if where is None else np.where(where, labels, 0)
    works = _loss_of_weights, _slope_of_weights
    return _by_rows(works, x, y, slope, where)


def _loss_or_slope(x, labels, axis, where, ignore_index, slope):
    """Both functions read their labels alike: integers are classes, floats are weights."""
    labels = plain_array(labels, "labels")
    if labels.dtype.kind in "iu":
        if ignore_index is not None:
            ignore_index = class_number(ignore_index)
        k = class_indices(labels, np.shape(x), axis, "labels", ignore_index)
        return _labelled(x, k, slope, axis, where=where)
    if labels.dtype.kind != "f":
        raise no_labels(labels.dtype)
    if ignore_index is not None:
        raise ValueError(
            "ignore_index is one of the classes, and labels are weights: "
            "a slice without weight costs nothing"
        )
    return _weighted(x, labels, slope, axis, where=where)


def _kl_tile(x, z):
    of_x, of_z = _leaders(x, quick=False), _leaders(z, quick=False)
    gaps = of_x.gap, of_z.gap
    shares = [rows.e / (1 + rows.rest) for rows in (of_x, of_z)]
    difference = gaps[0] - gaps[1]
    lost = _rounded_off(*gaps, difference) + (of_x.lost - of_z.lost)
    ratio = difference - (np.log1p(of_x.rest) - np.log1p(of_z.rest))
    value = divergence(np, gaps, ratio, lost, shares, -1)
    return value[:, np.newaxis]


@on_rows(x=real_array, z=real_array)
def _kl_of_rows(x, z, axis=-1):
    return _tile_by_tile(_kl_tile, 1, x, z)[..., 0]


# --- book/11-cross-entropy.ipynb, cell build-cross-entropy
def cross_entropy(x, labels, axis=-1, *, where=None, ignore_index=None):
    r"""The cross-entropy loss of softmax, one number a slice, in nats.

    .. math:: L(x, y) = -\sum_j y_j \log S(x)_j

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape. For an inverse temperature pass ``beta * x``.
    labels : array_like
        Integers are the classes, one a slice: the shape of `x` without `axis`, or one that broadcasts
        to it. Floats are the weights y, of at least 0, which broadcast with `x`; that they sum to 1 is
        not asked for.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; a single one where labels are classes.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.
    ignore_index : int, optional
        The label of slices that cost nothing, whatever their logits are.

    Returns
    -------
    ndarray or scalar
        Losses, with the axes reduced, a NumPy scalar if none is left. No mean is taken. float16,
        float32, float64 and longdouble are kept (float16 is computed wider), integers and bool count
        as float64; with weights the dtype is the wider one of the two. A class whose logit is -inf, or
        that `where` leaves out, costs inf; a weight that it leaves out does not count. Of several
        logits of +inf each has an equal share. An entry of weight 0 counts 0 whatever its logit is,
        and so does a slice without weight. A slice with a NaN gives NaN, and so does one of -inf
        alone. No warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, `labels` holds neither integers nor floats, or `where` does
        not hold bool; if `axis` is not an int where labels are classes.
    ValueError
        If a label is no class (a negative one is none), a weight is negative, the shapes do not fit, or
        `ignore_index` comes with weights.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.cross_entropy_grad : its derivative.
    softlit.kl_from_logits : what is left when the entropy of the weights is subtracted.

    Notes
    -----
    Derived in chapter 11, :prf:ref:`thm-loss-digits`. In float64 the error is at most 3.5 ulp, with
    weights 3, on all rows that searches have found, for results that are normal numbers; in float32 half
    an ulp. Arrays of other libraries (JAX, PyTorch with array-api-compat) are computed and returned in
    theirs, and can be differentiated there; labels that are not known yet, as in ``jax.jit``, cannot be
    refused, and a wrong one gives NaN. Error analysis of softmax: [1]_.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> x = np.log([0.7, 0.2, 0.1])
    >>> print(softlit.cross_entropy(x, 0).round(4))
    0.3567
    >>> softlit.cross_entropy([x, x, x], [0, 2, -100], ignore_index=-100).round(4)
    array([0.3567, 2.3026, 0.    ])
    >>> print(softlit.cross_entropy(x, [0.9, 0.05, 0.05]).round(4))
    0.5166
    """
    if is_foreign(x):
        return portable_cross_entropy(x, labels, axis, where, ignore_index)
    return _loss_or_slope(x, labels, axis, where, ignore_index, slope=False)


# --- book/11-cross-entropy.ipynb, cell build-cross-entropy-grad
def cross_entropy_grad(x, labels, axis=-1, *, where=None, ignore_index=None):
    r"""The gradient of the cross-entropy loss with respect to the logits.

    .. math:: \frac{\partial L(x, y)}{\partial x_r} = S(x)_r \sum_j y_j - y_r

    Parameters
    ----------
    x, labels, axis, where, ignore_index
        As in `softlit.cross_entropy`.

    Returns
    -------
    ndarray or scalar
        One slope for each logit, in the shape of `x` (broadcast with weights) and the dtype of
        `softlit.cross_entropy`. Slopes at infinite logits are the limits; several of +inf have none
        and give NaN. Entries that `where` leaves out are 0, and so is all of a slice that is ignored or
        has no weight, whatever its logits are. A slice with a NaN gives NaN, and so does one of -inf
        alone. No warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, `labels` holds neither integers nor floats, or `where` does
        not hold bool; if `axis` is not an int where labels are classes.
    ValueError
        As in `softlit.cross_entropy`.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.cross_entropy : the loss.
    softlit.softmax_jacobian : its Hessian, if the weights sum to 1.

    Notes
    -----
    Derived in chapter 11, :prf:ref:`thm-cross-entropy-gradient`. The entry of the label is minus the sum
    of the others: p - 1 would lose its digits where p is near 1. In float64 the error is at most 3.5 ulp
    for classes, on all rows that searches have found, for results of at least 4 times the smallest normal
    number; in float32 half an ulp. With weights it is a few ulp of the larger of the two numbers whose
    difference is taken. Arrays of other libraries are computed and returned in theirs. Classifiers that
    are trained so: [1]_.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
       relationships to statistical pattern recognition", Neurocomputing, NATO ASI Series F 68 (1990)
       227-236, https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.cross_entropy_grad(np.log([0.7, 0.2, 0.1]), 0).round(4)
    array([-0.3,  0.2,  0.1])
    >>> print(softlit.cross_entropy_grad([0.0, -40.0], 0))
    [-4.24835426e-18  4.24835426e-18]
    """
    if is_foreign(x):
        return portable_cross_entropy_grad(x, labels, axis, where, ignore_index)
    return _loss_or_slope(x, labels, axis, where, ignore_index, slope=True)


# --- book/11-cross-entropy.ipynb, cell build-kl-from-logits
def kl_from_logits(x, z, axis=-1):
    r"""The Kullback-Leibler divergence of two softmaxes, from logits.

    .. math:: \operatorname{KL}(S(x) \,\|\, S(z)) = \sum_j S(x)_j \log \frac{S(x)_j}{S(z)_j}

    Parameters
    ----------
    x, z : array_like
        Logits: real numbers of shapes that broadcast.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1, of the broadcast shape; None takes all.

    Returns
    -------
    ndarray or scalar
        Nats, never negative, with the axes reduced, a NumPy scalar if none is left. The dtype is the
        wider one of the two; float16 is computed wider, integers and bool count as float64. inf if a
        logit of `z` is -inf and that of `x` is not; where both are, the entry counts 0. A slice with
        a NaN gives NaN, and so does one of -inf alone; an empty slice gives 0. No warning is raised.

    Raises
    ------
    TypeError
        If `x` or `z` does not hold real numbers.
    ValueError
        If the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.kl_divergence : the same from probabilities, which have lost digits already.
    softlit.cross_entropy : with weights; the divergence plus their entropy.

    Notes
    -----
    Derived in chapter 11, :prf:ref:`thm-bregman` and :prf:ref:`thm-kl-logits`. In float64 the relative
    error is at most 1e-14 at every distance, on all pairs that searches have found, for results of at
    least 1e-290. A probability below the smallest normal number counts as 0. Arrays of other libraries
    are computed and returned in theirs, and can be differentiated there; some eight digits are left
    where logits of size 10 differ by 1e-7. Its role in information theory: [1]_.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of information theory", 2nd edition, Wiley-Interscience,
       2006, https://doi.org/10.1002/047174882X

    Examples
    --------
    >>> import softlit
    >>> softlit.kl_from_logits([[1.0, 0.0], [0.0, -800.0]], [[0.0, 1.0], [-800.0, 0.0]]).round(6)
    array([4.62117e-01, 8.00000e+02])
    >>> f"{softlit.kl_from_logits([0.0, 1e-9], [0.0, 0.0]):.6e}"
    '1.250000e-19'
    """
    if is_foreign(x) or is_foreign(z):
        return portable_kl(x, z, axis)
    return _kl_of_rows(x, z, axis)


__all__ = [
    "cross_entropy",
    "cross_entropy_grad",
    "kl_from_logits",
]
