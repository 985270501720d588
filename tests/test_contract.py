"""The contract at the edges (def-contract in chapter 03), line by line, for every public function.

The tables of contract.py say how each function is called.
"""

import warnings

import numpy as np
import pytest
from contract import (
    ALL,
    ELEMENTWISE,
    LOG_SOFTMAX,
    LOGITS,
    MATRIX,
    POSITION_SLOPES,
    POSITIONS,
    REDUCTIONS,
    RUNNING,
    SLICEWISE,
    SOFT_MAXIMA,
    WEIGHTED,
    WITH_AXIS,
    WITH_BETA,
    plain,
    rounding,
)

import softlit

INF, NAN = np.inf, np.nan


def each(functions):
    return pytest.mark.parametrize("function", functions.values(), ids=functions)


def test_a_function_of_an_array_and_an_axis_needs_no_row(monkeypatch):
    def total(values, axis=-1):
        return np.sum(values, axis=axis)

    def scaled(values, by, axis=-1):
        return values * by

    for function in (total, scaled):
        monkeypatch.setattr(softlit, function.__name__, function, raising=False)
    monkeypatch.setattr(softlit, "__all__", [*softlit.__all__, "total", "scaled"])
    assert [*plain(ALL)] == [("total", total, "values")]


@each(ALL)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_floating_types_are_kept(function, dtype):
    assert function(np.array([0.25, 0.5, 0.25], dtype=dtype)).dtype == dtype


@each(ALL)
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64])
def test_integers_and_bool_become_float64(function, dtype):
    x = np.array([1, 0, 1], dtype=dtype)
    assert function(x).dtype == np.float64
    np.testing.assert_allclose(function(x), function(x.astype(float)), rtol=rounding(function))


@each(ALL)
def test_foreign_byte_order(function):
    x = np.array([0.25, 0.5, 0.25])
    np.testing.assert_array_equal(function(x.astype(">f8")), function(x))
    assert function(x.astype(">f8")).dtype.isnative


@each(ALL)
@pytest.mark.parametrize(
    "wrong", [[1j, 2.0], ["1", "2"], [None, 1.0], [b"a"], np.array(["2026-01-01"], "M8[D]")]
)
def test_anything_else_raises_type_error_naming_the_dtype(function, wrong):
    with pytest.raises(
        TypeError,
        match=f"dtype {np.asarray(wrong).dtype}".replace("[", r"\[").replace("]", r"\]"),
    ):
        function(wrong)


@each(ALL)
def test_array_like_in(function):
    np.testing.assert_array_equal(function([0.25, 0.75]), function(np.array([0.25, 0.75])))
    np.testing.assert_array_equal(function((0.25, 0.75)), function(np.array([0.25, 0.75])))


@each(ALL)
def test_float16_is_computed_wider(function):
    x = np.array([0.125, 0.5, 0.375], dtype=np.float16)
    np.testing.assert_array_equal(function(x), function(x.astype(np.float32)).astype(np.float16))


@each(WITH_AXIS | ELEMENTWISE | POSITIONS | POSITION_SLOPES)
def test_zero_dimensional_input(function):
    one = function(1.0)
    assert np.shape(one) == ()
    np.testing.assert_array_equal(one, np.squeeze(function([1.0])))


@each(ALL)
def test_inputs_are_never_written_to(function):
    x = np.array([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0], [NAN, INF, -INF]])[:2]
    copy = x.copy()
    x.flags.writeable = False
    function(x)
    np.testing.assert_array_equal(x, copy)


@each(WITH_AXIS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3, (0, 1), (2, 0), (0, 1, 2), None])
def test_any_axis_is_the_last_axis_moved(function, axis):
    x = np.random.default_rng(0).uniform(0.1, 1, size=(2, 3, 4))
    axes = (0, 1, 2) if axis is None else np.atleast_1d(axis) % 3
    kept = [a for a in range(3) if a not in axes]
    moved = np.transpose(x, [*kept, *axes])
    rows = function(moved.reshape(*moved.shape[: len(kept)], -1))
    got = function(x, axis=axis)
    if got.shape == x.shape:
        got = np.transpose(got, [*kept, *axes]).reshape(rows.shape)
    np.testing.assert_allclose(got, rows, rtol=1e-14, atol=1e-16)


@each(WITH_AXIS | MATRIX | POSITIONS | POSITION_SLOPES)
@pytest.mark.parametrize("axis", [1, -2, 7])
def test_axis_out_of_range(function, axis):
    with pytest.raises(np.exceptions.AxisError):
        function([0.5, 0.5], axis=axis)


@each(WITH_AXIS | POSITIONS | POSITION_SLOPES)
def test_an_axis_given_twice(function):
    with pytest.raises(ValueError, match="repeated axis"):
        function([[0.5, 0.5]], axis=(0, 0))


@each(SLICEWISE | REDUCTIONS | POSITIONS | POSITION_SLOPES)
def test_nan_makes_its_own_slice_nan(function):
    x = np.array([[0.25, NAN, 0.5], [0.25, 0.25, 0.5]])
    got = function(x)
    # of running sums those from the NaN on
    assert np.isnan(got[0, 1:] if function is softlit.logcumsumexp else got[0]).all()
    # one slice alone is a small call, which rounds in another order
    few = 4 * np.finfo(float).eps
    np.testing.assert_allclose(got[1], function(x[1]), rtol=few, atol=few)


@each(LOGITS)
def test_a_masked_nan_is_not_seen(function):
    got = function([0.5, NAN, 1.5], where=[True, False, True])
    np.testing.assert_array_equal(got[[0, 2]], function([0.5, 1.5]))
    assert got[1] == (-INF if function in LOG_SOFTMAX else 0)


@each({"softmax": softlit.softmax, "hardmax": softlit.hardmax})
def test_infinite_logits(function):
    assert function([1.0, INF, 3.0]).tolist() == [0, 1, 0]
    assert function([INF, 1.0, INF]).tolist() == [0.5, 0, 0.5]
    np.testing.assert_array_equal(function([1.0, -INF, 3.0])[[0, 2]], function([1.0, 3.0]))
    assert np.isnan(function([-INF, -INF])).all()


def test_log_softmax_and_logsumexp_at_infinity():
    assert softlit.log_softmax([1.0, INF]).tolist() == [-INF, 0]
    np.testing.assert_array_equal(softlit.log_softmax([INF, INF, 0.0]), [-np.log(2), -np.log(2), -INF])
    assert np.isnan(softlit.log_softmax([-INF, -INF])).all()
    assert softlit.logsumexp([-INF, -INF]) == -INF
    assert (
        softlit.logsumexp([1.0, INF])
        == softlit.logsumexp([INF, INF])
        == softlit.logsumexp([-INF, INF])
        == INF
    )


@each(LOGITS)
def test_masked_entries_and_slices(function):
    masked = -INF if function in LOG_SOFTMAX else 0
    x = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    got = function(x, where=[[True, True, False], [False, False, False]])
    np.testing.assert_allclose(got[0, :2], function([1.0, 2.0]), rtol=rounding(function))
    assert got[0, 2] == masked and (got[1] == masked).all()
    np.testing.assert_array_equal(
        function(x, where=[True, False, True]), function(x, where=[[True, False, True]] * 2)
    )


def test_logsumexp_masks():
    x = [[1.0, 2.0, NAN], [1.0, 2.0, 3.0]]
    got = softlit.logsumexp(x, where=[[True, True, False], [False, False, False]])
    assert got.tolist() == [softlit.logsumexp([1.0, 2.0]), -INF]


# Derivatives at x in a direction, of which the matrix takes none.
MASKED_SLOPES = {
    "softmax_jvp": softlit.softmax_jvp,
    "softmax_vjp": softlit.softmax_vjp,
    "softmax_jacobian": lambda x, direction, **given: softlit.softmax_jacobian(x, **given),
    "soft_argmax_grad": softlit.soft_argmax_grad,
}


@each(MASKED_SLOPES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_derivatives_under_a_mask(function, dtype):
    """Those of the entries that take part, at their places; 0 elsewhere, whatever stands there."""
    keep = np.array([True, False, True, True, False])
    x, direction = np.array([[1, 0, 3, 2, 0], [0, 1, 4, 9, 16]], dtype)
    for beta in (1.0, -2.0, 0.0, INF):
        wanted = function(x[keep], direction[keep], beta=beta)
        for hidden in (7.0, NAN, INF, -INF):
            got = function(*np.where(keep, [x, direction], dtype(hidden)), beta=beta, where=keep)
            assert got.dtype == dtype and not got[~keep].any() and not got.T[~keep].any()
            inner = got[keep] if got.ndim == 1 else got[np.ix_(keep, keep)]
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(inner, wanted, rtol=8 * eps, atol=eps)
    assert np.abs(function(x, direction)[~keep]).max() > 0.01  # without the mask


@each(MASKED_SLOPES)
def test_derivatives_of_a_row_of_padding_are_0(function):
    for row in ([1.0, 2.0], [-INF, -INF], [INF, INF], [NAN, NAN]):
        for beta in (1.0, 0.0, INF, NAN):
            assert not function(row, [0.0, 1.0], beta=beta, where=[False, False]).any()
    got = function([[1.0, 2.0], [-INF, -INF]], [0.0, 1.0], where=[[True, True], [False, False]])
    np.testing.assert_allclose(got[0], function([1.0, 2.0], [0.0, 1.0]), rtol=1e-15)
    assert not got[1].any()
    assert np.isnan(function([-INF, -INF], [0.0, 1.0])).all()  # without the mask


@each(MASKED_SLOPES)
def test_derivatives_under_a_mask_at_infinity(function):
    """A tie that the mask breaks is none, and one that it leaves has no derivative."""
    infinite, tied, direction = [INF, INF, 1.0], [2.0, 2.0, 1.0], [0.0, 1.0, 2.0]
    assert not function(infinite, direction, where=[True, False, True]).any()
    assert np.isnan(function(infinite, direction, where=[True, True, False])).any()
    assert not function(tied, direction, beta=INF, where=[True, False, True]).any()
    assert np.isnan(function(tied, direction, beta=INF, where=[True, True, False])).any()


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_masks_of_products_along_any_axis(axis):
    rng = np.random.default_rng(8)
    x, v, keep = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4)), rng.random((3, 4)) < 0.7
    p = softlit.softmax(x, axis=axis, where=keep)
    mean = np.sum(p * v, axis=axis, keepdims=True)
    for product in (softlit.softmax_jvp, softlit.softmax_vjp):
        got = product(x, v, axis, where=keep)
        np.testing.assert_allclose(got, p * (v - mean), rtol=1e-12, atol=1e-15)


@each(
    LOGITS
    | MATRIX
    | POSITIONS
    | POSITION_SLOPES
    | SOFT_MAXIMA
    | WEIGHTED
    | RUNNING
    | {"logsumexp": softlit.logsumexp}
)
def test_bad_masks(function):
    with pytest.raises(TypeError, match="where must hold bool, not values of dtype int64"):
        function([1.0, 2.0], where=np.array([1, 0], dtype=np.int64))
    with pytest.raises(ValueError, match="broadcast"):
        function([1.0, 2.0], where=[True, False, True])


def test_signs_of_a_sum():
    def signed(*arguments, **options):
        return tuple(float(v) for v in softlit.logsumexp(*arguments, return_sign=True, **options))

    assert signed([1.0, 1.0], b=[1, -1]) == (-INF, 0) and softlit.logsumexp([1.0, 1.0], b=[1, -1]) == -INF
    assert signed([2.0, 1.0, 2.0], b=[0.3, 1, -0.3]) == (1, 1)
    assert signed([1.0, 1.0, 1.0], b=[1, -1, -1]) == (1, -1)
    assert np.isnan(softlit.logsumexp([1.0, 1.0, 1.0], b=[1, -1, -1]))
    assert signed([INF, 0.0], b=[-1, 1]) == (INF, -1) and signed([-INF, -INF], b=[1, -1]) == (-INF, 0)
    assert np.isnan(signed([INF, INF], b=[1, -1])).all() and np.isnan(signed([0.0], b=[NAN])).all()
    assert np.isnan(signed([NAN])).all() and signed([]) == signed([-INF]) == (-INF, 0)
    assert signed([1.0]) == (1, 1) and signed(3.0, b=-1) == (3, -1)


def test_entries_of_weight_0_and_masked_ones_are_not_looked_at():
    for nothing in (INF, -INF, NAN):
        assert softlit.logsumexp([1.0, nothing], b=[1, 0]) == 1
        assert softlit.logsumexp([1.0, 2.0], b=[1, nothing], where=[True, False]) == 1
        assert softlit.logsumexp([nothing], b=[0]) == -INF


def test_weights_reach_beyond_the_range_of_exp():
    assert softlit.logsumexp([0.0, -800.0], b=[1e-300, 1e300]) == pytest.approx(
        np.log(1e300) - 800, rel=1e-15
    )
    assert softlit.logsumexp([0.0, 800.0], b=[1, 5e-324]) == pytest.approx(np.log(5e-324) + 800, rel=1e-15)
    assert softlit.logsumexp([1e308, -1e308], b=[1, 2]) == 1e308
    for b, dtype in ((2, np.float32), (2.0, np.float32), (np.float64(2), float), (np.array(2.0), float)):
        assert softlit.logsumexp(np.float32([1, 2]), b=b).dtype == dtype  # as NumPy promotes


def test_shapes_and_dtypes_of_weights():
    x = np.zeros((4, 1, 2, 1))
    assert softlit.logsumexp(x, b=np.ones((3, 1, 5))).shape == (4, 3, 2)
    value, sign = softlit.logsumexp(np.float32([1, 2]), b=-2, return_sign=True)
    assert value.dtype == sign.dtype == np.float32
    assert softlit.logsumexp(np.float32([1, 2]), b=np.float64([1, 2])).dtype == np.float64
    with pytest.raises(ValueError, match=r"x has shape \(2,\) and b has shape \(3,\): they do not broadcast"):
        softlit.logsumexp([1.0, 2.0], b=[1, 2, 3])
    with pytest.raises(TypeError, match="b must hold real numbers, not values of dtype complex128"):
        softlit.logsumexp([1.0, 2.0], b=1j)


def test_running_sums_at_infinity_and_masks():
    running = softlit.logcumsumexp
    assert running([-INF, 1.0, INF, 2.0]).tolist() == [-INF, 1, INF, INF]
    assert running([INF, INF, -INF]).tolist() == [INF] * 3
    np.testing.assert_array_equal(running([1.0, NAN, 2.0]), [1, NAN, NAN])
    got = running([1.0, NAN, 2.0], where=[True, False, True])
    np.testing.assert_array_equal(got, running([1.0, -INF, 2.0]))
    assert got[1] == 1 and (running([1.0, 2.0], where=[False, False]) == -INF).all()
    assert running([1.5e308, 1.5e308, -1.5e308]).tolist() == [1.5e308] * 3


@pytest.mark.parametrize("n", [*range(1, 18), 100])
def test_every_running_sum_is_that_of_a_prefix(n):
    x = 3 * np.random.default_rng(n).normal(size=(2, n, 3))
    got = softlit.logcumsumexp(x, axis=1)
    wanted = np.stack([softlit.logsumexp(x[:, :k], axis=1) for k in range(1, n + 1)], axis=1)
    np.testing.assert_allclose(got, wanted, rtol=1e-15, atol=4e-16)


@each(SLICEWISE)
@pytest.mark.parametrize("shape, axis", [((0,), -1), ((2, 0), -1), ((0, 3), -1), ((2, 0, 3), (0, 2))])
def test_empty_input_gives_empty_result(function, shape, axis):
    assert function(np.zeros(shape), axis=axis).shape == shape


@each(ELEMENTWISE)
def test_empty_elementwise(function):
    assert function(np.zeros((2, 0))).shape == (2, 0)


def test_empty_reductions():
    assert softlit.logsumexp(np.zeros((2, 0))).tolist() == [-INF, -INF]
    assert softlit.logsumexp(np.zeros((2, 0)), axis=0).shape == (0,)
    assert softlit.softmax_jacobian(np.zeros((2, 0))).shape == (2, 0, 0)


@each(WITH_BETA)
def test_beta(function):
    x = np.array([1.0, 2.0, 4.0])
    as_p = np.exp if function in LOG_SOFTMAX else np.asarray
    sign = -1 if function is softlit.softmin else 1
    np.testing.assert_allclose(as_p(function(x, beta=0)), 1 / 3, rtol=1e-15)
    np.testing.assert_allclose(as_p(function([-INF, 0, INF], beta=0)), 1 / 3, rtol=1e-15)
    assert as_p(function([1.0, 3.0, 3.0], beta=sign * INF)).round(15).tolist() == [
        0,
        0.5,
        0.5,
    ]
    assert as_p(function([1.0, 1.0, 3.0], beta=-sign * INF)).round(15).tolist() == [
        0.5,
        0.5,
        0,
    ]
    assert np.isnan(function(x, beta=NAN)).all()
    np.testing.assert_allclose(function(x, beta=2.5), function(2.5 * x), rtol=1e-14)
    np.testing.assert_allclose(function(x, beta=-2.5), function(-2.5 * x), rtol=1e-14)
    sweep = function(x, beta=np.array([[0.5], [2.0]]))
    np.testing.assert_array_equal(sweep, [function(x, beta=0.5), function(x, beta=2.0)])
    assert function(x.astype(np.float32), beta=np.float64(2)).dtype == np.float32


@each(WITH_BETA | SOFT_MAXIMA | POSITIONS | POSITION_SLOPES)
def test_bad_beta(function):
    with pytest.raises(ValueError, match=r"beta has shape \(2,\) and varies along axis"):
        function([1.0, 2.0], beta=[1.0, 2.0])
    with pytest.raises(TypeError, match="beta must hold real numbers, not values of dtype complex128"):
        function([1.0, 2.0], beta=1j)


@each(ALL)
def test_no_warning_escapes(function):
    wild = [0.0, 0.5, 1.0, -1.0, 5e-324, 1e-310, 1e308, -1e308, INF, -INF, NAN]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in (np.float16, np.float32, np.float64):
            with np.errstate(over="ignore"):
                values = np.array(wild).astype(dtype)
            for first in values:
                for second in values:
                    try:
                        function(np.array([first, second]))
                    except ValueError as error:  # a refusal of what is no distribution, never a warning
                        assert "must" in str(error) or "negative" in str(error), error


@each(WITH_BETA | SOFT_MAXIMA)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("beta", [0.0, 1e-320, -1e300, 1e300, INF, -INF, NAN])
def test_no_warning_escapes_from_any_beta(function, dtype, beta):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pair in ([1.0, 2.0], [INF, 0.0], [-INF, -INF], [NAN, 1.0], [6e4, -6e4]):
            function(np.array(pair, dtype=dtype), beta=beta)
            function(np.array(pair, dtype=dtype), beta=beta, where=[True, False])


@each(ALL)
def test_quiet_even_when_the_caller_asks_numpy_to_raise(function):
    with np.errstate(all="raise"):
        function([0.25, 0.75])
        function(np.array([1e-300, 1.0]))


@each(SOFT_MAXIMA | WEIGHTED | {"logsumexp": softlit.logsumexp})
def test_keepdims(function):
    x = np.ones((2, 3, 4))
    assert function(x, axis=(0, 2), keepdims=True).shape == (1, 3, 1)
    assert function(x, axis=None, keepdims=True).shape == (1, 1, 1)
    assert function(1.0, keepdims=True).shape == ()


@each(SOFT_MAXIMA)
def test_soft_maxima_at_infinity(function):
    assert function([1.0, INF, -INF]) == function([INF, INF]) == function([1.0, 2.0, INF], beta=INF) == INF
    assert function([-INF, -INF]) == function([1.0, INF, -INF], beta=-1) == -INF
    share = np.log(2) if function is softlit.mellowmax else 0
    assert function([1.0, -INF]) == 1 - share and function([1.0, INF], beta=-1) == 1 + share
    assert function([1.0, INF], beta=1e-320) == INF
    assert np.isnan(function([1.0, 2.0], beta=NAN)) and np.isnan(function([INF, NAN]))


@each(SOFT_MAXIMA)
def test_soft_maxima_and_beta(function):
    x = np.array([1.0, 2.0, 4.0])
    assert function(x, beta=INF) == 4 and function(x, beta=-INF) == 1
    assert function(x, beta=-2.5) == -function(-x, beta=2.5)
    np.testing.assert_allclose(function(x, beta=2.5), function(2.5 * x) / 2.5, rtol=1e-14)
    sweep = function(x, beta=np.array([[0.5], [2.0]]))
    np.testing.assert_array_equal(sweep, [function(x, beta=0.5), function(x, beta=2.0)])
    assert function(x.astype(np.float32), beta=np.float64(2)).dtype == np.float32
    assert function([1.5e308, -1.5e308, -1.5e308]) == 1.5e308


def test_soft_maxima_at_beta_zero():
    for function in (softlit.boltzmann_max, softlit.mellowmax):
        for zero in (0.0, -0.0):
            np.testing.assert_allclose(function([1.0, 2.0, 6.0], beta=zero), 3, rtol=1e-15)
            assert function([1.0, INF], beta=zero) == INF and np.isnan(function([INF, -INF], beta=zero))
        np.testing.assert_allclose(function([1.5e308, -1.5e308, -1.5e308], beta=0), -0.5e308, rtol=1e-15)
    assert softlit.lse_max([1.0, 2.0], beta=0.0) == INF and softlit.lse_max([1.0, 2.0], beta=-0.0) == -INF
    assert softlit.lse_max([1.0], beta=0.0) == softlit.lse_max([1.0, -INF], beta=0.0) == 1


@each(SOFT_MAXIMA)
def test_soft_maxima_masks_and_empty_slices(function):
    nothing = -INF if function is softlit.lse_max else NAN
    x = [[1.0, 2.0, NAN], [1.0, 2.0, 3.0]]
    got = function(x, where=[[True, True, False], [False, False, False]])
    np.testing.assert_array_equal(got, [function([1.0, 2.0]), nothing])
    np.testing.assert_array_equal(function(np.zeros((2, 0))), [nothing, nothing])
    assert function(np.zeros((2, 0)), axis=0).shape == (0,)


def test_lse_max_at_beta_one_is_logsumexp():
    x = np.random.default_rng(0).normal(scale=5, size=(500, 6))
    np.testing.assert_array_equal(softlit.lse_max(x), softlit.logsumexp(x))


def test_softmax_inverse_refuses_what_is_not_a_distribution():
    with pytest.raises(ValueError, match=r"negative"):
        softlit.softmax_inverse([0.5, -0.5, 1.0])
    with pytest.raises(ValueError, match=r"sum"):
        softlit.softmax_inverse([0.5, 0.6])


def test_refusals_name_the_place():
    with pytest.raises(ValueError, match=r"p must not be negative, but p\[1, 0\] is -0.25"):
        softlit.clr([[0.5, 0.5], [-0.25, 1.25]])
    with pytest.raises(ValueError, match=r"x must not be negative, but x is -1"):
        softlit.closure(-1.0)
    with pytest.raises(ValueError, match=r"q must not be negative, but q\[0\] is -1"):
        softlit.kl_divergence([0.5, 0.5], [-1.0, 2.0])
    with pytest.raises(ValueError, match=r"p\[1, :\] sums to 0.9"):
        softlit.softmax_inverse([[0.5, 0.5], [0.5, 0.4]])
    with pytest.raises(ValueError, match=r"constant has shape \(2,\) and varies along axis \(0,\)"):
        softlit.softmax_inverse([0.5, 0.5], constant=[0.0, 1.0])
    with pytest.raises(ValueError, match=r"v has shape \(3,\), which does not broadcast to \(2,\)"):
        softlit.softmax_jvp([0.0, 1.0], [1.0, 2.0, 3.0])


def test_jacobian_at_infinite_logits():
    assert (softlit.softmax_jacobian([0.0, INF, 1.0]) == 0).all()
    assert np.isnan(softlit.softmax_jacobian([INF, INF, 1.0])).any()


@each(POSITIONS | POSITION_SLOPES)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3, (0, 1), (2, 0), (1,), (0, 1, 2), None])
def test_position_axes(function, axis):
    x = np.random.default_rng(0).uniform(-1, 1, size=(2, 3, 4))
    p = softlit.softmax(x, axis=axis)
    axes = (0, 1, 2) if axis is None else tuple(int(a) % 3 for a in np.atleast_1d(axis))
    grids = np.meshgrid(*map(np.arange, x.shape), indexing="ij")
    means = [np.sum(p * grids[a], axis=axes, keepdims=True) for a in axes]
    if function is softlit.soft_argmax:
        wanted = [np.squeeze(mean, axis=axes) for mean in means]
    else:
        wanted = [p * (grids[a] - mean) for a, mean in zip(axes, means, strict=True)]
    wanted = wanted[0] if isinstance(axis, int) else np.stack(wanted, axis=-1)
    got = function(x, axis=axis)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-15)


def test_slices_with_coordinates_of_their_own():
    """The variance of a batch, along any axis, and along two axes at once."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=(2, 3, 4))
    for axis, places in ((-1, np.arange(4.0)), (1, np.arange(3.0)[:, np.newaxis])):
        mean = np.expand_dims(softlit.soft_argmax(x, axis=axis), axis)
        got = softlit.soft_argmax(x, (places - mean) ** 2, axis)
        wanted = np.sum(softlit.softmax(x, axis) * (places - mean) ** 2, axis=axis)
        np.testing.assert_allclose(got, wanted, rtol=1e-13)
        slope = softlit.soft_argmax_grad(x, (places - mean) ** 2, axis)
        np.testing.assert_allclose(slope, softlit.softmax_vjp(x, (places - mean) ** 2, axis), rtol=1e-13)
    means = softlit.soft_argmax(x, axis=(1, 2))
    down = (np.arange(3.0)[:, np.newaxis] - means[:, 0, np.newaxis, np.newaxis]) ** 2
    right = (np.arange(4.0) - means[:, 1, np.newaxis, np.newaxis]) ** 2
    got = softlit.soft_argmax(x, [down, right], axis=(1, 2))
    p = softlit.softmax(x, (1, 2))
    wanted = [np.sum(p * squares, axis=(1, 2)) for squares in (down, right)]
    np.testing.assert_allclose(got, np.stack(wanted, axis=-1), rtol=1e-13)
    sweep = softlit.soft_argmax([0.0, 1.0, 2.0], [[1.0, 2, 3], [4, 5, 6]], beta=[[1.0], [2.0]])
    assert sweep.shape == (2,) and sweep[1] > 3 + sweep[0] > 5
    with pytest.raises(ValueError, match=r"coordinates has shape \(2, 3\).*\(2, 3, 4\)"):
        softlit.soft_argmax(x, np.ones((2, 3)))


@each(POSITIONS | POSITION_SLOPES)
def test_coordinates(function):
    x = np.float32([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
    places = np.float32([4, -2, 7])
    assert function(x, places).dtype == np.float32
    assert function(x, places.astype(float)).dtype == function(x, [4, -2, 7]).dtype == np.float64
    both = function(x, [None, places], axis=(0, 1))
    np.testing.assert_array_equal(both, function(x, [np.float32([0, 1]), places], axis=None))
    swapped = function(x, [places, None], axis=(1, 0))
    np.testing.assert_allclose(swapped, both[..., ::-1], rtol=1e-6)
    with pytest.raises(ValueError, match=r"coordinates of axis 1 have shape \(2,\), not \(3,\)"):
        function(x, [1.0, 2.0])
    with pytest.raises(ValueError, match="coordinates for 1 axes, where 2 are given"):
        function(x, [places], axis=(0, 1))
    with pytest.raises(TypeError, match="coordinates must hold real numbers, not values of dtype complex128"):
        function(x, [1j, 2, 3])


def test_positions_at_the_edges():
    position = softlit.soft_argmax
    assert position([1.0, INF, 3.0]) == 1 and position([INF, 1.0, INF]) == 1
    assert position([1.0, 3.0, 3.0], beta=INF) == 1.5 and position([1.0, 3.0, 1.0], beta=-INF) == 1
    assert position([-INF, 0, INF], beta=0) == pytest.approx(1, rel=1e-15)
    assert position([0.0, -INF], [2.0, INF]) == 2 and np.isnan(position([0.0, -INF], [2.0, NAN]))
    assert position([0.0, 0.0], [1e308, -1e308]) == 0 and position([0.0, 0.0], [1.7e308, 1.7e308]) == 1.7e308
    assert position([0.0, 0.0], [1.0, INF]) == INF and np.isnan(position([0.0, 0.0], [-INF, INF]))
    assert position([0.0, NAN], [1.0, NAN], where=[True, False]) == 1
    assert np.isnan(position([[1.0, 2.0], [3.0, 4.0]], where=[[False], [True]])).tolist() == [True, False]
    assert np.isnan(position([-INF, -INF])) and np.isnan(position([]))
    assert np.isnan(position(np.zeros((2, 0)))).all() and position(np.zeros((2, 0)), axis=0).shape == (0,)
    assert position(np.zeros((2, 0)), axis=None).shape == (2,)
    assert position(3.0, axis=None).tolist() == [0.0] and position(3.0, [7.0]) == 7
    sweep = position([1.0, 2.0, 4.0], beta=[[0.5], [2.0]])
    np.testing.assert_array_equal(sweep, [position([1.0, 2.0, 4.0], beta=b) for b in (0.5, 2.0)])


def test_position_slopes_at_the_edges():
    slope = softlit.soft_argmax_grad
    assert slope([1.0, INF, 3.0]).tolist() == [0, 0, 0] and np.isnan(slope([INF, 1.0, INF])).any()
    assert slope([1.0, 2.0], beta=0).tolist() == [0, 0]
    assert slope(np.zeros((2, 0))).shape == (2, 0) and slope(np.zeros((0, 3)), axis=None).shape == (0, 3, 2)
    assert slope([0.0, -INF], [2.0, INF]).tolist() == [0, 0]
    assert slope([1.0, 2.0, 4.0], beta=[[0.5], [2.0]]).shape == (2, 3)


@each(POSITIONS | POSITION_SLOPES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("beta", [0.0, 1e-320, -1e300, 1e300, INF, -INF, NAN])
def test_no_warning_escapes_from_positions(function, dtype, beta):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pair in ([1.0, 2.0], [INF, 0.0], [-INF, -INF], [NAN, 1.0], [6e4, -6e4]):
            for places in (None, [6e4, -6e4], [INF, -INF], [NAN, 0.0], [1.7e308, -1.7e308]):
                function(np.array(pair, dtype=dtype), places, beta=beta)


def test_positions_stay_in_the_range_of_their_coordinates():
    tiny = 5e-324
    assert softlit.soft_argmax([0.0], [tiny]) == softlit.soft_argmax([0.0, 0.0], [tiny, tiny]) == tiny
    with pytest.raises(ValueError, match="no axis is given"):
        softlit.soft_argmax([0.0, 1.0], axis=())
    with pytest.raises(ValueError, match="must be a sequence with one entry an axis"):
        softlit.soft_argmax(np.zeros((2, 2)), 3, axis=(0, 1))


def test_softplus_inverse_at_the_edges():
    inverse = softlit.softplus_inverse
    assert inverse(0.0) == inverse(-0.0) == -INF and inverse(INF) == INF
    assert np.isnan(inverse([-1e-300, -1.0, -INF, NAN])).all()
    assert inverse(1e308) == 1e308 and inverse(5e-324) == np.log(5e-324)
    assert inverse(np.float32(1e38)) == np.float32(1e38) and inverse(np.float16(6e4)) == np.float16(6e4)
    log_2 = np.log(np.longdouble(2))
    if np.finfo(np.longdouble).eps < np.finfo(float).eps:
        # the zero lies at log 2, of which a longdouble knows 64 bits
        assert abs(inverse(log_2)) < 2 * np.spacing(log_2) and inverse(np.log(2)) < 0


def test_a_number_has_no_axis_left():
    for function in (softlit.logsumexp, softlit.boltzmann_max):
        assert function(3.0, axis=()).shape == ()
