from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from customer_value._kernels.run._jit import jit
from customer_value._kernels.run.per_row import PerRow, own, per_row

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray

JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"


@jit
def doubled(x: FloatArray, parameter: PerRow, out: FloatArray) -> None:
    """Write twice each row's parameter."""
    for i in range(x.size):
        out[i] = x[i] + 2.0 * own(parameter, i)


@pytest.mark.parametrize("own_of_each", [2.0, np.array([2.0, 0.5, -3.0])])
def test_a_kernel_reads_a_number_or_one_a_row(own_of_each: PerRow) -> None:
    x, out = np.array([1.0, 2.0, 3.0]), np.empty(3)
    (parameter,) = per_row(own_of_each)
    doubled(x, parameter, out)
    np.testing.assert_array_equal(out, x + 2.0 * own_of_each)


def test_numbers_stay_numbers_and_one_array_makes_all_arrays() -> None:
    assert per_row(1, np.float64(2.5)) == (1.0, 2.5)
    assert all(type(parameter) is float for parameter in per_row(1, np.float64(2.5)))
    each: tuple[Any, ...] = per_row(1.0, np.arange(4.0)[::2], 3.0)
    assert [parameter.tolist() for parameter in each] == [[1.0, 1.0], [0.0, 2.0], [3.0, 3.0]]
    for parameter in each:
        assert parameter.flags.c_contiguous
        assert not parameter.flags.writeable


@pytest.mark.skipif(not JIT_IS_ON, reason="NUMBA_DISABLE_JIT is set")
def test_mixtures_compile_nothing_new() -> None:
    @jit
    def kernel(a: PerRow, b: PerRow) -> float:
        return own(a, 0) + own(b, 0)

    compiled: Any = kernel
    one = np.ones(1)
    for parameters in ((1.0, 1.0), (one, 1.0), (1.0, one), (one, one)):
        assert kernel(*per_row(*parameters)) == 2.0
    assert len(compiled.signatures) == 2
