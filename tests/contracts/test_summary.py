from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import customer_value as cv

START = date(2024, 1, 31)


def table(*rows: tuple[Any, date, date | None]) -> pl.DataFrame:
    schema = {"customer_id": pl.Int64, "contract_start": pl.Date, "contract_end": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def renewals(contracts: Any, **options: Any) -> list[tuple[Any, ...]]:
    terms: dict[str, Any] = {"as_of": date(2024, 12, 31), "period": "month"}
    found = cv.contracts.summarize_contracts(contracts, **(terms | options))
    return found.select("customer_id", "renewals", "churned").rows()


@pytest.mark.parametrize(
    ("end", "period", "expected"),
    [
        (date(2024, 2, 28), "month", 0),
        (date(2024, 2, 29), "month", 1),
        (date(2024, 3, 30), "month", 1),
        (date(2024, 3, 31), "month", 2),
        (date(2024, 2, 6), "week", 0),
        (date(2024, 2, 7), "week", 1),
        (date(2024, 2, 1), "day", 1),
        (date(2024, 12, 30), "year", 0),
    ],
)
def test_periods_that_were_outlived(end: date, period: str, expected: int) -> None:
    assert renewals(table((1, START, end)), period=period) == [(1, expected, True)]


def test_contracts_that_follow_each_other_are_one() -> None:
    after = date(2024, 3, 1)
    contracts = table((1, START, date(2024, 2, 29)), (1, after, None), (2, START, None))
    assert renewals(contracts) == [(1, 11, False), (2, 11, False)]
    later = table((1, START, date(2024, 2, 29)), (1, date(2024, 3, 5), None))
    assert renewals(later) == [(1, 1, True), (1, 9, False)]
    assert renewals(later, grace_days=4) == [(1, 11, False)]
    assert renewals(later, as_of=date(2024, 3, 3), grace_days=4) == [(1, 1, False)]


def test_later_rows_and_ends_do_not_count() -> None:
    contracts = table((1, START, date(2025, 6, 1)), (2, date(2025, 1, 1), None))
    assert renewals(contracts) == [(1, 11, False)]
    assert renewals(contracts.lazy()) == renewals(contracts.to_arrow()) == [(1, 11, False)]
    assert renewals(contracts.clear()) == []


def test_it_feeds_the_models_of_contracts() -> None:
    rng = np.random.default_rng(3)
    lives = rng.geometric(rng.beta(0.9, 3.0, 4000))
    starts = [date(2020, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 1000, 4000)]
    ends = [
        start + timedelta(days=7 * int(life) - 1) for start, life in zip(starts, lives, strict=True)
    ]
    contracts = pl.DataFrame(
        {"customer_id": range(4000), "contract_start": starts, "contract_end": ends}
    )
    found = cv.contracts.summarize_contracts(contracts, as_of=date(2023, 6, 30), period="week")
    model = cv.fit_sbg(found, time_unit="week")
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    assert abs(model.alpha - 0.9) < 4 * model.fit.standard_errors["alpha"]
    assert abs(model.beta - 3.0) < 4 * model.fit.standard_errors["beta"]
    assert model.fitted_on is not None
    assert model.fitted_on.as_of == date(2023, 6, 30)
    valued = cv.contractual_value(found, model, profit_per_period=5.0, timing="end")
    assert valued["clv"].null_count() == 0


def test_bad_input_is_refused() -> None:
    contracts = table((1, START, date(2024, 1, 1)))
    with pytest.raises(cv.DataError, match="1 row with contract_end before contract_start"):
        renewals(contracts)
    with pytest.raises(cv.OptionError, match="period must be one of"):
        renewals(contracts, period="quarter")
    with pytest.raises(cv.OptionError, match="grace_days"):
        renewals(contracts, grace_days=-1)
    with pytest.raises(cv.SchemaError, match="'contract_end'"):
        renewals(contracts.drop("contract_end"))
