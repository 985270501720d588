"""What the losses of other libraries give where the value is known, and some of them lose it.

JAX has no loss of its own; what stands for it is what its users write, minus the label's log_softmax.
"""

import importlib
import importlib.metadata
import warnings

import numpy as np

import softlit
from benchmarks.peers import wide_jax
from benchmarks.results import digits

# Logits, and the weights of the classes. A loss of weights is the sum of weight times minus log p.
CASES = {
    "right by 5": ([5.0, 0.0], [1.0, 0.0]),
    "right by 40": ([40.0, 0.0], [1.0, 0.0]),
    "wrong by 800": ([800.0, 0.0], [0.0, 1.0]),
    "weight 0 at -inf": ([0.0, -np.inf], [1.0, 0.0]),
    "right with inf": ([np.inf, 0.0], [1.0, 0.0]),
}

LABELS = ("class", "weights")


def _softlit():
    return softlit.cross_entropy, softlit.cross_entropy_grad


def _torch():
    torch = importlib.import_module("torch")

    def loss_and_slopes(x, label):
        x = torch.tensor(x, requires_grad=True)
        loss = torch.nn.functional.cross_entropy(x, torch.as_tensor(label))
        loss.backward()
        return loss.item(), x.grad.numpy()

    return (lambda *given: loss_and_slopes(*given)[0]), (lambda *given: loss_and_slopes(*given)[1])


def _jax():
    jax = wide_jax()

    def loss(x, label):
        log_p = jax.nn.log_softmax(x)
        return -log_p[label] if np.ndim(label) == 0 else -(label * log_p).sum()

    return loss, jax.grad(loss)


def _optax():
    optax, jax = importlib.import_module("optax"), wide_jax()

    def loss(x, label):
        of_class, of_weights = optax.softmax_cross_entropy_with_integer_labels, optax.softmax_cross_entropy
        return (of_class if np.ndim(label) == 0 else of_weights)(jax.numpy.asarray(x), label)

    return loss, jax.grad(loss)


LIBRARIES = {"softlit": _softlit, "torch": _torch, "jax": _jax, "optax": _optax}


def measure(libraries, say, quick=False):
    """A row for each case, form of the label and library that is installed, whichever others are."""
    rows = []
    for name, load in LIBRARIES.items():
        say(f"scores: {name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what libraries say of themselves while they are imported
            try:
                loss, slopes = load()
            except ImportError:
                say(f"{name} is not installed and is not measured")
                continue
        version = importlib.metadata.version(name)
        for case, (x, weights) in CASES.items():
            k = int(np.argmax(weights))
            for kind, label in zip(LABELS, (k, np.array(weights)), strict=True):
                value, slope = float(loss(np.array(x), label)), float(slopes(np.array(x), label)[k])
                row = {"case": case, "label": kind, "library": name, "version": version}
                rows.append(row | {"loss": digits(value), "slope": digits(slope)})
    return rows
