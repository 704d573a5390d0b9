from __future__ import annotations

import polars as pl
import pytest

from customer_value._frames.money import TOO_LARGE, exact_sum, mixed_currencies


def test_sums_are_exact_in_any_order() -> None:
    amounts = pl.DataFrame({"x": [1e15, 0.1, -1e15, 0.2, None]})
    assert amounts.select(exact_sum(pl.col("x"))).item() == 0.3
    assert amounts.reverse().select(exact_sum(pl.col("x"))).item() == 0.3


def test_the_largest_amount_sums() -> None:
    most = pl.DataFrame({"x": [9.9e22] * 1000})
    assert most.select(exact_sum(pl.col("x"))).item() == pytest.approx(9.9e25, rel=1e-15)
    assert TOO_LARGE.broken(most["x"].to_numpy()).sum() == 0


def test_currencies_are_counted_by_rows() -> None:
    table = pl.DataFrame({"currency": ["EUR", "EUR", None, "USD"]})
    says = "more than one currency (rows: EUR 2, USD 1)"
    assert mixed_currencies(table) == mixed_currencies(table.lazy()) == says
    assert mixed_currencies(table.head(3)) is None
    assert mixed_currencies(table.head(3), ["EUR"]) is None
    says = "more than one currency (rows: CNY 0, EUR 2)"
    assert mixed_currencies(table.head(3), ["CNY"]) == says
    assert mixed_currencies(table.drop("currency"), ["CNY", "EUR"]) is None
    assert mixed_currencies(table.clear(), ["CNY"]) is None
