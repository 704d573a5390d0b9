"""BG/BB: purchases at given opportunities until a silent drop-out before one of them.

Fader, Hardie & Shang (2010), "Customer-Base Analysis in a Discrete-Time Noncontractual Setting",
Marketing Science 29(6). At each opportunity a living customer buys with probability
p ~ Beta(alpha, beta); before each opportunity the customer leaves with probability
theta ~ Beta(gamma, delta). Rows are customers: x purchases, the last at opportunity t_x, of n.

The likelihood is a sum over the opportunity after which the customer left. Its terms are those of
someone who was there until t_x, times h(t_x), where h(n) = 1 and, from n backwards,
h(j) = gamma/(gamma+delta+j) + (delta+j)/(gamma+delta+j) (beta+j-x)/(alpha+beta+j) h(j+1):
either the customer left after j or stayed and did not buy. All is positive and at most 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from customer_value._kernels.math.beta_steps import log_beta_step
from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.parallel import FloatArray, map_rows, read_only

if TYPE_CHECKING:
    from customer_value._kernels.models.parameters import BgBb

FAR = 1e5
"""Opportunities after which the search for the next purchase ends."""


class Opportunities(NamedTuple):
    """Purchase histories at given opportunities, one row a customer; all whole numbers.

    Attributes:
        x: Purchases, from 0 to t_x.
        t_x: Number of the opportunity of the last purchase, from 0 to n; 0 where x is 0.
        n: Opportunities so far.
    """

    x: FloatArray
    t_x: FloatArray
    n: FloatArray

    @property
    def size(self) -> int:
        """Number of customers."""
        return self.x.size

    def read_only(self) -> Opportunities:
        """The same histories as a kernel takes them."""
        return Opportunities(*read_only(*self))


def log_likelihood(
    histories: Opportunities, parameters: BgBb, *, threads: int | None = None
) -> FloatArray:
    """Give each customer's log likelihood.

    Returns:
        One log likelihood per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    map_rows(_log_likelihood, columns, *parameters, threads=threads)
    return out


def value_gradient_hessian(
    histories: Opportunities, weights: FloatArray, parameters: BgBb, *, threads: int | None = None
) -> tuple[float, FloatArray, FloatArray]:
    """Give the weighted log likelihood and its derivatives in the logarithms of the shapes.

    Args:
        weights: How many customers each row stands for.

    Returns:
        The weighted sum of the log likelihood, its gradient (4,) and its Hessian (4, 4).
    """
    columns = read_only(*histories, weights)
    total = np.zeros((6, 4))
    for part in map_rows(_sums, columns, *parameters, threads=threads):
        total += part
    return float(total[0, 0]), total[1], (total[2:] + total[2:].T) / 2


def probability_alive(
    histories: Opportunities, parameters: BgBb, ahead: float, *, threads: int | None = None
) -> FloatArray:
    """Give the probability of being alive at opportunity n + ahead.

    Args:
        ahead: Opportunities after n, 0 or more.

    Returns:
        One probability per row.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    map_rows(_probability_alive, columns, ahead, *parameters, threads=threads)
    return out


def posterior_means(
    histories: Opportunities, parameters: BgBb, *, threads: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Give the expected purchase and drop-out probabilities of each customer, given the history.

    Returns:
        The means of p and of theta, one of each per row.
    """
    buys = np.empty(histories.size)
    leaves = np.empty(histories.size)
    columns = (*histories.read_only(), buys, leaves)
    map_rows(_posterior_means, columns, *parameters, threads=threads)
    return buys, leaves


def probability_while_alive(
    histories: Opportunities,
    parameters: BgBb,
    horizon: float,
    k: float,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Give the probability of k purchases at the next opportunities, given alive at n.

    Such a customer is a new one with alpha + x, beta + n - x and delta + n.

    Args:
        horizon: Opportunities after n, a whole number.
        k: Purchases there, a whole number.

    Returns:
        One probability per row.
    """
    x, _, n = histories.read_only()
    out = np.zeros(x.size)
    if 0 <= k <= horizon:
        map_rows(_probability_while_alive, (x, n, out), horizon, k, *parameters, threads=threads)
    return out


def next_purchase_quantile(
    histories: Opportunities, parameters: BgBb, q: float, *, threads: int | None = None
) -> FloatArray:
    """Give the number of opportunities until a purchase has happened with probability q.

    Args:
        q: A probability, above 0 and below 1.

    Returns:
        One whole number per row, inf where the probability stays below q for `FAR` opportunities.
    """
    out = np.empty(histories.size)
    columns = (*histories.read_only(), out)
    map_rows(_next_purchase_quantile, columns, q, *parameters, threads=threads)
    return out


@jit
def _silence(
    x: float, t_x: float, n: float, alpha: float, beta: float, gamma: float, delta: float
) -> tuple[float, float]:
    """Give ln h(t_x), and ln of the part of h in which the customer is still alive at n.

    1 - h goes along, a sum of positive terms too, for the digits of an h near 1.
    """
    h = alive = 1.0
    rest = log_alive = 0.0
    j = n
    while j > t_x:
        j -= 1.0
        total, trials = gamma + delta + j, alpha + beta + j
        stays, idle = (delta + j) / total, (beta + j - x) / trials
        h = gamma / total + stays * idle * h
        rest = stays * ((alpha + x) / trials + idle * rest)
        alive *= stays * idle
        if alive < 1e-40:  # a logarithm now and then is quicker than one a step
            log_alive += math.log(alive)
            alive = 1.0
    return math.log1p(-rest) if rest < 0.5 else math.log(h), log_alive + math.log(alive)


@jit
def _log_likelihood(
    x: FloatArray,
    t_x: FloatArray,
    n: FloatArray,
    out: FloatArray,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> None:
    """Write each row's log likelihood, a sum of terms none of which is above 0."""
    for i in range(x.size):
        out[i], _ = _silence(x[i], t_x[i], n[i], alpha, beta, gamma, delta)
        for j in range(int(x[i])):
            out[i] -= math.log1p(beta / (alpha + j))
        for j in range(int(t_x[i] - x[i])):
            out[i] -= math.log1p((alpha + x[i]) / (beta + j))
        for j in range(int(t_x[i])):
            out[i] -= math.log1p(gamma / (delta + j))


@jit
def _probability_alive(
    x: FloatArray,
    t_x: FloatArray,
    n: FloatArray,
    out: FloatArray,
    ahead: float,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> None:
    """Write each row's probability of being alive `ahead` opportunities after n."""
    for i in range(x.size):
        log_h, log_alive = _silence(x[i], t_x[i], n[i], alpha, beta, gamma, delta)
        if ahead > 0.0:
            log_n = math.log(n[i]) if n[i] > 0.0 else -math.inf
            log_alive += log_beta_step(log_n, math.log(n[i] + ahead), gamma, delta)
        out[i] = math.exp(log_alive - log_h)


@jit
def _posterior_means(
    x: FloatArray,
    t_x: FloatArray,
    n: FloatArray,
    buys: FloatArray,
    leaves: FloatArray,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> None:
    """Write each row's means: those given when the customer left, weighted as in `_silence`."""
    for i in range(x.size):
        j, h = n[i], 1.0
        buys[i] = (alpha + x[i]) / (alpha + beta + j)
        leaves[i] = gamma / (gamma + delta + j)
        while j > t_x[i]:
            j -= 1.0
            leave = gamma / (gamma + delta + j)
            idle = (1.0 - leave) * (beta + j - x[i]) / (alpha + beta + j)
            total = leave + idle * h
            weight = leave / total
            buys[i] += weight * ((alpha + x[i]) / (alpha + beta + j) - buys[i])
            leaves[i] += weight * ((gamma + 1.0) / (gamma + delta + j + 1.0) - leaves[i])
            h = total


@jit
def _probability_while_alive(
    x: FloatArray,
    n: FloatArray,
    out: FloatArray,
    horizon: float,
    k: float,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> None:
    """Write each row's sum over i = k .. horizon of P(left after i) P(k purchases among i).

    Terms are kept relative to the largest so far, since binomial coefficients overflow.
    """
    for row in range(x.size):
        a = alpha + x[row]
        b = beta + n[row] - x[row]
        d = delta + n[row]
        log_term = 0.0  # ln of P(alive at i) and of k purchases among i
        for j in range(int(k)):
            log_term -= math.log1p(b / (a + j)) + math.log1p(gamma / (d + j))
        top, total = log_term, 0.0
        i = k
        while i < horizon:
            if log_term > top:
                total *= math.exp(top - log_term)
                top = log_term
            total += math.exp(log_term - top) * gamma / (gamma + d + i)
            log_term += math.log1p(k / (i + 1.0 - k)) - math.log1p(gamma / (d + i))
            log_term -= math.log1p((a + k) / (b + i - k))
            i += 1.0
        out[row] = math.exp(top) * (total + math.exp(log_term - top))


@jit
def _next_purchase_quantile(
    x: FloatArray,
    t_x: FloatArray,
    n: FloatArray,
    out: FloatArray,
    q: float,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> None:
    """Write each row's quantile: those who still wait can only buy, leave or wait on."""
    for i in range(x.size):
        log_h, log_alive = _silence(x[i], t_x[i], n[i], alpha, beta, gamma, delta)
        waiting = math.exp(log_alive - log_h)
        bought = m = 0.0
        out[i] = math.inf
        while bought + waiting >= q and m < FAR:
            stays = (delta + n[i] + m) / (gamma + delta + n[i] + m)
            buys = (alpha + x[i]) / (alpha + beta + n[i] + m)
            m += 1.0
            bought += waiting * stays * buys
            waiting *= stays * ((beta + n[i] - x[i] + m - 1.0) / (alpha + beta + n[i] + m - 1.0))
            if bought >= q:
                out[i] = m
                break


@jit
def _sums(
    x: FloatArray,
    t_x: FloatArray,
    n: FloatArray,
    weights: FloatArray,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> FloatArray:
    """Sum the likelihood: the value in row 0, the gradient in row 1, the Hessian in rows 2 to 5."""
    sums = np.zeros((6, 4))
    h = np.zeros((6, 4))
    own = np.zeros((6, 4))
    stay, leave = np.zeros((6, 4)), np.zeros((6, 4))
    for i in range(x.size):
        own[:] = 0.0
        for before in range(int(x[i])):
            _add_ratio(own, 0, 1, alpha, beta, float(before), float(before))
        for before in range(int(t_x[i] - x[i])):
            _add_ratio(own, 1, 0, beta, alpha, float(before), x[i] + before)
        for before in range(int(t_x[i])):
            _add_ratio(own, 3, 2, delta, gamma, float(before), float(before))
        h[:] = 0.0
        h[0, 0] = 1.0
        j = n[i]
        while j > t_x[i]:
            j -= 1.0
            stay[:], leave[:] = 0.0, 0.0
            _add_ratio(stay, 3, 2, delta, gamma, j, j)
            _add_ratio(stay, 1, 0, beta, alpha, j - x[i], j)
            _add_ratio(leave, 2, 3, gamma, delta, 0.0, j)
            _step_back(h, stay, leave)
        own[0, 0] += math.log(h[0, 0])
        for k in range(4):
            own[1, k] += h[1, k] / h[0, 0]
            for m in range(4):
                own[2 + k, m] += h[2 + k, m] / h[0, 0] - h[1, k] * h[1, m] / h[0, 0] ** 2
        sums += weights[i] * own
    return sums


@jit
def _add_ratio(
    out: FloatArray, k: int, m: int, first: float, second: float, above: float, below: float
) -> None:
    """Add ln((first + above) / (first + second + below)) and its derivatives.

    These are in the logarithms of `first` and `second`, the shapes number k and m.
    """
    top, bottom = first + above, first + second + below
    out[0, 0] -= math.log1p((second + below - above) / top)
    out[1, k] += first * (second + below - above) / (top * bottom)
    out[1, m] -= second / bottom
    cross = (first / bottom) * (second / bottom)
    out[2 + k, k] += (first / top) * (above / top) - (first / bottom) * ((second + below) / bottom)
    out[2 + k, m] += cross
    out[2 + m, k] += cross
    out[2 + m, m] -= (second / bottom) * ((first + below) / bottom)


@jit
def _step_back(h: FloatArray, stay: FloatArray, leave: FloatArray) -> None:
    """Replace h by e^leave + e^stay h, with the derivatives of all."""
    p, q = math.exp(leave[0, 0]), math.exp(stay[0, 0])
    for k in range(4):
        for m in range(4):
            lost = leave[1, k] * leave[1, m] + leave[2 + k, m]
            kept = (stay[1, k] * stay[1, m] + stay[2 + k, m]) * h[0, 0]
            kept += stay[1, k] * h[1, m] + h[1, k] * stay[1, m] + h[2 + k, m]
            h[2 + k, m] = p * lost + q * kept
    for k in range(4):
        h[1, k] = p * leave[1, k] + q * (stay[1, k] * h[0, 0] + h[1, k])
    h[0, 0] = p + q * h[0, 0]
