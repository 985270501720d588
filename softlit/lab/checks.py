# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-checks
"""Negative controls: a check is trusted only after it has refused something wrong."""


def refused(check, candidate):
    """Print why a check refuses a wrong candidate; fail if it accepts it, or refuses without a reason.

    Only an AssertionError counts as a refusal: a candidate that crashes has not been examined.
    """
    try:
        check(candidate)
    except AssertionError as error:
        if not str(error):
            raise AssertionError(f"{check.__name__} refuses without saying why") from error
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
        check(answer)
    except NotImplementedError:
        print(
            f"{name} is not written yet: put your answer where NotImplementedError stands"
        )
    except AssertionError as error:
        print(f"{name} is not right yet: {error}")
    else:
        print(f"{name} is right: it passes {check.__name__}")


__all__ = [
    "judge",
    "refused",
]
