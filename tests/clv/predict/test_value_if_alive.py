from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv

TERMS: dict[str, Any] = {"margin": 0.3, "horizon": "1y"}


@pytest.mark.parametrize("fit", [cv.fit_bg_nbd, cv.fit_mbg_nbd, cv.fit_pareto_nbd, cv.fit_nbd])
def test_value_is_that_of_the_living_times_the_chance_to_live(
    cdnow: pl.DataFrame, gg: cv.GammaGamma, fit: Any
) -> None:
    valued = cv.customer_lifetime_value(cdnow, purchases=fit(cdnow), spend=gg, **TERMS)
    again = (valued["p_alive"] * valued["clv_if_alive"]).alias("clv")
    pl.testing.assert_series_equal(again, valued["clv"], rel_tol=1e-14)
    assert (valued["clv_if_alive"] >= valued["clv"]).all()


def test_it_is_what_the_same_rates_are_worth_to_the_living(gg: cv.GammaGamma) -> None:
    """Given alive, a Pareto/NBD customer's silence says only how long nothing came."""
    model = cv.ParetoNbd(r=0.5, alpha=10.0, s=0.6, beta=12.0)
    frame = pl.DataFrame(
        {
            "repeat_purchases": [3, 3, 3],
            "t_x": [10.0, 100.0, 300.0],
            "T": [300.0, 300.0, 300.0],
            "repeat_spend": [20.0, 20.0, 20.0],
        }
    )
    valued = cv.customer_lifetime_value(frame, purchases=model, spend=gg, **TERMS)
    assert valued["clv"].is_sorted()
    one, two, three = valued["clv_if_alive"]
    assert one == pytest.approx(three, rel=1e-12)
    assert two == pytest.approx(three, rel=1e-12)


def test_unknown_is_null_and_lazy_is_eager(gg: cv.GammaGamma) -> None:
    model = cv.BgNbd(r=0.5, alpha=1.0, a=0.8, b=2.0)
    frame = pl.DataFrame(
        {
            "repeat_purchases": [None, 2, 5000],
            "t_x": [None, 20.0, 1.0],
            "T": [None, 30.0, 1e5],
            "repeat_spend": [None, 20.0, 20.0],
        }
    )
    valued = cv.customer_lifetime_value(frame, purchases=model, spend=gg, **TERMS)
    assert valued["p_alive"][2] < 1e-290
    assert valued["clv_if_alive"].is_null().to_list() == [True, False, True]
    assert valued["clv"].is_null().to_list() == [True, False, False]
    lazy: Any = cv.customer_lifetime_value(frame.lazy(), purchases=model, spend=gg, **TERMS)
    assert_frame_equal(lazy.collect(), valued, check_exact=True)
    nothing = cv.customer_lifetime_value(
        frame, purchases=model, spend=gg, **(TERMS | {"margin": 0.0})
    )
    assert nothing["clv_if_alive"].to_list() == [None, 0.0, None]
