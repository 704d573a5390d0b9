"""Perceived value: what customers say they get, by dimension, and how far the items agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from customer_value._frames.assemble import array_column, with_columns
from customer_value._frames.contracts import ArrayRule, as_names
from customer_value._frames.door import read_frame
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from customer_value._typing import ArrowStream, Frame


@overload
def perceived_value(
    responses: pl.LazyFrame,
    *,
    dimensions: Mapping[str, Sequence[str]],
    scale: tuple[float, float],
    reversed_items: str | Sequence[str] = (),
) -> pl.LazyFrame: ...
@overload
def perceived_value(
    responses: ArrowStream,
    *,
    dimensions: Mapping[str, Sequence[str]],
    scale: tuple[float, float],
    reversed_items: str | Sequence[str] = (),
) -> pl.DataFrame: ...
def perceived_value(
    responses: Frame,
    *,
    dimensions: Mapping[str, Sequence[str]],
    scale: tuple[float, float],
    reversed_items: str | Sequence[str] = (),
) -> pl.DataFrame | pl.LazyFrame:
    """Add perceived value: an index from 0 to 1 for each dimension, from the items of a survey.

    An index is the mean of the dimension's items, each put to 0 to 1. Which items belong to which
    dimension is the survey's matter: economic, functional and emotional value, or quality,
    emotional, price and social value, are both in use. `cronbach_alpha` says how far items agree.

    Args:
        responses: One row per respondent, one column per item; null where not answered.
        dimensions: The items of each dimension, by its name, which becomes a column.
        scale: Lowest and highest answer of all items.
        reversed_items: Items on which the lowest answer is the best.

    Returns:
        The frame with one column per dimension (Float64, 0 to 1; mean of the items answered, null
        without any) and `perceived_value` (Float64, mean of the dimensions that are known).

    Raises:
        OptionError: The scale is empty, or a dimension has no items.
        SchemaError: Columns are missing or do not hold numbers.
        DataError: Answers are off the scale; for a LazyFrame when it is collected.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> answers = pl.DataFrame({"price": [5, 3], "works": [4, None], "joy": [1, 5]})
        >>> rated = cv.loyalty.perceived_value(
        ...     answers,
        ...     dimensions={"economic": ["price"], "other": ["works", "joy"]},
        ...     scale=(1, 5),
        ... )
        >>> rated.select("economic", "other", "perceived_value").rows()
        [(1.0, 0.375, 0.6875), (0.5, 1.0, 0.75)]
    """
    low, high = scale
    if not low < high:
        raise OptionError(f"a scale is (lowest, highest), such as (1, 5); got {scale}")
    if empty := [name for name, items in dimensions.items() if not items]:
        raise OptionError(f"dimensions without items: {', '.join(empty)}")
    items = [item for own in dimensions.values() for item in own]
    falling = as_names(reversed_items)
    frame = read_frame(responses, dict.fromkeys([*items, *falling], "number"), what="responses")
    off = ArrayRule(f"answers outside {low:g} to {high:g}", lambda a: ~((a >= low) & (a <= high)))
    places = {
        item: array_column(
            (lambda a: (high - a) / (high - low))
            if item in falling
            else (lambda a: (a - low) / (high - low)),
            [item],
            rules=[off],
            what="responses",
        )
        for item in items
    }
    indices = {
        name: pl.mean_horizontal(places[item] for item in own) for name, own in dimensions.items()
    }
    return with_columns(
        frame,
        *(index.alias(name) for name, index in indices.items()),
        pl.mean_horizontal(*indices.values()).alias("perceived_value"),
    )


def cronbach_alpha(responses: Frame, *, items: Sequence[str]) -> float | None:
    """Cronbach's alpha: how far the items of a survey measure one thing.

    alpha = k / (k - 1) (1 - sum of the items' variances / variance of their sum), for k items
    (Cronbach 1951, Psychometrika 16, 297-334), over the respondents who answered all.

    Args:
        responses: One row per respondent, one column per item.
        items: At least two columns, all in the same direction.

    Returns:
        At most 1, or None where fewer than two answered all or their sums do not differ.

    Raises:
        OptionError: There are fewer than two items.
        SchemaError: Columns are missing or do not hold numbers.

    Examples:
        >>> import polars as pl, customer_value as cv
        >>> answers = pl.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 3, 3]})
        >>> round(cv.loyalty.cronbach_alpha(answers, items=["a", "b", "c"]), 4)
        0.9643
    """
    if len(set(items)) < 2:
        raise OptionError("alpha needs at least two items")
    frame = read_frame(responses, dict.fromkeys(items, "number"), what="responses")
    answers = frame.lazy().select(pl.col(items).cast(pl.Float64)).drop_nulls().sort(items).collect()
    each = [answers.select(pl.col(item).var()).item() for item in items]
    whole = answers.select(pl.sum_horizontal(items).var()).item()
    if not whole:
        return None
    k = len(items)
    return float(k / (k - 1) * (1 - sum(each) / whole))
