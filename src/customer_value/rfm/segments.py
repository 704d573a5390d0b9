"""Names for RFM cells, and what a rule table covers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias, overload

import polars as pl
from pydantic import BaseModel

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import check_choice, check_instance
from customer_value._frames.door import read_frame
from customer_value.exceptions import DataError, OptionError, SchemaError
from customer_value.rfm.rules import RfmRules, RfmSegment, cube
from customer_value.rfm.tables import RULE_TABLES, RuleName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, Frame

Conditions: TypeAlias = Mapping[str, pl.Expr]
RuleSet: TypeAlias = RuleName | RfmRules | Conditions
"""The name of a bundled table, a table, or conditions by the names of their segments."""

FALLBACK = "other"
"""Segment of customers who meet no condition; tables name their own."""

_SHOWN = 10


class RuleCoverage(BaseModel, frozen=True, extra="forbid"):
    """Which cells a rule table leaves out, names more than once, and names in vain.

    Attributes:
        rules: Name and version of the table.
        bins: Number of scores of each dimension of the cube that was looked at.
        uncovered: Cells that no segment matches; their customers get the fallback.
        overlapping: Cells that more than one segment matches, with the names of all of these, the
            one that wins first.
        unreachable: Names that no cell gets, since others always win or no cell matches.
    """

    rules: str
    bins: int
    uncovered: tuple[str, ...]
    overlapping: dict[str, tuple[str, ...]]
    unreachable: tuple[str, ...]

    def __str__(self) -> str:
        overlapping = [f"{cell} ({' > '.join(names)})" for cell, names in self.overlapping.items()]
        return "\n".join(
            [
                f"{self.rules}: {self.bins**3:,} cells",
                f"uncovered    {_counted(self.uncovered)}",
                f"overlapping  {_counted(overlapping)}",
                f"unreachable  {_counted(self.unreachable)}",
            ]
        )


def rule_table(rules: RuleSet) -> RfmRules | Conditions:
    """The rules that a name stands for, or those given.

    Raises:
        OptionError: No bundled table has the name, or these are not rules.
    """
    if isinstance(rules, str):
        check_choice("rules", rules, list(RULE_TABLES))
        return RULE_TABLES[rules]
    check_instance("rules", rules, (str, RfmRules, Mapping))
    return rules


def check_rules(rules: RuleSet, *, bins: int | None = None) -> RuleCoverage:
    """Find the cells that rules leave out or name more than once.

    Neither is an error: cells left out go to the fallback, and of several segments the first one
    wins. Both are worth knowing, as is a segment that never wins.

    Args:
        rules: The name of a bundled table, or a table; or conditions by the names of their
            segments, which may look at `r_score`, `f_score`, `m_score` and `rfm_cell` alone.
        bins: Number of scores of each dimension of the scale that it will be used with, 1 to 10;
            by default the number that the table is made for, 5 for conditions. Cells of ten bins
            are written differently (`"5-5-5"`), so a table for fewer covers none of them, and
            the reverse.

    Returns:
        What was found; `print` it to read it. Segments of the same name count as one.

    Raises:
        OptionError: `bins` is not 1 to 10.
        SchemaError: A condition looks at other columns, or is not true or false.

    Examples:
        >>> from customer_value.rfm import RFM_LIST_125, RFM_R_PACKAGE, check_rules
        >>> coverage = check_rules(RFM_R_PACKAGE)
        >>> len(coverage.uncovered), len(coverage.overlapping), coverage.unreachable
        (10, 58, ())
        >>> coverage.overlapping["155"]
        ('at_risk', 'need_attention', 'lost')
        >>> print(check_rules(RFM_LIST_125))
        rfm_list_125, version 1: 125 cells
        uncovered    none
        overlapping  none
        unreachable  none
        >>> import polars as pl
        >>> fresh = {"fresh": pl.col("r_score") == 5, "rare": pl.col("f_score") < 3}
        >>> len(check_rules(fresh).uncovered)
        60
    """
    rules = rule_table(rules)
    table = rules if isinstance(rules, RfmRules) else None
    if bins is None:
        bins = table.bins if table else 5
    if not 1 <= bins <= 10:
        raise OptionError(f"bins are 1 to 10, got {bins}")
    if isinstance(rules, RfmRules):
        matches = _matches(rules)
        names = {
            cell: tuple(dict.fromkeys(segment.name for segment in matches.get(cell, ())))
            for cell in cube(bins)
        }
    else:
        names = _evaluated(rules, bins)
    winners = {matching[0] for matching in names.values() if matching}
    return RuleCoverage(
        rules=f"{table.name}, version {table.version}" if table else "own conditions",
        bins=bins,
        uncovered=tuple(cell for cell, matching in names.items() if not matching),
        overlapping={cell: matching for cell, matching in names.items() if len(matching) > 1},
        unreachable=tuple(name for name in segment_names(rules) if name not in winners),
    )


@overload
def segment_rfm(
    customers: pl.LazyFrame, *, rules: RuleSet = ..., locale: Literal["en", "zh"] = ...
) -> pl.LazyFrame: ...
@overload
def segment_rfm(
    customers: ArrowStream, *, rules: RuleSet = ..., locale: Literal["en", "zh"] = ...
) -> pl.DataFrame: ...
def segment_rfm(
    customers: Frame, *, rules: RuleSet = "rfm_list_125", locale: Literal["en", "zh"] = "en"
) -> pl.DataFrame | pl.LazyFrame:
    """Add the segment of each customer.

    Args:
        customers: Frame with `rfm_cell`, from `score_rfm`.
        rules: Which cells make which segment: the name of a bundled table (`"rfm_list_125"`,
            `"rfm_grid_25"`, `"rfm_r_package"`, `"rfm_eight_types"`) or a table of your own. Where
            several segments match, the first wins. The table must be made for as many bins as the
            scale has (the most, where its dimensions differ). Or conditions
            by the names of their segments, polars expressions over any columns of the frame; the
            first that is true wins, customers with a score who meet none are `"other"`.
        locale: `"en"` for the names of the table, `"zh"` for their Chinese names.

    Returns:
        The frame with `segment` (String; null for customers without a score, unless a condition
        names them).

    Raises:
        SchemaError: `rfm_cell` is missing or not text; conditions look at columns that are missing,
            or are not true or false.
        DataError: Cells are of other bins than the rules are made for; for a LazyFrame when it is
            collected (a streamed one may name only some of them).
        OptionError: The rules are none of these, `locale` is unknown, or Chinese names are asked
            for and the rules lack some.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> cells = pl.DataFrame({"rfm_cell": ["555", "111", None], "revenue": [90.0, 5.0, None]})
        >>> cv.segment_rfm(cells)["segment"].to_list()
        ['champions', 'lost', None]
        >>> cv.segment_rfm(cells, locale="zh")["segment"].to_list()
        ['冠军客户', '已流失客户', None]
        >>> own = {"big": pl.col("revenue") >= 50, "silent": pl.col("revenue").is_null()}
        >>> cv.segment_rfm(cells, rules=own)["segment"].to_list()
        ['big', 'other', 'silent']
    """
    frame = read_frame(customers, {"rfm_cell": "text"}, what="customers")
    rules = rule_table(rules)
    cell = pl.col("rfm_cell").cast(pl.String)
    labels = segment_labels(rules, locale)
    if isinstance(rules, RfmRules):
        names = dict.fromkeys(cube(rules.bins), labels[rules.fallback])
        names |= {c: labels[matching[0].name] for c, matching in _matches(rules).items()}
        segment = cell.replace_strict(names, default=None, return_dtype=pl.String)
        checked = pl.struct(cell=cell, segment=segment).map_batches(
            lambda named: _known_cells(named, rules), return_dtype=pl.String, is_elementwise=True
        )
        return with_columns(frame, checked.alias("segment"))
    _check_conditions(rules, frame)
    segment = pl.when(cell.is_not_null()).then(pl.lit(FALLBACK))
    for name, condition in reversed(list(rules.items())):
        segment = pl.when(condition).then(pl.lit(name)).otherwise(segment)
    return with_columns(frame, segment.alias("segment"))


def _known_cells(named: pl.Series, rules: RfmRules) -> pl.Series:
    """The segments; none is null but of a cell that is."""
    cell, segment = named.struct.unnest().get_columns()
    if segment.null_count() > cell.null_count():
        pairs = zip(cell.to_list(), segment.to_list(), strict=True)
        beyond = [c for c, name in pairs if c is not None and name is None]
        examples = ", ".join(map(repr, list(dict.fromkeys(beyond))[:3]))
        raise DataError(
            f"customers: {len(beyond):,} row{'s' if len(beyond) > 1 else ''} with a cell of other "
            f"than {rules.bins} bins, for which rules {rules.name!r} are made (e.g. {examples}): "
            f"score by RfmOptions(recency_bins={rules.bins}, ...), or take other rules"
        )
    return segment


def segment_names(rules: RfmRules | Conditions) -> list[str]:
    """Names of the segments in the order of the rules, each once, without the fallback."""
    if isinstance(rules, RfmRules):
        return list(dict.fromkeys(segment.name for segment in rules.segments))
    return list(rules)


def segment_labels(rules: RfmRules | Conditions, locale: str) -> dict[str, str]:
    """How `segment_rfm` writes each segment, the fallback included.

    Raises:
        OptionError: The locale is unknown, or Chinese names are missing.
    """
    check_choice("locale", locale, ["en", "zh"])
    names = segment_names(rules)
    table = rules if isinstance(rules, RfmRules) else None
    fallback = table.fallback if table else FALLBACK
    if locale == "en":
        return {fallback: fallback, **{name: name for name in names}}
    segments = table.segments if table else ()
    labels = {segment.name: segment.name_zh for segment in segments if segment.name_zh}
    if missing := [name for name in names if name not in labels]:
        whose = f"rules {table.name!r}" if table else "conditions"
        raise OptionError(f"{whose} have no Chinese name of {', '.join(missing)}")
    return {fallback: table.fallback_zh if table else FALLBACK, **labels}


def segment_actions(rules: RfmRules | Conditions, locale: str) -> dict[str, str | None]:
    """What to do next, by the name of the segment; empty for conditions, which say nothing."""
    if not isinstance(rules, RfmRules):
        return {}
    return {s.name: s.action_zh if locale == "zh" else s.action for s in rules.segments}


def _matches(rules: RfmRules) -> dict[str, list[RfmSegment]]:
    """All segments that match each cell, the one that wins first."""
    matches: dict[str, list[RfmSegment]] = {}
    for segment in rules.segments:
        for cell in segment.cells or cube(rules.bins, **segment.ranges):
            matches.setdefault(cell, []).append(segment)
    return matches


def _check_conditions(
    conditions: Mapping[str, pl.Expr], frame: pl.DataFrame | pl.LazyFrame
) -> None:
    """Refuse conditions on columns that the frame lacks, and those that are not truth values.

    Raises:
        SchemaError: Names all of them at once.
    """
    schema = frame.collect_schema()
    problems = []
    for name, condition in conditions.items():
        if missing := [c for c in condition.meta.root_names() if c not in schema]:
            problems.append(f"{name!r} looks at missing columns {', '.join(missing)}")
            continue
        kind = frame.lazy().select(condition.alias(name)).collect_schema()[name]
        if kind != pl.Boolean:
            problems.append(f"{name!r} is {kind}, not true or false")
    if problems:
        raise SchemaError(f"conditions of segments: {'; '.join(problems)}")


def _evaluated(conditions: Mapping[str, pl.Expr], bins: int) -> dict[str, tuple[str, ...]]:
    """Names of the conditions that are true in each cell."""
    scores = product(range(1, bins + 1), repeat=3)
    names = {"r_score": pl.UInt8, "f_score": pl.UInt8, "m_score": pl.UInt8}
    grid = pl.DataFrame(scores, schema=names, orient="row").with_columns(
        pl.Series("rfm_cell", list(cube(bins)))
    )
    _check_conditions(conditions, grid)
    told = (condition.alias(str(k)) for k, condition in enumerate(conditions.values()))
    return {
        cell: tuple(name for name, true in zip(conditions, truths, strict=True) if true)
        for cell, *truths in grid.select("rfm_cell", *told).iter_rows()
    }


def _counted(found: Sequence[str]) -> str:
    more = " ..." if len(found) > _SHOWN else ""
    return f"{len(found):,}: {', '.join(found[:_SHOWN])}{more}" if found else "none"
