"""Rows with a value: what tables of customer equity add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import Kind, Offence, as_names, describe
from customer_value._frames.derive import Rules, check_numbers
from customer_value._frames.door import read_frame
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import Frame

WORTH, GROUP = "__worth__", "__group__"


def attributes(by: str | Sequence[str], taken: tuple[str, ...]) -> list[str]:
    """The names of the attribute columns, none twice and none that the result takes."""
    keys = as_names(by)
    clashes = sorted({key for key in keys if key in taken or keys.count(key) > 1})
    if clashes:
        raise OptionError(f"by has columns twice, or names of the result: {', '.join(clashes)}")
    return keys


def check_if_alive(argument: str, column: str) -> None:
    """Refuse the column `clv` where a value without P(alive) is needed.

    Raises:
        OptionError: It is the expected value, in which P(alive) is counted already.
    """
    if column == "clv":
        raise OptionError(
            f"{argument}='clv' counts the probability twice: 'clv' is P(alive) times the value of "
            "a customer who stays; take 'clv_if_alive'"
        )


def valued_rows(
    customers: Frame,
    keys: list[str],
    inputs: Mapping[str, Rules],
    *,
    what: str,
    key: str | None,
) -> pl.DataFrame:
    """Attributes (for a bridge customer and group) and the checked numbers, value first."""
    kinds: dict[str, Kind] = dict.fromkeys(keys, "any")
    kinds.update(dict.fromkeys(inputs, "number"))
    kinds.update({} if key is None else {key: "key"})
    table = read_frame(customers, kinds, what=what).lazy().select(*kinds).collect()
    numbers = check_numbers(table, inputs, what=what)
    value, *others = inputs
    columns = [
        numbers[value].alias(WORTH),
        *(numbers[name].alias(inner(name)) for name in others),
    ]
    if key is None:
        return pl.DataFrame([*table.select(keys).get_columns(), *columns])
    problems = []
    if nameless := table[key].null_count():
        problems.append(describe([Offence("", "no customer_id", nameless, ())]))
    twice = table[key].filter(table[key].is_duplicated()).drop_nulls().unique().sort()
    if twice.len():
        examples = ", ".join(map(str, twice.head(3)))
        problems.append(f"customers more than once: {twice.len():,} (e.g. {examples})")
    if problems:
        raise DataError(f"{what}: {'; '.join(problems)}")
    group = pl.lit(None, pl.Null)
    if keys:
        group = pl.col(keys[0]) if len(keys) == 1 else pl.struct(keys)
    return table.select(pl.col(key), group.alias(GROUP)).with_columns(columns)


def inner(name: str) -> str:
    """The name of a checked number beside the attributes."""
    return f"__equity_{name}__"
