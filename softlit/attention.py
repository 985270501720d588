# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/15-streaming.ipynb, cell build-attention
"""Attention by blocks of queries and keys, without the table of scores."""

import math

import numpy as np

from softlit._arrays import mask_array, positive_int, real_array

_SMALL_SCORE = 32  # exponentials of scores up to it need no maximum subtracted


def _pull(weights, values):
    """Sums of the values by weight; a value of weight 0 is not looked at, not even inf or NaN."""
    if np.isfinite(values).all():
        return weights @ values
    parts = (
        np.where(np.isfinite(values), values, 0),
        values == np.inf,
        values == -np.inf,
    )
    sums, up, down = (weights @ part.astype(weights.dtype) for part in parts)
    unknown = weights @ np.isnan(values).astype(weights.dtype)
    infinite = np.where(up > 0, np.inf, 0) + np.where(down > 0, -np.inf, 0)
    return sums + infinite + np.where(unknown > 0, np.nan, 0)


def _stay_small(q, k, v, scale=None):
    """Whether all scores lie within 32 of 0, by Cauchy and Schwarz, and no sum of values overflows."""
    squares = (float(np.vecdot(part, part).max(initial=0)) for part in (q, k))
    scale = (
        1 / math.sqrt(max(q.shape[-1], 1))
        if scale is None
        else abs(float(scale))
    )
    bound = scale * math.sqrt(math.prod(squares))
    largest = max(float(v.max(initial=1)), -float(v.min(initial=-1)))
    room = float(np.finfo(v.dtype).max) / max(v.shape[-2], 1)
    return bound <= _SMALL_SCORE and largest * math.exp(_SMALL_SCORE) < room


def _subtract_top(scores, top):
    """In place; under a top of +inf, 0 for each +inf and -inf for the others."""
    infinite = top == np.inf
    if infinite.any():
        np.copyto(
            scores, np.where(scores == np.inf, 0, -np.inf), where=infinite
        )
    scores -= np.where(np.isfinite(top), top, 0)


def _keys_allowed(mask, bias, causal, queries, keys):
    """The table of which of some queries may attend to which of some keys; None if all may.

    The slices number them. A bias of -inf keeps a query from a key as a mask does.
    """
    tables = [] if mask is None else [mask[queries, keys]]
    if bias is not None and np.isneginf(some := bias[queries, keys]).any():
        tables.append(~np.isneginf(some))
    if causal and keys.stop - 1 > queries.start:
        shape = queries.stop - queries.start, keys.stop - keys.start
        tables.append(np.tri(*shape, queries.start - keys.start, dtype=bool))
    return np.logical_and.reduce(tables) if tables else None


def _attend(q, k, v, queries, tables, small, tile):
    """Attention of some queries to all keys, a block of keys at a time, whose scores fill the tile.

    Returns their means and the LogSumExp of their scores.
    """
    (mask, bias, causal), block = tables, tile.shape[1]
    wide, column = np.promote_types(q.dtype, np.float64), (len(q), 1)
    top = np.full(column, 0 if small else -np.inf, q.dtype)
    total, pulled = np.zeros(column, wide), np.zeros((len(q), v.shape[1]), wide)
    asked = np.zeros(column, bool)
    # what follows is the future of all these queries
    end = min(len(k), queries.stop) if causal else len(k)
    for start in range(0, end, block):
        at = slice(start, min(start + block, end))
        allowed = _keys_allowed(mask, bias, causal, queries, at)
        if allowed is not None and not allowed.any():
            continue
        scores = tile[: len(q), : len(k[at])]
        np.matmul(q, k[at].T, out=scores)
        if bias is not None:
            scores += bias[queries, at]
        if allowed is not None:
            np.copyto(scores, -np.inf, where=~allowed)
        asked |= True if allowed is None else allowed.any(axis=1, keepdims=True)
        if not small:
            before, top = (
                top,
                np.maximum(top, scores.max(axis=1, keepdims=True)),
            )
            kept = np.where(before == top, 1, np.exp(before.astype(wide) - top))
            total, pulled = (
                np.where(kept == 0, 0, kept * sums) for sums in (total, pulled)
            )
            _subtract_top(scores, top)
        weights = np.exp(scores, out=scores)
        total += weights @ np.ones((weights.shape[1], 1), q.dtype)
        pulled += _pull(weights, v[at])
    lse = np.where(np.isinf(top), top, top + np.log(total))
    return np.where(asked, pulled / total, 0), np.where(asked, lse, -np.inf)[
        :, 0
    ]


def _serving(part, heads):
    """The leading axes of keys or values, where a head that serves several of the queries counts as those."""
    axes = part.shape[:-2]
    serves = (
        heads and axes and axes[-1] > 0 and heads[0] % axes[-1] == 0 < heads[0]
    )
    return (*axes[:-1], *heads) if serves else axes


def _leading_axes(q, k, v, tables):
    """All axes but the last two, broadcast; the messages name what does not fit."""
    told, heads = f"q {q.shape}, k {k.shape}, v {v.shape}", q.shape[:-2][-1:]
    scores = q.shape[-2], k.shape[-2]
    try:
        leading = np.broadcast_shapes(
            q.shape[:-2], *(_serving(part, heads) for part in (k, v))
        )
    except ValueError:
        raise ValueError(
            f"{told} do not broadcast: their leading axes must be equal or 1, but "
            "the heads of q, axis -3, may be a multiple of those of k and v"
        ) from None
    for name, table in tables.items():
        try:
            leading = np.broadcast_shapes(leading, table.shape[:-2])
            np.broadcast_to(table, (*leading, *scores))
        except ValueError:
            raise ValueError(
                f"{told} and a {name} of shape {table.shape} do not broadcast: "
                f"the {name} must broadcast to {(*leading, *scores)}"
            ) from None
    return leading


def _by_head(part, leading):
    """The part with these leading axes, but for heads that serve several of the queries."""
    own = part.shape[:-2][-1:]
    heads = own if own and own[0] > 1 else leading[-1:]
    return np.broadcast_to(part, (*leading[:-1], *heads, *part.shape[-2:]))


def _at(head, part, leading):
    """The keys or values of one head of the queries."""
    if not head:
        return part
    return part[(*head[:-1], head[-1] * part.shape[-3] // leading[-1])]


def _read_tables(mask, bias):
    """The mask and the bias as arrays, by name, and the dtype of the bias in a list; those that are there."""
    tables, dtypes = {}, []
    if mask is not None:
        try:
            tables["mask"] = mask_array(mask, None, "mask")
        except TypeError as error:
            raise TypeError(
                f"{error}; numbers to be added to the scores are a bias"
            ) from None
    if bias is not None:
        tables["bias"], dtype = real_array(bias, "bias")
        dtypes.append(dtype)
    return tables, dtypes


def _one_number(scale):
    scale = real_array(scale, "scale")[0]
    if scale.ndim:
        raise ValueError(
            f"scale must be one number, not an array of shape {scale.shape}"
        )
    return scale


def _read_parts(q, k, v):
    """Queries, keys and values as arrays, and the dtypes of the results that they ask for."""
    named = (q, "q"), (k, "k"), (v, "v")
    (q, k, v), dtypes = zip(*(real_array(*part) for part in named), strict=True)
    deep = min(q.ndim, k.ndim, v.ndim) >= 2
    if not deep or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"q {q.shape}, k {k.shape} and v {v.shape} are not of shapes "
            "(..., n, d), (..., N, d) and (..., N, D)"
        )
    return (q, k, v), dtypes


def _by_blocks(q, k, v, leading, tables, causal, scale, block, dtype):
    """The means and the LogSumExp of all queries: head by head, a block of queries at a time."""
    scores, root = (q.shape[-2], k.shape[-2]), math.sqrt(max(q.shape[-1], 1))
    small = "bias" not in tables and _stay_small(q, k, v, scale)
    q = np.broadcast_to(q, leading + q.shape[-2:])
    k, v = (_by_head(part, leading) for part in (k, v))
    mask, bias = (
        np.broadcast_to(tables[name], leading + scores)
        if name in tables
        else None
        for name in ("mask", "bias")
    )
    means = np.empty((*leading, scores[0], v.shape[-1]), dtype)
    lse = np.empty((*leading, scores[0]), dtype)
    tile = np.empty([max(1, min(block, size)) for size in scores], q.dtype)
    for head in np.ndindex(*leading):
        keys, values = (_at(head, part, leading) for part in (k, v))
        own = (
            *(None if table is None else table[head] for table in (mask, bias)),
            causal,
        )
        for start in range(0, scores[0], block):
            queries = slice(start, min(start + block, scores[0]))
            at = (*head, queries)
            asking = (
                q[at] / q.dtype.type(root) if scale is None else q[at] * scale
            )
            means[at], lse[at] = _attend(
                asking, keys, values, queries, own, small, tile
            )
    return means, lse


def attention(
    q,
    k,
    v,
    *,
    mask=None,
    bias=None,
    causal=False,
    scale=None,
    return_lse=False,
    block=1024,
):
    r"""Attention of queries to keys and their values, without the table of scores.

    .. math:: o_i = \sum_j S(x_i)_j\, v_j, \qquad x_{ij} = \frac{q_i^{\mathsf T} k_j}{\sqrt d} + b_{ij}

    Parameters
    ----------
    q : array_like
        Queries of shape (..., n, d).
    k : array_like
        Keys of shape (..., N, d).
    v : array_like
        Values of shape (..., N, D). The heads of `k` and of `v`, axis -3, may be fewer than those of `q`, if
        these are a multiple of them: each then serves as many neighbouring heads of `q` (grouped queries).
    mask : array_like of bool, optional
        Which keys each query may attend to: it broadcasts to (..., n, N).
    bias : array_like, optional
        What is added to the scores; it broadcasts to (..., n, N). -inf keeps a query from a key, as the mask
        does.
    causal : bool, optional
        Whether query number i attends to the keys 0 to i alone, as by the mask ``np.tri(n, N, dtype=bool)``:
        the first query stands beside the first key, as in PyTorch and JAX. Queries of which the last stands
        beside the last key want ``mask=np.tri(n, N, N - n, dtype=bool)``.
    scale : float, optional
        What the dot products are multiplied by: 1/sqrt(d), unless given.
    return_lse : bool, optional
        Whether to return the LogSumExp of the scores of each query too, by which results for parts of the
        keys can be merged.
    block : int, optional
        How many queries meet how many keys at a time: the extra memory is that of block * block scores.

    Returns
    -------
    means : ndarray
        Of shape (..., n, D). float32, float64 and longdouble are kept, mixed ones promoted,
        float16 is computed wider; integers and bool give float64. A query that is kept from all
        keys, or that has none, gets 0. A NaN or infinity among the scores counts as in `softlit.softmax`:
        NaN gives NaN, ties of +inf share, scores of -inf alone give NaN. A value of weight 0 plays no part,
        nor does a score that the mask, the bias or causality keeps out; whether an infinite value
        counts whose weight underflows may depend on `block`.
    lse : ndarray
        Only with `return_lse`: of shape (..., n), in the dtype of the means; -inf for a query that is kept
        from all keys.

    Raises
    ------
    TypeError
        If `q`, `k`, `v`, `bias` or `scale` does not hold real numbers, `mask` does not hold bool, or `block`
        is no int.
    ValueError
        If the shapes do not fit, or `block` is not positive.

    See Also
    --------
    softlit.SoftmaxState : the same merging for one stream of logits.

    Notes
    -----
    Derived in chapter 15, :prf:ref:`thm-carried-mean` and :prf:ref:`thm-merged-means`. The scores are rounded
    as in plain attention, which costs a weight as much as its gap to the largest score; the sums add a few
    ulp of ``sum_j p_j |v_j|``, or 1e-31 in float32 if that is more. While no score can exceed 32, no maximum
    is subtracted. Blocks of keys that lie in the future of all their queries are not computed.
    Attention by blocks: [1]_; grouped queries: [2]_.

    References
    ----------
    .. [1] T. Dao et al., "FlashAttention: fast and memory-efficient exact attention with IO-awareness",
       NeurIPS 2022, https://doi.org/10.48550/arXiv.2205.14135
    .. [2] J. Ainslie et al., "GQA: training generalized multi-query transformer models from multi-head
       checkpoints", 2023, https://doi.org/10.48550/arXiv.2305.13245

    Examples
    --------
    >>> import softlit
    >>> softlit.attention([[0.0]], [[1.0], [2.0]], [[1.0], [3.0]])
    array([[2.]])
    >>> softlit.attention([[1.0]], [[1.0], [2.0]], [[1.0], [3.0]], mask=[[True, False]])
    array([[1.]])
    >>> means, lse = softlit.attention([[0.0], [0.0]], [[1.0], [2.0]], [[1.0], [3.0]], causal=True,
    ...                                return_lse=True)
    >>> means.tolist(), lse.round(4).tolist()
    ([[1.0], [2.0]], [0.0, 0.6931])
    """
    block = positive_int(block, "block")
    parts, dtypes = _read_parts(q, k, v)
    tables, of_bias = _read_tables(mask, bias)
    leading = _leading_axes(*parts, tables)
    dtype = np.result_type(*dtypes, *of_bias)
    work = np.promote_types(dtype, np.float32)
    scale = None if scale is None else _one_number(scale)
    with np.errstate(all="ignore"):
        scale = None if scale is None else scale.astype(work)
        parts = (part.astype(work, copy=False) for part in parts)
        means, lse = _by_blocks(
            *parts, leading, tables, causal, scale, block, dtype
        )
    return (means, lse) if return_lse else means


__all__ = [
    "attention",
]
