"""The laws, and SciPy's suite, with softlit.fast in the place of softlit.

Each test is the same object as in its own file; only what it finds under the name `softlit` is another thing.
"""

import types

import pytest
import test_laws
import test_scipy_suite
from hypothesis import settings

import softlit

fast = pytest.importorskip("softlit.fast", reason="Numba is not installed", exc_type=ImportError)
NAMES = {"softmax", "log_softmax", "logsumexp"}
SUBJECT = types.SimpleNamespace(**vars(softlit) | {name: getattr(fast, name) for name in NAMES})


@pytest.fixture(autouse=True)
def in_the_place_of_softlit(monkeypatch):
    for module in (test_laws, test_scipy_suite):
        monkeypatch.setattr(module, "softlit", SUBJECT)
    settings.register_profile("again", settings.get_profile("softlit"), max_examples=40)
    settings.load_profile("again")
    yield
    settings.load_profile("softlit")


def about_them(test):
    """Whether a law speaks of one of the functions that softlit.fast has."""
    inner = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    return bool(NAMES & set(inner.__code__.co_names))


globals().update(
    {name: law for name, law in vars(test_laws).items() if name.startswith("test_") and about_them(law)}
)
globals().update(
    {
        name: thing
        for name, thing in vars(test_scipy_suite).items()
        if name.startswith(("Test", "test_")) or name in ("softlit_in_the_place_of_scipy", "xp", "devices")
    }
)
