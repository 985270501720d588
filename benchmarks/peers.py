"""The libraries that are compared. Each takes its own arrays, so that no conversion is timed."""

import importlib
import importlib.metadata
import warnings
from functools import partial

import numpy as np

import softlit
from softlit import textbook

FUNCTIONS = ("softmax", "log_softmax", "logsumexp")

# In the order of the tables. What installs a library that is not in the lock.
INSTALL = {
    "softlit": None,
    "scipy": None,
    "torch": "pip install torch --index-url https://download.pytorch.org/whl/cpu",
    "jax": "pip install jax",
    "textbook": None,
}


def load(name):
    """A library as three things: prepare(array), function(name, axis), and array(result)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries say of themselves while they are imported
        return globals()[f"_{name}"]()


def load_all():
    """The installed libraries by name, and the names of those that are not installed."""
    found, missing = {}, []
    for name in INSTALL:
        try:
            found[name] = load(name)
        except ImportError:
            missing.append(name)
    return found, missing


def versions(names):
    """Versions of the given libraries; the textbook form has none of its own."""
    return {name: importlib.metadata.version(name) for name in names if name != "textbook"}


class Library:
    """Plain NumPy in, plain NumPy out, unless a library says otherwise."""

    def __init__(self, functions, prepare=lambda x: x, array=np.asarray):
        self.functions = functions
        self.prepare = prepare
        self.array = array

    def call(self, name, x, axis):
        """A call without arguments, to be timed; the array is converted here, once."""
        return partial(self.functions[name], self.prepare(x), axis)

    def value(self, name, x, axis=-1):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.array(self.call(name, x, axis)())


def _softlit():
    return Library({name: getattr(softlit, name) for name in FUNCTIONS})


def _scipy():
    special = importlib.import_module("scipy.special")
    return Library({name: getattr(special, name) for name in FUNCTIONS})


def _torch():
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    functions = {name: getattr(torch, name) for name in FUNCTIONS}
    return Library(functions, prepare=torch.from_numpy, array=lambda result: result.numpy())


def wide_jax():
    """JAX, which otherwise makes float32 of float64."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def _jax():
    jax = wide_jax()

    def compiled(function):
        jitted = jax.jit(function, static_argnums=1)
        return lambda x, axis: jitted(x, axis).block_until_ready()  # it returns before it has computed

    functions = {name: compiled(getattr(jax.nn, name)) for name in FUNCTIONS}
    return Library(functions, prepare=jax.numpy.asarray)


def _textbook():
    def log_softmax(x, axis):
        return x - np.expand_dims(textbook.logsumexp_shifted(x, axis), axis)

    return Library(
        {
            "softmax": textbook.softmax_shifted,
            "log_softmax": log_softmax,
            "logsumexp": textbook.logsumexp_shifted,
        }
    )
