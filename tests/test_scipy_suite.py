"""SciPy's own tests of softmax, log_softmax and logsumexp, as its wheel ships them, run against softlit.

Where softlit deviates on purpose, DEVIATIONS says why. Such a test must fail, and with the error that is
named: a new deviation turns this file red, and so does one that has gone.
"""

import numpy as np
import pytest
from scipy._lib._array_api import array_namespace
from scipy.special.tests import test_logsumexp as suite

import softlit

COMPLEX = "complex logits have no largest one, and softlit takes real numbers", TypeError
DEVIATIONS = {
    "test_logsumexp_complex_sign": COMPLEX,
    "test_gh21610": COMPLEX,
    "test_gh21709_small_imaginary": COMPLEX,
    "test_dtypes_a[complex64]": COMPLEX,
    "test_dtypes_a[complex128]": COMPLEX,
    "test_device[1j]": COMPLEX,
}
NOT_OURS = {"test_wrap_radians"}  # a helper of SciPy's for complex numbers


def softmax(x, axis=None):
    return softlit.softmax(x, axis=axis)


def log_softmax(x, axis=None):
    return softlit.log_softmax(x, axis=axis)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    return softlit.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)


def deviation(request):
    name, original = request.node.name, request.node.originalname
    if original in ("test_gh22601_infinite_elements", "test_dtypes_ab"):
        values = request.node.callspec.params.values()
        return COMPLEX if any("complex" in str(v) or np.iscomplexobj(v) for v in values) else None
    return DEVIATIONS.get(name) or DEVIATIONS.get(original)


@pytest.fixture(autouse=True)
def softlit_in_the_place_of_scipy(request, monkeypatch):
    for function in (softmax, log_softmax, logsumexp):
        monkeypatch.setattr(suite, function.__name__, function)
    if found := deviation(request):
        monkeypatch.setattr(request.node, "obj", failing(request.node.obj, *found))


def failing(test, reason, error):
    """The test turned round (and not marked as xfail, which would list each of some 360 in every log)."""

    def turned(**arguments):
        try:
            test(**arguments)
        except error:
            return
        pytest.fail(f"SciPy's test passes, so this is no deviation any more: {reason}")

    return turned


@pytest.fixture
def xp():
    """SciPy's fixture of array libraries, bound to NumPy."""
    return array_namespace(np.empty(0))


@pytest.fixture
def devices(xp):
    return [*xp.__array_namespace_info__().devices(), None]


globals().update(
    {
        name: thing
        for name, thing in vars(suite).items()
        if name.startswith(("Test", "test_")) and name not in NOT_OURS
    }
)


def test_every_deviation_names_a_test_of_the_suite():
    methods = {name for thing in vars(suite).values() if isinstance(thing, type) for name in vars(thing)}
    assert {name.split("[")[0] for name in DEVIATIONS} <= methods
    assert {"TestLogSumExp", "TestSoftmax", "TestLogSoftmax"} <= set(globals())
