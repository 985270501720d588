"""The whole book as PDF: `make pdf`, that is

    python -m literate.paper             (--packages: only say which Debian packages this machine lacks)

It prints the outputs that the chapters store, which the tests compare with what the cells give, so nothing
is executed. Sphinx writes LaTeX and XeLaTeX sets it.
"""

import os
import re
import shutil
import subprocess
import sys

from jupyter_book.sphinx import build_sphinx

from literate import execute, tangle
from literate.chapters import ROOT, BookError, read_book
from literate.site import citation

FOLDER = ROOT / "_build" / "pdf"
RESULT = ROOT / "_build" / "softlit.pdf"

# What a machine needs: a program or a file that TeX finds, and the package of Debian and Ubuntu that has it.
DOWNLOAD = 110  # megabytes, on Debian 12
PROGRAMS = {"xelatex": "texlive-xetex", "latexmk": "latexmk"}
FILES = {
    "adjustbox.sty": "texlive-latex-extra",
    "pzdr.tfm": "texlive-fonts-recommended",  # hyperref asks for it
    "lmroman10-regular.otf": "fonts-lmodern",
    "DejaVuSansMono.ttf": "fonts-dejavu-core",
}


def missing_packages():
    """The Debian packages without which the book cannot be set here."""
    missing = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if shutil.which("kpsewhich"):
        missing |= {package for file, package in FILES.items() if not found(file)}
    else:
        missing |= set(FILES.values())
    return sorted(missing)


def found(file):
    """Whether XeTeX finds a file: a style by kpsewhich, a font by that or by fontconfig."""
    if subprocess.run(["kpsewhich", file], capture_output=True).returncode == 0:
        return True
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":", "file"], capture_output=True, text=True).stdout
    return f"/{file}:" in listed


def write_latex():
    """Let Sphinx write LaTeX from the stored outputs, warnings being errors; returns the folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder = FOLDER / "latex"
    status = build_sphinx(
        str(ROOT),
        str(folder),
        path_config=str(ROOT / "_config.yml"),
        confoverrides={"nb_execution_mode": "off", "nitpicky": True, "latex_individualpages": False},
        noconfig=True,
        builder="latex",
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if status != 0:
        sys.exit("pdf: Sphinx could not write the LaTeX files; its warnings are above.")
    return folder


def typeset(folder):
    command = ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error"]
    run = subprocess.run(
        [*command, "softlit.tex"], cwd=folder, capture_output=True, text=True, errors="replace"
    )
    if run.returncode:
        errors = re.findall(r"^(?:!|\S+:\d+:) .*", run.stdout, re.M)
        sys.exit("\n".join(["pdf: XeLaTeX stopped.", *errors, f"The log is {folder / 'softlit.log'}."]))


def main(options=()):
    missing = missing_packages()
    if "--packages" in options:
        print("\n".join(missing))
        return
    if missing:
        packages = " ".join(missing)
        sys.exit(
            "pdf: this machine lacks XeLaTeX, or a part of it. On Debian and Ubuntu, install it by\n"
            f"  sudo apt-get install --no-install-recommends {packages}\n"
            f"(about {DOWNLOAD} MB to fetch). Elsewhere, TeX Live has everything."
        )
    try:
        book = read_book()
        problems = [*tangle.problems(book), *execute.problems(book)]
    except BookError as error:
        problems = [str(error)]
    if problems:
        sys.exit("\n".join(f"pdf: {problem}" for problem in problems))
    if not os.environ.get("SOURCE_DATE_EPOCH") and (time := citation.commit_date(ROOT, "%ct")):
        os.environ["SOURCE_DATE_EPOCH"] = time
    os.environ["FORCE_SOURCE_DATE"] = "1"  # TeX's own idea of today follows, too
    folder = write_latex()
    typeset(folder)
    (folder / "softlit.pdf").replace(RESULT)  # at once: there is never half a book
    print(f"\nThe book is in {RESULT}")


if __name__ == "__main__":
    main(sys.argv[1:])
