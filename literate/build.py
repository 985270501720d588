"""Build the site, as `make book` does: execute every chapter, warnings are errors, print the path to open.

    python -m literate.build

Sphinx rereads only what has changed, and does not repeat the warnings of what it skips. After a failure its
memory is therefore dropped: a build that failed must not be green the second time.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from literate import tangle
from literate.chapters import ROOT, BookError, read_book
from literate.execute import kernel_environment

SITE = ROOT / "_build" / "html"


def build(folder=None, config="_config.yml"):
    """Build the site, below another folder if one is given; returns the exit code of Jupyter Book.

    Warnings and the lines of literate.site.progress go to standard error as they come. What Jupyter Book
    itself prints, its paths and its congratulations, is shown only if it fails.
    """
    folder = folder or ROOT
    tool = Path(sys.executable).with_name("jupyter-book")
    command = [tool, "build", ".", "-W", "-n", "--keep-going", "--quiet"]
    command += ["--path-output", folder, "--config", config]
    done = subprocess.run(command, cwd=ROOT, env=kernel_environment(), stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stdout)
        shutil.rmtree(folder / "_build" / ".doctrees", ignore_errors=True)
    return done.returncode


def main():
    try:  # a site whose chapters are not what the package was made from would show other results
        stale = list(tangle.problems(read_book()))
    except BookError as error:
        stale = [str(error)]
    if stale:
        sys.exit("\n".join(f"build: {problem}" for problem in stale))
    if code := build():
        sys.exit(code)
    print(f"The book is built. Open {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
