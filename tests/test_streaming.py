"""States of streams: what they forget, what they do not, and that the blocks play no part."""

import copy
import json
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import softlit
from softlit import SoftmaxState, _families
from softlit.lab.ulp import exact_logsumexp, ulp_error

INF, NAN = np.inf, np.nan


def state_of(*blocks, **options):
    state = SoftmaxState()
    for block in blocks:
        state = state.update(block, **options)
    return state


def test_the_empty_state():
    empty = SoftmaxState()
    assert empty.logsumexp() == -INF and empty.shape == () and empty.dtype is None
    some = state_of([1.0, 2.0])
    assert empty.merge(some) is some and some.merge(empty) is some
    assert state_of([], [3.0], []).logsumexp() == 3
    for nothing in (empty, state_of([]), state_of([-INF]), state_of([1.0, NAN], where=[False, False])):
        assert nothing.logsumexp() == -INF
        assert np.isnan([nothing.softmax([1.0, -INF]), nothing.log_softmax([1.0, INF])]).all()
        assert nothing.softmax([1.0, 2.0], where=[False, False]).tolist() == [0, 0]
        assert nothing.softmax([]).shape == (0,)
    assert state_of(np.zeros((2, 0))).logsumexp().tolist() == [-INF, -INF]


@pytest.mark.parametrize(
    "blocks, value",
    [
        ([[INF], [1.0]], INF),
        ([[1.0], [INF], [INF, 2.0]], INF),
        ([[-INF], [-INF, -INF]], -INF),
        ([[-INF], [7.0]], 7),
        ([[1.0], [NAN], [INF]], NAN),
        ([[NAN], [2.0]], NAN),
        ([[-INF, INF], [NAN]], NAN),
    ],
)
def test_infinities_and_nan_in_every_order(blocks, value):
    for order in (blocks, blocks[::-1]):
        np.testing.assert_array_equal(state_of(*order).logsumexp(), value)
        one = SoftmaxState()
        for block in order:
            one = one.merge(state_of(block))
        np.testing.assert_array_equal(one.logsumexp(), value)
        whole = np.concatenate(order)
        np.testing.assert_array_equal(one.softmax(whole), softlit.softmax(whole))
        np.testing.assert_array_equal(np.exp(one.log_softmax(whole)), np.exp(softlit.log_softmax(whole)))


def test_masks():
    x = np.array([[1.0, NAN, 2.0], [3.0, 4.0, 5.0]])
    where = np.array([[True, False, True], [False, False, False]])
    state = state_of(x, where=where, values=np.array([1.0, INF, 3.0]))
    assert state.logsumexp().tolist() == [state_of([1.0, 2.0]).logsumexp(), -INF]
    mean = softlit.soft_argmax([1.0, 2.0], [1.0, 3.0])
    np.testing.assert_allclose(state.weighted_mean(), [mean, NAN], rtol=1e-15)


def test_masks_of_the_second_visit():
    x = np.array([[1.0, NAN, 2.0], [3.0, 4.0, 5.0]])
    where = np.array([[True, False, True], [False, False, False]])
    state = state_of(x, where=where)
    np.testing.assert_array_equal(state.softmax(x, where=where), softlit.softmax(x, where=where))
    np.testing.assert_array_equal(state.log_softmax(x, where=where), softlit.log_softmax(x, where=where))
    assert state_of([2.0]).softmax(2.0, where=False) == 0
    assert state_of(np.float32([2.0])).softmax(np.float32([2.0]), where=[True]).dtype == np.float32
    with pytest.raises(TypeError, match="where must hold bool"):
        state.softmax(x, where=[1, 0, 1])
    with pytest.raises(ValueError, match="broadcast"):
        state.softmax(x, where=[True, False])


def test_values_at_the_edges():
    def mean(x, values):
        pieces = zip(np.split(np.asarray(x), [1]), np.split(np.asarray(values), [1]), strict=True)
        state = SoftmaxState()
        for block, part in pieces:
            state = state.update(block, values=part)
        return state.weighted_mean()

    assert mean([1.0, INF], [2.0, 3.0]) == 3 and mean([INF, INF], [2.0, 3.0]) == 2.5
    assert mean([0.0, -INF], [2.0, INF]) == 2 and mean([0.0, 1e6], [INF, 2.0]) == 2
    assert mean([0.0, 0.0], [1.0, INF]) == INF and np.isnan(mean([0.0, 0.0], [-INF, INF]))
    assert np.isnan(mean([-INF, -INF], [1.0, 2.0])) and np.isnan(mean([0.0, 1.0], [NAN, 1.0]))
    with pytest.raises(ValueError, match="carries no values"):
        state_of([1.0]).weighted_mean()


def test_dtypes_are_promoted_over_the_stream():
    assert state_of(np.float16([1]), np.float32([2])).logsumexp().dtype == np.float32
    assert state_of(np.float32([1]), [2]).logsumexp().dtype == np.float64
    assert state_of(np.float32([1]), np.longdouble([2])).logsumexp().dtype == np.longdouble
    assert state_of(np.float32([]), np.float16([1])).dtype == np.float32
    assert state_of(np.float32([1])).update(np.float32([2])).numbers.dtype == np.float64


def test_a_state_cannot_be_changed():
    state = state_of([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        state.numbers[0] = 5
    for name in ("dtype", "numbers", "shape", "another"):
        with pytest.raises(AttributeError):
            setattr(state, name, np.float32)
    assert state.update([9.0]) is not state and state.logsumexp() < 3


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_state_pickles_to_a_few_bytes(protocol):
    state = state_of(np.float32([1.0, 2.0, NAN]).reshape(3, 1), axis=0, values=1.0)
    again = pickle.loads(pickle.dumps(state, protocol))
    np.testing.assert_array_equal(again.numbers, state.numbers)
    assert again.dtype == state.dtype and not again.numbers.flags.writeable
    assert len(pickle.dumps(state_of(np.zeros(10**6)), protocol)) < 250


def test_states_add():
    one, other, third = state_of([1.0]), state_of(np.float32([2.0, 3.0])), state_of([0.5])
    assert one + other == one.merge(other) == other + one
    assert sum([one, other, third], SoftmaxState()) == one.merge(other).merge(third)
    assert (one + other + third).logsumexp() == state_of([1.0, 2.0, 3.0, 0.5]).logsumexp()
    assert one + SoftmaxState() == SoftmaxState() + one == one
    for wrong in (1, 0, (one.numbers, one.dtype), np.zeros(3), None):
        with pytest.raises(TypeError):
            one + wrong
        with pytest.raises(TypeError, match="other must be a SoftmaxState, not"):
            one.merge(wrong)


def test_states_are_equal_by_value():
    one, same = state_of([1.0, 2.0]), state_of([1.0, 2.0])
    assert (one == same) is True and (one != same) is False and hash(one) == hash(same)
    assert one in [state_of([2.0]), same] and one not in [state_of([2.0])] and len({one, same}) == 1
    others = [
        state_of([1.0, 2.5]),
        state_of(np.float32([1.0, 2.0])),
        state_of([[1.0, 2.0]]),
        state_of([1.0, 2.0], values=0.0),
        SoftmaxState(),
        1.0,
        one.numbers.tolist(),
    ]
    assert not any(one == other for other in others) and len({one, *others[:-1]}) == 7
    unknown = state_of([NAN])
    assert unknown == state_of([NAN]) and hash(unknown) == hash(state_of([NAN]))
    zero, below = (SoftmaxState.from_numbers([0.0, 0.0, lost]) for lost in (0.0, -0.0))
    assert zero == below and hash(zero) == hash(below)
    wide = state_of(np.longdouble([1, 2]))
    assert wide == state_of(np.longdouble([1, 2])) and hash(wide) == hash(state_of(np.longdouble([1, 2])))
    assert (state_of(np.zeros((2, 3))) == state_of(np.zeros((2, 3)))) is True
    assert SoftmaxState() == SoftmaxState() and hash(SoftmaxState()) == hash(SoftmaxState())


@pytest.mark.parametrize(
    "use",
    [
        len,
        iter,
        list,
        float,
        lambda state: state[0],
        lambda state: state * 2,
        lambda state: 2 * state,
        lambda state: state < state,
        lambda state: sorted([state, state]),
        lambda state: 1.0 in state,
        lambda state: sum([state, state]),  # which begins with 0
    ],
)
def test_a_state_is_no_sequence_and_no_number(use):
    with pytest.raises(TypeError):
        use(state_of([1.0]))
    with pytest.raises(TypeError):
        softlit.softmax(state_of([1.0]))


STATES = [
    SoftmaxState(),
    state_of([]),
    state_of([1.0, 1 / 3]),
    state_of([1000.0, -INF], [NAN]),
    state_of(np.float32([[1.0, 2.0], [INF, 3.0]]), values=np.float32([0.1, 0.2])),
    state_of(np.float16([1.0, 2.0])),
    state_of(np.zeros((2, 0, 3)), axis=0),
]


@pytest.mark.parametrize("state", STATES, ids=repr)
def test_a_state_from_its_numbers(state):
    """Through JSON, to the last bit, and with the same future."""
    dtype = None if state.dtype is None else state.dtype.name
    told = json.loads(json.dumps([state.numbers.tolist(), dtype]))
    again = SoftmaxState.from_numbers(*told) if state.numbers.size else state
    assert again == state == copy.deepcopy(state) == pickle.loads(pickle.dumps(state))
    np.testing.assert_array_equal(again.logsumexp(), state.logsumexp())
    assert again.numbers.tobytes() == state.numbers.tobytes() and again.dtype == state.dtype


def test_numbers_that_make_no_state():
    own = state_of([1.0, 2.0]).numbers.copy()
    state = SoftmaxState.from_numbers(own)
    own[0] = 7  # the state has its own copy
    assert state == state_of([1.0, 2.0]) and own.flags.writeable
    wide = SoftmaxState.from_numbers(np.longdouble([1, 0.5, 0]), np.longdouble)
    assert wide.numbers.dtype == np.longdouble and wide.dtype == np.longdouble
    for numbers in (1.0, [], [1.0, 2.0], np.zeros((4, 2))):
        with pytest.raises(ValueError, match=r"numbers has shape .* not"):
            SoftmaxState.from_numbers(numbers)
    with pytest.raises(ValueError, match="need their dtype"):
        SoftmaxState.from_numbers([0.0, 1.0, 0.0], None)
    for dtype in ("int64", "float46"):
        with pytest.raises(TypeError, match=f"dtype must be a floating type, not {dtype}"):
            SoftmaxState.from_numbers([0.0, 1.0, 0.0], dtype)
    assert SoftmaxState.from_numbers(state_of([1.0, 2.0]).numbers, ">f8") == state_of([1.0, 2.0])
    with pytest.raises(TypeError, match="numbers must hold real numbers"):
        SoftmaxState.from_numbers([1j, 0, 0])


IMPOSSIBLE = {
    "negative": ([0, -1, 0], [0, 1, -2], [-INF, -1, 0], [NAN, -1, 0], [INF, -1, 0], [0, -1, 2]),
    "not finite": ([0, INF, 0], [0, NAN, 0], [0, 0, NAN], [0, INF, -INF], [INF, INF, 0], [-INF, NAN, 0]),
    "beside a maximum of -inf": ([-INF, 1, 0], [-INF, 0, 1e-9], [-INF, 0, 0, 1, 0], [-INF, 0, 0, -INF, 0]),
    "is not whole": ([INF, 0.5, 0], [INF, 1, 1e-9]),
    "float32 has no such maximum": ([0.1, 0, 0], [1e300, 0, 0], [-1e300, 0, 0, 1, 0]),
}


@pytest.mark.parametrize(("fault", "numbers"), [(k, each) for k, some in IMPOSSIBLE.items() for each in some])
def test_numbers_of_no_state(fault, numbers):
    """Alone, and as one slice of several, which the message names."""
    with pytest.raises(ValueError, match=rf"^numbers\[:\] is of no state of float32: .*{fault}"):
        SoftmaxState.from_numbers(numbers, "float32")
    table = np.zeros((len(numbers), 2, 3))
    assert SoftmaxState.from_numbers(table, "float32").shape == (2, 3)
    table[:, 1, 2] = numbers
    with pytest.raises(ValueError, match=rf"^numbers\[:, 1, 2\] is of no state of float32: .*{fault}"):
        SoftmaxState.from_numbers(table, "float32")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("carrying", [False, True])
def test_the_numbers_of_every_state_are_taken(dtype, carrying):
    """The negative control of the test above: whatever logits were seen, their numbers are possible."""
    rng = np.random.default_rng(15)
    special = [NAN, INF, -INF, 0.0, 700.0, -700.0, 6e4]
    for _ in range(60):
        state = SoftmaxState()
        for size in rng.choice([0, 1, 3, 40], size=3):
            x, values = rng.normal(size=(2, 2, size)) * rng.choice([1, 30, 1000])
            x, values = (
                np.where(rng.random(a.shape) < 0.3, rng.choice(special, a.shape), a) for a in (x, values)
            )
            mask = rng.random(x.shape) < rng.choice([0.1, 1])
            x = x.astype(dtype)
            state = state.update(x, values=values.astype(dtype) if carrying else None, where=mask)
        assert SoftmaxState.from_numbers(state.numbers, state.dtype) == state


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="longdouble is float64")
def test_numbers_beyond_float64():
    far = state_of(np.longdouble([5000]) * 1e300 * 1e300)
    assert hash(far) == hash(state_of(np.longdouble([5000]) * 1e300 * 1e300))
    assert SoftmaxState.from_numbers(far.numbers, np.longdouble) == far
    with pytest.raises(ValueError, match=r"numbers\[:\] is of no state of float64: it lies beyond float64"):
        SoftmaxState.from_numbers(far.numbers)


def test_shapes_that_do_not_fit():
    with pytest.raises(
        ValueError,
        match=r"block has shape \(3, 5\) .* shape \(2,\) and a state of shape \(3,\) cannot be merged",
    ):
        state_of(np.zeros((2, 5)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"^a state of shape \(\) and a state of shape \(1,\) cannot"):
        state_of([1.0]).merge(state_of([[1.0]]))
    with pytest.raises(ValueError, match=r"values has shape \(3,\), which does not broadcast to \(2,\)"):
        state_of([1.0, 2.0], values=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="with values cannot be merged"):
        state_of([1.0]).update([1.0], values=[2.0])
    with pytest.raises(ValueError, match=r"block of shape \(5,\) along axis \(0,\) does not fit"):
        state_of(np.zeros((2, 5))).softmax(np.zeros(5))
    for function in (state_of, state_of([1.0]).softmax):
        with pytest.raises(TypeError, match="block must hold real numbers, not values of dtype complex128"):
            function([1j])
    with pytest.raises(TypeError, match="values must hold real numbers"):
        state_of([1.0], values=[1j])


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 1), None])
def test_blocks_along_any_axis(axis):
    x = 5 * np.random.default_rng(1).normal(size=(4, 6, 8))
    along = 0 if axis is None else np.atleast_1d(axis)[0]
    state = SoftmaxState()
    for block in np.split(x, 2, axis=along):
        state = state.update(block, axis)
    np.testing.assert_allclose(state.logsumexp(), softlit.logsumexp(x, axis), rtol=1e-15, atol=4e-16)
    np.testing.assert_allclose(state.softmax(x, axis), softlit.softmax(x, axis), rtol=1e-14)


def test_slices_merge_along_any_axis():
    x = 40 * np.random.default_rng(2).normal(size=(3, 5, 2, 7))
    slices = state_of(x)
    for axis in (0, 1, -1, (0, 2), None):
        along = tuple(range(4)) if axis is None else (*(np.atleast_1d(axis) % 3), 3)
        np.testing.assert_allclose(
            slices.merged(axis).logsumexp(), softlit.logsumexp(x, along), rtol=1e-15, atol=4e-16
        )
    assert state_of(np.zeros((2, 0, 3))).merged().logsumexp().tolist() == [-INF, -INF]


@st.composite
def chunked(draw):
    """Logits of some scale and offset, and two ways to cut them."""
    size = draw(st.integers(1, 9000))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale, offset = draw(st.sampled_from([0.1, 1, 10, 100, 1e4])), draw(st.sampled_from([0, -700, 31, 1e6]))
    cuts = st.lists(st.integers(0, size), max_size=6).map(sorted)
    return scale * rng.normal(size=size) + offset, draw(cuts), draw(cuts)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(chunked())
def test_the_chunking_plays_no_part_beyond_an_ulp(drawn):
    """At most 2 eps of the sum, one for each reference of what counts, which is 1 ulp of a result above 2."""
    x, *ways = drawn
    first, second = (state_of(*np.split(x, cuts)).logsumexp() for cuts in ways)
    assert abs(first - second) <= max(np.spacing(abs(first)), 2 * np.finfo(float).eps)
    backwards = state_of(*np.split(x, ways[0])[::-1]).logsumexp()
    assert abs(first - backwards) <= max(np.spacing(abs(first)), 2 * np.finfo(float).eps)


@pytest.mark.parametrize("scale", [0.1, 3, 100])
def test_float32_in_long_and_short_blocks(scale):
    """Long blocks are exponentiated in float32: 3 ulp at most, against the sum in float64."""
    x = np.float32(scale * np.random.default_rng(7).normal(size=(20, 100_003)))
    right = SoftmaxState().update(x.astype(float)).logsumexp()
    for cuts in ([], [50_000], [1, 20_000, 40_000, 99_000], list(range(900, 100_000, 900))):
        state = SoftmaxState()
        for block in np.split(x, cuts, axis=1):
            state = state.update(block)
        limit = 3 if len(cuts) < 9 else 0.51
        assert (np.abs(state.logsumexp() - right) <= limit * np.spacing(np.float32(right))).all()
        p = state.softmax(x[:, :100])
        exact = np.exp(x[:, :100].astype(float) - right[:, np.newaxis])
        normal = exact > 1e-36
        off = np.abs(p - exact) / np.spacing(np.where(normal, exact, 1).astype(np.float32))
        assert off[normal].max() <= limit


def test_ten_million_in_blocks_of_a_hundred_are_right_to_half_an_ulp():
    """In pairs, and one after the other for a tenth of them; against exact sums of wider exponentials."""
    x = 3 * np.random.default_rng(0).normal(size=10**7)
    wide = np.zeros(2)
    for part in x.reshape(10, -1):
        e = np.exp(part.astype(np.longdouble))
        wide += [float(np.sum(np.floor(e))), float(np.sum(e - np.floor(e)))]  # the first is exact
    exactly = np.log(np.longdouble(wide[0]) + wide[1])
    value = SoftmaxState().update(x.reshape(-1, 100)).merged().logsumexp()
    assert abs(np.longdouble(value) - exactly) <= 0.5 * np.spacing(value)
    few = x[: 10**5]
    in_order = state_of(*few.reshape(-1, 100)).logsumexp()
    assert in_order == state_of(few.reshape(-1, 100)).merged().logsumexp()
    plain = np.logaddexp.reduce(few)
    assert abs(plain - in_order) > 8 * np.spacing(in_order)  # the negative control


def test_a_rest_far_below_its_leader():
    """The maximum is kept out of the sum, so that small rests survive any number of merges."""
    x = np.array([0.0, -40.0, -80.0, -41.0, -300.0])
    for order in (x, x[::-1], x[[1, 0, 2, 4, 3]]):
        state = state_of(*order.reshape(-1, 1))
        assert ulp_error(state.logsumexp(), exact_logsumexp(x)) <= 2
        assert ulp_error(state.log_softmax([0.0])[0], -exact_logsumexp(x)) <= 2


def test_logits_whose_difference_overflows():
    for order in ([1.7e308, -1.7e308], [-1.7e308, 1.7e308]):
        assert state_of(*np.reshape(order, (2, 1))).logsumexp() == state_of(order).logsumexp() == 1.7e308


def test_sums_in_two_are_exact_far_below_a_rounding():
    rng = np.random.default_rng(3)
    e = np.exp(rng.normal(scale=9, size=(5, 2**14)))
    exact = [sum(map(Fraction, row)) for row in e]
    coarse, fine = _families.coarse_and_fine_sums(e.copy(), e.max(axis=1, keepdims=True), np.empty_like(e))
    for a, b, wanted in zip(coarse, fine, exact, strict=True):
        assert abs(Fraction(a) + Fraction(b) - wanted) <= wanted / 2**60
        assert abs(Fraction(a) - wanted) > wanted / 2**60  # the negative control: the coarse part alone


def test_no_warning_escapes():
    wild = [0.0, 1e308, -1e308, 5e-324, INF, -INF, NAN]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for first in wild:
            for second in wild:
                state = state_of([first], [second], values=1.0)
                state.logsumexp(), state.weighted_mean()
                state.softmax([first, second]), state.log_softmax([first, second])
                softlit.attention([[first]], [[second], [1.0]], [[second], [first]], block=1)


def test_blocks_that_can_be_read_once_only_are_refused():
    with pytest.raises(TypeError, match="gone through twice"):
        softlit.softmax_chunks(iter([[1.0]]))
    with pytest.raises(TypeError, match="gone through twice"):
        softlit.softmax_chunks([1.0] for _ in range(2))
    with pytest.raises(TypeError, match="where is gone through twice"):
        softlit.softmax_chunks([[1.0]], where=iter([[True]]))
    for blocks, where, told in ((3.0, None, "blocks .* not float"), ([[1.0]], True, "where .* not bool")):
        with pytest.raises(TypeError, match=told):
            softlit.softmax_chunks(blocks, where=where)
    assert list(softlit.softmax_chunks([])) == []


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masks_of_chunks(axis, dtype):
    rng = np.random.default_rng(15)
    x = (5 * rng.normal(size=(6, 7))).astype(dtype)
    mask = rng.random(x.shape) < 0.5
    mask[2], mask[:, 4] = False, False
    x[0, 0], x[1, 1], x[~mask] = INF, NAN, NAN
    mask[1, 1] = True
    cuts = [1, 1, 4]
    pieces, masks = (np.split(part, cuts, axis=axis or 0) for part in (x, mask))
    got = np.concatenate(list(softlit.softmax_chunks(pieces, axis, where=masks)), axis=axis or 0)
    assert got.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(got, softlit.softmax(x, axis, where=mask), rtol=12 * eps)
    nothing = softlit.softmax_chunks(pieces, axis, where=[False] * len(pieces))
    assert all((p == 0).all() for p in nothing)


def test_masks_of_chunks_that_do_not_fit():
    blocks = [[1.0, 2.0], [3.0]]
    for where in ([True], [True, True, True], []):
        with pytest.raises(ValueError, match="one mask for each block"):
            list(softlit.softmax_chunks(blocks, where=where))
    with pytest.raises(TypeError, match="where must hold bool"):
        softlit.softmax_chunks(blocks, where=[1, 0])
    with pytest.raises(ValueError, match="broadcast"):
        softlit.softmax_chunks(blocks, where=[[True] * 3, True])
