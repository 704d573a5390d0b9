from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.clv.predict.contractual import ContractTiming
from golden import golden

GOLDEN = golden("contracts")["sbg"]["high_end"]
HIGH_END = cv.Sbg(alpha=0.668088, beta=3.806095)
TIMINGS: list[ContractTiming] = ["begin", "end", "due"]


def customers(renewals: list[int | None], **columns: object) -> pl.DataFrame:
    return pl.DataFrame({"renewals": renewals, **columns})


def values(
    renewals: list[int], timing: ContractTiming, periods: int | None = None, rate: float = 0.1
) -> list[float]:
    valued = cv.contractual_value(
        customers([*renewals]),
        HIGH_END,
        profit_per_period=1.0,
        timing=timing,
        discount_rate=rate,
        periods=periods,
    )
    return valued["clv"].to_list()


def test_published_lifetimes() -> None:
    assert values([0], "begin")[0] == pytest.approx(GOLDEN["del"], abs=1e-4)
    assert values(list(range(8)), "due") == pytest.approx(GOLDEN["derl"], abs=1e-4)


def test_timings_differ_by_a_payment_or_a_period() -> None:
    begin, end, due = (np.array(values([0, 1, 5, 40], timing)) for timing in TIMINGS)
    np.testing.assert_allclose(begin - end, 1.0, rtol=1e-14)
    np.testing.assert_allclose(due, 1.1 * end, rtol=1e-14)


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_number_of_payments_is_summed_as_it_reads(timing: ContractTiming) -> None:
    survival = HIGH_END.survival(np.arange(2.0, 9.0)) / HIGH_END.survival(np.array([2.0]))
    flows = {
        "begin": sum(survival[k] / 1.1**k for k in range(6)),
        "end": sum(survival[k] / 1.1**k for k in range(1, 7)),
        "due": sum(survival[k] / 1.1 ** (k - 1) for k in range(1, 7)),
    }
    assert values([2], timing, 6) == [pytest.approx(flows[timing], rel=1e-13)]
    assert values([2], timing, 10_000, 0.5) == pytest.approx(values([2], timing, None, 0.5))


def test_columns_are_what_they_say() -> None:
    frame = customers([0, 3, None, 1, 2], churned=[False, False, False, True, None], m=[9.0] * 5)
    valued = cv.contractual_value(frame, HIGH_END, profit_per_period="m", timing="begin", periods=3)
    assert valued.columns == ["renewals", "churned", "m", "p_renewal", "expected_payments", "clv"]
    kept = HIGH_END.retention(np.arange(1.0, 7.0))
    assert valued["p_renewal"].to_list() == [kept[0], kept[3], None, 0.0, None]
    payments = valued["expected_payments"].to_list()
    assert payments[1] == pytest.approx(1 + kept[3] + kept[3] * kept[4])
    assert payments[2:] == [None, 0.0, None]
    assert valued["clv"][3] == 0.0
    assert valued["clv"].is_null().to_list() == [False, False, True, False, True]


def test_months_take_the_twelfth_root_of_the_annual_rate() -> None:
    monthly = cv.Sbg(alpha=2.0, beta=30.0, time_unit="month")
    got = cv.contractual_value(
        customers([0]), monthly, profit_per_period=5.0, timing="end", discount_rate=0.1
    )
    expected = 5 * monthly.discounted_renewals(np.zeros(1), 1.1 ** (1 / 12) - 1)
    assert got["clv"][0] == pytest.approx(expected[0], rel=1e-12)


def test_margins_may_be_negative_or_unknown_but_not_infinite() -> None:
    frame = customers([1, 1, 1], m=[-2.0, None, 4.0])
    low, unknown, high = cv.contractual_value(frame, HIGH_END, profit_per_period="m", timing="end")[
        "clv"
    ]
    assert low == pytest.approx(-high / 2)
    assert unknown is None
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite values"):
        cv.contractual_value(
            customers([1], m=[float("nan")]), HIGH_END, profit_per_period="m", timing="end"
        )


def test_without_discount_the_whole_life_needs_a_finite_mean() -> None:
    with pytest.raises(cv.CustomerValueError, match="no finite value without discount"):
        values([0], "end", rate=0.0)
    assert values([0], "end", 5, 0.0)[0] > values([0], "end", 5, 0.1)[0]
    finite = cv.Sbg(alpha=1.5, beta=3.0)
    got = cv.contractual_value(
        customers([2]), finite, profit_per_period=1, timing="end", discount_rate=0
    )
    assert got["clv"][0] == pytest.approx((3.0 + 2) / 0.5)
    assert got["expected_payments"][0] == got["clv"][0]
    discounted = cv.contractual_value(customers([2]), HIGH_END, profit_per_period=1.0, timing="end")
    assert discounted["expected_payments"].to_list() == [None]


def test_a_lazy_frame_stays_lazy_and_streams() -> None:
    frame = customers([4, 0, None, 2] * 500)
    eager = cv.contractual_value(frame, HIGH_END, profit_per_period=2.0, timing="due")
    lazy = cv.contractual_value(frame.lazy(), HIGH_END, profit_per_period=2.0, timing="due")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect(engine="streaming").equals(eager)
    assert cv.contractual_value(
        frame.to_arrow(), HIGH_END, profit_per_period=2.0, timing="due"
    ).equals(eager)
    empty = cv.contractual_value(frame.clear(), HIGH_END, profit_per_period=2.0, timing="due")
    assert empty.schema == eager.schema


def test_bad_input_is_refused() -> None:
    with pytest.raises(cv.DataError, match="2 rows with renewals not 0, 1, 2"):
        cv.contractual_value(
            pl.DataFrame({"renewals": [0.5, -1.0, 2.0]}),
            HIGH_END,
            profit_per_period=1.0,
            timing="end",
        )
    with pytest.raises(cv.SchemaError, match="missing columns 'renewals', 'm'"):
        cv.contractual_value(
            pl.DataFrame({"x": [1]}), HIGH_END, profit_per_period="m", timing="end"
        )
    with pytest.raises(cv.SchemaError, match="'churned' is Int64, must be Boolean"):
        cv.contractual_value(
            customers([1], churned=[0]), HIGH_END, profit_per_period=1.0, timing="end"
        )
    with pytest.raises(ValueError, match=r"(?s)profit_per_period.*timing.*discount_rate.*periods"):
        cv.contractual_value(
            customers([1]),
            HIGH_END,
            profit_per_period=float("inf"),
            timing="whenever",  # type: ignore[call-overload]
            discount_rate=10,
            periods=0,
        )


@settings(max_examples=30, deadline=None)
@given(
    alpha=st.floats(-6.9, 6.9).map(np.exp),
    beta=st.floats(-6.9, 6.9).map(np.exp),
    c=st.just(1.0) | st.floats(-3, 3).map(np.exp),
    n=st.integers(0, 2000),
    rate=st.sampled_from([1e-9, 1e-3, 0.1, 1.0]),
)
def test_any_contract_has_a_finite_value_within_its_bounds(
    alpha: float, beta: float, c: float, n: int, rate: float
) -> None:
    model = cv.Bdw(alpha=alpha, beta=beta, c=c)
    valued = cv.contractual_value(
        customers([n]), model, profit_per_period=1.0, timing="end", discount_rate=rate
    )
    assert 0.0 <= valued["p_renewal"][0] <= 1.0
    assert 0.0 <= valued["clv"][0] <= 1 / rate * (1 + 1e-9)
    limited = cv.contractual_value(
        customers([n]), model, profit_per_period=1.0, timing="end", discount_rate=rate, periods=30
    )
    assert 0.0 <= limited["clv"][0] <= valued["clv"][0] * (1 + 1e-9)


def test_retention_curve() -> None:
    curve = cv.clv.retention_curve(HIGH_END, periods=12)
    assert curve.columns == ["period", "survival", "retention", "churn"]
    assert curve["period"].to_list() == list(range(13))
    survival = curve["survival"].to_list()
    assert [100 * s for s in survival[1:]] == pytest.approx(GOLDEN["survival"], abs=5e-3)
    kept = [after / before for before, after in pairwise(survival)]
    assert curve["retention"].to_list()[1:] == pytest.approx(kept)
    assert (curve["retention"] + curve["churn"]).drop_nulls().to_list() == pytest.approx([1.0] * 12)
    later = cv.clv.retention_curve(HIGH_END, periods=4, renewals=8)["survival"]
    assert later.to_list() == pytest.approx([s / survival[8] for s in survival[8:]])


def test_retention_curve_refuses_numbers_out_of_range() -> None:
    for periods, renewals in ((0, 0), (10_001, 0), (3, -1)):
        with pytest.raises(cv.CustomerValueError, match="periods must be 1 to 10,000"):
            cv.clv.retention_curve(HIGH_END, periods=periods, renewals=renewals)


def test_who_has_left_makes_no_payments_even_where_the_mean_is_infinite() -> None:
    frame = customers([0, 3, 2], churned=[False, True, None])
    assert not HIGH_END.has_finite_value(0.0)
    valued = cv.contractual_value(frame, HIGH_END, profit_per_period=1.0, timing="end")
    assert valued["expected_payments"].to_list() == [None, 0.0, None]
