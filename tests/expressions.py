"""Random expressions with sums in sums, their values without sympy, and pairs that are or only look equal.

`value` is plain recursion in mpmath: it shares nothing with `softlit.lab.symbolic`, and of sympy only the
tree that it walks.
"""

import random

import mpmath
import sympy as sp

from softlit.lab.symbolic import N, indices, vector

i, j, k, r = FREE = indices("i j k r")  # j and k are bound by some sums as well
x, y, q = vector("x"), vector("y"), vector("q", positive=True)
c, b = sp.Symbol("c", real=True), sp.Symbol("b", positive=True)

mp = mpmath.mp.clone()
mp.dps = 50


class Undefined(Exception):
    """There is no value: a division by zero, or an entry outside 1..N."""


def value(expression, point):
    """The number that an expression takes at a point, a dictionary of symbols, vectors and their numbers."""
    if expression.is_Symbol:
        return point[expression]
    if expression.is_Rational:
        return mp.mpf(expression.p) / expression.q
    if isinstance(expression, sp.Sum | sp.Product):
        *inner, (index, low, high) = expression.limits
        body = expression.func(expression.function, *inner) if inner else expression.function
        places = range(int(value(low, point)), int(value(high, point)) + 1)
        terms = [value(body, point | {index: place}) for place in places]
        return mp.fsum(terms) if isinstance(expression, sp.Sum) else mp.fprod(terms)
    if isinstance(expression, sp.Piecewise):
        return next(value(branch, point) for branch, condition in expression.args if _true(condition, point))
    if isinstance(expression, sp.Indexed):
        place = int(value(expression.indices[0], point))
        if not 1 <= place <= point[N]:
            raise Undefined
        return point[expression.base][place - 1]
    parts = [value(part, point) for part in expression.args]
    if (expression.is_Pow and parts[0] == 0 > parts[1]) or (isinstance(expression, sp.log) and parts == [0]):
        raise Undefined
    return RULES[expression.func](*parts)


RULES = {
    sp.Add: lambda *parts: mp.fsum(parts),
    sp.Mul: lambda *parts: mp.fprod(parts),
    sp.Pow: mp.power,
    sp.exp: mp.exp,
    sp.log: mp.log,
    sp.Abs: abs,
    sp.sign: mp.sign,
    sp.KroneckerDelta: lambda first, second: mp.mpf(first == second),
    type(sp.E): lambda: mp.e,
}


def _true(condition, point):
    if condition in (sp.true, sp.false):
        return condition == sp.true
    if isinstance(condition, sp.And):
        return all(_true(part, point) for part in condition.args)
    sides = [value(side, point) for side in condition.args]
    return condition.func(*map(sp.sympify, sides)) == sp.true


def points(seed):
    """Four points, with one, two and three entries; the indices lie in 1..N."""
    draw = random.Random(seed)

    def number(low, high):
        return mp.mpf(draw.randint(64 * low, 64 * high)) / 64 + mp.mpf(1) / 7

    for size in (1, 2, 3, 3):
        vectors = {base: [number(low, 2) for _ in range(size)] for base, low in ((x, -2), (y, -2), (q, 0))}
        places = {index: draw.randint(1, size) for index in FREE}
        yield {N: size, c: number(-2, 2), b: number(0, 2)} | vectors | places


def differ(left, right, seed):
    """Whether the sides differ at a point where both have values."""
    for point in points(seed):
        try:
            sides = value(left, point), value(right, point)
        except Undefined:
            continue
        if abs(sides[0] - sides[1]) > 1e-25 * (1 + abs(sides[0]) + abs(sides[1])):
            return True
    return False


class Expressions:
    """Random expressions, reproducible from a seed; ``scope`` lists the indices that may be used."""

    def __init__(self, seed):
        self.draw = random.Random(seed)

    def any(self, depth, scope=FREE):
        """An expression that may have any sign."""
        if depth <= 0:
            return self._leaf(scope)
        return self.draw.choice(
            [
                lambda: self.any(depth - 1, scope) + self.any(depth - 1, scope),
                lambda: self.any(depth - 1, scope) * self.any(depth - 1, scope),
                lambda: self.any(depth - 1, scope) / self.positive(depth - 1, scope),
                lambda: self.sum(lambda inside: self.any(depth - 1, inside), scope),
                lambda: self.sum(lambda inside: sp.log(self.positive(depth - 1, inside)), scope),
                lambda: sp.log(self.positive(depth - 1, scope)),
                lambda: sp.exp(self.any(depth - 2, scope)),
                lambda: sp.KroneckerDelta(*self.draw.choices(scope, k=2)) * self._leaf(scope),
                lambda: self.positive(depth - 1, scope) ** self.draw.choice([2, -1, c, sp.Rational(1, 2)]),
            ]
        )()

    def positive(self, depth, scope=FREE):
        """An expression that is positive everywhere."""
        if depth <= 0:
            return self.draw.choice([q[self.draw.choice(scope)], sp.exp(self._leaf(scope)), b])
        return self.draw.choice(
            [
                lambda: self.sum(lambda inside: self.positive(depth - 1, inside), scope),
                lambda: self.sum(lambda inside: sp.exp(self._leaf(inside) * self._leaf(inside)), scope),
                lambda: sp.exp(self.any(depth - 1, scope)),
                lambda: self.positive(depth - 1, scope) * self.positive(depth - 1, scope),
            ]
        )()

    def sum(self, term, scope):
        """A sum with an index of its own, or with a letter that may be in use outside and inside."""
        limits = self.draw.choice([(1, N)] * 6 + [(1, r), (r, N), (1, r - 1)])
        letter = self.draw.choice([sp.Dummy("own", integer=True), j, k])
        return sp.Sum(term((*scope, letter, letter)), (letter, *limits))

    def _leaf(self, scope):
        index = self.draw.choice(scope)
        entries = [x[index], y[index], q[index]]
        return self.draw.choice([*entries, *entries, c, b, N, index, x[1], sp.Integer(2), sp.Integer(-1)])

    def rewritten(self, expression, scope=FREE):
        """The expression with one part rewritten, by a law or by a plausible mistake."""
        if isinstance(expression, sp.Indexed) or not expression.args:
            return expression
        if not isinstance(expression, sp.Sum):
            if self.draw.random() < 0.3:
                laws = [sp.expand, sp.together, sp.factor_terms, sp.expand_log]
                return self.draw.choice(laws)(expression)
            parts = list(expression.args)
            place = self.draw.randrange(len(parts))
            parts[place] = self.rewritten(parts[place], scope)
            return expression.func(*parts)
        *inner, (index, low, high) = expression.limits
        body = sp.Sum(expression.function, *inner) if inner else expression.function
        if self.draw.random() < 0.4:
            return sp.Sum(self.rewritten(body, (*scope, index)), (index, low, high))
        fresh, other = sp.Dummy(integer=True), self.draw.choice([*scope, j, k])
        factor, rest = body.as_independent(index, as_Add=False)
        return self.draw.choice(
            [
                lambda: sp.Sum(body.subs(index, fresh), (fresh, low, high)),
                lambda: sp.Sum(body.subs(index, low + high - index), (index, low, high)),
                lambda: sp.Add(*(sp.Sum(term, (index, low, high)) for term in sp.Add.make_args(body))),
                lambda: factor * sp.Sum(rest, (index, low, high)),
                lambda: sp.Mul(*(sp.Sum(part, (index, low, high)) for part in sp.Mul.make_args(body))),
                lambda: sp.Sum(body.subs(index, other), (index, low, high)),
                lambda: sp.Sum(self._merged(body, index), (index, low, high)),
                lambda: sp.Sum(self._merged(body, index), (index, low, high)),
            ]
        )()

    @staticmethod
    def _merged(body, index):
        """The mistake of a careless renaming: inside inner sums the index is confused with theirs."""
        return body.replace(
            lambda part: isinstance(part, sp.Sum),
            lambda part: part.func(part.function.xreplace({index: part.limits[0][0]}), *part.limits),
        )

    def pair(self, depth):
        """A sum, and the same after a few rewritings, one of them at least."""
        left = self.sum(lambda inside: self.any(depth, inside), FREE)
        right, left_over = left, self.draw.randint(1, 3)
        for _ in range(20):
            right = self.rewritten(right)
            left_over -= right != left
            if not left_over:
                break
        return left, right
