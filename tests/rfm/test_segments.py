from __future__ import annotations

import inspect
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from customer_value.rfm import (
    RFM_EIGHT_TYPES,
    RFM_GRID_25,
    RFM_LIST_125,
    RFM_R_PACKAGE,
    RuleCoverage,
    check_rules,
)

TABLES = [RFM_EIGHT_TYPES, RFM_GRID_25, RFM_LIST_125, RFM_R_PACKAGE]
CUBE = ["".join(cell) for cell in product("12345", repeat=3)]
NAMES = {cell: segment.name for segment in cv.RFM_LIST_125.segments for cell in segment.cells}


def rules_of(
    fallback: str = "other", bins: int = 5, **segments: tuple[str, ...]
) -> cv.rfm.RfmRules:
    named = tuple(cv.rfm.RfmSegment(name=name, cells=cells) for name, cells in segments.items())
    return cv.rfm.RfmRules(name="mine", version="2", segments=named, bins=bins, fallback=fallback)


def rules_in_order(*segments: cv.rfm.RfmSegment, bins: int = 5) -> cv.rfm.RfmRules:
    return cv.rfm.RfmRules(name="mine", version="2", segments=segments, bins=bins)


def cube(bins: int) -> list[str]:
    separator = "-" if bins == 10 else ""
    return [separator.join(map(str, c)) for c in product(range(1, bins + 1), repeat=3)]


def matching(segment: cv.rfm.RfmSegment, cell: str) -> bool:
    """Tell by the definition whether a segment matches a cell."""
    if segment.cells:
        return cell in segment.cells
    scores = [int(score) for score in (cell.split("-") if "-" in cell else cell)]
    ranges = (segment.recency, segment.frequency, segment.monetary)
    return all(
        given is None or given[0] <= score <= given[1]
        for score, given in zip(scores, ranges, strict=True)
    )


def segments_of(
    rules: cv.rfm.RfmRules, *values: str | None, locale: Any = "en"
) -> list[str | None]:
    return cv.segment_rfm(cells(*values), rules=rules, locale=locale)["segment"].to_list()


def cells(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"rfm_cell": values}, schema={"rfm_cell": pl.String})


def test_the_list_of_125_is_an_exact_partition() -> None:
    named = [cell for segment in cv.RFM_LIST_125.segments for cell in segment.cells]
    assert sorted(named) == CUBE
    assert len(cv.RFM_LIST_125.segments) == 11


def test_the_list_of_125_survives_json() -> None:
    rules = cv.RFM_LIST_125
    assert cv.rfm.RfmRules.model_validate_json(rules.model_dump_json()) == rules
    assert [segment.name for segment in rules.segments[:2]] == ["champions", "loyal"]
    assert (rules.name, rules.version) == ("rfm_list_125", "1")


def test_every_cell_gets_its_name() -> None:
    assert cv.segment_rfm(cells(*CUBE))["segment"].to_list() == [NAMES[cell] for cell in CUBE]


@given(st.lists(st.sampled_from([*CUBE, None]), max_size=30))
@settings(max_examples=50, deadline=None)
def test_segments_are_a_lookup(values: list[str | None]) -> None:
    expected = [None if v is None else NAMES[v] for v in values]
    segmented = cv.segment_rfm(cells(*values))
    assert segmented["segment"].to_list() == expected
    assert segmented["rfm_cell"].to_list() == values
    assert segmented.schema["segment"] == pl.String


def test_cells_of_other_bins_are_refused() -> None:
    frame = cells("11", "212", "555", None, "545", "555")
    says = (
        r"customers: 4 rows with a cell of other than 2 bins, for which rules 'rfm_eight_types' "
        r"are made \(e.g. '11', '555', '545'\): score by RfmOptions\(recency_bins=2, ...\)"
    )
    with pytest.raises(cv.DataError, match=says):
        cv.segment_rfm(frame, rules=cv.RFM_EIGHT_TYPES)
    with pytest.raises(cv.DataError, match="with a cell of other than 2 bins"):
        cv.segment_rfm(frame.lazy(), rules=cv.RFM_EIGHT_TYPES).collect()


def test_own_rules_and_their_fallback() -> None:
    rules = rules_of(fallback="rest", best=("555", "554"))
    segmented = cv.segment_rfm(cells("555", "111", None, "554"), rules=rules)
    assert segmented["segment"].to_list() == ["best", "rest", None, "best"]


def test_no_rules_leave_everybody_to_the_fallback() -> None:
    assert cv.segment_rfm(cells("555"), rules=rules_of())["segment"].to_list() == ["other"]


def test_a_cell_belongs_to_one_segment() -> None:
    with pytest.raises(ValidationError, match="cells in more than one segment: 454, 555"):
        rules_of(a=("555", "454"), b=("454", "555", "111"))
    with pytest.raises(ValidationError, match="more than one segment: 555"):
        rules_of(a=("555", "555"))


def test_a_cell_is_three_scores() -> None:
    with pytest.raises(ValidationError, match="not three scores of 1 to 3: 444, 55, x12"):
        rules_of(bins=3, a=("333", "444", "55", "x12"))


@pytest.mark.parametrize("bins", [0, 11])
def test_there_are_one_to_ten_bins(bins: int) -> None:
    with pytest.raises(ValidationError, match="bins"):
        rules_of(bins=bins)


def test_cells_of_other_numbers_of_bins() -> None:
    rules = rules_of(bins=9, best=("999",))
    assert cv.segment_rfm(cells("999", "555"), rules=rules)["segment"].to_list() == [
        "best",
        "other",
    ]
    with pytest.raises(ValidationError, match="not three scores of 1 to 5: 666"):
        rules_of(a=("666",))


def test_every_offence_of_the_cells_is_named_at_once() -> None:
    with pytest.raises(
        ValidationError, match=r"more than one segment: 555; not three .*: 000, 5-5-5"
    ):
        rules_of(a=("555", "000"), b=("555", "5-5-5"))


def test_a_segment_has_a_name() -> None:
    with pytest.raises(ValidationError, match="name"):
        cv.rfm.RfmSegment(name="", cells=("555",))


def test_rules_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        cv.RFM_LIST_125.fallback = "x"  # type: ignore[misc]


def test_lazy_in_lazy_out() -> None:
    lazy = cv.segment_rfm(cells(*CUBE).lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(cv.segment_rfm(cells(*CUBE)))


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(CUBE)], ids=["Categorical", "Enum"])
def test_cells_may_be_categories(dtype: pl.DataType) -> None:
    segmented = cv.segment_rfm(cells(*CUBE).cast(dtype))
    assert segmented["segment"].to_list() == [NAMES[cell] for cell in CUBE]


def test_pandas_comes_in() -> None:
    segmented = cv.segment_rfm(cells("555", None, "111").to_pandas())
    assert segmented["segment"].to_list() == ["champions", None, "lost"]


def test_cells_are_text() -> None:
    with pytest.raises(cv.SchemaError, match="'rfm_cell' is Int64, must be text"):
        cv.segment_rfm(pl.DataFrame({"rfm_cell": [555]}))
    with pytest.raises(cv.SchemaError, match="missing column 'rfm_cell'"):
        cv.segment_rfm(pl.DataFrame({"x": [555]}))


def test_nobody_drops_out_on_the_way() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    scored = cv.score_rfm(customers, cv.fit_rfm(customers))
    segmented = cv.segment_rfm(scored)
    assert segmented.drop("segment").equals(scored)
    assert segmented["segment"].null_count() == 0
    assert set(segmented["segment"]) <= set(NAMES.values())
    assert segmented["segment"].to_list() == [NAMES[cell] for cell in scored["rfm_cell"]]


def test_ranges_include_both_ends_and_leave_other_dimensions_open() -> None:
    rules = rules_in_order(cv.rfm.RfmSegment(name="fresh", recency=(3, 4), monetary=(5, 5)))
    named = {c for c, name in zip(CUBE, segments_of(rules, *CUBE), strict=True) if name == "fresh"}
    assert named == {f"{r}{f}5" for r in "34" for f in "12345"}


def test_the_first_that_matches_wins() -> None:
    one = cv.rfm.RfmSegment(name="one", recency=(5, 5))
    two = cv.rfm.RfmSegment(name="two", recency=(4, 5))
    three = cv.rfm.RfmSegment(name="three", cells=("555", "455", "111"))
    values = ("555", "455", "111", "311")
    assert segments_of(rules_in_order(one, two, three), *values) == ["one", "two", "three", "other"]
    assert segments_of(rules_in_order(three, two, one), *values) == ["three"] * 3 + ["other"]
    assert segments_of(rules_in_order(two, three, one), *values[:3]) == ["two", "two", "three"]


def test_parts_of_one_name_are_one_segment() -> None:
    low = cv.rfm.RfmSegment(name="edge", recency=(1, 1))
    high = cv.rfm.RfmSegment(name="edge", recency=(5, 5))
    rules = rules_in_order(low, high, cv.rfm.RfmSegment(name="edge", cells=("555",)))
    assert segments_of(rules, "111", "333", "555") == ["edge", "other", "edge"]
    assert check_rules(rules).overlapping == {}
    assert check_rules(rules).unreachable == ()


@st.composite
def tables(draw: st.DrawFn) -> cv.rfm.RfmRules:
    bins = draw(st.integers(1, 10))
    score = st.integers(1, bins)
    span = st.none() | st.tuples(score, score).map(lambda ends: (min(ends), max(ends)))
    left = iter(draw(st.permutations(cube(bins)[:50])))
    segments = []
    for k in range(draw(st.integers(0, 5))):
        r, f, m = draw(span), draw(span), draw(span)
        listed = () if r or f or m else tuple(c for c, _ in zip(left, range(3), strict=False))
        if r or f or m or listed:
            segments.append(
                cv.rfm.RfmSegment(name=f"s{k}", cells=listed, recency=r, frequency=f, monetary=m)
            )
    return rules_in_order(*segments, bins=bins)


@given(tables())
@settings(max_examples=100, deadline=None)
def test_segments_and_their_check_follow_the_definition(rules: cv.rfm.RfmRules) -> None:
    every_cell = cube(rules.bins)
    matches = {c: [s.name for s in rules.segments if matching(s, c)] for c in every_cell}
    expected = [(names or ["other"])[0] for names in matches.values()]
    assert segments_of(rules, *every_cell) == expected
    coverage = check_rules(rules)
    assert coverage.uncovered == tuple(c for c, names in matches.items() if not names)
    assert coverage.overlapping == {c: tuple(n) for c, n in matches.items() if len(n) > 1}
    assert coverage.unreachable == tuple(s.name for s in rules.segments if s.name not in expected)
    assert cv.rfm.RfmRules.model_validate_json(rules.model_dump_json()) == rules


def test_ten_bins_join_their_scores() -> None:
    listed = cv.rfm.RfmSegment(name="listed", cells=("10-1-3", "1-1-1"))
    ranged = cv.rfm.RfmSegment(name="ranged", recency=(10, 10))
    rules = rules_in_order(listed, ranged, bins=10)
    values = ("10-1-3", "10-10-10", "9-9-9", "1-1-1", None)
    assert segments_of(rules, *values) == [
        "listed",
        "ranged",
        "other",
        "listed",
        None,
    ]
    with pytest.raises(ValidationError, match="not three scores of 1 to 10 joined by '-': 111, 5"):
        rules_in_order(cv.rfm.RfmSegment(name="a", cells=("111", "5-5-11")), bins=10)


def test_scores_of_ten_bins_find_their_segments() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    options = cv.RfmOptions(recency_bins=10, frequency_bins=5, monetary_bins=10)
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=options))
    rules = rules_in_order(cv.rfm.RfmSegment(name="fresh", recency=(8, 10)), bins=10)
    segmented = cv.segment_rfm(scored, rules=rules)
    fresh = segmented.filter(pl.col("segment") == "fresh")
    assert fresh.equals(segmented.filter(pl.col("r_score") >= 8))
    assert 0 < fresh.height < segmented.height


def test_a_segment_has_either_cells_or_ranges() -> None:
    for wrong in ({}, {"cells": ()}, {"cells": ("555",), "recency": (5, 5)}):
        with pytest.raises(ValidationError, match="'a' needs either cells or ranges of scores"):
            cv.rfm.RfmSegment.model_validate({"name": "a", **wrong})


def test_ranges_run_upwards_within_the_bins() -> None:
    with pytest.raises(ValidationError, match=r"low to high: recency \(3, 2\), monetary \(5, 1\)"):
        cv.rfm.RfmSegment(name="a", recency=(3, 2), monetary=(5, 1))
    for outside in ((0, 3), (1, 11)):
        with pytest.raises(ValidationError, match="recency"):
            cv.rfm.RfmSegment(name="a", recency=outside)
    with pytest.raises(ValidationError, match=r"ranges beyond 3 bins: a frequency \(2, 4\)"):
        rules_in_order(cv.rfm.RfmSegment(name="a", frequency=(2, 4)), bins=3)


def test_labels_are_not_empty() -> None:
    for field in ("action", "name_zh", "action_zh"):
        with pytest.raises(ValidationError, match=field):
            cv.rfm.RfmSegment.model_validate({"name": "a", "cells": ["555"], field: ""})


# --- conditions ---


def scored_cells(*values: str | None) -> pl.DataFrame:
    """Cells with their scores."""
    scores = [[None if v is None else int(v[k]) for v in values] for k in range(3)]
    names = ("r_score", "f_score", "m_score")
    return cells(*values).with_columns(
        pl.Series(name, own, pl.UInt8) for name, own in zip(names, scores, strict=True)
    )


@given(
    bounds=st.lists(st.tuples(*[st.integers(1, 5)] * 3), max_size=5),
    values=st.lists(st.sampled_from([*CUBE, None]), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_conditions_are_like_ranges(
    bounds: list[tuple[int, int, int]], values: list[str | None]
) -> None:
    """The same rules, once as lowest scores in ranges and once as expressions."""
    names = ("r_score", "f_score", "m_score")
    ranged = rules_in_order(
        *(
            cv.rfm.RfmSegment(name=f"s{k}", recency=(r, 5), frequency=(f, 5), monetary=(m, 5))
            for k, (r, f, m) in enumerate(bounds)
        )
    )
    conditions = {
        f"s{k}": pl.all_horizontal(pl.col(n) >= low for n, low in zip(names, lows, strict=True))
        for k, lows in enumerate(bounds)
    }
    for customers in (scored_cells(*values), scored_cells(*values).lazy()):
        by_conditions = cv.segment_rfm(customers, rules=conditions).lazy().collect()
        assert by_conditions["segment"].to_list() == segments_of(ranged, *values)
        assert by_conditions.schema["segment"] == pl.String
    ours, theirs = check_rules(conditions), check_rules(ranged)
    assert ours.model_dump(exclude={"rules"}) == theirs.model_dump(exclude={"rules"})


def test_conditions_may_look_at_any_column_and_name_the_unscored() -> None:
    customers = cells("555", "111", None, None).with_columns(
        revenue=pl.Series([1.0, None, 90.0, None])
    )
    rules = {"rich": pl.col("revenue") > 50, "known": pl.col("revenue").is_not_null()}
    found = cv.segment_rfm(customers, rules=rules)["segment"].to_list()
    assert found == ["known", "other", "rich", None]  # an unknown condition is not met
    reverse = dict(reversed(rules.items()))
    assert cv.segment_rfm(customers, rules=reverse)["segment"].to_list()[2] == "known"


def test_no_conditions_leave_everybody_to_the_fallback() -> None:
    assert cv.segment_rfm(cells("555", None), rules={})["segment"].to_list() == ["other", None]
    assert len(check_rules({}, bins=2).uncovered) == 8


def test_conditions_that_cannot_be_told_are_all_named() -> None:
    rules = {
        "a": pl.col("revenu") > 1,
        "b": pl.col("r_score") + 1,
        "c": pl.col("x") > pl.col("y"),
        "d": pl.col("r_score") > 1,
    }
    says = "'a' looks at missing columns revenu; 'b' is .*, not true.*; 'c' .* columns x, y$"
    for call in (check_rules, lambda r: cv.segment_rfm(scored_cells("555"), rules=r)):
        with pytest.raises(cv.SchemaError, match=says):
            call(rules)
    with pytest.raises(cv.SchemaError, match=says):
        cv.segment_rfm(scored_cells("555").lazy(), rules=rules)
    with pytest.raises(cv.CustomerValueError, match="conditions have no Chinese name of d"):
        cv.segment_rfm(scored_cells("555"), rules={"d": rules["d"]}, locale="zh")


def test_conditions_on_ten_bins() -> None:
    coverage = check_rules({"best": pl.col("rfm_cell") == "10-10-10"}, bins=10)
    assert len(coverage.uncovered) == 999
    assert coverage.unreachable == ()
    assert str(coverage).startswith("own conditions: 1,000 cells")


def test_parts_of_a_segment_agree() -> None:
    parts = [
        cv.rfm.RfmSegment(name="edge", recency=(1, 1), action="Wait."),
        cv.rfm.RfmSegment(name="edge", recency=(5, 5)),
    ]
    with pytest.raises(ValidationError, match="different actions or Chinese names: edge"):
        rules_in_order(*parts)


@pytest.mark.parametrize("rules", TABLES, ids=lambda rules: rules.name)
def test_built_in_tables_are_complete_data(rules: cv.rfm.RfmRules) -> None:
    assert cv.rfm.RfmRules.model_validate_json(rules.model_dump_json()) == rules
    assert rules.version == "1"
    for segment in rules.segments:
        assert segment.action is not None
        assert segment.action.endswith(".")
        assert segment.name_zh is not None
        assert segment.action_zh is not None
        assert segment.action_zh.endswith("。")
    assert len({segment.name for segment in rules.segments}) == len(rules.segments)
    assert len({segment.name_zh for segment in rules.segments}) == len(rules.segments)


@pytest.mark.parametrize("rules", [RFM_EIGHT_TYPES, RFM_GRID_25, RFM_LIST_125])
def test_exact_partitions(rules: cv.rfm.RfmRules) -> None:
    coverage = check_rules(rules)
    assert (coverage.uncovered, coverage.overlapping, coverage.unreachable) == ((), {}, ())


def test_the_grid_of_25_on_recency_and_frequency() -> None:
    rows = {
        1: ["hibernating", "hibernating", "at_risk", "at_risk", "cant_lose"],
        2: ["hibernating", "hibernating", "at_risk", "at_risk", "cant_lose"],
        3: ["about_to_sleep", "about_to_sleep", "need_attention", *["loyal_customers"] * 2],
        4: ["promising", *["potential_loyalists"] * 2, *["loyal_customers"] * 2],
        5: ["new_customers", *["potential_loyalists"] * 2, *["champions"] * 2],
    }
    for r, f, m in product(range(1, 6), repeat=3):
        assert segments_of(RFM_GRID_25, f"{r}{f}{m}") == [rows[r][f - 1]]


def test_the_table_of_the_r_package_leaves_and_repeats_cells() -> None:
    coverage = check_rules(RFM_R_PACKAGE)
    uncovered = "215, 241, 251, 252, 341, 351, 441, 451, 541, 551"
    assert ", ".join(coverage.uncovered) == uncovered
    assert len(coverage.overlapping) == 58
    assert max(len(names) for names in coverage.overlapping.values()) == 5
    assert coverage.overlapping["155"] == ("at_risk", "need_attention", "lost")
    assert coverage.unreachable == ()
    expected = ["champions", *["potential_loyalist"] * 2, "at_risk", "others"]
    assert segments_of(RFM_R_PACKAGE, "555", "554", "544", "155", "215") == expected


def test_the_eight_types() -> None:
    english = {
        "222": "important_value",
        "212": "important_develop",
        "122": "important_keep",
        "112": "important_win_back",
        "221": "general_value",
        "211": "general_develop",
        "121": "general_keep",
        "111": "general_win_back",
    }
    kinds = ("价值", "发展", "保持", "挽留")
    chinese = [rank + kind for rank in ("重要", "一般") for kind in kinds]
    assert segments_of(RFM_EIGHT_TYPES, *english) == list(english.values())
    assert segments_of(RFM_EIGHT_TYPES, *english, locale="zh") == chinese


def eight_types(customers: pl.DataFrame, options: cv.RfmOptions) -> list[str]:
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=options))
    return cv.segment_rfm(scored, rules=RFM_EIGHT_TYPES)["segment"].to_list()


def test_eight_types_by_the_medians_or_by_the_means() -> None:
    customers = pl.DataFrame(
        {
            "recency_days": [10.0, 20.0, 30.0, 40.0, 150.0],  # median 30, mean 50
            "purchases": [9, 8, 3, 2, 1],  # median 3, mean 4.6
            "revenue": [1.0, 999.0, 30.0, 1.0, 800.0],  # median 30, mean 366.2
        }
    )
    medians = cv.RfmOptions(recency_bins=2, frequency_bins=2, monetary_bins=2)
    assert eight_types(customers, medians) == [
        "general_value",
        "important_value",
        "general_develop",
        "general_win_back",
        "important_win_back",
    ]
    means = cv.RfmOptions(
        method="breaks", recency_breaks=(50,), frequency_breaks=(4.6,), monetary_breaks=(366.2,)
    )
    assert eight_types(customers, means) == [
        "general_value",
        "important_value",
        "general_develop",
        "general_develop",
        "important_win_back",
    ]


def test_chinese_names() -> None:
    values, expected = ("555", "111", None), ["冠军客户", "已流失客户", None]
    assert segments_of(RFM_LIST_125, *values, locale="zh") == expected
    assert segments_of(rules_of(bins=1), "111", locale="zh") == ["其他"]


def test_chinese_names_that_are_missing_are_named() -> None:
    rules = rules_in_order(
        cv.rfm.RfmSegment(name="a", cells=("555",), name_zh="甲"),
        cv.rfm.RfmSegment(name="b", cells=("554",)),
        cv.rfm.RfmSegment(name="c", recency=(1, 1)),
    )
    with pytest.raises(cv.CustomerValueError, match="'mine' have no Chinese name of b, c"):
        segments_of(rules, "555", locale="zh")
    with pytest.raises(cv.CustomerValueError, match="locale must be one of 'en', 'zh'; got 'fr'"):
        segments_of(rules, "555", locale="fr")


def test_check_for_the_bins_of_a_scale() -> None:
    rules = rules_in_order(
        cv.rfm.RfmSegment(name="best", cells=("555",)),
        cv.rfm.RfmSegment(name="low", recency=(1, 4)),
    )
    smaller = check_rules(rules, bins=3)
    assert (smaller.bins, smaller.uncovered, smaller.unreachable) == (3, (), ("best",))
    larger = check_rules(rules, bins=6)
    assert len(larger.uncovered) == 6**3 - 4 * 25 - 1
    assert larger.unreachable == ()
    joined = check_rules(rules, bins=10)
    assert len(joined.uncovered) == 1000
    assert joined.unreachable == ("best", "low")


@pytest.mark.parametrize("bins", [0, 11, -1])
def test_bins_to_check_for(bins: int) -> None:
    with pytest.raises(cv.CustomerValueError, match=f"bins are 1 to 10, got {bins}"):
        check_rules(RFM_LIST_125, bins=bins)


def test_coverage_can_be_read() -> None:
    lines = str(check_rules(RFM_R_PACKAGE)).splitlines()
    assert lines[0] == "rfm_r_package, version 1: 125 cells"
    assert lines[1] == "uncovered    10: 215, 241, 251, 252, 341, 351, 441, 451, 541, 551"
    assert lines[2].startswith("overlapping  58: 124 (at_risk > lost), 125 ")
    assert lines[2].endswith(" ...")
    assert lines[3] == "unreachable  none"


def test_coverage_survives_json_and_is_frozen() -> None:
    coverage = check_rules(RFM_R_PACKAGE)
    assert RuleCoverage.model_validate_json(coverage.model_dump_json()) == coverage
    with pytest.raises(ValidationError, match="frozen"):
        coverage.bins = 3  # type: ignore[misc]


def test_no_rules_cover_nothing() -> None:
    coverage = check_rules(rules_of(bins=1))
    assert (coverage.uncovered, coverage.overlapping, coverage.unreachable) == (("111",), {}, ())


def test_segments_stream_to_a_file(tmp_path: Path) -> None:
    values = cells(*cube(10), None)
    values.write_parquet(tmp_path / "in.parquet")
    rules = rules_in_order(cv.rfm.RfmSegment(name="a", recency=(2, 9), name_zh="甲"), bins=10)
    lazy = cv.segment_rfm(pl.scan_parquet(tmp_path / "in.parquet"), rules=rules, locale="zh")
    lazy.sink_parquet(tmp_path / "out.parquet")
    expected = cv.segment_rfm(values, rules=rules, locale="zh")
    assert pl.read_parquet(tmp_path / "out.parquet").equals(expected)


def test_two_segments_of_one_chinese_name_are_refused() -> None:
    segments = (
        cv.rfm.RfmSegment(name="a", recency=(4, 5), name_zh="甲"),
        cv.rfm.RfmSegment(name="b", recency=(1, 3), name_zh="甲"),
    )
    with pytest.raises(ValidationError, match="Chinese names of more than one segment: 甲"):
        cv.rfm.RfmRules(name="x", version="1", segments=segments)


def test_a_bundled_table_goes_by_its_name() -> None:
    cells = pl.DataFrame({"rfm_cell": ["555", "111", None]})
    for table in (cv.RFM_LIST_125, RFM_GRID_25):
        assert cv.segment_rfm(cells, rules=table.name).equals(cv.segment_rfm(cells, rules=table))  # type: ignore[call-overload]
    assert len(str(inspect.signature(cv.segment_rfm))) < 200
    with pytest.raises(cv.OptionError, match="rules must be one of 'rfm_list_125'"):
        cv.segment_rfm(cells, rules="rfm")  # type: ignore[call-overload]
    with pytest.raises(cv.OptionError, match="rules must be a str or RfmRules or Mapping"):
        cv.segment_rfm(cells, rules=5)  # type: ignore[call-overload]
