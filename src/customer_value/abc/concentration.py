"""Concentration: how unequally value is spread over customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.arrays import to_array
from customer_value._frames.contracts import NOT_FINITE, refuse
from customer_value._frames.door import read_frame
from customer_value._frames.options import build
from customer_value._kernels.math import concentration

if TYPE_CHECKING:
    from customer_value._kernels.math.concentration import Lorenz
    from customer_value._typing import Frame


class _Terms(BaseModel, frozen=True, extra="forbid", title="top_share"):
    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def lorenz_curve(customers: Frame, *, value: str = "revenue") -> pl.DataFrame:
    """Make the Lorenz curve: the share of value that the poorest customers hold together.

    With the values sorted, smallest first, the point of the first k of n customers is
    (k / n, (x_(1) + ... + x_(k)) / (x_(1) + ... + x_(n))) (Lorenz 1905). Customers of equal value
    lie on one straight line, of which only the end is a row.

    Args:
        customers: Frame with the value column; a LazyFrame is collected.
        value: Column that is shared out, such as `"revenue"`, `"clv"` or `"profit"`.

    Returns:
        One row per distinct value, smallest first, after the row (0, 0): `customer_share` and
        `value_share` (Float64). The last row is exactly (1, 1). Null values are left out and
        their customers not counted. With negative values the curve first falls below 0. Where
        the total is not above zero, or within 1e-12 of the sum of absolute values,
        `value_share` is null. Without customers there are no rows.

    Raises:
        SchemaError: The column is missing or no number.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl
        >>> from customer_value.abc import lorenz_curve
        >>> lorenz_curve(pl.DataFrame({"revenue": [10, 10, 20, 40]})).rows()
        [(0.0, 0.0), (0.5, 0.25), (0.75, 0.5), (1.0, 1.0)]
    """
    curve = _curve(customers, value)
    schema = {"customer_share": pl.Float64, "value_share": pl.Float64}
    if not curve.worth.size:
        return pl.DataFrame(schema=schema)
    shares = None if curve.total is None else curve.held / curve.total
    people = curve.reached / curve.reached[-1]
    return pl.DataFrame({"customer_share": people, "value_share": shares}, schema=schema)


def gini(customers: Frame, *, value: str = "revenue") -> float | None:
    """Measure concentration by the Gini coefficient: 0 is all equal, near 1 is one has it all.

    With the values sorted, smallest first, G = sum_k (2k - n - 1) x_(k) / (n sum x) (Gini 1912),
    without the factor n / (n - 1) of a sample. This is 1 - 2 A with A the area under the Lorenz
    curve, and stays so with negative values, where G may exceed 1. It is summed as
    sum_k k (n - k) (x_(k+1) - x_(k)) / (n sum x), the same number, of which no term is negative:
    equal values give exactly 0. The order of the rows changes no bit.

    Args:
        customers: Frame with the value column; a LazyFrame is collected.
        value: Column that is shared out, such as `"revenue"`, `"clv"` or `"profit"`.

    Returns:
        The coefficient, from 0 to (n - 1) / n unless values are negative. Null values are left
        out. None without customers, and where the total is not above zero, or within 1e-12 of
        the sum of absolute values.

    Raises:
        SchemaError: The column is missing or no number.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl
        >>> from customer_value.abc import gini
        >>> gini(pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]}))
        0.648
        >>> gini(pl.DataFrame({"revenue": [10, -4]}))
        1.1666666666666667
    """
    return concentration.gini(_curve(customers, value))


def top_share(customers: Frame, *, value: str = "revenue", share: float = 0.2) -> float | None:
    """Find the share of value that the best customers hold: do 20 % make 80 %?

    The best `share` of n customers are `share` n people. Where that is not a whole number, the
    customer at the cut counts in part: the result is 1 - L(1 - `share`), with L the Lorenz curve
    and straight lines between its points. Hence neither the number of customers nor ties make it
    jump.

    Args:
        customers: Frame with the value column; a LazyFrame is collected.
        value: Column that is shared out, such as `"revenue"`, `"clv"` or `"profit"`.
        share: Share of the customers, 0 to 1.

    Returns:
        Their share of the total: above 1 where the others are worth less than nothing together.
        Null values are left out. None without customers, and where the total is not above zero,
        or within 1e-12 of the sum of absolute values.

    Raises:
        OptionError: The share is out of range.
        SchemaError: The column is missing or no number.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl
        >>> from customer_value.abc import top_share
        >>> customers = pl.DataFrame({"revenue": [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]})
        >>> top_share(customers), top_share(customers, share=0.25)
        (0.7, 0.75)
    """
    part = build(_Terms, share=share).share
    _, reached, held, total = _curve(customers, value)
    if total is None:
        return None
    n = reached[-1]
    return float(np.interp(n * part, n - reached[::-1], total - held[::-1]) / total)


def _curve(customers: Frame, value: str) -> Lorenz:
    frame = read_frame(customers, {value: "number"}, what="customers")
    column = frame.lazy().select(pl.col(value).cast(pl.Float64)).collect().to_series()
    known = to_array(column.drop_nulls())
    refuse({value: known}, [NOT_FINITE], what="customers")
    return concentration.lorenz(known)
