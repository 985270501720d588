# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15a-states-and-files.ipynb, cell build-state
"""Softmax of more data than memory holds: small states that merge, and two passes over blocks."""

from itertools import zip_longest

import numpy as np

from softlit._arrays import Layout, broadcast_array, mask_array, real_array
from softlit._families import (
    family_of_slices,
    log_of_sum,
    log_probabilities,
    mean_of_values,
    merged_in_pairs,
    merged_pair,
    no_logits,
    probabilities,
    shift_and_total,
    tiles_of_runs,
    top_and_log_total,
)


class SoftmaxState:
    r"""What softmax has to remember of logits that are gone; states of parts merge into that of the whole.

    .. math:: (m, s) = \Bigl(\max_j x_j,\ \sum_j e^{x_j - m}\Bigr)

    ``SoftmaxState()`` is the state of no logits. A state is never changed: `update` and `merge` return
    a new one, so ``state.update(x)`` alone does nothing; write ``state = state.update(x)``. ``a + b`` is
    ``a.merge(b)``, and ``sum(states, SoftmaxState())`` the state of all. States with the same numbers and
    dtype are equal and have one hash (those of other blocks of the same logits may differ in the last bits);
    they have no order, no length and no entries. A state pickles to some hundred bytes, and may come from
    another process or machine; `from_numbers` makes one from numbers that came as JSON or from another
    language.

    See Also
    --------
    softlit.logsumexp : the same for an array that is at hand.
    softlit.softmax_chunks : softmax of blocks that are read twice.

    Notes
    -----
    An update costs a few tenths of a millisecond, whether it takes in one number or a thousand: collect
    numbers that come singly, and feed blocks. A state has three numbers for each slice, or five.

    Derived in chapter 15, :prf:ref:`thm-monoid`, and chapter 15a, :prf:ref:`thm-exact-sum`. In float64 the
    sum meets no rounding but that of its exponentials, and one more for each 64 by which the maximum of what
    counts has risen. So the order of the updates and the size of the blocks play no part, or one of the last
    bit in rare cases. float32 is summed in float64; where blocks hold 2**14 entries of a slice and more,
    their exponentials are rounded to float32 first. The pair, updated by one logit at a time: [1]_, [2]_.

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
    >>> halves = [softlit.SoftmaxState().update(half) for half in ([1000.0, 1001.0], [999.0])]
    >>> sum(halves, softlit.SoftmaxState()) == state
    True
    """

    __slots__ = ("_dtype", "_numbers")

    def __init__(self):
        self._numbers, self._dtype = no_logits(3, (), np.float64), None
        self._numbers.flags.writeable = False

    @classmethod
    def _of(cls, numbers, dtype):
        state = cls.__new__(cls)
        state._numbers, state._dtype = numbers, dtype
        numbers.flags.writeable = False
        return state

    @classmethod
    def from_numbers(cls, numbers, dtype="float64"):
        """The state that has these numbers: what `numbers` was, wherever it has been since.

        Parameters
        ----------
        numbers : array_like
            The attribute `numbers` of a state, or its ``tolist()``, which JSON brings back to the last bit;
            of longdouble it does not, pickle does.
        dtype : dtype_like or None, optional
            The attribute `dtype` of that state, or its name; None is that of ``SoftmaxState()``.

        Returns
        -------
        SoftmaxState

        Raises
        ------
        TypeError
            If `numbers` does not hold real numbers, or `dtype` is no floating type.
        ValueError
            If no state has these numbers.

        Examples
        --------
        >>> import json
        >>> import softlit
        >>> state = softlit.SoftmaxState().update([1000.0, 1001.0])
        >>> sent = json.dumps({"numbers": state.numbers.tolist(), "dtype": state.dtype.name})
        >>> softlit.SoftmaxState.from_numbers(**json.loads(sent)) == state
        True
        """
        numbers = real_array(numbers, "numbers")[0]
        if numbers.shape[:1] not in ((3,), (5,)):
            raise ValueError(
                f"numbers has shape {numbers.shape}, not (3, ...), or (5, ...) with values"
            )
        if dtype is None:
            if not np.array_equal(numbers, cls().numbers):
                raise ValueError(
                    "numbers of a state of some logits need their dtype"
                )
            return cls()
        dtype = _floating(dtype)
        with np.errstate(all="ignore"):
            held = numbers.astype(np.result_type(dtype, np.float64))
            faults = _faults(numbers, held, dtype)
        for fault, slices in faults.items():
            if slices.any():
                at = ", ".join([":", *map(str, np.argwhere(slices)[0])])
                raise ValueError(
                    f"numbers[{at}] is of no state of {dtype}: {fault}"
                )
        return cls._of(held, dtype)

    def __reduce__(self):
        numbers = self.numbers
        return _restored, (
            numbers.shape,
            numbers.dtype.char,
            numbers.tobytes(),
            self.dtype,
        )

    def __repr__(self):
        return f"SoftmaxState(shape={self.shape}, dtype={self.dtype})"

    def __eq__(self, other):
        if not isinstance(other, SoftmaxState):
            return NotImplemented
        of_one_type = str(self.dtype) == str(other.dtype)  # float64 equals None
        return of_one_type and np.array_equal(
            self.numbers, other.numbers, equal_nan=True
        )

    def __hash__(self):
        # of bytes, in which equal numbers must not differ: -0.0, NaN and what pads a longdouble
        with np.errstate(
            all="ignore"
        ):  # a longdouble beyond float64 becomes infinite
            plain = (
                np.where(np.isnan(self.numbers), 0, self.numbers).astype(float)
                + 0.0
            )
        return hash((self.shape, str(self.dtype), plain.tobytes()))

    def __add__(self, other):
        return (
            self.merge(other)
            if isinstance(other, SoftmaxState)
            else NotImplemented
        )

    @property
    def numbers(self):
        """For each slice the maximum, the sum of the other exponentials in units of exp(c), where c is the
        multiple of 64 nearest to the maximum, and what that sum lost to rounding; with values, also their
        weighted sum and what it lost. A read-only array of float64 or longdouble.
        """
        return self._numbers

    @property
    def dtype(self):
        """The dtype of the results: that of the logits (and values), as NumPy promotes them; or None."""
        return self._dtype

    @property
    def shape(self):
        """The shape of the slices: of what `logsumexp` returns."""
        return self.numbers.shape[1:]

    def update(self, block, axis=-1, *, values=None, where=None):
        """The state after another block of logits; this one stays as it is.

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
        x, dtype = real_array(block, "block")
        layout, mask = Layout(x.shape, axis), mask_array(where, x.shape)
        if values is not None:
            values, of_values = real_array(values, "values")
            values = broadcast_array(values, x.shape, "values")
            dtype = np.result_type(dtype, of_values)
            x = x.astype(np.result_type(x, values), copy=False)
        shape = layout.outer if x.shape else ()
        if self.dtype is not None and shape != self.shape:
            raise ValueError(
                f"block has shape {x.shape} and axis {layout.axes}: "
                f"{_told(self)} and a state of shape {shape} cannot be merged"
            )
        if x.size == 0:
            count, wide = (
                3 if values is None else 5,
                np.result_type(x, np.float64),
            )
            return self.merge(self._of(no_logits(count, shape, wide), dtype))
        rows = [
            None if part is None else layout.rows(part).reshape(-1, layout.size)
            for part in (x, values, mask)
        ]
        with np.errstate(all="ignore"):
            if x.dtype.itemsize > 4:
                np.setbufsize(
                    16
                )  # else NumPy copies what it broadcasts; errstate restores it
            family = family_of_slices(*rows)
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
        TypeError
            If `other` is no state.
        ValueError
            If the shapes differ, or one of them carries values and the other does not.
        """
        if not isinstance(other, SoftmaxState):
            raise TypeError(
                f"other must be a SoftmaxState, not {type(other).__name__}"
            )
        if self.dtype is None or other.dtype is None:
            return other if self.dtype is None else self
        if self.numbers.shape != other.numbers.shape:
            raise ValueError(
                f"{_told(self)} and {_told(other)} cannot be merged"
            )
        with np.errstate(all="ignore"):
            family = merged_pair(self.numbers, other.numbers)
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
                no_logits(len(self.numbers), layout.outer, self.numbers.dtype),
                self.dtype,
            )
        with np.errstate(all="ignore"):
            slices = np.stack([layout.rows(one) for one in self.numbers])
            return self._of(merged_in_pairs(slices), self.dtype)

    def logsumexp(self):
        """LogSumExp of all logits so far; -inf if there were none, NaN if one was NaN.

        For results of size 1 and more it is at most 1 ulp off in float64, and half an ulp for most inputs
        where longdouble is wider than float64, as on PCs; in float32 at most 3 ulp.
        """
        with np.errstate(all="ignore"):
            return log_of_sum(self.numbers).astype(self.dtype or np.float64)[()]

    def weighted_mean(self):
        """The mean of the values under softmax of all logits so far.

        NaN if there were none, or all were -inf. An infinite value counts where its weight is not 0 in
        the block in which it comes.

        Raises
        ------
        ValueError
            If the state carries no values.
        """
        if len(self.numbers) == 3:
            raise ValueError("the state carries no values; give them to update")
        with np.errstate(all="ignore"):
            return mean_of_values(self.numbers).astype(self.dtype)[()]

    def softmax(self, block, axis=-1, *, where=None):
        """The probabilities of some of the logits among all that the state has seen.

        Parameters
        ----------
        block : array_like
            Logits, of a shape that leaves the shape of the state when `axis` is reduced.
        axis : int, tuple of ints or None, optional
            The axis or axes of the block that run along the stream.
        where : array_like of bool, optional
            Entries that take part, as they did in `update`; the others get 0.

        Returns
        -------
        ndarray or scalar
            In the shape and dtype of the block. NaN for slices of which the state has seen nothing, or -inf
            alone; entries that are no part of the stream may come out above 1.

        Raises
        ------
        TypeError
            If `block` does not hold real numbers, or `where` does not hold bool.
        ValueError
            If their shapes do not fit.
        numpy.exceptions.AxisError
            If `axis` is out of range.
        """
        with np.errstate(all="ignore"):
            p = self._of_block(
                block, axis, probabilities, *shift_and_total(self.numbers)
            )
            return _where_allowed(p, where, 0)

    def log_softmax(self, block, axis=-1, *, where=None):
        """The logarithms of the probabilities that the method `softmax` gives, without loss for small ones.

        Parameters
        ----------
        block : array_like
            Logits, of a shape that leaves the shape of the state when `axis` is reduced.
        axis : int, tuple of ints or None, optional
            The axis or axes of the block that run along the stream.
        where : array_like of bool, optional
            Entries that take part, as they did in `update`; the others get -inf.

        Returns
        -------
        ndarray or scalar
            In the shape and dtype of the block. NaN as in the method `softmax`.

        Raises
        ------
        TypeError, ValueError, numpy.exceptions.AxisError
            As the method `softmax` does.
        """
        with np.errstate(all="ignore"):
            numbers = top_and_log_total(self.numbers)
            value = self._of_block(block, axis, log_probabilities, *numbers)
            return _where_allowed(value, where, -np.inf)

    def _of_block(self, block, axis, function, *numbers):
        """The function of rows of the block, and of numbers with one entry a row."""
        x, dtype = real_array(block, "block")
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
        for at, run in tiles_of_runs(*rows.shape, 1):
            tile = rows[at, run].astype(wide)
            out[at, run] = function(tile, *(column[at] for column in columns))
        return layout.restore(out)[()]


def _faults(numbers, held, dtype):
    """What no state has, and in which slices these numbers have it; `held` is what the state would keep."""
    top, rest, lost = numbers[:3]
    known, nothing = ~np.isnan(top), top == -np.inf
    sums = np.isfinite(rest) & np.isfinite(lost)
    return {
        f"it lies beyond {held.dtype}": (
            np.isinf(held) & ~np.isinf(numbers)
        ).any(axis=0),
        f"{dtype} has no such maximum": known & (top.astype(dtype) != top),
        "its sum of exponentials is negative": (rest < 0) | (rest + lost < 0),
        "its sum of exponentials is not finite, but its maximum is a number": known
        & ~sums,
        "there are exponentials beside a maximum of -inf": nothing
        & (rest + lost != 0),
        "there are weighted values beside a maximum of -inf": nothing
        & (np.nan_to_num(numbers[3:], posinf=1, neginf=-1) != 0).any(axis=0),
        "beside a maximum of +inf the sum counts others, but is not whole": (
            top == np.inf
        )
        & (np.rint(rest + lost) != rest + lost),
    }


def _floating(dtype):
    """The dtype, which may come as a name, in the order of bytes of this machine."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found.kind != "f":
        raise TypeError(f"dtype must be a floating type, not {dtype}")
    return found.newbyteorder("=")


def _where_allowed(results, where, other):
    """The results where the mask is True, and the other number elsewhere."""
    mask = mask_array(where, results.shape)
    if mask is None:
        return results
    return np.where(mask, results, results.dtype.type(other))[()]


def _told(state):
    carrying = " with values" if len(state.numbers) > 3 else ""
    return f"a state of shape {state.shape}{carrying}"


def _restored(shape, kind, content, dtype):
    """A state as it was pickled."""
    return SoftmaxState._of(np.frombuffer(content, kind).reshape(shape), dtype)


# --- book/15a-states-and-files.ipynb, cell build-chunks
_MISSING = object()


def _refuse_single_use(parts, name):
    try:
        once = iter(parts) is parts
    except TypeError:
        once = True
    if once:
        raise TypeError(
            f"{name} is gone through twice, so it must be a list of arrays or the like, "
            f"not {type(parts).__name__}"
        )


def _paired(blocks, where):
    """Each block with its mask, or with None."""
    if where is None:
        yield from ((block, None) for block in blocks)
        return
    for pair in zip_longest(blocks, where, fillvalue=_MISSING):
        if any(part is _MISSING for part in pair):
            raise ValueError(
                "where must hold one mask for each block, and no more"
            )
        yield pair


def softmax_chunks(blocks, axis=-1, *, where=None):
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
    where : iterable of array_like of bool, optional
        For each block a mask of the entries that take part, which broadcasts to the shape of the block. The
        masks are gone through twice as well.

    Returns
    -------
    iterator of ndarray
        The probabilities of each block, in its shape and dtype; edge cases as in `softlit.softmax`. Entries
        that `where` leaves out are 0, also where it leaves out all of them.

    Raises
    ------
    TypeError
        If the blocks can be gone through only once, or do not hold real numbers, or masks do not hold bool.
    ValueError
        If the shapes of the blocks do not fit each other, or there is not one mask for each block.
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
    >>> masks = [[True, False], [True]]
    >>> [p.round(4).tolist() for p in softlit.softmax_chunks([[0.0, 1.0], [2.0]], where=masks)]
    [[0.1192, 0.0], [0.8808]]
    """
    _refuse_single_use(blocks, "blocks")
    if where is not None:
        _refuse_single_use(where, "where")
    state = SoftmaxState()
    for block, mask in _paired(blocks, where):
        state = state.update(block, axis, where=mask)
    return (
        state.softmax(block, axis, where=mask)
        for block, mask in _paired(blocks, where)
    )


__all__ = [
    "SoftmaxState",
    "softmax_chunks",
]
