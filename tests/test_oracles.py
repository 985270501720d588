"""The kernels against oracles: SciPy in values, and mpmath where test_worst_case.py does not go."""

import mpmath
import numpy as np
import pytest
import scipy.special
from adders import MACHINES

import softlit
from softlit import textbook
from softlit.lab.ulp import exact, exact_logsumexp, exact_softmax, ulp_error


@pytest.fixture(params=MACHINES, autouse=True)
def machine(request):
    with MACHINES[request.param]():
        yield


def test_the_textbook_formulas_are_right_where_they_do_not_break():
    x = np.random.default_rng(22).normal(size=(6, 5))
    np.testing.assert_allclose(textbook.softmax_naive(x), softlit.softmax(x), rtol=1e-14)
    np.testing.assert_allclose(textbook.softmax_shifted(x, axis=0), softlit.softmax(x, axis=0), rtol=1e-14)
    np.testing.assert_allclose(textbook.logsumexp_naive(x), softlit.logsumexp(x), rtol=1e-14)
    np.testing.assert_allclose(textbook.logsumexp_shifted(x + 800), softlit.logsumexp(x + 800), rtol=1e-14)


def test_the_textbook_formulas_fail_as_formulas_fail():
    with np.errstate(all="ignore"):
        assert np.isnan(textbook.softmax_naive([1000.0, 1000.0])).all()
        assert np.isinf(textbook.logsumexp_naive([1000.0, 0.0]))
        assert np.isnan(textbook.softmax_shifted(np.array([np.inf, 0.0]))).all()


def test_agreement_with_scipy():
    x = np.random.default_rng(21).normal(scale=30, size=(50, 20))
    np.testing.assert_allclose(softlit.softmax(x), scipy.special.softmax(x, axis=-1), rtol=1e-13)
    np.testing.assert_allclose(
        softlit.log_softmax(x),
        scipy.special.log_softmax(x, axis=-1),
        rtol=1e-13,
        atol=1e-15,
    )
    np.testing.assert_allclose(softlit.logsumexp(x), scipy.special.logsumexp(x, axis=-1), rtol=1e-14)
    np.testing.assert_allclose(softlit.sigmoid(x), scipy.special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(softlit.softplus(x), np.logaddexp(0, x), rtol=1e-14)
    p = softlit.softmax(x / 10)
    np.testing.assert_allclose(softlit.logit(p), scipy.special.logit(p), rtol=1e-13)
    np.testing.assert_allclose(softlit.entropy(p), scipy.special.entr(p).sum(axis=-1), rtol=1e-13)
    q = softlit.softmax(-x / 10)
    np.testing.assert_allclose(
        softlit.kl_divergence(p, q), scipy.special.rel_entr(p, q).sum(axis=-1), rtol=1e-12
    )


def test_mixed_dtypes_are_computed_in_the_wider_one():
    p, q = np.array([1e-30, 0.9, 3e-7], dtype=np.float32), np.array([1e20, 1.0, 1e-5])
    wide = p.astype(np.float64)
    np.testing.assert_array_equal(softlit.perturb(p, q), softlit.perturb(wide, q))
    np.testing.assert_array_equal(softlit.kl_divergence(p, q), softlit.kl_divergence(wide, q))
    np.testing.assert_array_equal(softlit.softmax_jvp(p, q), softlit.softmax_jvp(wide, q))


def test_small_inverse_temperatures_reach_huge_logits():
    """The gap of two logits may overflow before a small beta brings it back."""
    p = softlit.softmax([1e308, -1e308], beta=1e-308)
    np.testing.assert_allclose(p, scipy.special.expit([2.0, -2.0]), rtol=1e-14)
    np.testing.assert_allclose(softlit.log_softmax([1e308, -1e308], beta=0.1)[1], -2e307, rtol=1e-15)


def test_longdouble_is_as_right_as_the_exponential_of_the_c_library():
    x = np.array([0.1, 0.7, -1.3], dtype=np.longdouble)
    with mpmath.workdps(60):
        library = ulp_error(np.exp(x), [mpmath.exp(exact(value)) for value in x]).max()
    assert ulp_error(softlit.softmax(x), exact_softmax(x)).max() <= 6 + 3 * library
    assert ulp_error(softlit.logsumexp(x), exact_logsumexp(x)) <= 3 + 3 * library


def test_sums_of_float16_and_small_integers_do_not_saturate():
    assert softlit.logsumexp(np.zeros(100_000, dtype=np.float16)) == np.float16(np.log(100_000))
    assert softlit.softmax(np.zeros(100_000, dtype=np.float16))[0] == np.float16(1e-5)
    assert abs(softlit.logsumexp(np.full(3, 127, dtype=np.int8)) - (127 + np.log(3))) < 1e-13
