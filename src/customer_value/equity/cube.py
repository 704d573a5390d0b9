"""The value cube: high or low in existing, potential and influence value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import quantile
from customer_value._frames.derive import FINITE, derive, number

if TYPE_CHECKING:
    from typing import Self

    from customer_value._typing import ArrowStream, Frame

Cut: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]

_ACTIONS = {
    "high_high_high": "partner",
    "high_high_low": "grow",
    "high_low_high": "reward_referrals",
    "high_low_low": "retain",
    "low_high_high": "develop",
    "low_high_low": "cross_sell",
    "low_low_high": "ask_for_referrals",
    "low_low_low": "serve_at_low_cost",
}
_SEGMENTS = {
    "high_high": "champion",
    "high_low": "affluent",
    "low_high": "advocate",
    "low_low": "miser",
}


class CubeOptions(BaseModel, frozen=True, extra="forbid"):
    """Where high begins on each of the three axes.

    Attributes:
        method: `"quantile"`: cuts are shares of the customers, 0.8 makes the top fifth high;
            `"absolute"`: cuts are money.
        existing: Cut of the existing value. Who lies above the cut is high, who is equal to it
            is low, so that equal customers stay together.
        potential: Cut of the potential value.
        influence: Cut of the influence value. Where most customers refer nobody, the median is
            0 and whoever brings more than it costs is high.
    """

    method: Literal["quantile", "absolute"] = "quantile"
    existing: Cut = 0.5
    potential: Cut = 0.5
    influence: Cut = 0.5

    @model_validator(mode="after")
    def _shares(self) -> Self:
        cuts = {"existing": self.existing, "potential": self.potential, "influence": self.influence}
        wrong = [f"{name} {cut:g}" for name, cut in cuts.items() if not 0 < cut < 1]
        if self.method == "quantile" and wrong:
            raise ValueError(f"cuts must be shares between 0 and 1, got {', '.join(wrong)}")
        return self


@overload
def value_cube(
    customers: pl.LazyFrame,
    *,
    existing: str = "existing_value",
    potential: str = "potential_value",
    influence: str = "influence_value",
    options: CubeOptions | None = None,
) -> pl.LazyFrame: ...
@overload
def value_cube(
    customers: ArrowStream,
    *,
    existing: str = "existing_value",
    potential: str = "potential_value",
    influence: str = "influence_value",
    options: CubeOptions | None = None,
) -> pl.DataFrame: ...
def value_cube(
    customers: Frame,
    *,
    existing: str = "existing_value",
    potential: str = "potential_value",
    influence: str = "influence_value",
    options: CubeOptions | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the cell of each customer in the cube of the three values, and what suits it.

    The eight cells, as existing, potential and influence value, and the action that each suggests:
    `high_high_high` partner, `high_high_low` grow, `high_low_high` reward_referrals,
    `high_low_low` retain, `low_high_high` develop, `low_high_low` cross_sell, `low_low_high`
    ask_for_referrals, `low_low_low` serve_at_low_cost.

    Args:
        customers: Frame with the three values.
        existing: Column of `existing_value`.
        potential: Column of `potential_value`.
        influence: Column of `influence_value`.
        options: Where high begins.

    Returns:
        The frame with `existing_level`, `potential_level` and `influence_level` (String, `"high"`
        or `"low"`, null where the value is unknown), `cube_cell` and `cube_action` (String, null
        where a level is unknown).

    Raises:
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {
        ...         "existing_value": [900.0, 100.0, 50.0],
        ...         "potential_value": [10.0, 700.0, 5.0],
        ...         "influence_value": [0.0, 0.0, 80.0],
        ...     }
        ... )
        >>> cv.equity.value_cube(customers).select("cube_cell", "cube_action").rows()
        [('high_low_low', 'retain'), ('low_high_low', 'cross_sell'),
         ('low_low_high', 'ask_for_referrals')]
    """
    options = options or CubeOptions()
    axes = (existing, potential, influence)
    cuts = (options.existing, options.potential, options.influence)
    levels = [_level(name, cut, options.method) for name, cut in zip(axes, cuts, strict=True)]
    names = ["existing_level", "potential_level", "influence_level"]
    cell = pl.concat_str(levels, separator="_")
    columns = dict(zip(names, levels, strict=True))
    columns |= {"cube_cell": cell, "cube_action": cell.replace_strict(_ACTIONS)}
    return derive(customers, dict.fromkeys(axes, FINITE), columns)


class _Terms(BaseModel, frozen=True, extra="forbid", title="referral_segments"):
    cut: Annotated[float, Field(gt=0, lt=1)]


@overload
def referral_segments(
    customers: pl.LazyFrame,
    *,
    value: str = "clv",
    influence: str = "influence_value",
    cut: float = 0.5,
) -> pl.LazyFrame: ...
@overload
def referral_segments(
    customers: ArrowStream,
    *,
    value: str = "clv",
    influence: str = "influence_value",
    cut: float = 0.5,
) -> pl.DataFrame: ...
def referral_segments(
    customers: Frame, *, value: str = "clv", influence: str = "influence_value", cut: float = 0.5
) -> pl.DataFrame | pl.LazyFrame:
    """Add the segment of each customer by own value and value of referrals.

    The four segments of Kumar, Petersen & Leone (2007): champions are high in both, affluents in
    their own value only, advocates in that of their referrals only, misers in neither.

    Args:
        customers: Frame with both values.
        value: Column of the customer's own value.
        influence: Column of the value of its referrals.
        cut: Quantile (type 7) above which a value is high, above 0 and below 1.

    Returns:
        The frame with `referral_segment` (String: `"champion"`, `"affluent"`, `"advocate"` or
        `"miser"`; null where a value is unknown).

    Raises:
        ValidationError: The quantile is out of range.
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {"clv": [900.0, 800.0, 100.0, 50.0], "influence_value": [70.0, 0.0, 80.0, 0.0]}
        ... )
        >>> cv.equity.referral_segments(customers)["referral_segment"].to_list()
        ['champion', 'affluent', 'advocate', 'miser']
    """
    share = _Terms(cut=cut).cut
    cell = pl.concat_str(
        [_level(name, share, "quantile") for name in (value, influence)], separator="_"
    )
    columns = {"referral_segment": cell.replace_strict(_SEGMENTS)}
    return derive(customers, dict.fromkeys((value, influence), FINITE), columns)


def _level(name: str, cut: float, method: str) -> pl.Expr:
    worth = number(name)
    threshold = quantile(worth, cut) if method == "quantile" else pl.lit(cut)
    high = pl.when(worth > threshold).then(pl.lit("high")).otherwise(pl.lit("low"))
    return pl.when(worth.is_not_null()).then(high)
