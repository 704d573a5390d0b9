from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

import customer_value as cv
from customer_value._frames.contracts import (
    NOT_FINITE,
    ArrayRule,
    Kind,
    Offence,
    Rule,
    any_broken,
    as_names,
    check_choice,
    check_groups,
    check_instance,
    describe,
    exclusive,
    find_offences,
    refuse,
    require,
)
from customer_value._frames.money import TOO_LARGE
from customer_value.exceptions import CustomerValueError, DataError, OptionError, SchemaError

DAY = date(2024, 5, 2)
api: Any = cv  # called as its types forbid

TYPES: dict[str, Any] = {
    "int": pl.Int8(),
    "uint": pl.UInt64(),
    "float": pl.Float32(),
    "decimal": pl.Decimal(10, 2),
    "string": pl.String(),
    "categorical": pl.Categorical(),
    "enum": pl.Enum(["a"]),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "zoned": pl.Datetime("ms", "UTC"),
    "duration": pl.Duration(),
    "list": pl.List(pl.Int64),
    "struct": pl.Struct({"a": pl.Int64}),
    "null": pl.Null(),
}
EMPTY = pl.DataFrame(schema=TYPES)


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("day", {"date"}),
        ("time", {"date", "datetime", "zoned"}),
        ("number", {"int", "uint", "float", "decimal"}),
        ("money", {"int", "uint", "float", "decimal", "null"}),
        ("text", {"string", "categorical", "enum"}),
        ("any", set(TYPES)),
    ],
)
def test_each_kind_takes_its_types(kind: Kind, allowed: set[str]) -> None:
    taken = set()
    for name, dtype in TYPES.items():
        try:
            require(EMPTY, {name: kind}, what="log")
            taken.add(name)
        except SchemaError as error:
            assert f"log: '{name}' is {dtype}, must be " in str(error)  # noqa: PT017
    assert taken == allowed


def test_keys_are_whole_numbers_or_text() -> None:
    names = ("int", "uint", "string", "categorical", "enum")
    require(EMPTY, dict.fromkeys(names, "key"), what="log")
    for name in ("float", "list", "struct", "null"):
        with pytest.raises(SchemaError, match=f"'{name}' is .*, must be whole numbers or text"):
            require(EMPTY, {name: "key"}, what="log")


@pytest.mark.parametrize("lazy", [False, True])
def test_the_schema_comes_back(*, lazy: bool) -> None:
    assert require(EMPTY.lazy() if lazy else EMPTY, {"int": "number"}, what="log") == TYPES


def test_everything_wrong_is_named_at_once() -> None:
    frame = pl.DataFrame({"Revenue": [1.0], "key": [1.0], "t_x": ["1"]})
    with pytest.raises(SchemaError) as caught:
        require(frame, {"revenue": "number", "key": "key", "t_x": "number", "T": "day"}, what="x")
    assert str(caught.value) == (
        "x: missing columns 'revenue', 'T' (there are 'Revenue', 'key', 't_x'); "
        "did you mean 'Revenue' for 'revenue'?; summarize gives 'T'; "
        "'key' is Float64, must be whole numbers or text; cast it to Int64 or String; "
        "'t_x' is String, must be a number; cast it with .cast(pl.Float64)"
    )


def test_a_guess_is_made_only_where_names_are_close() -> None:
    frame = pl.DataFrame({"kunde": [1], "revenue_eur": [1]})
    with pytest.raises(SchemaError, match="did you mean 'revenue_eur' for 'revenue'"):
        require(frame, {"revenue": "number"}, what="x")
    with pytest.raises(SchemaError) as caught:
        require(frame, {"amount": "number"}, what="x")
    assert "did you mean" not in str(caught.value)


def test_who_gives_a_missing_column_is_named() -> None:
    frame = pl.DataFrame({"revenue": [1.0], "orders": [1]})
    with pytest.raises(SchemaError) as caught:
        require(frame, {"rfm_cell": "text", "ordered_at": "time"}, what="x")
    assert str(caught.value).endswith("'revenue', 'orders'); score_rfm gives 'rfm_cell'")


def test_an_argument_of_another_type_is_refused() -> None:
    check_instance("steps", 3, int)
    with pytest.raises(CustomerValueError, match=r"^steps must be an int or float, got a str$"):
        check_instance("steps", "3", (int, float))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda f: api.read_transactions(f, columns={"time": "t"}),
            "columns must be a Columns, got a dict",
        ),
        (
            lambda f: api.read_transactions(f, options={"tz": "UTC"}),
            "options must be a TransactionOptions, got a dict",
        ),
        (lambda f: api.fit_rfm(f, options=5), "options must be an RfmOptions, got an int"),
        (
            lambda f: api.score_rfm(f, cv.RfmOptions()),
            "model must be an RfmScale, got an RfmOptions",
        ),
        (
            lambda f: api.segment_rfm(f.with_columns(rfm_cell=pl.lit("111")), rules=25),
            "rules must be",
        ),
        (lambda f: api.assign_tiers(f, options={"a": 1}), "options must be a TierOptions"),
        (
            lambda f: api.customer_pnl(f, as_of=DAY, stack={"a": 1}),
            "stack must be a CostStack, got a dict",
        ),
        (
            lambda f: api.customer_lifetime_value(
                f,
                purchases=cv.GammaGamma(p=6.0, q=4.0, v=15.0),
                spend=cv.BgNbd(r=0.2, alpha=4.0, a=0.8, b=2.0),
                margin=0.3,
            ),
            "purchases must be a PurchaseModel, got a GammaGamma",
        ),
        (
            lambda f: api.summarize(f, as_of=datetime(2024, 1, 1, 9, tzinfo=UTC)),
            r"as_of must be a date or its ISO text, got .* \(take its .date\(\)\)$",
        ),
    ],
)
def test_arguments_in_the_wrong_place_are_told(call: Any, says: str) -> None:
    log = {"customer_id": ["a"], "ordered_at": [DAY], "amount": [1.0]}
    with pytest.raises(CustomerValueError, match=says):
        call(pl.DataFrame(log))


FRAME = pl.DataFrame({"key": ["a", "b", "c", "d", "e"], "x": [-1, None, -3, -4, 5]})
RULES = [
    Rule("negative", pl.col("x") < 0, "a negative x"),
    Rule("null", pl.col("x").is_null(), "no x"),
    Rule("large", pl.col("x") > 100, "a large x"),
]


def test_offences_are_counted_and_shown() -> None:
    rows, offences = find_offences(FRAME.lazy(), RULES, key="key")
    assert rows == 5
    assert offences == [
        Offence("negative", "a negative x", 3, ("a", "c", "d")),
        Offence("null", "no x", 1, ("b",)),
    ]
    assert describe(offences) == "3 rows with a negative x (e.g. a, c, d); 1 row with no x (e.g. b)"


def test_no_rows_or_no_rules_give_no_offences() -> None:
    assert find_offences(FRAME.lazy(), [], key="key") == (5, [])
    assert find_offences(FRAME.clear().lazy(), RULES, key="key") == (0, [])
    assert describe([]) == ""


def test_large_counts_are_grouped_and_examples_optional() -> None:
    assert describe([Offence("r", "no x", 1_234_567, ())]) == "1,234,567 rows with no x"


def test_arrays_that_break_rules_are_refused_with_every_offence() -> None:
    arrays = {"x": np.array([1.0, -1.0, np.nan, 2.0]), "y": np.array([0.0, 0.5, 1.0, -3.0])}
    rules = [
        ArrayRule("a negative x", lambda x, _: x < 0),
        ArrayRule("x below y", lambda x, y: x < y),
        ArrayRule("a large y", lambda _, y: y > 10),
    ]
    with pytest.raises(DataError) as caught:
        refuse(arrays, rules, what="customers")
    assert str(caught.value) == (
        "customers: 1 row with a negative x (e.g. (x -1, y 0.5)); "
        "1 row with x below y (e.g. (x -1, y 0.5))"
    )
    refuse(arrays, [rules[2]], what="customers")
    refuse(arrays, [], what="customers")


def test_not_finite_is_nan_and_both_infinities() -> None:
    values = np.array([1.0, np.nan, np.inf, -np.inf, 1e308])
    with pytest.raises(DataError, match="x: 3 rows with NaN or infinite values"):
        refuse({"x": values}, [NOT_FINITE], what="x")


def test_exclusive_rules_count_each_row_once() -> None:
    frame = pl.LazyFrame({"key": [1, 2, 3, 4], "value": [float("nan"), -1.0, None, 5.0]})
    value = pl.col("value")
    rules = [
        Rule("null", value.is_null(), "no value"),
        Rule("nan", value.is_nan(), "NaN"),
        Rule("bad", value.is_nan() | (value < 0), "a bad value"),
    ]
    _, offences = find_offences(frame, exclusive(rules), key="key")
    assert [(o.rule, o.rows, o.examples) for o in offences] == [
        ("null", 1, ("3",)),
        ("nan", 1, ("1",)),
        ("bad", 1, ("2",)),
    ]
    assert frame.filter(any_broken(rules)).collect()["key"].to_list() == [1, 2, 3]


def test_what_is_too_large_to_sum() -> None:
    with pytest.raises(DataError, match="2 rows with values too large to sum exactly"):
        refuse({"money": np.array([9e22, 1e23, -1e24])}, [TOO_LARGE], what="accounts")


def test_a_word_must_be_one_that_is_taken() -> None:
    check_choice("kind", "a", ("a", "b"))
    with pytest.raises(CustomerValueError, match=r"^kind must be one of 'a', 'b'; got 'c'$"):
        check_choice("kind", "c", ("a", "b"))


def test_groups_neither_repeat_nor_hide_results() -> None:
    check_groups(["tier", "city"], ["customers"])
    message = "^by names twice: tier; has names of the result, rename them: customers$"
    with pytest.raises(CustomerValueError, match=message):
        check_groups(["tier", "customers", "tier"], ["customers"])


def test_what_may_be_null_has_no_type_without_values() -> None:
    frame = pl.DataFrame({"end": [None, None]})
    assert require(frame, {"end": "maybe_day"}, what="rows")["end"] == pl.Null
    with pytest.raises(SchemaError, match="'end' is Null, must be a date"):
        require(frame, {"end": "day"}, what="rows")


def test_names_are_a_text_or_texts() -> None:
    assert as_names("tier") == check_groups("tier", []) == ["tier"]
    assert as_names(("a", "b")) == ["a", "b"]
    for wrong in (5, None, ["a", 1]):
        with pytest.raises(OptionError, match="names of columns must be text"):
            as_names(wrong)  # type: ignore[arg-type]


def test_articles_go_by_sound() -> None:
    class RfmScale: ...

    class AbcModel: ...

    class FitOptions: ...

    for kind, says in ((RfmScale, "an R"), (AbcModel, "an A"), (FitOptions, "a F")):
        with pytest.raises(OptionError, match=f"must be {says}"):
            check_instance("model", 1, kind)
