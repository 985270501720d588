"""The tools that NumPy multiplies and sums with, as they add on other machines: to be put in their place.

`@` is no function that can be replaced; of the package only attention uses it, which promises no ulps.
"""

from contextlib import nullcontext
from functools import partial
from unittest.mock import patch

import numpy as np

_einsum = np.einsum


def _one_by_one(products):
    """As NumPy without a BLAS, the reference BLAS, and NumPy in the browser do."""
    if products.shape[-1] == 0:
        return products.sum(axis=-1)
    return np.add.accumulate(products, axis=-1)[..., -1]


def _in_eight_parts(products):
    """With eight partial sums, as processors without wide registers do: NumPy's own way to add up to 128."""
    return np.add.reduce(products, axis=-1)


def _vecdot(add, a, b):
    return add(a * b)


def _matmul(add, a, b, out=None):
    products = add(a[..., :, np.newaxis, :] * np.swapaxes(b, -1, -2)[..., np.newaxis, :, :])
    if out is None:
        return products
    out[...] = products
    return out


def _dot(add, a, b):
    return _matmul(add, a, b) if np.ndim(b) == 2 else _vecdot(add, a, b)


def _einsum_by(add, subscripts, *operands, **options):
    if subscripts in ("ij->i", "...j->..."):
        return add(*operands)
    return _einsum(subscripts, *operands, **options)


def _machine(add):
    tools = {"vecdot": _vecdot, "matmul": _matmul, "dot": _dot, "inner": _vecdot, "einsum": _einsum_by}
    replaced = {name: partial(tool, add) for name, tool in tools.items()}
    return lambda: patch.multiple(np, **replaced)


MACHINES = {
    "this one": nullcontext,
    "one by one": _machine(_one_by_one),
    "in eight parts": _machine(_in_eight_parts),
}
