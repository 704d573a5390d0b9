"""What a fitted model says of the customers that it was fitted on."""

from __future__ import annotations

import polars as pl

from customer_value._common.stored import FittedOn


def fitted_columns(frame: pl.DataFrame | pl.LazyFrame) -> list[pl.Expr]:
    """What `fitted_on` reads of a frame, as dates: to be collected with what a fit reads."""
    schema = frame.collect_schema()
    days = [name for name in ("as_of", "first_purchase") if name in schema]
    return [pl.col(name).cast(pl.Date) for name in days if schema[name] in (pl.Date, pl.Datetime)]


def fitted_on(customers: pl.DataFrame | pl.LazyFrame) -> FittedOn:
    """The snapshot day, the first purchase and the number of customers of a customer frame.

    `as_of` and `first_purchase` are used where the frame has them as dates.
    """
    schema = customers.collect_schema()
    days = {name: schema.get(name) == pl.Date for name in ("as_of", "first_purchase")}
    found = customers.lazy().select(
        as_of=pl.col("as_of").max() if days["as_of"] else pl.lit(None, pl.Date),
        first_day=(
            pl.col("first_purchase").min() if days["first_purchase"] else pl.lit(None, pl.Date)
        ),
        n_customers=pl.len().cast(pl.Int64),
    )
    return FittedOn(**found.collect().row(0, named=True))
