from __future__ import annotations

import json
import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from customer_value._typing import FloatArray
from golden import golden
from oracles import bg_bb as oracle

History = tuple[FloatArray, FloatArray, FloatArray]

GOLDEN = golden("bg_bb")
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
    days = cv.next_purchase_quantile(frame, ROUNDED, q=0.3)["next_purchase_days"].to_list()
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
