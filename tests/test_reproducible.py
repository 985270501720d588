"""One commit gives one picture: two processes that hash strings differently draw the same rounding errors."""

import os
import subprocess
import sys

import pytest

from literate.chapters import ROOT
from literate.names import before, needed, pieces_of
from literate.sheets import arranged

# Every last digit shows in this one; nbval does not compare pictures.
CHAPTER, FIGURE = "08a-gradients", "figure-steps"
DIGESTS = """
import hashlib, sys
from softlit.lab import figures

def digests(figure, *, alt):
    print(hashlib.sha256(figures.as_png(figure)).hexdigest())
    line = figure.axes[0].lines[0]
    line.set_ydata(1.05 * line.get_ydata())
    sys.exit(hashlib.sha256(figures.as_png(figure)).hexdigest())

figures.show = digests
"""


@pytest.fixture
def script(book):
    """A program that draws the figure, from the cell and the statements on which it rests."""
    (chapter,) = (chapter for chapter in book if chapter.slug == CHAPTER)
    (cell,) = (cell for cell in chapter.code_cells if cell.id == FIGURE)
    earlier = [one for one in chapter.code_cells if one.position < cell.position]
    wanted = before(set(), pieces_of([cell]))
    sources, missing = needed(wanted, pieces_of(earlier))
    assert not missing
    return "\n".join([DIGESTS, arranged(sources), cell.code])


def drawn(script, seed):
    """The digests of the picture, and of one whose points are a little higher, from a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "MPLBACKEND": "agg"}
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, cwd=ROOT / "book", env=environment, capture_output=True, text=True)
    return result.stdout.split()[-1], result.stderr.split()[-1]


def test_a_figure_is_the_same_in_every_process(script):
    picture, moved = drawn(script, 1)
    assert len(picture) == len(moved) == 64 and picture != moved
    assert drawn(script, 2) == (picture, moved)
