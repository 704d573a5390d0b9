"""What a frame must look like: columns, types and named rules on values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from customer_value.exceptions import DataError, OptionError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from customer_value._typing import BoolArray, FloatArray

Kind: TypeAlias = Literal[
    "key", "log_key", "day", "maybe_day", "time", "maybe_time", "number", "money", "text", "any"
]
"""What a column holds; `money` and `maybe_...` may hold nothing but nulls, of type Null."""

_KINDS: dict[Kind, tuple[Callable[[pl.DataType], bool], str]] = {
    "key": (
        lambda t: t.is_integer() or t in (pl.String, pl.Categorical, pl.Enum),
        "whole numbers or text",
    ),
    "log_key": (
        lambda t: t.is_numeric() or t in (pl.String, pl.Categorical, pl.Enum),
        "whole numbers or text",
    ),
    "day": (lambda t: t == pl.Date, "a date"),
    "time": (lambda t: t in (pl.Date, pl.Datetime), "a date or a time"),
    "maybe_day": (lambda t: t in (pl.Date, pl.Null), "a date"),
    "maybe_time": (lambda t: t in (pl.Date, pl.Datetime, pl.Null), "a date or a time"),
    "number": (lambda t: t.is_numeric(), "a number"),
    "money": (lambda t: t.is_numeric() or t == pl.Null, "a number"),
    "text": (lambda t: t in (pl.String, pl.Categorical, pl.Enum), "text"),
    "any": (lambda t: t not in (pl.Object, pl.Unknown), "of a type that polars can compute with"),
}

_CURES: dict[str, dict[Kind, str]] = {
    "polars": {
        "key": "cast it to Int64 or String",
        "day": "cast it with .cast(pl.Date), text with .str.to_date()",
        "time": "parse text with .str.to_date(), epochs with pl.from_epoch()",
        "number": "cast it with .cast(pl.Float64)",
    },
    "pandas": {
        "key": "convert it with .astype('int64') or .astype(str)",
        "day": "convert it with pd.to_datetime(...).dt.normalize()",
        "time": "convert it with pd.to_datetime(...)",
        "number": "convert it with pd.to_numeric(...)",
    },
    "arrow": {
        "key": "cast it to int64 or string",
        "day": "cast it to date32",
        "time": "cast it to date32 or timestamp",
        "number": "cast it to float64",
    },
}
_SAME_CURE: dict[Kind, Kind] = {
    "log_key": "key",
    "maybe_day": "day",
    "maybe_time": "time",
    "money": "number",
}


_ACRONYM = re.compile(r"[A-Z][b-df-hj-np-tv-xz]*(?=[A-Z]|$)")
_SHOWN = 20
_SIMILAR = 0.77  # "ordered_at" is not a misspelt "orders"
_ADDED_BY = {
    "recency_days": "summarize",
    "t_x": "summarize",
    "T": "summarize",
    "repeat_purchases": "summarize",
    "repeat_spend": "summarize",
    "r_score": "score_rfm",
    "rfm_cell": "score_rfm",
    "segment": "segment_rfm",
    "abc_class": "classify_abc",
    "xyz_class": "classify_xyz",
    "p_alive": "probability_alive",
    "churn_risk": "churn_risk",
    "clv": "customer_lifetime_value",
    "tier": "assign_tiers",
    "stage": "assign_stages",
    "profit": "customer_pnl",
}
"""Which function adds a column that others take by default."""


class Rule(NamedTuple):
    """A named condition that no row may meet."""

    name: str
    broken: pl.Expr
    says: str


class ArrayRule(NamedTuple):
    """A condition on arrays that no element may meet."""

    says: str
    broken: Callable[..., BoolArray]


NOT_FINITE = ArrayRule("NaN or infinite values", lambda values: ~np.isfinite(values))


class Offence(NamedTuple):
    """How many rows break a rule, and a few of their keys."""

    rule: str
    says: str
    rows: int
    examples: tuple[str, ...]


def require(
    frame: pl.DataFrame | pl.LazyFrame,
    columns: Mapping[str, Kind],
    *,
    what: str,
    hint: str = "",
    library: str = "polars",
) -> dict[str, pl.DataType]:
    """Check that columns are there and of a usable type.

    Args:
        frame: The frame to look at; only its schema is read.
        columns: Column names and what each must hold.
        what: What the frame is, as the message calls it.
        hint: What to do about missing columns.
        library: Whose words the message speaks: `"polars"`, `"pandas"` or `"arrow"`.

    Returns:
        The frame's schema.

    Raises:
        OptionError: A name is not text.
        SchemaError: Names every missing column and every wrong type at once.
    """
    check_names(columns, what=what)
    schema = dict(frame.collect_schema())
    missing = [name for name in columns if name not in schema]
    wrong = [
        f"'{name}' is {schema[name]}, must be {_KINDS[kind][1]}{_cure(kind, library)}"
        for name, kind in columns.items()
        if name in schema and not _KINDS[kind][0](schema[name])
    ]
    if missing or wrong:
        problems = [_missing_message(missing, list(schema), hint)] if missing else []
        raise SchemaError(f"{what}: {'; '.join(problems + wrong)}")
    return schema


def find_offences(
    frame: pl.LazyFrame, rules: Sequence[Rule], *, key: str
) -> tuple[int, list[Offence]]:
    """Count the rows that break each rule in one pass; fetch sample keys only where some do.

    Args:
        frame: The frame to check.
        rules: The conditions that no row may meet.
        key: Column whose values identify the sample rows.

    Returns:
        The number of rows and the offences found, in the order of the rules.
    """
    counts = frame.select(offence_counts(rules)).collect()
    return counts.item(0, "rows"), offences_in(counts, frame, rules, key=key)


def check_names(columns: Iterable[object], *, what: str) -> None:
    """Refuse a column that is not named by text."""
    for name in columns:
        if not isinstance(name, str):
            raise OptionError(f"{what}: a column is named by text, got {name!r}")


def offence_counts(rules: Sequence[Rule]) -> list[pl.Expr]:
    """Number of rows, as `rows`, and of those that break each rule, by its name."""
    broken = (rule.broken.sum().cast(pl.Int64).alias(rule.name) for rule in rules)
    return [pl.len().cast(pl.Int64).alias("rows"), *broken]


def offences_in(
    counts: pl.DataFrame, frame: pl.LazyFrame, rules: Sequence[Rule], *, key: str
) -> list[Offence]:
    """The offences that were counted, with sample keys of the frame."""
    return [
        Offence(rule.name, rule.says, counts.item(0, rule.name), _examples(frame, rule, key))
        for rule in rules
        if counts.item(0, rule.name)
    ]


def any_broken(rules: Sequence[Rule]) -> pl.Expr:
    """Whether a row breaks any of the rules."""
    return pl.any_horizontal(rule.broken for rule in rules).fill_null(value=False)


def exclusive(rules: Sequence[Rule]) -> list[Rule]:
    """The rules, each without the rows that break an earlier one, so that counts add up."""
    return [
        rule._replace(broken=rule.broken & ~any_broken(rules[:k])) if k else rule
        for k, rule in enumerate(rules)
    ]


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a word that a parameter does not take."""
    if value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise OptionError(f"{name} must be one of {allowed}; got {value!r}")


def as_names(names: str | Sequence[str]) -> list[str]:
    """The names that an argument takes as one text or as several.

    Raises:
        OptionError: Something else was given.
    """
    if isinstance(names, str):
        return [names]
    given: object = names
    listed: list[object] = list(given) if isinstance(given, Iterable) else [given]
    texts = [name for name in listed if isinstance(name, str)]
    if len(texts) < len(listed):
        raise OptionError(f"names of columns must be text, got {names!r}")
    return texts


def check_instance(name: str, value: object, kind: type | tuple[type, ...]) -> None:
    """Refuse an argument of a type that a parameter does not take."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(each.__name__ for each in kinds)
        raise OptionError(f"{name} must be {_a(names)}, got {_a(type(value).__name__)}")


def check_groups(
    by: str | Sequence[str],
    results: Collection[str],
    *,
    required: bool = False,
    clash: str = "has names of the result, rename them",
) -> list[str]:
    """Take columns to group by; refuse those named twice, or with names of the result.

    Args:
        by: The column or columns.
        results: Names that they may not have.
        required: Whether there must be one.
        clash: What columns with such names are, in words.

    Returns:
        The columns.

    Raises:
        OptionError: Names everything that is wrong with them.
    """
    by = as_names(by)
    problems = ["names no column"] if required and not by else []
    if twice := sorted({name for name in by if by.count(name) > 1}):
        problems.append(f"names twice: {', '.join(twice)}")
    if clashes := [name for name in by if name in results]:
        problems.append(f"{clash}: {', '.join(clashes)}")
    if problems:
        raise OptionError(f"by {'; '.join(problems)}")
    return by


def refuse(arrays: Mapping[str, FloatArray], rules: Sequence[ArrayRule], *, what: str) -> None:
    """Refuse elements of arrays that break a rule.

    Args:
        arrays: Arrays of one length, in the order in which the rules take them.
        rules: Conditions that no element may meet.
        what: What the elements are, as the message calls them.

    Raises:
        DataError: Names every broken rule with its count and examples.
    """
    offences = []
    for rule in rules:
        broken = np.flatnonzero(rule.broken(*arrays.values()))
        examples = tuple(
            "(" + ", ".join(f"{name} {array[row]:g}" for name, array in arrays.items()) + ")"
            for row in broken[:3]
        )
        if broken.size:
            offences.append(Offence("", rule.says, broken.size, examples))
    if offences:
        raise DataError(f"{what}: {describe(offences)}")


def describe(offences: Sequence[Offence]) -> str:
    """One line that names every offence with its count and examples."""
    return "; ".join(
        f"{o.rows:,} row{'s' if o.rows != 1 else ''} with {o.says}"
        + (f" (e.g. {', '.join(o.examples)})" if o.examples else "")
        for o in offences
    )


def _a(noun: str) -> str:
    """The noun with its article, by sound: an acronym is spelt out, "an RfmScale"."""
    acronym = _ACRONYM.match(noun) is not None
    return f"an {noun}" if noun[:1] in ("AEFHILMNORSX" if acronym else "AEIOaeio") else f"a {noun}"


def _cure(kind: Kind, library: str) -> str:
    cure = _CURES[library].get(_SAME_CURE.get(kind, kind))
    return f"; {cure}" if cure else ""


def _examples(frame: pl.LazyFrame, rule: Rule, key: str) -> tuple[str, ...]:
    keys = frame.filter(rule.broken & pl.col(key).is_not_null()).select(key)
    first = keys.unique(maintain_order=True).head(3).collect()
    return tuple(str(value) for value in first.to_series().to_list())


def _missing_message(missing: list[str], present: list[str], hint: str) -> str:
    def quoted(names: list[str]) -> str:
        return ", ".join(f"'{name}'" for name in names)

    lowered = {name.lower(): name for name in present}
    hints = [
        f"'{lowered[close[0]]}' for '{name}'"
        for name in missing
        if (close := get_close_matches(name.lower(), lowered, n=1, cutoff=_SIMILAR))
    ]
    added = [f"{_ADDED_BY[name]} gives '{name}'" for name in missing if name in _ADDED_BY]
    message = f"missing column{'s' if len(missing) > 1 else ''} {quoted(missing)}"
    shown = quoted(present[:_SHOWN]) + (" ..." if len(present) > _SHOWN else "")
    message += f" (there are {shown})" if present else " (there are none)"
    message += f"; did you mean {', '.join(hints)}?" if hints else ""
    return "; ".join([message, *added, *([hint] if hint else [])])
