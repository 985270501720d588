# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-figures
"""One style for all figures; none is shown without a sentence of alternative text."""

import io

import matplotlib.pyplot as plt
from cycler import cycler
from IPython.display import Image, display

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#1A1A1A", "#767676"
PAPER = "#FCFCFA"
CLASSES = {
    "cat": BLUE,
    "dog": VERMILION,
    "fox": GREEN,
}  # of the book's running example
DENSITY = 2  # device pixels per CSS pixel, so that lines stay sharp on phones

STYLE = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E3E3DE",
    "axes.axisbelow": True,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=[BLUE, VERMILION, GREEN, ORANGE])
    + cycler(ls=["-", "--", "-.", ":"]),
}


def subplots(rows=1, columns=1, *, height=3.2, width=7.2, **options):
    """`matplotlib.pyplot.subplots`, after setting the style of the book; inches of 100 CSS pixels."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def show(figure, *, alt):
    """Show a figure with its alternative text, then close it.

    Parameters
    ----------
    figure : matplotlib Figure
    alt : str
        One or more sentences that say what the figure shows to somebody who cannot see it.

    Raises
    ------
    ValueError
        If the text is too short to say anything, or does not end as a sentence does.
    """
    alt = checked_alt(alt)
    width = round(figure.get_figwidth() * 100)
    display(Image(as_png(figure), format="png", width=width, alt=alt))


def checked_alt(alt):
    """The alternative text on one line; refused if it is too short, or no sentence."""
    if len(alt.split()) < 6 or not alt.rstrip().endswith("."):
        raise ValueError(
            f"the alternative text must be a sentence that says what is seen, not {alt!r}"
        )
    return " ".join(alt.split())


def as_png(figure):
    """The bytes of the picture; the figure is closed."""
    stream = io.BytesIO()
    figure.savefig(stream, dpi=100 * DENSITY, metadata={"Software": None})
    plt.close(figure)
    return stream.getvalue()


# --- book/00-workbench.ipynb, cell build-classes
import numpy as np


def triangle(ax, classes=CLASSES):
    """Draw the triangle of all distributions of three classes on empty axes.

    Parameters
    ----------
    ax : matplotlib Axes
    classes : dict
        The names at the corners, left, right and top, each with its colour.

    Returns
    -------
    function
        The place of a distribution in the drawing; of several, an array of shape (2, ...).

    Examples
    --------
    >>> figure, ax = subplots()
    >>> triangle(ax)([0.5, 0.5, 0]).round(2).tolist()
    [0.5, 0.0]
    >>> plt.close(figure)
    """
    corners = np.array([(0, 0), (1, 0), (1 / 2, np.sqrt(3) / 2)])
    ax.fill(*corners.T, facecolor="none", edgecolor=GREY, linewidth=1)
    sides = (("left", "top"), ("right", "top"), ("center", "bottom"))
    places = zip(corners, classes.items(), sides, strict=True)
    for (x, y), (name, colour), (ha, va) in places:
        y += -0.03 if va == "top" else 0.03
        ax.text(x, y, name, color=colour, ha=ha, va=va, fontsize=13)
    ax.set(aspect="equal", xlim=(-0.06, 1.06), ylim=(-0.14, 1.0))
    ax.axis("off")
    return lambda p: np.moveaxis(np.asarray(p) @ corners, -1, 0)


__all__ = [
    "BLACK",
    "BLUE",
    "CLASSES",
    "DENSITY",
    "GREEN",
    "GREY",
    "ORANGE",
    "PAPER",
    "PURPLE",
    "SKY",
    "STYLE",
    "VERMILION",
    "as_png",
    "checked_alt",
    "show",
    "subplots",
    "triangle",
]
