"""The time of the losses of chapter 11 beside log_softmax of the same array."""

import numpy as np

import softlit
from benchmarks.results import digits
from benchmarks.speed import interleaved

SHAPES = [(1000, 1000), (20000, 50), (100, 10000)]


def _calls(x, rng):
    """By name: what is timed; the divergence reads two arrays, so it is set beside two calls."""
    labels = rng.integers(x.shape[1], size=len(x))
    weights, other = softlit.softmax(x[::-1]), x[::-1].copy()
    yield "log_softmax", lambda: softlit.log_softmax(x)
    yield "cross_entropy, classes", lambda: softlit.cross_entropy(x, labels)
    yield "cross_entropy_grad, classes", lambda: softlit.cross_entropy_grad(x, labels)
    yield "cross_entropy, weights", lambda: softlit.cross_entropy(x, weights)
    yield "cross_entropy_grad, weights", lambda: softlit.cross_entropy_grad(x, weights)
    yield "kl_from_logits", lambda: softlit.kl_from_logits(x, other)


def measure(libraries, say, quick=False):
    """A row for each function, input and dtype: the least seconds, and the ratio to log_softmax."""
    rounds, budget = (5, 0.1) if quick else (15, 3.0)
    rows = []
    for shape in SHAPES:
        for dtype in ("float64", "float32"):
            shape = tuple(max(2, n // 10) for n in shape) if quick else shape
            say(f"losses: {shape} {dtype}")
            rng = np.random.default_rng(0)
            names, calls = zip(*_calls((3 * rng.normal(size=shape)).astype(dtype), rng), strict=True)
            seconds = interleaved(calls, rounds, budget)
            for name, least in zip(names, seconds, strict=True):
                times = 2 if name == "kl_from_logits" else 1
                ratio = least / (times * seconds[0])
                row = {"function": name, "input": str(shape), "dtype": dtype}
                rows.append(row | {"seconds": digits(least), "ratio": digits(ratio)})
    return rows
