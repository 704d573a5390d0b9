"""Columns of words that must all be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from customer_value.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Collection


def known_text(
    name: str, known: Collection[str], *, what: str = "customers", hint: str = ""
) -> pl.Expr:
    """The column as String, refused when computed where it holds words that are not known.

    Args:
        name: The column, of text.
        known: The words that it may hold; nulls are allowed.
        what: What the rows are, as the message of an error calls them.
        hint: What to do about other words.

    Raises:
        DataError: When computed; names every other word with its count.
    """
    expected = frozenset(known)

    def check(words: pl.Series) -> pl.Series:
        # In plain Python: a query inside of a query may wait for itself.
        others = set(words.unique().to_list()) - {None} - expected
        if others:
            raise DataError(f"{what}: {_others(name, words, others, expected)}{_then(hint)}")
        return words

    return (
        pl.col(name).cast(pl.String).map_batches(check, return_dtype=pl.String, is_elementwise=True)
    )


def _others(name: str, words: pl.Series, others: set[str], expected: frozenset[str]) -> str:
    values = words.to_list()
    counted = ", ".join(f"{word!r} ({values.count(word):,})" for word in sorted(others))
    return f"unknown in '{name}': {counted}; known are {', '.join(map(repr, sorted(expected)))}"


def _then(hint: str) -> str:
    return f"; {hint}" if hint else ""
