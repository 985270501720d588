"""Streams, files and attention: time and memory beside what a NumPy or dask user would write.

Every sample is taken in a fresh process, so that its memory is its own; the ways take turns.

    python -m benchmarks.streaming CASE WAY SIZE [FILE]     # one sample, as JSON
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import timeit
import tracemalloc
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.results import digits

FILE_SIZE, QUICK_FILE_SIZE = 200_000_000, 2_000_000
LENGTHS = [10**k for k in range(6, 10)]
SAMPLES = {"file": 5, "length": 2, "order": 1}  # and five of attention
ROOT = Path(__file__).resolve().parent.parent


def anonymous(process="self"):
    """MiB of memory that belongs to a process alone, or None where the system does not tell."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        return int(status.split("RssAnon:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return None


class Watched:
    """Seconds, and the most anonymous memory of a process, of what runs inside.

    The memory is looked at every two milliseconds; of several processes the largest counts.
    """

    def __init__(self, processes=("self",)):
        self.processes = processes

    def largest(self):
        sizes = [anonymous(process) for process in self.processes]
        return None if None in sizes else max(sizes)

    def __enter__(self):
        self.before = self.peak = self.largest()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        self.start = time.perf_counter()
        return self

    def look(self):
        while self.peak is not None and not self.over.wait(0.002):
            self.peak = max(self.peak, self.largest() or 0)

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.start
        self.over.set()
        self.thread.join()

    def row(self, **more):
        memory = {} if self.peak is None else {"MiB before": digits(self.before), "MiB": digits(self.peak)}
        return {"seconds": digits(self.seconds), **memory, **more}


def _max_then_sum(x):
    import dask.array as da

    top = x.max()
    return top + da.log(da.exp(x - top).sum())


def _on_a_cluster(path):
    """LogSumExp of a file on two worker processes of one thread each; the memory is that of a worker."""
    from distributed import Client, LocalCluster

    import softlit.dask

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    with cluster, Client(cluster) as client:
        client.run(import_module, "softlit.dask")
        with Watched(list(client.run(os.getpid).values())) as watched:
            value = softlit.dask.logsumexp(softlit.dask.open_array(path)).compute()
    return watched.row(value=float(value))


def read_file(way, size, path):
    """LogSumExp of a file of float32; or only reading it, the physical limit."""
    if way == "reading alone":
        buffer = np.empty(2**21, np.float32)
        with Watched() as watched, open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
        return watched.row()
    if way == "softlit, a loop over blocks":
        from softlit import SoftmaxState
        from softlit.files import NpyFile

        with Watched() as watched:
            state = SoftmaxState()
            for block in NpyFile(path).blocks():
                state = state.update(block)
            value = state.logsumexp()
        return watched.row(value=float(value))
    if way == "softlit.dask, two processes":
        return _on_a_cluster(path)
    import dask.array as da

    import softlit.dask

    da.zeros(1).compute(scheduler="threads")  # dask imports its cluster part at the first computation
    with Watched() as watched:  # from the path to the number
        if way == "softlit.dask":
            graph = softlit.dask.logsumexp(softlit.dask.open_array(path))
        elif way == "max then sum, chunks of dask":
            graph = _max_then_sum(da.from_array(np.load(path, mmap_mode="r")))
        else:
            graph = _max_then_sum(softlit.dask.open_array(path))
        value = graph.compute(scheduler="threads")
    return watched.row(value=float(value))


def _generated(block_info):
    ((start, stop),) = block_info[None]["array-location"]
    return np.random.default_rng(start).standard_normal(stop - start, dtype=np.float32)


def grow(way, size, path):
    """Numbers that are drawn chunk by chunk, and never held together."""
    import dask.array as da

    import softlit.dask

    chunks = ((2**20,) * (size // 2**20) + ((size % 2**20,) if size % 2**20 else ()),)
    x = da.map_blocks(_generated, chunks=chunks, dtype=np.float32, meta=np.empty(0, np.float32))
    graph = softlit.dask.logsumexp(x) if way == "logsumexp" else x.sum()
    graph.compute(scheduler="threads") if size <= 10**7 else None  # the first call imports and compiles
    with Watched() as watched:
        graph.compute(scheduler="threads")
    return watched.row()


def attend(dtype, scale, way, size, path):
    """Attention of 4 heads with 64 dimensions: the time, and the most memory that NumPy allocates.

    The scores have the given scale, and about 4.5 times it as their largest.
    """
    import softlit

    def plain(q, k, v):
        scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.dtype.type(64))
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return scores @ v

    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=(4, size, 64)).astype(dtype) for _ in "qkv")
    q *= q.dtype.type(scale)
    function = plain if way == "plain" else softlit.attention
    function(q[:, :64], k[:, :64], v[:, :64])
    seconds = min(timeit.repeat(lambda: function(q, k, v), number=1, repeat=3))
    tracemalloc.start()
    function(q, k, v)
    extra = tracemalloc.get_traced_memory()[1] / 2**20 - v.nbytes / 2**20  # the result is no extra
    return {"seconds": digits(seconds), "MiB": digits(extra)}


def merge_orders(way, size, path):
    """Error in ulps of LogSumExp of normal logits in blocks of 100."""
    from softlit import SoftmaxState, textbook

    worst = 0
    for seed in range(3):
        x = 3 * np.random.default_rng(seed).normal(size=size)
        whole = np.zeros(2, np.longdouble)
        for part in x.reshape(10, -1):  # whole numbers and fractions apart: the first sum is exact
            e = np.exp(part.astype(np.longdouble))
            whole += [np.floor(e).sum(), (e - np.floor(e)).sum()]
        exactly = np.log(whole.sum())
        blocks = x.reshape(-1, 100)
        if way == "np.logaddexp.reduce":
            value = np.logaddexp.reduce(x)
        elif way == "softlit, in pairs":
            value = SoftmaxState().update(blocks).merged().logsumexp()
        elif way == "softlit, one after the other":
            state = SoftmaxState()
            for block in blocks:
                state = state.update(block)
            value = state.logsumexp()
        else:
            tops = blocks.max(axis=1)
            states = tops, np.exp(blocks - tops[:, None]).sum(axis=1)
            if way == "textbook, one after the other":
                merged = states[0][0], states[1][0]
                for state in zip(*(part[1:] for part in states), strict=True):
                    merged = textbook.merge_states(merged, state)
            else:
                while (n := len(states[0])) > 1:
                    even, odd = ([part[k : n - n % 2 : 2] for part in states] for k in (0, 1))
                    pairs = textbook.merge_states(even, odd)
                    states = [np.append(a, b[n - n % 2 :]) for a, b in zip(pairs, states, strict=True)]
                merged = states[0][0], states[1][0]
            value = merged[0] + np.log(merged[1])
        worst = max(worst, float(abs(value - exactly) / np.spacing(value)))
    return {"ulp": digits(worst)}


ATTENTION = {
    f"attention, {dtype}{', wide scores' if scale > 1 else ''}": partial(attend, dtype, scale)
    for dtype in ("float32", "float64")
    for scale in (1, 10)
}
CASES = {  # ratios of times are to the first way
    "file": (
        read_file,
        [
            "max then sum, chunks of dask",
            "max then sum, softlit's reader",
            "softlit.dask",
            "softlit.dask, two processes",
            "softlit, a loop over blocks",
            "reading alone",
        ],
    ),
    "length": (grow, ["drawing and adding", "logsumexp"]),
    **{case: (function, ["plain", "softlit"]) for case, function in ATTENTION.items()},
    "order": (
        merge_orders,
        [
            "softlit, in pairs",
            "softlit, one after the other",
            "textbook, in pairs",
            "textbook, one after the other",
            "np.logaddexp.reduce",
        ],
    ),
}


def sample(case, way, size, path=""):
    """One sample in a fresh process, on the cores of this one."""
    command = [sys.executable, "-m", "benchmarks.streaming", case, way, str(size), str(path)]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return json.loads(run.stdout)


def _row(samples, others):
    """The least of the times, the median of their ratios to others of the same turn, the most memory."""
    row = dict(samples[0])
    if "seconds" in row:
        row["seconds"] = min(sample["seconds"] for sample in samples)
        turns = zip(samples, others, strict=True)
        row["ratio"] = digits(np.median([sample["seconds"] / other["seconds"] for sample, other in turns]))
    if "MiB" in row:
        row["MiB"] = max(sample["MiB"] for sample in samples)
    return row


def _write_file(path, size):
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (size,)})
        for start in range(0, size, 2**22):
            file.write((3 * rng.standard_normal(min(2**22, size - start), dtype=np.float32)).data)


def measure(libraries, say, quick=False):
    """A row for each case, way and size."""
    sizes = {
        "file": [QUICK_FILE_SIZE if quick else FILE_SIZE],
        "length": LENGTHS[:1] if quick else LENGTHS,
        **{case: [256 if quick else 4096] for case in ATTENTION},
        "order": [10**5 if quick else 10**7],
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "logits.npy")
        _write_file(path, sizes["file"][0])
        for case, (_, ways) in CASES.items():
            for size in sizes[case]:
                say(f"streaming: {case}, {size}")
                rounds = 1 if quick else SAMPLES.get(case, 5)
                taken = {way: [] for way in ways}
                for _ in range(rounds):
                    for way in ways:
                        taken[way].append(sample(case, way, size, path))
                rows += [
                    {"case": case, "way": way, "size": size, **_row(samples, taken[ways[0]])}
                    for way, samples in taken.items()
                ]
    return rows


if __name__ == "__main__":
    case, way, size, path = sys.argv[1:]
    print(json.dumps(CASES[case][0](way, int(size), path)))
