"""What the letters mean in the statements of part III, calculus."""

import numpy as np

from literate.letters.everywhere import DERIVED, closure, column, covariance, log_sum_exp, softmax


def a_row(rng, at):
    return {"g": rng.normal(size=(1, len(at["x"])))}


def with_a_shifted_tangent(rng, at):
    return {"w": at["v"] - at["c"]}


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


def the_first_few(rng, at):
    return {"K": int(rng.integers(1, len(at["x"]) + 1))}


def coordinates(rng, at):
    return {"c": column(rng.normal(size=len(at["x"])))}


def vectors_a_and_b(rng, at):
    return {name: column(rng.normal(size=len(at["x"]))) for name in "abc"}


def a_maximum_at_k(rng, at):
    k = int(np.argmax(at["x"])) + 1
    return {"k": k, **coordinates(rng, at)}


def one_of_many_high(rng, at):
    k, height = at["k"], rng.uniform(-2, 2)
    return {**coordinates(rng, at), "t": height, "x": height * column(np.arange(1, len(at["x"]) + 1) == k)}


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


def labels_that_sum_to_1(rng, at):
    return {"y": softmax(column(rng.normal(size=len(at["x"]))))}


def two_rows_of_logits(rng, at):
    """And the logarithms of the ratios of their shares."""
    z = column(rng.normal(size=len(at["x"])))
    return {"z": z, "d": lambda at: np.log(softmax(at["x"]) / softmax(z)), "T": rng.uniform(0.5, 2)}


def spread_of(v):
    """The range of a vector, or of a difference of two."""
    return np.max(v) - np.min(v)


def a_change_of_the_logits(rng, at):
    """Its range, and orders of norms."""
    return {"d": spread_of(at["x"] - at["y"]), "a": rng.uniform(1, 4), "b": rng.uniform(1, 4)}


def a_matrix(rng, at):
    """And its largest singular value."""
    A = rng.normal(size=(3, len(at["x"])))
    return {"A": A, "a": np.linalg.norm(A, 2)}


def mean_of_v(at):
    return np.sum(at["p"](at) * at["v"])


def along_a_line(rng, at):
    """The shares at x + t v, and the mean of v under them."""
    return {
        "q": lambda at: softmax(at["x"] + at["t"] * at["v"]),
        "c": lambda at: np.sum(at["q"](at) * at["v"]),
    }


def a_direction_with_bounds(rng, at):
    v = at["v"]
    return {
        "w": column(rng.normal(size=len(v))),
        "a": np.min(v) - rng.uniform(),
        "b": np.max(v) + rng.uniform(),
        "c": mean_of_v,
    }


def a_step(rng, at):
    return {"d": spread_of(at["v"]), r"\barv": np.mean(at["v"])}


def off_the_spectrum(rng, at):
    """A number that is no share, and the vector that would belong to it."""
    number = rng.uniform(0.05, 0.95)
    return {
        r"\beta": 1,
        r"\lambda": number,
        "w": lambda at: at["p"](at) / (at["p"](at) - number),
    }


def shares_in_falling_order(rng, at):
    x = column(np.sort(at["x"][:, 0])[::-1])
    p = softmax(x)[:, 0]
    return {
        r"\beta": 1,
        "x": x,
        "q": np.sum(p[1:] ** 2) / (1 - p[0]),
        r"\lambda": np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1],
    }


def two_distributions(rng, at):
    q = softmax(at[r"\beta"] * at["y"])
    return {"q": q, "t": lambda at: np.sum(np.abs(at["p"](at) - q)) / 2}


def a_move_of_the_logits(rng, at):
    """At beta = 1: the shares after it, and another direction."""
    return {
        r"\beta": 1,
        "q": softmax(at["x"] + at["v"]),
        "d": spread_of(at["v"]),
        "w": column(rng.normal(size=len(at["v"]))),
    }


def a_newton_step(rng, at):
    """The loss of weights y for which v is Newton's step: their slope along v is minus the curvature."""
    p, v = softmax(at["x"]), at["v"]
    y = p + p * (v - np.sum(p * v))
    s = rng.uniform(0.1, 1)
    return {
        r"\phi": lambda s: log_sum_exp(at["x"] + s * v) - np.sum(y * (at["x"] + s * v)),
        "g": covariance(p, v, v),
        "d": spread_of(v),
        "s": s,
    }


def spectrum(rng, at):
    """At beta = 1, from the largest eigenvalue to the smallest."""
    p = softmax(at["x"])[:, 0]
    return {r"\beta": 1, r"\lambda": column(np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[::-1])}


def the_centring_matrix(rng, at):
    n = len(at["x"])
    return {"A": np.eye(n) - 1 / n}


def two_directions(rng, at):
    """At beta = 1, from t = 0 and s = 0, with the means of v and w; short ones, for differences."""
    p = softmax(at["x"])
    v, w = (column(0.2 * rng.normal(size=len(p))) for _ in range(2))
    return {r"\beta": 1, "t": 0, "s": 0, "v": v, "w": w, "c": np.sum(p * v), "g": np.sum(p * w)}


def a_label(rng, at):
    """At beta = 1, as the statement has R and p."""
    return {r"\beta": 1}


def equal_logits(rng, at):
    """And the slope in the logit of the label as often as in another one."""
    return {r"\beta": 1, "x": rng.normal() + 0 * at["x"], "r": rng.choice([at["r"], at["k"]])}


SETTINGS = {
    "thm-softmax-distance": a_change_of_the_logits,
    "thm-lipschitz": a_change_of_the_logits,
    "thm-contraction": a_matrix,
    "thm-cumulants": along_a_line,
    "thm-variance-bound": a_direction_with_bounds,
    "thm-boehning": a_step,
    "thm-secular": off_the_spectrum,
    "thm-largest-eigenvalue": shares_in_falling_order,
    "thm-cocoercive": two_distributions,
    "thm-curvature-change": a_move_of_the_logits,
    "thm-damped-newton": a_newton_step,
    "thm-eigenvalue-sums": spectrum,
    "thm-pseudo-inverse": the_centring_matrix,
    "thm-second-derivative": two_directions,
    "thm-skewness-bound": lambda rng, at: {"c": mean_of_v, "d": spread_of(at["v"])},
    "thm-cross-entropy-split": labels_that_sum_to_1,
    "thm-bregman": two_rows_of_logits,
    "thm-kl-logits": two_rows_of_logits,
    "thm-loss-digits": a_label,
    "thm-distillation": two_rows_of_logits,
    "thm-double-softmax": a_label,
    r"\frac{\partial}{\partial x_r} L(p, \mathbf{e}_k) = \frac{1}{N} (p_r - \delta_{rk}) .": equal_logits,
    "thm-jacobian-null": a_row,
    "thm-jvp": with_a_shifted_tangent,
    "thm-masked-jacobian": a_mask,
    "thm-jacobian-minors": the_first_few,
    "def-soft-arg-max": coordinates,
    "thm-soft-arg-max-range": coordinates,
    "thm-soft-arg-max-gradient": vectors_a_and_b,
    "thm-gradient-sum": coordinates,
    "thm-soft-arg-max-temperature": coordinates,
    "thm-soft-arg-max-error": a_maximum_at_k,
    "thm-centre-bias": one_of_many_high,
    "thm-grid-mean": a_bell_on_a_grid,
    "thm-window-mean": a_bell_on_a_grid,
    r"\partial \operatorname{SA}/\partial x_j = S_j\,(j - \operatorname{SA})": positions,
    r"|E - s| \ge \frac{4\pi\tau^2\,\eta}{1 + \eta^2}": between_two_places,
}

CASES = {
    "thm-contraction": [r"|\beta| a < 2", r"x = A S(\beta x) + c"],
    "thm-lse-hessian": [r"\beta < 0"],
    "thm-jacobian": ["i = r"],
    "thm-grid-mean": [r"s = \frac14"],
    "thm-window-mean": [r"|j - k| \le \rho"],
    "def-soft-arg-max": ["c_j = j", r"\beta = 1"],
    "thm-soft-arg-max-range": ["c_j = j", r"\beta = 0"],
    "thm-soft-arg-max-gradient": ["c_j = j", r"\beta = 1", r"r = 1, \dots, N"],
    "thm-soft-arg-max-error": [
        r"\beta \ge \frac{1}{\Delta} \log \frac{(N-1) (\max_j |c_j - c_k| - \varepsilon)}{\varepsilon}",
        r"\varepsilon > 0",
    ],
}

STILL_TRUE = {
    ("thm-jacobian-null", r"I + \mathbf{1} g"): "what the Jacobian kills may be added",
    ("thm-gradient-sum", r"x - a\mathbf{1}"): "a shift down is a shift",
    ("thm-soft-arg-max-gradient", "+ p^"): "one centred factor is enough",
}
