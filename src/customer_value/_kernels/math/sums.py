"""Sums over customers, of which likelihoods and their derivatives are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray


def reach(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Give the weight of the customers with x at least 0, 1, 2 ... up to the largest.

    A likelihood's terms in x alone, such as ln Gamma(r+x)/Gamma(r), are sums over j < x. Over all
    customers they are one sum over j, weighted by how many customers have x > j: by `reach[1:]`.
    """
    counts = np.bincount(x.astype(np.int64), weights)
    return np.asarray(counts[::-1].cumsum()[::-1])


def counting_sums(x: FloatArray, weights: FloatArray, r: float) -> FloatArray:
    """Sum the likelihood's term in x alone, ln Gamma(r+x)/Gamma(r).

    Returns:
        Value, gradient and upper triangle of the Hessian in (ln r, three others): 15 sums.
    """
    beyond = reach(x, weights)[1:]
    j = np.arange(beyond.size)
    share = r / (r + j)
    sums = np.zeros(15)
    sums[0] = (beyond * np.log(r + j)).sum()
    sums[1] = (beyond * share).sum()
    sums[5] = (beyond * share * (j / (r + j))).sum()
    return sums


def derivatives(sums: FloatArray, parameters: int) -> tuple[float, FloatArray, FloatArray]:
    """Take value, gradient and upper triangle of the Hessian apart, which stand one after another.

    Args:
        sums: All of them, 1-d.
        parameters: How many parameters there are.

    Returns:
        The value, the gradient and the whole Hessian.
    """
    hessian = np.empty((parameters, parameters))
    upper = np.triu_indices(parameters)
    hessian[upper] = hessian.T[upper] = sums[1 + parameters :]
    return float(sums[0]), sums[1 : 1 + parameters], hessian
