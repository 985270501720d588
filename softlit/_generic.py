# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03-computing-it-well.ipynb, cell build-generic
"""The same functions for arrays of other libraries, by the array API standard: one short body.

The result stays in the library, so that `jax.jit`, `jax.grad` and torch's autograd see through it.
Floats are computed in their own dtype. Infinities and masks follow the contract of the NumPy kernels;
accuracy, warnings, empty slices and the checks of beta and where are the library's own, an infinite beta
does not give the hard limit, and beta = 0 with infinite logits gives NaN.
"""

import numpy as np


def is_foreign(x):
    """Whether x is an array of another library than NumPy."""
    if isinstance(x, np.ndarray | np.generic):
        return False
    return (
        hasattr(x, "__array_namespace__") or type(x).__module__.partition(".")[0] == "torch"
    )


def _namespace(x):
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    try:
        import array_api_compat
    except ImportError:
        raise TypeError(
            f"{type(x).__module__}.{type(x).__qualname__} has no __array_namespace__: "
            "install array-api-compat, or pass a NumPy array"
        ) from None
    return array_api_compat.array_namespace(x)


def _parts(x, axis, beta, where):
    """The namespace; the maximum, the gaps below it, and the sum of their other exponentials."""
    xp = _namespace(x)
    if not xp.isdtype(x.dtype, ("bool", "integral", "real floating")):
        raise TypeError(f"x must hold real numbers, not values of dtype {x.dtype}")
    if not xp.isdtype(x.dtype, "real floating"):
        x = xp.astype(x, xp.asarray(0.5).dtype)  # the library's usual float
    if type(beta) is not float or beta != 1:
        x = x * beta
    if where is not None:
        x = xp.where(xp.asarray(where), x, -xp.inf)
    top = xp.max(x, axis=axis, keepdims=True)
    x = xp.where(top == xp.inf, xp.where(x == xp.inf, xp.zeros_like(x), -xp.inf), x)
    gaps = x - xp.where(top == xp.inf, 0.0, top)
    ties = xp.sum(xp.astype(gaps == 0, x.dtype), axis=axis, keepdims=True)
    others = xp.sum(xp.where(gaps == 0, 0.0, xp.exp(gaps)), axis=axis, keepdims=True)
    return xp, top, gaps, others + (ties - 1)


def portable_softmax(x, axis=-1, beta=1.0, where=None):
    """Probabilities, 0 where the mask leaves out."""
    xp, _, gaps, rest = _parts(x, axis, beta, where)
    p = xp.exp(gaps) / (1 + rest)
    return p if where is None else xp.where(xp.asarray(where), p, 0.0)


def portable_log_softmax(x, axis=-1, beta=1.0, where=None):
    """Their logarithms, -inf where the mask leaves out."""
    xp, _, gaps, rest = _parts(x, axis, beta, where)
    y = gaps - xp.log1p(rest)
    return y if where is None else xp.where(xp.asarray(where), y, -xp.inf)


def portable_logsumexp(x, axis=-1, keepdims=False, where=None):
    """The logarithm of the sum of the exponentials."""
    xp, top, _, rest = _parts(x, axis, 1.0, where)
    value = xp.where(xp.isinf(top), top, top + xp.log1p(rest))
    if keepdims:
        return value
    axes = tuple(range(x.ndim)) if axis is None else axis
    return xp.squeeze(value, axis=axes)


__all__ = [
    "is_foreign",
    "portable_log_softmax",
    "portable_logsumexp",
    "portable_softmax",
]
