from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mpmath import mp

from customer_value._kernels.models import mbg_cnbd, mbg_nbd
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import MbgCnbd
from customer_value._kernels.run import parallel
from oracles import mbg_cnbd as oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_value._kernels.run.parallel import FloatArray

CDNOW = MbgCnbd(1, 0.52484, 6.18309, 0.89139, 1.61405)  # BTYDplus' maximum
WEEKLY_RATE = math.log(1.15) / 52
CUSTOMER = Histories(np.array([2.0]), np.array([30.43]), np.array([38.86]))
GOLDEN = json.loads(oracle.GOLDEN.read_text())["rows"]
SLOWER = 1 if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0" else 20


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def state(row: oracle.Row) -> Histories:
    return Histories(np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["T"]]))


def parameters(row: oracle.Row) -> MbgCnbd:
    return MbgCnbd(1, row["r"], row["alpha"], row["a"], row["b"])


def sample(n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(2007)
    T = rng.uniform(27.0, 39.0, n)
    x = np.floor(rng.gamma(0.3, 4.0, n))
    return x, np.where(x > 0, T * rng.uniform(0.0, 1.0, n), 0.0), T


def test_published_customer() -> None:
    """BTYDplus' values, at its maximum as printed: 5 digits of the parameters, 6 of the values."""
    alive = mbg_cnbd.probability_alive(CUSTOMER, CDNOW)
    assert alive[0] == pytest.approx(0.7061217281, rel=1e-6)
    zero, T = np.zeros(1), np.array([38.86])
    alive = mbg_cnbd.probability_alive(Histories(zero, zero, T), CDNOW)
    assert alive[0] == pytest.approx(0.3897142188, rel=4e-6)
    in_days = Histories(np.array([2.0]), np.array([213 / 7]), np.array([272 / 7]))
    purchases = mbg_nbd.expected_purchases(in_days, CDNOW, 39.0)
    assert purchases[0] == pytest.approx(1.262746964, rel=3e-6)


@pytest.mark.parametrize("row", GOLDEN)
def test_golden_grid_over_the_box(row: oracle.Row) -> None:
    at, given_ = state(row), parameters(row)
    horizon, delta, n = row["horizon"], row["delta"], int(row["n"])
    values = {
        "log_likelihood": mbg_cnbd.log_likelihood(at, given_),
        "probability_alive": mbg_cnbd.probability_alive(at, given_),
        "alive_later": mbg_nbd.probability_alive_later(at, given_, horizon),
        "expected_purchases": mbg_nbd.expected_purchases(at, given_, horizon),
        "exactly": mbg_nbd.purchase_probability(at, given_, horizon, n),
        "quantile": mbg_nbd.next_purchase_quantile(at, given_, row["q"]),
        "discounted": mbg_nbd.discounted_expected_purchases(at, given_, horizon, delta),
        "discounted_life": mbg_nbd.discounted_expected_purchases(at, given_, math.inf, delta),
    }
    for name, value in values.items():
        assert value[0] == pytest.approx(row[name], rel=1e-9, abs=1e-290), name


@pytest.mark.parametrize("row", oracle.random_rows(40, seed=7))
def test_counts_and_quantile_of_any_customer(row: oracle.Row) -> None:
    at, given_ = state(row), parameters(row)
    living, horizon, n = oracle.Living(row), row["horizon"], int(row["n"])
    exactly = mbg_nbd.purchase_probability(at, given_, horizon, n)[0]
    assert exactly == pytest.approx(float(living.exactly(horizon, n)), rel=1e-9, abs=1e-290)
    at_least = mbg_nbd.at_least_probability(at, given_, horizon, n + 1)[0]
    assert at_least == pytest.approx(float(living.at_least(horizon, n + 1)), rel=1e-9, abs=1e-290)
    quantile = mbg_nbd.next_purchase_quantile(at, given_, row["q"])[0]
    assert quantile == pytest.approx(float(living.quantile(row["q"])), rel=1e-9)


def test_all_is_finite_and_ordered_over_the_box() -> None:
    for row in oracle.random_rows(2_000 // SLOWER, seed=2):
        at, given_ = state(row), parameters(row)
        horizon, delta, n = row["horizon"], row["delta"], int(row["n"])
        alive = mbg_cnbd.probability_alive(at, given_)[0]
        later = mbg_nbd.probability_alive_later(at, given_, horizon)[0]
        assert 0.0 <= later <= alive <= 1.0, row
        assert 0.0 <= mbg_nbd.purchase_probability(at, given_, horizon, n)[0] <= 1.0, row
        count = mbg_nbd.expected_purchases(at, given_, horizon)[0]
        part = mbg_nbd.discounted_expected_purchases(at, given_, horizon, delta)[0]
        life = mbg_nbd.discounted_expected_purchases(at, given_, math.inf, delta)[0]
        assert 0.0 <= part <= count * (1 + 1e-10) < math.inf, row
        assert part <= life * (1 + 1e-10) < math.inf, row
        assert not math.isnan(mbg_nbd.next_purchase_quantile(at, given_, row["q"])[0]), row


def test_probabilities_of_all_counts_add_up() -> None:
    """To one, and weighted by the count to the expected number: three separate formulas."""
    x, t_x, T = sample(20)
    counts = [
        mbg_nbd.purchase_probability(Histories(x, t_x, T), CDNOW, 26.0, n) for n in range(400)
    ]
    np.testing.assert_allclose(sum(counts), 1.0, rtol=1e-12)
    mean = sum(n * probability for n, probability in enumerate(counts))
    np.testing.assert_allclose(
        mean, mbg_nbd.expected_purchases(Histories(x, t_x, T), CDNOW, 26.0), rtol=1e-9
    )
    tail = mbg_nbd.at_least_probability(Histories(x, t_x, T), CDNOW, 26.0, 3)
    np.testing.assert_allclose(tail, sum(counts[3:]), rtol=1e-10)


def test_quantile_is_where_a_purchase_has_happened_so_often() -> None:
    x, t_x, T = sample(20)
    for q in (0.01, 0.3):
        wait = mbg_nbd.next_purchase_quantile(Histories(x, t_x, T), CDNOW, q)
        alive = mbg_cnbd.probability_alive(Histories(x, t_x, T), CDNOW)
        np.testing.assert_array_equal(np.isinf(wait), alive <= q)
        for i in np.flatnonzero(np.isfinite(wait)):
            at = Histories(x[i : i + 1], t_x[i : i + 1], T[i : i + 1])
            none = mbg_nbd.purchase_probability(at, CDNOW, wait[i], 0)[0]
            assert none == pytest.approx(1 - q, rel=1e-12)


def test_whole_life_without_discount() -> None:
    """Each purchase ends the life with probability p, so the mean of 1/p purchases are left."""
    got = mbg_nbd.discounted_expected_purchases(
        CUSTOMER, MbgCnbd(1, 0.5, 6.0, 1.5, 2.0), math.inf, 0.0
    )
    alive = mbg_cnbd.probability_alive(CUSTOMER, MbgCnbd(1, 0.5, 6.0, 1.5, 2.0))
    assert got[0] == pytest.approx(alive[0] * (1.5 + 5.0 - 1.0) / 0.5, rel=1e-14)
    forever = mbg_nbd.discounted_expected_purchases(CUSTOMER, CDNOW, math.inf, 0.0)
    assert forever.tolist() == [math.inf]


@pytest.mark.parametrize("t", [1e-9, 1.0, 52.0, 1e4])
def test_new_customer_as_the_paper_prints_it(t: float) -> None:
    """E[X(t)] = b/(a-1) (1 - (alpha/(alpha+t))^r 2F1(r, b+1; a+b; t/(alpha+t)))."""
    r, alpha, a, b = map(mp.mpf, CDNOW[1:])
    with mp.workdps(40):
        series = mp.hyp2f1(r, b + 1, a + b, t / (alpha + t))
        expected = b / (a - 1) * (1 - (alpha / (alpha + t)) ** r * series)
    zero = np.zeros(1)
    got = mbg_nbd.expected_purchases(Histories(zero, zero, zero), CDNOW, t)[0]
    assert got == pytest.approx(float(expected), rel=1e-11, abs=0)


def test_alive_later_falls_as_the_flow_of_purchases_says() -> None:
    """No time ahead changes nothing; far ahead no one is left."""
    x, t_x, T = sample(20)
    alive = mbg_cnbd.probability_alive(Histories(x, t_x, T), CDNOW)
    later = [
        mbg_nbd.probability_alive_later(Histories(x, t_x, T), CDNOW, s)
        for s in (0.0, 1.0, 9.0, 1e9)
    ]
    np.testing.assert_array_equal(later[0], alive)
    assert (np.diff(later, axis=0) < 0).all()
    assert (later[-1] < 1e-3).all()


def all_bits(threads: int | None) -> bytes:
    x, t_x, T = sample(200)
    rows = [
        mbg_nbd.probability_alive_later(Histories(x, t_x, T), CDNOW, 5.0, threads=threads),
        mbg_nbd.expected_purchases(Histories(x, t_x, T), CDNOW, 39.0, threads=threads),
        mbg_nbd.discounted_expected_purchases(
            Histories(x, t_x, T), CDNOW, 4.0, WEEKLY_RATE, threads=threads
        ),
        mbg_nbd.purchase_probability(Histories(x, t_x, T), CDNOW, 39.0, 2, threads=threads),
        mbg_nbd.at_least_probability(Histories(x, t_x, T), CDNOW, 39.0, 2, threads=threads),
        mbg_nbd.next_purchase_quantile(Histories(x, t_x, T), CDNOW, 0.2, threads=threads),
    ]
    return b"".join(array.tobytes() for array in rows)


@pytest.mark.parametrize("threads", [2, None])
def test_any_number_of_threads_gives_the_same_bits(
    threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    assert all_bits(threads) == all_bits(1)


def test_no_rows() -> None:
    none = np.empty(0)
    assert mbg_nbd.probability_alive_later(Histories(none, none, none), CDNOW, 1.0).size == 0
    assert mbg_nbd.expected_purchases(Histories(none, none, none), CDNOW, 1.0).size == 0
    assert (
        mbg_nbd.discounted_expected_purchases(Histories(none, none, none), CDNOW, 1.0, 0.1).size
        == 0
    )
    assert mbg_nbd.purchase_probability(Histories(none, none, none), CDNOW, 1.0, 0).size == 0
    assert mbg_nbd.next_purchase_quantile(Histories(none, none, none), CDNOW, 0.5).size == 0
