from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from customer_value._kernels.models import contracts
from customer_value._kernels.models.parameters import Contract
from oracles import contracts as oracle
from oracles import log_derivatives

GOLDEN = json.loads(oracle.GOLDEN.read_text())["rows"]
JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
HIGH_END = Contract(0.668088, 3.806095, 1.0)


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def log_scale(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log(low), np.log(high)).map(lambda u: float(np.exp(u)))


def shapes(row: oracle.Row) -> Contract:
    return Contract(row["alpha"], row["beta"], row["c"])


def test_survival_and_retention_of_the_golden_grid() -> None:
    for row in GOLDEN:
        n = np.array([row["n"]])
        got = contracts.log_survival(n, shapes(row))[0]
        assert got == pytest.approx(row["log_survival"], rel=1e-11, abs=0)
        got = contracts.log_retention(n + 1, shapes(row))[0]
        assert got == pytest.approx(row["log_retention"], rel=1e-11, abs=0)


@pytest.mark.parametrize("kind", ["limited_life", "whole_life"])
def test_lives_of_the_golden_grid(kind: str) -> None:
    for row in GOLDEN[:: 1 if JIT_IS_ON else 12]:
        n, periods = np.array([row["n"]]), row["periods"] if kind == "limited_life" else math.inf
        got = contracts.residual_lives(n, shapes(row), periods, row["delta"])[0]
        assert got == pytest.approx(row[kind], rel=1e-10, abs=0)


@settings(max_examples=60, deadline=None)
@given(
    t=st.integers(1, 5000) | st.integers(1, 3),
    alpha=log_scale(1e-3, 1e3),
    beta=log_scale(1e-3, 1e3),
    c=st.just(1.0) | log_scale(1e-2, 1e2),
)
def test_retention_of_any_contract(t: int, alpha: float, beta: float, c: float) -> None:
    times = np.array([float(t)])
    before, after = (oracle.log_survival(k, alpha, beta, c) for k in (t - 1, t))
    with mp.workdps(60):
        expected = float(after - before)
    got = contracts.log_retention(times, Contract(alpha, beta, c))[0]
    assert got == pytest.approx(expected, rel=1e-10, abs=0)
    survived = contracts.log_survival(times, Contract(alpha, beta, c))[0]
    assert survived == pytest.approx(float(after), rel=1e-11, abs=0)


@settings(max_examples=20, deadline=None)
@given(
    counts=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=5),
    alpha=log_scale(1e-3, 1e3),
    beta=log_scale(1e-3, 1e3),
    c=st.just(1.0) | log_scale(1e-2, 3e1),
)
def test_derivatives(counts: list[tuple[int, int]], alpha: float, beta: float, c: float) -> None:
    kept, lost = (np.array(column, dtype=np.float64) for column in zip(*counts, strict=True))
    value, gradient, hessian = contracts.value_gradient_hessian(
        kept, lost, Contract(alpha, beta, c)
    )
    names = kept.tolist(), lost.tolist()
    slope, bend = log_derivatives(lambda *p: oracle.log_likelihood(*names, *p), [alpha, beta, c])
    assert value == pytest.approx(float(oracle.log_likelihood(*names, alpha, beta, c)), rel=1e-9)
    np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-9 * (1 + np.abs(slope).max()))
    # Terms of the size of the value cancel.
    size = 1 + np.abs(bend).max() + 0.1 * abs(value)
    np.testing.assert_allclose(hessian, bend, rtol=1e-8, atol=1e-9 * size)


@pytest.mark.parametrize("corner", [(1e6, 1e6, 1e6), (1e-6, 1e6, 1e6), (1e6, 1e-6, 1e-6)])
def test_derivatives_at_the_limits_of_the_search_are_finite(
    corner: tuple[float, float, float],
) -> None:
    kept, lost = np.array([10.0, 9.0, 0.0]), np.array([0.0, 1.0, 9.0])
    value, gradient, hessian = contracts.value_gradient_hessian(kept, lost, Contract(*corner))
    assert math.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.isfinite(hessian).all()
    assert (hessian == hessian.T).all()


def test_lives_without_discount() -> None:
    """The mean of (1 - theta) / theta is (beta + n) / (alpha - 1); it is infinite from 1 down."""
    n = np.array([0.0, 3.0, 700.0])
    got = contracts.residual_lives(n, Contract(1.5, 4.0, 1.0), math.inf, 0.0)
    np.testing.assert_allclose(got, (4.0 + n) / 0.5, rtol=1e-11)
    near = contracts.residual_lives(n, Contract(1.01, 4.0, 1.0), math.inf, 0.0)
    np.testing.assert_allclose(near, (4.0 + n) / 0.01, rtol=1e-10)
    assert (contracts.residual_lives(n, Contract(1.0, 4.0, 1.0), math.inf, 0.0) == math.inf).all()
    assert (contracts.residual_lives(n, Contract(3.0, 4.0, 1 / 3), math.inf, 0.0) == math.inf).all()


def test_a_limited_life_without_discount_is_a_plain_sum() -> None:
    got = contracts.residual_lives(np.array([2.0]), HIGH_END, 5.0, 0.0)[0]
    survival = np.exp(contracts.log_survival(np.arange(2.0, 8.0), HIGH_END))
    assert got == pytest.approx(survival[1:].sum() / survival[0], rel=1e-13)
    assert contracts.residual_lives(np.array([2.0]), HIGH_END, 0.0, 0.1)[0] == 0.0


def test_a_life_does_not_depend_on_who_else_is_asked_about() -> None:
    n = np.array([900.0, 0.0, 65.0, 64.0, 0.0, 63.0])
    together = contracts.residual_lives(n, HIGH_END, math.inf, 0.01)
    alone = [contracts.residual_lives(n[k : k + 1], HIGH_END, math.inf, 0.01)[0] for k in range(6)]
    assert together.tolist() == alone
    assert contracts.residual_lives(n[:0], HIGH_END, math.inf, 0.01).size == 0


def test_lives_lengthen_with_tenure_and_shorten_with_discount() -> None:
    n = np.arange(200.0)
    slow = contracts.residual_lives(n, HIGH_END, math.inf, 0.05)
    fast = contracts.residual_lives(n, HIGH_END, math.inf, 0.06)
    assert (np.diff(slow) > 0).all()
    assert (fast < slow).all()
