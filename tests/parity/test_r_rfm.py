"""The R package rfm 0.3.0 on its own order data, customer by customer."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import customer_value as cv
from parity.shared_data import R_DAY, order_customers, read

SCORES = {"r_score": "recency_score", "f_score": "frequency_score", "m_score": "monetary_score"}
METRICS = {"recency_days": "recency_days", "purchases": "transaction_count", "revenue": "amount"}


def fit(customers: pl.DataFrame, bins: int, **words: Any) -> cv.rfm.RfmScale:
    options = cv.RfmOptions(recency_bins=bins, frequency_bins=bins, monetary_bins=bins, **words)
    return cv.fit_rfm(customers, options=options)


def fit_as_r(customers: pl.DataFrame, bins: int) -> cv.rfm.RfmScale:
    return fit(customers, bins, convention="r_package")


def beside_r(scored: pl.DataFrame, bins: int) -> pl.DataFrame:
    return scored.join(
        read(f"orders_q{bins}_table.csv"),
        on="customer_id",
        how="full",
        suffix="_of_r",
        validate="1:1",
    )


def test_every_order_is_counted() -> None:
    customers = order_customers()
    assert (customers.height, customers["purchases"].sum()) == (995, 4906)
    assert customers["revenue"].sum() == 464_158


def test_recency_count_and_amount_of_every_customer() -> None:
    both = beside_r(order_customers(), 5)
    assert both.height == 995
    for ours, theirs in METRICS.items():
        name = f"{theirs}_of_r" if f"{theirs}_of_r" in both.columns else theirs
        assert both[ours].cast(pl.Float64).equals(both[name].cast(pl.Float64)), ours


def test_counting_days_merges_orders_of_eleven_customers() -> None:
    columns = cv.Columns(customer="customer_id", time="order_date", amount="revenue")
    days = cv.summarize(cv.read_transactions(read("rfm_orders.csv"), columns=columns), as_of=R_DAY)
    both = beside_r(days, 5)
    assert (both["purchases"] != both["transaction_count"]).sum() == 11
    assert (both["orders"] != both["transaction_count"]).sum() == 0


@pytest.mark.parametrize("bins", [3, 5, 10])
def test_every_score_of_every_customer(bins: int) -> None:
    customers = order_customers()
    both = beside_r(cv.score_rfm(customers, fit_as_r(customers, bins)), bins)
    assert both.height == 995
    for ours, theirs in SCORES.items():
        assert both[ours].cast(pl.Int64).equals(both[theirs]), ours


@pytest.mark.parametrize(
    ("bins", "apart"),
    [
        (3, {"recency_days": [379, 379, 379], "purchases": [], "revenue": []}),
        (5, {"recency_days": [297], "purchases": [], "revenue": [255, 506]}),
        (
            10,
            {"recency_days": [72, 72, 297, 408], "purchases": [], "revenue": [255, 319, 319, 506]},
        ),
    ],
)
def test_our_own_rule_parts_only_less_than_one_above_a_fractional_cut(
    bins: int, apart: dict[str, list[int]]
) -> None:
    customers = order_customers()
    scale = fit(customers, bins)
    both = beside_r(cv.score_rfm(customers, scale), bins)
    for dimension, (ours, theirs) in zip(scale.dimensions, SCORES.items(), strict=True):
        values = both.filter(pl.col(ours) != pl.col(theirs))[dimension.column].sort().to_list()
        assert values == apart[dimension.column]
        for value in values:
            assert any(0 < value - edge < 1 for edge in dimension.edges)


def test_thresholds() -> None:
    scale, of_r = fit_as_r(order_customers(), 5), read("orders_q5_thresholds.csv")
    for dimension, name in zip(scale.dimensions, ("recency", "frequency", "monetary"), strict=True):
        edges = pytest.approx(dimension.edges, rel=1e-15)
        assert of_r[f"{name}_lower"][1:].to_list() == edges
        assert of_r[f"{name}_upper"][:-1].to_list() == edges
        assert dimension.lowest == of_r[f"{name}_lower"][0]
        assert dimension.highest == of_r[f"{name}_upper"][-1] - 1


def test_published_numbers_of_customers_by_score() -> None:
    customers = order_customers()
    scored = cv.score_rfm(customers, fit_as_r(customers, 5))
    counts = {
        name: [(scored[name] == k).sum() for k in range(1, 6)]
        for name in ("r_score", "f_score", "m_score")
    }
    assert counts == {
        "r_score": [197, 200, 199, 199, 200],
        "f_score": [268, 187, 176, 244, 120],
        "m_score": [200, 200, 198, 202, 195],
    }


def test_published_rows() -> None:
    customers = order_customers()
    scored = cv.score_rfm(customers, fit_as_r(customers, 5))
    cells = dict(scored.select("customer_id", "rfm_cell").iter_rows())
    published = {
        "Abbey O'Reilly": "343",
        "Add Senger": "412",
        "Aden Lesch": "323",
        "Aden Murphy": "544",
        "Admiral Senger": "433",
        "Agness O'Keefe": "555",
        "Aileen Barton": "555",
        "Ailene Hermann": "355",
        "Aiyanna Bruen": "321",
        "Akeelah Walsh": "445",
    }
    assert {name: cells[name] for name in published} == published


def test_ten_bins_leave_two_frequency_scores_empty_and_say_so() -> None:
    scale = fit(order_customers(), 10)
    empty = [k for k, count in enumerate(scale.frequency.counts, 1) if count == 0]
    assert empty == [4, 6]
    assert scale.warnings == (
        "frequency: only 8 of 10 scores occur, since equal values score alike",
    )


def test_the_list_of_125_cells() -> None:
    listed = read("segments_125_score_table.csv")
    shorter = {"Lost Customers": "lost", "Hibernating Customers": "hibernating"}
    theirs = {
        str(cell): shorter.get(segment, segment.lower().replace(" ", "_"))
        for segment, cell in listed.iter_rows()
    }
    ours = {cell: segment.name for segment in cv.RFM_LIST_125.segments for cell in segment.cells}
    assert len(theirs) == 125
    assert ours == theirs


def test_custom_breaks() -> None:
    options = cv.RfmOptions(
        method="breaks",
        convention="r_package",
        recency_breaks=(115, 181, 297, 482),
        frequency_breaks=(4, 5, 6, 8),
        monetary_breaks=(256, 382, 506, 666),
    )
    customers = order_customers()
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=options))
    theirs = read("orders_custom_table.csv")
    both = scored.join(theirs, on="customer_id", how="full", suffix="_of_r", validate="1:1")
    assert both.height == 995
    for ours, score in SCORES.items():
        assert both[ours].cast(pl.Int64).equals(both[score].cast(pl.Int64)), ours


def test_bins_of_mtcars() -> None:
    """The package's own example of `bins(mtcars$mpg, 5)`: quantiles plus one."""
    mpg = [21.0, 21.0, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2]
    mpg += [10.4, 10.4, 14.7, 32.4, 30.4, 33.9, 21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26.0, 30.4]
    mpg += [15.8, 19.7, 15.0, 21.4]
    cars = pl.DataFrame({"recency_days": 1, "purchases": 1, "revenue": mpg})
    assert fit_as_r(cars, 5).monetary.edges == pytest.approx((16.20, 18.92, 22.00, 25.08))
