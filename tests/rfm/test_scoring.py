from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import customer_value as cv

laws = settings(max_examples=60, deadline=None)
SCORES = ["r_score", "f_score", "m_score"]


def shop(n: int, seed: int = 1) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "customer_id": np.arange(n),
            "recency_days": draws.integers(0, 400, n),
            "purchases": draws.geometric(0.5, n),
            "revenue": draws.gamma(2.0, 50.0, n).round(2),
            "t_x": draws.integers(0, 300, n).astype(np.float64),
            "clumpiness": draws.random(n),
            "n_categories": draws.integers(1, 6, n),
        }
    )


# --- the index ---


@example(bins=(1, 2, 1), weights=(0.0, 1e-300, 7e300))
@given(
    bins=st.tuples(*[st.integers(1, 10)] * 3),
    weights=st.tuples(*[st.sampled_from([0.0, 0.1, 0.3, 1.0, 3.0, 7e300, 1e-300])] * 3).filter(any),
)
@laws
def test_index_is_the_weighted_share_of_the_way_to_the_best(
    bins: tuple[int, ...], weights: tuple[float, ...]
) -> None:
    names = ("recency_bins", "frequency_bins", "monetary_bins")
    words: Any = dict(zip(names, bins, strict=True))
    customers = shop(40)
    scale = cv.fit_rfm(customers, options=cv.RfmOptions(weights=weights, **words))
    scored = cv.score_rfm(customers, scale)
    counting = [(w, n - 1) for w, n in zip(map(Fraction, weights), bins, strict=True)]
    whole = sum(w for w, steps in counting if steps)
    assert any(w.startswith("rfm_index is unknown") for w in scale.warnings) == (not whole)
    for *scores, index in scored.select(*SCORES, "rfm_index").rows():
        if not whole:
            assert index is None
            continue
        reached = sum(
            w * Fraction(s - 1, steps)
            for (w, steps), s in zip(counting, scores, strict=True)
            if steps
        )
        assert index == pytest.approx(float(100 * reached / whole), rel=1e-14, abs=1e-12)
        assert 0 <= index <= 100


@given(weights=st.tuples(*[st.floats(0, 1e9)] * 3).filter(any))
@laws
def test_the_index_runs_from_0_to_exactly_100(weights: tuple[float, ...]) -> None:
    extremes = pl.DataFrame(
        {"recency_days": [99, 50, 1], "purchases": [1, 5, 9], "revenue": [1.0, 5.0, 9.0]}
    )
    scale = cv.fit_rfm(extremes, options=cv.RfmOptions(weights=weights))
    scored = cv.score_rfm(extremes, scale)
    assert scored["rfm_cell"].to_list() == ["111", "333", "555"]
    index = scored["rfm_index"].to_list()
    assert (index[0], index[2]) == (0.0, 100.0)
    assert index[1] == pytest.approx(50)


def test_without_weights_there_is_no_index() -> None:
    customers = shop(20)
    assert "rfm_index" not in cv.score_rfm(customers, cv.fit_rfm(customers)).columns


def test_unknown_customers_have_no_index() -> None:
    customers = shop(20).with_columns(revenue=pl.when(pl.col("customer_id") > 0).then("revenue"))
    options = cv.RfmOptions(weights=(1, 1, 1), extra=())
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=options))
    assert scored["rfm_index"].is_null().to_list() == [True] + [False] * 19


# --- further dimensions ---


@pytest.mark.parametrize("method", ["quantile", "kmeans", "nested"])
def test_extra_dimensions_stand_beside_the_three(method: Any) -> None:
    customers = shop(200)
    plain = cv.score_rfm(customers, cv.fit_rfm(customers, options=cv.RfmOptions(method=method)))
    options = cv.RfmOptions(method=method, extra=("length", "clumpiness", "variety"))
    scale = cv.fit_rfm(customers, options=options)
    scored = cv.score_rfm(customers, scale)
    extras = ["l_score", "c_score", "v_score"]
    assert scored.drop(extras).equals(plain)
    for name, column in zip(extras, ("t_x", "clumpiness", "n_categories"), strict=True):
        means = scored.group_by(name).agg(pl.col(column).mean()).sort(name)[column]
        assert means.is_sorted()
        assert scored[name].dtype == pl.UInt8
        assert list(scale.scores[name].counts) == [(scored[name] == k).sum() for k in range(1, 6)]
    assert cv.rfm.RfmScale.model_validate_json(scale.model_dump_json()) == scale


def test_an_own_dimension_where_small_is_good() -> None:
    customers = shop(50).rename({"t_x": "complaints"})
    extra = cv.rfm.RfmExtra(
        name="peace", column="complaints", score="p_score", bins=3, smaller_is_better=True
    )
    scale = cv.fit_rfm(customers, options=cv.RfmOptions(extra=(extra,), weights=(0, 0, 0, 1)))
    scored = cv.score_rfm(customers, scale).sort("complaints")
    assert scored["p_score"].is_sorted(descending=True)
    assert scored["rfm_index"].to_list() == [50.0 * (s - 1) for s in scored["p_score"]]


def test_a_scale_has_the_extras_of_its_options() -> None:
    scale = cv.fit_rfm(shop(20), options=cv.RfmOptions(extra=("length",)))
    with pytest.raises(ValueError, match=r"extra must have the dimensions of options\.extra"):
        cv.rfm.RfmScale.model_validate(scale.model_dump() | {"extra": ()})


def test_clumpiness_from_the_log_to_the_score() -> None:
    options = cv.TransactionOptions(extras=("clumpiness",), clumpiness_from=date(1997, 1, 1))
    customers = cv.summarize(
        cv.read_transactions(cv.load_cdnow(), options=options), as_of=date(1998, 6, 30)
    )
    rfmc = cv.RfmOptions(extra=("clumpiness",))
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=rfmc))
    assert scored["c_score"].null_count() == 0
    by_score = scored.group_by("c_score").agg(pl.col("clumpiness").mean()).sort("c_score")
    assert by_score["clumpiness"].is_sorted()


# --- methods ---

METHODS: list[Any] = [
    {"method": "kmeans"},
    {"method": "quantile", "convention": "r_package"},
    {"method": "nested"},
]
few = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 6), st.integers(-500, 3000)),
    min_size=1,
    max_size=25,
)


def tiny(rows: list[tuple[int, int, int]], unit: float = 0.01) -> pl.DataFrame:
    recency, purchases, cents = (list(column) for column in zip(*rows, strict=True))
    money = [unit * c for c in cents]
    return pl.DataFrame(
        {
            "customer_id": range(len(rows)),
            "recency_days": recency,
            "purchases": purchases,
            "revenue": money,
        }
    )


@given(rows=few, words=st.sampled_from(METHODS), seed=st.integers(0, 99))
@laws
def test_neither_order_nor_names_matter(
    rows: list[tuple[int, int, int]], words: Any, seed: int
) -> None:
    customers, options = tiny(rows), cv.RfmOptions(**words, weights=(1, 2, 3))
    scale = cv.fit_rfm(customers, options=options)
    scored = cv.score_rfm(customers, scale)
    shuffled = customers.sample(fraction=1, shuffle=True, seed=seed)
    assert cv.fit_rfm(shuffled, options=options) == scale
    assert cv.score_rfm(shuffled, scale).sort("customer_id").equals(scored)
    renamed = customers.with_columns(customer_id=pl.col("customer_id").reverse())
    assert cv.fit_rfm(renamed, options=options) == scale
    assert [d.counts for d in scale.dimensions] == [
        tuple((scored[name] == k).sum() for k in range(1, 6)) for name in SCORES
    ]


@given(rows=few, words=st.sampled_from(METHODS[:2]))
@laws
def test_better_never_scores_worse(rows: list[tuple[int, int, int]], words: Any) -> None:
    customers = tiny(rows)
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=cv.RfmOptions(**words)))
    for score, column, good in zip(
        SCORES, ("recency_days", "purchases", "revenue"), (False, True, True), strict=True
    ):
        assert scored.sort(column, descending=not good)[score].is_sorted()
        assert scored.group_by(column).agg(pl.col(score).n_unique())[score].max() == 1


@given(rows=few, unit=st.sampled_from([1e-5, 1.0, 6.5, 1e9]))
@laws
def test_the_currency_does_not_matter_to_kmeans(
    rows: list[tuple[int, int, int]], unit: float
) -> None:
    options = cv.RfmOptions(method="kmeans")
    mine, other = (
        cv.score_rfm(customers, cv.fit_rfm(customers, options=options)).select(SCORES)
        for customers in (tiny(rows), tiny(rows, unit))
    )
    assert mine.equals(other)


@given(rows=few, times=st.integers(2, 4))
@laws
def test_as_many_customers_again_change_no_means(
    rows: list[tuple[int, int, int]], times: int
) -> None:
    options = cv.RfmOptions(method="kmeans")
    once = cv.fit_rfm(tiny(rows), options=options)
    often = cv.fit_rfm(pl.concat([tiny(rows)] * times), options=options)
    assert [d.edges for d in often.dimensions] == [d.edges for d in once.dimensions]


def test_kmeans_scores_by_the_gaps() -> None:
    customers = pl.DataFrame(
        {
            "recency_days": [1, 2, 3, 200, 201, 999],
            "purchases": [1, 1, 1, 1, 20, 21],
            "revenue": [5.0, 6.0, 7.0, 500.0, 510.0, 9000.0],
        }
    )
    options = cv.RfmOptions(
        method="kmeans", recency_bins=3, frequency_bins=2, monetary_bins=3, weights=(1, 1, 1)
    )
    scale = cv.fit_rfm(customers, options=options)
    assert [d.edges for d in scale.dimensions] == [(3, 201), (1,), (7, 510)]
    scored = cv.score_rfm(customers, scale)
    assert scored["rfm_cell"].to_list() == ["311", "311", "311", "212", "222", "123"]


@pytest.mark.parametrize("method", ["quantile", "kmeans", "nested"])
@pytest.mark.parametrize("convention", ["default", "r_package"])
def test_degenerate_shops_get_an_answer_and_a_warning(method: Any, convention: Any) -> None:
    if convention == "r_package" and method != "quantile":
        return
    options = cv.RfmOptions(method=method, convention=convention, weights=(1, 1, 1))
    alike = pl.DataFrame({"recency_days": 3, "purchases": 1, "revenue": [-5.0] * 7})
    huge = pl.DataFrame(
        {"recency_days": [0, 10**9], "purchases": 1, "revenue": [-1.7e308, 1.7e308]}
    )
    for customers in (alike, alike.head(1), huge, huge.with_columns(revenue=0.0)):
        scale = cv.fit_rfm(customers, options=options)
        scored = cv.score_rfm(customers, scale)
        assert any("frequency: only 1 of 5 scores occur" in w for w in scale.warnings)
        assert scored.height == customers.height
        assert scored["rfm_index"].is_between(0, 100).all()
        assert scored.select(SCORES).null_count().row(0) == (0, 0, 0)


# --- convention of the R package ---


@given(cents=st.lists(st.integers(0, 3000), min_size=1, max_size=20), bins=st.integers(1, 10))
@laws
def test_r_adds_one_and_closes_on_the_left(cents: list[int], bins: int) -> None:
    money = np.array(cents) / 100
    customers = pl.DataFrame({"recency_days": cents, "purchases": 1, "revenue": money})
    options = cv.RfmOptions(convention="r_package", recency_bins=bins, monetary_bins=bins)
    scored = cv.score_rfm(customers, cv.fit_rfm(customers, options=options))
    cuts = np.quantile(cents, np.arange(1, bins) / bins) + 1
    low = np.quantile(money, np.arange(1, bins) / bins) + 1
    near = np.abs(np.subtract.outer(np.array(cents, float), cuts)).min(axis=1, initial=9.0) < 1e-6
    close = np.abs(np.subtract.outer(money, low)).min(axis=1, initial=9.0) < 1e-9
    r = bins - np.searchsorted(cuts, cents, side="right")
    m = 1 + np.searchsorted(low, money, side="right")
    assert (scored["r_score"].to_numpy() == r)[~near].all()
    assert (scored["m_score"].to_numpy() == m)[~close].all()


# --- frames ---


def test_a_large_streamed_frame_is_scored_like_a_small_one() -> None:
    """More rows than one batch or chunk; nulls in some batches only."""
    customers = shop(150_000).with_columns(
        revenue=pl.when(pl.col("customer_id") != 70_000).then("revenue")
    )
    options = cv.RfmOptions(method="nested", extra=("length",), weights=(1, 2, 3, 4))
    scale = cv.fit_rfm(customers, options=options)
    whole = cv.score_rfm(customers, scale)
    lazy = cv.score_rfm(customers.lazy(), scale)
    assert lazy.collect().equals(whole)
    assert lazy.collect(engine="in-memory").equals(whole)
    parts = pl.concat([customers[:100], customers[100:]], rechunk=False)
    assert cv.score_rfm(parts, scale).equals(whole)
    assert cv.fit_rfm(parts.lazy(), options=options) == scale
    assert whole.filter(pl.col("rfm_cell").is_null())["customer_id"].to_list() == [70_000]
    scores = whole.drop_nulls()
    assert [d.counts for d in scale.dimensions[:1]] == [
        tuple((scores["r_score"] == k).sum() for k in range(1, 6))
    ]


def test_queries_around_the_scores_see_the_same(tmp_path: Path) -> None:
    """Whatever polars moves before or behind the scores, and from file to file."""
    customers = shop(3_000)
    scale = cv.fit_rfm(customers, options=cv.RfmOptions(extra=("length",)))
    whole, lazy = cv.score_rfm(customers, scale), cv.score_rfm(customers.lazy(), scale)
    queries: list[Callable[[Any], Any]] = [
        lambda f: f.select("r_score"),
        lambda f: f.select("rfm_cell", "customer_id"),
        lambda f: f.filter(pl.col("m_score") == 5).select("customer_id"),
        lambda f: f.filter(pl.col("customer_id") % 7 == 1),
        lambda f: f.slice(1_000, 7),
        lambda f: f.tail(3),
    ]
    for query in queries:
        assert query(lazy).collect().equals(query(whole))
    customers.write_parquet(tmp_path / "customers.parquet", row_group_size=500)
    source = pl.scan_parquet(tmp_path / "customers.parquet")
    source.pipe(cv.score_rfm, scale).pipe(cv.segment_rfm).sink_parquet(tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet").equals(cv.segment_rfm(whole))


def test_large_fits_are_exact() -> None:
    """Above the size at which ranks are bracketed by a sample."""
    customers = shop(80_000)
    scale = cv.fit_rfm(customers)
    for d in scale.dimensions:
        values = customers[d.column].to_numpy().astype(np.float64)
        ranks = [Fraction(k * (values.size - 1), 5) for k in range(1, 5)]
        placed = np.sort(values)
        expected = [
            placed[int(r)] + float(r % 1) * (placed[int(r) + 1] - placed[int(r)]) for r in ranks
        ]
        assert d.edges == pytest.approx(expected, rel=1e-14)
    assert cv.fit_rfm(customers.sample(fraction=1, shuffle=True, seed=3)) == scale


# --- beyond the scale ---


def test_values_beyond_the_scale_are_counted() -> None:
    known = pl.DataFrame(
        {"recency_days": [10, 20], "purchases": [2, 4], "revenue": [5.0, 9.0], "t_x": [1.0, 3.0]}
    )
    scale = cv.fit_rfm(known, options=cv.RfmOptions(extra=("length",)))
    later = pl.DataFrame(
        {
            "recency_days": [10, 20, 9, 21, 22, 1],
            "purchases": [2, 4, 1, 5, 6, None],
            "revenue": [5.0, 9.0, 4.99, 9.01, 7.0, -9.0],
            "t_x": [1, 3, 3, 1, 2, 99],
        }
    )
    for frame in (later, later.lazy()):
        table = cv.rfm.rfm_out_of_range(frame, scale)
        assert table.rows() == [
            ("r_score", "recency_days", 10.0, 20.0, 5, 1, 2),
            ("f_score", "purchases", 2.0, 4.0, 5, 1, 2),
            ("m_score", "revenue", 5.0, 9.0, 5, 1, 1),
            ("l_score", "t_x", 1.0, 3.0, 5, 0, 0),
        ]
    assert cv.rfm.rfm_out_of_range(known, scale).select("below", "above").sum().row(0) == (0, 0)
    empty = cv.rfm.rfm_out_of_range(later.clear(), scale)
    assert empty["customers"].to_list() == [0] * 4
    old = scale.model_copy(
        update={"recency": scale.recency.model_copy(update={"lowest": None, "highest": None})}
    )
    assert cv.rfm.rfm_out_of_range(later, old).select("below", "above").row(0) == (None, None)
    with pytest.raises(cv.DataError, match="1 row with NaN"):
        cv.rfm.rfm_out_of_range(
            later.with_columns(revenue=pl.Series([float("nan")] + [1.0] * 5)), scale
        )


def test_the_index_of_another_scale_does_not_stay() -> None:
    customers = shop(9)
    weighted = cv.fit_rfm(customers, options=cv.RfmOptions(weights=(1, 1, 1)))
    scored = cv.score_rfm(customers, weighted)
    assert "rfm_index" in scored.columns
    assert "rfm_index" not in cv.score_rfm(scored, cv.fit_rfm(customers)).columns


def test_a_stream_is_fitted_and_scored() -> None:
    table = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30)).to_arrow()
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    assert cv.score_rfm(stream).equals(cv.score_rfm(table))
