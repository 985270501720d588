"""The author's loop: tangle, run the named chapters in a fresh kernel, store their outputs.

    python -m literate.run 02 08      (no number: all chapters)

A chapter that fails is left as it was on disk.
"""

import os
import subprocess
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from literate import running
from literate.chapters import ROOT, BookError, read_book

# What Jupyter writes about the machine is left out, so that two machines store the same file.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def kernel_environment():
    """The environment of a kernel that imports this checkout's package, whatever else is installed."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def execute(path):
    """Run one notebook from top to bottom and store what it showed."""
    notebook = nbformat.read(path, as_version=4)
    running.place(notebook)
    client = NotebookClient(
        notebook,
        timeout=600,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,  # how a kernel cuts up what is printed differs from run to run
    )
    client.execute(env=kernel_environment())
    notebook.metadata = nbformat.from_dict(METADATA)
    scratch = path.with_suffix(".tmp")
    nbformat.write(notebook, scratch)
    scratch.replace(path)


def choose(book, numbers):
    """The chapters whose file names begin with the given numbers; all when none is given."""
    chosen = [chapter for chapter in book if not numbers or chapter.slug.split("-")[0] in numbers]
    if unknown := set(numbers) - {chapter.slug.split("-")[0] for chapter in chosen}:
        raise BookError(f"no chapter has the number {', '.join(sorted(unknown))}.")
    return chosen


def main(numbers):
    # A fresh process for the tangle: the chapters must import what is on disk now.
    if subprocess.run([sys.executable, "-m", "literate.tangle"], cwd=ROOT).returncode:
        sys.exit(1)
    try:
        chapters = choose(read_book(), numbers)
    except BookError as error:
        sys.exit(f"run: {error}")
    for chapter in chapters:
        start = time.perf_counter()
        try:
            execute(chapter.path)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            sys.exit(f"run: {chapter.name} stopped, and is unchanged.\n{error}")
        print(f"run: {chapter.name} in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
