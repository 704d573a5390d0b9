from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import customer_value as cv

STATES = ["a", "b", "c"]
counts = st.lists(st.integers(0, 20), min_size=16, max_size=16)


def table(cells: dict[tuple[str, str], int], smoothing: float = 0.0) -> pl.DataFrame:
    """The table of `migration_matrix` on snapshots with that many customers a move."""
    pairs = [pair for pair, n in cells.items() for _ in range(n)]
    before = {k: was for k, (was, _) in enumerate(pairs) if was != "-"}
    after = {k: now for k, (_, now) in enumerate(pairs) if now != "-"}
    frames = [
        pl.DataFrame(
            {
                "customer_id": pl.Series(list(s), dtype=pl.Int64),
                "stage": pl.Series(list(s.values()), dtype=pl.String),
            }
        )
        for s in (before, after)
    ]
    return cv.migration_matrix(*frames, smoothing=smoothing)


def square(numbers: list[int]) -> dict[tuple[str, str], int]:
    names = [*STATES, "-"]
    pairs = [(was, now) for was in names for now in names]
    return {pair: n for pair, n in zip(pairs, numbers, strict=True) if pair != ("-", "-")}


@given(numbers=counts, steps=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_forecast_is_a_power_of_the_matrix(numbers: list[int], steps: int) -> None:
    cells = {pair: n + 1 for pair, n in square(numbers).items()}
    got = cv.changes.migration_forecast(table(cells), steps=steps, entries="same")
    moves = np.array([[cells[was, now] for now in [*STATES, "-"]] for was in STATES], dtype=float)
    moves = (moves / moves.sum(axis=1, keepdims=True))[:, :3]
    entries = np.array([cells["-", now] for now in STATES], dtype=float)
    customers = np.array([sum(cells[w, now] for w in [*STATES, "-"]) for now in STATES], float)
    for step in range(steps + 1):
        expected = customers @ np.linalg.matrix_power(moves, step)
        expected += sum(entries @ np.linalg.matrix_power(moves, k) for k in range(step))
        of_step = got.filter(pl.col("step") == step)
        assert of_step["stage"].to_list() == STATES
        assert of_step["customers"].to_numpy() == pytest.approx(expected, rel=1e-12)


@given(numbers=counts)
@settings(max_examples=40, deadline=None)
def test_the_steady_state_stays(numbers: list[int]) -> None:
    cells = {pair: n + 1 for pair, n in square(numbers).items()}
    shares = cv.changes.migration_steady_state(table(cells))["share"].to_numpy()
    moves = np.array([[cells[was, now] for now in [*STATES, "-"]] for was in STATES], dtype=float)
    moves /= moves.sum(axis=1, keepdims=True)
    entries = np.array([cells["-", now] for now in STATES], dtype=float)
    closed = moves[:, :3] + np.outer(moves[:, 3], entries / entries.sum())
    assert shares.sum() == pytest.approx(1.0)
    assert shares @ closed == pytest.approx(shares, abs=1e-12)


@given(numbers=counts)
@settings(max_examples=40, deadline=None)
def test_nobody_is_lost_or_won_where_nobody_leaves(numbers: list[int]) -> None:
    cells = {pair: n for pair, n in square(numbers).items() if "-" not in pair}
    assume(all(sum(cells[was, now] for now in STATES) for was in STATES))
    got = cv.changes.migration_forecast(table(cells), steps=3)
    sums = got.group_by("step").agg(pl.col("customers").sum())["customers"]
    assert sums.to_list() == pytest.approx([sum(cells.values())] * 4)


def test_two_states_by_hand() -> None:
    # A tenth leaves a for b at each step, three tenths come back: 3 in 4 in the long run.
    matrix = table({("a", "a"): 9, ("a", "b"): 1, ("b", "a"): 3, ("b", "b"): 7})
    assert cv.changes.migration_steady_state(matrix).rows() == [
        ("a", pytest.approx(0.75)),
        ("b", pytest.approx(0.25)),
    ]


def test_unknown_moves_are_refused_where_they_matter() -> None:
    matrix = table({("a", "b"): 1})
    with pytest.raises(cv.CustomerValueError, match="no move is known from b"):
        cv.changes.migration_forecast(matrix, steps=1)
    smoothed = table({("a", "b"): 1}, smoothing=1.0)
    assert cv.changes.migration_forecast(smoothed, steps=1)["customers"].to_list() == pytest.approx(
        [0.0, 1.0, 1 / 3, 1 / 3]
    )


def test_states_that_are_never_left_have_no_one_steady_state() -> None:
    with pytest.raises(cv.CustomerValueError, match="customers end up among a; b"):
        cv.changes.migration_steady_state(table({("a", "a"): 1, ("b", "b"): 1}))
    assert cv.changes.migration_steady_state(table({("a", "b"): 1, ("b", "b"): 1}))[
        "share"
    ].to_list() == [
        pytest.approx(0.0),
        pytest.approx(1.0),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probability": pl.lit(1.5)}, "4 rows with a probability outside 0 to 1"),
        ({"customers": pl.lit(-1)}, "customers below 0"),
        ({"next_stage": pl.lit(None, pl.String)}, "no state"),
        ({"next_stage": pl.lit("a")}, "a pair of states more than once"),
    ],
)
def test_other_tables_are_refused(change: dict[str, pl.Expr], message: str) -> None:
    matrix = table({("a", "a"): 1, ("b", "b"): 1})
    keep: Any = pl.col("stage") != "(absent)"
    with pytest.raises(cv.DataError, match=message):
        cv.changes.migration_forecast(
            matrix.filter(keep, pl.col("next_stage") != "(absent)").with_columns(**change), steps=1
        )
