from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import customer_value as cv


def test_the_defaults_are_the_documented_ones() -> None:
    options = cv.TransactionOptions()
    assert options.model_dump() == {
        "tz": None,
        "occasion": "day",
        "on_invalid": "raise",
        "duplicates": "keep",
        "zero_amount": "keep",
        "money_scale": 6,
        "extras": (),
        "clumpiness_from": None,
        "source_tz": None,
        "show_keys": True,
    }
    assert cv.Columns().named == {
        "customer": "customer_id",
        "time": "ordered_at",
        "amount": "amount",
    }


def test_named_lists_what_is_named() -> None:
    columns = cv.Columns(customer="id", kind="type")
    assert columns.named == {
        "customer": "id",
        "time": "ordered_at",
        "amount": "amount",
        "kind": "type",
    }


@pytest.mark.parametrize("model", [cv.Columns(cost="c"), cv.TransactionOptions(show_keys=False)])
def test_json_brings_the_options_back(model: Any) -> None:
    assert type(model).model_validate_json(model.model_dump_json()) == model
    assert type(model).model_validate_json(model.model_dump_json(by_alias=True)) == model
    assert {model, model.model_copy()} == {model}


def test_options_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        cv.TransactionOptions().tz = "UTC"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        cv.Columns().customer = "id"  # type: ignore[misc]


def test_a_zone_of_the_source_needs_that_of_the_business() -> None:
    with pytest.raises(ValidationError, match="source_tz needs tz"):
        cv.TransactionOptions(source_tz="UTC")
    assert cv.TransactionOptions(source_tz="UTC", tz="Asia/Tokyo").source_tz == "UTC"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"customer": "x", "amount": "x"}, ["x"]),
        ({"cost": "amount"}, ["amount"]),
        ({"cost": "c", "discount": "c", "kind": "k", "order": "k"}, ["c", "k"]),
    ],
)
def test_one_column_cannot_be_two_things(arguments: dict[str, str], names: list[str]) -> None:
    with pytest.raises(ValidationError, match=f"used for two things: {', '.join(names)}"):
        cv.Columns(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [{"customer": None}, {"amount": 3}, {"price": "amount"}, {"order": ["a", "b"]}],
)
def test_wrong_columns_are_refused(arguments: Any) -> None:
    with pytest.raises(ValidationError, match=next(iter(arguments))):
        cv.Columns(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"occasion": "week"},
        {"on_invalid": "ignore"},
        {"duplicates": True},
        {"zero_amount": 0},
        {"money_scale": -1},
        {"money_scale": 13},
        {"money_scale": 2.5},
        {"extras": ("gaps",)},
        {"extras": "gap_mean_days"},
        {"tz": 8},
        {"source_tz": "Mars", "tz": "UTC"},
        {"show_keys": None},
        {"timezone": "UTC"},
    ],
)
def test_wrong_options_are_refused(arguments: Any) -> None:
    with pytest.raises(ValidationError, match=next(iter(arguments))):
        cv.TransactionOptions(**arguments)


@pytest.mark.parametrize("tz", ["Mars/Olympus", "asia/shanghai ", "", "+08"])
def test_an_unknown_time_zone_is_refused_at_once(tz: str) -> None:
    with pytest.raises(ValidationError, match="tz"):
        cv.TransactionOptions(tz=tz)


@pytest.mark.parametrize("tz", ["UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires"])
def test_a_known_time_zone_is_taken(tz: str) -> None:
    assert cv.TransactionOptions(tz=tz).tz == tz
