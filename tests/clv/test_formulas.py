from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.clv.formulas import Timing
from oracles import formulas as oracle

TIMINGS: list[Timing] = ["begin", "end"]
MULTIPLES = {  # r / (1 + i - r), at 10, 12, 14 and 16 %
    0.60: [1.20, 1.15, 1.11, 1.07],
    0.70: [1.75, 1.67, 1.59, 1.52],
    0.80: [2.67, 2.50, 2.35, 2.22],
    0.90: [4.50, 4.09, 3.75, 3.46],
}


@pytest.mark.parametrize("retention", MULTIPLES)
def test_margin_multiples(retention: float) -> None:
    """The table of margin multiples, recomputed; one more when the first margin comes now."""
    for rate, expected in zip((0.10, 0.12, 0.14, 0.16), MULTIPLES[retention], strict=True):
        end, begin = (
            cv.clv.constant_retention_value(
                1.0, retention=retention, rate_per_period=rate, timing=timing
            )
            for timing in ("end", "begin")
        )
        # Half of the last printed digit; .80 at 12 % is 2.5 to the digit.
        assert end == pytest.approx(expected, abs=0.005 + 1e-12)
        assert begin - end == pytest.approx(1.0, rel=1e-14)


def test_published_values() -> None:
    """Growth of 5 %; Netflix (17.95 a month, 0.5 % attrition, 1 % a month); a cohort's firm."""
    growing = cv.clv.constant_retention_value(
        1.0, retention=0.8, rate_per_period=0.12, growth=0.05, timing="end"
    )
    assert growing == pytest.approx(2.857, abs=5e-4)
    for timing, expected in zip(TIMINGS, (1208.63, 1190.68), strict=True):
        netflix = cv.clv.constant_retention_value(
            17.95, retention=0.995, rate_per_period=0.01, timing=timing
        )
        assert netflix == pytest.approx(expected, abs=5e-3)
    berry = cv.clv.constant_retention_value(
        40.0, retention=0.5, rate_per_period=0.15, timing="begin"
    )
    assert 100_000 * (berry - 30) == pytest.approx(4_076_923.08, abs=5e-3)


@pytest.mark.parametrize(
    ("margin", "churn", "cost", "expected", "ratio", "payback"),
    [
        (18, 0.03, 20, 600, 30.0, 1.1),
        (20, 0.06, 95, 333.3, 3.51, 4.8),
        (16, 0.09, 140, 177.8, 1.27, 8.8),
        (14, 0.05, 60, 280, 4.67, 4.3),
    ],
    ids=["organic", "paid search", "social", "affiliate"],
)
def test_published_channels(
    margin: float, churn: float, cost: float, expected: float, ratio: float, payback: float
) -> None:
    value = cv.clv.constant_retention_value(
        float(margin), retention=1 - churn, rate_per_period=0.0, timing="begin"
    )
    assert value == pytest.approx(expected, abs=0.05)
    assert value / cost == pytest.approx(ratio, abs=5e-3)
    assert cost / margin == pytest.approx(payback, abs=0.05 + 1e-12)


def test_limits() -> None:
    def value(timing: Timing, retention: float) -> float:
        return cv.clv.constant_retention_value(
            7.0, retention=retention, rate_per_period=0.25, timing=timing
        )

    assert value("begin", 0.0) == 7.0
    assert value("end", 0.0) == 0.0
    assert value("end", 1.0) == pytest.approx(7.0 / 0.25)  # a perpetuity


@settings(max_examples=60, deadline=None)
@example(margin=1.0, retention=0.34, rate=0.63, growth=-1.0, periods=1, timing="begin")
@given(
    margin=st.floats(-1e6, 1e6),
    retention=st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]),
    rate=st.floats(0, 1) | st.sampled_from([0.0, 0.1]),
    growth=st.floats(-1, 1) | st.sampled_from([0.0, 0.1, -1.0]),
    periods=st.integers(1, 30),
    timing=st.sampled_from(TIMINGS),
)
def test_a_number_of_periods_is_the_plain_sum(
    margin: float, retention: float, rate: float, growth: float, periods: int, timing: Timing
) -> None:
    got = cv.clv.constant_retention_value(
        margin,
        retention=retention,
        rate_per_period=rate,
        growth=growth,
        periods=periods,
        timing=timing,
    )
    expected = oracle.constant_retention_value(margin, retention, rate, timing, growth, periods)
    assert got == pytest.approx(float(expected), rel=1e-10, abs=1e-290)


@pytest.mark.parametrize("timing", TIMINGS)
def test_many_periods_are_all_of_them(timing: Timing) -> None:
    every, many = (
        cv.clv.constant_retention_value(
            5.0, retention=0.9, rate_per_period=0.1, growth=0.02, timing=timing, periods=periods
        )
        for periods in (None, 10_000)
    )
    assert many == pytest.approx(every, rel=1e-13)


def test_columns_give_a_column() -> None:
    frame = pl.DataFrame({"m": [10.0, None, -4.0, 10.0], "r": [0.8, 0.5, 0.9, None]})
    both = cv.clv.constant_retention_value("m", retention="r", rate_per_period=0.1, timing="end")
    one = cv.clv.constant_retention_value(
        pl.col("m") * 2, retention=0.8, rate_per_period=0.1, timing="end"
    )
    other = cv.clv.constant_retention_value(3.0, retention="r", rate_per_period=0.1, timing="end")
    got = frame.lazy().select(both, one=one, other=other).collect(engine="streaming")

    def scalar(m: float, r: float) -> float:
        return cv.clv.constant_retention_value(m, retention=r, rate_per_period=0.1, timing="end")

    assert got["clv"].to_list() == [scalar(10, 0.8), None, scalar(-4, 0.9), None]
    assert got["one"].to_list() == [scalar(20, 0.8), None, scalar(-8, 0.8), scalar(20, 0.8)]
    assert got["other"].to_list() == [scalar(3, 0.8), scalar(3, 0.5), scalar(3, 0.9), None]
    assert frame.clear().select(both).schema == {"clv": pl.Float64}


def test_sums_without_limit_raise() -> None:
    for rate, growth in ((0.0, 0.0), (0.1, 0.1), (0.1, 0.5)):
        with pytest.raises(cv.DataError, match="the sum has no limit"):
            cv.clv.constant_retention_value(
                1.0, retention=1.0, rate_per_period=rate, growth=growth, timing="end"
            )
    kept = cv.clv.constant_retention_value(1.0, retention="r", rate_per_period=0.0, timing="begin")
    with pytest.raises(cv.DataError, match=r"2 rows with .*the sum has no limit"):
        pl.DataFrame({"r": [1.0, 0.5, 1.0]}).select(kept)
    with pytest.raises(cv.DataError, match="the sum has no limit"):
        cv.clv.berger_nasr_value(1.0, promotion=1.0, retention=1.0, rate_per_period=0.0)
    with pytest.raises(cv.DataError, match="too large"):
        cv.clv.constant_retention_value(
            1.0, retention=1.0, rate_per_period=0.0, growth=1.0, periods=5_000, timing="begin"
        )


def test_bad_values_are_all_named() -> None:
    with pytest.raises(
        cv.DataError, match=r"NaN or infinite profit_per_period.*retention outside 0 \.\. 1"
    ):
        cv.clv.constant_retention_value(math.nan, retention=85.0, rate_per_period=0.1, timing="end")
    with pytest.raises(ValueError, match=r"(?s)rate_per_period.*growth.*periods.*timing"):
        cv.clv.constant_retention_value(
            1.0,
            retention=0.5,
            rate_per_period=10,
            growth=math.nan,
            periods=0,
            timing="middle",  # type: ignore[call-overload]
        )


def test_berger_and_nasr() -> None:
    """Their first case: 260 a sale, 50 of promotion, 75 %, 20 %, ten years; recomputed."""

    def value(periods: int | None) -> float:
        return cv.clv.berger_nasr_value(
            260.0, promotion=50.0, retention=0.75, rate_per_period=0.2, periods=periods
        )

    assert value(10) == pytest.approx(568.783, abs=5e-4)
    for n in (1, 2, 7):
        sales = sum(260 * (0.75 / 1.2) ** t for t in range(n + 1))
        spent = sum(50 * 0.75 ** (t - 1) / 1.2 ** (t - 0.5) for t in range(1, n + 1))
        assert value(n) == pytest.approx(sales - spent)
    assert value(None) == pytest.approx(value(500))
    column = cv.clv.berger_nasr_value(
        "m", promotion=50.0, retention=0.75, rate_per_period=0.2, periods=10
    )
    got = pl.DataFrame({"m": [260.0, None]}).select(column)["clv"].to_list()
    assert got == [value(10), None]
    with pytest.raises(cv.CustomerValueError, match="promotion must be a finite number"):
        cv.clv.berger_nasr_value(1.0, promotion=math.inf, retention=0.5, rate_per_period=0.1)


def test_present_value() -> None:
    """A cohort's flows at 2 % a period, the first undiscounted (Farris & Pfeifer): $9,812."""
    flows = [1600, 1000, 1260, 1280, 1440, 1632, 1536, 600, 140]
    now = cv.clv.present_value(flows, rate_per_period=0.02, timing="begin")
    assert now == pytest.approx(9811.88, abs=5e-3)
    later = cv.clv.present_value(pl.Series(flows), rate_per_period=0.02, timing="end")
    assert later == pytest.approx(now / 1.02)
    assert cv.clv.present_value([], rate_per_period=0.1, timing="end") == 0.0


def test_present_value_with_survival_is_the_lifetime_of_a_contract() -> None:
    model = cv.Sbg(alpha=0.668, beta=3.806)
    kept = cv.clv.retention_curve(model, periods=600)["survival"]
    value = cv.clv.present_value([1.0] * 601, survival=kept, rate_per_period=0.1, timing="begin")
    assert value == pytest.approx(model.lifetime(0.1), rel=1e-12)


def test_present_value_refuses_bad_input() -> None:
    with pytest.raises(cv.CustomerValueError, match="2 cash flows, but 1 shares"):
        cv.clv.present_value([1.0, 2.0], survival=[1.0], rate_per_period=0.1, timing="end")
    with pytest.raises(cv.DataError, match=r"1 row with NaN.*1 row with survival outside"):
        cv.clv.present_value(
            [1.0, math.nan], survival=[1.1, 1.0], rate_per_period=0.1, timing="end"
        )
