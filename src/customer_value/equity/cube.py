"""The value cube: high or low in existing, potential and influence value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import quantile
from customer_value._frames.contracts import check_instance
from customer_value._frames.cuts import Cut, Cuts, check_cuts, fit_cuts
from customer_value._frames.derive import FINITE, derive, number
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on, refuse_beside_model
from customer_value._frames.options import build

if TYPE_CHECKING:
    from typing import Self

    from customer_value._typing import ArrowStream, Frame

At: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]

_AXES = ("existing", "potential", "influence")
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
        influence: Cut of the influence value. Where most customers refer no one, the median is
            0 and whoever brings more than it costs is high.
    """

    method: Literal["quantile", "absolute"] = "quantile"
    existing: At = 0.5
    potential: At = 0.5
    influence: At = 0.5

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
    model: Cuts | None = None,
    *,
    existing: str | None = None,
    potential: str | None = None,
    influence: str | None = None,
    options: CubeOptions | None = None,
) -> pl.LazyFrame: ...
@overload
def value_cube(
    customers: ArrowStream,
    model: Cuts | None = None,
    *,
    existing: str | None = None,
    potential: str | None = None,
    influence: str | None = None,
    options: CubeOptions | None = None,
) -> pl.DataFrame: ...
def value_cube(
    customers: Frame,
    model: Cuts | None = None,
    *,
    existing: str | None = None,
    potential: str | None = None,
    influence: str | None = None,
    options: CubeOptions | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the cell of each customer in the cube of the three values, and what suits it.

    The eight cells, as existing, potential and influence value, and the action that each suggests:
    `high_high_high` partner, `high_high_low` grow, `high_low_high` reward_referrals,
    `high_low_low` retain, `low_high_high` develop, `low_high_low` cross_sell, `low_low_high`
    ask_for_referrals, `low_low_low` serve_at_low_cost.

    Args:
        customers: Frame with the three values.
        model: Cuts from `fit_value_cube`, which then say all that follows. Without one they are
            learnt from these customers, and move with them.
        existing: Column of existing value, by default `"existing_value"`.
        potential: Column of potential value, by default `"potential_value"`.
        influence: Column of influence value, by default `"influence_value"`.
        options: Where high begins.

    Returns:
        The frame with `existing_level`, `potential_level` and `influence_level` (String, `"high"`
        or `"low"`, null where the value is unknown), `cube_cell` and `cube_action` (String, null
        where a level is unknown).

    Raises:
        SchemaError: Columns are missing or not numbers.
        OptionError: The model is not of these cuts, or arguments are given that it says already.
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
    if model is not None:
        check_cuts(model, "value_cube")
        refuse_beside_model(
            existing=existing, potential=potential, influence=influence, options=options
        )
        columns, cuts = model.columns(), model.literals()
    else:
        options = options or CubeOptions()
        check_instance("options", options, CubeOptions)
        given = {"existing": existing, "potential": potential, "influence": influence}
        columns = {axis: name or f"{axis}_value" for axis, name in given.items()}
        cuts = {axis: _threshold(columns[axis], cut, options) for axis, cut in _cuts(options)}
    levels = {f"{axis}_level": _level(columns[axis], cuts[axis]) for axis in _AXES}
    cell = pl.concat_str(levels.values(), separator="_")
    added = levels | {"cube_cell": cell, "cube_action": cell.replace_strict(_ACTIONS)}
    return derive(customers, {columns[axis]: FINITE for axis in _AXES}, added)


def fit_value_cube(
    customers: Frame,
    *,
    existing: str = "existing_value",
    potential: str = "potential_value",
    influence: str = "influence_value",
    options: CubeOptions | None = None,
) -> Cuts:
    """Learn where high begins on each axis of the value cube.

    Args:
        customers: Frame with the three values; a LazyFrame is collected.
        existing: Column of existing value.
        potential: Column of potential value.
        influence: Column of influence value.
        options: Where high begins.

    Returns:
        The cuts, for `value_cube`.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.
        OptionError: The options are not `CubeOptions`.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> axes = ["existing_value", "potential_value", "influence_value"]
        >>> monday = pl.DataFrame({name: [10.0, 20.0, 90.0] for name in axes})
        >>> model = cv.equity.fit_value_cube(monday)
        >>> friday = pl.DataFrame({name: [25.0] for name in axes})
        >>> cv.equity.value_cube(friday, model)["cube_action"].item()
        'partner'
    """
    options = options or CubeOptions()
    check_instance("options", options, CubeOptions)
    columns = {"existing": existing, "potential": potential, "influence": influence}
    if options.method == "quantile":
        shares = {axis: (columns[axis], cut) for axis, cut in _cuts(options)}
        return fit_cuts(customers, shares, kind="value_cube")
    frame = read_frame(customers, dict.fromkeys(columns.values(), "number"))
    fixed = {axis: Cut(column=columns[axis], at=cut) for axis, cut in _cuts(options)}
    return Cuts(kind="value_cube", cuts=fixed, fitted_on=fitted_on(frame))


def _cuts(options: CubeOptions) -> list[tuple[str, float]]:
    return [
        ("existing", options.existing),
        ("potential", options.potential),
        ("influence", options.influence),
    ]


def _threshold(name: str, cut: float, options: CubeOptions) -> pl.Expr:
    return quantile(number(name), cut) if options.method == "quantile" else pl.lit(cut)


class _Terms(BaseModel, frozen=True, extra="forbid", title="referral_segments"):
    cut: Annotated[float, Field(gt=0, lt=1)]


@overload
def referral_segments(
    customers: pl.LazyFrame,
    model: Cuts | None = None,
    *,
    value: str | None = None,
    influence: str | None = None,
    cut: float | None = None,
) -> pl.LazyFrame: ...
@overload
def referral_segments(
    customers: ArrowStream,
    model: Cuts | None = None,
    *,
    value: str | None = None,
    influence: str | None = None,
    cut: float | None = None,
) -> pl.DataFrame: ...
def referral_segments(
    customers: Frame,
    model: Cuts | None = None,
    *,
    value: str | None = None,
    influence: str | None = None,
    cut: float | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the segment of each customer by own value and value of referrals.

    The four segments of Kumar, Petersen & Leone (2007): champions are high in both, affluents in
    their own value only, advocates in that of their referrals only, misers in neither.

    Args:
        customers: Frame with both values.
        model: Cuts from `fit_referral_segments`, which then say all that follows. Without one they
            are learnt from these customers, and move with them.
        value: Column of the customer's own value, by default `"clv"`.
        influence: Column of the value of its referrals, by default `"influence_value"`.
        cut: Quantile (type 7) above which a value is high, above 0 and below 1; by default 0.5.

    Returns:
        The frame with `referral_segment` (String: `"champion"`, `"affluent"`, `"advocate"` or
        `"miser"`; null where a value is unknown).

    Raises:
        OptionError: The quantile is out of range.
        SchemaError: Columns are missing or not numbers.
        OptionError: The model is not of these cuts, or arguments are given that it says already.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {"clv": [900.0, 800.0, 100.0, 50.0], "influence_value": [70.0, 0.0, 80.0, 0.0]}
        ... )
        >>> cv.equity.referral_segments(customers)["referral_segment"].to_list()
        ['champion', 'affluent', 'advocate', 'miser']
    """
    if model is not None:
        check_cuts(model, "referral_segments")
        refuse_beside_model(value=value, influence=influence, cut=cut)
        columns, cuts = model.columns(), model.literals()
    else:
        share = build(_Terms, cut=0.5 if cut is None else cut).cut
        columns = {"value": value or "clv", "influence": influence or "influence_value"}
        cuts = {axis: quantile(number(name), share) for axis, name in columns.items()}
    levels = [_level(columns[axis], cuts[axis]) for axis in ("value", "influence")]
    segment = pl.concat_str(levels, separator="_").replace_strict(_SEGMENTS)
    inputs = dict.fromkeys(columns.values(), FINITE)
    return derive(customers, inputs, {"referral_segment": segment})


def fit_referral_segments(
    customers: Frame, *, value: str = "clv", influence: str = "influence_value", cut: float = 0.5
) -> Cuts:
    """Learn above which own value and which value of referrals a customer is high.

    Args:
        customers: Frame with both values; a LazyFrame is collected.
        value: Column of the customer's own value.
        influence: Column of the value of its referrals.
        cut: Quantile (type 7) above which a value is high, above 0 and below 1.

    Returns:
        The cuts, for `referral_segments`.

    Raises:
        OptionError: The quantile is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"clv": [900.0, 100.0], "influence_value": [70.0, 0.0]})
        >>> model = cv.equity.fit_referral_segments(monday)
        >>> cv.equity.referral_segments(monday[1], model)["referral_segment"].item()
        'miser'
    """
    share = build(_Terms, cut=cut).cut
    shares = {"value": (value, share), "influence": (influence, share)}
    return fit_cuts(customers, shares, kind="referral_segments")


def _level(name: str, threshold: pl.Expr) -> pl.Expr:
    """High or low; null where the value or the cut is unknown."""
    worth = number(name)
    high = pl.when(worth > threshold).then(pl.lit("high")).otherwise(pl.lit("low"))
    return pl.when(worth.is_not_null(), threshold.is_not_null()).then(high)
