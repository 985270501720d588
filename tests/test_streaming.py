"""States of streams: what they forget, what they do not, and that the blocks play no part."""

import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import softlit
from softlit import SoftmaxState, streaming
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
    with pytest.raises(AttributeError):
        state.dtype = np.float32
    assert state.update([9.0]) is not state and state.logsumexp() < 3


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_state_pickles_to_a_few_bytes(protocol):
    state = state_of(np.float32([1.0, 2.0, NAN]).reshape(3, 1), axis=0, values=1.0)
    again = pickle.loads(pickle.dumps(state, protocol))
    np.testing.assert_array_equal(again.numbers, state.numbers)
    assert again.dtype == state.dtype and not again.numbers.flags.writeable
    assert len(pickle.dumps(state_of(np.zeros(10**6)), protocol)) < 250


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shape \(2,\) and a state of shape \(3,\) cannot be merged"):
        state_of(np.zeros((2, 5)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="with values cannot be merged"):
        state_of([1.0]).update([1.0], values=[2.0])
    with pytest.raises(ValueError, match=r"block of shape \(5,\) along axis \(0,\) does not fit"):
        state_of(np.zeros((2, 5))).softmax(np.zeros(5))
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
    coarse, fine = streaming._sums_in_two(e.copy(), e.max(axis=1, keepdims=True), np.empty_like(e))
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
    assert list(softlit.softmax_chunks([])) == []


def test_attention_refuses_what_does_not_fit():
    ones = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"q \(3, 2\), k \(3, 3\) and v \(3, 2\) are not of shapes"):
        softlit.attention(ones, np.ones((3, 3)), ones)
    with pytest.raises(ValueError, match="block must be at least 1, not 0"):
        softlit.attention(ones, ones, ones, block=0)
    with pytest.raises(TypeError, match="mask must hold bool"):
        softlit.attention(ones, ones, ones, mask=np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"a mask of shape \(4, 3\) do not broadcast"):
        softlit.attention(ones, ones, ones, mask=np.ones((4, 3), bool))
    with pytest.raises(ValueError, match=r"q \(2, 3, 2\), k \(4, 3, 2\), .* do not broadcast"):
        softlit.attention(np.ones((2, 3, 2)), np.ones((4, 3, 2)), ones)


def test_attention_broadcasts_and_promotes():
    rng = np.random.default_rng(4)
    q, k, v = rng.normal(size=(2, 1, 5, 4)), rng.normal(size=(3, 7, 4)), rng.normal(size=(7, 2))
    got = softlit.attention(q, np.float32(k), v, mask=np.ones((5, 1), bool), block=2)
    assert got.shape == (2, 3, 5, 2) and got.dtype == np.float64
    plain = softlit.softmax(q @ np.swapaxes(np.float32(k), -1, -2) / 2) @ v
    np.testing.assert_allclose(got, plain, rtol=1e-12)
    assert softlit.attention(*(np.float16(part) for part in (q, k, v))).dtype == np.float16


@pytest.mark.parametrize("shape", [(7,), (1, 7), (5, 1), (5, 7), (3, 1, 1), (2, 1, 5, 7)])
def test_masks_of_any_rank(shape):
    rng = np.random.default_rng(5)
    q, k, v = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 7, 4)), rng.normal(size=(3, 7, 2))
    mask = rng.random(shape) < 0.6
    scores = q @ np.swapaxes(k, -1, -2) / 2
    for scale in (1, 50):  # below and above the scores that need no subtraction
        whole = np.broadcast_to(scale * scores, np.broadcast_shapes(scores.shape, shape))
        plain = softlit.softmax(whole, where=mask) @ v
        for block in (2, 64):
            got = softlit.attention(scale * q, k, v, mask=mask, block=block)
            assert got.shape == plain.shape
            np.testing.assert_allclose(got, plain, rtol=1e-12, atol=1e-13)


def test_attention_without_queries_keys_or_features():
    assert softlit.attention(np.ones((2, 0, 3)), np.ones((2, 4, 3)), np.ones((2, 4, 5))).shape == (2, 0, 5)
    assert not softlit.attention(np.ones((2, 6, 3)), np.ones((2, 0, 3)), np.ones((2, 0, 5))).any()
    np.testing.assert_allclose(
        softlit.attention(np.ones((1, 0)), np.ones((4, 0)), np.arange(4.0)[:, None]), 1.5, rtol=1e-15
    )


def few_ulp(q, k, v, attend):
    """The largest error of attention in eps of the mean of |v|, against one in a wider dtype."""
    wide = np.float64 if q.dtype == np.float32 else np.longdouble
    p = softlit.softmax(q.astype(wide) @ k.T.astype(wide) / np.sqrt(wide(q.shape[1])))
    size = p @ np.abs(v.astype(wide))
    return float(np.max(np.abs(attend(q, k, v) - p @ v.astype(wide)) / size)) / np.finfo(q.dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0.3, 1, 1.9, 4, 30])
def test_attention_is_as_accurate_as_the_table(dtype, scale):
    """4 eps for scores of variance 1; for larger ones, whose own rounding rules, twice plain attention's."""

    def plain(q, k, v):
        return softlit.softmax(q @ k.T / np.sqrt(dtype(q.shape[1]))) @ v

    def rounded(q, k, v):  # the negative control: the scores in a narrower dtype
        narrow = np.float32 if dtype == np.float64 else np.float16
        return softlit.softmax((q @ k.T / np.sqrt(dtype(q.shape[1]))).astype(narrow).astype(dtype)) @ v

    rng = np.random.default_rng(6)
    q, k, v = (rng.normal(size=(n, 64)).astype(dtype) for n in (50, 2000, 2000))
    q *= dtype(scale)
    assert streaming._stay_small(q, k, v) == (scale < 2)
    limit = 4 if scale <= 1 else 2 * few_ulp(q, k, v, plain)
    for block in (100, 1024, 4096):
        assert few_ulp(q, k, v, lambda *parts, block=block: softlit.attention(*parts, block=block)) <= limit
    assert few_ulp(q, k, v, rounded) > 4 * limit


@pytest.mark.parametrize("large", [1e30, 1e38])
def test_weights_do_not_overflow_with_large_values(large):
    q, v = np.full((1, 4), 4, np.float32), np.float32([[large], [large], [-large]])
    k = np.full((3, 4), 3.9, np.float32)
    assert streaming._stay_small(q, k, np.ones_like(v))
    np.testing.assert_allclose(softlit.attention(q, k, v), large / 3, rtol=1e-5)


def test_attention_keeps_infinite_values_of_keys_with_weight():
    k, v = [[1.0], [1.0], [-1e9]], [[INF], [1.0], [NAN]]
    assert softlit.attention([[1.0]], k, v).tolist() == [[INF]]
    assert softlit.attention([[1.0]], k, [[INF], [-INF], [0.0]], block=1).tolist() != [[0.0]]
    assert np.isnan(softlit.attention([[1.0]], k, [[INF], [-INF], [0.0]]))
    assert np.isnan(softlit.attention([[1.0]], k, [[NAN], [1.0], [0.0]]))
