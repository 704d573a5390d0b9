"""Columns that are computed row by row from checked columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from customer_value._frames.arrays import to_array
from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import NOT_FINITE, ArrayRule, Offence, describe, require
from customer_value._frames.door import read_frame
from customer_value._frames.money import TOO_LARGE
from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_value._typing import Frame

Rules: TypeAlias = tuple[ArrayRule, ...]

_BELOW_ZERO = ArrayRule("values below zero", lambda values: values < 0)
_NO_SHARE = ArrayRule("values not within 0 to 1", lambda values: ~((values >= 0) & (values <= 1)))
_NO_MARGIN = ArrayRule(
    "values not within -1 to 1", lambda values: ~((values >= -1) & (values <= 1))
)

FINITE: Rules = (NOT_FINITE,)
MONEY: Rules = (NOT_FINITE, TOO_LARGE)
AMOUNT: Rules = (*MONEY, _BELOW_ZERO)
"""Money, or a count, that cannot be negative."""
SHARE: Rules = (_NO_SHARE,)
MARGIN: Rules = (_NO_MARGIN,)

_NUMBERS = "__numbers__"


def number(term: float | str) -> pl.Expr:
    """A checked column, by its name, or the number itself, for the columns of `derive`."""
    if isinstance(term, str):
        return pl.col(_NUMBERS).struct.field(term)
    return pl.lit(float(term))


def derive(
    frame: Frame,
    inputs: Mapping[str, Rules] | Mapping[float | str, Rules],
    columns: Mapping[str, pl.Expr],
    *,
    what: str = "customers",
) -> pl.DataFrame | pl.LazyFrame:
    """Add columns that are computed from columns of numbers, which are checked on the way.

    Args:
        frame: The frame; a LazyFrame stays lazy and is checked when it is collected.
        inputs: Names of the columns that are read, with what no value of them may be. Numbers
            instead of names are passed over, so that a term may be either. Nulls are allowed.
        columns: Expressions over `number(name)`. Float results that no Float64 can hold are null.
        what: What the rows are, as the message of an error calls them.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values break a rule; names every column, rule and count at once.
    """
    rules = {name: broken for name, broken in inputs.items() if isinstance(name, str)}
    frame = read_frame(frame, dict.fromkeys(rules, "number"), what=what)
    checked = with_columns(frame, _checked(rules, what).alias(_NUMBERS))
    added = with_columns(checked, *(column.alias(name) for name, column in columns.items()))
    schema = added.collect_schema()
    floats = [name for name in columns if schema[name] == pl.Float64]
    finite = [pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in floats]
    return with_columns(added, *finite).drop(_NUMBERS)


def check_numbers(
    frame: pl.DataFrame, inputs: Mapping[str, Rules], *, what: str, needed: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The named columns alone, as Float64 and checked; those `needed` also for nulls.

    Raises:
        SchemaError: Columns are missing or not numbers.
        DataError: Values break a rule, or needed ones are unknown.
    """
    require(frame, dict.fromkeys(inputs, "number"), what=what)
    numbers = frame.select(pl.col(name).cast(pl.Float64) for name in inputs)
    offences = []
    for name, rules in inputs.items():
        values = to_array(numbers[name].drop_nulls())
        offences += _offences(name, values, rules)
        unknown = numbers[name].null_count()
        if name in needed and unknown:
            offences.append(Offence("", f"no '{name}'", unknown, ()))
    if offences:
        raise DataError(f"{what}: {describe(offences)}")
    return numbers


def _checked(rules: Mapping[str, Rules], what: str) -> pl.Expr:
    """Struct of the columns as Float64, refused when computed where they break a rule."""

    # Nothing in here but arrays: a query inside of a query may wait for itself.
    def check(struct: pl.Series) -> pl.Series:
        fields = {field.name: to_array(field) for field in struct.struct.unnest().get_columns()}
        offences = [
            offence
            for name, broken in rules.items()
            for offence in _offences(name, fields[name][fields[_known(name)] == 1], broken)
        ]
        if offences:
            raise DataError(f"{what}: {describe(offences)}")
        return struct

    columns = [pl.col(name).cast(pl.Float64) for name in rules]
    known = [pl.col(name).is_not_null().cast(pl.Float64).alias(_known(name)) for name in rules]
    numbers = pl.struct(*columns, *known)
    types = {field: pl.Float64 for name in rules for field in (name, _known(name))}
    ordered = {name: types[name] for name in (*rules, *map(_known, rules))}
    return numbers.map_batches(check, return_dtype=pl.Struct(ordered), is_elementwise=True)


def _known(name: str) -> str:
    return f"__known_{name}__"


def _offences(name: str, values: np.ndarray, rules: Rules) -> list[Offence]:
    found = []
    for rule in rules:
        broken = np.flatnonzero(rule.broken(values))
        if broken.size:
            examples = tuple(f"{values[row]:g}" for row in broken[:3])
            found.append(Offence("", f"{rule.says} in '{name}'", broken.size, examples))
    return found
