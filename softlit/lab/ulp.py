# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-exact
"""Errors in units in the last place, against mpmath with a hundred digits."""

import mpmath
import numpy as np

_mp = mpmath.mp.clone()
_mp.dps = 100


def exact(value):
    """A NumPy or Python real number as an mpmath number, without rounding (longdouble included).

    Examples
    --------
    >>> exact(0.1) == exact(1) / 10
    False
    """
    if isinstance(value, int | np.integer):
        return _mp.mpf(int(value))
    if not np.isfinite(value):
        return _mp.mpf(float(value))
    numerator, denominator = value.as_integer_ratio()
    return _mp.mpf(numerator) / denominator


def exact_logsumexp(x, beta=1):
    """The log of the sum of exp(beta x) over a sequence, as an mpmath number.

    Examples
    --------
    >>> mpmath.nstr(exact_logsumexp([1000, 1000]), 20)
    '1000.6931471805599453'
    """
    terms = sorted((exact(value) * exact(beta) for value in x), reverse=True)
    rest = _mp.fsum(_mp.exp(term - terms[0]) for term in terms[1:])
    return terms[0] + _mp.log1p(rest)


def exact_log_softmax(x, beta=1):
    """beta x - logsumexp(beta x) over a sequence, as a list of mpmath numbers.

    The difference is taken term by term below the maximum, so that it keeps its digits.

    Examples
    --------
    >>> mpmath.nstr(exact_log_softmax([0, -40])[0], 10)
    '-4.248354255e-18'
    """
    terms = [exact(value) * exact(beta) for value in x]
    top = max(range(len(terms)), key=terms.__getitem__)
    shifted = [term - terms[top] for term in terms]
    rest = _mp.fsum(_mp.exp(term) for k, term in enumerate(shifted) if k != top)
    return [term - _mp.log1p(rest) for term in shifted]


def exact_softmax(x, beta=1):
    """The softmax function of beta x over a sequence, as a list of mpmath numbers.

    Examples
    --------
    >>> [mpmath.nstr(share, 5) for share in exact_softmax([1, 1, 1, 1])]
    ['0.25', '0.25', '0.25', '0.25']
    """
    return [_mp.exp(term) for term in exact_log_softmax(x, beta)]


# --- book/00-workbench.ipynb, cell build-ulp
def ulp(value, dtype):
    """The unit in the last place of an exact value in a floating-point type, as an mpmath number.

    Examples
    --------
    >>> ulp(exact(1), np.float32) == exact(2.0**-23)
    True
    """
    info = np.finfo(dtype)
    exponent = _mp.frexp(value)[1] - 1 if value else info.minexp
    return _mp.ldexp(1, int(max(exponent, info.minexp)) - info.nmant)


def ulp_error(computed, exact_values):
    """The error of each computed number in units in the last place of the exact one.

    Parameters
    ----------
    computed : array of floats
        Its dtype decides the unit.
    exact_values : sequence of mpmath numbers, or one such number
        As many as there are computed numbers.

    Returns
    -------
    ndarray of float64
        Equal infinities count 0; anything else that is not finite counts infinity.

    Examples
    --------
    >>> ulp_error(np.float32(1.0), exact(1.0)).item()
    0.0
    >>> ulp_error(np.nextafter(1.0, 2.0), exact(1.0)).item()
    1.0
    """
    computed = np.asarray(computed)
    exact_values = np.asarray(exact_values, dtype=object)
    if computed.shape != exact_values.shape:
        raise ValueError(
            f"{computed.shape} computed numbers, but {exact_values.shape} exact ones"
        )
    errors = np.empty(computed.shape)
    for place in np.ndindex(computed.shape):
        errors[place] = _one_error(computed[place], exact_values[place])
    return errors


def _one_error(computed, value):
    if not (np.isfinite(computed) and _mp.isfinite(value)):
        return 0.0 if _mp.mpf(float(computed)) == value else np.inf
    return float(abs(exact(computed) - value) / ulp(value, computed.dtype))


__all__ = [
    "exact",
    "exact_log_softmax",
    "exact_logsumexp",
    "exact_softmax",
    "ulp",
    "ulp_error",
]
