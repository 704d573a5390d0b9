from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import customer_value as cv

NAMES = ["nbd", "bg_nbd", "mbg_nbd", "pareto_nbd"]
ALONE = ["holdout_purchases", "holdout_revenue", "holdout_days"]


@pytest.fixture(scope="module")
def compared(cdnow: pl.DataFrame) -> cv.clv.ModelComparison:
    return cv.compare_models(cdnow)


def test_published_likelihoods_and_criteria(compared: cv.clv.ModelComparison) -> None:
    """CDNOW to 1997-09-30; CLVTools 0.12.1, BTYDplus, and its AIC and BIC."""
    table = compared.table.head(4)
    assert table["model"].to_list() == NAMES == list(compared.models)
    assert table["log_likelihood"].to_list() == pytest.approx(
        [-9763.6576, -9582.4292, -9582.1357, -9594.9762], abs=1e-3
    )
    criteria = table.filter(pl.col("model").is_in(["bg_nbd", "pareto_nbd"]))
    assert criteria["aic"].to_list() == pytest.approx([19172.858, 19197.952], abs=2e-3)
    assert criteria["bic"].to_list() == pytest.approx([19195.919, 19221.013], abs=2e-3)
    assert table["parameters"].to_list() == [2, 4, 4, 4]
    assert set(table["status"]) == {"converged"}
    assert compared.customers == 2357


def test_holdout_errors_are_those_of_the_report(
    cdnow: pl.DataFrame, compared: cv.clv.ModelComparison
) -> None:
    measures = ["expected", "actual", "bias", "mae", "rmse", "gini"]
    for name, model in compared.models.items():
        report = cv.evaluate_holdout(cdnow, model)
        own = compared.table.filter(pl.col("model") == name).select(measures)
        assert_frame_equal(own, report.errors.head(1).select(measures))
    naive = cv.evaluate_holdout(cdnow, compared.models["nbd"]).errors[1:]
    assert_frame_equal(compared.table[4:].select(measures), naive.select(measures))
    assert compared.table["model"][4:].to_list() == ["own_rate", "everyone_average"]
    assert compared.table["aic"][4:].to_list() == [None, None]


def test_advice_by_the_holdout(compared: cv.clv.ModelComparison) -> None:
    assert compared.best == "pareto_nbd"
    assert compared.advice == (
        "take pareto_nbd: the smallest error in the holdout (RMSE 1.603 against 2.104 of "
        "everyone_average and MAE 0.7545 against 1.024 of own_rate); mbg_nbd explains the "
        "calibration period best"
    )
    assert str(compared).startswith(compared.advice)


def test_advice_without_a_holdout(cdnow: pl.DataFrame) -> None:
    alone = cdnow.drop(ALONE)
    found = cv.compare_models(alone)
    assert "rmse" not in found.table.columns
    assert found.best == "mbg_nbd"
    assert found.advice.startswith("take mbg_nbd: the smallest AIC (19,172.3), as good as bg_nbd")
    bg = cv.compare_models(alone, ["nbd", "bg_nbd"])
    assert bg.advice == (
        "take bg_nbd: the smallest AIC (19,172.9); it takes the 60 % without a repeat purchase for "
        "alive: read p_alive from mbg_nbd or pareto_nbd"
    )


def test_advice_against_all_models() -> None:
    x = [k % 6 for k in range(120)]
    steady = pl.DataFrame(
        {
            "repeat_purchases": x,
            "t_x": [90.0 if k else 0.0 for k in x],
            "T": [100.0] * 120,
            "holdout_purchases": x,
            "holdout_days": [100.0] * 120,
        }
    )
    found = cv.compare_models(steady, ["nbd", "mbg_nbd"])
    assert found.advice.startswith("take none of them: even ")
    assert "loses to a forecast without a model (RMSE" in found.advice


def test_likelihoods_of_all_units_compare(cdnow: pl.DataFrame) -> None:
    weekly, daily = cv.fit_bg_nbd(cdnow), cv.fit_bg_nbd(cdnow, time_unit="day")
    found = cv.compare_models(cdnow, {"by week": weekly, "by day": daily})
    first, second = found.table["log_likelihood"][:2]
    assert first == pytest.approx(second, abs=1e-6)
    assert found.table["aic"][0] == pytest.approx(found.table["aic"][1], abs=1e-6)
    in_days = cv.compare_models(cdnow, [weekly], time_unit="day").table
    assert daily.fit is not None
    assert in_days["log_likelihood"][0] == pytest.approx(daily.fit.log_likelihood, abs=1e-6)


def test_models_of_others_have_no_criteria(cdnow: pl.DataFrame) -> None:
    published = cv.BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
    other = cv.fit_bg_nbd(cdnow.filter(pl.col("repeat_purchases") < 10))
    found = cv.compare_models(cdnow.drop(ALONE), {"published": published, "other": other})
    assert found.table["aic"].to_list() == [None, None]
    assert found.table["status"].to_list() == [None, None]
    total = cv.clv.log_likelihood(cdnow, published)["log_likelihood"].sum()
    assert found.table["log_likelihood"][0] == pytest.approx(total, rel=1e-12)
    assert found.advice.startswith("take published: the largest likelihood")


def test_order_laziness_and_unknown_customers_change_nothing(
    cdnow: pl.DataFrame, compared: cv.clv.ModelComparison
) -> None:
    unknown = cdnow.head(2).with_columns(pl.lit(None).alias(c) for c in ("t_x", "T"))
    unknown = unknown.with_columns(repeat_purchases=pl.lit(None, pl.Int64))
    more = pl.concat([cdnow, unknown.cast(dict(cdnow.schema))])  # type: ignore[arg-type]
    shuffled: Any = more.sample(fraction=1, shuffle=True, seed=1).lazy()
    again = cv.compare_models(shuffled)
    assert again.advice == compared.advice
    assert_frame_equal(again.table, compared.table, check_exact=True)
    assert again.customers == 2357


def test_regular_customers_need_their_gaps() -> None:
    from datetime import date

    log = cv.load_cdnow()
    with_gaps = cv.TransactionOptions(extras=("log_gap_sum",))
    customers = cv.summarize(cv.read_transactions(log, options=with_gaps), as_of=date(1997, 9, 30))
    found = cv.compare_models(customers, ["mbg_nbd", "mbg_cnbd"])
    likelihoods = found.table["log_likelihood"]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=1e-4)  # k = 1 is chosen
    with pytest.raises(cv.SchemaError, match="log_gap_sum"):
        cv.compare_models(customers.drop("log_gap_sum"), ["mbg_cnbd"])


def test_a_fit_at_the_boundary_is_told(cdnow: pl.DataFrame) -> None:
    never = cdnow.drop(ALONE).with_columns(repeat_purchases=0, t_x=0.0)
    found = cv.compare_models(never, ["bg_nbd"])
    assert "its fit is 'boundary': see its warnings" in found.advice
    assert "it takes the 100 % without" in found.advice


def test_bad_input_is_refused(cdnow: pl.DataFrame) -> None:
    bg = cv.fit_bg_nbd(cdnow)
    donors = cv.BgBb(alpha=1, beta=1, gamma=1, delta=1)
    with pytest.raises(cv.CustomerValueError) as caught:
        cv.compare_models(cdnow, ["bgnbd", bg, bg, donors])
    for words in ("unknown ['bgnbd']", "['bg_nbd'] more than once", "['bg_bb'] count opport"):
        assert words in str(caught.value)
    with pytest.raises(cv.CustomerValueError, match="no model is given"):
        cv.compare_models(cdnow, [])
    with pytest.raises(cv.SchemaError, match="'T'"):
        cv.compare_models(cdnow.drop("T"), [bg])
    with pytest.raises(cv.DataError, match="t_x outside"):
        cv.compare_models(cdnow.with_columns(T=pl.lit(-1.0)), [bg])
    with pytest.raises(cv.FitError, match="no customers to fit"):
        cv.compare_models(cdnow.head(0))
