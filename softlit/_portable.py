# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-generic
"""The same functions for arrays of other libraries, by the array API standard: one body.

The result stays in the library, so that `jax.jit`, `jax.grad` and torch's autograd see through it, as often
as they like. Arguments are read, and infinities, masks and empty slices treated, as the NumPy kernels do it
(floats of less than 32 bits are computed in float32); accuracy and warnings are the library's own.
"""

import sys

import numpy as np

from softlit._arrays import (
    Layout,
    broadcast_array,
    mask_array,
    real_array,
)


def is_foreign(x):
    """Whether x is an array of another library than NumPy."""
    if isinstance(x, np.ndarray | np.generic):
        return False
    torch = sys.modules.get("torch")
    return hasattr(x, "__array_namespace__") or (
        torch is not None and isinstance(x, torch.Tensor)
    )


def _namespace(x):
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    try:
        import array_api_compat
    except ImportError:
        raise TypeError(
            f"{_called(x)} has no __array_namespace__: "
            "install array-api-compat, or pass a NumPy array"
        ) from None
    return array_api_compat.array_namespace(x)


def _held(x):
    """The same numbers, with respect to which nothing is derived."""
    if hasattr(x, "detach"):
        return x.detach()
    jax = sys.modules.get("jax")
    return jax.lax.stop_gradient(x) if jax and isinstance(x, jax.Array) else x


def _floats(xp, x, name):
    """An array of another library as floats to compute with, and the dtype of the result."""
    if not xp.isdtype(x.dtype, ("bool", "integral", "real floating")):
        raise TypeError(
            f"{name} must hold real numbers, not values of dtype {x.dtype}"
        )
    usual = xp.asarray(0.5).dtype
    dtype = x.dtype if xp.isdtype(x.dtype, "real floating") else usual
    narrow = xp.finfo(dtype).bits < 32
    return xp.astype(x, xp.float32 if narrow else dtype), dtype


def _shaped(array):
    """A stand-in of NumPy for an array of which only the shape is asked."""
    return np.broadcast_to(False, tuple(array.shape))


def _like(x, array):
    """An array of NumPy in the library of x, and where x is; a copy, since torch asks for one to write to."""
    place = getattr(x, "device", None)  # while JAX compiles, x is nowhere
    return _namespace(x).asarray(np.array(array), device=place)


def _refuse_stranger(xp, array, name):
    """Raise a TypeError if an array belongs to another library than x does."""
    if _namespace(array) is not xp:
        raise TypeError(
            f"{name} is a {_called(array)}, which {xp.__name__} does not compute with"
        )


def _called(x):
    return f"{type(x).__module__}.{type(x).__qualname__}"


def _read_beta(x, beta):
    """beta in the library and the dtype of x, or None for 1."""
    if type(beta) is float and beta == 1:
        return None
    xp = _namespace(x)
    if is_foreign(beta):
        _refuse_stranger(xp, beta, "beta")
        return xp.astype(_floats(xp, beta, "beta")[0], x.dtype)
    return xp.astype(
        _like(x, real_array(beta, "beta")[0].astype(np.float64)), x.dtype
    )


def _read_mask(x, where):
    """The mask in the library and the shape of x, or None."""
    if where is None:
        return None
    if not is_foreign(where):
        return _like(x, mask_array(where, tuple(x.shape)))
    xp = _namespace(x)
    _refuse_stranger(xp, where, "where")
    if not xp.isdtype(where.dtype, "bool"):
        raise TypeError(
            f"where must hold bool, not values of dtype {where.dtype}"
        )
    broadcast_array(_shaped(where), tuple(x.shape), "where")
    return xp.broadcast_to(where, x.shape)


def _scaled(xp, half, beta):
    """beta times twice these halved gaps: 0 for beta = 0, and for an infinite beta 0 or -inf.

    Infinite gaps are kept apart, so that the derivative in beta does not multiply them by 0.
    """
    size = xp.where(beta < 0, -beta, beta)
    hard, infinite = xp.isinf(size), xp.isinf(half)
    slope = _held(xp.where(hard | (size == 0), 1.0, size))
    product = xp.where(hard, 0.0, size) * xp.where(infinite, 0.0, half)
    scaled = xp.where(infinite, slope * half, product) * 2
    scaled = xp.where(hard & (half < 0), -xp.inf, scaled)
    return xp.where(infinite & (beta == 0), 0.0, scaled)


def _without_derivative(xp, top, undefined):
    """Zeros, whose derivative is NaN where it is undefined and 0 elsewhere."""
    one = xp.astype(~undefined, top.dtype)
    place = xp.where(undefined, top, 0.0)
    return xp.sqrt(one / (1 + place * place)) - one


def _gaps(xp, x, axes, beta, mask):
    """The maximum (the minimum, with its sign turned, for a negative beta), and beta times the gaps below."""
    if mask is not None:
        x = xp.where(
            mask, x, 0.0
        )  # not even a derivative meets what is left out
    y = x if beta is None else xp.where(beta < 0, -x, x)
    seen = y if mask is None else xp.where(mask, y, -xp.inf)
    top = xp.max(seen, axis=axes, keepdims=True)
    # there the difference would be NaN; an infinite gap has a derivative
    beyond = (y == top) & (top == xp.inf)
    if beta is None:
        gaps = xp.where(beyond, 0.0, y - top)
    else:
        low = xp.where((beta == 0) & (top == -xp.inf), 0.0, top)
        gaps = _scaled(xp, xp.where(beyond, 0.0, y / 2 - low / 2), beta)
    return top, gaps if mask is None else xp.where(mask, gaps, -xp.inf)


def _parts(xp, x, axes, beta, mask):
    """The maximum, the scaled gaps below it, and the sum of their exponentials but one that is 1.

    exp is written as expm1 where it is 1, and these are counted: so the sum keeps its digits, and each of
    tied maxima its derivatives.
    """
    top, gaps = _gaps(xp, x, axes, beta, mask)
    tied = gaps == 0
    ties = xp.sum(xp.astype(tied, x.dtype), axis=axes, keepdims=True)
    no_limit = (ties > 1) & xp.isinf(top)
    if beta is not None:
        no_limit = (ties > 1) & (xp.isinf(top) | xp.isinf(beta)) & (beta != 0)
    nothing = _without_derivative(xp, top, no_limit)
    top, gaps = top + nothing, gaps + nothing
    others = xp.sum(
        xp.where(tied, xp.expm1(gaps), xp.exp(gaps)), axis=axes, keepdims=True
    )
    return top, gaps, others + (ties - 1)


def _slicewise(function, x, axis, beta, where, left_out):
    """What a function makes of the scaled gaps and the rest, in the shape and the dtype of x."""
    xp = _namespace(x)
    x, dtype = _floats(xp, x, "x")
    beta = _read_beta(x, beta)
    if beta is None:
        layout = Layout(tuple(x.shape), axis)
    else:
        layout = Layout.shared(tuple(x.shape), axis, _shaped(beta), "beta")
        x = xp.broadcast_to(x, layout.shape)
    mask = _read_mask(x, where)
    if 0 in layout.shape:
        return xp.astype(x, dtype)
    x = xp.reshape(x, layout.working)
    mask = None if mask is None else xp.reshape(mask, layout.working)
    _, gaps, rest = _parts(xp, x, layout.axes, beta, mask)
    y = function(xp, gaps, rest)
    y = y if mask is None else xp.where(mask, y, left_out)
    return xp.astype(xp.reshape(y, layout.shape), dtype)


def portable_softmax(x, axis=-1, beta=1.0, where=None):
    """Probabilities, 0 where the mask leaves out."""

    def probabilities(xp, gaps, rest):
        return xp.exp(gaps) / (1 + rest)

    return _slicewise(probabilities, x, axis, beta, where, 0.0)


def portable_log_softmax(x, axis=-1, beta=1.0, where=None):
    """Their logarithms, -inf where the mask leaves out."""

    def logarithms(xp, gaps, rest):
        return gaps - xp.log1p(rest)

    return _slicewise(logarithms, x, axis, beta, where, -np.inf)


def portable_logsumexp(x, axis=-1, keepdims=False, where=None):
    """The logarithm of the sum of the exponentials."""
    xp = _namespace(x)
    x, dtype = _floats(xp, x, "x")
    layout, mask = Layout(tuple(x.shape), axis), _read_mask(x, where)
    x = xp.reshape(x, layout.working)
    if 0 in layout.shape:
        value = xp.sum(x, axis=layout.axes, keepdims=True) - xp.inf
    else:
        mask = None if mask is None else xp.reshape(mask, layout.working)
        top, _, rest = _parts(xp, x, layout.axes, None, mask)
        value = xp.where(xp.isinf(top), top, top + xp.log1p(rest))
    return xp.astype(xp.reshape(value, layout.reduced_shape(keepdims)), dtype)


# --- book/11-cross-entropy.ipynb, cell build-portable-losses
import math
import operator

from softlit._arrays import plain_array


def no_labels(dtype):
    """The error for labels that are neither classes nor weights."""
    return TypeError(
        f"labels must hold real numbers, not values of dtype {dtype}: "
        "integers are classes, floats are weights"
    )


def class_number(ignore_index):
    """The label that counts nothing, as an integer."""
    try:
        return operator.index(ignore_index)
    except TypeError:
        kind = type(ignore_index).__name__
        raise TypeError(
            f"ignore_index must be an integer, not {kind}"
        ) from None


def _weights(x, labels, axes, mask, ignore_index):
    """Labels as weights in the library and the shape of x, and which slices count, where classes tell."""
    xp = _namespace(x)
    if is_foreign(labels):
        _refuse_stranger(xp, labels, "labels")
    else:
        labels = _like(x, plain_array(labels, "labels"))
    if xp.isdtype(labels.dtype, "real floating"):
        broadcast_array(_shaped(labels), tuple(x.shape), "labels")
        y = xp.broadcast_to(xp.astype(labels, x.dtype), x.shape)
        _refuse_where(xp, y < 0, "labels must not be negative")
        return (y if mask is None else xp.where(mask, y, 0.0)), None
    if not xp.isdtype(labels.dtype, "integral"):
        raise no_labels(labels.dtype)
    if len(axes) > 1:
        raise TypeError("axis must be an int where labels are classes")
    (axis,) = axes
    outer = tuple(n for k, n in enumerate(x.shape) if k != axis)
    broadcast_array(_shaped(labels), outer, "labels")
    labels = xp.expand_dims(xp.broadcast_to(labels, outer), axis=axis)
    n, counts = x.shape[axis], None
    wrong = (labels < 0) | (labels >= n)
    if ignore_index is not None:
        counts = labels != class_number(ignore_index)
        wrong = wrong & counts
    _refuse_where(xp, wrong, f"labels must be classes from 0 to {n - 1}")
    along = [-1 if k == axis else 1 for k in range(x.ndim)]
    classes = xp.reshape(
        xp.arange(
            n, dtype=labels.dtype, device=getattr(labels, "device", None)
        ),
        tuple(along),
    )
    y = xp.astype(classes == labels, x.dtype)
    y = y if counts is None else xp.where(counts, y, 0.0)
    return xp.where(wrong, xp.nan, y), counts


def _refuse_where(xp, wrong, told):
    """Raise a ValueError if something is wrong; of values not there yet, as in jit, nobody can tell."""
    try:
        refused = bool(xp.any(wrong))
    except (TypeError, RuntimeError):
        return
    if refused:
        raise ValueError(told)


def _read_loss(x, labels, axis, where, ignore_index):
    xp = _namespace(x)
    x, dtype = _floats(xp, x, "x")
    layout = Layout(tuple(x.shape), axis)
    mask = _read_mask(x, where)
    x = xp.reshape(x, layout.working)
    mask = None if mask is None else xp.reshape(mask, layout.working)
    y, counts = _weights(x, labels, layout.axes, mask, ignore_index)
    if counts is not None:
        x = xp.where(counts, x, 0.0)  # what is ignored has no derivative either
    return xp, x, dtype, layout, mask, y


def portable_cross_entropy(x, labels, axis=-1, where=None, ignore_index=None):
    """The loss of each slice."""
    xp, x, dtype, layout, mask, y = _read_loss(
        x, labels, axis, where, ignore_index
    )
    surprise = -portable_log_softmax(x, layout.axes, where=mask)
    nothing = (y == 0) & (surprise == xp.inf)
    terms = xp.where(nothing, 0.0, y * xp.where(nothing, 0.0, surprise))
    weight = xp.sum(y, axis=layout.axes)
    loss = xp.where(weight == 0, 0.0, xp.sum(terms, axis=layout.axes))
    return xp.astype(xp.reshape(loss, layout.reduced_shape()), dtype)


def portable_cross_entropy_grad(
    x, labels, axis=-1, where=None, ignore_index=None
):
    """Its slope in the logits."""
    xp, x, dtype, layout, mask, y = _read_loss(
        x, labels, axis, where, ignore_index
    )
    together = {"axis": layout.axes, "keepdims": True}
    whole = xp.sum(y, **together)
    share = whole * portable_softmax(x, layout.axes, where=mask)
    both = share + y
    lead = (both == xp.max(both, **together)) & (both >= whole)
    once = xp.sum(xp.astype(lead, x.dtype), **together) == 1
    slope = share - y
    others = xp.sum(xp.where(lead, 0.0, slope), **together)
    slope = xp.where(lead & once, -others, slope)
    infinite = x == xp.inf if mask is None else (x == xp.inf) & mask
    tied = xp.sum(xp.astype(infinite, x.dtype), **together) > 1
    slope = xp.where(tied, xp.nan, slope)
    slope = xp.where(whole == 0, 0.0, slope)
    slope = slope if mask is None else xp.where(mask, slope, 0.0)
    return xp.astype(xp.reshape(slope, layout.shape), dtype)


def _excess(xp, v):
    """exp(v) - 1 - v without cancellation: by its series where v is small."""
    near = (v <= 0.125) & (v >= -0.125)
    small, large = xp.where(near, v, 0.0), xp.where(near, 1.0, v)
    series = 0 * small
    for k in range(13, 1, -1):
        series = series * small + 1 / math.factorial(k)
    return xp.where(near, small * small * series, xp.expm1(large) - large)


def divergence(xp, gaps, ratio, lost, shares, axes):
    """KL(p | q) of two softmaxes, by terms that are never negative.

    `gaps` are those of the logits below their maxima, `shares` p and q, and ratio + lost is log(p/q), to
    within a common constant that is small: the sum of p exp(-log(p/q)), which is 1, tells it.
    """
    (of_x, of_z), (p, q) = gaps, shares
    finite = xp.isfinite(of_x) & xp.isfinite(of_z)
    ratio = xp.where(finite, ratio, 0.0) + xp.where(finite, lost, 0.0)
    near = finite & (ratio <= 1) & (ratio >= -1)
    missed = xp.where(near, p * xp.expm1(-xp.where(near, ratio, 0.0)), q - p)
    ratio = ratio + _held(xp.sum(missed, axis=axes, keepdims=True))
    low = ratio < -2
    above, below = xp.where(low, 0.0, ratio), xp.where(low, ratio, 0.0)
    of_q = q * (1 - (1 - below) * xp.exp(below))
    terms = xp.where(low, of_q, p * _excess(xp, -above))
    apart = xp.where(of_x == -xp.inf, q, xp.inf)
    terms = xp.where(finite, terms, apart)
    return xp.sum(xp.where(xp.isnan(p + q), xp.nan, terms), axis=axes)


def portable_kl(x, z, axis=-1):
    """The divergence of the softmax of x from the softmax of z."""
    xp = _namespace(x if is_foreign(x) else z)
    x = x if is_foreign(x) else _like(z, real_array(x, "x")[0])
    z = z if is_foreign(z) else _like(x, real_array(z, "z")[0])
    _refuse_stranger(xp, z, "z")
    (x, dtype), (z, other) = _floats(xp, x, "x"), _floats(xp, z, "z")
    x, z = xp.broadcast_arrays(x, z)
    layout = Layout(tuple(x.shape), axis)
    if 0 in layout.shape:
        return xp.astype(xp.sum(x - z, axis=layout.axes), dtype)
    gaps, totals = [], []
    for logits in (x, z):
        logits = xp.reshape(logits, layout.working)
        _, gap, rest = _parts(xp, logits, layout.axes, None, None)
        gaps.append(gap)
        totals.append(rest)
    shares = [xp.exp(a) / (1 + r) for a, r in zip(gaps, totals, strict=True)]
    finite = xp.isfinite(gaps[0]) & xp.isfinite(gaps[1])
    of_x, of_z = (xp.where(finite, gap, 0.0) for gap in gaps)
    log_totals = xp.log1p(totals[0]) - xp.log1p(totals[1])
    ratio = (of_x - of_z) - log_totals
    value = divergence(xp, gaps, ratio, 0 * ratio, shares, layout.axes)
    dtype = xp.result_type(dtype, other)
    return xp.astype(xp.reshape(value, layout.reduced_shape()), dtype)


__all__ = [
    "class_number",
    "divergence",
    "is_foreign",
    "no_labels",
    "portable_cross_entropy",
    "portable_cross_entropy_grad",
    "portable_kl",
    "portable_log_softmax",
    "portable_logsumexp",
    "portable_softmax",
]
