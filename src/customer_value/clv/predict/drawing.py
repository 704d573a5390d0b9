"""Values drawn, not expected: parameters from their likelihood, futures from the model.

Given parameters, what a customer does is drawn exactly: alive or not, the rates or probabilities by
conjugacy, the purchases and their spend.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.assemble import array_columns
from customer_value._kernels.draw import opportunity_sampling, regular_sampling, sampling
from customer_value._kernels.math.keys import distinct_keys, row_keys
from customer_value._kernels.run.parallel import map_chunks
from customer_value.clv.base import SPEND, OpportunityFutures
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from customer_value._kernels.math.keys import KeyArray
    from customer_value._typing import FloatArray
    from customer_value.clv.base import Futures, PurchaseModel, SpendFutures, SpendModel

_ROWS = 2048
"""Customers whose draws are in memory at once, in each thread."""
_ENDS = {
    "at_purchase": sampling.ENDS_AT_PURCHASE,
    "in_time": sampling.ENDS_IN_TIME,
    "never": sampling.NEVER_ENDS,
}
_SPENDS = {"gamma": sampling.GAMMA_SPEND, "log_normal": sampling.LOG_NORMAL_SPEND}


class IntervalOptions(BaseModel, frozen=True, extra="forbid"):
    """How intervals are drawn.

    Attributes:
        confidence: Probability that an interval holds what it is of.
        interval_method: `"outcome"`: what customers really will be worth, chance included;
            `"mean"`: their expected value, uncertain only because the parameters are.
        draws: How often parameters and futures are drawn.
        parameters: `"laplace"` draws the parameters of both models from the normal distribution
            that their likelihoods have at the maximum; `"fixed"` takes them as known.
        progress: Show a progress bar (needs the package tqdm).
    """

    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    interval_method: Literal["outcome", "mean"] = "outcome"
    draws: Annotated[int, Field(ge=20, le=1_000_000)] = 1000
    parameters: Literal["laplace", "fixed"] = "laplace"
    progress: bool = False

    @model_validator(mode="after")
    def _can_be_drawn(self) -> IntervalOptions:
        if self.outside < 2:
            raise ValueError(
                f"{self.draws} draws are too few for the tails of confidence {self.confidence}"
            )
        if self.interval_method == "mean" and self.parameters == "fixed":
            raise ValueError("the mean is certain where the parameters are fixed")
        return self

    @property
    def outside(self) -> int:
        """Number of draws outside of an interval; the next is with 1 - confidence at most."""
        return int((self.draws + 1) * (1 - self.confidence) + 1e-9)

    def ends(self, draws: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ends of the interval that each row of draws gives.

        The tails are equal; where the lower one is all at zero, the upper one gets what it does
        not need.
        """
        below = self.outside // 2
        last = self.draws - self.outside
        ranks = (below - 1, last, last + below)
        ordered = np.partition(draws, ranks, axis=-1)
        low, alone, high = (ordered[..., rank] for rank in ranks)
        return low, np.where(low == 0, alone, high)


@dataclass(frozen=True)
class Drawing:
    """All that drawn values depend on, but the customers.

    Attributes:
        purchases: The purchase model of each draw.
        spend: The spend model of each draw.
        fitted_spend: The spend model as it was fitted.
        length: Horizon as the purchase model takes it, may be inf.
        rate: Continuous discount rate per day.
        seed: Seed of all draws.
        options: What is drawn.
    """

    purchases: tuple[PurchaseModel, ...]
    spend: tuple[SpendModel, ...]
    fitted_spend: SpendModel
    length: float
    rate: float
    seed: int
    options: IntervalOptions

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that the models read."""
        return tuple(dict.fromkeys((*self._history, *SPEND)))

    @property
    def _history(self) -> tuple[str, ...]:
        """The columns that the purchase model reads, its covariates last."""
        return (*self.purchases[0].history, *self.purchases[0].covariates)

    def interval_columns(self, low: str, high: str) -> pl.Expr:
        """Struct of the ends of each customer's interval, on revenue basis.

        Customers who are alike to the models get the same interval.
        """

        def ends(*columns: FloatArray) -> tuple[FloatArray, FloatArray]:
            known = np.isfinite(self.fitted_spend.expected_spend(*self._spend(columns)))
            found = np.full((2, known.size), np.nan)
            found[:, known] = self._ends(tuple(column[known] for column in columns))
            return found[0], found[1]

        return array_columns(
            ends,
            self.inputs,
            (low, high),
            rules=self.purchases[0].rules,
            nullable=("repeat_spend",),
        )

    def totals(self, columns: tuple[FloatArray, ...], margin: FloatArray) -> FloatArray:
        """Sum over all customers, one a draw; the customers' order changes no bit."""
        keys = _keys(columns)
        order = np.lexsort((margin, keys))
        columns, margin = tuple(column[order] for column in columns), margin[order]
        keys = distinct_keys(keys[order])

        def block(start: int, stop: int) -> FloatArray:
            rows = tuple(column[start:stop] for column in columns)
            sums = np.empty(self.options.draws)
            for draw in range(sums.size):
                drawn = self._values(draw, rows, keys[start:stop])
                sums[draw] = (drawn * margin[start:stop]).sum()
                done(stop - start)
            return sums

        with _progress(self.options, margin.size) as done:
            blocks = map_chunks(block, margin.size, chunk=_ROWS)
        return np.asarray(np.sum([np.zeros(self.options.draws), *blocks], axis=0))

    def _ends(self, columns: tuple[FloatArray, ...]) -> tuple[FloatArray, FloatArray]:
        keys = _keys(columns)
        low = np.empty(keys.size)
        high = np.empty(keys.size)

        def block(start: int, stop: int) -> None:
            rows = tuple(column[start:stop] for column in columns)
            table = np.empty((stop - start, self.options.draws))
            for draw in range(self.options.draws):
                table[:, draw] = self._values(draw, rows, keys[start:stop])
                done(stop - start)
            low[start:stop], high[start:stop] = self.options.ends(table)

        with _progress(self.options, keys.size) as done:
            map_chunks(block, keys.size, chunk=_ROWS)
        return low, high

    def _values(self, draw: int, columns: tuple[FloatArray, ...], keys: KeyArray) -> FloatArray:
        """Each customer's value on revenue basis in one draw."""
        fitted = self.purchases[draw]
        spend_model = self.spend[draw]
        x, m = self._spend(columns)
        own = columns[: len(self._history)]
        model = fitted.for_rows(*own[len(fitted.history) :])
        history = own[: len(fitted.history)]
        if self.options.interval_method == "mean":
            discounted: Callable[..., FloatArray] = model.discounted_purchases
            return discounted(*history, self.length, self.rate) * spend_model.expected_spend(x, m)
        futures: Callable[..., Futures | OpportunityFutures] = model.futures
        return self._drawn(draw, futures(*history), spend_model.spend_futures(x, m), keys)

    def _drawn(
        self,
        draw: int,
        own: Futures | OpportunityFutures,
        spend: SpendFutures,
        keys: KeyArray,
    ) -> FloatArray:
        levels = spend.first, spend.second
        shared: dict[str, Any] = {
            "spend_kind": _SPENDS[spend.kind],
            "purchase": spend.purchase,
            "horizon": self.length,
            "delta": self.rate * self.purchases[draw].days_per_length,
            "seed": self.seed,
            "draw": draw,
            "threads": 1,
        }
        if isinstance(own, OpportunityFutures):
            return opportunity_sampling.draw_opportunity_values(
                own.alive, (*own.buys, *own.stops), levels, keys, **shared
            )
        process = own.shape, own.rate, own.first, own.second
        if own.silence is not None:
            return regular_sampling.draw_regular_values(
                own.alive, process, own.silence, levels, keys, gap_shape=own.gap_shape, **shared
            )
        return sampling.draw_values(own.alive, process, levels, keys, end=_ENDS[own.end], **shared)

    def _spend(self, columns: tuple[FloatArray, ...]) -> tuple[FloatArray, FloatArray]:
        x, m = (columns[self.inputs.index(name)] for name in SPEND)
        return x, m


def interval_options(interval: bool | IntervalOptions) -> IntervalOptions | None:
    """How to draw an interval; None where none is asked for.

    Raises:
        OptionError: It is neither a truth value nor `IntervalOptions`.
    """
    if isinstance(interval, bool):
        return IntervalOptions() if interval else None
    if not isinstance(interval, IntervalOptions):
        raise OptionError(
            "interval must be True, or IntervalOptions(confidence=0.9) to say which; got "
            f"{interval!r}"
        )
    return interval


def draw_parameters(
    purchases: PurchaseModel,
    spend: SpendModel,
    *,
    length: float,
    rate: float,
    seed: int | None,
    options: IntervalOptions,
) -> Drawing:
    """Draw the parameters of both models.

    Raises:
        OptionError: The seed is not a whole number from 0.
        FitError: A model has no covariance.
    """
    if not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise OptionError(f"intervals are drawn: give a seed, a whole number from 0, not {seed!r}")
    n = options.draws
    if options.parameters == "fixed":
        return Drawing((purchases,) * n, (spend,) * n, spend, length, rate, seed, options)
    return Drawing(
        purchases.draw_parameters(n, np.random.default_rng([seed, 0])),
        spend.draw_parameters(n, np.random.default_rng([seed, 1])),
        spend,
        length,
        rate,
        seed,
        options,
    )


def _keys(columns: tuple[FloatArray, ...]) -> KeyArray:
    """What makes rows draw alike: all that the models know of them."""
    return row_keys(*(np.nan_to_num(column) for column in columns))


@contextmanager
def _progress(options: IntervalOptions, rows: int) -> Iterator[Callable[[int], object]]:
    """Count rows drawn, on a bar where one is asked for."""
    if not options.progress:
        yield lambda _: None
        return
    try:
        tqdm = import_module("tqdm").tqdm
    except ImportError as error:
        raise OptionError("progress=True needs the package tqdm") from error
    with tqdm(total=rows * options.draws, desc="draws", unit_scale=True) as bar:
        yield bar.update
