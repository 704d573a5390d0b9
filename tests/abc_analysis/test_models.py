from __future__ import annotations

import math
from datetime import date
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.abc import (
    AbcModel,
    CriteriaModel,
    JointAbcModel,
    classify_joint_abc,
    fit_abc,
    fit_criteria,
    fit_joint_abc,
    score_criteria,
)

amounts = st.none() | st.sampled_from([-5.0, 0.0, 0.1, 1.0, 2.0, 3.0, 10.0, 97.0])
OPTIONS = [
    cv.AbcOptions.model_validate({"by": by, "boundary": boundary, "nonpositive": nonpositive})
    for by, boundary, nonpositive in product(
        ("value", "count", "computed"), ("below", "crossing"), ("last", "separate")
    )
]


def shop() -> pl.DataFrame:
    return cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))


def in_parts(whole: pl.DataFrame, call: Any) -> pl.DataFrame:
    """Half of the customers, then each of some others alone."""
    half = whole.height // 2
    parts: list[pl.DataFrame] = [call(whole[:half])]
    parts += [call(whole[k]) for k in range(half, half + 30)]
    return pl.concat(parts)


@given(st.lists(amounts, max_size=12), st.sampled_from(OPTIONS))
@settings(max_examples=150, deadline=None)
def test_a_model_classes_its_own_customers_as_the_call_without_it(
    values: list[float | None], options: cv.AbcOptions
) -> None:
    customers = pl.DataFrame({"revenue": pl.Series(values, dtype=pl.Float64)})
    model = fit_abc(customers, options=options)
    expected = cv.classify_abc(customers, options=options)["abc_class"]
    assert cv.classify_abc(customers, model)["abc_class"].equals(expected)
    again = AbcModel.model_validate_json(model.model_dump_json())
    assert again == model
    alone = [cv.classify_abc(customers[k], again)["abc_class"].item() for k in range(len(values))]
    assert alone == expected.to_list()


def test_halves_and_single_customers_are_classed_as_the_whole() -> None:
    customers = shop()
    abc = fit_abc(customers)
    joint = fit_joint_abc(customers, first="revenue", second="purchases")
    criteria = fit_criteria(customers, criteria={"revenue": 3, "recency_days": -1})
    calls: list[Any] = [
        lambda part: cv.classify_abc(part, abc),
        lambda part: classify_joint_abc(part, joint),
        lambda part: score_criteria(part, criteria),
    ]
    for call in calls:
        parts = in_parts(customers, call)
        assert parts.equals(call(customers).head(parts.height))
        assert call(customers.lazy()).collect().equals(call(customers))
    assert JointAbcModel.model_validate_json(joint.model_dump_json()) == joint
    assert CriteriaModel.model_validate_json(criteria.model_dump_json()) == criteria
    assert abc.fitted_on is not None
    assert abc.fitted_on.as_of == date(1998, 6, 30)
    assert abc.fitted_on.n_customers == customers.height


def test_models_repeat_the_calls_without_them() -> None:
    customers = shop()
    names: dict[str, Any] = {"first": "revenue", "second": "purchases"}
    joint = classify_joint_abc(customers, fit_joint_abc(customers, **names))
    assert joint.equals(classify_joint_abc(customers, **names))
    for method in ("weighted", "ng"):
        terms: dict[str, Any] = {"criteria": {"revenue": 3, "recency_days": -1}, "method": method}
        scored = score_criteria(customers, fit_criteria(customers, **terms))
        assert scored.equals(score_criteria(customers, **terms))


def test_values_beyond_the_range_count_as_its_end() -> None:
    model = fit_criteria(pl.DataFrame({"revenue": [0.0, 10.0]}), criteria={"revenue": 1})
    scored = score_criteria(pl.DataFrame({"revenue": [-5.0, 5.0, 99.0, None]}), model)
    assert scored["criteria_score"].to_list() == [0.0, 0.5, 1.0, None]


def test_what_a_model_cannot_do_is_refused() -> None:
    customers = pl.DataFrame({"revenue": [3.0, 1.0, 0.0]})
    model = fit_abc(customers)
    with pytest.raises(cv.OptionError, match="the model says value, options"):
        cv.classify_abc(customers, model, value="revenue", options=cv.AbcOptions())
    with pytest.raises(cv.OptionError, match="must be an AbcModel, got a dict"):
        cv.classify_abc(customers, {"A": 1})  # type: ignore[call-overload]
    with pytest.raises(cv.OptionError, match="ties='split'"):
        fit_abc(customers, options=cv.AbcOptions(ties="split"))
    with pytest.raises(cv.OptionError, match="first and second"):
        classify_joint_abc(customers)
    with pytest.raises(cv.OptionError, match="criteria must name columns"):
        score_criteria(customers)
    with pytest.raises(cv.DataError, match="NaN"):
        cv.classify_abc(pl.DataFrame({"revenue": [math.nan]}), model)
    strict = fit_abc(customers.head(2), options=cv.AbcOptions(nonpositive="refuse"))
    with pytest.raises(cv.DataError, match="1 row with values at or below zero"):
        cv.classify_abc(customers, strict)
