"""The site with the newest release of everything below it: `make newest`, which a weekly job runs.

Jupyter Book 1 holds Sphinx at a version of 2024, and a Python that it does not run on will come. For the site
it does no more than to make Sphinx's settings from _config.yml: here they go to the newest Sphinx, theme and
extensions, in an environment of their own in `_build/newest/`. What breaks there has time to be mended.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import requires
from pathlib import Path

import yaml

from literate.chapters import ROOT
from literate.execute import kernel_environment
from literate.site.downloads import project_files

FOLDER = ROOT / "_build" / "newest"
# Sphinx extensions that configure Jupyter Book, or that it adds by itself and the book does not use.
ITS_OWN = {"jupyter-book", "sphinx-comments", "sphinx-jupyterbook-latex", "sphinx-multitoc-numbering"}


def without_version(requirement):
    return re.match(r"[\w.-]+(\[[^\]]*\])?", requirement)[0]


def packages():
    """What the book needs; in place of Jupyter Book, Sphinx and those of its extensions that are used."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    used = {re.sub(r"[_.]", "-", name) for name in settings["extensions"]} - ITS_OWN | {"sphinx"}
    brought = {without_version(line) for line in requires("jupyter-book") if "extra ==" not in line}
    ours = {
        without_version(line)
        for line in [*project["dependencies"], *project["optional-dependencies"]["book"]]
    }
    return sorted(ours - {"jupyter-book"} | used & brought)


def copy_project(folder):
    """The project's files, with the conf.py that Jupyter Book writes for those who do without it."""
    for path in project_files(ROOT):
        goal = folder / path.relative_to(ROOT)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)
    tool = Path(sys.executable).with_name("jupyter-book")
    subprocess.run([tool, "config", "sphinx", "."], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    own = sorted(name.replace("-", "_") for name in ITS_OWN)
    with (folder / "conf.py").open("a", encoding="utf-8") as settings:
        settings.write(f"extensions = [name for name in extensions if name not in {own}]\n")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    project = FOLDER / "project"
    copy_project(project)
    venv.create(FOLDER / "venv", with_pip=True)
    programs = FOLDER / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = [programs / "python", "-m"]
    subprocess.run([*python, "pip", "install", "--quiet", *packages()], check=True)
    subprocess.run([*python, "pip", "list"], check=True)
    paths = {"PYTHONPATH": str(project), "PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
    build = [*python, "sphinx", "-W", "-n", "--keep-going", "-q", project, FOLDER / "html"]
    sys.exit(subprocess.run(build, cwd=project, env=kernel_environment() | paths).returncode)


if __name__ == "__main__":
    main()
