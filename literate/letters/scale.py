"""What the letters mean in the statements of part V, at scale."""

import numpy as np

from literate.letters.everywhere import column, softmax
from literate.letters.function import two_families


def state(x):
    return column([np.max(x), np.sum(np.exp(x - np.max(x)))])


def one_family(rng, at):
    return {"s": state(at["x"])[1, 0]}


def three_states(rng, at):
    states = {name: state(rng.normal(size=rng.integers(1, 5))) for name in "abc"}
    return {**states, "o": column([-np.inf, 0])}


def a_sum_of_a_tree(rng, at):
    """What k merges leave, each of them off by at most epsilon."""
    k, s = int(rng.integers(1, 6)), rng.uniform(1, 9)
    off = np.prod(1 + at[r"\varepsilon"] * rng.uniform(-1, 1, k))
    return {"k": k, "s": s, r"\hats": s * off}


def multiples(rng, at):
    k = int(rng.integers(-9, 9))
    return {"a": column(rng.integers(-(2**50), 2**50, len(at["x"])) * 2.0**k), "g": 2.0**k, "k": k, "t": 53}


def a_carried_mean(rng, at):
    """Sums of the first family, scaled by the maximum of both."""
    both = two_families(rng, at)
    weights = np.exp(at["x"] - np.max(both["logits"]))
    return {**both, "s": np.sum(weights), "t": np.sum(at["v"] * weights)}


def means_with_logsumexps(rng, at):
    both = two_families(rng, at)
    lses = {number: both["M_"](at, number) + np.log(both["s_"](at, number)) for number in (1, 2)}
    return {**both, "l_": lambda at, number: lses[number], "l": np.logaddexp(*lses.values())}


def intercepts(rng, at):
    """And the slope in the intercept of the true class as often as in another one."""
    return {"b": column(rng.normal(size=len(at["x"]))), "r": rng.choice([at["r"], at["k"]])}


def a_temperature(rng, at):
    return {"T": 1 / at[r"\beta"]}


def a_cut(rng, at):
    """Some entries are kept, i among them; what is 0 is so small that its logarithm still exists."""
    p = softmax(at["x"])
    kept = np.append([True], rng.random(len(p) - 1) < 0.5)[:, np.newaxis]
    o = softmax(np.where(kept, rng.normal(size=p.shape), -600))
    s = np.sum(p[kept])
    return {r"\beta": 1, "i": 1, "o": o, "s": s, "q": np.where(kept, p / s, o)}


def two_bins(rng, at):
    """Their shares of the examples, which are positive; accuracies and confidences are any numbers."""
    return {"s": rng.uniform(0.1, 1), "t": rng.uniform(0.1, 1), "d": rng.normal()}


def a_part_of_the_largest(rng, at):
    return {"t": rng.uniform(0, 1)}


def a_rank(rng, at):
    n, epsilon = int(rng.integers(5, 50)), rng.uniform(0.2, 0.9)
    return {"n": n, r"\varepsilon": epsilon, "r": int(np.ceil((n + 1) * (1 - epsilon)))}


def an_entry_near_a_power_of_two(rng, at):
    """The entry i is n log 2 + r."""
    n, r, x = int(rng.integers(2, 9)), rng.uniform(-0.34, 0.34), at["x"].copy()
    x[at["i"] - 1] = n * np.log(2) + r
    return {"x": x, "n": n, "r": r}


def an_entry_near_a_product(rng, at):
    """The entry i is near n times the first 14 bits of log 2."""
    n, c, s, x = int(rng.integers(2, 400)), 11357, 14, at["x"].copy()
    x[at["i"] - 1] = n * c / 2**s + rng.uniform(-0.49, 0.49)
    return {"x": x, "n": n, "c": c, "s": s, "a": c / 2**s, "t": 24}


def a_shift_by_powers(rng, at):
    return {r"\beta": 1, "k": int(np.rint(np.max(at["x"]) / np.log(2)))}


def entries_far_away(rng, at):
    """All within lambda of a maximum of at least 2 lambda; two floats of which none is twice the other."""
    scale, b = rng.uniform(1, 9), rng.uniform(1, 9)
    gaps = column(rng.permutation([0, *rng.random(len(at["x"]) - 1)]))
    x = scale * (2.1 * rng.choice([-1, 1]) - gaps)
    return {"x": x, r"\lambda": scale, "a": b * rng.uniform(0.51, 1.99), "b": b}


def a_float_by_its_bits(rng, at):
    b, d, exponent = map(int, rng.integers(2, 9, 3))
    return {"b": b, "d": d, "c": int(rng.integers(0, 2**d)), "l": exponent}


def an_addition(rng, at):
    """Two float16, the larger one first, their rounded sum, and what two subtractions make of it."""
    a, b = np.float16(rng.uniform(1, 2)), np.float16(rng.uniform(2**-7, 2**-6))
    s = a + b
    t = s - a
    return {name: float(value) for name, value in {"a": a, "b": b, "s": s, "t": t, "d": b - t}.items()}


def running_totals(rng, at):
    s, d = (column(rng.normal(size=len(at["x"]))) for _ in "sd")
    totals = np.append(0, np.cumsum(s - d))
    return {"s": s, "d": d, "t_": lambda at, number: totals[int(number)]}


def an_inverse(rng, at):
    total = np.sum(np.exp(at[r"\beta"] * at["x"]))
    a = (1 + at[r"\varepsilon"]) / total
    return {"Z": total, "a": a, "b": (1 - a * total) * a}


SETTINGS = {
    "thm-lost-part": an_addition,
    "thm-kept-total": running_totals,
    "thm-inverse-in-two-parts": an_inverse,
    "def-softmax-state": one_family,
    "thm-merge": two_families,
    "thm-monoid": three_states,
    "thm-merge-depth": a_sum_of_a_tree,
    "thm-exact-sum": multiples,
    "thm-carried-mean": a_carried_mean,
    "thm-merged-means": means_with_logsumexps,
    "thm-calibrated-in-the-large": intercepts,
    "thm-not-convex-in-temperature": a_temperature,
    "thm-truncation": a_cut,
    "thm-calibration-error": two_bins,
    "thm-truncation-temperature": a_part_of_the_largest,
    "thm-conformal": a_rank,
    "thm-range-reduction": an_entry_near_a_power_of_two,
    "thm-exact-reduction": an_entry_near_a_product,
    "thm-shift-by-powers": a_shift_by_powers,
    "thm-sterbenz": entries_far_away,
    "thm-order-of-bits": a_float_by_its_bits,
}

UNREAD = {
    "thm-root-d": "a mean and a variance, in words",
    "def-calibration-error": "a sum that gets a name, not a letter",
    "thm-local-score": "which prices there are, in words",
    "thm-score-decomposition": "three parts of a mean, as a sum that is told in words",
    "thm-squared-gap": "means over chance, in words",
    "thm-winners-curse": "a mean over chance, in words",
    "thm-one-beta": "which maps there are, in words",
    "thm-bottleneck": "ranks, in words",
    "thm-cannot-win": "which class can win, in words",
    "thm-alternation": "all polynomials, in words",
}

CASES = {
    "thm-proper-scores": ["p = q"],
    "thm-truncation-temperature": [r"\beta = 1"],
}
