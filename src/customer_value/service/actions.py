"""Acting on the cost of service: where to cut it, and where to automate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias, overload

import polars as pl
from pydantic import BaseModel, Field

from customer_value._frames.assemble import quantile
from customer_value._frames.contracts import check_names
from customer_value._frames.cuts import Cuts, check_cuts, fit_cuts
from customer_value._frames.derive import AMOUNT, FINITE, SHARE, derive, number
from customer_value._frames.options import Amount, Share, build

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = [
    "automation_candidates",
    "cost_growth_quadrant",
    "fit_automation_candidates",
    "fit_cost_growth_quadrant",
]

_Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
_QUADRANT, _CANDIDATES = "cost_growth_quadrant", "automation_candidates"


class _QuadrantTerms(BaseModel, frozen=True, extra="forbid", title="cost_growth_quadrant"):
    cost_cut: _Share
    min_growth: Annotated[float, Field(allow_inf_nan=False)]


class _AutomationTerms(BaseModel, frozen=True, extra="forbid", title="automation_candidates"):
    assisted_cost: Amount | str
    self_cost: Amount | str
    deflection: Share | str
    value_cut: _Share
    contact_cut: _Share


def fit_cost_growth_quadrant(
    customers: Frame, *, cost: str = "service", cost_cut: float = 0.5
) -> Cuts:
    """Learn above which cost to serve a customer is dear.

    Args:
        customers: Frame with the column; a LazyFrame is collected.
        cost: Column of the cost to serve, money.
        cost_cut: Quantile (type 7) above which a cost is high.

    Returns:
        The cut, for `cost_growth_quadrant`.

    Raises:
        OptionError: The cut is out of range.
        SchemaError: The column is missing or not a number.
        DataError: Costs are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> model = cv.service.fit_cost_growth_quadrant(pl.DataFrame({"service": [1.0, 2.0, 9.0]}))
        >>> one = pl.DataFrame({"service": [5.0], "trend": [0.1]})
        >>> cv.service.cost_growth_quadrant(one, model)["cost_growth_quadrant"].item()
        'invest'
    """
    check_names((cost,), what="customers")
    share = build(_QuadrantTerms, cost_cut=cost_cut, min_growth=0.0).cost_cut
    return fit_cuts(customers, {"cost": (cost, share)}, kind=_QUADRANT)


@overload
def cost_growth_quadrant(
    customers: pl.LazyFrame,
    model: Cuts | None = None,
    *,
    cost: str = "service",
    growth: str = "trend",
    cost_cut: float = 0.5,
    min_growth: float = 0.0,
) -> pl.LazyFrame: ...
@overload
def cost_growth_quadrant(
    customers: ArrowStream,
    model: Cuts | None = None,
    *,
    cost: str = "service",
    growth: str = "trend",
    cost_cut: float = 0.5,
    min_growth: float = 0.0,
) -> pl.DataFrame: ...
def cost_growth_quadrant(
    customers: Frame,
    model: Cuts | None = None,
    *,
    cost: str = "service",
    growth: str = "trend",
    cost_cut: float = 0.5,
    min_growth: float = 0.0,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the quadrant of each customer by cost to serve and growth.

    Args:
        customers: Frame with both columns.
        model: Cut of `fit_cost_growth_quadrant`; a customer then gets the same answer in any batch.
            Without it, the cut is that of this frame.
        cost: Column of the cost to serve, money, such as `service` of `customer_pnl`.
        growth: Column of growth, such as `trend` of `purchase_trend`.
        cost_cut: Quantile (type 7) above which a cost is high, where there is no model.
        min_growth: Growth above which a customer grows.

    Returns:
        The frame with `cost_growth_quadrant` (String): `"invest"` (high cost, growing),
        `"reduce_service_cost"` (high cost, not growing), `"develop"` (low cost, growing),
        `"maintain"` (low cost, not growing); null where either is unknown.

    Raises:
        OptionError: A cut is out of range, or the model is of another function or column.
        SchemaError: Columns are missing or not numbers.
        DataError: Costs are below zero, or values are NaN, infinite or too large; for a LazyFrame
            when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame(
        ...     {"service": [90.0, 80.0, 5.0, 4.0], "trend": [0.3, -0.1, 0.2, 0.0]}
        ... )
        >>> cv.service.cost_growth_quadrant(customers)["cost_growth_quadrant"].to_list()
        ['invest', 'reduce_service_cost', 'develop', 'maintain']
    """
    terms = build(_QuadrantTerms, cost_cut=cost_cut, min_growth=min_growth)
    check_names((cost, growth), what="customers")
    spent = number(cost)
    rise = number(growth)
    high = quantile(spent, terms.cost_cut)
    if model is not None:
        check_cuts(model, _QUADRANT, {"cost": cost})
        high = model.literals()["cost"]
    dear = spent > high
    grows = rise > terms.min_growth
    quadrant = (
        pl.when(dear & grows)
        .then(pl.lit("invest"))
        .when(dear & ~grows)
        .then(pl.lit("reduce_service_cost"))
        .when(~dear & grows)
        .then(pl.lit("develop"))
        .when(~dear & ~grows)
        .then(pl.lit("maintain"))
    )
    known = spent.is_not_null() & rise.is_not_null()
    columns = {"cost_growth_quadrant": pl.when(known).then(quadrant)}
    return derive(customers, {cost: AMOUNT, growth: FINITE}, columns)


def fit_automation_candidates(
    customers: Frame,
    *,
    contacts: str = "contacts",
    value: str = "clv",
    value_cut: float = 0.5,
    contact_cut: float = 0.5,
) -> Cuts:
    """Learn up to which value customers are low, and above which contacts they are frequent.

    Args:
        customers: Frame with both columns; a LazyFrame is collected.
        contacts: Column of the number of contacts of a period.
        value: Column of the customer's value.
        value_cut: Quantile (type 7) up to which a value is low.
        contact_cut: Quantile (type 7) above which contacts are many.

    Returns:
        The cuts, for `automation_candidates`.

    Raises:
        OptionError: A cut is out of range.
        SchemaError: Columns are missing or not numbers.
        DataError: Values are NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> shop = pl.DataFrame({"contacts": [40, 2, 50], "clv": [10.0, 20.0, 900.0]})
        >>> model = cv.service.fit_automation_candidates(shop)
        >>> one = pl.DataFrame({"contacts": [60], "clv": [5.0]})
        >>> found = cv.service.automation_candidates(one, model, assisted_cost=6.0, self_cost=0.5)
        >>> found["automation_candidate"].item()
        True
    """
    check_names((contacts, value), what="customers")
    shares = build(
        _AutomationTerms,
        assisted_cost=0.0,
        self_cost=0.0,
        deflection=0.0,
        value_cut=value_cut,
        contact_cut=contact_cut,
    )
    cuts = {"contacts": (contacts, shares.contact_cut), "value": (value, shares.value_cut)}
    return fit_cuts(customers, cuts, kind=_CANDIDATES)


@overload
def automation_candidates(
    customers: pl.LazyFrame,
    model: Cuts | None = None,
    *,
    assisted_cost: float | str,
    self_cost: float | str,
    deflection: float | str = 0.5,
    contacts: str = "contacts",
    value: str = "clv",
    value_cut: float = 0.5,
    contact_cut: float = 0.5,
) -> pl.LazyFrame: ...
@overload
def automation_candidates(
    customers: ArrowStream,
    model: Cuts | None = None,
    *,
    assisted_cost: float | str,
    self_cost: float | str,
    deflection: float | str = 0.5,
    contacts: str = "contacts",
    value: str = "clv",
    value_cut: float = 0.5,
    contact_cut: float = 0.5,
) -> pl.DataFrame: ...
def automation_candidates(
    customers: Frame,
    model: Cuts | None = None,
    *,
    assisted_cost: float | str,
    self_cost: float | str,
    deflection: float | str = 0.5,
    contacts: str = "contacts",
    value: str = "clv",
    value_cut: float = 0.5,
    contact_cut: float = 0.5,
) -> pl.DataFrame | pl.LazyFrame:
    """Find customers to serve by self-service: of low value, and in contact often.

    saving = contacts * deflection * (assisted cost - self-service cost).

    Args:
        customers: Frame with contacts and value.
        model: Cuts of `fit_automation_candidates`; a customer then gets the same answer in any
            batch. Without it, the cuts are those of this frame.
        assisted_cost: Cost of a contact with staff, money, or the name of a column of it.
        self_cost: Cost of a contact by self-service, money, or the name of a column of it.
        deflection: Share of contacts, 0 to 1, that self-service takes over, or the name of a
            column of it.
        contacts: Column of the number of contacts of a period.
        value: Column of the customer's value.
        value_cut: Quantile (type 7) up to which a value is low.
        contact_cut: Quantile (type 7) above which contacts are many.

    Returns:
        The frame with `automation_candidate` (Boolean, null where contacts or value are unknown)
        and `automation_saving` (Float64, money of the period of the contacts; for every customer,
        candidate or not).

    Raises:
        OptionError: A number is out of range, or the model is of another function or columns.
        SchemaError: Columns are missing or not numbers.
        DataError: Contacts or costs are below zero, shares not within 0 to 1, or values NaN,
            infinite or too large; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"contacts": [40, 2, 50], "clv": [10.0, 20.0, 900.0]})
        >>> cv.service.automation_candidates(
        ...     customers, assisted_cost=6.0, self_cost=0.5, contact_cut=0.4
        ... ).select("automation_candidate", "automation_saving").rows()
        [(True, 110.0), (False, 5.5), (False, 137.5)]
    """
    terms = build(
        _AutomationTerms,
        assisted_cost=assisted_cost,
        self_cost=self_cost,
        deflection=deflection,
        value_cut=value_cut,
        contact_cut=contact_cut,
    )
    check_names((contacts, value), what="customers")
    often, worth = number(contacts), number(value)
    few = quantile(often, terms.contact_cut)
    little = quantile(worth, terms.value_cut)
    if model is not None:
        check_cuts(model, _CANDIDATES, {"contacts": contacts, "value": value})
        few = model.literals()["contacts"]
        little = model.literals()["value"]
    low = worth <= little
    many = often > few
    saved = number(terms.assisted_cost) - number(terms.self_cost)
    known = often.is_not_null() & worth.is_not_null()
    columns = {
        "automation_candidate": pl.when(known).then(low & many),
        "automation_saving": often * number(terms.deflection) * saved,
    }
    costs = dict.fromkeys((terms.assisted_cost, terms.self_cost), AMOUNT)
    inputs = {contacts: AMOUNT, value: FINITE, **costs, terms.deflection: SHARE}
    return derive(customers, inputs, columns)
