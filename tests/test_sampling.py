"""Draws: their law by chi-squared, with laws beside it that are refused, and the contract at the edges."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import stats

import softlit
from softlit.sampling import _first_above

INF, NAN = np.inf, np.nan
LOGITS = {
    "three": np.log([7.0, 2.0, 1.0]),
    "spread": np.array([0.0, -3.0, 2.5, 2.5, -INF, 1.0]),
    "many": np.random.default_rng(1).normal(size=40),
}
each_logits = pytest.mark.parametrize("x", LOGITS.values(), ids=LOGITS)


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings(action="error"):
        yield


def p_value(counts, shares):
    """Of the entries that have a share; one that has none and was drawn is refused at once."""
    possible = shares > 0
    if counts[~possible].any():
        return 0.0
    return stats.chisquare(counts[possible], counts.sum() * shares[possible]).pvalue


def counted(drawn, size):
    return np.bincount(np.ravel(drawn), minlength=size)


@each_logits
@pytest.mark.parametrize("beta", [0.5, 1.0, -1.0])
def test_draws_have_the_shares_of_softmax(x, beta):
    finite = np.where(np.isneginf(x), 0.0, x) if beta < 0 else x  # turned round, -inf would always be drawn
    drawn = softlit.sample(finite, size=200_000, beta=beta, rng=5)
    counts = counted(drawn, x.size)
    assert p_value(counts, softlit.softmax(finite, beta=beta)) > 1e-6
    assert p_value(counts, softlit.softmax(finite, beta=0.95 * beta)) < 1e-6


@each_logits
def test_one_draw_from_each_of_many_rows_has_the_same_shares(x):
    counts = counted(softlit.sample(np.tile(x, (200_000, 1)), rng=6), x.size)
    assert p_value(counts, softlit.softmax(x)) > 1e-6
    assert p_value(counts, softlit.softmax(x, beta=0.95)) < 1e-6


@each_logits
def test_the_first_of_distinct_draws_has_the_shares_of_softmax(x):
    drawn = softlit.sample_distinct(np.tile(x, (100_000, 1)), 2, rng=7)
    assert (drawn[:, 0] != drawn[:, 1]).all()
    assert p_value(counted(drawn[:, 0], x.size), softlit.softmax(x)) > 1e-6
    assert p_value(counted(drawn[:, 1], x.size), softlit.softmax(x)) < 1e-6


def test_distinct_draws_have_the_law_of_plackett_and_luce():
    x = np.array([0.5, -1.0, 2.0, 1.2])
    w = np.exp(1.5 * x)
    for k in (2, 3):
        orders = list(itertools.permutations(range(4), k))
        wanted = np.ones(len(orders))
        for place, order in enumerate(orders):
            left = w.sum()
            for one in order:
                wanted[place] *= w[one] / left
                left -= w[one]
        drawn = softlit.sample_distinct(np.tile(x, (200_000, 1)), k, beta=1.5, rng=8)
        found = np.array([np.count_nonzero((drawn == order).all(axis=-1)) for order in orders])
        assert abs(wanted.sum() - 1) < 1e-12
        assert p_value(found, wanted) > 1e-6
        products = softlit.closure([np.prod(w[list(order)]) for order in orders])
        assert p_value(found, products) < 1e-6


def test_rare_entries_are_drawn_as_often_as_they_should_be():
    x = np.float32([0] + [np.log(2.0**-25)] * 2**20)
    rare = np.count_nonzero(softlit.sample(x, size=100_000, rng=9))
    share = 1 - softlit.softmax(x.astype(float))[0]
    assert 0.02 < share < 0.04
    assert stats.binomtest(rare, 100_000, share).pvalue > 1e-6
    assert stats.binomtest(rare, 100_000, 0.9 * share).pvalue < 1e-6


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 1023, 1024, 1025])
@pytest.mark.parametrize("draws", [1, 3, 4, 50])
def test_both_ways_of_looking_up_find_the_same_place(size, draws):
    rng = np.random.default_rng(size)
    shares = np.where(rng.random((3, size)) < 0.3, 0, rng.random((3, size)))
    shares[:, rng.integers(size)] = 0.5
    running = np.cumsum(shares, axis=-1)
    targets = rng.random((draws, 3)) * running[:, -1]
    targets[0] = 0
    found = _first_above(running, targets)
    wanted = [np.searchsorted(*pair, side="right") for pair in zip(running, targets.T, strict=True)]
    np.testing.assert_array_equal(found, np.stack(wanted, axis=-1))
    assert (np.take_along_axis(shares, found.T, axis=-1) > 0).all()


def test_shapes():
    x = np.zeros((4, 5, 6))
    assert softlit.sample(x, rng=0).shape == (4, 5)
    assert softlit.sample(x, axis=0, rng=0).shape == (5, 6)
    assert softlit.sample(x, axis=1, size=(2, 3), rng=0).shape == (2, 3, 4, 6)
    assert softlit.sample(x, axis=None, size=7, rng=0).max() < 120
    assert softlit.sample(x, size=0, rng=0).shape == (0, 4, 5)
    assert softlit.sample(np.zeros(5), beta=np.ones((3, 1)), rng=0).shape == (3,)
    assert np.shape(softlit.sample([1.0, 2.0], rng=0)) == ()
    assert softlit.sample(3.0, rng=0) == 0 and softlit.sample(3.0, size=2, rng=0).tolist() == [0, 0]
    assert softlit.sample(np.zeros((0, 3)), rng=0).shape == (0,)
    assert softlit.sample_distinct(x, 2, axis=1, rng=0).shape == (4, 2, 6)
    assert softlit.sample_distinct(x, 0, rng=0).shape == (4, 5, 0)
    assert softlit.sample_distinct(np.zeros((0, 3)), 2, rng=0).shape == (0, 2)
    assert softlit.sample_distinct(3.0, 1, rng=0).tolist() == [0]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float16, np.float32, np.float64, np.longdouble])
def test_whatever_the_dtype_the_indices_are_those_of_float64(dtype):
    x = np.array([[1, 0, 1, 3], [0, 0, 2, 1]]).astype(dtype)
    kept = x.copy()
    for draw in (lambda x: softlit.sample(x, size=50, rng=1), lambda x: softlit.sample_distinct(x, 3, rng=1)):
        drawn = draw(x)
        assert drawn.dtype == np.intp
        np.testing.assert_array_equal(drawn, draw(x.astype(float)))
    np.testing.assert_array_equal(x, kept)


def test_a_seed_repeats_and_a_generator_moves_on():
    x = LOGITS["many"]
    for draw in (
        lambda rng: softlit.sample(x, size=9, rng=rng),
        lambda rng: softlit.sample_distinct(x, 9, rng=rng),
    ):
        assert np.array_equal(draw(3), draw(3)) and not np.array_equal(draw(3), draw(4))
        rng = np.random.default_rng(3)
        assert np.array_equal(draw(rng), draw(3)) and not np.array_equal(draw(rng), draw(3))
        assert draw(None).shape == (9,)
        with pytest.raises(TypeError):
            draw("seed")


def drawn_at(x, **options):
    return {*softlit.sample(x, size=400, rng=2, **options).tolist()}


def test_infinities_masks_and_temperatures():
    assert drawn_at([0, INF, 1]) == {1}
    assert drawn_at([INF, 0, INF]) == {0, 2}
    assert drawn_at([0, -INF, 1]) == {0, 2}
    assert drawn_at([0, NAN, 1], where=[True, False, True]) == {0, 2}
    assert drawn_at([INF, -INF, 0], beta=0) == {0, 1, 2}
    assert drawn_at([1, 3, 3], beta=INF) == {1, 2}
    assert drawn_at([1, 3, 1], beta=-INF) == {0, 2}
    assert drawn_at([0, 900], beta=-1) == {0}
    halves = softlit.sample([INF, 0, INF], size=20_000, rng=3)
    assert stats.binomtest(np.count_nonzero(halves), 20_000, 0.5).pvalue > 1e-6


def distinct_at(x, k, **options):
    return softlit.sample_distinct(np.tile(np.array(x, float), (6000, 1)), k, rng=4, **options)


def is_half(hits):
    return stats.binomtest(int(np.count_nonzero(hits)), hits.size, 0.5).pvalue > 1e-6


def test_distinct_draws_at_infinities_masks_and_temperatures():
    drawn = distinct_at([INF, 0, INF, 1], 4)
    assert (np.sort(drawn[:, :2]) == [0, 2]).all() and is_half(drawn[:, 0] == 0)
    assert stats.binomtest(int(np.sum(drawn[:, 2] == 3)), 6000, softlit.sigmoid(1.0)).pvalue > 1e-6
    drawn = distinct_at([1, 3, 3, 2], 4, beta=INF)
    assert (drawn[:, 2:] == [3, 0]).all() and is_half(drawn[:, 0] == 1)
    assert (distinct_at([1, 3, 3, 2], 2, beta=-INF) == [0, 3]).all()
    orders = distinct_at([INF, -INF, 0], 3, beta=0) @ [9, 3, 1]
    assert p_value(np.unique(orders, return_counts=True)[1], np.full(6, 1 / 6)) > 1e-6
    assert (distinct_at([0, 50], 1, beta=-1) == 0).all()
    assert not (distinct_at([0, NAN, 5, 9], 3, where=[True, False, True, True]) == 1).any()
    far = distinct_at([1e308, -1e308, 0, -INF], 3)
    assert (np.sort(far) == [0, 1, 2]).all() and (far[:, 0] == 0).all()


WITHOUT = {
    "a NaN": [[0.0, 1.0], [0.0, NAN]],
    "-inf alone": [[0.0, 1.0], [-INF, -INF]],
}


@pytest.mark.parametrize("x", WITHOUT.values(), ids=WITHOUT)
def test_a_slice_without_softmax_is_refused_and_named(x):
    assert np.isnan(softlit.softmax(x)[1]).any()
    for draw in (softlit.sample, lambda x: softlit.sample_distinct(x, 1)):
        with pytest.raises(ValueError, match=r"x in slice \[1\] has no distribution"):
            draw(x)
        with pytest.raises(ValueError, match=r"^x has no distribution"):
            draw(x[1])
        assert np.size(draw(x[:1])) == 1


def test_masked_slices_empty_ones_and_beta_of_nan_are_refused():
    for draw in (softlit.sample, lambda x, **options: softlit.sample_distinct(x, 1, **options)):
        for x, options in (
            ([0.0, 1.0], {"where": [False, False]}),
            ([0.0, 1.0], {"beta": NAN}),
            (np.zeros((2, 0)), {}),
        ):
            with pytest.raises(ValueError, match="no distribution"):
                draw(x, **options)


def test_wrong_arguments_are_named():
    x = np.zeros((2, 3))
    with pytest.raises(np.exceptions.AxisError):
        softlit.sample(x, axis=2)
    with pytest.raises(np.exceptions.AxisError):
        softlit.sample_distinct(x, 1, axis=2)
    for axis in ((0, 1), 1.0, "0"):
        with pytest.raises(TypeError, match="axis must be an int"):
            softlit.sample(x, axis=axis)
        with pytest.raises(TypeError, match="axis must be an int"):
            softlit.sample_distinct(x, 1, axis=axis)
    for size in (2.0, (2, 1.5), "2"):
        with pytest.raises(TypeError, match="size must be an int or a tuple of ints"):
            softlit.sample(x, size=size)
    with pytest.raises(TypeError, match=r"k must be an int, not 1\.5"):
        softlit.sample_distinct(x, 1.5)
    with pytest.raises(ValueError, match="k must not be negative, but it is -1"):
        softlit.sample_distinct(x, -1)
    with pytest.raises(ValueError, match=r"x in slice \[0\] .* fewer than 4 entries"):
        softlit.sample_distinct(x, 4)
    with pytest.raises(ValueError, match="negative"):
        softlit.sample(x, size=-1)
