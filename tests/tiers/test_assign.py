from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv
from oracles.rfm import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars._typing import PolarsDataType

cents = st.lists(st.none() | st.integers(-300, 3000) | st.integers(0, 4), max_size=40)
shares = st.lists(
    st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95]),
    min_size=1,
    max_size=4,
    unique=True,
).map(lambda cuts: tuple(sorted(cuts, reverse=True)))
laws = settings(max_examples=80, deadline=None)


def frame(values: Sequence[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": [f"c{i}" for i in range(len(values))], "clv": values},
        schema={"customer_id": pl.String, "clv": pl.Float64},
    )


def by_quantile(cuts: tuple[float, ...]) -> cv.TierOptions:
    return cv.TierOptions(cuts=cuts, names=tuple(f"tier {k}" for k in range(len(cuts) + 1)))


def by_value(*cuts: float) -> cv.TierOptions:
    names = tuple(f"tier {k}" for k in range(len(cuts) + 1))
    return cv.TierOptions(method="absolute", cuts=cuts, names=names)


def twin(values: list[int | None], cuts: list[Fraction]) -> list[tuple[str, Fraction | None]]:
    """Grade one customer at a time; cuts highest first."""
    graded: list[tuple[str, Fraction | None]] = []
    for value in values:
        if value is None:
            graded.append(("unrated", None))
            continue
        beaten = [value > cut for cut in cuts]
        place = beaten.index(True) if True in beaten else len(cuts)
        missing = cuts[place - 1] - value if place > 0 else None
        graded.append((f"tier {place}", missing))
    return graded


def check(tiers: pl.DataFrame, expected: list[tuple[str, Fraction | None]]) -> None:
    assert tiers["tier"].to_list() == [tier for tier, _ in expected]
    for distance, (_, missing) in zip(tiers["distance_to_next"], expected, strict=True):
        if missing is None:
            assert distance is None
        else:
            assert distance == pytest.approx(float(missing) / 100, abs=1e-9)


# --- against the twin ---


@given(values=cents, cuts=shares)
@laws
def test_tiers_by_quantile_are_those_of_the_twin(
    values: list[int | None], cuts: tuple[float, ...]
) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    known = [v for v in values if v is not None]
    limits = [quantile(known, Fraction(str(cut))) for cut in cuts] if known else []
    expected = twin(values, limits)
    check(cv.assign_tiers(shop, options=by_quantile(cuts)), expected)


@given(values=cents, cuts=st.lists(st.integers(-300, 3000), min_size=1, max_size=4, unique=True))
@laws
def test_tiers_by_value_are_those_of_the_twin(values: list[int | None], cuts: list[int]) -> None:
    cuts = sorted(cuts, reverse=True)
    shop = frame([None if v is None else v / 100 for v in values])
    options = by_value(*(cut / 100 for cut in cuts))
    check(cv.assign_tiers(shop, options=options), twin(values, [Fraction(c) for c in cuts]))


@pytest.mark.parametrize("cut", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_a_customer_equal_to_the_cut_falls_into_the_lower_tier(cut: float) -> None:
    """Cuts that fall on a customer, whatever the rounding of the share times n - 1."""
    for n in range(11, 402, 10):
        shop = frame([float(7 * i) for i in range(n)])
        tiers = cv.assign_tiers(shop, options=by_quantile((cut,)))["tier"]
        assert (tiers == "tier 1").sum() == round(cut * (n - 1)) + 1, n


# --- laws ---


@given(values=cents, seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_does_not_matter(values: list[int | None], seed: int) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    tiers = cv.assign_tiers(shuffled)
    assert tiers.select(shop.columns).equals(shuffled)
    assert tiers.sort("customer_id").equals(cv.assign_tiers(shop).sort("customer_id"))


@given(values=cents, factor=st.sampled_from([1e-3, 0.5, 7.0, 100.0]))
@laws
def test_the_currency_does_not_matter(values: list[int | None], factor: float) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    other = frame([None if v is None else v / 100 * factor for v in values])
    assert cv.assign_tiers(other)["tier"].equals(cv.assign_tiers(shop)["tier"])


@given(values=cents, cuts=shares)
@laws
def test_more_value_never_grades_lower_and_equal_value_grades_equal(
    values: list[int | None], cuts: tuple[float, ...]
) -> None:
    tiers = cv.assign_tiers(frame(values), options=by_quantile(cuts)).drop_nulls("clv")
    ranked = tiers.sort("clv").select("clv", "tier").rows()
    for (less, lower), (more, upper) in pairwise(ranked):
        assert upper <= lower  # "tier 0" is the highest
        assert upper == lower or less < more


# --- worked cases ---


def test_the_default_begins_the_top_fifth_and_the_upper_half() -> None:
    tiers = cv.assign_tiers(frame([float(k) for k in range(1, 11)]))
    assert tiers["tier"].to_list() == ["low"] * 5 + ["medium"] * 3 + ["high"] * 2
    assert tiers["distance_to_next"][0] == pytest.approx(4.5)
    assert tiers["distance_to_next"][6] == pytest.approx(1.2)
    assert tiers["distance_to_next"][9] is None


def test_values() -> None:
    options = cv.TierOptions(method="absolute", cuts=(100.0, 10.0))
    tiers = cv.assign_tiers(frame([-5.0, 10.0, 10.01, 100.0, 100.01]), options=options)
    assert tiers["tier"].to_list() == ["low", "low", "medium", "medium", "high"]
    assert tiers["distance_to_next"].to_list()[:2] == [15.0, 0.0]


def test_unknown_values_are_unrated() -> None:
    tiers = cv.assign_tiers(frame([None, 1.0, None, 3.0]))
    assert tiers["tier"].to_list() == ["unrated", "low", "unrated", "high"]
    assert tiers["distance_to_next"].is_null().to_list() == [True, False, True, True]


def test_unknown_values_do_not_move_the_cuts() -> None:
    known = frame([float(k) for k in range(1, 11)])
    more = pl.concat([known, frame([None] * 90)])
    assert cv.assign_tiers(more)["tier"][:10].equals(cv.assign_tiers(known)["tier"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    shop = frame([1.0, None, value])
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*clv"):
        cv.assign_tiers(shop)
    lazy = cv.assign_tiers(shop.lazy())
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*clv"):
        lazy.collect()


@pytest.mark.parametrize("values", [[5.0], [5.0] * 4, [0.0, 0.0], [-1.0]])
def test_equal_customers_are_in_one_tier(values: list[float]) -> None:
    tiers = cv.assign_tiers(frame(values))
    assert set(tiers["tier"]) == {"low"}
    assert set(tiers["distance_to_next"]) == {0.0}


def test_nobody_and_nobody_known() -> None:
    assert cv.assign_tiers(frame([])).is_empty()
    assert cv.assign_tiers(frame([None, None]))["tier"].to_list() == ["unrated", "unrated"]


def test_two_tiers() -> None:
    options = cv.TierOptions(method="absolute", cuts=(0.0,), names=("worth", "none"))
    tiers = cv.assign_tiers(frame([1.0, None, 0.0, -2.0]), options=options)
    assert tiers["tier"].to_list() == ["worth", "unrated", "none", "none"]
    assert tiers["distance_to_next"].to_list() == [None, None, 0.0, 2.0]


# --- frames ---


def test_types_and_columns() -> None:
    assert cv.assign_tiers(frame([1.0, 2.0])).schema == {
        "customer_id": pl.String,
        "clv": pl.Float64,
        "tier": pl.String,
        "distance_to_next": pl.Float64,
    }


def test_lazy_in_lazy_out() -> None:
    shop = frame([float(k * 7919 % 1000) for k in range(5000)])
    lazy = cv.assign_tiers(shop.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(cv.assign_tiers(shop))


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Decimal(12, 2)])
def test_values_of_any_number_type(dtype: PolarsDataType) -> None:
    shop = frame([float(k) for k in range(1, 11)])
    other = shop.with_columns(pl.col("clv").cast(dtype))
    assert cv.assign_tiers(other).drop("clv").equals(cv.assign_tiers(shop).drop("clv"))


def test_pandas_comes_in() -> None:
    shop = frame([1.0, 2.0, None])
    assert cv.assign_tiers(shop.to_pandas())["tier"].equals(cv.assign_tiers(shop)["tier"])


def test_any_value_column() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    tiers = cv.assign_tiers(customers, value="revenue")
    assert tiers.select(customers.columns).equals(customers)
    assert set(tiers["tier"]) == {"high", "medium", "low"}
    with pytest.raises(cv.SchemaError, match="missing column 'clv'"):
        cv.assign_tiers(customers)
    with pytest.raises(cv.SchemaError, match="'as_of' is Date, must be a number"):
        cv.assign_tiers(customers, value="as_of")


@pytest.mark.parametrize("name", ["complete", "_value", "previous"])
def test_the_value_column_may_have_any_name(name: str) -> None:
    shop = frame([5.0, 1.0])
    tiers = cv.assign_tiers(shop.rename({"clv": name}), value=name)
    assert tiers.rename({name: "clv"}).equals(cv.assign_tiers(shop))


def test_what_else_the_frame_carries_stays() -> None:
    shop = frame([5.0, 1.0]).with_columns(_value=pl.lit("mine"), complete=pl.lit("mine"))
    tiers = cv.assign_tiers(shop)
    assert tiers.columns == [*shop.columns, "tier", "distance_to_next"]
    assert tiers.select(shop.columns).equals(shop)


# --- an earlier snapshot ---


def earlier(**tiers: str) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": list(tiers), "tier": list(tiers.values())})


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("lazy_before", [False, True])
def test_previous_tiers(*, lazy: bool, lazy_before: bool) -> None:
    shop, before = frame([1.0, 9.0, 5.0]), earlier(c2="high", c0="low", gone="medium")
    tiers = cv.assign_tiers(
        shop.lazy() if lazy else shop, previous=before.lazy() if lazy_before else before
    )
    assert isinstance(tiers, pl.LazyFrame if lazy else pl.DataFrame)
    collected = tiers.lazy().collect()
    assert collected["previous_tier"].to_list() == ["low", None, "high"]
    assert collected.drop("previous_tier").equals(cv.assign_tiers(shop))


def test_previous_tiers_of_nobody() -> None:
    tiers = cv.assign_tiers(frame([1.0]), previous=frame([]).with_columns(tier=pl.lit("x")))
    assert tiers["previous_tier"].to_list() == [None]
    assert tiers.schema["previous_tier"] == pl.String


def test_a_graded_frame_can_be_graded_again() -> None:
    """Its own tiers of last month are columns of the frame already."""
    graded = cv.assign_tiers(frame([1.0, 9.0]), previous=earlier(c0="high"))
    again = cv.assign_tiers(graded, previous=earlier(c1="low"))
    assert again.columns == graded.columns
    assert again["previous_tier"].to_list() == [None, "low"]


def test_an_earlier_snapshot_knows_each_customer_once() -> None:
    twice = pl.concat([earlier(c0="low"), earlier(c0="high")])
    with pytest.raises(cv.DataError, match=r"previous: customers more than once: 1 .*c0"):
        cv.assign_tiers(frame([1.0]), previous=twice)
    many = pl.concat([earlier(**{f"c{k}": "low" for k in range(9)})] * 2)
    with pytest.raises(
        cv.DataError, match=r"previous: customers more than once: 9 \(e\.g\. c0, c1, c2\)"
    ):
        cv.assign_tiers(frame([1.0]).lazy(), previous=many.lazy())


def test_an_earlier_snapshot_has_keys_of_the_same_type() -> None:
    other = pl.DataFrame({"customer_id": [1], "tier": ["low"]})
    with pytest.raises(cv.SchemaError, match="previous: 'customer_id' is Int64, but String"):
        cv.assign_tiers(frame([1.0]), previous=other)


@pytest.mark.parametrize("read", ["table", "stream"])
def test_an_earlier_snapshot_may_be_any_arrow_table(read: str) -> None:
    """A stream can be read only once."""
    table = earlier(c0="high").to_arrow()
    previous = table if read == "table" else table.to_reader()
    tiers = cv.assign_tiers(frame([1.0, 2.0]), previous=previous)
    assert tiers["previous_tier"].to_list() == ["high", None]


def test_tiers_of_an_earlier_snapshot_are_text() -> None:
    with pytest.raises(cv.SchemaError, match="previous: 'tier' is Int64, must be text"):
        cv.assign_tiers(frame([1.0]), previous=frame([1.0]).with_columns(tier=pl.lit(1, pl.Int64)))


def test_an_earlier_snapshot_needs_key_and_tier() -> None:
    with pytest.raises(cv.SchemaError, match="previous: missing column 'tier'"):
        cv.assign_tiers(frame([1.0]), previous=frame([1.0]))
    with pytest.raises(cv.SchemaError, match="customers: missing column 'customer_id'"):
        cv.assign_tiers(frame([1.0]).drop("customer_id"), previous=earlier(c0="low"))


# --- options ---


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"cuts": (0.8,)}, "1 cuts? needs? 2 different names"),
        ({"names": ("a", "a", "b")}, "2 cuts need 3 different names"),
        ({"names": ("a", "b")}, "2 cuts need 3 different names"),
        ({"cuts": (0.5, 0.8)}, "cuts must fall, highest first"),
        ({"cuts": (0.8, 0.8)}, "cuts must fall, highest first"),
        ({"cuts": (80.0, 50.0)}, "cuts must be shares between 0 and 1"),
        ({"cuts": (1.0, 0.5)}, "cuts must be shares between 0 and 1"),
        ({"cuts": (0.5, 0.0)}, "cuts must be shares between 0 and 1"),
        ({"cuts": (), "names": ("all",)}, "cuts"),
        ({"cuts": (math.nan, 0.5)}, "finite"),
        ({"cuts": (math.inf, 0.5)}, "finite"),
        ({"names": ("a", "b", "unrated")}, "'unrated' names customers of unknown value"),
        ({"method": "absolute", "cuts": (5.0, 10.0)}, "cuts must fall"),
        ({"method": "kmeans"}, "method"),
        ({"share": 1}, "share"),
    ],
)
def test_options_are_checked(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        cv.TierOptions.model_validate(words)


@pytest.mark.parametrize("cuts", [(100.0, math.nan), (math.nan, 10.0), (math.inf, 10.0)])
def test_values_to_cut_at_are_finite(cuts: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="finite"):
        cv.TierOptions(method="absolute", cuts=cuts)


def test_every_offence_is_named_at_once() -> None:
    with pytest.raises(ValidationError, match=r"3 different names; cuts must fall.*; .*shares"):
        cv.TierOptions(cuts=(5.0, 8.0), names=("a", "b"))
