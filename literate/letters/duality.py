"""What the letters mean in the statements of part IV, why this function."""

import numpy as np

from literate.letters.calculus import labels_that_sum_to_1
from literate.letters.everywhere import closure, column, softmax


def either_sign(rng, at):
    return {r"\beta": at[r"\beta"] * rng.choice([-1, 1])}


def a_prior(rng, at):
    return {"w": softmax(column(rng.normal(size=len(at["x"]))))}


def a_step(rng, at):
    """From y against g to z, of the size t."""
    y, g = softmax(column(rng.normal(size=len(at["x"])))), column(rng.normal(size=len(at["x"])))
    t = rng.uniform(0.3, 1.5)
    return {"y": y, "g": g, "t": t, "z": closure(y * np.exp(-t * g))}


def a_direction(rng, at):
    """It sums to 0."""
    return {"v": at["v"] - np.mean(at["v"])}


def four_sums(rng, at):
    """Numbers with the root s of the sum of c exp(s c), and its four parts, none of them empty."""
    root = rng.uniform(0.5, 3)
    x = column(np.append(-1 + 0.3 * rng.normal(size=20), 1.5)) / root
    c = x - np.sum(softmax(root * x) * x)
    e, near = np.exp(root * c), abs(root * c) <= 1
    return {
        "x": x,
        "s": root,
        "c": c,
        "a": np.sum(c[near]),
        "b": np.sum((c * (e - 1))[near]),
        "d": np.sum((c * e)[~near & (c > 0)]),
        "g": -np.sum((c * e)[~near & (c < 0)]),
    }


SETTINGS = {
    "thm-gibbs": either_sign,
    "thm-conjugate": labels_that_sum_to_1,
    "thm-fenchel-young": labels_that_sum_to_1,
    "thm-maximum-entropy": either_sign,
    "thm-entropy-to-beta": either_sign,
    "thm-donsker-varadhan": a_prior,
    "thm-mirror-step": a_step,
    "thm-strong-convexity": a_direction,
    "thm-mean-digits": four_sums,
}

CASES = {
    "thm-gibbs": [r"q = S(\beta x)", r"\beta < 0", r"\beta > 0"],
    "thm-conjugate": [r"0 \log 0 = 0", "S(x) = y"],
    "thm-fenchel-young": ["S(x) = y"],
    "thm-entropy-to-beta": [r"\log m < h \le \log N", r"\beta \ge 0"],
    "thm-donsker-varadhan": [r"q = w \oplus S(x)"],
    "thm-mirror-step": ["q = z"],
    "thm-hedge": [
        r"p^{(k + 1)} = p^{(k)} \oplus S(-t g^{(k)})",
        r"k = 1, \dots, K",
        "t > 0",
        r"t = \frac{1}{d} \sqrt{8 \log(N)/K}",
    ],
}

UNREAD = {
    "thm-conjugate": "a supremum over all logits",
    "thm-hedge": "sums over rounds, in which vectors are numbered",
}
