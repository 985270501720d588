# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03-computing-it-well.ipynb, cell build-exp
"""softmax, log_softmax and logsumexp along any axes, right to a few ulp, in blocks that fit the cache."""

import math
from functools import lru_cache

import numpy as np

from softlit._arrays import Layout, mask_array, real_array

_TYPES = _FLOAT32, _FLOAT64, _LONGDOUBLE = [
    np.dtype(t) for t in (np.float32, np.float64, np.longdouble)
]
# Where exp is quick: below, results become subnormal; above, their sums may overflow.
_LOW = {t: np.log(np.finfo(t).tiny) + t.type(0.9) for t in _TYPES}
_HIGH = {_FLOAT32: 83, _FLOAT64: 693, _LONGDOUBLE: 693}
# A slice whose exponentials sum to a number between these needs no maximum subtracted.
_LEAST_SUM_FOR_LOG = 2.0**-60  # its logarithm needs only its own digits
_LEAST_SUM, _LARGEST_SUM = (
    0.5,
    {t: 2.0**1000 if t.itemsize > 4 else 2.0**120 for t in _TYPES},
)
# Maxima that need not be subtracted; what is small enough to raise no warning at all.
_MODERATE = {_FLOAT32: 40, _FLOAT64: 300, _LONGDOUBLE: 300}
_SAFE = {_FLOAT32: 36, _FLOAT64: 340}
_SMALL = {
    _FLOAT32: 2**15,
    _FLOAT64: 2**16,
}  # entries; up to there the number of calls decides
_BLOCK = 2**19  # bytes; stays in a core's own cache
_SHORT = 128  # entries of a slice; below, a quotient and NumPy's buffer cost less than their cures
_SHORT_FOR_FLOAT32 = 32  # entries of a slice; below, float32 is worked in float64
_ONES = {t: np.ones(128, t) for t in _TYPES}


def _exp(x, centre, out=None):
    """exp(x - centre), in float64 0 for what would be subnormal; the centre None is 0."""
    if centre is None:
        return np.exp(x, out=out)
    low = _LOW[x.dtype]
    gap = np.subtract(x, centre, out=out)
    if (
        (centre > 0) & (centre < -2 * low)
    ).any():  # else at most half an ulp of 1 is rounded off
        return _exp_with_correction(gap, x, centre)
    if x.dtype == np.float32 or np.minimum.reduce(gap, axis=None) >= low:
        return np.exp(gap, out=gap)
    kept = (gap > low).astype(gap.dtype)
    np.maximum(gap, low, out=gap)
    np.exp(gap, out=gap)
    return np.multiply(gap, kept, out=gap)


def _wide_exp(x, centre, out=None):
    """exp(x - centre) of float32 in float64, whose digits need no correction."""
    gap = x.astype(np.float64)
    if centre is not None:
        gap -= centre.astype(np.float64)
        np.maximum(gap, -700, out=gap)
    return np.exp(gap, out=gap)


def _exp_with_correction(gap, x, centre):
    """exp(x - centre) in the place of the rounded difference, with what was rounded off put back."""
    np.maximum(gap, _LOW[x.dtype], out=gap)
    factor = np.add(gap, centre)  # exact, since the centre is an integer
    np.subtract(x, factor, out=factor)
    factor += 1  # exp(gap + lost) = exp(gap) (1 + lost)
    np.maximum(factor, 0, out=factor)  # far below: 0
    np.exp(gap, out=gap)
    return np.multiply(gap, factor, out=gap)


# --- book/03-computing-it-well.ipynb, cell build-sums
_FEW_ROUNDINGS = 8  # one after the other; a tree of additions has 7 for 128 numbers


def _wide(x):
    return np.promote_types(x.dtype, np.float64)


def _sums(e):
    """The sum of each slice, in an order that lets no number take part in many roundings."""
    return _row_sums(e) if e.ndim == 2 else _folded(e)


def _folded(e):
    """By halves, which is a tree of additions of whole stretches of memory."""
    n, half = e.shape[1], e.shape[1] // 2
    if n == 1:
        return e.copy()
    sums = np.empty((len(e), n - half, *e.shape[2:]), e.dtype)
    np.add(e[:, :half], e[:, half : 2 * half], out=sums[:, :half])
    if n % 2:
        sums[:, half] = e[:, -1]
    return sums if n <= 2 else _folded(sums)


def _by_dot(e, vecdot):
    return vecdot(e, _ONES[e.dtype][: e.shape[-1]])


def _by_einsum(e, einsum):
    return einsum("...j->...", e)


def _row_sums(e):
    """Of runs first, as dot products with ones, then of the runs in float64, and of what is left over."""
    n = e.shape[1]
    if n <= 32:
        if not _longest_run(_by_einsum, np.einsum, e.dtype):
            return _folded(e)
        return _by_einsum(e, np.einsum)[:, np.newaxis]
    if n < 64:
        return _row_sums(e[:, :32]) + _row_sums(e[:, 32:])
    longest = _longest_run(_by_dot, np.vecdot, e.dtype)
    if not longest:
        return _folded(e)
    run = min(longest, 64 if n < 128 else 128)
    cut = n - n % run
    runs = _by_dot(e[:, :cut].reshape(len(e), -1, run), np.vecdot)
    if e.dtype == np.float32:  # in which nothing shows of what float64 rounds off
        total = _by_einsum(runs.astype(np.float64), np.einsum)[:, np.newaxis]
    else:
        total = _row_sums(runs)
    return total if cut == n else total + _row_sums(e[:, cut:])


@lru_cache
def _longest_run(way, tool, dtype):
    """The longest run that the tool may sum on this machine; 0 if it adds the numbers one by one."""
    for n in (128, 64, 32) if way is _by_dot else (32,):
        ends = [_roundings(lambda rows: way(rows, tool), n, dtype, k) for k in (0, n - 1)]
        if max(ends) <= _FEW_ROUNDINGS:
            return n
    return 0


def _roundings(total, n, dtype, place):
    """How many additions, one after the other, the number in this place of n meets when they are summed."""
    # Beside a 1 half its last place is lost, unless it has met another half before.
    half = np.finfo(dtype).eps / 2
    rest, met = np.delete(np.arange(n), place), 0
    while len(rest):
        rows = np.zeros((len(rest), n), dtype)
        rows[:, place] = 1
        rows[:, rest[0]] = half
        rows[np.arange(len(rest)), rest] = half
        together = total(rows) > 1
        together[0] = True
        rest, met = rest[~together], met + 1
    return met


def _exp_sums(x, centre, store=None, mask=None, exp=_exp):
    """The sum of exp(x - centre) in each slice, piece by piece; the terms are kept in `store`."""
    sums = []
    for piece in _pieces(x):
        e = exp(x[piece], centre, None if store is None else store[piece])
        if mask is not None:
            e *= mask[piece].astype(e.dtype)  # a bool operand would be converted bit by bit
        sums.append(_sums(e).astype(_wide(x), copy=False))
    return sums[0] if len(sums) == 1 else _sums(np.concatenate(sums, axis=1))


def _places(x):
    """The index of the maximum of each row."""
    return np.arange(len(x))[:, np.newaxis], x.argmax(axis=1)[:, np.newaxis]


def _top(x):
    return x[_places(x)] if x.ndim == 2 else np.maximum.reduce(x, axis=1, keepdims=True)


# --- book/03-computing-it-well.ipynb, cell build-leader
def _leader(x, centre, store=None, exp=_exp):
    """The maximum, the rest, summed without the largest, and the whole sum, of each slice."""
    e = exp(x, centre, store)
    if x.ndim == 2:
        place = _places(x)
        top, largest = x[place], e[place]
        e[place] = 0
        rest = _sums(e)
        return top, rest / largest, rest + largest
    largest = _top(e)
    others = (e < largest).astype(e.dtype)
    ties = x.shape[1] - _sums(others)
    rest = _sums(np.multiply(e, others, out=e))
    return _top(x), rest / largest + (ties - 1), rest + ties * largest


def _leader_by_difference(x, centre, exp):
    """The same, with the largest subtracted from the sum, and where that shows, afresh."""
    total, top = _exp_sums(x, centre, exp=exp), _top(x)
    largest = exp(top, centre)
    rest = (total - largest) / largest
    lossy = rest < (2.0**-20 if exp is _wide_exp else 1)
    if lossy.any():
        rest[lossy] = _leader(*_some(x, centre, lossy))[1].ravel()
    return top, rest, total


def _some(x, centre, chosen):
    """The chosen slices in float64 or wider, and their centres."""
    some = _take(x, chosen).astype(_wide(x), copy=False)
    return some, None if centre is None else _take(centre, chosen).astype(some.dtype)


# --- book/03-computing-it-well.ipynb, cell build-tiles
def _softmax_tile(x, centre, out, mask):
    total = _exp_sums(x, centre, out, mask)
    if x.shape[1] < _SHORT:
        np.divide(out, total, out=out)  # exact for a single entry, and for ties
        return total
    inverse = (1 / total).astype(x.dtype)  # half an ulp more, in a third of the time
    for piece in _pieces(x):
        np.multiply(out[piece], inverse, out=out[piece])
    return total


def _log_softmax_tile(x, centre, out, mask):
    exp = _wide_exp if x.dtype == np.float32 else _exp
    in_cache = x.ndim == 2 and x.size * _wide(x).itemsize <= _BLOCK
    if in_cache or x.shape[1] < _SHORT:
        top, rest, total = _leader(x, centre, out, exp)
    else:
        top, rest, total = _leader_by_difference(x, centre, exp)
    log_total = np.log1p(rest).astype(x.dtype)
    for piece in _pieces(x):
        np.subtract(x[piece], top, out=out[piece])
        np.subtract(out[piece], log_total, out=out[piece])
    return total


def _logsumexp_tile(x, centre, out, mask):
    total = _exp_sums(x, centre)
    value = np.log(total) if centre is None else np.log(total) + centre
    small = np.abs(value) < 2
    if small.any():
        top, rest, _ = _leader(*_some(x, centre, small))
        value[small] = _log_of_near_one(top.astype(rest.dtype), rest).ravel()
    out[...] = value
    return total


def _log_of_near_one(top, rest):
    """log(exp(top) (1 + rest)), by way of the sum less 1 where that is not far from 0."""
    less_one = np.expm1(top) + np.exp(top) * rest
    value = np.where(less_one > -0.4, np.log1p(less_one), np.log(np.exp(top) * (1 + rest)))
    return np.where(rest > 0, value, top)


# --- book/03-computing-it-well.ipynb, cell build-careful
def _centre(top):
    """What to subtract from slices with these maxima: nothing if that is safe, else an integer.

    Either way the sum of the exponentials is at least 1.
    """
    moderate = (top >= 0) & (top <= _MODERATE[top.dtype])
    return np.where(moderate | ~np.isfinite(top), 0, np.floor(top))


def _looks_moderate(x):
    """Whether exp stays in its quick range, judged by one entry in sixteen."""
    some = x[::16] if len(x) >= 16 else x[:, ::16]
    least, most = np.minimum.reduce(some, axis=None), np.maximum.reduce(some, axis=None)
    return _LOW[x.dtype] <= least and most <= _HIGH[x.dtype]


def _apply(function, x, out, mask):
    """Try a tile as it is; then, with care, the slices in which exp left its range."""
    if not _looks_moderate(x) or (mask is not None and function is not _softmax_tile):
        _carefully(function, x, out, mask)
        return
    total = function(x, None, out, mask)
    least = _LEAST_SUM if function is not _logsumexp_tile else _LEAST_SUM_FOR_LOG
    strays = ~((total >= least) & (total <= _LARGEST_SUM[x.dtype]))
    count = np.count_nonzero(strays)
    if count == 0:
        return
    if count == strays.size:
        _carefully(function, x, out, mask)
    else:
        some = _take(out, strays)
        _carefully(
            function, _take(x, strays), some, None if mask is None else _take(mask, strays)
        )
        _put(out, strays, some)


def _carefully(function, x, out, mask):
    """A tile of slices that need their maximum subtracted, or whose maximum is not finite."""
    if mask is not None:
        _apply(function, np.where(mask, x, -np.inf), out, None)
        if out.shape == x.shape:
            np.copyto(out, 0 if function is _softmax_tile else -np.inf, where=~mask)
        return
    top = _top(x)
    centre = _centre(top)
    if x.dtype == np.float32 and function is not _log_softmax_tile and not centre.any():
        centre = None  # in float64 a floor keeps exp quick
    if function is _logsumexp_tile:
        function(x, centre, out, None)
        np.copyto(out, top, where=~np.isfinite(top))
        return
    if np.isposinf(top).any():  # the limit: ties of +inf at 0, and nothing else counts
        x = np.where(np.isposinf(top), np.where(x == np.inf, x.dtype.type(0), -np.inf), x)
    function(x, centre, out, None)


# --- book/03-computing-it-well.ipynb, cell build-gaps
def _scaled_gaps(rows, beta, mask):
    """beta (x - max x) along the last axis, or beta (x - min x) for a negative beta: never positive.

    Equal infinities are tied, beta = 0 gives zeros, an infinite beta keeps the ties of the maximum
    alone, and a row of -inf alone gives NaN. Entries outside the mask get -inf.
    """
    y = np.copysign(1, beta) * rows
    if mask is not None:
        y = np.where(mask, y, -np.inf)
    top = np.max(y, axis=-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isneginf(top) & (beta != 0), np.nan, top)
    half_gaps = np.where(y == top, 0, y / 2 - top / 2)
    scaled = np.abs(beta) * half_gaps * 2
    zero_times_infinity = np.isnan(scaled) & ~np.isnan(half_gaps) & ~np.isnan(beta)
    scaled = np.where(zero_times_infinity, 0, scaled)
    scaled = np.where(
        np.isinf(beta) & (y < top), -np.inf, scaled
    )  # a gap too small to be halved
    return scaled if mask is None else np.where(mask, scaled, -np.inf)


# --- book/03-computing-it-well.ipynb, cell build-layout
def _to_slices(x, layout, interleaved=True):
    """The slices along axis 1: a view unless their axes are apart, or few neighbours interleaved."""
    if interleaved and layout.axes:
        first, last = layout.axes[0], layout.axes[-1]
        inner = math.prod(layout.working[last + 1 :])
        if inner >= 32 and layout.axes == tuple(range(first, last + 1)):
            return x.reshape(-1, layout.size, inner)
    return layout.rows(x).reshape(-1, layout.size)


def _from_slices(y, layout):
    return y.reshape(layout.shape) if y.ndim == 3 else layout.restore(y)


def _tiles(x, itemsize):
    """Indices that cut an array into tiles of whole slices, of about a block or of one slice."""
    outer, n, inner = (*x.shape, 1)[:3]
    entries = _BLOCK // itemsize
    width = min(inner, max(1024, entries // n))
    height = max(1, entries // (n * width))
    for row in range(0, outer, height):
        for column in range(0, inner, width):
            tile = slice(row, row + height), slice(None), slice(column, column + width)
            yield tile[: x.ndim]


def _pieces(tile):
    """Indices that cut a tile across its slices into pieces of at most a block."""
    n = tile.shape[1]
    step = max(1, _BLOCK * n // tile.nbytes)
    return [(slice(None), slice(start, start + step)) for start in range(0, n, step)]


def _take(x, chosen):
    """The chosen slices of a tile, as rows."""
    return x[chosen[:, 0]] if x.ndim == 2 else x.swapaxes(1, 2)[chosen[:, 0]]


def _put(x, chosen, rows):
    if x.ndim == 2:
        x[chosen[:, 0]] = rows
    else:
        x.swapaxes(1, 2)[chosen[:, 0]] = rows


# --- book/03-computing-it-well.ipynb, cell build-whole
def _by_tiles(function, x, beta, mask, out):
    """Apply the function of one tile to all tiles of an array of slices."""
    n = x.shape[1]
    np.setbufsize(16 if n >= _SHORT else 8192)  # the default copies what NumPy broadcasts
    in_float64 = x.dtype == np.float32 and n < _SHORT_FOR_FLOAT32
    itemsize = (_wide(x) if function is _log_softmax_tile else x.dtype).itemsize
    for tile in _tiles(x, itemsize):
        part, part_mask = x[tile], None if mask is None else mask[tile]
        if beta is not None:
            part = _scaled_gaps(part.astype(_wide(x), copy=False), beta[tile[0]], part_mask)
        if part.dtype == out.dtype and not in_float64:
            _apply(function, part, out[tile], part_mask)
        else:
            wide = np.empty(out[tile].shape, _wide(x))
            _apply(function, part.astype(wide.dtype, copy=False), wide, part_mask)
            out[tile] = wide


def _slicewise(function, x, axis, beta, where):
    """Apply a function of tiles that gives as many numbers as it takes."""
    with np.errstate(all="ignore"):  # also restores the size of the buffer
        column = None
        if type(beta) is not float or beta != 1:
            beta = real_array(beta, "beta")[0].astype(x.dtype)
            layout = Layout.shared(x.shape, axis, beta, "beta")
            x = np.broadcast_to(x, layout.shape)
            column = layout.column(beta, "beta").reshape(-1, 1)
        layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
        if 0 in x.shape:
            return np.empty(x.shape, x.dtype)
        rows = _to_slices(x, layout, column is None)
        mask = None if mask is None else _to_slices(mask, layout, column is None)
        out = np.empty(rows.shape, x.dtype)
        _by_tiles(function, rows, column, mask, out)
        return _from_slices(out, layout)[()]


# --- book/03-computing-it-well.ipynb, cell build-small
from softlit import _generic


def _small_logits(x, axis, where=None):
    """x in float64, if it is small, its slices are rows, and no warning can arise; else None."""
    if type(x) is not np.ndarray or not x.ndim or where is not None:
        return None
    if type(axis) is not int or axis != -1:
        return None
    if not 0 < x.size <= _SMALL.get(x.dtype, 0):
        return None
    limit = _SAFE[x.dtype]
    safe = -limit <= x.item(x.argmin()) and x.item(x.argmax()) <= limit
    return x.astype(np.float64, copy=False) if safe else None


def _small_rows(function, x, columns):
    """What a function of tiles makes of small logits, in one tile."""
    rows = x.reshape(-1, x.shape[-1])
    out = np.empty((len(rows), columns))
    function(rows, None, out, None)
    return out


def _small_sum(e):
    """The sum of a vector; its largest entry joins last, so that it meets one rounding."""
    place = e.argmax()
    largest = e.item(place)
    e[place] = 0
    total = np.add.reduce(e) + largest
    e[place] = largest
    return total


def _small_leader(x):
    """The maximum of a small vector, and the sum of the other exponentials in units of its own."""
    e = np.exp(x)
    place = x.argmax()
    largest = e.item(place)
    e[place] = 0
    return x.item(place), np.add.reduce(e).item() / largest


def _admit(function, x, **options):
    """Call the function again with an array that it computes with; the result in the dtype of x."""
    if _generic.is_foreign(x):
        return getattr(_generic, f"portable_{function.__name__}")(x, **options)
    x, dtype = real_array(x)
    with np.errstate(all="ignore"):
        return function(x, **options).astype(dtype, copy=False)


# --- book/03-computing-it-well.ipynb, cell build-weights
def _signed_terms(x, b):
    """b exp(x - centre) along rows, right to their last digits, and the centres."""
    top = np.max(x + np.log(np.abs(b)), axis=-1, keepdims=True, initial=-np.inf)
    centre = np.where(np.isfinite(top) & (np.abs(top) > 300), np.rint(top), 0)
    gap = x - centre
    lost = x - (gap + centre)
    lost = np.where(np.abs(lost) < 1, lost, 0)  # else the term is 0 or infinite
    near = np.clip(gap, -700, 700)  # a large weight brings back what exp alone would lose
    return np.exp(near) * b * np.exp(gap - near) * (1 + lost), centre


def _sums_in_two(terms):
    """The sum along rows of terms of any sign, as two numbers: one without a rounding, and a small one."""
    size = np.sum(np.abs(terms), axis=-1, keepdims=True)
    grid = np.ldexp(terms.dtype.type(1.5), np.frexp(size)[1] + 1)
    coarse = np.where(np.isfinite(size), (terms + grid) - grid, terms)
    fine = np.where(np.isfinite(size), terms - coarse, 0)
    return tuple(np.sum(part, axis=-1, keepdims=True) for part in (coarse, fine))


def _signed_log(x, b):
    """log |sum of b exp(x)| along rows, and the sign of the sum."""
    terms, centre = _signed_terms(x, b)
    coarse, fine = _sums_in_two(terms)
    total = coarse + fine
    sign = np.sign(total)
    less_one = (sign * coarse - 1) + sign * fine
    near_one = np.abs(less_one) < 0.5
    return centre + np.where(near_one, np.log1p(less_one), np.log(np.abs(total))), sign


def _weighted(x, b, axis, keepdims, where):
    """log |sum of b exp(x)| over the axes, and the sign of the sum."""
    if _generic.is_foreign(x) or _generic.is_foreign(b):
        raise TypeError("the weights b and return_sign are for NumPy arrays alone")
    # a Python number does not widen the result; numpy.float64, which is a float too, does
    scalar = type(b) in (bool, int, float)
    (x, dtype), (b, own) = real_array(x), real_array(b, "b")
    dtype = dtype if scalar else np.promote_types(dtype, own)
    try:
        shape = np.broadcast_shapes(x.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"b has shape {b.shape}, which does not broadcast against the shape {x.shape} of x"
        ) from None
    layout, mask = Layout(shape, axis), mask_array(where, shape)
    x, b = (layout.rows(np.broadcast_to(a, shape).astype(_wide(a))) for a in (x, b))
    kept = b != 0 if mask is None else (b != 0) & layout.rows(mask)
    with np.errstate(all="ignore"):
        results = _signed_log(np.where(kept, x, -np.inf), np.where(kept, b, 0))
        return tuple(layout.reduced(value, keepdims).astype(dtype)[()] for value in results)


# --- book/03-computing-it-well.ipynb, cell build-softmax
def softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""The softmax function: probabilities proportional to the exponentials of the logits.

    .. math:: S(\beta x)_i = \frac{e^{\beta x_i}}{\sum_j e^{\beta x_j}}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, in units of 1/logit; an array broadcasts against `x`, and does not vary
        along `axis`. It is rounded to the dtype of the computation. 0 gives the uniform distribution,
        a negative one the soft minimum, inf and -inf the hard limits, NaN gives NaN.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Probabilities in the shape of `x` (broadcast with `beta`; a NumPy scalar if 0-d). float16,
        float32, float64 and longdouble are kept (float16 is computed wider), integers and bool give
        float64. Entries that `where` leaves out are 0. A slice with a NaN gives NaN; of several
        entries equal to +inf each has an equal share; a slice of -inf alone gives NaN. No warning is
        raised.

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
    softlit.log_softmax : the logarithms of these probabilities, without loss for small ones.
    softlit.softmin : the same for -x.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-sum-tells` and :prf:ref:`thm-compensated-shift`. For `beta` = 1
    the error is at most 6 ulp in float64 and 8 in float32 on all rows that searches have found, half an
    ulp in float32 for slices of fewer than 32 entries, as long as the result is at least 4 times the
    smallest normal number; below, it may be 0. A row made so that all roundings of the sum go one way
    may reach 20 + 2 log2(N) ulp. For another `beta` the rounded gaps add up to
    ``2 * (g_i + sum(p * g))`` ulp in float64, where ``g = beta * (max(x) - x)``, or with the minimum for
    a negative `beta`; the mean in it is at most log(N). In float32 the error is then half an ulp.
    longdouble is as right as the exponential of the C library.
    Arrays of other libraries (JAX, PyTorch with array-api-compat) are computed and returned in theirs,
    and can be differentiated there, with respect to `beta` too; a masked array is refused, since its mask
    would be lost, and one of dask in favour of `softlit.dask`.
    The name is from [1]_; error analysis of the shifted form: [2]_.

    References
    ----------
    .. [1] J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
       relationships to statistical pattern recognition", Neurocomputing, NATO ASI Series F 68 (1990)
       227-236, https://doi.org/10.1007/978-3-642-76153-9_28
    .. [2] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> softlit.softmax([1000.0, 1000.0])
    array([0.5, 0.5])
    >>> softlit.softmax([[1.0, 2.0], [3.0, -np.inf]]).round(4)
    array([[0.2689, 0.7311],
           [1.    , 0.    ]])
    >>> softlit.softmax([1.0, 3.0, 3.0], beta=np.inf)
    array([0. , 0.5, 0.5])
    """
    if type(beta) is float and beta == 1:
        logits = _small_logits(x, axis, where)
        if logits is not None:
            if x.ndim == 1:
                p = np.exp(logits)
                p /= _small_sum(p)
            else:
                p = _small_rows(_softmax_tile, logits, x.shape[-1]).reshape(x.shape)
            return p.astype(x.dtype, copy=False)
    if type(x) is not np.ndarray or x.dtype not in _LARGEST_SUM:
        return _admit(softmax, x, axis=axis, beta=beta, where=where)
    return _slicewise(_softmax_tile, x, axis, beta, where)


# --- book/03-computing-it-well.ipynb, cell build-log-softmax
def log_softmax(x, axis=-1, *, beta=1.0, where=None):
    r"""The logarithm of the softmax function, without forming the probabilities.

    .. math:: \log S(\beta x)_i = \beta x_i - \log \sum_j e^{\beta x_j}

    Parameters
    ----------
    x : array_like
        Logits: real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the probabilities sum to 1; None takes all of them.
    beta : float or array_like, optional
        Inverse temperature, as in `softmax`.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        Log-probabilities, at most 0, shaped and typed as `softmax` does. Entries that `where` leaves
        out are -inf. A slice with a NaN, or of -inf alone, gives NaN. No warning is raised.

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
    softlit.softmax, softlit.logsumexp

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split`. For `beta` = 1 the error is at most 4 ulp on all
    rows that searches have found, for results below -1e-290 (-1e-20 in float32); nearer to 0 the
    relative error may grow. On rows made against the order of the sum the 4 become 20 + 2 log2(N). For
    longdouble see `softmax`. For another `beta` the rounded gaps add, in float64, up to ``2 * (g_i +
    sum(p * g))`` times half of eps, with ``g`` as in `softmax`: an absolute error. Arrays of other
    libraries are computed and returned in theirs. Error analysis: [1]_.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import softlit
    >>> softlit.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    >>> bool(softlit.log_softmax([0.0, -40.0])[0] < 0)
    True
    """
    if type(beta) is float and beta == 1:
        logits = _small_logits(x, axis, where)
        if logits is not None:
            if x.ndim == 1:
                top, rest = _small_leader(logits)
                value = (logits - top) - math.log1p(rest)
            else:
                value = _small_rows(_log_softmax_tile, logits, x.shape[-1]).reshape(x.shape)
            return value.astype(x.dtype, copy=False)
    if type(x) is not np.ndarray or x.dtype not in _LARGEST_SUM:
        return _admit(log_softmax, x, axis=axis, beta=beta, where=where)
    return _slicewise(_log_softmax_tile, x, axis, beta, where)


# --- book/03-computing-it-well.ipynb, cell build-logsumexp
def logsumexp(x, axis=-1, *, b=None, keepdims=False, return_sign=False, where=None):
    r"""The logarithm of the sum of the exponentials: the smooth maximum.

    .. math:: \operatorname{LSE}(x) = \log \sum_j e^{x_j}, \qquad \log \sum_j b_j e^{x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis or axes that are summed over; None takes all of them.
    b : array_like, optional
        Weights of the exponentials, real numbers of any sign; they broadcast against `x`. An entry of
        weight 0 does not take part, whatever it is.
    keepdims : bool, optional
        Whether the summed axes stay, with size 1.
    return_sign : bool, optional
        Whether the result is a pair: the logarithm of the size of the sum, and its sign. Without it, a
        negative sum gives NaN.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        `x` with the summed axes reduced, a NumPy scalar if none is left. float16, float32, float64
        and longdouble are kept (float16 is computed wider), integers and bool give float64. A slice
        with a NaN gives NaN, one with +inf gives +inf; an empty slice, one that `where` leaves out
        altogether, and one of -inf alone give -inf. No warning is raised. With weights, in the wider
        dtype of both (a Python number does not widen), a sum of 0 gives -inf, and infinite terms of
        both signs give NaN.
    sign : ndarray or scalar
        1, 0 or -1 (NaN for NaN) in the shape and dtype of the result; only with `return_sign`.

    Raises
    ------
    TypeError
        If `x` or `b` does not hold real numbers, or `where` does not hold bool; if `b` or `return_sign`
        meets arrays of other libraries.
    ValueError
        If `where` does not broadcast to the shape of `x`, or `b` and `x` do not broadcast.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.softmax : its gradient.
    softlit.logcumsumexp : the same of the first entries, for each number of them.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-log1p-split` and :prf:ref:`thm-weighted-condition`. The error
    is at most 3 ulp or, for results smaller than 1, 2 eps of float64, which in float32 show only below
    1e-8, on all rows that searches have found; on rows made against the order of the sum the 3 and the
    2 become 20 + 2 log2(N). For longdouble see `softmax`. With weights it is at most 2 ulp and 3 eps of
    float64 times the condition ``sum(abs(b) * exp(x)) / abs(sum(b * exp(x)))``, which is 1 if no weight
    is negative. Arrays of other libraries are computed and returned in theirs. Error analysis: [1]_.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax
       functions", IMA J. Numer. Anal. 41 (2021) 2311-2330, https://doi.org/10.1093/imanum/draa038

    Examples
    --------
    >>> import softlit
    >>> round(float(softlit.logsumexp([1000.0, 1000.0])), 6)
    1000.693147
    >>> softlit.logsumexp([[0.0, 0.0], [1.0, 1.0]], axis=0).round(6)
    array([1.313262, 1.313262])
    >>> value, sign = softlit.logsumexp([1000.0, 1001.0], b=[1, -1], return_sign=True)
    >>> round(float(value), 6), float(sign)
    (1000.541325, -1.0)
    """
    if b is not None:
        value, sign = _weighted(x, b, axis, keepdims, where)
        return (value, sign) if return_sign else np.where(sign < 0, np.nan, value)[()]
    if return_sign:
        return _weighted(x, 1.0, axis, keepdims, where)
    logits = None if keepdims else _small_logits(x, axis, where)
    if logits is not None:
        if x.ndim > 1:
            value = _small_rows(_logsumexp_tile, logits, 1).reshape(x.shape[:-1])
            return value.astype(x.dtype, copy=False)
        top, rest = _small_leader(logits)
        if top >= 2 or rest == 0:
            return x.dtype.type(top + math.log1p(rest))
        less_one = math.expm1(top) + math.exp(top) * rest  # the sum less 1
        near = less_one > -0.4
        return x.dtype.type(
            math.log1p(less_one) if near else math.log(math.exp(top) * (1 + rest))
        )
    if type(x) is not np.ndarray or x.dtype not in _LARGEST_SUM:
        return _admit(logsumexp, x, axis=axis, keepdims=keepdims, where=where)
    layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
    if 0 in x.shape:
        return layout.reduced(np.full(layout.outer, -np.inf, x.dtype), keepdims)[()]
    rows = _to_slices(x, layout)
    mask = None if mask is None else _to_slices(mask, layout)
    out = np.empty((len(rows), 1, *rows.shape[2:]), x.dtype)
    with np.errstate(all="ignore"):
        _by_tiles(_logsumexp_tile, rows, None, mask, out)
    return layout.reduced(out, keepdims)[()]


# --- book/03-computing-it-well.ipynb, cell build-running
def _joined(top, rest, other_top, other_rest):
    """The maximum and the rest of two parts together, from those of each."""
    higher = np.maximum(top, other_top)
    first = top == higher
    gap = np.where(
        top == other_top, 0, np.abs(top - other_top)
    )  # equal infinities are tied
    below = 1 + np.where(first, other_rest, rest)
    return higher, np.where(first, rest, other_rest) + below * np.exp(-gap)


def _running(top, rest):
    """The maxima and rests of the first 1, 2, 3 ... entries along the last axis."""
    n = top.shape[-1]
    if n <= 1:
        return top, rest
    even, second, parts = n - n % 2, slice(1, None, 2), np.empty((2, *top.shape), top.dtype)
    pairs = _joined(
        top[..., :even:2], rest[..., :even:2], top[..., second], rest[..., second]
    )
    parts[:, ..., 0] = top[..., 0], rest[..., 0]
    parts[:, ..., second] = _running(*pairs)
    before = parts[:, ..., 1 : n - 1 : 2]
    parts[:, ..., 2::2] = _joined(*before, top[..., 2::2], rest[..., 2::2])
    return tuple(parts)


def _run_along(rows):
    """The running LogSumExp of each row, in its place."""
    top, rest = _running(rows, np.zeros_like(rows))
    np.add(top, np.log1p(rest), out=rows)
    small = (np.abs(rows) < 2) & (top < 0)  # where the two parts cancel
    rows[small] = _log_of_near_one(top[small], rest[small])


# --- book/03-computing-it-well.ipynb, cell build-logcumsumexp
def logcumsumexp(x, axis=-1, *, where=None):
    r"""The logarithm of the running sum of the exponentials.

    .. math:: y_k = \log \sum_{j \le k} e^{x_j}

    Parameters
    ----------
    x : array_like
        Real numbers of any shape.
    axis : int, tuple of ints or None, optional
        The axis along which the sums run. Several axes are run through in their own order, the last one
        quickest, and None takes all of them.
    where : array_like of bool, optional
        Entries that take part; it broadcasts to the shape of `x`.

    Returns
    -------
    ndarray or scalar
        In the shape of `x`. float16, float32, float64 and longdouble are kept (all but longdouble are
        computed in float64), integers and bool give float64. After a NaN all sums are NaN, after a +inf
        all are +inf; before the first entry that takes part and is not -inf they are -inf. An entry that
        `where` leaves out has the sum of those before it. No warning is raised.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers or belongs to another library, or `where` does not hold bool.
    ValueError
        If `where` does not broadcast to the shape of `x`.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.logsumexp : the last of these sums.
    softlit.SoftmaxState : the same of what arrives in pieces.

    Notes
    -----
    Derived in chapter 03, :prf:ref:`thm-joined-rests`. The error is at most 4 ulp or, for results smaller
    than 1, 2 eps of float64, which in float32 show only below 1e-8, on all rows that searches have found;
    by counting roundings it is at most 8 log2(N) ulp. A sum that runs one by one rounds N - 1 times. The
    order of the joins, for running sums of any kind, is from [1]_.

    References
    ----------
    .. [1] R. P. Brent and H. T. Kung, "A regular layout for parallel adders", IEEE Trans. Comput. C-31 (1982)
       260-264, https://doi.org/10.1109/TC.1982.1675982

    Examples
    --------
    >>> import softlit
    >>> softlit.logcumsumexp([0.0, 0.0, 0.0]).round(4)
    array([0.    , 0.6931, 1.0986])
    >>> softlit.logcumsumexp([-1000.0, 0.0, 1000.0])
    array([-1000.,     0.,  1000.])
    """
    if _generic.is_foreign(x):
        raise TypeError(
            "x must be a NumPy array: logcumsumexp has no form for other libraries"
        )
    x, dtype = real_array(x)
    layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
    with np.errstate(all="ignore"):
        kept = x if mask is None else np.where(mask, x, -np.inf)
        rows = layout.rows(kept).astype(_wide(x))
        rows = rows.reshape(math.prod(layout.outer), layout.size)
        height = max(1, _BLOCK // rows.itemsize // max(1, layout.size))
        for start in range(0, len(rows), height):
            _run_along(rows[start : start + height])
        return layout.restore(rows).astype(dtype)[()]


__all__ = [
    "log_softmax",
    "logcumsumexp",
    "logsumexp",
    "softmax",
]
