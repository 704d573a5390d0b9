from __future__ import annotations

import math
from collections import defaultdict
from datetime import date
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.changes import compare_mix
from customer_value.segments import profile_segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars._typing import PolarsDataType

laws = settings(max_examples=80, deadline=None)
SCHEMA: dict[str, Any] = {
    "region": pl.String,
    "industry": pl.Int64,
    "revenue": pl.Float64,
    "recency_days": pl.Int64,
    "purchases": pl.Int64,
}
Row = dict[str, Any]
shops = st.lists(
    st.fixed_dictionaries(
        {
            "region": st.sampled_from(["north", "south", "", None]),
            "industry": st.sampled_from([1, 2, None]),
            "cents": st.none() | st.integers(-300, 100_000) | st.just(12_345_678_901),
            "recency_days": st.none() | st.integers(0, 400),
            "purchases": st.none() | st.integers(0, 9),
        }
    ),
    max_size=25,
)
attributes = st.sampled_from([["region"], ["industry"], ["industry", "region"]])
sizes = st.integers(1, 6)


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    cells = [
        {**row, "revenue": None if row["cents"] is None else row["cents"] / 100} for row in rows
    ]
    return pl.DataFrame([[row[name] for name in SCHEMA] for row in cells], SCHEMA, orient="row")


def number(value: Fraction | int | None) -> float | None:
    return None if value is None else float(value)


def by_attributes(key: tuple[Any, ...]) -> list[tuple[bool, Any]]:
    """Ascending, null last."""
    return [(part is None, 0 if part is None else part) for part in key]


def groups_of(rows: Sequence[Row], by: list[str]) -> dict[tuple[Any, ...], list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in by)].append(row)
    return groups


def known(rows: Sequence[Row], name: str) -> list[int]:
    return [row[name] for row in rows if row[name] is not None]


def hidden(groups: dict[tuple[Any, ...], list[Row]], min_size: int) -> set[tuple[Any, ...]]:
    """Too small ones first, then the smallest others until their sum hides everybody."""
    size = {key: len(known(rows, "cents")) for key, rows in groups.items()}
    away = {k for k, rows in groups.items() if len(rows) < min_size or 0 < size[k] < min_size}
    others = sorted(
        (k for k in groups if k not in away and size[k]), key=lambda k: (size[k], by_attributes(k))
    )
    for key in others:
        if 0 < sum(size[k] for k in away) < min_size:
            away.add(key)
    return away


def twin(rows: Sequence[Row], by: list[str], min_size: int) -> list[Row]:
    """Sum up one group at a time, in fractions."""
    groups = groups_of(rows, by)
    away = hidden(groups, min_size)
    everything = Fraction(sum(known(rows, "cents")), 100)
    profile = []
    for key, group in groups.items():
        values, shown = known(group, "cents"), key not in away
        total = Fraction(sum(values), 100) if values and shown else None
        row = {
            **dict(zip(by, key, strict=True)),
            "customers": len(group),
            "customer_share": float(Fraction(len(group), len(rows))),
            "value_total": number(total),
            "value_share": number(total / everything)
            if total is not None and everything > 0
            else None,
            "value_mean": number(None if total is None else total / len(values)),
            "value_median": None if total is None else median(values) / 100,
        }
        for name in ("recency_days", "purchases"):
            measured = known(group, name)
            enough = shown and len(measured) >= min_size
            row[f"{name}_median"] = median(measured) if enough else None
        profile.append({**row, "suppressed": not shown})
    return sorted(
        profile,
        key=lambda row: (
            row["value_total"] is None,
            -(row["value_total"] or 0.0),
            by_attributes(tuple(row[name] for name in by)),
        ),
    )


def close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=1e-9, abs=1e-9)


def check(profile: pl.DataFrame, expected: list[Row]) -> None:
    got = profile.to_dicts()
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert list(one) == list(other)
        for name, value in other.items():
            if isinstance(value, float):
                assert one[name] == pytest.approx(value, rel=1e-12, abs=1e-12), name
            else:
                assert one[name] == value, name


# --- against the twin ---


@given(rows=shops, by=attributes, min_size=sizes)
@laws
def test_profiles_are_those_of_the_twin(rows: list[Row], by: list[str], min_size: int) -> None:
    profile = profile_segments(frame(rows), by=by, min_size=min_size)
    check(profile, twin(rows, by, min_size))


# --- laws ---


@given(rows=shops, by=attributes, min_size=sizes, seed=st.integers(0, 2**32))
@laws
def test_the_order_of_the_rows_changes_no_bit(
    rows: list[Row], by: list[str], min_size: int, seed: int
) -> None:
    shop = frame(rows)
    profile = profile_segments(shop, by=by, min_size=min_size)
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed)
    assert profile_segments(shuffled, by=by, min_size=min_size).equals(profile)
    assert profile_segments(shuffled.lazy(), by=by, min_size=min_size).equals(profile)


@given(rows=shops, min_size=sizes)
@laws
def test_names_do_not_matter(rows: list[Row], min_size: int) -> None:
    """Where equals are put in order by name, other names must be of the same order."""
    shop = frame(rows)
    profile = profile_segments(shop, by="region", min_size=min_size)
    names = {"": "a", "north": "b", "south": "c"}
    other = shop.with_columns(pl.col("region").replace(names))
    renamed = profile_segments(other, by="region", min_size=min_size)
    assert renamed.equals(profile.with_columns(pl.col("region").replace(names)))
    names = {"": "z", "north": "y", "south": "x"}
    other = shop.with_columns(pl.col("region").replace(names))
    turned = profile_segments(other, by="region").sort("region")
    first = profile_segments(shop, by="region")
    assert turned.equals(first.with_columns(pl.col("region").replace(names)).sort("region"))


@given(rows=shops, by=attributes, factor=st.sampled_from([0.01, 7.0, 100.0]))
@laws
def test_the_currency_does_not_matter(rows: list[Row], by: list[str], factor: float) -> None:
    profile = profile_segments(frame(rows), by=by).sort(by)
    other = frame(rows).with_columns(pl.col("revenue") * factor)
    scaled = profile_segments(other, by=by).sort(by)
    for column in profile.columns:
        money = column in ("value_total", "value_mean", "value_median")
        for one, two in zip(profile[column], scaled[column], strict=True):
            if isinstance(one, float):
                assert two == pytest.approx(one * (factor if money else 1), rel=1e-9, abs=1e-9)
            else:
                assert two == one


@given(rows=shops, by=attributes, min_size=sizes)
@laws
def test_totals_reconcile_and_nobody_is_left_to_be_found(
    rows: list[Row], by: list[str], min_size: int
) -> None:
    profile = profile_segments(frame(rows), by=by, min_size=min_size)
    assert profile["customers"].sum() == len(rows)
    if rows:
        assert profile["customer_share"].sum() == pytest.approx(1)
    everything = sum(known(rows, "cents")) / 100
    groups = groups_of(rows, by)
    away = [groups[key] for key in profile.filter("suppressed").select(by).rows()]
    unseen = [cents for group in away for cents in known(group, "cents")]
    assert not 0 < len(unseen) < min_size or len(unseen) == len(known(rows, "cents"))
    rest = sum(profile["value_total"].drop_nulls()) + sum(unseen) / 100
    assert rest == pytest.approx(everything, abs=1e-6)
    if everything > 0:
        shares = profile["value_share"].sum()
        assert 1 - shares == pytest.approx(sum(unseen) / 100 / everything, abs=1e-9)
    figures = profile.filter("suppressed").drop(*by, "customers", "customer_share", "suppressed")
    assert all(column.is_null().all() for column in figures)
    if min_size == 1:
        assert not profile["suppressed"].any()


@given(rows=shops)
@laws
def test_a_group_says_the_same_alone_and_among_others(rows: list[Row]) -> None:
    """But for its shares."""
    shop, own = frame(rows), ["customer_share", "value_share"]
    crossed = profile_segments(shop, by=["region", "industry"])
    for region in shop["region"].unique():
        part = shop.filter(pl.col("region").eq_missing(region))
        alone = profile_segments(part, by="industry").drop(own)
        among = crossed.filter(pl.col("region").eq_missing(region)).drop("region", *own)
        assert alone.equals(among)


# --- worked cases ---


def test_two_attributes_are_crossed() -> None:
    shop = pl.DataFrame(
        {
            "country": ["CN", "CN", "DE", "DE", "DE", None],
            "company": [True, False, True, True, None, True],
            "revenue": [10.0, 20.0, 50.0, 100.0, None, 20.0],
            "recency_days": [1, 2, 3, 10, 5, 6],
            "purchases": [1, 1, 4, 9, 0, 2],
        }
    )
    profile = profile_segments(shop, by=["country", "company"])
    assert profile.schema == {
        "country": pl.String,
        "company": pl.Boolean,
        "customers": pl.Int64,
        "customer_share": pl.Float64,
        "value_total": pl.Float64,
        "value_share": pl.Float64,
        "value_mean": pl.Float64,
        "value_median": pl.Float64,
        "recency_days_median": pl.Float64,
        "purchases_median": pl.Float64,
        "suppressed": pl.Boolean,
    }
    assert profile.rows() == [
        ("DE", True, 2, 2 / 6, 150.0, 0.75, 75.0, 75.0, 6.5, 6.5, False),
        ("CN", False, 1, 1 / 6, 20.0, 0.1, 20.0, 20.0, 2.0, 1.0, False),
        (None, True, 1, 1 / 6, 20.0, 0.1, 20.0, 20.0, 6.0, 2.0, False),
        ("CN", True, 1, 1 / 6, 10.0, 0.05, 10.0, 10.0, 1.0, 1.0, False),
        ("DE", None, 1, 1 / 6, None, None, None, None, 5.0, 0.0, False),
    ]


def sized(**groups: int) -> pl.DataFrame:
    names = [name for name, size in groups.items() for _ in range(size)]
    return pl.DataFrame({"group": names, "revenue": [1.0] * len(names)})


@pytest.mark.parametrize(
    ("sizes", "min_size", "away"),
    [
        ({"a": 9, "b": 9, "c": 9}, 5, ""),
        ({"a": 4, "b": 9, "c": 7}, 5, "ac"),  # a alone would be the rest
        ({"a": 4, "b": 9, "c": 9}, 5, "ab"),  # of equal ones the first
        ({"a": 4, "b": 1, "c": 9}, 5, "ab"),  # five together
        ({"a": 2, "b": 1, "c": 9, "d": 8}, 5, "abd"),  # three together are too few
        ({"a": 4}, 5, "a"),
        ({"a": 1, "b": 1}, 5, "ab"),
        ({"a": 5}, 5, ""),
    ],
)
def test_small_groups_are_suppressed(sizes: dict[str, int], min_size: int, away: str) -> None:
    profile = profile_segments(sized(**sizes), by="group", min_size=min_size).sort("group")
    assert "".join(profile.filter("suppressed")["group"]) == away
    assert dict(profile.select("group", "customers").rows()) == sizes
    assert profile["value_total"].is_null().equals(profile["suppressed"])


def test_few_known_values_are_as_telling_as_few_customers() -> None:
    shop = pl.DataFrame(
        {
            "group": ["a"] * 6 + ["b"] * 6 + ["c"] * 6,
            "revenue": [5.0] + [None] * 5 + [1.0] * 6 + [None] * 6,
            "recency_days": [7] * 6 + [7] + [None] * 5 + [8] * 6,
        }
    )
    profile = profile_segments(shop, by="group", min_size=3).sort("group")
    assert profile["suppressed"].to_list() == [True, True, False]
    assert profile["value_total"].to_list() == [None, None, None]
    assert profile["recency_days_median"].to_list() == [None, None, 8.0]
    open_ = profile_segments(shop, by="group").sort("group")
    assert open_["suppressed"].to_list() == [False] * 3
    assert open_["value_total"].to_list() == [5.0, 6.0, None]
    assert open_["recency_days_median"].to_list() == [7.0, 7.0, 8.0]


def test_sums_are_exact() -> None:
    shop = pl.DataFrame(
        {"group": ["a"] * 10 + ["b"] * 3, "revenue": [0.1] * 10 + [1e15, 0.1, -1e15]}
    )
    assert dict(profile_segments(shop, by="group").select("group", "value_total").rows()) == {
        "a": 1.0,
        "b": 0.1,
    }


@pytest.mark.parametrize("n", [1, 49, 1000])
def test_one_group_is_the_whole(n: int) -> None:
    row = profile_segments(sized(all=n), by="group").row(0, named=True)
    assert (row["customers"], row["customer_share"], row["value_share"]) == (n, 1.0, 1.0)


def test_shares_are_rounded_once() -> None:
    sizes = {f"g{n}": n for n in range(1, 21)}
    profile = profile_segments(sized(**sizes), by="group")
    expected = [n / sum(sizes.values()) for n in reversed(sizes.values())]
    assert profile["customer_share"].to_list() == expected
    assert profile["value_share"].to_list() == expected


@pytest.mark.parametrize("values", [[0.0, 0.0], [-5.0, 5.0], [-5.0, 1.0]])
def test_nothing_is_shared_where_nothing_is_earned(values: list[float]) -> None:
    shop = pl.DataFrame({"group": ["a", "b"], "profit": values})
    profile = profile_segments(shop, by="group", value="profit").sort("group")
    assert profile["value_share"].to_list() == [None, None]
    assert profile["value_total"].to_list() == values


def test_losses_have_negative_shares() -> None:
    shop = pl.DataFrame({"group": ["a", "b"], "profit": [-5.0, 15.0]})
    profile = profile_segments(shop, by="group", value="profit")
    assert profile.select("group", "value_share").rows() == [("b", 1.5), ("a", -0.5)]


def test_nobody_and_one() -> None:
    nobody = profile_segments(frame([]), by=["region", "industry"])
    assert nobody.is_empty()
    one = {"region": None, "industry": None, "cents": 100, "recency_days": 1, "purchases": 1}
    alone = profile_segments(frame([one]), by=["region", "industry"])
    assert nobody.schema == alone.schema
    assert alone.rows() == [(None, None, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, False)]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(["b", "a", None], dtype=pl.Categorical()),
        pl.Series(["b", "a", None], dtype=pl.Enum(["b", "a"])),
        pl.Series([2, 1, None], dtype=pl.UInt8),
        pl.Series([True, False, None]),
        pl.Series([date(2024, 1, 1), date(2023, 1, 1), None]),
        pl.Series([None, None, None]),
    ],
    ids=lambda values: str(values.dtype),
)
def test_attributes_keep_their_type(values: pl.Series) -> None:
    shop = pl.DataFrame({"group": values, "revenue": [3.0, 2.0, 1.0]})
    profile = profile_segments(shop, by="group")
    assert profile.schema["group"] == values.dtype
    assert profile["group"].to_list() == values.unique(maintain_order=True).to_list()
    both = compare_mix(shop, shop, by="group")
    assert both["group"].equals(profile["group"])
    assert set(both["value_share_change"]) == {0.0}


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Float32, pl.Decimal(12, 2)], ids=str)
def test_values_of_any_number_type(dtype: PolarsDataType) -> None:
    shop = sized(a=2, b=3)
    other = shop.with_columns(pl.col("revenue").cast(dtype))
    assert profile_segments(other, by="group").equals(profile_segments(shop, by="group"))


def test_the_value_may_be_a_measure_or_an_attribute_too() -> None:
    shop = pl.DataFrame({"group": ["a", "a"], "purchases": [1, 3]})
    profile = profile_segments(shop, by="group", value="purchases")
    assert profile.select("value_total", "purchases_median").rows() == [(4.0, 2.0)]
    by_count = profile_segments(shop, by=["purchases"], value="purchases")
    assert by_count.select("purchases", "value_total", "purchases_median").rows() == [
        (3, 3.0, 3.0),
        (1, 1.0, 1.0),
    ]


def test_pandas_comes_in() -> None:
    shop = frame(
        [
            {"region": r, "industry": 1, "cents": c, "recency_days": 1, "purchases": 1}
            for r, c in [("north", 100), (None, None), ("south", 5)]
        ]
    )
    expected = profile_segments(shop, by="region")
    assert profile_segments(shop.to_pandas(), by="region").equals(expected)
    assert compare_mix(shop.to_pandas(), shop.lazy(), by="region").equals(
        compare_mix(shop, shop, by="region")
    )


def test_on_real_customers() -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    profile = profile_segments(cv.assign_tiers(customers, value="revenue"), by="tier")
    assert profile["tier"].to_list() == ["high", "medium", "low"]
    assert profile["customers"].sum() == customers.height
    assert profile["value_total"].sum() == pytest.approx(math.fsum(customers["revenue"]))


# --- errors ---


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ([], "by names no column"),
        (["group", "group"], "by names twice: group"),
        (["customers"], "by has names of the result, rename them: customers"),
        (["a", "a", "suppressed"], "by names twice: a; has names of the result.*: suppressed"),
    ],
)
def test_attributes_are_checked(by: list[str], message: str) -> None:
    with pytest.raises(cv.CustomerValueError, match=message):
        profile_segments(sized(a=1), by=by)


def test_errors_say_what_is_wrong() -> None:
    shop = sized(a=1)
    with pytest.raises(
        cv.SchemaError, match=r"customers: missing columns 'groups', 'clv' .*did you"
    ):
        profile_segments(shop, by="groups", value="clv")
    with pytest.raises(cv.SchemaError, match="customers: 'group' is String, must be a number"):
        profile_segments(shop.with_columns(x=1), by="x", value="group")
    with pytest.raises(cv.SchemaError, match=r"attributes are plain columns, but 'tags' is List"):
        profile_segments(shop.with_columns(tags=pl.lit([1])), by="tags")
    with pytest.raises(cv.SchemaError, match="is not a table"):
        profile_segments({"group": ["a"]}, by="group")  # type: ignore[arg-type]
    with pytest.raises(cv.CustomerValueError, match="min_size must be 1 or more, got 0"):
        profile_segments(shop, by="group", min_size=0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e23, -1e300])
def test_values_that_cannot_be_summed_are_refused(value: float) -> None:
    shop = pl.DataFrame({"group": ["a", "b", "c"], "revenue": [1.0, None, value]})
    with pytest.raises(cv.DataError, match=r"customers: 1 row with .*revenue"):
        profile_segments(shop, by="group")
    with pytest.raises(cv.DataError, match=r"after: 1 row with .*revenue"):
        compare_mix(sized(a=1), shop.lazy(), by="group")


# --- two snapshots ---


@given(before=shops, after=shops, by=attributes)
@laws
def test_the_mix_is_that_of_the_profiles(
    before: list[Row], after: list[Row], by: list[str]
) -> None:
    changed = compare_mix(frame(before), frame(after), by=by)
    profiles = {"before": twin(before, by, 1), "after": twin(after, by, 1)}
    cells = {
        name: {tuple(row[key] for key in by): row for row in profile}
        for name, profile in profiles.items()
    }
    assert set(changed.select(by).rows()) == set(cells["before"]) | set(cells["after"])
    assert changed.height == len(set(cells["before"]) | set(cells["after"]))
    columns = ("customers", "customer_share", "value_total", "value_share")
    for row in changed.iter_rows(named=True):
        key = tuple(row[name] for name in by)
        for column in columns:
            pair: list[float | None] = []
            for name, profile in profiles.items():
                shared = any(other[column] is not None for other in profile)
                absent = 0 if shared or column in ("customers", "value_total") else None
                cell = cells[name].get(key)
                pair.append(absent if cell is None else cell[column])
                assert close(row[f"{column}_{name}"], pair[-1])
            if column != "customers":
                first, last = pair
                change = None if first is None or last is None else last - first
                assert close(row[f"{column}_change"], change)


def test_the_change_of_a_mix() -> None:
    before = pl.DataFrame({"tier": ["high", "high", "low", "low"], "clv": [50.0, 30.0, 10.0, 10.0]})
    after = pl.DataFrame({"tier": ["high", None, "low", "low", "low"], "clv": [60.0, 5, 5, 5, 25]})
    changed = compare_mix(before, after, by=["tier"], value="clv")
    assert changed.columns == [
        "tier",
        "customers_before",
        "customers_after",
        "customer_share_before",
        "customer_share_after",
        "customer_share_change",
        "value_total_before",
        "value_total_after",
        "value_total_change",
        "value_share_before",
        "value_share_after",
        "value_share_change",
    ]
    expected = [
        ("high", 2, 1, 0.5, 0.2, -0.3, 80.0, 60.0, -20.0, 0.8, 0.6, -0.2),
        ("low", 2, 3, 0.5, 0.6, 0.1, 20.0, 35.0, 15.0, 0.2, 0.35, 0.15),
        (None, 0, 1, 0.0, 0.2, 0.2, 0.0, 5.0, 5.0, 0.0, 0.05, 0.05),
    ]
    for got, row in zip(changed.rows(), expected, strict=True):
        assert got[0] == row[0]
        assert got[1:] == pytest.approx(row[1:])
    assert changed.schema["customers_before"] == pl.Int64


def test_a_mix_with_nobody() -> None:
    nobody, some = sized(), sized(a=1, b=1)
    nobody = nobody.cast({"group": pl.String, "revenue": pl.Float64})
    changed = compare_mix(nobody, some, by="group")
    assert changed["customers_before"].to_list() == [0, 0]
    assert changed["customer_share_before"].to_list() == [None, None]
    assert changed["customer_share_change"].to_list() == [None, None]
    assert changed["value_total_change"].to_list() == [1.0, 1.0]
    empty = compare_mix(nobody, nobody, by="group")
    assert empty.is_empty()
    assert empty.schema == changed.schema


def test_snapshots_must_fit_each_other() -> None:
    number_ = sized(a=1).with_columns(group=pl.lit(1))
    with pytest.raises(cv.SchemaError, match="'group' is String before and Int32 after"):
        compare_mix(sized(a=1), number_, by="group")
    with pytest.raises(cv.SchemaError, match="before: missing column 'tier'"):
        compare_mix(sized(a=1), sized(a=1), by="tier")
    with pytest.raises(cv.SchemaError, match="after: missing column 'revenue'"):
        compare_mix(sized(a=1), sized(a=1).drop("revenue"), by="group")
    with pytest.raises(cv.CustomerValueError, match=r"by has .*: customers_after"):
        compare_mix(sized(a=1), sized(a=1), by=["customers_after"])
