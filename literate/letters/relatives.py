"""What the letters mean in the statements of part IV, why this function."""

import numpy as np

from literate.letters.everywhere import column, softmax


def threshold(x, alpha):
    """The number above which logits have a share, by halving."""
    low, high = np.max(x) - 1 / (alpha - 1), np.max(x)
    for _ in range(60):
        middle = (low + high) / 2
        enough = np.sum(above(x, middle, alpha)) > 1
        low, high = (middle, high) if enough else (low, middle)
    return low


def above(x, t, alpha):
    return np.maximum((alpha - 1) * (x - t), 0) ** (1 / (alpha - 1))


def an_order(rng, at):
    """An order, and the threshold and the shares of entmax."""
    return {
        r"\alpha": rng.uniform(1.2, 1.9),
        r"\kappa": lambda at: 2 / (3 - at[r"\alpha"]),
        "t": lambda at: threshold(at["x"], at[r"\alpha"]),
        "q": lambda at: above(at["x"], at["t"](at), at[r"\alpha"]),
        "w": lambda at: at["q"](at) ** (2 - at[r"\alpha"]),
    }


def a_distribution(rng, at):
    return {**an_order(rng, at), "q": softmax(column(rng.normal(size=len(at["x"]))))}


def some_reward(rng, at):
    """Any function of a distribution."""
    weights = column(rng.normal(size=len(at["x"])))
    return {**a_distribution(rng, at), r"\phi": lambda q: np.sum(weights * np.cos(q))}


def sorted_logits(rng, at):
    """The first K of them have a share."""
    x = np.sort(at["x"], axis=0)[::-1]
    size = int(np.sum(x > threshold(x, 2)))
    return {**an_order(rng, at), r"\alpha": 2, "x": x, "K": size, "k": size}


def three_halves(rng, at):
    """The mean and the spread of the logits that have a share."""
    inside = at["x"][at["x"] > threshold(at["x"], 1.5)]
    mean = np.mean(inside)
    spread = np.sum((inside - mean) ** 2)
    return {**an_order(rng, at), r"\alpha": 1.5, "K": len(inside), "g": mean, "s": spread}


def at_a_temperature(rng, at):
    """Often one-hot, often not."""
    t = {"t": lambda at: threshold(at[r"\beta"] * at["x"], at[r"\alpha"])}
    q = {"q": lambda at: above(at[r"\beta"] * at["x"], at["t"](at), at[r"\alpha"])}
    return {**an_order(rng, at), **t, **q, r"\beta": rng.uniform(0.3, 6)}


def a_label(rng, at):
    return {**an_order(rng, at), "y": softmax(column(rng.normal(size=len(at["x"]))))}


def a_sink(rng, at):
    """At beta = 1, as the statement has Z."""
    return {r"\beta": 1, "q": lambda at: np.exp(at["x"]) / (np.exp(at["b"]) + np.sum(np.exp(at["x"])))}


def an_even_polynomial(rng, at):
    return {r"\phi": lambda t: 1 + t + t**2 / 2, "t": rng.normal(scale=3)}


def two_branches(rng, at):
    return {"z": column(rng.normal(size=len(at["x"])))}


def drawn_by_softmax(rng, at):
    """From all classes but k, at beta = 1."""
    k = at["k"] - 1
    q = np.exp(at["x"]) / (np.sum(np.exp(at["x"])) - np.exp(at["x"][k, 0]))
    return {r"\beta": 1, "q": q, "j": at["i"]}


def losses_of_classes(rng, at):
    return {r"\beta": 1, "g": column(rng.normal(size=len(at["x"])))}


def gaps_and_their_norm(rng, at):
    """The gaps below the largest logit, and the norm of what is above a threshold, as NumPy has it."""
    d, order = at["x"] - np.max(at["x"]), rng.uniform(1.2, 1.9)

    def norm(c):
        return np.linalg.norm(np.maximum(1 + (order - 1) * (d[:, 0] - c), 0), 1 / (order - 1))

    return {r"\alpha": order, "d": d, "j": at["i"], r"\phi": norm, "c": rng.uniform(0, 1)}


SETTINGS = {
    "thm-tree": two_branches,
    "thm-sampled-softmax": drawn_by_softmax,
    "thm-straight-through": losses_of_classes,
    "thm-entmax-newton": gaps_and_their_norm,
    "thm-taylor-softmax": an_even_polynomial,
    "def-entmax": a_distribution,
    "thm-regularised-argmax": some_reward,
    "thm-sparsemax": sorted_logits,
    "thm-entmax": an_order,
    r"t = g - \sqrt{(4 - s)/K} .": three_halves,
    "thm-entmax-sharp": at_a_temperature,
    "thm-entmax-jacobian": an_order,
    "thm-entmax-lipschitz": a_distribution,
    "thm-entmax-loss": a_label,
    "thm-softmax-one": a_sink,
}

CASES = {
    "thm-entmax": [r"\alpha = 3/2"],
    "thm-entmax-jacobian": ["q_i > 0", "w_i = 0", r"\alpha = 2"],
    "thm-entmax-newton": [r"\phi(c) = 1", r"\alpha = 2"],
    "thm-taylor-softmax": ["n = 2", "t < -1", "t = -1"],
    "thm-entmax-loss": ["q = y", r"\alpha = 1"],
}

UNREAD = {
    "thm-taylor-softmax": "a factorial",
}

STILL_TRUE = {
    ("thm-entmax-loss", r"+ H_\alpha(y)"): "a constant has no slope",
}
