from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest

import customer_value as cv
from customer_value.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(cv.__file__).parents[1]
AS_OF = ["--as-of", "1998-06-30"]
TABLES = ["headline", "segments", "abc", "tiers", "stages", "profit"]
PYTHON_WORDS = [
    "str.to_date",
    "schema_overrides",
    "infer_schema",
    "TransactionOptions",
    "Columns(",
    "PlRefPath",
    "truncate_ragged_lines",
    "timedelta",
    ".cast(",
    "pl.",
]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def log() -> pl.DataFrame:
    """A part of the sample, its keys with leading zeros."""
    raw = cv.load_cdnow().filter(pl.col("customer_id") % 16 == 0)
    return raw.select(
        pl.col("customer_id").cast(pl.String).str.zfill(6),
        pl.col("ordered_at").cast(pl.Date),
        "amount",
    )


class Said(NamedTuple):
    code: int
    out: str
    progress: list[str]
    errors: list[str]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    capsys.readouterr()
    code = main(arguments)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    progress = [line for line in lines if line.startswith("... ")]
    assert lines[: len(progress)] == progress
    return Said(code, out, progress, lines[len(progress) :])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the report, and return the one line that says why it cannot be made."""
    said = run(capsys, "report", *arguments)
    assert said.code == 2
    assert said.out == ""
    (line,) = said.errors
    assert line.startswith("error: ")
    assert line.isprintable()
    assert len(line) < 1000
    assert "Traceback" not in line
    return line.removeprefix("error: ")


def scored(out: str = "customers.parquet") -> pl.DataFrame:
    return pl.read_parquet(out)


def write(text: str, name: str = "log.csv") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def with_row(log: pl.DataFrame, row: str, name: str = "log.csv") -> str:
    """Write the log as CSV, and one more row as it stands."""
    return write(log.write_csv() + row + "\n", name)


# --- the bundled main job ---


def test_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys)
    assert (said.code, said.errors) == (0, [])
    assert len(said.progress) == 7
    customers = scored("cdnow_customers.parquet")
    assert customers.height == 2357
    assert customers["revenue"].sum() == pytest.approx(244_091.94)
    assert said.out.splitlines()[-1] == "scored customers: 2,357, in cdnow_customers.parquet"
    assert "Customer value as of 1998-06-30" in said.out
    assert all(f"\n{name}\n" in said.out for name in TABLES)
    assert [path.name for path in Path().iterdir()] == ["cdnow_customers.parquet"]


def start(
    *arguments: str, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-m", "customer_value", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        encoding="utf-8",
        errors="replace",
    )


def test_the_main_job_as_a_process_in_an_empty_directory() -> None:
    done = start()
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("... ") for line in done.stderr.splitlines())
    assert scored("cdnow_customers.parquet").height == 2357


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_any_terminal_can_show_the_report(log: pl.DataFrame, encoding: str) -> None:
    """Such as a redirected output on Windows."""
    log.write_csv("log.csv")
    done = start("report", "log.csv", *AS_OF, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "headline" in done.stdout


def test_any_terminal_can_show_any_name(log: pl.DataFrame) -> None:
    log.with_columns(currency=pl.lit("€")).write_csv("log.csv")
    words = ["--currency", "currency", "--out", "été.parquet"]
    done = start("report", "log.csv", *AS_OF, *words, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert Path("été.parquet").exists()


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_who_has_seen_enough_does_not_cost_the_file(log: pl.DataFrame) -> None:
    """Such as `head -1`."""
    log.write_csv("log.csv")
    read, written = os.pipe()
    os.close(read)
    try:
        done = start("report", "log.csv", *AS_OF, stdout=written, PYTHONUNBUFFERED="1")
    finally:
        os.close(written)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("... ") for line in done.stderr.splitlines())
    assert scored().height == log["customer_id"].n_unique()


def test_help_is_quick_and_needs_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from customer_value.__main__ import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit as done:\n"
        "    heavy = {'numpy', 'polars', 'pydantic', 'numba', 'scipy'} & set(sys.modules)\n"
        "    print(done.code, sorted(heavy))\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"]])
def test_help_reads_well(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: ")
    assert "%%" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["report"],
        ["report", "x.csv"],
        ["report", "x.csv", "--as-of", "30.6.1998"],
        ["report", "x.csv", *AS_OF, "--margin", "much"],
        ["report", "x.csv", *AS_OF, "--on-invalid", "ignore"],
    ],
)
def test_words_it_does_not_know(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


# --- files it reads ---


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("log.csv", lambda log, name: log.write_csv(name)),
        ("log.CSV", lambda log, name: log.write_csv(name)),
        ("log.txt", lambda log, name: log.write_csv(name)),
        ("log.tsv", lambda log, name: log.write_csv(name, separator="\t")),
        ("bom.csv", lambda log, name: log.write_csv(name, include_bom=True)),
        ("log.parquet", lambda log, name: log.write_parquet(name)),
        ("log.pq", lambda log, name: log.write_parquet(name)),
        ("with spaces.csv", lambda log, name: log.write_csv(name)),
        ("orders[1].csv", lambda log, name: log.write_csv(name)),
        ("orders[1].parquet", lambda log, name: log.write_parquet(name)),
    ],
)
def test_files(
    capsys: pytest.CaptureFixture[str],
    log: pl.DataFrame,
    name: str,
    save: Callable[[pl.DataFrame, str], None],
) -> None:
    save(log, name)
    said = run(capsys, "report", name, *AS_OF)
    assert (said.code, said.errors) == (0, [])
    expected = cv.value_report(log, as_of=date(1998, 6, 30), margin=0.3).customers
    assert scored().sort("customer_id").equals(expected)


def test_customers_are_written_in_the_order_of_their_keys(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    log.write_csv("log.csv")
    assert run(capsys, "report", "log.csv", *AS_OF).code == 0
    assert scored()["customer_id"].is_sorted()


def test_leading_zeros_of_keys_are_kept(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    log.with_columns(order_id=pl.lit("0") + pl.row_index().cast(pl.String)).write_csv("log.csv")
    assert run(capsys, "report", "log.csv", *AS_OF, "--order", "order_id").code == 0
    assert set(scored()["customer_id"]) == set(log["customer_id"])
    assert scored().schema["customer_id"] == pl.String


def test_names_of_columns(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    names = {"customer_id": "Kunde Nr", "ordered_at": "Datum", "amount": "Betrag €"}
    log.with_columns(Kosten=0.5 * pl.col("amount"), Rabatt=pl.lit(0)).rename(names).write_csv(
        "log.csv"
    )
    words = ["--customer", "Kunde Nr", "--time", "Datum", "--amount", "Betrag €"]
    more = ["--cost", "Kosten", "--discount", "Rabatt", "--out", "found.parquet"]
    said = run(capsys, "report", "log.csv", *words, *more, *AS_OF)
    assert (said.code, said.errors) == (0, [])
    customers = scored("found.parquet")
    assert customers["profit"].sum() == pytest.approx(float(customers["revenue"].sum()) / 2)
    assert said.out.splitlines()[-1] == f"scored customers: {customers.height:,}, in found.parquet"


def test_every_role_can_be_named(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    log.with_columns(
        o=pl.row_index(), c=pl.lit(1.0), d=pl.lit(0.0), g=pl.lit("x"), w=pl.lit("web")
    ).with_columns(cur=pl.lit("USD"), k=pl.lit("sale")).write_csv("log.csv")
    words = "--order o --cost c --discount d --category g --channel w --currency cur --kind k"
    said = run(capsys, "report", "log.csv", *words.split(), *AS_OF)
    assert (said.code, said.errors) == (0, [])
    assert "n_categories" in scored().columns


def test_money_in_whole_numbers_at_first(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    """Were the type guessed from the first rows, 0.5 would be no number."""
    whole = log.with_columns(pl.col("amount").round().cast(pl.Int64))
    file = with_row(pl.concat([whole] * 20), "000016,1998-01-01,0.5")
    assert run(capsys, "report", file, *AS_OF).code == 0
    assert scored()["revenue"].sum() == pytest.approx(20 * int(whole["amount"].sum()) + 0.5)


@pytest.mark.parametrize(
    ("style", "arguments"),
    [
        ("%Y-%m-%d", []),
        ("%Y-%m-%dT%H:%M:%S", []),
        ("%Y-%m-%d %H:%M:%S", []),
        ("%d/%m/%Y", ["--time-format", "%d/%m/%Y"]),
        ("%m/%d/%Y", ["--time-format", "%m/%d/%Y"]),
        ("%d.%m.%y", ["--time-format", "%d.%m.%y"]),
        ("%Y%m%d %H:%M", ["--time-format", "%Y%m%d %H:%M"]),
    ],
)
def test_ways_to_write_dates(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, style: str, arguments: list[str]
) -> None:
    written = pl.col("ordered_at").cast(pl.Datetime).dt.strftime(style)
    log.with_columns(written).write_csv("log.csv")
    said = run(capsys, "report", "log.csv", *AS_OF, *arguments)
    assert (said.code, said.errors) == (0, [])
    days = dict(scored().select("customer_id", "last_purchase").iter_rows())
    assert days == dict(log.group_by("customer_id").agg(pl.col("ordered_at").max()).iter_rows())


@pytest.mark.parametrize(
    "style", ["%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%y/%m/%d", "%y-%m-%d", "%d-%m-%y"]
)
def test_dates_are_never_guessed(capsys: pytest.CaptureFixture[str], style: str) -> None:
    """3 February as 02/03 would be read as 2 March, 03-02-24 as a day of the year 3."""
    days = [date(2024, k, k) for k in range(1, 13)] + [date(2024, 2, 3)]
    rows = "".join(f"c{k % 5},{day.strftime(style)},{10 + k}\n" for k, day in enumerate(days))
    file = write("customer_id,ordered_at,amount\n" + rows)
    assert "ordered_at" in refused(capsys, file, "--as-of", "2025-01-01")


def test_a_format_of_four_digits_reads_no_year_of_two(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("customer_id,ordered_at,amount\na,03/02/24,1\nb,04/02/24,2\n")
    day = ["--as-of", "2025-01-01"]
    line = refused(capsys, file, *day, "--time-format", "%d/%m/%Y")
    assert "'ordered_at' has 2 that are not dates (see --time-format" in line
    assert "e.g. '03/02/24'" in line
    assert run(capsys, "report", file, *day, "--time-format", "%d/%m/%y").code == 0
    assert scored()["first_purchase"].to_list() == [date(2024, 2, 3), date(2024, 2, 4)]


@pytest.mark.parametrize(
    ("separator", "words"), [(";", ["--separator", ";"]), ("|", ["--separator", "|"])]
)
def test_separators(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, separator: str, words: list[str]
) -> None:
    log.write_csv("log.csv", separator=separator)
    line = refused(capsys, "log.csv", *AS_OF)
    assert "--separator" in line
    assert f"'customer_id{separator}ordered_at{separator}amount'" in line
    assert run(capsys, "report", "log.csv", *AS_OF, *words).code == 0
    assert scored().height == log["customer_id"].n_unique()


@pytest.mark.parametrize("separator", ["||", "é", "\\t", ""])
def test_a_separator_is_one_character(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, separator: str
) -> None:
    log.write_csv("log.csv")
    assert "--separator" in refused(capsys, "log.csv", *AS_OF, "--separator", separator)


def test_time_zones_of_a_parquet_file(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    zoned = pl.col("ordered_at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    log.with_columns(zoned).write_parquet("log.parquet")
    line = refused(capsys, "log.parquet", *AS_OF)
    assert "option tz" in line or "--tz" in line
    assert not [word for word in PYTHON_WORDS if word in line]
    assert run(capsys, "report", "log.parquet", *AS_OF, "--tz", "UTC").code == 0


def test_time_zones_by_a_format(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("customer_id,ordered_at,amount\na,2024-01-01T23:30:00-0500,1\n")
    words = ["--as-of", "2024-06-30", "--time-format", "%Y-%m-%dT%H:%M:%S%z"]
    line = refused(capsys, file, *words)
    assert "option tz" in line or "--tz" in line
    assert not [word for word in PYTHON_WORDS if word in line]
    assert run(capsys, "report", file, *words, "--tz", "Asia/Shanghai").code == 0
    assert scored()["last_purchase"].to_list() == [date(2024, 1, 2)]


@pytest.mark.parametrize(
    "time",
    [
        "2024-01-01T23:30:00Z",
        "2024-01-01 23:30:00Z",
        "2024-01-01T23:30:00.250Z",
        "2024-01-02T01:30:00+02:00",
    ],
)
def test_iso_times_with_a_zone(capsys: pytest.CaptureFixture[str], time: str) -> None:
    file = write(f"customer_id,ordered_at,amount\na,{time},1\n")
    words = ["--as-of", "2024-06-30", "--tz", "Asia/Shanghai"]
    said = run(capsys, "report", file, *words)
    assert (said.code, said.errors) == (0, [])
    assert scored()["last_purchase"].to_list() == [date(2024, 1, 2)]


def test_times_without_a_zone_are_taken_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "a,2024-01-01T23:30:00Z,1\nb,2024-01-01T23:30:00,1\nc,2024-01-01,1\n"
    file = write("customer_id,ordered_at,amount\n" + rows)
    words = ["--as-of", "2024-06-30", "--tz", "Asia/Shanghai"]
    assert run(capsys, "report", file, *words).code == 0
    days = scored()["last_purchase"].to_list()
    assert days == [date(2024, 1, 2), date(2024, 1, 1), date(2024, 1, 1)]
    assert "'ordered_at' has 1 that are not dates" in refused(capsys, file, *words[:2])


def test_time_zones(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"c{k % 9},2024-01-{k + 1:02d}T23:30:00Z,{10 + k}.5\n" for k in range(28))
    file = write("customer_id,ordered_at,amount\n" + rows)
    day = ["--as-of", "2024-06-30"]
    assert "--tz" in refused(capsys, file, *day)
    assert "Mars/Base" in refused(capsys, file, *day, "--tz", "Mars/Base")
    assert run(capsys, "report", file, *day, "--tz", "Asia/Shanghai").code == 0
    assert scored()["last_purchase"].max() == date(2024, 1, 29)
    assert run(capsys, "report", file, *day, "--tz", "UTC").code == 0
    assert scored()["last_purchase"].max() == date(2024, 1, 28)


def test_options_reach_the_report(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    log.write_csv("log.csv")
    words = ["--margin", "0.4", "--horizon", "26w", "--discount-rate", "0.2"]
    said = run(capsys, "report", "log.csv", "--as-of", "1998-03-31", *words)
    assert said.code == 0
    expected = cv.value_report(
        log, as_of=date(1998, 3, 31), margin=0.4, horizon="26w", discount_rate=0.2
    )
    assert scored().sort("customer_id").equals(expected.customers)
    assert str(expected) in said.out


def test_today_is_no_future_day(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    log.write_csv("log.csv")
    today = date.today()  # noqa: DTZ011
    assert run(capsys, "report", "log.csv", "--as-of", today.isoformat()).code == 0


# --- what it refuses, in one line ---


def test_a_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("there.parquet").write_bytes(b"")
    for name in ("nothing.csv", "nothing.parquet"):
        assert refused(capsys, name, *AS_OF) == f"{name}: no such file"
        line = refused(capsys, name, *AS_OF, "--out", "there.parquet")
        assert line == f"{name}: no such file"


@pytest.mark.parametrize("name", ["some.csv", "some.parquet", "some"])
def test_a_directory(capsys: pytest.CaptureFixture[str], name: str) -> None:
    Path(name).mkdir()
    assert name in refused(capsys, name, *AS_OF)


def test_another_kind_of_file(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, write("x", "book.xlsx"), *AS_OF)
    assert line == "book.xlsx: not a .csv, .tsv, .txt or .parquet file"


@pytest.mark.parametrize("name", ["noise.csv", "noise.parquet"])
def test_noise(capsys: pytest.CaptureFixture[str], name: str) -> None:
    noise = bytes((k * k * 31 + k // 7) % 256 for k in range(4000))
    Path(name).write_bytes(noise)
    assert name in refused(capsys, name, *AS_OF)


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("customer\x1b[31m,ordered_at,amount\na,2024-01-01,1\n")
    assert "customer?[31m" in refused(capsys, file, *AS_OF)


@pytest.mark.parametrize("name", ["empty.csv", "empty.tsv", "empty.parquet"])
def test_an_empty_file_is_named(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert name in refused(capsys, write("", name), *AS_OF)


def test_another_encoding_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = "customer_id,ordered_at,amount\nJosé,1998-01-01,5\n"
    Path("latin.csv").write_bytes(text.encode("latin-1"))
    line = refused(capsys, "latin.csv", *AS_OF)
    assert "latin.csv" in line
    assert "UTF-8" in line.upper()


def test_text_in_two_bytes_per_character_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = "customer_id,ordered_at,amount\na,1998-01-01,5\n"
    Path("excel.csv").write_bytes(text.encode("utf-16"))
    assert "excel.csv: not a CSV file in UTF-8" in refused(capsys, "excel.csv", *AS_OF)


def test_only_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("customer_id,ordered_at,amount\n")
    assert refused(capsys, file, *AS_OF) == "no one has bought anything by 1998-06-30"


def test_a_missing_column_is_named_with_those_that_are_there(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    log.write_csv("log.csv")
    line = refused(capsys, "log.csv", *AS_OF, "--customer", "costumer_id")
    assert "missing column 'costumer_id'" in line
    assert "there are 'customer_id', 'ordered_at', 'amount'" in line
    assert "did you mean 'customer_id'" in line
    assert not [word for word in PYTHON_WORDS if word in line]


def test_hundreds_of_columns_are_not_all_listed(capsys: pytest.CaptureFixture[str]) -> None:
    file = write(",".join(f"column_{k}" for k in range(500)) + "\n")
    assert "missing columns" in refused(capsys, file, *AS_OF)


def test_one_column_for_two_things(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    log.write_csv("log.csv")
    line = refused(capsys, "log.csv", *AS_OF, "--cost", "amount")
    assert line == "columns used for two things: amount"


@pytest.mark.parametrize(
    "row", ["000016,first of May,5.0", "000016,1998-02-31,5.0", "000016,31/12/1997,5.0"]
)
def test_dates_that_are_none(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, row: str
) -> None:
    line = refused(capsys, with_row(log, row), *AS_OF)
    assert "ordered_at" in line
    assert "--time-format" in line
    assert row.split(",")[1] in line


@pytest.mark.parametrize("style", ["%d.%m.%Y", "nonsense"])
def test_a_format_that_does_not_fit(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, style: str
) -> None:
    log.write_csv("log.csv")
    line = refused(capsys, "log.csv", *AS_OF, "--time-format", style)
    assert "ordered_at" in line
    assert not [word for word in ("strict=False", "strptime") if word in line]


@pytest.mark.parametrize("amount", ["ten", "$5.00", '"10,50"'])
def test_amounts_that_are_no_numbers(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, amount: str
) -> None:
    line = refused(capsys, with_row(log, f"000016,1998-01-01,{amount}"), *AS_OF)
    assert "amount" in line
    assert amount.strip('"') in line
    assert not [word for word in PYTHON_WORDS if word in line]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",1998-01-01,5.0", "1 row with no customer"),
        ("000016,,5.0", "1 row with no date"),
        ("000016,1998-01-01,", "1 row with no amount"),
        ("000016,1998-01-01,nan", "1 row with a NaN or infinite amount"),
        ("000016,1998-01-01,inf", "1 row with a NaN or infinite amount"),
    ],
)
def test_unusable_rows_are_refused_or_left_out(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, row: str, says: str
) -> None:
    file = with_row(log, row)
    assert says in refused(capsys, file, *AS_OF)
    assert not Path("customers.parquet").exists()
    said = run(capsys, "report", file, *AS_OF, "--on-invalid", "drop")
    assert (said.code, said.errors) == (0, [])
    expected = cv.value_report(log, as_of=date(1998, 6, 30), margin=0.3).customers
    assert scored().sort("customer_id").equals(expected)
    assert says.removeprefix("1 row with ") in said.out


@pytest.mark.parametrize("row", ["000016,some day,5.0", "000016,1998-01-01,ten"])
def test_unreadable_rows_can_be_left_out_too(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, row: str
) -> None:
    said = run(capsys, "report", with_row(log, row), *AS_OF, "--on-invalid", "drop")
    assert (said.code, said.errors) == (0, [])
    assert scored()["revenue"].sum() == pytest.approx(log["amount"].sum())


def test_text_that_is_long_is_cut_short(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    line = refused(capsys, with_row(log, f"000016,1998-01-01,ten {'x' * 5000}"), *AS_OF)
    assert "e.g. 'ten xxx" in line


def test_every_unreadable_column_is_named_at_once_with_count_and_example(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    rows = "000016,some day,1.0\n000016,any day,ten\n000016, ,\n"
    line = refused(capsys, with_row(log, rows), *AS_OF)
    dates, numbers = line.split("; ")
    assert dates.startswith("log.csv: 'ordered_at' has 2 that are not dates (see --time-format")
    assert dates.endswith("e.g. 'some day'")
    assert numbers == "'amount' has 1 that are not numbers, e.g. 'ten'"


def test_spaces_around_dates_and_numbers_do_not_matter(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    file = with_row(log, "000016, 1998-01-01 , 5.5 ")
    assert run(capsys, "report", file, *AS_OF).code == 0
    assert scored()["revenue"].sum() == pytest.approx(float(log["amount"].sum()) + 5.5)


def test_rows_of_too_many_fields(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    line = refused(capsys, with_row(log, "000016,1998-01-01,5.0,6,7", "wide.csv"), *AS_OF)
    assert "wide.csv" in line
    assert not [word for word in PYTHON_WORDS if word in line]


def test_a_day_yet_to_come(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    log.write_csv("log.csv")
    tomorrow = date.today() + timedelta(days=2)  # noqa: DTZ011
    line = refused(capsys, "log.csv", "--as-of", tomorrow.isoformat())
    assert f"--as-of {tomorrow} is in the future" in line


def test_a_day_before_the_log(capsys: pytest.CaptureFixture[str], log: pl.DataFrame) -> None:
    log.write_csv("log.csv")
    line = refused(capsys, "log.csv", "--as-of", "1990-01-01")
    assert line == "no one has bought anything by 1990-01-01"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--margin", "1.5"], "margin"),
        (["--margin", "nan"], "margin"),
        (["--horizon", "soon"], "'soon' is not a duration"),
        (["--horizon", "0d"], "above zero"),
        (["--discount-rate", "-0.5"], "discount"),
        (["--discount-rate", "nan"], "discount"),
        (["--discount-rate", "11"], "discount"),
        (["--tz", "Mars/Base"], "'Mars/Base' is not a time zone"),
        (["--time", ""], "missing column ''"),
    ],
)
def test_options_out_of_range(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, words: list[str], says: str
) -> None:
    log.write_csv("log.csv")
    line = refused(capsys, "log.csv", *AS_OF, *words)
    assert says in line
    assert "string" not in line
    assert not [word for word in PYTHON_WORDS if word in line]


@pytest.mark.parametrize("out", ["no/such/place.parquet", "place", ""])
def test_a_place_where_nothing_can_be_written(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, out: str
) -> None:
    Path("place").mkdir()
    log.write_csv("log.csv")
    assert out in refused(capsys, "log.csv", *AS_OF, "--out", out)


@pytest.mark.parametrize("out", ["scored.csv", "scored", "scored.parquet.gz"])
def test_what_is_written_is_named_parquet(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, out: str
) -> None:
    log.write_csv("log.csv")
    said = run(capsys, "report", "log.csv", *AS_OF, "--out", out)
    assert (said.code, said.out, said.progress) == (2, "", [])
    assert said.errors == [f"error: --out {out}: name it .parquet, that is what is written"]
    assert not Path(out).exists()


def test_the_report_is_printed_before_the_file_is_written(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever then happens to the file, the work was not in vain."""

    def full(_: pl.DataFrame, file: Path) -> None:
        raise OSError(28, "No space left on device", str(file))

    log.write_csv("log.csv")
    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    said = run(capsys, "report", "log.csv", *AS_OF)
    assert said.code == 2
    assert "\nheadline\n" in said.out
    assert "scored customers" not in said.out
    (line,) = said.errors
    assert "No space left" in line


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
@pytest.mark.parametrize("out", ["{}", "./{}", "linked.parquet"])
def test_the_input_is_never_overwritten(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame, name: str, out: str
) -> None:
    (log.write_csv if name.endswith("csv") else log.write_parquet)(name)
    before = Path(name).read_bytes()
    Path("linked.parquet").symlink_to(name)
    line = refused(capsys, name, *AS_OF, "--out", out.format(name))
    assert "--out" in line
    assert Path(name).read_bytes() == before


def test_the_messages_speak_of_options_not_of_python(
    capsys: pytest.CaptureFixture[str], log: pl.DataFrame
) -> None:
    Path("some.csv").mkdir()
    lines = [
        refused(capsys, "some.csv", *AS_OF),
        refused(capsys, with_row(log, "000016,first of May,5.0"), *AS_OF),
        refused(capsys, with_row(log, "000016,1998-01-01,ten"), *AS_OF),
        refused(capsys, write("customer_id,ordered_at,amount\na,2024-01-01T00:00:00Z,1\n"), *AS_OF),
    ]
    text = log.with_columns(pl.col("ordered_at").cast(pl.String))
    money = log.with_columns(pl.col("amount").cast(pl.String))
    keys = log.with_columns(pl.col("customer_id").cast(pl.Int64).cast(pl.Date))
    for frame, column in ((text, "ordered_at"), (money, "amount"), (keys, "customer_id")):
        frame.write_parquet("log.parquet")
        # A typed file is not parsed here: what to do is said to whoever made it.
        assert f"'{column}' is " in refused(capsys, "log.parquet", *AS_OF)
    for line in lines:
        assert not [word for word in PYTHON_WORDS if word in line], line


# --- logs of little ---


def test_a_log_where_nobody_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{k:03d},2024-01-{1 + k % 28:02d},{10 + k}\n" for k in range(40))
    said = run(
        capsys, "report", write("customer_id,ordered_at,amount\n" + rows), *AS_OF[:1], "2024-03-01"
    )
    assert (said.code, said.errors) == (0, [])
    assert "not computed: lifetime value" in said.out
    assert scored().height == 40


def test_a_single_row(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("customer_id,ordered_at,amount\na,2024-01-01,3\n")
    said = run(capsys, "report", file, "--as-of", "2024-01-01")
    assert (said.code, said.errors) == (0, [])
    assert said.out.splitlines()[-1] == "scored customers: 1, in customers.parquet"


def test_returns_only(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("customer_id,ordered_at,amount\na,2024-01-01,-3\n")
    line = refused(capsys, file, "--as-of", "2024-01-01")
    assert line == "no one has bought anything by 2024-01-01"


QUOTED = """"customer_id","ordered_at","amount","order_id"
"a","2024-01-01","10","6"
"a","2024-02-01","20","7"
"b","2024-02-01","20","8"
"","2024-02-01","20","9"
"c","2024-03-01","30",""
"""


def test_quoted_empty_keys_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    write(QUOTED, "quoted.csv")
    order = ("report", "quoted.csv", "--as-of", "2024-12-31", "--order", "order_id")
    said = run(capsys, *order)
    assert said.code == 2
    assert "1 row with no customer" in said.errors[0]
    assert "1 row with" in said.errors[0].replace("1 row with no customer", "", 1)
    assert run(capsys, *order, "--on-invalid", "drop").code == 0
    assert pl.read_parquet("customers.parquet")["customer_id"].to_list() == ["a", "b"]


def test_rows_of_unreadable_costs_are_left_out_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = ["a,2024-01-05,100,90", 'b,2024-01-06,100,"90,00"', "c,2024-01-07,100,"]
    write("\n".join(["customer_id,ordered_at,amount,cost", *rows]), "costs.csv")
    said = run(
        capsys,
        *("report", "costs.csv", "--as-of", "2024-12-31"),
        *("--cost", "cost", "--on-invalid", "drop"),
    )
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert ["rows", "in", "3"] in lines
    assert ["rows", "out", "2"] in lines
    assert pl.read_parquet("customers.parquet")["customer_id"].to_list() == ["a", "c"]
