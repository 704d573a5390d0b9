"""The columns that models read, and what none of their values may be."""

from __future__ import annotations

import numpy as np

from customer_value._frames.contracts import ArrayRule

HISTORY = ("repeat_purchases", "t_x", "T")
"""The columns that a timed purchase model reads; ages in days."""

SPEND = ("repeat_purchases", "repeat_spend")
"""The columns that a spend model reads."""

OPPORTUNITIES = ("repeat_purchases", "last_opportunity", "opportunities")
"""The columns that a model of opportunities reads: counts of opportunities."""

_MOST = 10_000_000
"""Repeat purchases of one customer: tables of a likelihood are as long."""
_MOST_OPPORTUNITIES = 10_000


def history_rules(n_covariates: int = 0) -> list[ArrayRule]:
    """What no customer's history may be, nor the covariates that stand after it."""
    rules = [
        ArrayRule(
            "NaN or infinite repeat_purchases, t_x or T",
            lambda x, t_x, age, *_: ~np.isfinite(x + t_x + age),
        ),
        _NO_COUNT,
        ArrayRule(
            f"more than {_MOST:,} repeat_purchases", lambda x, *_: (x > _MOST) & np.isfinite(x)
        ),
        ArrayRule("t_x outside 0 .. T", lambda _, t_x, age, *__: (t_x < 0) | (t_x > age)),
        ArrayRule("t_x above 0 without a repeat purchase", lambda x, t_x, *_: (x == 0) & (t_x > 0)),
    ]
    if n_covariates:
        last = len(HISTORY) + n_covariates
        rules.append(
            ArrayRule(
                "NaN or infinite covariates",
                lambda *columns: ~np.isfinite(np.sum(columns[len(HISTORY) : last], axis=0)),
            )
        )
    return rules


def spend_rules() -> list[ArrayRule]:
    """What no customer's spend may be."""
    return [
        ArrayRule(
            "NaN or infinite repeat_purchases or repeat_spend", lambda x, m: ~np.isfinite(x + m)
        ),
        _NO_COUNT,
    ]


def spend_prediction_rules() -> list[ArrayRule]:
    """What no customer's spend may be, where a mean that is not known is NaN."""
    return [
        ArrayRule(
            "NaN or infinite repeat_purchases or repeat_spend",
            lambda x, m: ~np.isfinite(x) | np.isinf(m),
        ),
        _NO_COUNT,
    ]


def opportunity_rules() -> list[ArrayRule]:
    """What no customer's history of opportunities may be, whatever columns stand after it."""
    return [
        ArrayRule(
            "repeat_purchases, last_opportunity or opportunities not 0, 1, 2 ...",
            lambda *columns: (
                ~np.logical_and.reduce(
                    [(c >= 0) & (c == np.floor(c)) for c in columns[: len(OPPORTUNITIES)]]
                )
            ),
        ),
        ArrayRule(
            f"more than {_MOST_OPPORTUNITIES:,} opportunities",
            lambda _x, _t, n, *_: n > _MOST_OPPORTUNITIES,
        ),
        ArrayRule("last_opportunity after the opportunities", lambda _, t_x, n, *__: t_x > n),
        ArrayRule("more repeat_purchases than last_opportunity", lambda x, t_x, *_: x > t_x),
        ArrayRule(
            "last_opportunity above 0 without a repeat purchase",
            lambda x, t_x, *_: (x == 0) & (t_x > 0),
        ),
    ]


_NO_COUNT = ArrayRule(
    "repeat_purchases not 0, 1, 2 ...", lambda x, *_: (x < 0) | (x != np.floor(x))
)
