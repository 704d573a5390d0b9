from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Callable

AS_OF = date(1998, 6, 30)
TABLES = ["headline", "segments", "abc", "tiers", "stages", "profit", "quarters"]
KEYS = {"segments": "segment", "abc": "abc_class", "tiers": "tier", "stages": "stage"}
STEPS = [
    "checking the log",
    "summarizing customers and accounting for profit",
    "scoring RFM and ABC",
    "fitting lifetime value",
    "assigning tiers and stages",
    "accounting for growth",
]


def log_of(*rows: tuple[str, date, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    """A part of the sample that fits fast."""
    return cv.load_cdnow().filter(pl.col("customer_id") % 4 == 0)


@pytest.fixture(scope="module")
def report(cdnow: pl.DataFrame) -> cv.report.ValueReport:
    return cv.value_report(cdnow, as_of=AS_OF, margin=0.3)


@pytest.fixture(scope="module")
def nobody_repeats() -> cv.report.ValueReport:
    rows = [(f"c{k}", date(2024, 1, 1 + k), 10.0 + k) for k in range(20)]
    return cv.value_report(log_of(*rows), as_of=date(2024, 2, 1), margin=0.25)


def shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def exact(amounts: pl.Series) -> float:
    return float(sum(Decimal(str(amount)) for amount in amounts))


# --- the tables add up ---


def test_seven_tables(report: cv.report.ValueReport) -> None:
    assert list(report.tables) == TABLES


def test_the_quarters_add_up_to_the_log(report: cv.report.ValueReport, cdnow: pl.DataFrame) -> None:
    quarters = report.tables["quarters"]
    assert quarters["quarter"].to_list() == sorted(cdnow["ordered_at"].dt.truncate("1q").unique())
    assert quarters["revenue"].sum() == pytest.approx(exact(cdnow["amount"]), abs=1e-6)
    assert quarters["new"].sum() == report.customers.height
    flow = pl.col("opening") + pl.col("new") + pl.col("reactivated") - pl.col("lapsed")
    assert quarters.select(flow == pl.col("closing")).to_series().all()
    assert quarters["complete"].all()


def test_what_cleaning_kept_stays() -> None:
    day = date(2024, 1, 1)
    log = log_of(("a", day, 10.0), ("a", day, 10.0)).with_columns(sku=pl.Series(["x", "y"]))
    options = cv.TransactionOptions(duplicates="drop")
    report = cv.value_report(
        cv.read_transactions(log, options=options), as_of=date(2024, 6, 15), margin=0.3
    )
    assert report.quality.rows_out == 2
    assert report.customers["revenue"].to_list() == [20.0]
    assert report.tables["headline"]["revenue"].to_list() == [20.0]
    assert report.tables["quarters"]["revenue"].sum() == 20.0


def test_money_of_the_tables_is_summed_exactly() -> None:
    days = [date(2024, 1, 1 + k) for k in range(3)]
    log = log_of(*zip("abc", days, (0.1, 0.2, 0.3), strict=True))
    report = cv.value_report(log, as_of=date(2024, 6, 15), margin=0.5)
    assert report.tables["headline"]["revenue"].item() == 0.6
    assert report.tables["headline"]["profit"].item() == 0.3


def test_other_models_can_be_given(cdnow: pl.DataFrame) -> None:
    customers = cv.summarize(cdnow, as_of=AS_OF)
    models: Any = {
        "purchases": cv.fit_pareto_nbd(customers),
        "spend": cv.fit_gamma_gamma(customers),
    }
    report = cv.value_report(cdnow, as_of=AS_OF, margin=0.3, **models)
    valued = cv.customer_lifetime_value(customers, **models, margin=0.3, horizon="12mo")
    assert report.customers["clv"].to_list() == valued["clv"].to_list()


def test_of_many_quarters_the_last_eight() -> None:
    days = [date(2020 + k // 12, 1 + k % 12, 15) for k in range(48)]
    report = cv.value_report(log_of(*(("a", d, 5.0) for d in days)), as_of=days[-1], margin=0.2)
    quarters = report.tables["quarters"]
    assert quarters["quarter"].to_list() == [
        date(y, m, 1) for y in (2022, 2023) for m in (1, 4, 7, 10)
    ]
    assert quarters["complete"].to_list() == [True] * 7 + [False]


@pytest.mark.parametrize("name", KEYS)
def test_customers_revenue_and_value_add_up(
    report: cv.report.ValueReport, cdnow: pl.DataFrame, name: str
) -> None:
    table = report.tables[name]
    assert table["customers"].sum() == cdnow["customer_id"].n_unique() == report.customers.height
    assert table["customers_pct"].sum() == pytest.approx(100)
    assert table["revenue"].sum() == pytest.approx(exact(cdnow["amount"]), rel=1e-12)
    assert table["revenue_pct"].sum() == pytest.approx(100)
    assert table["clv"].sum() == pytest.approx(report.customers["clv"].sum(), rel=1e-12)
    each = (table["clv"] / table["customers"]).to_list()
    assert table["clv_each"].to_list() == pytest.approx(each)


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_rows_are_the_groups_of_the_customers(
    report: cv.report.ValueReport, name: str, key: str
) -> None:
    table = report.tables[name]
    assert table[key].is_unique().all()
    for group, members in table.select(key, "customers").iter_rows():
        assert (report.customers[key] == group).sum() == members > 0


def test_groups_stand_from_best_to_worst(report: cv.report.ValueReport) -> None:
    assert report.tables["abc"]["abc_class"].to_list() == ["A", "B", "C"]
    assert report.tables["tiers"]["tier"].to_list() == ["high", "medium", "low"]
    assert report.tables["profit"]["tier"].to_list() == ["high", "medium", "low"]
    listed = [segment.name for segment in cv.RFM_LIST_125.segments]
    segments = report.tables["segments"]["segment"].to_list()
    assert segments == [name for name in listed if name in segments]


def test_the_headline_is_that_of_the_log(
    report: cv.report.ValueReport, cdnow: pl.DataFrame
) -> None:
    (row,) = report.tables["headline"].rows(named=True)
    days = cdnow.select("customer_id", pl.col("ordered_at").cast(pl.Date)).unique()
    assert row["customers"] == cdnow["customer_id"].n_unique()
    assert row["purchases"] == days.height
    assert (
        row["repeat_customers"]
        == days.group_by("customer_id").len().filter(pl.col("len") > 1).height
    )
    assert row["revenue"] == pytest.approx(exact(cdnow["amount"]), rel=1e-12)
    assert row["profit"] == pytest.approx(0.3 * row["revenue"], rel=1e-12)


def test_profit_adds_up(report: cv.report.ValueReport, cdnow: pl.DataFrame) -> None:
    table = report.tables["profit"]
    revenue = exact(cdnow["amount"])
    assert table["net_revenue"].sum() == pytest.approx(revenue, rel=1e-12)
    assert table["profit"].sum() == pytest.approx(0.3 * revenue, rel=1e-12)
    assert table["cogs"].sum() == pytest.approx(0.7 * revenue, rel=1e-12)


def test_known_costs_come_before_the_assumed_margin() -> None:
    log = cv.simulate_transactions(
        300, start=date(2023, 1, 1), end=date(2024, 12, 31), seed=3, cost_rate=0.6, return_rate=0.1
    )
    report = cv.value_report(log, as_of=date(2024, 12, 31), margin=0.9)
    table = report.tables["profit"]
    assert table["net_revenue"].sum() == pytest.approx(exact(log["amount"]), rel=1e-12)
    assert table["cogs"].sum() == pytest.approx(exact(log["cost"]), rel=1e-12)
    assert table["profit"].sum() == pytest.approx(
        exact(log["amount"]) - exact(log["cost"]), rel=1e-12
    )


def test_every_customer_comes_out_once_with_everything(
    report: cv.report.ValueReport, cdnow: pl.DataFrame
) -> None:
    customers = report.customers
    assert customers["customer_id"].to_list() == sorted(cdnow["customer_id"].unique())
    added = {"rfm_cell", "segment", "abc_class", "clv", "tier", "stage", "rule_fired", "profit"}
    assert added <= set(customers.columns)
    assert customers.select(added).null_count().sum_horizontal().item() == 0
    assert set(customers["as_of"]) == {AS_OF} == {report.as_of}


def test_the_parts_are_those_of_the_single_functions(
    report: cv.report.ValueReport, cdnow: pl.DataFrame
) -> None:
    customers = cv.summarize(cdnow, as_of=AS_OF)
    alone = (
        cv.customer_lifetime_value(
            customers,
            purchases=cv.fit_bg_nbd(customers),
            spend=cv.fit_gamma_gamma(customers),
            margin=0.3,
        )
        .pipe(cv.score_rfm, cv.fit_rfm(customers))
        .pipe(cv.segment_rfm)
        .pipe(cv.classify_abc)
        .pipe(cv.assign_tiers)
        .pipe(cv.assign_stages)
    )
    assert report.customers.select(alone.columns).equals(alone)


# --- the log ---


def test_nothing_after_as_of_counts(report: cv.report.ValueReport, cdnow: pl.DataFrame) -> None:
    old = cdnow.head(50).with_columns(ordered_at=pl.lit(AS_OF) + timedelta(days=1))
    new = old.with_columns(customer_id=-pl.col("customer_id"), amount=pl.lit(1e6))
    back = old.with_columns(amount=pl.lit(-1e6))
    future = pl.concat([old, new, back]).cast(cdnow.schema)
    later = cv.value_report(pl.concat([future, cdnow]), as_of=AS_OF, margin=0.3)
    assert later.customers.equals(report.customers)
    assert all(later.tables[name].equals(report.tables[name]) for name in TABLES)
    assert (later.not_computed, later.warnings) == (report.not_computed, report.warnings)
    assert later.quality.rows_in == report.quality.rows_in + 150


def test_the_order_of_the_rows_does_not_change_a_bit(
    report: cv.report.ValueReport, cdnow: pl.DataFrame
) -> None:
    for seed in range(3):
        shuffled = cdnow.sample(fraction=1, shuffle=True, seed=seed)
        again = cv.value_report(shuffled, as_of=AS_OF, margin=0.3)
        assert again.customers.equals(report.customers)
        assert all(again.tables[name].equals(report.tables[name]) for name in TABLES)


@pytest.mark.parametrize(
    "convert",
    [pl.DataFrame.lazy, pl.DataFrame.to_arrow, pl.DataFrame.to_pandas],
    ids=["lazy", "pyarrow", "pandas"],
)
def test_any_frame_comes_in(
    report: cv.report.ValueReport, cdnow: pl.DataFrame, convert: Callable[[pl.DataFrame], Any]
) -> None:
    other = cv.value_report(convert(cdnow), as_of=AS_OF, margin=0.3)
    assert other.customers.equals(report.customers)


def test_columns_and_options_reach_the_log(
    report: cv.report.ValueReport, cdnow: pl.DataFrame
) -> None:
    raw = cdnow.rename({"customer_id": "who", "ordered_at": "when", "amount": "much"})
    dirty = pl.concat([raw, raw.head(3).with_columns(much=pl.lit(None, raw.schema["much"]))])
    columns = cv.Columns(customer="who", time="when", amount="much")
    with pytest.raises(cv.DataError, match="3 rows with no amount"):
        cv.value_report(cv.read_transactions(dirty, columns=columns), as_of=AS_OF, margin=0.3)
    dropped = cv.value_report(
        cv.read_transactions(
            dirty, columns=columns, options=cv.TransactionOptions(on_invalid="drop")
        ),
        as_of=AS_OF,
        margin=0.3,
    )
    shared = [name for name in report.customers.columns if name in dropped.customers.columns]
    assert {"clv", "profit", "stage"} <= set(shared)
    assert dropped.customers.select(shared).equals(report.customers.select(shared))
    assert [(d.rule, d.rows) for d in dropped.quality.dropped] == [("no_amount", 3)]


def test_rows_left_out_are_told(cdnow: pl.DataFrame) -> None:
    dirty = pl.concat([cdnow, cdnow.head(3).with_columns(amount=pl.lit(None, pl.Float64))])
    report = cv.value_report(
        cv.read_transactions(dirty, options=cv.TransactionOptions(on_invalid="drop")),
        as_of=AS_OF,
        margin=0.3,
    )
    assert "no amount" in str(report)


def test_orders_may_count_instead_of_days(cdnow: pl.DataFrame) -> None:
    options = cv.TransactionOptions(occasion="order")
    report = cv.value_report(cv.read_transactions(cdnow, options=options), as_of=AS_OF, margin=0.3)
    assert report.tables["headline"]["purchases"].item() == cdnow.height


# --- terms ---


def test_margin_scales_value_and_profit(report: cv.report.ValueReport, cdnow: pl.DataFrame) -> None:
    double = cv.value_report(cdnow, as_of=AS_OF, margin=0.6)
    assert double.customers["clv"].sum() == pytest.approx(2 * report.customers["clv"].sum())
    assert double.customers["profit"].sum() == pytest.approx(2 * report.customers["profit"].sum())


def test_longer_and_cheaper_money_is_worth_more(
    report: cv.report.ValueReport, cdnow: pl.DataFrame
) -> None:
    for words in ({"horizon": "24mo"}, {"horizon": timedelta(days=731)}, {"discount_rate": 0.0}):
        other = cv.value_report(cdnow, as_of=AS_OF, margin=0.3, **words)
        assert (other.customers["clv"] > report.customers["clv"]).all()


@pytest.mark.parametrize("margin", [1.5, -1.5, math.nan, math.inf])
def test_a_margin_out_of_range_is_refused(cdnow: pl.DataFrame, margin: float) -> None:
    with pytest.raises(cv.OptionError, match="margin"):
        cv.value_report(cdnow, as_of=AS_OF, margin=margin)


BAD_TERMS: list[tuple[dict[str, Any], str]] = [
    ({"horizon": "soon"}, "'soon' is not a duration"),
    ({"horizon": "0d"}, "above zero"),
    ({"horizon": timedelta(0)}, "above zero"),
    ({"discount_rate": -0.5}, "discount_rate"),
    ({"discount_rate": math.nan}, "discount_rate"),
]


@pytest.mark.parametrize(("words", "message"), BAD_TERMS)
def test_bad_terms_are_refused(cdnow: pl.DataFrame, words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cv.value_report(cdnow, as_of=AS_OF, margin=0.3, **words)


@pytest.mark.parametrize(("words", "message"), BAD_TERMS)
def test_bad_terms_are_refused_even_where_nothing_can_be_fitted(
    words: dict[str, Any], message: str
) -> None:
    log = log_of(("a", date(2024, 1, 1), 5.0))
    with pytest.raises(ValueError, match=message):
        cv.value_report(log, as_of=date(2024, 2, 1), margin=0.3, **words)


def test_bad_terms_are_refused_before_the_work(cdnow: pl.DataFrame) -> None:
    steps: list[str] = []
    with pytest.raises(cv.OptionError, match="margin"):
        cv.value_report(cdnow, as_of=AS_OF, margin=7.0, progress=steps.append)
    assert steps == []


def test_assumptions_are_told(report: cv.report.ValueReport) -> None:
    assert report.assumptions == (
        "30 % of revenue is margin: of purchases to come, and of past ones whose cost is unknown",
        (
            "clv is the margin expected over 12mo from the day of the report, discounted at "
            "10 % a year"
        ),
        (
            "a customer is at risk after 2 times and lost after 4 times the gap expected between "
            "its purchases, or by p_alive below 0.5 and 0.1"
        ),
    )


def test_assumptions_are_not_rounded_away(cdnow: pl.DataFrame) -> None:
    report = cv.value_report(cdnow, as_of=AS_OF, margin=0.125, discount_rate=0.075)
    assert "12.5 %" in report.assumptions[0]
    assert "7.5 %" in report.assumptions[1]


# --- progress ---


def test_progress_is_told_before_each_step(cdnow: pl.DataFrame) -> None:
    steps: list[str] = []
    cv.value_report(cdnow, as_of=AS_OF, margin=0.3, progress=steps.append)
    assert steps == STEPS


def test_progress_stands_at_the_step_that_failed() -> None:
    steps: list[str] = []
    with pytest.raises(cv.SchemaError):
        cv.value_report(pl.DataFrame({"x": [1]}), as_of=AS_OF, margin=0.3, progress=steps.append)
    assert steps == STEPS[:1]


def test_silence_by_default(cdnow: pl.DataFrame, capfd: pytest.CaptureFixture[str]) -> None:
    cv.value_report(cdnow, as_of=AS_OF, margin=0.3)
    assert capfd.readouterr() == ("", "")


# --- what cannot be computed ---


def test_without_repeat_customers_there_is_no_lifetime_value(
    nobody_repeats: cv.report.ValueReport,
) -> None:
    ((what, why),) = nobody_repeats.not_computed.items()
    assert what == "lifetime value (tiers are by revenue)"
    assert "no repeat purchase" in why
    assert list(nobody_repeats.tables) == TABLES
    assert "clv" not in nobody_repeats.customers.columns
    for name in TABLES:
        assert not {"clv", "clv_each"} & set(nobody_repeats.tables[name].columns)
    assert [words.split()[0] for words in nobody_repeats.assumptions] == ["25", "a"]


def test_without_lifetime_value_tiers_go_by_revenue(nobody_repeats: cv.report.ValueReport) -> None:
    customers = nobody_repeats.customers
    by_revenue = cv.assign_tiers(customers.drop("tier", "distance_to_next"), value="revenue")
    assert customers["tier"].equals(by_revenue["tier"])


def test_without_repeat_customers_the_rest_still_adds_up(
    nobody_repeats: cv.report.ValueReport,
) -> None:
    for name in KEYS:
        assert nobody_repeats.tables[name]["customers"].sum() == 20
        assert nobody_repeats.tables[name]["revenue"].sum() == pytest.approx(390.0)
    assert nobody_repeats.tables["profit"]["profit"].sum() == pytest.approx(97.5)
    (warning,) = nobody_repeats.warnings
    assert warning == "frequency: only 1 of 5 scores occur, since equal values score alike"


def test_new_customers_are_not_lost_because_nobody_repeats(
    nobody_repeats: cv.report.ValueReport,
) -> None:
    assert set(nobody_repeats.customers["stage"]) == {"new"}


def test_one_customer() -> None:
    report = cv.value_report(
        log_of(("a", date(2024, 1, 1), 5.0)), as_of=date(2024, 1, 1), margin=0.2
    )
    assert report.customers.height == 1
    assert report.tables["headline"].select("customers", "revenue", "profit").row(0) == (1, 5, 1)


def test_shares_of_nothing_are_unknown() -> None:
    log = log_of(("a", date(2024, 1, 1), 0.0), ("b", date(2024, 1, 2), 0.0))
    report = cv.value_report(log, as_of=date(2024, 2, 1), margin=0.2)
    for name in KEYS:
        assert report.tables[name]["revenue_pct"].is_null().all()
    assert "NaN" not in str(report)


def test_shares_of_money_that_cancels_are_unknown() -> None:
    log = log_of(("a", date(2024, 1, 1), 5.0), ("b", date(2024, 1, 2), -5.0))
    report = cv.value_report(log, as_of=date(2024, 2, 1), margin=0.2)
    for name in KEYS:
        assert report.tables[name]["revenue_pct"].is_null().all()
    assert "inf" not in str(report)


def test_customers_with_returns_only_are_kept() -> None:
    log = log_of(
        ("a", date(2024, 1, 1), 5.0), ("a", date(2024, 1, 9), 6.0), ("b", date(2024, 1, 5), -4.0)
    )
    report = cv.value_report(log, as_of=date(2024, 2, 1), margin=0.5)
    last = report.customers.row(1, named=True)
    assert (last["stage"], last["rfm_cell"], last["segment"]) == ("prospect", None, None)
    assert report.tables["stages"]["customers"].sum() == 2
    assert report.tables["headline"]["revenue"].item() == pytest.approx(7.0)
    assert report.tables["profit"]["profit"].sum() == pytest.approx(3.5)


def test_a_log_of_returns_only_is_refused() -> None:
    log = log_of(("a", date(2024, 1, 1), -5.0))
    says = "no one has bought anything by 2024-06-30"
    with pytest.raises(cv.DataError, match=says) as caught:
        cv.value_report(log, as_of=AS_OF.replace(2024), margin=0.2)
    assert isinstance(caught.value.report, cv.transactions.DataQualityReport)
    assert caught.value.report.returns == 1


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_up_to_as_of_is_refused(rows: int) -> None:
    log = log_of(("a", date(2024, 1, 1), 5.0)).head(rows)
    with pytest.raises(cv.DataError, match="no one has bought anything by 2023-12-31") as caught:
        cv.value_report(log, as_of=date(2023, 12, 31), margin=0.2)
    assert isinstance(caught.value.report, cv.transactions.DataQualityReport)
    assert caught.value.report.rows_in == rows


# --- print ---


@pytest.mark.parametrize("name", TABLES)
def test_printing_shows_every_table(report: cv.report.ValueReport, name: str) -> None:
    printed = str(report)
    block = printed.split(f"\n{name}\n", maxsplit=1)[1].split("\n\n", maxsplit=1)[0]
    table = report.tables[name]
    assert all(column in block for column in table.columns)
    assert len(block.splitlines()) == table.height + 4
    for row in table.iter_rows(named=True):
        for value in row.values():
            assert shown(value) in block


def test_printing_shows_warnings_and_assumptions(
    report: cv.report.ValueReport, nobody_repeats: cv.report.ValueReport
) -> None:
    assert str(report).startswith("Customer value as of 1998-06-30")
    for one in (report, nobody_repeats):
        lines = str(one).splitlines()
        assert all(f"note: {words}" in lines for words in one.warnings)
        assert all(f"assumed: {words}" in lines for words in one.assumptions)
    assert (
        "\nnot computed: lifetime value (tiers are by revenue): no customers to fit: 20 rows"
        in str(nobody_repeats)
    )


def test_what_limits_the_numbers_is_printed_before_them(
    nobody_repeats: cv.report.ValueReport,
) -> None:
    title, quality, notes, *tables = str(nobody_repeats).split("\n\n")
    assert title == "Customer value as of 2024-02-01"
    assert quality == str(nobody_repeats.quality)
    begins = [line.split(":")[0] for line in notes.splitlines()]
    assert begins == ["not computed", "assumed", "assumed", "note"]
    assert [table.splitlines()[0] for table in tables] == TABLES


def test_any_terminal_can_show_it(
    report: cv.report.ValueReport, nobody_repeats: cv.report.ValueReport
) -> None:
    assert str(report).isascii()
    assert str(nobody_repeats).isascii()
    assert max(len(line) for line in "\n\n".join(str(report).split("\n\n")[3:]).splitlines()) <= 120


def test_printing_leaves_the_settings_of_polars_alone(report: cv.report.ValueReport) -> None:
    before = pl.Config.save()
    assert str(report)
    assert pl.Config.save() == before


def test_a_report_is_frozen(report: cv.report.ValueReport) -> None:
    assert is_dataclass(report)
    with pytest.raises(FrozenInstanceError):
        report.tables = {}  # type: ignore[misc]


def test_reports_can_be_compared(
    report: cv.report.ValueReport, nobody_repeats: cv.report.ValueReport
) -> None:
    """As things that are the same or not: frames have no single truth to compare by."""
    assert report == report  # noqa: PLR0124
    assert report != nobody_repeats
    assert len({report, nobody_repeats}) == 2
