"""The account below the contribution of the goods: `customer_pnl` with a table of costs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import customer_value as cv
from customer_value.transactions import questions
from golden import golden
from oracles import profitability as oracle
from strategies import LAST_DAY, Log, Row, cents, customers, days, logs, small

AS_OF = date(2024, 12, 31)
LEVELS: dict[str, Any] = {
    "cogs": ("cogs",),
    "fulfilment": ("shipping", "payment"),
    "marketing": ("marketing",),
    "service": ("visits", "tickets"),
    "maintenance": ("maintenance",),
    "acquisition": ("acquisition",),
}
STACK = cv.CostStack(**LEVELS)
LINES = [line for lines in LEVELS.values() for line in lines]
COLUMNS = [
    "customer_id",
    "gross_sales",
    "discounts",
    "returns",
    "net_revenue",
    "cogs",
    "cm1",
    "fulfilment",
    "cm2",
    "marketing",
    "cm3",
    "service",
    "maintenance",
    "acquisition",
    "profit",
    "margin_pct",
    "cost_coverage",
]
SCHEMA = {"customer_id": pl.String, "line": pl.String, "amount": pl.Float64, "date": pl.Date}


@st.composite
def cost_rows(draw: st.DrawFn) -> list[Row]:
    lines = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=3))
    amounts = st.none() | cents.map(lambda n: n / 100) | cents.map(lambda n: -n / 100)
    row = st.fixed_dictionaries(
        {
            "customer_id": customers | st.just("zoe"),
            "line": st.sampled_from(lines),
            "amount": amounts,
            "date": days,
        }
    )
    return draw(st.lists(row, max_size=12))


def table(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def costs(*rows: tuple[Any, str, float | None]) -> pl.DataFrame:
    names = ["customer_id", "line", "amount"]
    return pl.DataFrame(list(rows), schema=names, orient="row")


def account(log: Any, booked: Any, **keywords: Any) -> pl.DataFrame:
    terms: Any = {"as_of": AS_OF, "stack": STACK} | keywords
    accounts: pl.DataFrame = cv.customer_pnl(log, costs=booked, **terms)
    return accounts


# --- the oracle ---


@given(
    log=logs(),
    rows=cost_rows(),
    as_of=days,
    back=st.none() | st.integers(0, 20),
    complete=st.sampled_from([(), tuple(LINES), ("visits", "payment")]),
    cohort=st.booleans(),
    unknown=st.sampled_from(["keep", "unallocated"]),
)
@settings(max_examples=120, deadline=None)
def test_it_equals_the_oracle(
    log: Log,
    rows: list[Row],
    as_of: date,
    back: int | None,
    complete: tuple[str, ...],
    cohort: bool,
    unknown: Any,
) -> None:
    start = None if back is None else as_of - timedelta(days=back)
    stack = cv.CostStack(**LEVELS, complete=complete, view="cohort" if cohort else "period")
    keywords: Any = {"as_of": as_of, "start": start, "unknown_customers": unknown}
    result = cv.customer_pnl(log.frame, costs=table(rows), stack=stack, **keywords)
    expected = oracle.full_pnl(
        log.rows, rows, levels=LEVELS, complete=complete, cohort=cohort, **keywords
    )
    assert result.columns == COLUMNS
    assert result.height == len(expected)
    for got, want in zip(result.iter_rows(named=True), expected, strict=True):
        for name, value in want.items():
            near = pytest.approx(value, rel=1e-14) if name in COLUMNS[-2:] and value else value
            assert got[name] == near, (name, want)
    lazy = cv.customer_pnl(log.frame.lazy(), costs=table(rows).lazy(), stack=stack, **keywords)
    assert lazy.collect_schema() == result.schema
    assert lazy.collect().sort("customer_id").equals(result)


# --- properties ---


@given(log=logs(), rows=cost_rows(), seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_shuffled_rows_change_no_bit(log: Log, rows: list[Row], seed: int) -> None:
    def shuffled(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1, shuffle=True, seed=seed)

    keywords: Any = {"as_of": LAST_DAY, "unknown_customers": "keep"}
    first = account(log.frame, table(rows), **keywords)
    assert account(shuffled(log.frame), shuffled(table(rows)), **keywords).equals(first)


@given(log=logs(), rows=cost_rows(), as_of=days)
@settings(max_examples=40, deadline=None)
def test_what_comes_after_as_of_changes_nothing(log: Log, rows: list[Row], as_of: date) -> None:
    keywords: Any = {"as_of": as_of, "unknown_customers": "keep"}
    known = log.frame.filter(pl.col("ordered_at") <= as_of)
    before = [row for row in rows if row["date"] <= as_of]
    assert account(log.frame, table(rows), **keywords).equals(
        account(known, table(before), **keywords)
    )


@given(log=logs(), rows=cost_rows())
@settings(max_examples=30, deadline=None)
def test_halves_of_a_cost_make_the_whole(log: Log, rows: list[Row]) -> None:
    halves = [row | {"amount": row["amount"] and row["amount"] / 2} for row in rows]
    keywords: Any = {"as_of": LAST_DAY, "unknown_customers": "keep"}
    whole = account(log.frame, table(rows), **keywords)
    assert account(log.frame, table(halves + halves), **keywords).equals(whole)


@given(log=logs(), rows=cost_rows(), more=cents.filter(bool))
@settings(max_examples=30, deadline=None)
def test_a_cost_more_is_a_profit_less(log: Log, rows: list[Row], more: int) -> None:
    log = log.where(cost=False)
    rows = [row | {"amount": row["amount"] or 0.0} for row in rows]
    extra = {"customer_id": "ann", "line": "visits", "amount": more / 100, "date": LAST_DAY}
    stack = cv.CostStack(**LEVELS, complete=True)
    keywords: Any = {"as_of": LAST_DAY, "unknown_customers": "keep", "stack": stack}
    goods = {"customer_id": "ann", "line": "cogs", "amount": 0.0, "date": LAST_DAY}
    before = account(log.frame, table([*rows, goods]), **keywords)
    after = account(log.frame, table([*rows, goods, extra]), **keywords)
    for old, new in zip(before.rows(named=True), after.rows(named=True), strict=True):
        more_cost = Decimal(str(more)) / 100 if old["customer_id"] == "ann" else Decimal(0)
        change = Decimal(str(old["profit"])) - Decimal(str(new["profit"]))
        assert change == pytest.approx(more_cost, abs=Decimal("1e-6"))
        assert old["cm3"] == new["cm3"]


def test_parts_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    log = cv.load_cdnow()
    booked = log.group_by("customer_id").agg(amount=pl.col("amount").sum() / 7)
    booked = booked.with_columns(line=pl.lit("tickets")).sort("customer_id").head(2000)
    keywords: Any = {"as_of": date(1998, 6, 30), "margin": 0.3}
    whole = account(log, booked, **keywords)
    monkeypatch.setattr(questions, "_ROWS_IN_MEMORY", 700)
    assert account(log, booked, **keywords).equals(whole)
    lazy = cv.customer_pnl(log.lazy(), costs=booked, stack=STACK, **keywords)
    assert lazy.collect().sort("customer_id").equals(whole)


# --- published accounts ---


def test_the_sneakers() -> None:
    shoe = golden("profitability")["sneakers"]
    log = small(amount=[float(shoe["revenue"])], cost=[float(shoe["cogs"])])
    booked = costs(*(("a", line, amount) for line, amount in shoe["costs"].items()))
    stack = cv.CostStack(fulfilment=tuple(shoe["costs"]))
    row = account(log, booked, stack=stack).row(0, named=True)
    assert (row["cm1"], row["cm2"]) == (shoe["cm1"], shoe["cm2"])


# --- what is unknown ---


def test_a_line_without_a_row_is_unknown_unless_its_books_are_complete() -> None:
    log = small(customer_id=["a", "b"], cost=[4.0, 4.0])
    booked = costs(("a", "visits", 1.0))
    result = account(log, booked)
    assert result["profit"].to_list() == [5.0, None]
    assert result["cm3"].to_list() == [6.0, 6.0]
    assert result["cost_coverage"].to_list() == [1.0, 0.5]
    complete = account(log, booked, stack=STACK.model_copy(update={"complete": ("visits",)}))
    assert complete["profit"].to_list() == [5.0, 6.0]
    assert complete["cost_coverage"].to_list() == [1.0, 1.0]


def test_an_amount_that_is_unknown_makes_profit_unknown_even_in_complete_books() -> None:
    log = small(customer_id=["a", "b"], cost=[4.0, 4.0])
    booked = costs(("a", "visits", None), ("a", "visits", 1.0), ("b", "visits", 1.0))
    result = account(log, booked, stack=STACK.model_copy(update={"complete": True}))
    assert result["service"].to_list() == [None, 1.0]
    assert result["profit"].to_list() == [None, 5.0]
    assert result["cost_coverage"].to_list() == [0.5, 1.0]


def test_amounts_that_are_all_unknown() -> None:
    booked = costs(("a", "visits", None)).with_columns(pl.lit(None).alias("amount"))
    row = account(small(cost=[4.0]), booked).row(0, named=True)
    assert (row["cm3"], row["service"], row["profit"]) == (6.0, None, None)


def test_lines_that_nobody_has_cost_nothing() -> None:
    row = account(small(cost=[4.0]), costs(("a", "visits", 1.0))).row(0, named=True)
    assert (row["fulfilment"], row["marketing"], row["maintenance"]) == (0.0, 0.0, 0.0)


def test_no_costs_at_all() -> None:
    log = small(cost=[4.0])
    result = account(log, costs(("a", "visits", 1.0)).clear())
    assert result.columns == COLUMNS
    assert result["profit"].to_list() == [6.0]
    assert account(log.clear(), costs(("a", "visits", 1.0)).clear()).is_empty()


def test_costs_may_be_credits() -> None:
    row = account(small(cost=[4.0]), costs(("a", "visits", -1.5))).row(0, named=True)
    assert (row["service"], row["profit"]) == (-1.5, 7.5)


# --- acquisition, goods, returns ---


def test_acquisition_counts_in_the_cohort_view_only() -> None:
    log = small(customer_id=["a", "b"], cost=[4.0, 4.0])
    booked = costs(("a", "acquisition", 5.0))
    period = account(log, booked)
    assert period["acquisition"].to_list() == [5.0, None]
    assert period["profit"].to_list() == [6.0, 6.0]
    assert period["cost_coverage"].to_list() == [1.0, 1.0]
    cohort = account(log, booked, stack=STACK.model_copy(update={"view": "cohort"}))
    assert cohort["profit"].to_list() == [1.0, None]
    assert cohort["cost_coverage"].to_list() == [1.0, 0.5]


def test_goods_may_be_booked_as_a_line() -> None:
    log = small(customer_id=["a", "b"])
    result = account(log, costs(("a", "cogs", 4.0)))
    assert result["cogs"].to_list() == [4.0, None]
    assert result["profit"].to_list() == [6.0, None]
    assert result["cost_coverage"].to_list() == [1.0, 0.0]


def test_booked_goods_add_to_those_of_the_log() -> None:
    log = small(customer_id=["a", "b"], cost=[4.0, None])
    result = account(log, costs(("a", "cogs", 1.0), ("b", "cogs", 1.0)))
    assert result["cogs"].to_list() == [5.0, None]
    assert result["cost_coverage"].to_list() == [1.0, 0.5]


def test_a_margin_is_not_assumed_for_goods_that_are_booked() -> None:
    with pytest.raises(cv.CustomerValueError, match=r"costs book the goods \(cogs\)"):
        account(small(amount=[10.0]), costs(("a", "cogs", 4.0)), margin=0.3)
    row = account(small(amount=[10.0]), costs(("a", "visits", 1.0)), margin=0.3).row(0, named=True)
    assert (row["cogs"], row["profit"], row["cost_coverage"]) == (7.0, 2.0, 0.5)


@pytest.mark.parametrize(("restocked", "profit"), [(True, -1.5 - 3.0), (False, -5.5 - 3.0)])
def test_a_full_refund_leaves_a_loss(restocked: bool, profit: float) -> None:
    """Freight and handling are spent; the goods only if they do not go back to stock."""
    log = small(amount=[10.0, -10.0], cost=[4.0, -4.0 if restocked else 0.0])
    booked = costs(("a", "shipping", 3.0), ("a", "return_handling", 1.5))
    row = cv.customer_pnl(log, as_of=AS_OF, costs=booked).row(0, named=True)
    assert (row["net_revenue"], row["profit"], row["margin_pct"]) == (0.0, profit, None)


# --- windows ---


def test_only_costs_of_the_window_count() -> None:
    day = date(2024, 1, 1)
    log = small(ordered_at=[day], cost=[4.0])
    dates = [day - timedelta(days=1), day, day + timedelta(days=1), day + timedelta(days=2)]
    booked = pl.DataFrame(
        {"customer_id": "a", "line": "visits", "amount": [1.0, 2.0, 4.0, 8.0], "date": dates}
    )
    assert account(log, booked, as_of=dates[2])["service"].item() == 7.0
    assert account(log, booked, as_of=dates[2], start=day)["service"].item() == 6.0
    undated = booked.drop("date")
    assert account(log, undated, as_of=day, start=day)["service"].item() == 15.0


def test_costs_after_the_last_sale_make_an_account() -> None:
    log = small(customer_id=["a", "b"], cost=[4.0, 4.0], ordered_at=[date(2023, 5, 1)] * 2)
    booked = costs(("a", "tickets", 3.0))
    row = account(log, booked, start=date(2024, 1, 1)).rows(named=True)
    assert [(r["customer_id"], r["net_revenue"], r["profit"]) for r in row] == [("a", 0.0, -3.0)]
    assert row[0]["margin_pct"] is None
    assert row[0]["cost_coverage"] == 1.0


def test_the_business_day_of_a_cost_follows_the_zone() -> None:
    moment = datetime(2018, 1, 30, 16, tzinfo=UTC)
    log = small(ordered_at=[date(2018, 1, 31)], cost=[4.0])
    booked = costs(("a", "visits", 1.0)).with_columns(date=pl.lit(moment))
    for tz, cost in [("Asia/Shanghai", 1.0), ("UTC", 0.0)]:
        options = cv.TransactionOptions(tz=tz)
        read = cv.read_transactions(log, options=options)
        assert account(read, booked, start=date(2018, 1, 31))["service"].item() == cost
    with pytest.raises(cv.SchemaError, match="costs: 'date' is in UTC; say with the option tz"):
        account(log, booked)


# --- customers who are not in the log ---


STRAY = costs(("a", "visits", 1.0), ("x", "visits", 2.0), ("y", "visits", 3.0), ("x", "visits", 1))


def test_costs_of_unknown_customers_are_refused() -> None:
    says = r"costs: 2 customers \(e.g. x, y\) without a row in the log up to 2024-12-31"
    log = small(cost=[4.0])
    with pytest.raises(cv.DataError, match=says):
        account(log, STRAY)
    with pytest.raises(cv.DataError, match="without a row in the log"):
        cv.customer_pnl(log.lazy(), as_of=AS_OF, costs=STRAY, stack=STACK).collect()
    with pytest.raises(cv.DataError, match="without a row in the log"):
        cv.customer_pnl(log.lazy(), as_of=AS_OF, costs=STRAY, stack=STACK).select("cogs").collect()


def test_who_buys_later_is_unknown_today() -> None:
    log = small(customer_id=["a", "b"], ordered_at=[date(2024, 1, 1), date(2024, 2, 1)])
    booked = costs(("b", "visits", 1.0))
    with pytest.raises(cv.DataError, match=r"1 customer \(e.g. b\)"):
        account(log, booked, as_of=date(2024, 1, 31))


def test_unknown_customers_may_be_kept_or_left_out() -> None:
    log = small(cost=[4.0])
    kept = account(log, STRAY, unknown_customers="keep")
    assert kept["customer_id"].to_list() == ["a", "x", "y"]
    assert kept["profit"].to_list() == [5.0, -3.0, -3.0]
    assert kept["cost_coverage"].to_list() == [1.0, 1.0, 1.0]
    left = account(log, STRAY, unknown_customers="unallocated")
    assert left["customer_id"].to_list() == ["a"]
    assert left.row(0) == kept.row(0)


def test_costs_of_nobody_are_unallocated_or_refused() -> None:
    log = small(cost=[4.0])
    booked = costs(("a", "visits", 1.0), (None, "visits", 2.0), (None, "maintenance", 9.0))
    left = account(log, booked, unknown_customers="unallocated")
    assert left["service"].to_list() == [1.0]
    assert left["profit"].to_list() == [5.0]  # what no one caused is no line of theirs
    for unknown in ("keep", "raise"):
        with pytest.raises(cv.DataError, match="costs: 2 rows with no customer"):
            account(log, booked, unknown_customers=unknown)


# --- extremes and threads ---


def test_extreme_amounts_stay_finite() -> None:
    log = small(customer_id=["a", "b"], amount=[9.9e22, 1e-6], cost=[-9.9e22, 9.9e22])
    result = account(log, costs(("a", "visits", -9.9e22), ("b", "visits", 9.9e22)))
    assert result["profit"].to_list() == pytest.approx([2.97e23, -1.98e23])
    numbers = result.drop("customer_id").unpivot()["value"]
    assert numbers.is_finite().all()


def test_many_threads_at_once_give_the_same_bits() -> None:
    log = cv.load_cdnow()
    booked = log.select("customer_id", pl.lit("tickets").alias("line"), amount="quantity")
    terms: Any = {"as_of": date(1998, 6, 30), "margin": 0.3, "costs": booked, "stack": STACK}

    def view(lazy: int) -> pl.DataFrame:
        accounts = cv.customer_pnl(log.lazy() if lazy else log, **terms)
        groups = accounts.with_columns(group=pl.col("customer_id") % 7)
        result: pl.DataFrame = cv.profit.pnl_by(groups, by="group").lazy().collect()
        return result

    expected = view(lazy=0)
    with ThreadPoolExecutor(8) as pool:
        assert all(answer.equals(expected) for answer in pool.map(view, [0, 1] * 8))


# --- bad input ---


def test_all_offences_are_named_at_once() -> None:
    booked = pl.DataFrame(
        {
            "customer_id": ["a", "b", None, "a", "a", "a", "a"],
            "line": ["visits", "smoke", "mirrors", None, "visits", "visits", "visits"],
            "amount": [float("nan"), 1.0, 1.0, 1.0, 1e30, 1.0, 1.0],
            "date": [AS_OF] * 5 + [None, AS_OF],
            "currency": ["EUR", "USD", "EUR", "EUR", "EUR", "EUR", None],
        }
    )
    with pytest.raises(cv.DataError) as error:
        account(small(amount=[1.0], currency=["CNY"]), booked)
    message = str(error.value)
    for part in (
        "costs: 1 row with no line (e.g. a)",
        "1 row with no customer",
        "1 row with no date (e.g. a)",
        "1 row with no currency (e.g. a)",
        "1 row with a NaN or infinite amount (e.g. a)",
        "1 row with amount of 1e+23 or more (e.g. a)",
        "2 rows with a line that the CostStack does not have (e.g. mirrors, smoke)",
        "more than one currency (rows: CNY 0, EUR 5, USD 1)",
        "1 customer (e.g. b) without a row in the log",
    ):
        assert part in message


def test_one_currency_is_no_offence() -> None:
    booked = costs(("a", "visits", 1.0)).with_columns(currency=pl.lit("EUR"))
    log = small(amount=[10.0], cost=[4.0], currency=["EUR"])
    assert account(log, booked)["profit"].item() == 5.0
    with pytest.raises(cv.DataError, match=r"more than one currency \(rows: CNY 0, EUR 1\)"):
        account(log.with_columns(currency=pl.lit("CNY")), booked)


def of_periods(*rows: tuple[str, str, float, date | None, date | None]) -> pl.DataFrame:
    names = ["customer_id", "line", "amount", "period_start", "period_end"]
    return pl.DataFrame(list(rows), schema=names, orient="row")


FIRST_HALF, SECOND_HALF = (date(2024, 1, 1), date(2024, 6, 30)), (date(2024, 7, 1), AS_OF)


def test_costs_of_a_period_count_on_its_last_day() -> None:
    booked = of_periods(("a", "visits", 3.0, *FIRST_HALF), ("a", "visits", 4.0, *SECOND_HALF))
    log = small(amount=[10.0], cost=[4.0])
    for as_of, service in ((date(2024, 6, 29), 0.0), (date(2024, 6, 30), 3.0), (AS_OF, 7.0)):
        assert account(log, booked, as_of=as_of)["service"].item() == service
    assert account(log, booked, start=date(2024, 7, 1))["service"].item() == 4.0
    dated = booked.select("customer_id", "line", "amount", date="period_end")
    assert account(log, booked).equals(account(log, dated))
    terms: Any = {"as_of": AS_OF, "costs": booked, "stack": STACK}
    assert cv.customer_pnl(log.lazy(), **terms).collect().equals(account(log, dated))
    assert cv.profit.reconcile_pnl(account(log, booked), log, **terms)["service"].ledger == 7.0


def test_equal_periods_add_up_and_other_customers_have_their_own() -> None:
    booked = of_periods(
        ("a", "visits", 3.0, *FIRST_HALF),
        ("a", "visits", 4.0, *FIRST_HALF),
        ("a", "tickets", 1.0, FIRST_HALF[0], AS_OF),
        ("b", "visits", 5.0, FIRST_HALF[0], AS_OF),
        ("b", "tickets", 1.0, *FIRST_HALF),
    )
    log = small(customer_id=["a", "b"], amount=[10.0, 10.0], cost=[4.0, 4.0])
    assert account(log, booked)["service"].to_list() == [8.0, 6.0]


def test_periods_that_overlap_are_refused() -> None:
    year = (date(2024, 1, 1), AS_OF)
    booked = of_periods(
        ("a", "visits", 1.0, *year),
        ("a", "visits", 2.0, date(2024, 2, 1), date(2024, 2, 1)),
        ("a", "visits", 2.0, date(2024, 2, 1), date(2024, 2, 1)),
        ("a", "visits", 3.0, AS_OF, date(2025, 2, 1)),
        ("a", "visits", 3.0, date(2025, 2, 2), date(2025, 2, 3)),
        ("a", "tickets", 3.0, *FIRST_HALF),
        ("a", "tickets", 3.0, *SECOND_HALF),
    )
    says = r"costs: 4 rows with a period that overlaps another \(e.g. visits 2024-01-01 to 2024-12"
    for frame in (booked, booked.reverse(), booked.lazy()):
        with pytest.raises(cv.DataError, match=says):
            account(small(amount=[1.0]), frame)


def test_periods_that_cannot_be_are_named() -> None:
    booked = of_periods(
        ("a", "visits", 1.0, None, AS_OF),
        ("a", "visits", 1.0, AS_OF, None),
        ("b", "visits", 1.0, AS_OF, date(2024, 12, 1)),
        ("c", "visits", 1.0, *FIRST_HALF),
    )
    log = small(customer_id=["a", "b", "c"], amount=[1.0, 1.0, 1.0])
    with pytest.raises(cv.DataError) as error:
        account(log, booked, start=date(2024, 2, 1))
    for part in (
        "1 row with no period_start (e.g. a)",
        "1 row with no period_end (e.g. a)",
        "1 row with a period that ends before it starts (e.g. b)",
        "1 row with a period that begins before 2024-02-01 and ends in the window (e.g. c)",
    ):
        assert part in str(error.value)
    with pytest.raises(cv.SchemaError, match="missing column 'period_end'"):
        account(log, booked.drop("period_end"))
    with pytest.raises(cv.SchemaError, match="give 'date', or 'period_start' and 'period_end'"):
        account(log, booked.with_columns(date=AS_OF))


def test_columns_of_costs_are_checked() -> None:
    log = small(amount=[1.0])
    with pytest.raises(cv.SchemaError, match=r"costs: missing column 'line'.*one row per cost"):
        account(log, costs(("a", "visits", 1.0)).drop("line"))
    with pytest.raises(cv.SchemaError, match="costs: 'customer_id' is Int64, but String"):
        account(log, costs((1, "visits", 1.0)))
    with pytest.raises(cv.OptionError, match="unknown_customers"):
        account(log, costs(("a", "visits", 1.0)), unknown_customers="drop")


@pytest.mark.parametrize("dtype", [pl.Decimal(10, 2), pl.Float32, pl.Int8, pl.UInt64])
def test_costs_of_any_numeric_type(dtype: Any) -> None:
    booked = costs(("a", "visits", 3.0)).with_columns(pl.col("amount").cast(dtype))
    assert account(small(cost=[4.0]), booked)["profit"].item() == 3.0


def test_other_tables_give_the_same() -> None:
    log, booked = small(cost=[4.0]), costs(("a", "visits", 1.0))
    expected = account(log, booked)
    assert account(log, booked.to_arrow()).equals(expected)
    assert account(log, booked.to_pandas()).equals(expected)
    assert account(log, booked.lazy()).equals(expected)


def test_an_account_of_each_channel() -> None:
    log = small(customer_id=["a", "a", "b"], channel=["web", "shop", "web"], cost=[4.0] * 3)
    by_channel = cv.Columns(customer="channel", cost="cost")
    read = cv.read_transactions(log, columns=by_channel)
    result = account(read, costs(("web", "visits", 1.0), ("shop", "visits", 2.0)))
    assert result["customer_id"].to_list() == ["shop", "web"]
    assert result["profit"].to_list() == [4.0, 11.0]
