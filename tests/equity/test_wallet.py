from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from golden import golden

RULE = golden("value_components")["wallet_allocation_rule"]


@pytest.mark.parametrize("n", ["2", "3", "4"])
def test_the_wallet_allocation_rule(n: str) -> None:
    survey = pl.DataFrame({"rank": range(1, int(n) + 1), "brands": int(n), "revenue": 12.0})
    result = cv.equity.wallet_from_ranks(survey)
    assert result["wallet_share"].round(4).to_list() == RULE[n]
    assert result["wallet_share"].sum() == pytest.approx(1, abs=1e-15)
    assert result["wallet"].to_list() == pytest.approx((12 / result["wallet_share"]).to_list())


def test_ranks_of_any_type_ties_and_gaps() -> None:
    survey = pl.DataFrame(
        {"rank": [1.5, None, 1.0, 2.0], "brands": [2, 3, 1, None]},
        schema={"rank": pl.Float64, "brands": pl.UInt8},
    )
    result = cv.equity.wallet_from_ranks(survey, revenue=None)
    assert result["wallet_share"].to_list() == [0.5, None, 1.0, None]
    assert result.columns == ["rank", "brands", "wallet_share"]


def test_ranks_that_cannot_be_are_all_named() -> None:
    survey = pl.DataFrame(
        {"rank": [0, 4, 1], "brands": [3, 3, 0]}, schema_overrides={"brands": pl.UInt8}
    )
    message = (
        r"1 row with values below 1 in 'rank' \(e.g. 0\); 1 row with values below 1 in 'brands' "
        r"\(e.g. 0\); 2 rows with values below 1 in 'brands - rank \+ 1'"
    )
    with pytest.raises(cv.DataError, match=message):
        cv.equity.wallet_from_ranks(survey, revenue=None)


rows = st.lists(
    st.tuples(
        st.sampled_from(["steel", "wood", None]),
        st.sampled_from(["big", "small", None]),
        st.none() | st.integers(-50, 1000).map(float),
    ),
    max_size=20,
)


@given(rows, st.integers(1, 5), st.sampled_from([0.5, 0.8, 0.9]))
@settings(deadline=None, max_examples=60)
def test_peers_equal_the_naive_way(data: list[Any], fewest: int, share: float) -> None:
    schema = {"industry": pl.String, "size": pl.String, "revenue": pl.Float64}
    customers = pl.DataFrame(data, schema=schema, orient="row")
    keys = ["industry", "size"]
    result = cv.equity.wallet_from_peers(customers, by=keys, share=share, min_peers=fewest)
    assert result.select(*schema).equals(customers)
    for (industry, size, revenue), (wallet, peers, level) in zip(
        data, result.select("wallet", "wallet_peers", "wallet_level").iter_rows(), strict=True
    ):
        narrow = [r for i, s, r in data if (i, s) == (industry, size) and r is not None]
        wide = [r for i, _, r in data if i == industry and r is not None]
        if None not in (industry, size) and len(narrow) >= fewest:
            group, name = narrow, "size"
        elif industry is not None and len(wide) >= fewest:
            group, name = wide, "industry"
        else:
            assert (wallet, peers, level) == (None, None, None)
            continue
        expected = max(float(np.quantile(group, share)), -1e9 if revenue is None else revenue)
        assert wallet == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert (peers, level) == (len(group), name)
    lazy = cv.equity.wallet_from_peers(customers.lazy(), by=keys, share=share, min_peers=fewest)
    assert lazy.collect().equals(result)


def test_bad_peers_are_refused() -> None:
    customers = pl.DataFrame({"industry": ["a"], "revenue": [1.0]})
    with pytest.raises(cv.CustomerValueError, match="by must name different columns"):
        cv.equity.wallet_from_peers(customers, by=[])
    with pytest.raises(cv.OptionError, match="share"):
        cv.equity.wallet_from_peers(customers, by="industry", share=1.0)
    with pytest.raises(cv.SchemaError, match="missing column 'size'"):
        cv.equity.wallet_from_peers(customers, by=["industry", "size"])
    with pytest.raises(cv.DataError, match="NaN or infinite values in 'revenue'"):
        cv.equity.wallet_from_peers(
            customers.with_columns(revenue=pl.lit(float("inf"))), by="industry", min_peers=1
        )
