"""Summaries and accounts of a log, row by row in datetime, Decimal and Fraction.

A log is a list of dicts with the canonical names; a role that the log lacks is no key at all.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

Row: TypeAlias = Mapping[str, Any]
Output: TypeAlias = dict[str, Any]

ZERO = Decimal(0)


def business_day(moment: date, tz: str | None = None) -> date:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is not None:
        if tz is None:
            raise ValueError("a time with a zone needs tz")
        moment = moment.astimezone(ZoneInfo(tz))
    return moment.date()


def money(value: float | Decimal, scale: int = 6) -> Decimal:
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN)


def is_return(row: Row) -> bool:
    return bool(row["amount"] < 0 or row.get("kind") == "return")


def signed(row: Row) -> Decimal:
    amount = money(row["amount"])
    return -abs(amount) if is_return(row) else amount


def read(
    log: Iterable[Row],
    *,
    tz: str | None = None,
    duplicates: str = "keep",
    zero_amount: str = "keep",
) -> list[Output]:
    """The rows that count, with the business day and the signed amount."""
    rows: list[Output] = []
    seen: list[Row] = []
    for row in log:
        if duplicates == "drop":
            if row in seen:
                continue
            seen.append(row)
        if zero_amount == "drop" and not is_return(row) and row["amount"] == 0:
            continue
        read_row = dict(row) | {"day": business_day(row["ordered_at"], tz), "net": signed(row)}
        if is_return(row) and row["amount"] > 0 and row.get("cost") is not None:
            read_row["cost"] = -money(row["cost"])
        rows.append(read_row)
    return rows


@dataclass
class _Order:
    """All rows of one order: the day and the spend of its sales, and what came back."""

    day: date | None = None
    spend: Decimal = ZERO
    back: Decimal = ZERO

    def add(self, row: Row) -> None:
        if is_return(row):
            self.back -= row["net"]
            return
        self.spend += row["net"]
        self.day = row["day"] if self.day is None else min(self.day, row["day"])

    @property
    def stands(self) -> bool:
        return self.day is not None and (self.spend == 0 or self.spend > self.back)


@dataclass
class _Purchases:
    """A customer's standing orders and the returned money that belongs to none of them."""

    orders: list[_Order] = field(default_factory=list)
    loose: Decimal = ZERO

    @property
    def days(self) -> list[date]:
        return sorted({order.day for order in self.orders if order.day is not None})

    def occasions(self, occasion: str) -> list[tuple[date, Fraction]]:
        """Day and spend of each occasion; orders of the same day share its spend evenly."""
        found = []
        for day in self.days:
            orders = [order for order in self.orders if order.day == day]
            spend = sum((Fraction(o.spend) - Fraction(o.back) for o in orders), Fraction(0))
            n = 1 if occasion == "day" else len(orders)
            found += [(day, spend / n)] * n
        return found


def _purchases(rows: Iterable[Row]) -> _Purchases:
    found, orders = _Purchases(), dict[Any, _Order]()
    for number, row in enumerate(rows):
        order = row.get("order_id")
        # Without an order each sale is one, and each return is loose.
        key = ("row", number) if order is None else ("order", order)
        orders.setdefault(key, _Order()).add(row)
    for one in orders.values():
        if one.stands and one.back > one.spend:
            found.loose -= one.back  # money back on an order of nothing
            one.back = ZERO
        if one.stands:
            found.orders.append(one)
        else:
            found.loose += one.spend - one.back
    return found


def _by_customer(rows: Iterable[Output]) -> dict[Any, list[Output]]:
    customers: dict[Any, list[Output]] = {}
    for row in rows:
        customers.setdefault(row["customer_id"], []).append(row)
    return {key: customers[key] for key in sorted(customers)}


def _total(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)


def _known_sum(rows: list[Output], name: str) -> float | None:
    values = [row[name] for row in rows]
    if any(value is None for value in values):
        return None
    return float(_total(money(value) for value in values))


def _discounts(rows: list[Output]) -> Decimal:
    return _total(money(row.get("discount") or 0) for row in rows if not is_return(row))


def clumpiness(days: list[date], first: date, last: date) -> float | None:
    """Zhang, Bradlow & Small (2015): 1 + sum x ln x / ln(n + 1), gaps x as shares of N + 1."""
    window = (last - first).days + 1
    places = [(day - first).days + 1 for day in days if day >= first]
    if not places:
        return None
    gaps = [b - a for a, b in pairwise([0, *places, window + 1])]
    shares = [gap / (window + 1) for gap in gaps]
    return 1 + math.fsum(x * math.log(x) for x in shares) / math.log(len(places) + 1)


def _gaps(days: list[date], extras: Iterable[str], window: tuple[date, date]) -> Output:
    gaps = [(b - a).days for a, b in pairwise(days)]
    values = {
        "gap_mean_days": statistics.mean(map(float, gaps)) if gaps else None,
        "gap_std_days": statistics.stdev(gaps) if len(gaps) > 1 else None,
        "log_gap_sum": math.fsum(map(math.log, gaps)) if days else None,
        "clumpiness": clumpiness(days, *window),
    }
    return {name: values[name] for name in extras}


def _dates(days: list[date], as_of: date) -> Output:
    if not days:
        names = ("first_purchase", "last_purchase", "recency_days", "t_x", "T")
        return dict.fromkeys(names)
    return {
        "first_purchase": days[0],
        "last_purchase": days[-1],
        "recency_days": (as_of - days[-1]).days,
        "t_x": float((days[-1] - days[0]).days),
        "T": float((as_of - days[0]).days),
    }


def _years(days: list[date], as_of: date, start: date | None) -> Fraction:
    """Length of the window, or the customer's age but at least one year."""
    if start is not None:
        return Fraction((as_of - start).days + 1) / Fraction("365.25")
    age = (as_of - days[0]).days if days else 0
    return max(Fraction(age) / Fraction("365.25"), Fraction(1))


def _in_window(row: Output, rows: list[Output], start: date, as_of: date, occasion: str) -> Output:
    """What the customer did from `start` on, in the place of what it did in all."""
    inside = [r for r in rows if r["day"] >= start]
    names = ["purchases", "orders", "revenue", "returned", "mean_purchase"]
    names += [name for name in ("cost", "discount", "n_categories") if name in row]
    if not inside:
        return row | dict.fromkeys(names, 0) | {"mean_purchase": None, "revenue_per_year": 0.0}
    own = _customer(inside, start, as_of, occasion, ())
    years = _years([], as_of, start)
    revenue = Fraction(_total(r["net"] for r in inside))
    return row | {name: own[name] for name in names} | {"revenue_per_year": float(revenue / years)}


def _customer(
    rows: list[Output], first: date, as_of: date, occasion: str, extras: Iterable[str]
) -> Output:
    purchases = _purchases(rows)
    years = _years(purchases.days, as_of, None)
    occasions, revenue = purchases.occasions(occasion), _total(row["net"] for row in rows)
    n, spend = len(occasions), sum((money for _, money in occasions), Fraction(0))
    kept = Fraction(revenue) / spend if spend > 0 else Fraction(1)
    repeat = sum((money for _, money in occasions[1:]), Fraction(0)) * kept
    row = {
        "customer_id": rows[0]["customer_id"],
        "as_of": as_of,
        **_dates(purchases.days, as_of),
        "purchases": n,
        "orders": len(purchases.orders),
        "revenue": float(revenue),
        "revenue_per_year": float(Fraction(revenue) / years),
        "mean_purchase": float(Fraction(revenue) / n) if n else None,
        "repeat_purchases": n - 1 if n else None,
        "repeat_spend": float(repeat / (n - 1)) if n > 1 else None,
        "returned": float(_total(-row["net"] for row in rows if is_return(row))),
    }
    if "cost" in rows[0]:
        row["cost"] = _known_sum(rows, "cost")
    if "discount" in rows[0]:
        row["discount"] = float(_discounts(rows))
    if "category" in rows[0]:
        sold = {row["category"] for row in rows if not is_return(row)}
        row["n_categories"] = len(sold - {None})
    return row | _gaps(purchases.days, extras, (first, as_of))


def summarize(
    log: Iterable[Row],
    *,
    as_of: date,
    occasion: str = "day",
    extras: Iterable[str] = (),
    clumpiness_from: date | None = None,
    start: date | None = None,
    **reading: Any,
) -> list[Output]:
    rows = [row for row in read(log, **reading) if row["day"] <= as_of]
    customers = _by_customer(rows)
    first = clumpiness_from or as_of
    whole = [_customer(own, first, as_of, occasion, extras) for own in customers.values()]
    if start is None:
        return whole
    return [_in_window(row, customers[row["customer_id"]], start, as_of, occasion) for row in whole]


def split_holdout(
    log: Iterable[Row],
    *,
    calibration_end: date,
    holdout_end: date,
    occasion: str = "day",
    extras: Iterable[str] = (),
    **reading: Any,
) -> list[Output]:
    log = list(log)
    whole = [row for row in read(log, **reading) if row["day"] <= holdout_end]
    by_customer = _by_customer(whole)
    customers = summarize(log, as_of=calibration_end, occasion=occasion, extras=extras, **reading)
    for customer in customers:
        rows = by_customer[customer["customer_id"]]
        occasions = _purchases(rows).occasions(occasion)
        customer["holdout_purchases"] = sum(day > calibration_end for day, _ in occasions)
        later = _total(row["net"] for row in rows if row["day"] > calibration_end)
        customer["holdout_revenue"] = float(later)
        customer["holdout_days"] = float((holdout_end - calibration_end).days)
    return customers


def _account(rows: list[Output], margin: float | None) -> Output:
    sales = _total(row["net"] for row in rows if not is_return(row))
    returns = _total(-row["net"] for row in rows if is_return(row))
    discounts = _discounts(rows)
    costed = [row for row in rows if row.get("cost") is not None]
    known = Fraction(_total(money(row["cost"]) for row in costed))
    uncosted = Fraction(_total(row["net"] for row in rows if row not in costed))
    net = Fraction(sales - returns)
    cogs: Fraction | None = known
    if margin is not None:
        cogs = known + (1 - Fraction(margin)) * uncosted
    elif len(costed) < len(rows):
        cogs = None
    profit = None if cogs is None else net - cogs
    return {
        "customer_id": rows[0]["customer_id"],
        "gross_sales": float(sales + discounts),
        "discounts": float(discounts),
        "returns": float(returns),
        "net_revenue": float(net),
        "cogs": None if cogs is None else float(cogs),
        "cm1": None if profit is None else float(profit),
        "profit": None if profit is None else float(profit),
        "margin_pct": None if profit is None or net <= 0 else float(profit / net),
        "cost_coverage": len(costed) / len(rows),
    }


def customer_pnl(
    log: Iterable[Row],
    *,
    as_of: date,
    start: date | None = None,
    margin: float | None = None,
    **reading: Any,
) -> list[Output]:
    rows = read(log, **reading)
    window = [row for row in rows if row["day"] <= as_of and (not start or row["day"] >= start)]
    return [_account(own, margin) for own in _by_customer(window).values()]
