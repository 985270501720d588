"""How each public function is called by the tests that every function passes; `make check` asks for its rows.

A function of an array and an axis alone needs none, if it takes any array: what it makes of a slice, a number
or a slice, tells where it belongs. A function of a new kind gets a table of its own, and tests in
test_contract.py.
"""

from functools import partial
from inspect import signature

import numpy as np

import softlit

try:
    from softlit import fast
except ImportError:  # Numba has no wheels for some systems: test_fast.py says so
    fast = None
COMPILED = {f"fast.{name}": getattr(fast, name) for name in ("softmax", "log_softmax") if fast}
LOG_SOFTMAX = {softlit.log_softmax, COMPILED.get("fast.log_softmax")}


def rounding(function):
    """The tolerance for values that may come in two ways: of lists and integers there is no kernel."""
    return 8 * np.finfo(float).eps if function in COMPILED.values() else 0


# --- For test_contract.py: functions of one array, and of an axis if there is one

# Functions of logits, a slice in and a slice out: they know every kind of axis, and masks unless noted.
LOGITS = {
    "softmax": softlit.softmax,
    "log_softmax": softlit.log_softmax,
    "softmin": softlit.softmin,
    "hardmax": softlit.hardmax,
    "sparsemax": softlit.sparsemax,
    "entmax": softlit.entmax,
    "entmax, 1.2": partial(softlit.entmax, alpha=1.2),
    **COMPILED,
}
WITH_BETA = {name: function for name, function in LOGITS.items() if name != "hardmax"}
# Functions of a distribution (or positive vector), a slice in and a slice out.
PARTS = {
    "closure": softlit.closure,
    "clr": softlit.clr,
    "softmax_inverse": lambda p, axis=-1: softlit.softmax_inverse(softlit.closure(p, axis=axis), axis=axis),
    "power": lambda p, axis=-1: softlit.power(p, 2.0, axis=axis),
    "perturb": lambda p, axis=-1: softlit.perturb(p, p, axis=axis),
}
# Functions of two vectors of one shape, at the point x in the direction x.
PRODUCTS = {
    "softmax_jvp": lambda x, axis=-1: softlit.softmax_jvp(x, x, axis=axis),
    "softmax_vjp": lambda x, axis=-1: softlit.softmax_vjp(x, x, axis=axis),
    "entmax_jvp": lambda x, axis=-1: softlit.entmax_jvp(x, x, axis=axis),
}
# Softmax of what comes in pieces: of one piece, the slices of which are a stream each.
STREAMS = {
    "softmax_chunks": lambda x, axis=-1: next(softlit.softmax_chunks([x], axis=axis)),
    "SoftmaxState.log_softmax": lambda x, axis=-1: (
        softlit.SoftmaxState().update(x, axis=axis).log_softmax(x, axis=axis)
    ),
}


def _even(x):
    """Weights of one size that widen no dtype."""
    dtype = np.asarray(x).dtype
    return np.full(np.shape(x), 0.5, dtype if dtype.kind == "f" else float)


# The slope of a loss; labels that are classes have tests of their own.
LOSS_SLOPES = {
    "cross_entropy_grad": lambda x, axis=-1: softlit.cross_entropy_grad(x, _even(x), axis),
}
# Sums of the first entries, in the shape of the slice.
RUNNING = {"logcumsumexp": softlit.logcumsumexp}
# Each entry is a query, a key and a value of one number.
ATTENTION = {"attention": lambda x: softlit.attention(*[np.asarray(x)[..., np.newaxis]] * 3)}
# Indices, of one dtype and without NaN: test_sampling.py has the contract of their edges.
DRAWS = {"sample": softlit.sample, "sample_distinct": softlit.sample_distinct}
# Positions: of 0, ..., N - 1 along one axis; several axes have a coordinate each, and tests of their own.
POSITIONS = {"soft_argmax": softlit.soft_argmax}
POSITION_SLOPES = {"soft_argmax_grad": softlit.soft_argmax_grad}
SOFT_MAXIMA = {
    "boltzmann_max": softlit.boltzmann_max,
    "lse_max": softlit.lse_max,
    "mellowmax": softlit.mellowmax,
}
# With weights, of either sign; the second result is the sign of the sum.
WEIGHTED = {
    "logsumexp, b": lambda x, axis=-1, **options: softlit.logsumexp(x, axis, b=2, **options),
    "logsumexp, size": lambda x, axis=-1, **options: softlit.logsumexp(
        x, axis, b=-1, return_sign=True, **options
    )[0],
    "logsumexp, sign": lambda x, axis=-1, **options: softlit.logsumexp(
        x, axis, b=-1, return_sign=True, **options
    )[1],
}


def _beta_of_mean(x, axis=-1):
    """The inverse temperature of a mean that is there: that of softmax itself."""
    softlit.softmax(x, axis)  # refuses what is no number
    return softlit.beta_for_mean(x, softlit.boltzmann_max(np.asarray(x, float), axis, keepdims=True), axis)


def _beta_of_entropy(x, axis=-1):
    """That of an entropy that is there: minus the mean logarithm under softmax."""
    softlit.softmax(x, axis)
    logs = softlit.log_softmax(np.asarray(x, float), axis)
    return softlit.beta_for_entropy(x, -softlit.boltzmann_max(logs, axis, keepdims=True), axis)


REDUCTIONS = (
    SOFT_MAXIMA
    | WEIGHTED
    | {
        "logsumexp": softlit.logsumexp,
        **({"fast.logsumexp": fast.logsumexp} if fast else {}),
        "softmax_spectral_norm": softlit.softmax_spectral_norm,
        "SoftmaxState": lambda x, axis=-1: softlit.SoftmaxState().update(x, axis=axis).logsumexp(),
        "entropy": lambda p, axis=-1: softlit.entropy(softlit.closure(p, axis=axis), axis=axis),
        "kl_divergence": lambda p, axis=-1: softlit.kl_divergence(
            softlit.closure(p, axis=axis), softlit.closure(p, axis=axis), axis=axis
        ),
        "cross_entropy": lambda x, axis=-1: softlit.cross_entropy(x, _even(x), axis),
        "kl_from_logits": lambda x, axis=-1: softlit.kl_from_logits(x, np.float16(0), axis),
        "beta_for_mean": _beta_of_mean,
        "beta_for_entropy": _beta_of_entropy,
    }
)
ELEMENTWISE = {
    "sigmoid": softlit.sigmoid,
    "logit": softlit.logit,
    "softplus": softlit.softplus,
    "softplus_inverse": softlit.softplus_inverse,
}
MATRIX = {"softmax_jacobian": softlit.softmax_jacobian}


def plain(known):
    """The public functions of an array and an axis that have no row, with the names of their arguments."""
    for name in softlit.__all__:
        function = getattr(softlit, name)
        if name not in known and not isinstance(function, type):
            first, *others = signature(function).parameters
            if others == ["axis"]:
                yield name, function, first


# Which entries to keep: bool, in the shape of the logits.
KEPT = {
    "top_k_mask": lambda x, axis=-1, **options: softlit.top_k_mask(x, 2, axis, **options),
    "top_p_mask": lambda x, axis=-1, **options: softlit.top_p_mask(x, 0.7, axis, **options),
    "min_p_mask": lambda x, axis=-1, **options: softlit.min_p_mask(x, 0.5, axis, **options),
}
# What all slices together say, beside the true class of each.
BESIDE_TRUTH = {
    "fit_beta": softlit.fit_beta,
    "calibration_table": softlit.calibration_table,
    "calibration_error": softlit.calibration_error,
}

PLAIN = {
    name: function
    for name, function, _ in plain(LOGITS | PARTS | PRODUCTS | STREAMS | RUNNING | LOSS_SLOPES | REDUCTIONS)
}
PLAIN_SLICES = {name: function for name, function in PLAIN.items() if np.shape(function(np.zeros(3)))}
REDUCTIONS |= {name: function for name, function in PLAIN.items() if name not in PLAIN_SLICES}

SLICEWISE = LOGITS | PARTS | PRODUCTS | STREAMS | RUNNING | LOSS_SLOPES | PLAIN_SLICES
WITH_AXIS = SLICEWISE | REDUCTIONS
ALL = WITH_AXIS | ELEMENTWISE | MATRIX | ATTENTION | POSITIONS | POSITION_SLOPES

# --- For test_arguments.py: arguments by name

X = np.array([[0.2, 0.3, 0.5], [0.25, 0.5, 0.25]])
ONE_A_SLICE = np.array([[0.5], [2.0]])
MASK = np.array([[True, True, False], [True, False, True]])
CLASSES = np.array([1, 0])  # the true class of each slice of X
STATE = softlit.SoftmaxState().update(X)
_LOGITS = {"x": X, "beta": ONE_A_SLICE, "where": MASK}
# The array arguments of each function, and values that it takes.
CALLS = {
    "softmax": (softlit.softmax, _LOGITS),
    "log_softmax": (softlit.log_softmax, _LOGITS),
    "softmin": (softlit.softmin, _LOGITS),
    "logsumexp": (softlit.logsumexp, {"x": X, "where": MASK, "b": X}),
    "logcumsumexp": (softlit.logcumsumexp, {"x": X, "where": MASK}),
    "hardmax": (softlit.hardmax, {"x": X, "where": MASK}),
    "soft_argmax": (softlit.soft_argmax, _LOGITS | {"coordinates": np.arange(3.0)}),
    "soft_argmax_grad": (softlit.soft_argmax_grad, _LOGITS | {"coordinates": np.arange(3.0)}),
    "boltzmann_max": (softlit.boltzmann_max, _LOGITS),
    "lse_max": (softlit.lse_max, _LOGITS),
    "mellowmax": (softlit.mellowmax, _LOGITS),
    "softmax_jacobian": (softlit.softmax_jacobian, _LOGITS),
    "softmax_spectral_norm": (softlit.softmax_spectral_norm, {"x": X, "beta": ONE_A_SLICE}),
    "softmax_jvp": (softlit.softmax_jvp, _LOGITS | {"v": X}),
    "softmax_vjp": (softlit.softmax_vjp, _LOGITS | {"g": X}),
    "sparsemax": (softlit.sparsemax, _LOGITS),
    "entmax": (softlit.entmax, _LOGITS),
    "entmax_jvp": (softlit.entmax_jvp, _LOGITS | {"v": X}),
    "closure": (softlit.closure, {"x": X}),
    "clr": (softlit.clr, {"p": X}),
    "softmax_inverse": (softlit.softmax_inverse, {"p": X, "constant": ONE_A_SLICE}),
    "perturb": (softlit.perturb, {"p": X, "q": X}),
    "power": (softlit.power, {"p": X, "a": ONE_A_SLICE}),
    "entropy": (softlit.entropy, {"p": X}),
    "kl_divergence": (softlit.kl_divergence, {"p": X, "q": X}),
    "cross_entropy": (softlit.cross_entropy, {"x": X, "labels": X, "where": MASK}),
    "cross_entropy_grad": (softlit.cross_entropy_grad, {"x": X, "labels": X, "where": MASK}),
    "kl_from_logits": (softlit.kl_from_logits, {"x": X, "z": X}),
    "sample": (lambda **given: softlit.sample(rng=0, size=9, **given), _LOGITS),
    "sample_distinct": (lambda **given: softlit.sample_distinct(k=1, rng=0, **given), _LOGITS),
    "beta_for_mean": (softlit.beta_for_mean, {"x": X, "mean": np.array([[0.3], [0.4]])}),
    "beta_for_entropy": (softlit.beta_for_entropy, {"x": X, "entropy": np.array([[0.5], [1.0]])}),
    "fit_beta": (softlit.fit_beta, {"x": X, "y": CLASSES, "where": MASK}),
    "calibration_table": (softlit.calibration_table, {"p": X, "y": CLASSES}),
    "calibration_error": (softlit.calibration_error, {"p": X, "y": CLASSES}),
    "top_k_mask": (lambda x, k=2, **given: softlit.top_k_mask(x, k, **given), {"x": X, "where": MASK}),
    "top_p_mask": (softlit.top_p_mask, _LOGITS | {"p": np.array(0.6)}),
    "min_p_mask": (softlit.min_p_mask, _LOGITS | {"p": np.array(0.6)}),
    "sigmoid": (softlit.sigmoid, {"x": X}),
    "logit": (softlit.logit, {"p": X}),
    "softplus": (softlit.softplus, {"x": X}),
    "softplus_inverse": (softlit.softplus_inverse, {"y": X}),
    "attention": (
        softlit.attention,
        {"q": X, "k": X, "v": X, "mask": [[True, False]] * 2, "bias": X[:, :2], "scale": np.array(0.5)},
    ),
    "SoftmaxState.update": (
        lambda **given: softlit.SoftmaxState().update(**given),
        {"block": X, "values": X, "where": MASK},
    ),
    "SoftmaxState.softmax": (STATE.softmax, {"block": X, "where": MASK}),
    "SoftmaxState.log_softmax": (STATE.log_softmax, {"block": X, "where": MASK}),
    "softmax_chunks": (
        lambda block, where: list(softlit.softmax_chunks([block], where=[where])),
        {"block": X, "where": MASK},
    ),
}
if fast:
    CALLS |= {
        f"fast.{name}": (getattr(fast, name), CALLS[name][1])
        for name in ("softmax", "log_softmax", "logsumexp")
    }
CALLS |= {name: (function, {first: X}) for name, function, first in plain(CALLS)}
