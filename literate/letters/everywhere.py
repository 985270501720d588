r"""What letters mean in the whole book, from the definitions alone.

Nothing here comes from a derivation: softmax is the quotient of exponentials, a Jacobian a table of central
differences, and so on.
"""

import math

import numpy as np


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


def tsallis(p, order):
    return np.sum(p - p**order) / (order * (order - 1))


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
    "H()": lambda at, order, p: entropy(p) if order is None else tsallis(p, order),
    "L()": lambda at, below, x, y: -np.sum(y * np.log(softmax(x))),
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
    r"\gamma": np.euler_gamma,
    r"\constants": None,
    r"\delta_": lambda at, i, r: float(i == r),
    "e": math.e,
    r"\unit_": lambda at, r: column(np.arange(1, len(at["x"]) + 1) == r),
}
