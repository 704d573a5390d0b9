from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import customer_value as cv

STEADY = cv.rfm.RfmExtra(name="steadiness", column="gap", score="s_score", smaller_is_better=True)


def test_known_extras_are_written_out() -> None:
    options = cv.RfmOptions(extra=("length", STEADY, "clumpiness", "variety"))
    assert [(e.name, e.column, e.score) for e in options.extra_dimensions] == [
        ("length", "t_x", "l_score"),
        ("steadiness", "gap", "s_score"),
        ("clumpiness", "clumpiness", "c_score"),
        ("variety", "n_categories", "v_score"),
    ]
    assert [e.smaller_is_better for e in options.extra_dimensions] == [False, True, False, False]
    assert cv.RfmOptions.model_validate_json(options.model_dump_json()) == options


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"weights": (1, 1)}, "weights must be 3, got 2"),
        ({"weights": (1, 1, 1), "extra": ("length",)}, "weights must be 4, got 3"),
        ({"weights": (0, 0, 0)}, "weights must not all be zero"),
        ({"weights": (1, -1, 1)}, "weights"),
        ({"weights": (1, float("inf"), 1)}, "weights"),
        ({"convention": "r_package", "method": "nested"}, "'r_package' knows no method 'nested'"),
        ({"convention": "r_package", "method": "kmeans"}, "'r_package' knows no method 'kmeans'"),
        ({"extra": ("length", "length")}, "used for two dimensions: l_score, length"),
        (
            {"extra": ({"name": "recency", "column": "x", "score": "rfm_cell"},)},
            "used for two dimensions: recency, rfm_cell",
        ),
        ({"extra": ("loyalty",)}, "extra"),
        ({"monetary": ""}, "monetary"),
        (
            {"extra": ({"name": "l", "column": "x", "score": "y", "breaks": (2, 1)},)},
            "takes no breaks of the extra 'l'; breaks of the extra 'l' must ascend",
        ),
        ({"recency_breaks": (3, 1), "weights": ()}, "takes no recency_breaks; .*; weights must be"),
    ],
)
def test_everything_that_is_wrong_is_named(words: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        cv.RfmOptions.model_validate(words)


def test_breaks_are_needed_of_extras_too() -> None:
    three: dict[str, Any] = {f"{d}_breaks": (1,) for d in ("recency", "frequency", "monetary")}
    with pytest.raises(ValidationError, match="method 'breaks' needs breaks of the extra 'length'"):
        cv.RfmOptions(method="breaks", extra=("length",), **three)
    length = cv.rfm.RfmExtra(name="length", column="t_x", score="l_score", breaks=(30, 365))
    assert cv.RfmOptions(method="breaks", extra=(length,), **three).breaks["length"] == (30, 365)


@pytest.mark.parametrize("score", ["revenue", "customer_id", "recency_days", "t_x"])
def test_a_score_does_not_take_the_place_of_what_is_scored(score: str) -> None:
    extra = cv.rfm.RfmExtra(name="x", column="t_x", score=score)
    with pytest.raises(ValidationError, match=f"scores named as what is scored: {score}"):
        cv.RfmOptions(extra=(extra,))
