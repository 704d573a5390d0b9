from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import minimize

import customer_value as cv
from golden import golden

EXAMPLE = golden("allocation")["blattberg_deighton"]
ACQUIRE = cv.allocation.ResponseCurve(**EXAMPLE["acquisition"])
RETAIN = cv.allocation.ResponseCurve(**EXAMPLE["retention"])
TERMS = {"profit_per_period": EXAMPLE["margin"], "discount_rate": EXAMPLE["discount_rate"]}

curves = st.builds(
    lambda ceiling, spend, part: cv.allocation.ResponseCurve(
        ceiling=ceiling, spend=spend, rate=ceiling * part
    ),
    ceiling=st.floats(0.01, 1.0),
    spend=st.floats(0.1, 1000),
    part=st.floats(0.01, 0.99),
)


def test_today() -> None:
    assert round(ACQUIRE.steepness, 6) == EXAMPLE["k_acquisition"]
    assert round(RETAIN.steepness, 6) == EXAMPLE["k_retention"]
    assert ACQUIRE.rate_at(1.0) == pytest.approx(0.04, rel=1e-15)
    today = cv.allocation.acquisition_retention_value(ACQUIRE, RETAIN, **TERMS)
    assert today.customer_value == pytest.approx(EXAMPLE["today"]["customer_value"], rel=1e-14)
    assert today.equity_per_prospect == pytest.approx(EXAMPLE["today"]["equity_per_prospect"])


def test_the_optimum_of_the_example() -> None:
    best = cv.allocation.balance_acquisition_retention(ACQUIRE, RETAIN, **TERMS).model_dump()
    for name, value in EXAMPLE["optimum"].items():
        assert best[name] == pytest.approx(value, rel=7e-6), name


@given(curves, curves, st.floats(0.5, 5000), st.sampled_from([0.01, 0.1, 0.5, 1.0]))
@settings(deadline=None, max_examples=60)
def test_at_the_optimum_marginal_costs_and_value_are_equal(
    acquire: cv.allocation.ResponseCurve,
    retain: cv.allocation.ResponseCurve,
    margin: float,
    rate: float,
) -> None:
    best = cv.allocation.balance_acquisition_retention(
        acquire, retain, profit_per_period=margin, discount_rate=rate
    )
    worth = best.customer_value
    for spend, cost in (
        (best.acquisition_spend, best.marginal_acquisition_cost),
        (best.retention_spend, best.marginal_retention_cost),
    ):
        if spend > 0:
            assert cost == pytest.approx(worth, rel=1e-7)
        else:
            assert cost >= worth * (1 - 1e-9)
    assert best.equity_per_prospect >= -1e-9 * worth
    for by_a, by_r in ((0.99, 1), (1.01, 1), (1, 0.99), (1, 1.01), (0, 0), (2, 2)):
        other = cv.allocation.acquisition_retention_value(
            acquire,
            retain,
            profit_per_period=margin,
            discount_rate=rate,
            acquisition_spend=by_a * best.acquisition_spend,
            retention_spend=by_r * best.retention_spend,
        )
        slack = 1e-9 * (worth + best.acquisition_spend)
        assert other.equity_per_prospect <= best.equity_per_prospect + slack


def test_a_general_optimiser_finds_the_same() -> None:
    def loss(x: Any) -> float:
        return -cv.allocation.acquisition_retention_value(
            ACQUIRE, RETAIN, **TERMS, acquisition_spend=abs(x[0]), retention_spend=abs(x[1])
        ).equity_per_prospect

    found = minimize(
        loss, [1.0, 8.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}
    )
    best = cv.allocation.balance_acquisition_retention(ACQUIRE, RETAIN, **TERMS)
    assert found.x == pytest.approx([best.acquisition_spend, best.retention_spend], rel=1e-5)


def test_customers_who_bring_nothing_are_not_bought() -> None:
    for margin in (-5.0, 0.0, 0.001):
        best = cv.allocation.balance_acquisition_retention(
            ACQUIRE, RETAIN, profit_per_period=margin
        )
        assert (best.acquisition_spend, best.retention_spend) == (0.0, 0.0)
        assert best.customer_value == margin
        assert best.equity_per_prospect == 0.0


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"the rate 0\.8 must be below the ceiling 0\.8"):
        cv.allocation.ResponseCurve(ceiling=0.8, spend=1, rate=0.8)
    with pytest.raises(ValidationError, match="ceiling"):
        cv.allocation.ResponseCurve(ceiling=80, spend=1, rate=60)
    with pytest.raises(cv.OptionError, match="acquisition_retention: discount_rate"):
        cv.allocation.balance_acquisition_retention(
            ACQUIRE, RETAIN, profit_per_period=50, discount_rate=10
        )
