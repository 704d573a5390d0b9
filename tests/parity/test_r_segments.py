"""Segments and heat map of the R package rfm 0.3.0 on its own order data, customer by customer."""

from __future__ import annotations

import polars as pl
import pytest

import customer_value as cv
from customer_value.rfm import RFM_GRID_25, RFM_R_PACKAGE, check_rules, rfm_grid
from parity.shared_data import order_customers, read
from parity.test_r_rfm import fit_as_r

# The second table that the package itself tests with: ranges of recency, frequency and money.
TESTS_OF_R = cv.rfm.RfmRules(
    name="tests of the R package rfm",
    version="0.3.0",
    segments=tuple(
        cv.rfm.RfmSegment(name=name, recency=r, frequency=f, monetary=m)
        for name, r, f, m in (
            ("champions", (4, 5), (4, 5), (4, 5)),
            ("loyal_customers", (2, 5), (3, 5), (3, 5)),
            ("potential_loyalist", (3, 5), (1, 3), (1, 3)),
            ("new_customers", (4, 5), (1, 1), (1, 1)),
            ("promising", (3, 4), (1, 1), (1, 1)),
            ("need_attention", (2, 3), (2, 3), (2, 3)),
            ("about_to_sleep", (2, 3), (1, 2), (1, 2)),
            ("at_risk", (1, 2), (2, 5), (2, 5)),
            ("cant_lose_them", (1, 1), (4, 5), (4, 5)),
            ("lost", (1, 2), (1, 2), (1, 2)),
        )
    ),
    fallback="others",
)
OF_R = [
    pytest.param(RFM_R_PACKAGE, "readme", id="readme"),
    pytest.param(TESTS_OF_R, "tests", id="tests"),
]


def named_as_here(segment: str) -> str:
    return segment.lower().replace(" ", "_").replace("'", "")


def scored_as_r() -> pl.DataFrame:
    customers = order_customers()
    return cv.score_rfm(customers, fit_as_r(customers, 5))


@pytest.mark.parametrize(("rules", "table"), OF_R)
def test_rules(rules: cv.rfm.RfmRules, table: str) -> None:
    of_r = read(f"rules_{table}.csv").sort("order").drop("order")
    ours = [
        (s.name, *(s.recency or ()), *(s.frequency or ()), *(s.monetary or ()))
        for s in rules.segments
    ]
    assert ours == [(named_as_here(name), *scores) for name, *scores in of_r.iter_rows()]


@pytest.mark.parametrize(("rules", "table"), OF_R)
def test_segment_of_every_customer(rules: cv.rfm.RfmRules, table: str) -> None:
    of_r = read(f"orders_q5_segments_{table}.csv")
    both = cv.segment_rfm(scored_as_r(), rules=rules).join(
        of_r, on="customer_id", how="full", suffix="_of_r", validate="1:1"
    )
    assert both.height == 995
    assert both["rfm_cell"].to_list() == both["rfm_score"].cast(pl.String).to_list()
    assert both["segment"].to_list() == [named_as_here(name) for name in both["segment_of_r"]]


def test_published_summary_of_segments() -> None:
    of_r = read("orders_q5_segment_summary_readme.csv")
    segmented = cv.segment_rfm(scored_as_r(), rules=RFM_R_PACKAGE)
    columns = ["customers", "revenue", "med_recency", "med_frequency", "med_monetary"]
    ours = cv.profile_segments(segmented, rules=RFM_R_PACKAGE).rename(
        {
            "recency_days_median": "med_recency",
            "purchases_median": "med_frequency",
            "value_median": "med_monetary",
            "value_total": "revenue",
        }
    )
    mine = {
        name: tuple(map(float, rest)) for name, *rest in ours.select("segment", *columns).rows()
    }
    assert mine == {
        named_as_here(name): tuple(map(float, rest))
        for name, *rest in of_r.select("segment", *columns).rows()
    }
    orders = dict(segmented.group_by("segment").agg(pl.col("purchases").sum()).iter_rows())
    assert orders == {named_as_here(n): k for n, k in of_r.select("segment", "orders").iter_rows()}


def test_published_champions_of_the_second_table() -> None:
    segmented = cv.segment_rfm(scored_as_r(), rules=TESTS_OF_R)
    champions = segmented.filter(pl.col("segment") == "champions")
    assert champions.height == 158
    assert champions["purchases"].sum() == 1234
    assert champions["revenue"].sum() == 120_178


def test_what_the_second_table_covers() -> None:
    coverage = check_rules(TESTS_OF_R)
    assert len(coverage.uncovered) == 36
    assert len(coverage.overlapping) == 39
    assert coverage.unreachable == ("new_customers", "promising", "cant_lose_them")


def test_heat_map() -> None:
    of_r = read("orders_q5_heatmap.csv")
    grid = rfm_grid(scored_as_r())
    means = {(r, f): mean for r, f, mean in grid.select("r_score", "f_score", "mean_value").rows()}
    theirs = {
        (r, f): mean
        for f, r, mean in of_r.select("frequency_score", "recency_score", "monetary").rows()
    }
    assert means == pytest.approx(theirs, rel=1e-13)
    assert round(sum(means.values())) == 12_634
    assert grid["customers"].sum() == 995
    assert grid["total_value"].sum() == 464_158


def test_the_grid_of_25_cells() -> None:
    for r, f, segment in read("segments_25_rf_grid.csv").iter_rows():
        cells = pl.DataFrame({"rfm_cell": [f"{r}{f}{m}" for m in range(1, 6)]})
        assert cv.segment_rfm(cells, rules=RFM_GRID_25)["segment"].to_list() == [segment] * 5
