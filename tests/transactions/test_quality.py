from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

import customer_value as cv

REPORT = cv.transactions.DataQualityReport(
    rows_in=12_345,
    rows_out=12_340,
    customers=1_000,
    first_day=date(2024, 1, 1),
    last_day=date(2024, 12, 31),
    dropped=(
        cv.transactions.RuleCount(rule="no_date", says="no <date> & time", rows=5, examples=("a",)),
    ),
    returns=7,
    zero_amounts=8,
    exact_duplicates=9,
    same_day_merges=10,
    rounded_amounts=11,
    unused_columns=("note",),
    number_keys=6,
    currencies=("<b>EUR</b>",),
)


def test_it_prints_one_aligned_line_per_count() -> None:
    lines = str(REPORT).splitlines()
    values = dict(line.rsplit("  ", 1) for line in lines)
    assert {name.strip(): value for name, value in values.items()} == {
        "rows in": "12,345",
        "dropped: no <date> & time": "5",
        "rows out": "12,340",
        "customers": "1,000",
        "days": "2024-01-01 to 2024-12-31",
        "returns": "7",
        "zero amounts": "8",
        "exact duplicates": "9",
        "same-day merges": "10",
        "rounded amounts": "11",
        "keys of whole floats": "6",
        "currencies": "<b>EUR</b>",
        "columns not used": "note",
    }
    assert len({line.rindex("  ") for line in lines}) == 1


def test_it_leaves_out_what_was_not_asked() -> None:
    nothing = {"number_keys": 0, "currencies": (), "dropped": (), "unused_columns": ()}
    report = REPORT.model_copy(update=nothing)
    for word in ("keys", "currencies", "dropped", "not used"):
        assert word not in str(report)


def test_its_html_escapes_what_comes_from_the_log() -> None:
    html = REPORT._repr_html_()
    assert "&lt;b&gt;EUR&lt;/b&gt;" in html
    assert "no &lt;date&gt; &amp; time" in html
    assert "<b>" not in html
    assert html.count("<tr>") == html.count("</tr>") == len(str(REPORT).splitlines())


def test_it_is_plain_json() -> None:
    assert cv.transactions.DataQualityReport.model_validate_json(REPORT.model_dump_json()) == REPORT


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        REPORT.rows_in = 0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        REPORT.dropped[0].rows = 0  # type: ignore[misc]
