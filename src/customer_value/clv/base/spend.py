"""What models of spend have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from customer_value._frames.assemble import array_column
from customer_value.clv.base.fitted import FittedModel
from customer_value.clv.base.histories import SPEND, spend_prediction_rules
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    import polars as pl

    from customer_value._typing import FloatArray
    from customer_value.clv.base.futures import SpendFutures


class SpendModel(FittedModel, ABC, frozen=True):
    """A model of what a customer spends per purchase."""

    @property
    @abstractmethod
    def mean_spend(self) -> float | None:
        """Mean spend per purchase of a new customer; None where it does not exist."""

    @abstractmethod
    def expected_spend(self, x: FloatArray, m: FloatArray) -> FloatArray:
        """Expected spend per purchase after x repeat purchases of mean spend m.

        NaN where it does not exist or m is not known; m counts only where x is above 0.
        """

    def spend_column(self) -> pl.Expr:
        """The same as a column, from those of `repeat_purchases` and `repeat_spend`."""
        return array_column(
            self.expected_spend, SPEND, rules=spend_prediction_rules(), nullable=("repeat_spend",)
        )

    def spend_futures(self, x: FloatArray, m: FloatArray) -> SpendFutures:  # noqa: ARG002
        """From what the spend of each customer's purchases to come is drawn.

        Raises:
            OptionError: This model gives means only.
        """
        raise OptionError(f"{type(self).__name__} cannot draw outcomes; use interval_method='mean'")
