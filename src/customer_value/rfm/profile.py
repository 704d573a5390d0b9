"""What each segment holds: customers, revenue, typical behaviour, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from customer_value._frames.contracts import require
from customer_value._frames.derive import MONEY, check_numbers
from customer_value._frames.door import as_polars
from customer_value._frames.money import exact
from customer_value.exceptions import DataError
from customer_value.rfm.rules import RfmRules
from customer_value.rfm.segments import RuleSet, segment_labels, segment_names
from customer_value.rfm.tables import RFM_LIST_125

if TYPE_CHECKING:
    from customer_value._typing import Frame

_METRICS = ("recency_days", "purchases", "revenue")


def segment_profile(
    segmented: Frame, *, rules: RuleSet = RFM_LIST_125, locale: Literal["en", "zh"] = "en"
) -> pl.DataFrame:
    """Sum up each RFM segment: how many customers, how much revenue, how they behave, what to do.

    Args:
        segmented: Frame with `segment`, from `segment_rfm`, and `recency_days`, `purchases` and
            `revenue`.
        rules: The rules that the segments were named by.
        locale: The language of the names in `segment`, and of the actions.

    Returns:
        One row per segment of the rules, in their order and also where nobody is in it; then, where
        there are any, the customers of the fallback, and those without a segment (null):

        - `segment` (String)
        - `customers` (Int64) and `customer_share` (Float64, of all rows): they sum to the number of
          rows and to 1
        - `revenue` (Float64): summed to six decimal places exactly, so that neither row order nor
          threads change a bit; unknown revenue adds nothing
        - `revenue_share` (Float64): of the revenue of all rows; null where that is not above zero;
          negative, or above 1, where returns make revenue negative
        - `recency_days_median`, `purchases_median`, `revenue_median` (Float64; null where nobody's
          is known)
        - `action` (String): what to do next; null where the rules do not say

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are NaN, infinite or too large to sum exactly, or there are segments that
            the rules do not have.
        OptionError: `locale` is unknown, or the rules have no Chinese names.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> segmented = pl.DataFrame(
        ...     {
        ...         "segment": ["champions", "lost", "champions"],
        ...         "recency_days": [3, 400, 6],
        ...         "purchases": [9, 1, 12],
        ...         "revenue": [60.0, 20.0, 120.0],
        ...     }
        ... )
        >>> profile = cv.rfm.segment_profile(segmented).filter(pl.col("customers") > 0)
        >>> profile.select("segment", "customers", "revenue", "revenue_share").rows()
        [('champions', 2, 180.0, 0.9), ('lost', 1, 20.0, 0.1)]
        >>> profile["action"].to_list()[1]
        'Try one campaign to win them back, otherwise leave them.'
    """
    frame = as_polars(segmented)
    labels = segment_labels(rules, locale)
    require(frame, {"segment": "text", **dict.fromkeys(_METRICS, "number")}, what="customers")
    numbers = [pl.col(name).cast(pl.Float64) for name in _METRICS]
    rows = frame.lazy().select(pl.col("segment").cast(pl.String), *numbers).collect()
    check_numbers(rows, dict.fromkeys(_METRICS, MONEY), what="customers")
    found = set(rows["segment"].drop_nulls().unique())
    if strangers := sorted(found - set(labels.values())):
        raise DataError(f"customers: segments that the rules do not have: {', '.join(strangers)}")
    actions = _actions(rules, locale)
    shown: list[tuple[str | None, str | None]] = [
        (labels[name], actions.get(name)) for name in segment_names(rules)
    ]
    known = {label for label, _ in shown}
    shown += [(label, None) for label in found if label not in known]
    shown += [(None, None)] * (rows["segment"].null_count() > 0)
    table = pl.DataFrame(shown, schema={"segment": pl.String, "action": pl.String}, orient="row")
    return _measured(table, rows)


def _measured(table: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    groups = rows.group_by("segment").agg(
        pl.len().cast(pl.Int64).alias("customers"),
        exact(pl.col("revenue")).sum().alias("total"),
        *(pl.col(name).median().alias(f"{name}_median") for name in _METRICS),
    )
    joined = table.join(
        groups, on="segment", how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.col("customers", "total").fill_null(0))
    count, revenue = pl.col("customers"), pl.col("total").cast(pl.Float64)
    # As columns: polars divides by a scalar with its reciprocal, and one of one is not 1.
    everybody = count.sum() + 0 * count
    grand = pl.col("total").sum().cast(pl.Float64) + 0 * revenue
    return joined.select(
        "segment",
        count,
        pl.when(everybody > 0).then(count / everybody).alias("customer_share"),
        revenue.alias("revenue"),
        pl.when(grand > 0).then(revenue / grand).alias("revenue_share"),
        *(f"{name}_median" for name in _METRICS),
        "action",
    )


def _actions(rules: RuleSet, locale: str) -> dict[str, str | None]:
    if not isinstance(rules, RfmRules):
        return {}
    return {s.name: s.action_zh if locale == "zh" else s.action for s in rules.segments}
