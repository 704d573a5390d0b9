"""Two snapshots, measure by measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.snapshots import pair_snapshots
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import Frame


def compare_snapshots(before: Frame, after: Frame, *, measures: Sequence[str]) -> pl.DataFrame:
    """Compare two snapshots measure by measure: a scorecard of what changed.

    The mean of all customers moves because customers come and go and because those who stay
    change; `change_same` tells the second apart.

    Args:
        before: Earlier snapshot with `customer_id` and the measures, one row a customer.
        after: Later snapshot, likewise.
        measures: Columns of numbers in both, such as a satisfaction score, a loyalty index, a share
            of wallet, a margin.

    Returns:
        One row per measure, in the given order: `measure`, `known_before`, `known_after`,
        `known_both` (Int64, customers of known value), `coverage_before`, `coverage_after` (their
        share), `mean_before`, `mean_after`, `change`, `change_same` (mean change of the customers
        known in both) and `standard_error_same` (of that mean; null below two customers);
        Float64, null where no one is known.

    Raises:
        OptionError: No measure is named.
        SchemaError: Columns are missing, or the keys are of different types.
        DataError: Customers are null or more than once, or values NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> before = pl.DataFrame({"customer_id": [1, 2], "nps_score": [6.0, 8.0]})
        >>> after = pl.DataFrame({"customer_id": [1, 3], "nps_score": [8.0, None]})
        >>> card = cv.changes.compare_snapshots(before, after, measures=["nps_score"])
        >>> card.select("mean_before", "mean_after", "change", "change_same").row(0)
        (7.0, 8.0, 1.0, 2.0)
    """
    if not measures:
        raise OptionError("measures names no column")
    pairs = pair_snapshots(before, after, values=measures).sort("customer_id")
    return pl.concat([_measured(pairs, measure) for measure in measures])


def _measured(pairs: pl.DataFrame, measure: str) -> pl.DataFrame:
    sides = {side: pl.col(f"{measure}_{side}") for side in ("before", "after")}
    counts = {f"known_{side}": value.count().cast(pl.Int64) for side, value in sides.items()}
    shares = {
        f"coverage_{side}": pl.when(pl.col(f"in_{side}").sum() > 0).then(
            value.count() / pl.col(f"in_{side}").sum()
        )
        for side, value in sides.items()
    }
    change = sides["after"] - sides["before"]
    means = {side: value.mean() for side, value in sides.items()}
    return pairs.select(
        measure=pl.lit(measure),
        **counts,
        known_both=change.count().cast(pl.Int64),
        **shares,
        mean_before=means["before"],
        mean_after=means["after"],
        change=means["after"] - means["before"],
        change_same=change.mean(),
        standard_error_same=change.std() / change.count().sqrt(),
    )
