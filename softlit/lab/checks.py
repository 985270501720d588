# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-checks
"""Negative controls: a check is trusted only after it has refused something wrong."""

from functools import wraps

import numpy as np


def examined(answer):
    """A function that is refused if it returns nothing or a list, or changes an array that it is given.

    >>> def double(x):
    ...     2 * x
    >>> examined(double)(3)
    Traceback (most recent call last):
    AssertionError: double returns None: is a return missing?
    """
    name = answer.__name__

    @wraps(answer)
    def call(*given):
        arrays = list(_arrays(given))
        before = [array.copy() for array in arrays]
        returned = answer(*given)
        assert returned is not None, (
            f"{name} returns None: is a return missing?"
        )
        assert not isinstance(returned, list), (
            f"{name} returns a list, not an array"
        )
        for array, copy in zip(arrays, before, strict=True):
            same = np.array_equal(array, copy, equal_nan=True)
            assert same, (
                f"{name} changes the array {copy.tolist()} that it is given"
            )
        return returned

    return call


def _arrays(values):
    """The arrays of numbers among some values, and in tuples and lists of them."""
    for value in values:
        if isinstance(value, tuple | list):
            yield from _arrays(value)
        elif isinstance(value, np.ndarray):
            yield value


def refused(check, candidate):
    """Print why a check refuses a wrong candidate; fail if it accepts it, or refuses without a reason.

    Only an AssertionError counts as a refusal: a candidate that crashes has not been examined.
    """
    try:
        check(examined(candidate) if callable(candidate) else candidate)
    except AssertionError as error:
        if not str(error):
            raise AssertionError(
                f"{check.__name__} refuses without saying why"
            ) from error
        print(f"refused: {error}")
        return
    raise AssertionError(f"{check.__name__} accepts a wrong candidate")


def judge(check, answer):
    """Print whether an answer passes the check of its exercise, and why not.

    An answer that raises NotImplementedError is not written yet. Any other error is its own, and is not
    caught: the traceback says where it happens.

    >>> def spec_double(double):
    ...     assert double(3) == 6, f"of 3 it gives {double(3)}"
    >>> def double(x):
    ...     return x + 2
    >>> judge(spec_double, double)
    double is not right yet: of 3 it gives 5
    """
    name = answer.__name__
    try:
        check(examined(answer))
    except NotImplementedError:
        print(
            f"{name} is not written yet: put your answer where NotImplementedError stands"
        )
    except AssertionError as error:
        print(f"{name} is not right yet: {error}")
    else:
        print(f"{name} is right: it passes {check.__name__}")


__all__ = [
    "examined",
    "judge",
    "refused",
]
