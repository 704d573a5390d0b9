"""What was expected of customers in a holdout, by models and without one, and what came."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array, to_arrays
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, Kind, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.money import TOO_LARGE
from customer_value.clv.base import SPEND, Horizon
from customer_value.clv.predict.predictions import expected_purchases, expected_spend
from customer_value.clv.validate.accuracy import MODEL, NAIVE, Outcome, naive_forecasts
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import FloatArray, Frame
    from customer_value.clv.base import PurchaseModel, SpendModel

PURCHASES = "holdout_purchases"
REVENUE = "holdout_revenue"
_DAYS = "holdout_days"
_COUNT = ArrayRule("values not 0, 1, 2 ...", lambda n: ~((n >= 0) & (n == np.floor(n))))
_FORECAST = ArrayRule("values that are not a finite number from 0", lambda n: ~(n >= 0))


class Holdout(NamedTuple):
    """Customers whose history and holdout are known, in an order of its own."""

    rows: pl.DataFrame
    horizon: Horizon
    left_out: int


def read_holdout(
    customers: Frame,
    models: Sequence[PurchaseModel],
    spend: SpendModel | None,
    *,
    horizon: Horizon | None,
    baselines: Sequence[str] = (),
) -> Holdout:
    """Take the customers with everything known that is asked for, and the length of the holdout.

    Raises:
        OptionError: A baseline has a name that is taken.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are impossible, the lengths differ, or no customer is left.
    """
    taken = sorted({MODEL, *NAIVE} & set(baselines))
    if taken:
        raise OptionError(f"baselines: these names are taken, rename the columns: {taken}")
    needed = [name for model in models for name in (*model.history, *model.covariates)]
    needed += [PURCHASES, *baselines, *([] if horizon is not None else [_DAYS])]
    needed += [REVENUE, SPEND[0]] if spend is not None else []
    needed = list(dict.fromkeys(needed))
    read = [*needed, SPEND[1]] if spend is not None else needed
    kinds: dict[str, Kind] = dict.fromkeys(read, "number")
    frame = read_frame(
        customers, kinds, hint="split_holdout gives the customers and their holdout"
    ).lazy()
    everybody = frame.select(pl.col(name).cast(pl.Float64) for name in kinds).collect()
    # Sorted, so that the sums do not depend on the order of the customers.
    rows = everybody.drop_nulls(needed).sort(read, maintain_order=True)
    if rows.is_empty():
        raise DataError(f"customers: none of {everybody.height:,} has a known history and holdout")
    _check(rows, models, spend, baselines)
    if horizon is None:
        lengths = rows[_DAYS].unique().sort()
        if lengths.len() > 1 or not lengths[0] > 0:
            raise DataError(
                f"customers: '{_DAYS}' must be one number above 0, and is "
                f"{', '.join(f'{days:g}' for days in lengths.head(3))} ...; evaluate each by itself"
            )
        horizon = timedelta(days=lengths[0])
    return Holdout(rows, horizon, everybody.height - rows.height)


def purchase_outcome(
    holdout: Holdout, models: Mapping[str, PurchaseModel], baselines: Sequence[str] = ()
) -> Outcome:
    """The purchases that came, and those expected by models, without one, and by columns."""
    rows = holdout.rows
    model = next(iter(models.values()))
    x, age = _counts_and_ages(model, rows)
    length = model.horizon_length(holdout.horizon)
    forecasts = {
        name: to_array(
            expected_purchases(rows, each, horizon=holdout.horizon)["expected_purchases"]
        )
        for name, each in models.items()
    }
    forecasts |= naive_forecasts(x, age, length)
    forecasts |= {name: to_array(rows[name]) for name in baselines}
    return Outcome("purchases", to_array(rows[PURCHASES]), forecasts, x)


def revenue_outcome(holdout: Holdout, purchases: PurchaseModel, spend: SpendModel) -> Outcome:
    """The revenue that came, of the customers whose spend is known."""
    expected = expected_spend(holdout.rows, spend).with_columns(
        expected_purchases(holdout.rows, purchases, horizon=holdout.horizon)["expected_purchases"]
    )
    rows = expected.filter(
        pl.col("expected_spend").is_not_null()
        & (pl.col("repeat_spend").is_not_null() | (pl.col("repeat_purchases") == 0))
    )
    if rows.is_empty():
        raise DataError("customers: the expected spend of none is known")
    x, age = _counts_and_ages(purchases, rows)
    spent = np.where(x > 0, x * np.nan_to_num(to_array(rows["repeat_spend"])), 0.0)
    value = to_array(rows["expected_purchases"]) * to_array(rows["expected_spend"])
    length = purchases.horizon_length(holdout.horizon)
    forecasts = {MODEL: value} | naive_forecasts(spent, age, length)
    return Outcome("revenue", to_array(rows[REVENUE]), forecasts, x)


def _counts_and_ages(model: PurchaseModel, rows: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
    x, _, age = to_arrays(rows.select(model.history))
    return x, age


def _check(
    rows: pl.DataFrame,
    models: Sequence[PurchaseModel],
    spend: SpendModel | None,
    baselines: Sequence[str],
) -> None:
    """Refuse what no history and no holdout can be."""
    for model in models:
        names = [*model.history, *model.covariates]
        refuse({name: to_array(rows[name]) for name in names}, model.rules, what="customers")
    rules = {PURCHASES: [_COUNT, TOO_LARGE]}
    rules |= {name: [_FORECAST, TOO_LARGE] for name in baselines}
    if spend is not None:
        rules[REVENUE] = [NOT_FINITE, TOO_LARGE]
    for name, broken in rules.items():
        refuse({name: to_array(rows[name])}, broken, what="customers")
