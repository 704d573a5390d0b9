from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from customer_value._frames.money import MONEY_LIMIT, TOO_LARGE
from customer_value._frames.options import Amount, Money, Share


class Terms(BaseModel):
    share: Share = 0.0
    amount: Amount = 0.0
    money: Money = 0.0


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("share", 0.0, 1.0), ("amount", 0.0, 9.9e22), ("money", -9.9e22, 9.9e22)],
)
def test_ranges(name: str, least: float, most: float) -> None:
    for edge in (least, most):
        assert getattr(Terms(**{name: edge}), name) == edge
    worse: list[Any] = [least - max(1.0, -0.1 * least), most + max(1.0, 0.1 * most)]
    for wrong in [*worse, float("nan"), float("inf"), -float("inf")]:
        with pytest.raises(ValidationError, match=name):
            Terms(**{name: wrong})


def test_options_and_columns_have_the_same_limit() -> None:
    assert TOO_LARGE.broken(MONEY_LIMIT)
    with pytest.raises(ValidationError):
        Terms(money=MONEY_LIMIT)
