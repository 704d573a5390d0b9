"""The stages as a model: what is learnt from all customers, to judge each of them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from customer_value._common.stored import StoredModel
from customer_value._frames.contracts import check_instance
from customer_value._frames.fitted import fitted_on
from customer_value._frames.time import check_day
from customer_value.exceptions import OptionError
from customer_value.lifecycle.gaps import purchase_gaps
from customer_value.lifecycle.options import OwnGaps, PooledGaps, StageOptions
from customer_value.lifecycle.silence import pooled_limits, typical_gap
from customer_value.transactions import summarize

if TYPE_CHECKING:
    from customer_value._typing import Day
    from customer_value.transactions.log import Log

_Days = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class StageModel(StoredModel, frozen=True):
    """What `fit_stages` learnt from a log: the thresholds of the stages, the same for every batch.

    Attributes:
        model: Its name in JSON.
        options: The thresholds that were given.
        typical_gap_days: Mean gap between purchases of all customers, where silence is judged by
            expected gaps; None without any gap.
        at_risk_days: Quantile of all customers' gaps from which a customer is at risk, where
            silence is judged by `PooledGaps` or `OwnGaps`.
        lost_days: Likewise the quantile from which a customer is lost.
    """

    model: Literal["stages"] = "stages"
    options: StageOptions = StageOptions()
    typical_gap_days: _Days | None = None
    at_risk_days: _Days | None = None
    lost_days: _Days | None = None

    @property
    def settled(self) -> StageOptions:
        """The options with the typical gap that was learnt."""
        if self.options.silence is not None or self.typical_gap_days is None:
            return self.options
        return self.options.model_copy(update={"typical_gap_days": self.typical_gap_days})


def fit_stages(transactions: Log, *, as_of: Day, options: StageOptions | None = None) -> StageModel:
    """Learn from a log what the lifecycle stages are judged by.

    `assign_stages` with the model gives a customer the same stage alone, in a batch and in the
    crowd.

    Args:
        transactions: A log from `read_transactions`, or a table in canonical names.
        as_of: Day at whose close the log is looked at; later events do not count.
        options: The thresholds.

    Returns:
        The model: plain JSON by `model_dump_json()`, read again by `load_model`.

    Raises:
        OptionError: `as_of` or `options` cannot be used.
        SchemaError: Columns are missing or of an unusable type.
        DataError: Rows cannot be used.

    Examples:
        >>> import customer_value as cv
        >>> stages = cv.fit_stages(cv.load_cdnow(), as_of="1998-06-30")
        >>> round(stages.typical_gap_days, 1)
        71.4
        >>> customers = cv.summarize(cv.load_cdnow(), as_of="1998-06-30")
        >>> cv.assign_stages(customers[0], stages)["stage"].item()
        'stable'
    """
    options = StageOptions() if options is None else options
    check_instance("options", options, StageOptions)
    day = check_day("as_of", as_of)
    customers = summarize(transactions, as_of=day).lazy().collect()
    typical = at_risk = lost = None
    if isinstance(options.silence, PooledGaps | OwnGaps):
        at_risk, lost = pooled_limits(purchase_gaps(transactions, as_of=day), options.silence)
    elif options.silence is None:
        typical = options.typical_gap_days or customers.select(typical_gap()).item()
    return StageModel(
        options=options,
        fitted_on=fitted_on(customers),
        typical_gap_days=typical,
        at_risk_days=at_risk,
        lost_days=lost,
    )


def stage_terms(
    model: StageModel | None, options: StageOptions | None
) -> tuple[StageOptions, StageModel | None]:
    """The options of a call, which come from the model where there is one.

    Raises:
        OptionError: Both are given, or one is of another type.
    """
    if model is None:
        options = StageOptions() if options is None else options
        check_instance("options", options, StageOptions)
        return options, None
    check_instance("model", model, StageModel)
    if options is not None:
        raise OptionError("give a model or options, not both: the model has its own options")
    return model.settled, model
