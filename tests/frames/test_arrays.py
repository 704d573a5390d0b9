from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from customer_value._frames.arrays import to_array, to_arrays


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.Boolean, pl.Decimal(9, 2)])
def test_any_number_becomes_float64(dtype: Any) -> None:
    array = to_array(pl.Series([0, 1, 1]).cast(dtype))
    assert array.dtype == np.float64
    assert array.flags.c_contiguous
    assert array.tolist() == [0.0, 1.0, 1.0]


def test_float64_is_viewed_and_read_only() -> None:
    column = pl.Series([1.0, 2.0, 3.0])
    array = to_array(column)
    assert not array.flags.writeable
    assert np.shares_memory(array, column.to_numpy())


def test_chunks_become_one_array_in_order() -> None:
    column = pl.concat([pl.Series([float(k)]) for k in range(50)], rechunk=False)
    assert column.n_chunks() == 50
    assert to_array(column).tolist() == list(range(50))


def test_nothing_becomes_an_empty_array() -> None:
    assert to_array(pl.Series([], dtype=pl.Int64)).shape == (0,)
    assert to_arrays(pl.DataFrame()) == ()


def test_a_slice_keeps_to_its_bounds() -> None:
    assert to_array(pl.Series(range(10)).slice(3, 2)).tolist() == [3.0, 4.0]


def test_columns_come_in_the_order_of_the_frame() -> None:
    first, second = to_arrays(pl.DataFrame({"b": [1], "a": [2.5]}))
    assert (first.tolist(), second.tolist()) == ([1.0], [2.5])
