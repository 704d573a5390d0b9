from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

import customer_value as cv
from customer_value._kernels.draw import sampling
from customer_value._kernels.draw.opportunity_sampling import draw_opportunity_values
from customer_value._kernels.math import keys
from customer_value._kernels.run import parallel
from customer_value._typing import FloatArray
from golden import golden
from oracles import bg_bb as oracle
from oracles.cohorts import opportunity_cohort

History = tuple[FloatArray, FloatArray, FloatArray]

GOLDEN = golden("bg_bb")
GG = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
FIXED = cv.IntervalOptions(parameters="fixed", draws=100)
ENDS = ["clv_low", "clv_high"]
ROUNDED = cv.BgBb(**GOLDEN["at_rounded_parameters"]["parameters"])


def donations() -> pl.DataFrame:
    schema = ["repeat_purchases", "last_opportunity", "supporters"]
    cells = pl.DataFrame(GOLDEN["donations"]["cells"], schema=schema, orient="row")
    return cells.with_columns(opportunities=pl.lit(GOLDEN["donations"]["opportunities"]))


def histories(x: list[int], t_x: list[int], n: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"repeat_purchases": x, "last_opportunity": t_x, "opportunities": n})


def arrays(x: list[int], t_x: list[int], n: list[int]) -> History:
    return np.array(x, np.float64), np.array(t_x, np.float64), np.array(n, np.float64)


def columns(frame: pl.DataFrame) -> History:
    x, t_x, n = (frame[name].cast(pl.Float64).to_numpy() for name in cv.BgBb.history)
    return x, t_x, n


def per_day(rate: float) -> float:
    """The continuous daily rate of an effective rate from one yearly opportunity to the next."""
    return math.log1p(rate) / 365.25


@pytest.fixture(scope="module")
def donors() -> cv.BgBb:
    return cv.fit_bg_bb(donations(), weights="supporters")


def parameters(model: cv.BgBb) -> list[float]:
    return [model.alpha, model.beta, model.gamma, model.delta]


def test_published_fit(donors: cv.BgBb) -> None:
    expected = GOLDEN["fit"]
    assert donors.fit is not None
    assert donors.fit.status == "converged"
    assert donors.fit.n_customers == 11_104
    assert donors.fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)
    assert parameters(donors) == pytest.approx(list(expected["parameters"].values()), rel=1e-6)
    assert donors.fit.standard_errors == pytest.approx(expected["standard_errors"], rel=1e-4)
    assert donors.history == ("repeat_purchases", "last_opportunity", "opportunities")


def test_published_predictions(donors: cv.BgBb) -> None:
    expected = GOLDEN["at_the_maximum"]
    for x, t_x, alive in expected["alive_next"]:
        got = donors.probability_alive(*arrays([x], [t_x], [6]), ahead=1)
        assert got[0] == pytest.approx(alive, abs=1e-6)
    for x, t_x, purchases in expected["expected_10"]:
        got = donors.expected_purchases(*arrays([x], [t_x], [6]), 10)
        assert got[0] == pytest.approx(purchases, rel=4e-5)  # BTYD's maximum is not quite one
    assert donors.new_customer_purchases(10) == pytest.approx(expected["new_10"], rel=1e-5)
    cells = donations()
    total = cells["supporters"].to_numpy() @ donors.expected_purchases(*columns(cells), 5)
    assert total == pytest.approx(expected["sum_of_expected_5"], abs=5e-3)
    counts = [11_104 * donors.new_customer_probability(6, k) for k in (0, 6)]
    assert counts == pytest.approx(expected["cells_0_and_6"], abs=0.05)
    reached = 11_104 * np.array([donors.new_customer_purchases(k) for k in range(12)])
    assert np.diff(reached).tolist() == pytest.approx(expected["tracking"], rel=4e-5)


def test_published_values_at_rounded_parameters() -> None:
    expected = GOLDEN["at_rounded_parameters"]
    x, t_x, n = expected["customer"]
    customer = arrays([x], [t_x], [n])
    log_likelihood = ROUNDED.log_likelihood(*customer)[0]
    assert log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-9)
    purchases = ROUNDED.expected_purchases(*customer, 10)[0]
    assert purchases == pytest.approx(expected["expected_10"], rel=1e-9)
    alive = ROUNDED.probability_alive(*customer, ahead=1)[0]
    assert alive == pytest.approx(expected["alive_next"], rel=1e-9)
    value = ROUNDED.discounted_purchases(*customer, math.inf, per_day(0.1))[0]
    assert value == pytest.approx(expected["dert"], rel=1e-9)
    k = list(range(1, 7))
    alive_by_t_x = ROUNDED.probability_alive(*arrays([1] * 6, k, [6] * 6), ahead=1)
    assert alive_by_t_x.tolist() == pytest.approx(expected["alive_next_by_t_x"], abs=1e-8)
    dert = ROUNDED.discounted_purchases(*arrays(k, [6] * 6, [6] * 6), math.inf, per_day(0.1))
    assert dert.tolist() == pytest.approx(expected["dert_by_x"], rel=1e-9)


def test_predictions_of_the_golden_grid() -> None:
    for row in json.loads(oracle.GOLDEN.read_text())["rows"]:
        names = ("alpha", "beta", "gamma", "delta")
        model = cv.BgBb(**{name: row[name] for name in names})
        state = np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["n"]])
        horizon, rate = row["horizon"], row["rate"]
        got = {
            "expected_purchases": model.expected_purchases(*state, horizon),
            "discounted": model.discounted_purchases(*state, horizon, per_day(rate)),
            "discounted_life": model.discounted_purchases(*state, math.inf, per_day(rate)),
            "purchase_probability": model.purchase_probability(*state, horizon, int(row["k"])),
        }
        for name, value in got.items():
            assert value[0] == pytest.approx(row[name], rel=1e-10, abs=0), (name, row)


def test_the_probabilities_of_counts_add_up_to_the_expectation(donors: cv.BgBb) -> None:
    state = arrays([0, 2, 6], [0, 4, 6], [6, 6, 6])
    counts = np.array([donors.purchase_probability(*state, 8, k) for k in range(9)])
    np.testing.assert_allclose(counts.sum(axis=0), 1.0, rtol=1e-13)
    expected = donors.expected_purchases(*state, 8)
    np.testing.assert_allclose(np.arange(9) @ counts, expected, rtol=1e-12)
    new = [donors.new_customer_probability(8, k) for k in range(9)]
    assert np.arange(9) @ new == pytest.approx(donors.new_customer_purchases(8), rel=1e-12)


def test_at_least_so_many_purchases(donors: cv.BgBb) -> None:
    at = arrays([6, 3, 0], [6, 4, 0], [6, 6, 6])
    exactly = [donors.purchase_probability(*at, 5.0, n) for n in range(6)]
    for n in range(6):
        more = donors.at_least_probability(*at, 5.0, n)
        assert more == pytest.approx(np.sum(exactly[n:], axis=0), rel=1e-12)
    np.testing.assert_array_equal(donors.at_least_probability(*at, 5.0, 10**9), 0.0)
    seldom = cv.BgBb(alpha=1e-3, beta=1e3, gamma=1.0, delta=1.0)
    assert seldom.at_least_probability(*at, 5.0, 5) == pytest.approx(
        seldom.purchase_probability(*at, 5.0, 5), rel=1e-14
    )


@pytest.mark.parametrize("q", [0.05, 0.3, 0.6, 0.9])
def test_next_purchase_quantile(donors: cv.BgBb, q: float) -> None:
    """The first horizon in which no purchase is less likely than 1 - q; inf where none is."""
    for x, t_x in ((0, 0), (2, 4), (4, 5), (6, 6)):
        state = arrays([x], [t_x], [6])
        got = donors.next_purchase_quantile(*state, q)[0]
        bought = [1 - donors.purchase_probability(*state, m, 0)[0] for m in range(1, 400)]
        reached = [m for m, p in enumerate(bought, start=1) if p >= q]
        assert got == (reached[0] if reached else math.inf)
    assert donors.next_purchase_quantile(*arrays([0], [0], [6]), 0.6)[0] == math.inf


def test_horizons_are_whole_opportunities() -> None:
    assert ROUNDED.horizon_length(10) == ROUNDED.horizon_length("10y") == 10.0
    monthly = ROUNDED.model_copy(update={"time_unit": "month"})
    assert monthly.horizon_length("1y") == monthly.horizon_length("12mo") == 12.0
    assert ROUNDED.horizon_length(timedelta(days=1461)) == 4.0
    for horizon in (0, -1, "18mo", "1w"):
        with pytest.raises(cv.CustomerValueError, match="whole number of opportunities"):
            ROUNDED.horizon_length(horizon)


def test_posterior_means_agree_with_a_simulation(donors: cv.BgBb) -> None:
    rng = np.random.default_rng(5)
    size = 400_000
    p, theta = rng.beta(donors.alpha, donors.beta, size), rng.beta(donors.gamma, donors.delta, size)
    left = rng.geometric(theta)  # the customer is gone at this opportunity
    k = np.arange(1, 7)
    bought = (rng.uniform(size=(size, 6)) < p[:, None]) & (k < left[:, None])
    x, t_x = bought.sum(axis=1), (bought * k).max(axis=1)
    for cell in ((0, 0), (2, 4), (6, 6)):
        same = (x == cell[0]) & (t_x == cell[1])
        state = arrays([cell[0]], [cell[1]], [6])
        buys, leaves = donors.posterior_means(*state)
        alive = donors.probability_alive(*state, ahead=1)
        for truth, got in ((p, buys), (theta, leaves), (left > 7, alive)):
            error = np.std(truth[same]) / math.sqrt(same.sum())
            assert abs(np.mean(truth[same]) - got[0]) < 4 * error < 0.03


def test_row_order_cells_and_weights(donors: cv.BgBb) -> None:
    shuffled = donations().sample(fraction=1, shuffle=True, seed=2)
    assert cv.fit_bg_bb(shuffled.lazy(), weights="supporters") == donors
    one_by_one = donations().select(pl.exclude("supporters").repeat_by("supporters").explode())
    assert one_by_one.height == 11_104
    assert parameters(cv.fit_bg_bb(one_by_one)) == pytest.approx(parameters(donors), rel=1e-9)


def test_parameters_of_a_simulation_are_found_again() -> None:
    rng = np.random.default_rng(8)
    size, truth = 60_000, (1.5, 2.0, 0.8, 4.0)
    p, theta = rng.beta(*truth[:2], size), rng.beta(*truth[2:], size)
    left, n = rng.geometric(theta), rng.integers(4, 11, size)
    k = np.arange(1, 11)
    seen = (k < left[:, None]) & (k <= n[:, None])
    bought = (rng.uniform(size=(size, 10)) < p[:, None]) & seen
    frame = pl.DataFrame(
        {
            "repeat_purchases": bought.sum(axis=1),
            "last_opportunity": (bought * k).max(axis=1),
            "opportunities": n,
        }
    )
    model = cv.fit_bg_bb(frame)
    assert model.fit is not None
    assert model.fit.standard_errors is not None
    for name, value in zip(model.fit.standard_errors, truth, strict=True):
        assert abs(getattr(model, name) - value) < 4 * model.fit.standard_errors[name]


@pytest.mark.parametrize(
    "frame",
    [
        histories([0, 0], [0, 0], [0, 0]),
        histories([0], [0], [9]),
        histories([3], [3], [3]),
        histories([2] * 40, [4] * 40, [6] * 40),
        histories([5000, 0], [6000, 0], [9000, 1]),
    ],
    ids=["no opportunity", "no purchase", "always", "all alike", "extreme"],
)
def test_degenerate_customers_give_a_finite_model(frame: pl.DataFrame) -> None:
    model = cv.fit_bg_bb(frame)
    assert model.fit is not None
    assert model.fit.status == "boundary"
    assert "do not identify" in model.fit.warnings[-1]
    assert np.isfinite(model.expected_purchases(*columns(frame), 10)).all()
    assert np.isfinite(model.log_likelihood(*columns(frame))).all()


def test_without_discount_a_residual_life_needs_gamma_above_1() -> None:
    state = arrays([2], [3], [4])
    assert not ROUNDED.has_finite_value(0.0)
    assert ROUNDED.has_finite_value(0.01)
    assert ROUNDED.discounted_purchases(*state, math.inf, 0.0)[0] == math.inf
    gone = cv.BgBb(alpha=900.0, beta=0.01, gamma=0.9, delta=0.01)
    assert gone.probability_alive(*arrays([1], [1], [9_000]))[0] == 0.0
    assert gone.discounted_purchases(*arrays([1], [1], [9_000]), math.inf, 0.0)[0] == math.inf
    model = cv.BgBb(alpha=1.2, beta=0.75, gamma=1.5, delta=2.0)
    assert model.has_finite_value(0.0)
    alive, buys = model.probability_alive(*state)[0], 3.2 / 5.95
    value = model.discounted_purchases(*state, math.inf, 0.0)[0]
    assert value == pytest.approx(alive * buys * (2.0 + 4) / 0.5, rel=1e-11)


def test_impossible_histories_are_all_named() -> None:
    bad = histories([1, 3, 2, 0, -1], [7, 2, 2, 1, 0], [6, 6, 20_000, 6, 6])
    with pytest.raises(cv.DataError) as caught:
        cv.fit_bg_bb(bad)
    message = str(caught.value)
    assert "1 row with repeat_purchases, last_opportunity or opportunities not 0, 1, 2" in message
    assert "1 row with more than 10,000 opportunities" in message
    assert "1 row with last_opportunity after the opportunities" in message
    assert "1 row with more repeat_purchases than last_opportunity" in message
    assert "1 row with last_opportunity above 0 without a repeat purchase" in message
    with pytest.raises(cv.SchemaError, match="missing columns"):
        cv.fit_bg_bb(pl.DataFrame({"repeat_purchases": [1]}))


def test_unknown_histories_are_left_out_and_counted(donors: cv.BgBb) -> None:
    unknown = donations().head(2).with_columns(last_opportunity=pl.lit(None, pl.Int64))
    model = cv.fit_bg_bb(pl.concat([donations(), unknown]), weights="supporters")
    assert parameters(model) == parameters(donors)
    assert model.fit is not None
    assert model.fit.warnings[0].startswith("2 customers left out")


def test_json(donors: cv.BgBb) -> None:
    assert cv.load_model(donors.model_dump_json()) == donors


def test_frames_go_through_the_functions_of_all_purchase_models() -> None:
    frame = pl.DataFrame(
        {"repeat_purchases": [3, 0], "last_opportunity": [4, 0], "opportunities": [6, 6]}
    )
    state = arrays([3, 0], [4, 0], [6, 6])
    alive = cv.probability_alive(frame, ROUNDED)["p_alive"].to_list()
    assert alive == ROUNDED.probability_alive(*state).tolist()
    later = cv.probability_alive(frame, ROUNDED, horizon=1)["p_alive_later"].to_list()
    assert later == ROUNDED.probability_alive(*state, ahead=1).tolist()
    expected = cv.expected_purchases(frame.lazy(), ROUNDED, horizon="10y").collect()
    want = ROUNDED.expected_purchases(*state, 10).tolist()
    assert expected["expected_purchases"].to_list() == want
    days = cv.clv.next_purchase_quantile(frame, ROUNDED, q=0.3)["next_purchase_days"].to_list()
    waits = ROUNDED.next_purchase_quantile(*state, 0.3)
    assert days == [None if math.isinf(w) else w * 365.25 for w in waits]
    with pytest.raises(cv.DataError, match="last_opportunity after the opportunities"):
        cv.probability_alive(frame.with_columns(opportunities=pl.lit(1)), ROUNDED)


def test_lifetime_value_discounts_from_opportunity_to_opportunity() -> None:
    frame = pl.DataFrame(
        {
            "repeat_purchases": [3],
            "last_opportunity": [4],
            "opportunities": [6],
            "repeat_spend": [20.0],
        }
    )
    gg = cv.GammaGamma(p=6.25, q=3.74, v=15.44)
    valued = cv.customer_lifetime_value(
        frame, purchases=ROUNDED, spend=gg, margin=1.0, horizon=None, discount_rate=0.1
    )
    dert = ROUNDED.discounted_purchases(*arrays([3], [4], [6]), math.inf, per_day(0.1))[0]
    assert valued["clv"].item() == pytest.approx(dert * valued["expected_spend"].item(), rel=1e-12)
    steps = cv.customer_lifetime_value(
        frame, purchases=ROUNDED, spend=gg, margin=1.0, horizon=5, discount_rate=0.1, steps="year"
    )
    plain = cv.customer_lifetime_value(
        frame, purchases=ROUNDED, spend=gg, margin=1.0, horizon=5, discount_rate=0.1
    )
    assert steps["clv"].item() == pytest.approx(plain["clv"].item(), rel=1e-12)


def with_intervals(frame: Any, model: cv.BgBb, **terms: Any) -> Any:
    settings: dict[str, Any] = {"margin": 1.0, "interval": FIXED, "seed": 1, "horizon": 5}
    settings["spend"] = GG
    return cv.customer_lifetime_value(frame, purchases=model, **(settings | terms))


def valued_donations() -> pl.DataFrame:
    known = pl.col("repeat_purchases") > 0
    spend = 20.0 + 3.0 * pl.col("last_opportunity") + pl.col("repeat_purchases")
    return donations().with_columns(repeat_spend=pl.when(known).then(spend))


@pytest.mark.parametrize("cell", [(0, 0), (2, 2), (2, 4), (3, 6), (6, 6)])
def test_futures_are_those_of_simulated_customers_with_the_same_history(
    donors: cv.BgBb, cell: tuple[int, int]
) -> None:
    """A population from its first opportunity on; whoever bought thus is followed for five more."""
    rng, size, delta = np.random.default_rng(9), 300_000, 0.1
    p, theta = rng.beta(donors.alpha, donors.beta, size), rng.beta(donors.gamma, donors.delta, size)
    k = np.arange(1, 12)
    bought = (rng.uniform(size=(size, 11)) < p[:, None]) & (k < rng.geometric(theta)[:, None])
    past = bought[:, :6]
    same = (past.sum(axis=1) == cell[0]) & ((past * k[:6]).max(axis=1) == cell[1])
    told = bought[same, 6:] @ np.exp(-delta * k[:5])

    n, sure = 20_000, 1e14  # each purchase brings 1
    x, t_x, age = (np.full(n, float(value)) for value in (*cell, 6))
    future = donors.futures(x, t_x, age)
    drawn = draw_opportunity_values(
        future.alive,
        (*future.buys, *future.stops),
        (np.full(n, sure), np.ones(n)),
        keys.row_keys(np.arange(n, dtype=np.float64)),
        spend_kind=sampling.GAMMA_SPEND,
        purchase=sure,
        horizon=5.0,
        delta=delta,
        seed=1,
        draw=0,
    )
    assert told.size > 1_000
    assert stats.ks_2samp(drawn.round(4), told.round(4)).pvalue > 1e-3
    expected = donors.discounted_purchases(x[:1], t_x[:1], age[:1], 5, delta / 365.25)[0]
    assert abs(drawn.mean() - expected) < 4 * drawn.std() / math.sqrt(n)


@pytest.mark.parametrize("horizon", [12, "12mo", 200, None])
@pytest.mark.parametrize("kind", ["outcome", "mean"])
def test_the_total_of_the_draws_is_the_value(horizon: Any, kind: Any, donors: cv.BgBb) -> None:
    """Monthly opportunities, discounted from each to the next; 10 % a month, so that it shows."""
    one = pl.DataFrame(
        {
            "repeat_purchases": [4],
            "last_opportunity": [7],
            "opportunities": [8],
            "repeat_spend": [25.0],
        }
    )
    how = {"interval_method": kind, "parameters": "fixed" if kind == "outcome" else "laplace"}
    got = cv.value_interval(
        pl.concat([one] * 4000),
        purchases=donors.model_copy(update={"time_unit": "month"}),
        spend=GG if kind == "outcome" else cv.fit_gamma_gamma(spenders()),
        margin=1.0,
        seed=3,
        horizon=horizon,
        discount_rate=0.8,
        options=cv.IntervalOptions.model_validate({"draws": 40, "confidence": 0.9} | how),
    )
    assert got.low < got.total < got.high
    assert (got.high - got.low) / got.total < (0.1 if kind == "outcome" else 0.5)


def spenders() -> pl.DataFrame:
    truth = cv.BgBb(alpha=3.0, beta=1.0, gamma=1.0, delta=9.0)
    return opportunity_cohort(1_000, truth, GG, seed=4, horizon=0)


def test_intervals_depend_on_neither_order_threads_nor_laziness(
    donors: cv.BgBb, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = valued_donations().with_row_index("customer_id")
    expected = with_intervals(frame, donors)
    twice = pl.concat([frame, frame]).sample(fraction=1, shuffle=True, seed=1)
    got = with_intervals(twice, donors).unique().sort("customer_id")
    assert_frame_equal(got, expected, check_exact=True)
    assert_frame_equal(with_intervals(frame.lazy(), donors).collect(), expected, check_exact=True)
    assert not with_intervals(frame, donors, seed=2).equals(expected)
    monkeypatch.setattr(parallel, "n_threads", lambda: 1)
    assert_frame_equal(with_intervals(frame, donors), expected, check_exact=True)
    assert (expected["clv_high"] > expected["clv"]).all()
    assert (expected["clv_low"] <= expected["clv"]).all()


def test_what_is_not_known_of_the_parameters_is_drawn(donors: cv.BgBb) -> None:
    spend = cv.fit_gamma_gamma(spenders())
    frame, width = valued_donations(), {}
    for kind in ("mean", "outcome"):
        options = cv.IntervalOptions.model_validate({"interval_method": kind, "draws": 200})
        valued = with_intervals(frame, donors, spend=spend, interval=options)
        assert (valued["clv_low"] < valued["clv"]).all()
        assert (valued["clv"] < valued["clv_high"]).all()
        width[kind] = (valued["clv_high"] - valued["clv_low"]).to_numpy()
    assert (width["mean"] > 0).all()
    assert (width["mean"] < width["outcome"]).all()


def test_unknown_customers_have_no_interval_and_impossible_ones_are_named() -> None:
    frame = histories([2, 0, 3], [4, 0, 4], [6, 6, 6]).with_columns(
        last_opportunity=pl.Series([4, None, 4]), repeat_spend=pl.Series([20.0, None, None])
    )
    valued = with_intervals(frame, ROUNDED)
    for name in ("clv", *ENDS):
        assert valued[name].is_null().to_list() == [False, True, True]
    broken = frame.with_columns(repeat_spend=20.0, opportunities=pl.Series([6, 6, 3]))
    with pytest.raises(cv.DataError, match="1 row with last_opportunity after the opportunities"):
        with_intervals(broken, ROUNDED)


@pytest.mark.parametrize("power", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("horizon", [1, 10_000, None])
def test_intervals_of_extreme_customers_are_finite(power: float, horizon: int | None) -> None:
    frame = histories(
        [0, 0, 1, 10_000, 9_000], [0, 0, 1, 10_000, 9_000], [0, 10_000, 1, *2 * [10_000]]
    )
    frame = frame.with_columns(repeat_spend=pl.Series([None, None, 0.0, 1e9, 1e-9]))
    size = 10.0**power
    model = cv.BgBb(alpha=size, beta=1 / size, gamma=size, delta=size, time_unit="day")
    valued = with_intervals(frame, model, horizon=horizon, discount_rate=0.05)
    assert valued["clv_low"].is_finite().all()
    assert valued["clv_high"].is_finite().all()
    assert (valued["clv_low"] <= valued["clv_high"]).all()


def test_given_parameters_have_no_covariance() -> None:
    with pytest.raises(cv.FitError, match=r"BgBb have no covariance \(they were given\)"):
        with_intervals(valued_donations(), ROUNDED, interval=cv.IntervalOptions(confidence=0.9))


def test_holdouts_have_their_coverage() -> None:
    truth = cv.BgBb(alpha=1.5, beta=2.5, gamma=0.8, delta=8.0, time_unit="month")
    customers = opportunity_cohort(2_000, truth, GG, seed=21, horizon=12)
    report = cv.evaluate_holdout(
        customers,
        truth,
        spend=GG,
        horizon=12,
        interval=cv.IntervalOptions(parameters="fixed"),
        seed=1,
    )
    assert report.coverage is not None
    assert report.coverage["outcome"].to_list() == ["purchases", "revenue"]
    assert report.coverage["coverage"].is_between(0.93, 0.97).all()
