"""ABC classes by two criteria at once: the joint criteria matrix."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Literal, overload

import polars as pl

from customer_value._common.stored import StoredModel
from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import check_instance
from customer_value._frames.door import read_frame
from customer_value._frames.fitted import fitted_on, refuse_beside_model
from customer_value.abc.classes import CODE, letter, place
from customer_value.abc.model import AbcModel, fit_abc
from customer_value.abc.options import AbcOptions
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_value._typing import ArrowStream, Frame

__all__ = ["JointAbcModel", "classify_joint_abc", "fit_joint_abc"]

_DOWN = {"A": 0, "B": 1, "C": 2, "D": 2}


class JointAbcModel(StoredModel, frozen=True):
    """ABC classes by two criteria, learnt from one set of customers; plain JSON.

    Attributes:
        first: Limits by the first criterion.
        second: Limits by the second criterion.
        cells: Class of each cell, first criterion first.
    """

    model: Literal["joint_abc"] = "joint_abc"
    first: AbcModel
    second: AbcModel
    cells: dict[str, str]


def fit_joint_abc(
    customers: Frame,
    *,
    first: str,
    second: str,
    options: AbcOptions | None = None,
    cells: Mapping[str, str] | None = None,
) -> JointAbcModel:
    """Learn ABC limits by two criteria, to classify other customers by them.

    Args:
        customers: Frame with both criteria; a LazyFrame is collected.
        first: Column of the first criterion, such as `"revenue"`.
        second: Column of the second criterion, such as `"profit"`.
        options: Where the classes of each criterion end; equal values cannot be split.
        cells: The class of each cell, as for `classify_joint_abc`.

    Returns:
        The model.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite, or at or below zero and refused.
        OptionError: The options split ties, or `cells` leaves out cells or has others.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> monday = pl.DataFrame({"revenue": [80, 15, 5], "profit": [15, 5, 80]})
        >>> model = cv.abc.fit_joint_abc(monday, first="revenue", second="profit")
        >>> cv.abc.classify_joint_abc(monday[1], model)["abc_cell"].item()
        'BC'
    """
    options = options or AbcOptions()
    check_instance("options", options, AbcOptions)
    frame = read_frame(customers, {first: "number", second: "number"})
    return JointAbcModel(
        first=fit_abc(frame, value=first, options=options),
        second=fit_abc(frame, value=second, options=options),
        cells=_gathering(cells, _letters(options)),
        fitted_on=fitted_on(frame),
    )


@overload
def classify_joint_abc(
    customers: pl.LazyFrame,
    model: JointAbcModel | None = None,
    *,
    first: str | None = None,
    second: str | None = None,
    options: AbcOptions | None = None,
    cells: Mapping[str, str] | None = None,
) -> pl.LazyFrame: ...
@overload
def classify_joint_abc(
    customers: ArrowStream,
    model: JointAbcModel | None = None,
    *,
    first: str | None = None,
    second: str | None = None,
    options: AbcOptions | None = None,
    cells: Mapping[str, str] | None = None,
) -> pl.DataFrame: ...
def classify_joint_abc(
    customers: Frame,
    model: JointAbcModel | None = None,
    *,
    first: str | None = None,
    second: str | None = None,
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
        model: Limits and cells from `fit_joint_abc`, which then says all that follows. Without one
            they are learnt from these customers, and move with them.
        first: Column of the first criterion, such as `"revenue"`.
        second: Column of the second criterion, such as `"profit"`.
        options: Where the classes of each criterion end.
        cells: Your own gathering: the class of each cell, first criterion first, such as
            `{"AA": "A", "AB": "A", ...}`; any names of classes.

    Returns:
        The frame with `abc_cell` (`"AA"` to `"CC"`) and `abc_class`. Where a criterion is unknown
        (null), both are null.

    Raises:
        SchemaError: The columns are missing or not numbers.
        DataError: Values are NaN or infinite, or at or below zero and refused; for a LazyFrame
            when it is collected.
        OptionError: `cells` leaves out cells or has others; columns are named neither by the call
            nor by a model, or by both.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"revenue": [80, 15, 5], "profit": [15, 5, 80]})
        >>> joint = cv.abc.classify_joint_abc(customers, first="revenue", second="profit")
        >>> joint.select("abc_cell", "abc_class").rows()
        [('AB', 'A'), ('BC', 'C'), ('CA', 'B')]
    """
    if model is not None:
        check_instance("model", model, JointAbcModel)
        refuse_beside_model(first=first, second=second, options=options, cells=cells)
        frame = read_frame(customers, {model.first.value: "number", model.second.value: "number"})
        letters = [letter(one.codes(), one.options) for one in (model.first, model.second)]
        return with_columns(frame, *_columns(pl.concat_str(letters), model.cells))
    if first is None or second is None:
        raise OptionError("first and second must name the two columns, or give a model")
    options = options or AbcOptions()
    check_instance("options", options, AbcOptions)
    gathered = _gathering(cells, _letters(options))
    frame = read_frame(customers, {first: "number", second: "number"})
    apart = {f"__abc_{name}__": place(frame, name, options) for name in {first: 0, second: 0}}
    coded = with_columns(frame, *(found.alias(name) for name, found in apart.items()))
    cell = pl.concat_str(
        letter(pl.col(f"__abc_{name}__").struct.field(CODE), options) for name in (first, second)
    )
    return with_columns(coded, *_columns(cell, gathered)).drop(apart)


def _columns(cell: pl.Expr, gathered: Mapping[str, str]) -> list[pl.Expr]:
    joint = cell.replace_strict(gathered, default=None, return_dtype=pl.String)
    return [cell.alias("abc_cell"), joint.alias("abc_class")]


def _letters(options: AbcOptions) -> str:
    return "ABCD" if options.nonpositive == "separate" else "ABC"


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
