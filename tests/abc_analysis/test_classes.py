from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from oracles import abc_analysis as oracle
from parity.shared_data import order_customers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars._typing import PolarsDataType

Boundary = Literal["below", "crossing"]
Ties = Literal["together", "split"]

ADDED = ["abc_rank", "cumulative_share", "abc_class"]
TEXTBOOK = [50, 20, 10, 8, 5, 3, 2, 1, 1, 0]
BOUNDARIES: list[Boundary] = ["below", "crossing"]
TIES: list[Ties] = ["together", "split"]

cents = st.lists(st.none() | st.integers(-300, 3000) | st.integers(0, 4), max_size=40)
laws = settings(max_examples=80, deadline=None)


def frame(
    values: Sequence[float | Decimal | None], dtype: PolarsDataType = pl.Float64
) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": [f"c{i:04}" for i in range(len(values))], "revenue": values},
        schema={"customer_id": pl.String, "revenue": dtype},
    )


def classes(
    values: Sequence[float | None], boundary: Boundary = "below", ties: Ties = "together"
) -> str:
    options = cv.AbcOptions(boundary=boundary, ties=ties)
    found = cv.classify_abc(frame(values), options=options)["abc_class"]
    return "".join(name or "." for name in found)


# --- against the twin ---


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("ties", TIES)
@given(values=cents)
@laws
def test_classes_ranks_and_shares_are_those_of_the_twin(
    boundary: Boundary, ties: Ties, values: list[int | None]
) -> None:
    options = cv.AbcOptions(boundary=boundary, ties=ties)
    shop = frame([None if v is None else v / 100 for v in values])
    classified = cv.classify_abc(shop, options=options)
    twin = oracle.classify(values, crossing=boundary == "crossing", together=ties == "together")
    assert classified["abc_class"].to_list() == [p and p.abc_class for p in twin]
    assert classified["abc_rank"].to_list() == [p and p.abc_rank for p in twin]
    for share, place in zip(classified["cumulative_share"], twin, strict=True):
        if place is None or place.cumulative_share is None:
            assert share is None
        else:
            assert share == pytest.approx(float(place.cumulative_share), abs=1e-12)


@given(values=cents, seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_does_not_matter(values: list[int | None], seed: int) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    classified = cv.classify_abc(shuffled)
    assert classified.select(shop.columns).equals(shuffled)
    assert classified.sort("customer_id").equals(cv.classify_abc(shop).sort("customer_id"))


@given(values=cents, factor=st.sampled_from([1e-3, 0.5, 7.0, 100.0]))
@laws
def test_the_currency_does_not_matter(values: list[int | None], factor: float) -> None:
    money = [None if v is None else v / 100 for v in values]
    other = [None if v is None else v / 100 * factor for v in values]
    for boundary in BOUNDARIES:
        assert classes(other, boundary) == classes(money, boundary)


@given(values=cents)
@laws
def test_more_value_never_ranks_lower_and_equal_value_ranks_equal(
    values: list[int | None],
) -> None:
    rows = cv.classify_abc(frame(values)).drop_nulls("revenue").sort("revenue", descending=True)
    best_first = rows.select("revenue", "abc_rank", "abc_class", "cumulative_share").rows()
    for (more, *upper), (less, *lower) in pairwise(best_first):
        assert upper == lower if more == less else upper[0] < lower[0]
        assert upper[1] <= lower[1]
        assert upper[2] is None or upper[2] <= lower[2]


# --- published and worked numbers ---


def test_textbook() -> None:
    assert classes(TEXTBOOK) == "AAABBCCCCC"
    assert classes(TEXTBOOK, "crossing") == "AAABBBCCCC"


def test_three_customers_of_exactly_80_percent_are_a() -> None:
    """50 + 20 + 10 of 100; in floats 0.7 + 0.1 stays below, 0.8 of 100 may not."""
    classified = cv.classify_abc(frame(TEXTBOOK))
    assert classified["abc_class"][:4].to_list() == ["A", "A", "A", "B"]
    assert classified["cumulative_share"][2] == pytest.approx(0.8, abs=1e-15)
    tenths = [v / 10 for v in TEXTBOOK]
    assert classes(tenths) == "AAABBCCCCC"
    assert classes(tenths, "crossing") == "AAABBBCCCC"


@pytest.mark.parametrize("ties", TIES)
def test_a_single_customer(ties: Ties) -> None:
    assert classes([100], "below", ties) == "C"
    assert classes([100], "crossing", ties) == "A"


def test_published_small_cases() -> None:
    assert classes([85, 10, 5]) == "BBC"
    assert classes([85, 10, 5], "crossing") == "ABC"
    assert classes([80, 15, 5]) == "ABC"
    assert classes([80, 15, 5], "crossing") == "ABC"


@pytest.mark.parametrize(
    ("boundary", "ties", "counts", "value_of_a"),
    [
        ("below", "split", (605, 228, 162), 371_301),
        ("crossing", "split", (606, 228, 161), 371_676),
        ("below", "together", (603, 230, 162), None),
        ("crossing", "together", (607, 228, 160), None),
    ],
)
def test_the_orders_of_r(
    boundary: Boundary, ties: Ties, counts: tuple[int, int, int], value_of_a: int | None
) -> None:
    options = cv.AbcOptions(boundary=boundary, ties=ties)
    classified = cv.classify_abc(order_customers(), options=options)
    assert tuple((classified["abc_class"] == name).sum() for name in "ABC") == counts
    if value_of_a is not None:
        best = classified.filter(pl.col("abc_class") == "A")
        assert best["revenue"].sum() == value_of_a


# --- ties ---


def test_customers_of_equal_value_cross_together() -> None:
    assert classes([60, 10, 10, 10, 10]) == "ACCCC"
    assert classes([60, 10, 10, 10, 10], "crossing") == "AAAAA"
    assert classes([60, 10, 10, 10, 10], "below", "split") == "AAABC"
    assert classes([60, 10, 10, 10, 10], "crossing", "split") == "AAABB"


def test_equal_customers_share_rank_and_share_and_the_next_rank_counts_them() -> None:
    classified = cv.classify_abc(frame([5, 9, 5, 1]))
    assert classified["abc_rank"].to_list() == [2, 1, 2, 4]
    assert classified["cumulative_share"].to_list() == pytest.approx([0.95, 0.45, 0.95, 1.0])
    assert classified["cumulative_share"][0] == classified["cumulative_share"][2]


def test_split_ties_take_the_order_of_the_keys_whatever_the_order_of_the_rows() -> None:
    split = cv.AbcOptions(ties="split")
    shop = frame([5, 9, 5, 1]).with_columns(customer_id=pl.Series(["d", "c", "b", "a"]))
    expected = {"d": 3, "c": 1, "b": 2, "a": 4}
    for rows in (shop, shop.reverse(), shop.lazy(), shop.sort("customer_id")):
        ranked = cv.classify_abc(rows, options=split).select("customer_id", "abc_rank")
        assert dict(ranked.lazy().collect().rows()) == expected
    for dtype in (pl.Categorical, pl.Enum(["d", "a", "b", "c"])):  # by the text, as elsewhere
        cast = shop.with_columns(pl.col("customer_id").cast(dtype))
        assert cv.classify_abc(cast, options=split)["abc_rank"].to_list() == [3, 1, 2, 4]
    numbers = shop.with_columns(customer_id=pl.Series([10, 3, 9, 1]))
    assert cv.classify_abc(numbers, options=split)["abc_rank"].to_list() == [3, 1, 2, 4]


def test_split_ties_take_the_order_of_the_rows_where_there_are_no_keys() -> None:
    shop = frame([5, 9, 5, None, 1]).drop("customer_id")
    classified = cv.classify_abc(shop, options=cv.AbcOptions(ties="split"))
    assert classified["abc_rank"].to_list() == [2, 1, 3, None, 4]


def test_the_published_counts_do_not_depend_on_the_order_of_the_rows() -> None:
    options = cv.AbcOptions(ties="split")
    shuffled = order_customers().sample(fraction=1, shuffle=True, seed=3)
    classified = cv.classify_abc(shuffled, options=options)
    assert [(classified["abc_class"] == name).sum() for name in "ABC"] == [605, 228, 162]
    again = cv.classify_abc(shuffled.sort("customer_id"), options=options)
    assert again.equals(classified.sort("customer_id"))


# --- by count ---


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("nonpositive", ["last", "separate"])
@given(values=cents)
@settings(max_examples=40, deadline=None)
def test_classes_by_count_are_those_of_the_twin(
    boundary: Boundary,
    ties: Ties,
    nonpositive: Literal["last", "separate"],
    values: list[int | None],
) -> None:
    options = cv.AbcOptions(by="count", boundary=boundary, ties=ties, nonpositive=nonpositive)
    shop = frame([None if v is None else v / 100 for v in values])
    twin = oracle.classify_by_count(
        values,
        crossing=boundary == "crossing",
        together=ties == "together",
        separate=nonpositive == "separate",
    )
    assert cv.classify_abc(shop, options=options)["abc_class"].to_list() == twin


def test_the_best_fifth() -> None:
    """The share of value stays that of value, whatever the classes are cut by."""
    options = cv.AbcOptions(by="count")
    classified = cv.classify_abc(frame(TEXTBOOK), options=options)
    assert "".join(classified["abc_class"]) == "AABBBCCCCC"
    assert classified["cumulative_share"].to_list() == pytest.approx(
        cv.classify_abc(frame(TEXTBOOK))["cumulative_share"].to_list()
    )
    halves = cv.AbcOptions(by="count", cutoffs=(0.5, 1.0))
    assert "".join(cv.classify_abc(frame(TEXTBOOK), options=halves)["abc_class"]) == "AAAAABBBBC"


# --- values that are no share of anything ---


@pytest.mark.parametrize("by", ["value", "count", "computed"])
def test_customers_without_value_are_set_apart(
    by: Literal["value", "count", "computed"],
) -> None:
    apart = cv.AbcOptions(by=by, nonpositive="separate")
    classified = cv.classify_abc(frame([90, 10, 0, -5, None]), options=apart)
    assert classified["abc_class"][2:].to_list() == ["D", "D", None]
    assert classified["cumulative_share"].to_list() == [0.9, 1.0, 1.0, 1.0, None]
    alone = cv.classify_abc(frame([90, 10]), options=apart)
    assert classified["abc_class"][:2].equals(alone["abc_class"])


@pytest.mark.parametrize("lazy", [False, True])
def test_customers_without_value_are_refused(*, lazy: bool) -> None:
    refuse = cv.AbcOptions(nonpositive="refuse")
    shop = frame([1.0, 0.0, None, -7.0, math.nan])
    says = r"1 row with NaN or infinite.*2 rows with values at or below zero.*revenue 0.*revenue -7"
    with pytest.raises(cv.DataError, match=says):
        cv.classify_abc(shop.lazy() if lazy else shop, options=refuse).lazy().collect()
    fine = frame([1.0, None, 2.0])
    assert cv.classify_abc(fine, options=refuse).equals(cv.classify_abc(fine))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("ties", TIES)
def test_values_at_or_below_zero_are_c_with_a_share_of_one(boundary: Boundary, ties: Ties) -> None:
    options = cv.AbcOptions(boundary=boundary, ties=ties)
    classified = cv.classify_abc(frame([90, 10, 0, -5, -90]), options=options)
    assert classified["abc_class"][2:].to_list() == ["C", "C", "C"]
    assert classified["cumulative_share"].to_list() == [0.9, 1.0, 1.0, 1.0, 1.0]
    assert classified["abc_rank"].to_list() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("total", [49, 98, 103, 107, 161])
def test_the_last_share_is_exactly_one(total: int) -> None:
    """Though 49 times the reciprocal of 49 is not."""
    classified = cv.classify_abc(frame([total - 9, 9, 0, -5]))
    assert classified["cumulative_share"].to_list() == [(total - 9) / total, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [-1.0, -2.0], [0.0, -3.0]])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_without_value_everybody_is_c_without_a_share(
    values: list[float], boundary: Boundary
) -> None:
    classified = cv.classify_abc(frame(values), options=cv.AbcOptions(boundary=boundary))
    assert set(classified["abc_class"]) == {"C"}
    assert classified["cumulative_share"].to_list() == [None] * len(values)


def test_unknown_values_stay_unknown() -> None:
    classified = cv.classify_abc(frame([None, 80, None, 15, 5]))
    assert classified["abc_class"].to_list() == [None, "A", None, "B", "C"]
    assert classified["abc_rank"].to_list() == [None, 1, None, 2, 3]
    assert classified["cumulative_share"][0] is None


@pytest.mark.parametrize("rows", [1, 3])
def test_all_values_unknown(rows: int) -> None:
    classified = cv.classify_abc(frame([None] * rows))
    assert classified.select(ADDED).rows() == [(None, None, None)] * rows


def test_nobody() -> None:
    classified = cv.classify_abc(frame([]))
    assert set(classified.columns) == {"customer_id", "revenue", *ADDED}
    assert classified.is_empty()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("lazy", [False, True])
def test_values_that_are_no_numbers_are_refused(value: float, *, lazy: bool) -> None:
    shop = frame([1.0, value])
    if not lazy:
        with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*revenue"):
            cv.classify_abc(shop)
        return
    classified = cv.classify_abc(shop.lazy())
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*revenue"):
        classified.collect()


# --- frames and options ---


def test_types_and_columns() -> None:
    classified = cv.classify_abc(frame([5, 9]))
    assert dict(classified.schema) == {
        "customer_id": pl.String,
        "revenue": pl.Float64,
        "abc_class": pl.String,
        "abc_rank": pl.Int64,
        "cumulative_share": pl.Float64,
    }


def test_lazy_in_lazy_out_in_the_order_of_the_rows() -> None:
    shop = frame([float(v * 7919 % 1000) for v in range(5000)])
    lazy = cv.classify_abc(shop.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(cv.classify_abc(shop))
    assert lazy.collect_schema() == cv.classify_abc(shop).schema


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Float32, pl.Decimal(12, 2)])
def test_values_of_any_number_type(dtype: PolarsDataType) -> None:
    shop = frame(TEXTBOOK).with_columns(pl.col("revenue").cast(dtype))
    assert "".join(cv.classify_abc(shop)["abc_class"]) == "AAABBCCCCC"


def test_pandas_comes_in() -> None:
    assert "".join(cv.classify_abc(frame(TEXTBOOK).to_pandas())["abc_class"]) == "AAABBCCCCC"


def test_chunks_do_not_matter() -> None:
    parts = [frame([v, None]) for v in TEXTBOOK]
    chunked = pl.concat(parts, rechunk=False)
    assert chunked.n_chunks() > 1
    assert cv.classify_abc(chunked).equals(cv.classify_abc(chunked.rechunk()))


def test_any_value_column() -> None:
    shop = frame([1, 2]).with_columns(clv=pl.Series([90.0, 10.0]))
    assert cv.classify_abc(shop, value="clv")["abc_rank"].to_list() == [1, 2]
    with pytest.raises(cv.SchemaError, match="missing column 'profit'"):
        cv.classify_abc(shop, value="profit")
    with pytest.raises(cv.SchemaError, match="'customer_id' is String, must be a number"):
        cv.classify_abc(shop, value="customer_id")


@pytest.mark.parametrize("name", ["abc_rank", "cumulative_share", "complete", "_value"])
def test_the_value_column_may_have_any_name(name: str) -> None:
    shop = frame(TEXTBOOK).rename({"revenue": name})
    classified = cv.classify_abc(shop, value=name)
    assert "".join(classified["abc_class"]) == "AAABBCCCCC"


def test_what_else_the_frame_carries_stays() -> None:
    more = {name: pl.lit("mine") for name in ("_value", "_place", "_upto", "_before", "complete")}
    shop = frame(TEXTBOOK).with_columns(**more)
    classified = cv.classify_abc(shop)
    assert classified.select(shop.columns).equals(shop)
    assert set(classified.columns) == {*shop.columns, *ADDED}


def test_a_classified_frame_can_be_classified_again() -> None:
    once = cv.classify_abc(frame(TEXTBOOK))
    assert cv.classify_abc(once).equals(once)


def test_cutoffs() -> None:
    options = cv.AbcOptions(cutoffs=(0.5, 0.7))
    assert "".join(cv.classify_abc(frame(TEXTBOOK), options=options)["abc_class"]) == "ABCCCCCCCC"
    everything = cv.AbcOptions(cutoffs=(1.0, 1.0))
    classified = cv.classify_abc(frame([6.0, 3.0, 1.0, 0.0]), options=everything)
    assert classified["abc_class"].to_list() == ["A", "A", "A", "C"]


@pytest.mark.parametrize(
    "cutoffs", [(0.9, 0.5), (0.0, 0.5), (0.8, 1.2), (-0.1, 0.5), (math.nan, 0.5), (0.5, math.nan)]
)
def test_cutoffs_ascend_within_zero_and_one(cutoffs: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match="cutoffs must ascend"):
        cv.AbcOptions(cutoffs=cutoffs)


def test_computed_limits_take_no_cutoffs() -> None:
    assert cv.AbcOptions(by="count").cutoffs == (0.2, 0.5)
    assert cv.AbcOptions(by="count", cutoffs=(0.1, 0.3)).cutoffs == (0.1, 0.3)
    with pytest.raises(ValidationError, match="takes no cutoffs"):
        cv.AbcOptions(by="computed", cutoffs=(0.1, 0.3))
    for options in (cv.AbcOptions(by="count"), cv.AbcOptions(by="computed"), cv.AbcOptions()):
        assert cv.AbcOptions.model_validate_json(options.model_dump_json()) == options


@pytest.mark.parametrize(
    "words", [{"boundary": "above"}, {"ties": "random"}, {"cut": 1}, {"by": "size"}]
)
def test_options_know_no_other_words(words: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        cv.AbcOptions.model_validate(words)


def test_values_of_any_size_have_shares() -> None:
    for size in (5e-324, 1e-300, 1.7e308):
        classified = cv.classify_abc(frame([size, size, 0.0, -size]))
        assert classified["cumulative_share"].to_list() == [1.0] * 4
        halves = cv.classify_abc(frame([size, size]), options=cv.AbcOptions(ties="split"))
        assert halves["cumulative_share"].to_list() == [0.5, 1.0]


def test_a_million_equal_tenths_are_cut_where_ten_are() -> None:
    """A plain sum of a million tenths is off by more than the tolerance."""
    options = cv.AbcOptions(ties="split")
    shop = pl.DataFrame({"revenue": [0.1] * 1_000_000})
    found = cv.abc.abc_limits(shop, options=options)
    assert found.customers == {"A": 800_000, "B": 150_000, "C": 50_000}


def test_the_sample_adds_up() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    classified = cv.classify_abc(customers)
    assert classified.select(customers.columns).equals(customers)
    shares = classified.group_by("abc_class").agg(pl.col("revenue").sum())
    by_class = dict(shares.rows())
    total = customers["revenue"].sum()
    assert by_class["A"] / total <= 0.80
    assert (by_class["A"] + by_class["B"]) / total <= 0.95
    assert sum(by_class.values()) == pytest.approx(total, rel=1e-12)
