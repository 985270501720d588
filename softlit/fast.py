# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/17-exp-itself.ipynb, cell build-floats
"""softmax, log_softmax and logsumexp of float32 and float64, compiled."""

import math
from typing import NamedTuple

import numpy as np

from softlit._extras import required

_numba = required("numba", "fast")
_overload = required("numba.extending", "fast").overload

_OPTIONS = {
    "fastmath": {"contract"},  # a product may join the sum that it is part of
    "error_model": "numpy",
}


class _Float(NamedTuple):
    """What the kernels know of a dtype."""

    number: type
    integer: type  # of as many bits
    digits: int  # of the fraction
    bias: int  # of the exponent
    far: float  # a maximum of this size is subtracted
    high: float  # log 2 in two parts
    low: float
    terms: tuple  # of (exp(r) - 1 - r) / r^2, the constant first


_FLOATS = {
    _numba.float32: _Float(
        np.float32,
        np.int32,
        digits=23,
        bias=127,
        far=2.0**8,
        high=11357 / 2**14,
        low=-2.908897130469058e-05,
        terms=(
            0.4999999403953552,
            0.1666652113199234,
            0.04166838899254799,
            0.008368710055947304,
            0.0013814609264954925,
        ),
    ),
    _numba.float64: _Float(
        np.float64,
        np.int64,
        digits=52,
        bias=1023,
        far=2.0**11,
        high=190530846196 / 2**38,
        low=1.6465949582897082e-12,
        terms=(
            0.5000000000000011,
            0.16666666666666413,
            0.041666666666530267,
            0.00833333333349427,
            0.0013888888943597094,
            0.0001984126950691967,
            2.4801493136821954e-05,
            2.7557586139498747e-06,
            2.7630233705917696e-07,
            2.5000112802134872e-08,
        ),
    ),
}


# --- book/17-exp-itself.ipynb, cell build-exp
def _exp(x, floor, magic):
    """exp(x) / 2^k, and 0 from the floor down; magic holds bias - k."""


@_overload(_exp, jit_options=_OPTIONS)
def _exp_of(x, floor, magic):
    kind = _FLOATS[x]
    number, integer = kind.number, kind.integer
    log2_e, one = number(1 / math.log(2)), number(1)
    high, low = number(kind.high), number(kind.low)
    last, *others = map(number, reversed(kind.terms))
    others, digits = tuple(others), integer(kind.digits)

    def exp(x, floor, magic):
        x = floor if x < floor else x
        t = x * log2_e + magic  # its last bits: the exponent of 2^(n - k)
        n = t - magic
        r = (x - n * high) - n * low
        p = last
        for c in others:
            p = p * r + c
        power = integer(number(t).view(integer) << digits).view(number)
        return (one + (r + r * r * p)) * power

    return exp


# --- book/17-exp-itself.ipynb, cell build-shift
def _shift(top):
    """What to subtract from each entry; the floor and the magic of `_exp`."""


@_overload(_shift, jit_options=_OPTIONS)
def _shift_by(top):
    kind = _FLOATS[top]
    number, digits = kind.number, kind.digits
    zero, far, bias = map(number, (0, kind.far, kind.bias))
    log2_e, log_2 = number(1 / math.log(2)), number(math.log(2))
    magic = number(1.5 * 2**digits)

    def shift(top):
        is_far = abs(top) >= far
        c = top if is_far else zero
        k = zero if is_far else (top * log2_e + magic) - magic
        return c, (k - bias) * log_2, magic + (bias - k)

    return shift


# --- book/17-exp-itself.ipynb, cell build-top
def _top(x, start, stop):
    """The maximum of x[start:stop]; a NaN may be overlooked."""


@_overload(_top, jit_options=_OPTIONS)
def _top_by_bits(x, start, stop):
    kind = _FLOATS[x.dtype]
    number, integer = kind.number, kind.integer

    def top(x, start, stop):
        least = most = number(x[start]).view(integer)
        for j in range(start, stop):
            bits = number(x[j]).view(integer)
            least, most = min(least, bits), max(most, bits)
        return integer(most if most >= 0 else least).view(number)

    return top


__all__ = []
