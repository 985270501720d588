"""What the letters mean in the statements of part II, temperature."""

import numpy as np

from literate.letters.everywhere import column, softmax


def with_ties(rng, at):
    """Some of the logits share the maximum, some do not; beta is at least 1/Delta."""
    losers = -rng.uniform(0.5, 2, len(at["x"]))
    losers[rng.permutation(len(losers))[: rng.integers(1, len(losers))]] = 0
    return {"x": column(losers + rng.normal()), r"\beta": rng.uniform(2, 3)}


def two_numbers(rng, at):
    q = rng.uniform(0.1, 0.5)
    p = q * rng.uniform(1.6, 2)
    v = (p - q) / (p + q)
    return {"p": p, "q": q, "d": p - q, "v": v, r"\cdots": np.arctanh(v) - v - v**3 / 3 - v**5 / 5 - v**7 / 7}


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


def one_low(rng, at):
    t, r = rng.uniform(2, 4), at["r"]
    return {"t": t, "x": -t / at[r"\beta"] * column(np.arange(1, len(at["x"]) + 1) == r)}


def a_chord(rng, at):
    """A point between x and y."""
    share = rng.uniform(0, 1)
    return {r"\lambda": share, "z": (1 - share) * at["x"] + share * at["y"]}


SETTINGS = {
    "thm-sharp-limit": with_ties,
    "thm-ties": with_ties,
    "thm-negative-limit": with_ties,
    "thm-kl-digits": two_numbers,
    "thm-majorisation": ordered_logits,
    "thm-majorisation-convex": a_majorised_pair,
    "thm-tie-rates": with_ties,
    "thm-boltzmann-not-monotone": one_low,
    "thm-lse-convex": a_chord,
}

CASES = {
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
}

UNREAD = {
    "thm-not-uniform": "a supremum over all logits",
    "def-majorisation": "sums of the largest entries, in words",
    "thm-kl-digits": "a comma in front of the relation",
    "thm-worst-gap": "a maximum over all logits",
}
