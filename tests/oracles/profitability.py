"""Accounts with costs, allocations and whale curves, customer by customer in fractions.

Costs and activities are lists of dicts with the canonical names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from oracles.transactions import Output, Row, customer_pnl, money, read

LEVELS = ("cogs", "fulfilment", "marketing", "service", "maintenance", "acquisition")
NO_SALES = {
    **dict.fromkeys(("gross_sales", "discounts", "returns", "net_revenue", "cogs", "cm1"), 0.0),
    "cost_coverage": 1.0,
}


def exact(value: float | None) -> Fraction | None:
    return None if value is None else Fraction(money(value))


def minus(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    return None if a is None or b is None else a - b


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def full_pnl(
    log: Sequence[Row],
    costs: Sequence[Row],
    *,
    as_of: date,
    start: date | None = None,
    levels: Mapping[str, tuple[str, ...]],
    complete: Iterable[str] = (),
    cohort: bool = False,
    unknown_customers: str = "keep",
) -> list[Output]:
    """The account of each customer, in the order of the customers."""
    inside = [c for c in costs if c["date"] <= as_of and (not start or c["date"] >= start)]
    booked_lines = {c["line"] for c in inside if c["customer_id"] is not None}
    customers = {row["customer_id"] for row in read(log) if row["day"] <= as_of}
    if unknown_customers == "unallocated":
        inside = [c for c in inside if c["customer_id"] in customers]
    sales = {r["customer_id"]: r for r in customer_pnl(log, as_of=as_of, start=start)}
    goods_booked = bool(booked_lines & {*levels["cogs"]}) and "cost" not in log[0]
    result = []
    for customer in sorted({*sales, *(c["customer_id"] for c in inside)}):
        account = {"customer_id": customer, **NO_SALES, **sales.get(customer, {})}
        own = [c for c in inside if c["customer_id"] == customer]
        result.append(
            _account(account, own, booked_lines, levels, {*complete}, cohort, goods_booked)
        )
    return result


def _account(
    account: Output,
    own: Sequence[Row],
    booked: set[str],
    levels: Mapping[str, tuple[str, ...]],
    complete: set[str],
    cohort: bool,
    goods_booked: bool,
) -> Output:
    def known(line: str) -> bool:
        amounts = [c["amount"] for c in own if c["line"] == line]
        return None not in amounts and (bool(amounts) or line in complete)

    cost: dict[str, Fraction | None] = {}
    for level in LEVELS:
        lines = [line for line in levels[level] if line in booked]
        amounts = [exact(c["amount"]) or Fraction(0) for c in own if c["line"] in lines]
        cost[level] = sum(amounts, Fraction(0)) if all(map(known, lines)) else None
    parts = [] if goods_booked else [Fraction(account["cost_coverage"])]
    charged = LEVELS if cohort else LEVELS[:-1]
    parts += [Fraction(known(k)) for level in charged for k in levels[level] if k in booked]
    net = exact(account["net_revenue"])
    goods = Fraction(0) if goods_booked else exact(account["cogs"])
    cost["cogs"] = None if goods is None or cost["cogs"] is None else goods + cost["cogs"]
    cm1 = minus(net, cost["cogs"])
    cm2 = minus(cm1, cost["fulfilment"])
    cm3 = minus(cm2, cost["marketing"])
    profit = minus(minus(cm3, cost["service"]), cost["maintenance"])
    profit = minus(profit, cost["acquisition"]) if cohort else profit
    return {
        **{k: account[k] for k in ("customer_id", "gross_sales", "discounts", "returns")},
        "net_revenue": account["net_revenue"],
        "cogs": _float(cost["cogs"]),
        "cm1": _float(cm1),
        "fulfilment": _float(cost["fulfilment"]),
        "cm2": _float(cm2),
        "marketing": _float(cost["marketing"]),
        "cm3": _float(cm3),
        "service": _float(cost["service"]),
        "maintenance": _float(cost["maintenance"]),
        "acquisition": _float(cost["acquisition"]),
        "profit": _float(profit),
        "margin_pct": _float(profit / net) if profit is not None and net and net > 0 else None,
        "cost_coverage": float(sum(parts, Fraction(0)) / len(parts)),
    }


def allocate(
    activities: Sequence[Row], pools: Sequence[Row], units: Mapping[tuple[str, str], float]
) -> tuple[dict[tuple[Any, str], Fraction], dict[str, Fraction]]:
    """What each customer pays of each pool, and what of each pool is idle capacity.

    `units` are those that one activity takes, by driver and activity.
    """
    paid: dict[tuple[Any, str], Fraction] = {}
    idle: dict[str, Fraction] = {}
    for pool in pools:
        used: dict[Any, Fraction] = {}
        for row in activities:
            each = units.get((pool["driver"], row["activity"]))
            if each is not None:
                more = Fraction(str(each)) * Fraction(str(row["quantity"]))
                used[row["customer_id"]] = used.get(row["customer_id"], Fraction(0)) + more
        total, capacity = sum(used.values(), Fraction(0)), pool["practical_capacity"]
        supplied = total if capacity is None else max(total, Fraction(str(capacity)))
        cost = Fraction(str(pool["amount"]))
        for customer, share in used.items():
            paid[customer, pool["pool"]] = cost * share / supplied if supplied else Fraction(0)
        idle[pool["pool"]] = cost * (supplied - total) / supplied if supplied else Fraction(0)
    return paid, idle


def whale(profits: list[float | None]) -> list[tuple[int, Fraction] | None]:
    """For each customer, how many earn at least as much, and what those earn together."""
    known = [exact(p) for p in profits if p is not None]
    result: list[tuple[int, Fraction] | None] = []
    for profit in map(exact, profits):
        if profit is None:
            result.append(None)
            continue
        better = [p for p in known if p is not None and p >= profit]
        result.append((len(better), sum(better, Fraction(0))))
    return result


def area(profits: list[float]) -> Fraction:
    """Area under the curve of cumulative shares, trapezoid by trapezoid."""
    ranked = sorted((Fraction(money(p)) for p in profits), reverse=True)
    total, held, area = sum(ranked), Fraction(0), Fraction(0)
    for profit in ranked:
        area += (held + held + profit) / 2 / len(ranked)
        held += profit
    return area / total
