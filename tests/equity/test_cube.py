from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from pydantic import ValidationError

import customer_value as cv

AXES = ("existing", "potential", "influence")
ALL = list(product([0.0, 10.0], repeat=3))
CORNERS = pl.DataFrame(ALL, schema=[f"{axis}_value" for axis in AXES], orient="row")
HALF = cv.equity.CubeOptions(method="absolute", existing=5, potential=5, influence=5)


def test_the_eight_cells_have_eight_actions() -> None:
    cube = cv.equity.value_cube(CORNERS, options=HALF)
    names = {0.0: "low", 10.0: "high"}
    assert cube["cube_cell"].to_list() == ["_".join(names[v] for v in row) for row in ALL]
    assert cube["cube_action"].n_unique() == 8
    assert cube["cube_action"].null_count() == 0
    for axis in AXES:
        assert cube[f"{axis}_level"].to_list() == [
            names[value] for value in CORNERS[f"{axis}_value"]
        ]
    assert cv.equity.value_cube(CORNERS.lazy(), options=HALF).collect().equals(cube)


def test_a_value_at_the_cut_is_low_and_equal_customers_stay_together() -> None:
    equal = pl.DataFrame({name: [7.0] * 3 for name in CORNERS.columns})
    assert cv.equity.value_cube(equal)["cube_cell"].unique().to_list() == ["low_low_low"]
    options = HALF.model_copy(update={"existing": 7.0, "potential": 6.9})
    assert cv.equity.value_cube(equal, options=options)["cube_cell"][0] == "low_high_high"


def test_who_refers_at_all_is_high_where_most_do_not() -> None:
    customers = pl.DataFrame(
        {
            "existing_value": [1.0] * 5,
            "potential_value": [1.0] * 5,
            "influence_value": [0, 0, 0, 0, 1],
        }
    )
    assert cv.equity.value_cube(customers)["influence_level"].to_list() == ["low"] * 4 + ["high"]


def test_an_unknown_value_has_no_cell_and_moves_no_cut() -> None:
    gap = CORNERS.with_columns(existing_value=pl.when(pl.int_range(8) > 0).then("existing_value"))
    cube = cv.equity.value_cube(gap, options=HALF)
    assert cube.row(0)[3:] == (None, "low", "low", None, None)
    known = cv.equity.value_cube(gap.slice(1))
    assert (
        cv.equity.value_cube(gap)["existing_level"].to_list()[1:]
        == known["existing_level"].to_list()
    )


def test_one_customer_none_and_bad_ones() -> None:
    assert cv.equity.value_cube(CORNERS.head(1))["cube_cell"].to_list() == ["low_low_low"]
    assert cv.equity.value_cube(CORNERS.clear())["cube_cell"].dtype == pl.String
    with pytest.raises(cv.DataError, match="NaN or infinite values in 'influence_value'"):
        cv.equity.value_cube(CORNERS.with_columns(influence_value=pl.lit(float("nan"))))
    with pytest.raises(
        ValidationError, match="cuts must be shares between 0 and 1, got potential 5"
    ):
        cv.equity.CubeOptions(potential=5)


def test_the_four_segments_by_referrals() -> None:
    customers = pl.DataFrame(
        {"clv": [9.0, 8.0, 1.0, 0.0, None], "influence_value": [7.0, 0.0, 8.0, 0.0, 1.0]}
    )
    segments = ["champion", "affluent", "advocate", "miser", None]
    assert cv.equity.referral_segments(customers)["referral_segment"].to_list() == segments
    lazy = cv.equity.referral_segments(customers.lazy()).collect()
    assert lazy["referral_segment"].to_list() == segments
    with pytest.raises(cv.OptionError, match="cut"):
        cv.equity.referral_segments(customers, cut=1)
