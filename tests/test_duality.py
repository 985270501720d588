"""What the inverse temperatures of a mean or an entropy promise beyond the contract of all functions."""

import numpy as np
import pytest

import softlit

INF, NAN = np.inf, np.nan
FACES = np.arange(1.0, 7)


def test_a_mean_at_an_end_is_an_infinite_inverse_temperature():
    assert softlit.beta_for_mean(FACES, [[1], [6]]).tolist() == [-INF, INF]
    assert softlit.beta_for_mean(FACES, 3.5) == 0


def test_means_of_a_constant_slice_and_of_one_entry():
    assert softlit.beta_for_mean([2.0, 2.0], 2.0) == 0 == softlit.beta_for_mean(7.0, 7.0)
    with pytest.raises(ValueError, match=r"mean must lie between .*, 2\.0 and 2\.0, but mean is 2\.5"):
        softlit.beta_for_mean([2.0, 2.0], 2.5)


@pytest.mark.parametrize("wrong", [0.999, 6.001, INF, -INF])
def test_a_mean_outside_is_refused_and_named(wrong):
    with pytest.raises(ValueError, match=rf"1\.0 and 6\.0, but mean in slice \[1\] is {wrong}"):
        softlit.beta_for_mean([FACES, FACES], [[2.0], [wrong]])


@pytest.mark.parametrize(
    "wrong, least, most", [(1.2, 0.0, "1.09861"), (-0.1, 0.0, "1.09861"), (0.5, 0.693147, "")]
)
def test_an_entropy_out_of_reach_is_refused_and_named(wrong, least, most):
    x = [0.0, 0.0, -1.0] if least else [0.0, 2.0, 1.0]
    with pytest.raises(ValueError, match=rf"between {least:g}.*{most}.*, but entropy is {wrong}"):
        softlit.beta_for_entropy(x, wrong)


def test_an_entropy_at_an_end():
    assert softlit.beta_for_entropy([0.0, 2.0, 1.0], np.log([[3], [1]])).tolist() == [0, INF]
    assert softlit.beta_for_entropy([0.0, 0.0, -1.0], np.log(2)) == INF
    assert softlit.beta_for_entropy([4.0, 4.0], np.log(2)) == 0 == softlit.beta_for_entropy(4.0, 0.0)


def test_a_rounding_beyond_an_end_counts_as_the_end():
    most = softlit.entropy(np.full(49, 1 / 49))
    for e in (most, np.nextafter(np.log(49), 9)):
        assert softlit.beta_for_entropy(np.arange(49.0), e) < 1e-7
    x32 = np.arange(7, dtype=np.float32)
    assert softlit.beta_for_entropy(x32, np.float32(np.log(7)) * np.float32(1 + 2e-7)) == 0


@pytest.mark.parametrize("solve, wanted", [(softlit.beta_for_mean, 1.2), (softlit.beta_for_entropy, 0.4)])
def test_infinite_entries_and_nan(solve, wanted):
    x = np.array([0.0, 1.0, 2.0])
    without = solve(x, wanted)
    assert solve([0.0, -INF, 1.0, 2.0, -INF], wanted) == pytest.approx(without, rel=1e-15)
    for row in ([INF, 0.0, 1.0], [INF, INF], [NAN, 0.0], [-INF, -INF], []):
        assert np.isnan(solve(row, wanted))
    assert np.isnan(solve(x, NAN))
    assert solve(np.zeros((0, 3)), wanted).shape == (0,)
    assert np.isnan(solve(np.zeros((2, 0)), wanted)).tolist() == [True, True]


@pytest.mark.parametrize("solve, wanted", [(softlit.beta_for_mean, 0.3), (softlit.beta_for_entropy, 1.5)])
def test_axes_and_keepdims(solve, wanted):
    x = np.random.default_rng(3).normal(size=(2, 3, 4))
    for axis in (0, 1, -1, (0, 2), None):
        if solve is softlit.beta_for_entropy:
            entries = x.size if axis is None else np.prod(np.take(x.shape, axis))
            wanted = 0.8 * np.log(entries)
        else:
            wanted = (x.mean(axis=axis, keepdims=True) + x.max(axis=axis, keepdims=True)) / 2
        kept = solve(x, wanted, axis, keepdims=True)
        np.testing.assert_array_equal(solve(x, wanted, axis), np.squeeze(kept, axis=axis))
        p = softlit.softmax(x, axis, beta=kept)
        got = (p * x).sum(axis=axis) if solve is softlit.beta_for_mean else softlit.entropy(p, axis)
        np.testing.assert_allclose(got, np.squeeze(wanted + 0 * kept, axis=axis), rtol=1e-12, atol=1e-14)


def test_a_wanted_number_a_slice_has_its_shape_explained():
    with pytest.raises(ValueError, match=r"write mean\[:, np.newaxis\]"):
        softlit.beta_for_mean(np.eye(3), [0.1, 0.2, 0.3])


def test_turned_round_and_scaled():
    x, mean = np.array([0.3, -1.2, 2.5, 0.9]), 1.7
    beta = softlit.beta_for_mean(x, mean)
    assert softlit.beta_for_mean(-x, -mean) == -beta
    for power in (-900, -30, 30, 900):
        scale = 2.0**power
        assert softlit.beta_for_mean(scale * x, scale * mean) == beta / scale
    np.testing.assert_allclose(softlit.beta_for_mean(x + 100, mean + 100), beta, rtol=1e-13)


def test_the_ends_of_the_range_of_floats():
    assert softlit.beta_for_mean([-1e308, 1e308], 5e307) == pytest.approx(np.log(3) / 2e308, rel=1e-12)
    assert softlit.beta_for_mean([0.0, 5e-324, 1e-323], 5e-324) == 0
    assert softlit.beta_for_mean([0.0, 1e-320], 7.5e-321) == INF  # 1e320, which no float holds
    assert softlit.beta_for_mean([0.0, 1.0], 1 - 2.0**-53) == pytest.approx(53 * np.log(2), rel=1e-15)
    assert softlit.beta_for_entropy([1.0, 0.0], 1e-300) == pytest.approx(697.3242113793526, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_other_dtypes_agree(dtype):
    x = np.array([0.25, -1.5, 2.5, 1.0], dtype)
    for solve, wanted in ((softlit.beta_for_mean, 1.5), (softlit.beta_for_entropy, 0.75)):
        got, true = solve(x, wanted), solve(x.astype(float), wanted)
        assert got.dtype == dtype
        eps = max(np.finfo(dtype).eps, np.finfo(float).eps)
        np.testing.assert_allclose(float(got), float(true), rtol=8 * float(eps))
