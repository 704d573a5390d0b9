from __future__ import annotations

import math
import random
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

import customer_value as cv
from oracles import tiers as oracle
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
RELATIVE = [
    cv.TierOptions(),
    cv.TierOptions(method="cumulative_share"),
    cv.TierOptions(method="natural_breaks"),
]
relative = pytest.mark.parametrize("options", RELATIVE, ids=lambda options: options.method)
TODAY = date(2024, 7, 1)


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


@relative
@given(values=cents, seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_does_not_matter(
    options: cv.TierOptions, values: list[int | None], seed: int
) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    tiers = cv.assign_tiers(shuffled, options=options)
    assert tiers.select(shop.columns).equals(shuffled)
    assert tiers.sort("customer_id").equals(
        cv.assign_tiers(shop, options=options).sort("customer_id")
    )


@relative
@given(values=cents, factor=st.sampled_from([1e-3, 0.5, 7.0, 100.0]))
@laws
def test_the_currency_does_not_matter(
    options: cv.TierOptions, values: list[int | None], factor: float
) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    other = frame([None if v is None else v / 100 * factor for v in values])
    tiers = cv.assign_tiers(shop, options=options)["tier"]
    assert cv.assign_tiers(other, options=options)["tier"].equals(tiers)


@relative
@given(values=cents)
@laws
def test_names_are_only_names(options: cv.TierOptions, values: list[int | None]) -> None:
    shop = frame(values)
    renamed = options.model_copy(update={"names": ("low", "x", "high")})
    names = {"high": "low", "medium": "x", "low": "high", "unrated": "unrated"}
    tiers = cv.assign_tiers(shop, options=options)["tier"].replace_strict(
        names, return_dtype=pl.String
    )
    assert cv.assign_tiers(shop, options=renamed)["tier"].equals(tiers)


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
        "tier": pl.Enum(["unrated", "low", "medium", "high"]),
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


# --- shares of the value and natural breaks ---


def plain_tiers(values: list[int | None], cuts: Sequence[int | None]) -> list[str]:
    """Names by the cuts of an oracle; None where the tier above is empty."""
    names = ("high", "medium", "low")
    return [
        "unrated" if v is None else names[sum(cut is None or v <= cut for cut in cuts)]
        for v in values
    ]


@given(values=cents)
@laws
def test_tiers_by_share_of_value_are_those_of_the_twin(values: list[int | None]) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    known = [v for v in values if v is not None]
    cuts = oracle.cumulative_cuts(known, [Fraction("0.8"), Fraction("0.95")])
    tiers = cv.assign_tiers(shop, options=cv.TierOptions(method="cumulative_share"))
    assert tiers["tier"].to_list() == plain_tiers(values, cuts)


@given(values=cents)
@laws
def test_tiers_by_share_of_value_are_abc_classes(values: list[int | None]) -> None:
    shop = frame([None if v is None else v / 100 for v in values])
    options = cv.TierOptions(method="cumulative_share", names=("A", "B", "C"))
    tiers = cv.assign_tiers(shop, options=options)["tier"]
    classes = cv.classify_abc(shop, value="clv")["abc_class"].fill_null("unrated")
    assert tiers.to_list() == classes.to_list()


@given(values=st.lists(st.none() | st.integers(-20, 60) | st.integers(0, 4), max_size=14))
@laws
def test_tiers_by_natural_breaks_are_those_of_the_twin(values: list[int | None]) -> None:
    known = [v for v in values if v is not None]
    cuts = oracle.natural_cuts(known, 3)
    tiers = cv.assign_tiers(frame(values), options=cv.TierOptions(method="natural_breaks"))
    assert tiers["tier"].to_list() == plain_tiers(values, cuts)


def test_shares_of_the_value_by_hand() -> None:
    """50 + 20 + 10 of 100 are exactly 80 %; the next, 8 + 5, reach 93 %."""
    shop = frame([50, 20, 10, 8, 5, 3, 2, 1, 1, 0, None, -40])
    tiers = cv.assign_tiers(shop, options=cv.TierOptions(method="cumulative_share"))
    assert tiers["tier"].to_list() == (
        ["high"] * 3 + ["medium"] * 2 + ["low"] * 5 + ["unrated", "low"]
    )
    assert tiers["distance_to_next"].to_list() == (
        [None] * 3 + [0, 3] + [0, 1, 2, 2, 3] + [None, 43]
    )


def test_natural_breaks_by_hand() -> None:
    shop = frame([900, 3, 50, 1, None, 52, 910, 2])
    tiers = cv.assign_tiers(shop, options=cv.TierOptions(method="natural_breaks"))
    assert tiers["tier"].to_list() == (
        ["high", "low", "medium", "low", "unrated", "medium", "high", "low"]
    )
    assert tiers["distance_to_next"].to_list() == [None, 0, 2, 2, None, 0, None, 1]


@pytest.mark.parametrize("method", ["cumulative_share", "natural_breaks"])
@pytest.mark.parametrize("values", [[], [None, None], [5], [5, 5, 5], [0, 0], [-3]])
def test_nobody_above_the_others_is_low(method: Any, values: list[float | None]) -> None:
    shop = frame(values)
    options = cv.TierOptions(method=method)
    tiers = cv.assign_tiers(shop, options=options)
    expected = ["unrated" if v is None else "low" for v in values]
    assert tiers["tier"].to_list() == expected
    assert cv.assign_tiers(shop.lazy(), options=options).collect().equals(tiers)


def test_no_distance_to_an_empty_tier() -> None:
    tiers = cv.assign_tiers(frame([1, 9, 9]), options=cv.TierOptions(method="natural_breaks"))
    assert tiers["tier"].to_list() == ["low", "medium", "medium"]
    assert tiers["distance_to_next"].to_list() == [0, None, None]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@relative
def test_every_method_refuses_what_is_no_number(options: cv.TierOptions, value: float) -> None:
    lazy = cv.assign_tiers(frame([1.0, None, value]).lazy(), options=options)
    with pytest.raises(cv.DataError, match="1 row with NaN or infinite"):
        lazy.collect()


# --- who stays ---

KNOWN = ("tier 0", "tier 1", "tier 2", "tier 3")


@given(
    customers=st.lists(
        st.tuples(st.integers(-200, 200), st.none() | st.integers(0, 3)), min_size=1, max_size=30
    ),
    cuts=st.lists(st.integers(-100, 100), min_size=3, max_size=3, unique=True),
    eighths=st.integers(0, 7),
)
@laws
def test_tiers_with_hysteresis_are_those_of_the_twin(
    customers: list[tuple[int, int | None]], cuts: list[int], eighths: int
) -> None:
    falling = sorted(cuts, reverse=True)
    options = by_value(*falling).model_copy(update={"hysteresis": eighths / 8})
    was = [None if place is None else KNOWN[place] for _, place in customers]
    shop = frame([value for value, _ in customers])
    before = shop.select("customer_id", tier=pl.Series(was, dtype=pl.String))
    tiers = cv.assign_tiers(shop, options=options, previous=before)
    h = Fraction(eighths, 8)
    places = [oracle.steady_place(value, falling, h, place) for value, place in customers]
    assert tiers["tier"].to_list() == [KNOWN[place] for place in places]
    for (value, _), place, missing in zip(
        customers, places, tiers["distance_to_next"], strict=True
    ):
        if place == 0:
            assert missing is None
        else:
            assert missing == falling[place - 1] + h * abs(falling[place - 1]) - value
            assert missing >= 0


@given(
    values=st.lists(st.integers(-20_000, 20_000), min_size=1, max_size=40),
    cuts=st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=2, unique=True),
    h=st.sampled_from([0.01, 0.02, 0.25]),
    seed=st.integers(0, 2**32),
)
@laws
def test_noise_moves_nobody(values: list[int], cuts: list[int], h: float, seed: int) -> None:
    """Each review reads every value within 1 % of the truth."""
    options = cv.TierOptions(
        method="absolute", cuts=tuple(sorted((c / 100 for c in cuts), reverse=True)), hysteresis=h
    )
    draws = random.Random(seed)  # noqa: S311
    tiers = first = cv.assign_tiers(frame([v / 100 for v in values]), options=options)
    for _ in range(4):
        noise = [draws.choice([0.99, 1.01, draws.uniform(0.99, 1.01)]) for _ in values]
        shop = frame([v / 100 * factor for v, factor in zip(values, noise, strict=True)])
        tiers = cv.assign_tiers(shop, options=options, previous=tiers)
        assert tiers["tier"].equals(first["tier"])
        assert tiers["previous_tier"].equals(first["tier"])


@given(
    values=st.lists(st.integers(0, 20_000), min_size=1, max_size=40),
    seed=st.integers(0, 2**32),
)
@laws
def test_noise_moves_nobody_past_quantiles_that_move_too(values: list[int], seed: int) -> None:
    options = cv.TierOptions(hysteresis=0.0203)  # 2 e / (1 - e)
    first = cv.assign_tiers(frame(values), options=options)
    draws = random.Random(seed)  # noqa: S311
    shop = frame([v * draws.choice([0.99, 1.01]) for v in values])
    tiers = cv.assign_tiers(shop, options=options, previous=first)
    assert tiers["tier"].equals(first["tier"])


def test_hysteresis_by_hand() -> None:
    """Cuts 100 and 10, a tenth wide: rises above 110 and 11, falls at 90 and 9."""
    options = cv.TierOptions(method="absolute", cuts=(100.0, 10.0), hysteresis=0.1)
    now = frame([95, 90, 105, 111, 5, 105, 105, None, 9.5])
    was = ["high", "high", "medium", "low", "high", None, "other", "high", "unrated"]
    tiers = cv.assign_tiers(
        now, options=options, previous=now.select("customer_id", tier=pl.Series(was))
    )
    assert tiers["tier"].to_list() == (
        ["high", "medium", "medium", "high", "low", "high", "high", "unrated", "low"]
    )
    missing = [None, 20, 5, None, 6, None, None, None, 1.5]
    assert tiers["distance_to_next"].round(9).to_list() == missing


@relative
def test_hysteresis_widens_the_cuts_that_were_found(options: cv.TierOptions) -> None:
    shop = frame([50, 20, 10, 8, 5, 3, 2, 1, 1, 0])
    plain = cv.assign_tiers(shop, options=options)
    wide = options.model_copy(update={"hysteresis": 0.99})
    for tier in ("high", "medium", "low"):
        before = shop.select("customer_id", tier=pl.lit(tier))
        tiers = cv.assign_tiers(shop, options=wide, previous=before)
        if tier == "high":  # no one but the last falls to a hundredth of a cut
            assert tiers["tier"].to_list() == ["high"] * 9 + ["low"]
        assert cv.assign_tiers(shop.lazy(), options=wide, previous=before).collect().equals(tiers)
    assert cv.assign_tiers(shop, options=wide)["tier"].equals(plain["tier"])


# --- since when ---


def dated(*values: float | None, as_of: date | None = TODAY) -> pl.DataFrame:
    return frame(values).with_columns(as_of=pl.lit(as_of, pl.Date))


def seen(*tiers: tuple[str | None, int | None]) -> pl.DataFrame:
    """An earlier snapshot: tiers, and the days that they have lasted."""
    since = [None if days is None else TODAY - timedelta(days) for _, days in tiers]
    return pl.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(len(tiers))],
            "tier": [tier for tier, _ in tiers],
            "tier_since": since,
        },
        schema_overrides={"tier": pl.String, "tier_since": pl.Date},
    )


TEN = {"method": "absolute", "cuts": (10.0,), "names": ("high", "low")}
TEN_FOR_90_DAYS = cv.TierOptions.model_validate({**TEN, "min_dwell": "90d"})


@pytest.mark.parametrize("lazy", [False, True])
def test_tier_since_is_kept_while_the_tier_stays(*, lazy: bool) -> None:
    shop = dated(11, 9, None, 11, 11, 11)
    before = seen(("high", 40), ("high", 40), ("unrated", 7), (None, 5), ("high", None))
    options = cv.TierOptions.model_validate(TEN)
    tiers = cv.assign_tiers(shop.lazy() if lazy else shop, options=options, previous=before)
    kept = [TODAY - timedelta(40), TODAY, TODAY - timedelta(7), TODAY, TODAY, TODAY]
    assert tiers.lazy().collect()["tier_since"].to_list() == kept


def test_tier_since_of_a_first_snapshot() -> None:
    tiers = cv.assign_tiers(dated(1.0, None))
    assert tiers["tier_since"].to_list() == [TODAY, TODAY]
    assert tiers.columns[-3:] == ["tier", "distance_to_next", "tier_since"]
    unsaid = cv.assign_tiers(dated(1.0), previous=earlier(c0="low"))
    assert unsaid["tier_since"].to_list() == [TODAY]


def test_no_tier_since_without_a_day() -> None:
    tiers = cv.assign_tiers(frame([1.0]), previous=seen(("low", 5)))
    assert "tier_since" not in tiers.columns
    text = frame([1.0]).with_columns(as_of=pl.lit("2024-07-01"))
    assert "tier_since" not in cv.assign_tiers(text).columns


def test_nobody_changes_before_the_dwell_is_over() -> None:
    shop = dated(11, 11, 9, 9, 9, 9, None)
    before = seen(
        ("low", 89),
        ("low", 90),
        ("high", 89),
        ("high", 90),
        ("high", None),
        ("gone", 1),
        ("low", 1),
    )
    tiers = cv.assign_tiers(shop, options=TEN_FOR_90_DAYS, previous=before)
    assert tiers["tier"].to_list() == ["low", "high", "high", "low", "low", "low", "unrated"]
    assert tiers["distance_to_next"].to_list() == [0, None, None, 1, 1, 1, None]
    days = [(TODAY - since).days for since in tiers["tier_since"]]
    assert days == [89, 0, 89, 0, 0, 0, 0]


def test_the_dwell_runs_from_snapshot_to_snapshot() -> None:
    """Reviewed every 30 days, a value that alternates moves once in 90 days."""
    tiers = cv.assign_tiers(dated(11), options=TEN_FOR_90_DAYS)
    history = []
    for k in range(1, 9):
        now = dated(9 if k % 2 else 11, as_of=TODAY + timedelta(30 * k))
        tiers = cv.assign_tiers(now, options=TEN_FOR_90_DAYS, previous=tiers)
        history.append(tiers["tier"][0])
    assert history == ["high", "high", "low", "low", "low", "high", "high", "high"]


def test_the_dwell_needs_days() -> None:
    with pytest.raises(cv.SchemaError, match="customers: missing column 'as_of'"):
        cv.assign_tiers(frame([1.0]), options=TEN_FOR_90_DAYS)
    with pytest.raises(cv.SchemaError, match="previous: missing column 'tier_since'"):
        cv.assign_tiers(dated(1.0), options=TEN_FOR_90_DAYS, previous=earlier(c0="low"))
    text = earlier(c0="low").with_columns(tier_since=pl.lit("2024-01-01"))
    with pytest.raises(cv.SchemaError, match="previous: 'tier_since' is String, must be a date"):
        cv.assign_tiers(dated(1.0), previous=text)


# --- too young to be rated ---


@relative
@pytest.mark.parametrize("lazy", [False, True])
def test_young_customers_are_unrated_and_move_no_cut(
    options: cv.TierOptions, *, lazy: bool
) -> None:
    shop = frame([50, 20, 10, 8, 5, 3, 2, 1, 1, 0]).with_columns(T=pl.lit(30.0))
    young = frame([900, 1, 7]).with_columns(T=pl.Series([29.9, 0.0, None]))
    young = young.with_columns(customer_id="y" + pl.col("customer_id"))
    both = pl.concat([young, shop])
    aged = options.model_copy(update={"min_tenure": "30d"})
    tiers = cv.assign_tiers(both.lazy() if lazy else both, options=aged).lazy().collect()
    assert tiers["tier"][:3].to_list() == ["unrated"] * 3
    assert tiers["distance_to_next"][:3].to_list() == [None] * 3
    alone = cv.assign_tiers(shop, options=options)
    assert_frame_equal(tiers[3:], alone, rel_tol=1e-14)  # nulls round quantiles otherwise
    assert tiers.select(both.columns).equals(both)


def test_the_tenure_needs_ages() -> None:
    options = cv.TierOptions(min_tenure="30d")
    with pytest.raises(cv.SchemaError, match="customers: missing column 'T'"):
        cv.assign_tiers(frame([1.0]), options=options)
    with pytest.raises(cv.DataError, match=r"1 row with NaN or infinite .*T nan"):
        cv.assign_tiers(frame([1.0]).with_columns(T=pl.lit(math.nan)), options=options)


# --- who may rise ---

MOVES = pl.DataFrame(
    [
        ("low", "low", 0.6),
        ("low", "medium", 0.2),
        ("low", "high", 0.1),
        ("low", "gone", 0.1),
        ("medium", "high", 0.25),
        ("medium", "low", 0.75),
        ("high", "high", 1.0),
        ("new", "high", 1.0),
    ],
    schema=["tier", "next_tier", "probability"],
    orient="row",
)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", [pl.String(), pl.Categorical()])
def test_upgrade_probability(dtype: pl.DataType, *, lazy: bool) -> None:
    shop = frame([None, *map(float, range(1, 11))])
    moves = MOVES.with_columns(pl.col("tier", "next_tier").cast(dtype))
    tiers = cv.assign_tiers(
        shop.lazy() if lazy else shop, transitions=moves.lazy() if lazy else moves
    )
    tiers = tiers.lazy().collect()
    by_tier = dict(tiers.select("tier", "upgrade_probability").rows())
    assert by_tier.pop("unrated") is None
    assert by_tier == pytest.approx({"low": 0.3, "medium": 0.25, "high": 0.0})
    assert tiers.schema["upgrade_probability"] == pl.Float64
    assert tiers.drop("upgrade_probability").equals(cv.assign_tiers(shop))


def test_upgrade_probability_from_pandas_in_any_order() -> None:
    shop = frame([float(k) for k in range(10)])
    expected = cv.assign_tiers(shop, transitions=MOVES)
    assert cv.assign_tiers(shop, transitions=MOVES.reverse().to_pandas()).equals(expected)


def test_tiers_that_are_not_in_the_transitions_have_no_probability() -> None:
    moves = MOVES.filter(pl.col("tier") == "high")
    tiers = cv.assign_tiers(frame([1.0, 2.0, 3.0, 9.0]), transitions=moves)
    assert tiers["upgrade_probability"].to_list() == [None, None, None, 0.0]
    none = cv.assign_tiers(frame([1.0]), transitions=MOVES.clear())
    assert none["upgrade_probability"].to_list() == [None]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("low", None, 0.5)], r"^transitions: 1 row with no tier \(e.g. low\)$"),
        ([("low", "high", 1.5), ("low", "low", -0.5)], "2 rows with probability outside 0 to 1"),
        ([("low", "high", math.nan)], "1 row with probability outside 0 to 1"),
        ([("low", "high", 0.5)] * 2, "2 rows with a pair of tiers more than once"),
        ([("low", "high", 0.6), ("low", "low", 0.6)], "2 rows with .* that sum to more than 1"),
    ],
)
def test_transitions_are_probabilities(rows: list[Any], message: str) -> None:
    moves = pl.DataFrame(rows, schema=MOVES.schema, orient="row")
    with pytest.raises(cv.DataError, match=message):
        cv.assign_tiers(frame([1.0]).lazy(), transitions=moves)


def test_transitions_have_three_columns() -> None:
    with pytest.raises(cv.SchemaError, match="transitions: missing column 'next_tier'"):
        cv.assign_tiers(frame([1.0]), transitions=MOVES.drop("next_tier"))


# --- everything at once ---


@relative
def test_lazy_is_eager_and_pandas_comes_in(options: cv.TierOptions) -> None:
    rows = 3_000
    shop = frame([float(k * 7919 % 1000) if k % 17 else None for k in range(rows)]).with_columns(
        as_of=TODAY, T=pl.int_range(pl.len()).cast(pl.Float64)
    )
    names = ["high", "medium", "low", "unrated"]
    before = seen(*((names[k % 4], k % 200) for k in range(rows - 100)))
    full = options.model_copy(update={"hysteresis": 0.1, "min_dwell": "90d", "min_tenure": "30d"})
    tiers = cv.assign_tiers(shop, options=full, previous=before, transitions=MOVES)
    added = ["tier", "distance_to_next", "tier_since", "upgrade_probability", "previous_tier"]
    assert tiers.columns == [*shop.columns, *added]
    assert tiers.select(shop.columns).equals(shop)
    lazy = cv.assign_tiers(shop.lazy(), options=full, previous=before.lazy(), transitions=MOVES)
    assert lazy.collect().equals(tiers)
    assert lazy.collect(engine="streaming").equals(tiers)
    again = cv.assign_tiers(tiers, options=full, previous=tiers, transitions=MOVES)
    assert again.columns == tiers.columns
    some = pl.col("customer_id").str.ends_with("7")
    assert lazy.filter(some).collect().equals(tiers.filter(some))
    assert lazy.select("tier").tail(9).collect().equals(tiers.select("tier").tail(9))
    reverse = cv.assign_tiers(
        shop.reverse(), options=full, previous=before.reverse(), transitions=MOVES.reverse()
    )
    assert_frame_equal(reverse.reverse(), tiers, rel_tol=1e-14)
    pandas = cv.assign_tiers(
        shop.drop("as_of").to_pandas(), options=options, previous=before.drop("tier_since")
    )
    plain = cv.assign_tiers(shop, options=options, previous=before)
    assert pandas["tier"].equals(plain["tier"])


# --- options ---


@relative
def test_options_are_plain_json(options: cv.TierOptions) -> None:
    assert cv.TierOptions.model_validate_json(options.model_dump_json()) == options


@pytest.mark.parametrize("method", ["kmeans", None, ["quantile"]])
def test_only_what_is_wrong_is_named(method: object) -> None:
    with pytest.raises(ValidationError, match="1 validation error for TierOptions\nmethod"):
        cv.TierOptions.model_validate({"method": method})


def test_each_method_has_its_own_default_cuts() -> None:
    assert [options.cuts for options in RELATIVE] == [(0.8, 0.5), (0.8, 0.95), ()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"cuts": (0.8,)}, "1 cuts? needs? 2 different names"),
        ({"names": ("a", "a", "b")}, "2 cuts need 3 different names"),
        ({"names": ("a", "b")}, "2 cuts need 3 different names"),
        ({"cuts": (0.5, 0.8)}, "cuts must fall, highest first"),
        ({"method": "cumulative_share", "cuts": (0.9, 0.8)}, "cuts must rise, the highest tier's"),
        ({"method": "cumulative_share", "cuts": (0.8, 1.1)}, "shares above 0, at most 1"),
        ({"method": "cumulative_share", "cuts": (0.0, 0.8)}, "shares above 0, at most 1"),
        ({"method": "cumulative_share", "names": ("a", "b")}, "2 cuts need 3 different names"),
        ({"method": "natural_breaks", "cuts": (0.8, 0.5)}, "finds its own cuts: give none"),
        ({"method": "natural_breaks", "names": ("a",)}, "2 or more different names"),
        ({"method": "natural_breaks", "names": ("a", "a")}, "2 or more different names"),
        ({"hysteresis": 1.0}, "less than 1"),
        ({"hysteresis": -0.1}, "greater than or equal to 0"),
        ({"hysteresis": math.nan}, "hysteresis"),
        ({"min_dwell": "soon"}, "'soon' is not a duration"),
        ({"min_dwell": "0d"}, "a duration must be above zero"),
        ({"min_tenure": "90"}, "'90' is not a duration"),
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
