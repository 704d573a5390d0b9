from __future__ import annotations

import json
import math

import numpy as np
import pytest

from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import ParetoNbd
from customer_value._kernels.models.pareto_counts import chance_of_count, chance_of_reaching
from customer_value._kernels.models.pareto_nbd import at_least_probability
from oracles import pareto_counts as oracle

GOLDEN = json.loads(oracle.GOLDEN.read_text())["rows"]


@pytest.mark.parametrize("k", [1, 3, 40, 900])
@pytest.mark.parametrize(("r", "alpha"), [(0.5, 3.0), (60.0, 2.0)])
def test_nobody_dies(k: int, r: float, alpha: float) -> None:
    """Then the counts are negative binomial."""
    t = 5.0
    log_chance = math.lgamma(r + k) - math.lgamma(r) - math.lgamma(k + 1)
    log_chance -= r * math.log1p(t / alpha) + k * math.log1p(alpha / t)
    got = chance_of_count(float(k), t, r, alpha, 1e-200, 1.0)
    assert got == pytest.approx(math.exp(log_chance), rel=1e-9, abs=1e-300)


def test_everyone_dies_long_before_the_end() -> None:
    """Geometric counts: with fixed rates each purchase comes before death with chance 2/5."""
    many = 1e6
    for k in (1, 2, 5):
        got = chance_of_count(float(k), 1e3, 2 * many, many, 3 * many, many)
        assert got == pytest.approx(0.6 * 0.4**k, rel=1e-4)


def test_no_time_no_purchases() -> None:
    assert chance_of_count(1.0, 0.0, 0.5, 1.0, 0.5, 1.0) == 0.0
    assert chance_of_reaching(1.0, 0.0, 0.5, 1.0, 0.5, 1.0) == 0.0


@pytest.mark.parametrize("row", GOLDEN)
def test_n_or_more_on_the_golden_grid(row: dict[str, float]) -> None:
    """Relative accuracy where almost no one lives or gets that far: down to 1e-280 and below."""
    x, t_x, age = (np.array([row[name]]) for name in ("x", "t_x", "T"))
    own = ParetoNbd(row["r"], row["alpha"], row["s"], row["beta"])
    got = at_least_probability(Histories(x, t_x, age), own, row["horizon"], int(row["n"]))[0]
    assert got == pytest.approx(row["at_least"], rel=1e-8, abs=1e-290)


def test_the_golden_grid_is_recomputed() -> None:
    for row in GOLDEN[:3]:
        given = {name: value for name, value in row.items() if name != "at_least"}
        again = oracle.at_least_probability(**given)
        assert row["at_least"] == pytest.approx(float(again), rel=1e-14)


@pytest.mark.parametrize(
    ("r", "alpha", "s", "beta"), [(0.6, 10.0, 0.6, 12.0), (9.0, 2.0, 1.0, 2.0)]
)
def test_n_or_more_is_what_fewer_leave(r: float, alpha: float, s: float, beta: float) -> None:
    counts = [chance_of_count(float(k), 30.0, r, alpha, s, beta) for k in range(1, 800)]
    for n in (1, 2, 7, 20):
        got = chance_of_reaching(float(n), 30.0, r, alpha, s, beta)
        assert got == pytest.approx(math.fsum(counts[n - 1 :]), rel=1e-9)


def test_nobody_dies_and_n_or_more_buy() -> None:
    """Of a shape of 1 the counts are geometric."""
    for n in (1, 3, 100, 5000):
        got = chance_of_reaching(float(n), 3.0, 1.0, 2.0, 1e-200, 1.0)
        assert got == pytest.approx(0.6**n, rel=1e-9, abs=1e-300)
