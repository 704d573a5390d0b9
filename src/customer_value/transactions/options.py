"""How a log names its columns and how it is read."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self, TypeAlias

import polars as pl
from pydantic import AfterValidator, BaseModel, Field, model_validator

Extra: TypeAlias = Literal["gap_mean_days", "gap_std_days", "log_gap_sum", "clumpiness"]


def _known_zone(name: str) -> str:
    try:
        pl.Series([0], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{name!r} is not a time zone: write e.g. 'Asia/Shanghai'") from error
    return name


class Columns(BaseModel, frozen=True, extra="forbid"):
    """The names of a log's columns.

    Where a log is read without `columns`, its columns carry the canonical names
    (`customer_id`, `ordered_at`, `amount`, and `order_id`, `cost`, `discount`, `category`,
    `channel`, `currency`, `kind` as far as they are there).

    Attributes:
        customer: Whose transaction it is: whole numbers or text.
        time: When it happened: Date or Datetime.
        amount: Money net of tax and discount, in one currency; negative for a return.
        order: Order that the row belongs to, so that a return finds its sale.
        cost: Cost of the goods of this row, null where unknown; on a return negative if the goods
            go back to stock, zero if they do not.
        discount: Discount given, already taken off the amount; null is none. Only that of sales
            counts: returns are of the amount paid.
        category: Product category.
        channel: Sales channel.
        currency: Currency code; more than one in a log is an error.
        kind: `"sale"` or `"return"`. A negative amount is a return whatever it says. Where a
            return's amount is written as a positive number, so is its cost, and both are turned.

    Examples:
        >>> import customer_value as cv
        >>> cv.Columns(customer="id", time="date", amount="total").customer
        'id'
    """

    customer: str = "customer_id"
    time: str = "ordered_at"
    amount: str = "amount"
    order: str | None = None
    cost: str | None = None
    discount: str | None = None
    category: str | None = None
    channel: str | None = None
    currency: str | None = None
    kind: str | None = None

    @model_validator(mode="after")
    def _no_column_twice(self) -> Self:
        names = list(self.named.values())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"columns used for two things: {', '.join(twice)}")
        return self

    @property
    def named(self) -> dict[str, str]:
        """The columns that are named, by what they hold."""
        return {role: name for role, name in self.model_dump().items() if name is not None}


class TransactionOptions(BaseModel, frozen=True, extra="forbid"):
    """How a log is read.

    Attributes:
        tz: Time zone of the business day, e.g. `"Asia/Shanghai"`. Required for timestamps that
            carry a zone; those without one are taken as they are.
        occasion: What counts as one purchase: all orders of a customer's business `"day"`, or
            each `"order"` (each row where no order column is named).
        on_invalid: `"raise"` refuses a log with unusable rows; `"drop"` leaves them out and
            counts them.
        duplicates: `"keep"` or `"drop"` rows that repeat another row in every column.
        zero_amount: `"keep"` counts a sale of zero as a purchase, as the published CDNOW results
            do; `"drop"` leaves it out.
        money_scale: Decimal places to which money is summed exactly; sums of more than 15 digits
            are rounded once, when they become Float64.
        extras: Columns that `summarize` adds on request: `gap_mean_days` and `gap_std_days` (mean
            and sample standard deviation of the days between purchase days), `log_gap_sum` (sum
            of their natural logarithms, to 12 places); `clumpiness` of the purchase days (0 where
            they are evenly spaced, 1 at most; null without any): the entropy measure of Zhang,
            Bradlow & Small (2015), `1 + sum(x * ln(x)) / ln(n + 1)` for n purchase days in a window
            of N days, where x are the n + 1 gaps as shares of N + 1, from the day before the window
            to the day after it, which is the one after `as_of`.
        clumpiness_from: First day of that window, for all customers alike; `clumpiness` needs it.
            Purchases before it do not count for it.
        source_tz: Time zone that naive timestamps were written in, such as `"UTC"`; `tz` is then
            the calendar of the business. A clock time that happened twice counts as the first.
        show_keys: False keeps customers' keys out of errors and reports.
    """

    tz: Annotated[str, Field(min_length=1), AfterValidator(_known_zone)] | None = None
    occasion: Literal["day", "order"] = "day"
    on_invalid: Literal["raise", "drop"] = "raise"
    duplicates: Literal["keep", "drop"] = "keep"
    zero_amount: Literal["keep", "drop"] = "keep"
    money_scale: Annotated[int, Field(ge=0, le=12)] = 6
    extras: tuple[Extra, ...] = ()
    clumpiness_from: date | None = None
    source_tz: Annotated[str, Field(min_length=1), AfterValidator(_known_zone)] | None = None
    show_keys: bool = True

    @model_validator(mode="after")
    def _window_of_clumpiness(self) -> Self:
        if "clumpiness" in self.extras and self.clumpiness_from is None:
            raise ValueError("extras 'clumpiness' needs clumpiness_from, the first day it looks at")
        return self

    @model_validator(mode="after")
    def _calendar_of_naive_times(self) -> Self:
        if self.source_tz is not None and self.tz is None:
            raise ValueError("source_tz needs tz, whose calendar gives the business day")
        return self
