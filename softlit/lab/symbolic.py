# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-symbolic
"""Deriving for an unknown number of inputs: open sums, safe derivatives, equality up to renaming."""

import math

import mpmath
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
        Where sympy's answer would be wrong: if an index of the variable is bound by a sum, product or
        integral of the expression, for sympy would capture it (sympy issue 21891); if the variable is
        a whole number; if the expression holds another vector of the same name, with other
        assumptions, whose derivative would be zero; if a bound index has a factor, as in ``x[2*j]``.

    Examples
    --------
    >>> x, r = vector("x"), indices("r")
    >>> derivative(total(lambda j: x[j] ** 2), x[r])
    2*x[r]
    """
    indices_ = getattr(variable, "indices", ())
    free = {symbol for index in indices_ for symbol in index.free_symbols}
    _refuse_silent_errors(expression, variable, free)
    result = _with_whole_deltas(sp.diff(expression, variable)).doit()
    for symbol in free:
        result = sp.refine(result, sp.Q.ge(symbol, 1) & sp.Q.le(symbol, N))
    return result


def _refuse_silent_errors(expression, variable, free):
    """Raise where `sympy.diff` would return a wrong result; ``free`` are the variable's indices."""
    if variable.is_integer:
        raise ValueError(
            f"{variable} is a whole number, and has no small changes"
        )
    binders = expression.atoms(sp.Sum, sp.Product, sp.Integral)
    bound = {limits[0] for binder in binders for limits in binder.limits}
    if captured := free & bound:
        names = ", ".join(sorted(symbol.name for symbol in captured))
        raise ValueError(
            f"the index {names} of {variable} is bound by a sum of the expression"
        )
    base = getattr(variable, "base", None)
    others = expression.atoms(sp.IndexedBase) - {base}
    if str(base) in map(str, others):
        raise ValueError(
            f"the {base} of the expression is not the {base} of {variable}"
        )


def _with_whole_deltas(expression):
    """The expression, if sympy sums its Kronecker deltas rightly.

    It solves them for the bound index and forgets that an index is whole: of 2 j = 3 it makes j = 3/2.
    """
    for sum_ in expression.atoms(sp.Sum):
        for delta in sum_.function.atoms(sp.KroneckerDelta):
            for index in sum_.variables:
                if sp.diff(delta.args[0] - delta.args[1], index) not in (
                    -1,
                    0,
                    1,
                ):
                    raise ValueError(
                        f"the bound index {index} has a factor in {delta}"
                    )
    return expression


# --- book/00-workbench.ipynb, cell build-same
def _peeled(binder):
    """The outermost limits of a sum or product, and what they act on."""
    *inner, outermost = binder.limits
    return outermost, binder.func(
        binder.function, *inner
    ) if inner else binder.function


def _pull_out(sum_):
    """A sum, split at its plus signs, the factors without the index in front; inner sums first."""
    (index, low, high), body = _peeled(sum_)
    if isinstance(body, sp.Sum):
        body = _pull_out(body)
    result = sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(body)):
        outside, inside = term.as_independent(index, as_Add=False)
        result += outside * sp.Sum(inside, (index, low, high)).doit()
    return result


def _with_standard_names(expression):
    """The expression with standard names for its bound indices, inner ones first.

    An index gets the first name that is not in use inside its sum or product, so nothing is captured. The
    names are symbols of this call alone, so the expression cannot hold them already.
    """
    names = []

    def renamed(part):
        if not part.has(sp.Sum, sp.Product):
            return part
        if not isinstance(part, sp.Sum | sp.Product):
            return part.func(*map(renamed, part.args))
        (index, low, high), body = _peeled(part)
        body = renamed(body)
        if all(body.has(name) for name in names):
            names.append(sp.Dummy(f"k{len(names)}", integer=True))
        name = next(name for name in names if not body.has(name))
        return part.func(body.xreplace({index: name}), (name, low, high))

    return renamed(expression)


def _numerator(expression):
    """What is left over a common denominator, expanded, with standard names for bound indices."""
    # twice: equal sums that have got equal names cancel, and make room for more
    for _ in range(2):
        expression = _with_standard_names(expression)
        expression = expression.replace(
            lambda part: isinstance(part, sp.Sum), _pull_out
        )
        expression = sp.expand(expression)
    over_one = sp.together(_with_standard_names(expression))
    return sp.expand(sp.fraction(over_one)[0])


def same(left, right):
    """Whether sympy proves two expressions equal, bound indices renamed where needed.

    ``True`` is a proof, as far as sympy's algebra is right, that both sides are equal for every N >= 1,
    all free indices in 1..N, and all values that the assumptions of the symbols allow and for which
    both sides are defined. ``False`` is not a disproof: back it with numbers, by `evaluate`.

    Raises
    ------
    ValueError
        If a side holds a rounded number, of which nothing can be proved, or a Kronecker delta in which
        a bound index has a factor, which sympy sums wrongly.

    Examples
    --------
    >>> x, c = vector("x"), sp.Symbol("c")
    >>> same(total(lambda k: c * x[k]), c * total(lambda j: x[j]))
    True
    """
    left, right = map(sp.sympify, (left, right))
    if rounded := left.atoms(sp.Float) | right.atoms(sp.Float):
        raise ValueError(
            f"{min(rounded)} is a rounded number: write it as a fraction"
        )
    difference = _with_whole_deltas(left - right)
    try:
        if _numerator(difference) == 0:
            return True
        simple = _with_standard_names(sp.factor_terms(sp.simplify(difference)))
        return sp.simplify(simple) == 0
    except (
        StopIteration,
        RecursionError,
    ):  # sympy 1.14 stumbles over some sums
        return False


# --- book/00-workbench.ipynb, cell build-evaluate
def evaluate(expression, values, digits=30):
    """The number that an expression takes at concrete values, right in all its digits.

    Parameters
    ----------
    expression : sympy expression
    values : dict
        Symbols, including indices counted from 1, and vectors, as sequences of N numbers each.
        Floats are taken at their exact binary value.
    digits : int
        Decimal digits of the result. It is enclosed between two numbers that agree so far, except for a
        function other than `exp`, `log` and powers, for which sympy's digits are taken. A number that is
        smaller than ``10**-1000`` counts as 0 if 3200 digits do not tell it from 0.

    Raises
    ------
    ValueError
        If the vectors differ in length from each other or from N, if a value contradicts an assumption
        of its symbol, if something has no value, or if the result is not a real number.

    Examples
    --------
    >>> x = vector("x")
    >>> evaluate(total(lambda j: x[j]), {x: [1, 2, 4]}, digits=5)
    7.0000
    >>> evaluate(sp.log(total(lambda j: sp.exp(x[j]))), {x: [0, -400]}, digits=5)
    1.9152e-174
    """
    scalars, entries = _exact_values(values)
    number = _written_out(sp.sympify(expression).subs(scalars)).subs(entries)
    if unknown := sorted(
        map(str, number.atoms(sp.Indexed) or number.free_symbols)
    ):
        namesake = any(str(key) in unknown for key in values)
        hint = ", as its assumptions are others" if namesake else ""
        raise ValueError(f"no value is given for {', '.join(unknown)}{hint}")
    precision = digits + 20
    while precision < 10_000:
        low, high = _enclosed(number, precision)
        if (
            low.is_finite
            and high.is_finite
            and high - low <= abs(low) / 10 ** (digits + 1)
        ):
            return sp.Float(low, digits)
        precision *= 4
    if max(-low, high) < sp.Rational(1, 10**1000):
        return sp.Float(0, digits)
    raise ValueError(
        f"at {values} there is no real value, or none that can be told"
    )


def _exact_values(values):
    """The symbols, N among them, and the entries of the vectors, each with its exact number."""
    vectors = {
        key: value
        for key, value in values.items()
        if isinstance(key, sp.IndexedBase)
    }
    sizes = {len(value) for value in vectors.values()}
    if len(sizes) > 1:
        raise ValueError(
            f"the vectors must have one common length, not {sorted(sizes)}"
        )
    scalars = {
        key: value for key, value in values.items() if key not in vectors
    }
    if sizes and scalars.setdefault(N, *sizes) not in sizes:
        raise ValueError(
            f"N is {scalars[N]}, but the vectors have {sizes.pop()} entries"
        )
    entries = {
        base[place]: number
        for base, numbers in vectors.items()
        for place, number in enumerate(numbers, start=1)
    }
    return [
        {key: _exactly(number, key) for key, number in given.items()}
        for given in (scalars, entries)
    ]


def _exactly(number, unknown):
    """The number without rounding, if the assumptions of the unknown allow it."""
    ratio = getattr(number, "as_integer_ratio", None)
    number = sp.Rational(*ratio()) if ratio else sp.sympify(number)
    for kind in (
        "real",
        "integer",
        "positive",
        "negative",
        "nonnegative",
        "nonpositive",
    ):
        if getattr(unknown, f"is_{kind}") and not getattr(number, f"is_{kind}"):
            raise ValueError(
                f"{unknown} is {kind} by assumption, and {number} is not"
            )
    return number


def _written_out(expression):
    """The expression with its sums and products written out, term by term."""
    if not expression.has(sp.Sum, sp.Product):
        return expression
    if not isinstance(expression, sp.Sum | sp.Product):
        return expression.func(*map(_written_out, expression.args))
    (index, low, high), body = _peeled(expression)
    if not (low.is_Integer and high.is_Integer and low <= high + 1):
        raise ValueError(f"a sum from {low} to {high} cannot be written out")
    terms = [
        _written_out(body.subs(index, place)) for place in range(low, high + 1)
    ]
    return (sp.Add if isinstance(expression, sp.Sum) else sp.Mul)(*terms)


def _enclosed(number, precision):
    """Two numbers with the exact value between them, infinite ones if there is no telling."""
    arithmetic = type(
        mpmath.iv
    )()  # not the global one, whose precision others may use
    arithmetic.dps = precision
    try:
        enclosure = _interval(number, arithmetic)
    except (
        mpmath.libmp.ComplexResult
    ):  # log of an interval that reaches below 0
        return -sp.oo, sp.oo
    return (sp.Float(end, precision) for end in enclosure._mpi_)


def _interval(number, arithmetic):
    if number.is_Float or number.is_Rational:
        exact = sp.Rational(number)
        return arithmetic.mpf(exact.p) / exact.q
    parts = [_interval(part, arithmetic) for part in number.args]
    if number.is_Add:
        return sum(parts)
    if number.is_Mul:
        return math.prod(parts)
    if isinstance(number, sp.exp | sp.log):
        return getattr(arithmetic, number.func.__name__)(*parts)
    if number.is_Pow:
        return parts[0] ** (
            int(number.exp) if number.exp.is_Integer else parts[1]
        )
    digits = number.evalf(arithmetic.dps)
    if not digits.is_Float:
        raise ValueError(f"{number} is not a real number")
    doubt = arithmetic.mpf([-1, 1]) / 10 ** (arithmetic.dps - 5)
    return arithmetic.mpf(str(digits)) * (1 + doubt)


# --- book/00-workbench.ipynb, cell build-equation
def equation(name, expression):
    """The equation ``name = expression`` for display; the name is LaTeX, the rest is the result itself.

    Examples
    --------
    >>> sp.latex(equation("S_i", sp.Symbol("a")))
    '{S_i} = a'
    """
    verbatim = sp.Symbol(
        f"{{{name}}}"
    )  # in braces, sympy leaves the name as it is
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
