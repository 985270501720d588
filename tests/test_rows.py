"""What a new function is written with: formulas below `on_rows` and `on_floats`, as an author writes them."""

import inspect
import pickle
import warnings

import numpy as np
import pytest

import softlit
from softlit._arrays import nonnegative_array, on_floats, on_rows, real_array


@on_rows(x=real_array, y=nonnegative_array, columns=["beta"])
def loss(x, y, axis=-1, *, beta=1.0, keepdims=False, where=None):
    """The cross-entropy of shares y and the softmax of beta x."""
    kept = np.ones(x.shape, bool) if where is None else where
    terms = np.where(kept & (y > 0), y * softlit.log_softmax(x, beta=beta, where=where), 0)
    return 0 - np.sum(terms, axis=-1)


@on_rows(x=real_array)
def ranks(x, axis=-1, *, where=None):
    """How many entries of its slice each entry exceeds."""
    seen = x if where is None else np.where(where, x, np.inf)
    return np.sum(seen[..., np.newaxis, :] < x[..., np.newaxis], axis=-1).astype(x.dtype)


@on_floats(x=real_array, y=nonnegative_array)
def ratio(x, y=2):
    """The logarithm of a ratio."""
    return np.log(x / y)


SHAPE = (3, 4, 5)
AXES = [0, 1, 2, -2, (0, 1), (2, 0), (0, 1, 2), None]


def slice_by_slice(function, axis, arrays):
    """What a function makes of the vectors of each slice, in the order of the other axes."""
    axes = range(3) if axis is None else sorted({a % 3 for a in np.atleast_1d(axis)})
    others = [a for a in range(3) if a not in axes]
    result = np.empty([SHAPE[a] for a in others])
    for place in np.ndindex(*result.shape):
        at = [slice(None)] * 3
        for a, index in zip(others, place, strict=True):
            at[a] = index
        result[place] = function(*(array[tuple(at)].ravel() for array in arrays))
    return result


@pytest.mark.parametrize("axis", AXES)
def test_a_reduction_is_that_of_each_slice(axis):
    rng = np.random.default_rng(1)
    x, y, mask = rng.normal(size=SHAPE), rng.random(SHAPE), rng.random(SHAPE) < 0.7
    logs = softlit.log_softmax

    def plain(x, y):
        return -np.sum(y * logs(x))

    def masked(x, y, mask):
        return -np.sum(y[mask] * logs(x[mask]))

    np.testing.assert_allclose(loss(x, y, axis), slice_by_slice(plain, axis, [x, y]), rtol=1e-13)
    got = loss(x, y, axis, where=mask)
    np.testing.assert_allclose(got, slice_by_slice(masked, axis, [x, y, mask]), rtol=1e-13)
    if axis not in (2, (0, 1, 2), None):  # the negative control: another axis gives another result
        assert got.shape != loss(x, y, 2, where=mask).shape or not np.allclose(got, loss(x, y, 2, where=mask))
    kept = loss(x, y, axis, keepdims=True)
    assert kept.shape == np.sum(x, axis=axis, keepdims=True).shape
    np.testing.assert_array_equal(kept.reshape(loss(x, y, axis).shape), loss(x, y, axis))


@pytest.mark.parametrize("axis", AXES)
def test_rows_are_put_back_where_they_came_from(axis):
    x = np.random.default_rng(2).permutation(60).reshape(SHAPE)
    got, others = ranks(x, axis), tuple(range(3)) if axis is None else axis
    for place in np.ndindex(*SHAPE):
        at = tuple(
            slice(None) if a in {b % 3 for b in np.atleast_1d(others)} else i for a, i in enumerate(place)
        )
        assert got[place] == np.sum(x[at] < x[place])
    np.testing.assert_array_equal(ranks(np.asfortranarray(x), axis), got)
    assert not np.array_equal(ranks(x, axis, where=x < 30), got)


def test_arrays_broadcast_and_a_column_has_one_number_a_slice():
    x, y = np.random.default_rng(3).random((2, 1, 6))
    many = np.concatenate([x, 2 * x])
    np.testing.assert_array_equal(loss(many, y), [loss(x, y)[0], loss(2 * x, y)[0]])
    np.testing.assert_array_equal(loss(x, y, beta=[[1.0], [2.0]]), [loss(x, y)[0], loss(x, y, beta=2)[0]])
    np.testing.assert_array_equal(loss(x.T, y.T, 0, beta=[[1.0, 2.0]]), loss(x, y, beta=[[1.0], [2.0]]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_widest_dtype_that_came_comes_out(dtype):
    x = np.array([1, 2, 3], dtype)
    assert ranks(x).dtype == dtype == ratio(x, x).dtype == loss(x, x / 6, beta=2.0).dtype
    assert loss(x, [0.5, 0.5, 0]).dtype == ratio(x, 2.0).dtype == np.promote_types(dtype, float)
    assert type(loss(x, x)) is dtype and type(ratio(x[0], x[0])) is dtype


def test_float16_is_computed_wider():
    x = np.float16([6e-8, 6e4])  # whose squares are no float16

    def there_and_back(x):
        return x * x / x

    np.testing.assert_array_equal(on_floats(x=real_array)(there_and_back)(x), x)
    with np.errstate(all="ignore"):
        assert not np.array_equal(there_and_back(x), x)  # the negative control


def test_edges():
    assert loss(0.0, 1.0) == 0 and ranks(7.0) == 0
    assert ranks(np.zeros((0, 3))).shape == (0, 3) and loss(np.zeros((2, 0)), np.zeros((2, 0))).tolist() == [
        0,
        0,
    ]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert ratio(0, 0.0).tolist() != ratio(0, 0.0).tolist() and ratio(1e308, 1e-308) == np.inf
        assert ratio(np.float16(6e4), 1e-3).dtype == float
    x = np.array([[3.0, 1.0]])
    x.flags.writeable = False
    assert ranks(x).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    "function", [loss, ranks, ratio, softlit.clr, softlit.sigmoid], ids=lambda f: f.__name__
)
def test_the_function_is_still_seen_from_outside(function):
    written = inspect.unwrap(function)
    assert inspect.signature(function) == inspect.signature(written) and function.__doc__ == written.__doc__
    assert function.__module__ == written.__module__ and pickle.loads(pickle.dumps(function)) is function
    assert function.__name__ in inspect.getsource(function)
    # Python itself says what is wrong with a call: the name of the function, and of the argument
    name = next(iter(inspect.signature(function).parameters))
    for given, named in (((), {}), ((1.0,), {name: 1.0}), ((1.0,), {"unknown": 1}), ((1.0,) * 9, {})):
        with pytest.raises(TypeError) as of_python:
            written(*given, **named)
        with pytest.raises(TypeError, match=rf"{function.__name__}\(\)") as error:
            function(*given, **named)
        assert str(error.value) == str(of_python.value)


def test_arguments_come_in_any_way():
    x, y = [1.0, 2.0], [0.5, 0.5]
    assert loss(x, y) == loss(x=x, y=y) == loss(x, y=y, axis=0) == loss(x, y, -1, where=True)
    assert ratio(4) == ratio(x=4.0) == ratio(y=2, x=4) == np.log(2)


@pytest.mark.parametrize(
    "call, error, told",
    [
        (lambda: loss(1j, 1), TypeError, "x must hold real numbers, not values of dtype complex128"),
        (lambda: loss([1, 2], ["a", "b"]), TypeError, "y must hold real numbers"),
        (lambda: loss([[1, 2]], [[0.5, -0.5]]), ValueError, r"y must not be negative, but y\[0, 1\] is -0.5"),
        (
            lambda: loss([1, 2], [1, 2, 3]),
            ValueError,
            r"x has shape \(2,\) and y has shape \(3,\): they do not broadcast",
        ),
        (lambda: loss([1, 2], [1, 2], beta="a"), TypeError, "beta must hold real numbers"),
        (
            lambda: loss(np.ones((2, 3)), np.ones((2, 3)), beta=[1, 2]),
            ValueError,
            r"beta has shape \(2,\).* one slice has one beta: write beta\[:, np.newaxis\]",
        ),
        (lambda: loss([1, 2], [1, 2], where=[1, 0]), TypeError, "where must hold bool"),
        (lambda: ranks([1, 2], where=[True] * 3), ValueError, r"where has shape \(3,\).* to \(2,\)"),
        (lambda: ranks([1, 2], axis=1.0), TypeError, "axis must be an int"),
        (lambda: ranks([1, 2], 1), np.exceptions.AxisError, "axis 1 is out of bounds"),
        (lambda: ratio(np.ma.array([1.0], mask=[True])), TypeError, "x is a masked array"),
    ],
)
def test_a_refusal_names_the_argument(call, error, told):
    with pytest.raises(error, match=told):
        call()
