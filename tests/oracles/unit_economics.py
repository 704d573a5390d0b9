"""Paybacks payment by payment, and recurring revenue customer by customer."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

Row = dict[str, Any]


def payments(cost: Fraction, margin: Fraction, kept: Fraction, *, most: int = 12_000) -> int | None:
    """Add up payments until they reach the cost."""
    total, payment = Fraction(0), margin
    for k in range(most + 1):
        if total >= cost:
            return k
        if payment <= 0 or (kept < 1 and total + payment / (1 - kept) < cost):
            return None
        total += payment
        payment *= kept
    return None


def months(first: date, last: date) -> list[date]:
    """First days of the months from one to the other."""
    found = [first.replace(day=1)]
    while found[-1] < last.replace(day=1):
        found.append((found[-1] + timedelta(days=32)).replace(day=1))
    return found


def _first_day_without(last: date | None) -> date:
    return date.max if last is None else last + timedelta(days=1)


def mrr_bridge(contracts: list[Row], as_of: date, *, count: bool) -> list[Row]:
    """Look at each customer at the close of each month."""
    known = [row for row in contracts if row["contract_start"] <= as_of]
    if not known:
        return []
    first = min(row["contract_start"] for row in known)
    bridge, had = [], set()
    at_opening: dict[Any, int] = defaultdict(int)
    for month in months(first, as_of):
        next_month = (month + timedelta(days=32)).replace(day=1)
        if next_month - timedelta(days=1) > as_of:
            break
        at_close: dict[Any, int] = defaultdict(int)
        brief: dict[Any, int] = defaultdict(int)
        for row in known:
            start, end = row["contract_start"], _first_day_without(row["contract_end"])
            if start < next_month <= end:
                at_close[row["customer_id"]] += row["mrr"]
            if count and month <= start and end < next_month:
                brief[row["customer_id"]] += row["mrr"]
        line: dict[str, Any] = defaultdict(int)
        line["period"] = month
        kept = 0
        for who in sorted({*at_opening, *at_close, *brief}):
            before, after = at_opening[who], at_close[who]
            gain, loss = max(after - before, 0) + brief[who], max(before - after, 0) + brief[who]
            kept += min(before, after)
            if before:
                line["expansion"] += gain
            else:
                line["reactivation" if who in had else "new"] += gain
            line["contraction" if after else "churn"] += loss
            if gain:
                had.add(who)
            line["opening"] += before
            line["closing"] += after
            line["customers"] += after > 0
            line["of_opening"] += after if before else 0
        line["kept"] = kept
        bridge.append(line)
        at_opening = at_close
    return bridge
