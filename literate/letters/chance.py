"""What the letters mean in the statements on drawing, in the part on why this function."""

import numpy as np

from literate.letters.everywhere import closure, softmax

# Times of clocks, and their logarithms: of what is integrated here nothing is left at either end.
LOGS = np.linspace(-14, 32, 20_001)
TIMES = np.exp(-LOGS)


def over_times(density):
    """The integral of a density over all times from 0."""
    return np.trapezoid(density * TIMES, LOGS)


def at_beta_1(rng, at):
    return {r"\beta": 1}


def an_exponential(rng, at):
    a = rng.uniform(0.5, 2)
    return {"a": a, r"\phi": lambda t: a * np.exp(at[r"\beta"] * t), "q": softmax(at[r"\beta"] * at["x"])}


def another_function(rng, at):
    """Softplus, its slope over itself, and the slope in the true score as often as in another one."""
    x = at["x"]
    weight = np.log1p(np.exp(x))
    return {
        r"\phi": lambda t: np.log1p(np.exp(t)),
        "q": closure(weight),
        "v": 1 / (1 + np.exp(-x)) / weight,
        "r": rng.choice([at["r"], at["k"]]),
    }


def value_of_the_winner(at, below, k, t):
    """By the density of k's value, and all others below it; nothing lies below -12."""
    values = np.linspace(-12, t, 200_001)
    own = at["x"][k - 1, 0] - values
    all_below = -np.exp(at["x"] - values).sum(axis=0)
    return np.trapezoid(np.exp(own + all_below), values)


def a_winner(rng, at):
    return {r"\beta": 1, "P()": value_of_the_winner}


def first_and_second(at, below, i, r):
    """The second clock rings at some time, the first one has before, and all others have not."""
    rates = np.exp(at["x"])[:, 0]
    of_i, of_r = rates[i - 1], rates[r - 1]
    others = rates.sum() - of_i - of_r
    return over_times(of_r * np.exp(-(of_r + others) * TIMES) * -np.expm1(-of_i * TIMES))


def two_in_order(rng, at):
    return {r"\beta": 1, "P()": first_and_second}


def lead(at, below, d, x):
    """Somebody rings, and all others only after e^d times as long."""
    rates = np.exp(x)
    densities = rates * np.exp(-(rates + (rates.sum() - rates) * np.exp(d)) * TIMES)
    return sum(over_times(density) for density in densities)


def a_lead(rng, at):
    """And its mean: two densities of times, the later one beyond the first by the lead."""
    x = at["x"] / 2
    ahead = np.linspace(0, 40, 401)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    places = (ahead[:-1, np.newaxis] + 0.05 * (nodes + 1)).ravel()
    rates = np.exp(x)
    beyond = np.sum(rates / (rates + (rates.sum() - rates) * np.exp(places)), axis=0)
    mean = np.sum(beyond.reshape(-1, 8) * weights * 0.05)
    return {r"\beta": 1, "x": x, "d": rng.uniform(0, 2), "P()": lead, "g": mean}


def a_soft_draw_of_two(rng, at):
    """The mean of a logistic function of the difference of the logits plus logistic noise."""
    apart = at["x"][0, 0] - at["x"][1, 0]
    noise = np.linspace(-45, 45, 200_001)
    density = 1 / (2 * np.cosh(noise / 2)) ** 2
    mean = np.trapezoid(density / (1 + np.exp(-apart - noise)), noise)
    return {r"\beta": 1, "c": np.exp(apart), "g": mean}


def copies(rng, at):
    c = rng.uniform(0.3, 2)
    return {"n": int(rng.integers(2, 6)), "c": c, r"\phi": lambda t: np.exp(-c * np.exp(-t))}


def a_grid_of_noise(rng, at):
    """From the least to the largest value."""
    eps = rng.uniform(0.01, 0.4)
    ends = -np.log(-np.log([eps, 1 - eps]))
    return {r"\varepsilon": eps, "d": ends[1] - ends[0]}


SETTINGS = {
    "thm-shift-forces-exp": an_exponential,
    "thm-gradient-forces-exp": another_function,
    "thm-gumbel-max": a_winner,
    "thm-surplus": at_beta_1,
    "thm-max-stable": copies,
    "thm-plackett-luce": two_in_order,
    "thm-winning-gap": a_lead,
    "thm-relaxed-mean": a_soft_draw_of_two,
    "thm-coarse-noise": a_grid_of_noise,
}

CASES = {
    "thm-gradient-forces-exp": [r"\phi(t) = a e^t"],
    "thm-relaxed-mean": ["T = 1"],
}

UNREAD = {
    "thm-gradient-forces-exp": "the definition of v has a prime",
    "thm-luce": "a choice from every set of options, in words",
    "thm-running-sums": "sums as they are computed, in words",
}
