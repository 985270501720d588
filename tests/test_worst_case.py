"""A search for the worst error in ulps: rows are changed again and again, and what raises the error is kept.

Random draws miss what a climb finds; that the search can find is shown on the textbook form. Seeds and steps
are fixed, so that a run on one machine repeats itself. The bounds hold on every machine: the rows are also
summed as NumPy does where it has another BLAS, or none (adders.py).
"""

from functools import lru_cache, partial
from typing import NamedTuple
from unittest.mock import patch

import mpmath
import numpy as np
import pytest
from adders import MACHINES

import softlit
from benchmarks.accuracy import EXACT
from softlit import _sums, textbook
from softlit._limits import LIMITS
from softlit.lab.ulp import exact, exact_logsumexp, exact_softmax, ulp, ulp_error

INF, NAN = np.inf, np.nan
DTYPES = [np.float32, np.float64]
# For each number of entries; a step of 100 entries takes longest.
STEPS = {2: 120, 3: 80, 10: 50, 60: 20, 100: 12}
RESTARTS = 4
DRAWS = 12  # of which a climb starts at the worst

# In a short row of float64 the roundings of a leader's log-probability may all go one way.
BOUNDS = {
    "softmax": {np.float32: 8, np.float64: 6},
    "log_softmax": {np.float32: 4, np.float64: 4},
    "logsumexp": {np.float32: 3, np.float64: 3},
}


class Exact(NamedTuple):
    """The exact values of a row, and the same in units in the last place, as sums of two floats."""

    values: np.ndarray
    exponents: np.ndarray  # of the units
    whole: np.ndarray
    rest: np.ndarray


# Fewer digits than softlit.lab.ulp has, and each exponential once: a climb asks for a million of them.
FORTY_DIGITS = mpmath.mp.clone()
FORTY_DIGITS.dps = 40


def forty_digits(name, row):
    """The values of a function on a row, to 40 digits."""
    terms = [FORTY_DIGITS.mpf(value) for value in row.tolist()]
    top = max(range(len(terms)), key=terms.__getitem__)
    shifted = [term - terms[top] for term in terms]
    powers = [FORTY_DIGITS.exp(term) for term in shifted]
    rest = FORTY_DIGITS.fsum(power for k, power in enumerate(powers) if k != top)
    if name == "softmax":
        return [power / (1 + rest) for power in powers]
    log = FORTY_DIGITS.log1p(rest)
    return [terms[top] + log] if name == "logsumexp" else [term - log for term in shifted]


@lru_cache(maxsize=1)
def exact_values(name, data, dtype):
    """The exact values of a row given as bytes: what every machine makes of it is compared with them."""
    values = forty_digits(name, np.frombuffer(data, dtype))
    units = [ulp(value, dtype) for value in values]
    counts = [value / unit for value, unit in zip(values, units, strict=True)]
    whole = [float(count) for count in counts]
    rest = [float(count - part) for count, part in zip(counts, whole, strict=True)]
    return Exact(*map(np.array, ([*map(float, values)], [unit.exp for unit in units], whole, rest)))


def largest_error(name, function, row, near_zero_too=False):
    """The largest error of a row in ulps, over the results that are normal numbers, with a margin of 4.

    A LogSumExp smaller than 1 or than log N has tests of its own: there its two parts cancel.
    """
    true = exact_values(name, row.tobytes(), row.dtype)
    info = np.finfo(row.dtype)
    away = name == "logsumexp" and not near_zero_too
    least = max(1.0, np.log(row.size)) if away else 4 * float(info.tiny)
    sizes = np.abs(true.values)
    counted = (least <= sizes) & (sizes <= float(info.max))
    got = np.ldexp(np.atleast_1d(function(row)).astype(float), -true.exponents)
    errors = np.abs(got - true.whole - true.rest)[counted]
    return np.where(np.isnan(errors), INF, errors).max(initial=0.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_the_largest_error_is_that_of_ulp_error(name, dtype):
    """Which is slower; off by nothing, by some ulps, and by more than there are digits."""
    rng = np.random.default_rng(46)
    for row in (rng.normal(size=5).astype(dtype), dtype([9, 2]), dtype([-600, 0, 8]) / dtype(8)):
        for factor in (1, 1 + 3 * np.finfo(dtype).eps, 1.5, INF, NAN):
            got = getattr(softlit, name)(row) * dtype(factor)
            wanted = np.max(ulp_error(np.atleast_1d(got), np.atleast_1d(EXACT[name](row))))
            found = largest_error(name, lambda x, got=got: got, row, near_zero_too=True)
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def alone(function, row):
    return function(row)


def in_a_block(function, row, limit=2**10):
    """The same row in an array too large for the way that small ones take; a lower limit makes that quick."""
    with patch.dict(LIMITS, {row.dtype: LIMITS[row.dtype]._replace(small=limit)}):
        return function(np.tile(row, (limit // row.size + 1, 1)))[0]


WAYS = [alone, in_a_block]


def worst_machine(error_of):
    """The largest error on this machine and on those whose sums NumPy takes in another order."""
    errors = []
    for machine in MACHINES.values():
        with machine():
            errors.append(error_of())
    return max(errors)


def start(rng, n, dtype):
    """A row of any width, from ties to gaps that leave the range of exp, around any centre."""
    reach = float(-np.log(np.finfo(dtype).tiny))
    width = reach * 2.0 ** rng.uniform(-8, 0)
    centre = rng.choice([0.0, 1.0, -reach, reach, 1000.0]) * rng.uniform()
    row = centre + width * rng.uniform(-1, 1, size=n)
    if rng.random() < 0.5:  # a leader far above the others: its log-probability is near 0
        row[rng.integers(n)] = row.max() + width * rng.uniform()
    if rng.random() < 0.25:  # the logarithms of a distribution: LogSumExp is near 0
        row -= np.logaddexp.reduce(row)
    return row.astype(dtype)


def changed(row, rng):
    """A neighbour of the row: one entry or all of them moved, by little or by much, or two entries tied."""
    new = row.copy()
    k = rng.integers(row.size)
    size = 2.0 ** rng.uniform(-20, 1)
    match rng.integers(5):
        case 0:
            new[k] += size * rng.normal()
        case 1:
            new += (size * rng.normal(size=row.size)).astype(row.dtype)
        case 2:
            new *= row.dtype.type(1 + size * rng.normal() / 4)
        case 3:
            new += row.dtype.type(size * rng.normal())
        case 4:
            new[k] = new[rng.integers(row.size)]
    return new


def ascent(error_of, n, dtype, seed, start=start, changed=changed):
    """The error of the row at which a climb stands, and that row, after each of its steps."""
    rng = np.random.default_rng([seed, n])
    for _ in range(RESTARTS):
        draws = [start(rng, n, dtype) for _ in range(DRAWS)]
        best, row = max(((error_of(row), k, row) for k, row in enumerate(draws)))[::2]
        yield best, row
        for _ in range(STEPS[n]):
            candidate = changed(row, rng)
            error = error_of(candidate)
            if error >= best:  # equal ones too: they carry the row over plateaus
                best, row = error, candidate
            yield best, row


def climb(*way, **options):
    """The largest error that an ascent finds, and the row that has it."""
    return max(ascent(*way, **options), key=lambda found: found[0])


def finds(bound, *way, **options):
    """Whether an ascent comes beyond a bound, where it ends."""
    return any(error > bound for error, _ in ascent(*way, **options))


@pytest.mark.parametrize("n", [*STEPS, 3000])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_a_row_in_a_small_block_meets_what_it_meets_in_a_large_one(name, dtype, n):
    rng, function = np.random.default_rng(44), getattr(softlit, name)
    limit = LIMITS[np.dtype(dtype)].small
    for row in [start(rng, n, dtype) for _ in range(12)]:
        np.testing.assert_array_equal(in_a_block(function, row), in_a_block(function, row, limit))


@pytest.mark.parametrize("n", STEPS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("way", WAYS)
def test_no_row_is_worse_than_the_bound(way, name, dtype, n):
    function = partial(way, getattr(softlit, name))

    def error_of(x):
        return worst_machine(lambda: largest_error(name, function, x))

    error, row = climb(error_of, n, dtype, seed=40)
    assert error <= BOUNDS[name][dtype], f"{error:.3g} ulp at {row.tolist()}"


def rows_with_followers(n, dtype):
    """Every partial sum with the leader is rounded the same way, by the equal numbers that follow."""
    for t in (7.3, 8.68, 9.95, 11.41, 12.29):
        row = np.full(n, -t, dtype=dtype)
        row[0] = 0
        yield row


@pytest.mark.parametrize("n", [16, 17, 60, 127, 128, 256, 500, 1023])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_a_leader_that_many_equal_numbers_follow(name, dtype, n):
    for row in rows_with_followers(n, dtype):
        for way in WAYS:
            function = partial(way, getattr(softlit, name))
            error = worst_machine(lambda of=function, row=row: largest_error(name, of, row))
            assert error <= BOUNDS[name][dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("machine, times", [("one by one", 5), ("in eight parts", 1)])
def test_the_other_machines_are_noticed(machine, times, dtype, monkeypatch):
    """Without a look at how this machine adds, the same rows break the bound."""

    def error():
        rows = list(rows_with_followers(1023, dtype))
        with MACHINES[machine]():
            function = partial(in_a_block, softlit.softmax)
            return max(largest_error("softmax", function, row) for row in rows)

    noticed = error()
    monkeypatch.setattr(_sums, "_longest_run", lambda way, *_: 128 if way is _sums._by_dot else 32)
    assert noticed <= BOUNDS["softmax"][dtype] < error() / times


@pytest.mark.parametrize("dtype", LIMITS)
def test_how_a_machine_adds_is_found_out(dtype):
    found = {}
    for name, machine in MACHINES.items():
        with machine():
            found[name] = (
                _sums._longest_run(_sums._by_dot, np.vecdot, dtype),
                _sums._longest_run(_sums._by_einsum, np.einsum, dtype),
            )
    assert found["one by one"] == (0, 0) and found["in eight parts"] == (32, 32)
    assert found["this one"][0] in (0, 32, 64, 128)


def joined(row, dtype, n):
    """The groups of places whose sum meets the first number, as the sum of a row of n numbers has them."""
    half, rest = np.finfo(dtype).eps / 2, list(range(1, n))
    while rest:
        rows = np.zeros((len(rest), n), dtype)
        rows[:, [0, rest[0]]] = 1, half
        rows[range(len(rest)), rest] = half
        together = {rest[0], *(k for k, total in zip(rest, row(rows), strict=True) if total > 1)}
        yield sorted(together)
        rest = [k for k in rest if k not in together]


def row_against(groups, n, dtype):
    """A leader, and groups that each add a little less than half an ulp to it."""
    row = np.full(n, -80 if dtype == np.float32 else -200, dtype)
    row[0] = 0
    for group in groups:
        row[group] = np.log(0.97 * np.finfo(dtype).eps / 2 / len(group))
    return row


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [63, 128, 1024])
def test_a_row_made_against_the_order_of_the_sum_keeps_the_bound_by_counting(n, dtype, machine):
    """The worst that a sum can meet: none of the errors in it has the other sign."""
    with MACHINES[machine]():
        along_rows = list(joined(lambda e: _sums.row_sums(e)[:, 0], dtype, n))
        along_columns = list(joined(lambda e: _sums._folded(e.T[np.newaxis])[0, 0], dtype, n))
        row, column = (row_against(groups, n, dtype) for groups in (along_rows, along_columns))
        errors = [
            largest_error("softmax", lambda x: in_a_block(softlit.softmax, x), row),
            largest_error("softmax", lambda x: softlit.softmax(np.stack([x] * 64, 1), 0)[:, 0], column),
        ]
    assert max(len(along_rows), len(along_columns)) <= 12 + 2 * np.log2(n)
    assert max(errors) <= 20 + 2 * np.log2(n)
    if n == 1024 and dtype == np.float64:
        assert max(errors) > BOUNDS["softmax"][dtype]  # so the smaller bound is one of rows that are found


LONG = {
    "3 normal": lambda rng, reach: 3 * rng.normal(size=3000),
    "uniform over the range of exp": lambda rng, reach: reach * rng.uniform(-1, 1, size=3000),
    "below the range of exp": lambda rng, reach: 3 * rng.normal(size=3000) - 1.2 * reach,
}


@pytest.mark.parametrize("family", LONG)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BOUNDS)
def test_long_rows_and_columns_keep_the_bound(name, dtype, family):
    """Too long to climb, but long enough for sums and blocks to go wrong, along either axis."""
    reach = float(-np.log(np.finfo(dtype).tiny))
    row = LONG[family](np.random.default_rng(43), reach).astype(dtype)
    function = getattr(softlit, name)

    def as_column(x):
        return function(np.stack([x, x[::-1]] * 20, axis=1), axis=0)[..., 0]

    for way in (function, partial(in_a_block, function), as_column):
        error = worst_machine(lambda way=way: largest_error(name, way, row))
        assert error <= BOUNDS[name][dtype]


def textbook_log_softmax(x):
    return x - textbook.logsumexp_shifted(x)


CONTROLS = {"softmax": textbook.softmax_shifted, "log_softmax": textbook_log_softmax}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("n", [2, 10])
def test_the_search_finds_what_is_wrong_with_the_textbook(name, dtype, n):
    with np.errstate(all="ignore"):
        assert finds(BOUNDS[name][dtype], lambda x: largest_error(name, CONTROLS[name], x), n, dtype, seed=41)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_search_finds_by_itself_where_logsumexp_cancels(dtype):
    def error_of(row):
        return largest_error("logsumexp", textbook.logsumexp_shifted, row, near_zero_too=True)

    with np.errstate(all="ignore"):
        assert finds(1e3, error_of, 3, dtype, seed=41)


def near_zero(function, row):
    """How far LogSumExp is from exact in units of float64's eps; of float32, beyond 3 of its ulps."""
    value, true = function(row), exact_logsumexp(row)
    allowed = 3 * ulp(true, row.dtype) if row.dtype == np.float32 else 0
    return float((abs(exact(float(value)) - true) - allowed) / exact(np.finfo(np.float64).eps))


def worst_near_zero(function, dtype):
    found = -INF
    for seed in range(8):
        rng = np.random.default_rng([42, seed])
        d = rng.uniform(-0.4, 0.4)
        row = np.log([0.5 + d, 0.5 - d]).astype(dtype)
        best = near_zero(function, row)
        for _ in range(60):
            candidate = (row + rng.integers(-3, 4, size=2) * np.spacing(np.abs(row))).astype(dtype)
            error = near_zero(function, candidate)
            if error >= best:
                row, best = candidate, error
        found = max(found, best)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_logsumexp_near_zero(dtype):
    """Two logits near log 1/2 cancel. float32, computed wider, is right to 3 ulp all the same, up to what
    float64 itself loses; of float64 only the absolute error is small: 2 eps, for terms of size log 2."""
    assert worst_near_zero(softlit.logsumexp, dtype) <= 2


def test_the_textbook_is_wrong_near_zero_in_float32():
    assert worst_near_zero(textbook.logsumexp_shifted, np.float32) > 1e6


@pytest.mark.parametrize("beta", [0.507219372872787, -3.7, 1e-3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_an_inverse_temperature_costs_two_roundings_of_the_gaps(name, dtype, beta):
    """A relative error of probabilities, an absolute one of logarithms; float32 is computed in float64."""
    rng, beta = np.random.default_rng(45), float(dtype(beta))
    half = float(np.finfo(np.float64).eps) / 2
    for _ in range(40):
        row = (rng.uniform(-1, 1, size=4) * 10.0 ** rng.uniform(0, 2.5) / abs(beta)).astype(dtype)
        p, wanted = exact_softmax(row, beta), EXACT[name](row, beta)
        gaps = np.abs(beta) * (row.max() - row if beta > 0 else row - row.min()).astype(float)
        mean = float(sum(share * exact(gap) for share, gap in zip(p, gaps, strict=True)))
        got = getattr(softlit, name)(row, beta=beta)
        for value, true, gap in zip(got, wanted, gaps, strict=True):
            spacing = float(ulp(true, dtype))
            if abs(true) < 4 * float(np.finfo(dtype).tiny):
                continue
            rounded = 2 * (gap + mean) * half * (float(true) if name == "softmax" else 1)
            assert abs(exact(value) - true) <= (0.51 if dtype == np.float32 else 6) * spacing + rounded


def beyond_the_spacing(value, true):
    """The error in ulp, or in units of half the bound of 2 eps where the result is smaller than 1."""
    least = 0 if value.dtype == np.float32 and abs(true) > 1e-7 else np.finfo(np.float64).eps / 2
    return float(abs(exact(value) - true)) / max(float(ulp(true, value.dtype)), least)


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_running_sum_is_worse_than_the_bound(dtype, n):
    def error_of(row):
        true = [exact_logsumexp(row[:k]) for k in range(1, n + 1)]
        return max(map(beyond_the_spacing, softlit.logcumsumexp(row), true))

    error, row = climb(error_of, n, dtype, seed=43)
    assert error <= 4, f"{error:.3g} at {row.tolist()}"


@pytest.mark.parametrize("weights", [[1, -1], [1, -1, 1], [3e-5, -7.0, 1e9], [-2.0, 1e-300, 0.1]])
@pytest.mark.parametrize("dtype", DTYPES)
def test_no_sum_with_signs_is_worse_than_its_condition(dtype, weights):
    eps = float(np.finfo(np.float64).eps)

    def share_of_the_bound(row):
        top = exact(row.max())
        terms = [
            exact(b) * (exact(v) - top).context.exp(exact(v) - top) for b, v in zip(weights, row, strict=True)
        ]
        size = abs(sum(terms))
        if size < 1e-15 * sum(map(abs, terms)):  # nothing is left, and nothing promised
            return 0.0
        true = top + size.context.log(size)
        value = softlit.logsumexp(row, b=np.array(weights, dtype), return_sign=True)[0]
        off = float(abs(exact(value) - true)) - 2 * float(ulp(true, dtype))
        return off / (3 * eps * float(sum(map(abs, terms)) / size))

    weights = [float(dtype(w)) for w in weights]
    worst, row = climb(share_of_the_bound, len(weights), dtype, seed=44)
    assert worst <= 1, row.tolist()


def test_a_small_probability_beside_a_small_sum():
    """Its exponential would be subnormal, though the quotient is not: the sum is too small to divide by."""
    row = np.array([-6.9, -6.9 - 706.6])
    rows = np.stack([[0.0, 0.0], row] + [[0.0, 0.0]] * 38)  # the glance at the block does not meet it
    assert largest_error("softmax", lambda x: softlit.softmax(rows)[1], row) <= BOUNDS["softmax"][np.float64]


def test_logsumexp_of_many_low_logits():
    """-9.52 + 8.52 would cancel; the logarithm of the sum itself does not."""
    rows = np.full((3, 5000), -9.52)
    assert largest_error("logsumexp", lambda x: softlit.logsumexp(rows)[:1], rows[0], True) <= 3


def test_a_subnormal_gap_counts_at_an_infinite_beta():
    assert softlit.softmax([5e-324, 0.0], beta=INF).tolist() == [1, 0]


# --- Losses: float64 by a climb, float32 computed in it

CE_BOUNDS = {"loss": 3.5, "slope": 3.5, "weighted loss": 3.0}


def surprises(row):
    """-log p of each entry, to forty digits, and p."""
    return [-value for value in forty_digits("log_softmax", row)], forty_digits("softmax", row)


def in_ulps(got, true):
    """The largest error over results that are normal numbers, with a margin of 4."""
    tiny = 4 * float(np.finfo(got.dtype).tiny)
    pairs = zip(np.ravel(got).tolist(), true, strict=True)
    errors = [abs(FORTY_DIGITS.mpf(a) - b) / ulp(b, got.dtype) for a, b in pairs if abs(b) >= tiny]
    return float(max(errors, default=0))


def loss_error(row, function=softlit.cross_entropy):
    labels = np.arange(row.size)
    return in_ulps(function(np.tile(row, (row.size, 1)), labels), surprises(row)[0])


def slope_error(row, function=softlit.cross_entropy_grad):
    """Of the most and of the least probable class as label, and of the first."""
    p, worst = surprises(row)[1], 0.0
    for k in {0, int(row.argmax()), int(row.argmin())}:
        true = [-FORTY_DIGITS.fsum(p[:k] + p[k + 1 :]) if j == k else p[j] for j in range(row.size)]
        worst = max(worst, in_ulps(function(row, k), true))
    return worst


def weighted_error(both):
    """Of a row whose first half are logits, and whose second half are those of the weights."""
    row, weights = np.split(both, 2)
    weights = softlit.softmax(weights)
    products = [FORTY_DIGITS.mpf(w) * s for w, s in zip(weights.tolist(), surprises(row)[0], strict=True)]
    return in_ulps(softlit.cross_entropy(row, weights), [FORTY_DIGITS.fsum(products)])


LOSS_ERRORS = {"loss": loss_error, "slope": slope_error, "weighted loss": weighted_error}


@pytest.mark.parametrize("n", STEPS)
@pytest.mark.parametrize("name", LOSS_ERRORS)
def test_no_row_is_worse_than_the_bound_of_a_loss(name, n):
    if name == "weighted loss":
        error, row = climb(weighted_error, n, seed=47, **OF_TWO)
    else:
        error, row = climb(LOSS_ERRORS[name], n, np.float64, seed=47)
    assert error <= CE_BOUNDS[name], f"{error:.3g} ulp at {row.tolist()}"


@pytest.mark.parametrize("name", LOSS_ERRORS)
def test_losses_of_float32_are_right_to_half_an_ulp(name):
    assert climb(LOSS_ERRORS[name], 10, np.float32, seed=47)[0] <= 0.501


@pytest.mark.parametrize("n", [60, 500, 1023])
def test_losses_of_a_leader_that_many_equal_numbers_follow(n):
    for row in rows_with_followers(n, np.float64):
        leader, other = surprises(row)[0][:2]
        assert in_ulps(softlit.cross_entropy(np.stack([row, row]), [0, 1]), [leader, other]) <= 3.5
        assert slope_error(row) <= CE_BOUNDS["slope"]


def test_the_search_finds_what_is_wrong_with_a_loss_of_probabilities():
    def minus_log_of_softmax(rows, labels):
        return -np.log(np.take_along_axis(softlit.softmax(rows), labels[:, np.newaxis], -1))

    def p_minus_one(row, k):
        return softlit.softmax(row) - np.eye(row.size)[k]

    with np.errstate(divide="ignore"):
        assert finds(1e6, partial(loss_error, function=minus_log_of_softmax), 3, np.float64, seed=41)
    assert finds(1e6, partial(slope_error, function=p_minus_one), 3, np.float64, seed=41)


# --- The divergence between two rows of logits, at every distance


def exact_kl(x, z):
    """By terms that are never negative, of which even the tiny ones keep their digits."""
    (a, p), (b, _) = surprises(x), surprises(z)
    ratios = [v - u for u, v in zip(a, b, strict=True)]
    return FORTY_DIGITS.fsum(s * (r + FORTY_DIGITS.expm1(-r)) for s, r in zip(p, ratios, strict=True))


def kl_error(both, function=softlit.kl_from_logits):
    """The relative error for a row whose halves are two vectors of logits."""
    x, z = np.split(both, 2)
    true = exact_kl(x, z)
    return float(abs(function(x, z) - true) / true) if true >= 1e-290 else 0.0


def two_rows(rng, n, dtype):
    """Any two; two close ones, or close but for an offset; the same in another order; one logit moved."""
    x = start(rng, n, dtype)
    size = 10.0 ** rng.uniform(-12, 2)
    match rng.integers(4):
        case 0:
            z = start(rng, n, dtype)
        case 1:
            z = x + size * rng.normal(size=n) + rng.choice([0.0, 100.0, 1e4])
        case 2:
            z = rng.permutation(x)
        case 3:
            z = x + size * (np.arange(n) == rng.integers(n))
    return np.concatenate([x, z])


def changed_pair(both, rng):
    """A neighbour of the two rows, now and then with the second one near the first."""
    new, n = changed(both, rng), both.size // 2
    if rng.random() < 0.2:
        new[n:] = new[:n] + 10.0 ** rng.uniform(-10, 1) * rng.normal(size=n)
    return new


OF_TWO = {"dtype": np.float64, "start": two_rows, "changed": changed_pair}


@pytest.mark.parametrize("n", [2, 3, 10, 60])
@pytest.mark.parametrize("seed", [48, 51])  # at the second, too bold a test of the quick ways shows
def test_a_divergence_from_logits_is_right_at_every_distance(n, seed):
    error, both = climb(kl_error, n, seed=seed, **OF_TWO)
    assert error <= 1e-14, f"{error:.3g} at {both.tolist()}"


def test_the_search_finds_what_is_wrong_with_a_divergence_of_probabilities():
    def from_probabilities(x, z):
        return softlit.kl_divergence(softlit.softmax(x), softlit.softmax(z))

    assert finds(1e-3, partial(kl_error, function=from_probabilities), 3, seed=48, **OF_TWO)


# --- The spectral norm of the Jacobian, at every scale


def exact_spectral_norm(row, beta=1.0):
    """By halving the way from the second probability to a bound above, over the second one, to 40 digits."""
    terms = sorted((FORTY_DIGITS.mpf(beta) * FORTY_DIGITS.mpf(value) for value in row.tolist()), reverse=True)
    s = FORTY_DIGITS.exp(terms[1] - terms[0])
    w = [FORTY_DIGITS.exp(term - terms[1]) for term in terms[1:]]
    rest = FORTY_DIGITS.fsum(w)
    share = 1 / (1 + s * rest)
    low, high = FORTY_DIGITS.mpf(1), share * (rest + 1)
    while high - low > low * FORTY_DIGITS.mpf(10) ** -20:
        middle = (low + high) / 2
        above = FORTY_DIGITS.fsum(one / (middle - one) for one in w) * (1 - s * middle) > 1
        low, high = (middle, high) if above else (low, middle)
    return abs(FORTY_DIGITS.mpf(beta)) * share * s * high


def norm_error(row, beta=1.0, function=softlit.softmax_spectral_norm):
    """The relative error, of norms that are normal numbers."""
    true = exact_spectral_norm(row, beta)
    return float(abs(function(row, beta=beta) - true) / true) if true >= 1e-300 else 0.0


def two_that_lead(rng, n, dtype):
    """Any row; or one in which two logits are close, or tied, and the others at some distance."""
    row = start(rng, n, dtype)
    if rng.random() < 0.5:
        row[:2] = row.max() + 10.0 ** rng.uniform(-17, 2, size=2) * rng.integers(2, size=2)
    return row


@pytest.mark.parametrize("n", [2, 3, 10, 60])
def test_a_spectral_norm_is_right_at_every_scale(n):
    error, row = climb(norm_error, n, np.float64, seed=49, start=two_that_lead)
    assert error <= 1e-14, f"{error:.3g} at {row.tolist()}"


@pytest.mark.parametrize("beta", [-0.507219372872787, 1e-3, 1e300, -1e-300])
def test_a_spectral_norm_is_right_at_every_inverse_temperature(beta):
    def error_of(row):
        return norm_error(row / abs(beta), beta)

    error, row = climb(error_of, 3, np.float64, seed=50, start=two_that_lead)
    assert error <= 1e-14, f"{error:.3g} at {row.tolist()}"


def test_the_search_finds_what_is_wrong_with_the_norm_of_a_matrix():
    def of_the_matrix(row, beta):
        p = softlit.softmax(row, beta=beta)
        return np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1]

    assert finds(1e-2, partial(norm_error, function=of_the_matrix), 3, np.float64, seed=49)


# --- Inverse temperatures: of a row whose last number says where the wanted mean or entropy lies

BETA_BOUNDS = {"mean": 6, "entropy": 3}


def start_with_a_place(rng, n, dtype):
    """Logits, and an inverse temperature in units of one over their range, from tiny to large."""
    place = rng.choice([-1, 1]) * 10.0 ** rng.uniform(-14, 2.5)
    return np.append(start(rng, n, dtype), dtype(place))


def logits_and_beta(row):
    x, place = row[:-1], row[-1]
    return x, place / max(np.ptp(x), 1e-200)


def mean_error(row, function=softlit.beta_for_mean):
    """In ulps, against the root of the sum of c exp(beta c) with forty digits."""
    x, beta = logits_and_beta(row)
    mean = softlit.boltzmann_max(x, beta=beta)
    if not x.min() < mean < x.max():
        return 0.0
    got = function(x, mean)
    c = [FORTY_DIGITS.mpf(v) - FORTY_DIGITS.mpf(float(mean)) for v in x.tolist()]
    true = FORTY_DIGITS.mpf(float(got))
    for _ in range(4):
        e = [FORTY_DIGITS.exp(true * v) for v in c]
        slope = FORTY_DIGITS.fdot([v * v for v in c], e)
        true -= FORTY_DIGITS.fdot(c, e) / slope
    return in_ulps(got, [true])


def entropy_error(row, function=softlit.beta_for_entropy):
    """How far the entropy is from the wanted one, in ulps of both that and of the inverse temperature."""
    x, beta = logits_and_beta(row)
    wanted = softlit.entropy(softlit.softmax(x, beta=abs(beta)))
    ties = np.count_nonzero(x == x.max())
    if not max(np.log(ties), 1e-280) < wanted < np.log(x.size):
        return 0.0
    got = function(x, wanted)
    s, top = FORTY_DIGITS.mpf(float(got)), int(x.argmax())
    gaps = [FORTY_DIGITS.mpf(float(x[top])) - FORTY_DIGITS.mpf(v) for v in x.tolist()]
    e = [FORTY_DIGITS.exp(-s * gap) for gap in gaps]
    rest = FORTY_DIGITS.fsum(e[:top] + e[top + 1 :])
    mean = FORTY_DIGITS.fdot(e, gaps) / (1 + rest)
    variance = FORTY_DIGITS.fsum(w * (gap - mean) ** 2 for w, gap in zip(e, gaps, strict=True)) / (1 + rest)
    off = FORTY_DIGITS.log1p(rest) + s * mean - FORTY_DIGITS.mpf(float(wanted))
    return float(abs(off) / (ulp(wanted, row.dtype) + s * variance * ulp(s, row.dtype)))


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("name", BETA_BOUNDS)
def test_no_inverse_temperature_is_worse_than_the_bound(name, n):
    error_of = {"mean": mean_error, "entropy": entropy_error}[name]
    error, row = climb(error_of, n, np.float64, seed=48, start=start_with_a_place)
    assert error <= BETA_BOUNDS[name], f"{error:.3g} ulp at {row.tolist()}"


@pytest.mark.parametrize("error_of", [mean_error, entropy_error])
def test_inverse_temperatures_of_float32_are_right_to_half_an_ulp(error_of):
    assert climb(error_of, 10, np.float32, seed=48, start=start_with_a_place)[0] <= 0.501


def test_the_search_finds_what_is_wrong_with_halving_on_the_mean():
    def by_halving(x, mean):
        low, high = -(2.0**10) / np.ptp(x), 2.0**10 / np.ptp(x)
        for _ in range(80):
            middle = (low + high) / 2
            below = softlit.boltzmann_max(x, beta=middle) < mean
            low, high = (middle, high) if below else (low, middle)
        return np.float64(middle)

    error_of = partial(mean_error, function=by_halving)
    assert finds(1e6, error_of, 3, np.float64, 48, start=start_with_a_place)


# --- Entmax: an error in units of the eps of 1, since a share next to the threshold has no relative accuracy

ORDERS = [1.2, 1.5, 1.8, 2.0]


def exact_entmax(row, alpha):
    """The shares to 40 digits, by Newton's method from below."""
    a, mp = FORTY_DIGITS.mpf(alpha) - 1, FORTY_DIGITS
    top = max(row.tolist())
    gaps = [mp.mpf(value) - mp.mpf(top) for value in row.tolist()]
    c = mp.mpf(0)
    while True:
        bases = [max(1 + a * (gap - c), mp.mpf(0)) for gap in gaps]
        slopes = [base ** (1 / a - 1) if base else base for base in bases]
        shares = [base * slope for base, slope in zip(bases, slopes, strict=True)]
        total = mp.fsum(shares)
        step = (total - total ** (1 - a)) / (a * mp.fsum(slopes))
        if step <= 1e-30:
            return shares
        c += step


def largest_share_error(function, alpha, row):
    got = function(row).tolist()
    true = exact_entmax(row, alpha)
    errors = [abs(FORTY_DIGITS.mpf(g) - t) for g, t in zip(got, true, strict=True)]
    return float(max(errors)) / float(np.finfo(row.dtype).eps)


def start_of_entmax(rng, n, dtype):
    """Rows of which all entries have a share, or few, or one, around any centre."""
    row = 2.0 ** rng.uniform(-10, 3) * rng.uniform(-1, 1, size=n)
    if rng.random() < 0.5:
        row[rng.integers(n)] = row.max() + rng.uniform()
    return (row + rng.choice([0.0, 1.0, 1000.0]) * rng.uniform()).astype(dtype)


@pytest.mark.parametrize("n", [2, 10, 40])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("alpha", ORDERS)
def test_no_share_of_entmax_is_off_by_more_than_one_eps(alpha, dtype, n):
    function = partial(softlit.entmax, alpha=alpha)
    steps = {2: 60, 10: 40, 40: 12}[n]
    with patch.dict(STEPS, {n: steps}):
        error, row = climb(partial(largest_share_error, function, alpha), n, dtype, 47, start_of_entmax)
    assert error <= 1, f"{error:.3g} eps at {row.tolist()}"


def as_printed(row):
    """Sparsemax without the largest logit taken away."""
    ordered = np.sort(row)[::-1]
    k = np.arange(1, row.size + 1, dtype=row.dtype)
    thresholds = (np.cumsum(ordered) - 1) / k
    return np.maximum(row - thresholds[ordered > thresholds][-1], 0)


def test_the_search_finds_what_is_wrong_with_sparsemax_as_printed():
    assert finds(100, partial(largest_share_error, as_printed, 2.0), 10, np.float64, 47, start_of_entmax)
