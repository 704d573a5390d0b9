"""Time equations: how much of a driver each activity takes."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field

Units: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]


class TimeEquation(BaseModel, frozen=True, extra="forbid"):
    """How much of a driver, such as minutes, one activity takes.

    units = quantity x (base + sum of coefficient x trait), with the traits of the activity's row:
    an order takes 8 minutes, and 2 more for each line of it (Kaplan & Anderson 2004).

    Attributes:
        activity: The activity.
        driver: The driver of a pool that the activity uses up.
        base: Units that one of it takes in any case.
        per: Units more for each unit of a trait, by the trait's column in the activities. A
            coefficient may be negative, the units of an activity may not.

    Examples:
        >>> import customer_value as cv
        >>> cv.profit.TimeEquation(
        ...     activity="order", driver="minutes", base=8, per={"lines": 2}
        ... ).base
        8.0
    """

    activity: Annotated[str, Field(min_length=1)]
    driver: Annotated[str, Field(min_length=1)]
    base: Units
    per: dict[str, Units] = {}
