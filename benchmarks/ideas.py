"""What each idea of the kernels is worth alone, in plain NumPy: the same step with it and without it."""

import numpy as np

from benchmarks.results import digits
from benchmarks.speed import interleaved


def _exp_ranges(rng, n=100_000):
    """Where exp is slow: its nanoseconds an entry over ranges of the logits."""
    for dtype in (np.float32, np.float64):
        info = np.finfo(dtype)
        low, zero = np.log(float(info.tiny)), np.log(float(info.smallest_subnormal))
        for name, x in (
            ("normal results", rng.uniform(low / 2, -low / 2, n)),
            ("subnormal results", rng.uniform(zero + 1, low - 1, n)),
            ("zero results", rng.uniform(10 * low, 2 * zero, n)),
            ("of -inf", np.full(n, -np.inf)),
        ):
            x = x.astype(dtype)
            out = np.empty_like(x)
            yield name, dtype.__name__, lambda x=x, out=out: np.exp(x, out=out)


def _with_buffer(size, step):
    def call():
        with np.errstate():  # restores the size
            np.setbufsize(size)
            step()

    return call


def _in_blocks(step, x, out, entries=2**16):
    height = max(1, entries // x.shape[1])

    def call():
        for start in range(0, len(x), height):
            step(x[start : start + height], out[start : start + height])

    return call


def _quotient(x, out):
    np.exp(x, out=out)
    np.divide(out, out.sum(axis=1, keepdims=True), out=out)


def _shifted_quotient(x, out):
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(axis=1, keepdims=True), out=out)


def _by_halves(x):
    """The sums of rows of 2**k entries by a tree of additions."""
    while (half := x.shape[1] // 2) > 0:
        x = x[:, :half] + x[:, half:]
    return x


def _pairs(rng):
    """(idea, input, the step without it, with it)."""
    x = rng.normal(size=(1024, 1000))
    out = np.empty_like(x)
    yield "no shift", "(1024, 1000)", lambda: _shifted_quotient(x, out), lambda: _quotient(x, out)
    middling = rng.normal(size=(4096, 256))
    ones = np.ones(256)
    large = rng.normal(size=(64, 50257))
    result = np.empty_like(large)
    yield (
        "blocks that fit the cache",
        "(64, 50257)",
        lambda: _quotient(large, result),
        _in_blocks(_quotient, large, result),
    )
    yield (
        "argmax and gather for max",
        "(4096, 256)",
        lambda: middling.max(axis=1, keepdims=True),
        lambda: np.take_along_axis(middling, middling.argmax(axis=1)[:, np.newaxis], axis=1),
    )
    yield (
        "dot product with ones for sum",
        "(4096, 256)",
        lambda: middling.sum(axis=1),
        lambda: np.vecdot(middling, ones),
    )
    yield (
        "dot product with ones for a tree",
        "(4096, 256)",
        lambda: _by_halves(middling),
        lambda: np.vecdot(middling, ones),
    )
    sums = rng.uniform(1, 2, size=(1024, 1))
    block, scaled = x[:64], np.empty_like(x[:64])

    def multiply():
        np.multiply(block, sums[:64], out=scaled)

    yield "a small buffer", "(64, 1000)", _with_buffer(8192, multiply), _with_buffer(16, multiply)
    yield (
        "inverse times for quotient",
        "(64, 1000)",
        _with_buffer(16, lambda: np.divide(block, sums[:64], out=scaled)),
        _with_buffer(16, multiply),
    )
    masked = np.where(rng.random((1024, 1000)) < 0.5, -np.inf, x)
    low = np.log(np.finfo(float).tiny) + 0.9

    def raised():
        np.maximum(masked, low, out=out)
        np.exp(out, out=out)

    yield "a floor under masked logits", "(1024, 1000)", lambda: np.exp(masked, out=out), raised


def measure(libraries, say, quick=False):
    """Rows of two kinds: nanoseconds an entry of exp over ranges, and pairs without and with an idea."""
    rounds, budget = (5, 0.1) if quick else (40, 2.0)
    rng = np.random.default_rng(0)
    rows = []
    say("ideas: exp")
    with np.errstate(all="ignore"):
        names, dtypes, calls = zip(*_exp_ranges(rng), strict=True)
        for name, dtype, seconds in zip(names, dtypes, interleaved(calls, rounds, budget), strict=True):
            rows.append({"exp": name, "dtype": dtype, "nanoseconds": digits(seconds / 1e-9 / 100_000)})
        for idea, input_, without, with_it in _pairs(rng):
            say(f"ideas: {idea}")
            before, after = interleaved([without, with_it], rounds, budget)
            rows.append(
                {
                    "idea": idea,
                    "input": input_,
                    "without": digits(before),
                    "with": digits(after),
                    "ratio": digits(before / after),
                }
            )
    return rows
