"""Seconds a call, the libraries taking turns."""

import os
import timeit
import warnings

import numpy as np

from benchmarks import cases
from benchmarks.peers import FUNCTIONS
from benchmarks.results import digits

CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
SAMPLE = 0.01  # seconds that one sample lasts at least: calls of microseconds are looped


def pin(one=True):
    """Run on one core, so that no library uses two and no sample is moved, or on all; says whether on one."""
    if not CORES:
        return False
    os.sched_setaffinity(0, {max(CORES)} if one else CORES)
    return one


def loops(call, sample=SAMPLE):
    """How many calls last a sample; as timeit's autorange, for a shorter time, and it warms up."""
    call()
    number = 1
    while (seconds := timeit.timeit(call, number=number)) < sample / 2:
        number = max(2 * number, int(number * sample / max(seconds, 1e-9)))
    return number


def interleaved(calls, rounds, budget, sample=SAMPLE):
    """The least seconds a call of each: A B C A B C ..., so that a slow moment meets them all.

    At least five rounds, then up to `rounds` while the budget of seconds lasts. timeit turns the
    garbage collection off.
    """
    numbers = [loops(call, sample) for call in calls]
    best = [np.inf] * len(calls)
    start = timeit.default_timer()
    for done in range(rounds):
        if done >= 5 and timeit.default_timer() - start > budget:
            break
        for k, (call, number) in enumerate(zip(calls, numbers, strict=True)):
            best[k] = min(best[k], timeit.timeit(call, number=number) / number)
    return best


def measure(libraries, say, quick=False):
    """A row for each function, input and library."""
    rounds, budget = (5, 0.2) if quick else (40, 4.0)
    inputs = list(cases.timed(quick))
    rows = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k, (shape, axis, dtype, family, make) in enumerate(inputs, start=1):
            x = make(np.random.default_rng(k), shape).astype(dtype)
            for function in FUNCTIONS:
                say(f"speed {k}/{len(inputs)}: {function} {shape} axis {axis} {dtype}, {family}")
                calls = [library.call(function, x, axis) for library in libraries.values()]
                seconds = dict(zip(libraries, interleaved(calls, rounds, budget), strict=True))
                unit = seconds.get("scipy", np.nan)
                for library in libraries:
                    rows.append(
                        {
                            "function": function,
                            "shape": list(shape),
                            "axis": axis,
                            "dtype": dtype,
                            "family": family,
                            "library": library,
                            "seconds": digits(seconds[library]),
                            "ratio": digits(seconds[library] / unit),
                        }
                    )
    return rows
