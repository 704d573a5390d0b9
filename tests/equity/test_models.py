from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from customer_value.segments import Cuts

RANDOM = np.random.default_rng(5)
SHOP = pl.DataFrame(
    {
        "customer_id": range(200),
        "industry": RANDOM.choice(["steel", "glass", "paper"], 200),
        "size": RANDOM.integers(1, 4, 200),
        "purchases": RANDOM.integers(1, 9, 200),
        "revenue": RANDOM.gamma(2, 50, 200).round(2),
        "clv": RANDOM.gamma(2, 90, 200).round(2),
        "existing_value": RANDOM.gamma(2, 50, 200).round(2),
        "potential_value": RANDOM.gamma(2, 50, 200).round(2),
        "influence_value": RANDOM.integers(0, 3, 200) * 10.0,
    }
).with_columns(
    industry=pl.when(pl.col("customer_id") % 17 > 0).then("industry"),
    clv=pl.when(pl.col("customer_id") % 13 > 0).then("clv"),
)
WALLET: dict[str, Any] = {"by": ["industry", "size"], "min_peers": 15}
CASES: list[tuple[Any, Any, dict[str, Any]]] = [
    (cv.equity.fit_value_cube, cv.equity.value_cube, {}),
    (
        cv.equity.fit_value_cube,
        cv.equity.value_cube,
        {"options": cv.equity.CubeOptions(method="absolute", existing=80, potential=9)},
    ),
    (cv.equity.fit_referral_segments, cv.equity.referral_segments, {"cut": 0.4}),
    (cv.equity.fit_wallet, cv.equity.wallet_from_peers, WALLET),
    (cv.segments.fit_busy_but_low_value, cv.segments.busy_but_low_value, {"top": 0.3}),
    (cv.segments.fit_one_off_large, cv.segments.one_off_large, {"top": 0.4}),
]


@pytest.mark.parametrize(("fit", "apply", "words"), CASES)
def test_halves_and_single_customers_are_as_the_whole(
    fit: Any, apply: Any, words: dict[str, Any]
) -> None:
    fitted = fit(SHOP, **words)
    model = type(fitted).model_validate_json(fitted.model_dump_json())
    assert model == fitted
    assert model.fitted_on.n_customers == 200
    whole = apply(SHOP, model)
    assert whole.equals(apply(SHOP, **words))
    alone = [apply(SHOP[k], model) for k in range(100, 130)]
    assert pl.concat([apply(SHOP[:100], model), *alone]).equals(whole.head(130))
    assert apply(SHOP.lazy(), model).collect().equals(whole)
    with pytest.raises(cv.OptionError, match="the model says"):
        apply(SHOP, model, **(words or {"existing": "clv"}))
    with pytest.raises(cv.OptionError, match="model"):
        apply(SHOP, cv.fit_rfm(SHOP.with_columns(recency_days=1)))


def test_cuts_of_another_function_are_refused() -> None:
    model = cv.segments.fit_one_off_large(SHOP)
    assert isinstance(model, Cuts)
    with pytest.raises(cv.OptionError, match="holds the cuts of one_off_large; take those of"):
        cv.equity.value_cube(SHOP, model)


def test_a_cut_that_no_value_tells_flags_no_customer() -> None:
    unknown = SHOP.with_columns(clv=pl.lit(None, pl.Float64))
    model = cv.equity.fit_referral_segments(unknown)
    assert cv.equity.referral_segments(SHOP, model)["referral_segment"].null_count() == 200
