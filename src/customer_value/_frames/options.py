"""Types of numbers that options take."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from customer_value._frames.money import MONEY_LIMIT

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Money: TypeAlias = Annotated[float, Field(gt=-MONEY_LIMIT, lt=MONEY_LIMIT)]
Amount: TypeAlias = Annotated[float, Field(ge=0, lt=MONEY_LIMIT)]
"""Money, or a count, that cannot be negative."""
