"""How often a lazy source is read: once for the check, once for the answer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.io.plugins import register_io_source

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EARLIER = date(1997, 9, 30)
AS_OF = date(1998, 6, 30)
EXTRAS = cv.TransactionOptions(
    extras=("gap_mean_days", "gap_std_days", "clumpiness"), clumpiness_from=EARLIER
)


class Source:
    """A table that counts how often it is read."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table
        self.reads = 0

    def scan(self) -> pl.LazyFrame:
        return register_io_source(self._read, schema=self.table.schema, is_pure=True)

    def _read(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG002  part of the interface
    ) -> Iterator[pl.DataFrame]:
        self.reads += 1
        table = self.table if predicate is None else self.table.filter(predicate)
        table = table if with_columns is None else table.select(with_columns)
        yield table if n_rows is None else table.head(n_rows)


def tables() -> dict[str, pl.DataFrame]:
    plain = cv.load_cdnow()
    costed = plain.with_columns(
        cost=pl.col("amount") / 2, discount=pl.lit(0.1), category=pl.lit("music")
    )
    orders = pl.int_range(pl.len(), dtype=pl.Int64)
    return {"plain": plain, "costed": costed, "with orders": costed.with_columns(order_id=orders)}


TABLES = tables()
QUESTIONS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "summarize": (1, lambda log: cv.summarize(log, as_of=EARLIER)),
    "a window": (1, lambda log: cv.summarize(log, as_of=AS_OF, start=EARLIER)),
    "split": (1, lambda log: cv.split_holdout(log, calibration_end=EARLIER, holdout_end=AS_OF)),
    "growth": (1, lambda log: cv.growth_accounting(log, as_of=AS_OF)),
    "profit": (1, lambda log: cv.customer_pnl(log, as_of=AS_OF, margin=0.3)),
    "report": (2, lambda log: cv.value_report(log, as_of=AS_OF, margin=0.3)),
}
every_table = pytest.mark.parametrize("table", TABLES)


def finish(answer: Any) -> Any:
    return answer.collect() if isinstance(answer, pl.LazyFrame) else answer


@every_table
def test_reading_a_log_is_one_scan(table: str) -> None:
    source = Source(TABLES[table])
    log = cv.read_transactions(source.scan())
    assert log.report == cv.read_transactions(TABLES[table]).report
    assert log.report.rows_in == TABLES[table].height
    assert source.reads == 1


@every_table
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_one_scan_more(question: str, table: str) -> None:
    scans, ask = QUESTIONS[question]
    raw = Source(TABLES[table])
    finish(ask(raw.scan()))
    assert raw.reads == 1 + scans
    read = Source(TABLES[table])
    log = cv.read_transactions(read.scan())
    for asked in (1, 2):
        finish(ask(log))
        assert read.reads == 1 + asked * scans


@every_table
@pytest.mark.parametrize("question", ["summarize", "a window", "split"])
def test_statistics_of_gaps_cost_no_scan(question: str, table: str) -> None:
    source = Source(TABLES[table])
    log = cv.read_transactions(source.scan(), options=EXTRAS)
    answer = finish(QUESTIONS[question][1](log))
    assert source.reads == 2
    eager = QUESTIONS[question][1](cv.read_transactions(TABLES[table], options=EXTRAS))
    assert answer.sort("customer_id").equals(eager)


def test_the_refused_rows_are_one_scan_more() -> None:
    source = Source(TABLES["plain"].with_columns(pl.col("amount").replace(0, None)))
    log = cv.read_transactions(source.scan(), options=cv.TransactionOptions(on_invalid="drop"))
    before = source.reads
    assert log.report.invalid().height == 8
    assert source.reads == before + 1
