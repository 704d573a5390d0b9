"""The score interval of a share."""

from __future__ import annotations

import polars as pl
import pytest

from customer_value._frames.intervals import Z95, wilson


def test_seven_of_ten() -> None:
    # Wilson (1927), closed form solved by hand: (0.7 + z²/20 ± z √(0.021 + z²/400)) / (1 + z²/10)
    assert wilson(0.7, 10.0, Z95) == pytest.approx((0.396778, 0.892209), abs=1e-6)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0.0, 0.277533), (1.0, 0.722467, 1.0)])
def test_a_share_at_an_end_keeps_that_end(share: float, low: float, high: float) -> None:
    assert wilson(share, 10.0, Z95) == pytest.approx((low, high), abs=1e-6)


def test_columns_give_the_same_numbers() -> None:
    shares = [0.0, 0.2, 0.7, 1.0]
    low, high = wilson(pl.col("share"), pl.col("n"), Z95)
    table = pl.DataFrame({"share": shares, "n": [10.0] * 4}).select(low=low, high=high)
    expected = [end for share in shares for end in wilson(share, 10.0, Z95)]
    assert [end for row in table.rows() for end in row] == pytest.approx(expected)
