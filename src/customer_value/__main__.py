"""A thin door for pipelines and first contact: `python -m customer_value`."""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_ROLES = {
    "customer": ("customer_id", "column of the customer's key"),
    "time": ("ordered_at", "column of the date or time"),
    "amount": ("amount", "column of the amount of money; negative for returns"),
    "order": (None, "column of the order id"),
    "cost": (None, "column of the cost of goods"),
    "discount": (None, "column of the discount, already taken off the amount"),
    "category": (None, "column of the product category"),
    "channel": (None, "column of the sales channel"),
    "currency": (None, "column of the currency code"),
    "kind": (None, "column that says 'sale' or 'return'"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the command; by default those of the process.

    Returns:
        The exit code: 0, or 2 where the input or an option cannot be used.
    """
    options = _parser().parse_args(arguments)
    # Imported here, so that --help answers at once.
    from polars.exceptions import PolarsError
    from pydantic import ValidationError

    from customer_value.exceptions import CustomerValueError

    try:
        _report(options)
    except ValidationError as error:
        return _fail(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        )
    except (CustomerValueError, OSError, PolarsError) as error:
        return _fail(str(error))
    return 0


def _report(options: argparse.Namespace) -> None:
    from customer_value.datasets import load_cdnow
    from customer_value.exceptions import CustomerValueError
    from customer_value.report import value_report
    from customer_value.transactions import Columns, TransactionOptions

    # The one place that looks at a clock: nobody has seen a day that is yet to come.
    today = datetime.now().astimezone().date()
    if options.as_of > today:
        raise CustomerValueError(f"--as-of {options.as_of} is in the future (today is {today})")
    names = {role: getattr(options, role) for role in _ROLES}
    report = value_report(
        load_cdnow() if options.file is None else _read(options),
        as_of=options.as_of,
        margin=options.margin,
        columns=Columns(**{role: name for role, name in names.items() if name is not None}),
        options=TransactionOptions(tz=options.tz, on_invalid=options.on_invalid),
        horizon=options.horizon,
        discount_rate=options.discount_rate,
        progress=lambda step: print(f"... {step}", file=sys.stderr, flush=True),
    )
    report.customers.write_parquet(options.out)
    print(report)
    print(f"\n{report.customers.height:,} customers written to {options.out}")


def _read(options: argparse.Namespace) -> pl.LazyFrame:
    import polars as pl

    from customer_value.exceptions import SchemaError

    if options.file.suffix.lower() in {".parquet", ".pq"}:
        return pl.scan_parquet(options.file)
    if options.file.suffix.lower() not in {".csv", ".tsv", ".txt"}:
        raise SchemaError(f"{options.file}: not a .csv, .tsv, .txt or .parquet file")
    separator = "\t" if options.file.suffix.lower() == ".tsv" else ","
    names = pl.scan_csv(options.file, separator=separator).collect_schema().names()
    # Keys stay text (leading zeros count) and money is never taken for whole numbers.
    keys = dict.fromkeys((options.customer, options.order), pl.String)
    money = dict.fromkeys((options.amount, options.cost, options.discount), pl.Float64)
    time = {options.time: pl.String} if options.time_format else {}
    types = {name: kind for name, kind in (keys | money | time).items() if name in names}
    log = pl.scan_csv(
        options.file, separator=separator, schema_overrides=types, try_parse_dates=True
    )
    if options.time_format and options.time in names:
        log = log.with_columns(pl.col(options.time).str.to_datetime(options.time_format))
    return log


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="customer_value",
        description="What each customer is worth. Without a command: the report on the bundled "
        "CDNOW log, as of 1998-06-30, with an assumed margin of 30 %%.",
    )
    parser.set_defaults(
        file=None,
        as_of=date(1998, 6, 30),
        margin=0.3,
        horizon="12mo",
        discount_rate=0.10,
        tz=None,
        on_invalid="raise",
        out=Path("cdnow_customers.parquet"),
        **dict.fromkeys(_ROLES),
    )
    commands = parser.add_subparsers(title="commands")
    report = commands.add_parser(
        "report",
        help="the report on your own transactions",
        description="Score every customer of a CSV or Parquet file of transactions, print the "
        "report and write the scored customers to Parquet.",
        epilog="Example: python -m customer_value report orders.csv --customer id --time date "
        "--amount total --as-of 2026-10-31 --out scored.parquet",
    )
    report.add_argument("file", type=Path, help="a .csv, .tsv or .parquet file, one row per order")
    for role, (default, says) in _ROLES.items():
        suffix = f" (default: {default})" if default else ""
        report.add_argument(f"--{role}", metavar="NAME", default=default, help=says + suffix)
    report.add_argument(
        "--as-of",
        type=date.fromisoformat,
        required=True,
        metavar="YYYY-MM-DD",
        help="day of the snapshot: later rows do not count",
    )
    report.add_argument(
        "--time-format",
        metavar="FORMAT",
        help="how dates in a CSV are written, e.g. %%d/%%m/%%Y (default: ISO 8601)",
    )
    report.add_argument("--tz", metavar="ZONE", help="time zone of the business day")
    report.add_argument(
        "--margin",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="assumed share of revenue that is margin (default: 0.3)",
    )
    report.add_argument(
        "--horizon",
        default="12mo",
        help="time over which lifetime value counts, e.g. 52w (default: 12mo)",
    )
    report.add_argument(
        "--discount-rate",
        type=float,
        default=0.10,
        metavar="RATE",
        help="annual effective discount rate (default: 0.10)",
    )
    report.add_argument(
        "--on-invalid",
        choices=("raise", "drop"),
        default="raise",
        help="refuse a file with unusable rows, or leave them out and count them (default: raise)",
    )
    report.add_argument(
        "--out",
        type=Path,
        default=Path("customers.parquet"),
        metavar="FILE",
        help="where to write the scored customers (default: customers.parquet)",
    )
    return parser


def _fail(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
