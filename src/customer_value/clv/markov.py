"""Lifetime value of customers who move between states, such as recencies, tiers or stages.

Pfeifer, P. E. and Carraway, R. L. (2000), "Modeling Customer Relationships as Markov Chains",
Journal of Interactive Marketing 14(2), 43-55.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.door import read_frame
from customer_value._frames.options import build
from customer_value.exceptions import DataError, OptionError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import BoolArray, FloatArray, Frame

_TOLERANCE = 1e-6
ABSENT = "(absent)"
"""The state of customers who have left, as `migration_matrix` calls it."""


class MarkovTerms(BaseModel, frozen=True, extra="forbid", title="markov_value"):
    """The terms on which states are valued; see `markov_value`.

    Attributes:
        rate_per_period: Effective rate of discount per period.
        periods: How many periods to look ahead; None is without end.
        curtail: Whether to give up states that are worth less than nothing.
    """

    rate_per_period: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    periods: Annotated[int, Field(ge=0, le=10_000)] | None = None
    curtail: bool = False


def markov_value(
    transitions: Frame,
    rewards: Mapping[str, float],
    *,
    rate_per_period: float,
    periods: int | None = None,
    curtail: bool = False,
) -> pl.DataFrame:
    """Markov chain model: lifetime value of a customer in each state.

    With transitions P, rewards R and rate of discount d the values are
    V = (I - P / (1 + d))^-1 R without end, and the sum over t = 0 .. T of (P / (1 + d))^t R for T
    periods (Pfeifer & Carraway 2000). The reward of a period comes at its start, so that the first
    is not discounted.

    Args:
        transitions: One row per state, with `state` and one column per state, named like it: the
            probability of being there one period later. Each row sums to 1 (to six places; it is
            divided by its sum). A state that is never left, such as a former customer, moves to
            itself with probability 1. Or what `migration_matrix` makes: one row per move, with a
            column of states, `next_` and its name, and `probability`. Customers who left to
            `"(absent)"` stay there; those who came from there do not count.
        rewards: What a customer in each state brings in a period, less what is spent on the
            customer; of `"(absent)"` 0 unless given.
        rate_per_period: Effective rate of discount **per period**, 0 to 1.
        periods: How many periods to look ahead, 0 to 10,000: the reward of now and that many more
            count. None is without end.
        curtail: Give up customers as soon as they come to a state in which they are worth less
            than nothing, as Pfeifer & Carraway stop to promote to them: they bring and cost
            nothing from then on.

    Returns:
        One row per state, in the order of `transitions`, with `state` (String), `value`
        (Float64, money) and `kept` (Boolean; false where the state is given up, with value 0).

    Raises:
        SchemaError: The columns are neither `state` and one of numbers for each state, nor those of
            `migration_matrix`.
        DataError: Probabilities are unknown, outside 0 to 1 or do not sum to 1, states are there
            twice, or rewards are missing, not finite or of other states.
        OptionError: A rate or a number of periods is out of range, or without end and without
            discount a state that customers come back to for ever has a reward: the sum has no
            limit.

    Examples:
        >>> import customer_value as cv
        >>> transitions = cv.clv.recency_transitions([0.3, 0.2, 0.15, 0.05])
        >>> rewards = {"recency_1": 36.0, "recency_2": -4, "recency_3": -4, "recency_4": -4}
        >>> values = cv.clv.markov_value(transitions, rewards | {"former": 0}, rate_per_period=0.2)
        >>> values["value"].round(3).to_list()
        [52.32, 5.554, 1.251, -1.82, 0.0]
    """
    terms = build(MarkovTerms, rate_per_period=rate_per_period, periods=periods, curtail=curtail)
    chain = _read(transitions, rewards)
    if terms.periods is None:
        _check_limit(chain, terms)
        values, kept = _without_end(chain, terms)
    else:
        values, kept = _ahead(chain, terms, terms.periods)
    return pl.DataFrame({"state": chain.states, "value": values, "kept": kept})


def recency_transitions(purchase_probabilities: Sequence[float]) -> pl.DataFrame:
    """Transitions between recencies: who buys starts anew, who does not grows older by one.

    The chain of Pfeifer & Carraway (2000): a customer who last bought k periods ago buys with
    probability p(k); after the last k without a purchase the customer is a former one for good.

    Args:
        purchase_probabilities: Probability of a purchase in the next period, 0 to 1, for recency
            1, 2, 3 ...

    Returns:
        The `transitions` of `markov_value`, with the states `"recency_1"`, `"recency_2"` ... and
        `"former"`.

    Raises:
        DataError: A probability is outside 0 to 1, or there is none.

    Examples:
        >>> import customer_value as cv
        >>> cv.clv.recency_transitions([0.3, 0.2]).rows()[1]
        ('recency_2', 0.2, 0.0, 0.8)
    """
    buys = np.asarray(purchase_probabilities, dtype=np.float64)
    if not buys.size or not ((buys >= 0) & (buys <= 1)).all():
        raise DataError(
            f"purchase_probabilities must be one or more numbers from 0 to 1, got {buys.tolist()}"
        )
    n = buys.size
    matrix = np.zeros((n + 1, n + 1))
    matrix[:n, 0] = buys
    matrix[np.arange(n), np.arange(1, n + 1)] += 1.0 - buys
    matrix[n, n] = 1.0
    states = [*(f"recency_{k}" for k in range(1, n + 1)), "former"]
    columns = {state: matrix[:, k] for k, state in enumerate(states)}
    return pl.DataFrame({"state": states} | columns)


class _Chain(NamedTuple):
    states: list[str]
    matrix: FloatArray
    rewards: FloatArray


def _read(transitions: Frame, rewards: Mapping[str, float]) -> _Chain:
    frame = read_frame(transitions, {}, what="transitions").lazy().collect()
    if column := _moved(frame):
        frame = _wide(frame, column)
        rewards = {ABSENT: 0.0, **rewards} if ABSENT in frame["state"] else rewards
    frame = read_frame(frame, {"state": "any"}, what="transitions")
    states = frame["state"].cast(pl.String).to_list()
    others = [name for name in frame.columns if name != "state"]
    if set(states) != set(others):
        missing = sorted(str(state) for state in set(states) - set(others))
        extra = sorted(set(others) - {state for state in states if state is not None})
        raise SchemaError(
            "transitions: one column per state is needed; states without a column: "
            f"{', '.join(missing) or 'none'}; columns without a state: "
            f"{', '.join(extra) or 'none'}"
        )
    frame = read_frame(frame, dict.fromkeys(others, "number"), what="transitions")
    if twice := sorted({state for state in states if states.count(state) > 1}):
        raise DataError(f"transitions: states that are there twice: {', '.join(twice)}")
    matrix = frame.select(pl.col(others).cast(pl.Float64)).select(states).to_numpy()
    sums = matrix.sum(axis=1)
    problems = {
        "states with a probability that is unknown or outside 0 .. 1": [
            state
            for state, row in zip(states, matrix, strict=True)
            if not ((row >= 0) & (row <= 1)).all()
        ],
        "states whose probabilities do not sum to 1": [
            f"{state}: {total:g}"
            for state, total in zip(states, sums, strict=True)
            if abs(total - 1) > _TOLERANCE
        ],
        "states without a reward": [state for state in states if state not in rewards],
        "rewards of other states": sorted(set(rewards) - set(states)),
        "rewards that are not finite": [s for s, r in rewards.items() if not np.isfinite(r)],
    }
    found = [f"{what}: {', '.join(names)}" for what, names in problems.items() if names]
    if found:
        raise DataError(f"markov_value: {'; '.join(found)}")
    matrix = matrix / sums[:, None]
    return _Chain(states, matrix, np.array([float(rewards[state]) for state in states]))


def _moved(frame: pl.DataFrame) -> str | None:
    """The column of states of a table of moves, as `migration_matrix` makes it."""
    if "state" in frame.columns or "probability" not in frame.columns:
        return None
    pairs = [name for name in frame.columns if f"next_{name}" in frame.columns]
    return pairs[0] if pairs else None


def _wide(moves: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row and one column per state; who is absent stays so."""
    moves = read_frame(
        moves,
        {column: "text", f"next_{column}": "text", "probability": "money"},
        what="transitions",
    )
    moves = moves.select(
        state=pl.col(column).cast(pl.String),
        then=pl.col(f"next_{column}").cast(pl.String),
        probability=pl.col("probability").cast(pl.Float64),
    ).filter(pl.col("state") != ABSENT)
    unseen = moves.filter(pl.col("probability").is_null())["state"].unique(maintain_order=True)
    if unseen.len():
        raise DataError(
            f"transitions: no customer was in {', '.join(unseen)} before, so that nothing is known "
            "of the moves from there; smoothing=1 in migration_matrix takes all as likely"
        )
    stays = pl.DataFrame({"state": [ABSENT], "then": [ABSENT], "probability": [1.0]})
    every = pl.concat([moves, stays] if ABSENT in moves["then"] else [moves])
    return every.pivot("then", index="state", values="probability").fill_null(0.0)


def _recurrent(matrix: FloatArray) -> BoolArray:
    """Which states a customer comes back to for ever: all that they reach lead back to them."""
    reach = (matrix > 0) | np.eye(len(matrix), dtype=bool)
    for _ in range(len(matrix).bit_length()):
        reach = reach @ reach
    return np.asarray((~reach | reach.T).all(axis=1))


def _check_limit(chain: _Chain, terms: MarkovTerms) -> None:
    if terms.rate_per_period > 0:
        return
    paid = _recurrent(chain.matrix) & (chain.rewards != 0)
    if paid.any():
        names = ", ".join(np.array(chain.states)[paid])
        raise OptionError(
            f"without discount the value has no limit: customers come back for ever to {names}, "
            "which have a reward; give a rate_per_period above 0, or a number of periods"
        )


def _without_end(chain: _Chain, terms: MarkovTerms) -> tuple[FloatArray, BoolArray]:
    """Solve for the values; where states are given up, until none more should be or should not."""
    step = chain.matrix / (1.0 + terms.rate_per_period)
    values = np.zeros(len(step))
    kept = np.ones(len(step), dtype=bool)
    for _ in range(len(step) + 1):
        values = _solve(step, np.where(kept, chain.rewards, 0.0), kept)
        worth = chain.rewards + step @ values
        size = np.abs(chain.rewards) + step @ np.abs(values)
        better = worth >= -1e-12 * size
        if not terms.curtail or (better == kept).all():
            break
        kept = better
    return values, kept


def _solve(step: FloatArray, rewards: FloatArray, kept: BoolArray) -> FloatArray:
    """The values of the kept states; those of states without any reward ahead are zero."""
    step = step * kept[:, None]
    paid = rewards != 0
    for _ in range(len(step)):
        paid = paid | ((step > 0) & paid).any(axis=1)
    values = np.zeros(len(step))
    inside = np.ix_(paid, paid)
    values[paid] = np.linalg.solve(np.eye(int(paid.sum())) - step[inside], rewards[paid])
    return values


def _ahead(chain: _Chain, terms: MarkovTerms, periods: int) -> tuple[FloatArray, BoolArray]:
    """Go back from the last period, giving up what is worth less than nothing from there on."""
    step = chain.matrix / (1.0 + terms.rate_per_period)
    values = np.zeros(len(step))
    kept = np.ones(len(step), dtype=bool)
    for _ in range(periods + 1):
        values = chain.rewards + step @ values
        if terms.curtail:
            kept = values >= 0
            values = np.where(kept, values, 0.0)
    return values, kept
