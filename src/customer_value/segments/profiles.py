"""Segments by attribute: how many customers, and how much value, each group of them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from customer_value._frames.contracts import Kind, as_names, check_groups
from customer_value._frames.derive import MONEY, check_numbers
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.money import exact
from customer_value.exceptions import OptionError, SchemaError
from customer_value.segments._along import along_rules, rule_segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import Frame
    from customer_value.rfm.segments import RuleSet

__all__ = ["profile_segments"]

_BEHAVIOUR = ("recency_days", "purchases")
SHARES = ("customer_share", "value_total", "value_share")
_RESULTS = (
    "customers",
    *SHARES,
    "value_mean",
    "value_median",
    *(f"{name}_median" for name in _BEHAVIOUR),
    "suppressed",
)
_KNOWN, _SUM, _SMALL = "__segment_known__", "__segment_sum__", "__segment_small__"


def profile_segments(
    customers: Frame,
    *,
    by: str | Sequence[str] = "segment",
    value: str = "revenue",
    min_size: int = 1,
    rules: RuleSet | None = None,
    locale: Literal["en", "zh"] = "en",
) -> pl.DataFrame:
    """Profile segments: customers, value and behaviour by RFM segment, tier, region or age group.

    Several attributes are crossed: there is one row for each combination that occurs. Unknown
    (null) attributes are a group of their own, so that no customer is left out.

    Small groups give away what single persons spend. With `min_size` above 1 a row is suppressed
    if it has fewer customers than that, or fewer whose value is known (but some). What the
    suppressed rows hold together could still be found by subtraction from a total known
    elsewhere: so further rows are suppressed, the smallest first (of equal ones, the first by
    attributes), until they hold `min_size` customers of known value as well, or none.

    Args:
        customers: Frame with one row per customer, the attributes and the value column.
        by: The attribute columns; by default `segment`, from `segment_rfm`.
        value: Column to sum up, such as `"revenue"`, `"profit"` or `"clv"`.
        min_size: Customers that a row needs for its figures to be shown.
        rules: The rules that the segments in `by`, one column, were named by: then the rows follow
            the rules, and say what to do next.
        locale: With `rules`, the language of the names in the column and of the actions.

    Returns:
        One row per combination, largest `value_total` first (null last), then by the attributes:

        - the attributes, with the types they have in the frame
        - `customers` (Int64) and `customer_share` (Float64): always shown, they sum to the number
          of rows and to 1
        - `value_total` (Float64): summed to six decimal places exactly, so that neither row order
          nor threads change a bit
        - `value_share` (Float64): share of the value of all customers, also of the suppressed
          ones, who hold what is missing to 1; null where the value of all is not above zero.
          Shares can be negative, or above 1, where values are negative
        - `value_mean`, `value_median` (Float64)
        - `recency_days_median`, `purchases_median` (Float64) where the frame has these columns;
          each is also null where fewer than `min_size` customers have a known value of it
        - `suppressed` (Boolean): where true, all but the attributes, `customers` and
          `customer_share` is null
        - with `rules` also `action` (String): what to do next; null where the rules do not say.
          There is a row for each segment of the rules, in their order and also where it is empty;
          then, where there are any, the customers of the fallback, and those without a segment

        Customers of unknown value count, but add nothing to totals, means and medians; where no
        value of a row is known, these are null.

    Raises:
        SchemaError: Columns are missing, the value is not a number, or an attribute is nested.
        DataError: Values are NaN, infinite, or too large to sum exactly; or there are segments
            that the rules do not have.
        OptionError: `by` names no column, a column twice, or one that the result has
            besides; with `rules` it names several; `min_size` is below 1; or the rules or the
            locale are unknown.

    Examples:
        >>> import polars as pl
        >>> from customer_value.segments import profile_segments
        >>> customers = pl.DataFrame(
        ...     {
        ...         "region": ["north", "north", "south", None, "south"],
        ...         "revenue": [10.0, 30.0, 100.0, 40.0, 20.0],
        ...     }
        ... )
        >>> profile = profile_segments(customers, by="region")
        >>> profile.select("region", "customers", "value_total", "value_share").rows()
        [('south', 2, 120.0, 0.6), ('north', 2, 40.0, 0.2), (None, 1, 40.0, 0.2)]

        The customer of unknown region is alone, and cannot be found by subtraction either:

        >>> hidden = profile_segments(customers, by="region", min_size=2)
        >>> hidden.select("region", "customers", "value_total", "suppressed").rows()
        [('south', 2, 120.0, False), ('north', 2, None, True), (None, 1, None, True)]

        RFM segments with what to do next:

        >>> segmented = pl.DataFrame({"segment": ["lost", "champions"], "revenue": [20.0, 180.0]})
        >>> profile = profile_segments(segmented, rules="rfm_list_125")
        >>> profile.select("segment", "customers", "value_share").head(2).rows()
        [('champions', 1, 0.9), ('loyal', 0, 0.0)]
        >>> profile["action"][0]
        'Reward them, and show them new products first.'
    """
    keys = as_names(by)
    if min_size < 1:
        raise OptionError(f"min_size must be 1 or more, got {min_size}")
    if rules is None:
        return profile_groups(customers, keys, value, min_size=min_size, what="customers")
    if len(keys) != 1:
        raise OptionError(f"by must name one column of segments with rules, got {keys}")
    segments = rule_segments(rules, locale)
    profile = profile_groups(customers, keys, value, min_size=min_size, what="customers")
    return along_rules(profile, keys[0], segments)


def profile_groups(
    frame: Frame, keys: list[str], value: str, *, min_size: int, what: str
) -> pl.DataFrame:
    """Customers, value and behaviour of each group; null figures where a group is too small."""
    rows = _rows(frame, keys, value, what)
    measures = [name for name in _BEHAVIOUR if _inner(name) in rows.columns]
    worth = pl.col(_inner("value"))
    groups = rows.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("customers"),
        worth.count().cast(pl.Int64).alias(_KNOWN),
        exact(worth).sum().alias(_SUM),
        worth.median().alias("value_median"),
        *(_median(name, min_size).alias(f"{name}_median") for name in measures),
    )
    count, known = pl.col("customers"), pl.col(_KNOWN)
    total = pl.col(_SUM).cast(pl.Float64)
    # As a column: polars divides by a scalar with its reciprocal, and one of one is not 1.
    grand = pl.col(_SUM).sum().cast(pl.Float64) + 0 * total
    figures = {
        "value_total": pl.when(known > 0).then(total),
        "value_share": pl.when(known > 0, grand > 0).then(total / grand),
        "value_mean": pl.when(known > 0).then(total / known),
        **{f"{name}_median": pl.col(f"{name}_median") for name in ("value", *measures)},
    }
    shown = ~pl.col("suppressed")
    table = groups.with_columns(suppressed=_suppressed(groups, keys, min_size)).select(
        *keys,
        "customers",
        (count / (count.sum() + 0 * count)).alias("customer_share"),
        *(pl.when(shown).then(figure).alias(name) for name, figure in figures.items()),
        "suppressed",
    )
    return largest_first(table, "value_total", keys)


def largest_first(table: pl.DataFrame, column: str, keys: list[str]) -> pl.DataFrame:
    """The groups by a column, the largest first, unknown ones last."""
    falling = [True, *([False] * len(keys))]
    return table.sort(column, *keys, descending=falling, nulls_last=True)


def _rows(customers: Frame, keys: list[str], value: str, what: str) -> pl.DataFrame:
    """Attributes and measures of all customers, checked; measures under inner names."""
    check_groups(keys, _RESULTS, required=True)
    table = as_polars(customers, dict.fromkeys((*keys, value), "any"), what=what)
    present = [name for name in _BEHAVIOUR if name in table.collect_schema()]
    columns: Mapping[str, str] = {"value": value, **{name: name for name in present}}
    kinds: dict[str, Kind] = {
        **dict.fromkeys(keys, "any"),
        **dict.fromkeys(columns.values(), "number"),
    }
    frame = read_frame(table, kinds, what=what, given=customers)
    schema = frame.collect_schema()
    nested = [f"'{key}' is {schema[key]}" for key in keys if schema[key].is_nested()]
    if nested:
        raise SchemaError(f"{what}: attributes are plain columns, but {'; '.join(nested)}")
    measures = dict.fromkeys(columns.values())
    rows = frame.lazy().select(*dict.fromkeys([*keys, *measures])).collect()
    numbers = check_numbers(rows, dict.fromkeys(measures, MONEY), what=what)
    inner = [numbers[column].alias(_inner(name)) for name, column in columns.items()]
    return rows.select(keys).with_columns(inner)


def _inner(name: str) -> str:
    return f"__segment_{name}__"


def _median(name: str, min_size: int) -> pl.Expr:
    column = pl.col(_inner(name))
    return pl.when(column.count() >= min_size).then(column.median())


def _suppressed(groups: pl.DataFrame, keys: list[str], min_size: int) -> pl.Series:
    """Which groups are too small, and which others must hide what those hold together."""
    known = pl.col(_KNOWN)
    small = (pl.col("customers") < min_size) | ((known > 0) & (known < min_size))
    ranked = (
        groups.select(*keys, _KNOWN, small.alias(_SMALL))
        .with_row_index("__segment_row__")
        .sort(~pl.col(_SMALL), _KNOWN, *keys, nulls_last=True)
    )
    # Customers of known value in all rows that are suppressed before this one.
    before = known.cum_sum() - known
    hides = (known > 0) & (before > 0) & (before < min_size)
    return (
        ranked.select("__segment_row__", suppressed=pl.col(_SMALL) | hides)
        .sort("__segment_row__")
        .get_column("suppressed")
    )
