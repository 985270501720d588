"""The compiled kernels along rows: seconds beside the other libraries and the memory, and their errors."""

import importlib
import warnings

import numpy as np

from benchmarks import accuracy, cases, peers
from benchmarks.results import digits
from benchmarks.speed import interleaved

PACKAGES = ("numba",)  # whose versions are written down beside those of the libraries
LIBRARIES = ("softlit.fast", "softlit", "scipy", "torch", "jax")
SHAPES = [
    (10,),
    (100,),
    (1000,),
    (20_000,),
    (1_000_000,),
    (100, 100),
    (1024, 10),
    (1024, 64),
    (1024, 1000),
    (64, 50257),
]
MASKED = "half of the entries masked"
PASSES = 4  # over all inputs: a machine that is busy for a minute spoils no input of all of them
LONGEST = 1000  # entries of a row whose errors are measured: exact values of longer ones take ten minutes
SAMPLE = 0.001  # seconds: short enough to fall between two moments at which others have the core


def inputs(quick=False):
    """(shape, dtype, family, make) of every timed input."""
    shapes = [shape for shape in SHAPES if not quick or np.prod(shape) < 2000]
    families = [("3 normal", cases.logits, shape) for shape in shapes]
    if not quick:
        families += [(name, make, cases.FAMILY_SHAPE) for name, make in cases.TIMED_FAMILIES.items()]
        families += [(MASKED, cases.logits, cases.FAMILY_SHAPE)]
    return [(shape, dtype, name, make) for name, make, shape in families for dtype in cases.DTYPES]


def kernels():
    """softlit.fast as a library like the others, compiled for both dtypes."""
    fast = importlib.import_module("softlit.fast")
    functions = {name: getattr(fast, name) for name in peers.FUNCTIONS}
    for function in functions.values():
        for dtype in cases.DTYPES:
            function(np.zeros(2, dtype))
    return peers.Library(functions)


def _masked(name, library, function, x, mask):
    """A call with a mask: as an argument, or as -inf in the array, put there within the call."""
    if name.startswith("softlit"):
        return lambda: library.functions[function](x, where=mask)
    x, mask, inside = library.prepare(x), library.prepare(mask), library.functions[function]
    where = importlib.import_module({"scipy": "numpy", "jax": "jax.numpy"}.get(name, name)).where
    return lambda: inside(where(mask, x, -np.inf), -1)


def _calls(libraries, function, family, x):
    """What is timed, by the name of the library; and a copy, which is what the memory takes."""
    out, mask = np.empty_like(x), np.random.default_rng(1).random(x.shape) < 0.5
    for name, library in libraries.items():
        if family == MASKED:
            yield name, _masked(name, library, function, x, mask)
        else:
            yield name, library.call(function, x, -1)
    yield "copy", lambda: np.copyto(out, x)


def _timed(libraries, say, quick):
    rounds, budget = (5, 0.1) if quick else (200, 0.7)
    passes, cells = 1 if quick else PASSES, inputs(quick)
    least = {}
    for turn in range(passes):
        for k, (shape, dtype, family, make) in enumerate(cells, start=1):
            say(f"fast, pass {turn + 1} of {passes}, {k}/{len(cells)}: {shape} {dtype}, {family}")
            x = make(np.random.default_rng(k), shape).astype(dtype)
            for function in peers.FUNCTIONS:
                names, calls = zip(*_calls(libraries, function, family, x), strict=True)
                times = interleaved(calls, rounds, budget, SAMPLE)
                for name, seconds in zip(names, times, strict=True):
                    key = function, shape, dtype, family, name
                    least[key] = min(seconds, least.get(key, np.inf))
    return least


def _errors(library, say, quick):
    for row in accuracy.measure({"softlit.fast": library}, say, quick, LONGEST):
        yield {key: row[key] for key in ("function", "entries", "dtype", "family", "library", "ulp")}


def measure(libraries, say, quick=False):
    """A row for each function, input and library, and one for each function and family of errors."""
    everything = {"softlit.fast": kernels(), **libraries}
    chosen = {name: everything[name] for name in LIBRARIES if name in everything}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        least = _timed(chosen, say, quick)
    rows = []
    for (function, shape, dtype, family, name), seconds in least.items():
        row = {"function": function, "shape": list(shape), "dtype": dtype, "family": family, "library": name}
        unit = least.get((function, shape, dtype, family, "scipy"), np.nan)
        rows.append(row | {"seconds": digits(seconds), "ratio": digits(seconds / unit)})
    return [*rows, *_errors(everything["softlit.fast"], say, quick)]
