from __future__ import annotations

import numpy as np
import pytest

from customer_value._kernels.math.sums import counting_sums
from customer_value._kernels.models import bg_nbd, bg_nbd_rows
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
from oracles import bg_nbd as oracle
from oracles import log_derivatives


@pytest.mark.parametrize("row", oracle.random_rows(12, seed=8))
def test_derivatives_by_precision_and_mean(row: oracle.Row) -> None:
    x, t_x, T, r, alpha, a, b = (row[n] for n in ("x", "t_x", "T", "r", "alpha", "a", "b"))
    precision, ratio = a + b, b / a
    one = np.ones(1)
    at = Histories(x * one, t_x * one, T * one)
    got = counting_sums(x * one, one, r) + bg_nbd_rows.row_derivatives(
        at, r, alpha * one, precision, np.log(a / b) * one
    )
    expected = log_derivatives(
        lambda r, alpha, precision, ratio: oracle.log_likelihood(
            x, t_x, T, r, alpha, precision / (1 + ratio), precision * ratio / (1 + ratio)
        ),
        [r, alpha, precision, ratio],
    )
    size = r + alpha + precision + x
    value = bg_nbd.log_likelihood(at, BgNbd(r, alpha, a, b))
    assert got[0, 0] == pytest.approx(value[0], rel=1e-10)
    np.testing.assert_allclose(got[0, 1:5], expected[0], rtol=1e-10, atol=1e-12 * size)
    hessian = expected[1][np.triu_indices(4)]
    np.testing.assert_allclose(got[0, 5:], hessian, rtol=1e-10, atol=1e-12 * size)


def test_rows_are_customers() -> None:
    x, t_x, T = np.array([0.0, 2.0, 5.0]), np.array([0.0, 30.0, 38.0]), np.array([39.0, 39.0, 38.0])
    alpha, logit = np.array([4.0, 5.0, 6.0]), np.array([-1.0, 0.0, -2.0])
    together = bg_nbd_rows.row_derivatives(Histories(x, t_x, T), 0.25, alpha, 3.0, logit)
    for i in range(3):
        at = slice(i, i + 1)
        one = Histories(x[at], t_x[at], T[at])
        alone = bg_nbd_rows.row_derivatives(one, 0.25, alpha[at], 3.0, logit[at])
        np.testing.assert_array_equal(together[at], alone)
    none = np.empty(0)
    nobody = Histories(none, none, none)
    assert bg_nbd_rows.row_derivatives(nobody, 0.25, none, 3.0, none).shape == (0, 15)
