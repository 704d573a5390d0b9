"""How ABC classes are drawn."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, model_validator

__all__ = ["AbcOptions"]

_CUTOFFS = {"value": (0.80, 0.95), "count": (0.20, 0.50)}


class AbcOptions(BaseModel, frozen=True, extra="forbid"):
    """Where the classes end, and what becomes of ties and of customers without value.

    Attributes:
        by: What is cut off. `"value"`: cumulative share of value, so that A is who makes up the
            first 80 %; `"count"`: cumulative share of customers, so that A is the best fifth;
            `"computed"`: no shares are given, the shape of the curve decides (Ultsch & Lötsch
            2015; see `abc_limits`).
        cutoffs: Cumulative shares at which classes A and B end; by default (0.80, 0.95) of value,
            (0.20, 0.50) of customers. None are taken for `"computed"`.
        boundary: `"below"`: the customer that crosses a cutoff falls into the lower class;
            `"crossing"`: into the upper one. Computed limits lie on a customer, who is above.
        ties: `"together"`: customers of equal value share rank and class, and cross a cutoff
            together, whatever their keys and the order of the rows; `"split"`: each has a rank,
            as most published counts are made: equal ones in the order of `customer_id` where the
            frame has that column, so that the order of the rows does not matter, otherwise in the
            order of the rows.
        nonpositive: Customers whose value is zero or below are never A or B. `"last"`: they are C;
            `"separate"`: they are `"D"`, and are not counted in shares of customers; `"refuse"`:
            they are an error. Shares of value are always of the sum of the values above zero.

    Examples:
        >>> import customer_value as cv
        >>> cv.AbcOptions(by="count").cutoffs
        (0.2, 0.5)
    """

    by: Literal["value", "count", "computed"] = "value"
    cutoffs: tuple[float, float] = _CUTOFFS["value"]
    boundary: Literal["below", "crossing"] = "below"
    ties: Literal["together", "split"] = "together"
    nonpositive: Literal["last", "separate", "refuse"] = "last"

    @model_validator(mode="before")
    @classmethod
    def _with_default_cutoffs(cls, words: Any) -> Any:  # noqa: ANN401
        if isinstance(words, dict) and "cutoffs" not in words:
            cutoffs = _CUTOFFS.get(str(words.get("by")))
            return words if cutoffs is None else {**words, "cutoffs": cutoffs}
        return words

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        a, b = self.cutoffs
        if not 0 < a <= b <= 1:
            raise ValueError(f"cutoffs must ascend within (0, 1], got {self.cutoffs}")
        if self.by == "computed" and self.cutoffs != _CUTOFFS["value"]:
            raise ValueError("by='computed' takes no cutoffs: the curve decides")
        return self
