"""The author's loop: name new cells, tangle, run the named chapters in a fresh kernel, store their outputs.

    python -m literate.execute 02 08      (no number: all chapters)

A chapter that fails keeps what it had stored.
"""

import os
import subprocess
import sys
import time
import warnings

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from literate import cell_ids, install_cell, stored
from literate.chapters import ROOT, BookError, cells_of, plain_lines, read_book, short_number

# What Jupyter writes about the machine is left out, so that two machines store the same file.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def kernel_environment():
    """The environment of a kernel that imports this checkout's package, whatever else is installed.

    IPython gets a profile of the project's own: what a user runs at the start of each kernel stays out, and
    ipykernel does not warn that kernels on this machine talk to each other unencrypted.
    """
    profile = ROOT / "_build" / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text('get_config().IPKernelApp.log_level = "ERROR"\n')
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "IPYTHONDIR": str(profile.parent)}


def read(path):
    """A notebook as the book stores it, whichever editor wrote it: cells with ids, lines that end in \\n."""
    with warnings.catch_warnings(action="ignore"):  # of the ids that are missing
        notebook = nbformat.read(path, as_version=4)
    if notebook.nbformat_minor < 5:
        notebook = nbformat.v4.upgrade(notebook, from_version=4, from_minor=notebook.nbformat_minor)
    for cell in notebook.cells:
        cell.source = plain_lines(cell.source)
    return notebook


def prepare(notebook, name):
    """Write into a notebook what no author does: its first code cell, captions for the site, what ran."""
    install_cell.place(notebook)
    for raw, cell in zip(notebook.cells, cells_of(notebook, name), strict=True):
        stored.store(raw, cell)


def execute(path):
    """Run one notebook from top to bottom and store what it showed.

    Raises
    ------
    BookError
        If a cell cannot be read, fails, does not end, or ends the kernel; the file is left as it was.
    """
    notebook, started, name = read(path), [], f"{path.parent.name}/{path.name}"
    prepare(notebook, name)
    client = NotebookClient(
        notebook,
        kernel_name="python3",  # that of this environment, whatever kernel the notebook was written with
        timeout=600,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,  # how a kernel cuts up what is printed differs from run to run
        on_cell_start=lambda cell, cell_index: started.append(cell.id),
    )
    try:
        client.execute(env=kernel_environment())
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        where = f"{name}, cell {started[-1]}"
        raise BookError(f"{where}: stopped; the chapter is left as it was.\n{error}") from None
    notebook.metadata = nbformat.from_dict(METADATA)
    write(notebook, path)


def write(notebook, path):
    """Store a notebook whole or not at all."""
    scratch = path.with_suffix(".tmp")
    nbformat.write(notebook, scratch)
    scratch.replace(path)


def problems(book):
    """One sentence for each cell that did not run once, from top to bottom, without an error or a warning."""
    for chapter in book:
        in_order = True  # what follows one that is out of order is so, too
        for count, cell in enumerate(chapter.code_cells, start=1):
            if cell.execution_count is None:
                yield f"{cell.where}: saved without having run; use `make run`."
            elif cell.execution_count != count and in_order:
                yield f"{cell.where}: ran as number {cell.execution_count}, but is code cell {count}."
            in_order = in_order and cell.execution_count == count
            for output in cell.outputs:
                if output.output_type == "error":
                    yield f"{cell.where}: stored an error, {output.ename}."
                elif output.get("name") == "stderr":
                    yield f"{cell.where}: wrote to standard error."


def name_cells(path):
    """Store the ids of new cells, which the package and every message name, before anything is run."""
    notebook = read(path)
    before = [cell.id for cell in notebook.cells]
    cell_ids.give(notebook)
    if before != [cell.id for cell in notebook.cells]:
        write(notebook, path)


def choose(book, numbers):
    """The chapters of the given numbers, such as 7, 07 or 03a; all when none is given."""
    wanted = {short_number(number) for number in numbers}
    chosen = [chapter for chapter in book if not wanted or chapter.number in wanted]
    if unknown := wanted - {chapter.number for chapter in chosen}:
        raise BookError(f"no chapter has the number {', '.join(sorted(unknown))}.")
    return chosen


def main(numbers):
    try:
        run(numbers)
    except BookError as error:
        sys.exit(f"run: {error}")


def run(numbers):
    chapters = choose(read_book(), numbers)
    for chapter in chapters:
        name_cells(chapter.path)
    # A fresh process for the tangle: the chapters must import what is on disk now.
    if subprocess.run([sys.executable, "-m", "literate.tangle"], cwd=ROOT).returncode:
        sys.exit(1)
    for chapter in chapters:
        start = time.perf_counter()
        execute(chapter.path)
        print(f"run: {chapter.name} in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
