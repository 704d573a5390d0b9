"""Customers drawn from the models themselves, whose covariates change rates; times in weeks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

TRUTH = {"r": 0.9, "alpha": 12.0, "s": 0.7, "beta": 15.0}
PURCHASE = {"online": 0.5, "income": -0.2}
ATTRITION = {"online": -0.6, "income": 0.3}
BG_TRUTH = {"r": 0.8, "alpha": 6.0, "a": 1.0, "b": 3.0}
BG_PURCHASE, BG_ATTRITION = 0.4, -0.7
SPEND = {"p": 6.25, "q": 3.74, "v": 15.44}
YEAR = 52.0


def pareto_nbd(n: int, seed: int) -> pl.DataFrame:
    """Customers whose rates of purchase and attrition depend on two covariates."""
    rng = np.random.default_rng(seed)
    online, income = rng.integers(0, 2, n).astype(float), rng.normal(3.0, 1.0, n)
    T = rng.uniform(40.0, 104.0, n)
    faster = np.exp(PURCHASE["online"] * online + PURCHASE["income"] * income)
    sooner = np.exp(ATTRITION["online"] * online + ATTRITION["income"] * income)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n) * faster
    death = rng.gamma(TRUTH["s"], 1 / TRUTH["beta"], n) * sooner
    end = rng.exponential(1.0, n) / death
    life = np.minimum(end, T)
    x = rng.poisson(rate * life)
    t_x = np.where(x > 0, life * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    later = rng.poisson(rate * (np.minimum(end, T + YEAR) - life))
    columns = {"repeat_purchases": x, "t_x": 7 * t_x, "T": 7 * T, "online": online}
    return _with_spend(pl.DataFrame(columns | {"income": income}), later, rng)


def bg_nbd(n: int, seed: int) -> pl.DataFrame:
    """Customers of two channels, with rates and odds of stopping of their own."""
    rng = np.random.default_rng(seed)
    online, T = rng.integers(0, 2, n).astype(float), rng.uniform(40.0, 104.0, n)
    rate = rng.gamma(BG_TRUTH["r"], 1 / BG_TRUTH["alpha"], n) * np.exp(BG_PURCHASE * online)
    precision, odds = BG_TRUTH["a"] + BG_TRUTH["b"], BG_TRUTH["a"] / BG_TRUTH["b"]
    share = 1 / (1 + np.exp(-BG_ATTRITION * online) / odds)
    stop = rng.beta(precision * share, precision * (1 - share))
    rows = []
    for each_rate, each_stop, end in zip(rate, stop, T, strict=True):
        moments, now = [0.0], rng.exponential(1 / each_rate)
        while now < end + YEAR:
            moments.append(now)
            if rng.random() < each_stop:
                break
            now += rng.exponential(1 / each_rate)
        seen = [moment for moment in moments if moment < end]
        rows.append((len(seen) - 1, 7 * seen[-1], len(moments) - len(seen)))
    x, t_x, later = (np.array(column) for column in zip(*rows, strict=True))
    columns = {"repeat_purchases": x, "t_x": t_x, "T": 7 * T, "online": online}
    return _with_spend(pl.DataFrame(columns), later, rng)


def _with_spend(
    customers: pl.DataFrame, later: npt.NDArray[np.int64], rng: np.random.Generator
) -> pl.DataFrame:
    """Add a number, the mean repeat purchase and what a year's `later` purchases bring."""
    x = customers["repeat_purchases"].to_numpy()
    scale = 1 / rng.gamma(SPEND["q"], 1 / SPEND["v"], x.size)
    first, second = (
        rng.gamma(np.maximum(SPEND["p"] * count, 1e-9)) * scale for count in (x, later)
    )
    return customers.with_columns(
        customer_id=pl.int_range(pl.len()),
        repeat_spend=pl.Series(np.where(x > 0, first / np.maximum(x, 1), np.nan)).fill_nan(None),
        holdout_revenue=pl.Series(np.where(later > 0, second, 0.0)),
    )
