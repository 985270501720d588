# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-leader
"""softmax, log_softmax and logsumexp of one tile and of one small vector, and the table of these tasks."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from softlit._exp import shifted_exp
from softlit._limits import BLOCK, SHORT, wide
from softlit._sums import slice_sums
from softlit._tiles import pieces, take, top_places, tops


def _exp_sums(x, centre, store=None, mask=None):
    """The sum of exp(x - centre) in each slice, piece by piece; the terms are kept in `store`."""
    sums = []
    for piece in pieces(x):
        e = shifted_exp(
            x[piece], centre, None if store is None else store[piece]
        )
        if mask is not None:
            e *= mask[piece].astype(
                e.dtype
            )  # a bool operand would be converted bit by bit
        sums.append(slice_sums(e).astype(wide(x), copy=False))
    return (
        sums[0] if len(sums) == 1 else slice_sums(np.concatenate(sums, axis=1))
    )


def _leader(x, centre, store=None):
    """The maximum, the rest, summed without the largest, and the whole sum, of each row."""
    e, place = shifted_exp(x, centre, store), top_places(x)
    e[place] = 0
    return _beside(x[place], centre, slice_sums(e))


def _leader_in_pieces(x, centre):
    """The same of slices that are interleaved, or too long to hold."""
    top, rests, found = tops(x), [], 0
    for piece in pieces(x):
        e, equal = shifted_exp(x[piece], centre), x[piece] == top
        np.copyto(e, 0, where=equal)
        rests.append(slice_sums(e).astype(wide(x), copy=False))
        found += np.count_nonzero(equal)
    alone = found == top.size and not np.isnan(top).any()
    ties = 1 if alone else np.count_nonzero(x == top, axis=1, keepdims=True)
    return _beside(top, centre, slice_sums(np.concatenate(rests, axis=1)), ties)


def _beside(top, centre, rest, ties=1):
    """The rest in units of the largest, whose other ties join it; digits of float64 cost nothing here."""
    dtype = wide(top)
    if centre is not None:
        centre = centre.astype(dtype, copy=False)
    largest = shifted_exp(top.astype(dtype, copy=False), centre)
    return top, rest / largest + (ties - 1), rest + ties * largest


def _some(x, centre, chosen):
    """The chosen slices in float64 or wider, and their centres."""
    some = take(x, chosen).astype(wide(x), copy=False)
    return some, None if centre is None else take(centre, chosen).astype(
        some.dtype
    )


# --- book/03a-engine-room.ipynb, cell build-tiles
def _softmax_tile(x, centre, out, mask=None):
    total = _exp_sums(x, centre, out, mask)
    if x.shape[1] < SHORT:
        np.divide(out, total, out=out)  # exact for a single entry, and for ties
        return total
    inverse = (1 / total).astype(
        x.dtype
    )  # half an ulp more, in a third of the time
    for piece in pieces(x):
        np.multiply(out[piece], inverse, out=out[piece])
    return total


def _log_softmax_tile(x, centre, out):
    if x.ndim == 2 and x.nbytes <= BLOCK:
        top, rest, total = _leader(x, centre, out)
    else:
        top, rest, total = _leader_in_pieces(x, centre)
    log_total = np.log1p(rest).astype(x.dtype)
    for piece in pieces(x):
        np.subtract(x[piece], top, out=out[piece])
        np.subtract(out[piece], log_total, out=out[piece])
    return total


def _logsumexp_tile(x, centre, out):
    total = _exp_sums(x, centre)
    value = np.log(total) if centre is None else np.log(total) + centre
    small = np.abs(value) < 2
    if small.any():
        top, rest, _ = _leader(*_some(x, centre, small))
        value[small] = log_of_near_one(top.astype(rest.dtype), rest).ravel()
    out[...] = value
    return total


def log_of_near_one(top, rest):
    """log(exp(top) (1 + rest)), by way of the sum less 1 where that is not far from 0."""
    less_one = np.expm1(top) + np.exp(top) * rest
    value = np.where(
        less_one > -0.4, np.log1p(less_one), np.log(np.exp(top) * (1 + rest))
    )
    return np.where(rest > 0, value, top)


# --- book/03a-engine-room.ipynb, cell build-small
_exponential, _sum = (
    np.exp,
    np.add.reduce,
)  # for ten numbers the way to a name counts


def _softmax_vector(x):
    p = _exponential(x)
    place = p.argmax()
    largest = p.item(place)
    p[place] = 0
    total = _sum(p) + largest  # which joins last, so that it meets one rounding
    p[place] = largest
    p /= total
    return p


def _leader_of_vector(x):
    """The maximum, and the sum of the other exponentials in units of its own."""
    e = _exponential(x)
    place = x.argmax()
    largest = e.item(place)
    e[place] = 0
    return x.item(place), float(_sum(e)) / largest


def _log_softmax_vector(x):
    top, rest = _leader_of_vector(x)
    return (x - top) - math.log1p(rest)


def _logsumexp_vector(x):
    top, rest = _leader_of_vector(x)
    if top >= 2 or rest == 0:
        return top + math.log1p(rest)
    less_one = math.expm1(top) + math.exp(top) * rest
    near_one = less_one > -0.4
    return (
        math.log1p(less_one)
        if near_one
        else math.log(math.exp(top) * (1 + rest))
    )


# --- book/03a-engine-room.ipynb, cell build-table
class Task(NamedTuple):
    """What is to be done to every slice: all in which the three functions differ."""

    tile: Callable  # of (x, centre, out): fills a tile of results, and returns the sums
    vector: Callable  # of a small vector in float64
    reduces: bool  # to one number a slice
    least_sum: (
        float  # less is not believed; a logarithm needs its own digits only
    )
    multiplies_by_mask: bool  # the tile takes a mask as well
    left_out: float  # the result of an entry that a mask leaves out

    def columns(self, n):
        """How many results a slice of n entries has."""
        return 1 if self.reduces else n


SOFTMAX = Task(
    tile=_softmax_tile,
    vector=_softmax_vector,
    reduces=False,
    least_sum=0.5,
    multiplies_by_mask=True,
    left_out=0,
)
LOG_SOFTMAX = Task(
    tile=_log_softmax_tile,
    vector=_log_softmax_vector,
    reduces=False,
    least_sum=0.5,
    multiplies_by_mask=False,
    left_out=-np.inf,
)
LOGSUMEXP = Task(
    tile=_logsumexp_tile,
    vector=_logsumexp_vector,
    reduces=True,
    least_sum=2.0**-60,
    multiplies_by_mask=False,
    left_out=-np.inf,
)


__all__ = [
    "LOGSUMEXP",
    "LOG_SOFTMAX",
    "SOFTMAX",
    "Task",
    "log_of_near_one",
]
