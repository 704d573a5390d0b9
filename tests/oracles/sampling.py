"""A customer's future told purchase by purchase, as the papers tell it."""

from __future__ import annotations

from typing import Any

import numpy as np


def values(
    n: int,
    process: tuple[float, float, float, float],
    spend: tuple[float, float, float],
    *,
    end: float,
    horizon: float,
    delta: float,
    seed: int,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw n present values: exponential gaps, a coin after each purchase or a lifetime."""
    rng = np.random.default_rng(seed)
    shape, rate, first, second = process
    out = np.zeros(n)
    for i in range(n):
        speed = rng.gamma(shape) / rate
        stop = rng.beta(first, second) if end == 0.0 else 0.0
        death = rng.exponential() / (rng.gamma(first) / second) if end == 1.0 else np.inf
        money = rng.gamma(spend[0]) / spend[1]
        moment = rng.exponential() / speed
        while moment < min(death, horizon):
            out[i] += rng.gamma(spend[2]) / money * np.exp(-delta * moment)
            if rng.random() < stop:
                break
            moment += rng.exponential() / speed
    return out


def regular_values(
    n: int,
    process: tuple[float, float, float, float],
    gaps: tuple[int, float],
    spend: tuple[float, float, float],
    *,
    horizon: float,
    delta: float,
    seed: int,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw n present values: Erlang gaps, a coin after each purchase.

    The gap under way is drawn by waiting: rates and gaps until one has gaps longer than the
    silence, whose share of the rate parameter is the second of `gaps`.
    """
    rng = np.random.default_rng(seed)
    shape, rate, first, second = process
    k, silence = gaps
    out = np.zeros(n)
    for i in range(n):
        # At the last purchase the rate parameter was that of now less the silence.
        speed = gap = 0.0
        while gap <= rate * silence:
            speed = rng.gamma(shape) / (rate * (1.0 - silence))
            gap = rng.gamma(k) / speed
        stop = rng.beta(first, second)
        money = rng.gamma(spend[0]) / spend[1]
        moment = gap - rate * silence
        while moment < horizon:
            out[i] += rng.gamma(spend[2]) / money * np.exp(-delta * moment)
            if rng.random() < stop:
                break
            moment += rng.gamma(k) / speed
    return out


def opportunity_values(
    n: int,
    process: tuple[float, float, float, float],
    spend: tuple[float, float, float],
    *,
    horizon: int,
    delta: float,
    seed: int,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw n present values: before each opportunity a coin to stop, at it a coin to buy."""
    rng = np.random.default_rng(seed)
    a, b, c, d = process
    out = np.zeros(n)
    for i in range(n):
        buys, stops = rng.beta(a, b), rng.beta(c, d)
        money = rng.gamma(spend[0]) / spend[1]
        for k in range(1, horizon + 1):
            if rng.random() < stops:
                break
            if rng.random() < buys:
                out[i] += rng.gamma(spend[2]) / money * np.exp(-delta * k)
    return out
