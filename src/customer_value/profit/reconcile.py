"""The proof of the accounts: customers and what is no one's make the ledger."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel

from customer_value._frames.contracts import Kind, check_instance
from customer_value._frames.door import read_frame
from customer_value.exceptions import DataError, SchemaError
from customer_value.profit._costs import CostTable
from customer_value.profit._statement import Window, goods_are_booked, ledger
from customer_value.profit.stack import LEVELS, CostStack
from customer_value.transactions.log import AnyLog, Log, take
from customer_value.transactions.questions import customers_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from customer_value._typing import Day, Frame

_FINER = 6  # more places, so that an assumed margin's rows do not add up to a rounding error
_SALES = {
    "gross_sales": pl.col("sales") + pl.col("discounts"),
    "discounts": pl.col("discounts"),
    "returns": pl.col("returns"),
    "net_revenue": pl.col("sales") - pl.col("returns"),
}


class LedgerLine(BaseModel, frozen=True, extra="forbid"):
    """One line of the account over the whole company: `ledger` is the sum of the other three.

    Attributes:
        line: Name of the line: a money column of the accounts.
        ledger: Sum of the log's and the costs' own rows.
        customers: Sum of the customers' accounts where they are known.
        unknown: Known rows of customers whose line is unknown as a whole.
        unallocated: Rows of customers who have no account.
    """

    line: str
    ledger: float
    customers: float
    unknown: float
    unallocated: float


class PnlReconciliation(BaseModel, frozen=True, extra="forbid"):
    """Accounts that were held against the tables they come from, and with what settings.

    Attributes:
        as_of: Last day that counts.
        start: First day that counts.
        margin: Share of the amount assumed as margin on rows of unknown cost.
        stack: Which lines of cost belong to which level; None without costs.
        customers: Number of accounts.
        lines: The lines of the account.
    """

    as_of: date
    start: date | None
    margin: float | None
    stack: CostStack | None
    customers: int
    lines: tuple[LedgerLine, ...]

    def __getitem__(self, line: str) -> LedgerLine:
        """The line of that name."""
        return {entry.line: entry for entry in self.lines}[line]

    def __str__(self) -> str:
        head = f"{'':12}{'ledger':>18}{'customers':>18}{'unknown':>18}{'unallocated':>18}"
        rows = [
            f"{x.line:12}{x.ledger:18,.2f}{x.customers:18,.2f}{x.unknown:18,.2f}{x.unallocated:18,.2f}"
            for x in self.lines
        ]
        return "\n".join([head, *rows])


def reconcile_pnl(
    accounts: Frame,
    transactions: Log,
    *,
    as_of: Day,
    start: Day | None = None,
    margin: float | None = None,
    costs: Frame | None = None,
    stack: CostStack | None = None,
) -> PnlReconciliation:
    """Prove that customers' accounts and unallocated costs add up to the ledger.

    The ledger's totals are summed from the tables themselves, past all customers; the customers'
    from the accounts. Nothing may be missing and nothing counted twice.

    Args:
        accounts: What `customer_pnl` made of the tables; a LazyFrame is collected.
        transactions: The log that it was given.
        as_of: And its other arguments, as they were given.
        start: First day that counts.
        margin: Share of the amount that is margin on rows of unknown cost.
        costs: The table of costs.
        stack: Which lines belong to which level.

    Returns:
        The totals line by line, with the settings; plain JSON by `model_dump_json()`.

    Raises:
        DataError: A line does not add up, or a customer has two accounts.
        SchemaError: Columns are missing or of an unusable type.
        OptionError: As in `customer_pnl`, of whose errors all others are raised as well.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> day = date(2024, 5, 2)
        >>> log = pl.DataFrame({"customer_id": [1], "ordered_at": [day], "amount": [9.0]})
        >>> costs = pl.DataFrame({"customer_id": [1, 7], "line": "service", "amount": [2.0, 3.0]})
        >>> tables = {"as_of": date(2024, 12, 31), "margin": 0.5, "costs": costs}
        >>> accounts = cv.customer_pnl(log, unknown_customers="unallocated", **tables)
        >>> proof = cv.profit.reconcile_pnl(accounts, log, **tables)
        >>> proof["service"].ledger, proof["service"].customers, proof["service"].unallocated
        (5.0, 2.0, 3.0)
    """
    source = take(transactions)
    window = Window.of(start, as_of, margin, source)
    log = source.frame.lazy()
    stack = CostStack() if stack is None else stack
    check_instance("stack", stack, CostStack)
    table = None if costs is None else _read(costs, source, window, stack)
    known = _known(accounts, source, LEVELS if table else ("cogs",))
    everybody = pl.concat([customers_until(source, window.end), known.lazy().select("customer_id")])
    lines = _sales_lines(log, window, known)
    for level in LEVELS if table else ("cogs",):
        rows = [_cost_of_goods(log, window, table)] if level == "cogs" else []
        if table:
            booked = table.rows.filter(pl.col("line").is_in(table.stack.lines(level)))
            exact = pl.col("amount").cast(pl.Decimal(38, window.scale + _FINER))
            rows.append(booked.select("customer_id", exact))
        lines.append(_cost_line(level, pl.concat(rows), known, everybody))
    _refuse_gaps(lines, known, window)
    return PnlReconciliation(
        as_of=window.end,
        start=window.start,
        margin=margin,
        stack=table.stack if table else None,
        customers=known.height,
        lines=tuple(lines),
    )


def _read(costs: Frame, source: AnyLog, window: Window, stack: CostStack) -> CostTable:
    return CostTable.read(
        costs,
        source,
        start=window.start,
        end=window.end,
        stack=stack,
        unknown_customers="unallocated",
    )


def _known(accounts: Frame, source: AnyLog, costs: Sequence[str]) -> pl.DataFrame:
    """The accounts' lines as decimals."""
    money = [*_SALES, *costs]
    kinds: dict[str, Kind] = {"customer_id": "key", **dict.fromkeys(money, "money")}
    frame = read_frame(accounts, kinds, what="accounts").lazy()
    schema = frame.collect_schema()
    key = source.key_type
    if schema["customer_id"] != key:
        raise SchemaError(
            f"accounts: 'customer_id' is {schema['customer_id']}, but {key} in the log"
        )
    decimal = pl.Decimal(38, source.options.money_scale)
    known = frame.select("customer_id", pl.col(money).cast(decimal)).collect()
    if twice := known.height - known["customer_id"].n_unique():
        raise DataError(f"accounts: customers more than once: {twice:,}")
    return known


def _sales_lines(log: pl.LazyFrame, window: Window, known: pl.DataFrame) -> list[LedgerLine]:
    sums = ledger(log, window).select(pl.col("sales", "returns", "discounts").sum())
    totals = sums.select(**_SALES).collect()
    return [
        LedgerLine(
            line=name,
            ledger=_float(totals[name].sum()),
            customers=_float(known[name].sum()),
            unknown=0.0,
            unallocated=0.0,
        )
        for name in _SALES
    ]


def _cost_of_goods(log: pl.LazyFrame, window: Window, table: CostTable | None) -> pl.LazyFrame:
    booked = table is not None and goods_are_booked(log, table)
    cost = pl.col("known_cost").fill_null(0)
    if window.margin is not None:
        assumed = (1 - window.margin) * pl.col("uncosted").cast(pl.Float64)
        cost = cost.cast(pl.Float64) + assumed
    exact = cost.cast(pl.Decimal(38, window.scale + _FINER))
    return ledger(log, window, booked=booked).select("customer_id", amount=exact)


def _cost_line(
    level: str, rows: pl.LazyFrame, known: pl.DataFrame, everybody: pl.LazyFrame
) -> LedgerLine:
    unsure = known.filter(pl.col(level).is_null()).lazy()
    parts = [
        rows,
        rows.join(unsure, on="customer_id", how="semi"),
        rows.join(everybody, on="customer_id", how="anti"),
    ]
    sums = [part.select(pl.col("amount").sum()).collect().item() for part in parts]
    return LedgerLine(
        line=level,
        ledger=_float(sums[0]),
        customers=_float(known[level].sum()),
        unknown=_float(sums[1]),
        unallocated=_float(sums[2]),
    )


def _refuse_gaps(lines: list[LedgerLine], known: pl.DataFrame, window: Window) -> None:
    """Refuse lines that are apart by more than the rounding of each account to Float64."""
    gaps = []
    for entry in lines:
        gap = entry.ledger - math.fsum([entry.customers, entry.unknown, entry.unallocated])
        size = math.fsum(abs(float(value)) for value in known[entry.line].drop_nulls())
        size += abs(entry.ledger) + abs(entry.unknown) + abs(entry.unallocated)
        near = 2.0**-51 * size
        if entry.line == "cogs" and window.margin is not None:
            near += known.height * 10.0**-window.scale
        if abs(gap) > near:
            gaps.append(f"{entry.line} by {gap:,.6g}")
    if gaps:
        raise DataError(f"accounts: the ledger holds more than they do: {', '.join(gaps)}")


def _float(value: Decimal | float | None) -> float:
    return float(value or 0)
