from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import customer_value as cv

WAYS = [
    cv.lifecycle.FixedDays(at_risk=40, lost=90),
    cv.lifecycle.PooledGaps(),
    cv.lifecycle.OwnGaps(min_gaps=3),
    cv.lifecycle.AliveOnly(),
]


@pytest.mark.parametrize("way", WAYS)
def test_rules_with_any_way_survive_json(way: Any) -> None:
    rules = cv.StageOptions(silence=way, contract_grace_days=14)
    again = cv.StageOptions.model_validate_json(rules.model_dump_json())
    assert again == rules
    assert type(again.silence) is type(way)


@pytest.mark.parametrize(
    "way", [cv.lifecycle.FixedDays, cv.lifecycle.PooledGaps, cv.lifecycle.OwnGaps]
)
def test_lost_is_further_gone_than_at_risk(way: Any) -> None:
    assert way(at_risk=0.7, lost=0.7).lost == 0.7
    with pytest.raises(ValidationError, match="a lost customer must be further gone"):
        way(at_risk=0.7, lost=0.6)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (cv.lifecycle.FixedDays, {"at_risk": 0}),
        (cv.lifecycle.FixedDays, {"lost": float("inf")}),
        (cv.lifecycle.PooledGaps, {"lost": 1.1}),
        (cv.lifecycle.OwnGaps, {"at_risk": -0.1}),
        (cv.lifecycle.OwnGaps, {"min_gaps": 0}),
        (cv.lifecycle.AliveOnly, {"lost": 0.5}),
    ],
)
def test_ways_are_checked(way: Any, words: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(words))):
        way(**words)


@pytest.mark.parametrize(
    "words",
    [{"lost_silence": 5.0}, {"at_risk_silence": 1.0}, {"typical_gap_days": 9.0}, {"prior_gaps": 2}],
)
def test_thresholds_that_nothing_uses_are_refused(words: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=f"nothing uses {next(iter(words))}"):
        cv.StageOptions.model_validate({"silence": {"method": "fixed_days"}, **words})


def test_a_way_is_known_by_its_method() -> None:
    with pytest.raises(ValidationError, match="method"):
        cv.StageOptions.model_validate({"silence": {"method": "guess"}})
