"""The largest error in units in the last place, against mpmath."""

import numpy as np

from benchmarks import cases
from benchmarks.peers import FUNCTIONS
from benchmarks.results import digits
from softlit.lab.ulp import exact_log_softmax, exact_logsumexp, exact_softmax, ulp_error

LARGE = 2**17  # entries; the rows are measured as part of a larger array, since small ones take another way
EXACT = {"softmax": exact_softmax, "log_softmax": exact_log_softmax, "logsumexp": exact_logsumexp}


def exact_values(function, row):
    """Exact values of a row as an array of objects; -inf takes part as the limit that it is."""
    finite = np.isfinite(row)
    values = EXACT[function](row[finite])
    if function == "logsumexp":
        return np.array([values], dtype=object)
    whole = np.full(row.shape, None, dtype=object)
    whole[finite] = values
    return whole


def is_normal(value, dtype):
    """Whether an exact value lies among the normal numbers, the only ones that an ulp is promised for."""
    info = np.finfo(dtype)
    return value is not None and 4 * float(info.tiny) <= abs(value) <= float(info.max)


def largest_error(computed, exact, dtype):
    computed = np.atleast_1d(computed)
    normal = [k for k, value in enumerate(exact) if is_normal(value, dtype)]
    return max(ulp_error(computed[normal], exact[normal]), default=0.0)


def measure(libraries, say, quick=False, most=LARGE):
    """A row for each function, family and library, of rows of at most so many entries."""
    rows = []
    for dtype in cases.DTYPES:
        families = [case for case in cases.measured(dtype, quick) if case[2] <= most]
        for k, (family, count, entries, make) in enumerate(families, start=1):
            x = make(np.random.default_rng(k), (count, entries)).astype(dtype)
            many = np.tile(x, (LARGE // x.size + 1, 1))
            for function in FUNCTIONS:
                say(f"accuracy {k}/{len(families)}: {function} {dtype}, {family}")
                exact = [exact_values(function, row) for row in x]
                for name, library in libraries.items():
                    value = library.value(function, many)[:count]
                    errors = [largest_error(*pair, dtype) for pair in zip(value, exact, strict=True)]
                    rows.append(
                        {
                            "function": function,
                            "rows": count,
                            "entries": entries,
                            "dtype": dtype,
                            "family": family,
                            "library": name,
                            "ulp": digits(max(errors)),
                        }
                    )
    return rows
