"""The profit and loss account of each customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, overload

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.contracts import check_instance
from customer_value._frames.options import build
from customer_value.exceptions import DataError, OptionError
from customer_value.profit._costs import CostTable, UnknownCustomers, stray_customers
from customer_value.profit._statement import (
    Window,
    goods,
    goods_are_booked,
    statement,
)
from customer_value.profit.stack import CostStack
from customer_value.transactions.log import EagerLog, LazyLog, Log, take
from customer_value.transactions.questions import per_customer

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Day, Frame


class _Terms(BaseModel, frozen=True, extra="forbid", title="customer_pnl"):
    margin: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None
    unknown_customers: UnknownCustomers


@overload
def customer_pnl(
    transactions: EagerLog,
    *,
    as_of: Day,
    start: Day | None = None,
    margin: float | None = None,
    costs: Frame | None = None,
    stack: CostStack | None = None,
    unknown_customers: UnknownCustomers = "raise",
) -> pl.DataFrame: ...
@overload
def customer_pnl(
    transactions: LazyLog,
    *,
    as_of: Day,
    start: Day | None = None,
    margin: float | None = None,
    costs: Frame | None = None,
    stack: CostStack | None = None,
    unknown_customers: UnknownCustomers = "raise",
) -> pl.LazyFrame: ...
def customer_pnl(
    transactions: Log,
    *,
    as_of: Day,
    start: Day | None = None,
    margin: float | None = None,
    costs: Frame | None = None,
    stack: CostStack | None = None,
    unknown_customers: UnknownCustomers = "raise",
) -> pl.DataFrame | pl.LazyFrame:
    """Make the profit and loss account of each customer up to a day.

    net_revenue = gross_sales - discounts - returns; cm1 = net_revenue - cogs. The cost of goods
    comes from the log's cost column (negative on the rows of returned goods that go back to
    stock); rows of unknown cost cost 1 - `margin` of their amount where a margin is assumed, and
    otherwise leave the customer's cost and profit unknown. With a table of `costs` the account
    goes on: cm2 = cm1 - fulfilment; cm3 = cm2 - marketing; profit = cm3 - service - maintenance,
    and - acquisition in the cohort view of the stack.

    No cost is ever spread over customers here: each row of `costs` is somebody's. Shared cost
    comes from `allocate_costs`, by what customers make it do. Sums are exact: over all customers
    they equal those of the log and of the costs, as `reconcile_pnl` shows.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Last day that counts.
        start: First day that counts; by default the log's first.
        margin: Share of the amount, -1 to 1, that is margin on rows of unknown cost.
        costs: Other costs, one row each: `customer_id` (of the log's type), `line`, `amount` in
            the log's currency (negative for a credit, null where it is unknown) and, where they
            are dated, `date`; rows outside the window do not count. Costs of periods have
            `period_start` and `period_end` (Date, both included) instead, and count on the last
            day; periods of one customer and line are equal or do not overlap. Without either,
            all count. A `currency` column is checked.
        stack: Which lines belong to which level, and which lines' books are complete; by default
            `CostStack()`.
        unknown_customers: What to do about costs of customers who have no row in the log up to
            `as_of`: `"raise"` refuses them, `"keep"` gives them an account without sales,
            `"unallocated"` leaves their costs, and costs of no customer, out of all accounts.

    Returns:
        One row per customer with sales or costs in the window, money in Float64: `customer_id`,
        `gross_sales` (before discounts), `discounts`, `returns` (at least 0), `net_revenue`,
        `cogs`, `cm1`; with `costs`, also `fulfilment`, `cm2`, `marketing`, `cm3`, `service`,
        `maintenance`, `acquisition`; `profit` (without `costs`, cm1), `margin_pct` (profit over
        net revenue, null unless that is above zero) and `cost_coverage`.

        What is unknown is null, and with it every level below: a cost of goods; a row of `costs`
        without amount; and a line of the stack that the window books for anybody, but not for
        this customer, unless the stack says that its books are complete. A line booked for no one
        costs nothing. `cost_coverage` tells what is known: the mean over the lines that profit is
        after, 1 or 0 each, and the share of the log's rows whose cost is known.

        Sorted by `customer_id`; a LazyFrame gives an unordered LazyFrame.

    Raises:
        OptionError: The margin is out of range.
        OptionError: `start` is after `as_of`, or a margin is assumed for goods whose cost
            is booked as a line.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows of the log cannot be used, as in `summarize`; or rows of the costs: lines
            that the stack does not have, customers who are not in the log, amounts that are not
            finite, more than one currency, periods that overlap, or that begin before `start` and
            end after it. A LazyFrame refuses customers when it is collected,
            and may name only some of them.

    Examples:
        >>> import customer_value as cv
        >>> from datetime import date
        >>> pnl = cv.customer_pnl(cv.load_cdnow(), as_of=date(1998, 6, 30), margin=0.3)
        >>> round(pnl["net_revenue"].sum(), 2), round(pnl["profit"].sum(), 2)
        (244091.94, 73227.58)

        A sale of 140 with goods of 56, and what it took to deliver it:

        >>> import polars as pl
        >>> sale = {"customer_id": ["ann"], "ordered_at": [date(2024, 5, 2)]}
        >>> log = pl.DataFrame(sale | {"amount": [140.0], "cost": [56.0]})
        >>> costs = pl.DataFrame(
        ...     {
        ...         "customer_id": ["ann"] * 3,
        ...         "line": ["shipping", "packaging", "payment"],
        ...         "amount": [16.0, 2.5, 4.2],
        ...     }
        ... )
        >>> account = cv.customer_pnl(log, as_of=date(2024, 12, 31), costs=costs)
        >>> account.select("cm1", "cm2", "profit", "cost_coverage").row(0)
        (84.0, 61.3, 61.3, 1.0)
    """
    terms = build(_Terms, margin=margin, unknown_customers=unknown_customers)
    stack = CostStack() if stack is None else stack
    check_instance("stack", stack, CostStack)
    source = take(transactions)
    window = Window.of(start, as_of, terms.margin, source)
    if costs is None:
        return per_customer(source, lambda log: statement(goods(log, window), window))
    table = CostTable.read(
        costs,
        source,
        start=window.start,
        end=window.end,
        stack=stack,
        unknown_customers=terms.unknown_customers,
    )
    accounts = per_customer(
        source, lambda log, rows: _full_account(log, rows, window, table, terms), table.rows
    )
    return _refuse_strays(accounts, window.end) if terms.unknown_customers == "raise" else accounts


def _full_account(
    log: pl.LazyFrame, costs: pl.LazyFrame, window: Window, table: CostTable, terms: _Terms
) -> pl.LazyFrame:
    """Sales and costs side by side; `stray` where costs of somebody not in the log are refused."""
    booked = goods_are_booked(log, table)
    if booked and window.margin is not None:
        raise OptionError(
            f"a margin is assumed, but costs book the goods ({', '.join(table.booked('cogs'))}): "
            "leave out one of them"
        )
    sales = goods(log, window, booked=booked)
    if window.start is not None:
        earlier = log.filter(pl.col("ordered_at") <= window.end).select("customer_id").unique()
        sales = earlier.join(sales, on="customer_id", how="left")
    sums = [name for name in sales.collect_schema().names() if name != "customer_id"]
    totals = sales.with_columns(in_log=True).join(
        table.by_customer(costs),
        on="customer_id",
        how="left" if terms.unknown_customers == "unallocated" else "full",
        coalesce=True,
    )
    if window.start is not None:  # who has neither sales nor costs in it has no account
        totals = totals.filter(pl.col("rows").is_not_null() | pl.col("booked"))
    totals = totals.with_columns(pl.col(sums).fill_null(0))
    extra = [pl.col("in_log").is_null().alias("stray")]
    return statement(
        totals, window, table, extra if terms.unknown_customers == "raise" else [], booked=booked
    )


@overload
def _refuse_strays(accounts: pl.DataFrame, end: date) -> pl.DataFrame: ...
@overload
def _refuse_strays(accounts: pl.LazyFrame, end: date) -> pl.LazyFrame: ...
def _refuse_strays(accounts: pl.DataFrame | pl.LazyFrame, end: date) -> pl.DataFrame | pl.LazyFrame:
    """Refuse accounts of no one in the log: now, or when a LazyFrame is collected."""

    def check(customers: pl.Series, stray: pl.Series) -> None:
        if stray.any():
            pairs = zip(customers.to_list(), stray.to_list(), strict=True)
            problems = stray_customers([name for name, alone in pairs if alone], end)
            raise DataError(f"costs: {'; '.join(problems)}")

    def compute(struct: pl.Series) -> pl.Series:
        check(*struct.struct.unnest().get_columns())
        return pl.Series(np.ones(len(struct), dtype=np.bool_))

    if isinstance(accounts, pl.DataFrame):
        check(accounts["customer_id"], accounts["stray"])
        return accounts.drop("stray")
    # As a filter: no choice of columns makes polars leave the check out.
    checked = pl.struct("customer_id", "stray").map_batches(
        compute, return_dtype=pl.Boolean, is_elementwise=True
    )
    return accounts.filter(checked).drop("stray")
