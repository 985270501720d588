"""Attention by blocks beside the table of scores: options, edges, accuracy, memory."""

import tracemalloc
import warnings

import mpmath
import numpy as np
import pytest

import softlit
from softlit.attention import _stay_small

INF, NAN = np.inf, np.nan


def table(q, k, v, *, mask=None, bias=None, causal=False, scale=None):
    """The means and the LogSumExp of the scores, by way of all scores."""
    heads = q.shape[-3] if q.ndim > 2 else 1
    k, v = (
        np.repeat(part, heads // part.shape[-3], axis=-3) if part.ndim > 2 and part.shape[-3] > 1 else part
        for part in (k, v)
    )
    scores = q @ np.swapaxes(k, -1, -2) * (1 / np.sqrt(q.shape[-1]) if scale is None else scale)
    allowed = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    if bias is not None:
        scores, allowed = scores + bias, allowed & (bias != -INF)
    if causal:
        allowed = allowed & np.tri(*scores.shape[-2:], dtype=bool)
    return softlit.softmax(scores, where=allowed) @ v, softlit.logsumexp(scores, where=allowed)


@pytest.mark.parametrize("block", [1, 3, 64])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scale", [None, 0.0, -2.0, 30.0])
@pytest.mark.parametrize("n, keys", [(7, 7), (4, 9), (9, 4)])
def test_all_options_against_the_table(block, causal, scale, n, keys):
    rng = np.random.default_rng(1)
    q = rng.normal(size=(2, 6, n, 5))
    k, v = rng.normal(size=(2, 3, keys, 5)), rng.normal(size=(2, 3, keys, 4))
    mask = rng.random((2, 1, n, keys)) < 0.7
    mask[0, :, 1] = False
    bias = rng.normal(size=(6, n, keys))
    bias[2, :, ::3] = -INF
    for options in ({}, {"mask": mask}, {"bias": bias}, {"mask": mask, "bias": bias}):
        got, lse = softlit.attention(
            q, k, v, **options, causal=causal, scale=scale, block=block, return_lse=True
        )
        wanted, of_scores = table(q, k, v, **options, causal=causal, scale=scale)
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(lse, of_scores, rtol=1e-13, atol=1e-13)
        same = softlit.attention(q, k, v, **options, causal=causal, scale=scale, block=block)
        np.testing.assert_array_equal(same, got)
    if scale is None:  # the negative controls: each option counts
        plain = softlit.attention(q, k, v)
        for options in ({"mask": mask}, {"bias": bias}, {"causal": True}, {"scale": 0.3}):
            assert np.abs(softlit.attention(q, k, v, **options) - plain).max() > 0.1


def test_one_query_in_forty_digits():
    rng = np.random.default_rng(2)
    q, k, v, bias = rng.normal(size=4), rng.normal(size=(9, 4)), rng.normal(size=(9, 2)), rng.normal(size=9)
    with mpmath.workdps(40):
        scores = [
            mpmath.mpf("0.75") * mpmath.fdot(map(float, q), map(float, key)) + float(b)
            for key, b in zip(k, bias, strict=True)
        ][:6]
        weights = [mpmath.exp(score) for score in scores]
        total = mpmath.fsum(weights)
        means = [float(mpmath.fdot(weights, map(float, column)) / total) for column in v[:6].T]
        lse = float(mpmath.log(total))
    rows = np.tile(q, (6, 1))
    for block in (1, 4, 9):
        got = softlit.attention(rows, k, v, bias=bias, scale=0.75, causal=True, return_lse=True, block=block)
        np.testing.assert_allclose(got[0][-1], means, rtol=2e-15, atol=2e-15)
        np.testing.assert_allclose(got[1][-1], lse, rtol=2e-15)


def test_causal_attention_begins_at_the_first_key():
    """As np.tri(n, N), for any n and N; and the future is not looked at, not even NaN."""
    rng = np.random.default_rng(3)
    for n, keys in ((5, 5), (3, 8), (8, 3)):
        q, k, v = rng.normal(size=(n, 4)), rng.normal(size=(keys, 4)), rng.normal(size=(keys, 2))
        past = np.tri(n, keys, dtype=bool)
        for block in (1, 2, 100):
            causal = softlit.attention(q, k, v, causal=True, block=block)
            np.testing.assert_allclose(causal, softlit.attention(q, k, v, mask=past), rtol=1e-13)
            np.testing.assert_allclose(causal[0], v[0], rtol=1e-15)  # which sees one key alone
        k[min(n, keys) :], v[min(n, keys) :] = NAN, NAN
        np.testing.assert_allclose(softlit.attention(q, k, v, causal=True, block=100), causal, rtol=1e-14)
    # queries that continue a stream stand at its end
    q, k, v = rng.normal(size=(3, 9, 4))
    whole = softlit.attention(q, k, v, causal=True)
    last = softlit.attention(q[-2:], k, v, mask=np.tri(2, 9, 7, dtype=bool))
    np.testing.assert_allclose(last, whole[-2:], rtol=1e-14)


def test_blocks_of_the_future_are_not_computed(monkeypatch):
    products, matmul = [], np.matmul

    def counted(a, b, **options):
        products.append(b.shape)
        return matmul(a, b, **options)

    q = np.random.default_rng(4).normal(size=(64, 4))
    monkeypatch.setattr(np, "matmul", counted)
    softlit.attention(q, q, q, causal=True, block=8)
    assert len(products) == 8 * 9 // 2


def test_heads_that_are_shared():
    rng = np.random.default_rng(5)
    q = rng.normal(size=(2, 8, 5, 4))
    mask = rng.random((2, 8, 5, 7)) < 0.7
    for heads in (1, 2, 4, 8):
        k, v = rng.normal(size=(2, heads, 7, 4)), rng.normal(size=(2, heads, 7, 3))
        repeated = (np.repeat(part, 8 // heads, axis=1) for part in (k, v))
        wanted = softlit.attention(q, *repeated, mask=mask)
        np.testing.assert_array_equal(softlit.attention(q, k, v, mask=mask), wanted)
        if 1 < heads < 8:  # the negative control: neighbours share, not every other one
            tiled = (np.tile(part, (1, 8 // heads, 1, 1)) for part in (k, v))
            assert np.abs(softlit.attention(q, *tiled, mask=mask) - wanted).max() > 0.1
    one = softlit.attention(q[0], k[0, :2], v[0, :2])  # heads without a batch
    np.testing.assert_array_equal(one, softlit.attention(q[:1], k[:1, :2], v[:1, :2])[0])
    mixed = softlit.attention(q, k[:, :2], v[:, :1])  # keys and values need not be shared alike
    wanted = softlit.attention(q, np.repeat(k[:, :2], 4, axis=1), np.repeat(v[:, :1], 8, axis=1))
    np.testing.assert_array_equal(mixed, wanted)


def test_a_bias_of_minus_infinity_is_a_mask():
    rng = np.random.default_rng(6)
    q, k, v = rng.normal(size=(5, 4)), rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
    mask = rng.random((5, 7)) < 0.5
    mask[2] = False
    got = softlit.attention(q, k, v, bias=np.where(mask, 0, -INF), return_lse=True)
    for ours, wanted in zip(got, softlit.attention(q, k, v, mask=mask, return_lse=True), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-13)
    assert not got[0][2].any() and got[1][2] == -INF
    # adding a logarithm is weighing: a key counts twice as if it were there twice
    twice = softlit.attention(q, np.vstack([k, k[:1]]), np.vstack([v, v[:1]]))
    weighed = softlit.attention(q, k, v, bias=np.log([2, 1, 1, 1, 1, 1, 1]))
    np.testing.assert_allclose(weighed, twice, rtol=1e-13)


def test_the_logsumexp_at_the_edges():
    ones = np.ones((1, 1))

    def lse(k, **options):
        k = np.reshape(k, (-1, 1))
        return softlit.attention(ones, k, np.ones_like(k), return_lse=True, **options)

    assert lse([1.0, INF]) == (1, INF) and lse([INF, INF])[1] == INF
    mean, value = lse([-INF, -INF])  # as softlit.logsumexp has it
    assert np.isnan(mean) and value == -INF
    assert np.isnan(lse([NAN, 1.0])[1]) and lse([NAN, 1.0], mask=[[False, True]]) == (1, 1)
    assert lse([1.0, 2.0], mask=[[False, False]]) == lse([]) == (0, -INF)
    assert lse([NAN, 1.0], bias=[[-INF, 0.0]]) == (1, 1)
    assert lse([1.0, 2.0], bias=[[INF, 0.0]])[1] == INF and np.isnan(lse([1.0], bias=[[NAN]])[0])
    for dtype in (np.float16, np.float32, np.float64, np.longdouble):
        k = np.ones((2, 1), dtype)
        means, value = softlit.attention(k, k, k, return_lse=True)
        assert means.dtype == value.dtype == dtype and value.shape == (2,)
    assert softlit.attention(*[np.float32(ones)] * 3, bias=ones).dtype == np.float64


@pytest.mark.parametrize("scale", [0.5, 5, 200])
def test_parts_of_the_keys_merge_by_their_logsumexp(scale):
    rng = np.random.default_rng(7)
    q, k, v = scale * rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 11, 4)), rng.normal(size=(2, 11, 3))
    mask = rng.random((5, 11)) < 0.5
    mask[1, :4] = mask[2] = False  # a query with nothing in the first part, and one with nothing at all
    parts = [slice(4), slice(4, 5), slice(5, 11)]
    found = [softlit.attention(q, k[:, at], v[:, at], mask=mask[:, at], return_lse=True) for at in parts]
    means, lses = (np.stack(part) for part in zip(*found, strict=True))
    wanted, lse = softlit.attention(q, k, v, mask=mask, return_lse=True)
    np.testing.assert_allclose(softlit.logsumexp(lses, axis=0), lse, rtol=1e-13)
    shares = softlit.softmax(lses, axis=0, where=np.isfinite(lses))[..., np.newaxis]
    np.testing.assert_allclose(np.sum(shares * means, axis=0), wanted, rtol=1e-11, atol=1e-12)
    equal = np.mean(means, axis=0)  # the negative control
    assert np.abs(equal - wanted).max() > 0.1


def peak(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_is_that_of_a_block():
    """Neither the table nor repeated heads nor a causal mask: 16 heads of 2000 queries and keys."""
    rng = np.random.default_rng(8)
    q, k, v = (rng.normal(size=(heads, 2000, 8)).astype(np.float32) for heads in (16, 2, 2))
    bias = rng.normal(size=(2000, 2000)).astype(np.float32)
    result = q.nbytes + 4 * 16 * 2000
    options = {"causal": True, "bias": bias, "return_lse": True, "scale": 0.3, "block": 128}
    extra = peak(lambda: softlit.attention(q, k, v, **options)) - result
    assert extra < 2**20 < 2000 * 2000 * 4 / 8
    assert peak(lambda: table(q, k, v)) > 16 * 2000 * 2000 * 4  # the negative control


def test_no_warning_escapes_from_any_option():
    wild = [0.0, 1e308, -1e308, 5e-324, INF, -INF, NAN]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for first in wild:
            for second in wild:
                parts = [[first]], [[second], [1.0]], [[second], [first]]
                for options in ({"bias": [[first, second]]}, {"scale": first}, {"causal": True}):
                    softlit.attention(*parts, block=1, return_lse=True, **options)
        softlit.attention(*[np.ones((2, 2), np.float32)] * 3, scale=1e300)


def test_attention_refuses_what_does_not_fit():
    ones = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"q \(3, 2\), k \(3, 3\) and v \(3, 2\) are not of shapes"):
        softlit.attention(ones, np.ones((3, 3)), ones)
    with pytest.raises(ValueError, match="block must be at least 1, not 0"):
        softlit.attention(ones, ones, ones, block=0)
    for block in (None, 2.0, "1"):
        with pytest.raises(TypeError, match="block must be a positive int, not"):
            softlit.attention(ones, ones, ones, block=block)
    with pytest.raises(TypeError, match=r"mask must hold bool, .* numbers to be added .* are a bias"):
        softlit.attention(ones, ones, ones, mask=np.ones((3, 3)))
    with pytest.raises(TypeError, match="bias must hold real numbers, not values of dtype complex128"):
        softlit.attention(ones, ones, ones, bias=1j * np.ones((3, 3)))
    with pytest.raises(TypeError, match="scale must hold real numbers"):
        softlit.attention(ones, ones, ones, scale="large")
    with pytest.raises(ValueError, match=r"scale must be one number, not an array of shape \(3,\)"):
        softlit.attention(ones, ones, ones, scale=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"a bias of shape \(3, 4\) do not .* broadcast to \(3, 3\)"):
        softlit.attention(ones, ones, ones, bias=np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"a mask of shape \(4, 3\) do not broadcast"):
        softlit.attention(ones, ones, ones, mask=np.ones((4, 3), bool))
    for heads in (4, 3, 0):  # no multiple of them is 2
        told = (
            rf"^q \(2, 3, 2\), k \({heads}, 3, 2\), v \(3, 2\) do not broadcast: .* a multiple of those of k"
        )
        with pytest.raises(ValueError, match=told):
            softlit.attention(np.ones((2, 3, 2)), np.ones((heads, 3, 2)), ones)


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
    assert _stay_small(q, k, v) == (scale < 2)
    limit = 4 if scale <= 1 else 2 * few_ulp(q, k, v, plain)
    for block in (100, 1024, 4096):
        assert few_ulp(q, k, v, lambda *parts, block=block: softlit.attention(*parts, block=block)) <= limit
    assert few_ulp(q, k, v, rounded) > 4 * limit


@pytest.mark.parametrize("large", [1e30, 1e38])
def test_weights_do_not_overflow_with_large_values(large):
    q, v = np.full((1, 4), 4, np.float32), np.float32([[large], [large], [-large]])
    k = np.full((3, 4), 3.9, np.float32)
    assert _stay_small(q, k, np.ones_like(v))
    np.testing.assert_allclose(softlit.attention(q, k, v), large / 3, rtol=1e-5)


def test_attention_keeps_infinite_values_of_keys_with_weight():
    k, v = [[1.0], [1.0], [-1e9]], [[INF], [1.0], [NAN]]
    assert softlit.attention([[1.0]], k, v).tolist() == [[INF]]
    assert softlit.attention([[1.0]], k, [[INF], [-INF], [0.0]], block=1).tolist() != [[0.0]]
    assert np.isnan(softlit.attention([[1.0]], k, [[INF], [-INF], [0.0]]))
    assert np.isnan(softlit.attention([[1.0]], k, [[NAN], [1.0], [0.0]]))
