from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from oracles import formulas as oracle

PROBABILITIES = [0.3, 0.2, 0.15, 0.05]
REWARDS = {"recency_1": 36.0, "recency_2": -4, "recency_3": -4, "recency_4": -4, "former": 0}


def chain(matrix: list[list[float]], states: str = "abcdefgh") -> pl.DataFrame:
    names = list(states[: len(matrix)])
    columns = {name: [row[k] for row in matrix] for k, name in enumerate(names)}
    return pl.DataFrame({"state": names} | columns)


def names(*rewards: float) -> dict[str, float]:
    return dict(zip("abcdefgh", rewards, strict=False))


def values(frame: pl.DataFrame) -> list[float]:
    return frame["value"].to_list()


def test_pfeifer_and_carraway() -> None:
    """Their catalogue with five states: NC 40, M 4, d 20 %; recomputed from these inputs."""
    transitions = cv.clv.recency_transitions(PROBABILITIES)
    four = values(cv.clv.markov_value(transitions, REWARDS, rate_per_period=0.2, periods=4))
    expected = [50.11496914, 4.21990741, 0.59211034, -1.98013117, 0]
    assert four == pytest.approx(expected, abs=5e-9)
    ever = cv.clv.markov_value(transitions, REWARDS, rate_per_period=0.2)
    expected = [52.31960944, 5.55378356, 1.25077299, -1.82001627, 0]
    assert values(ever) == pytest.approx(expected, abs=5e-9)
    assert ever["kept"].all()
    stopped = cv.clv.markov_value(transitions, REWARDS, rate_per_period=0.2, curtail=True)
    assert values(stopped) == pytest.approx([53.149, 6.621, 2.644, 0, 0], abs=5e-4)
    assert stopped["kept"].to_list() == [True, True, True, False, True]


def test_transitions_between_recencies() -> None:
    """P^4 of the paper's chain, first row, and of the chain with three purchase probabilities."""
    matrix = cv.clv.recency_transitions(PROBABILITIES).drop("state").to_numpy()
    fourth = np.linalg.matrix_power(matrix, 4)
    assert fourth[0] == pytest.approx([0.1397, 0.1365, 0.1288, 0.1428, 0.4522], abs=5e-5)
    matrix = cv.clv.recency_transitions([0.3, 0.2, 0.05]).drop("state").to_numpy()
    fourth = np.linalg.matrix_power(matrix, 4)
    assert fourth[0] == pytest.approx([0.0823, 0.0973, 0.1288, 0.6916], abs=5e-5)
    assert fourth[2] == pytest.approx([0.00695, 0.00805, 0.0084, 0.97660], abs=5e-6)
    with pytest.raises(cv.DataError, match="numbers from 0 to 1"):
        cv.clv.recency_transitions([0.3, 1.2])
    with pytest.raises(cv.DataError, match="one or more"):
        cv.clv.recency_transitions([])


def test_published_three_states() -> None:
    matrix = [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.0, 0.0, 1.0]]
    got = cv.clv.markov_value(chain(matrix), names(100, 0, 0), rate_per_period=0.1)
    assert values(got) == pytest.approx([350, 150, 0])


def test_published_four_states() -> None:
    transitions = cv.clv.recency_transitions([0.5, 0.2, 0.1])
    states = transitions["state"].to_list()
    rewards = dict(zip(states, (100.0, 0, 0, 0), strict=True))
    ever = cv.clv.markov_value(transitions, rewards, rate_per_period=0.1)
    assert values(ever) == pytest.approx([231.08, 57.29, 21.01, 0], abs=5e-3)
    transitions = cv.clv.recency_transitions([0.3, 0.2, 0.05])
    rewards = dict(zip(states, (36.0, -4, -4, 0), strict=True))
    four = cv.clv.markov_value(transitions, rewards, rate_per_period=0.2, periods=4)
    assert values(four) == pytest.approx([49.40, 2.69, -1.98, 0], abs=5e-3)
    ever = cv.clv.markov_value(transitions, rewards, rate_per_period=0.2)
    assert values(ever) == pytest.approx([50.444, 3.142, -1.898, 0], abs=5e-4)


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[list[float]], list[float]]:
    n = draw(st.integers(1, 5))
    weights = st.lists(st.integers(0, 9), min_size=n, max_size=n).filter(any)
    matrix = [
        [w / sum(row) for w in row] for row in draw(st.lists(weights, min_size=n, max_size=n))
    ]
    return matrix, draw(st.lists(st.integers(-9, 9).map(float), min_size=n, max_size=n))


@settings(max_examples=40, deadline=None)
@given(chains(), st.sampled_from([0.0, 0.05, 0.5]), st.integers(0, 12))
def test_any_chain_ahead(
    given: tuple[list[list[float]], list[float]], rate: float, periods: int
) -> None:
    matrix, rewards = given
    got = cv.clv.markov_value(chain(matrix), names(*rewards), rate_per_period=rate, periods=periods)
    expected = oracle.markov_value(matrix, rewards, rate, periods)
    assert values(got) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(chains(), st.sampled_from([0.05, 0.5]))
def test_any_chain_without_end(given: tuple[list[list[float]], list[float]], rate: float) -> None:
    matrix, rewards = given
    ever = cv.clv.markov_value(chain(matrix), names(*rewards), rate_per_period=rate)
    far = cv.clv.markov_value(chain(matrix), names(*rewards), rate_per_period=rate, periods=800)
    assert values(ever) == pytest.approx(values(far), rel=1e-9, abs=1e-9)
    stopped = cv.clv.markov_value(
        chain(matrix), names(*rewards), rate_per_period=rate, curtail=True
    )
    far = cv.clv.markov_value(
        chain(matrix), names(*rewards), rate_per_period=rate, periods=800, curtail=True
    )
    assert values(stopped) == pytest.approx(values(far), rel=1e-9, abs=1e-9)
    for plain, best, kept in zip(values(ever), values(stopped), stopped["kept"], strict=True):
        assert best >= max(plain, 0.0) - 1e-9
        assert kept or best == 0.0


def test_a_state_given_up_may_be_worth_taking_up_again() -> None:
    """A loss that leads to a bad state is a gain once that state is given up."""
    matrix = [[0.0, 0.9, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    rewards = names(3.0, -10.0, 0.0)
    assert values(cv.clv.markov_value(chain(matrix), rewards, rate_per_period=0.5))[0] < 0
    got = cv.clv.markov_value(chain(matrix), rewards, rate_per_period=0.5, curtail=True)
    assert values(got) == [3.0, 0.0, 0.0]
    assert got["kept"].to_list() == [True, False, True]


def test_without_discount_only_a_way_out_gives_a_limit() -> None:
    leaving = [[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.0, 0.0, 1.0]]
    got = cv.clv.markov_value(chain(leaving), names(1, 0, 0), rate_per_period=0.0)
    far = oracle.markov_value(leaving, [1, 0, 0], 0.0, 400)
    assert values(got) == pytest.approx(far, rel=1e-12)
    with pytest.raises(cv.CustomerValueError, match="customers come back for ever to c, which"):
        cv.clv.markov_value(chain(leaving), names(1, 0, 2), rate_per_period=0.0)
    around = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    with pytest.raises(cv.CustomerValueError, match="for ever to a, which"):
        cv.clv.markov_value(chain(around), names(1, 0, 0), rate_per_period=0.0)
    assert values(cv.clv.markov_value(chain(around), names(0, 0, 5), rate_per_period=0.0)) == [
        0,
        0,
        5,
    ]
    ahead = cv.clv.markov_value(chain(around), names(1, 0, 0), rate_per_period=0.0, periods=9)
    assert values(ahead) == [5, 5, 4.5]


def test_order_and_type_of_the_states_do_not_matter() -> None:
    frame = pl.DataFrame({"state": [2, 1, 3], "3": [0, 0, 1], "1": [1, 0, 0], "2": [0, 1, 0]})
    got = cv.clv.markov_value(frame.lazy(), {"1": 10.0, "2": 5.0, "3": 0.0}, rate_per_period=0.25)
    assert got["state"].to_list() == ["2", "1", "3"]
    assert got["value"][0] == pytest.approx((5 + 10 / 1.25) / (1 - 1 / 1.25**2))
    assert cv.clv.markov_value(
        frame.to_arrow(), {"1": 10.0, "2": 5.0, "3": 0.0}, rate_per_period=0.25
    ).equals(got)


def test_bad_chains_are_described() -> None:
    with pytest.raises(cv.DataError) as caught:
        cv.clv.markov_value(
            chain([[0.5, 0.4, 0.0], [1.5, -0.5, 0.0], [float("nan"), 0.0, 1.0]]),
            {"a": 1.0, "b": float("inf"), "z": 1.0},
            rate_per_period=0.1,
        )
    for words in (
        "unknown or outside 0 .. 1: b, c",
        "do not sum to 1: a: 0.9",
        "states without a reward: c",
        "rewards of other states: z",
        "rewards that are not finite: b",
    ):
        assert words in str(caught.value)
    with pytest.raises(cv.SchemaError, match=r"without a column: c; columns without a state: d"):
        cv.clv.markov_value(
            pl.DataFrame({"state": ["c"], "d": [1.0]}), {"c": 1.0}, rate_per_period=0.1
        )
    with pytest.raises(cv.DataError, match="there twice: a"):
        cv.clv.markov_value(
            pl.DataFrame({"state": ["a", "a"], "a": [1.0, 1.0]}), {"a": 1.0}, rate_per_period=0.1
        )
    with pytest.raises(ValueError, match=r"(?s)rate_per_period.*periods"):
        cv.clv.markov_value(chain([[1.0]]), names(1), rate_per_period=-1, periods=-1)


def test_what_customers_did_feeds_it() -> None:
    """The table of moves as `migration_matrix` makes it by default."""
    before = pl.DataFrame({"customer_id": range(8), "stage": ["a"] * 4 + ["b"] * 4})
    after = pl.DataFrame(
        {"customer_id": [0, 1, 2, 4, 5, 6, 99], "stage": ["a", "a", "b", "b", "a", "b", "b"]}
    )
    moves = cv.migration_matrix(before, after)
    got = cv.clv.markov_value(moves, {"a": 10.0, "b": 4.0}, rate_per_period=0.25)
    by_hand = chain([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0]])
    expected = cv.clv.markov_value(by_hand, names(10, 4, 0), rate_per_period=0.25)
    assert got["state"].to_list() == ["a", "b", "(absent)"]
    assert values(got) == pytest.approx(values(expected), rel=1e-12)
    paid = cv.clv.markov_value(moves, {"a": 10.0, "b": 4.0, "(absent)": -1.0}, rate_per_period=0.25)
    assert values(paid)[2] == pytest.approx(-5.0)


def test_a_state_that_nobody_was_in_needs_smoothing() -> None:
    before = pl.DataFrame({"customer_id": [1, 2], "tier": ["low", "low"]})
    after = pl.DataFrame({"customer_id": [1, 2], "tier": ["low", "high"]})
    rewards = {"low": 1.0, "high": 5.0}
    moves = cv.migration_matrix(before, after, column="tier")
    with pytest.raises(cv.DataError, match="no customer was in high before"):
        cv.clv.markov_value(moves, rewards, rate_per_period=0.1)
    smoothed = cv.migration_matrix(before, after, column="tier", smoothing=1.0)
    assert cv.clv.markov_value(smoothed, rewards, rate_per_period=0.1).height == 3
