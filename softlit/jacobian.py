# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/08-jacobian.ipynb, cell build-rows
"""The derivative of softmax: as a matrix, and as products with vectors that never form the matrix."""

import numpy as np

from softlit._arrays import (
    Layout,
    broadcast_array,
    mask_array,
    on_floats,
    real_array,
    whole_number,
)
from softlit.kernels import softmax


def _softmax_rows(x, axis, beta, where):
    """Probabilities, the factor beta and the mask, each slice a row, and the layout that puts rows back.

    A row is NaN where softmax has no limit that could be differentiated: several infinite logits
    at the top, or any tie at the top for an infinite beta. Elsewhere an infinite beta gives a
    one-hot row and derivatives of 0, so its factor is 0.
    """
    beta = real_array(beta, "beta")[0].astype(x.dtype)
    p = np.asarray(softmax(x, axis, beta=beta, where=where))
    layout = Layout(p.shape, axis)
    mask = mask_array(True if where is None else where, p.shape)
    logits, factors, p, mask = (
        layout.rows(np.broadcast_to(a, p.shape)) for a in (x, beta, p, mask)
    )
    y = np.where(mask, np.copysign(1, factors) * logits, -np.inf)
    top = np.max(y, axis=-1, keepdims=True, initial=-np.inf)
    tied = np.sum(mask & (y == top), axis=-1, keepdims=True) > 1
    no_limit = tied & (np.isposinf(top) | np.isinf(factors)) & (factors != 0)
    factors = np.where(np.isinf(factors), 0, factors)
    return np.where(no_limit, np.nan, p), factors, mask, layout


# --- book/08-jacobian.ipynb, cell build-jacobian
@on_floats(x=real_array)
def softmax_jacobian(x, axis=-1, *, beta=1.0, where=None):
    r"""All partial derivatives of softmax, as a matrix for each slice.

    .. math:: J_{ir} = \frac{\partial S(\beta x)_i}{\partial x_r} = \beta\, p_i (\delta_{ir} - p_r),
        \qquad p = S(\beta x)

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, optional
        The axis along which the probabilities sum to 1. One axis only: the entries of several have
        no order as rows and columns.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`; rounded to the dtype of the computation, it is a
        factor of the result.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x` (broadcast with `beta`).

    Returns
    -------
    ndarray
        Shape (..., N, N), where N is the length of `axis` and ... are the other axes of `x`
        (broadcast with `beta`) in their order: `axis` moves to the end and is doubled. Entry
        [..., i, r] is the derivative of probability i with respect to logit r. A 0-d `x` gives
        shape (1, 1). The dtype is that of `softlit.softmax`.

        Infinite logits give limits: all 0 for a single logit at +inf; 0 in the row and column of
        one at -inf. Where no limit exists the slice is NaN: several logits at +inf, all at -inf, or
        an infinite `beta` with a tied maximum; for a negative `beta` the signs are reversed. A single
        logit at -inf gives NaN too, as its softmax does, though its limit is 0. For `beta` = 0 the
        derivative is 0, also at infinite logits. A slice with a NaN gives NaN. Rows and columns of
        entries that `where` leaves out are 0. No warning is raised.

    Raises
    ------
    TypeError
        If `x` or `beta` does not hold real numbers, `where` does not hold bool, or `axis` is not an
        integer.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax_jvp, softlit.softmax_vjp : its products with vectors, in O(N) instead of O(N**2).

    Notes
    -----
    Derived in chapter 08, :prf:ref:`thm-jacobian`, with a mask :prf:ref:`thm-masked-jacobian`. The
    diagonal is the negative sum of the other entries of its row, so that it keeps its digits where p is
    close to 1. More on the matrix: [1]_.

    References
    ----------
    .. [1] B. Gao and L. Pavel, "On the properties of the softmax function with application in game theory
       and reinforcement learning", 2017, https://doi.org/10.48550/arXiv.1704.00805

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.softmax_jacobian(np.log([1.0, 1.0, 2.0])).round(4)
    array([[ 0.1875, -0.0625, -0.125 ],
           [-0.0625,  0.1875, -0.125 ],
           [-0.125 , -0.125 ,  0.25  ]])
    >>> softlit.softmax_jacobian(np.zeros((3, 7, 4)), axis=0).shape
    (7, 4, 3, 3)
    >>> softlit.softmax_jacobian([0.0, -np.inf, 0.0])
    array([[ 0.25,  0.  , -0.25],
           [ 0.  ,  0.  ,  0.  ],
           [-0.25,  0.  ,  0.25]])
    """
    axis = whole_number(axis, "axis must be an int")
    p, factors, mask, _ = _softmax_rows(x, axis, beta, where)
    a, b = p[..., :, np.newaxis], p[..., np.newaxis, :]
    # beta meets the larger factor first: no product of small ones
    # underflows on the way
    jacobian = 0 - (factors[..., np.newaxis] * np.maximum(a, b)) * np.minimum(
        a, b
    )
    diagonal = np.einsum("...ii->...i", jacobian)  # a view of the matrix
    diagonal[...] = 0 * p  # NaN stays NaN
    diagonal -= np.sum(jacobian, axis=-1)
    inside = mask[..., :, np.newaxis] & mask[..., np.newaxis, :]
    return np.where(inside, jacobian, 0)


# --- book/08-jacobian.ipynb, cell build-products
def _centred_product(p, v):
    """p * (v - sum(p v)) along the last axis, for v relative to its value at the largest p."""
    most = p == np.max(p, axis=-1, keepdims=True, initial=0)
    reference = np.max(
        np.where(most, v, -np.inf), axis=-1, keepdims=True, initial=-np.inf
    )
    v = v - np.where(np.isfinite(reference), reference, 0)
    v = np.where((p == 0) & np.isinf(v), 0, v)
    return p * (v - np.sum(p * v, axis=-1, keepdims=True))


def _product(x, v, name, axis, beta, where):
    """The Jacobian at x times v, which errors call by its name."""
    p, factors, mask, layout = _softmax_rows(x, axis, beta, where)
    v = layout.rows(broadcast_array(v, layout.shape, name))
    product = factors * _centred_product(p, np.where(mask, v, 0))
    return layout.restore(np.where(mask, product, 0))


# --- book/08-jacobian.ipynb, cell build-jvp
@on_floats(x=real_array, v=real_array)
def softmax_jvp(x, v, axis=-1, *, beta=1.0, where=None):
    r"""How the probabilities move as the logits move along `v`.

    The Jacobian of softmax times a vector.

    .. math:: J v = \beta\, p \circ (v - (p^{\mathsf T} v) \mathbf{1}), \qquad p = S(\beta x)

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    v : array_like
        The direction; it broadcasts to the shape of `x` (broadcast with `beta`).
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`; rounded to the dtype of the computation, it is a
        factor of the result.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x` (broadcast with `beta`).

    Returns
    -------
    ndarray or scalar
        Derivatives in the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d), of the
        promoted dtype of `x` and `v`, where integers and bool count as float64; float16 is computed
        wider.

        Infinite logits give limits, NaN where none exists, as in `softlit.softmax_jacobian`. An
        infinite entry of `v` has no effect where the probability is 0 and acts as in floating-point
        arithmetic elsewhere; so does a difference of entries that overflows, and gives inf or NaN. A
        slice with a NaN gives NaN. Entries that `where` leaves out are 0, and neither the logit nor the
        entry of `v` is looked at. No warning is raised.

    Raises
    ------
    TypeError
        If `x`, `v` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax_vjp : the same product, read as backpropagation.
    softlit.softmax_jacobian : the matrix.

    Notes
    -----
    Derived in chapter 08, :prf:ref:`thm-jvp`, with a mask :prf:ref:`thm-masked-jacobian`. It takes O(N)
    operations a slice. The value of `v` at the most probable entry is subtracted first, so that a constant
    in `v` costs no digits. More on the matrix: [1]_.

    References
    ----------
    .. [1] B. Gao and L. Pavel, "On the properties of the softmax function with application in game theory
       and reinforcement learning", 2017, https://doi.org/10.48550/arXiv.1704.00805

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.softmax_jvp(np.log([1.0, 1.0, 2.0]), [0.0, 0.0, 1.0]).round(4)
    array([-0.125, -0.125,  0.25 ])
    >>> softlit.softmax_jvp([0.0, 1.0, 3.0], np.full(3, 1e9))
    array([0., 0., 0.])
    """
    return _product(x, v, "v", axis, beta, where)


# --- book/08-jacobian.ipynb, cell build-vjp
@on_floats(x=real_array, g=real_array)
def softmax_vjp(x, g, axis=-1, *, beta=1.0, where=None):
    r"""A gradient for the probabilities, carried back to the logits.

    .. math:: J^{\mathsf T} g = \beta\, p \circ (g - (p^{\mathsf T} g) \mathbf{1}), \qquad p = S(\beta x)

    The Jacobian is symmetric, so this is the product that `softlit.softmax_jvp` computes; it has a
    name of its own because code that reads ``vjp`` says which way it goes.

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    g : array_like
        The gradient of a scalar with respect to the probabilities; it broadcasts to the shape of `x`
        (broadcast with `beta`).
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softlit.softmax`; rounded to the dtype of the computation, it is a
        factor of the result.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x` (broadcast with `beta`).

    Returns
    -------
    ndarray or scalar
        The gradient with respect to `x`, shaped and typed as `softlit.softmax_jvp` does, with the same
        treatment of infinities, NaN and masks.

    Raises
    ------
    TypeError
        If `x`, `g` or `beta` does not hold real numbers, or `where` does not hold bool.
    ValueError
        If `beta` varies along `axis`, or the shapes do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax_jvp, softlit.softmax_jacobian

    Notes
    -----
    Derived in chapter 08, :prf:ref:`thm-jvp`, with a mask :prf:ref:`thm-masked-jacobian`. A loss that takes
    the logarithm of a probability should not be carried back by this function: its gradient `g` contains
    1/p, which overflows for a small probability. Its gradient with respect to the logits is finite,
    :prf:ref:`thm-log-softmax-jacobian`; the second example has it. Gradients carried back through
    softmax: [1]_.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
       relationships to statistical pattern recognition", Neurocomputing, NATO ASI Series F 68 (1990)
       227-236, https://doi.org/10.1007/978-3-642-76153-9_28

    Examples
    --------
    The mean of the coordinates 0, 1, 2 under softmax, as a function of the logits:

    >>> import numpy as np
    >>> import softlit
    >>> softlit.softmax_vjp(np.log([1.0, 1.0, 2.0]), [0.0, 1.0, 2.0]).round(4)
    array([-0.3125, -0.0625,  0.375 ])

    The loss -log p[1] has the gradient p - e[1], which needs no division by p[1]; here p[1] is 0 in
    floating point, and 1/p[1] infinite:

    >>> x = np.array([0.0, -800.0])
    >>> softlit.softmax(x) - [0.0, 1.0]
    array([ 1., -1.])

    A row of padding gets 0, forwards and backwards:

    >>> keep = [[True, True], [False, False]]
    >>> softlit.softmax_vjp(np.zeros((2, 2)), [1.0, 0.0], where=keep)
    array([[ 0.25, -0.25],
           [ 0.  ,  0.  ]])
    """
    return _product(x, g, "g", axis, beta, where)


__all__ = [
    "softmax_jacobian",
    "softmax_jvp",
    "softmax_vjp",
]
