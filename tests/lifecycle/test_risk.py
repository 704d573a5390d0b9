from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv

pairs = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0]), st.booleans()), max_size=20
)


def holdout(rows: list[tuple[float, bool]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"p": pl.Float64, "left": pl.Boolean}, orient="row")


# --- value at risk ---


def test_the_worked_ranking() -> None:
    """0.7 x 1000, 0.2 x 5000, 0.05 x 20000: 700, 1000, 1000."""
    customers = pl.LazyFrame({"p_alive": [0.3, 0.8, 0.95, None], "profit": [1000, 5000, 20000, 1]})
    ranked = customers.pipe(cv.lifecycle.churn_risk).pipe(cv.lifecycle.value_at_risk).collect()
    assert ranked["value_at_risk"].to_list()[:3] == pytest.approx([700, 1000, 1000])
    assert ranked["value_at_risk"][3] is ranked["risk_rank"][3] is None
    # By probability alone the first would come first.
    assert ranked["churn_risk"].arg_max() == 0
    assert ranked["risk_rank"][0] == 3


def test_a_customer_of_no_value_risks_none() -> None:
    customers = pl.DataFrame({"churn": [1.0, 1.0], "profit": [-5.0, 2.0]})
    ranked = cv.lifecycle.value_at_risk(customers, churn="churn")
    assert ranked["value_at_risk"].to_list() == [0.0, 2.0]
    assert ranked["risk_rank"].to_list() == [2, 1]


def test_bad_probabilities_are_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with probabilities outside 0 to 1"):
        cv.lifecycle.value_at_risk(pl.DataFrame({"churn_risk": [1.5, 0.5], "profit": [1.0, 1.0]}))
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.lifecycle.value_at_risk(pl.DataFrame({"churn_risk": [0.5], "profit": [math.nan]}))
    with pytest.raises(cv.OptionError, match="clv_if_alive"):
        cv.lifecycle.value_at_risk(pl.DataFrame({"churn_risk": [0.5], "clv": [1.0]}), value="clv")


# --- calibration ---


@given(rows=pairs, bins=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_every_customer_is_in_one_bin(rows: list[tuple[float, bool]], bins: int) -> None:
    checked = cv.lifecycle.calibration_table(
        holdout(rows), predicted="p", observed="left", bins=bins
    )
    table = checked.table
    assert table["customers"].sum() == len(rows) == checked.n_customers
    assert table.height <= bins
    for row in table.iter_rows(named=True):
        own = [(p, y) for p, y in rows if row["lowest"] <= p <= row["highest"]]
        assert row["customers"] == len(own)
        assert row["observed"] == pytest.approx(np.mean([y for _, y in own]))
        assert row["predicted"] == pytest.approx(np.mean([p for p, _ in own]))
        assert row["low"] <= row["observed"] + 1e-12
        assert row["high"] >= row["observed"] - 1e-12
    back = cv.lifecycle.calibration_table(
        holdout(rows[::-1]), predicted="p", observed="left", bins=bins
    )
    assert_frame_equal(back.table, table)


@given(rows=pairs)
@settings(max_examples=60, deadline=None)
def test_scores_by_definition(rows: list[tuple[float, bool]]) -> None:
    checked = cv.lifecycle.calibration_table(holdout(rows), predicted="p", observed="left")
    if not rows:
        assert checked.brier_score is checked.auc is None
        return
    assert checked.brier_score == pytest.approx(np.mean([(p - y) ** 2 for p, y in rows]))
    yes, no = ([p for p, y in rows if y is side] for side in (True, False))
    if not yes or not no:
        assert checked.auc is None
        return
    wins = sum((a > b) + 0.5 * (a == b) for a in yes for b in no)
    assert checked.auc == pytest.approx(wins / (len(yes) * len(no)))


def test_right_probabilities_are_calibrated_and_wrong_ones_are_not() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(20_000)
    left = rng.random(20_000) < p
    right = cv.lifecycle.calibration_table(
        pl.DataFrame({"p": p, "left": left}), predicted="p", observed="left"
    )
    inside = right.table.select(pl.col("predicted").is_between("low", "high").mean()).item()
    assert inside >= 0.8
    assert right.expected_error == pytest.approx(0, abs=0.01)
    wrong = cv.lifecycle.calibration_table(
        pl.DataFrame({"p": 1 - p, "left": left}), predicted="p", observed="left"
    )
    assert right.brier_score is not None
    assert wrong.brier_score is not None
    assert wrong.reference_score is not None
    assert right.brier_score < wrong.reference_score < wrong.brier_score


def test_bad_holdouts_are_refused() -> None:
    with pytest.raises(cv.DataError, match="probabilities outside 0 to 1"):
        cv.lifecycle.calibration_table(holdout([(2.0, True)]), predicted="p", observed="left")
    with pytest.raises(cv.DataError, match="outcomes not 0 or 1"):
        cv.lifecycle.calibration_table(
            pl.DataFrame({"p": [0.5], "left": [2]}), predicted="p", observed="left"
        )
    with pytest.raises(cv.OptionError, match="bins"):
        cv.lifecycle.calibration_table(holdout([]), predicted="p", observed="left", bins=0)


# --- risk and hazard ---


def test_who_is_gone_and_who_will_go_are_two_things() -> None:
    customers = pl.LazyFrame({"now": [0.1, 0.9, 0.0, None], "then": [0.1, 0.45, 0.0, 0.1]})
    gone = cv.lifecycle.churn_risk(customers, p_alive="now").collect()["churn_risk"].to_list()
    assert gone[:3] == pytest.approx([0.9, 0.1, 1.0])
    goes = (
        cv.lifecycle.churn_risk(customers, p_alive="now", later="then")
        .collect()["churn_hazard"]
        .to_list()
    )
    assert goes[:2] == pytest.approx([0.0, 0.5])
    assert goes[2:] == [None, None]
    assert gone[3] is None


def test_the_hazard_of_a_model_is_between_zero_and_one() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1997, 9, 30))
    model = cv.ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    now = cv.probability_alive(customers, model)
    both = cv.probability_alive(now, model, horizon="12mo")
    hazard = cv.lifecycle.churn_risk(both, later="p_alive_later")["churn_hazard"]
    assert hazard.is_between(0, 1).all()


def test_probabilities_that_rise_are_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with a probability that rises with time"):
        cv.lifecycle.churn_risk(pl.DataFrame({"p_alive": [0.1], "q": [0.2]}), later="q")
    with pytest.raises(cv.DataError, match="outside 0 to 1"):
        cv.lifecycle.churn_risk(pl.DataFrame({"p_alive": [1.1]}))
