"""Build the site, as `make book` does: execute every chapter, warnings are errors, print the path to open.

    python -m literate.build

Sphinx rereads only what has changed, and does not repeat the warnings of what it skips. After a failure its
memory is therefore dropped: a build that failed must not be green the second time.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from literate.chapters import ROOT, BookError, read_book
from literate.tangle import package_files, tangle

SITE = ROOT / "_build" / "html"


def check_tangled():
    """Refuse to build a site whose chapters are not what the package on disk was made from."""
    wanted = {name: text.encode() for name, text in tangle(read_book()).items()}
    if wanted != package_files(ROOT / "softlit"):
        raise BookError("softlit/ is not what the chapters export; run `make tangle`.")


def build():
    """Build the site; returns the exit code of Jupyter Book."""
    tool = Path(sys.executable).with_name("jupyter-book")
    code = subprocess.run([tool, "build", ".", "-W", "-n", "--keep-going"], cwd=ROOT).returncode
    if code:
        shutil.rmtree(ROOT / "_build" / ".doctrees", ignore_errors=True)
    return code


def main():
    try:
        check_tangled()
    except BookError as error:
        sys.exit(f"build: {error}")
    if code := build():
        sys.exit(code)
    print(f"\nThe book is built. Open {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
