from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import customer_value as cv

DIMENSIONS = {"economic": ["price"], "emotional": ["joy", "pride"]}


def test_indices_are_means_of_the_answered_items() -> None:
    answers = pl.DataFrame({"price": [1, 7, None], "joy": [7, 4, None], "pride": [4, None, None]})
    rated = cv.loyalty.perceived_value(
        answers.lazy(), dimensions=DIMENSIONS, scale=(1, 7)
    ).collect()
    assert rated["economic"].to_list() == [0.0, 1.0, None]
    assert rated["emotional"].to_list() == [0.75, 0.5, None]
    assert rated["perceived_value"].to_list() == [0.375, 0.75, None]


def test_a_reversed_item_counts_the_other_way() -> None:
    answers = pl.DataFrame({"price": [2], "joy": [7], "pride": [4]})
    rated = cv.loyalty.perceived_value(
        answers, dimensions=DIMENSIONS, scale=(1, 7), reversed_items=["price"]
    )
    assert rated["economic"].item() == pytest.approx(5 / 6)


def test_answers_off_the_scale_are_refused() -> None:
    answers = pl.DataFrame({"price": [0, 8], "joy": [1, 1], "pride": [1, 1]})
    with pytest.raises(cv.DataError, match="2 rows with answers outside 1 to 7"):
        cv.loyalty.perceived_value(answers, dimensions=DIMENSIONS, scale=(1, 7))
    with pytest.raises(cv.CustomerValueError, match="lowest, highest"):
        cv.loyalty.perceived_value(answers, dimensions=DIMENSIONS, scale=(7, 1))
    with pytest.raises(cv.CustomerValueError, match="without items: economic"):
        cv.loyalty.perceived_value(answers, dimensions={"economic": []}, scale=(1, 7))


def test_alpha_from_the_covariances() -> None:
    """The other form: k mean covariance / (mean variance + (k - 1) mean covariance)."""
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(200, 1))
    data = shared + rng.normal(size=(200, 4))
    covariance = np.cov(data.T)
    mean_variance = np.trace(covariance) / 4
    mean_covariance = (covariance.sum() - np.trace(covariance)) / 12
    expected = 4 * mean_covariance / (mean_variance + 3 * mean_covariance)
    alpha = cv.loyalty.cronbach_alpha(pl.DataFrame(data, schema=list("abcd")), items=list("abcd"))
    assert alpha == pytest.approx(expected)


def test_alpha_of_equal_and_of_constant_items() -> None:
    equal = pl.DataFrame({"a": [1, 2, 5, None], "b": [1, 2, 5, 1]})
    assert cv.loyalty.cronbach_alpha(equal, items=["a", "b"]) == pytest.approx(1.0)
    assert cv.loyalty.cronbach_alpha(equal.head(1), items=["a", "b"]) is None
    assert (
        cv.loyalty.cronbach_alpha(pl.DataFrame({"a": [1, 2], "b": [2, 1]}), items=["a", "b"])
        is None
    )
    with pytest.raises(cv.CustomerValueError, match="at least two items"):
        cv.loyalty.cronbach_alpha(equal, items=["a"])
