from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.models import bg_bb
from customer_value._kernels.models.bg_bb import Opportunities
from customer_value._kernels.models.parameters import BgBb
from customer_value._kernels.run import parallel
from customer_value._kernels.run.parallel import FloatArray
from oracles import bg_bb as oracle
from oracles import log_derivatives

JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
GOLDEN = json.loads(oracle.GOLDEN.read_text())["rows"][:: 1 if JIT_IS_ON else 8]
DONORS = BgBb(1.204, 0.750, 0.657, 2.783)


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def history(row: oracle.Row) -> Opportunities:
    return Opportunities(np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["n"]]))


def shapes(row: oracle.Row) -> BgBb:
    return BgBb(row["alpha"], row["beta"], row["gamma"], row["delta"])


def sample(size: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(6)
    n = np.floor(rng.uniform(0, 9, size))
    t_x = np.floor(rng.uniform(size=size) * (n + 1))
    x = np.where(t_x > 0, np.floor(1 + rng.uniform(size=size) * t_x), 0.0)
    return x, t_x, n, np.floor(rng.uniform(1, 4, size))


def log_scale(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log(low), np.log(high)).map(lambda u: float(np.exp(u)))


def test_golden_grid() -> None:
    for row in GOLDEN:
        state = history(row)
        got = {
            "log_likelihood": bg_bb.log_likelihood(state, shapes(row)),
            "probability_alive": bg_bb.probability_alive(state, shapes(row), row["ahead"]),
            "posterior_purchase": bg_bb.posterior_means(state, shapes(row))[0],
            "posterior_leaving": bg_bb.posterior_means(state, shapes(row))[1],
        }
        for name, value in got.items():
            assert value[0] == pytest.approx(row[name], rel=1e-11, abs=0), (name, row)


def test_golden_grid_of_counts() -> None:
    for row in GOLDEN:
        x, t_x, n = history(row)
        alive = bg_bb.probability_alive(Opportunities(x, t_x, n), shapes(row), 0.0)[0]
        count = bg_bb.probability_while_alive(
            Opportunities(x, x, n), shapes(row), row["horizon"], row["k"]
        )[0]
        got = alive * count + (1 - alive if row["k"] == 0 else 0)
        assert got == pytest.approx(row["purchase_probability"], rel=1e-11, abs=0), row


@st.composite
def histories(draw: st.DrawFn) -> tuple[float, float, float]:
    n = draw(st.integers(0, 12))
    t_x = draw(st.integers(0, n))
    x = draw(st.integers(1, t_x)) if t_x else 0
    return float(x), float(t_x), float(n)


@settings(max_examples=8, deadline=None)
@given(histories(), *[log_scale(1e-3, 1e3)] * 4)
def test_derivatives(
    state: tuple[float, float, float], alpha: float, beta: float, gamma: float, delta: float
) -> None:
    x, t_x, n = (np.array([value]) for value in state)
    value, gradient, hessian = bg_bb.value_gradient_hessian(
        Opportunities(x, t_x, n), np.array([2.0]), BgBb(alpha, beta, gamma, delta)
    )
    own = bg_bb.log_likelihood(Opportunities(x, t_x, n), BgBb(alpha, beta, gamma, delta))[0]
    assert value == pytest.approx(2 * own, rel=1e-9, abs=1e-12)
    slope, bend = log_derivatives(
        lambda *p: 2 * oracle.log_likelihood(*state, *p), [alpha, beta, gamma, delta]
    )
    np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(hessian, bend, rtol=1e-8, atol=1e-10)


def test_thousands_of_opportunities() -> None:
    rows = [(0.0, 0.0), (900.0, 950.0), (1000.0, 1000.0)][: 3 if JIT_IS_ON else 1]
    x, t_x = np.array(rows).T
    got = bg_bb.log_likelihood(Opportunities(x, t_x, np.full(x.size, 1000.0)), DONORS)
    expected = [float(oracle.log_likelihood(*row, 1000, *DONORS)) for row in rows]
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    new = np.zeros(1)
    for k in (0, 400, 1000)[: 3 if JIT_IS_ON else 1]:
        count = bg_bb.probability_while_alive(
            Opportunities(new, new, new), DONORS, 1000.0, float(k)
        )[0]
        probability = oracle.purchase_probability(0, 0, 0, 1000, k, *DONORS)
        assert count == pytest.approx(float(probability), rel=1e-11)


@settings(max_examples=20, deadline=None)
@given(histories(), st.integers(0, 15), *[log_scale(1e-3, 1e3)] * 4)
def test_counts_are_a_distribution_with_the_expected_mean(
    state: tuple[float, float, float],
    horizon: int,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
) -> None:
    x, _, n = (np.array([value]) for value in state)
    counts = np.array(
        [
            bg_bb.probability_while_alive(
                Opportunities(x, x, n), BgBb(alpha, beta, gamma, delta), float(horizon), k
            )[0]
            for k in range(-1, horizon + 2)
        ]
    )
    assert counts[0] == counts[-1] == 0.0
    assert counts.sum() == pytest.approx(1.0, rel=1e-11)
    age = n[0] + np.arange(1.0, horizon + 1)
    there = np.cumprod((delta + age - 1) / (gamma + delta + age - 1)).sum()
    mean = (alpha + x[0]) / (alpha + beta + n[0]) * there
    assert counts @ np.arange(-1, horizon + 2) == pytest.approx(mean, rel=1e-10, abs=1e-15)


def test_whoever_bought_at_the_last_opportunity_is_alive() -> None:
    x, n = np.array([1.0, 3.0]), np.array([4.0, 3.0])
    assert bg_bb.probability_alive(Opportunities(x, n, n), DONORS, 0.0).tolist() == [1.0, 1.0]
    later = [bg_bb.probability_alive(Opportunities(x, n, n), DONORS, float(m)) for m in range(5)]
    assert (np.diff(later, axis=0) < 0).all()


def test_weights_count_customers() -> None:
    x, t_x, n, weights = sample(60)
    repeated = weights.astype(np.int64)
    weighted = bg_bb.value_gradient_hessian(Opportunities(x, t_x, n), weights, DONORS)
    single = bg_bb.value_gradient_hessian(
        Opportunities(x.repeat(repeated), t_x.repeat(repeated), n.repeat(repeated)),
        np.ones(repeated.sum()),
        DONORS,
    )
    assert weighted[0] == pytest.approx(single[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], single[1], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(weighted[2], single[2], rtol=1e-11, atol=1e-12)
    assert (weighted[2] == weighted[2].T).all()


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 16)
    x, t_x, n, weights = sample(60)

    def all_bits(threads: int | None) -> bytes:
        value, gradient, hessian = bg_bb.value_gradient_hessian(
            Opportunities(x, t_x, n), weights, DONORS, threads=threads
        )
        rows = bg_bb.log_likelihood(Opportunities(x, t_x, n), DONORS, threads=threads)
        return np.array(value).tobytes() + gradient.tobytes() + hessian.tobytes() + rows.tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(all_bits, [1, 2, 5, None] * 2)) == {all_bits(1)}


def test_no_rows() -> None:
    none, new = np.empty(0), np.zeros(1)
    value, gradient, hessian = bg_bb.value_gradient_hessian(
        Opportunities(none, none, none), none, DONORS
    )
    assert value == 0.0
    assert not gradient.any()
    assert not hessian.any()
    assert bg_bb.log_likelihood(Opportunities(none, none, none), DONORS).size == 0
    assert bg_bb.log_likelihood(Opportunities(new, new, new), DONORS)[0] == 0.0
