from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

import customer_value as cv

STAGES = ["prospect", "lost", "reactivated", "at_risk", "new", "declining", "growing", "stable"]
# The table of the sources, by stage in the order above.
CHINESE: dict[str, list[str | None]] = {
    "growth": ["获取期", "离开期", "提升期", "衰退期", "获取期", "衰退期", "提升期", "成熟期"],
    "trust": ["培育期", "消失期", "确认期", "弱化期", "培育期", "弱化期", "确认期", "信任期"],
    "journey": [
        "获取阶段",
        "流失挽回阶段",
        "维护阶段",
        "流失挽回阶段",
        "转化阶段",
        "维护阶段",
        "维护阶段",
        "维护阶段",
    ],
    "loyalty": ["潜在客户", "流失", "新客户", None, "新客户", None, None, "忠实客户"],
    "value": ["潜在客户", "老客户", "老客户", "老客户", "新客户", "老客户", "老客户", "老客户"],
    "hubspot": ["线索", *["客户"] * 7],
}
ENGLISH: dict[str, list[str | None]] = {
    "growth": ["acquire", "leave", "grow", "decline", "acquire", "decline", "grow", "mature"],
    "trust": ["nurture", "vanish", "confirm", "weaken", "nurture", "weaken", "confirm", "trust"],
    "journey": ["acquire", "win_back", "keep", "win_back", "convert", "keep", "keep", "keep"],
    "loyalty": ["potential", "lost", "new", None, "new", None, None, "loyal"],
    "value": ["potential", "old", "old", "old", "new", "old", "old", "old"],
    "hubspot": ["lead", *["customer"] * 7],
}
staged = pl.DataFrame({"stage": STAGES})


@pytest.mark.parametrize("name", CHINESE)
def test_the_names_of_the_sources(name: Any) -> None:
    zh = cv.lifecycle.map_stages(staged, taxonomy=name, locale="zh")
    assert zh.columns == ["stage", f"stage_{name}"]
    assert zh[f"stage_{name}"].to_list() == CHINESE[name]
    en = cv.lifecycle.map_stages(staged, taxonomy=cv.lifecycle.TAXONOMIES[name])
    assert en[f"stage_{name}"].to_list() == ENGLISH[name]
    assert en.schema[f"stage_{name}"] == pl.String


def test_every_taxonomy_is_tested_and_versioned() -> None:
    assert set(cv.lifecycle.TAXONOMIES) == set(CHINESE)
    for name, taxonomy in cv.lifecycle.TAXONOMIES.items():
        assert (taxonomy.name, taxonomy.version) == (name, "1")
        assert cv.lifecycle.Taxonomy.model_validate_json(taxonomy.model_dump_json()) == taxonomy


def test_further_columns_refine() -> None:
    rows = pl.DataFrame(
        {
            "stage": ["prospect", "prospect", "stable", "stable", "growing", "lost"],
            "open_opportunity": [True, None, False, False, True, False],
            "loyal": [None, None, True, False, False, False],
            "tier": [None, None, "high", "low", "high", "high"],
            "lead_status": ["subscriber", None, "opportunity", None, None, None],
            "advocate": [True, None, True, False, None, True],
        }
    )
    mapped = cv.lifecycle.map_stages(rows, taxonomy=["journey", "loyalty", "value", "hubspot"])
    assert mapped["stage_journey"].to_list() == [
        "convert",
        "acquire",
        "keep",
        "keep",
        "keep",
        "win_back",
    ]
    assert mapped["stage_loyalty"].to_list() == [
        "potential",
        "potential",
        "loyal",
        None,
        None,
        "lost",
    ]
    assert mapped["stage_value"].to_list() == [
        "potential",
        "potential",
        "high_value",
        "old",
        "old",
        "old",
    ]
    assert mapped["stage_hubspot"].to_list() == [
        "subscriber",
        "lead",
        "evangelist",
        "customer",
        "customer",
        "evangelist",
    ]


def test_a_taxonomy_of_ones_own() -> None:
    own = cv.lifecycle.Taxonomy(
        name="two",
        version="2024",
        phases=(
            cv.lifecycle.TaxonomyPhase(
                name="active", name_zh="活跃", stages=("new", "growing", "stable")
            ),
            cv.lifecycle.TaxonomyPhase(name="quiet", name_zh="沉默", stages=("at_risk", "lost")),
        ),
    )
    mapped = cv.lifecycle.map_stages(staged.lazy(), taxonomy=["trust", own], locale="zh")
    assert isinstance(mapped, pl.LazyFrame)
    assert mapped.collect()["stage_two"].to_list() == [
        None,
        "沉默",
        None,
        "沉默",
        "活跃",
        None,
        "活跃",
        "活跃",
    ]


def test_a_stage_that_is_none_has_no_name() -> None:
    odd = pl.DataFrame({"stage": [None, "vip"]}, schema={"stage": pl.String})
    assert cv.lifecycle.map_stages(odd, taxonomy="growth")["stage_growth"].to_list() == [None, None]
    assert cv.lifecycle.map_stages(odd, taxonomy="growth").height == 2


def test_stages_of_a_history_have_names_too() -> None:
    stage = pl.Series(["new", "lost"], dtype=pl.Enum(STAGES))
    mapped = cv.lifecycle.map_stages(pl.DataFrame({"stage": stage}).to_arrow(), taxonomy="growth")
    assert mapped["stage_growth"].to_list() == ["acquire", "leave"]


def test_bad_input() -> None:
    with pytest.raises(cv.CustomerValueError, match="no taxonomy 'funnel': there are growth"):
        cv.lifecycle.map_stages(staged, taxonomy="funnel")  # type: ignore[arg-type]
    with pytest.raises(cv.CustomerValueError, match="asked for twice"):
        cv.lifecycle.map_stages(staged, taxonomy=["growth", "growth"])
    with pytest.raises(cv.CustomerValueError, match="locale must be 'en' or 'zh', got 'fr'"):
        cv.lifecycle.map_stages(staged, taxonomy="growth", locale="fr")  # type: ignore[call-overload]
    with pytest.raises(cv.SchemaError, match="missing column 'stage'"):
        cv.lifecycle.map_stages(pl.DataFrame({"x": [1]}), taxonomy="growth")
    with pytest.raises(cv.SchemaError, match="'loyal' is Int32, must be Boolean"):
        cv.lifecycle.map_stages(staged.with_columns(loyal=1), taxonomy="loyalty")
    with pytest.raises(cv.SchemaError, match="'tier' is Int32, must be text"):
        cv.lifecycle.map_stages(staged.with_columns(tier=1), taxonomy="value")


def test_a_taxonomy_says_each_thing_once() -> None:
    phase = cv.lifecycle.TaxonomyPhase(name="a", name_zh="甲", stages=("new",))
    bad = cv.lifecycle.TaxonomyRefinement(stages=("new",), column="x", equals=True, phase="nowhere")
    with pytest.raises(
        ValidationError,
        match=r"stage new is in more than one phase; phase a is there twice; .* phase 'nowhere'",
    ):
        cv.lifecycle.Taxonomy(name="bad", version="1", phases=(phase, phase), refinements=(bad,))
