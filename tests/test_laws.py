"""The algebraic laws in floating point, for any logits that hypothesis finds, within the stated accuracy.

A probability is within 6 ulp of exact in float64 and 8 in float32, log_softmax within 4, logsumexp in 3: two
results that are equal in exact arithmetic differ by at most twice that, and an ulp is at most eps of a value.
"""

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softlit

settings.register_profile("softlit", deadline=None, derandomize=True, max_examples=150)
settings.load_profile("softlit")

TWICE = {np.dtype(np.float32): 16, np.dtype(np.float64): 12}  # ulps that two probabilities may differ by


@st.composite
def logits(draw, bound=40, minimum=1, count=1, whole=False):
    """One array of logits, or `count` of one shape and dtype; whole numbers if asked for."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = (draw(st.integers(1, 3)), draw(st.integers(minimum, 8)))
    elements = st.integers(-bound, bound).map(float) if whole else st.floats(-bound, bound, width=32)
    arrays = [draw(hnp.arrays(dtype, shape, elements=elements)) for _ in range(count)]
    return arrays if count > 1 else arrays[0]


def eps(x):
    return float(np.finfo(x.dtype).eps)


def unit(x):
    return eps(x) / 2


def assert_same_p(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=TWICE[wanted.dtype] * eps(wanted))


def lse_slack(*arrays):
    """Twice 3 ulp of the largest LogSumExp or logit around; it covers the cancellation near zero."""
    size = max(float(np.abs(x).max()) + np.log(x.shape[-1]) + 1 for x in arrays)
    return 6 * eps(arrays[0]) * size


@given(logits(whole=True), st.integers(-900, 900))
def test_a_shift_without_rounding_changes_nothing(x, c):
    moved = x + x.dtype.type(c)
    assert_same_p(softlit.softmax(moved), softlit.softmax(x))
    np.testing.assert_allclose(softlit.log_softmax(moved), softlit.log_softmax(x), rtol=6 * eps(x))
    np.testing.assert_allclose(
        softlit.logsumexp(moved), softlit.logsumexp(x) + c, rtol=0, atol=lse_slack(moved)
    )


@given(logits(), st.integers(-3, 3), st.sampled_from([-1.0, 1.0]))
def test_beta_multiplies_the_logits(x, power, sign):
    """By a power of two, so that the product is not rounded; but the gap to the maximum is.

    It is multiplied by beta: half an ulp of it for each unit of the product, and e^-750 is 0.
    """
    beta = sign * 2.0**power
    scaled = x * x.dtype.type(beta)
    gap = np.minimum(np.ptp(scaled.astype(float), axis=-1, keepdims=True), 750)
    for function, others in ((softlit.softmax, TWICE[x.dtype]), (softlit.log_softmax, 8)):
        got, wanted = function(x, beta=beta), function(scaled)
        tiny = np.finfo(x.dtype).tiny  # below, a kernel may give 0
        assert (np.abs(got - wanted) <= (others + gap) * eps(x) * np.abs(wanted) + tiny).all()


def test_the_gap_shows_at_another_beta():
    """Why the law above needs it: 5 - 1e-14 is rounded, and then multiplied."""
    x = np.array([5.0, 1e-14])
    got, wanted = softlit.log_softmax(x, beta=-64.0), softlit.log_softmax(-64 * x)
    assert abs(got[1] / wanted[1] - 1) > 8 * eps(x)


@given(logits(bound=2.0**100), st.randoms(use_true_random=False))
def test_the_order_of_the_entries_does_not_matter(x, random):
    order = list(range(x.shape[-1]))
    random.shuffle(order)
    assert_same_p(softlit.softmax(x[:, order]), softlit.softmax(x)[:, order])
    np.testing.assert_allclose(
        softlit.log_softmax(x[:, order]), softlit.log_softmax(x)[:, order], rtol=6 * eps(x)
    )
    np.testing.assert_allclose(
        softlit.logsumexp(x[:, order]), softlit.logsumexp(x), rtol=0, atol=lse_slack(x)
    )


@given(logits())
def test_three_functions_agree(x):
    """exp(log p) = p, where log p has an error of 4 ulp and so p one of 4 eps |log p|; log p = x - LSE."""
    p, log_p, lse = softlit.softmax(x), softlit.log_softmax(x), softlit.logsumexp(x, keepdims=True)
    off = np.abs(np.exp(log_p.astype(np.longdouble)) / p - 1)
    assert (off <= (4 * np.abs(log_p) + 8) * eps(x)).all()
    np.testing.assert_allclose(x.astype(float) - lse, log_p, rtol=3 * eps(x), atol=lse_slack(x))


@given(logits())
def test_log_odds_are_differences_of_logits(x):
    log_p = softlit.log_softmax(x).astype(float)
    got, wanted = (v[:, :, None] - v[:, None, :] for v in (log_p, x.astype(float)))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=6 * eps(x) * (np.abs(log_p).max() + 1))


@given(logits(bound=2.0**100), st.integers(0, 7), st.floats(0, 30, width=16))
def test_raising_one_logit(x, k, amount):
    """Its probability and LogSumExp do not fall, and the other probabilities do not rise."""
    k = k % x.shape[-1]
    raised = x.copy()
    raised[:, k] += x.dtype.type(amount)
    before, after = softlit.softmax(x), softlit.softmax(raised)
    slack = TWICE[x.dtype] * eps(x)
    others = np.arange(x.shape[-1]) != k
    tiny = float(np.finfo(x.dtype).tiny)
    assert (after[:, k] >= before[:, k] * (1 - slack) - tiny).all()
    assert (after[:, others] <= before[:, others] * (1 + slack) + tiny).all()
    assert (softlit.logsumexp(raised) >= softlit.logsumexp(x) - lse_slack(raised)).all()


@given(logits(count=2))
def test_logsumexp_of_two_parts(pair):
    x, y = pair
    whole = softlit.logsumexp(np.concatenate(pair, axis=-1))
    parts = softlit.logsumexp(np.stack([softlit.logsumexp(x), softlit.logsumexp(y)], axis=-1))
    np.testing.assert_allclose(whole, parts, rtol=0, atol=2 * lse_slack(x, y))


@given(logits(), st.integers(1, 40))
def test_copies_add_a_logarithm(x, copies):
    many = softlit.logsumexp(np.tile(x, copies))
    np.testing.assert_allclose(
        many, softlit.logsumexp(x) + np.log(copies), rtol=0, atol=2 * lse_slack(x, np.tile(x, copies))
    )
    assert_same_p(
        softlit.softmax(np.tile(x, copies))[:, : x.shape[-1]] * x.dtype.type(copies), softlit.softmax(x)
    )


@given(logits(count=2), st.sampled_from([0.25, 0.5, 0.75]))
def test_logsumexp_is_convex(pair, t):
    x, y = pair
    between = softlit.logsumexp(x * x.dtype.type(t) + y * x.dtype.type(1 - t))
    chord = t * softlit.logsumexp(x).astype(float) + (1 - t) * softlit.logsumexp(y).astype(float)
    assert (between <= chord + 2 * lse_slack(x, y)).all()


@given(logits(count=2))
def test_nothing_is_stretched(pair):
    """|LSE x - LSE y| and the sum of |p - q| are at most max |x - y|."""
    x, y = pair
    distance = np.abs(x.astype(float) - y).max(axis=-1)
    lse = softlit.logsumexp(x).astype(float) - softlit.logsumexp(y)
    assert (np.abs(lse) <= distance + 2 * lse_slack(x, y)).all()
    p, q = softlit.softmax(x).astype(float), softlit.softmax(y).astype(float)
    assert (np.abs(p - q).sum(axis=-1) <= distance + TWICE[x.dtype] * eps(x)).all()


@given(logits(), st.data())
def test_a_mask_is_leaving_out_is_minus_infinity(x, data):
    keep = data.draw(hnp.arrays(bool, x.shape[-1]))
    keep[0] = True  # an empty slice is another matter: it has a contract of its own
    masked = np.where(keep, x, -np.inf).astype(x.dtype)
    for function in (softlit.softmax, softlit.log_softmax):
        got, infinite, fewer = function(x, where=keep), function(masked), function(x[:, keep])
        np.testing.assert_allclose(got, infinite, rtol=TWICE[x.dtype] * eps(x))
        np.testing.assert_allclose(got[:, keep], fewer, rtol=TWICE[x.dtype] * eps(x))
    values = [softlit.logsumexp(x, where=keep), softlit.logsumexp(masked)]
    np.testing.assert_allclose(values, [softlit.logsumexp(x[:, keep])] * 2, rtol=0, atol=lse_slack(x))


@given(logits(minimum=2))
def test_two_entries_are_the_logistic_function(x):
    """The difference of two logits, at most 80, is rounded before expit sees it: by 40 eps at most."""
    pair = x[:, :2].astype(float)
    got, wanted = softlit.softmax(pair)[:, 0], scipy.special.expit(pair[:, 0] - pair[:, 1])
    np.testing.assert_allclose(got, wanted, rtol=50 * eps(pair))
    assert_same_p(softlit.softmax(-pair)[:, ::-1], softlit.softmax(pair))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("odd", [np.nan, -np.inf, 0])
def test_ties_of_one_slice_are_counted_whatever_stands_in_its_neighbours(dtype, odd):
    """In slices that are interleaved or too long to hold, what equals the maximum is left out."""
    columns = np.random.default_rng(0).normal(size=(300, 64)).astype(dtype)
    columns[:, 3] = odd
    columns[[7, 290], 8] = 9  # as many more than one as a NaN has less
    log_p = softlit.log_softmax(columns, axis=0)
    np.testing.assert_allclose(log_p.T, softlit.log_softmax(columns.T), rtol=8 * eps(columns))
    shares = softlit.softmax(columns[:, 8])
    assert np.allclose(np.exp(log_p[:, 8]), shares, rtol=1e-5) and shares[7] < 0.5
    long = np.zeros(2**19, dtype)
    long[[1, 2, 2**18]] = odd, 50, 50
    if odd == odd:
        np.testing.assert_allclose(
            softlit.log_softmax(long)[[2, 2**18]], np.log(dtype(0.5)), rtol=8 * eps(long)
        )


@given(logits(bound=15))
def test_log_probabilities_are_logits_of_themselves(x):
    p = softlit.softmax(x.astype(float))
    again = softlit.softmax(np.log(p))
    np.testing.assert_allclose(again, p, rtol=(10 + 2 * np.abs(np.log(p)).max()) * eps(p))
    np.testing.assert_allclose(softlit.logsumexp(np.log(p)), 0, atol=lse_slack(np.log(p)))


@given(logits(bound=10))
def test_the_mean_logit_grows_with_beta(x):
    betas = np.array([-8.0, -2.0, -0.5, 0.0, 0.5, 2.0, 8.0])
    means = [np.sum(softlit.softmax(x, beta=beta).astype(float) * x, axis=-1) for beta in betas]
    assert (np.diff(means, axis=0) >= -TWICE[x.dtype] * eps(x) * 10 * x.shape[-1]).all()


@given(logits(bound=2.0**100))
def test_open_simplex_up_to_rounding(x):
    p = softlit.softmax(x)
    assert (p >= 0).all() and (p <= 1).all()
    assert np.abs(p.astype(float).sum(axis=-1) - 1).max() <= (x.shape[-1] + 4) * unit(x)


@given(logits(bound=2.0**100, minimum=2))
def test_order_is_kept(x):
    p = softlit.softmax(x)
    rank = np.argsort(x, axis=-1, kind="stable")
    assert (np.diff(np.take_along_axis(p, rank, axis=-1), axis=-1) >= 0).all()


@given(logits(bound=50))
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


@given(logits(bound=50))
def test_beta_infinite_is_hardmax(x):
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


@given(logits(bound=20))
def test_the_tolerances_can_fail(x):
    """The negative control: another distribution is not accepted as the same one."""
    other = x.copy()
    other[..., 0] += x.dtype.type(1)
    if x.shape[-1] > 1:
        assert not np.allclose(softlit.softmax(other), softlit.softmax(x), rtol=20 * float(unit(x)), atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_does_not_depend_on_its_company(dtype):
    """However rows are worked in blocks: wild neighbours change nothing beyond the stated accuracy."""
    rng = np.random.default_rng(50)
    for n in (3, 97, 300, 5000):
        rows = 3 * rng.normal(size=(max(8, 200_000 // n), n))
        wild = [
            np.full(n, np.nan),
            np.full(n, -np.inf),
            np.full(n, np.inf),
            np.full(n, -800.0),
            500 * rows[0],
        ]
        rows[rng.choice(len(rows), size=len(wild), replace=False)] = wild
        rows = rows.astype(dtype)
        p, log_p, lse = softlit.softmax(rows), softlit.log_softmax(rows), softlit.logsumexp(rows)
        for k in rng.choice(len(rows), size=40):
            assert_same_p(p[k], softlit.softmax(rows[k]))
            np.testing.assert_allclose(log_p[k], softlit.log_softmax(rows[k]), rtol=6 * np.finfo(dtype).eps)
            np.testing.assert_allclose(lse[k], softlit.logsumexp(rows[k]), rtol=6 * np.finfo(dtype).eps)
