"""Customer marks: labels such as "important" or "strategic" that follow a customer everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field, StrictBool, StrictStr, model_validator

from customer_value._frames.assemble import finite_column, with_columns
from customer_value._frames.contracts import check_choice, check_instance
from customer_value._frames.door import as_polars
from customer_value._frames.words import known_text
from customer_value.exceptions import OptionError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from customer_value._typing import ArrowStream, Frame

__all__ = [
    "DEFAULT_MARKS",
    "MarkCondition",
    "MarkRule",
    "MarkRules",
    "customer_marks",
]

Bound: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Entry: TypeAlias = StrictBool | StrictStr | Bound
Name: TypeAlias = Annotated[str, Field(min_length=1)]

_BITS = 8
_KINDS: dict[type, tuple[Callable[[pl.DataType], bool], str]] = {
    float: (lambda t: t.is_numeric(), "a number"),
    str: (lambda t: t in (pl.String, pl.Categorical, pl.Enum), "text"),
    bool: (lambda t: t == pl.Boolean, "Boolean"),
}


class MarkCondition(BaseModel, frozen=True, extra="forbid"):
    """What the value in one column must be: within bounds, or one of a list.

    An unknown (null) value meets no condition.

    Attributes:
        column: Name of the column.
        at_least: The value must be this or more.
        at_most: The value must be this or less.
        above: The value must be more than this.
        below: The value must be less than this.
        one_of: The values that meet the condition: all text, all numbers or all true/false. It is
            given instead of bounds.
        known: All the words that the column may hold. Others are refused, so that a column with
            other names does not silently meet no condition.

    Raises:
        ValidationError: Neither bounds nor a list are given, or both; two bounds on one side;
            bounds between which no number lies; or a list of mixed kinds.

    Examples:
        >>> from customer_value.segments.marks import MarkCondition
        >>> MarkCondition(column="p_alive", at_least=0.1, below=0.5).bounds
        {'at_least': 0.1, 'below': 0.5}
        >>> MarkCondition(column="tier", one_of=("high", "medium")).one_of
        ('high', 'medium')
    """

    column: Name
    at_least: Bound | None = None
    at_most: Bound | None = None
    above: Bound | None = None
    below: Bound | None = None
    one_of: Annotated[tuple[Entry, ...], Field(min_length=1)] | None = None
    known: tuple[StrictStr, ...] | None = None

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that are given, by name."""
        named = {
            "at_least": self.at_least,
            "at_most": self.at_most,
            "above": self.above,
            "below": self.below,
        }
        return {name: bound for name, bound in named.items() if bound is not None}

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        bounds, problems = self.bounds, []
        if bool(bounds) == (self.one_of is not None):
            problems.append("needs either bounds or one_of")
        if len({type(entry) for entry in self.one_of or ()}) > 1:
            problems.append("one_of must be all text, all numbers or all true/false")
        if self.known is not None and not set(self.one_of or (0,)) <= set(self.known):
            problems.append("known must have the words of one_of")
        problems += [
            f"{' and '.join(side)} bound the same side, give one"
            for side in (("at_least", "above"), ("at_most", "below"))
            if bounds.keys() >= set(side)
        ]
        low = max((bounds[name] for name in ("at_least", "above") if name in bounds), default=None)
        high = min((bounds[name] for name in ("at_most", "below") if name in bounds), default=None)
        closed = self.above is None and self.below is None
        if low is not None and high is not None and (low > high or (low == high and not closed)):
            problems.append(f"no number is within {bounds}")
        if problems:
            raise ValueError(f"condition on {self.column!r}: {'; '.join(problems)}")
        return self


class MarkRule(BaseModel, frozen=True, extra="forbid"):
    """A mark and the conditions that earn it.

    Attributes:
        name: Name of the mark.
        conditions: What must hold, all of it. For "either, or" give two rules of the same name.
        priority: Rank of the mark among the marks of a customer; 1 comes before 2.
        optional: Whether the rule may name columns that the frame does not have, and is then never
            met. Otherwise absent columns are an error.
        name_zh: Chinese name of the mark.

    Examples:
        >>> from customer_value.segments.marks import MarkCondition, MarkRule
        >>> overdue = MarkCondition(column="days_overdue", above=90)
        >>> MarkRule(name="slow_payer", conditions=(overdue,), priority=5).optional
        False
    """

    name: Name
    conditions: Annotated[tuple[MarkCondition, ...], Field(min_length=1)]
    priority: int
    optional: bool = False
    name_zh: Name | None = None


class MarkRules(BaseModel, frozen=True, extra="forbid"):
    """A table of marks: plain data, to be kept as JSON beside the results.

    Rules of the same name are one mark, which is earned by any of them.

    Attributes:
        rules: The rules. Marks are listed by priority, and those of equal priority in this order.
        version: Version of the table.

    Raises:
        ValidationError: There are no rules, the rules of one mark differ in priority or Chinese
            name, or two marks have the same Chinese name; all that is wrong is named at once.

    Examples:
        >>> from customer_value.segments.marks import DEFAULT_MARKS, MarkRules
        >>> MarkRules.model_validate_json(DEFAULT_MARKS.model_dump_json()) == DEFAULT_MARKS
        True
    """

    rules: Annotated[tuple[MarkRule, ...], Field(min_length=1)]
    version: Name

    @model_validator(mode="after")
    def _one_rank_and_name(self) -> Self:
        parts: dict[str, set[tuple[int, str | None]]] = {}
        names: dict[str, set[str]] = {}
        for rule in self.rules:
            parts.setdefault(rule.name, set()).add((rule.priority, rule.name_zh))
            names.setdefault(rule.name_zh or "", set()).add(rule.name)
        problems = [
            f"rules of mark {name!r} differ in priority or name_zh"
            for name, kinds in parts.items()
            if len(kinds) > 1
        ]
        problems += [
            f"marks {', '.join(sorted(marks))} are all called {chinese!r}"
            for chinese, marks in names.items()
            if chinese and len(marks) > 1
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


_TIERS = ("high", "medium", "low", "unrated")
_UPPER_HALF = MarkCondition(column="tier", one_of=("high", "medium"), known=_TIERS)

DEFAULT_MARKS = MarkRules(
    version="1",
    rules=(
        MarkRule(
            name="strategic",
            conditions=(MarkCondition(column="strategic", one_of=(True,)),),
            priority=1,
            optional=True,
            name_zh="战略客户",
        ),
        MarkRule(
            name="important",
            conditions=(_UPPER_HALF, MarkCondition(column="purchases", at_least=4)),
            priority=2,
            name_zh="重要客户",
        ),
        MarkRule(
            name="high_value",
            conditions=(MarkCondition(column="tier", one_of=("high",), known=_TIERS),),
            priority=3,
            name_zh="高价值客户",
        ),
        MarkRule(
            name="high_risk",
            conditions=(MarkCondition(column="stage", one_of=("at_risk", "declining")),),
            priority=4,
            name_zh="高风险客户",
        ),
    ),
)
"""Four marks, by priority; they need `tier`, `purchases` and `stage`.

Tiers by other names are refused: give rules that name them.

- `strategic`: the frame's own Boolean column `strategic` says so. No log of purchases tells who is
  strategic; without that column no customer is.
- `important`: tier `high` or `medium` (by default the upper half of value) and four purchases or
  more, from which on a customer is established, no longer growing.
- `high_value`: tier `high` (by default the top fifth of value).
- `high_risk`: stage `at_risk` or `declining`. It says how likely the customer is to leave, not how
  much would be lost. Customers that are `lost` are not at risk any more.

Where these marks are written as letters (A important, B high value, C strategic), the letters are
**not** ABC classes: a C customer is strategic there, and of the lowest class in `abc_class`.
"""

MarkTable: TypeAlias = Literal["default"] | MarkRules
"""The name of the bundled table, or a table."""


@overload
def customer_marks(
    customers: pl.LazyFrame, *, rules: MarkTable = ..., locale: Literal["en", "zh"] = ...
) -> pl.LazyFrame: ...
@overload
def customer_marks(
    customers: ArrowStream, *, rules: MarkTable = ..., locale: Literal["en", "zh"] = ...
) -> pl.DataFrame: ...
def customer_marks(
    customers: Frame, *, rules: MarkTable = "default", locale: Literal["en", "zh"] = "en"
) -> pl.DataFrame | pl.LazyFrame:
    """Add the marks of each customer: all that are earned, the most important one first.

    Marks are not ABC classes, though they are often abbreviated to A, B and C as well: see
    `DEFAULT_MARKS`.

    Args:
        customers: Frame with the columns that the rules name; for the default rules `purchases`,
            `tier` from `assign_tiers`, `stage` from `assign_stages` and, where there is one, a
            Boolean column `strategic`.
        rules: Which conditions earn which mark: `"default"` for `DEFAULT_MARKS`, or a table of your
            own.
        locale: `"en"` for the names of the marks, `"zh"` for their Chinese names.

    Returns:
        The frame with `marks` (List of String, by priority; an empty list, never null, where no
        mark is earned) and `top_mark` (String, the first of them, or null). A null value meets no
        condition.

    Raises:
        SchemaError: Columns that rules need are missing or of a wrong type; names all of them.
        DataError: Numbers that rules look at are NaN or infinite, or words are not known to them,
            such as tiers of other names; for a LazyFrame when it is
            collected.
        OptionError: `locale` is unknown, or marks lack the Chinese names asked for.

    Examples:
        >>> import polars as pl
        >>> from customer_value.segments.marks import customer_marks
        >>> customers = pl.DataFrame(
        ...     {
        ...         "tier": ["high", "medium", "high", "low"],
        ...         "purchases": [9, 5, 1, 7],
        ...         "stage": ["at_risk", "stable", "new", "lost"],
        ...         "strategic": [False, True, None, False],
        ...     }
        ... )
        >>> marked = customer_marks(customers)
        >>> for marks in marked["marks"].to_list():
        ...     print(marks)
        ['important', 'high_value', 'high_risk']
        ['strategic', 'important']
        ['high_value']
        []
        >>> customer_marks(customers, locale="zh")["top_mark"].to_list()
        ['重要客户', '战略客户', '高价值客户', None]
    """
    if isinstance(rules, str):
        check_choice("rules", rules, ["default"])
        rules = DEFAULT_MARKS
    check_instance("rules", rules, MarkRules)
    frame = as_polars(customers)
    labels = _labels(rules, locale)
    usable = _usable(rules, dict(frame.collect_schema()))
    conditions = [condition for rule in usable for condition in rule.conditions]
    numbers = dict.fromkeys(c.column for c in conditions if _kind(c) is float)
    checked = {name: f"__mark_{k}__" for k, name in enumerate(numbers)}
    frame = with_columns(frame, *(finite_column(name).alias(to) for name, to in checked.items()))
    by_mark: dict[str, list[pl.Expr]] = {}
    for rule in sorted(usable, key=lambda rule: rule.priority):
        met = pl.all_horizontal(_met(condition, checked) for condition in rule.conditions)
        by_mark.setdefault(labels[rule.name], []).append(met)
    marks = _lists({label: pl.any_horizontal(parts) for label, parts in by_mark.items()})
    marked = with_columns(frame, marks.alias("marks"), marks.list.first().alias("top_mark"))
    return marked.drop(*checked.values())


def _lists(earned: dict[str, pl.Expr]) -> pl.Expr:
    """The labels whose flags are true, as a list.

    Looked up by the flags' bits: to build three million lists from columns takes seconds.
    """
    labels = list(earned)
    if not labels:
        return pl.lit([], pl.List(pl.String))
    parts = []
    for start in range(0, len(labels), _BITS):
        part = labels[start : start + _BITS]
        bits = [earned[label].cast(pl.UInt32) * 2**k for k, label in enumerate(part)]
        combinations = pl.Series(
            [
                [label for k, label in enumerate(part) if mask >> k & 1]
                for mask in range(2 ** len(part))
            ],
            dtype=pl.List(pl.String),
        )
        parts.append(pl.lit(combinations).gather(pl.sum_horizontal(bits)))
    return pl.concat_list(parts) if len(parts) > 1 else parts[0]


def _kind(condition: MarkCondition) -> type:
    """What a condition compares: numbers, text or true/false."""
    return type(condition.one_of[0]) if condition.one_of else float


def _met(condition: MarkCondition, checked: dict[str, str]) -> pl.Expr:
    kind, name = _kind(condition), condition.column
    column = pl.col(checked[name]) if kind is float else pl.col(name)
    if condition.known is not None:
        column = known_text(name, condition.known, hint="give rules that name them")
    if condition.one_of:
        to = {float: pl.Float64, str: pl.String, bool: pl.Boolean}[kind]
        met = column.cast(to).is_in(pl.lit(pl.Series(condition.one_of, dtype=to)).implode())
        return met.fill_null(value=False)
    compare = {"at_least": pl.Expr.ge, "at_most": pl.Expr.le, "above": pl.Expr.gt}
    within = [
        compare.get(bound, pl.Expr.lt)(column, number) for bound, number in condition.bounds.items()
    ]
    return pl.all_horizontal(within).fill_null(value=False)


def _usable(rules: MarkRules, schema: dict[str, pl.DataType]) -> list[MarkRule]:
    """The rules whose columns are there; names all columns that are missing or wrong."""
    missing: dict[str, list[str]] = {}
    wrong: dict[str, list[str]] = {}
    usable = []
    for rule in rules.rules:
        absent = [c.column for c in rule.conditions if c.column not in schema]
        if not absent:
            usable.append(rule)
        elif not rule.optional:
            for column in absent:
                missing.setdefault(f"'{column}'", []).append(rule.name)
        for condition in rule.conditions:
            dtype = schema.get(condition.column, pl.Null())
            fits, must = _KINDS[_kind(condition)]
            if not (dtype == pl.Null or fits(dtype)):
                said = f"'{condition.column}' is {dtype}, must be {must}"
                wrong.setdefault(said, []).append(rule.name)
    problems = [f"{said} {_for_marks(names)}" for said, names in wrong.items()]
    if missing:
        listed = ", ".join(f"{name} {_for_marks(names)}" for name, names in missing.items())
        plural = "s" if len(missing) > 1 else ""
        advice = "add what is missing, or make the rules optional"
        problems = [f"missing column{plural} {listed}", *problems, advice]
    if problems:
        raise SchemaError(f"customers: {'; '.join(problems)}")
    return usable


def _for_marks(names: Iterable[str]) -> str:
    return f"(for {', '.join(dict.fromkeys(names))})"


def _labels(rules: MarkRules, locale: str) -> dict[str, str]:
    if locale == "en":
        return {rule.name: rule.name for rule in rules.rules}
    check_choice("locale", locale, ["en", "zh"])
    labels = {rule.name: rule.name_zh for rule in rules.rules if rule.name_zh}
    if missing := dict.fromkeys(rule.name for rule in rules.rules if rule.name not in labels):
        raise OptionError(f"no Chinese name of {', '.join(missing)}")
    return labels
