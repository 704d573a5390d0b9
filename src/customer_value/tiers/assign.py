"""The tier of each customer, steadied by its earlier one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import join_previous, with_columns
from customer_value._frames.contracts import (
    Kind,
    Rule,
    check_instance,
    describe,
    find_offences,
)
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.fitted import refuse_beside_model
from customer_value._frames.time import duration_days
from customer_value.exceptions import DataError
from customer_value.tiers.model import VALUE, TierModel, learnt_cuts, needed_columns, worth
from customer_value.tiers.options import UNRATED, TierOptions

if TYPE_CHECKING:
    from customer_value._typing import ArrowStream, Frame

__all__ = ["assign_tiers"]

_PLACE, _WAS, _SINCE = (f"__tier_{name}__" for name in ("place", "was", "since"))


@overload
def assign_tiers(
    customers: pl.LazyFrame,
    model: TierModel | None = None,
    *,
    value: str | None = None,
    previous: Frame | None = None,
    transitions: Frame | None = None,
    options: TierOptions | None = None,
) -> pl.LazyFrame: ...
@overload
def assign_tiers(
    customers: ArrowStream,
    model: TierModel | None = None,
    *,
    value: str | None = None,
    previous: Frame | None = None,
    transitions: Frame | None = None,
    options: TierOptions | None = None,
) -> pl.DataFrame: ...
def assign_tiers(
    customers: Frame,
    model: TierModel | None = None,
    *,
    value: str | None = None,
    previous: Frame | None = None,
    transitions: Frame | None = None,
    options: TierOptions | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add the value tier of each customer.

    With `options.hysteresis` h, customers that `previous` saw in one of the tiers keep it until
    they pass a cut by h of the cut. Values that move by up to h then move no one past a cut that
    stands still, as those of `"absolute"` do. Cuts that are found anew in each snapshot move too:
    quantiles of values at or above zero that move by up to e need h of 2 e / (1 - e), and those of
    the other methods may jump.

    A cut by `"cumulative_share"` is the largest positive value outside the tier (0 if there is
    none): as in ABC analysis by `"below"`, a customer who crosses the share is outside, with a
    tolerance of 1e-12, and values at or below zero are in the lowest tier. A cut by
    `"natural_breaks"` is the largest value of the tier below; with fewer different values than
    tiers, the highest tiers stay empty. Its sum of squares is the least possible, to 1e-12 of the
    whole.

    Args:
        customers: Frame with the value column; with `previous` also `customer_id`, with
            `options.min_dwell` also `as_of`, with `options.min_tenure` also `T`.
        model: Cuts from `fit_tiers`: a customer then gets the same tier in any company. Without one
            the cuts are learnt from these customers, and move with them.
        value: Column to grade by, such as `"clv"` (the default), `"profit"` or `"revenue"`; a
            model has its own.
        previous: Earlier snapshot with `customer_id` and `tier`, to see who moved, and
            `tier_since` if known. Those whose earlier tier is not one of `options.names` are graded
            afresh.
        transitions: Table with `tier`, `next_tier` and `probability` (null where unknown), as
            `migration_matrix` makes it.
        options: Where the tiers begin, and when a customer may change; a model has its own.

    Returns:
        The frame with `tier` (Enum from the worst tier to the best, `"unrated"` first, so that
        tiers sort and compare by their worth; it is `"unrated"` where the value is unknown, or `T`
        unknown or below `options.min_tenure`) and `distance_to_next` (Float64, value that is
        missing to rise to the next tier from this one, hysteresis included; 0 if only the dwell is
        missing, null in the highest tier, for `"unrated"` and where natural breaks leave the next
        tier empty); if
        it has `as_of`
        (Date), `tier_since` (Date, the first snapshot that saw this tier: `as_of`, or that of
        `previous` while the tier stays); with `transitions`, `upgrade_probability` (Float64,
        probability of a higher tier next time, null for tiers that are not in the table); with
        `previous`, `previous_tier` (null for customers not in it).

    Raises:
        SchemaError: Columns are missing or of a wrong type.
        OptionError: The model is not a `TierModel`, the options are not `TierOptions`, or a value
            or options are given beside a model.
        DataError: Values are NaN or infinite (for a LazyFrame when it is collected), a customer
            is in `previous` twice, or `transitions` hold no probabilities.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> customers = pl.DataFrame({"clv": [5.0, 50.0, 500.0, None]})
        >>> options = cv.TierOptions(method="absolute", cuts=(100.0, 10.0))
        >>> tiers = cv.assign_tiers(customers, options=options)
        >>> tiers["tier"].to_list(), tiers["distance_to_next"].to_list()
        (['low', 'medium', 'high', 'unrated'], [5.0, 50.0, None, None])

        A customer that was high a month ago stays so just below the cut:

        >>> steady = cv.TierOptions(method="absolute", cuts=(100.0, 10.0), hysteresis=0.1)
        >>> now = pl.DataFrame({"customer_id": [1, 2], "clv": [95.0, 95.0]})
        >>> before = pl.DataFrame({"customer_id": [1, 2], "tier": ["high", "medium"]})
        >>> tiers = cv.assign_tiers(now, options=steady, previous=before)
        >>> tiers["tier"].to_list(), tiers["distance_to_next"].round(9).to_list()
        (['high', 'medium'], [None, 15.0])
    """
    if model is not None:
        check_instance("model", model, TierModel)
        refuse_beside_model(value=value, options=options)
        value = model.value
        options = model.options
    options = options or TierOptions()
    check_instance("options", options, TierOptions)
    value = value or "clv"
    needed = needed_columns(value, options)
    table = as_polars(customers, needed)
    if isinstance(table.collect_schema().get("as_of"), pl.Datetime):
        needed["as_of"] = "day"  # midnight, as other libraries keep a date
    frame = read_frame(table, needed, given=customers)
    dated = frame.collect_schema().get("as_of") == pl.Date
    upgrades = None if transitions is None else _upgrades(transitions, options.names)
    frame = with_columns(frame, worth(value, options).alias(VALUE))
    if previous is not None:
        frame = _join(frame, previous, options, dated=dated)
    cuts = learnt_cuts(options) if model is None else [pl.lit(c, pl.Float64) for c in model.cuts]
    named = {f"__tier_cut_{k}__": cut for k, cut in enumerate(cuts)}
    frame = with_columns(frame, *(cut.alias(name) for name, cut in named.items()))
    added = _with_tiers(
        frame,
        options,
        [pl.col(name) for name in named],
        dated=dated,
        again=previous is not None,
        upgrades=upgrades,
    )
    return added.drop(VALUE, *named, _PLACE, _WAS, _SINCE, strict=False)


def _with_tiers(
    frame: pl.DataFrame | pl.LazyFrame,
    options: TierOptions,
    cuts: list[pl.Expr],
    *,
    dated: bool,
    again: bool,
    upgrades: dict[str, float] | None,
) -> pl.DataFrame | pl.LazyFrame:
    """The tier, and what hangs on it."""
    place = _place(options, cuts, steady=again)
    frame = with_columns(frame, place.alias(_PLACE))
    tier: pl.Expr = pl.lit(UNRATED)
    for k, name in enumerate(options.names):
        tier = pl.when(pl.col(_PLACE) == k).then(pl.lit(name)).otherwise(tier)
    ordered = tier.cast(pl.Enum([UNRATED, *reversed(options.names)]))
    columns = {"tier": ordered, "distance_to_next": _distance(options, cuts)}
    if dated and again:
        stays = pl.when(pl.col(_WAS) == tier).then(pl.col(_SINCE))
        columns["tier_since"] = pl.coalesce(stays, pl.col("as_of"))
    elif dated:
        columns["tier_since"] = pl.col("as_of")
    if upgrades is not None:
        columns["upgrade_probability"] = _mapped(tier, upgrades)
    if again:
        columns["previous_tier"] = pl.col(_WAS)
    stale = {"tier_since", "upgrade_probability", "previous_tier"} - columns.keys()
    frame = frame.drop(*stale, strict=False)  # of an earlier call
    return with_columns(frame, *(column.alias(name) for name, column in columns.items()))


def _widened(cut: pl.Expr, by: float) -> pl.Expr:
    """The cut moved up, or down, by a share of its size."""
    if by == 0:
        return cut
    return cut * pl.when(cut >= 0).then(1 + by).otherwise(1 - by)


def _place(options: TierOptions, cuts: list[pl.Expr], *, steady: bool) -> pl.Expr:
    """Number of the tier, 0 is highest; null for the unrated."""
    value = pl.col(VALUE)
    h = options.hysteresis
    was = _mapped(pl.col(_WAS), {name: float(k) for k, name in enumerate(options.names)})
    place = pl.lit(float(len(cuts)))
    for k in reversed(range(len(cuts))):
        threshold = cuts[k]
        if steady and h:
            keeps, rises = _widened(cuts[k], -h), _widened(cuts[k], h)
            threshold = pl.when(was <= k).then(keeps).when(was > k).then(rises)
            threshold = threshold.otherwise(cuts[k])
        place = pl.when(value > threshold).then(float(k)).otherwise(place)
    if steady and options.min_dwell is not None:
        dwelt = (pl.col("as_of") - pl.col(_SINCE)).dt.total_days()
        held = was.is_not_null() & (dwelt < duration_days(options.min_dwell))
        place = pl.when(held).then(was).otherwise(place)
    return pl.when(value.is_not_null()).then(place)


def _distance(options: TierOptions, cuts: list[pl.Expr]) -> pl.Expr:
    """Value that is missing to what lifts a customer out of its place."""
    missing = pl.lit(None, pl.Float64)
    for k, cut in enumerate(cuts, start=1):
        distance = _widened(cut, options.hysteresis) - pl.col(VALUE)
        missing = pl.when(pl.col(_PLACE) == k).then(distance).otherwise(missing)
    return missing if options.min_dwell is None else missing.clip(lower_bound=0)


def _mapped(tier: pl.Expr, numbers: dict[str, float]) -> pl.Expr:
    """The number of each tier; null for others."""
    return tier.replace_strict(
        list(numbers), list(numbers.values()), default=None, return_dtype=pl.Float64
    )


def _upgrades(transitions: Frame, names: tuple[str, ...]) -> dict[str, float]:
    """Probability of a higher tier, by tier."""
    needed: dict[str, Kind] = {"tier": "text", "next_tier": "text", "probability": "number"}
    given = read_frame(transitions, needed, what="transitions")
    text = pl.col("tier", "next_tier").cast(pl.String)
    table = given.lazy().select(text, pl.col("probability").cast(pl.Float64)).collect()
    pair = pl.struct("tier", "next_tier")
    probability = pl.col("probability")
    over = probability.fill_nan(0).sum().over("tier") > 1 + 1e-9
    rules = [
        Rule("null", pl.any_horizontal(pl.col("tier", "next_tier").is_null()), "no tier"),
        Rule("range", ~probability.is_between(0, 1), "probability outside 0 to 1"),
        Rule("twice", pair.is_duplicated(), "a pair of tiers more than once"),
        Rule("sum", over, "probabilities of a tier that sum to more than 1"),
    ]
    _, offences = find_offences(table.lazy(), rules, key="tier")
    if offences:
        raise DataError(f"transitions: {describe(offences)}")
    table = table.filter(probability.is_not_null().all().over("tier"))
    present = set(table["tier"])
    shares = {(tier, after): share for tier, after, share in table.rows()}
    return {
        tier: math.fsum(shares.get((tier, higher), 0.0) for higher in names[:k])
        for k, tier in enumerate(names)
        if tier in present
    }


def _join(
    customers: pl.DataFrame | pl.LazyFrame, previous: Frame, options: TierOptions, *, dated: bool
) -> pl.DataFrame | pl.LazyFrame:
    before = as_polars(previous)
    needed: dict[str, Kind] = {"tier": "text"}
    since = pl.lit(None, pl.Date)
    known = "tier_since" in before.collect_schema()
    if options.min_dwell is not None or (dated and known):
        needed["tier_since"], since = "day", pl.col("tier_since")
    before = read_frame(before, needed, what="previous")
    return join_previous(customers, before, {_WAS: pl.col("tier").cast(pl.String), _SINCE: since})
