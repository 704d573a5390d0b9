from __future__ import annotations

import polars as pl
import pytest

import customer_value as cv
from golden import golden

GOLDEN = golden("clv")


def spends(x: list[int], m: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"repeat_purchases": x, "repeat_spend": m})


def test_published_fit(gg: cv.GammaGamma) -> None:
    expected = GOLDEN["gamma_gamma_cdnow_39"]
    assert gg.fit is not None
    assert gg.fit.status == "converged"
    assert gg.fit.n_customers == 946
    assert gg.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-3)
    assert [gg.p, gg.q, gg.v] == pytest.approx(list(expected["parameters"].values()), rel=1e-4)
    assert gg.fit.standard_errors == pytest.approx(expected["standard_errors"], rel=1e-3)


def test_expected_spend_of_the_first_ten_customers(cdnow: pl.DataFrame) -> None:
    expected = GOLDEN["expected_spend"]
    model = cv.GammaGamma(**expected["parameters"])
    spend = cv.expected_spend(cdnow, model)["expected_spend"].head(10).to_list()
    # The published means are rounded to cents.
    assert spend == pytest.approx(expected["first_ten"], abs=5e-3)


def test_currency_scales_v_alone(cdnow: pl.DataFrame, gg: cv.GammaGamma) -> None:
    model = cv.fit_gamma_gamma(cdnow.with_columns(pl.col("repeat_spend") * 1000))
    assert [model.p, model.q, model.v / 1000] == pytest.approx([gg.p, gg.q, gg.v], rel=1e-8)


def test_row_order_changes_no_bit(cdnow: pl.DataFrame, gg: cv.GammaGamma) -> None:
    assert cv.fit_gamma_gamma(cdnow.sample(fraction=1, shuffle=True, seed=3)) == gg


def test_weights_are_replication(cdnow: pl.DataFrame) -> None:
    weighted = cdnow.with_columns(weight=pl.col("customer_id") % 3)
    replicated = pl.concat([weighted.filter(pl.col("weight") > k) for k in range(2)])
    a, b = cv.fit_gamma_gamma(weighted, weights="weight"), cv.fit_gamma_gamma(replicated)
    assert [a.p, a.q, a.v] == pytest.approx([b.p, b.q, b.v], rel=1e-8)


def test_customers_without_spend_are_left_out_and_counted() -> None:
    good = [(2, 10.0), (3, 12.5), (1, 30.0), (5, 22.0), (4, 8.0)] * 20
    bad: list[tuple[int, float | None]] = [(0, None), (2, 0.0), (3, -4.0)]
    rows = [*good, *bad]
    model = cv.fit_gamma_gamma(spends([x for x, _ in rows], [m for _, m in rows]))
    alone = cv.fit_gamma_gamma(spends([x for x, _ in good], [m for _, m in good]))
    assert [model.p, model.q, model.v] == [alone.p, alone.q, alone.v]
    assert model.fit is not None
    assert model.fit.warnings[0].startswith("3 customers left out")


@pytest.mark.parametrize(
    "frame",
    [spends([3], [20.0]), spends([2] * 30, [9.99] * 30), spends([1, 5000], [1e-2, 1e9])],
    ids=["one customer", "all alike", "extreme"],
)
def test_degenerate_customers_give_a_finite_model(frame: pl.DataFrame) -> None:
    model = cv.fit_gamma_gamma(frame)
    assert model.fit is not None
    assert model.fit.status == "boundary"
    assert model.fit.warnings
    assert cv.expected_spend(frame, model)["expected_spend"].is_finite().all()


def test_mean_of_a_new_customer_is_null_where_it_does_not_exist() -> None:
    model = cv.GammaGamma(p=2.0, q=0.9, v=10.0)
    assert model.mean_spend is None
    spend = cv.expected_spend(spends([0, 1], [None, 20.0]), model)["expected_spend"]
    assert spend.to_list() == [None, pytest.approx(2 * (10 + 20) / (2 + 0.9 - 1))]


def test_negative_mean_counts_as_zero() -> None:
    model = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
    low, zero, new = cv.expected_spend(spends([4, 4, 0], [-50.0, 0.0, None]), model)[
        "expected_spend"
    ]
    assert 0 < low == zero < new


def test_nothing_to_fit_and_bad_values() -> None:
    with pytest.raises(cv.FitError, match="no customers to fit: 2 rows"):
        cv.fit_gamma_gamma(spends([0, 0], [None, None]).cast({"repeat_spend": pl.Float64}))
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite"):
        cv.fit_gamma_gamma(spends([1, 2], [float("inf"), 3.0]))
