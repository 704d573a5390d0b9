from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from golden import golden

GOLDEN = golden("value_components")
ONE = {"clv": [500.0], "revenue": [20.0], "wallet": [100.0]}


def one(options: cv.equity.PotentialOptions | None = None, **columns: Any) -> dict[str, Any]:
    customers = pl.DataFrame(ONE | columns)
    return cv.equity.potential_value(customers, wallet="wallet", margin=0.5, options=options).row(
        0, named=True
    )


def test_the_headroom_of_the_worked_example() -> None:
    example = GOLDEN["headroom"]
    customers = pl.DataFrame(
        {"clv": [0.0, 0.0], "wallet": example["wallet"], "revenue": example["revenue"]}
    )
    options = cv.equity.PotentialOptions(attainable_share=example["attainable_share"])
    result = cv.equity.potential_value(
        customers, wallet="wallet", margin=example["margin"], options=options
    )
    assert result["headroom"].to_list() == example["headroom"]
    assert result["headroom_value"].to_list() == pytest.approx([12000 / 1.1, 0.0])
    assert result["wallet_share"].to_list() == [0.2, 0.9]


def test_a_yearly_margin_over_the_years_of_the_relation() -> None:
    example = GOLDEN["annuity"]
    terms = {name: example[name] for name in ("retention", "discount_rate", "years")}
    row = one(cv.equity.PotentialOptions(**terms), wallet=[2020.0])
    assert row["headroom"] == example["yearly"]
    assert row["headroom_value"] == pytest.approx(example["value"], abs=0.005)


@given(
    years=st.integers(1, 12),
    ramp=st.integers(1, 5),
    retention=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
    rate=st.sampled_from([0.0, 0.1, 1.0]),
)
@settings(deadline=None, max_examples=40)
def test_the_years_are_summed_one_by_one(
    years: int, ramp: int, retention: float, rate: float
) -> None:
    options = cv.equity.PotentialOptions(
        years=years, ramp_years=ramp, retention="kept", discount_rate=rate, realisation=0.25
    )
    row = one(options, kept=[retention])
    factor = sum(min(k / ramp, 1) * retention**k / (1 + rate) ** k for k in range(1, years + 1))
    assert row["headroom"] == 0.25 * 0.5 * 80
    assert row["headroom_value"] == pytest.approx(10 * factor, rel=1e-12)
    assert row["potential_value"] == pytest.approx(500 + 10 * factor, rel=1e-12)


def test_a_hundred_years() -> None:
    row = one(cv.equity.PotentialOptions(years=100, ramp_years=100, discount_rate=0.0))
    assert row["headroom_value"] == pytest.approx(40 * 50.5)


def test_a_wallet_smaller_than_the_revenue_is_flagged() -> None:
    row = one(wallet=[10.0])
    assert (row["wallet_share"], row["wallet_exceeded"], row["headroom"]) == (1.0, True, 0.0)
    row = one(revenue=[-5.0])
    assert (row["wallet_share"], row["wallet_exceeded"]) == (0.0, False)
    assert one(wallet=[0.0])["wallet_share"] is None


def test_an_unknown_wallet() -> None:
    unknown: dict[str, Any] = {"wallet": pl.Series([None], dtype=pl.Float64)}
    row = one(**unknown)
    assert row["headroom"] is row["headroom_value"] is row["wallet_share"] is None
    assert row["potential_value"] == 500.0
    row = one(cv.equity.PotentialOptions(unknown_wallet="null"), **unknown)
    assert row["potential_value"] is None
    assert one(clv=pl.Series([None], dtype=pl.Float64))["potential_value"] is None


def test_without_a_wallet_it_is_the_residual_value() -> None:
    result = cv.equity.potential_value(pl.DataFrame({"dert": [3, None]}).lazy(), residual="dert")
    assert result.collect()["potential_value"].to_list() == [3.0, None]


def test_terms_from_columns_and_lazily() -> None:
    customers = pl.DataFrame(ONE | {"m": [0.5], "s": [0.6], "p": [0.5], "r": [1.0]})
    options = cv.equity.PotentialOptions(
        attainable_share="s", realisation="p", retention="r", discount_rate=0.0
    )
    eager = cv.equity.potential_value(customers, wallet="wallet", margin="m", options=options)
    assert eager["headroom"].to_list() == [10.0]
    lazy = cv.equity.potential_value(customers.lazy(), wallet="wallet", margin="m", options=options)
    assert lazy.collect().equals(eager)


def test_bad_input_is_refused() -> None:
    with pytest.raises(cv.OptionError, match="potential_value: margin"):
        cv.equity.potential_value(pl.DataFrame(ONE), wallet="wallet")
    with pytest.raises(cv.OptionError, match="potential_value: margin"):
        cv.equity.potential_value(pl.DataFrame(ONE), wallet="wallet", margin=30)
    with pytest.raises(ValidationError, match="attainable_share"):
        cv.equity.PotentialOptions(attainable_share=60)
    message = "values below zero in 'wallet' .*; 1 row with values not within 0 to 1 in 's'"
    with pytest.raises(cv.DataError, match=message):
        one(cv.equity.PotentialOptions(attainable_share="s"), wallet=[-1.0], s=[2.0])
