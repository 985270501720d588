"""One commit gives one picture: two processes that hash strings differently draw the same rounding errors."""

import os
import subprocess
import sys

from literate.chapters import ROOT

# Every last digit shows in this one; nbval does not compare pictures.
CHAPTER, FIGURE = "08-jacobian", "figure-steps"
DRAW = f"""
import hashlib, sys
from literate.chapters import read_book
from softlit.lab import figures

def digests(figure, *, alt):
    print(hashlib.sha256(figures._png(figure)).hexdigest())
    line = figure.axes[0].lines[0]
    line.set_ydata(1.05 * line.get_ydata())
    sys.exit(hashlib.sha256(figures._png(figure)).hexdigest())

(chapter,) = (chapter for chapter in read_book() if chapter.slug == "{CHAPTER}")
names = {{}}
for cell in chapter.code_cells:
    if cell.id == "{FIGURE}":
        figures.show = digests
    exec(cell.code, names)
"""


def drawn(seed):
    """The digests of the picture, and of one whose points are a little higher, from a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "MPLBACKEND": "agg"}
    command = [sys.executable, "-c", DRAW]
    result = subprocess.run(command, cwd=ROOT / "book", env=environment, capture_output=True, text=True)
    return result.stdout.split()[-1], result.stderr.split()[-1]


def test_a_figure_is_the_same_in_every_process():
    picture, moved = drawn(1)
    assert len(picture) == len(moved) == 64 and picture != moved
    assert drawn(2) == (picture, moved)
