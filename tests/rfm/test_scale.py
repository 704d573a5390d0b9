from __future__ import annotations

import math
import random
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from customer_value._common.stored import FittedOn
from oracles import rfm as oracle
from oracles.rfm import Customer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SCORES = ["r_score", "f_score", "m_score"]
BINS = ("recency_bins", "frequency_bins", "monetary_bins")

customers_of_a_shop = st.lists(
    st.builds(
        Customer,
        recency_days=st.integers(0, 40),
        purchases=st.integers(1, 6),
        cents=st.integers(-500, 3000),
    ),
    min_size=1,
    max_size=40,
)
three_bins = st.tuples(*[st.integers(1, 10)] * 3)
laws = settings(max_examples=80, deadline=None)


def frame(customers: Sequence[Customer], *, factor: float = 1.0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(customers))],
            "recency_days": [c.recency_days for c in customers],
            "purchases": [c.purchases for c in customers],
            "revenue": [c.cents / 100 * factor for c in customers],
        },
        schema={
            "customer_id": pl.String,
            "recency_days": pl.Int64,
            "purchases": pl.Int64,
            "revenue": pl.Float64,
        },
    )


def options(bins: Sequence[int]) -> cv.RfmOptions:
    return cv.RfmOptions.model_validate(dict(zip(BINS, bins, strict=True)))


def of(**columns: list[Any]) -> pl.DataFrame:
    """Make a customer frame of which only the named columns differ."""
    n = len(next(iter(columns.values())))
    filled = {name: columns.get(name, [1] * n) for name in ("recency_days", "purchases")}
    money = pl.Series(columns.get("revenue", [1.0] * n), dtype=pl.Float64)
    return pl.DataFrame({**filled, "revenue": money})


def score_alike(customers: pl.DataFrame, scale: cv.rfm.RfmScale) -> list[tuple[int, int, int]]:
    return cv.score_rfm(customers, scale).select(SCORES).rows()


# --- against the twin ---


@given(customers=customers_of_a_shop, bins=three_bins)
@laws
def test_scores_are_those_of_the_twin(
    customers: list[Customer], bins: tuple[int, int, int]
) -> None:
    shop = frame(customers)
    scale = cv.fit_rfm(shop, options=options(bins))
    assert score_alike(shop, scale) == oracle.scores(customers, bins)


@given(monday=customers_of_a_shop, friday=customers_of_a_shop, bins=three_bins)
@laws
def test_others_are_scored_by_the_frozen_cut_points(
    monday: list[Customer], friday: list[Customer], bins: tuple[int, int, int]
) -> None:
    """In cents: a value equal to a cut point between two others is so in whole numbers only."""
    first, later = (
        frame(customers).with_columns(revenue=pl.Series([c.cents for c in customers]))
        for customers in (monday, friday)
    )
    scale = cv.fit_rfm(first, options=options(bins))
    assert score_alike(later, scale) == oracle.scores(friday, bins, monday)


@pytest.mark.parametrize(
    ("low", "high", "bins", "cuts"), [(28, 31, 3, (29.0, 30.0)), (0, 7, 7, (1, 2, 3, 4, 5, 6))]
)
def test_cut_points_that_are_whole_numbers_are_exact(
    low: int, high: int, bins: int, cuts: tuple[float, ...]
) -> None:
    """Also where they lie between two customers, at ranks that are none: 28 + 3 / 3 is 29."""
    pair = cv.fit_rfm(of(purchases=[low, high]), options=options([bins] * 3))
    assert pair.frequency.edges == cuts
    more = of(purchases=[0] * 9 + [28] + [31] * 5)
    assert cv.fit_rfm(more, options=options([3] * 3)).frequency.edges == (0.0, 29.0)


def test_a_single_bin_counts_everybody() -> None:
    scale = cv.fit_rfm(of(purchases=[1, 2, 3]), options=options([1] * 3))
    assert [d.counts for d in scale.dimensions] == [(3,), (3,), (3,)]
    assert scale.warnings == ()


@given(customers=customers_of_a_shop, bins=three_bins)
@laws
def test_counts_and_achieved_bins_are_those_of_the_scores(
    customers: list[Customer], bins: tuple[int, int, int]
) -> None:
    shop = frame(customers)
    scale = cv.fit_rfm(shop, options=options(bins))
    scored = cv.score_rfm(shop, scale)
    for dimension, name, n in zip(scale.dimensions, SCORES, bins, strict=True):
        assert dimension.requested_bins == n
        assert dimension.counts == tuple((scored[name] == k).sum() for k in range(1, n + 1))
        assert dimension.achieved_bins == scored[name].n_unique()
    too_few = sum(d.achieved_bins < d.requested_bins for d in scale.dimensions)
    assert len(scale.warnings) == too_few
    assert scale.fitted_on == FittedOn(n_customers=len(customers))


@pytest.mark.parametrize("bins", range(2, 11))
def test_a_value_equal_to_a_cut_point_lies_below_it(bins: int) -> None:
    """Cut points that fall on a customer, whatever the rounding of k / bins times n - 1."""
    for n in range(bins + 1, 402, bins):
        values = [Customer(i, 1 + i, 700 * i) for i in range(n)]
        shop = frame(values)
        wanted = [1 + sum(i * bins > k * (n - 1) for k in range(1, bins)) for i in range(n)]
        scored = cv.score_rfm(shop, cv.fit_rfm(shop, options=options([bins] * 3)))
        assert scored["f_score"].to_list() == wanted, n
        assert scored["m_score"].to_list() == wanted, n
        assert scored["r_score"].to_list() == [bins + 1 - score for score in wanted], n


# --- laws ---


@given(customers=customers_of_a_shop, bins=three_bins, seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_does_not_matter(
    customers: list[Customer], bins: tuple[int, int, int], seed: int
) -> None:
    shop = frame(customers)
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    scale = cv.fit_rfm(shop, options=options(bins))
    assert cv.fit_rfm(shuffled, options=options(bins)) == scale
    scored = cv.score_rfm(shuffled, scale)
    assert scored["customer_id"].equals(shuffled["customer_id"])
    by_id = shop.select("customer_id").join(
        scored, on="customer_id", how="left", maintain_order="left"
    )
    assert by_id.select(SCORES).equals(cv.score_rfm(shop, scale).select(SCORES))


@given(customers=customers_of_a_shop, seed=st.integers(0, 2**32))
@laws
def test_the_names_of_the_customers_do_not_matter(customers: list[Customer], seed: int) -> None:
    shop = frame(customers)
    names = list(shop["customer_id"])
    random.Random(seed).shuffle(names)  # noqa: S311
    renamed = shop.with_columns(pl.Series("customer_id", names))
    assert cv.fit_rfm(renamed) == cv.fit_rfm(shop)
    scored = cv.score_rfm(renamed, cv.fit_rfm(renamed))
    assert scored["customer_id"].to_list() == names
    assert scored.select(SCORES).equals(cv.score_rfm(shop, cv.fit_rfm(shop)).select(SCORES))


@given(customers=customers_of_a_shop, factor=st.sampled_from([1e-3, 0.5, 7.0, 100.0, 1024.0]))
@laws
def test_the_currency_does_not_matter(customers: list[Customer], factor: float) -> None:
    shop, other = frame(customers), frame(customers, factor=factor)
    assert score_alike(other, cv.fit_rfm(other)) == score_alike(shop, cv.fit_rfm(shop))


@given(customers=customers_of_a_shop, bins=three_bins)
@laws
def test_better_never_scores_worse_and_equal_scores_equal(
    customers: list[Customer], bins: tuple[int, int, int]
) -> None:
    shop = frame(customers)
    scores = score_alike(shop, cv.fit_rfm(shop, options=options(bins)))
    for dimension, sign in enumerate((-1, 1, 1)):
        ranked = sorted(
            (sign * customer[dimension], score[dimension])
            for customer, score in zip(customers, scores, strict=True)
        )
        for (worse, low), (better, high) in pairwise(ranked):
            assert low <= high
            assert low == high or worse < better
        assert all(1 <= score[dimension] <= bins[dimension] for score in scores)


@given(customers=customers_of_a_shop, bins=three_bins)
@laws
def test_a_scale_survives_json(customers: list[Customer], bins: tuple[int, int, int]) -> None:
    shop = frame(customers)
    scale = cv.fit_rfm(shop, options=options(bins))
    again = cv.rfm.RfmScale.model_validate_json(scale.model_dump_json())
    assert again == scale
    assert cv.score_rfm(shop, again).equals(cv.score_rfm(shop, scale))


# --- frames ---


@pytest.fixture
def cdnow() -> pl.DataFrame:
    return cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))


def test_every_column_and_row_stays(cdnow: pl.DataFrame) -> None:
    shuffled = cdnow.sample(fraction=1, shuffle=True, seed=1)
    scored = cv.score_rfm(shuffled, cv.fit_rfm(cdnow))
    assert scored.columns == [*cdnow.columns, *SCORES, "rfm_cell"]
    assert scored.select(cdnow.columns).equals(shuffled)
    assert scored.schema["rfm_cell"] == pl.String
    assert all(scored.schema[name] == pl.UInt8 for name in SCORES)


def test_the_scale_says_what_it_was_fitted_on(cdnow: pl.DataFrame) -> None:
    scale = cv.fit_rfm(cdnow)
    first = date(1997, 1, 1)
    on = FittedOn(as_of=date(1998, 6, 30), first_day=first, n_customers=2357)
    assert scale.fitted_on == cv.fit_rfm(cdnow.to_pandas()).fitted_on == on
    undated = cv.fit_rfm(cdnow.drop("as_of", "first_purchase"))
    assert undated.fitted_on == FittedOn(n_customers=2357)
    assert [d.column for d in scale.dimensions] == ["recency_days", "purchases", "revenue"]


def test_the_cut_points_do_not_move_with_the_customers_scored(cdnow: pl.DataFrame) -> None:
    scale = cv.fit_rfm(cdnow)
    whole = cv.score_rfm(cdnow, scale)
    best = cdnow.sort("revenue", descending=True).head(10)
    alone = cv.score_rfm(best, scale).select("customer_id", *SCORES)
    assert alone.equals(
        best.select("customer_id").join(
            whole.select("customer_id", *SCORES),
            on="customer_id",
            how="left",
            maintain_order="left",
        )
    )
    assert set(alone["m_score"]) == {5}


def test_values_beyond_the_scale_get_the_first_or_the_last_score(cdnow: pl.DataFrame) -> None:
    scale = cv.fit_rfm(cdnow)
    strangers = of(recency_days=[0, 10**6], purchases=[10**6, 0], revenue=[1e12, -1e12])
    assert score_alike(strangers, scale) == [(5, 5, 5), (1, 1, 1)]


def test_lazy_in_lazy_out(cdnow: pl.DataFrame) -> None:
    scale = cv.fit_rfm(cdnow.lazy())
    assert scale == cv.fit_rfm(cdnow)
    scored = cv.score_rfm(cdnow.lazy(), scale)
    assert isinstance(scored, pl.LazyFrame)
    assert scored.collect().equals(cv.score_rfm(cdnow, scale))


@pytest.mark.parametrize(
    "convert", [pl.DataFrame.to_pandas, pl.DataFrame.to_arrow], ids=["pandas", "pyarrow"]
)
def test_any_arrow_frame_comes_in(
    cdnow: pl.DataFrame, convert: Callable[[pl.DataFrame], pd.DataFrame | pa.Table]
) -> None:
    other = convert(cdnow.select("customer_id", "recency_days", "purchases", "revenue"))
    assert cv.fit_rfm(other).dimensions == cv.fit_rfm(cdnow).dimensions
    scored = cv.score_rfm(other, cv.fit_rfm(cdnow))
    assert isinstance(scored, pl.DataFrame)
    expected = cv.score_rfm(cdnow, cv.fit_rfm(cdnow))
    assert scored.select(SCORES).equals(expected.select(SCORES))


def test_the_caller_keeps_its_frame(cdnow: pl.DataFrame) -> None:
    before = cdnow.clone()
    cv.score_rfm(cdnow, cv.fit_rfm(cdnow))
    assert cdnow.equals(before)


@pytest.mark.parametrize("dtype", [pl.Decimal(18, 2), pl.Float32, pl.Int32])
def test_money_may_be_of_any_number_type(dtype: pl.DataType) -> None:
    shop = frame([Customer(i, i + 1, 100 * i) for i in range(20)])
    other = shop.with_columns(pl.col("revenue").cast(dtype))
    assert score_alike(other, cv.fit_rfm(other)) == score_alike(shop, cv.fit_rfm(shop))


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.Int16, pl.Float64])
def test_counts_may_be_of_any_number_type(dtype: pl.DataType) -> None:
    shop = frame([Customer(i * 12, i + 1, 100 * i) for i in range(20)])
    other = shop.with_columns(pl.col("recency_days", "purchases").cast(dtype))
    assert score_alike(other, cv.fit_rfm(other)) == score_alike(shop, cv.fit_rfm(shop))


def test_m_may_be_the_mean_purchase(cdnow: pl.DataFrame) -> None:
    scale = cv.fit_rfm(cdnow, options=cv.RfmOptions(monetary="mean_purchase"))
    assert scale.monetary.column == "mean_purchase"
    assert cv.score_rfm(cdnow, scale)["m_score"].to_list() != (
        cv.score_rfm(cdnow, cv.fit_rfm(cdnow))["m_score"].to_list()
    )
    without = cdnow.drop("mean_purchase")
    with pytest.raises(cv.SchemaError, match="missing column 'mean_purchase'"):
        cv.score_rfm(without, scale)


# --- cells ---


@pytest.mark.parametrize(
    ("bins", "best", "worst"), [(5, "555", "111"), (9, "999", "111"), (10, "10-10-10", "1-1-1")]
)
def test_cells(bins: int, best: str, worst: str) -> None:
    shop = frame([Customer(100 - i, 1 + i, 100 * i) for i in range(50)])
    scored = cv.score_rfm(shop, cv.fit_rfm(shop, options=options([bins] * 3)))
    assert (scored["rfm_cell"][-1], scored["rfm_cell"][0]) == (best, worst)


def test_dimensions_may_have_different_numbers_of_bins() -> None:
    shop = frame([Customer(100 - i, 1 + i, 100 * i) for i in range(50)])
    scored = cv.score_rfm(shop, cv.fit_rfm(shop, options=options((3, 10, 2))))
    assert scored["rfm_cell"][-1] == "3-10-2"
    assert [scored[name].max() for name in SCORES] == [3, 10, 2]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bin_gives_everybody_the_score_one(place: int) -> None:
    shop = frame([Customer(100 - i, 1 + i, 100 * i) for i in range(50)])
    bins = [5, 5, 5]
    bins[place] = 1
    scored = cv.score_rfm(shop, cv.fit_rfm(shop, options=options(bins)))
    assert set(scored[SCORES[place]]) == {1}


# --- degenerate shops ---


def test_one_customer() -> None:
    shop = of(recency_days=[3], purchases=[2], revenue=[10.0])
    scale = cv.fit_rfm(shop)
    assert score_alike(shop, scale) == [(5, 1, 1)]
    assert [d.achieved_bins for d in scale.dimensions] == [1, 1, 1]
    assert [w.split(":")[0] for w in scale.warnings] == ["recency", "frequency", "monetary"]


def test_everybody_alike() -> None:
    shop = of(recency_days=[3] * 9, purchases=[2] * 9, revenue=[10.0] * 9)
    scored = cv.score_rfm(shop, cv.fit_rfm(shop))
    assert set(scored["rfm_cell"]) == {"511"}


@pytest.mark.parametrize("once", [0, 50, 80, 100])
def test_many_who_bought_once_score_alike_and_a_warning_says_so(once: int) -> None:
    shop = frame([Customer(i, 1 if i < once else 2 + i, i) for i in range(100)])
    scale = cv.fit_rfm(shop)
    scored = cv.score_rfm(shop, scale)
    assert scored.filter(pl.col("purchases") == 1)["f_score"].n_unique() == (once > 0)
    told = f"frequency: only {scale.frequency.achieved_bins} of 5 scores occur"
    assert any(w.startswith(told) for w in scale.warnings) == (once > 0)
    assert len(scale.warnings) == (once > 0)


def test_all_bought_once() -> None:
    shop = frame([Customer(i, 1, 100 * i) for i in range(100)])
    scale = cv.fit_rfm(shop)
    assert scale.frequency.achieved_bins == 1
    assert set(cv.score_rfm(shop, scale)["f_score"]) == {1}
    assert scale.warnings == (
        "frequency: only 1 of 5 scores occur, since equal values score alike",
    )


def test_zero_and_negative_money_scores_lowest() -> None:
    shop = of(revenue=[-50.0, -1.0, 0.0, 5.0, 60.0])
    assert cv.score_rfm(shop, cv.fit_rfm(shop))["m_score"].to_list() == [1, 2, 3, 4, 5]


def test_recency_of_zero_is_best() -> None:
    shop = of(recency_days=[0, 10, 20, 30, 40])
    assert cv.score_rfm(shop, cv.fit_rfm(shop))["r_score"].to_list() == [5, 4, 3, 2, 1]


def returns_only() -> pl.DataFrame:
    """Three buyers, and one of whom the log only has a return."""
    day = date(2024, 1, 31)
    log = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "d"],
            "ordered_at": [date(2024, 1, k) for k in (1, 9, 5, 20, 7)],
            "amount": [5.0, 6.0, 7.0, 8.0, -3.0],
        }
    )
    return cv.summarize(log, as_of=day)


def test_customers_without_a_purchase_are_left_out_of_the_fit() -> None:
    customers = returns_only()
    scale = cv.fit_rfm(customers)
    assert (scale.fitted_on or FittedOn()).n_customers == 3
    assert scale.dimensions == cv.fit_rfm(customers.filter(pl.col("purchases") > 0)).dimensions
    assert scale.warnings[-1] == "customers left out, without a purchase: 1"
    assert not any("left out" in w for w in cv.fit_rfm(customers.head(3)).warnings)


def test_a_customer_of_whom_one_metric_is_unknown_gets_no_score_at_all() -> None:
    scale = cv.fit_rfm(of(revenue=[1.0, 2.0, 3.0]))
    for name in ("recency_days", "purchases", "revenue"):
        shop = of(revenue=[1.0, 2.0]).with_columns(
            pl.when(pl.row_index() == 1).then(name).alias(name)
        )
        scored = cv.score_rfm(shop, scale).select(*SCORES, "rfm_cell")
        assert scored.null_count().row(0) == (1, 1, 1, 1)
        assert scored.row(0) == (None, None, None, None)


def test_customers_without_a_purchase_come_out_without_any_score() -> None:
    customers = returns_only()
    scored = cv.score_rfm(customers, cv.fit_rfm(customers))
    assert scored["customer_id"].to_list() == ["a", "b", "c", "d"]
    assert scored["rfm_cell"].is_null().to_list() == [False, False, False, True]
    assert scored.select(SCORES).row(3) == (None, None, None)


def test_nobody_to_score_yields_an_empty_frame() -> None:
    shop = frame([Customer(1, 1, 1)])
    scored = cv.score_rfm(shop.clear(), cv.fit_rfm(shop))
    assert scored.columns == [*shop.columns, *SCORES, "rfm_cell"]
    assert scored.is_empty()


def test_nobody_to_fit_is_an_error() -> None:
    with pytest.raises(cv.FitError, match="no customers to score: 0 rows"):
        cv.fit_rfm(frame([]))


def test_nobody_with_a_purchase_to_fit_is_an_error() -> None:
    customers = returns_only().filter(pl.col("purchases") == 0)
    with pytest.raises(cv.FitError, match=r"to score: 1 rows; .* without a purchase: 1"):
        cv.fit_rfm(customers)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("lazy", [False, True])
def test_values_that_are_no_numbers_are_refused_by_the_fit(value: float, *, lazy: bool) -> None:
    shop = of(revenue=[1.0, value, 3.0])
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*revenue"):
        cv.fit_rfm(shop.lazy() if lazy else shop)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["recency_days", "purchases", "revenue"])
def test_values_that_are_no_numbers_never_get_a_score(value: float, name: str) -> None:
    """NaN is greater than anything to polars, which would make it the best customer."""
    scale = cv.fit_rfm(of(revenue=[1.0, 2.0, 3.0]))
    strangers = of(**{name: [1.0, value]})
    with pytest.raises(cv.DataError, match=rf"1 row with NaN or infinite .*{name}"):
        cv.score_rfm(strangers, scale)
    lazy = cv.score_rfm(strangers.lazy(), scale)
    with pytest.raises(cv.DataError, match=rf"1 row with NaN or infinite .*{name}"):
        lazy.collect()


# --- refusals ---


def test_every_missing_column_is_named() -> None:
    with pytest.raises(cv.SchemaError, match="'recency_days', 'purchases', 'revenue'"):
        cv.fit_rfm(pl.DataFrame({"x": [1]}))


def test_text_is_no_number() -> None:
    shop = of(revenue=[1.0]).with_columns(pl.lit("x").alias("revenue"))
    with pytest.raises(cv.SchemaError, match="'revenue' is String, must be a number"):
        cv.fit_rfm(shop)
    scale = cv.fit_rfm(of(revenue=[1.0]))
    with pytest.raises(cv.SchemaError, match="'revenue' is String, must be a number"):
        cv.score_rfm(shop, scale)


def test_something_else_is_no_frame() -> None:
    with pytest.raises(cv.SchemaError, match="a dict is not a table"):
        cv.fit_rfm({"revenue": [1.0]})  # type: ignore[arg-type]


@pytest.mark.parametrize("bins", [0, 11, 2.5])
@pytest.mark.parametrize("name", BINS)
def test_numbers_of_bins_are_checked(name: str, bins: float) -> None:
    with pytest.raises(ValidationError, match=name):
        cv.RfmOptions.model_validate({name: bins})


def test_options_know_no_other_words() -> None:
    with pytest.raises(ValidationError, match="bins"):
        cv.RfmOptions.model_validate({"bins": 5})


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"edges": (2.0, 1.0), "counts": (1, 1, 1)}, "edges must ascend"),
        ({"edges": (1.0, math.nan), "counts": (1, 1, 1)}, "finite"),
        ({"edges": (math.nan,), "counts": (1, 1)}, "finite"),
        ({"edges": (1.0, math.inf), "counts": (1, 1, 1)}, "finite"),
        ({"edges": (1.0, 2.0), "counts": (1, 1)}, "counts must be one more than edges"),
        ({"edges": (), "counts": ()}, "counts must be one more than edges"),
        ({"edges": (1.0,), "counts": (-1, 1)}, "counts"),
        ({"edges": tuple(range(10)), "counts": (1,) * 11}, "bins are 1 to 10"),
    ],
)
def test_cut_points_are_checked(words: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        cv.rfm.RfmDimension(column="purchases", reverse=False, **words)


def test_cut_points_may_be_equal_or_none() -> None:
    equal = cv.rfm.RfmDimension(column="x", edges=(1.0, 1.0), reverse=False, counts=(5, 0, 2))
    assert (equal.requested_bins, equal.achieved_bins) == (3, 2)
    single = cv.rfm.RfmDimension(column="x", edges=(), reverse=False, counts=(7,))
    assert (single.requested_bins, single.achieved_bins) == (1, 1)


@pytest.mark.parametrize("field", ["options", "recency", "warnings"])
def test_a_scale_is_frozen(field: Literal["options", "recency", "warnings"]) -> None:
    scale = cv.fit_rfm(of(revenue=[1.0, 2.0]))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(scale, field, None)


BREAKS: dict[str, Any] = {
    "recency_breaks": (10, 30),
    "frequency_breaks": (1,),
    "monetary_breaks": (5.0, 10.0, 20.0),
}


def test_given_breaks_are_taken_whatever_the_customers() -> None:
    cut = cv.RfmOptions(method="breaks", **BREAKS)
    few = frame([Customer(10, 1, 500), Customer(11, 2, 501), Customer(31, 1, 2001)])
    scale = cv.fit_rfm(few, options=cut)
    assert [d.edges for d in scale.dimensions] == [(10, 30), (1,), (5, 10, 20)]
    assert [d.counts for d in scale.dimensions] == [(1, 1, 1), (2, 1), (1, 1, 0, 1)]
    assert cv.score_rfm(few, scale)["rfm_cell"].to_list() == ["311", "222", "114"]
    assert scale.warnings == ("monetary: only 3 of 4 scores occur",)
    others = cv.fit_rfm(frame([Customer(5, 5, 5)]), options=cut)
    assert cv.score_rfm(few, others).equals(cv.score_rfm(few, scale))
    assert cv.rfm.RfmScale.model_validate_json(scale.model_dump_json()) == scale


def test_breaks_and_method_belong_together() -> None:
    with pytest.raises(ValidationError, match="method 'breaks' needs frequency_breaks"):
        cv.RfmOptions(method="breaks", **(BREAKS | {"frequency_breaks": None}))
    with pytest.raises(ValidationError, match="method 'quantile' takes no recency_breaks"):
        cv.RfmOptions(recency_breaks=(1, 2))


@pytest.mark.parametrize("wrong", [(2.0, 1.0), (math.nan,), tuple(range(10))])
def test_breaks_ascend_are_finite_and_not_too_many(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="monetary_breaks"):
        cv.RfmOptions(method="breaks", **(BREAKS | {"monetary_breaks": wrong}))


@given(customers=customers_of_a_shop, bins=three_bins)
@laws
def test_the_edges_of_a_scale_are_breaks(
    customers: list[Customer], bins: tuple[int, int, int]
) -> None:
    shop = frame(customers)
    scale = cv.fit_rfm(shop, options=options(bins))
    given_back = cv.RfmOptions(
        method="breaks",
        recency_breaks=scale.recency.edges,
        frequency_breaks=scale.frequency.edges,
        monetary_breaks=scale.monetary.edges,
    )
    again = cv.fit_rfm(shop, options=given_back)
    assert again.dimensions == scale.dimensions
    assert cv.score_rfm(shop, again).equals(cv.score_rfm(shop, scale))


def test_halves_and_single_customers_score_as_the_whole() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    scale = cv.fit_rfm(customers)
    whole = cv.score_rfm(customers, scale)
    halves = [cv.score_rfm(customers[k::2], scale) for k in (0, 1)]
    assert pl.concat(halves).sort("customer_id").equals(whole.sort("customer_id"))
    assert pl.concat(cv.score_rfm(customers[k], scale) for k in range(30)).equals(whole.head(30))
    assert cv.score_rfm(customers).equals(whole)


def test_no_break_is_one_bin() -> None:
    one = cv.RfmOptions(method="breaks", **(BREAKS | {"frequency_breaks": ()}))
    scored = frame([Customer(1, 1, 1), Customer(1, 9, 1)])
    assert set(cv.score_rfm(scored, cv.fit_rfm(scored, options=one))["f_score"]) == {1}


def nested(bins: Sequence[int]) -> cv.RfmOptions:
    return cv.RfmOptions.model_validate(dict(zip(BINS, bins, strict=True)) | {"method": "nested"})


def naive_nested(
    customers: Sequence[Customer], bins: tuple[int, int, int]
) -> list[tuple[int, ...]]:
    """Score each customer among those who share all scores before."""
    scores: list[tuple[int, ...]] = [() for _ in customers]
    for place, n in enumerate(bins):
        before = list(scores)
        for i, customer in enumerate(customers):
            peers = [c for c, s in zip(customers, before, strict=True) if s == before[i]]
            alone = oracle.scores([customer], bins, peers)[0][place]
            assert 1 <= alone <= n
            scores[i] = (*before[i], alone)
    return scores


@given(customers=customers_of_a_shop, bins=st.tuples(*[st.integers(1, 4)] * 3))
@settings(max_examples=40, deadline=None)
def test_nested_bins_are_those_of_the_twin(
    customers: list[Customer], bins: tuple[int, int, int]
) -> None:
    cents = frame(customers).with_columns(revenue=pl.Series([c.cents for c in customers]))
    scale = cv.fit_rfm(cents, options=nested(bins))
    scored = cv.score_rfm(cents, scale)
    assert scored.select(SCORES).rows() == naive_nested(customers, bins)
    for name, dimension in zip(SCORES, scale.dimensions, strict=True):
        found = [int((scored[name] == k + 1).sum()) for k in range(len(dimension.counts))]
        assert list(dimension.counts) == found


def test_nested_cells_are_more_even_and_scales_survive_json() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    flat, inside = cv.fit_rfm(customers), cv.fit_rfm(customers, options=nested((5, 5, 5)))
    cells = [cv.score_rfm(customers, s)["rfm_cell"].value_counts()["count"] for s in (flat, inside)]
    assert max(cells[1]) < max(cells[0])
    assert cv.rfm.RfmScale.model_validate_json(inside.model_dump_json()) == inside
    assert inside.recency == flat.recency
    assert (len(inside.frequency.within), len(inside.monetary.within)) == (5, 25)
    lazy = cv.score_rfm(customers.lazy(), inside)
    assert lazy.collect().equals(cv.score_rfm(customers, inside))


def test_a_newcomer_to_an_empty_cell_is_scored_as_if_alone() -> None:
    few = frame([Customer(1, 1, 100), Customer(1, 1, 200), Customer(9, 1, 300)])
    scale = cv.fit_rfm(few, options=nested((2, 2, 2)))
    scored = cv.score_rfm(frame([Customer(1, 6, 5000)]), scale)
    assert scored.select(SCORES).row(0) == (2, 2, 2)
    nobody = few.head(1).with_columns(recency_days=pl.lit(None, pl.Int64), purchases=pl.lit(0))
    assert cv.score_rfm(nobody, scale).select(SCORES).row(0) == (None, None, None)


def test_scales_that_do_not_fit_together_are_refused() -> None:
    customers = [Customer(k % 40, 1 + k % 6, 100 * k) for k in range(60)]
    nested = cv.fit_rfm(frame(customers), options=cv.RfmOptions(method="nested"))
    plain = cv.fit_rfm(frame(customers))
    tables = nested.monetary.within
    cases = [
        (nested, "monetary", {"within": tables[:1]}, "within must have the edges of each cell"),
        (nested, "frequency", {"within": ()}, "within must have the edges of each cell"),
        (plain, "frequency", {"within": tables[:5]}, "within must have the edges of each cell"),
        (plain, "recency", {"column": "t_x"}, "recency must be of recency_days"),
    ]
    for scale, name, change, says in cases:
        words = scale.model_dump()
        words[name] |= change
        with pytest.raises(ValidationError, match=says):
            cv.rfm.RfmScale.model_validate(words)


@pytest.mark.parametrize("method", ["quantile", "nested"])
def test_one_bin_of_many_customers(method: Literal["quantile", "nested"]) -> None:
    n = 2 * 131_072 + 1
    draws = np.random.default_rng(0)
    columns = {"recency_days": draws.integers(0, 9000, n), "purchases": draws.integers(1, 9, n)}
    many = pl.DataFrame(columns | {"revenue": draws.random(n)})
    words = {"method": method, "recency_bins": 1, "monetary_bins": 1}
    scale = cv.fit_rfm(many, options=cv.RfmOptions.model_validate(words))
    assert scale.monetary.counts == scale.recency.counts == (n,)
    assert scale.monetary.edges == ()
