"""What a fitted model says of the customers that it was fitted on."""

from __future__ import annotations

import polars as pl

from customer_value._common.stored import FittedOn
from customer_value.exceptions import OptionError


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


def refuse_beside_model(**learnt: object) -> None:
    """Refuse arguments that a fitted model says already.

    Raises:
        OptionError: Names each argument that is given, that is, not None.
    """
    if given := [name for name, value in learnt.items() if value is not None]:
        raise OptionError(f"the model says {', '.join(given)}: give either the model or these")
