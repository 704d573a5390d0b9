from __future__ import annotations

import numpy as np
import pytest

from customer_value.allocation._relaxed import relaxed

COST, VALUE = np.array([2.0, 4.0, 5.0]), np.array([8.0, 8.0, 5.0])


@pytest.mark.parametrize(
    ("limit", "value", "price"),
    [
        (0.0, 0.0, 4.0),
        (1.0, 4.0, 4.0),
        (2.0, 8.0, 2.0),
        (3.0, 10.0, 2.0),
        (6.0, 16.0, 1.0),
        (8.5, 18.5, 1.0),
        (11.0, 21.0, 0.0),
        (99.0, 21.0, 0.0),
    ],
)
def test_the_last_choice_is_split(limit: float, value: float, price: float) -> None:
    assert relaxed(COST, VALUE, limit) == (value, price)


def test_rounding_leaves_no_choice_out() -> None:
    tenths = np.full(3, 0.1)
    assert relaxed(tenths, np.ones(3), 0.3) == (3.0, 0.0)


def test_nothing_to_choose_from() -> None:
    assert relaxed(np.empty(0), np.empty(0), 1.0) == (0.0, 0.0)
