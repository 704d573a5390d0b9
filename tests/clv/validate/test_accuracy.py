from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value.clv.validate.accuracy import (
    MODEL,
    Outcome,
    decile_table,
    error_table,
    losses,
    naive_forecasts,
    normalised_gini,
    repeats_table,
)
from oracles import validation as oracle

PAIRS = st.lists(
    st.tuples(st.integers(-3, 6), st.sampled_from([0.0, 0.1, 0.5, 2.0])), min_size=1, max_size=25
)


def outcome(actual: list[float], model: list[float], **others: list[float]) -> Outcome:
    forecasts = {MODEL: np.array(model), **{k: np.array(v) for k, v in others.items()}}
    return Outcome("purchases", np.array(actual), forecasts, np.arange(len(actual), dtype=float))


@settings(max_examples=60, deadline=None)
@given(pairs=PAIRS)
def test_gini_is_the_order_of_pairs(pairs: list[tuple[int, float]]) -> None:
    actual, predicted = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    found = normalised_gini(actual, predicted)
    expected = oracle.normalised_gini(actual.tolist(), predicted.tolist())
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_gini_of_perfect_none_and_reverse_order() -> None:
    actual = np.array([0.0, 1.0, 5.0, 5.0, 9.0])
    assert normalised_gini(actual, np.exp(actual)) == 1.0
    assert normalised_gini(actual, np.full(5, 3.0)) == 0.0
    assert normalised_gini(actual, -actual) == -1.0
    assert normalised_gini(actual * 1e300, actual) == 1.0
    assert normalised_gini(np.ones(5), actual) is None


def test_errors_by_hand() -> None:
    table = error_table([outcome([0, 2, 4], [1.0, 2.0, 0.0])])
    row = table.row(0, named=True)
    assert (row["customers"], row["expected"], row["actual"]) == (3, 3.0, 6.0)
    assert row["bias"] == -1.0
    assert row["mae"] == pytest.approx(5 / 3)
    assert row["rmse"] == pytest.approx(np.sqrt(17 / 3))
    assert row["gini"] == pytest.approx(-0.5)


def test_tenths_hold_a_tenth_each_and_equal_forecasts_together() -> None:
    actual = np.arange(20.0)
    table = decile_table([outcome(actual.tolist(), actual.tolist())])
    assert table["decile"].to_list() == list(range(1, 11))
    assert table["customers"].to_list() == [2] * 10
    assert table["actual"].to_list() == [0.5 + 2 * k for k in range(10)]
    tied = decile_table([outcome(actual.tolist(), [1.0] * 16 + [2.0, 3.0, 4.0, 5.0])])
    assert tied["decile"].to_list() == [5, 9, 10]
    assert tied["customers"].to_list() == [16, 2, 2]
    assert decile_table([outcome([3.0], [1.0])])["customers"].to_list() == [1]


def test_repeats_are_censored_and_means_add_up() -> None:
    actual = [float(k % 4) for k in range(12)]
    table = repeats_table([outcome(actual, [2 * a for a in actual])])
    assert table["repeat_purchases"].to_list() == [*"0123456", "7+"]
    assert table["customers"].to_list() == [1] * 7 + [5]
    assert (table["customers"] * table["actual"]).sum() == pytest.approx(sum(actual))
    assert (table["customers"] * table["expected"]).sum() == pytest.approx(2 * sum(actual))


def test_naive_forecasts_go_on_as_before() -> None:
    found = naive_forecasts(np.array([2.0, 0.0, 4.0]), np.array([10.0, 20.0, 10.0]), 5.0)
    assert found["own_rate"].tolist() == [1.0, 0.0, 2.0]
    assert found["everyone_average"].tolist() == [0.75] * 3
    new = naive_forecasts(np.array([2.0, 0.0]), np.array([10.0, 0.0]), 5.0)
    assert new["own_rate"].tolist() == [1.0, 1.0]
    nobody = naive_forecasts(np.zeros(2), np.zeros(2), 5.0)
    assert nobody["own_rate"].tolist() == [0.0, 0.0]


def test_a_model_must_beat_all_by_both_measures() -> None:
    naive = {"a": [0.0, 1.0, 2.0], "b": [1.0, 2.0, 3.0]}  # of a RMSE 1.155, MAE 0.667; of b 1 and 1

    def told(model: list[float]) -> tuple[bool, str]:
        return losses(error_table([outcome([0, 1, 4], model, **naive)]), "purchases")

    assert told([0.0, 1.0, 3.0]) == (
        False,
        "RMSE 0.5774 against 1 of b and MAE 0.3333 against 0.6667 of a",
    )
    assert told([0.8, 1.8, 3.2]) == (True, "MAE 0.8 against 0.6667 of a")
    assert told([0.0, 1.0, 2.1]) == (True, "RMSE 1.097 against 1 of b")
    assert told([0.0, 0.0, 0.0])[0]


def test_equal_errors_are_no_gain() -> None:
    table = error_table([outcome([0, 1, 4], [0.0, 1.0, 2.0], a=[0.0, 1.0, 2.0])])
    assert losses(table, "purchases")[0]
    assert not losses(error_table([outcome([0, 1], [0.0, 1.0], a=[0.0, 2.0])]), "purchases")[0]
