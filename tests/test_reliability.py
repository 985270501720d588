"""More data than memory, and workers that die: on a real cluster of processes on the loopback interface."""

import importlib
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster, wait
from hypothesis import given, settings
from hypothesis import strategies as st

import softlit
import softlit.dask
from benchmarks import streaming
from literate.chapters import ROOT
from softlit._extras import ZarrArray
from softlit.files import NpyFile, softmax_npy

LARGE = 60_000_000  # float32: 240 MB
# Of a worker. The process alone, with its libraries, takes about half of it; the rest has no room for the
# half of the file that a worker reads.
LIMIT = 200 * 2**20
PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes with one thread each, which are gone afterwards."""
    environment = {"PYTHONPATH": str(ROOT)}
    with dask.config.set({"distributed.nanny.pre-spawn-environ": environment, "temporary-directory": None}):
        cluster = LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=LIMIT,
        )
    try:
        yield cluster
    finally:
        children = psutil.Process().children(recursive=True)
        workers = [process for process in children if "spawn_main" in " ".join(process.cmdline())]
        assert len(workers) >= 2
        cluster.close(timeout=PATIENCE)
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert not alive


@pytest.fixture
def client(cluster):
    with Client(cluster, set_as_default=True, timeout=PATIENCE) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        yield client


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The large file, and its LogSumExp from a loop over its blocks in plain NumPy."""
    folder = tmp_path_factory.mktemp("large")
    path, rng, rows = folder / "large.npy", np.random.default_rng(6), 2**20
    pattern = 3 * rng.standard_normal(rows, dtype=np.float32)
    exponentials, total = np.exp(pattern.astype(np.float64)), np.longdouble(0)
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (LARGE,)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, LARGE, rows):
            block, e = (np.roll(x, start // rows * 977)[: LARGE - start] for x in (pattern, exponentials))
            block[0] = start / LARGE * 30  # the maximum grows along the file
            e[0] = np.exp(np.float64(block[0]))
            file.write(block.data)
            total += e.sum()
    yield path, float(np.log(total))
    path.unlink()


def slowly(block):
    time.sleep(0.02)
    return block


def pids(client):
    return {worker: name["pid"] for worker, name in client.run(_identity).items()}


def _identity():
    return {"pid": os.getpid()}


def test_two_processes_do_the_work(client):
    assert len(set(pids(client).values()) - {os.getpid()}) == 2
    x = da.random.default_rng(1).normal(size=(400, 500), chunks=(100, 100))
    np.testing.assert_allclose(
        softlit.dask.softmax(x, axis=0).compute(), softlit.softmax(x.compute(), axis=0), rtol=1e-13
    )


def test_the_lines_of_the_readme(client, tmp_path, monkeypatch):
    """Its lines for a cluster, with the address of this one."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```python\n(from distributed.*?)```", text, re.S)[1]
    lines = "\n".join(line for line in lines.splitlines() if line)
    assert lines.count("\n") == 3
    monkeypatch.chdir(tmp_path)
    x = 9 * np.random.default_rng(5).normal(size=(300, 70))
    np.save("logits.npy", x)
    # a worker has a directory of its own
    lines = lines.replace("scheduler-address:8786", client.scheduler.address)
    lines = lines.replace('"logits.npy"', f'"{tmp_path}/logits.npy"')
    *statements, last = lines.splitlines()
    names = {"softlit": softlit}
    exec("\n".join(statements), names)
    with names["client"]:
        assert eval(last, names) == softlit.SoftmaxState().update(x, None).logsumexp()


def test_a_file_far_larger_than_the_memory_of_a_worker(client, large):
    path, right = large
    assert path.stat().st_size > 1.1 * LIMIT
    before = set(pids(client).values())
    value = client.compute(softlit.dask.logsumexp(softlit.dask.open_array(path))).result(timeout=PATIENCE)
    assert value.dtype == np.float32 and value == np.float32(right)
    assert set(pids(client).values()) == before  # no worker was restarted for its memory


def anonymous_peak(way, path):
    """MiB of anonymous memory of the largest process: before it reads a file, and at most."""
    row = streaming.sample("file", way, LARGE, path)
    if "MiB" not in row:
        pytest.skip("this system does not tell of anonymous memory")
    return row["MiB before"], row["MiB"]


def test_the_memory_of_a_process(large):
    """A thread takes a piece of a file and a tile; the rest are the libraries."""
    path, _ = large
    before, peak = anonymous_peak("softlit.dask", path)
    assert peak <= before + 3 + 2 * dask.system.CPU_COUNT
    before, peak = anonymous_peak("softlit, a loop over blocks", path)
    assert peak <= before + 12
    before, peak = anonymous_peak("max then sum, chunks of dask", path)  # the negative control
    assert peak > before + 100


def test_the_memory_of_the_workers_of_a_cluster(client, large):
    path, _ = large
    workers = list(pids(client).values())
    client.run(importlib.import_module, "softlit.dask")
    with streaming.Watched(workers) as watched:
        client.compute(softlit.dask.logsumexp(softlit.dask.open_array(path))).result(timeout=PATIENCE)
    if watched.peak is None:
        pytest.skip("this system does not tell of anonymous memory")
    assert watched.peak <= watched.before + 12
    with streaming.Watched(workers) as watched:  # the negative control
        client.run(_take_memory)
    assert watched.peak > watched.before + 30


def _take_memory():
    taken = np.ones(2**23)
    time.sleep(0.1)  # to be seen
    return taken[0]


def test_a_worker_killed_in_the_middle(client, large):
    path, _ = large
    x = softlit.dask.open_array(path)[: LARGE // 2]
    expected = softlit.dask.logsumexp(x).compute(scheduler="threads")
    before = pids(client)
    future = client.compute(softlit.dask.logsumexp(x.map_blocks(slowly)))
    time.sleep(0.4)
    assert not future.done()
    victim = next(iter(before.values()))
    os.kill(victim, signal.SIGKILL)
    assert future.result(timeout=PATIENCE) == expected
    client.wait_for_workers(2, timeout=PATIENCE)
    assert victim not in pids(client).values()


def test_probabilities_of_a_file_whose_worker_was_killed(client):
    x = 9 * da.random.default_rng(2).normal(size=(400, 300), chunks=(40, 300))
    whole = x.compute(scheduler="threads")
    future = client.compute(softlit.dask.softmax(x.map_blocks(slowly), axis=0))
    time.sleep(0.1)
    os.kill(next(iter(pids(client).values())), signal.SIGKILL)
    np.testing.assert_allclose(future.result(timeout=PATIENCE), softlit.softmax(whole, axis=0), rtol=1e-13)


def test_a_truncated_file_is_named_with_what_is_missing(client, tmp_path):
    path = tmp_path / "short.npy"
    np.save(path, np.zeros(10**6))
    x = softlit.dask.open_array(path, chunks=10**5)
    with open(path, "rb+") as file:
        file.truncate(path.stat().st_size - 12345)  # after it was looked at
    future = client.compute(softlit.dask.logsumexp(x))
    wait(future, timeout=PATIENCE)
    with pytest.raises(ValueError, match=r"short\.npy is truncated: 12345 of 8000128 bytes are missing"):
        future.result()
    with pytest.raises(ValueError, match=r"short\.npy is truncated: 12345 of"):
        softlit.dask.open_array(path)


@pytest.mark.parametrize("axis", [0, -1, None])
def test_nothing_half_written_is_left(tmp_path, axis, monkeypatch):
    source, target = tmp_path / "x.npy", tmp_path / "p.npy"
    np.save(source, np.zeros((1000, 10)))
    reads = NpyFile.__getitem__

    def shrinking(self, at):  # the file loses its end when half of it has been read
        if at.start >= 500:
            os.truncate(source, source.stat().st_size - 1)
        return reads(self, at)

    monkeypatch.setattr(NpyFile, "__getitem__", shrinking)
    with pytest.raises(ValueError, match=r"x\.npy is truncated: \d+ of 80128 bytes are missing"):
        softmax_npy(source, target, axis, entries=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_an_older_result_outlives_a_failure(tmp_path):
    source, target = tmp_path / "x.npy", tmp_path / "p.npy"
    np.save(source, np.zeros((4, 10)))
    softmax_npy(source, target, 0)
    before = target.read_bytes()
    os.truncate(source, 200)
    with pytest.raises(ValueError, match="truncated"):
        softmax_npy(source, target, 0)
    assert target.read_bytes() == before and len(list(tmp_path.iterdir())) == 2


def test_files_that_are_none(tmp_path):
    path = tmp_path / "x.npy"
    for content in (b"", b"\x93NUMPY", b"PK\x03\x04 not at all an array"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.npy is no \.npy file of numbers"):
            NpyFile(path)
    kinds = (["a"], "<U1"), ([1j], "complex128"), ([None], "object"), (np.zeros(2, "f8,i4"), r"\[\('f0'")
    for values, told in kinds:
        np.save(path, np.asarray(values))
        with pytest.raises(TypeError, match=rf"x\.npy must hold real numbers, not values of dtype {told}"):
            NpyFile(path)
    with pytest.raises(FileNotFoundError):
        NpyFile(tmp_path / "nowhere.npy")
    with pytest.raises(IsADirectoryError):
        NpyFile(tmp_path)
    with open(path, "rb") as file, pytest.raises(TypeError, match="PathLike"):
        NpyFile(file)
    np.savez(tmp_path / "x.npz", x=np.zeros(3))
    for opened in (NpyFile, softlit.dask.open_array):
        with pytest.raises(ValueError, match=r"x\.npz is no \.npy file of numbers: .*archive.*unpack it"):
            opened(tmp_path / "x.npz")


def header_of(path, **changes):
    """Write a .npy file whose header lies."""
    header = {"descr": "<f8", "fortran_order": False, "shape": (3,)} | changes
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(24))


def test_headers_that_lie(tmp_path):
    path = tmp_path / "x.npy"
    header_of(path)
    assert NpyFile(path)[:].tolist() == [0, 0, 0]
    header_of(path, shape=(4,))
    with pytest.raises(ValueError, match=r"truncated: 8 of 160 bytes"):
        NpyFile(path)
    header_of(path, shape=(-3,))
    with pytest.raises(ValueError, match=r"its header says the shape \(-3,\)"):
        NpyFile(path)
    content = bytearray(path.read_bytes())
    content[6] = 9
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"its version \(9, 0\) is unknown"):
        NpyFile(path)
    rng = np.random.default_rng(1)
    header_of(path)
    whole = path.read_bytes()
    for _ in range(300):  # a byte of the header turned over: read, or refused in a sentence
        content = bytearray(whole)
        content[rng.integers(128)] = rng.integers(256)
        path.write_bytes(content)
        try:
            NpyFile(path)
        except (TypeError, ValueError) as error:
            assert str(error).startswith(str(path)), error


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f2", "?", "<i8", ">u2", "g"])
def test_versions_and_dtypes(tmp_path, version, dtype):
    x = np.random.default_rng(9).integers(0, 9, size=(5, 3)).astype(dtype)
    path, target = tmp_path / "x.npy", tmp_path / "p.npy"
    with open(path, "wb") as file:
        np.lib.format.write_array(file, x, version=version)
    file = NpyFile(path)
    assert (file.shape, file.dtype) == (x.shape, x.dtype) and file[1:].dtype == x.dtype
    np.testing.assert_array_equal(file[:], x)
    for axis in (0, 1):
        softmax_npy(str(path), str(target), axis, entries=4)
        wanted = softlit.softmax(x, axis)
        got = np.load(target)
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=8 * np.finfo(wanted.dtype).eps)


INDICES = [
    0, -1, 4, np.int8(2), np.array(1), ..., None, (), slice(None, None, -1), slice(3, 0, -1), slice(0, 5, 2),
    slice(-2, None), slice(9, 2, -3), slice(7, 9), (1, 2), (-1, -1, -1), (1, ..., 2), (..., -2),
    (..., None, 0),
    (slice(None), 2), (slice(None), slice(None), 1), (slice(1, 4), slice(2, None), slice(None, None, 2)),
    (slice(None, None, -2), None, slice(3, None, -1), 0), (0, 0, 0, ...), (slice(2, 2), 1), (None, 3, None),
]  # fmt: skip


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("gap", [0, 8, 100, 2**14])
def test_a_file_is_indexed_as_an_array(tmp_path, monkeypatch, order, gap):
    monkeypatch.setattr(softlit.files, "_GAP", gap)
    monkeypatch.setattr(softlit.files, "_PIECE", 200)
    x = np.asarray(np.arange(60.0).reshape(5, 4, 3), order=order)
    np.save(tmp_path / "x.npy", x)
    file = NpyFile(tmp_path / "x.npy")
    for at in INDICES:
        got = file[at]
        assert type(got) is type(x[at]) and np.shape(got) == np.shape(x[at]), at
        np.testing.assert_array_equal(got, x[at])
        np.testing.assert_array_equal(file.T.T[at], x[at])
    for at in (..., -1, (slice(None, None, -2), 1), (0, slice(1, 3), 4)):
        np.testing.assert_array_equal(file.T[at], x.T[at])
    np.testing.assert_array_equal(list(file), x)  # one entry of the first axis after the other
    assert pickle.loads(pickle.dumps(file))[1, 2, 0] == x[1, 2, 0]


def test_indices_that_are_none(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((5, 4)))
    file = NpyFile(tmp_path / "x.npy")
    for at in ([0, 2], np.array([True] * 5), True, np.True_, 1.0, "a", (0, [1]), np.arange(2)):
        with pytest.raises(TypeError, match=r"x\.npy is indexed by integers, slices, .* read a slice"):
            file[at]
    for at, told in ((5, "5 is out of range for axis 0 of size 5"), ((0, -5), "-5 is .* axis 1 of size 4")):
        with pytest.raises(IndexError, match=told):
            file[at]
    for at in ((0, 0, 0), (..., ...)):
        with pytest.raises(IndexError, match=r"too many for the shape \(5, 4\)"):
            file[at]


def test_numbers_without_an_axis_and_without_entries(tmp_path):
    source, target = tmp_path / "x.npy", tmp_path / "p.npy"
    np.save(source, 3.0)
    assert NpyFile(source)[()] == 3 == softlit.dask.open_array(source).compute()
    for function in (lambda: NpyFile(source).blocks(), lambda: softmax_npy(source, target)):
        with pytest.raises(ValueError, match=r"x\.npy holds one number without an axis"):
            function()
    for shape in ((0,), (0, 3), (3, 0), (2, 0, 4)):
        np.save(source, np.zeros(shape))
        for axis in (0, -1, None):
            softmax_npy(source, target, axis)
            assert np.load(target).shape == shape
        assert NpyFile(source)[:0].shape == (0, *shape[1:])
        assert sum(block.size for block in NpyFile(source).blocks()) == 0


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (2, 1), None])
@pytest.mark.parametrize("entries", [1, 7, 30, 200, 2**20])
def test_blocks_of_any_size(tmp_path, order, axis, entries):
    """Cut across rows, within rows, and within slices: the same file."""
    source, target = tmp_path / "x.npy", tmp_path / "p.npy"
    x = np.asarray(9 * np.random.default_rng(12).normal(size=(3, 5, 14)), order=order)
    x[0, 0, 0], x[1, 2, 3], x[2, 4] = np.inf, np.nan, -np.inf
    np.save(source, x)
    softmax_npy(source, target, axis, entries=entries)
    np.testing.assert_allclose(np.load(target), softlit.softmax(x, axis), rtol=12 * 2.3e-16)
    assert np.load(target).flags.f_contiguous == (order == "F")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are those of Linux")
@pytest.mark.parametrize("shape, axis", [((1, 4_000_000), -1), ((4_000_000, 1), 0), ((2, 2_000_000), 0)])
def test_rows_longer_than_the_memory(tmp_path, shape, axis):
    """A file of 32 MB in 25 MB more than the process has when it begins."""
    source, target = write_zeros(tmp_path, shape), tmp_path / "p.npy"
    run_python(f"{LIMITED}softmax_npy({str(source)!r}, {str(target)!r}, {axis}, entries=2**17)")
    p = np.load(target, mmap_mode="r")
    assert p.shape == shape and p[0, 0] == p[-1, -1] == (0.5 if shape[0] == 2 else 1 / 4_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are those of Linux")
def test_the_memory_has_no_room_for_a_whole_row(tmp_path):
    """The negative control: the file at once."""
    source = write_zeros(tmp_path, (1, 4_000_000))
    with pytest.raises(AssertionError, match="MemoryError"):
        run_python(f"{LIMITED}NpyFile({str(source)!r})[:]")


LIMITED = """
import psutil, resource
from softlit.files import NpyFile, softmax_npy
limit = psutil.Process().memory_info().vms + 25_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
"""


def write_zeros(folder, shape):
    """A file of zeros, 32 MB for four million."""
    path = folder / "x.npy"
    with open(path, "wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 8 * math.prod(shape))
    return path


def run_python(code):
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_long_row_is_cut_for_dask(tmp_path, monkeypatch):
    monkeypatch.setattr(softlit.dask, "_CHUNK", 1000)
    x = 5 * np.random.default_rng(8).normal(size=(2, 7000))
    for order, chunk in (("C", (1, 1000)), ("F", (2, 500))):
        np.save(tmp_path / "x.npy", np.asarray(x, order=order))
        y = softlit.dask.open_array(tmp_path / "x.npy")
        assert y.chunksize == chunk
        for axis in (0, 1):
            np.testing.assert_allclose(softlit.dask.logsumexp(y, axis).compute(), softlit.logsumexp(x, axis))


def test_the_result_may_take_the_place_of_the_source(tmp_path):
    path, x = tmp_path / "x.npy", np.random.default_rng(2).normal(size=(40, 3))
    np.save(path, x)
    softmax_npy(path, path, 0, entries=9)
    np.testing.assert_allclose(np.load(path), softlit.softmax(x, 0), rtol=3e-15)
    assert list(tmp_path.iterdir()) == [path]


def test_targets_that_cannot_be_written(tmp_path):
    source = tmp_path / "x.npy"
    np.save(source, np.zeros(1000))
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="folder"):
        softmax_npy(source, tmp_path / "folder")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        softmax_npy(source, tmp_path / "nowhere" / "p.npy")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "x.npy"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_full_disk_leaves_nothing_behind(tmp_path):
    """The limit on the size of files stands in for the end of the disk."""
    source, target = tmp_path / "x.npy", tmp_path / "p.npy"
    np.save(source, np.zeros(100_000))
    limited = (
        "import resource\nfrom softlit.files import softmax_npy\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000,) * 2)\n"
        f"softmax_npy({str(source)!r}, {str(target)!r}, 0, entries=1000)"
    )
    with pytest.raises(AssertionError, match=r"OSError: .*File too large"):
        run_python(limited)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
@pytest.mark.parametrize("umask, rights", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_rights_of_a_new_file(tmp_path, monkeypatch, umask, rights):
    """They are what the system gives; the umask, which all threads share, is not touched."""
    source, target = tmp_path / "x.npy", tmp_path / "p.npy"
    np.save(source, np.zeros(10))
    before = os.umask(umask)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "umask", None)
            softmax_npy(source, target)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == rights


@pytest.mark.parametrize("entries", [0, -1, 2.5, None])
def test_entries_that_are_no_number_of_entries(tmp_path, entries):
    np.save(tmp_path / "x.npy", np.zeros(10))
    kind = ValueError if isinstance(entries, int) else TypeError
    for function in (NpyFile(tmp_path / "x.npy").blocks, partial(softmax_npy, tmp_path / "x.npy", "p.npy")):
        with pytest.raises(kind, match="entries must be"):
            function(entries=entries)


def test_parts_of_a_file(tmp_path):
    x = np.arange(60.0).reshape(5, 4, 3)
    np.save(tmp_path / "x.npy", x)
    file = NpyFile(tmp_path / "x.npy")
    assert (file.shape, file.dtype, file.ndim) == (x.shape, x.dtype, 3)
    for at in (slice(1, 3), slice(None), slice(4, 2), slice(0, 5, 2)):
        np.testing.assert_array_equal(file[at], x[at])
    np.testing.assert_array_equal(file[1:4, 2:, ::2], x[1:4, 2:, ::2])
    blocks = file.blocks(24)
    for _ in range(2):
        np.testing.assert_array_equal(np.concatenate(list(blocks)), x)
    y = softlit.dask.open_array(tmp_path / "x.npy", chunks=(2, 4, 3))
    np.testing.assert_array_equal(y[::-1, 1].compute(), x[::-1, 1])


def test_the_bar_of_progress(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros(1000))
    assert sum(len(block) for block in NpyFile(tmp_path / "x.npy").blocks(250, progress=True)) == 1000
    shown = capsys.readouterr().err
    assert shown.count("\r") == 4 and "#####     " in shown and shown.endswith("100%\n")
    softmax_npy(tmp_path / "x.npy", tmp_path / "p.npy", entries=250, progress=True)
    shown = capsys.readouterr().err
    assert shown.count("\r") == 8 and shown.count("100%") == 1 and shown.endswith("100%\n")


@pytest.mark.parametrize("options", [{}, {"zarr_format": 2}, {"shards": (14, 30)}])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_zarr(tmp_path, options, kind):
    zarr = pytest.importorskip("zarr")
    x = np.random.default_rng(3).normal(size=(50, 30))
    path = tmp_path / "x.zarr"
    store = str(path) if kind == "folder" else zarr.storage.ZipStore(path, mode="w")
    array = zarr.create_array(store, shape=x.shape, chunks=(7, 30), dtype=x.dtype, **options)
    array[...] = x
    if kind == "zip":
        store.close()
    y = softlit.dask.open_array(path)
    assert isinstance(y, da.Array) and y.chunks[0][0] == 7
    np.testing.assert_allclose(softlit.dask.logsumexp(y, axis=0).compute(), softlit.logsumexp(x, axis=0))
    stored = pickle.loads(pickle.dumps(ZarrArray(str(path), None)))  # as it goes to a worker
    np.testing.assert_array_equal(stored[3:9, :4], x[3:9, :4])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_an_array_in_a_zarr_group(tmp_path, version, kind):
    zarr = pytest.importorskip("zarr")
    path, x = tmp_path / "g", np.arange(6.0)
    store = str(path) if kind == "folder" else zarr.storage.ZipStore(path, mode="w")
    group = zarr.create_group(store, zarr_format=version)
    group.create_array("logits", data=x)
    group.create_group("epoch").create_array("last", data=x[:2])
    if kind == "zip":
        store.close()
    with pytest.raises(ValueError, match=r"g is a Zarr group, .* arrays epoch/last, logits: name"):
        softlit.dask.open_array(path)
    for component, wanted in (("logits", x), ("epoch/last", x[:2])):
        np.testing.assert_array_equal(softlit.dask.open_array(path, component=component).compute(), wanted)
    if kind == "folder":
        np.testing.assert_array_equal(softlit.dask.open_array(path / "logits").compute(), x)
    with pytest.raises(ValueError, match=r"g is a Zarr group, .* arrays epoch/last: name"):
        softlit.dask.open_array(path, component="epoch/")
    with pytest.raises(ValueError, match="g, nothing: no Zarr array can be opened there"):
        softlit.dask.open_array(path, component="nothing")


def test_arrays_that_cannot_be_opened(tmp_path):
    zarr = pytest.importorskip("zarr")
    zarr.create_array(tmp_path / "c", shape=(3,), dtype=complex)
    with pytest.raises(TypeError, match="c must hold real numbers, not values of dtype complex128"):
        softlit.dask.open_array(tmp_path / "c")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        softlit.dask.open_array(tmp_path / "nowhere.zarr")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: no Zarr array can be opened there"):
        softlit.dask.open_array(tmp_path / "empty")
    (tmp_path / "text").write_text("text")
    with pytest.raises(ValueError, match=r"text is no \.npy file of numbers"):
        softlit.dask.open_array(tmp_path / "text")
    zarr.create_array(store := zarr.storage.ZipStore(tmp_path / "z.zip", mode="w"), data=np.zeros(3))
    store.close()
    (tmp_path / "z.zip").write_bytes((tmp_path / "z.zip").read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"z\.zip is no \.npy file of numbers: it is an archive"):
        softlit.dask.open_array(tmp_path / "z.zip")
    np.save(tmp_path / "x.npy", np.zeros(3))
    (tmp_path / "x.npy").rename(tmp_path / "X.NPY")  # a file is what it holds, whatever it is called
    assert softlit.dask.open_array(tmp_path / "X.NPY").shape == (3,)
    with pytest.raises(ValueError, match="no component 'x'"):
        softlit.dask.open_array(tmp_path / "X.NPY", component="x")


@pytest.mark.parametrize("options", [{}, {"zarr_format": 2}, {"compressors": None}, {"shards": (14, 30)}])
def test_a_damaged_chunk_of_a_zarr_array_is_named(tmp_path, options):
    zarr = pytest.importorskip("zarr")
    path, x = tmp_path / "logits.zarr", np.random.default_rng(3).normal(size=(50, 30))
    array = zarr.create_array(str(path), shape=x.shape, chunks=(7, 30), dtype=x.dtype, **options)
    array[...] = x
    place, first = (2, 28) if "shards" in options else (3, 21)
    chunk = f"{place}.0" if "zarr_format" in options else f"c/{place}/0"
    (path / chunk).write_bytes((path / chunk).read_bytes()[:-50])
    y = softlit.dask.open_array(path)
    np.testing.assert_array_equal(y[:21].compute(), x[:21])  # the others can be read
    named = re.escape(f"logits.zarr: the chunk {chunk} cannot be read: ")
    for part in (y, y[first + 1 : first + 3], y[first + 2], y[::-1, 4:]):
        with pytest.raises(ValueError, match=named):
            softlit.dask.logsumexp(part, axis=None).compute()


def test_a_file_is_read_in_large_tasks(tmp_path, monkeypatch):
    x = 5 * np.random.default_rng(8).normal(size=(700, 30))
    np.save(tmp_path / "x.npy", x)
    monkeypatch.setattr(softlit.dask, "_CHUNK", 1000)
    monkeypatch.setattr(softlit.dask, "_TASK", 9000)
    monkeypatch.setattr(softlit.dask, "_AT_ONCE", 700)
    y = softlit.dask.open_array(tmp_path / "x.npy")
    by_hand = softlit.dask.open_array(tmp_path / "x.npy", chunks=(33, 30))
    for axis in (0, None, (0, 1), 1):
        got = softlit.dask.logsumexp(y, axis)
        assert (len(got.dask) < len(softlit.dask.logsumexp(by_hand, axis).dask)) == (axis != 1)
        np.testing.assert_allclose(got.compute(), softlit.logsumexp(x, axis), rtol=1e-15)
        p = softlit.dask.softmax(y, axis)
        assert p.chunks == y.chunks
        np.testing.assert_allclose(p.compute(), softlit.softmax(x, axis), rtol=3e-15)
    os.truncate(tmp_path / "x.npy", 100_000)
    with pytest.raises(ValueError, match=r"x\.npy is truncated: 68128 of 168128 bytes are missing"):
        softlit.dask.logsumexp(y, 0).compute()


def test_an_array_opened_again_is_read_again(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(4))
    before = softlit.dask.open_array(path)
    np.save(path, np.ones(4))
    assert softlit.dask.open_array(path).name != before.name


@st.composite
def cut_in_chunks(draw):
    shape = draw(st.tuples(*[st.integers(1, 40)] * 2))
    cuts = [
        draw(st.lists(st.integers(1, size - 1), max_size=4, unique=True)) if size > 1 else []
        for size in shape
    ]
    chunks = tuple(
        tuple(np.diff([0, *sorted(cut), size]).tolist()) for cut, size in zip(cuts, shape, strict=True)
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return draw(st.sampled_from([1, 40, 1e5])) * rng.normal(size=shape), chunks


@settings(deadline=None, derandomize=True, max_examples=40)
@given(cut_in_chunks(), st.sampled_from([0, 1, None]))
def test_results_do_not_depend_on_the_chunks(drawn, axis):
    """LogSumExp within 1 ulp, or 2 eps below 1; probabilities within twice their 6 ulp."""
    x, chunks = drawn
    y = da.from_array(x, chunks=chunks)
    with dask.config.set(scheduler="synchronous"):
        got, p = softlit.dask.logsumexp(y, axis).compute(), softlit.dask.softmax(y, axis).compute()
    whole = softlit.SoftmaxState().update(x, axis)
    right = whole.logsumexp()
    assert (np.abs(got - right) <= np.maximum(np.spacing(np.abs(right)), 2 * np.finfo(float).eps)).all()
    np.testing.assert_allclose(p, whole.softmax(x, axis), rtol=12 * np.finfo(float).eps, atol=1e-300)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (1, 2), None])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
def test_shapes_and_dtypes_of_dask_arrays(axis, dtype):
    x = np.random.default_rng(4).integers(-9, 9, size=(6, 8, 10)).astype(dtype)
    y = da.from_array(x, chunks=(4, 3, 5))
    for name in ("softmax", "log_softmax", "logsumexp"):
        ours, theirs = getattr(softlit.dask, name)(y, axis), getattr(softlit, name)(x, axis)
        assert isinstance(ours, da.Array) and ours.shape == theirs.shape and ours.dtype == theirs.dtype
        with dask.config.set(scheduler="synchronous"):
            value = ours.compute()
        assert value.dtype == theirs.dtype
        eps = np.finfo(theirs.dtype).eps
        np.testing.assert_allclose(value, theirs, rtol=4 * eps, atol=4 * eps)
    kept = softlit.dask.logsumexp(y, axis, keepdims=True)
    assert kept.shape == softlit.logsumexp(x, axis, keepdims=True).shape == kept.compute().shape


def test_dask_arrays_at_the_edges():
    x = np.array([[1.0, np.inf, 2.0], [np.nan, 0.0, 1.0], [-np.inf] * 3, [np.inf, 5.0, np.inf]])
    y = da.from_array(x, chunks=(3, 1))
    for name in ("softmax", "logsumexp"):
        np.testing.assert_array_equal(
            getattr(softlit.dask, name)(y).compute(), getattr(softlit, name)(x), err_msg=name
        )
    with pytest.raises(TypeError, match="must hold real numbers, not values of dtype complex128"):
        softlit.dask.softmax(y.astype(complex))
    with pytest.raises(np.exceptions.AxisError):
        softlit.dask.logsumexp(y, axis=2)


BETAS = [0.3, 1, 0.0, -2.0, np.inf, -np.inf, np.nan, 1e300, -1e-320]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
@pytest.mark.parametrize("name, left_out", [("softmax", 0), ("log_softmax", -np.inf)])
def test_beta_and_where_of_dask_arrays(axis, name, left_out):
    """As the functions of NumPy have them, to some ulp: at infinities, NaN, ties and slices left out."""
    rng = np.random.default_rng(41)
    x = 5 * rng.normal(size=(3, 4, 5))
    x[0, 0, 0], x[0, 1, :2], x[1, 1], x[2, 2, 2] = np.inf, np.inf, -np.inf, np.nan
    mask = rng.random(x.shape) < 0.6
    mask[2, 0], mask[:, 3] = False, False
    ours, theirs = getattr(softlit.dask, name), getattr(softlit, name)
    for dtype, tolerance in ((np.float64, 1e-13), (np.float32, 2e-6)):
        y = da.from_array(x.astype(dtype), chunks=(2, 2, 4))
        for number, beta in enumerate(BETAS):
            where = (mask, None, da.from_array(mask, chunks=1), mask[1], mask[:, :1, :1])[number % 5]
            got = ours(y, axis, beta=beta, where=where)
            at_hand = None if where is None else np.asarray(where)
            wanted = theirs(x.astype(dtype), axis, beta=beta, where=at_hand)
            assert got.dtype == dtype and got.shape == wanted.shape
            with dask.config.set(scheduler="synchronous"):
                value = got.compute()
            assert value.dtype == dtype
            np.testing.assert_allclose(value, wanted, rtol=tolerance, atol=1e-37)
    alone = ours(da.from_array(x, chunks=2), axis, where=np.zeros(5, bool)).compute(scheduler="synchronous")
    assert (alone == left_out).all()


def test_where_of_the_logsumexp_of_dask_arrays():
    x = np.array([[1, 2, 3], [4, 5, 6]])
    mask = np.array([[True, False, True], [False] * 3])
    for y in (x, x.astype(np.float16), np.where(mask, x, np.nan)):
        got = softlit.dask.logsumexp(da.from_array(y, chunks=(1, 2)), where=mask).compute()
        np.testing.assert_array_equal(got, softlit.logsumexp(y, where=mask))
        assert got.dtype == softlit.logsumexp(y).dtype and got[1] == -np.inf


@pytest.mark.parametrize("dtype", [np.float16, np.int32, bool, np.longdouble])
def test_beta_and_where_of_other_dtypes(dtype):
    x = np.array([[0, 1, 1], [1, 0, 0]]).astype(dtype)
    y, mask = da.from_array(x, chunks=(1, 2)), np.array([True, False, True])
    for options in ({"beta": -2}, {"where": mask}, {"beta": np.float16([[3], [np.inf]]), "where": mask}):
        got, wanted = softlit.dask.softmax(y, **options), softlit.softmax(x, **options)
        assert got.dtype == got.compute().dtype == wanted.dtype
        np.testing.assert_allclose(got.compute(), wanted, rtol=4 * np.finfo(wanted.dtype).eps)


def test_dask_arrays_without_an_axis():
    for x in (3.0, da.from_array(np.float32(3))):
        for axis in (-1, 0, None):
            assert softlit.dask.softmax(x, axis, beta=2.0).compute() == 1
            assert softlit.dask.softmax(x, axis, where=False).compute() == 0
            assert softlit.dask.log_softmax(x, axis).shape == softlit.dask.logsumexp(x, axis).shape == ()
            assert softlit.dask.logsumexp(x, axis, keepdims=True).compute() == 3


def test_dask_arrays_whose_chunks_are_not_known():
    x = np.random.default_rng(43).normal(size=(20, 3))
    y = da.from_array(x, chunks=(6, 3))
    y, x = y[y[:, 0] > 0], x[x[:, 0] > 0]
    for axis in (0, 1):
        np.testing.assert_allclose(
            softlit.dask.softmax(y, axis).compute(), softlit.softmax(x, axis), rtol=3e-15
        )
    for options in ({"beta": 2.0}, {"where": True}):
        with pytest.raises(ValueError, match=r"x has chunks of unknown size: .*compute_chunk_sizes"):
            softlit.dask.softmax(y, **options)


def test_beta_of_many_slices():
    rng = np.random.default_rng(42)
    x, y = rng.normal(size=(2, 4, 6)), rng.normal(size=(4, 1))
    beta = rng.normal(size=(3, 1, 4, 1))
    for one in (y, da.from_array(y, chunks=1), beta):
        got = softlit.dask.softmax(da.from_array(x, chunks=(1, 3, 2)), beta=one)
        wanted = softlit.softmax(x, beta=np.asarray(one))
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got.compute(), wanted, rtol=1e-13)


def test_arguments_of_dask_that_do_not_fit():
    y = da.zeros((4, 6), chunks=2)
    for options, told in (
        ({"beta": np.ones(6)}, r"beta has shape \(6,\) and varies along axis \(1,\)"),
        ({"beta": np.ones(5)}, r"beta has shape \(5,\), which does not broadcast with \(4, 6\)"),
        ({"where": np.ones(5, bool)}, r"where has shape \(5,\), which does not broadcast .* \(4, 6\)"),
        ({"where": np.ones((2, 1, 1), bool)}, r"where has shape \(2, 1, 1\), which does not broadcast"),
        ({"axis": (0, 0)}, "repeated axis"),
    ):
        with pytest.raises(ValueError, match=told):
            softlit.dask.softmax(y, **options)
    for options, told in (
        ({"beta": 1j}, "beta must hold real numbers, not values of dtype complex128"),
        ({"where": np.ones(6)}, "where must hold bool, not values of dtype float64"),
        ({"where": da.ma.masked_equal(y, 0) > 0}, "where is a masked array"),
        ({"beta": np.ma.array([[1.0]], mask=True)}, "beta is a masked array"),
    ):
        with pytest.raises(TypeError, match=told):
            softlit.dask.log_softmax(y, **options)
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    for options in ({"where": [np.ma.array(np.ones(6, bool))]}, {"beta": np.ma.array(2.0)}):
        with pytest.raises(TypeError, match=f"{next(iter(options))} is a masked array"):
            softlit.dask.softmax(y, **options)
    for x in (da.ma.masked_equal(y, 1), masked, [masked], [[1.0, 2.0], masked]):
        for function in (softlit.dask.softmax, softlit.dask.log_softmax, softlit.dask.logsumexp):
            with pytest.raises(TypeError, match=r"x is a masked array, whose mask would be lost: .*where="):
                function(x)


def test_what_dask_makes_no_array_of():
    with pytest.raises(ValueError, match="x cannot be read as an array"):
        softlit.dask.softmax([[1.0], [1.0, 2.0]])
    for x in (None, np.array(["a"], object)):
        with pytest.raises(TypeError, match=r"x must hold real numbers, not values of dtype object$"):
            softlit.dask.softmax(x)
    y = da.zeros((2, 3), chunks=1)
    np.testing.assert_array_equal(softlit.dask.softmax([y[0], y[1]]), np.full((2, 3), 1 / 3))


WITHOUT_DASK = """
import sys
import softlit
assert "dask" not in sys.modules, "import softlit imports dask"
sys.modules["dask"] = None
try:
    import softlit.dask
except ImportError as error:
    print(error)
"""


def test_without_dask():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_DASK], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "softlit.dask needs dask: pip install 'softlit[dask]'"


def test_the_module_does_not_hide_dask():
    assert Path(softlit.dask.__file__).parent == Path(softlit.__file__).parent
    assert Path(dask.__file__).parent != Path(softlit.__file__).parent
