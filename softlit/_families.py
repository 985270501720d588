# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15a-states-and-files.ipynb, cell build-terms
"""What softmax remembers of families of logits, as arrays of numbers: made, merged, and read off."""

from functools import reduce

import numpy as np

from softlit._exp import looks_moderate, shifted_exp
from softlit._limits import BLOCK
from softlit._sums import row_sums
from softlit._tasks import log_of_near_one
from softlit._tiles import top_places

_STEP = (
    64  # references are multiples of this: a maximum lies within 32 of its own
)
_ENTRIES = BLOCK // 8  # of float64 in a block
_RUN = 2**14  # entries whose coarse parts are summed without a rounding
_QUICK_RUN = 2**17  # of float32, which has no coarse parts: fewer calls
_RUN_OF_ONES = np.ones(_RUN)


def _reference(top):
    return _STEP * np.rint(top / _STEP)


def _leads(top, reference):
    """exp(top - reference) of single numbers, with what the difference rounds off put back."""
    gap = top - reference
    lead = np.exp(gap) * (1 + (top - (gap + reference)))
    return np.where(np.isfinite(gap), lead, top == np.inf)


def _terms(x, reference, out=None):
    """exp(x - reference) along rows; under a reference of +inf, 1 for each +inf and 0 for the others."""
    if not reference.any() and looks_moderate(x):
        return np.exp(x, out=out, dtype=reference.dtype)
    x = x.astype(reference.dtype, copy=False)
    infinite = reference == np.inf
    if infinite.any():
        x = np.where(infinite, np.where(x == np.inf, 0, -np.inf), x)
    return shifted_exp(x, np.where(np.isfinite(reference), reference, 0), out)


# --- book/15a-states-and-files.ipynb, cell build-two-sums
def coarse_and_fine_sums(e, lead, scratch):
    """The sum of each row as two numbers: one that met no rounding, and the small rest of it."""
    grid = np.ldexp(e.dtype.type(1.5), np.frexp(lead)[1] + 15)
    coarse = np.add(e, grid, out=scratch)
    coarse -= grid
    e -= coarse
    ones = _RUN_OF_ONES[: e.shape[1]].astype(e.dtype, copy=False)
    return np.vecdot(coarse, ones), np.vecdot(e, ones)


def two_sum(a, lost_a, b, lost_b):
    """The sum of two sums, each with what it lost; the rounding of this addition joins them."""
    added = a + b
    of_b = added - a
    lost = (a - (added - of_b)) + (b - of_b)
    return added, np.where(np.isfinite(added), lost + (lost_a + lost_b), 0)


# --- book/15a-states-and-files.ipynb, cell build-families
def _rescaled(family, reference):
    """The sums of a family and what they lost, in other units; what has become nothing is 0."""
    own, numbers = _reference(family[0]), family[1:]
    if not (own == reference).all():
        factor = np.where(own == reference, 1, np.exp(own - reference))
        numbers = np.where(factor == 0, 0, factor * numbers)
    return numbers[::2], numbers[1::2]


def merged_pair(a, b):
    """The family of both: the smaller maximum joins the rest."""
    top, low = np.maximum(a[0], b[0]), np.minimum(a[0], b[0])
    reference = _reference(top)
    both = np.empty(a.shape, top.dtype)
    both[0] = top
    both[1::2], both[2::2] = two_sum(
        *_rescaled(a, reference), *_rescaled(b, reference)
    )
    both[1], both[2] = two_sum(both[1], both[2], _leads(low, reference), 0)
    return both


def merged_in_pairs(family):
    """The families along the last axis merged into one, in pairs."""
    while (n := family.shape[-1]) > 1:
        paired = n - n % 2
        pairs = merged_pair(family[..., :paired:2], family[..., 1:paired:2])
        family = np.concatenate([pairs, family[..., paired:]], axis=-1)
    return family[..., 0]


def _family_of_rows(x, values, e, scratch=None):
    """The family of each row; the buffers are for its exponentials, and in float64 for their coarse parts."""
    place = top_places(x)
    top = x[place].astype(e.dtype)
    e = _terms(x, _reference(top), e)
    lead, weighted = e[place], ()
    if values is not None:
        products = np.where((e == 0) & np.isinf(values), 0, e * values)
        weighted = row_sums(products)[:, 0], np.zeros(len(x))
    e[place] = 0
    if x.dtype == np.float32:
        return top[:, 0], row_sums(e)[:, 0], np.zeros(len(x)), *weighted
    return top[:, 0], *coarse_and_fine_sums(e, lead, scratch), *weighted


def tiles_of_runs(rows, runs, n):
    """Indices that cut an array of these three axes into tiles of whole runs, of about a block."""
    across = max(1, min(runs, _ENTRIES // n))
    down = max(1, _ENTRIES // (n * across))
    for row in range(0, rows, down):
        for run in range(0, runs, across):
            yield slice(row, row + down), slice(run, run + across)


def _families_of_runs(x, values, mask):
    """The family of each run along the last of three axes."""
    n, wide = x.shape[2], np.promote_types(x.dtype, np.float64)
    family = np.zeros((3 if values is None else 5, *x.shape[:2]), wide)
    quick = x.dtype == np.float32 and n >= _RUN and values is None
    size = min(x.size, max(_ENTRIES, n))
    buffers = np.empty(
        (1 if x.dtype == np.float32 else 2, size), x.dtype if quick else wide
    )
    for at in tiles_of_runs(*x.shape):
        tile = x[at].reshape(-1, n)
        carried = (
            None if values is None else values[at].reshape(-1, n).astype(wide)
        )
        if mask is not None:
            allowed = mask[at].reshape(-1, n)
            tile = np.where(allowed, tile, -np.inf)
            carried = None if carried is None else np.where(allowed, carried, 0)
        own = (buffer[: tile.size].reshape(tile.shape) for buffer in buffers)
        for kept, found in zip(
            family, _family_of_rows(tile, carried, *own), strict=True
        ):
            kept[at] = found.reshape(kept[at].shape)
    return family


def _cuts(n, runs):
    """Where whole runs of each length begin and end, the longest first, and what is left over."""
    start = 0
    for run in (*runs, 1):
        stop = n - (n - start) % run
        if stop > start:
            yield slice(start, stop), run if run > 1 else stop - start
        start = stop


def family_of_slices(x, values, mask):
    """The family of each row, of any length."""
    quick = x.dtype == np.float32 and values is None
    families = []
    for at, run in _cuts(x.shape[1], (_QUICK_RUN, _RUN) if quick else (_RUN,)):
        runs = [
            None if part is None else part[:, at].reshape(len(part), -1, run)
            for part in (x, values, mask)
        ]
        families.append(merged_in_pairs(_families_of_runs(*runs)))
    return reduce(merged_pair, families)


# --- book/15a-states-and-files.ipynb, cell build-readings
def no_logits(count, shape, dtype):
    """The family of no logits, of so many numbers for each slice."""
    family = np.zeros((count, *shape), dtype)
    family[0] = -np.inf
    return family


def _unpacked(family):
    """Maximum, reference, exponential of the maximum, rest; as wide as the machine allows."""
    top, rest, lost = (one.astype(np.longdouble) for one in family[:3])
    reference = _reference(top)
    return top, reference, _leads(top, reference), rest + lost


def log_of_sum(family):
    """LogSumExp of all logits of the family."""
    top, reference, lead, rest = _unpacked(family)
    value = reference + np.log(lead + rest)
    value = np.where(
        np.abs(value) < 2, log_of_near_one(top, rest / lead), value
    )
    return np.where(np.isinf(top), top, value)


def mean_of_values(family):
    """The mean of the values that a family of five numbers carries."""
    *_, lead, rest = _unpacked(family)
    return family[3:].sum(axis=0) / (lead + rest)


def shift_and_total(family):
    """What to subtract from a logit, and what to divide its exponential by: the probability."""
    _, reference, lead, rest = _unpacked(family)
    total = np.where(lead + rest == 0, np.nan, lead + rest)
    whole = reference + np.log(total)
    near = (whole >= 0) & (whole <= 32)
    shift = np.where(
        near, 0, np.where(np.isinf(reference), reference, np.floor(whole))
    )
    return shift, total * np.where(
        shift == reference, 1, np.exp(reference - shift)
    )


def probabilities(x, shift, total):
    """Of rows of logits, with a shift and a total for each."""
    return _terms(x, shift) / total


def top_and_log_total(family):
    """What to subtract from a logit, one after the other: the logarithm of the probability."""
    top, _, lead, rest = _unpacked(family)
    return top, np.log1p(rest / lead)


def log_probabilities(x, top, log_total):
    """Of rows of logits, with a maximum and the logarithm of a total for each."""
    return np.where(np.isposinf(top) & np.isposinf(x), 0, x - top) - log_total


__all__ = [
    "coarse_and_fine_sums",
    "family_of_slices",
    "log_of_sum",
    "log_probabilities",
    "mean_of_values",
    "merged_in_pairs",
    "merged_pair",
    "no_logits",
    "probabilities",
    "shift_and_total",
    "tiles_of_runs",
    "top_and_log_total",
    "two_sum",
]
