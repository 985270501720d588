"""What is beside the truth, and what is kept: fit_beta, the calibration error, and the masks of sampling."""

import warnings

import numpy as np
import pytest
from contract import KEPT

import softlit

INF, NAN = np.inf, np.nan
RNG = np.random.default_rng(16)
LOGITS = RNG.normal(size=(300, 5))
TRUTH = (2.5 * LOGITS + RNG.gumbel(size=(300, 5))).argmax(axis=-1)
BETA = softlit.fit_beta(LOGITS, TRUTH)


@pytest.fixture(autouse=True)
def _no_warning_escapes():
    with warnings.catch_warnings(action="error"):
        yield


def test_the_fit_has_the_least_loss():
    losses = [softlit.cross_entropy(b * LOGITS, TRUTH).mean() for b in BETA * np.array([0.99, 1, 1.01])]
    assert losses[1] < min(losses[0], losses[2])
    optimize = pytest.importorskip("scipy.optimize")
    found = optimize.minimize_scalar(
        lambda beta: softlit.cross_entropy(beta * LOGITS, TRUTH).mean(), bounds=(0, 20), method="bounded"
    )
    assert abs(found.x - BETA) < 1e-4  # as far as the flat bottom tells


@pytest.mark.parametrize("unit", [1e-300, 1e-150, 1e-5, 1e5, 1e150, 1e300])
def test_the_fit_scales(unit):
    assert abs(softlit.fit_beta(unit * LOGITS, TRUTH) * unit / BETA - 1) < 1e-12


def test_what_the_fit_does_not_see():
    more = np.c_[LOGITS, np.full(300, -INF)]
    same = [
        softlit.fit_beta(LOGITS + 100, TRUTH),
        softlit.fit_beta(more, TRUTH),
        softlit.fit_beta(np.c_[LOGITS, np.full(300, NAN)], TRUTH, where=[True] * 5 + [False]),
        softlit.fit_beta(LOGITS.T, TRUTH, axis=0),
        softlit.fit_beta(LOGITS.reshape(20, 15, 5), TRUTH.reshape(20, 15)),
        softlit.fit_beta(np.r_[LOGITS, np.ones((40, 5))], np.r_[TRUTH, np.zeros(40, int)]),
    ]
    np.testing.assert_allclose(same, BETA, rtol=1e-12)
    assert abs(softlit.fit_beta(LOGITS.astype(np.float32), TRUTH) / BETA - 1) < 1e-6


def test_fits_at_the_ends():
    assert softlit.fit_beta([[0, 1.0], [3, 0]], [1, 0]) == INF  # all right
    assert softlit.fit_beta([[1, 1, 0], [2, 0, 1]], [0, 0]) == INF  # among ties, too
    assert softlit.fit_beta([[0, 1.0], [3, 0]], [0, 1]) == 0  # worse than chance
    assert softlit.fit_beta([1.0, 2, 3], 1) == 0
    assert np.isnan(softlit.fit_beta([[1.0, 1.0], [-INF, 2.0]], [0, 1]))  # nothing depends on beta
    assert isinstance(softlit.fit_beta(LOGITS, TRUTH), float)
    nearly = np.zeros((100_000, 2))
    nearly[:, 0] = 1
    wrong_once = np.arange(100_000) == 7
    assert abs(softlit.fit_beta(nearly, wrong_once.astype(int)) - np.log(99_999)) < 1e-9


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        ([[0.0, 1.0]], [2], r"y\[0\] is 2, which is no class"),
        ([[0.0, 1.0]], [-1], r"y\[0\] is -1, which is no class"),
        ([[0.0, 1.0]], [0, 1], r"y has shape \(2,\)"),
        ([[NAN, 1.0]], [1], r"x\[0, 0\] must be a number or -inf, not nan"),
        ([[0.0, INF]], [1], r"x\[0, 1\] must be a number or -inf, not inf"),
        ([[0.0, 1.0], [0.0, -INF]], [0, 1], r"y\[1\] is 1, a class whose logit is -inf"),
        (np.zeros((0, 3)), np.zeros(0, int), "no examples"),
    ],
)
def test_what_cannot_be_fitted_is_named(x, y, told):
    with pytest.raises(ValueError, match=told):
        softlit.fit_beta(x, y)


def test_a_class_that_is_left_out_cannot_be_true():
    with pytest.raises(ValueError, match=r"y is 1, a class whose logit is -inf or left out"):
        softlit.fit_beta([0.0, 1.0], 1, where=[True, False])


BESIDE = [softlit.fit_beta, softlit.calibration_table, softlit.calibration_error]


@pytest.mark.parametrize("function", BESIDE)
def test_classes_are_integers_and_the_axis_is_one(function):
    p = np.full((4, 2), 0.5)
    for y in ([0.0, 1, 1, 0], [True, False, True, True], ["a"] * 4):
        with pytest.raises(TypeError, match="y must hold integers"):
            function(p, y)
    with pytest.raises(TypeError, match="axis must be an int"):
        function(p, [0, 1, 1, 0], axis=(0, 1))
    with pytest.raises(np.exceptions.AxisError):
        function(p, [0, 1, 1, 0], axis=2)


def test_bins_of_one_width_are_closed_above():
    p = [[1.0, 0], [0.5, 0.5], [0.6, 0.4]]
    confidence, accuracy, count = softlit.calibration_table(p, [0, 1, 0], bins=10)
    assert count.tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 1]
    assert np.isnan(confidence[count == 0]).all() and np.isnan(accuracy[count == 0]).all()
    assert accuracy[count > 0].tolist() == [0, 1, 1]  # of a tie the first is the answer
    np.testing.assert_allclose(confidence[count > 0], [0.5, 0.6, 1])


def test_bins_of_one_count_keep_ties_together():
    told = np.repeat([0.6, 0.7, 0.8, 0.9], [10, 10, 25, 5])
    p = np.stack([told, 1 - told], axis=-1)
    order = RNG.permutation(50)
    y = np.arange(50) % 2
    _, _, count = softlit.calibration_table(p, y, bins=5, equal="count")
    assert count.tolist() == [10, 10, 25, 0, 5]
    errors = [softlit.calibration_error(p[o], y[o], bins=5, equal="count") for o in (slice(None), order)]
    assert abs(errors[0] - errors[1]) < 1e-15
    assert softlit.calibration_error(np.tile([0.5, 0.3, 0.2], (10, 1)), [0] * 5 + [1] * 5) == 0


def test_the_error_is_the_mean_over_the_bins():
    p = softlit.softmax(LOGITS)
    for bins in (1, 7, 15):
        confidence, accuracy, count = softlit.calibration_table(p, TRUTH, bins=bins)
        by_hand = np.nansum(count / 300 * np.abs(accuracy - confidence))
        assert abs(softlit.calibration_error(p, TRUTH, bins=bins) - by_hand) < 1e-15
        assert count.sum() == 300
    assert softlit.calibration_error(p.T, TRUTH, axis=0) == softlit.calibration_error(p, TRUTH)
    assert abs(softlit.calibration_error([0.7, 0.2, 0.1], 0) - 0.3) < 1e-15
    rounded = p.astype(np.float16)  # sums that are off by its rounding are taken
    assert abs(softlit.calibration_error(rounded, TRUTH) - softlit.calibration_error(p, TRUTH)) < 0.02


@pytest.mark.parametrize(
    ("p", "given", "told"),
    [
        ([[2.0, 1.0]], {}, r"p in slice \[0\] sums to 3, not to 1.*softmax\(x\)"),
        ([[-2.0, 3.0]], {}, r"p\[0, 0\] is -2\.0"),
        ([[NAN, 1.0]], {}, "sums to nan"),
        ([[0.5, 0.5]], {"bins": 0}, "bins must be at least 1"),
        ([[0.5, 0.5]], {"equal": "size"}, "equal must be 'width' or 'count'"),
    ],
)
def test_what_is_no_table_is_named(p, given, told):
    for function in BESIDE[1:]:
        with pytest.raises(ValueError, match=told):
            function(p, [0], **given)
        with pytest.raises(ValueError, match="no examples"):
            function(np.zeros((0, 2)), np.zeros(0, int))


def test_the_slice_that_does_not_sum_to_1_is_named():
    p = np.full((2, 2, 3), 0.5)  # along the axis 1, six slices
    p[1, :, 2] = 0.25
    for function in BESIDE[1:]:
        with pytest.raises(ValueError, match=r"p in slice \[1, 2\] sums to 0\.5,"):
            function(p, np.zeros((2, 3), int), axis=1)
        with pytest.raises(ValueError, match=r"^p sums to 1\.5,"):
            function([0.5, 1.0], 0)


each_mask = pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
FIVE = np.log([0.5, 0.25, 0.15, 0.07, 0.03])


@each_mask
def test_masks_are_bool_and_of_the_shape_of_the_logits(kept):
    for dtype in (np.float16, np.float32, np.float64, np.longdouble, int):
        got = kept(np.array([[3, 1, 0], [0, 2, 1]], dtype))
        assert got.dtype == bool and got.shape == (2, 3)
    assert kept(3.0) == True  # noqa: E712
    for shape in ((0, 3), (2, 0)):
        assert kept(np.zeros(shape)).shape == shape


@each_mask
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_masks_along_any_axis(kept, axis):
    x = RNG.normal(size=(2, 3, 4))
    axes = (0, 1, 2) if axis is None else np.atleast_1d(axis) % 3
    outer = [a for a in range(3) if a not in axes]
    moved = np.transpose(x, [*outer, *axes])
    rows = kept(moved.reshape(*moved.shape[: len(outer)], -1))
    got = np.transpose(kept(x, axis=axis), [*outer, *axes])
    assert (got.reshape(rows.shape) == rows).all()


@each_mask
def test_what_masks_never_keep(kept):
    assert kept([2.0, -INF, 1.0])[1] == False  # noqa: E712
    assert not kept([-INF, -INF]).any()
    assert kept([INF, 3.0]).tolist() == ([True, True] if kept is KEPT["top_k_mask"] else [True, False])
    got = kept([[NAN, 1.0, 2.0]], where=[False, True, True])
    assert got.tolist() == [[False, *kept([1.0, 2.0])]]
    with pytest.raises(ValueError, match="x holds a NaN"):
        kept([NAN, 1.0])


def test_the_first_of_ties_is_kept():
    assert softlit.top_k_mask([1.0, 3, 3, 3], 2).tolist() == [False, True, True, False]
    assert softlit.top_p_mask(np.zeros(4), 0.5).tolist() == [True, True, False, False]
    assert softlit.min_p_mask(np.zeros(4), 1).all()
    assert softlit.top_k_mask([1.0, 2.0], 9).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sizes_of_the_nucleus(dtype):
    sizes = [
        softlit.top_p_mask(FIVE.astype(dtype), p).sum() for p in (0, 0.4, 0.5, 0.51, 0.6, 0.75, 0.9, 0.97, 1)
    ]
    assert sizes == [1, 1, 1, 2, 2, 2, 3, 4, 5]
    assert softlit.top_p_mask(np.array([0, -40], dtype), 1).all()
    assert softlit.top_p_mask(np.array([0, -1000], dtype), 1).tolist() == [True, False]  # its share is 0


def test_a_long_flat_tail_in_float32():
    """The sum is taken in float64: in float32 it would lose the tail."""
    flat = (0.1 * RNG.normal(size=150_000)).astype(np.float32)
    shares = np.sort(softlit.softmax(flat.astype(float)))[::-1]
    exact = int(np.searchsorted(shares.cumsum(), 0.9)) + 1
    assert abs(softlit.top_p_mask(flat, 0.9).sum() - exact) <= 1


def test_one_share_and_one_beta_a_slice():
    x = np.stack([FIVE, FIVE])
    assert softlit.top_p_mask(x, [[0.5], [0.9]]).sum(axis=-1).tolist() == [1, 3]
    assert softlit.min_p_mask(x, 0.25, beta=[[1.0], [0.5]]).sum(axis=-1).tolist() == [3, 4]
    for mask in (softlit.top_p_mask, softlit.min_p_mask):
        assert mask(FIVE, 0.9, beta=INF).tolist() == [True, False, False, False, False]
        assert mask(FIVE, 0.3, beta=-1.0)[-1] and not mask(FIVE, 0.3, beta=-1.0)[0]
        for beta in (0.0, 1e-300, 1e300, -INF):
            assert mask([1e308, -1e308], 0.4, beta=beta).any()
        for p in (-0.1, 1.1, NAN):
            with pytest.raises(ValueError, match="p must lie between 0 and 1"):
                mask(FIVE, p)
        with pytest.raises(ValueError, match="beta must not be NaN"):
            mask(FIVE, 0.5, beta=NAN)


@pytest.mark.parametrize(
    ("k", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)]
)
def test_k_is_a_positive_int(k, error):
    with pytest.raises(error, match="k must be"):
        softlit.top_k_mask(FIVE, k)


def test_a_negative_control():
    """What the masks are compared with does tell a wrong one: the entry that crosses left out."""
    p = np.exp(FIVE)
    assert (p.cumsum() <= 0.6).sum() != softlit.top_p_mask(FIVE, 0.6).sum()
