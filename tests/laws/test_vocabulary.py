"""One word, one meaning: the arguments of all public functions."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from laws.registry import PUBLIC

NAMES = sorted(PUBLIC)
BANNED = {
    "acquisition_cost": "cac",
    "cadence": "options",
    "columns_": "columns",
    "every": "period",
    "interval_kind": "interval_method",
    "level": "confidence",
    "limits": "options",
    "ltv": "clv",
    "monthly_margin": "profit_per_period",
    "validate": "nothing: a log is checked when it is read",
}
DEFAULTS: dict[str, Any] = {
    "confidence": 0.95,
    "discount_rate": 0.10,
    "options": None,
    "seed": inspect.Parameter.empty,
    "weights": None,
}
"""The one default of an argument; it may also be required."""


def parameters(name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(PUBLIC[name]).parameters.values())


@pytest.mark.parametrize("name", NAMES)
def test_words_have_one_meaning(name: str) -> None:
    found = {p.name for p in parameters(name)} & BANNED.keys()
    assert not found, {word: BANNED[word] for word in found}


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_the_same_everywhere(name: str) -> None:
    # Where an interval is a choice, so is its seed.
    chosen = {"seed": None} if "interval" in [p.name for p in parameters(name)] else {}
    defaults = DEFAULTS | chosen
    for parameter in parameters(name):
        if parameter.name in defaults and parameter.default is not inspect.Parameter.empty:
            assert parameter.default == defaults[parameter.name], parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_at_most_two_arguments_are_positional(name: str) -> None:
    positional = [p for p in parameters(name) if p.kind is not p.KEYWORD_ONLY]
    assert len(positional) <= 2


@pytest.mark.parametrize("name", NAMES)
def test_signatures_stay_short(name: str) -> None:
    """A default is a word or a number, not a printed table."""
    for parameter in parameters(name):
        assert len(repr(parameter.default)) <= 80, parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_groups_are_a_text_or_texts(name: str) -> None:
    for parameter in parameters(name):
        if parameter.name == "by":
            assert "str" in parameter.annotation
            assert "Sequence[str]" in parameter.annotation


@pytest.mark.parametrize("name", NAMES)
def test_every_function_shows_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(PUBLIC[name]) or "")
