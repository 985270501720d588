# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/03a-engine-room.ipynb, cell build-measured
"""What was measured once, and is only shown here: speed and accuracy."""

import json
from pathlib import Path

import softlit


def measured(name):
    """The machine and the rows of one file of results.

    The files are "ideas", "speed", "accuracy" and "streaming".
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


__all__ = [
    "measured",
]
