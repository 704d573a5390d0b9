"""The table of referrals: which of them won a customer, and who shares in what it brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import AfterValidator, BaseModel

from customer_value._frames.contracts import Kind, Rule, describe, find_offences
from customer_value._frames.derive import MONEY, check_numbers
from customer_value._frames.door import as_polars, read_frame
from customer_value._frames.money import MONEY_LIMIT, exact
from customer_value._frames.options import Amount, Share
from customer_value._frames.time import check_duration, duration_days
from customer_value.exceptions import DataError, SchemaError

if TYPE_CHECKING:
    from datetime import date

    from customer_value._typing import Frame

_NEEDED: dict[str, Kind] = {"referrer_id": "key", "referred_id": "key", "referred_at": "day"}
_TYPES = {"type_one": 1.0, "type_two": 0.0}


class InfluenceOptions(BaseModel, frozen=True, extra="forbid"):
    """Which referrals count, and what they cost and save.

    Attributes:
        window: Attribution window: the referred customer must buy first within this time after
            the referral.
        p_incremental: Probability that a referred customer of unknown type would not have come
            without the referral; 0.5 because Kumar et al. (2010) find about half of either type.
        reward: Cost of the reward of a referral, where the table does not say.
        acquisition_saving: Acquisition cost that a referred customer saves, where the table does
            not say.
        charge_reward_on_type_two: Whether the reward is charged for customers who would have come
            anyway, too; the published formula does not, though it is paid.
    """

    window: Annotated[str, AfterValidator(check_duration)] = "12mo"
    p_incremental: Share = 0.5
    reward: Amount = 0.0
    acquisition_saving: Amount = 0.0
    charge_reward_on_type_two: bool = False


def checked_referrals(
    referrals: Frame, key: pl.DataType, as_of: date, options: InfluenceOptions
) -> pl.DataFrame:
    """The checked table up to the day: keys, day, incrementality, saving and reward."""
    table = as_polars(referrals)
    optional: dict[str, Kind] = {
        "type": "text",
        "p_incremental": "money",
        "reward_cost": "money",
        "acquisition_saving": "money",
    }
    present = table.collect_schema()
    used = {
        name: kind for name, kind in optional.items() if present.get(name, pl.Null()) != pl.Null
    }
    table = read_frame(table, _NEEDED | used, what="referrals")
    schema = table.collect_schema()
    wrong = [f"'{name}' is {schema[name]}" for name in list(_NEEDED)[:2] if schema[name] != key]
    if wrong:
        raise SchemaError(
            f"referrals: {' and '.join(wrong)}, but 'customer_id' is {key} in customers; cast one"
        )
    _, offences = find_offences(table.lazy(), _referral_rules(set(used)), key="referrer_id")
    if offences:
        raise DataError(f"referrals: {describe(offences)}")
    filled = {
        "p_incremental": options.p_incremental,
        "reward_cost": options.reward,
        "acquisition_saving": options.acquisition_saving,
    }
    numbers = {
        name: (pl.col(name).cast(pl.Float64).fill_null(other) if name in used else pl.lit(other))
        for name, other in filled.items()
    }
    weight = numbers["p_incremental"]
    if "type" in used:
        kinds = pl.col("type").cast(pl.String)
        weight = pl.coalesce(
            kinds.replace_strict(_TYPES, default=None, return_dtype=pl.Float64), weight
        )
    charged = pl.lit(1.0) if options.charge_reward_on_type_two else weight
    chosen = table.lazy().filter(pl.col("referred_at") <= as_of)
    return chosen.select(
        *_NEEDED,
        weight=weight,
        saving=numbers["acquisition_saving"],
        reward=charged * numbers["reward_cost"],
    ).collect()


def _referral_rules(used: set[str]) -> list[Rule]:
    referrer, referred, day = (pl.col(name) for name in _NEEDED)
    rules = [
        Rule("no_referrer", referrer.is_null(), "no referrer"),
        Rule("no_referred", referred.is_null(), "no referred customer"),
        Rule("no_day", day.is_null(), "no day"),
        Rule("self", referrer == referred, "a referral of oneself"),
        Rule("twice", ~pl.struct(*_NEEDED).is_first_distinct(), "a referral that is there already"),
    ]
    if "type" in used:
        kind = pl.col("type").cast(pl.String)
        rules.append(Rule("type", ~kind.is_in(list(_TYPES)), "a type not type_one or type_two"))
    tops = {"p_incremental": 1.0, "reward_cost": MONEY_LIMIT, "acquisition_saving": MONEY_LIMIT}
    for name, top in tops.items():
        if name in used:
            number = pl.col(name).cast(pl.Float64)
            outside = number.is_nan() | (number < 0) | (number > top)
            rules.append(Rule(name, outside, f"a {name} not within 0 to {top:g}"))
    return rules


def facts_of(
    frame: pl.DataFrame | pl.LazyFrame, table: pl.DataFrame, money: dict[str, str]
) -> pl.DataFrame:
    """First purchase and values of the customers who refer or are referred."""
    people = pl.concat([table[name].rename("customer_id") for name in list(_NEEDED)[:2]]).unique()
    facts = (
        frame.lazy()
        .select("customer_id", "first_purchase", *dict.fromkeys(money.values()))
        .join(people.to_frame().lazy(), on="customer_id", how="semi")
        .collect()
    )
    problems = []
    keys = facts["customer_id"]
    for says, found in (
        ("customers: more than once", keys.filter(keys.is_duplicated())),
        (
            "referrals: referrers that are no customers",
            table.join(facts, left_on="referrer_id", right_on="customer_id", how="anti")[
                "referrer_id"
            ],
        ),
    ):
        different = found.unique().sort()
        if different.len():
            examples = ", ".join(map(str, different.head(3)))
            problems.append(f"{says}: {different.len():,} (e.g. {examples})")
    if problems:
        raise DataError("; ".join(problems))
    numbers = check_numbers(facts, dict.fromkeys(money.values(), MONEY), what="customers")
    return facts.select("customer_id", "first_purchase").with_columns(
        numbers[column].alias(name) for name, column in money.items()
    )


def attribute(
    table: pl.DataFrame, facts: pl.DataFrame, as_of: date, options: InfluenceOptions
) -> pl.DataFrame:
    """The referrals that won a customer, with the money of each as decimals."""
    first, made = pl.col("first_purchase"), pl.col("referred_at")
    in_time = (first - made).dt.total_days().is_between(0, duration_days(options.window))
    won = table.join(facts, left_on="referred_id", right_on="customer_id").filter(
        (first <= as_of) & in_time
    )
    last = won.filter(made == made.max().over("referred_id"))
    share = 1 / pl.len().over("referred_id")
    weight = pl.col("weight")

    def earned(name: str) -> pl.Expr:
        # Of type two nothing is earned, even where the value is unknown.
        return pl.when(weight == 0).then(0.0).otherwise(share * weight * pl.col(name))

    money = [name for name in ("value", "realised") if name in facts.columns]
    return last.select(
        "referrer_id",
        "referred_id",
        *(exact(earned(name)).alias(name) for name in money),
        bonus=exact(share * pl.col("saving")) - exact(pl.col("reward")),
    )


def sum_by(attributed: pl.DataFrame, by: str) -> pl.DataFrame:
    """Sums by referrer or by referred customer; unknown where a part is unknown."""
    money = [name for name in ("value", "realised", "bonus") if name in attributed.columns]
    known = {name: pl.when(pl.col(name).null_count() == 0) for name in money}
    return attributed.group_by(customer_id=by).agg(
        pl.len().cast(pl.Int64).alias("referrals"),
        *(known[name].then(pl.col(name).sum()).alias(name) for name in money),
    )


def still_open(
    table: pl.DataFrame, facts: pl.DataFrame, as_of: date, options: InfluenceOptions
) -> pl.DataFrame:
    """How many people each customer has referred who may still come in time."""
    bought = facts.filter(pl.col("first_purchase") <= as_of)
    age = (pl.lit(as_of) - pl.col("referred_at")).dt.total_days()
    return (
        table.join(bought, left_on="referred_id", right_on="customer_id", how="anti")
        .filter(age <= duration_days(options.window))
        .group_by(customer_id="referrer_id")
        .agg(pl.col("referred_id").n_unique().cast(pl.Int64).alias("open_referrals"))
    )


def put_beside(
    frame: pl.DataFrame | pl.LazyFrame,
    given: pl.DataFrame,
    taken: pl.DataFrame,
    waiting: pl.DataFrame,
    *,
    has_past: bool,
) -> pl.DataFrame | pl.LazyFrame:
    """The sums beside the customers; zero for those who have none."""
    value, bonus = pl.col("value"), pl.col("bonus")
    columns = {"influence_value": value if has_past else value + bonus}
    shares = {"attributed_value": value}
    if has_past:
        columns["realised_influence"] = pl.col("realised") + bonus
        shares["attributed_realised"] = pl.col("realised")
    names = ["referrals", "open_referrals", *columns, *shares]
    lazy = frame.lazy().drop(names, strict=False)
    for table, exprs, counts in (
        (given, columns, ["referrals"]),
        (taken, shares, []),
        (waiting, {}, ["open_referrals"]),
    ):
        money = {name: expr.cast(pl.Float64) for name, expr in exprs.items()}
        part = table.lazy().select("customer_id", *counts, __there__=pl.lit(value=True), **money)
        lazy = lazy.join(part, on="customer_id", how="left", maintain_order="left")
        absent = pl.col("__there__").is_null()
        zeros = [pl.when(absent).then(0.0).otherwise(pl.col(name)).alias(name) for name in money]
        lazy = lazy.with_columns(*zeros, pl.col(counts).fill_null(0)).drop("__there__")
    lazy = lazy.select(pl.exclude(names), *names)
    return lazy if isinstance(frame, pl.LazyFrame) else lazy.collect()
