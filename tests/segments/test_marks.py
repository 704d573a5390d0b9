from __future__ import annotations

import json
import math
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from customer_value.segments import (
    DEFAULT_MARKS,
    MarkCondition,
    MarkRule,
    MarkRules,
    busy_but_low_value,
    customer_marks,
    one_off_large,
)
from oracles.rfm import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars._typing import PolarsDataType

laws = settings(max_examples=80, deadline=None)
SCHEMA = {
    "tier": pl.String,
    "purchases": pl.Int64,
    "stage": pl.String,
    "p_alive": pl.Float64,
    "strategic": pl.Boolean,
}
customers_of_all_kinds = st.lists(
    st.fixed_dictionaries(
        {
            "tier": st.sampled_from(["high", "medium", "low", "unrated", None]),
            "purchases": st.none() | st.integers(0, 8),
            "stage": st.sampled_from(["at_risk", "declining", "stable", "lost", None]),
            "p_alive": st.none() | st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]),
            "strategic": st.none() | st.booleans(),
        }
    ),
    max_size=20,
)
conditions = st.one_of(
    st.builds(
        MarkCondition,
        column=st.just("purchases"),
        one_of=st.lists(st.integers(0, 8), min_size=1, max_size=3).map(tuple),
    ),
    st.sampled_from(["at_least", "at_most", "above", "below"]).flatmap(
        lambda bound: st.one_of(
            st.integers(0, 8).map(
                lambda n: MarkCondition.model_validate({"column": "purchases", bound: n})
            ),
            st.sampled_from([0.0, 0.1, 0.5, 1.0]).map(
                lambda p: MarkCondition.model_validate({"column": "p_alive", bound: p})
            ),
        )
    ),
    st.sampled_from([("high",), ("high", "medium"), ("unrated", "low")]).map(
        lambda tiers: MarkCondition(column="tier", one_of=tiers)
    ),
    st.sampled_from([(True,), (False,), (True, False)]).map(
        lambda flags: MarkCondition(column="strategic", one_of=flags)
    ),
)


@st.composite
def tables(draw: st.DrawFn) -> MarkRules:
    priorities = draw(st.lists(st.integers(-2, 3), min_size=1, max_size=4))
    marks = st.integers(0, len(priorities) - 1)
    drawn = draw(
        st.lists(
            st.tuples(marks, st.lists(conditions, min_size=1, max_size=3)), min_size=1, max_size=6
        )
    )
    rules = tuple(
        MarkRule(name=f"mark {k}", conditions=tuple(each), priority=priorities[k])
        for k, each in drawn
    )
    return MarkRules(rules=rules, version="test")


def frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def table(*rules: MarkRule) -> MarkRules:
    return MarkRules(rules=rules, version="1")


def rule(name: str, *conditions: MarkCondition, priority: int = 1, **words: Any) -> MarkRule:
    return MarkRule(name=name, conditions=conditions, priority=priority, **words)


def holds(condition: MarkCondition, row: dict[str, Any]) -> bool:
    value = row[condition.column]
    if value is None:
        return False
    if condition.one_of is not None:
        return value in condition.one_of
    return (
        (condition.at_least is None or value >= condition.at_least)
        and (condition.at_most is None or value <= condition.at_most)
        and (condition.above is None or value > condition.above)
        and (condition.below is None or value < condition.below)
    )


def twin(rows: Sequence[dict[str, Any]], rules: MarkRules) -> list[list[str]]:
    """Try every rule on one customer at a time, by priority, then in their order."""
    ordered = sorted(enumerate(rules.rules), key=lambda each: (each[1].priority, each[0]))
    marked = []
    for row in rows:
        marks: list[str] = []
        for name in dict.fromkeys(each.name for _, each in ordered):
            parts = [each for each in rules.rules if each.name == name]
            if any(all(holds(c, row) for c in part.conditions) for part in parts):
                marks.append(name)
        marked.append(marks)
    return marked


# --- against the twin ---


@given(rows=customers_of_all_kinds, rules=tables())
@laws
def test_marks_are_those_of_the_twin(rows: list[dict[str, Any]], rules: MarkRules) -> None:
    shop = frame(rows)
    marked = customer_marks(shop, rules=rules)
    expected = twin(rows, rules)
    assert marked.drop("marks", "top_mark").equals(shop)
    assert marked["marks"].to_list() == expected
    assert marked["top_mark"].to_list() == [marks[0] if marks else None for marks in expected]
    assert customer_marks(shop.lazy(), rules=rules).collect().equals(marked)


@given(rows=customers_of_all_kinds)
@laws
def test_default_marks_are_those_of_the_twin(rows: list[dict[str, Any]]) -> None:
    assert customer_marks(frame(rows))["marks"].to_list() == twin(rows, DEFAULT_MARKS)


# --- laws ---


@given(rows=customers_of_all_kinds, rules=tables(), seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_does_not_matter(
    rows: list[dict[str, Any]], rules: MarkRules, seed: int
) -> None:
    shop = frame(rows).with_row_index("customer_id")
    shuffled = customer_marks(shop.sample(fraction=1, shuffle=True, seed=seed), rules=rules)
    assert shuffled.sort("customer_id").equals(customer_marks(shop, rules=rules))


@given(rules=tables())
@laws
def test_rules_come_back_from_json(rules: MarkRules) -> None:
    assert MarkRules.model_validate_json(rules.model_dump_json()) == rules
    assert MarkRules.model_validate(json.loads(json.dumps(rules.model_dump()))) == rules


# --- worked cases ---


def test_default_marks() -> None:
    rows = [
        ("high", 4, "at_risk", True),
        ("medium", 4, "stable", False),
        ("medium", 3, "declining", None),
        ("low", 50, "stable", False),
        ("high", 1, "lost", None),
        ("unrated", None, None, True),
        (None, None, None, None),
    ]
    columns = ["tier", "purchases", "stage", "strategic"]
    marked = customer_marks(pl.DataFrame(rows, schema=columns, orient="row"))
    assert marked["marks"].to_list() == [
        ["strategic", "important", "high_value", "high_risk"],
        ["important"],
        ["high_risk"],
        [],
        ["high_value"],
        ["strategic"],
        [],
    ]
    assert marked["top_mark"].to_list() == [
        "strategic",
        "important",
        "high_risk",
        None,
        "high_value",
        "strategic",
        None,
    ]


def test_nobody_is_strategic_unless_the_caller_says_so() -> None:
    shop = pl.DataFrame({"tier": ["high"] * 3, "purchases": [9] * 3, "stage": ["stable"] * 3})
    assert customer_marks(shop)["marks"].to_list() == [["important", "high_value"]] * 3
    known = shop.with_columns(strategic=pl.Series([True, False, None]))
    assert customer_marks(known)["top_mark"].to_list() == ["strategic", "important", "important"]


def test_chinese_names() -> None:
    row = {"tier": "high", "purchases": 9, "stage": "at_risk", "strategic": True}
    marked = customer_marks(pl.DataFrame([row]), locale="zh")
    assert marked["marks"].to_list() == [["战略客户", "重要客户", "高价值客户", "高风险客户"]]
    assert marked["top_mark"].to_list() == ["战略客户"]


def test_marks_do_not_speak_the_language_of_abc_classes() -> None:
    """Where marks are written as letters, C is strategic; in an ABC analysis it is the rest."""
    names = {each.name for each in DEFAULT_MARKS.rules}
    assert not names & {"A", "B", "C"}
    columns = {condition.column for each in DEFAULT_MARKS.rules for condition in each.conditions}
    assert "abc_class" not in columns


def test_marks_of_equal_priority_keep_the_order_of_the_rules() -> None:
    anyone = MarkCondition(column="purchases", at_least=0)
    rules = table(
        rule("late", anyone, priority=2),
        rule("b", anyone, priority=1),
        rule("a", anyone, priority=1),
        rule("first", anyone, priority=-1),
    )
    marked = customer_marks(pl.DataFrame({"purchases": [1]}), rules=rules)
    assert marked["marks"].to_list() == [["first", "b", "a", "late"]]


def test_rules_of_one_name_are_one_mark() -> None:
    rules = table(
        rule("big", MarkCondition(column="purchases", at_least=5)),
        rule("big", MarkCondition(column="revenue", at_least=100)),
    )
    shop = pl.DataFrame({"purchases": [9, 9, 1, 1], "revenue": [999, 1, 100, 99]})
    assert customer_marks(shop, rules=rules)["marks"].to_list() == [["big"]] * 3 + [[]]


@pytest.mark.parametrize(
    ("words", "met"),
    [
        ({"at_least": 5}, [False, True, True]),
        ({"above": 5}, [False, False, True]),
        ({"at_most": 5}, [True, True, False]),
        ({"below": 5}, [True, False, False]),
        ({"at_least": 5, "at_most": 5}, [False, True, False]),
        ({"above": 4, "below": 6}, [False, True, False]),
        ({"one_of": (4, 6)}, [True, False, True]),
        ({"one_of": (5.0,)}, [False, True, False]),
    ],
)
@pytest.mark.parametrize(
    "dtype", [pl.Int64, pl.UInt8, pl.Float32, pl.Float64, pl.Decimal(10, 2)], ids=str
)
def test_bounds(words: dict[str, Any], met: list[bool], dtype: PolarsDataType) -> None:
    shop = pl.DataFrame({"n": [4, 5, 6, None]}, schema={"n": dtype})
    marked = customer_marks(shop, rules=table(rule("m", MarkCondition(column="n", **words))))
    assert [bool(marks) for marks in marked["marks"].to_list()] == [*met, False]
    assert marked.drop("marks", "top_mark").equals(shop)


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical(), pl.Enum(["x", "y"])], ids=str)
def test_text_of_any_type(dtype: PolarsDataType) -> None:
    shop = pl.DataFrame({"t": ["x", "y", None]}, schema={"t": dtype})
    rules = table(rule("m", MarkCondition(column="t", one_of=("x", "unheard of"))))
    assert customer_marks(shop, rules=rules)["top_mark"].to_list() == ["m", None, None]


def test_columns_that_hold_nothing_but_nulls_meet_nothing() -> None:
    shop = pl.DataFrame({name: [None, None] for name in SCHEMA})
    assert set(shop.dtypes) == {pl.Null}
    marked = customer_marks(shop)
    assert marked["marks"].to_list() == [[], []]
    assert marked["top_mark"].to_list() == [None, None]


def test_nobody() -> None:
    marked = customer_marks(frame([]))
    assert marked.is_empty()
    assert marked.schema == {**SCHEMA, "marks": pl.List(pl.String), "top_mark": pl.String}


def test_no_rule_can_be_used() -> None:
    rules = table(rule("m", MarkCondition(column="absent", above=0), optional=True))
    for shop in (pl.DataFrame({"n": [1, 2]}), pl.DataFrame({"n": []})):
        marked = customer_marks(shop, rules=rules)
        assert marked.schema["marks"] == pl.List(pl.String)
        assert marked.schema["top_mark"] == pl.String
        assert marked["marks"].to_list() == [[]] * shop.height


@pytest.mark.parametrize("n", [1, 8, 9, 30])
def test_any_number_of_marks(n: int) -> None:
    rules = table(
        *(rule(f"from {k}", MarkCondition(column="x", at_least=k), priority=-k) for k in range(n))
    )
    shop = pl.DataFrame({"x": [*range(n), None, -1]})
    expected = [[f"from {k}" for k in reversed(range(x + 1))] for x in range(n)]
    marked = customer_marks(shop, rules=rules)
    assert marked["marks"].to_list() == [*expected, [], []]
    assert customer_marks(shop.lazy(), rules=rules).collect().equals(marked)
    assert customer_marks(shop.clear(), rules=rules).schema == marked.schema


# --- frames ---


def test_lazy_in_lazy_out() -> None:
    shop = frame([{"tier": "high", "purchases": k % 9, "stage": "stable"} for k in range(5000)])
    lazy = customer_marks(shop.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(customer_marks(shop))


def test_pandas_comes_in() -> None:
    shop = pl.DataFrame(
        {
            "tier": ["high", None],
            "purchases": [5, None],
            "stage": ["lost", "at_risk"],
            "strategic": [True, False],
        }
    )
    marked = customer_marks(shop.to_pandas())
    assert marked["marks"].to_list() == [["strategic", "important", "high_value"], ["high_risk"]]


def test_a_marked_frame_can_be_marked_again() -> None:
    marked = customer_marks(frame([{"tier": "high"}]))
    assert customer_marks(marked).equals(marked)
    by_top = table(rule("again", MarkCondition(column="top_mark", one_of=("high_value",))))
    assert customer_marks(marked, rules=by_top)["marks"].to_list() == [["again"]]


def test_on_real_customers() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    staged = cv.assign_stages(cv.assign_tiers(customers, value="revenue"))
    marked = customer_marks(staged)
    rows = staged.select("tier", "purchases", "stage").with_columns(strategic=None).to_dicts()
    assert marked["marks"].to_list() == twin(rows, DEFAULT_MARKS)
    assert set(marked["top_mark"]) == {"important", "high_value", "high_risk", None}


# --- errors ---


def test_every_missing_column_is_named_at_once() -> None:
    with pytest.raises(
        cv.SchemaError,
        match=r"customers: missing columns 'tier' \(for important, high_value\), 'purchases' "
        r"\(for important\), 'stage' \(for high_risk\); add what is missing",
    ):
        customer_marks(pl.DataFrame({"customer_id": [1]}))


def test_wrong_types_are_named_with_what_is_missing() -> None:
    shop = pl.DataFrame({"tier": [1], "purchases": ["many"], "strategic": ["yes"]})
    with pytest.raises(cv.SchemaError) as error:
        customer_marks(shop.lazy())
    assert "missing column 'stage' (for high_risk)" in str(error.value)
    assert "'tier' is Int64, must be text (for important, high_value)" in str(error.value)
    assert "'purchases' is String, must be a number (for important)" in str(error.value)
    assert "'strategic' is String, must be Boolean (for strategic)" in str(error.value)


def test_truth_is_no_number() -> None:
    rules = table(rule("m", MarkCondition(column="flag", at_least=1)))
    with pytest.raises(cv.SchemaError, match="'flag' is Boolean, must be a number"):
        customer_marks(pl.DataFrame({"flag": [True]}), rules=rules)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    shop = pl.DataFrame({"p_alive": [0.5, None, value]})
    rules = table(rule("m", MarkCondition(column="p_alive", below=0.5)))
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*p_alive"):
        customer_marks(shop, rules=rules)
    lazy = customer_marks(shop.lazy(), rules=rules)
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*p_alive"):
        lazy.collect()


def test_locales_are_checked() -> None:
    shop = pl.DataFrame({"n": [1]})
    rules = table(rule("m", MarkCondition(column="n", above=0)))
    with pytest.raises(cv.CustomerValueError, match="no Chinese name of m"):
        customer_marks(shop, rules=rules, locale="zh")
    with pytest.raises(cv.CustomerValueError, match="locale must be one of 'en', 'zh'; got 'fr'"):
        customer_marks(shop, rules=rules, locale="fr")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "needs either bounds or one_of"),
        ({"above": 1, "one_of": (2,)}, "needs either bounds or one_of"),
        ({"one_of": ()}, "at least 1 item"),
        ({"one_of": ("a", 1)}, "one_of must be all text, all numbers or all true/false"),
        ({"one_of": (True, 1)}, "one_of must be all text, all numbers or all true/false"),
        ({"one_of": (None,)}, "one_of"),
        ({"above": 1, "at_least": 2}, "at_least and above bound the same side"),
        ({"below": 1, "at_most": 2}, "at_most and below bound the same side"),
        ({"at_least": 2, "at_most": 1}, "no number is within"),
        ({"above": 1, "at_most": 1}, "no number is within"),
        ({"at_least": 1, "below": 1}, "no number is within"),
        ({"above": math.nan}, "finite"),
        ({"above": math.inf}, "finite"),
        ({"above": "1"}, "above"),
        ({"above": True}, "above"),
        ({"over": 1}, "over"),
        ({"column": "", "above": 1}, "column"),
    ],
)
def test_conditions_are_checked(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MarkCondition.model_validate({"column": "n", **words})


ABOVE = {"column": "n", "above": 0}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "at least 1 item"),
        ([{"name": "m", "conditions": [], "priority": 1}], "at least 1 item"),
        ([{"name": "", "conditions": [ABOVE], "priority": 1}], "at least 1 character"),
        ([{"name": "m", "conditions": [ABOVE]}], "priority"),
        ([{"name": "m", "conditions": [ABOVE], "priority": 1, "when": "n > 0"}], "when"),
        (
            [{"name": "m", "conditions": [ABOVE], "priority": k} for k in (1, 2)],
            "rules of mark 'm' differ in priority or name_zh",
        ),
        (
            [{"name": n, "conditions": [ABOVE], "priority": 1, "name_zh": "客户"} for n in "ab"],
            "marks a, b are all called '客户'",
        ),
    ],
)
def test_tables_are_checked(rules: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MarkRules.model_validate({"rules": rules, "version": "1"})


def test_rules_are_frozen_and_plain() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DEFAULT_MARKS.version = "2"  # type: ignore[misc]
    assert MarkRules.model_validate_json(DEFAULT_MARKS.model_dump_json()) == DEFAULT_MARKS
    assert hash(DEFAULT_MARKS) == hash(DEFAULT_MARKS.model_copy())
    flags = MarkCondition.model_validate_json('{"column": "flag", "one_of": [true, false]}')
    assert flags.one_of == (True, False)
    assert all(type(entry) is bool for entry in flags.one_of)


# --- busy, but of low value ---

few = st.lists(
    st.tuples(st.none() | st.integers(0, 6), st.none() | st.integers(-3, 6) | st.integers(0, 900)),
    max_size=30,
)
shares = st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.9])


def both(left: bool | None, right: bool | None) -> bool | None:
    """Three-valued and."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def pairs(rows: Sequence[tuple[int | None, int | None]], value: str) -> pl.DataFrame:
    schema = {"purchases": pl.Int64, value: pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(rows=few, top=shares, bottom=shares)
@laws
def test_busy_but_low_value_is_that_of_the_twin(
    rows: list[tuple[int | None, int | None]], top: float, bottom: float
) -> None:
    activities = [n for n, _ in rows if n is not None]
    values = [v for _, v in rows if v is not None]
    busy_from = quantile(activities, 1 - Fraction(str(top))) if activities else 0
    poor_to = quantile(values, Fraction(str(bottom))) if values else 0
    expected = [
        both(None if n is None else n > busy_from, None if v is None else v <= poor_to)
        for n, v in rows
    ]
    shop = pairs(rows, "clv")
    flagged = busy_but_low_value(shop, top=top, bottom=bottom)
    assert flagged["busy_but_low_value"].to_list() == expected
    assert flagged.drop("busy_but_low_value").equals(shop)
    lazy = busy_but_low_value(shop.lazy(), top=top, bottom=bottom)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(flagged)


@given(rows=few, top=shares)
@laws
def test_one_off_large_is_that_of_the_twin(
    rows: list[tuple[int | None, int | None]], top: float
) -> None:
    values = [v for _, v in rows if v is not None]
    large_from = quantile(values, 1 - Fraction(str(top))) if values else 0
    expected = [
        both(None if n is None else n == 1, None if v is None else v > large_from) for n, v in rows
    ]
    shop = pairs(rows, "revenue")
    flagged = one_off_large(shop, top=top)
    assert flagged["one_off_large"].to_list() == expected
    lazy = one_off_large(shop.lazy(), top=top)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(flagged)


@given(rows=few, factor=st.sampled_from([1e-3, 0.5, 7.0, 100.0]), seed=st.integers(0, 2**32))
@laws
def test_neither_currency_nor_the_order_of_the_rows_matters(
    rows: list[tuple[int | None, int | None]], factor: float, seed: int
) -> None:
    shop = pairs(rows, "clv").with_columns(revenue="clv").with_row_index("customer_id")
    flags = one_off_large(busy_but_low_value(shop))
    other = shop.with_columns(pl.col("clv", "revenue") * factor)
    shuffled = other.sample(fraction=1, shuffle=True, seed=seed)
    again = one_off_large(busy_but_low_value(shuffled)).sort("customer_id")
    kept = ["customer_id", "busy_but_low_value", "one_off_large"]
    assert again.select(kept).equals(flags.select(kept))


def test_the_busiest_are_not_the_most_valuable() -> None:
    shop = pl.DataFrame(
        {
            "purchases": [1, 2, 3, 4, 5, 6, 7, 8, 50, 60],
            "clv": [1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 5.0, 500.0],
        }
    )
    flagged = busy_but_low_value(shop)
    assert flagged["busy_but_low_value"].to_list() == [False] * 8 + [True, False]
    calls = shop.rename({"purchases": "calls", "clv": "profit"})
    other = busy_but_low_value(calls, activity="calls", value="profit")
    assert other["busy_but_low_value"].equals(flagged["busy_but_low_value"])


def test_a_large_order_that_was_not_the_only_one_is_no_one_off() -> None:
    shop = pl.DataFrame({"purchases": [1, 2, 1], "revenue": [999.0, 1000.0, 5.0]})
    assert one_off_large(shop, top=0.6)["one_off_large"].to_list() == [True, False, False]
    assert one_off_large(shop)["one_off_large"].to_list() == [False, False, False]


@pytest.mark.parametrize("n", [0, 1, 4])
def test_equal_customers_stand_out_in_nothing(n: int) -> None:
    names = ["purchases", "clv", "revenue"]
    shop = pl.DataFrame([(1, 5, 5)] * n, schema=dict.fromkeys(names, pl.Int64), orient="row")
    assert busy_but_low_value(shop)["busy_but_low_value"].to_list() == [False] * n
    assert one_off_large(shop)["one_off_large"].to_list() == [False] * n


def test_flags_of_pandas_and_of_real_customers() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    flagged = one_off_large(busy_but_low_value(customers, value="mean_purchase"))
    assert 0 < flagged["busy_but_low_value"].sum() < 0.2 * customers.height
    assert 0 < flagged["one_off_large"].sum() < 0.05 * customers.height
    shop = pl.DataFrame({"purchases": [1, 2, 3], "clv": [1.0, 2.0, None], "revenue": [9.0, 1, 1]})
    for function in (busy_but_low_value, one_off_large):
        assert function(shop.to_pandas()).equals(function(shop))


def test_flags_refuse_what_they_cannot_use() -> None:
    with pytest.raises(cv.SchemaError, match="missing columns 'purchases', 'clv'"):
        busy_but_low_value(pl.DataFrame({"x": [1]}))
    with pytest.raises(cv.SchemaError, match="'revenue' is String, must be a number"):
        one_off_large(pl.DataFrame({"purchases": [1], "revenue": ["a lot"]}))
    shop = pl.DataFrame({"purchases": [1.0], "clv": [math.nan], "revenue": [math.inf]})
    with pytest.raises(cv.DataError, match=r"NaN or infinite .*clv"):
        busy_but_low_value(shop)
    with pytest.raises(cv.DataError, match=r"NaN or infinite .*revenue"):
        one_off_large(shop.lazy()).collect()
    with pytest.raises(cv.CustomerValueError, match=r"between 0 and 1, got top 20, bottom 0"):
        busy_but_low_value(shop, top=20, bottom=0)
    with pytest.raises(cv.CustomerValueError, match=r"between 0 and 1, got top nan"):
        one_off_large(shop, top=math.nan)


@pytest.mark.parametrize("dtype", [pl.String, pl.Enum(["silver", "gold"])])
def test_tiers_of_other_names_are_refused(dtype: Any) -> None:
    shop = pl.DataFrame(
        {"tier": ["gold", "silver", "gold"], "purchases": [9, 9, 9], "stage": ["new"] * 3},
        schema_overrides={"tier": dtype},
    )
    message = r"unknown in 'tier': 'gold' \(2\), 'silver' \(1\); known are 'high'"
    with pytest.raises(cv.DataError, match=message):
        customer_marks(shop)
    with pytest.raises(cv.DataError, match="unknown in 'tier'"):
        customer_marks(shop.lazy()).collect()
