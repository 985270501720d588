"""softlit.fast: what Numba does on disk, at the first call, in threads and forks; what its kernels compute.

What softlit's own functions pass, the contract, the laws and SciPy's suite, is asked of them in
test_contract.py and test_fast_again.py. Processes of their own work on a copy of the package, so that each
finds the cache that its test wants. Numba has no wheels for some systems (Macs with Intel's processors,
musl); there this file is skipped, unless SOFTLIT_PEERS is "required", as in .ci/run.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from test_worst_case import DTYPES, climb, largest_error, near_zero, rows_with_followers

import softlit
from literate.chapters import ROOT

if os.environ.get("SOFTLIT_PEERS") != "required":
    pytest.importorskip("numba", reason="Numba is not installed, so softlit.fast is not tested")
from softlit import fast

INF, NAN = np.inf, np.nan
NAMES = ("softmax", "log_softmax", "logsumexp")
BOUNDS = {"softmax": 7, "log_softmax": 6, "logsumexp": 4}  # ulp


def each(values):
    return pytest.mark.parametrize("name", values)


# --- Processes of their own


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of softlit that was never compiled, beside which nothing else is."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "softlit", folder / "softlit", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(package, script, **environment):
    """What a script prints, and what it says beside that."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=package,  # which Python looks into first
        env=kept | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def kernels_on_disk(package):
    return sorted(path.name for path in package.glob("softlit/__pycache__/*.nb?"))


COMPILE_ALL = """
import sys
import llvmlite.binding
llvmlite.binding.set_option("", "--pass-remarks=loop-vectorize")
import numba, numpy as np
from softlit import fast

def say(name):
    print(">", name, file=sys.stderr, flush=True)

@numba.njit
def plain_maximum(x):
    top = x[0]
    for v in x:
        top = v if v > top else top
    return top

say("control")
plain_maximum(np.ones(9))
for name in ("softmax", "log_softmax", "logsumexp", "mask"):
    for dtype in (np.float32, np.float64):
        say(f"{name} {dtype.__name__}")
        if name == "mask":
            fast.softmax(np.ones(2, dtype), where=[True, False])
        else:
            getattr(fast, name)(np.ones((3, 100), dtype))
"""

SECOND_PROCESS = """
import os, sys
import numpy as np
import softlit
assert "numba" not in sys.modules, "softlit alone asks for Numba"
from softlit import fast

x = np.log([[7.0, 2.0, 1.0]])
for kernel, name in ((fast._softmax_rows, "softmax"), (fast._logsumexp_rows, "logsumexp")):
    for dtype in (np.float32, np.float64):
        getattr(fast, name)(x.astype(dtype))
    readonly, apart = x.copy(), np.repeat(x, 2, axis=1)[:, ::2]
    readonly.flags.writeable = False
    getattr(fast, name)(readonly), getattr(fast, name)(apart)
    print(name, sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
if hasattr(os, "fork"):
    child = os.fork()
    if child == 0:
        os._exit(0 if np.allclose(fast.log_softmax(x), np.log([0.7, 0.2, 0.1])) else 1)
    print("child", os.waitpid(child, 0)[1])
"""

WITHOUT_A_PLACE = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numba, numpy as np
try:
    numba.njit(cache=True)(__import__("softlit").kernels._admit)
    print("there is a place")
except RuntimeError:
    print("no place")
from softlit import fast

together, x = Barrier(4), np.log([[7.0, 2.0, 1.0]] * 1000)

def first_call(_):
    together.wait()
    return fast.softmax(x)

with ThreadPoolExecutor(4) as pool:
    results = list(pool.map(first_call, range(4)))
assert all(np.array_equal(p, results[0]) for p in results) and np.allclose(results[0], [0.7, 0.2, 0.1])
print(len(fast._softmax_rows.signatures), "compiled")
"""


@pytest.fixture(scope="module")
def compiled(package):
    """How many loops of each kernel LLVM has vectorised, as the first process compiles them."""
    said = run(package, COMPILE_ALL)[1]
    parts = re.split(r"^> (.*)\n", said, flags=re.M)[1:]
    wide = r"vectorized loop \(vectorization width: (?:[2-9]|\d\d)"
    return {name: len(re.findall(wide, text)) for name, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_hot_loop_is_vectorised(compiled, dtype):
    """The maximum, the exponentials with their sum, and the quotients, below any maximum or an infinite one.

    log_softmax has the exponentials without a place to store them, and two loops of differences; the maximum
    is compiled already, and so is all of logsumexp.
    """
    assert compiled["control"] == 0, "a maximum of floats as one writes it, which LLVM leaves as it is"
    assert compiled[f"softmax {dtype}"] >= 4
    assert compiled[f"log_softmax {dtype}"] >= 3
    assert compiled[f"mask {dtype}"] >= 1


def test_the_second_process_finds_what_the_first_has_compiled(compiled, package):
    """Also for arrays that are read-only, or lie apart; the cache does not grow; a fork may compute."""
    before = kernels_on_disk(package)
    kernels = [name for name in before if name.endswith(".nbc")]
    assert len(kernels) == 8  # three and that of masks, in two dtypes
    out, said = run(package, SECOND_PROCESS)
    assert out.splitlines()[:2] == ["softmax 2 0", "logsumexp 2 0"] and not said
    assert "child 0" in out or not hasattr(os, "fork")
    assert kernels_on_disk(package) == before


def test_without_a_place_for_a_cache_the_first_call_compiles_and_says_nothing(package, tmp_path):
    """As of an installation that nobody writes to, by a user without a home; four threads call at once."""
    shutil.copytree(package, tmp_path / "read-only", ignore=shutil.ignore_patterns("__pycache__"))
    (
        tmp_path / "read-only" / "softlit" / "__pycache__"
    ).touch()  # root may write into any folder, but not this
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "USERPROFILE"), os.devnull)
    out, said = run(tmp_path / "read-only", WITHOUT_A_PLACE, **nowhere)
    assert out == "no place\n1 compiled\n" and not said


def test_a_missing_numba_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "softlit.fast")
    with pytest.raises(ImportError, match=r"softlit\.fast needs numba: pip install 'softlit\[fast\]'"):
        importlib.import_module("softlit.fast")
    assert softlit.softmax([0.0, 0.0]).tolist() == [0.5, 0.5]


# --- What goes to a kernel, and what to softlit


@pytest.fixture
def by_kernel(monkeypatch):
    """The names of the kernels that are called."""
    called = []
    for name in NAMES:
        kernel = getattr(fast, f"_{name}_rows")

        def noted(*arguments, name=name, kernel=kernel):
            called.append(name)
            return kernel(*arguments)

        monkeypatch.setattr(fast, f"_{name}_rows", noted)
    return called


CUBE = np.random.default_rng(0).normal(size=(3, 4, 5))


@each(NAMES)
@pytest.mark.parametrize("axis", [-1, 2, np.int64(2), (2,), (1, 2), (2, 1), None])
def test_rows_of_floats_go_to_a_kernel(name, axis, by_kernel):
    for x in (
        CUBE,
        CUBE.astype(np.float32),
        CUBE[:, ::2],
        np.asfortranarray(CUBE),
        CUBE.astype(np.float32)[::-1],
    ):
        got, wanted = getattr(fast, name)(x, axis), getattr(softlit, name)(x, axis)
        assert got.dtype == wanted.dtype and got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=10 * np.finfo(x.dtype).eps, atol=1e-15)
    assert by_kernel == [name] * 5


@each(NAMES)
def test_everything_else_is_softlit_itself(name, by_kernel):
    function, ours = getattr(fast, name), getattr(softlit, name)
    others = [
        (CUBE, {"axis": 0}),
        (CUBE, {"axis": (0, 2)}),
        (CUBE[0, 0], {"axis": ()}),
        (CUBE.astype(np.float16), {}),
        (CUBE.astype(np.longdouble), {}),
        (CUBE.astype(">f8"), {}),
        (np.arange(6).reshape(2, 3), {}),
        (CUBE[0].tolist(), {}),
        (np.float64(3), {}),
        (np.zeros((2, 0)), {}),
        (np.zeros((0, 2), np.float32), {"axis": 0}),
    ]
    if name == "logsumexp":
        others += [
            (CUBE, {"b": 2.0}),
            (CUBE, {"return_sign": True}),
            (CUBE, {"b": CUBE, "return_sign": True}),
        ]
    else:
        others += [
            (CUBE, {"beta": 2.0}),
            (CUBE, {"beta": np.ones((3, 4, 1))}),
            (CUBE, {"beta": np.float64(1)}),
        ]
    for x, options in others:
        got, wanted = function(x, **options), ours(x, **options)
        np.testing.assert_array_equal(got, wanted)
        assert np.asarray(got).dtype == np.asarray(wanted).dtype
    assert by_kernel == []


@each(NAMES)
def test_the_signature_is_that_of_softlit(name):
    from inspect import signature

    assert signature(getattr(fast, name)) == signature(getattr(softlit, name))


@each(NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_go_through_the_kernel(name, dtype, by_kernel):
    function, ours = getattr(fast, name), getattr(softlit, name)
    rng = np.random.default_rng(1)
    x = (3 * rng.normal(size=(40, 33))).astype(dtype)
    x[3, 4], x[5], x[6, 7:9], x[8, 1] = NAN, -INF, INF, -NAN
    for where in (rng.random(x.shape) < 0.6, rng.random(33) < 0.5, np.arange(40)[:, None] % 3 > 0, x > -9):
        got, wanted = function(x, where=where), ours(x, where=where)
        np.testing.assert_allclose(got, wanted, rtol=10 * np.finfo(dtype).eps, atol=1e-15)
        if name != "logsumexp":
            left_out = got[~np.broadcast_to(where, x.shape)]
            assert (left_out == (0 if name == "softmax" else -INF)).all()
    assert by_kernel == [name] * 4


def test_an_input_is_not_made_read_only():
    x = np.zeros(3)
    fast.softmax(x)
    x[0] = 1
    assert fast.softmax(x).flags.writeable


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_results_are_0(dtype):
    low = float(np.log(np.finfo(dtype).tiny))
    p = fast.softmax(np.array([0, low - 1, low + 1], dtype))
    assert p[1] == 0 < p[2]


@each(NAMES)
def test_a_row_has_the_same_bits_in_any_company(name):
    rows = 5 * np.random.default_rng(2).normal(size=(7, 130))
    rows[2], rows[4] = NAN, 1e5
    together = getattr(fast, name)(rows)
    alone = np.stack([getattr(fast, name)(row) for row in rows])
    np.testing.assert_array_equal(together, alone)


# --- Errors


@pytest.mark.parametrize("n", [2, 3, 10, 60, 100])
@pytest.mark.parametrize("dtype", DTYPES)
@each(NAMES)
def test_no_row_is_worse_than_the_bound(name, dtype, n):
    function = getattr(fast, name)
    error, row = climb(lambda x: largest_error(name, function, x), n, dtype, seed=40)
    assert error <= BOUNDS[name], f"{error:.3g} ulp at {row.tolist()}"


@pytest.mark.parametrize("n", [16, 63, 64, 65, 128, 1023])
@pytest.mark.parametrize("dtype", DTYPES)
@each(NAMES)
def test_a_leader_that_many_equal_numbers_follow(name, dtype, n):
    errors = [largest_error(name, getattr(fast, name), row) for row in rows_with_followers(n, dtype)]
    assert max(errors) <= BOUNDS[name]


@pytest.mark.parametrize("dtype", DTYPES)
def test_logsumexp_near_zero(dtype):
    rng = np.random.default_rng(3)
    for _ in range(60):
        p = rng.dirichlet(np.ones(rng.integers(2, 6)))
        assert near_zero(fast.logsumexp, np.log(p).astype(dtype)) <= 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_long_row_keeps_the_digits_of_a_short_one(dtype):
    """Against the same entries once, and a control: in one run after the other without the lost parts."""
    few = (3 * np.random.default_rng(4).normal(size=128)).astype(dtype)
    many = np.tile(few, 2**13)
    got = fast.softmax(many)[:128] * dtype(2**13)
    np.testing.assert_allclose(got, fast.softmax(few), rtol=2 * np.finfo(dtype).eps)
    e = np.exp(many - few.max())
    naive = e[:128] / np.add.accumulate(e)[-1] * dtype(2**13)
    assert np.abs(naive / got - 1).max() > 50 * np.finfo(dtype).eps


@pytest.mark.parametrize("keepdims", [True, False, 2, -1, 0, None, 1.0, "yes", [], np.True_])
def test_keepdims_is_true_or_false_as_in_softlit(keepdims):
    for axis in (-1, (1, 2), None):
        ours, theirs = (of.logsumexp(CUBE, axis, keepdims=keepdims) for of in (fast, softlit))
        assert np.shape(ours) == np.shape(theirs)
    assert type(fast.logsumexp(CUBE[0, 0])) is np.float64


@each(NAMES)
def test_numbers_that_do_not_lie_where_processors_want_them(name):
    """At an address that is no multiple of their size, as in a file with a header."""
    x = np.random.default_rng(18).normal(size=(3, 50))
    bytes_of_x = np.frombuffer(b"!" + x.tobytes(), np.uint8)[1:]
    apart = bytes_of_x.view(float).reshape(x.shape)
    assert not apart.flags.aligned and fast._flat(apart).flags.aligned
    np.testing.assert_array_equal(getattr(fast, name)(apart), getattr(fast, name)(x))
