from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

import customer_value as cv
from customer_value.segments import _means

COLUMNS = ("recency_days", "purchases", "revenue")

numbers = st.integers(0, 9) | st.integers(0, 5_000)
shops = st.lists(st.tuples(numbers, numbers, st.integers(-300, 90_000)), min_size=1, max_size=25)
laws = settings(max_examples=15, deadline=None)


def frame(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.Float64), orient="row")


def groups(n: int, seed: int = 0) -> pl.DataFrame:
    """Three kinds of customers, far apart: loyal, occasional, lost."""
    rng = np.random.default_rng(seed)
    centres = [(5, 40, 4_000), (40, 8, 400), (400, 1, 30)]
    rows = [np.array(centre) * rng.lognormal(0, 0.1, 3) for centre in centres for _ in range(n)]
    return pl.DataFrame(np.array(rows), schema=list(COLUMNS)).with_row_index("customer_id")


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    return cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))


def coordinates(rows: pl.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The docstring's formula, one number at a time."""
    columns = []
    for name in COLUMNS:
        values = rows[name].cast(pl.Float64).to_list()
        sizes = sorted(abs(v) for v in values if v)
        unit = sizes[max(0, math.ceil(0.05 * len(sizes)) - 1)] if sizes else 1.0
        logs = [math.copysign(math.log1p(abs(v) / unit), v) for v in values]
        mean = math.fsum(logs) / len(logs)
        spread = math.sqrt(math.fsum((s - mean) ** 2 for s in logs) / len(logs))
        columns.append([(s - mean) / (spread or 1.0) for s in logs])
    return np.array(columns).T


# --- against scikit-learn ---


def test_the_clusters_of_cdnow_are_those_of_scikit_learn(cdnow: pl.DataFrame) -> None:
    clusters = cv.fit_clusters(cdnow, n_clusters=4, seed=7)
    labels = cv.segments.assign_clusters(cdnow, clusters)["cluster"].to_numpy()
    ordered = cdnow.sort(COLUMNS)
    points = coordinates(ordered)
    peer = KMeans(4, n_init=10, random_state=7).fit(points)
    mine = cv.segments.assign_clusters(ordered, clusters)["cluster"].to_numpy()
    pairs = set(zip(peer.labels_.tolist(), mine.tolist(), strict=True))
    assert len(pairs) == 4  # each of theirs is one of ours
    assert sorted(np.bincount(labels)[1:]) == sorted(np.bincount(peer.labels_))
    for one in clusters.clusters:
        theirs = next(theirs for theirs, number in pairs if number == one.cluster)
        centre = [
            column.coordinate(np.array([one.centre[column.name]]))[0] for column in clusters.columns
        ]
        assert centre == pytest.approx(peer.cluster_centers_[theirs].tolist(), abs=1e-9)
    everybody = silhouette_score(points, peer.labels_)
    assert clusters.silhouette == pytest.approx(everybody, abs=0.02)  # of a sample of 3,000


def test_the_silhouette_of_few_customers_is_that_of_all() -> None:
    shop = groups(30)
    clusters = cv.fit_clusters(shop, n_clusters=3, seed=0)
    labels = cv.segments.assign_clusters(shop, clusters)["cluster"].to_numpy()
    assert clusters.silhouette == pytest.approx(silhouette_score(coordinates(shop), labels))


# --- what is found ---


def test_three_kinds_of_customers_are_found_and_counted() -> None:
    shop = groups(50)
    clusters = cv.fit_clusters(shop, seed=0)
    assert [one.customers for one in clusters.clusters] == [50, 50, 50]
    assert clusters.silhouette is not None
    assert clusters.silhouette > 0.8
    assert (
        cv.segments.assign_clusters(shop, clusters)["cluster"].to_list()
        == [1] * 50 + [2] * 50 + [3] * 50
    )
    for one, centre in zip(
        clusters.clusters, [(5, 40, 4_000), (40, 8, 400), (400, 1, 30)], strict=True
    ):
        assert list(one.centre.values()) == pytest.approx(centre, rel=0.1)


def test_clusters_are_numbered_by_the_last_column() -> None:
    shop = groups(20)
    by_recency = cv.fit_clusters(
        shop, n_clusters=3, columns=("revenue", "purchases", "recency_days"), seed=0
    )
    assert cv.segments.assign_clusters(shop, by_recency)["cluster"][0] == 3
    ties = pl.DataFrame({"purchases": [1, 1, 9, 9], "revenue": [5, 5, 5, 5]})
    clusters = cv.fit_clusters(ties, n_clusters=2, columns=("purchases", "revenue"), seed=0)
    assert cv.segments.assign_clusters(ties, clusters)["cluster"].to_list() == [2, 2, 1, 1]


def test_starts_are_tried_on_a_sample_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = groups(300)
    whole = cv.fit_clusters(shop, n_clusters=3, seed=0)
    monkeypatch.setattr(_means, "_TRIED", 100)
    monkeypatch.setattr(_means, "_COMPARED", 60)
    sampled = cv.fit_clusters(shop, n_clusters=3, seed=0)
    assert [one.customers for one in sampled.clusters] == [300, 300, 300]
    for one, other in zip(sampled.clusters, whole.clusters, strict=True):
        assert list(one.centre.values()) == pytest.approx(list(other.centre.values()), rel=1e-6)
    assert len(cv.fit_clusters(shop, seed=0).clusters) == 3


# --- laws ---


@given(rows=shops, seed=st.integers(0, 3), k=st.integers(1, 4))
@laws
def test_neither_row_order_nor_keys_change_the_clusters(
    rows: list[tuple[int, int, int]], seed: int, k: int
) -> None:
    shop = frame(rows)
    shuffled = shop.sample(fraction=1, shuffle=True, seed=seed).with_row_index("customer_id")
    clusters = cv.fit_clusters(shop, n_clusters=k, seed=seed)
    assert cv.fit_clusters(shuffled, n_clusters=k, seed=seed) == clusters
    labelled = cv.segments.assign_clusters(shuffled, clusters)
    assert labelled.drop("cluster").equals(shuffled)
    counts = labelled["cluster"].value_counts().rows()
    expected = {one.cluster: one.customers for one in clusters.clusters if one.customers}
    assert dict(counts) == expected


@given(rows=shops, power=st.integers(-20, 20))
@laws
def test_the_currency_does_not_matter(rows: list[tuple[int, int, int]], power: int) -> None:
    shop = frame(rows)
    other = shop.with_columns(pl.col("revenue") * 2.0**power)
    one, two = (cv.fit_clusters(money, n_clusters=3, seed=0) for money in (shop, other))
    assert [c.customers for c in one.clusters] == [c.customers for c in two.clusters]
    assert cv.segments.assign_clusters(shop, one)["cluster"].equals(
        cv.segments.assign_clusters(other, two)["cluster"]
    )


@given(rows=shops)
@laws
def test_each_customer_is_in_the_nearest_cluster(rows: list[tuple[int, int, int]]) -> None:
    shop = frame(rows)
    clusters = cv.fit_clusters(shop, n_clusters=3, seed=0)
    for row, label in zip(
        shop.to_dicts(), cv.segments.assign_clusters(shop, clusters)["cluster"], strict=True
    ):
        distances = [
            math.hypot(
                *(
                    column.coordinate(np.array([row[column.name]]))[0]
                    - column.coordinate(np.array([one.centre[column.name]]))[0]
                    for column in clusters.columns
                )
            )
            for one in clusters.clusters
        ]
        assert distances[label - 1] == pytest.approx(min(distances), abs=1e-12)


# --- degenerate shops ---


def test_one_customer_and_customers_who_are_all_alike() -> None:
    for rows in ([(3, 2, 100)], [(3, 2, 100)] * 5, [(0, 0, 0)] * 2):
        for k in (None, 3):
            clusters = cv.fit_clusters(frame(rows), n_clusters=k, seed=0)
            (only,) = clusters.clusters
            assert only.customers == len(rows)
            assert list(only.centre.values()) == pytest.approx(rows[0])
            assert clusters.silhouette is None
            assert "all customers are alike in revenue" in clusters.warnings
            asked = any("3 clusters asked for, but only 1" in text for text in clusters.warnings)
            assert asked == (k == 3)


def test_values_of_any_size() -> None:
    shop = pl.DataFrame({"revenue": [-1.7e308, -1.0, 0.0, 5e-324, 1e-300, 1.0, 1.7e308]})
    clusters = cv.fit_clusters(shop, n_clusters=3, columns=["revenue"], seed=0)
    assert sum(one.customers for one in clusters.clusters) == 7
    assert cv.segments.assign_clusters(shop, clusters)["cluster"].null_count() == 0
    centres = [one.centre["revenue"] for one in clusters.clusters]
    assert centres == sorted(centres, reverse=True)


def test_unknown_customers_have_no_cluster() -> None:
    shop = groups(10).with_columns(
        revenue=pl.when(pl.col("customer_id") > 1).then(pl.col("revenue"))
    )
    clusters = cv.fit_clusters(shop, n_clusters=3, seed=0)
    assert sum(one.customers for one in clusters.clusters) == 28
    labels = cv.segments.assign_clusters(shop, clusters)["cluster"]
    assert labels.dtype == pl.Int64
    assert labels[:2].to_list() == [None, None]
    assert labels.null_count() == 2


def test_what_is_refused() -> None:
    shop = groups(3)
    with pytest.raises(cv.FitError, match="no customer has values of revenue"):
        cv.fit_clusters(
            shop.with_columns(revenue=pl.lit(None, pl.Float64)), columns=["revenue"], seed=0
        )
    with pytest.raises(cv.SchemaError, match="missing column 'profit'"):
        cv.fit_clusters(shop, columns=["profit"], seed=0)
    with pytest.raises(cv.DataError, match="9 rows with NaN or infinite values"):
        cv.fit_clusters(shop.with_columns(revenue=math.nan), seed=0)
    wrong: list[dict[str, Any]] = [
        {"n_clusters": 0},
        {"seed": -1},
        {"columns": []},
        {"columns": ["revenue", "revenue"]},
    ]
    for words in wrong:
        with pytest.raises(cv.OptionError):
            cv.fit_clusters(shop, **({"seed": 0} | words))
    clusters = cv.fit_clusters(shop, n_clusters=2, seed=0)
    bad = shop.with_columns(revenue=math.inf)
    with pytest.raises(cv.DataError, match=r"9 rows with NaN or infinite .*revenue inf"):
        cv.segments.assign_clusters(bad, clusters)
    with pytest.raises(cv.SchemaError, match="missing column 'revenue'"):
        cv.segments.assign_clusters(shop.drop("revenue"), clusters)


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(_means, "import_module", absent)
    with pytest.raises(ImportError, match=r"pip install 'customer-value\[cluster\]'"):
        cv.fit_clusters(groups(3), seed=0)


# --- the model ---


def test_clusters_are_json_and_place_new_customers() -> None:
    clusters = cv.fit_clusters(groups(10), n_clusters=3, seed=0)
    again = cv.segments.ClusterModel.model_validate_json(clusters.model_dump_json())
    assert again == clusters
    new = groups(5, seed=9)
    placed = cv.segments.assign_clusters(new.lazy(), again)
    assert isinstance(placed, pl.LazyFrame)
    assert placed.collect()["cluster"].to_list() == [1] * 5 + [2] * 5 + [3] * 5
    assert cv.segments.assign_clusters(new.to_pandas(), again).equals(placed.collect())
    assert cv.segments.assign_clusters(new.clear(), again).is_empty()


def test_a_model_must_be_whole() -> None:
    words = cv.fit_clusters(groups(3), n_clusters=2, seed=0).model_dump()
    one, two = words["clusters"]
    for clusters in ([two, one], [{**one, "centre": {"revenue": 1.0}}, two]):
        with pytest.raises(ValidationError, match=r"clusters must be|each centre"):
            cv.segments.ClusterModel.model_validate({**words, "clusters": clusters})


def test_clusters_are_stored_and_applied_to_single_customers() -> None:
    shop = groups(3)
    model = cv.fit_clusters(shop, n_clusters=3, seed=1)
    assert model.fitted_on is not None
    assert model.fitted_on.n_customers == shop.height
    again = cv.segments.ClusterModel.model_validate_json(model.model_dump_json())
    whole = cv.segments.assign_clusters(shop, again)
    alone = [cv.segments.assign_clusters(shop[k], again) for k in range(shop.height)]
    assert pl.concat(alone).equals(whole)
    with pytest.raises(cv.OptionError, match="must be a ClusterModel"):
        cv.segments.assign_clusters(shop, {})  # type: ignore[call-overload]
