"""What a fitted model says of the customers that it was fitted on."""

from __future__ import annotations

import polars as pl

from customer_value._common.stored import FittedOn
from customer_value.exceptions import OptionError


def fitted_columns(frame: pl.DataFrame | pl.LazyFrame) -> list[pl.Expr]:
    """What `fitted_on` reads of a frame, as dates: to be collected with what a fit reads."""
    schema = frame.collect_schema()
    days = [name for name in ("as_of", "first_purchase") if name in schema]
    return [pl.col(name).cast(pl.Date) for name in days if schema[name] in (pl.Date, pl.Datetime)]


def fitted_on(customers: pl.DataFrame | pl.LazyFrame) -> FittedOn:
    """The snapshot day, the first purchase and the number of customers of a customer frame.

    `as_of` and `first_purchase` are used where the frame has them as dates or times.
    """
    schema = customers.collect_schema()

    def day(name: str, found: pl.Expr) -> pl.Expr:
        dated = schema.get(name) in (pl.Date, pl.Datetime)
        return found.cast(pl.Date) if dated else pl.lit(None, pl.Date)

    found = customers.lazy().select(
        as_of=day("as_of", pl.col("as_of").max()),
        first_day=day("first_purchase", pl.col("first_purchase").min()),
        n_customers=pl.len().cast(pl.Int64),
    )
    return FittedOn(**found.collect().row(0, named=True))


def refuse_beside_model(**learnt: object) -> None:
    """Refuse arguments that a fitted model says already.

    Raises:
        OptionError: Names each argument that is given, that is, not None.
    """
    if given := [name for name, value in learnt.items() if value is not None]:
        raise OptionError(f"the model says {', '.join(given)}: give either the model or these")
