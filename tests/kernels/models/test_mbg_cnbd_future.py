from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from customer_value._kernels.models import mbg_cnbd, mbg_cnbd_future, mbg_nbd
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import MbgCnbd
from customer_value._kernels.run import parallel
from oracles import mbg_cnbd as oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customer_value._kernels.run.parallel import FloatArray

GROCERY = (1.329197, 2.812600, 0.424716, 0.790040)  # BTYDplus, groceryElog, k = 2
GOLDEN = json.loads(oracle.GOLDEN_REGULAR.read_text())["rows"]
JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
SLOWER = 1 if JIT_IS_ON else 20
NEW = np.zeros(1)


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def state(row: oracle.Row) -> Histories:
    return Histories(np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["T"]]))


def parameters(row: oracle.Row) -> tuple[float, float, float, float]:
    return row["r"], row["alpha"], row["a"], row["b"]


def sample(n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(2021)
    T = rng.uniform(27.0, 39.0, n)
    x = np.floor(rng.gamma(0.3, 4.0, n))
    return x, np.where(x > 0, T * rng.uniform(0.0, 1.0, n), 0.0), T


def test_published_new_customer() -> None:
    """BTYDplus' probabilities and expectations, at its maximum on groceryElog as printed."""
    counts = [
        mbg_cnbd_future.purchase_probability(
            Histories(NEW, NEW, NEW), MbgCnbd(2, *GROCERY), 52.0, n
        )[0]
        for n in range(7)
    ]
    expected = [0.378016, 0.148295, 0.089254, 0.062794, 0.047766, 0.038020, 0.031148]
    np.testing.assert_allclose(counts, expected, atol=6e-7)
    for horizon, mean in ((26.0, 2.446135), (52.0, 4.095103)):
        got = mbg_cnbd_future.expected_purchases(
            Histories(NEW, NEW, NEW), MbgCnbd(2, *GROCERY), horizon
        )[0]
        assert got == pytest.approx(mean, rel=2e-6)


def test_published_expectations_are_an_approximation() -> None:
    """BTYDplus' conditional expectations are up to 6 % beside what its own probabilities give."""
    x, t_x, T = np.arange(1.0, 6.0), np.full(5, 12.0), np.full(5, 52.0)
    got = mbg_cnbd_future.expected_purchases(Histories(x, t_x, T), MbgCnbd(2, *GROCERY), 52.0)
    by_count = sum(
        n
        * mbg_cnbd_future.purchase_probability(Histories(x, t_x, T), MbgCnbd(2, *GROCERY), 52.0, n)
        for n in range(150)
    )
    np.testing.assert_allclose(got, by_count, rtol=1e-10)
    ratio = np.array([0.282281, 0.075428, 0.012974, 0.001820, 0.000227]) / got
    np.testing.assert_allclose(ratio, [1.0035, 0.9613, 0.9498, 0.9460, 0.9463], atol=5e-4)


@pytest.mark.parametrize("row", GOLDEN)
def test_golden_grid_over_the_box(row: oracle.Row) -> None:
    at, k, given_ = state(row), int(row["k"]), parameters(row)
    horizon, n = row["horizon"], int(row["n"])
    size = (row["r"] + k * row["x"]) * (1 + abs(math.log(row["alpha"] + row["T"])))
    got = mbg_cnbd.log_likelihood(at, MbgCnbd(k, *given_))[0]
    assert got == pytest.approx(row["log_likelihood"], rel=1e-11, abs=1e-14 * size)
    values = {
        "probability_alive": mbg_cnbd.probability_alive(at, MbgCnbd(k, *given_)),
        "alive_later": mbg_cnbd_future.probability_alive_later(at, MbgCnbd(k, *given_), horizon),
        "expected_purchases": mbg_cnbd_future.expected_purchases(at, MbgCnbd(k, *given_), horizon),
        "exactly": mbg_cnbd_future.purchase_probability(at, MbgCnbd(k, *given_), horizon, n),
        "at_least": mbg_cnbd_future.at_least_probability(at, MbgCnbd(k, *given_), horizon, n + 1),
    }
    for name, value in values.items():
        # The oracle leaves out what has a probability below 1e-140.
        assert value[0] == pytest.approx(row[name], rel=1e-9, abs=1e-125), name


@pytest.mark.skipif(not JIT_IS_ON, reason="the same again, and slow")
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_story_told_a_million_times(k: int) -> None:
    """Rates, gaps and drop-outs drawn as the model says, kept where they fit the history."""
    row = {"x": 2.0, "t_x": 9.0, "T": 14.0, "r": 1.3, "alpha": 2.8 / k, "a": 0.6, "b": 1.5}
    row["n"], at, given_ = 1.0, state(row), parameters(row)
    told = oracle.simulate(row, k, 20.0, 0.05, draws=500_000, seed=k)
    values = {
        "probability_alive": mbg_cnbd.probability_alive(at, MbgCnbd(k, *given_)),
        "alive_later": mbg_cnbd_future.probability_alive_later(at, MbgCnbd(k, *given_), 20.0),
        "expected_purchases": mbg_cnbd_future.expected_purchases(at, MbgCnbd(k, *given_), 20.0),
        "discounted": mbg_cnbd_future.discounted_expected_purchases(
            at, MbgCnbd(k, *given_), 20.0, 0.05
        ),
        "exactly": mbg_cnbd_future.purchase_probability(at, MbgCnbd(k, *given_), 20.0, 1),
    }
    for name, (mean, error) in told.items():
        assert error < 0.03 * mean
        assert values[name][0] == pytest.approx(mean, abs=4 * error), name


def test_k_of_one_is_the_mbg_nbd() -> None:
    """Two code paths: sums and quadratures over events here, closed forms there."""
    for row in oracle.random_rows(300 // SLOWER, seed=3):
        at, given_ = state(row), parameters(row)
        horizon, delta, n, q = row["horizon"], row["delta"], int(row["n"]), row["q"]
        pairs = [
            (
                mbg_cnbd_future.expected_purchases(at, MbgCnbd(1, *given_), horizon),
                mbg_nbd.expected_purchases(at, MbgCnbd(1, *given_), horizon),
            ),
            (
                mbg_cnbd_future.purchase_probability(at, MbgCnbd(1, *given_), horizon, n),
                mbg_nbd.purchase_probability(at, MbgCnbd(1, *given_), horizon, n),
            ),
            (
                mbg_cnbd_future.next_purchase_quantile(at, MbgCnbd(1, *given_), q),
                mbg_nbd.next_purchase_quantile(at, MbgCnbd(1, *given_), q),
            ),
            (
                mbg_cnbd_future.discounted_expected_purchases(
                    at, MbgCnbd(1, *given_), horizon, delta
                ),
                mbg_nbd.discounted_expected_purchases(at, MbgCnbd(1, *given_), horizon, delta),
            ),
            (
                mbg_cnbd_future.discounted_expected_purchases(
                    at, MbgCnbd(1, *given_), math.inf, delta
                ),
                mbg_nbd.discounted_expected_purchases(at, MbgCnbd(1, *given_), math.inf, delta),
            ),
            (
                mbg_cnbd_future.probability_alive_later(at, MbgCnbd(1, *given_), horizon),
                mbg_nbd.probability_alive_later(at, MbgCnbd(1, *given_), horizon),
            ),
        ]
        for got, expected in pairs:
            assert got[0] == pytest.approx(expected[0], rel=1e-9, abs=1e-250), row


@pytest.mark.parametrize("k", [2, 12])
def test_all_is_finite_and_ordered_over_the_box(k: int) -> None:
    for row in oracle.random_rows(40 // SLOWER, seed=4):
        at, given_ = state(row), parameters(row)
        horizon, delta, n = row["horizon"], row["delta"], int(row["n"])
        alive = mbg_cnbd.probability_alive(at, MbgCnbd(k, *given_))[0]
        later = mbg_cnbd_future.probability_alive_later(at, MbgCnbd(k, *given_), horizon)[0]
        assert 0.0 <= later <= alive * (1 + 1e-12), row
        exactly = mbg_cnbd_future.purchase_probability(at, MbgCnbd(k, *given_), horizon, n)[0]
        assert 0.0 <= exactly <= 1.0, row
        count = mbg_cnbd_future.expected_purchases(at, MbgCnbd(k, *given_), horizon)[0]
        part = mbg_cnbd_future.discounted_expected_purchases(
            at, MbgCnbd(k, *given_), horizon, delta
        )[0]
        life = mbg_cnbd_future.discounted_expected_purchases(
            at, MbgCnbd(k, *given_), math.inf, delta
        )[0]
        assert 0.0 <= part <= count * (1 + 1e-10) < math.inf, row
        assert part <= life * (1 + 1e-9) < math.inf, row
        assert part >= math.exp(-delta * horizon) * count * (1 - 1e-10), row
        wait = mbg_cnbd_future.next_purchase_quantile(at, MbgCnbd(k, *given_), row["q"])[0]
        assert wait > 0.0, row


@pytest.mark.parametrize("k", [2, 12] if JIT_IS_ON else [2])
def test_a_long_horizon_reaches_the_whole_life(k: int) -> None:
    """The two are computed by unrelated quadratures: over time; over the rate and p."""
    x, t_x, T = sample(4 if JIT_IS_ON else 1)
    for delta in (0.01, 0.3):
        at = Histories(x, t_x, T)
        long = mbg_cnbd_future.discounted_expected_purchases(
            at, MbgCnbd(k, *GROCERY), 60 / delta, delta
        )
        life = mbg_cnbd_future.discounted_expected_purchases(
            at, MbgCnbd(k, *GROCERY), math.inf, delta
        )
        np.testing.assert_allclose(long, life, rtol=1e-9)


def test_whole_life_by_a_sum_over_purchases() -> None:
    row = {"x": 2.0, "t_x": 9.0, "T": 14.0, "r": 1.3, "alpha": 2.8, "a": 2.5, "b": 1.5}
    for k, delta in ((2, 0.05), (3, 0.5)):
        expected = float(oracle.Regular(row, k).discounted_life(delta))
        at = state(row)
        got = mbg_cnbd_future.discounted_expected_purchases(
            at, MbgCnbd(k, *parameters(row)), math.inf, delta
        )
        assert got[0] == pytest.approx(expected, rel=1e-9)


def test_whole_life_without_discount() -> None:
    """Each purchase ends the life with probability p, however regular they are."""
    x, t_x, T = sample(5)
    got = mbg_cnbd_future.discounted_expected_purchases(
        Histories(x, t_x, T), MbgCnbd(3, 0.5, 6.0, 1.5, 2.0), math.inf, 0.0
    )
    alive = mbg_cnbd.probability_alive(Histories(x, t_x, T), MbgCnbd(3, 0.5, 6.0, 1.5, 2.0))
    np.testing.assert_allclose(got, alive * (1.5 + 3.0 + x - 1.0) / 0.5, rtol=1e-13)
    forever = mbg_cnbd_future.discounted_expected_purchases(
        Histories(x, t_x, T), MbgCnbd(2, *GROCERY), math.inf, 0.0
    )
    assert np.isinf(forever).all()


def test_no_horizon_no_purchases() -> None:
    at = Histories(*sample(5))
    assert not mbg_cnbd_future.expected_purchases(at, MbgCnbd(3, *GROCERY), 0.0).any()
    assert not mbg_cnbd_future.discounted_expected_purchases(
        at, MbgCnbd(3, *GROCERY), 0.0, 0.1
    ).any()
    now = mbg_cnbd_future.probability_alive_later(at, MbgCnbd(3, *GROCERY), 0.0)
    np.testing.assert_allclose(
        now, mbg_cnbd.probability_alive(at, MbgCnbd(3, *GROCERY)), rtol=1e-15
    )
    assert mbg_cnbd_future.purchase_probability(at, MbgCnbd(3, *GROCERY), 0.0, 0).min() > 1 - 1e-15


@pytest.mark.parametrize("k", [2, 12])
@pytest.mark.parametrize("q", [1e-9, 0.05, 0.3])
def test_quantile_is_where_a_purchase_has_happened_so_often(k: int, q: float) -> None:
    x, t_x, T = sample(20)
    wait = mbg_cnbd_future.next_purchase_quantile(Histories(x, t_x, T), MbgCnbd(k, *GROCERY), q)
    alive = mbg_cnbd.probability_alive(Histories(x, t_x, T), MbgCnbd(k, *GROCERY))
    np.testing.assert_array_equal(np.isinf(wait), alive <= q)
    for i in np.flatnonzero(np.isfinite(wait)):
        at = Histories(x[i : i + 1], t_x[i : i + 1], T[i : i + 1])
        bought = mbg_cnbd_future.at_least_probability(at, MbgCnbd(k, *GROCERY), wait[i], 1)[0]
        assert bought == pytest.approx(q, rel=1e-10)


@pytest.mark.parametrize("k", [7, 12, 40] if JIT_IS_ON else [7])
@pytest.mark.parametrize("q", [1e-300, 1e-9, 1e-4, 0.01, 0.6])
def test_quantile_however_long_the_silence(k: int, q: float) -> None:
    """A moment after a purchase another one may be due only if many events came in that moment."""
    silence = np.array([0.0, 1e-12, 1e-6, 1e-3, 0.01, 0.1])
    x, T = np.full(silence.size, 20.0), np.ones(silence.size)
    waits = mbg_cnbd_future.next_purchase_quantile(
        Histories(x, T - silence, T), MbgCnbd(k, 2.0, 9.0, 0.01, 2.0), q
    )
    for i, wait in enumerate(waits):
        at = Histories(x[i : i + 1], T[i : i + 1] - silence[i], T[i : i + 1])
        bought = mbg_cnbd_future.at_least_probability(at, MbgCnbd(k, 2.0, 9.0, 0.01, 2.0), wait, 1)[
            0
        ]
        assert bought == pytest.approx(q, rel=1e-9, abs=0), silence[i]


def test_regular_customers_are_missed_sooner() -> None:
    """With the same mean gap, silence of three gaps says more the larger k is."""
    at = Histories(np.array([10.0]), np.array([40.0]), np.array([52.0]))
    alive = [
        mbg_cnbd.probability_alive(at, MbgCnbd(k, 40.0, 160.0 / k, 0.8, 4.0))[0]
        for k in (1, 2, 5, 12)
    ]
    assert alive == sorted(alive, reverse=True)
    assert alive[0] > 0.4
    assert alive[-1] < 0.02


def all_bits(threads: int | None) -> bytes:
    x, t_x, T = sample(150)
    few = Histories(x[:70], t_x[:70], T[:70])
    rows = [
        mbg_cnbd_future.probability_alive_later(
            Histories(x, t_x, T), MbgCnbd(2, *GROCERY), 5.0, threads=threads
        ),
        mbg_cnbd_future.expected_purchases(
            Histories(x, t_x, T), MbgCnbd(2, *GROCERY), 39.0, threads=threads
        ),
        mbg_cnbd_future.discounted_expected_purchases(
            few, MbgCnbd(2, *GROCERY), 4.0, 0.1, threads=threads
        ),
        mbg_cnbd_future.purchase_probability(
            Histories(x, t_x, T), MbgCnbd(2, *GROCERY), 39.0, 2, threads=threads
        ),
        mbg_cnbd_future.next_purchase_quantile(
            Histories(x, t_x, T), MbgCnbd(2, *GROCERY), 0.2, threads=threads
        ),
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
    assert (
        mbg_cnbd_future.probability_alive_later(
            Histories(none, none, none), MbgCnbd(2, *GROCERY), 1.0
        ).size
        == 0
    )
    assert (
        mbg_cnbd_future.expected_purchases(
            Histories(none, none, none), MbgCnbd(2, *GROCERY), 1.0
        ).size
        == 0
    )
    assert (
        mbg_cnbd_future.purchase_probability(
            Histories(none, none, none), MbgCnbd(2, *GROCERY), 1.0, 0
        ).size
        == 0
    )
    assert (
        mbg_cnbd_future.next_purchase_quantile(
            Histories(none, none, none), MbgCnbd(2, *GROCERY), 0.5
        ).size
        == 0
    )


@pytest.mark.parametrize(
    ("x", "T", "given_"),
    [
        (4528.0, 1.28215, MbgCnbd(3, 0.0034098, 0.73319, 130.79, 449.88)),
        (187.0, 0.338511, MbgCnbd(3, 10.28359, 263.00715, 159.16141, 57.88053)),
        (1188.0, 0.0237852, MbgCnbd(5, 9.165, 0.029738126, 40.841529, 0.018622949)),
    ],
)
def test_hardly_anybody_stays_however_late(x: float, T: float, given_: MbgCnbd) -> None:
    """Chances below the smallest float are 0: the prior that overflowed there made them 1."""
    at = Histories(np.array([x]), np.array([T]), np.array([T]))
    ahead = (0.0, 1.0, 30.0, 3_652.5, 36_525.0, 1e7, 1e9, 1e12)[:: 1 if JIT_IS_ON else 3]
    later = [mbg_cnbd_future.probability_alive_later(at, given_, time)[0] for time in ahead]
    assert later[0] > 0.6
    assert (np.diff(later) <= 0.0).all(), later
    assert later[-1] == 0.0
