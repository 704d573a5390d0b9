from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import customer_value as cv

WEIGHTS = {"behaviour": 0.4, "attitude": 0.2, "advocacy": 0.2, "usage": 0.2}
values = st.lists(
    st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), min_size=1, max_size=12
)


def frame(rows: list[tuple[int, int | None]]) -> pl.DataFrame:
    schema = {"purchases": pl.Int64, "score": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_the_worked_case() -> None:
    """(0.8, 0.6, 1, 0.5) weighted (0.4, 0.2, 0.2, 0.2) is 0.74."""
    signs = pl.DataFrame([(0.8, 0.6, 1.0, 0.5)], schema=list(WEIGHTS), orient="row")
    rated = cv.loyalty.loyalty_index(signs, criteria=WEIGHTS, scale="unit")
    assert rated["loyalty_index"].item() == pytest.approx(74.0)
    assert rated["loyalty_coverage"].item() == pytest.approx(1.0)


def test_percentiles_are_mid_ranks() -> None:
    customers = frame([(1, None), (2, None), (2, None), (9, 1)])
    rated = cv.loyalty.loyalty_index(customers, criteria={"purchases": 2})
    assert rated["loyalty_index"].to_list() == pytest.approx([12.5, 50.0, 50.0, 87.5])
    falls = cv.loyalty.loyalty_index(
        customers, criteria={"purchases": 2}, lower_is_better=["purchases"]
    )
    assert falls["loyalty_index"].to_list() == pytest.approx([87.5, 50.0, 50.0, 12.5])


@given(rows=values)
@settings(max_examples=60, deadline=None)
def test_bounds_coverage_and_order(rows: list[tuple[int, int | None]]) -> None:
    weights = {"purchases": 3.0, "score": 1.0}
    rated = cv.loyalty.loyalty_index(frame(rows), criteria=weights)
    for (_, score), index, coverage in zip(
        rows, rated["loyalty_index"], rated["loyalty_coverage"], strict=True
    ):
        assert 0 <= index <= 100
        assert coverage == (0.75 if score is None else 1.0)
    back = cv.loyalty.loyalty_index(frame(rows[::-1]).lazy(), criteria=weights).collect()
    assert back["loyalty_index"].to_list()[::-1] == pytest.approx(rated["loyalty_index"].to_list())
    full = [(r, i) for r, i in zip(rows, rated["loyalty_index"], strict=True) if r[1] is not None]
    for (a, b), i in full:
        for (c, d), j in full:
            if b is not None and d is not None and a >= c and b >= d:
                assert i >= j - 1e-9


def test_nothing_known_is_unknown() -> None:
    rated = cv.loyalty.loyalty_index(frame([(1, None)]), criteria={"score": 1})
    assert rated.select("loyalty_index", "loyalty_coverage").row(0) == (None, 0.0)


def test_bad_components_are_refused() -> None:
    with pytest.raises(cv.DataError, match="1 row with values outside 0 to 1"):
        cv.loyalty.loyalty_index(frame([(2, 1)]), criteria={"purchases": 1}, scale="unit")
    with pytest.raises(cv.DataError, match="NaN or infinite"):
        cv.loyalty.loyalty_index(pl.DataFrame({"a": [math.nan]}), criteria={"a": 1})
    with pytest.raises(cv.CustomerValueError, match="weight"):
        cv.loyalty.loyalty_index(frame([(1, 1)]), criteria={"score": 0})
    with pytest.raises(cv.CustomerValueError, match="at least one sign"):
        cv.loyalty.loyalty_index(frame([(1, 1)]), criteria={})


def test_four_kinds_of_loyalty() -> None:
    customers = pl.DataFrame({"score": [9, 9, 2, 2, None], "purchases": [8, 1, 8, 1, 1]})
    rated = cv.loyalty.loyalty_type(
        customers, attitude="score", behaviour="purchases", attitude_cut=9, behaviour_cut=8
    )
    assert rated["loyalty_type"].to_list() == ["true", "latent", "spurious", "none", None]
    at_median = cv.loyalty.loyalty_type(
        customers.lazy(), attitude="score", behaviour="purchases"
    ).collect()
    assert at_median["loyalty_type"].to_list() == ["true", "true", "spurious", "spurious", None]


# --- fitted ---

CROWD = pl.DataFrame(
    {"purchases": [1, 2, 2, 5, 9, None], "recency_days": [400.0, 30.0, 90.0, 7.0, None, 12.0]}
)
CRITERIA = {"purchases": 2.0, "recency_days": 1.0}


def fitted(frame: pl.DataFrame = CROWD) -> cv.loyalty.LoyaltyIndexModel:
    return cv.loyalty.fit_loyalty_index(frame, criteria=CRITERIA, lower_is_better="recency_days")


def test_a_model_rates_its_own_customers_as_the_crowd_does() -> None:
    crowd = cv.loyalty.loyalty_index(CROWD, criteria=CRITERIA, lower_is_better="recency_days")
    rated = cv.loyalty.loyalty_index(CROWD, fitted())
    assert_frame_equal(rated, crowd)
    assert_frame_equal(cv.loyalty.loyalty_index(CROWD.lazy(), fitted()).collect(), rated)


def test_halves_and_single_customers_are_rated_as_the_whole() -> None:
    model = fitted(CROWD.head(4))
    whole = cv.loyalty.loyalty_index(CROWD, model)
    for size in (1, 3):
        parts = [cv.loyalty.loyalty_index(part, model) for part in CROWD.iter_slices(size)]
        assert_frame_equal(pl.concat(parts), whole, check_exact=True)
    assert cv.loyalty.loyalty_index(CROWD, criteria=CRITERIA).rows() != whole.rows()


def test_values_between_and_beyond_those_of_the_fit() -> None:
    model = cv.loyalty.fit_loyalty_index(
        pl.DataFrame({"purchases": [1, 3]}), criteria={"purchases": 1}
    )
    others = pl.DataFrame({"purchases": [-5, 1, 2, 3, 99]})
    rated = cv.loyalty.loyalty_index(others, model)
    assert rated["loyalty_index"].to_list() == [25.0, 25.0, 50.0, 75.0, 75.0]


def test_a_model_stays_small_and_near() -> None:
    rng = np.random.default_rng(3)
    tied = np.round(rng.exponential(5.0, 4000))
    frame = pl.DataFrame({"a": np.concatenate([rng.exponential(100.0, 6000), tied])})
    model = cv.loyalty.fit_loyalty_index(frame, criteria={"a": 1})
    assert len(model.criteria[0].values) <= 2002
    assert frame["a"].n_unique() > 6000
    crowd = cv.loyalty.loyalty_index(frame, criteria={"a": 1})["loyalty_index"]
    gap = (cv.loyalty.loyalty_index(frame, model)["loyalty_index"] - crowd).abs().max()
    assert 0 < float(str(gap)) <= 0.1


def test_what_the_fit_never_saw_stays_unknown() -> None:
    model = cv.loyalty.fit_loyalty_index(
        CROWD.with_columns(purchases=pl.lit(None, pl.Int64)), criteria=CRITERIA
    )
    rated = cv.loyalty.loyalty_index(CROWD, model)
    assert rated["loyalty_coverage"].to_list() == pytest.approx([1 / 3] * 4 + [0, 1 / 3])


def test_models_are_plain_json() -> None:
    model = fitted()
    assert type(model).model_validate_json(model.model_dump_json()) == model
    assert model.fitted_on is not None
    assert model.fitted_on.n_customers == 6
    kinds = cv.loyalty.fit_loyalty_type(CROWD, attitude="recency_days")
    assert type(kinds).model_validate_json(kinds.model_dump_json()) == kinds


def test_halves_and_single_customers_are_sorted_as_the_whole() -> None:
    names: Any = {"attitude": "recency_days", "behaviour": "purchases"}
    model = cv.loyalty.fit_loyalty_type(CROWD, **names)
    whole = cv.loyalty.loyalty_type(CROWD, model)
    assert_frame_equal(whole, cv.loyalty.loyalty_type(CROWD, **names))
    for size in (1, 3):
        parts = [cv.loyalty.loyalty_type(part, model) for part in CROWD.iter_slices(size)]
        assert_frame_equal(pl.concat(parts), whole)
    nothing = cv.loyalty.fit_loyalty_type(CROWD.tail(1), **names)
    assert nothing.behaviour_cut is None
    assert cv.loyalty.loyalty_type(CROWD, nothing)["loyalty_type"].null_count() == 6


def test_a_model_is_given_alone_and_of_its_kind() -> None:
    with pytest.raises(cv.OptionError, match="the model says criteria"):
        cv.loyalty.loyalty_index(CROWD, fitted(), criteria=CRITERIA)
    with pytest.raises(cv.OptionError, match="the model says behaviour_cut"):
        cv.loyalty.loyalty_type(
            CROWD, cv.loyalty.fit_loyalty_type(CROWD, attitude="recency_days"), behaviour_cut=3
        )
    api: Any = cv.loyalty
    with pytest.raises(cv.OptionError, match="must be a LoyaltyIndexModel, got a LoyaltyTypeModel"):
        api.loyalty_index(CROWD, api.fit_loyalty_type(CROWD, attitude="recency_days"))
    with pytest.raises(cv.OptionError, match="not in criteria: recency"):
        api.loyalty_index(CROWD, criteria=CRITERIA, lower_is_better=["recency"])
