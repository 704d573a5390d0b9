from __future__ import annotations

from datetime import date
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv

CUBE = ["".join(cell) for cell in product("12345", repeat=3)]
NAMES = {cell: segment.name for segment in cv.RFM_LIST_125.segments for cell in segment.cells}


def rules_of(fallback: str = "other", bins: int = 5, **segments: tuple[str, ...]) -> cv.RfmRules:
    named = tuple(cv.RfmSegment(name=name, cells=cells) for name, cells in segments.items())
    return cv.RfmRules(name="mine", version="2", segments=named, bins=bins, fallback=fallback)


def cells(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"rfm_cell": values}, schema={"rfm_cell": pl.String})


def test_the_list_of_125_is_an_exact_partition() -> None:
    named = [cell for segment in cv.RFM_LIST_125.segments for cell in segment.cells]
    assert sorted(named) == CUBE
    assert len(cv.RFM_LIST_125.segments) == 11


def test_the_list_of_125_survives_json() -> None:
    rules = cv.RFM_LIST_125
    assert cv.RfmRules.model_validate_json(rules.model_dump_json()) == rules
    assert [segment.name for segment in rules.segments[:2]] == ["champions", "loyal"]
    assert (rules.name, rules.version) == ("rfm_list_125", "1")


def test_every_cell_gets_its_name() -> None:
    assert cv.segment_rfm(cells(*CUBE))["segment"].to_list() == [NAMES[cell] for cell in CUBE]


@given(st.lists(st.sampled_from([*CUBE, None, "", "666", "10-1-1"]), max_size=30))
@settings(max_examples=50, deadline=None)
def test_segments_are_a_lookup(values: list[str | None]) -> None:
    expected = [None if v is None else NAMES.get(v, "other") for v in values]
    segmented = cv.segment_rfm(cells(*values))
    assert segmented["segment"].to_list() == expected
    assert segmented["rfm_cell"].to_list() == values
    assert segmented.schema["segment"] == pl.String


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


@pytest.mark.parametrize("bins", [0, 10])
def test_cells_of_digits_have_one_to_nine_bins(bins: int) -> None:
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
        cv.RfmSegment(name="", cells=("555",))


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
