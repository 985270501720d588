r"""The typed mathematics of the statements is true: evaluated at random points, from the definitions alone.

Nothing here comes from a derivation: softmax is the quotient of exponentials, a Jacobian a table of central
differences, and so on. So a formula that was mistyped, or derived wrongly, is found in the form that the
reader sees. Each sign of each equation is then turned round, and the test must notice.
"""

import dataclasses
import math
import re
import zlib

import numpy as np
import pytest

from literate import ledger
from literate.chapters import BookError, read_book
from literate.formulas import Formula, formulas, holds, read

FORMULAS = tuple(formulas(read_book()))
DRAWS = 12


def column(values):
    return np.reshape(np.asarray(values, dtype=float), (-1, 1))


def stacked(arguments):
    return arguments[0] if len(arguments) == 1 else np.vstack([column(part) for part in arguments])


def closure(q):
    return q / np.sum(q)


def softmax(x):
    return closure(np.exp(x))


def log_sum_exp(x):
    return np.log(np.sum(np.exp(x)))


def centred_log(p):
    return np.log(p) - np.mean(np.log(p))


def entropy(p):
    return -np.sum(p * np.log(p))


def divergence(p, q):
    return np.sum(p * np.log(p / q))


def covariance(p, a, b):
    return np.sum(p * (a - np.sum(p * a)) * (b - np.sum(p * b)))


def hardmax(x):
    return closure((x == np.max(x)).astype(float))


def merged(a, b):
    """The state of two families, from the state of each: a maximum and a scaled sum."""
    top = max(a[0, 0], b[0, 0])
    return column([top, a[1, 0] * np.exp(a[0, 0] - top) + b[1, 0] * np.exp(b[0, 0] - top)])


def jacobian(x, beta, step=1e-5):
    shifts = step * np.eye(len(x))
    slopes = [softmax(beta * (x + e[:, None])) - softmax(beta * (x - e[:, None])) for e in shifts]
    return np.hstack(slopes) / (2 * step)


# What stands before brackets.
FUNCTIONS = {
    r"\log()": lambda at, below, x: np.log(x),
    r"\sin()": lambda at, below, x: np.sin(x),
    r"\cos()": lambda at, below, x: np.cos(x),
    r"\tanh()": lambda at, below, x: np.tanh(x),
    r"\artanh()": lambda at, below, x: np.arctanh(x),
    r"\sigma()": lambda at, below, t: softmax(column([t, 0]))[0, 0],
    r"\logit()": lambda at, below, p: np.log(p) - np.log(1 - p),
    r"\softplus()": lambda at, below, t: log_sum_exp(column([0, t])),
    r"\max()": lambda at, below, *x: np.max(stacked(x)),
    r"\min()": lambda at, below, *x: np.min(stacked(x)),
    r"\C()": lambda at, below, q: closure(q),
    r"\clr()": lambda at, below, *p: centred_log(stacked(p)),
    r"\hardmax()": lambda at, below, x: hardmax(x),
    r"\diag()": lambda at, below, p: np.diag(p[:, 0]),
    r"\LSE()": lambda at, beta, *x: log_sum_exp((beta or 1) * stacked(x)) / (beta or 1),
    r"\mm()": lambda at, beta, x: np.log(np.mean(np.exp(beta * x))) / beta,
    r"\KL()": lambda at, below, p, q: divergence(p, q),
    r"\Var()": lambda at, p, v: covariance(p, v, v),
    r"\Cov()": lambda at, p, a, b: covariance(p, a, b),
    r"\psi()": lambda at, below, i: at[r"\psi"][i - 1, 0],
    r"\phi()": lambda at, below, p: at[r"\phi"](p),
    r"\det()": lambda at, below, matrix: np.linalg.det(matrix),
    r"\ulp()": lambda at, below, y: np.spacing(abs(y)),
    "B()": lambda at, beta, x: np.sum(softmax(beta * x) * x),
    "E()": lambda at, below, x: np.sum(at["c"] * softmax(at[r"\beta"] * x)),
    "H()": lambda at, below, p: entropy(p),
    "S()": lambda at, below, x: softmax(x),
    r"\odot()": lambda a, p: closure(p**a),
    r"\oplus()": lambda p, q: closure(p * q),
    r"\circ()": np.multiply,
    r"\sqcup()": merged,
    "inner_A()": lambda p, q: np.sum(centred_log(p) * centred_log(q)),
}

# Letters that depend on the logits x and the inverse temperature.
DERIVED = {
    "N": lambda at: len(at["x"]),
    "p": lambda at: softmax(at[r"\beta"] * at["x"]),
    "M": lambda at: np.max(at.get("logits", at["x"])),  # of all logits of the statement
    "m": lambda at: np.sum(at["x"] == np.max(at["x"])),
    r"\Delta": lambda at: np.max(at["x"]) - np.max(at["x"][at["x"] < np.max(at["x"])]),
    "h": lambda at: hardmax(at["x"]),
    "R": lambda at: (lambda gaps: np.sum(np.exp(gaps[gaps < 0])))(at[r"\beta"] * (at["x"] - np.max(at["x"]))),
    "Z": lambda at: np.sum(np.exp(at[r"\beta"] * at["x"])),
    "B": lambda at: FUNCTIONS["B()"](at, at[r"\beta"], at["x"]),
    "B_": lambda at, beta: FUNCTIONS["B()"](at, beta, at["x"]),
    r"\Var": lambda at: covariance(softmax(at[r"\beta"] * at["x"]), at["x"], at["x"]),
    r"\barx": lambda at: np.mean(at["x"]),
    r"\bary": lambda at: np.mean(at["y"]),
    r"\barc": lambda at: np.mean(at["c"]),
    r"\omega": lambda at: np.ptp(at["x"]),
    "E": lambda at: FUNCTIONS["E()"](at, None, at["x"]),
    "J": lambda at: jacobian(at["x"], at[r"\beta"]),
    "J_": lambda at, size: jacobian(at["x"], at[r"\beta"])[:size, :size],
    "I": lambda at: np.eye(len(at["x"])),
    r"\ones": lambda at: np.ones_like(at["x"]),
    r"\eta": lambda at: np.exp(-2 * (np.pi * at[r"\tau"]) ** 2),
    r"\pi": math.pi,
    r"\constants": None,
    r"\delta_": lambda at, i, r: float(i == r),
    "e": math.e,
    r"\unit_": lambda at, r: column(np.arange(1, len(at["x"]) + 1) == r),
}


def nothing_else(rng, at):
    return {}


def logits_of_a_distribution(rng, at):
    """Logits at beta = 1, and the constant that leads to them from log p."""
    return {r"\beta": 1, "c": log_sum_exp(at["x"])}


def with_ties(rng, at):
    """Some of the logits share the maximum, some do not; beta is at least 1/Delta."""
    losers = -rng.uniform(0.5, 2, len(at["x"]))
    losers[rng.permutation(len(losers))[: rng.integers(1, len(losers))]] = 0
    return {"x": column(losers + rng.normal()), r"\beta": rng.uniform(2, 3)}


def a_maximum_at_k(rng, at):
    k = int(np.argmax(at["x"])) + 1
    return {"k": k, **coordinates(rng, at)}


def no_temperature(rng, at):
    """A maximum at k, and beta = 1, where a statement has no beta."""
    return {**a_maximum_at_k(rng, at), r"\beta": 1}


def rounded_exponents(rng, at):
    s = at["x"]
    rounded = {r"\varepsilon": np.zeros_like(s), "t": lambda at: at["s"] * (1 + at[r"\varepsilon"])}
    return {"s": s, "x": s, r"\beta": 1, "j": at["k"], "u": 1e-3, **rounded}


def a_sum_in_range(rng, at):
    x = at["x"] - log_sum_exp(at["x"]) + rng.uniform(-0.6, 3)
    return {"x": x, r"\beta": 1, r"\Omega": 30}


def a_shift_of_one_logit(rng, at):
    c, g, d = rng.normal(), rng.normal(), rng.uniform(-0.5, 0.5)
    return {"x": c + g + d, "c": c, "g": g, "d": d}


def a_sum_with_signs(rng, at):
    b, terms = column(rng.normal(size=len(at["x"]))), np.exp(at["x"])
    b *= np.sign(np.sum(b * terms))
    moved = {
        r"\varepsilon": np.zeros_like(b),
        "t": lambda at: np.sum(b * terms * (1 + at[r"\varepsilon"])),
    }
    s = np.sum(b * terms)
    return {"b": b, "s": s, r"\kappa": np.sum(np.abs(b) * terms) / s, "j": at["k"], "u": 1e-3, **moved}


def coordinates(rng, at):
    return {"c": column(rng.normal(size=len(at["x"])))}


def vectors_a_and_b(rng, at):
    return {name: column(rng.normal(size=len(at["x"]))) for name in "abc"}


def many_vectors(rng, at):
    vectors = [column(rng.normal(size=len(at["x"]))) for _ in range(4)]
    return {"K": 4, r"\vectorsx": vectors, "a": list(rng.normal(size=4))}


def one_of_many_high(rng, at):
    k, height = at["k"], rng.uniform(-2, 2)
    return {**coordinates(rng, at), "t": height, "x": height * column(np.arange(1, len(at["x"]) + 1) == k)}


def one_low(rng, at):
    t, r = rng.uniform(2, 4), at["r"]
    return {"t": t, "x": -t / at[r"\beta"] * column(np.arange(1, len(at["x"]) + 1) == r)}


def close_by(rng, at):
    """x has a unique maximum, and y differs from it by less than half the gap."""
    gap = -np.diff(np.sort(at["x"][:, 0])[::-1])[0]
    return {"y": at["x"] + 0.49 * gap * rng.uniform(-1, 1, at["x"].shape)}


def shifted_copy(rng, at):
    """y on the same line as x, or not."""
    return {"y": at["x"] + rng.normal() + rng.integers(2) * rng.normal(size=at["x"].shape)}


def constant_or_not(rng, at):
    return {"x": at["x"] if rng.integers(2) else np.full_like(at["x"], at["c"])}


def one_probability(rng, at):
    p = rng.uniform(0.05, 0.95)
    return {"p": p, "t": np.log(p / (1 - p))}


def a_softplus(rng, at):
    t = 2 * rng.normal()
    return {"t": t, "y": np.log(1 + np.exp(t))}


def a_mask(rng, at):
    """Weights of 0 and 1, and the softmax of what they leave in; an entry that is left in stands first."""
    left_in = rng.permutation(len(at["x"]))[: rng.integers(2, len(at["x"]))]
    w = np.isin(np.arange(len(at["x"])), left_in).astype(float).reshape(-1, 1)
    i, r = rng.permutation(left_in)[:2] + 1
    return {
        "w": w,
        "q": lambda at: closure(w * np.exp(at[r"\beta"] * at["x"])),
        "i": i,
        "r": rng.choice([i, r]),
    }


def two_numbers(rng, at):
    q = rng.uniform(0.1, 0.5)
    p = q * rng.uniform(1.6, 2)
    v = (p - q) / (p + q)
    return {"p": p, "q": q, "d": p - q, "v": v, r"\cdots": np.arctanh(v) - v - v**3 / 3 - v**5 / 5 - v**7 / 7}


def a_permutation(rng, at):
    order = rng.permutation(len(at["x"]))
    return {r"\psi": order[:, np.newaxis] + 1, "P": np.eye(len(order))[order]}


def a_float(rng, at):
    y = rng.normal() * 2.0**53  # where an ulp is about 1
    return {"y": y, "t": 53, "k": math.frexp(abs(y))[1] - 1, "k_": lambda at, place: -1022}


def two_in_order(rng, at):
    i, r = np.argsort(-at["x"][:, 0])[:2] + 1
    return {"i": i, "r": r}


def a_row(rng, at):
    return {"g": rng.normal(size=(1, len(at["x"])))}


def with_a_shifted_tangent(rng, at):
    return {"w": at["v"] - at["c"]}


def positions(rng, at):
    """The coordinates 1 to N at beta = 1, as source 002 has them."""
    numbers = column(np.arange(1, len(at["x"]) + 1))
    return {
        **vectors_a_and_b(rng, at),
        "c": numbers,
        r"\beta": 1,
        "j": at["r"],
        "S": lambda at: softmax(at["x"]),
        r"\SA": lambda at: np.sum(numbers * softmax(at["x"])),
    }


def state(x):
    return column([np.max(x), np.sum(np.exp(x - np.max(x)))])


def one_family(rng, at):
    return {"s": state(at["x"])[1, 0]}


def two_families(rng, at):
    """Two families of logits with values, whose maxima, sums and weighted sums are told apart by number."""
    second = int(rng.integers(1, 6))  # the size of the other family
    y, w = column(1.5 * rng.normal(size=second)), column(rng.normal(size=second))
    families = {1: (at["x"], at["v"]), 2: (y, w)}
    tops = {number: np.max(logits) for number, (logits, _) in families.items()}
    sums = {number: np.sum(np.exp(logits - tops[number])) for number, (logits, _) in families.items()}
    pulled = {key: np.sum(values * np.exp(x - tops[key])) for key, (x, values) in families.items()}
    together = [np.vstack(parts) for parts in zip(*families.values(), strict=True)]
    return {
        "y": y,
        "K": second,
        "logits": together[0],
        "M_": lambda at, number: tops[number],
        "s_": lambda at, number: sums[number],
        "o_": lambda at, number: pulled[number] / sums[number],
        "o": np.sum(softmax(together[0]) * together[1]),
    }


def two_rests(rng, at):
    both = two_families(rng, at)
    return {**both, "R_": lambda at, number: both["s_"](at, number) - 1}


def a_carried_mean(rng, at):
    """Sums of the first family, scaled by the maximum of both."""
    both = two_families(rng, at)
    weights = np.exp(at["x"] - np.max(both["logits"]))
    return {**both, "s": np.sum(weights), "t": np.sum(at["v"] * weights)}


def means_with_logsumexps(rng, at):
    both = two_families(rng, at)
    lses = {number: both["M_"](at, number) + np.log(both["s_"](at, number)) for number in (1, 2)}
    return {**both, "l_": lambda at, number: lses[number], "l": np.logaddexp(*lses.values())}


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


def ordered_logits(rng, at):
    """Logits in descending order, two inverse temperatures, and how many entries are counted."""
    betas = np.cumsum(rng.uniform(0.1, 1.5, 2))
    return {
        "x": np.sort(at["x"], axis=0)[::-1],
        r"\beta_": lambda at, number: betas[number - 1],
        "K": int(rng.integers(1, len(at["x"]))),
    }


def a_majorised_pair(rng, at):
    """q is a mixture of the orders of p; phi is convex, with a kink."""
    p, kink = at["p"](at), rng.uniform(0, 1)
    shares = softmax(rng.normal(size=4))
    q = sum(share * rng.permutation(p) for share in shares)
    return {"q": q, r"\phi": lambda p: (p - kink) ** 2 + abs(p - kink)}


def a_chord(rng, at):
    """A point between x and y."""
    share = rng.uniform(0, 1)
    return {r"\lambda": share, "z": (1 - share) * at["x"] + share * at["y"]}


def the_first_few(rng, at):
    return {"K": int(rng.integers(1, len(at["x"]) + 1))}


def bell(s, width, radius):
    """Places on the grid, and logits whose weights there are a bell around s."""
    places = column(np.round(s) + np.arange(-radius, radius + 1))
    return {"c": places, "x": -((places - s) ** 2) / (2 * width**2), r"\beta": 1}


def sampled_bell(rng, s, width):
    """A bell on the whole grid, and its mean and its sum in a window."""
    radius = int(rng.integers(1, 4))
    window = bell(s, width, radius)
    return {
        **bell(s, width, 40),
        "s": s,
        r"\tau": width,
        r"\rho": radius,
        r"\infty": 12,
        "E_": lambda at, radius: DERIVED["E"](window),
        "Z_": lambda at, radius: DERIVED["Z"](window),
    }


def a_bell_on_a_grid(rng, at):
    return sampled_bell(rng, rng.normal(), rng.uniform(0.3, 0.9))


def between_two_places(rng, at):
    """A bell with its top a quarter of the way from one place to the next."""
    return sampled_bell(rng, 0.25, rng.uniform(0.2, 0.6))


# What the letters of a statement stand for where it is not what they stand for elsewhere.
SETTINGS = {
    "def-ulp": a_float,
    "thm-permutation": a_permutation,
    "thm-order": two_in_order,
    "thm-hardmax-flat": close_by,
    "thm-log1p-split": no_temperature,
    "thm-gap-rounding": rounded_exponents,
    "thm-sum-tells": a_sum_in_range,
    "thm-compensated-shift": a_shift_of_one_logit,
    "thm-weighted-condition": a_sum_with_signs,
    "thm-joined-rests": two_rests,
    "thm-inverse": logits_of_a_distribution,
    "thm-fibres": shifted_copy,
    "thm-choice-of-constant": logits_of_a_distribution,
    "thm-logit": one_probability,
    "thm-softplus-inverse": a_softplus,
    "thm-superposition": many_vectors,
    "thm-linear-isomorphism": constant_or_not,
    "thm-sharp-limit": with_ties,
    "thm-ties": with_ties,
    "thm-negative-limit": with_ties,
    "thm-tie-rates": with_ties,
    "thm-kl-digits": two_numbers,
    "thm-boltzmann-not-monotone": one_low,
    "thm-jacobian-null": a_row,
    "thm-jvp": with_a_shifted_tangent,
    "thm-masked-jacobian": a_mask,
    "def-soft-arg-max": coordinates,
    "thm-soft-arg-max-range": coordinates,
    "thm-soft-arg-max-gradient": vectors_a_and_b,
    "thm-gradient-sum": coordinates,
    "thm-soft-arg-max-temperature": coordinates,
    "thm-soft-arg-max-error": a_maximum_at_k,
    "thm-centre-bias": one_of_many_high,
    "def-softmax-state": one_family,
    "thm-merge": two_families,
    "thm-monoid": three_states,
    "thm-merge-depth": a_sum_of_a_tree,
    "thm-exact-sum": multiples,
    "thm-carried-mean": a_carried_mean,
    "thm-merged-means": means_with_logsumexps,
    "thm-majorisation": ordered_logits,
    "thm-majorisation-convex": a_majorised_pair,
    "thm-lse-convex": a_chord,
    "thm-jacobian-minors": the_first_few,
    "thm-grid-mean": a_bell_on_a_grid,
    "thm-window-mean": a_bell_on_a_grid,
    # single formulas
    r"\partial \operatorname{SA}/\partial x_j = S_j\,(j - \operatorname{SA})": positions,
    r"|E - s| \ge \frac{4\pi\tau^2\,\eta}{1 + \eta^2}": between_two_places,
}

# Formulas that a statement does not assert: the cases that it tells apart. Every other one must hold.
CASES = {
    "def-hardmax": ["x_j = M"],
    "thm-order": ["x_i = x_r", r"\beta = 0"],
    "thm-one-hot-distance": ["N = 2"],
    "thm-hardmax-flat": [r"m \ge 2", "t > 0"],
    "thm-infinite-logits": [r"m \ge 2"],
    "def-contract": [r"\beta = 0", r"\beta = \pm\infty"],
    "thm-choice-of-constant": [r"\operatorname{LSE}(x) = 0", "x_k = 0"],
    "thm-clr-inverse": [r"\bar x = 0"],
    "thm-sharp-limit": ["m = 1", "m = N", r"S(\beta x) = h"],
    "thm-ties": [r"\beta = 0"],
    "def-entropy": [
        r"0 \log 0 = 0",
        r"0 \log (0/q) = 0",
        "q = 0",
        r"\operatorname{KL} = \infty",
        "p_j > 0 = q_j",
    ],
    "thm-entropy-slope": [r"\beta = 0", r"H = \log N"],
    "thm-entropy-kl": ["p = q"],
    "thm-soft-maximum-bounds": ["N = 1"],
    "thm-tie-rates": ["m = N"],
    "thm-lse-convex": [r"\beta < 0"],
    "thm-soft-maxima-slope": [r"\beta = 0", r"\beta < 0"],
    "thm-lse-hessian": [r"\beta < 0"],
    "thm-grid-mean": [r"s = \frac14"],
    "thm-window-mean": [r"|j - k| \le \rho"],
    "thm-jacobian": ["i = r"],
    "def-soft-arg-max": ["c_j = j", r"\beta = 1"],
    "thm-soft-arg-max-range": ["c_j = j", r"\beta = 0"],
    "thm-soft-arg-max-gradient": ["c_j = j", r"\beta = 1", r"r = 1, \dots, N"],
    "thm-soft-arg-max-error": [
        r"\beta \ge \frac{1}{\Delta} \log \frac{(N-1) (\max_j |c_j - c_k| - \varepsilon)}{\varepsilon}",
        r"\varepsilon > 0",
    ],
}

# Statements with a formula that the reader does not take, and why. Their cells check them.
UNREAD = {
    "def-hardmax": "a table of cases",
    "thm-not-uniform": "a supremum over all logits",
    "thm-worst-gap": "a maximum over all logits",
    "def-majorisation": "sums of the largest entries, in words",
    "def-perturbation": "an ellipsis between the entries",
    "def-powering": "an ellipsis between the entries",
    "thm-kl-digits": "a comma in front of the relation",
    "thm-root-d": "a mean and a variance, in words",
}


def drawn(formula, rng):
    """Values for the letters of a formula: any, unless its setting says otherwise."""
    size = 2 if formula.label == "thm-two-outputs" else rng.integers(3, 6)
    letters = {
        **DERIVED,
        **FUNCTIONS,
        **{name: column(1.5 * rng.normal(size=size)) for name in "xyvd"},
        **{name: rng.normal() for name in "abct"},
        **dict(zip("irk", rng.permutation(size) + 1, strict=False)),
        **{name: rng.uniform(0.3, 1.5) for name in (r"\beta", r"\varepsilon")},
        "q": softmax(column(rng.normal(size=size))),
    }
    setting = SETTINGS.get(formula.typed, SETTINGS.get(formula.label, nothing_else))
    return {**letters, **setting(rng, letters)}


@np.errstate(all="ignore")
def true_everywhere(formula, typed=None):
    """Whether a formula, or another in its place, holds at random values of its letters."""
    rng = np.random.default_rng(zlib.crc32(formula.typed.encode()))
    return all(holds(typed or formula.typed, drawn(formula, rng)) for _ in range(DRAWS))


def is_case(formula):
    return formula.typed in CASES.get(formula.label, ())


def readable(formula):
    try:
        read(formula.typed)
    except BookError:
        return False
    return True


ASSERTED = [formula for formula in FORMULAS if not is_case(formula) and readable(formula)]


def name(formula):
    return f"{formula.label}: {formula.typed[:60]}"


@pytest.mark.parametrize("formula", ASSERTED, ids=name)
def test_a_typed_formula_is_true(formula):
    assert true_everywhere(formula), f"{formula.where}: false as it is typed: {formula.typed}"


def test_what_is_not_read_is_listed_with_its_reason():
    unread = {formula.label for formula in FORMULAS if not is_case(formula) and not readable(formula)}
    without = ledger.statements(read_book()).keys() - {formula.label for formula in FORMULAS}
    assert unread | without == set(UNREAD)


@pytest.mark.parametrize("fence", ["```", ":::", "````", "::::", "``````", "~~~", "   ```"])
@pytest.mark.parametrize("options", [":label: thm-a", "---\nlabel: thm-a\n---", ":label:   thm-a\n:class: x"])
def test_a_statement_is_read_in_any_fence(small_book, fence, options):
    text = f"{fence}{{prf:theorem}} A\n{options}\n$x = 2$\n{fence}\n\n$x = 3$\n"
    (chapter,) = small_book(["x = 1"])
    cell = dataclasses.replace(chapter.cells[0], kind="markdown", text=text)
    (found,) = formulas([dataclasses.replace(chapter, cells=(cell,))])
    assert (found.label, found.typed) == ("thm-a", "x = 2")


def test_cases_are_formulas_of_their_statements():
    typed = {(formula.label, formula.typed) for formula in FORMULAS}
    assert {(label, case) for label, cases in CASES.items() for case in cases} <= typed
    assert set(SETTINGS) <= {formula.label for formula in FORMULAS} | {formula.typed for formula in FORMULAS}


def turned_signs(typed):
    """An equation with one sign turned round, for each of its signs; a sign in front is dropped."""
    for match in re.finditer(r"[+-]", typed):
        before, after = typed[: match.start()], typed[match.end() :]
        in_front = re.search(r"([({=,/]|\\le|\\log)\s*$|^$", before)
        yield before + ("" if in_front else "-+"[match[0] == "-"]) + after


def equations(formula):
    """The claims of a formula that say that two sides are equal, each as a formula of its own."""
    for claim in re.split(r",\s*\\qquad", formula.typed):
        if "=" in claim and not re.search(r"\\(le|ge|ne)\b|[<>]", claim):
            yield claim


# Where the opposite sign makes another true equation.
STILL_TRUE = {
    ("thm-shift-invariance", r"x - c\mathbf{1}"): "a shift down is a shift",
    ("thm-safe-shift", r"S(x + M\mathbf{1})"): "a shift up is a shift",
    ("thm-infinite-logits", r"S(d + t\mathbf{1})"): "a shift up is a shift",
    ("thm-gap-rounding", r"1 - \varepsilon_j"): "epsilon is 0, where the statement holds",
    ("thm-weighted-condition", r"1 - \varepsilon_j"): "epsilon is 0, where the statement holds",
    ("thm-inverse", r"- c\mathbf{1})"): "a shift down is a shift",
    ("thm-superposition", r"- c\mathbf{1}"): "a shift down is a shift",
    ("thm-gradient-sum", r"x - a\mathbf{1}"): "a shift down is a shift",
    ("thm-jacobian-null", r"I + \mathbf{1} g"): "what the Jacobian kills may be added",
    ("thm-aitchison-isometry", r"+ \bar"): "one centred factor is enough",
    ("thm-soft-arg-max-gradient", "+ p^"): "one centred factor is enough",
}
TURNED = [
    (formula, turned)
    for formula in ASSERTED
    for equation in equations(formula)
    for turned in turned_signs(equation)
]


def exceptions(formula, turned):
    """The entries of STILL_TRUE that an equation with a turned sign falls under."""
    return [(label, part) for label, part in STILL_TRUE if formula.label == label and part in turned]


def test_a_turned_sign_is_noticed():
    checked = [pair for pair in TURNED if not exceptions(*pair)]
    assert len(checked) > 90
    assert not [turned for formula, turned in checked if true_everywhere(formula, turned)]


def test_the_exceptions_are_true():
    for exception in STILL_TRUE:
        excepted = [pair for pair in TURNED if exception in exceptions(*pair)]
        assert excepted and all(true_everywhere(*pair) for pair in excepted), exception


@pytest.mark.parametrize(
    "formula, complaint",
    [
        (r"S(x)_i = \frac{e^{x_i}", "cannot read"),
        (r"S(x)_i = e^{x_i} \\ 1", "cannot read"),
        ("S(x)_i", "cannot read"),
        (r"\wp = 1", "no meaning is given"),
    ],
)
def test_what_cannot_be_read_is_refused(formula, complaint):
    with pytest.raises(BookError, match=complaint):
        true_everywhere(Formula("thm-jacobian", formula, "here"))
