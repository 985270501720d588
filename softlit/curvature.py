# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/09-curvature.ipynb, cell build-gaps
"""How much softmax stretches a change of its logits: the largest eigenvalue of its Jacobian."""

import numpy as np

from softlit._arrays import on_rows, real_array
from softlit._limits import wide
from softlit._sums import difference

_STEPS = 30  # of Newton's method, which mostly needs two to four


def _halves(mantissa):
    """A mantissa as two numbers of half its digits, whose products need no rounding."""
    digits = np.finfo(mantissa.dtype).nmant // 2 + 1
    scaled = mantissa * (mantissa.dtype.type(2) ** digits + 1)
    high = scaled - (scaled - mantissa)
    return high, mantissa - high


def _product(x, y):
    """x times y, rounded, and what the rounding has lost."""
    (x, of_x), (y, of_y) = np.frexp(x), np.frexp(y)
    rounded = x * y
    (a, b), (c, d) = _halves(x), _halves(y)
    lost = ((a * c - rounded) + a * d + b * c) + b * d
    lost = np.where(np.isfinite(rounded), lost, 0)
    return np.ldexp(rounded, of_x + of_y), np.ldexp(lost, of_x + of_y)


def _gaps(size, x, y):
    """size (x - y), rounded, and the rest; of halves, so that no difference overflows."""
    half, lost = difference(x / 2, y / 2)
    gap, rest = _product(2 * size, half)
    return gap, rest + 2 * size * lost


def _top_two(y):
    """The largest entry of each row, the second one, and the rows with -inf in the place of the first."""
    first = np.argmax(y, axis=-1, keepdims=True)
    others = y.copy()
    np.put_along_axis(others, first, -np.inf, axis=-1)
    top = np.take_along_axis(y, first, axis=-1)
    return top, np.max(others, axis=-1, keepdims=True), others


def _added(terms):
    return np.sum(terms, axis=-1, keepdims=True)


def _stretch(w, s):
    """The largest eigenvalue over the second probability, and the first probability.

    `w` are the probabilities but the first over the second, `s` is the second over the first. With B the
    sum of w/(mu - w) the eigenvalue over the second probability is the zero of 1/B + s mu - 1 beyond 1. This
    is concave, so that Newton's method climbs without overshooting: from the lower bound of the theorem, or
    the first step from 1.
    """
    rest, ties = _added(w), _added(w == 1)
    share = 1 / (1 + s * rest)
    bound = share * (rest + _added(w * w) / rest)
    mu = np.maximum(bound, 1 + (1 - s) / (1 / ties + s))
    smallest = 2 * np.finfo(w.dtype).eps
    for _ in range(_STEPS):
        d = mu - w
        ratio = w / d
        inverse = 1 / _added(ratio)
        slope = _added(ratio / d) * inverse**2 + s
        step = (1 - s * mu - inverse) / slope
        rises = step > smallest * mu  # not where it is NaN: there mu is 1
        if not rises.any():
            break
        mu = np.where(rises, mu + step, mu)
    return mu, share


def _norms(y, size):
    """The norm of each row for logits y, at the inverse temperature `size` of at least 0."""
    top, second, others = _top_two(y)
    gap, lost = _gaps(size, second, top)
    below, lost_below = _gaps(size, others, second)
    root = np.exp(gap / 2)  # its square may underflow where the norm does not
    w = np.exp(below) * (1 + lost_below)
    mu, share = _stretch(w, root * root * (1 + lost))
    norm = size * root * (share * mu * (1 + lost)) * root
    flat = np.isneginf(second) | np.isposinf(top) | np.isinf(size) | (size == 0)
    norm = np.where(flat, 0, norm)
    tied = (top == second) & (np.isinf(top) | np.isinf(size)) & (size != 0)
    return np.where(tied | np.isnan(top + size), np.nan, norm)[..., 0]


# --- book/09-curvature.ipynb, cell build-softmax-spectral-norm
@on_rows(columns=("beta",), x=real_array)
def softmax_spectral_norm(x, axis=-1, *, beta=1.0):
    r"""How much softmax stretches a small change of the logits at most.

    The spectral norm of its Jacobian, which is its largest eigenvalue in size: the local Lipschitz constant
    in the Euclidean norm, and the largest curvature of LogSumExp.

    .. math:: \lVert J \rVert_2 = \max_{v \ne 0} \frac{\lVert J v \rVert_2}{\lVert v \rVert_2},
        \qquad J = \beta\,(\operatorname{diag}(p) - p\,p^{\mathsf T}), \qquad p = S(\beta x)

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, in units of 1/logit; an array broadcasts against `x`, and does not vary
        along `axis`. It is rounded to the dtype of the computation.

    Returns
    -------
    ndarray or scalar
        Numbers from 0 to ``abs(beta) / 2``, with the axes reduced, a NumPy scalar if none is left.
        float16, float32, float64 and longdouble are kept, integers and bool give float64. Infinite
        logits give limits: 0 for a single one at +inf; one at -inf takes no part. Where no limit
        exists the result is NaN, as in `softlit.softmax_jacobian`: several logits at +inf, all at
        -inf, or an infinite `beta` with a tied maximum; for a negative `beta` the signs are reversed.
        For `beta` = 0, for a single logit and for an empty slice it is 0. A slice with a NaN gives
        NaN. No warning is raised.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax_jacobian : the matrix, which is not formed here.

    Notes
    -----
    Derived in chapter 09, :prf:ref:`thm-secular` and :prf:ref:`thm-largest-eigenvalue`. It takes O(N)
    operations a step, and mostly two to four steps. In float64 the relative error is at most 1e-14 for
    every `beta`, on all rows that searches have found, for results that are normal numbers; in float32 half
    an ulp. The eigenvalues of a diagonal matrix after a change of rank one: [1]_.

    References
    ----------
    .. [1] J. R. Bunch, C. P. Nielsen and D. C. Sorensen, "Rank-one modification of the symmetric
       eigenproblem", Numer. Math. 31 (1978) 31-48, https://doi.org/10.1007/BF01396012

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> print(softlit.softmax_spectral_norm(np.log([0.7, 0.2, 0.1])).round(4))
    0.3344
    >>> softlit.softmax_spectral_norm([[0.0, 0.0], [0.0, -700.0]])
    array([5.00000000e-001, 1.97193531e-304])
    """
    if x.shape[-1] == 0:
        return np.zeros(x.shape[:-1], x.dtype)
    y = (np.copysign(1, beta) * x).astype(wide(x))
    return _norms(y, np.abs(beta).astype(wide(x)))


__all__ = [
    "softmax_spectral_norm",
]
