"""Where the tiers begin, and when a customer may change."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, Field, model_validator

from customer_value._frames.time import check_duration

__all__ = ["UNRATED", "TierOptions"]

UNRATED = "unrated"
_CUTS_BY_METHOD = {"cumulative_share": (0.8, 0.95), "natural_breaks": ()}


Cut: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Duration: TypeAlias = Annotated[str, AfterValidator(check_duration)]


class TierOptions(BaseModel, frozen=True, extra="forbid"):
    """Where the tiers begin, and when a customer may change.

    Attributes:
        method: `"quantile"`: `cuts` are shares of the customers, so 0.8 begins the top fifth;
            `"absolute"`: `cuts` are values; `"cumulative_share"`: `cuts` are shares of the positive
            value, so 0.8 ends the tier of those who make up the first 80 %; `"natural_breaks"`: the
            tiers within which values differ least (Jenks), as many as there are names, no `cuts`.
        cuts: Where each tier but the lowest begins, highest first; they fall, or rise for
            `"cumulative_share"`. By default (0.8, 0.5), (0.8, 0.95) for `"cumulative_share"` and
            none for `"natural_breaks"`. A customer must lie above the cut; one equal to it falls
            into the lower tier, so that equal customers stay together.
        names: Names of the tiers, highest first: one more than cuts.
        hysteresis: Share h of a cut, by which a customer of an earlier snapshot must pass it: it
            rises only above cut + h |cut| and falls only at or below cut - h |cut|.
        min_dwell: Time that a customer stays in its tier before it may change, such as `"90d"`.
        min_tenure: Age `T` below which a customer is `"unrated"`, such as `"30d"`.
    """

    method: Literal["quantile", "absolute", "cumulative_share", "natural_breaks"] = "quantile"
    cuts: tuple[Cut, ...] = (0.8, 0.5)
    names: tuple[str, ...] = ("high", "medium", "low")
    hysteresis: Annotated[float, Field(ge=0, lt=1)] = 0.0
    min_dwell: Duration | None = None
    min_tenure: Duration | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_default_cuts(cls, words: Any) -> Any:  # noqa: ANN401
        if isinstance(words, dict) and "cuts" not in words:
            by_method = _CUTS_BY_METHOD.get(str(words.get("method")))
            return words if by_method is None else {**words, "cuts": by_method}
        return words

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*self._misnamed(), *self._miscut()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _misnamed(self) -> list[str]:
        problems = []
        different = len(set(self.names)) == len(self.names)
        if self.method == "natural_breaks":
            if len(self.names) < 2 or not different:
                problems.append("natural_breaks needs 2 or more different names")
        elif len(self.names) != len(self.cuts) + 1 or not different:
            problems.append(f"{len(self.cuts)} cuts need {len(self.cuts) + 1} different names")
        if UNRATED in self.names:
            problems.append(f"'{UNRATED}' names customers of unknown value")
        return problems

    def _miscut(self) -> list[str]:
        if self.method == "natural_breaks":
            return ["natural_breaks finds its own cuts: give none"] if self.cuts else []
        problems = [] if self.cuts else ["there must be at least one of the cuts"]
        rising = self.method == "cumulative_share"
        if list(self.cuts) != sorted(set(self.cuts), reverse=not rising):
            order = "rise, the highest tier's" if rising else "fall, highest"
            problems.append(f"cuts must {order} first")
        if self.method == "quantile" and not all(0 < cut < 1 for cut in self.cuts):
            problems.append("cuts must be shares between 0 and 1")
        if rising and not all(0 < cut <= 1 for cut in self.cuts):
            problems.append("cuts must be shares above 0, at most 1")
        return problems
