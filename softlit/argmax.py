# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/01-hard-and-soft.ipynb, cell build-hardmax
"""Which entry is the largest: the hard answer as a one-hot vector."""

import numpy as np

from softlit._arrays import on_rows, real_array


@on_rows(x=real_array)
def hardmax(x, axis=-1, *, where=None):
    r"""The argmax as a one-hot vector; tied maxima share equally.

    .. math:: \operatorname{hardmax}(x)_i = [x_i = \max_j x_j] / m,

    where m is the number of entries that equal the maximum.

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which a slice lies; None takes all of them.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray
        The shape of `x`; float32, float64, longdouble and float16 are kept, integers and bool
        give float64. Entries that `where` leaves out are 0. A slice with a NaN, or of -inf alone,
        gives NaN; several entries equal to +inf are tied like finite ones. No warning is raised.

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
    softlit.softmax : the smooth version, which tends to this one as `beta` grows.

    Notes
    -----
    Derived in chapter 01, :prf:ref:`def-hardmax`. That softmax is a smooth version of it: [1]_.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
       relationships to statistical pattern recognition", Neurocomputing, NATO ASI Series F 68 (1990)
       227-236, https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    >>> import softlit
    >>> softlit.hardmax([1.0, 3.0, 2.0])
    array([0., 1., 0.])
    >>> softlit.hardmax([3.0, 1.0, 3.0])
    array([0.5, 0. , 0.5])
    >>> softlit.hardmax([[1, 5], [4, 2]], axis=0)
    array([[0., 1.],
           [1., 0.]])
    """
    kept = x if where is None else np.where(where, x, -np.inf)
    top = np.max(kept, axis=-1, keepdims=True, initial=-np.inf)
    hits = (kept == top).astype(x.dtype)  # none in a row with a NaN: 0/0
    shares = hits / np.sum(hits, axis=-1, keepdims=True)
    shares = np.where(np.isneginf(top), np.nan, shares)
    return shares if where is None else np.where(where, shares, 0)


# --- book/10-soft-arg-max.ipynb, cell build-coordinates
from softlit._arrays import Layout, broadcast_array, mask_array
from softlit.jacobian import softmax_vjp
from softlit.kernels import softmax


def _coordinates(coordinates, axis, shape, x_dtype):
    """Coordinates as one array of this shape an axis, and the dtype of results."""
    layout = Layout(shape, axis)
    if not layout.axes:
        raise ValueError("no axis is given")
    if coordinates is None:
        coordinates = [None] * len(layout.axes)
    elif axis is not None and np.ndim(axis) == 0:
        coordinates = [coordinates]
    elif np.isscalar(coordinates) or not hasattr(coordinates, "__len__"):
        raise ValueError(
            "for several axes, coordinates must be a sequence with one entry an axis"
        )
    if len(coordinates) != len(layout.axes):
        raise ValueError(
            f"coordinates for {len(coordinates)} axes, where {len(layout.axes)} are given"
        )
    columns, dtypes = [], [x_dtype]
    for k, c in zip(layout.axes, coordinates, strict=True):
        size = layout.working[k]
        if c is None:
            c = np.arange(size, dtype=np.promote_types(x_dtype, np.float32))
        else:
            c, dtype = real_array(c, "coordinates")
            dtypes.append(dtype)
        if c.shape == (size,):
            c = c.reshape([size if d == k else 1 for d in range(len(shape))])
        elif c.ndim < 2:
            raise ValueError(
                f"coordinates of axis {k} have shape {c.shape}, not ({size},)"
            )
        columns.append(broadcast_array(c, shape, "coordinates"))
    return columns, np.result_type(*dtypes)


def _mean(c, p, axes):
    """The mean of c under the probabilities p over some axes, within the range of c where p > 0."""
    c = np.broadcast_to(c, p.shape)
    half = c / 2
    part = (p > 0) | np.isnan(c)
    top = p == np.max(p, axis=axes, keepdims=True, initial=0)
    reference = np.max(
        half, axis=axes, keepdims=True, initial=-np.inf, where=top
    )
    reference = np.where(np.isfinite(reference), reference, 0)
    moved = np.sum(p * (half - reference), axis=axes, keepdims=True, where=part)
    low = np.min(c, axis=axes, keepdims=True, initial=np.inf, where=part)
    high = np.max(c, axis=axes, keepdims=True, initial=-np.inf, where=part)
    value = np.where(
        low <= high, np.clip(2 * (reference + moved), low, high), np.nan
    )
    return np.squeeze(value, axis=axes)


def _one_or_all(values, axis, dtype):
    """The array for one axis; for several axes, all of them along a last axis."""
    single = axis is not None and np.ndim(axis) == 0
    result = values[0] if single else np.stack(values, axis=-1)
    return result.astype(dtype, copy=False)[()]


# --- book/10-soft-arg-max.ipynb, cell build-soft-argmax
def soft_argmax(x, coordinates=None, axis=-1, *, beta=1.0, where=None):
    r"""The expected coordinate under softmax: a differentiable position.

    .. math:: E = \sum_j c_j\, S(\beta x)_j

    It is close to the coordinate of the maximum only if one entry, or entries close together, hold
    nearly all of the probability.

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    coordinates : array_like or sequence of array_like, optional
        For an integer `axis`, one number for each of its N positions. For several axes, a sequence
        with one such array, or None, for each of them. None stands for 0, 1, ..., N - 1. An array of two
        dimensions or more in place of the N numbers broadcasts to the shape of `x` (broadcast with
        `beta`), so that slices may have coordinates of their own.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`.
    where : array_like of bool, optional
        Entries that take part, such as a window; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        For an integer `axis`, the shape of `x` (broadcast with `beta`) without that axis; a NumPy
        scalar if none is left. For a tuple of k axes, or None with k dimensions, those axes are removed
        and a last axis of length k holds one coordinate for each, in the order of `axis`. A 0-d `x` is
        a slice with one entry, and one axis.

        The dtype is that of `x`, promoted with that of the coordinates if they are given; integers
        and bool count as float64, and float16 is computed wider. A result lies between the smallest
        and the largest coordinate of the entries with positive probability, each rounded to that
        dtype (positions beyond 65504 overflow float16).

        For `beta` > 0 one logit at +inf gives its coordinate, several the mean of theirs; for a
        negative `beta` the signs are reversed, and 0 gives the mean of all. A slice with a NaN, of
        -inf alone, without entries, or without entries that take part, gives NaN; what `where` leaves
        out is not seen. `beta` = inf gives the coordinate of the maximum, tied ones the mean. An
        infinite coordinate has no effect where the probability is 0, and acts as in floating-point
        arithmetic elsewhere; one that is NaN gives NaN. No warning is raised.

    Raises
    ------
    TypeError
        If `x`, `beta` or `coordinates` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `coordinates` does not fit the axes, `beta` varies along `axis`, no axis is given, or the
        shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.soft_argmax_grad : its gradient.
    softlit.hardmax : the position of the maximum as a one-hot vector.

    Notes
    -----
    Derived in chapter 10, :prf:ref:`thm-soft-arg-max-range`. The entries of `x` are logits. A heat map
    with values in [0, 1] is not: its exponentials lie between 1 and e, and the result is near the centre
    of the map. If the values are proportional to probabilities, pass their logarithm; if they are scores,
    choose a large `beta` and a window around the maximum, as in the last example. With the squared
    distances from the result as coordinates it gives the variance of the position, which says whether
    the result can be trusted. Used to find joints in heat maps by [1]_.

    References
    ----------
    .. [1] X. Sun, B. Xiao, F. Wei, S. Liang and Y. Wei, "Integral human pose regression", ECCV 2018,
       536-553, https://doi.org/10.1007/978-3-030-01231-1_33

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> print(softlit.soft_argmax([0.0, 9.0, 0.0]).round(4))
    1.0
    >>> print(softlit.soft_argmax([9.0, 0.0, 9.0]).round(4))  # two modes: the middle
    1.0
    >>> logits = np.full((4, 5), -20.0)
    >>> logits[2, 3] = logits[2, 4] = 0.0
    >>> softlit.soft_argmax(logits, axis=(0, 1)).round(4)
    array([2. , 3.5])
    >>> softlit.soft_argmax(logits, [None, [0.0, 0.1, 0.2, 0.3, 0.4]], axis=(0, 1)).round(4)
    array([2.  , 0.35])

    The variance of each row of a batch:

    >>> x = np.array([[0.0, 9.0, 0.0], [9.0, 0.0, 9.0]])
    >>> mean = softlit.soft_argmax(x)
    >>> softlit.soft_argmax(x, (np.arange(3) - mean[:, np.newaxis]) ** 2).round(4)
    array([2.000e-04, 9.999e-01])

    A heat map in [0, 1], with its peak at (20.3, 31.6). Taken for logits it gives the centre; its
    logarithm gives the peak, and so does a large `beta` in a window around the maximum:

    >>> rows, columns = np.indices((64, 48))
    >>> heat = np.exp(-((rows - 31.6) ** 2 + (columns - 20.3) ** 2) / 8)
    >>> softlit.soft_argmax(heat, axis=(0, 1)).round(1)
    array([31.5, 23.5])
    >>> softlit.soft_argmax(np.log(heat), axis=(0, 1)).round(4)
    array([31.6, 20.3])
    >>> window = (abs(rows - 32) <= 3) & (abs(columns - 20) <= 3)
    >>> softlit.soft_argmax(heat, axis=(0, 1), beta=10, where=window).round(1)
    array([31.6, 20.3])
    """
    x, dtype = real_array(x)
    beta = real_array(beta, "beta")[0]
    shape = Layout.shared(x.shape, axis, beta, "beta").shape
    columns, dtype = _coordinates(coordinates, axis, shape, dtype)
    computed = np.promote_types(dtype, np.float32)
    layout, mask = Layout(shape, axis), mask_array(where, shape)
    with np.errstate(all="ignore"):
        p = np.asarray(
            softmax(
                x.astype(computed, copy=False), axis, beta=beta, where=where
            )
        )
        if mask is not None:
            columns = [np.where(mask, c, 0) for c in columns]
        p = p.reshape(layout.working)
        means = [_mean(c.astype(computed), p, layout.axes) for c in columns]
        return _one_or_all(means, axis, dtype)


# --- book/10-soft-arg-max.ipynb, cell build-soft-argmax-grad
def soft_argmax_grad(x, coordinates=None, axis=-1, *, beta=1.0, where=None):
    r"""The gradient of the soft arg max with respect to the logits.

    .. math:: \frac{\partial E}{\partial x_r} = \beta\, p_r (c_r - E), \qquad p = S(\beta x)

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    coordinates : array_like or sequence of array_like, optional
        As in `softlit.soft_argmax`; None stands for 0, 1, ..., N - 1.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`; rounded to the dtype of the computation, it is a
        factor of the result.
    where : array_like of bool, optional
        Entries that take part, such as a window; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        For an integer `axis`, the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d): entry r
        is the derivative of the coordinate of its slice with respect to that logit. For k axes, or None
        with k dimensions, a last axis of length k is added, one gradient for each coordinate. The dtype
        is that of `softlit.soft_argmax`.

        Infinite logits give limits, NaN where none exists, as in `softlit.softmax_jacobian`: 0 for a
        single logit at +inf, NaN for several, or for an infinite `beta` with a tied maximum. An
        infinite coordinate has no effect where the probability is 0 and acts as in floating-point
        arithmetic elsewhere; so does a difference of coordinates that overflows, and gives inf or NaN.
        A coordinate that is NaN gives NaN, and so does a NaN in its slice. Entries that `where` leaves
        out are 0, and are not looked at. No warning is raised.

    Raises
    ------
    TypeError
        If `x`, `beta` or `coordinates` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `coordinates` does not fit the axes, `beta` varies along `axis`, no axis is given, or the
        shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.soft_argmax : the function.
    softlit.softmax_vjp : the same product for any vector in place of the coordinates.

    Notes
    -----
    Derived in chapter 10, :prf:ref:`thm-soft-arg-max-gradient`. The entries of a slice sum to 0, up to
    rounding. For `beta` > 0 logits of -inf take no part either (for `beta` < 0, those of +inf); unlike
    under `where`, a coordinate that is NaN is seen there. How
    the function biases what is trained with it: [1]_.

    References
    ----------
    .. [1] K. Gu, L. Yang, M. B. Mi and A. Yao, "Bias-compensated integral regression for human pose
       estimation", 2023, https://doi.org/10.48550/arXiv.2301.10431

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.soft_argmax_grad(np.log([1.0, 1.0, 2.0])).round(4)
    array([-0.3125, -0.0625,  0.375 ])
    >>> softlit.soft_argmax_grad(np.zeros((3, 4)), axis=None).shape
    (3, 4, 2)
    """
    x, dtype = real_array(x)
    beta = real_array(beta, "beta")[0]
    shape = Layout.shared(x.shape, axis, beta, "beta").shape
    columns, dtype = _coordinates(coordinates, axis, shape, dtype)
    with np.errstate(all="ignore"):
        x = x.astype(np.promote_types(dtype, np.float32), copy=False)
        slopes = [
            softmax_vjp(
                x, c.astype(x.dtype, copy=False), axis, beta=beta, where=where
            )
            for c in columns
        ]
        return _one_or_all(slopes, axis, dtype)


__all__ = [
    "hardmax",
    "soft_argmax",
    "soft_argmax_grad",
]
