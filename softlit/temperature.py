# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/06-sharpness.ipynb, cell build-softmin
"""The other end of the temperature axis: logits in reversed order."""

from softlit._arrays import real_array
from softlit._portable import is_foreign
from softlit.kernels import softmax


def softmin(x, axis=-1, *, beta=1.0, where=None):
    r"""The soft minimum: probabilities that favour the small logits.

    .. math:: S(-\beta x)_i = \frac{e^{-\beta x_i}}{\sum_j e^{-\beta x_j}}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, in units of 1/logit; an array broadcasts against `x`, and does not vary
        along `axis`. It is rounded to the dtype of the computation. 0 gives the uniform distribution,
        inf shares equally among the minima, a negative one gives the soft maximum, NaN gives NaN.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Probabilities in the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d), typed as
        `softmax` does. Entries that `where` leaves out are 0. A slice with a NaN gives NaN. For a
        positive `beta`, of several entries equal to -inf each has an equal share, and a slice of +inf
        alone gives NaN; for a negative one the signs are reversed, and 0 gives equal shares. No
        warning is raised.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : the same for -x.

    Notes
    -----
    Derived in chapter 06, :prf:ref:`thm-negative-limit`. The temperature of softmax and its limits:
    [1]_.

    References
    ----------
    .. [1] B. Gao and L. Pavel, "On the properties of the softmax function with application in game theory
       and reinforcement learning", 2017, https://doi.org/10.48550/arXiv.1704.00805

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.softmin([0.0, 1.0, 2.0]).round(4)
    array([0.6652, 0.2447, 0.09  ])
    >>> softlit.softmin([3.0, 1.0, 1.0], beta=np.inf)
    array([0. , 0.5, 0.5])
    """
    if not is_foreign(beta):
        beta = real_array(beta, "beta")[0]
    return softmax(x, axis, beta=-beta, where=where)


__all__ = [
    "softmin",
]
