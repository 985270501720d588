"""Every array argument of every public function goes through the same gate, and its refusal names it.

A table says how each function is called; each of its arguments is then replaced by something that carries
more than numbers, or has a wrong dtype or shape.
"""

import inspect
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from contract import CALLS, MASK, X

import softlit

NOT_ARRAYS = {"axis", "keepdims", "block", "causal", "ignore_index", "return_lse", "return_sign"}
NOT_ARRAYS |= {"size", "rng", "bins", "equal", "alpha"}
COUNTS = {"sample_distinct": {"k"}, "top_k_mask": {"k"}}  # which attention has as an array
MASKS = {"where", "mask"}
TRUE_CLASSES = {"fit_beta", "calibration_table", "calibration_error"}  # integers alone, as y
ARGUMENTS = [(name, argument) for name, (_, arguments) in CALLS.items() for argument in arguments]


def call(name, **replaced):
    function, arguments = CALLS[name]
    return function(**(arguments | replaced))


every_argument = pytest.mark.parametrize(("name", "argument"), ARGUMENTS, ids=map(".".join, ARGUMENTS))


def test_the_table_has_every_argument_of_every_function():
    functions = {name for name in softlit.__all__ if inspect.isfunction(getattr(softlit, name))}
    assert functions == {name for name in CALLS if "." not in name}
    for name in functions - {"softmax_chunks"}:
        parameters = set(inspect.signature(getattr(softlit, name)).parameters)
        assert parameters - NOT_ARRAYS - COUNTS.get(name, set()) == set(CALLS[name][1]), name
    for name in CALLS:
        call(name)


@every_argument
def test_a_masked_array_is_refused_and_where_is_named(name, argument):
    value = np.asarray(CALLS[name][1][argument])
    masked = np.ma.array(value, mask=np.zeros_like(value, bool))
    entries = np.atleast_1d(value)
    within = [[*entries[:-1], np.ma.masked], list(masked) if value.ndim > 1 else [np.ma.masked]]
    for hidden in (masked, np.ma.masked, *within):
        with pytest.raises(TypeError, match=rf"\b{argument}\b.* masked array.*where="):
            call(name, **{argument: hidden})


@pytest.mark.parametrize("name", [name for name, (_, arguments) in CALLS.items() if "where" in arguments])
def test_what_a_mask_hides_plays_no_part(name):
    """Whatever stands there, NaN included; without the mask it does play one."""
    entries = {key: value for key, value in CALLS[name][1].items() if np.shape(value) == X.shape}
    del entries["where"]

    def result(hidden, **more):
        given = call(name, **{key: np.where(MASK, x, hidden) for key, x in entries.items()}, **more)
        return np.asarray(given.numbers if isinstance(given, softlit.SoftmaxState) else given)

    np.testing.assert_array_equal(result(np.nan), result(7.0))
    assert not np.array_equal(result(7.0, where=np.ones_like(MASK)), result(7.0))


class KeptElsewhere:
    """Like a variable of a netCDF file: not a masked array, but it becomes one when it is read."""

    def __array__(self, dtype=None, copy=None):
        return np.ma.array(X, mask=MASK)


def test_what_becomes_a_masked_array_is_one():
    with pytest.raises(TypeError, match=r"masked array.*where="):
        softlit.entropy(KeptElsewhere())


@every_argument
def test_an_array_of_dask_is_refused_and_the_module_is_named(name, argument):
    dask_array = pytest.importorskip("dask.array")
    value = np.asarray(CALLS[name][1][argument])
    for lazy in (dask_array.from_array(value), [*map(dask_array.from_array, np.atleast_1d(value))]):
        with pytest.raises(TypeError, match=rf"\b{argument}\b is an array of dask.*softlit\.dask"):
            call(name, **{argument: lazy})


def test_a_masked_array_of_dask_is_refused_when_it_is_computed():
    dask_array = pytest.importorskip("dask.array")
    import softlit.dask

    hidden = dask_array.ma.masked_equal(dask_array.arange(3.0, chunks=2), 0)
    for function in (softlit.dask.softmax, softlit.dask.log_softmax, softlit.dask.logsumexp):
        with pytest.raises(TypeError, match=r"masked array.*where="):
            function(hidden).compute()


class Table:
    """What pandas and xarray do: labels beside the numbers, and NumPy gets the numbers."""

    def __init__(self, value):
        self.value, self.labels = value, ["a", "b"]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)


@every_argument
def test_what_converts_itself_is_read(name, argument):
    wanted = call(name)
    value = np.asarray(CALLS[name][1][argument])
    for same in (Table(value), value.tolist(), memoryview(value), np.array(value, order="F")):
        np.testing.assert_equal(call(name, **{argument: same}), wanted)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_of_numpy_gives_an_array():
    got = softlit.softmax(np.asmatrix(X))
    assert type(got) is np.ndarray and (got == softlit.softmax(X)).all()


WRONG = {
    "complex128": [[1j, 0, 0]] * 2,
    "<U1": [["1", "2", "3"]] * 2,
    "object": [[None, 1.0, 2.0]] * 2,
    "datetime64[D]": np.full((2, 3), "2026-01-01", "M8[D]"),
    "timedelta64[s]": np.full((2, 3), 1, "m8[s]"),
    "[('a', '<f8')]": np.zeros((2, 3), [("a", float)]),
}


@every_argument
@pytest.mark.parametrize("dtype", WRONG)
def test_a_wrong_dtype_is_named_with_its_argument(name, argument, dtype):
    kind = "bool" if argument in MASKS else "real numbers"
    if argument == "y" and name in TRUE_CLASSES:
        kind = "integers"
    must = f"must hold {kind}"
    with pytest.raises(TypeError, match=rf"\b{argument}\b {must}, not values of dtype {re.escape(dtype)}"):
        call(name, **{argument: WRONG[dtype]})


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ([Fraction(1, 2), 1], "astype(float)"),
        ([Decimal("1.5"), 1], "astype(float)"),
        ([2**64, 1], "astype(float)"),
        (Fraction(1, 2), "astype(float)"),
        (np.array([1.5, 2], dtype=object), "astype(float)"),
        ((i for i in range(3)), "x is a generator, and list(x) a list"),
        ({1, 2}, "list(x)"),
    ],
    ids=["fractions", "decimals", "large integers", "one fraction", "objects", "generator", "set"],
)
def test_real_numbers_in_other_clothes_are_told_how_to_change(wrong, advice):
    with pytest.raises(TypeError, match=re.escape(advice)):
        softlit.softmax(wrong)


@pytest.mark.parametrize(
    "wrong",
    [None, [None, 1.0], ["a"], [1j], np.array(["a"], object), np.empty(0, object), [10**400]],
    ids=["None", "None in a list", "text", "complex", "objects", "no objects", "more than a float holds"],
)
def test_what_is_no_number_is_not_told_to_convert(wrong):
    with pytest.raises(TypeError) as error:
        softlit.softmax(wrong)
    assert "astype" not in str(error.value)


def test_sparse_arrays_are_told_of_toarray():
    sparse = pytest.importorskip("scipy.sparse")
    for made in (sparse.csr_array(X), sparse.coo_matrix(X)):
        with pytest.raises(TypeError, match=r"x\.toarray\(\)"):
            softlit.softmax(made)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int4"])
def test_small_numbers_of_ml_dtypes_are_told_of_float32(dtype):
    small = np.zeros(3, getattr(pytest.importorskip("ml_dtypes"), dtype))
    with pytest.raises(TypeError, match=rf"beta must .* {dtype}: beta\.astype\(numpy\.float32\)"):
        softlit.softmax(np.zeros((3, 3)), beta=small)
    assert softlit.softmax(small.astype(np.float32)).dtype == np.float32


def test_a_mask_of_integers_is_told_how_to_become_one():
    with pytest.raises(TypeError, match="where must hold bool, not values of dtype int64: where != 0"):
        softlit.softmax([1.0, 2.0], where=[1, 0])


@every_argument
def test_a_ragged_list_is_named(name, argument):
    with pytest.raises(ValueError, match=rf"\b{argument}\b cannot be read as an array"):
        call(name, **{argument: [[1.0, 2.0], [3.0]]})


# What else has a shape to fit: the others' are those of the logits, or told as one of three (attention).
FITTING = [pair for pair in ARGUMENTS if pair[1] not in ("x", "block") and pair[0] != "attention"]
FITTING = [pair for pair in FITTING if len(CALLS[pair[0]][1]) > 1 and pair != ("softmax_inverse", "p")]
FITTING = [pair for pair in FITTING if pair != ("power", "p") and "State" not in pair[0]]
FITTING = [pair for pair in FITTING if pair not in {(name, "p") for name in TRUE_CLASSES}]


@pytest.mark.parametrize(("name", "argument"), FITTING, ids=map(".".join, FITTING))
def test_a_shape_that_does_not_broadcast_is_named_with_both_shapes(name, argument):
    classes = argument == "y" and name in TRUE_CLASSES
    wrong = np.ones((5, 4), bool if argument in MASKS else int if classes else float)
    with pytest.raises(ValueError, match=rf"\b{argument}\b.* shape \(5, 4\)") as error:
        call(name, **{argument: wrong})
    assert ("(2,)" if classes else "(2, 3)") in str(error.value)


@pytest.mark.parametrize(
    "name", [name for name, argument in FITTING if argument in ("beta", "constant", "a")]
)
def test_one_value_a_slice_is_told_its_shape(name):
    argument = ({"beta", "constant", "a"} & set(CALLS[name][1])).pop()
    with pytest.raises(
        ValueError, match=rf"{argument} has shape \(2,\).*: write {argument}\[:, np\.newaxis\]"
    ):
        call(name, **{argument: np.ones(2)})
    with pytest.raises(ValueError, match=rf"{argument} has shape \(3,\) and varies along axis \(1,\)"):
        call(name, **{argument: np.ones(3)})


def test_the_shape_of_one_value_a_slice_of_many_axes():
    cube = np.zeros((2, 3, 4))
    with pytest.raises(ValueError, match=r"beta has shape \(2, 4\).*: write beta\.reshape\(2, 1, 4\)"):
        softlit.softmax(cube, axis=1, beta=np.ones((2, 4)))
    square = np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"varies along axis \(1,\).*: write beta\[:, np\.newaxis\]"):
        softlit.softmax(square, beta=np.ones(2))
    softlit.softmax(square, axis=0, beta=np.ones(2))


@pytest.mark.parametrize("axis", [1.0, "1", [0.5], (0, 1.0), -1.0, np.float64(0)], ids=str)
@pytest.mark.parametrize(
    "name", [name for name in CALLS if "axis" in inspect.signature(CALLS[name][0]).parameters]
)
def test_an_axis_that_is_no_integer_is_named(name, axis):
    with pytest.raises(TypeError, match="axis must be an int"):
        call(name, axis=axis)


def test_the_numbers_of_a_list_of_tensors_are_read():
    """A tensor within a list converts itself; one that is being differentiated is named."""
    torch = pytest.importorskip("torch")
    pair = [torch.tensor(0.0), torch.tensor(0.0)]
    assert softlit.softmax(pair).tolist() == [0.5, 0.5]
    traced = torch.zeros(2, requires_grad=True)
    for name, argument in (("entropy", "p"), ("attention", "q"), ("softmax_jvp", "v"), ("logit", "p")):
        with pytest.raises(TypeError, match=rf"\b{argument}\b cannot be read as an array.*detach"):
            call(name, **{argument: traced})
