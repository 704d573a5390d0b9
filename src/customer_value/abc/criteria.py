"""ABC classes by more than one criterion: one score of several columns, or two classes crossed."""

from __future__ import annotations

from itertools import accumulate, product
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.door import read_frame
from customer_value.abc.classes import CODE, letter, place
from customer_value.abc.options import AbcOptions
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_value._typing import ArrowStream, Frame

__all__ = ["classify_joint_abc", "score_criteria"]

_DOWN = {"A": 0, "B": 1, "C": 2, "D": 2}

Weight: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Method: TypeAlias = Literal["weighted", "ng"]


class _Terms(BaseModel, frozen=True, extra="forbid", title="score_criteria"):
    weights: Annotated[dict[str, Weight], Field(min_length=1)]
    method: Method


@overload
def score_criteria(
    customers: pl.LazyFrame, *, weights: Mapping[str, float], method: Method = "weighted"
) -> pl.LazyFrame: ...
@overload
def score_criteria(
    customers: ArrowStream, *, weights: Mapping[str, float], method: Method = "weighted"
) -> pl.DataFrame: ...
def score_criteria(
    customers: Frame, *, weights: Mapping[str, float], method: Method = "weighted"
) -> pl.DataFrame | pl.LazyFrame:
    """Add one score of several criteria, to be classified like any other value.

    Each criterion is scaled to y = (x - min) / (max - min), 0 the worst customer and 1 the best;
    where less is better, as of `recency_days`, give a negative weight and y is 1 less that. With
    weights w, the score is

    - `"weighted"`: sum_j |w_j| y_j / sum_j |w_j|, the weighted linear score;
    - `"ng"`: with the criteria in the order of their weights, largest first (equal ones as given),
      the largest of the means of y_1, of y_1 and y_2, and so on (Ng 2007, European Journal of
      Operational Research 177: 344-353). Only the order of the weights matters.

    Args:
        customers: Frame with the criteria.
        weights: Columns and their weights, such as
            `{"revenue": 3, "purchases": 2, "recency_days": -1}`.
        method: `"weighted"` or `"ng"`.

    Returns:
        The frame with `criteria_score` (Float64, 0 to 1). A customer of whom any criterion is
        unknown (null) has no score. Customers who are all alike in a criterion get 0 for it.

    Raises:
        ValidationError: There is no criterion, or a weight is not finite.
        OptionError: A weight is zero.
        SchemaError: Columns are missing or no numbers.
        DataError: Values are NaN or infinite; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [100, 60, 0], "recency_days": [90, 0, 30]})
        >>> scored = cv.abc.score_criteria(customers, weights={"revenue": 3, "recency_days": -1})
        >>> scored["criteria_score"].round(3).to_list()
        [0.75, 0.7, 0.167]
        >>> "".join(cv.classify_abc(scored, value="criteria_score")["abc_class"])
        'ABC'
    """
    terms = _Terms(weights=dict(weights), method=method)
    if nothing := [name for name, weight in terms.weights.items() if weight == 0]:
        raise OptionError(f"weights of zero, leave them out: {', '.join(nothing)}")
    frame = read_frame(customers, dict.fromkeys(terms.weights, "number"), what="customers")
    ordered = sorted(terms.weights.items(), key=lambda item: -abs(item[1]))
    scaled = {f"__criteria_{k}__": _scaled(*item) for k, item in enumerate(ordered)}
    staged = with_columns(frame, *(y.alias(name) for name, y in scaled.items()))
    if terms.method == "ng":
        sums = accumulate(map(pl.col, scaled))
        score = pl.max_horizontal(_ratio(total, count) for count, total in enumerate(sums, 1))
    else:
        shares = [abs(weight / ordered[0][1]) for _, weight in ordered]  # no sum overflows
        *_, most = accumulate(shares)
        *_, total = accumulate(
            pl.col(name) * share for name, share in zip(scaled, shares, strict=True)
        )
        score = _ratio(total, most)
    complete = pl.all_horizontal(pl.col(name).is_not_null() for name in scaled)
    scored = with_columns(staged, pl.when(complete).then(score).alias("criteria_score"))
    return scored.drop(scaled)


def _ratio(part: pl.Expr, whole: float | pl.Expr) -> pl.Expr:
    """Divide by a column: by a scalar polars takes the reciprocal, and all of all is not 1."""
    return part / (whole + 0 * part)


def _scaled(name: str, weight: float) -> pl.Expr:
    """Scale a criterion to 0 for the worst customer and 1 for the best."""
    half = finite_column(name) * 0.5  # the width of any range is finite
    low, high = half.min(), half.max()
    distance = high - half if weight < 0 else half - low
    width = high - low
    alike = pl.when(half.is_not_null()).then(0.0)
    return pl.when(width > 0).then(_ratio(distance, width)).otherwise(alike)


@overload
def classify_joint_abc(
    customers: pl.LazyFrame,
    *,
    first: str,
    second: str,
    options: AbcOptions | None = None,
    cells: Mapping[str, str] | None = None,
) -> pl.LazyFrame: ...
@overload
def classify_joint_abc(
    customers: ArrowStream,
    *,
    first: str,
    second: str,
    options: AbcOptions | None = None,
    cells: Mapping[str, str] | None = None,
) -> pl.DataFrame: ...
def classify_joint_abc(
    customers: Frame,
    *,
    first: str,
    second: str,
    options: AbcOptions | None = None,
    cells: Mapping[str, str] | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the ABC class of each customer by two criteria at once, by the joint criteria matrix.

    Customers are classified by each criterion alone, which puts them in one of nine cells, from
    AA to CC, and the cells are gathered into three classes (after Flores & Whybark 1986,
    International Journal of Operations & Production Management 6(3): 38-46). By default AA, AB
    and BA are A; AC, BB and CA are B; BC, CB and CC are C: one class up by one criterion makes
    good for one class down by the other. A customer without value by one criterion (`"D"`, if
    `options` sets them apart) counts as C there, and is D if it is by both.

    Args:
        customers: Frame with both criteria.
        first: Column of the first criterion, such as `"revenue"`.
        second: Column of the second criterion, such as `"profit"`.
        options: Where the classes of each criterion end.
        cells: Your own gathering: the class of each cell, first criterion first, such as
            `{"AA": "A", "AB": "A", ...}`; any names of classes.

    Returns:
        The frame with `abc_cell` (`"AA"` to `"CC"`) and `abc_class`. Where a criterion is unknown
        (null), both are null.

    Raises:
        SchemaError: The columns are missing or no numbers.
        DataError: Values are NaN or infinite, or at or below zero and refused; for a LazyFrame
            when it is collected.
        OptionError: `cells` leaves out cells or has others.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [80, 15, 5], "profit": [15, 5, 80]})
        >>> joint = cv.abc.classify_joint_abc(customers, first="revenue", second="profit")
        >>> joint.select("abc_cell", "abc_class").rows()
        [('AB', 'A'), ('BC', 'C'), ('CA', 'B')]
    """
    options = options or AbcOptions()
    gathered = _gathering(cells, "ABCD" if options.nonpositive == "separate" else "ABC")
    frame = read_frame(customers, {first: "number", second: "number"}, what="customers")
    apart = {f"__abc_{name}__": place(frame, name, options) for name in {first: 0, second: 0}}
    coded = with_columns(frame, *(found.alias(name) for name, found in apart.items()))
    cell = pl.concat_str(
        letter(pl.col(f"__abc_{name}__").struct.field(CODE), options) for name in (first, second)
    )
    return with_columns(
        coded,
        cell.alias("abc_cell"),
        cell.replace_strict(gathered, default=None, return_dtype=pl.String).alias("abc_class"),
    ).drop(apart)


def _gathering(cells: Mapping[str, str] | None, letters: str) -> dict[str, str]:
    """Give the class of each cell; by default A up to one class below best, B up to two."""
    expected = ["".join(pair) for pair in product(letters, repeat=2)]
    if cells is None:
        by_default = {cell: "AABCC"[sum(_DOWN[name] for name in cell)] for cell in expected}
        return by_default | ({"DD": "D"} if "D" in letters else {})
    missing = [cell for cell in expected if cell not in cells]
    other = [cell for cell in cells if cell not in expected]
    problems = [f"leaves out {', '.join(missing)}"] if missing else []
    problems += [f"has no cells {', '.join(other)}"] if other else []
    if problems:
        raise OptionError(f"cells {' and '.join(problems)}")
    return dict(cells)
