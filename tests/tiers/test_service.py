from __future__ import annotations

import polars as pl
import pytest

import customer_value as cv
from customer_value.tiers import service_levels


def tiers(*names: str | None) -> pl.DataFrame:
    return pl.DataFrame({"tier": names}, schema={"tier": pl.String})


def test_each_tier_gets_its_level() -> None:
    served = service_levels(tiers("low", "unrated", "high", None, "medium", "low"))
    assert served["service_level"].to_list() == ["basic", None, "vip", None, "standard", "basic"]
    assert served.columns == ["tier", "service_level"]


def test_own_levels() -> None:
    levels = {"gold": "phone", "rest": "web", "silver": "phone"}
    served = service_levels(tiers("rest", "unrated", "gold"), levels=levels)
    assert served["service_level"].to_list() == ["web", None, "phone"]
    served = service_levels(tiers("unrated"), levels={"unrated": "web"})
    assert served["service_level"].to_list() == ["web"]


def test_tiers_without_a_level_are_all_named() -> None:
    shop = tiers("silver", "high", "gold", None, "silver", "unrated")
    message = r"^customers: unknown in 'tier': 'gold' \(\d\), 'silver' \(\d\)"
    with pytest.raises(cv.DataError, match=message):
        service_levels(shop)
    lazy = service_levels(shop.lazy())
    # A stream comes in batches: the first one that has such tiers is refused.
    with pytest.raises(cv.DataError, match=r"^customers: unknown in 'tier': '(gold|s)"):
        lazy.collect()
    with pytest.raises(cv.DataError, match="'high'"):
        service_levels(tiers("high"), levels={})


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_lazy_is_eager(engine: str) -> None:
    shop = tiers(*["high", "low", None, "unrated"] * 500)
    lazy = service_levels(shop.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect(engine=engine).equals(service_levels(shop))  # type: ignore[call-overload]


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["high", "low"])])
def test_tiers_of_any_text_type(dtype: pl.DataType) -> None:
    served = service_levels(tiers("low", "high", None).cast(dtype))
    assert served["service_level"].to_list() == ["basic", "vip", None]
    assert served.schema == {"tier": dtype, "service_level": pl.String}


def test_frames() -> None:
    assert service_levels(tiers()).schema["service_level"] == pl.String
    assert service_levels(tiers("high").to_pandas())["service_level"].to_list() == ["vip"]
    with pytest.raises(cv.SchemaError, match="customers: missing column 'tier'"):
        service_levels(pl.DataFrame({"clv": [1.0]}))
    with pytest.raises(cv.SchemaError, match="'tier' is Int64, must be text"):
        service_levels(pl.DataFrame({"tier": [1]}))


def test_after_tiers() -> None:
    shop = pl.DataFrame({"clv": [None, *map(float, range(1, 11))]})
    served = shop.pipe(cv.assign_tiers).pipe(service_levels)
    assert served["service_level"].drop_nulls().unique().sort().to_list() == [
        "basic",
        "standard",
        "vip",
    ]
    assert served["service_level"][0] is None
