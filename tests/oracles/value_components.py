"""Referrals and bridges one customer at a time, in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

Row = dict[str, Any]


def influence(
    customers: list[Row], referrals: list[Row], *, as_of: date, days: int, charge: bool, p: Fraction
) -> dict[Any, dict[str, Any]]:
    """Go through the customers; look who brought each of them."""
    result: dict[Any, dict[str, Any]] = {
        row["customer_id"]: {"referrals": 0, "open": set(), "value": [], "bonus": [], "taken": []}
        for row in customers
    }
    made = [row for row in referrals if row["referred_at"] <= as_of]
    people = {row["customer_id"]: row for row in customers}
    for row in made:
        bought = people.get(row["referred_id"], {}).get("first_purchase")
        late = row["referred_at"] + timedelta(days=days)
        if (bought is None or bought > as_of) and as_of <= late:
            result[row["referrer_id"]]["open"].add(row["referred_id"])
    for customer in customers:
        first = customer["first_purchase"]
        if first is None or first > as_of:
            continue
        brought = [
            row
            for row in made
            if row["referred_id"] == customer["customer_id"]
            and row["referred_at"] <= first <= row["referred_at"] + timedelta(days=days)
        ]
        if not brought:
            continue
        last = max(row["referred_at"] for row in brought)
        winners = [row for row in brought if row["referred_at"] == last]
        for row in winners:
            weight = {"type_one": Fraction(1), "type_two": Fraction(0)}.get(row["type"], p)
            giver = result[row["referrer_id"]]
            giver["referrals"] += 1
            share = earned(customer["clv"], weight / len(winners))
            giver["value"].append(share)
            result[customer["customer_id"]]["taken"].append(share)
            reward = Fraction(row["reward_cost"]) * (1 if charge else weight)
            giver["bonus"].append(Fraction(row["acquisition_saving"]) / len(winners) - reward)
    return result


def earned(value: int | None, weight: Fraction) -> Fraction | None:
    if weight == 0:
        return Fraction(0)
    return None if value is None else value * weight


def total(parts: list[Fraction | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return float(sum(known, Fraction(0))) if len(known) == len(parts) else None


def bridge(before: dict[int, Row], after: dict[int, Row]) -> dict[Any, dict[str, int]]:
    """The lines of each group, customer by customer; values are whole numbers."""
    lines: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for who in before.keys() | after.keys():
        old, new = before.get(who), after.get(who)
        if old is not None:
            lines[old["tier"]]["opening"] += old["clv"] or 0
        if new is not None:
            lines[new["tier"]]["closing"] += new["clv"] or 0
        if old is None and new is not None:
            lines[new["tier"]]["new"] += new["clv"] or 0
        elif new is None and old is not None:
            lines[old["tier"]]["lost"] -= old["clv"] or 0
        elif old is not None and new is not None:
            if old["clv"] is None or new["clv"] is None:
                lines[old["tier"]]["coverage"] -= old["clv"] or 0
                lines[new["tier"]]["coverage"] += new["clv"] or 0
            elif old["tier"] == new["tier"]:
                lines[new["tier"]]["revaluation"] += new["clv"] - old["clv"]
            else:
                lines[old["tier"]]["migrated_out"] -= old["clv"]
                lines[new["tier"]]["migrated_in"] += new["clv"]
    return lines
