"""What a call leaves alone: its input, NumPy's settings, the warnings filter, and other threads."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import softlit

# A machine that is busy with other work is no fault.
BUSY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("softlit", **BUSY, derandomize=True, max_examples=150)
settings.load_profile("softlit")


def streamed(x, axis=-1, where=None):
    return softlit.SoftmaxState().update(x, axis, where=where).logsumexp()


FUNCTIONS = [softlit.softmax, softlit.log_softmax, softlit.logsumexp, streamed]
each = pytest.mark.parametrize("function", FUNCTIONS)

ANY_FLOATS = st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
        elements=hnp.from_dtype(np.dtype(dtype), allow_nan=True, allow_infinity=True, allow_subnormal=True),
    )
)


def batches():
    rng = np.random.default_rng(60)
    shapes = [(10,), (1000,), (300, 10), (128, 1000), (4, 50_257), (2, 3, 64, 64)]
    for shape in shapes:
        for dtype in (np.float32, np.float64):
            x = (3 * rng.normal(size=shape)).astype(dtype)
            yield x
            yield np.where(rng.random(shape) < 0.5, -np.inf, x).astype(dtype)


@each
def test_threads_at_once_give_what_one_gives(function):
    """Kernels may keep scratch memory, and NumPy's settings are of a thread each."""
    inputs = list(batches())
    alone = [function(x) for x in inputs]
    threads = 4
    together = threading.Barrier(threads)

    def run(seed):
        order = np.random.default_rng(seed).permutation(len(inputs))
        together.wait()
        return {k: function(inputs[k]) for k in order}

    with ThreadPoolExecutor(threads) as pool:
        for results in pool.map(run, range(threads)):
            for k, value in results.items():
                np.testing.assert_array_equal(value, alone[k])


@each
def test_a_result_is_not_written_to_by_the_next_call(function):
    for x in batches():
        first = function(x)
        kept = np.copy(first)
        function(x[::-1] * 2)
        np.testing.assert_array_equal(first, kept)
        assert not np.shares_memory(first, x)


@each
def test_inputs_of_any_layout_are_read_and_never_written(function):
    x = 3 * np.random.default_rng(61).normal(size=(40, 60))
    wanted = function(x)
    spread = np.zeros((80, 180))
    spread[::2, ::3] = x
    packed = np.zeros(x.nbytes + 1, dtype=np.uint8)[1:].view(np.float64).reshape(x.shape)
    packed[...] = x
    layouts = [
        np.asfortranarray(x),
        spread[::2, ::3],
        x[::-1, ::-1].copy()[::-1, ::-1],
        packed,
        x.astype(">f8"),
    ]
    layouts.append(np.broadcast_to(x, (2, *x.shape))[1])
    assert not packed.flags.aligned
    for same in layouts:
        same.flags.writeable = False
        np.testing.assert_allclose(function(same), wanted, rtol=1e-14)
        np.testing.assert_array_equal(same, x)


@each
@given(x=ANY_FLOATS, beta=st.sampled_from([1.0, -1.0, 0.0, 2.5, np.inf, -np.inf, np.nan, 5e-324, 1e308]))
def test_no_input_warns_or_raises(function, x, beta):
    x.flags.writeable = False
    copy = x.copy()
    state = np.geterr(), np.getbufsize()
    options = {} if function in (softlit.logsumexp, streamed) else {"beta": beta}
    for axis in (*range(x.ndim), None):
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            value = function(x, axis=axis, **options)
            function(x, axis=axis, where=np.isfinite(x), **options)
        assert value.dtype == x.dtype
    assert (np.geterr(), np.getbufsize()) == state
    np.testing.assert_array_equal(x, copy)


@each
def test_numpy_s_settings_are_as_the_caller_left_them(function):
    """Also after a call that raises."""
    with np.errstate(over="call", under="warn", divide="print", invalid="raise", call=lambda *_: None):
        old = np.setbufsize(4096)
        state = np.geterr(), np.getbufsize()
        try:
            for x in batches():
                function(x)
                assert (np.geterr(), np.getbufsize()) == state
            with pytest.raises(TypeError):
                function([1j, 2.0])
            with pytest.raises(np.exceptions.AxisError):
                function([1.0, 2.0], axis=3)
            assert (np.geterr(), np.getbufsize()) == state
        finally:
            np.setbufsize(old)
