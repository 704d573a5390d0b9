from __future__ import annotations

import numpy as np
import pytest

from customer_value._kernels.math.concentration import gini, lorenz
from oracles import concentration as oracle


@pytest.mark.parametrize("values", [[1, 2, 3, 6], [5, 5, 5], [0, 0, 7], [10, -4], [3]])
def test_gini_equals_the_oracle(values: list[int]) -> None:
    expected = oracle.gini(values)
    assert expected is not None
    assert gini(lorenz(np.array(values, dtype=float))) == pytest.approx(float(expected), rel=1e-14)


@pytest.mark.parametrize("values", [[], [0.0, -0.0], [1.0, -1.0], [-1.0], [0.1, 0.2, -0.3]])
def test_there_is_no_share_of_nothing(values: list[float]) -> None:
    curve = lorenz(np.array(values))
    assert curve.total is None
    assert gini(curve) is None


def test_neither_order_nor_extremes_change_the_curve() -> None:
    values = np.array([0.1, 0.7, 0.2, 0.1, 0.3])
    small, large = lorenz(np.ldexp(values, -1000)), lorenz(np.ldexp(values[::-1], 1000))
    assert gini(small) == gini(large) == gini(lorenz(values))
    assert small.reached.tolist() == [0, 2, 3, 4, 5]
