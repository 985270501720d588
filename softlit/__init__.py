# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
"""The softmax function and its relatives in NumPy, from a book that derives and checks them."""

from importlib.metadata import version

from softlit.argmax import (
    hardmax,
)
from softlit.kernels import (
    log_softmax,
    logsumexp,
    softmax,
)

__version__ = version("softlit")

__all__ = [
    "hardmax",
    "log_softmax",
    "logsumexp",
    "softmax",
]
