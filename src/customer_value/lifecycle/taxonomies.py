"""Other names for the stages: the sets of stages in common use, in English and Chinese."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias, get_args, overload

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import with_columns
from customer_value._frames.contracts import Kind, require
from customer_value._frames.door import as_polars
from customer_value.exceptions import OptionError, SchemaError
from customer_value.lifecycle.options import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customer_value._typing import ArrowStream, Frame

TaxonomyName: TypeAlias = Literal["growth", "trust", "journey", "loyalty", "value", "hubspot"]


class TaxonomyPhase(BaseModel, frozen=True, extra="forbid"):
    """A stage of another set.

    Attributes:
        name: English name, snake_case.
        name_zh: Chinese name.
        stages: Which of the library's stages it stands for.
    """

    name: Annotated[str, Field(min_length=1)]
    name_zh: Annotated[str, Field(min_length=1)]
    stages: tuple[Stage, ...] = ()


class TaxonomyRefinement(BaseModel, frozen=True, extra="forbid"):
    """An exception that a further column makes, where the frame has it.

    Attributes:
        stages: The stages in which it applies.
        column: The column to look at.
        equals: The value on which it applies.
        phase: Name of the phase; None for none.
    """

    stages: tuple[Stage, ...]
    column: str
    equals: bool | str
    phase: str | None


class Taxonomy(BaseModel, frozen=True, extra="forbid"):
    """A set of stages, and what each of the library's stages is called in it.

    Attributes:
        name: What the added column is called, after `stage_`.
        version: Changes with the content.
        phases: Its stages. One of the library's stages that is in none of them gives null.
        refinements: Exceptions by further columns; the first that applies decides.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    version: Annotated[str, Field(min_length=1)]
    phases: Annotated[tuple[TaxonomyPhase, ...], Field(min_length=1)]
    refinements: tuple[TaxonomyRefinement, ...] = ()

    @model_validator(mode="after")
    def _no_stage_twice(self) -> Self:
        stages = [stage for phase in self.phases for stage in phase.stages]
        names = [phase.name for phase in self.phases]
        unknown = {r.phase for r in self.refinements} - {*names, None}
        problems = [
            *(f"stage {s} is in more than one phase" for s in STAGES if stages.count(s) > 1),
            *(f"phase {n} is there twice" for n in sorted(set(names)) if names.count(n) > 1),
            *(f"a refinement leads to an unknown phase {n!r}" for n in sorted(map(str, unknown))),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


_BOUGHT: tuple[Stage, ...] = tuple(stage for stage in STAGES if stage != "prospect")
_LEAD_STATES = {
    "subscriber": "订阅者",
    "lead": "线索",
    "marketing_qualified_lead": "市场认可线索",
    "sales_qualified_lead": "销售认可线索",
    "opportunity": "商机",
}

GROWTH = Taxonomy(
    name="growth",
    version="1",
    phases=(
        TaxonomyPhase(name="acquire", name_zh="获取期", stages=("prospect", "new")),
        TaxonomyPhase(name="grow", name_zh="提升期", stages=("reactivated", "growing")),
        TaxonomyPhase(name="mature", name_zh="成熟期", stages=("stable",)),
        TaxonomyPhase(name="decline", name_zh="衰退期", stages=("at_risk", "declining")),
        TaxonomyPhase(name="leave", name_zh="离开期", stages=("lost",)),
    ),
)
TRUST = Taxonomy(
    name="trust",
    version="1",
    phases=(
        TaxonomyPhase(name="nurture", name_zh="培育期", stages=("prospect", "new")),
        TaxonomyPhase(name="confirm", name_zh="确认期", stages=("reactivated", "growing")),
        TaxonomyPhase(name="trust", name_zh="信任期", stages=("stable",)),
        TaxonomyPhase(name="weaken", name_zh="弱化期", stages=("at_risk", "declining")),
        TaxonomyPhase(name="vanish", name_zh="消失期", stages=("lost",)),
    ),
)
JOURNEY = Taxonomy(
    name="journey",
    version="1",
    phases=(
        TaxonomyPhase(name="acquire", name_zh="获取阶段", stages=("prospect",)),
        TaxonomyPhase(name="convert", name_zh="转化阶段", stages=("new",)),
        TaxonomyPhase(
            name="keep",
            name_zh="维护阶段",
            stages=("reactivated", "declining", "growing", "stable"),
        ),
        TaxonomyPhase(name="win_back", name_zh="流失挽回阶段", stages=("lost", "at_risk")),
    ),
    refinements=(
        TaxonomyRefinement(
            stages=("prospect",), column="open_opportunity", equals=True, phase="convert"
        ),
    ),
)
LOYALTY = Taxonomy(
    name="loyalty",
    version="1",
    phases=(
        TaxonomyPhase(name="potential", name_zh="潜在客户", stages=("prospect",)),
        TaxonomyPhase(name="new", name_zh="新客户", stages=("new", "reactivated")),
        TaxonomyPhase(name="loyal", name_zh="忠实客户", stages=("stable",)),
        TaxonomyPhase(name="lost", name_zh="流失", stages=("lost",)),
    ),
    refinements=(TaxonomyRefinement(stages=("stable",), column="loyal", equals=False, phase=None),),
)
VALUE = Taxonomy(
    name="value",
    version="1",
    phases=(
        TaxonomyPhase(name="potential", name_zh="潜在客户", stages=("prospect",)),
        TaxonomyPhase(name="new", name_zh="新客户", stages=("new",)),
        TaxonomyPhase(
            name="old",
            name_zh="老客户",
            stages=("lost", "reactivated", "at_risk", "declining", "growing", "stable"),
        ),
        TaxonomyPhase(name="high_value", name_zh="高价值客户"),
    ),
    refinements=(
        TaxonomyRefinement(stages=("stable",), column="tier", equals="high", phase="high_value"),
    ),
)
HUBSPOT = Taxonomy(
    name="hubspot",
    version="1",
    phases=(
        *(
            TaxonomyPhase(name=name, name_zh=zh, stages=("prospect",) if name == "lead" else ())
            for name, zh in _LEAD_STATES.items()
        ),
        TaxonomyPhase(name="customer", name_zh="客户", stages=_BOUGHT),
        TaxonomyPhase(name="evangelist", name_zh="拥护者"),
        TaxonomyPhase(name="other", name_zh="其他"),
    ),
    refinements=(
        *(
            TaxonomyRefinement(stages=("prospect",), column="lead_status", equals=name, phase=name)
            for name in (*_LEAD_STATES, "other")
        ),
        TaxonomyRefinement(stages=_BOUGHT, column="advocate", equals=True, phase="evangelist"),
    ),
)

TAXONOMIES = MappingProxyType(
    {t.name: t for t in (GROWTH, TRUST, JOURNEY, LOYALTY, VALUE, HUBSPOT)}
)
"""The built-in sets of stages, by name.

- `growth`: acquire, grow, mature, decline, leave
- `trust`: nurture, confirm, trust, weaken, vanish
- `journey`: acquire, convert, keep, win_back; a prospect whose `open_opportunity` is true converts
- `loyalty`: potential, new, loyal, lost; none for customers in between, nor for a stable customer
  whose `loyal` is false
- `value`: potential, new, old, high_value (stable, and of the `tier` high)
- `hubspot`: the eight lifecycle stages that HubSpot has by default. Prospects are what
  `lead_status` says (subscriber, lead, marketing_qualified_lead, sales_qualified_lead, opportunity
  or other), else lead; who ever bought is customer, or evangelist where `advocate` is true
"""


@overload
def map_stages(
    staged: pl.LazyFrame,
    *,
    taxonomy: TaxonomyName | Taxonomy | Sequence[TaxonomyName | Taxonomy],
    locale: Literal["en", "zh"] = "en",
) -> pl.LazyFrame: ...
@overload
def map_stages(
    staged: ArrowStream,
    *,
    taxonomy: TaxonomyName | Taxonomy | Sequence[TaxonomyName | Taxonomy],
    locale: Literal["en", "zh"] = "en",
) -> pl.DataFrame: ...
def map_stages(
    staged: Frame,
    *,
    taxonomy: TaxonomyName | Taxonomy | Sequence[TaxonomyName | Taxonomy],
    locale: Literal["en", "zh"] = "en",
) -> pl.DataFrame | pl.LazyFrame:
    """Add what each customer's stage is called in other sets of stages.

    Args:
        staged: Frame with `stage`, such as from `assign_stages` or `stage_history`; the columns of
            a taxonomy's refinements are used where present.
        taxonomy: `"growth"`, `"trust"`, `"journey"`, `"loyalty"`, `"value"`, `"hubspot"` (see
            `TAXONOMIES`), a `Taxonomy` of your own, or several of them.
        locale: `"en"` for snake_case English, `"zh"` for Chinese.

    Returns:
        The frame with a column `stage_{name}` (String) per taxonomy; null where it has no name
        for the stage.

    Raises:
        OptionError: A taxonomy or the locale is unknown, or a taxonomy is asked for twice.
        SchemaError: `stage` is missing, or a column is of a wrong type.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> staged = pl.DataFrame({"stage": ["new", "stable", "lost"]})
        >>> cv.lifecycle.map_stages(staged, taxonomy=["growth", "value"], locale="zh").rows()
        [('new', '获取期', '新客户'), ('stable', '成熟期', '老客户'), ('lost', '离开期', '老客户')]
    """
    several = [taxonomy] if isinstance(taxonomy, str | Taxonomy) else taxonomy
    wanted = [_known(one) for one in several]
    names = [one.name for one in wanted]
    if locale not in ("en", "zh"):
        raise OptionError(f"locale must be 'en' or 'zh', got {locale!r}")
    if len(set(names)) < len(names):
        raise OptionError(f"a taxonomy is asked for twice: {', '.join(names)}")
    frame = as_polars(staged)
    used = [r.column for one in wanted for r in one.refinements]
    schema = frame.collect_schema()
    kinds: dict[str, Kind] = {"stage": "text"} if wanted else {}
    require(frame, kinds, what="staged")
    columns = {name: schema[name] for name in used if name in schema}
    return with_columns(frame, *(_phase(one, columns, locale) for one in wanted))


def _known(taxonomy: str | Taxonomy) -> Taxonomy:
    if isinstance(taxonomy, Taxonomy):
        return taxonomy
    if taxonomy not in TAXONOMIES:
        raise OptionError(
            f"no taxonomy {taxonomy!r}: there are {', '.join(get_args(TaxonomyName))}"
        )
    return TAXONOMIES[taxonomy]


def _phase(taxonomy: Taxonomy, columns: dict[str, pl.DataType], locale: str) -> pl.Expr:
    labels = {
        phase.name: phase.name_zh if locale == "zh" else phase.name for phase in taxonomy.phases
    }
    of_stage = {stage: labels[phase.name] for phase in taxonomy.phases for stage in phase.stages}
    stage = pl.col("stage").cast(pl.String)
    name = stage.replace_strict(of_stage, default=None, return_dtype=pl.String)
    for refinement in reversed(taxonomy.refinements):
        if refinement.column not in columns:
            continue
        label = None if refinement.phase is None else labels[refinement.phase]
        applies = stage.is_in(refinement.stages) & _equals(refinement, columns)
        name = pl.when(applies).then(pl.lit(label, pl.String)).otherwise(name)
    return name.alias(f"stage_{taxonomy.name}")


def _equals(refinement: TaxonomyRefinement, columns: dict[str, pl.DataType]) -> pl.Expr:
    kind, column = columns[refinement.column], pl.col(refinement.column)
    if isinstance(refinement.equals, bool):
        if kind != pl.Boolean:
            raise SchemaError(f"staged: '{refinement.column}' is {kind}, must be Boolean")
        return column == refinement.equals
    if kind not in (pl.String, pl.Categorical, pl.Enum):
        raise SchemaError(f"staged: '{refinement.column}' is {kind}, must be text")
    return column.cast(pl.String) == refinement.equals
