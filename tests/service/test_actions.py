from __future__ import annotations

import polars as pl
import pytest

import customer_value as cv


def test_the_four_quadrants() -> None:
    customers = pl.DataFrame(
        {
            "service": [9.0, 9.0, 1.0, 1.0, None, 5.0],
            "trend": [0.1, 0.0, 0.1, -0.1, 0.3, None],
        }
    )
    quadrants = ["invest", "reduce_service_cost", "develop", "maintain", None, None]
    result = cv.service.cost_growth_quadrant(customers)
    assert result["cost_growth_quadrant"].to_list() == quadrants
    assert cv.service.cost_growth_quadrant(customers.lazy()).collect().equals(result)
    demanding = cv.service.cost_growth_quadrant(customers, min_growth=0.1)["cost_growth_quadrant"]
    assert demanding.to_list()[:4] == ["reduce_service_cost"] * 2 + ["maintain"] * 2


def test_equal_costs_are_not_high() -> None:
    equal = pl.DataFrame({"service": [5.0] * 4, "trend": [1.0] * 4})
    result = cv.service.cost_growth_quadrant(equal)["cost_growth_quadrant"]
    assert result.to_list() == ["develop"] * 4
    with pytest.raises(cv.OptionError, match="cost_cut"):
        cv.service.cost_growth_quadrant(equal, cost_cut=1)
    with pytest.raises(cv.DataError, match="below zero in 'service'"):
        cv.service.cost_growth_quadrant(equal.with_columns(service=-1))


def test_automation() -> None:
    customers = pl.DataFrame(
        {
            "contacts": [40, 2, 50, None, 41],
            "clv": [10.0, 20.0, 900.0, 5.0, None],
            "phone": [6.0, 6.0, 6.0, 6.0, 8.0],
            "share": [0.5, 0.5, 0.25, 0.5, 1.0],
        }
    )
    result = cv.service.automation_candidates(
        customers, assisted_cost="phone", self_cost=1.0, deflection="share", contact_cut=0.3
    )
    assert result["automation_candidate"].to_list() == [True, False, False, None, None]
    assert result["automation_saving"].to_list() == [100.0, 5.0, 62.5, None, 287.0]
    lazy = cv.service.automation_candidates(
        customers.lazy(), assisted_cost="phone", self_cost=1.0, deflection="share", contact_cut=0.3
    )
    assert lazy.collect().equals(result)


def test_self_service_that_costs_more_saves_less_than_nothing() -> None:
    customers = pl.DataFrame({"contacts": [10, 20], "clv": [1.0, 1.0]})
    result = cv.service.automation_candidates(
        customers, assisted_cost=1.0, self_cost=2.0, deflection=1.0
    )
    assert result["automation_saving"].to_list() == [-10.0, -20.0]


def test_bad_automation_is_refused() -> None:
    customers = pl.DataFrame({"contacts": [-1], "clv": [1.0], "share": [1.2]})
    with pytest.raises(cv.OptionError, match="deflection"):
        cv.service.automation_candidates(customers, assisted_cost=1, self_cost=0, deflection=50)
    message = "below zero in 'contacts' .*; 1 row with values not within 0 to 1 in 'share'"
    with pytest.raises(cv.DataError, match=message):
        cv.service.automation_candidates(
            customers, assisted_cost=1, self_cost=0, deflection="share"
        )


def test_cuts_of_another_column_are_refused() -> None:
    shop = pl.DataFrame({"service": [1.0, 9.0], "cogs": [5.0, 2.0], "trend": [0.1, -0.1]})
    model = cv.service.fit_cost_growth_quadrant(shop, cost="cogs")
    with pytest.raises(cv.OptionError, match="cost is learnt from 'cogs', not 'service'"):
        cv.service.cost_growth_quadrant(shop, model)
    found = cv.service.cost_growth_quadrant(shop, model, cost="cogs")
    assert found.equals(cv.service.cost_growth_quadrant(shop, cost="cogs"))
    crowd = pl.DataFrame({"contacts": [40, 2], "clv": [10.0, 20.0], "worth": [1.0, 2.0]})
    cuts = cv.service.fit_automation_candidates(crowd)
    with pytest.raises(cv.OptionError, match="value is learnt from 'clv', not 'worth'"):
        cv.service.automation_candidates(
            crowd, cuts, assisted_cost=6.0, self_cost=0.5, value="worth"
        )
