from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value import BgNbd, GammaGamma, MbgCnbd, MbgNbd, Nbd, ParetoNbd
from customer_value import simulate as simulator
from customer_value.clv import CovariateEffects
from customer_value.datasets import load_cdnow
from customer_value.exceptions import CustomerValueError, OptionError
from customer_value.simulate import (
    CDNOW_BG_NBD,
    CDNOW_GAMMA_GAMMA,
    CDNOW_PARETO_NBD,
    simulate_transactions,
)

if TYPE_CHECKING:
    from customer_value._typing import FloatArray

START, END = date(2024, 1, 1), date(2025, 12, 31)
EVERYTHING: dict[str, Any] = {
    "return_rate": 0.2,
    "cost_rate": 0.6,
    "categories": ["books", "music", "film"],
    "channels": ["web", "store"],
}
positive = st.sampled_from([1e-3, 0.1, 1.0, 30.0, 1e3])


def simulate(n_customers: float = 500, **arguments: object) -> pl.DataFrame:
    defaults: dict[str, Any] = {"start": START, "end": END, "seed": 7}
    return simulate_transactions(**({"n_customers": n_customers} | defaults | arguments))


def in_cents(money: pl.Series) -> bool:
    """Whether each value is the float nearest to a whole number of cents."""
    return all(value == float(f"{value:.2f}") for value in money)


# --- CDNOW ---


def test_cdnow_has_the_published_counts() -> None:
    log = load_cdnow()
    assert log.schema == {
        "customer_id": pl.Int64,
        "ordered_at": pl.Date,
        "quantity": pl.Int64,
        "amount": pl.Float64,
    }
    assert log.height == 6919
    assert log.null_count().sum_horizontal().item() == 0
    assert set(log["customer_id"]) == set(range(1, 2358))
    assert log["ordered_at"].min() == date(1997, 1, 1)
    assert log["ordered_at"].max() == date(1998, 6, 30)
    assert log.filter(amount=0).height == 8
    assert log.filter(pl.col("amount") < 0).is_empty()
    assert log.height - log.n_unique(["customer_id", "ordered_at"]) == 223
    assert log["quantity"].sum() == 16479
    assert log["amount"].cast(pl.Decimal(12, 2)).sum() == Decimal("244091.94")
    assert in_cents(log["amount"])


def test_cdnow_is_sorted_by_customer_and_day() -> None:
    log = load_cdnow()
    assert log.equals(log.sort("customer_id", "ordered_at", maintain_order=True))


def test_cdnow_customers_have_the_numbers_of_the_literature() -> None:
    # Customer 1516 has x = 26, t_x = 30.857 and T = 31 weeks in the calibration period.
    days = (
        load_cdnow()
        .filter(pl.col("customer_id") == 1516, pl.col("ordered_at") <= date(1997, 9, 30))
        .get_column("ordered_at")
        .unique()
        .sort()
    )
    assert len(days) - 1 == 26
    assert (days[-1] - days[0]).days / 7 == pytest.approx(30.857, abs=5e-4)
    assert (date(1997, 9, 30) - days[0]).days / 7 == 31


# --- the simulated processes against their published expectations ---


def bg_nbd_mean(m: BgNbd, t: float) -> float:
    """E[X(t)], Fader, Hardie & Lee (2005), equation 9."""
    z = t / (m.alpha + t)
    series = mpmath.hyp2f1(m.r, m.b, m.a + m.b - 1, z)
    return float((m.a + m.b - 1) / (m.a - 1) * (1 - (1 - z) ** m.r * series))


def bg_nbd_none(m: BgNbd, t: float) -> float:
    """P(X(t) = 0): no one leaves before the first repeat purchase."""
    return float((m.alpha / (m.alpha + t)) ** m.r)


def pareto_nbd_mean(m: ParetoNbd, t: float) -> float:
    """E[X(t)], Schmittlein, Morrison & Colombo (1987)."""
    alive = (m.beta / (m.beta + t)) ** (m.s - 1)
    return float(m.r * m.beta / (m.alpha * (m.s - 1)) * (1 - alive))


def pareto_nbd_none(m: ParetoNbd, t: float) -> float:
    """P(X(t) = 0): no purchase before death at u, or none before t and alive then."""

    def silent(u: float) -> float:
        return mpmath.mpf(m.alpha / (m.alpha + u)) ** m.r  # type: ignore[no-any-return]

    def death(u: float) -> float:
        return m.s / m.beta * mpmath.mpf(m.beta / (m.beta + u)) ** (m.s + 1)  # type: ignore[no-any-return]

    alive = (m.beta / (m.beta + t)) ** m.s
    return float(silent(t) * alive + mpmath.quad(lambda u: silent(u) * death(u), [0, t]))


def repeats_by(log: pl.DataFrame, days: float) -> FloatArray:
    """Count each customer's purchases up to so many days after the first."""
    moment = log["ordered_at"].to_physical().to_numpy()
    customer = log["customer_id"].to_numpy() - 1
    first = moment[np.unique(customer, return_index=True)[1]]  # the log is sorted by time
    within = moment - first[customer] <= days * 86_400_000_000
    return np.bincount(customer[within]).astype(np.float64) - 1


def check_mean(values: FloatArray, expected: float) -> None:
    """Within four standard errors; the seeds are fixed."""
    standard_error = values.std() / np.sqrt(values.size)
    assert abs(values.mean() - expected) < 4 * standard_error


@pytest.mark.parametrize(("t", "mean"), [(1, 0.0532), (3, 0.1506), (31.8571, 1.0405), (78, 1.8576)])
def test_the_oracle_reproduces_published_means(t: float, mean: float) -> None:
    assert bg_nbd_mean(CDNOW_BG_NBD, t) == pytest.approx(mean, rel=2e-3)


MODELS: dict[str, BgNbd | ParetoNbd] = {
    "bg_nbd": CDNOW_BG_NBD,
    "bg_nbd in months, quick to leave": BgNbd(r=2.0, alpha=1.5, a=1.3, b=2.0, time_unit="month"),
    "pareto_nbd": CDNOW_PARETO_NBD,
    "pareto_nbd in days, quick to leave": ParetoNbd(
        r=1.5, alpha=40.0, s=2.5, beta=300.0, time_unit="day"
    ),
}
UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}


@pytest.mark.parametrize("name", MODELS)
def test_repeat_purchases_have_the_mean_and_the_zeros_of_the_model(name: str) -> None:
    model = MODELS[name]
    log = simulate(200_000, purchases=model, acquisition_days=1)
    for days in (20, 90, 365, 730):  # first purchases fall on the first day of 731
        t = days / UNIT_DAYS[model.time_unit]
        repeats = repeats_by(log, days)
        if isinstance(model, BgNbd):
            mean, none = bg_nbd_mean(model, t), bg_nbd_none(model, t)
        else:
            mean, none = pareto_nbd_mean(model, t), pareto_nbd_none(model, t)
        check_mean(repeats, mean)
        check_mean((repeats == 0).astype(float), none)


def test_a_customer_of_fixed_rates_buys_like_a_coin_is_tossed() -> None:
    # r and a + b so large that every customer is the same: rate 0.5 a day, dropout 1/4.
    model = BgNbd(r=1e7, alpha=2e7, a=1e7, b=3e7, time_unit="day")
    log = simulate(50_000, purchases=model, acquisition_days=1, end=date(2024, 12, 31))
    repeats = repeats_by(log, 365)
    for x in (1, 2, 5):
        check_mean((repeats == x).astype(float), 0.25 * 0.75 ** (x - 1))
    gap = log.sort("ordered_at").select(
        gap=pl.col("ordered_at").diff().over("customer_id").dt.total_microseconds() / 86_400e6
    )
    check_mean(gap["gap"].drop_nulls().to_numpy(), 2.0)


def test_amounts_have_the_mean_of_the_gamma_gamma_model() -> None:
    amounts = simulate(
        100_000, end=date(2024, 1, 31), spend=GammaGamma(p=6.25, q=8.0, v=15.44)
    ).sort("customer_id")
    per_customer = amounts.group_by("customer_id").agg(pl.col("amount").mean())
    check_mean(per_customer["amount"].to_numpy(), 6.25 * 15.44 / 7)
    assert simulate(50_000)["amount"].mean() == pytest.approx(6.25 * 15.44 / 2.74, rel=0.03)


def test_amounts_are_cents_and_never_zero() -> None:
    amounts = simulate(spend=GammaGamma(p=0.1, q=2.0, v=1.0))["amount"]
    assert in_cents(amounts)
    assert amounts.min() == 0.01


# --- shape of the log ---


def test_base_columns() -> None:
    log = simulate()
    assert log.schema == {
        "customer_id": pl.Int64,
        "order_id": pl.Int64,
        "ordered_at": pl.Datetime("us"),
        "amount": pl.Float64,
    }
    assert log.null_count().sum_horizontal().item() == 0


def test_all_columns() -> None:
    log = simulate(**EVERYTHING)
    assert log.columns == [
        *("customer_id", "order_id", "ordered_at", "amount"),
        *("cost", "category", "channel", "kind"),
    ]
    assert log.null_count().sum_horizontal().item() == 0


@given(
    n=st.integers(0, 40),
    days=st.integers(0, 900),
    seed=st.integers(0, 2**70),
    purchases=st.one_of(
        st.builds(
            BgNbd,
            r=st.sampled_from([1e-3, 1.0, 30.0]),
            alpha=st.sampled_from([1.0, 30.0, 1e3]),
            a=positive,
            b=positive,
            time_unit=st.sampled_from(["week", "month", "year"]),
        ),
        st.builds(
            ParetoNbd,
            r=st.sampled_from([1e-3, 1.0, 30.0]),
            alpha=st.sampled_from([1.0, 30.0, 1e3]),
            s=positive,
            beta=positive,
            time_unit=st.sampled_from(["week", "month", "year"]),
        ),
    ),
    spend=st.builds(GammaGamma, p=positive, q=st.sampled_from([1.001, 2.0, 1e3]), v=positive),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_log_is_sound(
    *,
    n: int,
    days: int,
    seed: int,
    purchases: BgNbd | ParetoNbd,
    spend: GammaGamma,
    data: st.DataObject,
) -> None:
    end = date.fromordinal(START.toordinal() + days)
    window = data.draw(st.none() | st.integers(1, days + 1))
    log = simulate(
        n,
        end=end,
        seed=seed,
        purchases=purchases,
        spend=spend,
        acquisition_days=window,
        **EVERYTHING,
    )
    sales = log.filter(pl.col("kind") == "sale")
    assert set(log["customer_id"]) == set(range(1, n + 1))
    assert log["ordered_at"].dt.date().is_between(START, end).all()
    first = sales.group_by("customer_id").agg(pl.col("ordered_at").min().dt.date())
    last_first = date.fromordinal(START.toordinal() + (window or days + 1) - 1)
    assert first["ordered_at"].is_between(START, last_first).all()
    assert sales["order_id"].to_list() == list(range(1, sales.height + 1))
    assert log["amount"].is_finite().all()
    assert (sales["amount"] > 0).all()
    assert log.equals(log.sort("ordered_at", "order_id"))


def test_no_customers_is_an_empty_log_of_the_same_schema() -> None:
    assert simulate(0, **EVERYTHING).is_empty()
    assert simulate(0, **EVERYTHING).schema == simulate(**EVERYTHING).schema


def test_one_customer_on_one_day() -> None:
    log = simulate(1, end=START)
    assert set(log["customer_id"]) == {1}
    assert set(log["ordered_at"].dt.date()) == {START}


@pytest.mark.parametrize("start", [date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)])
def test_periods_at_the_ends_of_the_calendar(start: date) -> None:
    log = simulate(20, start=start, end=start, **EVERYTHING)
    assert set(log["ordered_at"].dt.date()) == {start}


def test_acquisition_fills_the_period_unless_told_otherwise() -> None:
    first = pl.col("ordered_at").min().dt.date()
    spread = simulate(5000).group_by("customer_id").agg(first)["ordered_at"]
    days = (spread - START).dt.total_days().to_numpy()
    check_mean(days.astype(float), 365.0)
    cohort = simulate(5000, acquisition_days=84).group_by("customer_id").agg(first)["ordered_at"]
    assert cohort.max() == date(2024, 3, 24)


def test_nobody_returns_who_always_leaves_at_once() -> None:
    leavers = ParetoNbd(r=1.0, alpha=1.0, s=1e6, beta=1e-6, time_unit="year")
    assert simulate(1000, purchases=leavers).height == 1000


def test_nobody_leaves_with_a_tiny_dropout_probability() -> None:
    loyal = BgNbd(r=1e6, alpha=1e6, a=1e-3, b=1e3, time_unit="week")
    repeats = repeats_by(simulate(5000, purchases=loyal, acquisition_days=1), 730)
    check_mean(repeats, 730 / 7)


# --- seeds and streams ---


def test_the_seed_decides() -> None:
    assert simulate(**EVERYTHING).equals(simulate(**EVERYTHING))
    assert not simulate().equals(simulate(seed=8))


def test_the_number_of_threads_does_not_matter() -> None:
    code = (
        "from datetime import date; from customer_value.simulate import simulate_transactions;"
        "log = simulate_transactions(3000, start=date(2024, 1, 1), end=date(2025, 12, 31), seed=7,"
        "return_rate=0.2, cost_rate=0.6, categories=['books', 'music', 'film'],"
        "channels=['web', 'store']); print(log.write_csv())"
    )
    outputs = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path), "POLARS_MAX_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("name", EVERYTHING)
def test_options_leave_the_sales_as_they_are(name: str) -> None:
    base = simulate()
    log = simulate(**{name: EVERYTHING[name]})
    if "kind" in log.columns:
        log = log.filter(pl.col("kind") == "sale")
    assert log.select(base.columns).equals(base)


@pytest.mark.parametrize("name", EVERYTHING)
def test_options_leave_each_other_as_they_are(name: str) -> None:
    without = simulate(**{k: v for k, v in EVERYTHING.items() if k != name})
    log = simulate(**EVERYTHING)
    if name == "return_rate":
        log = log.filter(pl.col("kind") == "sale")
    assert log.select(without.columns).equals(without)


def test_another_spend_leaves_the_moments_as_they_are() -> None:
    dear = simulate(spend=GammaGamma(p=9.0, q=5.0, v=100.0))
    assert dear.drop("amount").equals(simulate().drop("amount"))


def test_more_returns_keep_the_earlier_ones() -> None:
    few, many = (simulate(return_rate=rate).filter(kind="return") for rate in (0.1, 0.5))
    assert few.join(many, on=few.columns, how="anti").is_empty()
    assert many.height > few.height


# --- returns, costs, labels ---


def test_returns_reverse_their_sale() -> None:
    log = simulate(20_000, **EVERYTHING)
    sales, returns = (log.filter(pl.col("kind") == kind) for kind in ("sale", "return"))
    pairs = returns.join(sales, on="order_id", how="left", suffix="_sale", validate="1:1")
    assert pairs["customer_id"].equals(pairs["customer_id_sale"])
    assert pairs["amount"].equals(-pairs["amount_sale"])
    assert pairs["cost"].equals(-pairs["cost_sale"])
    assert pairs["category"].equals(pairs["category_sale"])
    assert pairs["channel"].equals(pairs["channel_sale"])
    delay = pairs["ordered_at"] - pairs["ordered_at_sale"]
    assert set(delay.dt.total_seconds(fractional=True) / 86_400) == set(range(1, 31))


def test_the_share_of_returns_is_the_rate() -> None:
    early = pl.col("ordered_at") < date(2025, 12, 1)  # 30 days to come back
    sales = simulate(50_000, return_rate=0.2)
    returned = set(sales.filter(kind="return")["order_id"])
    orders = sales.filter(early, kind="sale")["order_id"]
    check_mean(orders.is_in(list(returned)).cast(pl.Float64).to_numpy(), 0.2)


def test_everything_can_come_back() -> None:
    log = simulate(return_rate=1.0, acquisition_days=1)
    sold = log.filter(pl.col("ordered_at") < date(2025, 12, 1), kind="sale")
    assert set(sold["order_id"]) <= set(log.filter(kind="return")["order_id"])


@pytest.mark.parametrize("rate", [0.0, 0.6, 1.0])
def test_costs_are_their_share_in_cents(rate: float) -> None:
    log = simulate(cost_rate=rate)
    assert (log["cost"] - log["amount"] * rate).abs().max() <= 0.005 + 1e-9  # type: ignore[operator]
    assert in_cents(log["cost"])


def test_labels_are_drawn_by_zipf() -> None:
    log = simulate(50_000, categories=["books", "music", "film"], channels=["web"])
    assert log["category"].dtype == pl.Enum(["books", "music", "film"])
    for name, weight in [("books", 6 / 11), ("music", 3 / 11), ("film", 2 / 11)]:
        check_mean((log["category"] == name).cast(pl.Float64).to_numpy(), weight)
    assert set(log["channel"]) == {"web"}


# --- regular gaps, and customers who leave at once or never ---


def told_one_by_one(m: MbgCnbd, days: float, n: int) -> list[int]:
    """Repeat purchases of n customers: gap after gap, chance after chance."""
    rng = np.random.default_rng(1)
    repeats = []
    for _ in range(n):
        rate, leaves = rng.gamma(m.r) / m.alpha, rng.beta(m.a, m.b)
        age, bought = rng.gamma(m.k) / rate, 0
        while rng.random() > leaves and age <= days:
            bought += 1
            age += rng.gamma(m.k) / rate
        repeats.append(bought)
    return repeats


@pytest.mark.parametrize("k", [1, 4])
def test_mbg_cnbd_repeats_are_those_of_the_story(k: int) -> None:
    model = MbgCnbd(k=k, r=1.5, alpha=30.0 / k, a=0.7, b=2.0, time_unit="day")
    log = simulate(20_000, purchases=model, acquisition_days=1)
    got = log.group_by("customer_id").len()["len"].to_numpy() - 1
    told = np.array(told_one_by_one(model, 730.5, 20_000))
    error = (told.std() + got.std()) / 20_000**0.5
    assert got.mean() == pytest.approx(told.mean(), abs=4 * error)
    for least in (1, 2, 10):
        assert (got >= least).mean() == pytest.approx((told >= least).mean(), abs=0.02)


def test_gaps_are_as_regular_as_k_says() -> None:
    """One rate and no one leaves: the gaps' squared coefficient of variation is 1/k."""
    for k in (1, 9):
        model = MbgCnbd(k=k, r=1e6, alpha=1e7 / k, a=1e-3, b=1e3, time_unit="day")
        log = simulate(1_000, purchases=model, acquisition_days=1).sort("customer_id", "ordered_at")
        gaps = log.select(
            pl.col("ordered_at").diff().over("customer_id").dt.total_seconds() / 86_400
        )
        gap = gaps["ordered_at"].drop_nulls().to_numpy()
        assert gap.mean() == pytest.approx(10, rel=0.02)
        assert gap.var() / gap.mean() ** 2 == pytest.approx(1 / k, rel=0.05)


def test_nbd_customers_never_leave() -> None:
    model = Nbd(r=2.0, alpha=20.0, time_unit="day")
    stay = ParetoNbd(r=2.0, alpha=20.0, s=1e-6, beta=1e6, time_unit="day")
    log, other = (simulate(20_000, purchases=m, acquisition_days=1) for m in (model, stay))
    assert log.height / other.height == pytest.approx(1, rel=0.02)
    assert log.height / 20_000 == pytest.approx(1 + 730.5 * 2 / 20, rel=0.02)


def test_a_model_is_simulated_as_what_it_is() -> None:
    same: dict[str, Any] = {"r": 0.5, "alpha": 6.0, "a": 0.9, "b": 1.6, "time_unit": "week"}
    mbg = simulate(purchases=MbgNbd(**same))
    assert mbg.equals(simulate(purchases=MbgCnbd(k=1, **same)))
    assert not mbg.equals(simulate(purchases=BgNbd(**same)))
    assert not mbg.equals(simulate(purchases=MbgCnbd(k=3, **same)))


# --- arguments ---


def test_a_model_with_covariates_needs_their_values() -> None:
    online = BgNbd(
        r=0.5,
        alpha=6.0,
        a=0.9,
        b=1.6,
        effects=CovariateEffects(purchase={"online": 0.4}),
    )
    with pytest.raises(OptionError, match=r"asks for \['online'\] of each customer"):
        simulate(purchases=online)
    assert simulate(purchases=online.with_covariates({"online": 0})).equals(
        simulate(purchases=BgNbd(r=0.5, alpha=6.0, a=0.9, b=1.6))
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_customers": -1}, "n_customers: .*greater than or equal to 0"),
        ({"n_customers": 1.5}, "n_customers: "),
        ({"n_customers": 10**10}, "n_customers: "),
        ({"seed": -1}, "seed: .*greater than or equal to 0"),
        ({"end": date(2023, 12, 31)}, "end 2023-12-31 is before start 2024-01-01"),
        ({"start": None}, "start: "),
        ({"acquisition_days": 0}, "acquisition_days: "),
        ({"acquisition_days": 732}, "732 days do not fit between start and end \\(731 days\\)"),
        ({"return_rate": 3}, "return_rate: .*less than or equal to 1"),
        ({"cost_rate": -0.1}, "cost_rate: "),
        ({"cost_rate": float("nan")}, "cost_rate: "),
        ({"categories": []}, "categories: "),
        ({"categories": "books"}, "categories: "),
        ({"channels": ["web", ""]}, "channels.1: "),
        ({"channels": ["web", "web"]}, "names occur more than once: \\['web'\\]"),
        (
            {"purchases": CDNOW_GAMMA_GAMMA},
            "purchases: a model of these is needed: BgNbd, .*got a GammaGamma",
        ),
        ({"purchases": "bg_nbd"}, "purchases: a model of these .*got a str"),
        ({"spend": CDNOW_BG_NBD}, "spend: a model of these is needed: GammaGamma; got a BgNbd"),
        ({"spend": GammaGamma(p=6.0, q=0.9, v=15.0)}, "spend: q must be above 1"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        simulate(**arguments)


def test_every_offence_is_named_at_once() -> None:
    with pytest.raises(OptionError) as caught:
        simulate(-1, seed=-1, return_rate=2, categories=["a", "a"], channels="web")
    for name in ("n_customers", "seed", "return_rate", "categories", "channels"):
        assert f"{name}: " in str(caught.value)


def test_a_log_beyond_all_bounds_is_refused_before_it_is_drawn() -> None:
    busy = ParetoNbd(r=1e3, alpha=1e-12, s=1e-3, beta=1e3, time_unit="day")
    with pytest.raises(CustomerValueError, match=r"the log would have .* rows"):
        simulate(purchases=busy)


def test_importing_loads_neither_numba_nor_scipy() -> None:
    code = "import sys, customer_value.datasets; print({'numba', 'scipy'} & sys.modules.keys())"
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.strip() == "set()"
    assert simulator.__doc__
