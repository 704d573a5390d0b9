"""Where the moves between states lead: some periods ahead, and in the long run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.contracts import (
    Kind,
    Rule,
    check_choice,
    describe,
    find_offences,
    require,
)
from customer_value._frames.door import as_polars
from customer_value._frames.options import build
from customer_value.changes.migration import ABSENT
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame


class _Terms(BaseModel, frozen=True, extra="forbid", title="migration_forecast"):
    steps: Annotated[int, Field(ge=1, le=1000)]


class _Chain(NamedTuple):
    """The moves as arrays over the states."""

    states: list[str]
    moves: FloatArray
    """Probability of each next state, by state; rows add up to 1 less that of leaving."""
    leaving: FloatArray
    entries: FloatArray
    """Customers who entered, by state."""
    closing: FloatArray
    """Customers in the later snapshot, by state."""


def migration_forecast(
    matrix: Frame,
    *,
    steps: int,
    column: str = "stage",
    entries: Literal["same", "none"] = "none",
) -> pl.DataFrame:
    """Forecast the customers of each state, if they keep moving as between two snapshots.

    The customers of the later snapshot move by `probability` at every step; those who leave do
    not come back. Customers are assumed to forget how they came to a state (a Markov chain), and
    the probabilities not to change.

    Args:
        matrix: Table of `migration_matrix`.
        steps: Steps ahead, each as long as the time between the two snapshots.
        column: The state, as given to `migration_matrix`.
        entries: `"same"` adds as many new customers at every step as entered between the
            snapshots, to the same states; `"none"` forecasts those of the later snapshot only.

    Returns:
        One row per step and state: `step` (Int64; 0 is the later snapshot), `{column}` (String)
        and `customers` (Float64, expected).

    Raises:
        OptionError: The number of steps is out of range; there are customers in a state whose moves
            are not known.
        SchemaError: Columns are missing or of a wrong type.
        DataError: The table holds no probabilities.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> before = pl.DataFrame({"customer_id": range(4), "tier": ["low", "low", "high", "high"]})
        >>> after = pl.DataFrame({"customer_id": range(4), "tier": ["low", "high", "high", "high"]})
        >>> matrix = cv.migration_matrix(before, after, column="tier")
        >>> cv.changes.migration_forecast(matrix, steps=2, column="tier").rows()
        [(0, 'high', 3.0), (0, 'low', 1.0), (1, 'high', 3.5), (1, 'low', 0.5),
        (2, 'high', 3.75), (2, 'low', 0.25)]
    """
    check_choice("entries", entries, ("same", "none"))
    n = build(_Terms, steps=steps).steps
    chain = _chain(matrix, column)
    come = chain.entries if entries == "same" else np.zeros_like(chain.entries)
    customers = [chain.closing]
    for _ in range(n):
        customers.append(customers[-1] @ chain.moves + come)
    return pl.DataFrame(
        {
            "step": np.repeat(np.arange(n + 1), len(chain.states)),
            column: pl.Series(chain.states * (n + 1), dtype=pl.String),
            "customers": np.concatenate(customers),
        }
    )


def migration_steady_state(matrix: Frame, *, column: str = "stage") -> pl.DataFrame:
    """Shares of the states that the moves between two snapshots lead to in the long run.

    Each customer who leaves is replaced by one who enters, into the states in which customers
    entered between the snapshots. Where no one entered, the shares are those among the customers
    who stay. They are the left eigenvector, of eigenvalue 1, of the matrix of probabilities.

    Args:
        matrix: Table of `migration_matrix`.
        column: The state, as given to `migration_matrix`.

    Returns:
        One row per state: `{column}` (String) and `share` (Float64, sums to 1; 0 for states
        that empty).

    Raises:
        OptionError: The moves of a state are not known, or the long run depends on where
            customers start, because some states are never left for others.
        SchemaError: Columns are missing or of a wrong type.
        DataError: The table holds no probabilities.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> before = pl.DataFrame({"customer_id": range(4), "tier": ["low", "low", "high", "high"]})
        >>> after = pl.DataFrame({"customer_id": range(4), "tier": ["low", "high", "high", "low"]})
        >>> matrix = cv.migration_matrix(before, after, column="tier")
        >>> cv.changes.migration_steady_state(matrix, column="tier").rows()
        [('high', 0.5), ('low', 0.5)]
    """
    chain = _chain(matrix, column)
    total = chain.entries.sum()
    if total > 0:
        moves = chain.moves + np.outer(chain.leaving, chain.entries / total)
    else:
        stay = chain.moves.sum(axis=1, keepdims=True)
        moves = np.divide(chain.moves, stay, out=np.zeros_like(chain.moves), where=stay > 0)
    # A state without moves was empty, and no one comes to it.
    kept = np.flatnonzero(moves.sum(axis=1) > 0)
    _check_one_end(moves[np.ix_(kept, kept)], [chain.states[k] for k in kept], column)
    shares = np.zeros(len(chain.states))
    shares[kept] = _stationary(moves[np.ix_(kept, kept)])
    return pl.DataFrame({column: pl.Series(chain.states, dtype=pl.String), "share": shares})


def _chain(matrix: Frame, column: str) -> _Chain:
    table = _read(matrix, column)
    both = [*table[column], *table[f"next_{column}"]]
    states = [state for state in dict.fromkeys(both) if state != ABSENT]
    found = {(was, now): (number, share) for was, now, number, share in table.iter_rows()}
    cells = np.array(
        [[found.get((was, now), (0, 0)) for now in [*states, ABSENT]] for was in [*states, ABSENT]],
        dtype=np.float64,  # an unknown probability becomes NaN
    )
    customers, probability = cells[:, :-1, 0], cells[:-1, :, 1]
    unknown = np.isnan(probability).any(axis=1, keepdims=True)
    held = unknown.T * customers.sum(axis=0)
    if stuck := [states[k] for k in np.flatnonzero(held)]:
        raise OptionError(
            f"no move is known from {', '.join(stuck)}: no one was there in the earlier snapshot; "
            "give migration_matrix a smoothing above 0"
        )
    known = np.where(unknown, 0.0, probability)
    return _Chain(states, known[:, :-1], known[:, -1], customers[-1], customers.sum(axis=0))


def _read(matrix: Frame, column: str) -> pl.DataFrame:
    """The columns of a table of moves, checked."""
    kinds: dict[str, Kind] = {
        column: "text",
        f"next_{column}": "text",
        "customers": "number",
        "probability": "number",
    }
    frame = as_polars(matrix)
    require(frame, kinds, what="matrix", hint="it is the table of migration_matrix")
    table = frame.lazy().select(*kinds).collect()
    share, pair = pl.col("probability"), [column, f"next_{column}"]
    rules = [
        Rule("no_state", pl.any_horizontal(pl.col(pair).is_null()), "no state"),
        Rule("twice", pl.struct(pair).is_duplicated(), "a pair of states more than once"),
        Rule("customers", ~(pl.col("customers") >= 0), "customers below 0"),
        Rule("range", ~share.is_between(0, 1), "a probability outside 0 to 1"),
        Rule("sum", share.sum().over(column) > 1 + 1e-9, "probabilities that sum to more than 1"),
    ]
    _, offences = find_offences(table.lazy(), rules, key=column)
    if offences:
        raise DataError(f"matrix: {describe(offences)}")
    return table.with_columns(pl.col(pair).cast(pl.String))


def _stationary(moves: FloatArray) -> FloatArray:
    """Shares that the moves leave as they are."""
    n = len(moves)
    # The equations depend on each other; the last says instead that the shares add up to 1.
    equations = np.vstack([(moves.T - np.eye(n))[:-1], np.ones(n)])
    return np.clip(np.linalg.solve(equations, np.eye(n)[-1]), 0.0, 1.0)


def _check_one_end(moves: FloatArray, states: list[str], column: str) -> None:
    """Refuse moves that lead to different ends from different beginnings."""
    n = len(states)
    reaches = np.linalg.matrix_power((moves > 0) | np.eye(n, dtype=bool), max(n, 1)) > 0
    # A state is never left for good if whatever it reaches leads back to it.
    final = [k for k in range(n) if reaches[reaches[k], k].all()]
    ends = {tuple(np.flatnonzero(reaches[k])) for k in final}
    if len(ends) != 1 or not np.allclose(moves.sum(axis=1)[list(*ends)], 1.0):
        groups = "; ".join(", ".join(states[k] for k in end) for end in sorted(ends))
        raise OptionError(
            f"there is no one steady state of '{column}': customers end up among {groups or 'none'}"
        )
