"""The benchmarks measure what they say, and the committed results are whole."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import accuracy, cases, compiled, fast, peers, results, scores, speed, streaming
from literate.chapters import ROOT
from softlit.lab.measured import measured

KEYS = {
    "speed": ["function", "shape", "axis", "dtype", "family", "library", "seconds", "ratio"],
    "accuracy": ["function", "rows", "entries", "dtype", "family", "library", "ulp"],
}


@pytest.mark.parametrize("name", KEYS)
def test_committed_results_are_whole(name):
    """Every input that would be measured now, for every library: a quick run is not committed by mistake."""
    measured, rows = results.load(results.FOLDER / f"{name}.json")
    assert {"date", "processor", "cores", "caches", "system", "python", "libraries"} <= set(measured)
    assert set(measured["libraries"]) == {*peers.INSTALL, "numpy"} - {"textbook"}
    assert all(list(row) == KEYS[name] for row in rows)
    if name == "speed":
        inputs = [(list(shape), axis, dtype, family) for shape, axis, dtype, family, _ in cases.timed()]
        got = [(row["shape"], row["axis"], row["dtype"], row["family"]) for row in rows]
    else:
        inputs = [(dtype, family) for dtype in cases.DTYPES for family, *_ in cases.measured(dtype)]
        got = [(row["dtype"], row["family"]) for row in rows]
    assert len(rows) == len(inputs) * len(peers.FUNCTIONS) * len(peers.INSTALL)
    assert all(wanted in got for wanted in inputs)
    assert "/" not in json.dumps(measured)  # no path of a machine


def test_committed_results_of_kernels_are_whole():
    measured, rows = results.load(results.FOLDER / "fast.json")
    assert {"numba", "torch", "jax"} <= set(measured["libraries"]) and measured["pinned to one core"]
    times, errors = ([row for row in rows if key in row] for key in ("seconds", "ulp"))
    got = [(tuple(row["shape"]), row["dtype"], row["family"]) for row in times]
    for shape, dtype, family, _ in fast.inputs():
        assert got.count((shape, dtype, family)) == len(peers.FUNCTIONS) * (len(fast.LIBRARIES) + 1)
    families = {
        (dtype, family)
        for dtype in cases.DTYPES
        for family, _, entries, _ in cases.measured(dtype)
        if entries <= fast.LONGEST
    }
    assert {(row["dtype"], row["family"]) for row in errors} == families
    assert len(times) + len(errors) == len(rows)


def test_committed_results_of_streams_are_whole():
    measured, rows = results.load(results.FOLDER / "streaming.json")
    assert measured["pinned to one core"] is False
    sizes = {
        "file": [streaming.FILE_SIZE],
        "length": streaming.LENGTHS,
        **{case: [4096] for case in streaming.ATTENTION},
        "order": [10**7],
    }
    wanted = [
        (case, way, size)
        for case, (_, ways) in streaming.CASES.items()
        for size in sizes[case]
        for way in ways
    ]
    assert [(row["case"], row["way"], row["size"]) for row in rows] == wanted


def test_committed_results_of_compiled_loops_are_whole():
    pytest.importorskip("numba")
    measured, rows = results.load(results.FOLDER / "compiled.json")
    assert "numba" in measured["libraries"]
    wanted = [(idea, dtype) for idea, *_ in compiled.loops() for dtype in cases.DTYPES]
    assert [(row["idea"], row["dtype"]) for row in rows] == wanted


def test_an_idea_of_a_compiled_loop_does_not_change_what_it_computes():
    pytest.importorskip("numba")
    x = np.random.default_rng(0).normal(size=128).astype(np.float32)
    for idea, *ways in compiled.loops():
        without, with_it = (np.zeros_like(x) for _ in ways)
        for way, out in zip(ways, (without, with_it), strict=True):
            way(x, out, 64)
        assert np.any(without), idea
        np.testing.assert_allclose(with_it, without, rtol=2e-6, atol=1e-6, err_msg=idea)


def test_the_book_shows_the_committed_results():
    assert measured("speed") == results.load(results.FOLDER / "speed.json")
    with pytest.raises(FileNotFoundError, match=r"there is no nothing\.json in "):
        measured("nothing")


def test_samples_of_streams_are_taken_in_processes_of_their_own(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(1000, np.float32))
    for way in ("softlit.dask", "softlit.dask, two processes", "max then sum, chunks of dask"):
        row = streaming.sample("file", way, 1000, path)
        assert row["value"] == pytest.approx(np.log(1000), rel=1e-6) and row["seconds"] > 0
        assert row["MiB"] >= row["MiB before"] > 5
    plain, ours = (streaming.sample("attention, float64", way, 2048)["MiB"] for way in ("plain", "softlit"))
    assert plain > 100 and ours < plain / 5
    with pytest.raises(RuntimeError, match="No such file"):
        streaming.sample("file", "reading alone", 1000, tmp_path / "nowhere.npy")


@pytest.mark.skipif(len(speed.CORES) < 2, reason="needs two cores, which this machine does not tell of")
def test_streams_are_measured_on_all_cores():
    run = subprocess.run(
        [sys.executable, "-c", ALL_CORES_AGAIN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["1", str(len(speed.CORES))]


ALL_CORES_AGAIN = """
import subprocess, sys
from benchmarks import speed

for one in (True, False):
    assert speed.pin(one) is one
    subprocess.run([sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"], check=True)
"""


def test_a_row_of_a_stream_has_the_median_ratio_of_its_turns():
    ours = [{"seconds": s, "MiB": m} for s, m in ((2.0, 5), (9.0, 7), (3.0, 6))]
    others = [{"seconds": s, "MiB": 1} for s in (4.0, 9.0, 4.0)]
    assert streaming._row(ours, others) == {"seconds": 2.0, "MiB": 7, "ratio": 0.75}


def test_results_come_back_and_are_one_row_a_line(tmp_path):
    rows = [{"library": "a", "ulp": 0.5}, {"library": "b", "ulp": results.digits(np.inf)}]
    results.save(tmp_path / "new" / "x.json", {"date": "today"}, rows)
    assert results.load(tmp_path / "new" / "x.json") == ({"date": "today"}, rows)
    assert '\n    {"library": "b", "ulp": "inf"}\n' in (tmp_path / "new" / "x.json").read_text()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]


def test_an_interrupted_run_leaves_the_old_results(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    results.save(tmp_path / "x.json", {}, [{"old": 1}])
    monkeypatch.setattr(results.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        results.save(tmp_path / "x.json", {}, [{"new": 1}])
    assert results.load(tmp_path / "x.json")[1] == [{"old": 1}]
    assert len(list(tmp_path.iterdir())) == 1


def test_tables():
    shared = {"function": "softmax", "shape": [10], "axis": 0, "dtype": "float32", "family": "3 normal"}
    rows = [shared | {"library": "softlit", "ratio": 0.5}, shared | {"library": "scipy", "ratio": 1e12}]
    header, lines = results.table(results.select(rows, dtype="float32"), "ratio")
    assert header == ["input", "dtype", "softlit", "scipy"]
    assert lines == [["(10,), axis 0", "float32", 0.5, 1e12]]
    assert results.markdown(header, lines).splitlines()[2] == "| (10,), axis 0 | float32 | 0.5 | 1e+12 |"


def test_known_errors_are_measured():
    """The textbook loses log_softmax of [t, 0] for a large t, and SciPy the digits of x - max."""
    textbook = {"textbook": peers.load("textbook"), "scipy": peers.load("scipy")}
    rows = accuracy.measure(textbook, lambda text: None, quick=True)
    (lost,) = results.select(
        rows, function="log_softmax", family="leader: [t, 0]", dtype="float64", library="textbook"
    )
    assert lost["ulp"] > 1e15
    (off,) = results.select(
        rows, function="softmax", family="pairs, 10 normal", dtype="float64", library="scipy"
    )
    assert 5 < off["ulp"] < 100


def test_committed_scores_are_whole_and_those_of_softlit_true_today(monkeypatch):
    def absent():
        raise ImportError

    _, kept = results.load(results.FOLDER / "scores.json")
    asked = [
        (name, case, kind) for name in scores.LIBRARIES for case in scores.CASES for kind in scores.LABELS
    ]
    assert [(row["library"], row["case"], row["label"]) for row in kept] == asked
    monkeypatch.setattr(scores, "LIBRARIES", {"softlit": scores.LIBRARIES["softlit"], "pytest": absent})
    told = []
    for now, row in zip(scores.measure({}, told.append), kept, strict=False):  # softlit's come first
        assert now | {"version": row["version"]} == row
    assert told[-1] == "pytest is not installed and is not measured"


def test_timing_tells_slow_from_fast():
    x = np.zeros(100_000)
    slow, fast = speed.interleaved([lambda: np.exp(x), lambda: None], rounds=5, budget=0.1)
    assert fast < slow / 10


ONE_SMALL_RUN = """
import runpy, sys
from benchmarks import cases, peers

def absent():
    raise ImportError

peers._torch = peers._jax = absent
cases.SHAPES[:] = [((10,), -1)]
sys.argv = ["benchmarks", "--quick", "--only", "speed", "--to", sys.argv[1]]
runpy.run_module("benchmarks", run_name="__main__")
"""


def test_a_missing_peer_is_named_with_its_command(tmp_path):
    """One run, in a process of its own, since it pins itself to one core."""
    command = [sys.executable, "-c", ONE_SMALL_RUN, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for name in ("torch", "jax"):
        assert f"{name} is not installed and is not measured; to add it: " in run.stderr
        assert f" -m {peers.INSTALL[name]}\n" in run.stderr
    assert "softmax: time, SciPy's = 1" in run.stdout
    _, rows = results.load(tmp_path / "speed.json")
    assert {row["library"] for row in rows} == {"softlit", "scipy", "textbook"}
