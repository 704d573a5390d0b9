"""Which lines of cost belong to which level of a customer's account."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, model_validator

Level: TypeAlias = Literal[
    "cogs", "fulfilment", "marketing", "service", "maintenance", "acquisition"
]
Lines: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]

LEVELS: tuple[Level, ...] = (
    "cogs",
    "fulfilment",
    "marketing",
    "service",
    "maintenance",
    "acquisition",
)


class CostStack(BaseModel, frozen=True, extra="forbid"):
    """The cost lines of each level of the account, from net revenue down to profit.

    cm1 = net revenue - cogs; cm2 = cm1 - fulfilment; cm3 = cm2 - marketing;
    profit = cm3 - service - maintenance, in the cohort view also - acquisition. Margin levels have
    no standard: what counts where is said here, and kept with the result by `reconcile_pnl`.

    Attributes:
        cogs: Cost of goods that the log's cost column does not hold, or all of it.
        fulfilment: What it takes to deliver an order and to take it back.
        marketing: Promotion to customers that are there already.
        service: Cost to serve, as from `allocate_costs`.
        maintenance: Keeping the relation: account managers, loyalty rewards.
        acquisition: Winning the customer, once.
        complete: Lines whose books are complete: a customer without a row has no such cost. Of
            other lines that are booked for anybody, a customer without a row has an unknown cost,
            and so an unknown profit. True means all lines.
        view: `"period"` leaves acquisition out of profit, as it was spent on customers before
            they bought; `"cohort"` charges it, for accounts over the customers' whole life.

    Examples:
        >>> import customer_value as cv
        >>> stack = cv.CostStack(service=("visits", "tickets"), complete=("tickets",))
        >>> stack.level_of["tickets"]
        'service'
    """

    cogs: Lines = ("cogs",)
    fulfilment: Lines = ("fulfilment", "packaging", "payment", "return_handling", "shipping")
    marketing: Lines = ("marketing",)
    service: Lines = ("service",)
    maintenance: Lines = ("maintenance",)
    acquisition: Lines = ("acquisition",)
    complete: bool | Lines = False
    view: Literal["period", "cohort"] = "period"

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        lines = [line for level in LEVELS for line in self.lines(level)]
        twice = sorted({line for line in lines if lines.count(line) > 1})
        if twice:
            raise ValueError(f"lines at two levels: {', '.join(twice)}")
        unheard = [] if isinstance(self.complete, bool) else sorted({*self.complete} - {*lines})
        if unheard:
            raise ValueError(f"complete names lines that are at no level: {', '.join(unheard)}")
        return self

    def lines(self, level: Level) -> Lines:
        """The lines of a level."""
        lines: Lines = getattr(self, level)
        return lines

    def is_complete(self, line: str) -> bool:
        """Whether a customer without a row of this line has no such cost."""
        return self.complete if isinstance(self.complete, bool) else line in self.complete

    @property
    def level_of(self) -> dict[str, Level]:
        """The level of each line."""
        return {line: level for level in LEVELS for line in self.lines(level)}

    @property
    def charged(self) -> tuple[Level, ...]:
        """The levels that profit is after."""
        return LEVELS if self.view == "cohort" else LEVELS[:-1]
