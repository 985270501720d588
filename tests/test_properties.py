"""The algebraic laws in floating point: for any logits that hypothesis can find, within a stated bound."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softlit

settings.register_profile("softlit", deadline=None, derandomize=True, max_examples=150)
settings.load_profile("softlit")

DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def logits(draw, bound=50, minimum=1):
    dtype = draw(DTYPES)
    shape = (draw(st.integers(1, 3)), draw(st.integers(minimum, 8)))
    elements = st.floats(-bound, bound, width=32)
    return draw(hnp.arrays(dtype, shape, elements=elements))


def unit(x):
    return float(np.finfo(x.dtype).eps) / 2


@given(logits(bound=2.0**100))
def test_open_simplex_up_to_rounding(x):
    p = softlit.softmax(x)
    assert (p >= 0).all() and (p <= 1).all()
    assert np.abs(p.astype(float).sum(axis=-1) - 1).max() <= (x.shape[-1] + 4) * unit(x)


@given(logits(), st.integers(-64, 64))
def test_shift_invariance(x, c):
    moved = x + x.dtype.type(c)
    scale = 2 * (np.abs(moved).max() + np.ptp(x) + x.shape[-1] + 8) * unit(x)
    np.testing.assert_allclose(softlit.softmax(moved), softlit.softmax(x), rtol=scale)
    np.testing.assert_allclose(softlit.logsumexp(moved), softlit.logsumexp(x) + c, rtol=0, atol=4 * scale)


@given(logits(bound=2.0**100), st.randoms(use_true_random=False))
def test_permutation_equivariance(x, random):
    order = list(range(x.shape[-1]))
    random.shuffle(order)
    np.testing.assert_allclose(softlit.softmax(x[:, order]), softlit.softmax(x)[:, order], rtol=20 * unit(x))


@given(logits(bound=2.0**100, minimum=2))
def test_order_is_kept(x):
    p = softlit.softmax(x)
    rank = np.argsort(x, axis=-1, kind="stable")
    assert (np.diff(np.take_along_axis(p, rank, axis=-1), axis=-1) >= 0).all()


@given(logits())
def test_log_softmax_is_the_log(x):
    with np.errstate(divide="ignore"):
        by_log = np.log(softlit.softmax(x.astype(np.longdouble)))
    np.testing.assert_allclose(softlit.log_softmax(x), by_log, rtol=(120 + x.shape[-1]) * unit(x), atol=1e-18)


@given(logits())
def test_log_softmax_is_never_positive(x):
    assert (softlit.log_softmax(x) <= 0).all()


@given(logits(bound=2.0**100))
def test_logsumexp_bounds(x):
    """max <= LSE <= max + log N, in floats with a rounding; strictness is lost by rounding."""
    top, value = x.max(axis=-1), softlit.logsumexp(x)
    slack = 4 * unit(x) * (np.abs(top) + 1)
    assert (value >= top - slack).all() and (value <= top + np.log(x.shape[-1]) + slack).all()


@given(logits(bound=10), st.floats(-4, 4, width=16))
def test_scaling_is_powering(x, beta):
    scaled = softlit.softmax(x, beta=beta)
    with np.errstate(under="ignore"):
        powered = softlit.softmax(x.astype(np.longdouble)) ** np.longdouble(beta)
    powered /= powered.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(scaled, powered, rtol=(200 + 2 * x.shape[-1]) * unit(x))


@given(logits(), logits())
def test_beta_infinite_is_hardmax(x, y):
    np.testing.assert_array_equal(softlit.softmax(x, beta=np.inf), softlit.hardmax(x))


@given(logits(bound=20))
def test_inverse_both_ways(x):
    x = x.astype(float)
    p = softlit.softmax(x)
    np.testing.assert_allclose(softlit.clr(p), x - x.mean(axis=-1, keepdims=True), atol=1e-13)
    np.testing.assert_allclose(softlit.softmax(softlit.softmax_inverse(p)), p, rtol=1e-13)


@given(logits(bound=20))
def test_jacobian_annihilates_constants_and_is_symmetric(x):
    jacobian = softlit.softmax_jacobian(x)
    assert np.abs(jacobian.astype(float).sum(axis=-1)).max() <= (x.shape[-1] + 4) * unit(x)
    np.testing.assert_array_equal(jacobian, np.swapaxes(jacobian, -1, -2))


@given(logits(bound=20))
def test_products_agree_with_the_matrix(x):
    v = np.roll(x, 1, axis=-1)
    full = np.einsum("...ij,...j->...i", softlit.softmax_jacobian(x.astype(float)), v.astype(float))
    bound = 40 * unit(x) * (np.abs(v).max() + 1)
    np.testing.assert_allclose(softlit.softmax_jvp(x, v), full, rtol=0, atol=bound)
    np.testing.assert_allclose(softlit.softmax_vjp(x, v), full, rtol=0, atol=bound)


@given(logits(bound=20), logits(bound=20))
def test_the_tolerances_can_fail(x, y):
    """The negative control: another distribution is not accepted as the same one."""
    other = x.copy()
    other[..., 0] += x.dtype.type(1)
    if x.shape[-1] > 1:
        assert not np.allclose(softlit.softmax(other), softlit.softmax(x), rtol=20 * float(unit(x)), atol=0)
