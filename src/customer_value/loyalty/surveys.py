"""Survey scores: would they recommend us, are they satisfied, was it easy."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, Literal, Self

import polars as pl
from pydantic import BaseModel, Field, model_validator

from customer_value._frames.contracts import (
    Kind,
    Rule,
    check_choice,
    check_groups,
    describe,
    find_offences,
)
from customer_value._frames.door import read_frame
from customer_value._frames.intervals import wilson
from customer_value._frames.local import local_day
from customer_value._frames.options import build
from customer_value._frames.time import check_day, duration_days
from customer_value.exceptions import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from customer_value._typing import Day, Frame

_SCORE, _WEIGHT = "__score__", "__weight__"
_RESULTS = (
    *("asked", "responses", "response_rate", "low", "high", "mean", "csat", "ease", "easy", "hard"),
    *("net_easy", "nps", "promoters", "passives", "detractors", "standard_error"),
)


class _Level(BaseModel, frozen=True, extra="forbid", title="interval"):
    confidence: Annotated[float, Field(gt=0, lt=1)]

    @property
    def z(self) -> float:
        """Quantile of the normal law for a two-sided interval."""
        return NormalDist().inv_cdf((1 + self.confidence) / 2)


class _Scale(BaseModel, frozen=True, extra="forbid", title="scale"):
    lowest: int
    highest: int
    top: int

    @model_validator(mode="after")
    def _has_boxes(self) -> Self:
        if self.lowest >= self.highest:
            raise ValueError("a scale is (lowest, highest), such as (1, 5)")
        if not 1 <= self.top <= self.highest - self.lowest:
            raise ValueError("the top boxes are at least one and not all of the scale")
        return self


def latest_responses(
    responses: Frame,
    *,
    as_of: Day,
    window: str | timedelta | None = None,
    score: str = "score",
    day: str = "answered_at",
    tz: str | None = None,
) -> pl.DataFrame:
    """Keep the last survey response of each customer: being asked often must not count for more.

    Args:
        responses: One row per question asked: `customer_id`, the day (Date or Datetime) and the
            score, null where there was no answer.
        as_of: Last day that counts.
        window: How far back an answer counts, such as `"90d"`; by default without limit.
        score: Column of the score.
        day: Column of the day.
        tz: Zone in which a day begins, such as `"Europe/Berlin"`: needed where the times have a
            zone.

    Returns:
        One row per customer asked in the window, by `customer_id`: `customer_id`, the day (Date) of
        the last answer (null without any) and the score (Float64; the mean of the answers of that
        day, null without any).

    Raises:
        OptionError: The window is not a duration above zero, or the times have a zone and `tz` is
            missing.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Customers or days are null.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> from datetime import date
        >>> asked = pl.DataFrame(
        ...     {
        ...         "customer_id": [1, 1, 2],
        ...         "answered_at": [date(2024, 1, 5), date(2024, 3, 5), date(2024, 3, 5)],
        ...         "score": [2, 9, None],
        ...     }
        ... )
        >>> latest = cv.loyalty.latest_responses(asked, as_of=date(2024, 3, 31))
        >>> latest.select("customer_id", "score").rows()
        [(1, 9.0), (2, None)]
    """
    end = check_day("as_of", as_of)
    kinds: dict[str, Kind] = {"customer_id": "key", day: "time", score: "number"}
    table = read_frame(responses, kinds, what="responses", only=True)
    frame = table.lazy().with_columns(
        local_day(day, table.collect_schema(), tz, what="responses").alias(day)
    )
    when = pl.col(day)
    value = pl.col(score).cast(pl.Float64)
    rules = [
        Rule("customer", pl.col("customer_id").is_null(), "no customer_id"),
        Rule("day", when.is_null(), f"no {day}"),
    ]
    _, offences = find_offences(frame, rules, key="customer_id")
    if offences:
        raise DataError(f"responses: {describe(offences)}")
    asked = frame.filter(when <= end)
    if window is not None:
        asked = asked.filter((pl.lit(end) - when).dt.total_days() < duration_days(window))
    answered = value.is_not_null()
    last = when.filter(answered).max()
    return (
        asked.group_by("customer_id")
        .agg(last.alias(day), value.filter(answered & (when == last)).sort().mean().alias(score))
        .sort("customer_id")
        .collect()
    )


def nps(
    responses: Frame,
    *,
    score: str = "score",
    by: str | Sequence[str] = (),
    weights: str | None = None,
    confidence: float = 0.95,
    interval_method: Literal["wald", "adjusted"] = "wald",
) -> pl.DataFrame:
    """Net Promoter Score: the share of promoters less that of detractors, times 100.

    Promoters answer 9 or 10 and detractors 0 to 6 on a scale from 0 to 10. With shares p and d of
    n answers the variance is 100^2 (p + d - (p - d)^2) / n.

    Args:
        responses: One row per customer asked; see `latest_responses`.
        score: Column of whole numbers 0 to 10, null where there was no answer.
        by: Column or columns to score by, such as `"tier"`: one row for each group.
        weights: Column of the weight of each row; the variance is then that of n = (sum w)^2 /
            sum(w^2) answers (Kish).
        confidence: Level of the interval.
        interval_method: `"wald"`, or `"adjusted"`, which adds one promoter, one detractor and no
            passive to the counts (Bonett & Price 2012, Journal of Educational and Behavioral
            Statistics 37, 479-488) and does not shrink to nothing where all answer alike.

    Returns:
        By group in the order of `by`: `asked`, `responses` (Int64), `response_rate`, `promoters`,
        `passives`, `detractors` (shares of the answers), `nps`, `standard_error`, `low` and `high`
        (Float64, from -100 to 100; null without any answer).

    Raises:
        OptionError: The confidence is not between 0 and 1, the method is unknown, or `by` names a
            column of the result.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Scores are out of scale, or weights negative, null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> answers = pl.DataFrame({"score": [10] * 50 + [8] * 30 + [3] * 20})
        >>> cv.loyalty.nps(answers).select(
        ...     pl.col("nps", "standard_error", "low", "high").round(2)
        ... ).row(0)
        (30.0, 7.81, 14.69, 45.31)
    """
    check_choice("interval_method", interval_method, ("wald", "adjusted"))
    z = build(_Level, confidence=confidence).z
    keys = check_groups(by, _RESULTS)
    rows = _read(responses, score, build(_Scale, lowest=0, highest=10, top=2), keys, weights)
    value = pl.col(_SCORE)
    shares = {"promoters": value >= 9, "passives": value.is_between(7, 8), "detractors": value <= 6}
    table = _shares(rows, keys, shares)
    n, p, d = pl.col(_WEIGHT), pl.col("promoters"), pl.col("detractors")
    extra = 1.0 if interval_method == "adjusted" else 0.0
    p, d = ((share * n + extra) / (n + 2 * extra) for share in (p, d))
    variance = (p + d - (p - d) ** 2).clip(lower_bound=0) / (n + 2 * extra)
    centre, error = 100 * (p - d), 100 * variance.sqrt()
    return table.with_columns(
        nps=100 * (pl.col("promoters") - pl.col("detractors")),
        standard_error=error,
        low=(centre - z * error).clip(-100, 100),
        high=(centre + z * error).clip(-100, 100),
    ).drop(_WEIGHT)


def csat(
    responses: Frame,
    *,
    score: str = "score",
    scale: tuple[int, int] = (1, 5),
    top: int = 2,
    by: str | Sequence[str] = (),
    weights: str | None = None,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Customer satisfaction (CSAT): the share of answers in the top boxes, and the mean.

    Args:
        responses: One row per customer asked; see `latest_responses`.
        score: Column of whole numbers on the scale, higher is better, null without an answer.
        scale: Lowest and highest answer.
        top: How many answers from the top count as satisfied.
        by: Column or columns to score by, as in `nps`.
        weights: Column of the weight of each row, as in `nps`.
        confidence: Level of the interval (Wilson's) around the share.

    Returns:
        By group in the order of `by`: `asked`, `responses` (Int64), `response_rate`, `csat` (share
        satisfied), `low`, `high` and `mean` (Float64; null without any answer).

    Raises:
        OptionError: The scale, the boxes or the confidence are out of range, or `by` names a
            column of the result.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Scores are out of scale, or weights negative, null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> answers = pl.DataFrame({"score": [5, 4, 4, 3, 2, 5, 1, 4, 5, 5]})
        >>> cv.loyalty.csat(answers).select("csat", "mean").row(0)
        (0.7, 3.8)
    """
    boxes = _boxes(scale, top)
    z = build(_Level, confidence=confidence).z
    keys = check_groups(by, _RESULTS)
    rows = _read(responses, score, boxes, keys, weights)
    value = pl.col(_SCORE)
    satisfied = value > boxes.highest - boxes.top
    table = _shares(rows, keys, {"csat": satisfied}, mean=value)
    return _wilson(table, "csat", z).select(
        *keys, "asked", "responses", "response_rate", "csat", "low", "high", "mean"
    )


def ces(
    responses: Frame,
    *,
    scale: tuple[int, int],
    higher_is_easier: bool,
    score: str = "score",
    top: int = 2,
    by: str | Sequence[str] = (),
    weights: str | None = None,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Customer Effort Score (CES): how easy it was, on a scale whose direction must be said.

    Several forms are in use, with opposite directions: 1 to 5 where 1 is little effort, and 1 to 7
    where 7 agrees that it was easy. All their scores are given, so that each can be compared.

    Args:
        responses: One row per customer asked; see `latest_responses`.
        scale: Lowest and highest answer.
        higher_is_easier: Whether the highest answer is the least effort.
        score: Column of whole numbers on the scale, null where there was no answer.
        top: How many answers from the easy end count as easy; as many from the other as hard.
        by: Column or columns to score by, as in `nps`.
        weights: Column of the weight of each row, as in `nps`.
        confidence: Level of the interval (Wilson's) around the share of easy answers.

    Returns:
        By group in the order of `by`: `asked`, `responses` (Int64), `response_rate`, `mean` (on the
        scale of the survey), `ease` (the mean from 0, hardest, to 100, easiest), `easy` and `hard`
        (shares), `low` and `high` (of easy) and `net_easy` (100 (easy - hard)); Float64, null
        without any answer.

    Raises:
        OptionError: The scale, the boxes or the confidence are out of range, or `by` names a
            column of the result.
        SchemaError: Columns are missing or of a wrong type.
        DataError: Scores are out of scale, or weights negative, null, NaN or infinite.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> answers = pl.DataFrame({"score": [7, 6, 4, 1]})
        >>> effort = cv.loyalty.ces(answers, scale=(1, 7), higher_is_easier=True)
        >>> effort.select("mean", "easy", "hard").row(0)
        (4.5, 0.5, 0.25)
        >>> cv.loyalty.ces(answers, scale=(1, 7), higher_is_easier=False)["easy"].item()
        0.25
    """
    boxes = _boxes(scale, top)
    z = build(_Level, confidence=confidence).z
    keys = check_groups(by, _RESULTS)
    rows = _read(responses, score, boxes, keys, weights)
    value = pl.col(_SCORE)
    high, low = value > boxes.highest - boxes.top, value < boxes.lowest + boxes.top
    easy, hard = (high, low) if higher_is_easier else (low, high)
    table = _shares(rows, keys, {"easy": easy, "hard": hard}, mean=value)
    place = (pl.col("mean") - boxes.lowest) / (boxes.highest - boxes.lowest)
    return _wilson(table, "easy", z).select(
        *keys,
        "asked",
        "responses",
        "response_rate",
        "mean",
        (100 * (place if higher_is_easier else 1 - place)).alias("ease"),
        "easy",
        "hard",
        "low",
        "high",
        (100 * (pl.col("easy") - pl.col("hard"))).alias("net_easy"),
    )


def _boxes(scale: tuple[int, int], top: int) -> _Scale:
    try:
        lowest, highest = scale
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"scale must be (lowest, highest), such as (1, 5); got {scale!r}"
        ) from error
    return build(_Scale, lowest=lowest, highest=highest, top=top)


def _read(
    responses: Frame, score: str, scale: _Scale, by: list[str], weights: str | None
) -> pl.DataFrame:
    """Scores and weights of all who were asked, in an order that does not depend on the input's."""
    kinds: dict[str, Kind] = {**dict.fromkeys(by, "any"), score: "number"}
    if weights:
        kinds[weights] = "number"
    frame = read_frame(responses, kinds, what="responses")
    rows = frame.lazy().select(
        *by,
        pl.col(score).cast(pl.Float64).alias(_SCORE),
        (pl.col(weights).cast(pl.Float64) if weights else pl.lit(1.0)).alias(_WEIGHT),
    )
    value, weight = pl.col(_SCORE), pl.col(_WEIGHT)
    on_scale = value.is_between(scale.lowest, scale.highest) & (value == value.round())
    rules = [
        Rule("scale", ~on_scale, f"{score} not a whole number {scale.lowest} to {scale.highest}"),
        Rule(
            "weight",
            ~(weight.is_finite() & (weight >= 0)).fill_null(value=False),
            f"{weights} null, negative, NaN or infinite",
        ),
    ]
    _, offences = find_offences(rows, rules, key=_SCORE)
    if offences:
        raise DataError(f"responses: {describe(offences)}")
    return rows.sort(*by, _SCORE, _WEIGHT, nulls_last=True).collect()


def _shares(
    rows: pl.DataFrame, by: list[str], shares: dict[str, pl.Expr], **means: pl.Expr
) -> pl.DataFrame:
    """Weighted shares and means of the answers by group; `_WEIGHT` is the effective number."""
    answered = pl.col(_SCORE).is_not_null()
    weight = pl.col(_WEIGHT).filter(answered)
    total = weight.sum()
    averages = {name: share.cast(pl.Float64) for name, share in shares.items()} | means
    columns = {
        "asked": pl.len().cast(pl.Int64),
        "responses": answered.sum().cast(pl.Int64),
        **{
            name: pl.when(total > 0).then((value.filter(answered) * weight).sum() / total)
            for name, value in averages.items()
        },
        _WEIGHT: pl.when(total > 0).then(total * total / (weight * weight).sum()),
    }
    table = rows.group_by(by, maintain_order=True).agg(**columns) if by else rows.select(**columns)
    rate = pl.when(pl.col("asked") > 0).then(pl.col("responses") / pl.col("asked"))
    return table.select(*by, "asked", "responses", rate.alias("response_rate"), *averages, _WEIGHT)


def _wilson(table: pl.DataFrame, share: str, z: float) -> pl.DataFrame:
    """Add Wilson's interval (1927) around a share of `_WEIGHT` answers."""
    low, high = wilson(pl.col(share), pl.col(_WEIGHT), z)
    return table.with_columns(low=low.clip(0, 1), high=high.clip(0, 1)).drop(_WEIGHT)
