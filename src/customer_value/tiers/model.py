"""Tiers learnt from one set of customers, for any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import polars as pl
from pydantic import model_validator

from customer_value._common.stored import StoredModel
from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import finite_column, quantile, with_columns
from customer_value._frames.contracts import Kind, check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on
from customer_value._frames.time import duration_days
from customer_value.tiers.breaks import cumulative_cuts, natural_cuts
from customer_value.tiers.options import Cut, TierOptions

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame

__all__ = ["TierModel", "fit_tiers"]

VALUE = "__tier_value__"


class TierModel(StoredModel, frozen=True):
    """Where the tiers begin, learnt from one set of customers; plain JSON.

    Attributes:
        value: The column that customers are graded by.
        options: How the cuts were found, the names of the tiers, and when a customer may change.
        cuts: The value above which each tier but the lowest begins, highest first; None where the
            tier was empty, and stays so.
    """

    model: Literal["tiers"] = "tiers"
    value: str
    options: TierOptions
    cuts: tuple[Cut | None, ...]

    @model_validator(mode="after")
    def _one_cut_less_than_names(self) -> Self:
        if len(self.cuts) != len(self.options.names) - 1:
            raise ValueError(f"cuts must be {len(self.options.names) - 1}, got {len(self.cuts)}")
        known = [cut for cut in self.cuts if cut is not None]
        if known != sorted(known, reverse=True):
            raise ValueError("cuts must fall, highest first")
        return self


def fit_tiers(
    customers: Frame, *, value: str = "clv", options: TierOptions | None = None
) -> TierModel:
    """Learn where value tiers begin, to grade other customers by the same cuts.

    Args:
        customers: Frame with the value column, with `options.min_dwell` also `as_of`, with
            `options.min_tenure` also `T`; a LazyFrame is collected.
        value: Column to grade by, such as `"clv"`, `"profit"` or `"revenue"`.
        options: Where the tiers begin, and when a customer may change.

    Returns:
        The model, with the value at each cut.

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        DataError: Values are NaN or infinite.
        OptionError: The options are not `TierOptions`.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"clv": [5.0, 50.0, 500.0, 20.0, None]})
        >>> model = cv.tiers.fit_tiers(monday)
        >>> [round(cut, 6) for cut in model.cuts]
        [230.0, 35.0]
        >>> friday = pl.DataFrame({"clv": [40.0, 10.0]})
        >>> cv.assign_tiers(friday, model)["tier"].to_list()
        ['medium', 'low']
    """
    options = options or TierOptions()
    check_instance("options", options, TierOptions)
    frame = read_frame(customers, needed_columns(value, options))
    rated = with_columns(frame, worth(value, options).alias(VALUE)).lazy()
    cuts = [cut.alias(f"cut_{k}") for k, cut in enumerate(learnt_cuts(options))]
    return TierModel(
        value=value,
        options=options,
        cuts=rated.select(cuts).head(1).collect().row(0),
        fitted_on=fitted_on(frame),
    )


def needed_columns(value: str, options: TierOptions) -> dict[str, Kind]:
    """The columns that grading reads."""
    needed: dict[str, Kind] = {value: "number"}
    needed |= {"as_of": "day"} if options.min_dwell else {}
    needed |= {"T": "number"} if options.min_tenure else {}
    return needed


def worth(value: str, options: TierOptions) -> pl.Expr:
    """The value; null for customers too young to be rated, who so move no cut either."""
    known = finite_column(value)
    if options.min_tenure is None:
        return known
    return pl.when(finite_column("T") >= duration_days(options.min_tenure)).then(known)


def learnt_cuts(options: TierOptions) -> list[pl.Expr]:
    """The value at each cut, highest first; null where the tier above it is empty."""
    if options.method == "absolute":
        return [pl.lit(cut) for cut in options.cuts]
    if options.method == "quantile":
        return [quantile(pl.col(VALUE), cut) for cut in options.cuts]
    found = _all_at_once(options)
    return [found.arr.get(k).fill_nan(None) for k in range(len(options.names) - 1)]


def _all_at_once(options: TierOptions) -> pl.Expr:
    """The cuts of methods that look at all values at once, as one array for all rows."""
    tiers = len(options.names)

    def cuts(values: FloatArray) -> FloatArray:
        if options.method == "cumulative_share":
            return cumulative_cuts(values, options.cuts)
        return natural_cuts(values, tiers)

    def learn(values: pl.Series) -> pl.Series:
        numbers = to_array(values)
        return pl.Series([cuts(numbers[~np.isnan(numbers)])], dtype=dtype)

    dtype = pl.Array(pl.Float64, tiers - 1)
    return pl.col(VALUE).map_batches(learn, return_dtype=dtype, returns_scalar=True)
