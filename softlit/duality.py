# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/12-duality.ipynb, cell build-solver
"""Duality: the inverse temperature that gives softmax a wanted mean or a wanted entropy."""

import numpy as np

from softlit._arrays import first_slice, on_rows, real_array
from softlit._limits import wide
from softlit._sums import difference


def _exact_sum(high, low):
    """The sum of each row of high + low, two floats an entry, nearly to its last digit.

    Pairs are added, and what an addition rounds off is kept, until one number is left.
    """
    while high.shape[-1] > 1:
        if high.shape[-1] % 2:
            zero = np.zeros_like(high[..., :1])
            high = np.concatenate([high, zero], axis=-1)
            low = np.concatenate([low, zero], axis=-1)
        high, lost = difference(high[..., ::2], -high[..., 1::2])
        low = low[..., ::2] + low[..., 1::2] + lost
    return (high + low)[..., 0]


def _root(residual, low, high):
    """The root s > 0 of an increasing function for each row: Newton's steps, kept between two bounds.

    `residual` gives value and slope. Where a step leaves the bounds, their geometric mean takes its place,
    so that bounds that are many powers of ten apart cost a few steps.
    """
    s, eps = low, np.finfo(low.dtype).eps
    for _ in range(200):
        value, slope = residual(s[..., np.newaxis])
        low, high = np.where(value > 0, low, s), np.where(value > 0, s, high)
        new = s - value / slope
        inside = (low <= new) & (new <= high)
        new = np.where(inside, new, np.sqrt(low) * np.sqrt(high))
        moved = np.abs(new - s) > 2 * eps * s
        s = new
        if not moved.any():
            break
    return s


def _scaled(x):
    """Rows in a unit of each that keeps differences from overflow, the unit, and which entries are -inf."""
    x = x.astype(wide(x), copy=False)
    if not x.shape[-1]:  # nothing is as good as a NaN
        x = np.full((*x.shape[:-1], 1), np.nan, x.dtype)
    absent = x == -np.inf
    size = np.max(np.abs(x), axis=-1, keepdims=True, initial=0, where=~absent)
    power = np.where(np.isfinite(size), np.frexp(size)[1], 0)
    return np.ldexp(x, -power), power, absent


def _log_ratio(a, b, difference):
    """log(a/b); where the two are close, from their difference, which is known better than they are."""
    ratio = a / b
    close = np.abs(ratio - 1) < 0.5
    value = np.log1p(np.where(close, difference / b, 0))
    return np.where(close, value, np.log(ratio))


def _mean_residual(c, lost):
    """How far s is from the root of sum c exp(s c) = 0; value and slope.

    Entries near 0 count as their plain sum, which is taken exactly, plus c expm1(s c), which is never
    negative; the others as they are. So only at the root itself are two numbers of one size subtracted.
    """

    def residual(s):
        e = np.exp(s * c)
        first, second, above = c * e, c * c * e, c > 0
        up = np.sum(first, axis=-1, where=above)
        down = -np.sum(first, axis=-1, where=~above)
        slope = np.sum(second, axis=-1, where=above) / up
        slope += np.sum(second, axis=-1, where=~above) / down
        near = np.abs(s * c) <= 1
        still = _exact_sum(np.where(near, c, 0), np.where(near, lost, 0))
        grown = np.sum(c * np.expm1(s * c), axis=-1, where=near)
        grown += np.sum(first, axis=-1, where=~near & above)
        surplus = (still + grown) + np.sum(first, axis=-1, where=~near & ~above)
        return _log_ratio(up, down, surplus), slope

    return residual


def _size_for_mean(c, lost):
    """The s >= 0 with sum c exp(s c) = 0, for rows whose sum is not positive.

    The bounds: the logarithm of the ratio of both sides grows at most by the range of c for each unit of s,
    and the largest entry is at most W((N - 1)/e)/s above the mean, with Lambert's W below log1p.
    """
    up = np.sum(c, axis=-1, where=c > 0)
    surplus = _exact_sum(c, lost)
    top, bottom = np.max(c, axis=-1), np.min(c, axis=-1)
    low = np.log1p(-surplus / up) / (top - bottom) / 2
    high = np.log1p((c.shape[-1] - 1) / np.e) / top
    return _root(_mean_residual(c, lost), low, np.maximum(low, 2 * high))


def _refuse_mean_outside(mean, low, high, known):
    wrong = (known & ((mean < low) | (mean > high)))[..., 0]
    if wrong.any():
        place, named = first_slice(wrong, "mean")
        raise ValueError(
            f"mean must lie between the smallest and the largest logit, "
            f"{low[place][0]!s} and {high[place][0]!s}, "
            f"but {named} is {mean[place][0]!s}"
        )


def _entropy_residual(gaps, absent, wanted):
    """How far s is from the root of H = wanted, in units of the logarithm of the entropy; value and slope."""
    lead = np.argmin(gaps, axis=-1)[..., np.newaxis]

    def residual(s):
        e = np.where(absent, 0, np.exp(-s * gaps))
        rest = e.copy()
        np.put_along_axis(rest, lead, 0, axis=-1)
        rest = np.sum(rest, axis=-1, keepdims=True)
        p, g = e / (1 + rest), np.where(absent, 0, gaps)
        mean = np.sum(p * g, axis=-1, keepdims=True)
        entropy = (np.log1p(rest) + s * mean)[..., 0]
        slope = s[..., 0] * np.sum(p * (g - mean) ** 2, axis=-1) / entropy
        return _log_ratio(wanted, entropy, wanted - entropy), slope

    return residual


def _size_for_entropy(gaps, absent, wanted, tied, count):
    """The s >= 0 with H = wanted, by bounds on the entropy of gaps.

    log N - H <= (s range)^2/8, and H - log m <= (N - m)/m (1 + s gap) exp(-s gap) with the least gap.
    """
    widest = np.max(np.where(absent, 0, gaps), axis=-1)
    least = np.min(np.where(gaps > 0, gaps, np.inf), axis=-1)
    low = np.sqrt(8 * (np.log(count) - wanted)) / widest / 2
    share = (wanted - np.log(tied)) * tied / (count - tied)
    high = np.maximum(low, 4 * np.log(np.maximum(2 / share, 2)) / least)
    return _root(_entropy_residual(gaps, absent, wanted), low, high)


def _refuse_entropy_outside(wanted, least, most, slack, known):
    wrong = known & ((wanted < least - slack) | (wanted > most + slack))
    if wrong.any():
        place, named = first_slice(wrong, "entropy")
        raise ValueError(
            f"entropy must lie between {least[place]:.6g} (of the largest "
            f"logits alone) and {most[place]:.6g} (of equal shares), "
            f"but {named} is {wanted[place]!s}"
        )


# --- book/12-duality.ipynb, cell build-beta-for-mean
@on_rows(x=real_array, columns=["mean"])
def beta_for_mean(x, mean, axis=-1, *, keepdims=False):
    r"""The inverse temperature at which softmax has a wanted mean of its logits.

    .. math:: \beta \quad \text{with} \quad \sum_j S(\beta x)_j\, x_j = \text{mean}

    Of all distributions with this mean, :math:`S(\beta x)` has the largest entropy.

    Parameters
    ----------
    x : array_like
        Logits, or the values of any quantity: real numbers of any shape.
    mean : float or array_like
        The wanted mean, between the smallest and the largest entry of its slice. An array broadcasts
        against `x`, and does not vary along `axis`. It is rounded to the dtype of the computation.
    axis : int, tuple of ints or None, optional
        The axis or axes along which a slice lies; None takes all of them.
    keepdims : bool, optional
        Whether the reduced axes stay, with size 1, so that the result can be the ``beta`` of
        `softlit.softmax`.

    Returns
    -------
    ndarray or scalar
        Inverse temperatures of either sign, with the axes reduced, a NumPy scalar if none is left, in
        the dtype of `x`; integers and bool count as float64, float16 is computed wider. 0 if all entries
        are equal, inf and -inf if the mean is the largest or the smallest entry. Entries of -inf have no
        share, as those of a mask. A slice with a NaN or +inf, or without finite entries, gives NaN, and
        so does a `mean` that is NaN. No warning is raised.

    Raises
    ------
    TypeError
        If `x` or `mean` does not hold real numbers.
    ValueError
        If a mean is smaller than the smallest or larger than the largest entry of its slice, if `mean`
        varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.boltzmann_max : its inverse, the mean that belongs to an inverse temperature.
    softlit.beta_for_entropy : the same for a wanted entropy.

    Notes
    -----
    Derived in chapter 12, :prf:ref:`thm-maximum-entropy`, and in chapter 12a,
    :prf:ref:`thm-mean-digits`, by which no digits are lost for means near an end, nor for those near the
    mean of all entries, where beta is near 0. In float64 the error is at most 6 ulp on all rows that
    searches have found. The principle: [1]_.

    References
    ----------
    .. [1] E. T. Jaynes, "Information theory and statistical mechanics", Phys. Rev. 106 (1957) 620-630,
       https://doi.org/10.1103/PhysRev.106.620

    Examples
    --------
    A die whose mean is 4.5, and two means near 6:

    >>> import softlit
    >>> beta = softlit.beta_for_mean([1, 2, 3, 4, 5, 6], 4.5)
    >>> print(beta.round(6))
    0.371049
    >>> softlit.softmax([1, 2, 3, 4, 5, 6], beta=beta).round(4)
    array([0.0544, 0.0788, 0.1142, 0.1654, 0.2398, 0.3475])
    >>> softlit.beta_for_mean([1, 2, 3, 4, 5, 6], [[6 - 1e-9], [6]]).round(4)
    array([20.7233,     inf])
    """
    x, power, absent = _scaled(x)
    mean = np.ldexp(mean.astype(x.dtype), -power)
    low = np.min(x, axis=-1, keepdims=True, initial=np.inf, where=~absent)
    high = np.max(x, axis=-1, keepdims=True, initial=-np.inf)
    known = (low <= high) & (high < np.inf) & ~np.isnan(mean)
    _refuse_mean_outside(
        *(np.ldexp(part, power) for part in (mean, low, high)), known
    )
    c, lost = (np.where(absent, 0, part) for part in difference(x, mean))
    sign = np.where(_exact_sum(c, lost) < 0, 1, -1)[..., np.newaxis]
    size = _size_for_mean(sign * c, sign * lost)[..., np.newaxis]
    beta = np.ldexp(sign * size, -power)
    for end, value in ((low, -np.inf), (high, np.inf)):
        beta = np.where(mean == end, value, beta)
    beta = np.where(low == high, 0, beta)
    return np.where(known, beta, np.nan)[..., 0]


# --- book/12-duality.ipynb, cell build-beta-for-entropy
@on_rows(x=real_array, columns=["entropy"])
def beta_for_entropy(x, entropy, axis=-1, *, keepdims=False):
    r"""The inverse temperature at which softmax has a wanted entropy.

    .. math:: \beta \ge 0 \quad \text{with} \quad H(S(\beta x)) = \text{entropy}

    With the logarithm of a perplexity as the entropy, and minus the squared distances as `x`, this is the
    search that t-SNE makes for each point.

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape. For a negative inverse temperature pass -x, and take minus the
        result.
    entropy : float or array_like
        The wanted entropy in nats: at most log N, and at least log m if m entries share the maximum. An
        array broadcasts against `x`, and does not vary along `axis`. It is rounded to the dtype of the
        computation.
    axis : int, tuple of ints or None, optional
        The axis or axes along which a slice lies; None takes all of them.
    keepdims : bool, optional
        Whether the reduced axes stay, with size 1, so that the result can be the ``beta`` of
        `softlit.softmax`.

    Returns
    -------
    ndarray or scalar
        Inverse temperatures, with the axes reduced, a NumPy scalar if none is left, in the dtype of `x`;
        integers and bool count as float64, float16 is computed wider. 0 for log N, and for equal
        entries; inf for log m. What is beyond an end by a few roundings counts as the end. Entries of
        -inf have no share and are not among the N. A slice with a NaN or +inf, or without finite entries,
        gives NaN, and so does an `entropy` that is NaN. No warning is raised.

    Raises
    ------
    TypeError
        If `x` or `entropy` does not hold real numbers.
    ValueError
        If an entropy is out of reach, if `entropy` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.entropy : of a distribution; its exponential is the perplexity.
    softlit.beta_for_mean : the same for a wanted mean.

    Notes
    -----
    Derived in chapter 12, :prf:ref:`thm-entropy-to-beta`. The result is right for an entropy that differs
    from the given one by at most 3 ulp, on all rows that searches have found in float64: near log N,
    where the entropy has slope 0, an ulp of it moves beta by 1e-8 over the range. For a single maximum and
    an entropy near 0 all digits are kept. What an entropy measures: [1]_.

    References
    ----------
    .. [1] C. E. Shannon, "A mathematical theory of communication", Bell Syst. Tech. J. 27 (1948) 379-423,
       https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> distances = np.array([[1.0, 2.0, 4.0, 9.0], [10.0, 20.0, 40.0, 90.0]])
    >>> beta = softlit.beta_for_entropy(-distances, np.log(2), keepdims=True)
    >>> beta.round(4)
    array([[1.0508],
           [0.1051]])
    >>> np.exp(softlit.entropy(softlit.softmax(-distances, beta=beta))).round(4)
    array([2., 2.])
    """
    slack = 8 * np.finfo(x.dtype).eps
    x, power, absent = _scaled(x)
    wanted = entropy[..., 0].astype(x.dtype)
    high = np.max(x, axis=-1, keepdims=True, initial=-np.inf)
    gaps = high - x
    tied = np.sum(gaps == 0, axis=-1)
    count = np.sum(~absent, axis=-1)
    known = (tied > 0) & ~np.isnan(wanted)
    least, most = (np.log(np.maximum(k, 1)) for k in (tied, count))
    _refuse_entropy_outside(wanted, least, most, slack, known)
    size = _size_for_entropy(gaps, absent, wanted, tied, count)
    beta = np.ldexp(size, -power[..., 0])
    beta = np.where(wanted <= least, np.inf, beta)
    beta = np.where((wanted >= most) | (tied == count), 0, beta)
    return np.where(known, beta, np.nan)


__all__ = [
    "beta_for_entropy",
    "beta_for_mean",
]
