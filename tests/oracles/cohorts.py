"""Customers whose purchases are drawn as the papers tell them: the past to fit, the future to hold.

Each has a past of his own length. The truth is a model of purchases and one of spend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import customer_value as cv


def cohort(
    n: int, purchases: cv.clv.PurchaseModel, spend: cv.clv.SpendModel, *, horizon: float, seed: int
) -> pl.DataFrame:
    """Histories of n customers, up to two years long, and what they spend in the horizon."""
    rng = np.random.default_rng(seed)
    rows = []
    for age in rng.uniform(100.0, 700.0, n):
        moments = np.array(_repeats(purchases, float(age + horizon), rng))
        money = _amounts(spend, moments.size, rng)
        past = moments <= age
        known = np.append(0.0, moments[past])
        x = known.size - 1
        rows.append(
            {
                "repeat_purchases": x,
                "t_x": known[-1],
                "T": age,
                "repeat_spend": money[past].mean() if x else None,
                "log_gap_sum": np.log(np.diff(known)).sum(),
                "holdout_revenue": money[~past].sum(),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def opportunity_cohort(
    n: int,
    purchases: cv.BgBb,
    spend: cv.clv.SpendModel,
    *,
    seed: int,
    horizon: int,
    most: int = 20,
) -> pl.DataFrame:
    """Histories of n customers of up to `most` opportunities, and what comes at the next ones."""
    rng = np.random.default_rng(seed)
    rows = []
    for n_past in rng.integers(0, most + 1, n):
        bought = _used(purchases, int(n_past) + horizon, rng)
        money = _amounts(spend, bought.size, rng)
        past = bought <= n_past
        x = int(past.sum())
        rows.append(
            {
                "repeat_purchases": x,
                "last_opportunity": bought[past].max() if x else 0,
                "opportunities": n_past,
                "repeat_spend": money[past].mean() if x else None,
                "holdout_purchases": bought.size - x,
                "holdout_revenue": money[~past].sum(),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _used(model: cv.BgBb, end: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Numbers of the opportunities that a new customer uses, up to one."""
    buys, stops = rng.beta(model.alpha, model.beta), rng.beta(model.gamma, model.delta)
    used = []
    for k in range(1, end + 1):
        if rng.random() < stops:
            break
        if rng.random() < buys:
            used.append(k)
    return np.array(used, np.int64)


def _repeats(model: Any, end: float, rng: np.random.Generator) -> list[float]:
    """Ages at the repeat purchases of a new customer, up to an age."""
    k = model.k if isinstance(model, cv.MbgCnbd) else 1
    speed = rng.gamma(model.r) / (model.alpha * model.days_per_unit)
    chance, death = 0.0, np.inf
    if isinstance(model, cv.ParetoNbd):
        death = rng.exponential() * model.beta * model.days_per_unit / rng.gamma(model.s)
    elif not isinstance(model, cv.Nbd):
        chance = rng.beta(model.a, model.b)
    moments: list[float] = []
    if not isinstance(model, cv.BgNbd) and rng.random() < chance:
        return moments  # in the MBG models the first purchase may be the last
    moment = rng.gamma(k) / speed
    while moment < min(death, end):
        moments.append(moment)
        if rng.random() < chance:
            break
        moment += rng.gamma(k) / speed
    return moments


def _amounts(model: Any, n: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Spend of n purchases of one customer."""
    if isinstance(model, cv.GammaGamma):
        return rng.gamma(model.p, size=n) * model.v / rng.gamma(model.q)
    spread = np.log1p(model.within**2)
    mean = np.log(model.median) + model.between * rng.standard_normal()
    return rng.lognormal(mean - spread / 2, np.sqrt(spread), n)
