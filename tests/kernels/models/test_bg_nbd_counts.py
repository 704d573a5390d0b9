from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_value._kernels.models import bg_nbd, bg_nbd_counts, bg_nbd_future
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
from customer_value._kernels.run import parallel
from oracles import bg_nbd_counts as oracle
from oracles.bg_nbd import random_rows

PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)  # Fader, Hardie & Lee (2005), CDNOW
GOLDEN: list[dict[str, Any]] = json.loads(oracle.GOLDEN.read_text())["rows"]
SLOWER = 1 if os.environ.get("NUMBA_DISABLE_JIT", "0") == "0" else 20


@pytest.fixture(autouse=True)
def overflow_is_silent() -> Iterator[None]:
    """Compiled code overflows in silence; numpy's scalars, which run without it, would warn."""
    with np.errstate(all="ignore"):
        yield


def state(row: dict[str, Any]) -> Histories:
    return Histories(np.array([row["x"]]), np.array([row["t_x"]]), np.array([row["T"]]))


def parameters(row: dict[str, Any]) -> BgNbd:
    return BgNbd(row["r"], row["alpha"], row["a"], row["b"])


def test_published_probabilities_of_a_new_customer() -> None:
    """BTYD's manual, bgnbd.pmf: ten in two weeks, none in 39, 11 to 20 in 30."""
    assert bg_nbd_counts.new_customer_probability(PUBLISHED, 2.0, 10) == pytest.approx(
        1.07868964e-7, rel=1e-8
    )
    assert bg_nbd_counts.new_customer_probability(PUBLISHED, 39.0, 0) == pytest.approx(
        0.5737863521, abs=1e-10
    )
    got = [bg_nbd_counts.new_customer_probability(PUBLISHED, 30.0, n) for n in range(11, 21)]
    published = [0.0019995214, 0.0015170236, 0.001163315, 0.0009003148, 0.0007023638]
    published += [0.0005517902, 0.0004361913, 0.0003467171, 0.0002769613, 0.000222226]
    assert got == pytest.approx(published, abs=1e-10)


@pytest.mark.parametrize("row", GOLDEN)
def test_golden_grid_over_the_box(row: dict[str, Any]) -> None:
    at, given_, horizon = state(row), parameters(row), row["horizon"]
    values = {
        "probability": bg_nbd_counts.purchase_probability(at, given_, horizon, row["n"]),
        "at_least": bg_nbd_counts.at_least_probability(at, given_, horizon, row["least"]),
        "alive_later": bg_nbd_counts.probability_alive_later(at, given_, horizon),
        "next_purchase": bg_nbd_counts.next_purchase_quantile(at, given_, row["q"]),
    }
    for name, value in values.items():
        assert value[0] == pytest.approx(float(row[name]), rel=1e-10, abs=1e-290), name


def test_probabilities_add_up_and_their_mean_is_the_expected_number() -> None:
    at = Histories(
        np.array([2.0, 0.0, 9.0]), np.array([30.43, 0.0, 20.0]), np.array([38.86, 10.0, 21.0])
    )
    counts = range(400)
    table = np.array([bg_nbd_counts.purchase_probability(at, PUBLISHED, 39.0, n) for n in counts])
    assert table.sum(axis=0) == pytest.approx([1.0] * 3, abs=1e-12)
    expected = bg_nbd_future.expected_purchases(at, PUBLISHED, 39.0)
    assert np.arange(400) @ table == pytest.approx(expected, rel=1e-10)
    for least in (1, 2, 7):
        more = bg_nbd_counts.at_least_probability(at, PUBLISHED, 39.0, least)
        assert more == pytest.approx(table[least:].sum(axis=0), rel=1e-10)


@pytest.mark.parametrize("b", [1e-6, 1e-9, 1e-12])
def test_probabilities_add_up_where_hardly_anybody_survives_a_purchase(b: float) -> None:
    new = Histories(np.zeros(1), np.zeros(1), np.zeros(1))
    given_ = BgNbd(0.5, 1.0, 0.8, b)
    few = [bg_nbd_counts.purchase_probability(new, given_, 5.0, n)[0] for n in (0, 1)]
    more = bg_nbd_counts.at_least_probability(new, given_, 5.0, 2)[0]
    assert sum(few) + more == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("n", [200, 2_000, 20_000])
def test_thousands_of_purchases(n: int) -> None:
    """lifetimes gives NaN from 200 on."""
    own = (2.0, 1.0, 0.01, 5.0)
    got = bg_nbd_counts.new_customer_probability(BgNbd(*own), 3650.0, n)
    assert got == pytest.approx(float(oracle.new_customer_probability(3650.0, n, *own)), rel=1e-10)


def test_who_stays_alive_in_a_simulation() -> None:
    """A living customer leaves at the rate lambda p."""
    at = Histories(np.array([2.0]), np.array([30.43]), np.array([38.86]))
    ahead = 39.0
    r, alpha, a, b = PUBLISHED
    rng, n = np.random.default_rng(4), 200_000
    rate, dropout = rng.gamma(r + 2.0, 1.0 / (alpha + 38.86), n), rng.beta(a, b + 2.0, n)
    now = bg_nbd.probability_alive(at, PUBLISHED)[0]
    later = bg_nbd_counts.probability_alive_later(at, PUBLISHED, ahead)[0]
    assert later / now == pytest.approx(np.exp(-rate * dropout * ahead).mean(), abs=0.003)


def test_nobody_is_alive_later_who_is_not_now() -> None:
    for row in random_rows(3_000 // SLOWER**2, seed=8):
        at, given_ = state(row), parameters(row)
        now = bg_nbd.probability_alive(at, given_)[0]
        later = [
            bg_nbd_counts.probability_alive_later(at, given_, ahead)[0]
            for ahead in (1e-9, row["horizon"], 10.0 * row["horizon"])
        ]
        for earlier, value in zip([now, *later], later, strict=False):
            assert 0.0 <= value <= earlier * (1 + 1e-10), row


def test_the_next_purchase_has_come_by_its_quantile() -> None:
    at = Histories(
        np.array([2.0, 0.0, 9.0]), np.array([30.43, 0.0, 20.0]), np.array([38.86, 10.0, 21.0])
    )
    for q in (1e-9, 0.1, 0.5, 0.7):
        days = bg_nbd_counts.next_purchase_quantile(at, PUBLISHED, q)
        for i, day in enumerate(days):
            one = Histories(*(column[i : i + 1] for column in at))
            by_then = bg_nbd_counts.at_least_probability(one, PUBLISHED, day, 1)
            assert by_then[0] == pytest.approx(q, rel=1e-9)
    gone = Histories(np.array([20.0]), np.array([1.0]), np.array([40.0]))
    assert bg_nbd_counts.next_purchase_quantile(gone, PUBLISHED, 0.5).tolist() == [math.inf]


SHAPE = st.floats(math.log(1e-3), math.log(1e3)).map(math.exp)


@settings(max_examples=60, deadline=None)
@given(
    x=st.integers(0, 5000) | st.integers(0, 3),
    age=st.just(0.0) | st.floats(1e-3, 1e4),
    last=st.just(1.0) | st.floats(0.0, 1.0),
    horizon=st.floats(1e-6, 1e4),
    n=st.integers(0, 5) | st.integers(0, 3000),
    r=SHAPE,
    alpha=SHAPE,
    a=SHAPE | st.sampled_from([0.25, 1.0, 2.0]),
    b=SHAPE | st.sampled_from([0.5, 0.75, 1.0]),
)
def test_any_customer(
    x: int,
    age: float,
    last: float,
    horizon: float,
    n: int,
    r: float,
    alpha: float,
    a: float,
    b: float,
) -> None:
    t_x = age * last if x else 0.0
    at = Histories(np.array([float(x)]), np.array([t_x]), np.array([age]))
    truth, given_ = (x, t_x, age, horizon), BgNbd(r, alpha, a, b)
    exact = bg_nbd_counts.purchase_probability(at, given_, horizon, n)[0]
    assert exact == pytest.approx(
        float(oracle.purchase_probability(*truth, n, *given_)), rel=1e-9, abs=1e-290
    )
    later = bg_nbd_counts.probability_alive_later(at, given_, horizon)[0]
    assert later == pytest.approx(
        float(oracle.probability_alive_later(*truth, *given_)), rel=1e-9, abs=1e-290
    )
    more = bg_nbd_counts.at_least_probability(at, given_, horizon, n + 1)[0]
    assert 0.0 <= more <= bg_nbd_counts.at_least_probability(at, given_, horizon, max(n, 1))[0]


def all_bits(threads: int) -> bytes:
    rng = np.random.default_rng(1)
    T = rng.uniform(1.0, 40.0, 300)
    x = np.floor(rng.gamma(0.3, 4.0, 300))
    at = Histories(x, np.where(x > 0, T * rng.uniform(0.0, 1.0, 300), 0.0), T)
    rows = [
        bg_nbd_counts.purchase_probability(at, PUBLISHED, 39.0, 2, threads=threads),
        bg_nbd_counts.at_least_probability(at, PUBLISHED, 39.0, 2, threads=threads),
        bg_nbd_counts.probability_alive_later(at, PUBLISHED, 39.0, threads=threads),
        bg_nbd_counts.next_purchase_quantile(at, PUBLISHED, 0.5, threads=threads),
    ]
    return b"".join(row.tobytes() for row in rows)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "CHUNK", 64)
    assert all_bits(3) == all_bits(1)


def test_no_horizon_and_no_rows() -> None:
    at = Histories(np.array([2.0]), np.array([30.43]), np.array([38.86]))
    assert bg_nbd_counts.purchase_probability(at, PUBLISHED, 0.0, 0)[0] == pytest.approx(1.0)
    assert bg_nbd_counts.purchase_probability(at, PUBLISHED, 0.0, 1).tolist() == [0.0]
    assert bg_nbd_counts.at_least_probability(at, PUBLISHED, 0.0, 2).tolist() == [0.0]
    none = Histories(np.empty(0), np.empty(0), np.empty(0))
    assert bg_nbd_counts.purchase_probability(none, PUBLISHED, 1.0, 1).size == 0
    assert bg_nbd_counts.next_purchase_quantile(none, PUBLISHED, 0.5).size == 0
