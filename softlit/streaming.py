# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15-streaming.ipynb, cell build-terms
"""Softmax of more data than memory holds: small states that merge, and attention by blocks."""

import math
from collections import namedtuple
from functools import reduce

import numpy as np

from softlit._arrays import Layout, mask_array, real_array
from softlit.kernels import (
    _BLOCK,
    _exp,
    _log_of_near_one,
    _looks_moderate,
    _places,
    _row_sums,
)

_STEP = 64  # references are multiples of this: a maximum lies within 32 of its own
_ENTRIES = _BLOCK // 8  # of float64 in a block
_RUN = 2**14  # entries whose coarse parts are summed without a rounding
_QUICK_RUN = 2**17  # of float32, which has no coarse parts: fewer calls
_ONES = np.ones(_RUN)


def _reference(top):
    return _STEP * np.rint(top / _STEP)


def _leads(top, reference):
    """exp(top - reference) of single numbers, with what the difference rounds off put back."""
    gap = top - reference
    lead = np.exp(gap) * (1 + (top - (gap + reference)))
    return np.where(np.isfinite(gap), lead, top == np.inf)


def _terms(x, reference, out=None):
    """exp(x - reference) along rows; under a reference of +inf, 1 for each +inf and 0 for the others."""
    if not reference.any() and _looks_moderate(x):
        return np.exp(x, out=out, dtype=reference.dtype)
    x = x.astype(reference.dtype, copy=False)
    infinite = reference == np.inf
    if infinite.any():
        x = np.where(infinite, np.where(x == np.inf, 0, -np.inf), x)
    return _exp(x, np.where(np.isfinite(reference), reference, 0), out)


# --- book/15-streaming.ipynb, cell build-two-sums
def _sums_in_two(e, lead, scratch):
    """The sum of each row as two numbers: one that met no rounding, and the small rest of it."""
    grid = np.ldexp(e.dtype.type(1.5), np.frexp(lead)[1] + 15)
    coarse = np.add(e, grid, out=scratch)
    coarse -= grid
    e -= coarse
    ones = _ONES[: e.shape[1]].astype(e.dtype, copy=False)
    return np.vecdot(coarse, ones), np.vecdot(e, ones)


def _plus(a, lost_a, b, lost_b):
    """The sum of two sums, each with what it lost; the rounding of this addition joins them."""
    added = a + b
    of_b = added - a
    lost = (a - (added - of_b)) + (b - of_b)
    return added, np.where(np.isfinite(added), lost + (lost_a + lost_b), 0)


# --- book/15-streaming.ipynb, cell build-families
def _scaled(family, reference):
    """The sums of a family and what they lost, in other units; what has become nothing is 0."""
    own, numbers = _reference(family[0]), family[1:]
    if not (own == reference).all():
        factor = np.where(own == reference, 1, np.exp(own - reference))
        numbers = np.where(factor == 0, 0, factor * numbers)
    return numbers[::2], numbers[1::2]


def _merged(a, b):
    """The family of both: the smaller maximum joins the rest."""
    top, low = np.maximum(a[0], b[0]), np.minimum(a[0], b[0])
    reference = _reference(top)
    both = np.empty(a.shape, top.dtype)
    both[0] = top
    both[1::2], both[2::2] = _plus(*_scaled(a, reference), *_scaled(b, reference))
    both[1], both[2] = _plus(both[1], both[2], _leads(low, reference), 0)
    return both


def _folded(family):
    """The families along the last axis merged into one, in pairs."""
    while (n := family.shape[-1]) > 1:
        paired = n - n % 2
        pairs = _merged(family[..., :paired:2], family[..., 1:paired:2])
        family = np.concatenate([pairs, family[..., paired:]], axis=-1)
    return family[..., 0]


def _of_rows(x, values, e, scratch=None):
    """The family of each row; the buffers are for its exponentials, and in float64 for their coarse parts."""
    place = _places(x)
    top = x[place].astype(e.dtype)
    e = _terms(x, _reference(top), e)
    lead, weighted = e[place], ()
    if values is not None:
        products = np.where((e == 0) & np.isinf(values), 0, e * values)
        weighted = _row_sums(products)[:, 0], np.zeros(len(x))
    e[place] = 0
    if x.dtype == np.float32:
        return top[:, 0], _row_sums(e)[:, 0], np.zeros(len(x)), *weighted
    return top[:, 0], *_sums_in_two(e, lead, scratch), *weighted


def _tiles(rows, runs, n):
    """Indices that cut an array of these three axes into tiles of whole runs, of about a block."""
    across = max(1, min(runs, _ENTRIES // n))
    down = max(1, _ENTRIES // (n * across))
    for row in range(0, rows, down):
        for run in range(0, runs, across):
            yield slice(row, row + down), slice(run, run + across)


def _of_runs(x, values, mask):
    """The family of each run along the last of three axes."""
    n, wide = x.shape[2], np.promote_types(x.dtype, np.float64)
    family = np.zeros((3 if values is None else 5, *x.shape[:2]), wide)
    quick = x.dtype == np.float32 and n >= _RUN and values is None
    size = min(x.size, max(_ENTRIES, n))
    buffers = np.empty(
        (1 if x.dtype == np.float32 else 2, size), x.dtype if quick else wide
    )
    for at in _tiles(*x.shape):
        tile = x[at].reshape(-1, n)
        carried = None if values is None else values[at].reshape(-1, n).astype(wide)
        if mask is not None:
            allowed = mask[at].reshape(-1, n)
            tile = np.where(allowed, tile, -np.inf)
            carried = None if carried is None else np.where(allowed, carried, 0)
        own = (buffer[: tile.size].reshape(tile.shape) for buffer in buffers)
        for kept, found in zip(family, _of_rows(tile, carried, *own), strict=True):
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


def _of_slices(x, values, mask):
    """The family of each row, of any length."""
    quick = x.dtype == np.float32 and values is None
    families = []
    for at, run in _cuts(x.shape[1], (_QUICK_RUN, _RUN) if quick else (_RUN,)):
        runs = [
            None if part is None else part[:, at].reshape(len(part), -1, run)
            for part in (x, values, mask)
        ]
        families.append(_folded(_of_runs(*runs)))
    return reduce(_merged, families)


# --- book/15-streaming.ipynb, cell build-state
class SoftmaxState(namedtuple("_State", "numbers dtype")):
    r"""What softmax has to remember of logits that are gone; states of parts merge into that of the whole.

    .. math:: (m, s) = \Bigl(\max_j x_j,\ \sum_j e^{x_j - m}\Bigr)

    ``SoftmaxState()`` is the state of no logits. A state is never changed: `update` and `merge` return
    a new one. It pickles to some hundred bytes, and may come from another process or machine.

    Attributes
    ----------
    numbers : ndarray
        For each slice the maximum, the sum of the other exponentials in units of exp(c), where c is the
        multiple of 64 nearest to the maximum, and what that sum lost to rounding; with values, also their
        weighted sum and what it lost. Read-only, float64 or longdouble.
    dtype : numpy.dtype or None
        The dtype of the results: that of the logits (and values), as NumPy promotes them.

    See Also
    --------
    softlit.logsumexp : the same for an array that is at hand.
    softlit.softmax_chunks : softmax of blocks that are read twice.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-monoid` and :prf:ref:`thm-exact-sum`. In float64 the sum meets no
    rounding but that of its exponentials, and one more for each 64 by which the maximum of what counts has
    risen. So the order of the updates and the size of the blocks play no part, or one of the last bit in
    rare cases. float32 is summed in float64; where blocks hold 2**14 entries of a slice and more, their
    exponentials are rounded to float32 first. The pair, updated by one logit at a time: [1]_, [2]_.

    References
    ----------
    .. [1] M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018,
       https://doi.org/10.48550/arXiv.1805.02867
    .. [2] S. Nowozin, "Streaming log-sum-exp computation", 2016,
       https://www.nowozin.net/sebastian/blog/streaming-log-sum-exp-computation.html

    Examples
    --------
    >>> import numpy as np
    >>> import softlit
    >>> state = softlit.SoftmaxState()
    >>> for block in ([1000.0, 1001.0], [], [999.0]):
    ...     state = state.update(block)
    >>> bool(state.logsumexp() == softlit.logsumexp([1000.0, 1001.0, 999.0]))
    True
    >>> state.softmax([1001.0]).round(4)
    array([0.6652])
    """

    __slots__ = ()

    def __new__(cls):
        return cls._of(_nothing(3, (), np.float64), None)

    @classmethod
    def _of(cls, numbers, dtype):
        numbers.flags.writeable = False
        return cls._make([numbers, dtype])

    def __reduce__(self):
        numbers = self.numbers
        return _restored, (numbers.shape, numbers.dtype.char, numbers.tobytes(), self.dtype)

    def __repr__(self):
        return f"SoftmaxState(shape={self.shape}, dtype={self.dtype})"

    @property
    def shape(self):
        """The shape of the slices: of what `logsumexp` returns."""
        return self.numbers.shape[1:]

    def update(self, block, axis=-1, *, values=None, where=None):
        """The state after another block of logits.

        Parameters
        ----------
        block : array_like
            Logits, of a shape that leaves the shape of the state when `axis` is reduced.
        axis : int, tuple of ints or None, optional
            The axis or axes of the block that run along the stream.
        values : array_like, optional
            A value for each logit, whose mean under softmax is carried along; broadcasts against `block`.
        where : array_like of bool, optional
            Entries that take part; it broadcasts to the shape of `block`.

        Returns
        -------
        SoftmaxState

        Raises
        ------
        TypeError
            If `block` or `values` does not hold real numbers, or `where` does not hold bool.
        ValueError
            If the shapes do not fit, or values are given for one part of the stream alone.
        numpy.exceptions.AxisError
            If `axis` is out of range.
        """
        x, dtype = real_array(block)
        layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
        if values is not None:
            values, of_values = real_array(values, "values")
            values, dtype = (
                np.broadcast_to(values, x.shape),
                np.result_type(dtype, of_values),
            )
            x = x.astype(np.result_type(x, values), copy=False)
        shape = layout.outer if x.shape else ()
        if x.size == 0:
            nothing = _nothing(
                3 if values is None else 5, shape, np.result_type(x, np.float64)
            )
            return self.merge(self._of(nothing, dtype))
        rows = [
            None if part is None else layout.rows(part).reshape(-1, layout.size)
            for part in (x, values, mask)
        ]
        with np.errstate(all="ignore"):
            if x.dtype.itemsize > 4:
                np.setbufsize(
                    16
                )  # else NumPy copies what it broadcasts; errstate restores it
            family = _of_slices(*rows)
        return self.merge(self._of(family.reshape(-1, *shape), dtype))

    def merge(self, other):
        """The state of the logits of both states.

        Parameters
        ----------
        other : SoftmaxState
            Of the same shape; its dtype may be another one.

        Returns
        -------
        SoftmaxState

        Raises
        ------
        ValueError
            If the shapes differ, or one of them carries values and the other does not.
        """
        if self.dtype is None or other.dtype is None:
            return other if self.dtype is None else self
        if self.numbers.shape != other.numbers.shape:
            raise ValueError(f"states of {_told(self)} and {_told(other)} cannot be merged")
        with np.errstate(all="ignore"):
            family = _merged(self.numbers, other.numbers)
        return self._of(family, np.result_type(self.dtype, other.dtype))

    def merged(self, axis=-1):
        """The state of all slices along some axes together, merged in pairs.

        Parameters
        ----------
        axis : int, tuple of ints or None, optional
            The axis or axes of the state that disappear; None takes all of them.

        Returns
        -------
        SoftmaxState

        Raises
        ------
        numpy.exceptions.AxisError
            If `axis` is out of range.
        """
        layout = Layout(self.shape, axis)
        if layout.size == 0:
            return self._of(
                _nothing(len(self.numbers), layout.outer, self.numbers.dtype), self.dtype
            )
        with np.errstate(all="ignore"):
            slices = np.stack([layout.rows(one) for one in self.numbers])
            return self._of(_folded(slices), self.dtype)

    def _parts(self):
        """Maximum, reference, exponential of the maximum, rest; as wide as the machine allows."""
        top, rest, lost = (one.astype(np.longdouble) for one in self.numbers[:3])
        reference = _reference(top)
        return top, reference, _leads(top, reference), rest + lost

    def logsumexp(self):
        """LogSumExp of all logits so far; -inf if there were none, NaN if one was NaN.

        For results of size 1 and more it is at most 1 ulp off in float64, and half an ulp for most inputs
        where longdouble is wider than float64, as on PCs; in float32 at most 3 ulp.
        """
        with np.errstate(all="ignore"):
            top, reference, lead, rest = self._parts()
            value = reference + np.log(lead + rest)
            value = np.where(np.abs(value) < 2, _log_of_near_one(top, rest / lead), value)
            value = np.where(np.isinf(top), top, value)
            return value.astype(self.dtype or np.float64)[()]

    def weighted_mean(self):
        """The mean of the values under softmax of all logits so far.

        NaN if there were none, or all were -inf. An infinite value counts where its weight is not 0.

        Raises
        ------
        ValueError
            If the state carries no values.
        """
        if len(self.numbers) == 3:
            raise ValueError("the state carries no values; give them to update")
        with np.errstate(all="ignore"):
            *_, lead, rest = self._parts()
            return (self.numbers[3:].sum(axis=0) / (lead + rest)).astype(self.dtype)[()]

    def softmax(self, block, axis=-1):
        """The probabilities of some of the logits among all that the state has seen.

        Parameters
        ----------
        block : array_like
            Logits, of a shape that leaves the shape of the state when `axis` is reduced.
        axis : int, tuple of ints or None, optional
            The axis or axes of the block that run along the stream.

        Returns
        -------
        ndarray or scalar
            In the shape and dtype of the block.

        Raises
        ------
        TypeError
            If `block` does not hold real numbers.
        ValueError
            If its shape does not fit.
        numpy.exceptions.AxisError
            If `axis` is out of range.
        """
        with np.errstate(all="ignore"):
            _, reference, lead, rest = self._parts()
            whole = reference + np.log(lead + rest)
            near = (whole >= 0) & (whole <= 32)
            shift = np.where(
                near, 0, np.where(np.isinf(reference), reference, np.floor(whole))
            )
            change = np.where(shift == reference, 1, np.exp(reference - shift))
            return self._of_block(
                block, axis, _probabilities, shift, (lead + rest) * change
            )

    def log_softmax(self, block, axis=-1):
        """The logarithms of the probabilities that the method `softmax` gives, without loss for small ones.

        Parameters
        ----------
        block : array_like
            Logits, of a shape that leaves the shape of the state when `axis` is reduced.
        axis : int, tuple of ints or None, optional
            The axis or axes of the block that run along the stream.

        Returns
        -------
        ndarray or scalar
            In the shape and dtype of the block.

        Raises
        ------
        TypeError, ValueError, numpy.exceptions.AxisError
            As the method `softmax` does.
        """
        with np.errstate(all="ignore"):
            top, _, lead, rest = self._parts()
            return self._of_block(
                block, axis, _log_probabilities, top, np.log1p(rest / lead)
            )

    def _of_block(self, block, axis, function, *numbers):
        """The function of rows of the block, and of numbers with one entry a row."""
        x, dtype = real_array(block)
        layout = Layout(x.shape, axis)
        if (layout.outer if x.shape else ()) != self.shape:
            raise ValueError(
                f"a block of shape {x.shape} along axis {layout.axes} does not fit {_told(self)}"
            )
        if x.size == 0:
            return np.empty(x.shape, dtype)
        wide = np.result_type(x, np.float64)
        rows = layout.rows(x).reshape(-1, layout.size)
        out = np.empty(rows.shape, dtype)
        columns = [one.astype(wide).reshape(-1, 1) for one in numbers]
        for at, run in _tiles(*rows.shape, 1):
            tile = rows[at, run].astype(wide)
            out[at, run] = function(tile, *(column[at] for column in columns))
        return layout.restore(out)[()]


def _nothing(count, shape, dtype):
    """The family of no logits."""
    family = np.zeros((count, *shape), dtype)
    family[0] = -np.inf
    return family


def _probabilities(x, shift, total):
    return _terms(x, shift) / total


def _log_probabilities(x, top, log_total):
    return np.where(np.isposinf(top) & np.isposinf(x), 0, x - top) - log_total


def _told(state):
    carrying = " with values" if len(state.numbers) > 3 else ""
    return f"a state of shape {state.shape}{carrying}"


def _restored(shape, kind, content, dtype):
    """A state as it was pickled."""
    return SoftmaxState._of(np.frombuffer(content, kind).reshape(shape), dtype)


# --- book/15-streaming.ipynb, cell build-chunks
def softmax_chunks(blocks, axis=-1):
    r"""Softmax over all blocks together, block by block.

    .. math:: S(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}},

    where the sum runs over the entries of all blocks.

    Parameters
    ----------
    blocks : iterable of array_like
        The pieces of an array along `axis`, such as a list or `softlit.files.NpyFile.blocks`. They are gone
        through twice.
    axis : int, tuple of ints or None, optional
        The axis or axes along which the pieces lie one after the other.

    Returns
    -------
    iterator of ndarray
        The probabilities of each block, in its shape and dtype; edge cases as in `softlit.softmax`.

    Raises
    ------
    TypeError
        If the blocks can be gone through only once, or do not hold real numbers.
    ValueError
        If the shapes of the blocks do not fit each other.
    numpy.exceptions.AxisError
        If `axis` is out of range.

    See Also
    --------
    softlit.SoftmaxState : what is kept between the two passes.
    softlit.files.softmax_npy : from one file into another.
    softlit.dask.softmax : of arrays of dask.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-merge`. The error is at most 6 ulp in float64 and 3 in float32, half
    an ulp there for blocks of fewer than 2**14 entries of a slice, as long as the result is at least 4 times
    the smallest normal number. Two passes instead of three: [1]_.

    References
    ----------
    .. [1] M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018,
       https://doi.org/10.48550/arXiv.1805.02867

    Examples
    --------
    >>> import softlit
    >>> [p.round(4).tolist() for p in softlit.softmax_chunks([[0.0, 1.0], [2.0]])]
    [[0.09, 0.2447], [0.6652]]
    """
    if iter(blocks) is blocks:
        raise TypeError(
            "the blocks are gone through twice, so they must be a list or the like, not an iterator"
        )
    state = SoftmaxState()
    for block in blocks:
        state = state.update(block, axis)
    return (state.softmax(block, axis) for block in blocks)


# --- book/15-streaming.ipynb, cell build-attention
def _pull(weights, values):
    """Sums of the values by weight; a value of weight 0 is not looked at, not even inf or NaN."""
    if np.isfinite(values).all():
        return weights @ values
    parts = np.where(np.isfinite(values), values, 0), values == np.inf, values == -np.inf
    sums, up, down = (weights @ part.astype(weights.dtype) for part in parts)
    unknown = weights @ np.isnan(values).astype(weights.dtype)
    infinite = np.where(up > 0, np.inf, 0) + np.where(down > 0, -np.inf, 0)
    return sums + infinite + np.where(unknown > 0, np.nan, 0)


def _stay_small(q, k, v):
    """Whether all scores lie within 32 of 0, by Cauchy and Schwarz, and no sum of values overflows."""
    squares = (float(np.vecdot(part, part).max(initial=0)) for part in (q, k))
    bound = math.sqrt(math.prod(squares) / max(q.shape[-1], 1))
    largest = max(float(v.max(initial=1)), -float(v.min(initial=-1)))
    room = float(np.finfo(v.dtype).max) / max(v.shape[-2], 1)
    return bound <= _STEP / 2 and largest * math.exp(_STEP / 2) < room


def _subtract_top(scores, top):
    """In place; under a top of +inf, 0 for each +inf and -inf for the others."""
    infinite = top == np.inf
    if infinite.any():
        np.copyto(scores, np.where(scores == np.inf, 0, -np.inf), where=infinite)
    scores -= np.where(np.isfinite(top), top, 0)


def _attend(q, k, v, mask, small, tile):
    """Attention of some queries to all keys, a block of keys at a time, whose scores fill the tile."""
    block, wide = tile.shape[1], np.promote_types(q.dtype, np.float64)
    top = np.full((len(q), 1), 0 if small else -np.inf, q.dtype)
    total, pulled = np.zeros((len(q), 1), wide), np.zeros((len(q), v.shape[1]), wide)
    for start in range(0, len(k), block):
        at = slice(start, start + block)
        if mask is not None and not mask[:, at].any():
            continue
        scores = tile[: len(q), : len(k[at])]
        np.matmul(q, k[at].T, out=scores)
        if mask is not None:
            np.copyto(scores, -np.inf, where=~mask[:, at])
        if not small:
            before, top = top, np.maximum(top, scores.max(axis=1, keepdims=True))
            kept = np.where(before == top, 1, np.exp(before.astype(wide) - top))
            total, pulled = (
                np.where(kept == 0, 0, kept * sums) for sums in (total, pulled)
            )
            _subtract_top(scores, top)
        weights = np.exp(scores, out=scores)
        total += weights @ np.ones((weights.shape[1], 1), q.dtype)
        pulled += _pull(weights, v[at])
    return pulled / total


def attention(q, k, v, *, mask=None, block=1024):
    r"""Attention of queries to keys and their values, without the table of scores.

    .. math:: o_i = \sum_j S(x_i)_j\, v_j, \qquad x_{ij} = \frac{q_i^{\mathsf T} k_j}{\sqrt d}

    Parameters
    ----------
    q : array_like
        Queries of shape (..., n, d).
    k : array_like
        Keys of shape (..., N, d).
    v : array_like
        Values of shape (..., N, D).
    mask : array_like of bool, optional
        Which keys each query may attend to: it broadcasts to (..., n, N).
    block : int, optional
        How many queries meet how many keys at a time: the extra memory is that of block * block scores.

    Returns
    -------
    ndarray
        The means, of shape (..., n, D). float32, float64 and longdouble are kept, mixed ones promoted,
        float16 is computed wider; integers and bool give float64. A query that the mask keeps from all
        keys, or that has none, gets 0. A NaN or infinity among the scores counts as in `softlit.softmax`:
        NaN gives NaN, ties of +inf share, scores of -inf alone give NaN. A value of weight 0 plays no part.

    Raises
    ------
    TypeError
        If `q`, `k` or `v` does not hold real numbers, or `mask` does not hold bool.
    ValueError
        If the shapes do not fit, or `block` is not positive.

    See Also
    --------
    softlit.SoftmaxState : the same merging for one stream of logits.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-carried-mean`. The scores are rounded as in plain attention, which
    costs a weight as much as its gap to the largest score; the sums add a few ulp of ``sum_j p_j |v_j|``,
    or 1e-31 in float32 if that is more. While no score can exceed 32, no maximum is subtracted.
    Attention by blocks: [1]_.

    References
    ----------
    .. [1] T. Dao et al., "FlashAttention: fast and memory-efficient exact attention with IO-awareness",
       NeurIPS 2022, https://doi.org/10.48550/arXiv.2205.14135

    Examples
    --------
    >>> import softlit
    >>> softlit.attention([[0.0]], [[1.0], [2.0]], [[1.0], [3.0]])
    array([[2.]])
    >>> softlit.attention([[1.0]], [[1.0], [2.0]], [[1.0], [3.0]], mask=[[True, False]])
    array([[1.]])
    """
    (q, k, v), dtypes = zip(
        *(real_array(part, name) for part, name in ((q, "q"), (k, "k"), (v, "v"))),
        strict=True,
    )
    if (
        min(q.ndim, k.ndim, v.ndim) < 2
        or q.shape[-1] != k.shape[-1]
        or k.shape[-2] != v.shape[-2]
    ):
        raise ValueError(
            f"q {q.shape}, k {k.shape} and v {v.shape} are not of shapes "
            "(..., n, d), (..., N, d) and (..., N, D)"
        )
    if block < 1:
        raise ValueError(f"block must be at least 1, not {block}")
    n, keys, dtype = q.shape[-2], k.shape[-2], np.result_type(*dtypes)
    try:
        heads = np.broadcast_shapes(*(np.shape(part)[:-2] for part in (q, k, v, mask)))
        mask = mask_array(mask, (*heads, n, keys), "mask")
    except ValueError:
        raise ValueError(
            f"q {q.shape}, k {k.shape}, v {v.shape} and a mask of shape {np.shape(mask)} do not broadcast"
        ) from None
    work = np.result_type(q, k, v)
    root = work.type(math.sqrt(max(q.shape[-1], 1)))
    out = np.empty((*heads, n, v.shape[-1]), dtype)
    tile = np.empty([max(1, min(block, size)) for size in (n, keys)], work)
    with np.errstate(all="ignore"):
        q, k, v = (part.astype(work, copy=False) for part in (q, k, v))
        small = _stay_small(q, k, v)
        q, k, v = (np.broadcast_to(part, heads + part.shape[-2:]) for part in (q, k, v))
        for head in np.ndindex(*heads):
            for start in range(0, n, block):
                at = (*head, slice(start, start + block))
                allowed = None if mask is None else mask[at]
                means = _attend(q[at] / root, k[head], v[head], allowed, small, tile)
                asked = keys > 0 if mask is None else allowed.any(axis=1, keepdims=True)
                out[at] = np.where(asked, means, 0)
    return out


__all__ = [
    "SoftmaxState",
    "attention",
    "softmax_chunks",
]
