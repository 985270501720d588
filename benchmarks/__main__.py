"""`python -m benchmarks`, also `make bench`: measure, and write the results."""

import argparse
import datetime
import os
import platform
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks import accuracy, compiled, fast, ideas, losses, peers, results, scores, speed, streaming

PARTS = {
    "accuracy": accuracy,
    "speed": speed,
    "fast": fast,
    "ideas": ideas,
    "compiled": compiled,
    "losses": losses,
    "scores": scores,
    "streaming": streaming,
}
SCRATCH = Path("_build") / "benchmarks"  # where a quick run goes, which is no result to keep


def options():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=peers.__doc__)
    parser.add_argument("--quick", action="store_true", help=f"small inputs, few rounds; into {SCRATCH}")
    parser.add_argument("--only", choices=PARTS, help="measure one of them")
    parser.add_argument("--to", type=Path, help="the folder to write to")
    return parser.parse_args()


def processor():
    """The model of the processor and its caches, as far as the system tells."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    caches = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        caches[f"L{level} {kind.lower()}"] = size
    return model, caches


def measured_on(names, pinned):
    model, caches = processor()
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": model,
        "cores": os.cpu_count(),
        "caches": caches,
        "system": f"{platform.system()} {platform.machine()}",
        "pinned to one core": pinned,
        "python": platform.python_version(),
        "libraries": {"numpy": np.__version__} | peers.versions(names),
    }


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def main():
    chosen = options()
    folder = chosen.to or (SCRATCH if chosen.quick else results.FOLDER)
    speed.pin()  # before the libraries are imported and count the cores
    libraries, missing = peers.load_all()
    for name in missing:
        command = f"{sys.executable} -m {peers.INSTALL[name]}"
        say(f"{name} is not installed and is not measured; to add it: {command}")
    for name, module in PARTS.items():
        packages = getattr(module, "PACKAGES", ())
        if absent := [package for package in packages if find_spec(package) is None]:
            say(f"{name} is not measured without {absent[0]}: pip install 'softlit[fast]'")
        elif chosen.only in (None, name):
            pinned = speed.pin(one=name != "streaming")  # whose samples are processes of their own
            rows = module.measure(libraries, say, chosen.quick)
            results.save(folder / f"{name}.json", measured_on([*libraries, *packages], pinned), rows)
            report(name, rows)
            say(f"written: {folder / name}.json")


def report(name, rows):
    """The rows as tables, to look at."""
    if name not in ("accuracy", "speed"):
        for row in rows:
            print("  ".join(str(cell) for cell in row.values()))
        return
    value, unit = {"accuracy": ("ulp", "largest error in ulp"), "speed": ("ratio", "time, SciPy's = 1")}[name]
    for function in peers.FUNCTIONS:
        print(f"\n{function}: {unit}\n")
        print(results.markdown(*results.table(results.select(rows, function=function), value)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nbenchmarks: interrupted; what was not finished is not written")
