"""What the letters mean in the statements of part I, and of the workbench."""

import math

import numpy as np

from literate.letters.everywhere import column, log_sum_exp, softmax


def a_float(rng, at):
    y = rng.normal() * 2.0**53  # where an ulp is about 1
    return {"y": y, "t": 53, "k": math.frexp(abs(y))[1] - 1, "k_": lambda at, place: -1022}


def a_permutation(rng, at):
    order = rng.permutation(len(at["x"]))
    return {r"\psi": order[:, np.newaxis] + 1, "P": np.eye(len(order))[order]}


def two_in_order(rng, at):
    i, r = np.argsort(-at["x"][:, 0])[:2] + 1
    return {"i": i, "r": r}


def close_by(rng, at):
    """x has a unique maximum, and y differs from it by less than half the gap."""
    gap = -np.diff(np.sort(at["x"][:, 0])[::-1])[0]
    return {"y": at["x"] + 0.49 * gap * rng.uniform(-1, 1, at["x"].shape)}


def no_temperature(rng, at):
    """A maximum at k, and beta = 1, where a statement has no beta."""
    return {"k": int(np.argmax(at["x"])) + 1, r"\beta": 1}


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


def logits_of_a_distribution(rng, at):
    """Logits at beta = 1, and the constant that leads to them from log p."""
    return {r"\beta": 1, "c": log_sum_exp(at["x"])}


def shifted_copy(rng, at):
    """y on the same line as x, or not."""
    return {"y": at["x"] + rng.normal() + rng.integers(2) * rng.normal(size=at["x"].shape)}


def one_probability(rng, at):
    p = rng.uniform(0.05, 0.95)
    return {"p": p, "t": np.log(p / (1 - p))}


def a_softplus(rng, at):
    t = 2 * rng.normal()
    return {"t": t, "y": np.log(1 + np.exp(t))}


def many_vectors(rng, at):
    vectors = [column(rng.normal(size=len(at["x"]))) for _ in range(4)]
    return {"K": 4, r"\vectorsx": vectors, "a": list(rng.normal(size=4))}


def constant_or_not(rng, at):
    return {"x": at["x"] if rng.integers(2) else np.full_like(at["x"], at["c"])}


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
}

CASES = {
    "def-hardmax": ["x_j = M"],
    "thm-order": ["x_i = x_r", r"\beta = 0"],
    "thm-one-hot-distance": ["N = 2"],
    "thm-hardmax-flat": [r"m \ge 2", "t > 0"],
    "thm-infinite-logits": [r"m \ge 2"],
    "def-contract": [r"\beta = 0", r"\beta = \pm\infty"],
    "thm-choice-of-constant": [r"\operatorname{LSE}(x) = 0", "x_k = 0"],
    "thm-clr-inverse": [r"\bar x = 0"],
}

UNREAD = {
    "def-slice": "in words",
    "def-contract": "a table of cases, in words",
    "def-hardmax": "a table of cases",
    "def-perturbation": "an ellipsis between the entries",
    "def-powering": "an ellipsis between the entries",
}

STILL_TRUE = {
    ("thm-shift-invariance", r"x - c\mathbf{1}"): "a shift down is a shift",
    ("thm-safe-shift", r"S(x + M\mathbf{1})"): "a shift up is a shift",
    ("thm-infinite-logits", r"S(d + t\mathbf{1})"): "a shift up is a shift",
    ("thm-gap-rounding", r"1 - \varepsilon_j"): "epsilon is 0, where the statement holds",
    ("thm-weighted-condition", r"1 - \varepsilon_j"): "epsilon is 0, where the statement holds",
    ("thm-inverse", r"- c\mathbf{1})"): "a shift down is a shift",
    ("thm-superposition", r"- c\mathbf{1}"): "a shift down is a shift",
    ("thm-aitchison-isometry", r"+ \bar"): "one centred factor is enough",
}
