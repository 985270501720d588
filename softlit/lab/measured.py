# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-measured
"""What was measured once, and is only shown here: speed and accuracy."""

import json
from pathlib import Path

import softlit


def measured(name):
    """The machine and the rows of one file of results.

    The files are "accuracy", "compiled", "fast", "ideas", "losses",
    "scores", "speed" and "streaming".
    """
    package = Path(softlit.__file__).parent
    ours = package.parent / "benchmarks" / "results"
    folders = package / "lab" / "results", ours
    for folder in folders:
        path = folder / f"{name}.json"
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            return data["measured"], data["rows"]
    places = f"{folders[0]} or {folders[1]}"
    raise FileNotFoundError(f"there is no {name}.json in {places}")


# --- book/17a-compiled-kernels.ipynb, cell build-gains
def gains(rows, library, beside):
    """How many times less time a library takes than another one.

    By function, dtype, shape and family of logits.
    """
    seconds = {library: {}, beside: {}}
    for row in rows:
        if row.get("library") in seconds and "seconds" in row:
            case = row["function"], row["dtype"], tuple(row["shape"])
            seconds[row["library"]][*case, row["family"]] = row["seconds"]
    ours, others = seconds[library], seconds[beside]
    return {k: others[k] / ours[k] for k in ours if k in others}


__all__ = [
    "gains",
    "measured",
]
