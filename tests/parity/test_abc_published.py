"""ABC classes and concentration of the whole CDNOW log, which the package lifetimes carries."""

from __future__ import annotations

import os
import zipfile
from datetime import date
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

import customer_value as cv

INSIDE = "lifetimes/datasets/CDNOW_master.txt"
VARIABLE = "LIFETIMES_WHEEL"


def master_file() -> bytes:
    """Find the file in an installed lifetimes, or in its wheel, or skip the test."""
    spec = find_spec("lifetimes")
    if spec is not None and spec.origin is not None:
        return (Path(spec.origin).parent / "datasets" / "CDNOW_master.txt").read_bytes()
    wheel = Path(os.environ.get(VARIABLE, "no wheel"))
    if not wheel.is_file():
        pytest.skip(f"lifetimes is not installed, and {VARIABLE} names no wheel of it")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(INSIDE)


@pytest.fixture(scope="module")
def master() -> pl.DataFrame:
    lines = pl.read_csv(BytesIO(master_file()), new_columns=["line"], separator="\t")
    words = (
        pl.col("line")
        .str.strip_chars()
        .str.split(" ")
        .list.eval(pl.element().filter(pl.element() != ""))
    )
    log = lines.select(
        customer_id=words.list.get(0),
        ordered_at=words.list.get(1).str.to_date("%Y%m%d"),
        amount=words.list.get(3).cast(pl.Decimal(12, 2)),
    )
    assert (log.height, str(log["amount"].sum())) == (69_659, "2500315.63")
    return cv.summarize(log, as_of=date(1998, 6, 30))


def test_concentration(master: pl.DataFrame) -> None:
    assert master.height == 23_570
    share, gini = cv.abc.top_share(master, share=0.2), cv.abc.gini(master)
    assert share is not None
    assert gini is not None
    assert round(100 * share, 3) == 67.777
    assert round(gini, 6) == 0.634571


@pytest.mark.parametrize(
    ("boundary", "ties", "counts"),
    [
        ("below", "split", [7694, 8044, 7832]),  # as published
        ("below", "together", [7694, 8034, 7842]),
        ("crossing", "split", [7695, 8044, 7831]),
        ("crossing", "together", [7695, 8067, 7808]),
    ],
)
def test_classes(
    master: pl.DataFrame,
    boundary: Literal["below", "crossing"],
    ties: Literal["split", "together"],
    counts: list[int],
) -> None:
    found = cv.abc.abc_limits(master, options=cv.AbcOptions(boundary=boundary, ties=ties))
    assert list(found.customers.values()) == counts
