"""The inputs: shapes to time, and families of logits, each for a way in which formulas go wrong."""

import numpy as np

DTYPES = ("float32", "float64")

# Shape and axis: one short row, one row and a longer one, a small batch, a classifier and one of more
# classes, a mid-sized batch, a vocabulary, attention scores, a row that leaves every cache, and an axis
# that is not the last.
SHAPES = [
    ((10,), -1),
    ((1000,), -1),
    ((20_000,), -1),
    ((100, 100), -1),
    ((1024, 10), -1),
    ((1024, 64), -1),
    ((1024, 1000), -1),
    ((64, 50257), -1),
    ((4, 8, 256, 256), -1),
    ((10_000_000,), -1),
    ((1000, 1024), 0),
]
FAMILY_SHAPE = (1024, 1000)


def logits(rng, shape):
    return 3 * rng.normal(size=shape)


def half_masked(rng, shape):
    return np.where(rng.random(shape) < 0.5, -np.inf, logits(rng, shape))


TIMED_FAMILIES = {
    "half of the entries -inf": half_masked,
    "-800 + 3 normal": lambda rng, shape: logits(rng, shape) - 800,
    "500 normal": lambda rng, shape: 500 * rng.normal(size=shape),
    "uniform +-1e4": lambda rng, shape: rng.uniform(-1e4, 1e4, size=shape),
}


def timed(quick=False):
    """(shape, axis, dtype, family, make) of every timed input."""
    shapes = [case for case in SHAPES if not quick or np.prod(case[0]) < 100_000]
    families = [("3 normal", logits, shape, axis) for shape, axis in shapes]
    if not quick:
        families += [(name, make, FAMILY_SHAPE, -1) for name, make in TIMED_FAMILIES.items()]
    for name, make, shape, axis in families:
        for dtype in DTYPES:
            yield shape, axis, dtype, name, make


def _near_half(rng, shape):
    """Rows [log(1/2 + d), log(1/2 - d)], whose LogSumExp nearly cancels."""
    d = rng.uniform(-0.4, 0.4, size=shape[0])
    return np.log(np.stack([0.5 + d, 0.5 - d], axis=-1))


def _log_of_distribution(rng, shape):
    p = rng.random(shape)
    return np.log(p / p.sum(axis=-1, keepdims=True))


def _leader(lead, other):
    def rows(rng, shape):
        t = np.linspace(1, 60, shape[0])
        return np.stack([lead(t), other(t)], axis=-1)

    return rows


# Rows, entries and a maker for each family whose errors are measured. Where the family depends on the
# range of the dtype, `reach` is the largest x with exp(x) comfortably inside it.
def measured(dtype, quick=False):
    """(family, rows, entries, make) of every input whose errors are measured."""
    reach = 80 if dtype == "float32" else 700
    far = 1e4 if dtype == "float32" else 1e8
    huge = 1e37 if dtype == "float32" else 1e307  # 1e38 and 1e308 leave no room for the difference
    families = [
        ("pairs, 10 normal", 200, 2, lambda rng, shape: 10 * rng.normal(size=shape)),
        ("10 entries, normal", 200, 10, lambda rng, shape: rng.normal(size=shape)),
        ("10 normal", 5, 1000, lambda rng, shape: 10 * rng.normal(size=shape)),
        ("25 normal", 5, 1000, lambda rng, shape: 25 * rng.normal(size=shape)),
        (f"uniform +-{reach // 2}", 5, 1000, lambda rng, shape: reach / 2 * rng.uniform(-1, 1, shape)),
        (f"uniform +-{reach}", 5, 1000, lambda rng, shape: reach * rng.uniform(-1, 1, shape)),
        ("uniform +-1e4", 5, 1000, lambda rng, shape: 1e4 * rng.uniform(-1, 1, shape)),
        (f"uniform +-{huge:.0e}".replace("e+", "e"), 5, 1000, lambda r, s: huge * r.uniform(-1, 1, s)),
        (f"{far:.0e} + normal".replace("e+0", "e"), 5, 1000, lambda rng, shape: far + rng.normal(size=shape)),
        ("-30 + 10 normal", 5, 1000, lambda rng, shape: 10 * rng.normal(size=shape) - 30),
        ("-800 + 3 normal", 5, 1000, TIMED_FAMILIES["-800 + 3 normal"]),
        ("half of the entries -inf", 5, 1000, half_masked),
        ("logsumexp near 0, pairs", 200, 2, _near_half),
        ("log of a distribution", 5, 1000, _log_of_distribution),
        ("maximum 0: [0, -t]", 60, 2, _leader(np.zeros_like, np.negative)),
        ("leader: [t, 0]", 60, 2, _leader(np.positive, np.zeros_like)),
        ("100000 entries, normal", 1, 100_000, lambda rng, shape: rng.normal(size=shape)),
        ("100000 entries, nearly equal", 1, 100_000, lambda r, s: 0.1 + 1e-3 * r.normal(size=s)),
    ]
    for name, rows, entries, make in families:
        if not quick or entries <= 10:
            yield name, rows, entries, make
