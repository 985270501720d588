"""softlit beside its peers: agreement within a derived tolerance, and the right value where peers go wrong.

PyTorch and JAX are gigabytes and not in the lock. Tests that need them are skipped where they are missing,
unless the environment variable SOFTLIT_PEERS is "required", as in .ci/run.
"""

import importlib
import itertools
import math
import os
import sys
import warnings

import numpy as np
import pytest

import softlit
from softlit.lab.ulp import exact_log_softmax, exact_logsumexp, exact_softmax, ulp_error

INF = np.inf
DTYPES = [np.float32, np.float64]


def import_peer(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a library says of itself while it is imported
        try:
            return importlib.import_module(name)
        except ImportError:
            sentence = f"{name} is not installed, so agreement with it is not tested (pip install {name})"
            if os.environ.get("SOFTLIT_PEERS") == "required":
                pytest.fail(sentence)
            pytest.skip(sentence)


def torch_functions():
    torch = import_peer("torch")

    def on_arrays(function):
        return lambda x, axis: function(torch.from_numpy(x), axis).numpy()

    return {name: on_arrays(getattr(torch, name)) for name in ("softmax", "log_softmax", "logsumexp")}


def jax_functions():
    jax = import_peer("jax")
    jax.config.update("jax_enable_x64", True)  # otherwise float64 becomes float32

    def on_arrays(function):
        compiled = jax.jit(function, static_argnums=1)
        return lambda x, axis: np.asarray(compiled(x, axis))

    return {name: on_arrays(getattr(jax.nn, name)) for name in ("softmax", "log_softmax", "logsumexp")}


@pytest.fixture(scope="module", params=["scipy", "torch", "jax"])
def peer(request):
    if request.param == "scipy":
        return {name: getattr(importlib.import_module("scipy.special"), name) for name in softlit_functions()}
    return torch_functions() if request.param == "torch" else jax_functions()


def softlit_functions():
    return {name: getattr(softlit, name) for name in ("softmax", "log_softmax", "logsumexp")}


def inputs(dtype):
    rng = np.random.default_rng(30)
    normal = rng.normal(size=(4, 9, 33))
    huge = float(np.finfo(dtype).max) / 4  # the peers' x - max overflows beyond
    yield "3 normal", 3 * normal
    yield "500 normal", 500 * normal
    yield "1e4 + normal", 1e4 + normal
    yield "-800 + 3 normal", 3 * normal - 800
    masked = rng.random(normal.shape) < 0.5
    masked[0] = masked[:, 0] = masked[..., 0] = False  # no slice along any axis is -inf alone
    yield "half of the entries -inf", np.where(masked, -INF, 3 * normal)
    yield "equal", np.full(normal.shape, 0.1)
    yield "huge", huge * rng.uniform(-1, 1, normal.shape)
    yield "subnormal", normal * float(np.finfo(dtype).smallest_subnormal)
    yield "long", 3 * rng.normal(size=(2, 3000))


def tolerances(x, axis):
    """How far two results may differ: p relatively and log p absolutely; and LogSumExp absolutely.

    With u the unit roundoff and d = x - max, every peer forms d with an error of u|d|, which exp turns into a
    relative error of u|d|. Into the sum these errors go weighted by p, and the sum of p|d| is the entropy
    less a positive number, so at most log N. Adding N terms costs at most N u, and exp, log, division and
    the last rounding a few u together. softlit's own error is within the same bound: hence twice that.
    """
    n = x.shape[axis]
    u = np.finfo(x.dtype).eps / 2
    top = x.max(axis=axis, keepdims=True)
    relative = (2 * np.abs(np.where(np.isfinite(x), x, top) - top) + 2 * (n + np.log(n) + 8)) * u
    return relative, (2 * np.abs(top) + 2 * (n + np.log(n) + 8)) * u


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", [name for name, _ in inputs(float)])
def test_agreement(peer, dtype, family):
    x = dict(inputs(dtype))[family].astype(dtype)
    tiny = 4 * float(np.finfo(dtype).tiny)  # about there softlit and peers may flush to 0
    for axis in (0, 1, -1)[-x.ndim :]:
        relative, top_error = tolerances(x, axis)
        with np.errstate(all="ignore"):
            wanted = {name: function(x, axis=axis) for name, function in peer.items()}
        got = {name: function(x, axis=axis) for name, function in softlit_functions().items()}
        for name in wanted:
            assert got[name].dtype == wanted[name].dtype == dtype and got[name].shape == wanted[name].shape
        finite = np.isfinite(x)
        np.testing.assert_array_equal(np.isneginf(got["log_softmax"]), ~finite)
        off = {name: np.abs(got[name].astype(float) - wanted[name]) for name in ("softmax", "logsumexp")}
        off["log_softmax"] = np.abs(
            np.subtract(*(v["log_softmax"][finite].astype(float) for v in (got, wanted)))
        )
        assert (off["softmax"] <= relative * wanted["softmax"] + tiny).all()
        assert (off["log_softmax"] <= np.broadcast_to(relative, x.shape)[finite] + tiny).all()
        assert (off["logsumexp"] <= np.squeeze(top_error, axis=axis) + tiny).all()


def test_the_tolerance_can_fail(peer):
    """The negative control: logits that differ by ten times their rounding are told apart."""
    x = np.random.default_rng(31).normal(size=(5, 8))
    moved = x.copy()
    moved[:, 0] += 10 * tolerances(x, -1)[0].max()
    off = np.abs(softlit.softmax(moved) - peer["softmax"](x, axis=-1))
    assert (off > tolerances(x, -1)[0] * softlit.softmax(x)).any()


# What is below are inputs at which a peer is, or was, far from right. The comments say what SciPy 1.17,
# PyTorch 2.13 and JAX 0.10 return; nothing asserts it, since a next release may mend it.


def test_scipy_issue_23225_one_logit_is_infinite():
    """Also pytorch issue 6864 and jax issue 21495. All three: NaN everywhere."""
    assert softlit.softmax([1.0, 1.0, INF]).tolist() == [0, 0, 1]
    assert softlit.softmax([INF, 0.0, INF]).tolist() == [0.5, 0, 0.5]
    assert softlit.log_softmax([0.0, INF]).tolist() == [-INF, 0]


def test_pytorch_issue_25110_all_logits_are_minus_infinity():
    """Nothing speaks for any entry, so NaN; SciPy adds a RuntimeWarning."""
    assert np.isnan(softlit.softmax([-INF, -INF, -INF])).all()
    assert softlit.logsumexp([-INF, -INF, -INF]) == -INF


def test_pytorch_issue_55056_a_row_is_masked_out():
    """What attention wants of a masked row are zeros, for which softlit, as JAX, has `where`."""
    scores = np.array([[1.0, 2.0], [3.0, np.nan]])
    mask = np.array([[True, True], [False, False]])
    np.testing.assert_array_equal(softlit.softmax(scores, where=mask)[1], [0, 0])
    np.testing.assert_array_equal(softlit.softmax(scores, where=mask)[0], softlit.softmax([1.0, 2.0]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lead", [1.0, 10.0, 17.0, 37.0, 40.0, 80.0])
def test_scipy_issue_19521_log_softmax_of_the_leader(dtype, lead):
    """Also pytorch issue 113708. [0, -40]: all three return exactly 0 instead of -4.2e-18."""
    row = np.array([0, -lead], dtype=dtype)
    assert ulp_error(softlit.log_softmax(row), exact_log_softmax(row)).max() <= 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_scipy_issue_18295_logsumexp_of_a_leader_at_zero(dtype):
    """[0, -40]: PyTorch and JAX return 0 instead of 4.2e-18; SciPy has mended it."""
    row = np.array([0, -40], dtype=dtype)
    assert ulp_error(softlit.logsumexp(row), exact_logsumexp(row)) <= 3


def test_scipy_issue_20399_and_jax_issue_7643_an_empty_axis():
    """SciPy's softmax still raises ValueError."""
    assert softlit.logsumexp([]) == -INF
    assert softlit.softmax(np.zeros((2, 0))).shape == softlit.log_softmax(np.zeros((2, 0))).shape == (2, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_issue_11752_equal_logits_far_from_zero(dtype):
    """x - logsumexp(x) gives 0 at 1e8 in float32: the logarithm of 2 drowned in the rounding."""
    for far in (1e4, 1e8, -1e20, 1e37):
        value = softlit.log_softmax(np.array([far, far], dtype=dtype))
        np.testing.assert_array_equal(value, np.full(2, -np.log(2), dtype=dtype))


def test_numpy_issue_22956_sums_along_the_first_axis():
    """A sum that adds one term after the other in float32 stops growing once they are below half an ulp.

    With a leader of 1 and terms of 2**-25 it never starts: SciPy is 3 per cent off.
    """
    terms = 2**20
    column = np.full((terms + 1, 2), -25 * np.log(2), dtype=np.float32)
    column[0] = 0
    small = np.exp(np.float64(column[1, 0]))
    leader = 1 / (1 + terms * small)
    p = softlit.softmax(column, axis=0)
    np.testing.assert_allclose(p[0], leader, rtol=2e-6)
    np.testing.assert_allclose(p[1:], leader * small, rtol=2e-6)
    np.testing.assert_allclose(softlit.logsumexp(column, axis=0), -np.log(leader), rtol=2e-6)


def test_long_rows_of_float32():
    """PyTorch loses three digits over 10**7 entries of a row; summed in pairs, none is lost."""
    x = (3 * np.random.default_rng(32).normal(size=2_000_000)).astype(np.float32)
    wide = np.exp(x.astype(float) - float(x.max()))
    total = wide.sum()
    np.testing.assert_allclose(softlit.softmax(x), wide / total, rtol=6e-6)  # |x - max| and some units
    np.testing.assert_allclose(softlit.logsumexp(x), float(x.max()) + np.log(total), rtol=3e-7)


def test_numpy_issue_22208_sums_of_float16():
    """float16 holds no odd number above 2048, where a sum of ones stops: SciPy is off by a factor of 2.

    Over 70000 entries the sum overflows: 0 from SciPy's softmax, inf from its logsumexp.
    """
    column = np.zeros((4096, 2), dtype=np.float16)
    assert (softlit.softmax(column, axis=0) == np.float16(1 / 4096)).all()
    assert (softlit.logsumexp(column, axis=0) == np.float16(np.log(4096))).all()
    row = np.zeros(70_000, dtype=np.float16)
    assert (softlit.softmax(row) == np.float16(1 / 70_000)).all()
    assert softlit.logsumexp(row) == np.float16(np.log(70_000))


def test_small_integers_do_not_wrap_around():
    """x - max in uint8 is never negative, and in int8 may come out positive.

    SciPy and JAX: [nan, 0] for uint8 [1, 2]; SciPy: [0.27, 0.73] for int8 [127, -128], the wrong order.
    """
    for row, dtype in (
        ([1, 2], np.uint8),
        ([0, 255], np.uint8),
        ([127, -128], np.int8),
        ([-100, 100], np.int8),
    ):
        x = np.array(row, dtype=dtype)
        exact = [float(value) for value in exact_softmax(row)]
        np.testing.assert_allclose(softlit.softmax(x), exact, rtol=1e-13)
        np.testing.assert_allclose(softlit.logsumexp(x), float(exact_logsumexp(row)), rtol=1e-15)


def test_float32_logsumexp_near_zero():
    """[log(1/2 + d), log(1/2 - d)]: all three are 1e9 ulps off, for the sum of two roundings is left."""
    d = np.random.default_rng(33).uniform(-0.4, 0.4, size=100)
    rows = np.log(np.stack([0.5 + d, 0.5 - d], axis=-1)).astype(np.float32)
    for row, value in zip(rows, softlit.logsumexp(rows), strict=True):
        assert ulp_error(value, exact_logsumexp(row)) <= 3


# --- arrays of other libraries go in, and come out as what they are


def from_numpy(library):
    """The function that makes an array of a library from NumPy's."""
    if library == "array_api_strict":  # the standard and nothing else; in the lock
        return importlib.import_module(library).asarray
    module = import_peer(library)
    if library == "torch":
        return module.from_numpy
    module.config.update("jax_enable_x64", True)
    return module.numpy.asarray


@pytest.fixture(scope="module", params=["array_api_strict", "jax", "torch"])
def made(request):
    return from_numpy(request.param)


@pytest.fixture
def compiled(made):
    """What makes one program of a function that yields arrays: else JAX compiles each step by itself."""
    if made.__module__.startswith("jax"):
        return lambda function: sys.modules["jax"].jit(lambda *given: [*function(*given)])
    return lambda function: function


quiet = pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # the strict library's own


@quiet
@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
@pytest.mark.parametrize("masked", [False, True])
def test_arrays_of_other_libraries(made, compiled, axis, masked):
    rng = np.random.default_rng(31)
    x = 5 * rng.normal(size=(3, 4, 5))
    x[0, 0, 0], x[0, 1, :2], x[1, 1], x[2, 2, 2] = INF, INF, -INF, np.nan
    mask = rng.random(x.shape) < 0.6
    mask[2, 0] = False
    where = mask if masked else None

    def results(x, where):
        for function, beta in itertools.product((softlit.softmax, softlit.log_softmax), (1.0, 0.3, -2.0)):
            yield function(x, axis, beta=beta, where=where)
        for keepdims in (False, True):
            yield softlit.logsumexp(x, axis, keepdims=keepdims, where=where)

    theirs = made(x), made(mask) if masked else None
    got = results(*theirs) if axis == -1 else compiled(results)(*theirs)
    for value, wanted in zip(got, results(x, where), strict=True):
        assert type(value) is type(made(x)) and value.shape == wanted.shape
        np.testing.assert_allclose(np.asarray(value), wanted, rtol=1e-12, atol=1e-300)


def test_integers_and_complex_numbers_of_other_libraries(made):
    got = np.asarray(softlit.softmax(made(np.array([1, 3]))))
    np.testing.assert_allclose(got, softlit.softmax([1, 3]), rtol=1e-6)
    with pytest.raises(TypeError, match="complex"):
        softlit.softmax(made(np.array([1j, 0])))


def test_what_is_for_numpy_arrays_alone_says_so(made):
    x = made(np.array([0.0, 1.0]))
    for options in ({"b": [1, -1]}, {"return_sign": True}):
        with pytest.raises(TypeError, match="b and return_sign are for NumPy arrays alone"):
            softlit.logsumexp(x, **options)
    with pytest.raises(TypeError, match="b and return_sign are for NumPy arrays alone"):
        softlit.logsumexp([0.0, 1.0], b=x)
    with pytest.raises(TypeError, match="logcumsumexp has no form for other libraries"):
        softlit.logcumsumexp(x)


def test_running_sums_beside_torch():
    torch = import_peer("torch")
    x = 3 * np.random.default_rng(17).normal(size=(20, 500))
    theirs = torch.logcumsumexp(torch.from_numpy(x), 1).numpy()
    np.testing.assert_allclose(softlit.logcumsumexp(x), theirs, rtol=1e-13, atol=1e-13)
    level = torch.zeros(100_000, dtype=torch.float64)
    exact = float(exact_logsumexp(np.zeros(100_000)))
    assert abs(float(torch.logcumsumexp(level, 0)[-1]) - exact) > 10 * np.spacing(exact)
    assert abs(softlit.logcumsumexp(level.numpy())[-1] - exact) <= np.spacing(exact)


def test_a_tensor_without_the_compat_package_says_what_to_install(monkeypatch):
    torch = import_peer("torch")
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    with pytest.raises(TypeError, match="install array-api-compat"):
        softlit.softmax(torch.zeros(3))


# --- derivatives, as JAX and PyTorch take them through softlit, beside closed forms


def partitions(items):
    """All ways to put a list of items into blocks."""
    if not items:
        yield []
        return
    first, *rest = items
    for blocks in partitions(rest):
        yield [[first], *blocks]
        for k, block in enumerate(blocks):
            yield [*blocks[:k], [first, *block], *blocks[k + 1 :]]


def cumulants(p, order):
    """The joint cumulants of a one-hot vector drawn from p: the derivatives of LogSumExp where softmax is p.

    By their definition as a sum over partitions of the indices; the mean of a product of entries of the
    vector is a probability if they are all the same entry, and else 0.
    """
    result = np.zeros((len(p),) * order)
    ways = list(partitions(range(order)))
    for index in np.ndindex(result.shape):
        for blocks in ways:
            entries = [{index[place] for place in block} for block in blocks]
            means = [p[min(those)] if len(those) == 1 else 0 for those in entries]
            n = len(blocks)
            result[index] += (-1) ** (n - 1) * math.factorial(n - 1) * math.prod(means)
    return result


def derivative(name, x, order, beta, keep):
    """The table of all derivatives of some order at x; of limits, where the logits are infinite."""
    p = softlit.softmax(x, beta=beta, where=keep)
    if name == "logsumexp":
        return cumulants(p, order)
    if name == "softmax":
        return beta**order * cumulants(p, order + 1)
    of_log = np.broadcast_to(-(beta**order) * cumulants(p, order), (len(p),) * (order + 1))
    if order == 1:
        of_log = of_log + beta * np.eye(len(p))
    return np.where(keep.reshape(-1, *[1] * order), of_log, 0)


# Ties, one-hot and infinite logits, and what a mask leaves out. There are three entries in each.
ALL_KEPT = [True, True, True]
PLACES = [
    ([0.0, 0.0, 0.0], ALL_KEPT),
    ([1.0, 3.0, 3.0], ALL_KEPT),
    ([1.0, 2.0, 4.0], ALL_KEPT),
    ([800.0, 0.0, 800.0], ALL_KEPT),
    ([1.0, INF, 0.0], ALL_KEPT),
    ([-INF, INF, 0.0], ALL_KEPT),
    ([0.0, -INF, 0.0], ALL_KEPT),
    ([1.0, 2.0, -INF], ALL_KEPT),
    ([0.0, 0.0, 5.0], [True, True, False]),
    ([np.nan, 2.0, 2.0], [False, True, True]),
    ([-INF, 2.0, INF], [True, True, False]),
    ([-INF, 5.0, 1.0], [True, False, True]),
    ([-INF, np.nan, INF], [False, False, False]),
    ([1.0, 2.0, 3.0], [False, False, False]),
]


def differentiation(library):
    """What makes its arrays, its Jacobians of first, second and third order, and what maps over rows."""
    peer = import_peer(library)
    if library == "torch":
        return peer.from_numpy, (peer.func.jacrev, peer.func.jacfwd, peer.func.jacrev), peer.func.vmap
    peer.config.update("jax_enable_x64", True)

    def mapped(function):
        return peer.jit(peer.vmap(function))

    return peer.numpy.asarray, (peer.jacrev, peer.jacfwd, peer.jacrev), mapped


@pytest.fixture(scope="module", params=["torch", "jax"])
def differentiated(request):
    """Third derivatives are long programs, each run once: JAX need not make them fast."""
    tools = differentiation(request.param)
    if request.param == "torch":
        yield tools
        return
    config = import_peer("jax").config
    config.update("jax_disable_most_optimizations", True)
    yield tools
    config.update("jax_disable_most_optimizations", False)


def agree(got, wanted):
    """To rounding, some 30 roundings of numbers about as large as the largest; and never NaN."""
    return bool((np.abs(got - wanted) <= 1e-13 * np.abs(wanted).max(initial=1)).all())


# PyTorch's forward mode says so of itself
own_word = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


@own_word
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_derivatives_are_those_of_closed_forms(differentiated, name, order):
    """tensorflow issue 7403 is the same fault elsewhere: a second derivative of 0 at equal logits."""
    made, jacobians, mapped = differentiated
    function = getattr(softlit, name)
    betas = [1.0] if name == "logsumexp" else [1.0, 2.0, -0.5, 0.0]
    rows = [(np.sign(beta or 1) * np.array(x), np.array(keep), beta) for x, keep in PLACES for beta in betas]

    def with_everything(x, keep, beta):
        return function(x, where=keep) if name == "logsumexp" else function(x, where=keep, beta=beta)

    def plain(x, keep, beta):
        return function(x)

    for call, taken in (
        (with_everything, rows),
        (plain, [row for row in rows if row[1].all() and row[2] == 1]),
    ):
        for jacobian in jacobians[:order]:
            call = jacobian(call)
        got = mapped(call)(*(made(np.array(column)) for column in zip(*taken, strict=True)))
        for row, of_row in zip(taken, np.asarray(got), strict=True):
            x, keep, beta = row
            assert agree(of_row, derivative(name, x, order, beta, keep)), row


def test_the_closed_forms_can_tell():
    """The negative control: a tie that is counted and not differentiated, as it once was."""
    p = np.full(2, 0.5)
    right = derivative("logsumexp", np.zeros(2), 2, 1.0, np.array([True, True]))
    np.testing.assert_array_equal(right, [[0.25, -0.25], [-0.25, 0.25]])
    assert agree(np.diag(p) - np.outer(p, p), right) and not agree(np.zeros((2, 2)), right)
    third = derivative("softmax", np.array([0.0, 1.0]), 1, -2.0, np.array([True, True]))
    assert agree(softlit.softmax_jacobian([0.0, 1.0], beta=-2.0), third)


@own_word
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_derivatives_in_beta(differentiated, name):
    """Of p it is p (x - E x), and of log p it is x - E x, with the mean E under p; the next are cumulants."""
    made, jacobians, mapped = differentiated
    function = getattr(softlit, name)
    # no derivative exists where beta = 0 meets infinite logits
    rows = [
        (np.sign(beta or 1) * np.array(x), np.array(keep), beta)
        for x, keep in PLACES
        for beta in (1.0, 0.0, -0.5)
        if beta or np.isfinite(np.array(x)[keep]).all()
    ]
    first = jacobians[0](lambda beta, x, keep: function(x, where=keep, beta=beta))
    for order, call in ((1, first), (2, jacobians[1](first))):
        columns = [made(np.array(column)) for column in zip(*rows, strict=True)]
        got = np.asarray(mapped(call)(columns[2], *columns[:2]))
        for (x, keep, beta), of_row in zip(rows, got, strict=True):
            p = softlit.softmax(x, beta=beta, where=keep)
            counts = p > 0  # the logarithm of the others is -inf, and so is its derivative
            gaps = np.where(counts, np.nan_to_num(x, posinf=0, neginf=0) - x[np.argmax(p)], 0)
            gaps = np.where(counts & np.isfinite(x), gaps, 0)
            mean = p @ gaps
            variance = p @ (gaps - mean) ** 2
            of_log = gaps - mean if order == 1 else np.full(3, -variance)
            of_p = p * (gaps - mean) if order == 1 else p * ((gaps - mean) ** 2 - variance)
            if name == "softmax":
                assert agree(of_row, of_p), (x, keep, beta)
            else:
                assert agree(of_row[counts], of_log[counts]), (x, keep, beta)


def test_a_loss_beside_masked_logits_has_its_derivative_in_beta(differentiated):
    """-inf for a masked logit, whose own derivative is infinite and counts 0 times."""
    made, (jacobian, *_), mapped = differentiated
    x = made(np.array([1.0, 2.0, -INF]))
    loss = jacobian(lambda beta: softlit.log_softmax(x, beta=beta)[0])
    (got,) = np.asarray(mapped(loss)(made(np.array([1.0]))))
    assert agree(got, -softlit.softmax([1.0, 2.0])[1])


def test_derivatives_that_do_not_exist_are_nan(differentiated):
    made, (jacobian, *_), mapped = differentiated
    without = made(np.array([[INF, INF, 0.0], [-INF, -INF, -INF]]))
    for name in ("softmax", "log_softmax", "logsumexp"):
        assert np.isnan(np.asarray(mapped(jacobian(getattr(softlit, name)))(without))).all(), name
    hard = mapped(jacobian(lambda x: softlit.softmax(x, beta=INF)))
    unique, tied = np.asarray(hard(made(np.array([[1.0, 2.0, 0.0], [2.0, 2.0, 0.0]]))))
    assert not unique.any() and np.isnan(tied).all()


# --- dtypes, shapes and kinds of arrays


@pytest.fixture(scope="module", params=["array_api_strict", "jax", "torch"])
def xp(request):
    """The names of the standard in a library."""
    if request.param == "array_api_strict":
        return importlib.import_module(request.param)
    import_peer(request.param)
    if request.param == "torch":
        return importlib.import_module("array_api_compat.torch")
    from_numpy("jax")  # which asks for float64
    return importlib.import_module("jax.numpy")


def as_numpy(xp, x):
    return np.asarray(xp.astype(x, xp.float64))


def dtype_of(xp, name):
    if not hasattr(xp, name):
        pytest.skip(f"there is no {name} in the standard")
    return getattr(xp, name)


BETAS = {
    "a float": 0.5,
    "an int": 2,
    "bool": True,
    "a NumPy scalar": np.float64(0.5),
    "a longdouble": np.longdouble(2),
    "a NumPy array": np.array([[1.0], [2.0]]),
    "a list": [[1.0], [2.0]],
}


@quiet
def test_arrays_of_two_libraries_are_refused():
    torch, jax = import_peer("torch"), import_peer("jax")
    for x, other, told in (
        (jax.numpy.ones(2), torch.ones(1), "torch.Tensor"),
        (torch.ones(2), jax.numpy.ones(1), "jax"),
    ):
        for name, array in (("beta", other), ("where", other == 1)):
            with pytest.raises(TypeError, match=f"{name} is a {told}"):
                softlit.softmax(x, **{name: array})


@quiet
@pytest.mark.parametrize("name", ["bfloat16", "float32"])
@pytest.mark.parametrize("beta", BETAS)
def test_the_dtype_is_that_of_the_logits(xp, name, beta):
    logits, dtype = np.array([[0.0, 1.0], [2.0, 0.5]]), dtype_of(xp, name)
    x = xp.asarray(logits.tolist(), dtype=dtype)
    theirs = xp.asarray(np.asarray(BETAS[beta], float).tolist(), dtype=xp.float64)
    keep = [[True], [False]]
    for function in (softlit.softmax, softlit.softmin):
        wanted = function(logits, beta=BETAS[beta], where=keep)
        for given, where in ((BETAS[beta], np.array(keep)), (theirs, xp.asarray(keep))):
            got = function(x, beta=given, where=where)
            assert got.dtype == dtype and type(got) is type(x)
            np.testing.assert_allclose(as_numpy(xp, got), wanted, rtol=4 * float(xp.finfo(dtype).eps))
    assert softlit.log_softmax(x, beta=BETAS[beta]).dtype == softlit.softmax(x).dtype == dtype
    assert softlit.logsumexp(x).dtype == dtype


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_of_other_libraries_is_computed_wider(xp, name):
    """The sum of 70,000 ones is beyond float16, and in bfloat16 it stops at 256."""
    dtype = dtype_of(xp, name)
    x = xp.zeros((70_000,), dtype=dtype)
    half = float(xp.finfo(dtype).eps) / 2
    step = float(xp.finfo(dtype).smallest_normal) * 2 * half  # 1/70,000 is subnormal in float16
    for function, exact in (
        (softlit.softmax, 1 / 70_000),
        (softlit.log_softmax, -np.log(70_000)),
        (softlit.logsumexp, np.log(70_000)),
    ):
        got = function(x)
        assert got.dtype == dtype
        np.testing.assert_allclose(as_numpy(xp, got), exact, rtol=2 * half, atol=step)
    masked = softlit.softmax(x, where=np.arange(70_000) < 35_000)
    np.testing.assert_allclose(as_numpy(xp, masked)[:35_000], 1 / 35_000, rtol=2 * half, atol=step)


@quiet
def test_numbers_and_empty_arrays_of_other_libraries(xp):
    one, nothing = xp.asarray(7.0, dtype=xp.float32), xp.zeros((2, 0), dtype=xp.float32)
    for axis in (-1, 0, None, (0,)):
        assert softlit.softmax(one, axis).shape == softlit.logsumexp(one, axis, keepdims=True).shape == ()
        values = [f(one, axis) for f in (softlit.softmax, softlit.log_softmax, softlit.logsumexp)]
        assert [float(value) for value in values] == [1, 0, 7]
    assert float(softlit.softmax(one, where=False)) == 0 and float(softlit.softmax(one, beta=-INF)) == 1
    assert softlit.softmax(one, beta=[[1.0], [2.0]]).shape == (2, 1)  # the axis is that of the result
    for function in (softlit.softmax, softlit.log_softmax, softlit.softmin):
        for axis in (-1, 0, None):
            assert tuple(function(nothing, axis).shape) == (2, 0) and function(nothing).dtype == xp.float32
        assert tuple(function(nothing, beta=np.ones((3, 1, 1))).shape) == (3, 2, 0)
    assert np.asarray(softlit.logsumexp(nothing)).tolist() == [-INF, -INF]
    assert tuple(softlit.logsumexp(nothing, 0).shape) == (0,)
    assert tuple(softlit.logsumexp(nothing, keepdims=True).shape) == (2, 1)
    assert float(softlit.logsumexp(nothing, None)) == -INF
    assert softlit.logsumexp(nothing).dtype == xp.float32


@quiet
@pytest.mark.parametrize("beta", [0.0, -0.0, 1.5, -2.0, INF, -INF, np.nan, 1e-300])
def test_the_contract_holds_in_other_libraries(xp, beta):
    values = [0.0, 1.0, 1.5e308, -1.5e308, INF, -INF, np.nan]
    x = np.array(list(itertools.product(values, repeat=3)))
    keep = np.random.default_rng(32).random(x.shape) < 0.7
    for function in (softlit.softmax, softlit.log_softmax, softlit.softmin):
        for where in (None, keep):
            got = as_numpy(xp, function(xp.asarray(x), beta=beta, where=where))
            wanted = function(x, beta=beta, where=where)
            np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-300)


def test_arguments_of_other_libraries_are_named_as_those_of_numpy(xp):
    x, complex_ = xp.zeros((2, 3), dtype=xp.float32), xp.asarray([1j, 0, 0], dtype=xp.complex64)
    three, two = xp.ones((3,), dtype=xp.float32), xp.ones((2,), dtype=xp.float32)
    for error, told, given in (
        (TypeError, "x must hold real numbers", {"x": complex_}),
        (TypeError, "beta must hold real numbers", {"beta": complex_}),
        (TypeError, "beta must hold real numbers", {"beta": [1j]}),
        (TypeError, "beta must hold real numbers", {"beta": "1"}),
        (TypeError, "beta is a masked array", {"beta": np.ma.array(1.0)}),
        (TypeError, "where must hold bool", {"where": xp.ones((3,), dtype=xp.int32)}),
        (TypeError, "where must hold bool", {"where": [1, 0, 1]}),
        (ValueError, r"where has shape \(2,\).* \(2, 3\)", {"where": xp.ones((2,), dtype=xp.bool)}),
        (ValueError, r"where has shape \(2,\).* \(2, 3\)", {"where": [True, False]}),
        (ValueError, r"beta has shape \(2,\).*beta\[:, np.newaxis\]", {"beta": two}),
        (ValueError, r"beta has shape \(2,\).*beta\[:, np.newaxis\]", {"beta": [1.0, 2.0]}),
        (ValueError, r"beta has shape \(3,\) and varies along axis \(1,\)", {"beta": three}),
        (TypeError, "axis must be an int", {"axis": 1.0}),
        (np.exceptions.AxisError, "axis 2 is out of bounds", {"axis": 2}),
    ):
        with pytest.raises(error, match=told):
            softlit.softmax(**({"x": x} | given))


def test_kinds_of_tensors():
    """A parameter and a subclass are tensors; so is one that is being differentiated."""
    torch = import_peer("torch")

    class Tensor(torch.Tensor):
        """A subclass, as libraries on top of PyTorch have them."""

    own = torch.zeros(3).as_subclass(Tensor)
    assert type(softlit.softmax(own)) is type(softlit.logsumexp(own)) is Tensor
    assert softlit.softmax(own).tolist() == softlit.softmax(torch.zeros(3)).tolist()
    parameter = torch.nn.Parameter(torch.zeros(3))
    got = softlit.softmax(parameter, beta=2.0, where=[True, True, False])
    assert got.requires_grad and got.tolist() == [0.5, 0.5, 0]
    got[0].backward()
    assert parameter.grad.tolist() == [0.5, -0.5, 0]
    beta = torch.nn.Parameter(torch.tensor(1.0))
    softlit.softmin(torch.tensor([0.0, 1.0]), beta=beta)[0].backward()
    p = softlit.softmax([0.0, -1.0])
    np.testing.assert_allclose(beta.grad.numpy(), p[0] * p[1], rtol=1e-6)
    on_meta = softlit.softmax(torch.zeros(2, 3, device="meta"), beta=np.ones((2, 1)), where=np.ones(3, bool))
    assert on_meta.device.type == "meta"  # beta and where have gone to where x is


def test_tensors_without_the_compat_package(monkeypatch):
    torch = import_peer("torch")
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    for x in (torch.zeros(3, requires_grad=True), torch.nn.Parameter(torch.zeros(3))):
        for function in (softlit.softmax, softlit.log_softmax, softlit.logsumexp, softlit.softmin):
            with pytest.raises(TypeError, match="install array-api-compat"):
                function(x)


def test_jax_compiles_and_maps_over_every_argument():
    jax = import_peer("jax")
    made = from_numpy("jax")
    rng = np.random.default_rng(34)
    x, beta, keep = rng.normal(size=(4, 3)), rng.normal(size=4), rng.random((4, 3)) < 0.7
    for function in (softlit.softmax, softlit.log_softmax, softlit.softmin):
        wanted = function(x, beta=beta[:, np.newaxis], where=keep)

        def row(x, beta, keep, function=function):
            return function(x, beta=beta, where=keep)

        got = jax.jit(jax.vmap(row))(*map(made, (x, beta, keep)))
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-13)
        compiled = jax.jit(lambda x, function=function: function(x, beta=beta[:, np.newaxis], where=keep))
        np.testing.assert_allclose(np.asarray(compiled(made(x))), wanted, rtol=1e-13)


def test_jax_derives_and_compiles_softlit():
    jax = import_peer("jax")
    x = from_numpy("jax")(np.array([1.0, 3.0, 3.0, -2.0]))
    p = softlit.softmax(np.asarray(x))
    np.testing.assert_allclose(jax.jit(softlit.softmax)(x), p, rtol=1e-14)
    np.testing.assert_allclose(jax.grad(softlit.logsumexp)(x), p, rtol=1e-13)
    np.testing.assert_allclose(
        jax.jacobian(softlit.softmax)(x), softlit.softmax_jacobian(np.asarray(x)), rtol=1e-12, atol=1e-16
    )


def test_torch_derives_softlit():
    torch = import_peer("torch")
    x = torch.tensor([1.0, 3.0, 3.0, -2.0], dtype=torch.float64, requires_grad=True)
    softlit.log_softmax(x)[0].backward()
    wanted = np.array([1.0, 0, 0, 0]) - softlit.softmax(x.detach().numpy())
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-13)


# --- attention


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, keys", [(6, 6), (4, 9), (9, 4)])
def test_attention_of_torch(dtype, n, keys):
    """Masks of both kinds, causal, scale and grouped heads: to the rounding of scores of about 3."""
    torch = import_peer("torch")
    rng = np.random.default_rng(50)
    q = rng.normal(size=(2, 8, n, 16)).astype(dtype)
    k, v = (rng.normal(size=(2, heads, keys, 16)).astype(dtype) for heads in (2, 2))
    mask = rng.random((2, 1, n, keys)) < 0.6
    mask[..., 0] = True
    bias = rng.normal(size=(8, n, keys)).astype(dtype)
    bias[1, :, 1:3] = -INF
    for ours, theirs in (
        ({}, {}),
        ({"mask": mask}, {"attn_mask": torch.from_numpy(mask)}),
        ({"bias": bias}, {"attn_mask": torch.from_numpy(bias)}),
        ({"causal": True}, {"is_causal": True}),
        ({"scale": 0.7}, {"scale": 0.7}),
    ):
        wanted = torch.nn.functional.scaled_dot_product_attention(
            *(torch.from_numpy(part) for part in (q, k, v)), enable_gqa=True, **theirs
        ).numpy()
        got = softlit.attention(q, k, v, block=4, **ours)
        assert got.dtype == wanted.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=0, atol=64 * np.finfo(dtype).eps)
        if ours:  # the negative control: without the option they differ
            assert np.abs(softlit.attention(q, k, v) - wanted).max() > 0.1


def test_pytorch_issue_103963_a_query_that_is_kept_from_all_keys():
    """PyTorch gave NaN, and gives 0 since its pull request 131060; 0 here, by a mask of either kind."""
    q = np.ones((2, 3))
    mask = np.array([[True, True], [False, False]])
    for options in ({"mask": mask}, {"bias": np.where(mask, 0.0, -INF)}):
        got, lse = softlit.attention(q, q, q, return_lse=True, **options)
        assert got.tolist() == [[1, 1, 1], [0, 0, 0]] and lse[1] == -INF


def test_attention_of_jax():
    jax = import_peer("jax")
    rng = np.random.default_rng(51)
    q, k, v = rng.normal(size=(4, 5, 16)), rng.normal(size=(2, 7, 16)), rng.normal(size=(2, 7, 16))
    bias, mask = rng.normal(size=(4, 5, 7)), rng.random((4, 5, 7)) < 0.7
    mask[..., 0] = True
    for options in ({}, {"is_causal": True}, {"bias": bias}, {"mask": mask}, {"scale": 0.7}):
        # JAX has the heads behind the positions
        parts = (np.swapaxes(part, 0, 1) for part in (q, k, v))
        theirs = {
            name: value[None] if isinstance(value, np.ndarray) else value for name, value in options.items()
        }
        wanted = jax.nn.dot_product_attention(*(part[None] for part in parts), **theirs)
        ours = {"causal" if name == "is_causal" else name: value for name, value in options.items()}
        got = softlit.attention(q, k, v, **ours)
        # its scores are float32, whatever the dtype
        np.testing.assert_allclose(got, np.swapaxes(np.asarray(wanted)[0], 0, 1), rtol=0, atol=1e-5)


# --- losses

LOSSES = {"loss": softlit.cross_entropy, "slope": softlit.cross_entropy_grad}
# Rows of logits, each with a class or with weights: the cases that the docstrings name.
LOSS_CASES = [
    ([0.0, -INF, 1.0], 1),
    ([0.0, -INF, 1.0], 0),
    ([INF, 0.0], 0),
    ([INF, 0.0], 1),
    ([INF, INF, 0.0], 0),
    ([-INF, -INF], 0),
    ([np.nan, 0.0], 1),
    ([3.0], 0),
    ([0.0, -INF], [1.0, 0.0]),
    ([0.0, -INF], [0.5, 0.5]),
    ([0.0, 1.0], [0.0, 0.0]),
    ([np.nan, 1.0], [0.0, 0.0]),
]


@quiet
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_other_libraries(made, name):
    function, rng = LOSSES[name], np.random.default_rng(60)
    x, classes = 3 * rng.normal(size=(4, 5)), np.array([0, 4, 2, 1])
    weights, mask = softlit.closure(rng.random((4, 5))), rng.random((4, 5)) < 0.6
    for labels, where in itertools.product((classes, weights), (None, mask)):
        got = function(made(x), made(labels), where=where)
        assert type(got) is type(made(x))
        np.testing.assert_allclose(np.asarray(got), function(x, labels, where=where), rtol=1e-12, atol=1e-15)
    ignored = function(made(x), classes, ignore_index=2)
    np.testing.assert_allclose(
        np.asarray(ignored), function(x, classes, ignore_index=2), rtol=1e-12, atol=1e-15
    )
    for row, labels in LOSS_CASES:
        np.testing.assert_allclose(
            np.asarray(function(made(np.array(row)), np.asarray(labels))), function(row, labels), rtol=1e-12
        )
    for wrong in (np.array([5, 0, 0, 0]), made(np.array([-1, 0, 0, 0]))):
        with pytest.raises(ValueError, match="classes from 0 to 4"):
            function(made(x), wrong)
    with pytest.raises(TypeError, match=r"labels must hold real numbers, not values of dtype .*bool"):
        function(made(x), made(classes == 0))
    with pytest.raises(ValueError, match="labels must not be negative"):
        function(made(x), made(-weights))


@quiet
def test_divergences_of_other_libraries(made):
    """Near to each other, gaps of about 10 that are rounded differ by 1e-7: some eight digits are left."""
    rng = np.random.default_rng(61)
    x, z = 3 * rng.normal(size=(2, 4, 5))
    for a, b in ((x, z), (x, x), (x, x + 1e-7 * z), *(map(np.array, pair) for pair in KL_CASES)):
        got = softlit.kl_from_logits(made(a), made(b))
        assert type(got) is type(made(x))
        np.testing.assert_allclose(np.asarray(got), softlit.kl_from_logits(a, b), rtol=1e-8)


KL_CASES = [
    ([0.0, -800.0], [-800.0, 0.0]),
    ([0.0, -INF], [0.0, 0.0]),
    ([0.0, 0.0], [0.0, -INF]),
    ([0.0, -INF], [1.0, -INF]),
    ([INF, 0.0], [0.0, 0.0]),
    ([0.0, 0.0], [INF, 0.0]),
    ([np.nan, 0.0], [0.0, 0.0]),
]


def test_derivatives_of_losses_are_those_of_closed_forms(differentiated):
    made, (first, *_), _ = differentiated
    x, z, y = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.0, 1.5])
    p, q = softlit.softmax(x), softlit.softmax(z)
    by_x = first(lambda x: softlit.cross_entropy(x, y))(made(x))
    assert agree(np.asarray(by_x), softlit.cross_entropy_grad(x, y))
    assert not agree(np.asarray(by_x), p - y)  # the control: the sum of the weights forgotten
    by_y = first(lambda y: softlit.cross_entropy(made(x), y))(made(y))
    assert agree(np.asarray(by_y), -softlit.log_softmax(x))
    kl = softlit.kl_from_logits(x, z)
    assert agree(
        np.asarray(first(lambda x: softlit.kl_from_logits(x, made(z)))(made(x))), p * (np.log(p / q) - kl)
    )
    assert agree(np.asarray(first(lambda z: softlit.kl_from_logits(made(x), z))(made(z))), q - p)


def test_an_ignored_row_has_no_derivative_either():
    """PyTorch's own loss gives 0 with a gradient of NaN for logits of NaN."""
    torch = import_peer("torch")
    labels = torch.tensor([-100, 0])
    gradients = []
    for loss in (
        lambda x: softlit.cross_entropy(x, labels, ignore_index=-100).sum(),
        lambda x: torch.nn.functional.cross_entropy(x, labels, reduction="sum"),
    ):
        x = torch.tensor([[float("nan"), 0.0], [0.0, 0.0]], requires_grad=True)
        loss(x).backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == [[0, 0], [-0.5, 0.5]] and np.isnan(gradients[1][0]).all()


def test_what_torch_loses_of_a_confident_right_answer():
    torch = import_peer("torch")
    x, label = np.array([[0.0, -40.0]]), torch.tensor([0])
    assert torch.nn.functional.cross_entropy(torch.from_numpy(x), label).item() == 0
    np.testing.assert_allclose(softlit.cross_entropy(x, [0]), np.exp(-40), rtol=1e-15)


def test_labels_that_are_not_there_yet_cannot_be_refused():
    jax = import_peer("jax")
    made = from_numpy("jax")
    rows, labels = made(np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 2.0]])), made(np.array([1, 7]))
    got = np.asarray(jax.jit(jax.vmap(softlit.cross_entropy))(rows, labels))
    np.testing.assert_allclose(got, [softlit.cross_entropy([1.0, -2.0, 0.5], 1), np.nan], rtol=1e-14)
