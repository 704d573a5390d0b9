from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from customer_value._kernels.math import states
from customer_value._kernels.math.states import distinct_states

if TYPE_CHECKING:
    from customer_value._kernels.run.parallel import FloatArray


def table(*columns: object) -> list[tuple[float, ...]]:
    return list(zip(*(np.asarray(column).tolist() for column in columns), strict=True))


def customers(n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(1)
    return (
        rng.integers(0, 4, n).astype(np.float64),
        np.floor(rng.uniform(1.0, 30.0, n)),
        rng.choice([0.5, 4.0], n),
    )


@pytest.mark.parametrize("unit", [1.0, 1 / 7])
def test_each_row_finds_its_own_state_and_no_state_comes_twice(unit: float) -> None:
    x, T, _ = customers(3_000)
    (few_x, few_T, alpha), row = distinct_states(x, unit * T, 4.0)
    assert alpha == 4.0
    found = table(few_x, few_T)
    assert len(found) == len(set(found)) == len(set(table(x, T)))
    assert [found[i] for i in np.arange(len(found))[row]] == table(x, unit * T)


def test_parameters_of_rows_are_part_of_the_state() -> None:
    x, T, alpha = customers(3_000)
    columns, row = distinct_states(x, T, alpha, 2.0 * alpha)
    found = table(*columns)
    assert len(found) == len(set(found)) == len(set(table(x, T, alpha)))
    assert [found[i] for i in np.arange(len(found))[row]] == table(x, T, alpha, 2.0 * alpha)


def test_rows_that_all_differ_stand_for_themselves() -> None:
    x, T, alpha = customers(3_000)
    rng = np.random.default_rng(2)
    for columns in (
        (x, rng.uniform(1.0, 30.0, 3_000)),
        (x, T, rng.uniform(1.0, 30.0, 3_000)),
        (1e6 + x, T),
        (x[:0], T[:0], alpha[:0]),
    ):
        found, row = distinct_states(*columns)
        assert row == slice(None)
        assert table(*found) == table(*columns)


def test_two_rows_with_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "row_keys", lambda x, *_: x.astype(np.uint64))
    x, T, alpha = customers(50)
    found, row = distinct_states(x, T, alpha)
    assert row == slice(None)
    assert table(*found) == table(x, T, alpha)
