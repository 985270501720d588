"""What the losses promise beyond the contract of all functions: classes, weights, infinities, masks."""

import numpy as np
import pytest

import softlit

INF, NAN = np.inf, np.nan
SHARE = softlit.sigmoid(1.0)  # of the larger of two logits that are 1 apart

# Logits, a class or weights, the loss, its slope.
EDGES = {
    "the class has no share": ([0, -INF, 1], 1, INF, [1 - SHARE, -1, SHARE]),
    "another class has none": ([0, -INF, 1], 2, -np.log(SHARE), [1 - SHARE, 0, SHARE - 1]),
    "certain and right": ([INF, 0], 0, 0, [0, 0]),
    "certain and wrong": ([INF, 0], 1, INF, [1, -1]),
    "tied at infinity": ([INF, INF, 0], 0, np.log(2), [NAN, NAN, NAN]),
    "nothing but -inf": ([-INF, -INF], 0, NAN, [NAN, NAN]),
    "NaN elsewhere": ([NAN, 0], 1, NAN, [NAN, NAN]),
    "one class": ([3], 0, 0, [0]),
    "beyond all floats": ([1e308, -1e308], 1, INF, [1, -1]),
    "no weight where no share": ([0, -INF], [1.0, 0.0], 0, [0, 0]),
    "weight where no share": ([0, -INF], [0.5, 0.5], INF, [0.5, -0.5]),
    "no weight at all": ([0, 1], [0.0, 0.0], 0, [0, 0]),
    "no weight, and NaN": ([NAN, 1], [0.0, 0.0], 0, [0, 0]),
    "weights of sum 2": ([0, 0], [2.0, 0.0], 2 * np.log(2), [-1, 1]),
}


@pytest.mark.parametrize("logits, labels, loss, slope", EDGES.values(), ids=EDGES)
def test_edges(logits, labels, loss, slope):
    x = np.array(logits, float)
    given = [labels, np.eye(len(x))[labels]] if isinstance(labels, int) else [labels]
    for y in given:
        for rows in (x, np.stack([x, np.zeros_like(x)])):  # alone, and beside a moderate row
            both = rows.ndim == 2
            at = ([y, y] if both else y), (0 if both else ...)
            np.testing.assert_allclose(softlit.cross_entropy(rows, at[0])[at[1]], loss, rtol=1e-15)
            np.testing.assert_allclose(softlit.cross_entropy_grad(rows, at[0])[at[1]], slope, rtol=1e-15)


def test_a_class_that_is_left_out_costs_infinity_and_a_weight_does_not_count():
    x, keep = [0.0, 1.0, NAN], [True, True, False]
    assert softlit.cross_entropy(x, 2, where=keep) == INF
    np.testing.assert_allclose(softlit.cross_entropy(x, 1, where=keep), -np.log(SHARE), rtol=1e-15)
    np.testing.assert_allclose(
        softlit.cross_entropy_grad(x, 2, where=keep), [1 - SHARE, SHARE, 0], rtol=1e-15
    )
    assert softlit.cross_entropy(x, [0.0, 0.0, 1.0], where=keep) == 0
    for labels in (0, [1.0, 0.0]):
        assert not softlit.cross_entropy_grad([0.0, 1.0], labels, where=[False, False]).any()
    assert softlit.cross_entropy([0.0, 1.0], 0, where=[False, False]) == INF


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_classes_of_any_integer_dtype(dtype):
    x, none = np.array([[0.0, 1.0], [NAN, 0.0]]), np.iinfo(dtype).max
    labels = np.array([1, none], dtype)
    got = softlit.cross_entropy(x, labels, ignore_index=int(none))
    np.testing.assert_allclose(got, [-np.log(SHARE), 0], rtol=1e-15)
    slopes = softlit.cross_entropy_grad(x, labels, ignore_index=int(none))
    np.testing.assert_allclose(slopes, [[1 - SHARE, SHARE - 1], [0, 0]], rtol=1e-15)
    assert softlit.cross_entropy(x[:1], labels[:1], ignore_index=-100) == got[0]


def test_axes_and_shapes():
    x = np.random.default_rng(70).normal(size=(4, 3, 2))
    labels = np.random.default_rng(71).integers(3, size=(4, 2))
    log_p = softlit.log_softmax(x, axis=1)
    wanted = -np.take_along_axis(log_p, labels[:, np.newaxis], 1)[:, 0]
    np.testing.assert_allclose(softlit.cross_entropy(x, labels, axis=1), wanted, rtol=1e-14)
    slopes = softlit.cross_entropy_grad(x, labels, axis=1)
    hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    np.testing.assert_allclose(slopes, softlit.softmax(x, axis=1) - hot, rtol=0, atol=1e-15)
    assert softlit.cross_entropy(x, 1, axis=1).shape == (4, 2)  # one class for all
    assert softlit.cross_entropy(x[0, 0], np.ones((5, 2)) / 2).shape == (5,)  # weights broadcast with x
    for empty, shape in (((0, 3), (0,)), ((2, 0), (2,))):
        weights = np.zeros(empty)
        assert softlit.cross_entropy(weights, weights).shape == shape
        assert softlit.cross_entropy_grad(weights, weights).shape == empty
        assert softlit.kl_from_logits(weights, weights).tolist() == [0] * shape[0]
    assert softlit.cross_entropy(np.zeros((0, 3)), np.zeros(0, int)).shape == (0,)


REFUSED = {
    "a class too high": (([[0.0, 1.0]], [2]), {}, ValueError, r"labels\[0\] is 2, .* from 0 to 1"),
    "a negative class": (([[0.0, 1.0]], [-1]), {}, ValueError, r"labels\[0\] is -1"),
    "a class of no class": ((np.zeros((1, 0)), [0]), {}, ValueError, "no class"),
    "one-hot integers": (([[0.0, 1.0]], [[0, 1]]), {}, ValueError, r"labels has shape \(1, 2\)"),
    "bool": (([[0.0, 1.0]], [True]), {}, TypeError, "dtype bool: integers are classes"),
    "a negative weight": (([0.0, 1.0], [-0.5, 1.5]), {}, ValueError, r"labels\[0\] is -0.5"),
    "classes along all axes": (([0.0, 1.0], 0), {"axis": None}, TypeError, "axis must be an int"),
    "ignored weights": (([0.0, 1.0], [0.5, 0.5]), {"ignore_index": 0}, ValueError, "labels are weights"),
    "half a class": (([[0.0, 1.0]], [0]), {"ignore_index": 0.5}, TypeError, "integer, not float"),
}


@pytest.mark.parametrize("given, options, error, told", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(given, options, error, told):
    for function in (softlit.cross_entropy, softlit.cross_entropy_grad):
        with pytest.raises(error, match=told):
            function(*given, **options)


DIVERGENCES = [
    ([0.0, -800.0], [-800.0, 0.0], 800),
    ([0.0, -INF], [0.0, 0.0], np.log(2)),
    ([0.0, 0.0], [0.0, -INF], INF),
    ([0.0, -800.0], [0.0, -INF], INF),
    ([0.0, -INF], [1.0, -INF], 0),
    ([INF, 0.0], [0.0, 0.0], np.log(2)),
    ([0.0, 0.0], [INF, 0.0], INF),
    ([INF, INF, 0.0], [0.0, 0.0, 0.0], np.log(1.5)),
    ([1e308, 1e308], [-1e308, -1e308], 0),
    ([-INF, -INF], [0.0, 0.0], NAN),
    ([0.0, NAN], [0.0, 0.0], NAN),
    ([0.0, 0.0], [0.0, NAN], NAN),
    ([5.0], [2.0], 0),
]


@pytest.mark.parametrize("x, z, value", DIVERGENCES)
def test_divergences_at_the_edges(x, z, value):
    np.testing.assert_allclose(softlit.kl_from_logits(x, z), value, rtol=1e-14)


def rows_of_all_kinds(rng, n):
    """Pairs of logits at all distances, low, high and masked, in any order."""
    pairs = []
    for distance in (0, 1e-9, 1e-3, 0.1, 0.5, 3, 30, 300):
        for centre in (0.0, -500.0, 1000.0):
            x = centre + 3 * rng.normal(size=n)
            z = x + distance * rng.normal(size=n) + rng.choice([0.0, 50.0])
            hidden = rng.random(n) < rng.choice([0.0, 0.3])
            hidden[0] = False
            pairs.append([np.where(hidden, -INF, x), np.where(hidden, -INF, z)])
    pairs += [[np.full(n, -INF), np.zeros(n)], [np.full(n, NAN), np.zeros(n)]]
    return np.moveaxis(rng.permutation(pairs), 1, 0)


@pytest.mark.parametrize("n", [2, 10, 40, 200])
def test_a_row_in_a_batch_is_worth_what_it_is_worth_alone(n):
    """Whatever way its neighbours need, and along which axis they lie."""
    rng = np.random.default_rng(72)
    x, z = rows_of_all_kinds(rng, n)
    labels, weights = rng.integers(n, size=len(x)), softlit.softmax(rng.normal(size=x.shape))
    calls = [
        (softlit.kl_from_logits, z),
        (softlit.cross_entropy, labels),
        (softlit.cross_entropy, weights),
        (softlit.cross_entropy_grad, labels),
        (softlit.cross_entropy_grad, weights),
    ]
    for function, other in calls:
        alone = np.array([function(a, b) for a, b in zip(x, other, strict=True)])
        many = np.tile(x.T, 4), np.tile(other.T, 4)  # enough columns to be interleaved
        columns = function(*many, axis=0)[..., : len(x)].T
        for got in (function(x, other), columns):
            np.testing.assert_allclose(got, alone, rtol=1.5e-14, atol=1e-16 if alone.ndim == 2 else 0)
