# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-symbolic
"""Deriving for an unknown number of inputs: open sums, safe derivatives, equality up to renaming."""

import sympy as sp

N = sp.Symbol("N", integer=True, positive=True)


def indices(letters):
    """Free integer indices; each is understood to lie in 1..N.

    Examples
    --------
    >>> i, r = indices("i r")
    >>> i.is_integer
    True
    """
    return sp.symbols(letters, integer=True)


def vector(letter, **assumptions):
    """An indexed family of N real unknowns.

    Examples
    --------
    >>> x = vector("x")
    >>> x[indices("i")].is_real
    True
    """
    return sp.IndexedBase(letter, real=True, **assumptions)


def total(term, letter="j"):
    """The sum of ``term(j)`` for j from 1 to N, over an index that nobody else can name.

    The index is a fresh ``Dummy``, so it can neither capture a free index nor be captured.

    Examples
    --------
    >>> x = vector("x")
    >>> total(lambda j: x[j]).has(sp.Symbol("j", integer=True))
    False
    """
    bound = sp.Dummy(letter, integer=True)
    return sp.Sum(term(bound), (bound, 1, N))


# --- book/00-workbench.ipynb, cell build-derivative
def derivative(expression, variable):
    """The partial derivative with respect to ``x[r]`` (1 <= r <= N) or to a symbol.

    Raises
    ------
    ValueError
        If an index of the variable is a summation index of the expression: sympy would capture it
        and return a wrong result (sympy issue 21891).

    Examples
    --------
    >>> x, r = vector("x"), indices("r")
    >>> derivative(total(lambda j: x[j] ** 2), x[r])
    2*x[r]
    """
    free = {
        symbol
        for index in getattr(variable, "indices", ())
        for symbol in index.free_symbols
    }
    bound = {limits[0] for sum_ in expression.atoms(sp.Sum) for limits in sum_.limits}
    if captured := free & bound:
        names = ", ".join(sorted(symbol.name for symbol in captured))
        raise ValueError(
            f"the index {names} of {variable} is bound by a sum of the expression"
        )
    result = sp.diff(expression, variable).doit()
    for symbol in free:
        result = sp.refine(result, sp.Q.ge(symbol, 1) & sp.Q.le(symbol, N))
    return result


# --- book/00-workbench.ipynb, cell build-same
def _pull_out(sum_):
    """A sum over one index, split at its plus signs, the factors without the index in front."""
    if len(sum_.limits) > 1:
        return sum_
    index, result = sum_.limits[0][0], sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(sum_.function)):
        outside, inside = term.as_independent(index, as_Add=False)
        result += outside * sp.Sum(inside, *sum_.limits).doit()
    return result


def _numerator(expression):
    """What is left over a common denominator, expanded, with standard names for bound indices."""
    expression = expression.replace(lambda part: isinstance(part, sp.Sum), _pull_out)
    over_one = sp.together(sp.expand(expression).as_dummy())
    return sp.expand(sp.fraction(over_one)[0])


def same(left, right):
    """Whether sympy proves two expressions equal, bound indices renamed where needed.

    ``True`` is a proof, as far as sympy is right. ``False`` is not a disproof: back it with numbers, by
    `evaluate`.

    Examples
    --------
    >>> x, c = vector("x"), sp.Symbol("c")
    >>> same(total(lambda k: c * x[k]), c * total(lambda j: x[j]))
    True
    """
    if _numerator(left - right) == 0:
        return True
    try:
        difference = sp.factor_terms(sp.simplify(left - right)).as_dummy()
        return sp.simplify(difference) == 0
    except (StopIteration, RecursionError):  # sympy 1.14 stumbles over some sums
        return False


def evaluate(expression, values, digits=30):
    """The number that an expression takes at concrete values.

    Parameters
    ----------
    expression : sympy expression
    values : dict
        Symbols, including indices counted from 1, and vectors, as sequences of N numbers each.
        Floats are taken at their exact binary value.
    digits : int
        Decimal digits of the result.

    Examples
    --------
    >>> x = vector("x")
    >>> evaluate(total(lambda j: x[j]), {x: [1, 2, 4]}, digits=5)
    7.0000
    """
    vectors = {
        key: value for key, value in values.items() if isinstance(key, sp.IndexedBase)
    }
    scalars = {key: _exactly(value) for key, value in values.items() if key not in vectors}
    sizes = {len(value) for value in vectors.values()}
    if len(sizes) > 1:
        raise ValueError(f"the vectors must have one common length, not {sorted(sizes)}")
    if sizes:
        scalars[N] = sizes.pop()
    entries = {
        base[position]: _exactly(number)
        for base, numbers in vectors.items()
        for position, number in enumerate(numbers, start=1)
    }
    return sp.N(expression.subs(scalars).doit().subs(entries), digits)


def _exactly(number):
    ratio = getattr(number, "as_integer_ratio", None)
    return sp.Rational(*ratio()) if ratio else sp.sympify(number)


# --- book/00-workbench.ipynb, cell build-equation
def equation(name, expression):
    """The equation ``name = expression`` for display; the name is LaTeX, the rest is the result itself.

    Examples
    --------
    >>> sp.latex(equation("S_i", sp.Symbol("a")))
    '{S_i} = a'
    """
    verbatim = sp.Symbol(f"{{{name}}}")  # in braces, sympy leaves the name as it is
    return sp.Eq(verbatim, expression, evaluate=False)


__all__ = [
    "N",
    "derivative",
    "equation",
    "evaluate",
    "indices",
    "same",
    "total",
    "vector",
]
