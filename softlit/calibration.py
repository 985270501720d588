# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/16-trusting-the-output.ipynb, cell build-calibration
"""Probabilities beside what happened: the inverse temperature that fits, and reliability by bins."""

import numpy as np

from softlit._arrays import (
    Layout,
    class_indices,
    first_place,
    first_slice,
    mask_array,
    nonnegative_array,
    plain_array,
    positive_int,
    real_array,
)
from softlit.kernels import softmax


def _classes(y, shape, axis):
    """The class of each slice of an array of this shape.

    Raises
    ------
    TypeError
        If they are not integers, or there are several axes.
    ValueError
        If a class is none, or the shapes do not fit.
    """
    y = plain_array(y, "y")
    if y.dtype.kind not in "iu":
        raise TypeError(
            f"y must hold integers, not values of dtype {y.dtype}: they are the true classes"
        )
    return class_indices(y, shape, axis, "y")


def _in_units(values):
    """The values by a power of two, so that the largest finite one is about 1, and its exponent."""
    finite = np.abs(values[np.isfinite(values)])
    power = np.frexp(np.max(finite, initial=0))[1]
    return np.ldexp(values, -power), power


def _examples(x, y, axis, where):
    """The gaps of the logits below their maxima, a row an example, and that of each true class.

    Both are in units of a power of two, whose exponent is the third result: no square leaves the range of
    the floats.

    Raises
    ------
    ValueError
        If an example says nothing of a beta, or there is none.
    """
    x = real_array(x, "x")[0].astype(np.float64)
    k = _classes(y, x.shape, axis).reshape(-1, 1)
    mask = mask_array(where, x.shape)
    if mask is not None:
        x = np.where(mask, x, -np.inf)
    if not k.size:
        raise ValueError("there are no examples to fit a beta to")
    wrong = np.isnan(x) | (x == np.inf)
    if wrong.any():
        place, entry = first_place(wrong, "x")
        raise ValueError(f"{entry} must be a number or -inf, not {x[place]}")
    layout = Layout(x.shape, axis)
    rows, unit = _in_units(layout.rows(x).reshape(len(k), -1))
    gaps, of_gaps = _in_units(rows - np.max(rows, axis=-1, keepdims=True))
    true = np.take_along_axis(gaps, k, -1)
    impossible = ~np.isfinite(true)
    if impossible.any():
        shaped = impossible.reshape(layout.reduced_shape())
        _, entry = first_place(shaped, "y")
        raise ValueError(
            f"{entry} is {k[impossible][0]}, a class whose logit is -inf or left out: "
            "no beta gives it a probability"
        )
    return gaps, true, unit + of_gaps


def _moments(gaps, beta):
    """The mean and the variance of each row under its softmax."""
    possible = np.isfinite(gaps)
    p = softmax(gaps, beta=beta, where=possible)
    gaps = np.where(possible, gaps, 0)
    mean = np.sum(p * gaps, axis=-1, keepdims=True)
    return mean, np.sum(p * (gaps - mean) ** 2, axis=-1)


# --- book/16-trusting-the-output.ipynb, cell build-fit-beta
def fit_beta(x, y, axis=-1, *, where=None):
    r"""The inverse temperature that fits what happened: temperature scaling.

    .. math:: \hat\beta = \arg\min_{\beta \ge 0} \sum_n L(\beta x^{(n)}, \mathbf{e}_{y_n})

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape; -inf for what is impossible.
    y : array_like of int
        The true class of each slice: the shape of `x` without `axis`, or one that broadcasts to it.
    axis : int, optional
        The axis along which the probabilities sum to 1.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    float
        One beta for all slices, computed in float64 whatever the shape and dtype of `x`: 0 if the true
        logits are on average not above the mean of their rows, inf if each of them is the largest of its
        row, and NaN if all rows are constant, so that nothing depends on beta.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, `y` no integers or `where` no bool, or if `axis` is not an int.
    ValueError
        If there is no slice, a logit that takes part is NaN or +inf, a class of `y` is none, its logit is
        -inf or left out, or the shapes do not fit.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.cross_entropy : the loss that is made small.
    softlit.calibration_table : confidence and accuracy, before and after.

    Notes
    -----
    Derived in chapter 16, :prf:ref:`thm-fitted-beta`. Use ``softmax(x, beta=beta)`` afterwards. Fit on
    examples that the logits were not trained on. The result is right to a few units in the last place of
    what the slope of the loss can tell; it scales as 1/x does, from 1e-300 to 1e300. Its inverse is the
    temperature of temperature scaling [1]_.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
       ICML 2017, https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> x = np.tile(np.log([7, 2, 1]), (100, 1))  # a hundred photos, cat 0.7 each time
    >>> y = np.repeat([0, 1, 2], [50, 30, 20])
    >>> beta = softlit.fit_beta(x, y)
    >>> print(round(beta, 3), softlit.softmax(x[0], beta=beta).round(3))
    0.453 [0.505 0.286 0.209]
    """
    gaps, true, unit = _examples(x, y, axis, where)

    def slopes(beta):
        mean, variance = _moments(gaps, beta)
        return np.mean(mean - true), np.mean(variance)

    slope, curvature = slopes(0)
    if curvature == 0:
        return np.nan  # constant rows: every beta is as good
    if slope >= 0:
        return 0.0
    if not true.any():
        return np.inf
    low, high = 0.0, 1 / -np.mean(true)
    while slopes(high)[0] < 0:
        low, high = high, 2 * high
    beta, step = high, np.inf
    while abs(step) > 2e-16 * beta and low < high:
        slope, curvature = slopes(beta)
        low, high = (beta, high) if slope < 0 else (low, beta)
        new = beta - slope / curvature if curvature else low
        if not low < new < high:
            new = (low + high) / 2
        beta, step = new, new - beta
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(beta, -unit))


# --- book/16-trusting-the-output.ipynb, cell build-calibration-bins
def _confidence_and_hits(p, y, axis):
    """The largest probability of each slice, and whether it was that of the true class."""
    p = nonnegative_array(p)[0].astype(np.float64)
    k = _classes(y, p.shape, axis).ravel()
    layout = Layout(p.shape, axis)
    rows = layout.rows(p).reshape(k.size, layout.size)
    if not k.size:
        raise ValueError("there are no examples to count")
    sums = np.sum(rows, axis=-1)
    off = ~(np.abs(sums - 1) < 0.01)
    if off.any():
        _, named = first_slice(off.reshape(layout.reduced_shape()), "p")
        raise ValueError(
            f"{named} sums to {sums[off][0]:.4g}, not to 1: calibration is a matter of probabilities, "
            "and softmax(x) makes them of logits"
        )
    return np.max(rows, axis=-1), np.argmax(rows, axis=-1) == k


def _bins_of(confidence, bins, equal):
    """The bin of each confidence, counted from 0."""
    bins = positive_int(bins, "bins")
    if equal == "width":
        place = np.ceil(confidence * bins).astype(int) - 1
    elif equal == "count":
        below = np.searchsorted(np.sort(confidence), confidence)
        place = below * bins // confidence.size
    else:
        raise ValueError(f"equal must be 'width' or 'count', not {equal!r}")
    return np.clip(place, 0, bins - 1), bins


# --- book/16-trusting-the-output.ipynb, cell build-calibration-table
def calibration_table(p, y, axis=-1, *, bins=15, equal="width"):
    r"""Confidence beside accuracy, in bins of confidence.

    .. math:: c_k = \frac{1}{n_k} \sum_{i \in k} \max_j p^{(i)}_j , \qquad
       a_k = \frac{1}{n_k} \sum_{i \in k} [\arg\max_j p^{(i)}_j = y_i]

    Parameters
    ----------
    p : array_like
        Probabilities: each slice sums to 1, to within a hundredth.
    y : array_like of int
        The true class of each slice: the shape of `p` without `axis`, or one that broadcasts to it.
    axis : int, optional
        The axis along which the probabilities sum to 1.
    bins : int, optional
        The number of bins.
    equal : {"width", "count"}, optional
        Bins of one width, (k/bins, (k+1)/bins], or of one count; equal confidences share a bin, so that
        the counts can differ.

    Returns
    -------
    confidence, accuracy, count : ndarray
        Of each bin, in the shape ``(bins,)``, float64 and, for the counts, integers: the mean of the
        largest probabilities, how many of these answers are right, and the number of slices. Of several
        largest probabilities the first is the answer. An empty bin has NaN, NaN and 0.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers, `y` no integers, or `axis` or `bins` is not an int.
    ValueError
        If a slice of `p` has a negative entry or does not sum to 1, there is no slice, a class of `y` is
        none, the shapes do not fit, `bins` is less than 1 or `equal` is unknown.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.calibration_error : the table as one number.
    softlit.fit_beta : mends a classifier that is too sure of itself, or not enough.

    Notes
    -----
    Derived in chapter 16, :prf:ref:`def-calibration-error`. Drawn, it is a reliability diagram [1]_. Show
    the counts with it: a bin of n examples is off by about ``sqrt(c (1 - c) / n)`` by chance.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
       ICML 2017, https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> import softlit
    >>> p = [[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]]
    >>> confidence, accuracy, count = softlit.calibration_table(p, [0, 1, 0, 1], bins=2)
    >>> print(confidence, accuracy, count)
    [ nan 0.75] [ nan 0.75] [0 4]
    """
    confidence, hits = _confidence_and_hits(p, y, axis)
    place, bins = _bins_of(confidence, bins, equal)
    count = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, of, bins) for of in (confidence, hits))
    with np.errstate(invalid="ignore"):
        mean_confidence, accuracy = (total / count for total in sums)
    return mean_confidence, accuracy, count


# --- book/16-trusting-the-output.ipynb, cell build-calibration-error
def calibration_error(p, y, axis=-1, *, bins=15, equal="width"):
    r"""The mean distance of confidence and accuracy over bins: ECE.

    .. math:: \sum_k \frac{n_k}{n} |a_k - c_k|

    Parameters
    ----------
    p, y, axis, bins, equal
        As in `softlit.calibration_table`.

    Returns
    -------
    float
        A number from 0 to 1, computed in float64 whatever the shape and dtype of `p` are.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers, `y` no integers, or `axis` or `bins` is not an int.
    ValueError
        As in `softlit.calibration_table`.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.calibration_table : what is summed, with the counts.

    Notes
    -----
    Derived in chapter 16, :prf:ref:`thm-calibration-error`. It says nothing without the number of bins
    and of examples: of a perfectly calibrated classifier it is about ``sqrt(2 c (1 - c) bins / (pi n))``.
    The measure, and its use for neural networks: [1]_.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
       ICML 2017, https://doi.org/10.48550/arXiv.1706.04599

    Examples
    --------
    >>> import softlit
    >>> p = [[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]]
    >>> print(round(softlit.calibration_error(p, [0, 1, 0, 1], bins=4), 3))
    0.4
    >>> print(round(softlit.calibration_error(p, [0, 1, 0, 1], bins=1), 3))
    0.0
    """
    confidence, accuracy, count = calibration_table(
        p, y, axis, bins=bins, equal=equal
    )
    full = count > 0
    gaps = np.abs(accuracy - confidence)[full]
    return float(np.average(gaps, weights=count[full]))


__all__ = [
    "calibration_error",
    "calibration_table",
    "fit_beta",
]
