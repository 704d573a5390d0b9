"""A budget over segments or channels whose responses flatten out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel

from customer_value._frames.arrays import to_arrays
from customer_value._frames.contracts import Kind, require
from customer_value._frames.derive import AMOUNT, check_numbers
from customer_value._frames.door import as_polars
from customer_value._frames.options import Amount, build
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, Frame

__all__ = ["BudgetAllocation", "allocate_budget"]

_RESPONSES = ("exponential", "power", "log")
_COLUMNS = ("allocated", "expected_response", "marginal_response")
_HALVINGS = 200
_HIGHEST = 1e4  # logarithm of a price that no float response reaches


@dataclass(frozen=True)
class BudgetAllocation:
    """A budget shared out.

    Attributes:
        table: The segments with `allocated`, `expected_response` and `marginal_response`.
        spent: What is shared out, money: the budget, unless all maxima are reached before.
        expected_response: The sum of the responses.
        shadow_price: What one more unit of budget would bring; 0 where all maxima are reached,
            None where it is beyond all bounds, as for a power that gets nothing.
    """

    table: pl.DataFrame
    spent: float
    expected_response: float
    shadow_price: float | None


class _Terms(BaseModel, frozen=True, extra="forbid", title="allocate_budget"):
    budget: Amount


class _Segments(NamedTuple):
    """The responses as arrays: kind 0 exponential, 1 power, 2 log."""

    kind: FloatArray
    scale: FloatArray
    steepness: FloatArray
    least: FloatArray
    most: FloatArray


def allocate_budget(
    segments: Frame,
    *,
    budget: float,
    response: str = "exponential",
    scale: str = "scale",
    steepness: str = "steepness",
    minimum: str | None = None,
    maximum: str | None = None,
) -> BudgetAllocation:
    """Share a budget out so that one more unit of money would bring the same everywhere.

    Maximises the sum of f(x) over the segments subject to sum x <= budget and the bounds, where
    f(x) is a (1 - exp(-b x)) (`"exponential"`), a x^b with b < 1 (`"power"`) or a ln(1 + b x)
    (`"log"`). Each is concave, so the optimum is unique in its responses: the marginal responses
    of all segments between their bounds are equal, and equal to the shadow price, which is found
    by bisection.

    Args:
        segments: Frame with one row per segment or channel.
        budget: What there is to spend, money.
        response: One of the three names, for all segments, or the name of a column of them.
        scale: Column of a, at or above zero: what spending can bring, in money or customers.
        steepness: Column of b, above zero; below 1 for `"power"`.
        minimum: Column of the least that a segment must get, money; by default 0.
        maximum: Column of the most that it may get, money; null for no bound.

    Returns:
        The allocation. Its table has the segments in their order with `allocated` (Float64,
        money), `expected_response` (Float64, f of it) and `marginal_response` (Float64, f' of it;
        null for a power at 0, where it is infinite). Segments with equal parameters and bounds
        get equal amounts, but for rounding in the last place.

    Raises:
        OptionError: The budget is out of range; the table has a column that the result has.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Parameters are unknown or out of range, a response has no known name, or minima
            are above maxima or above the budget in sum.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> segments = pl.DataFrame(
        ...     {"scale": [300.0, 200.0, 100.0], "steepness": [0.02, 0.05, 0.03]}
        ... )
        >>> plan = cv.allocation.allocate_budget(segments, budget=100.0)
        >>> plan.table["allocated"].round(4).to_list()
        [54.6234, 32.0659, 13.3107]
        >>> round(plan.expected_response, 4), round(plan.shadow_price, 5)
        (392.0597, 2.01233)
    """
    total = build(_Terms, budget=budget).budget
    table = as_polars(segments).lazy().collect()
    if taken := [name for name in _COLUMNS if name in table.columns]:
        raise OptionError(f"segments have columns of the result, rename them: {', '.join(taken)}")
    parts = _segments(
        table,
        total,
        response,
        columns={"scale": scale, "steepness": steepness},
        minimum=minimum,
        maximum=maximum,
    )
    log_price, allocated = _share_out(parts, total)
    brought = _response(parts, allocated)
    with np.errstate(over="ignore"):
        marginal, price = np.exp(_log_marginal(parts, allocated)), float(np.exp(log_price))
    added = [
        pl.Series(name, np.where(np.isfinite(values), values, np.nan), nan_to_null=True)
        for name, values in zip(_COLUMNS, (allocated, brought, marginal), strict=True)
    ]
    return BudgetAllocation(
        table=table.with_columns(added),
        spent=float(np.sum(allocated)),
        expected_response=float(np.sum(brought)),
        shadow_price=price if np.isfinite(price) else None,
    )


def _segments(
    table: pl.DataFrame,
    budget: float,
    response: str,
    *,
    columns: dict[str, str],
    minimum: str | None,
    maximum: str | None,
) -> _Segments:
    """The checked parameters; every offence is named at once."""
    scale, steepness = columns["scale"], columns["steepness"]
    bounds = [name for name in (minimum, maximum) if name is not None]
    inputs = dict.fromkeys([scale, steepness, *bounds], AMOUNT)
    if response not in _RESPONSES:
        needed: dict[str, Kind] = {response: "text"}
        require(table, needed, what="segments")
    known = tuple(name for name in inputs if name != maximum)
    numbers = check_numbers(table, inputs, what="segments", needed=known)
    a, b = to_arrays(numbers.select(scale, steepness))
    zeros = np.zeros(table.height)
    least = zeros if minimum is None else to_arrays(numbers.select(minimum))[0]
    most = zeros + np.inf
    if maximum is not None:
        most = to_arrays(numbers.select(pl.col(maximum).fill_null(float("inf"))))[0]
    names = (
        [response] * table.height
        if response in _RESPONSES
        else table[response].cast(pl.String).to_list()
    )
    kind = np.array([_RESPONSES.index(n) if n in _RESPONSES else -1 for n in names], dtype=float)
    problems = [
        f"{np.sum(broken):,} row{'s' if np.sum(broken) > 1 else ''} with {says}"
        for says, broken in (
            (f"a response that is not one of {', '.join(_RESPONSES)}", kind < 0),
            (f"a '{steepness}' of zero", b == 0),
            (f"a '{steepness}' of 1 or more for a power", (kind == 1) & (b >= 1)),
            ("a minimum above the maximum", least > most),
        )
        if np.any(broken)
    ]
    if np.sum(least) > budget * (1 + 1e-12):
        problems.append(f"minima of {np.sum(least):g} in all, above the budget of {budget:g}")
    if problems:
        raise DataError(f"segments: {'; '.join(problems)}")
    return _Segments(kind, a, b, least, most)


def _share_out(parts: _Segments, budget: float) -> tuple[float, FloatArray]:
    """Logarithm of the shadow price, by bisection, and what each segment gets at it."""
    room = max(budget - float(np.sum(parts.least)), 0.0)
    most = np.where(parts.scale > 0, parts.most, parts.least)
    if np.sum(most) <= budget:
        return -np.inf, most
    parts = parts._replace(most=most)
    most = np.minimum(most, parts.least + room)
    with np.errstate(divide="ignore"):
        # At an equal share of the room, the dearest segment's price lets none have more.
        share = np.minimum(parts.least + room / most.size, most)
        high = min(float(np.max(_log_marginal(parts, share))), _HIGHEST)
        at_most = _log_marginal(parts, most)
        low = float(np.min(at_most[at_most > -np.inf], initial=high))
    if room == 0:
        return high, parts.least
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        if np.sum(_demand(parts, middle)) > budget:
            low = middle
        else:
            high = middle
    return high, _spread(_demand(parts, high), _demand(parts, low), parts, budget)


def _spread(
    allocated: FloatArray, upper: FloatArray, parts: _Segments, budget: float
) -> FloatArray:
    """Even out what rounding of the price has left over, or spent too much."""
    left = budget - float(np.sum(allocated))
    if left < 0:
        more = allocated - parts.least
        return parts.least + more * max(1 + left / float(np.sum(more)), 0.0)
    for most in (upper, parts.most):  # to those whose demand the rounding moves, if there are any
        room = np.minimum(most - allocated, left)
        if np.sum(room) > 0:
            return np.minimum(allocated + room * min(left / float(np.sum(room)), 1.0), parts.most)
    return allocated


def _demand(parts: _Segments, log_price: float) -> FloatArray:
    """What each segment takes at a price: where its marginal response has fallen to it."""
    kind, a, b = parts.kind, parts.scale, parts.steepness
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        over = np.log(a) + np.log(b) - log_price
        x = np.select(
            [kind == 0, kind == 1],
            [over / b, np.exp(over / (1 - b))],
            np.expm1(over) / b,
        )
    return np.clip(np.where(a > 0, x, 0.0), parts.least, parts.most)


def _log_marginal(parts: _Segments, x: FloatArray) -> FloatArray:
    """Logarithm of f', which overflows nowhere."""
    kind, a, b = parts.kind, parts.scale, parts.steepness
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.select([kind == 0, kind == 1], [-b * x, (b - 1) * np.log(x)], -np.log1p(b * x))
        return np.where(a > 0, np.log(a) + np.log(b) + slope, -np.inf)


def _response(parts: _Segments, x: FloatArray) -> FloatArray:
    kind, a, b = parts.kind, parts.scale, parts.steepness
    with np.errstate(over="ignore"):  # of the kinds that a segment is not
        rate = np.select([kind == 0, kind == 1], [-np.expm1(-b * x), x**b], np.log1p(b * x))
    return np.asarray(a * rate)
