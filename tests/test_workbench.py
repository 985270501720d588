"""The workbench of the book, and the wrong answers of sympy that it guards against.

A trap that sympy has mended turns its test red on purpose: the chapter that shows it must then be rewritten.
"""

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import pytest
import sympy as sp

from softlit.lab import figures
from softlit.lab.checks import refused
from softlit.lab.symbolic import (
    N,
    derivative,
    equation,
    evaluate,
    indices,
    same,
    total,
    vector,
)
from softlit.lab.ulp import (
    exact,
    exact_log_softmax,
    exact_logsumexp,
    exact_softmax,
    ulp,
    ulp_error,
)

i, j, r = indices("i j r")
x, y = vector("x"), vector("y")
Z = total(lambda j: sp.exp(x[j]))
z_by_hand = sp.Sum(sp.exp(x[j]), (j, 1, N))


def test_trap_sympy_captures_a_bound_index():
    assert sp.diff(z_by_hand, x[j]) == z_by_hand  # sympy issue 21891: should be exp(x[j])


def test_derivative_refuses_capture():
    with pytest.raises(ValueError, match=r"the index j of x\[j\] is bound"):
        derivative(z_by_hand, x[j])
    with pytest.raises(ValueError, match="is bound"):
        derivative(z_by_hand, x[j + 1])


def test_indices_of_total_cannot_be_captured():
    assert derivative(Z, x[j]) == sp.exp(x[j])
    nested = total(lambda a: total(lambda b: x[a] * y[b]))
    assert evaluate(derivative(nested, x[r]), {x: [1, 2, 4], y: [3, 5, 7], r: 2}, 10) == sp.Float(15, 10)


def test_derivative_by_a_plain_symbol():
    c = sp.Symbol("c", real=True)
    assert same(
        derivative(total(lambda j: sp.exp(c * x[j])), c),
        total(lambda j: x[j] * sp.exp(c * x[j])),
    )


def test_trap_matrix_gradient_is_zero():
    column = sp.MatrixSymbol("X", N, 1)
    lse = sp.log((sp.OneMatrix(N, 1).T * column.applyfunc(sp.exp))[0, 0])
    assert sp.diff(lse, column) in (0, sp.ZeroMatrix(N, 1))  # should be the softmax


def test_trap_different_letters_do_not_cancel():
    other = sp.Sum(sp.exp(x[i]), (i, 1, N))
    assert sp.simplify(z_by_hand - other) != 0
    assert same(z_by_hand, other)


def test_trap_limit_of_an_open_sum():
    b = sp.Symbol("b", positive=True)
    with pytest.raises(NotImplementedError):
        sp.limit(sp.exp(b * x[i]) / total(lambda j: sp.exp(b * x[j])), b, sp.oo)


def test_same_is_not_fooled():
    assert same(sp.exp(x[i]) / Z, sp.exp(x[i]) / total(lambda k: sp.exp(x[k]), "k"))
    for wrong in (sp.exp(x[r]) / Z, 2 * sp.exp(x[i]) / Z, sp.exp(x[i]) / Z + 1 / N):
        assert not same(sp.exp(x[i]) / Z, wrong)


def test_same_leaves_sums_over_two_indices_alone():
    double = total(lambda a: total(lambda b: x[a] * y[b]))
    assert same(double, total(lambda a: total(lambda b: x[a] * y[b], "k"), "l"))
    assert not same(double, total(lambda a: total(lambda b: x[a] * y[b] ** 2)))


def test_same_survives_where_simplify_stumbles():
    c = sp.Symbol("c", real=True)
    uneven = sp.exp(x[i] + c * i) / total(lambda j: sp.exp(x[j] + c * j))
    assert same(uneven, sp.exp(x[i]) / Z) is False


def test_evaluate():
    point = {x: [1, 2, 3], i: 3}
    assert abs(evaluate(sp.exp(x[i]) / Z, point) - float(exact_softmax([1, 2, 3])[2])) < 1e-15
    assert evaluate(total(lambda j: x[j] * y[j]), {x: [0.1, 1], y: [1, -0.1]}, 20) != 1  # exact binary values
    with pytest.raises(ValueError, match=r"one common length, not \[1, 2\]"):
        evaluate(total(lambda j: x[j] * y[j]), {x: [1, 2], y: [1]})


def test_equation_shows_the_expression():
    assert equation("E", Z).rhs == Z and "E" in sp.latex(equation("E", Z))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_ulp_error_of_known_neighbours(dtype):
    for value in (1.0, 1.5, -3.0, 0.0078125):
        number = dtype(value)
        assert ulp_error(number, exact(number)) == 0
        assert ulp_error(np.nextafter(number, np.copysign(dtype(np.inf), number)), exact(number)) == 1
    smallest = np.finfo(dtype).smallest_subnormal
    assert ulp_error(dtype(0), exact(smallest)) == 1
    assert ulp_error(dtype(0), exact(dtype(0))) == 0
    assert ulp(mpmath.mpf(1), dtype) == exact(np.finfo(dtype).eps)


def test_ulp_error_of_infinities_and_nan():
    assert ulp_error([np.inf, -np.inf, np.nan, 1.0], [exact(np.inf)] * 4).tolist() == [
        0,
        np.inf,
        np.inf,
        np.inf,
    ]


def test_ulp_error_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\(2,\) computed numbers, but \(1,\) exact ones"):
        ulp_error([1.0, 2.0], [exact(1.0)])


def test_the_oracle_keeps_digits_at_any_spread():
    """At a lead of 5000 a plain log of a sum in eighty digits would be zero."""
    wide = [0.0, -5000.0]
    assert mpmath.almosteq(exact_log_softmax(wide)[0], -mpmath.exp(-5000), 1e-50)
    assert mpmath.almosteq(exact_logsumexp(wide), mpmath.exp(-5000), 1e-50)
    with mpmath.workdps(60):
        total_ = sum(mpmath.exp(v) for v in (0.3, -1.7, 2.9))
        assert mpmath.almosteq(exact_logsumexp([0.3, -1.7, 2.9]), mpmath.log(total_), 1e-50)
        assert all(
            mpmath.almosteq(
                p,
                mpmath.exp(2 * mpmath.mpf(v)) / sum(mpmath.exp(2 * mpmath.mpf(w)) for w in (0.3, 2.9)),
                1e-50,
            )
            for p, v in zip(exact_softmax([0.3, 2.9], beta=2), (0.3, 2.9), strict=True)
        )


def test_refused():
    def check(value):
        assert value > 0, f"{value} is not positive"

    def mute(value):
        if value <= 0:
            raise AssertionError

    refused(check, -1)
    with pytest.raises(AssertionError, match="check accepts a wrong candidate"):
        refused(check, 1)
    with pytest.raises(AssertionError, match="mute refuses without saying why"):
        refused(mute, -1)
    with pytest.raises(TypeError):  # a crash is no refusal
        refused(check, "text")


@pytest.mark.parametrize("alt", ["", "figure 1", "a plot of softmax", "six words but without an end"])
def test_no_figure_without_a_sentence(alt):
    fig, _ = figures.subplots()
    with pytest.raises(ValueError, match="must be a sentence"):
        figures.show(fig, alt=alt)
    plt.close(fig)


def test_a_figure_is_shown_with_its_sentence_at_twice_the_density(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", shown.append)
    fig, ax = figures.subplots(height=2, width=5)
    ax.plot([0, 1])
    figures.show(fig, alt="A straight line rises from zero to one.")
    _, metadata = shown[0]._repr_mimebundle_()
    assert metadata["image/png"] == {"alt": "A straight line rises from zero to one.", "width": 500}
    assert int.from_bytes(shown[0].data[16:20], "big") == 1000  # the width in the PNG's header
    assert not plt.fignum_exists(fig.number)


def test_two_figures_of_the_same_drawing_are_the_same_bytes(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", shown.append)
    for _ in range(2):
        fig, ax = figures.subplots()
        ax.plot([0, 1, 4])
        figures.show(fig, alt="A line of two pieces bends upwards.")
    assert shown[0].data == shown[1].data


def test_colours_stay_apart_on_paper():
    """The four line colours keep a contrast of 2 or more against the paper, the text colour 7."""

    def luminance(colour):
        channels = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    def contrast(colour):
        return (luminance(figures.PAPER) + 0.05) / (luminance(colour) + 0.05)

    assert contrast(figures.BLACK) > 7
    assert min(contrast(c) for c in (figures.BLUE, figures.VERMILION, figures.GREEN, figures.ORANGE)) > 2
