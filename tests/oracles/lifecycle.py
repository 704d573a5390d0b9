"""Growth accounting, cohorts and contracts, customer by customer and period by period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from oracles.transactions import ZERO, Row, is_return, read

Output = dict[str, Any]
Activity = dict[Any, dict[int, tuple[bool, Decimal]]]
"""By customer and period: whether anything was bought, and the money."""


def period_of(day: date, period: str) -> int:
    if period == "day":
        return day.toordinal()
    if period == "week":
        return (day.toordinal() - 1) // 7  # 0001-01-01 was a Monday
    return (day.year * 12 + day.month - 1) // {"month": 1, "quarter": 3, "year": 12}[period]


def first_day(number: int, period: str) -> date:
    if period == "day":
        return date.fromordinal(number)
    if period == "week":
        return date.fromordinal(number * 7 + 1)
    months = number * {"month": 1, "quarter": 3, "year": 12}[period]
    return date(months // 12, months % 12 + 1, 1)


def is_over(number: int, period: str, as_of: date) -> bool:
    return first_day(number + 1, period) <= as_of + timedelta(days=1)


def activity(log: Iterable[Row], as_of: date, period: str) -> Activity:
    orders: dict[Any, list[Output]] = defaultdict(list)
    for number, row in enumerate(read(log)):
        if row["day"] <= as_of:
            order = row.get("order_id")
            key = ("row", number) if order is None else ("order", order)
            orders[row["customer_id"], key].append(row)
    found: Activity = defaultdict(dict)
    for (customer, _), rows in orders.items():
        sales = [row for row in rows if not is_return(row)]
        day = min(row["day"] for row in sales or rows)
        spend = sum((row["net"] for row in sales), ZERO)
        money = sum((row["net"] for row in rows), ZERO)
        stands = bool(sales) and (spend == 0 or money > 0)
        number = period_of(day, period)
        was, before = found[customer].get(number, (False, ZERO))
        found[customer][number] = (was or stands, before + money)
    return found


def growth(log: Iterable[Row], as_of: date, period: str) -> list[Output]:
    customers = activity(log, as_of, period)
    if not customers:
        return []
    begin = min(min(own) for own in customers.values())
    table = []
    for number in range(begin, period_of(as_of, period) + 1):
        row: dict[str, Any] = defaultdict(int)
        money: dict[str, Decimal] = defaultdict(Decimal)
        for own in customers.values():
            (was, before), (now, after) = (own.get(n, (False, ZERO)) for n in (number - 1, number))
            old = any(bought for n, (bought, _) in own.items() if n < number)
            row["opening"] += was
            row["closing"] += now
            money["opening_revenue"] += before if was else 0
            money["closing_revenue"] += after if now else 0
            money["inactive_revenue"] += 0 if now else after
            if now and was:
                row["retained"] += 1
                money["expansion"] += max(after - before, ZERO)
                money["contraction"] += max(before - after, ZERO)
            elif now:
                kind = "reactivated" if old else "new"
                row[kind] += 1
                money[f"{kind}_revenue"] += after
            elif was:
                row["lapsed"] += 1
                money["lapsed_revenue"] += before
        table.append(
            {"period": first_day(number, period), "complete": is_over(number, period, as_of)}
            | row
            | {name: float(amount) for name, amount in money.items()}
        )
    return table


def cohorts(log: Iterable[Row], as_of: date, period: str) -> dict[tuple[date, int], Output]:
    """Figures of the cells that are over, by first day of the cohort and age."""
    customers = activity(log, as_of, period)
    cells: dict[tuple[date, int], Output] = {}
    firsts = {
        customer: min((n for n, (bought, _) in own.items() if bought), default=None)
        for customer, own in customers.items()
    }
    for first in {number for number in firsts.values() if number is not None}:
        members = [customer for customer, number in firsts.items() if number == first]
        earlier = sum(
            (money for c in members for n, (_, money) in customers[c].items() if n < first), ZERO
        )
        total = earlier
        for number in range(first, period_of(as_of, period) + 1):
            here = [customers[c].get(number, (False, ZERO)) for c in members]
            money = sum((m for _, m in here), earlier if number == first else ZERO)
            total += money if number > first else money - earlier
            if is_over(number, period, as_of):
                cells[first_day(first, period), number - first] = {
                    "cohort_size": len(members),
                    "customers": sum(bought for bought, _ in here),
                    "revenue": float(money),
                    "cumulative_revenue_per_customer": float(total) / len(members),
                }
    return cells


def contract_days(
    contracts: Iterable[Mapping[str, Any]], as_of: date, grace: int
) -> dict[Any, set[date]]:
    """The days on which each customer counts as being under contract, up to a day."""
    covered: dict[Any, set[date]] = defaultdict(set)
    for row in contracts:
        end = row["contract_end"] or as_of
        days = (min(end, as_of) - row["contract_start"]).days + 1
        covered[row["customer_id"]] |= {
            row["contract_start"] + timedelta(days=k) for k in range(days)
        }
    for days_of_one in covered.values():
        for day in sorted(days_of_one):
            gap = [day + timedelta(days=k) for k in range(1, grace + 2)]
            # A gap that ends within the grace, or whose grace still runs, is no gap.
            if gap[-1] > as_of or days_of_one & set(gap):
                last = max((d for d in gap if d in days_of_one), default=as_of)
                days_of_one |= {d for d in gap if d <= min(last, as_of)}
    return {customer: days for customer, days in covered.items() if days}
