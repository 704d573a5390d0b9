from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import customer_value as cv
from customer_value.profit.stack import LEVELS


def test_every_line_has_one_level() -> None:
    stack = cv.CostStack(service=("tickets", "visits"))
    assert stack.level_of["visits"] == "service"
    assert "service" not in stack.level_of
    assert {stack.level_of[line] for line in stack.level_of} == {*LEVELS}
    assert stack.lines("service") == ("tickets", "visits")


def test_acquisition_is_charged_in_the_cohort_view_only() -> None:
    assert cv.CostStack().charged == LEVELS[:-1]
    assert cv.CostStack(view="cohort").charged == LEVELS


def test_complete_lines() -> None:
    assert not cv.CostStack().is_complete("service")
    assert cv.CostStack(complete=True).is_complete("service")
    stack = cv.CostStack(complete=("payment",))
    assert stack.is_complete("payment")
    assert not stack.is_complete("service")


def test_it_is_plain_json() -> None:
    stack = cv.CostStack(fulfilment=("freight",), complete=("freight",), view="cohort")
    assert cv.CostStack.model_validate_json(stack.model_dump_json()) == stack


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"service": ("visits",), "maintenance": ("visits",)}, "lines at two levels: visits"),
        ({"service": ("visits", "visits")}, "lines at two levels: visits"),
        ({"complete": ("tickets", "calls")}, "at no level: calls, tickets"),
        ({"service": ("",)}, "at least 1 character"),
        ({"view": "lifetime"}, "'period' or 'cohort'"),
        ({"selling": ("calls",)}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_named(wrong: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        cv.CostStack(**wrong)
