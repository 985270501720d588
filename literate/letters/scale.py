"""What the letters mean in the statements of part V, at scale."""

import numpy as np

from literate.letters.everywhere import column
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


SETTINGS = {
    "def-softmax-state": one_family,
    "thm-merge": two_families,
    "thm-monoid": three_states,
    "thm-merge-depth": a_sum_of_a_tree,
    "thm-exact-sum": multiples,
    "thm-carried-mean": a_carried_mean,
    "thm-merged-means": means_with_logsumexps,
}

UNREAD = {
    "thm-root-d": "a mean and a variance, in words",
}
