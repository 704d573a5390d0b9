"""The figures of a channel scorecard: from customers and spend to axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value._frames.contracts import Kind, check_names
from customer_value._frames.derive import AMOUNT, FINITE, MONEY, SHARE, Rules, check_numbers
from customer_value._frames.door import read_frame
from customer_value._frames.intervals import Z95, wilson
from customer_value._frames.money import exact_sum
from customer_value.exceptions import SchemaError

if TYPE_CHECKING:
    from customer_value._typing import Frame

CHANNEL, _PREFERRED = "__channel__", "__preferred__"
_MEASURES: dict[str, Rules] = {
    "value": MONEY,
    "revenue": MONEY,
    "cost": AMOUNT,
    "orders": AMOUNT,
    "retained": SHARE,
    "satisfaction": FINITE,
}
# What the axes are made of; costs count against a channel.
AXES = {
    "cost_efficiency": {"cac": -1, "cost_per_order": -1, "cost_share": -1},
    "preference": {"preferred_share": 1, "net_switching": 1},
    "relationship": {"retention": 1, "value_mean": 1, "satisfaction": 1},
}


FIGURES = (
    "customers",
    "preferred_by",
    "preferred_share",
    "switched_in",
    "switched_out",
    "net_switching",
    "spend",
    "new_customers",
    "cac",
    "clv_to_cac",
    "cost_per_order",
    "cost_share",
    "value_mean",
    "value_low",
    "value_high",
    "retention",
    "retention_low",
    "retention_high",
    "satisfaction",
)


def customer_rows(
    customers: Frame, channel: str, preferred: str | None, measures: dict[str, str]
) -> pl.DataFrame:
    """Channels and checked measures under their own names."""
    liked = preferred or channel
    check_names((channel, liked, *measures.values()), what="customers")
    kinds: dict[str, Kind] = {channel: "any", liked: "any"}
    kinds.update(dict.fromkeys(measures.values(), "any"))
    frame = read_frame(customers, kinds)
    schema = frame.collect_schema()
    if schema[channel] != schema[liked]:
        raise SchemaError(
            f"customers: '{channel}' is {schema[channel]}, but '{liked}' is {schema[liked]}"
        )
    truths = [pl.col(c).cast(pl.Float64) for c in set(measures.values()) if schema[c] == pl.Boolean]
    table = frame.lazy().select(*kinds).with_columns(truths).collect()
    rules: dict[str, Rules] = {}
    for name, column in measures.items():
        rules[column] = rules.get(column, ()) + _MEASURES[name]
    numbers = check_numbers(table, rules, what="customers")
    columns = [numbers[column].alias(name) for name, column in measures.items()]
    places = [table[channel].alias(CHANNEL), table[liked].alias(_PREFERRED)]
    return pl.DataFrame([*places, *columns])


def preferences(rows: pl.DataFrame) -> pl.DataFrame:
    """How many customers each channel won, and how many prefer it."""
    moved = pl.col(CHANNEL).ne_missing(pl.col(_PREFERRED)).alias("moved")
    rows = rows.select(CHANNEL, _PREFERRED, moved)
    count, movers = pl.len().cast(pl.Int64), pl.col("moved").sum().cast(pl.Int64)
    won = rows.group_by(CHANNEL).agg(customers=count, switched_out=movers)
    liked = rows.group_by(_PREFERRED).agg(preferred_by=count, switched_in=movers)
    both = won.join(
        liked, left_on=CHANNEL, right_on=_PREFERRED, how="full", coalesce=True, nulls_equal=True
    ).with_columns(pl.exclude(CHANNEL).fill_null(0))
    # As columns: polars divides by a scalar with its reciprocal.
    everyone = rows.height + 0 * pl.col("preferred_by")
    net = pl.col("switched_in") - pl.col("switched_out")
    return both.with_columns(
        preferred_share=pl.col("preferred_by") / everyone,
        net_switching=pl.when(pl.col("customers") > 0).then(net / pl.col("customers")),
    )


def figures(rows: pl.DataFrame) -> pl.DataFrame:
    """The figures of each channel that its customers give."""
    present = rows.columns
    columns: dict[str, pl.Expr] = {}
    for name, above, below in (
        ("cost_per_order", "cost", "orders"),
        ("cost_share", "cost", "revenue"),
    ):
        if above in present and below in present:
            both = pl.col(above).is_not_null() & pl.col(below).is_not_null()
            parts = [exact_sum(pl.when(both).then(part)) for part in (above, below)]
            columns[name] = pl.when(parts[1] > 0).then(parts[0] / parts[1])
    if "value" in present:
        columns |= _mean_with_interval("value")
    if "retained" in present:
        columns |= _share_with_interval("retained")
    if "satisfaction" in present:
        columns["satisfaction"] = _mean("satisfaction")
    # Sorted, so that the order of the rows changes no bit.
    return rows.sort(CHANNEL, *present[2:]).group_by(CHANNEL, maintain_order=True).agg(**columns)


def spent(spend: Frame, channel: str, kind: pl.DataType) -> pl.DataFrame:
    """Spend, customers won and acquisition cost of each channel."""
    kinds: dict[str, Kind] = {channel: "any", "spend": "number", "new_customers": "number"}
    frame = read_frame(spend, kinds, what="spend")
    schema = frame.collect_schema()
    if schema[channel] != kind:
        raise SchemaError(f"spend: '{channel}' is {schema[channel]}, but {kind} in customers")
    table = frame.lazy().select(channel, "spend", "new_customers").collect()
    inputs = {"spend": AMOUNT, "new_customers": AMOUNT}
    numbers = check_numbers(table, inputs, what="spend", needed=tuple(inputs))
    rows = pl.DataFrame([table[channel].alias(CHANNEL), *numbers.get_columns()])
    return (
        rows.group_by(CHANNEL)
        .agg(exact_sum(pl.col(name)) for name in inputs)
        .with_columns(cac=over("spend", "new_customers"))
    )


def over(above: str, below: str) -> pl.Expr:
    """One column over the other; null where that is not above zero."""
    return pl.when(pl.col(below) > 0).then(pl.col(above) / pl.col(below))


def scores(table: pl.DataFrame, weights: dict[str, float]) -> pl.DataFrame:
    """The axes, each a mean of z-scores, and their weighted mean."""
    for axis, signs in AXES.items():
        known = {name: sign for name, sign in signs.items() if name in table.columns}
        scored = [sign * _z(name) + 0.0 for name, sign in known.items()]  # no -0
        mean = pl.mean_horizontal(scored) if scored else pl.lit(None, pl.Float64)
        table = table.with_columns(mean.alias(axis))
    weighed = [weight * pl.col(axis) for axis, weight in weights.items()]
    present = [
        pl.when(pl.col(axis).is_not_null()).then(weight).otherwise(0.0)
        for axis, weight in weights.items()
    ]
    total = pl.sum_horizontal(present)
    index = pl.when(total > 0).then(pl.sum_horizontal(weighed) / total)
    return table.with_columns(channel_index=index)


def _z(name: str) -> pl.Expr:
    """Standardised over the channels of known value; 0 where they are all the same."""
    value = pl.col(name)
    spread = value.std(ddof=0) + 0 * value
    return pl.when(spread > 0).then((value - value.mean()) / spread).otherwise(0 * value)


def _mean(name: str) -> pl.Expr:
    known = pl.col(name).count()
    return pl.when(known > 0).then(exact_sum(pl.col(name)) / known)


def _mean_with_interval(name: str) -> dict[str, pl.Expr]:
    known, mean = pl.col(name).count(), _mean(name)
    reach = Z95 * pl.col(name).std() / known.sqrt()
    return {f"{name}_mean": mean, f"{name}_low": mean - reach, f"{name}_high": mean + reach}


def _share_with_interval(name: str) -> dict[str, pl.Expr]:
    known, share = pl.col(name).count(), _mean(name).clip(0, 1)
    low, high = (pl.when(known > 0).then(end.clip(0, 1)) for end in wilson(share, known, Z95))
    return {"retention": share, "retention_low": low, "retention_high": high}
