"""What each idea of the compiled kernels is worth alone: the same loop with it and without it."""

import math

import numpy as np

from benchmarks import cases
from benchmarks.results import digits
from benchmarks.speed import interleaved

PACKAGES = ("numba",)  # whose versions are written down beside those of the libraries
ROWS, ENTRIES = 64, 1000  # they fit the cache of a core, in either dtype


def loops():
    """(idea, the loop without it, with it) over rows that lie one after the other; all have one signature."""
    import numba

    from softlit import fast

    compiled, unsigned = numba.njit(**fast._OPTIONS), np.uint64
    exp, shift, top, plus = fast._exp, fast._shift, fast._top, fast._plus

    @compiled
    def maximum_by_value(x, out, n):
        n = unsigned(n)
        for i in range(unsigned(x.size) // n):
            most = x[i * n]
            for j in range(i * n, i * n + n):
                most = x[j] if x[j] > most else most
            out[i] = most

    @compiled
    def maximum_by_bits(x, out, n):
        n = unsigned(n)
        for i in range(unsigned(x.size) // n):
            out[i] = top(x, i * n, i * n + n)

    @compiled
    def exponential_of_the_library(x, out, n):
        for j in range(unsigned(x.size)):
            out[j] = math.exp(x[j])

    @compiled
    def exponential_in_the_loop(x, out, n):
        _, floor, magic = shift(x.dtype.type(0))
        for j in range(unsigned(x.size)):
            out[j] = exp(x[j], floor, magic)

    @compiled
    def signed_index(x, out, n):
        for start in range(0, x.size, n):
            for j in range(start, start + n):
                out[j] = x[j] * x[j]

    @compiled
    def unsigned_index(x, out, n):
        n = unsigned(n)
        for start in range(unsigned(0), unsigned(x.size), n):
            for j in range(start, start + n):
                out[j] = x[j] * x[j]

    @compiled
    def sum_in_order(x, out, n):
        n = unsigned(n)
        for i in range(unsigned(x.size) // n):
            total = x.dtype.type(0)
            for j in range(i * n, i * n + n):
                total += x[j]
            out[i] = total

    @compiled
    def sum_in_any_order(x, out, n):
        n = unsigned(n)
        for i in range(unsigned(x.size) // n):
            total = x.dtype.type(0)
            for j in range(i * n, i * n + n):
                total = plus(total, x[j])
            out[i] = total

    @compiled
    def quotient(x, out, n):
        total = x.dtype.type(n)
        for j in range(unsigned(x.size)):
            out[j] = x[j] / total

    @compiled
    def two_products(x, out, n):
        inverse = x.dtype.type(1 / n)
        rest = x.dtype.type((1 - n * inverse) * inverse)
        for j in range(unsigned(x.size)):
            out[j] = x[j] * inverse + x[j] * rest

    def step_by_step(x, out, n):
        x, out = x.reshape(-1, n), out.reshape(-1, n)
        np.subtract(x, x.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, out.sum(axis=1, keepdims=True), out=out)

    return (
        ("maximum by the bits", maximum_by_value, maximum_by_bits),
        ("exponential in the loop", exponential_of_the_library, exponential_in_the_loop),
        ("sum in any order", sum_in_order, sum_in_any_order),
        ("two products for a quotient", quotient, two_products),
        ("index without a sign", signed_index, unsigned_index),
        ("all of softmax in one kernel", step_by_step, fast._softmax_rows),
    )


def measure(libraries, say, quick=False):
    """A row for each idea and dtype."""
    rounds, budget = (5, 0.1) if quick else (200, 4.0)
    rows = []
    for idea, without, with_it in loops():
        for dtype in cases.DTYPES:
            say(f"compiled: {idea}, {dtype}")
            x = np.random.default_rng(0).normal(size=ROWS * ENTRIES).astype(dtype)
            out = np.empty_like(x)
            calls = [lambda way=way, x=x, out=out: way(x, out, ENTRIES) for way in (without, with_it)]
            before, after = interleaved(calls, rounds, budget)
            rows.append(
                {
                    "idea": idea,
                    "dtype": dtype,
                    "without": digits(before),
                    "with": digits(after),
                    "ratio": digits(before / after),
                }
            )
    return rows
