"""What a reader can take home: the wheel of the package, the whole project, and the book on paper.

They stand in the folder `downloads/` of the site and are made while it is built; nothing of them is stored,
and two builds of one commit give the same bytes. The PDF takes LaTeX and minutes: it is offered where `make
pdf` has made it from the chapters as they are. A Sphinx extension, with a directive that links what is there.
"""

import os
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from literate.install_cell import DOWNLOADS, wheel, wheel_address
from literate.site.citation import commit_date

PDF = Path("_build", "softlit.pdf")  # of the project, as `make pdf` leaves it
FIRST_DAY = 315532800  # of the calendar of zip archives, in seconds: 1 January 1980


def version(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def offered(root):
    """The names of the files that a site offers, each with what it is; none if there is no package."""
    if not (root / "softlit" / "__init__.py").exists():
        return {}
    files = {
        wheel(version(root)): "the package, for pip",
        f"softlit-{version(root)}.zip": "the project: chapters, package and tests, for `make book`",
    }
    if is_current(root / PDF, root):
        files["softlit.pdf"] = "the book on paper"
    return files


def is_current(pdf, root):
    """Whether the PDF is there, and younger than all that it shows."""
    shown = [*(root / "book").rglob("*"), *(root / "literate").rglob("*.py"), root / "_config.yml"]
    return pdf.exists() and pdf.stat().st_mtime > max(path.stat().st_mtime for path in shown)


# --- The files


def project_files(root):
    """The project's own files, sorted: those that git knows; in a copy without git, all that nothing made."""
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
        paths = [root / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    else:
        paths = _below(root, {line.strip("/") for line in (root / ".gitignore").read_text().split()})
    return sorted(path for path in paths if path.is_file())


def _below(folder, made):
    for path in folder.iterdir():
        if path.name not in made:
            yield from _below(path, made) if path.is_dir() else [path]


def write_zip(target, root, seconds):
    """The project as an archive in a folder of its own, every file of one time."""
    top = Path(target.stem)
    when = time.gmtime(max(seconds, FIRST_DAY))[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in project_files(root):
            entry = zipfile.ZipInfo((top / path.relative_to(root)).as_posix(), when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every system: the permissions below are of its kind
            entry.external_attr = (0o755 if path.read_bytes().startswith(b"#!") else 0o644) << 16
            archive.writestr(entry, path.read_bytes())


def write_wheel(folder, root, seconds):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    times = os.environ | {"SOURCE_DATE_EPOCH": str(max(seconds, FIRST_DAY))}
    subprocess.run(command, cwd=root, env=times, check=True, capture_output=True)


def write(app, error):
    """Put the files into a finished site."""
    if error or app.builder.name != "html":
        return
    root, folder = Path(app.srcdir), Path(app.outdir) / DOWNLOADS
    shutil.rmtree(folder, ignore_errors=True)  # of another version, perhaps
    names = offered(root)
    if not names:
        return
    folder.mkdir()
    seconds = int(commit_date(root, "%ct") or FIRST_DAY)
    write_wheel(folder, root, seconds)
    write_zip(folder / f"softlit-{version(root)}.zip", root, seconds)
    if "softlit.pdf" in names:
        shutil.copyfile(root / PDF, folder / "softlit.pdf")


# --- On the pages


class Downloads(SphinxDirective):
    """``{downloads}``: the files as a list of links, and the line that installs the wheel.

    HTML, since the PDF is no place for links to files beside it; for pages in the folder of the chapters.
    """

    def run(self):
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "pyproject.toml"))
        names = offered(root)
        if not names:
            return []
        items = "".join(
            f'<li><a class="reference download internal" download href="../{DOWNLOADS}/{name}">{name}</a>, '
            f"{escape(what).replace('`make book`', '<code>make book</code>')}</li>"
            for name, what in names.items()
        )
        links = nodes.raw("", f'<ul class="downloads">{items}</ul>', format="html")
        line = nodes.literal_block(
            "", f"pip install {wheel_address(version(root), self.config.html_baseurl)}"
        )
        line["language"] = "console"
        return [links, line]


def setup(app):
    app.add_directive("downloads", Downloads)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
