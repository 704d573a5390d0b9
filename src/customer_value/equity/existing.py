"""Existing value: what a customer has brought so far, and through which of three sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from customer_value._frames.derive import MONEY, derive, number
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    import polars as pl

    from customer_value._typing import ArrowStream, Frame


@overload
def existing_value(
    customers: pl.LazyFrame,
    *,
    profit: str = "profit",
    cost: str | None = None,
    baseline_cost: str | None = None,
    influence: str | None = None,
) -> pl.LazyFrame: ...
@overload
def existing_value(
    customers: ArrowStream,
    *,
    profit: str = "profit",
    cost: str | None = None,
    baseline_cost: str | None = None,
    influence: str | None = None,
) -> pl.DataFrame: ...
def existing_value(
    customers: Frame,
    *,
    profit: str = "profit",
    cost: str | None = None,
    baseline_cost: str | None = None,
    influence: str | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the existing value of each customer: profit at baseline cost, cost saved, influence.

    existing value = profit at baseline cost + cost saving + realised influence, where cost saving
    = baseline cost - actual cost, and profit at baseline cost = profit - cost saving. The first
    two are the actual profit, whatever the baseline: they say where it comes from and count
    nothing twice.

    Args:
        customers: Frame with the profit of a past window, as `customer_pnl` gives it.
        profit: Column of profit after every cost, money of the window.
        cost: Column of the actual cost to serve that is in the profit.
        baseline_cost: Column of what the same activity would have cost at the baseline rate, such
            as the average cost of an order times the customer's orders.
        influence: Column of realised influence, such as the `realised_influence` of
            `influence_value`; by default influence is left out.

    Returns:
        The frame with `existing_value` (Float64, money, profit basis; null where the profit or
        the influence is unknown); with the two costs also `profit_at_baseline` and `cost_saving`
        (negative where more was spent than at the baseline; both null where a cost is unknown).

    Raises:
        OptionError: Only one of the two costs is given.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN, infinite or 1e23 and more; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {"profit": [1350.0], "cost": [250.0], "standard": [400.0], "referred": [300.0]}
        ... )
        >>> cv.equity.existing_value(
        ...     customers, cost="cost", baseline_cost="standard", influence="referred"
        ... ).select("profit_at_baseline", "cost_saving", "existing_value").row(0)
        (1200.0, 150.0, 1650.0)
    """
    if (cost is None) != (baseline_cost is None):
        raise OptionError("cost and baseline_cost belong together: give both or neither")
    inputs = [name for name in (profit, cost, baseline_cost, influence) if name is not None]
    columns = {}
    if cost is not None and baseline_cost is not None:
        saving = number(baseline_cost) - number(cost)
        columns = {"profit_at_baseline": number(profit) - saving, "cost_saving": saving}
    columns["existing_value"] = number(profit) + (0.0 if influence is None else number(influence))
    return derive(customers, dict.fromkeys(inputs, MONEY), columns)
