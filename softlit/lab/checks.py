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


__all__ = [
    "refused",
]
