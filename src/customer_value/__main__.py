"""A thin door for pipelines and first contact: `python -m customer_value`."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails


_PARQUET = (".parquet", ".pq")
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

_OPTIONS: dict[str, dict[str, Any]] = {
    "--as-of": {
        "type": date.fromisoformat,
        "required": True,
        "metavar": "YYYY-MM-DD",
        "help": "day of the snapshot: later rows do not count",
    },
    "--time-format": {
        "metavar": "FORMAT",
        "help": "how dates in a CSV are written, e.g. %%d/%%m/%%Y (default: ISO 8601)",
    },
    "--separator": {
        "metavar": "CHARACTER",
        "help": "what separates the columns of a CSV (default: , or, in a .tsv, the tabulator)",
    },
    "--tz": {"metavar": "ZONE", "help": "time zone of the business day"},
    "--margin": {
        "type": float,
        "default": 0.3,
        "metavar": "SHARE",
        "help": "assumed share of revenue that is margin",
    },
    "--horizon": {"default": "12mo", "help": "time over which lifetime value counts, e.g. 52w"},
    "--discount-rate": {
        "type": float,
        "default": 0.1,
        "metavar": "RATE",
        "help": "annual effective discount rate",
    },
    "--on-invalid": {
        "choices": ("raise", "drop"),
        "default": "raise",
        "help": "refuse a file with unusable rows, or leave them out and count them",
    },
    "--out": {
        "type": Path,
        "default": Path("customers.parquet"),
        "metavar": "FILE",
        "help": "where to write the scored customers",
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the command; by default those of the process.

    Returns:
        The exit code: 0, or 2 where the input or an option cannot be used.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name that the terminal cannot show
    # Imported here, so that --help answers at once.
    from polars.exceptions import PolarsError
    from pydantic import ValidationError

    from customer_value.exceptions import CustomerValueError

    try:
        _report(options)
    except ValidationError as error:
        return _fail("; ".join(_problem(problem) for problem in error.errors()))
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CustomerValueError, OSError, PolarsError) as error:
        return _fail(str(error))
    return 0


def _report(options: argparse.Namespace) -> None:
    from customer_value.datasets import load_cdnow
    from customer_value.report import value_report
    from customer_value.transactions import Columns, TransactionOptions, read_transactions
    from customer_value.transactions.files import read_file

    _check(options)
    names = {role: getattr(options, role) for role in _ROLES}
    columns = Columns(**{role: name for role, name in names.items() if name is not None})
    reading = TransactionOptions(tz=options.tz, on_invalid=options.on_invalid)

    def tell(step: str) -> None:
        print(f"... {step}", file=sys.stderr, flush=True)

    tell("reading the log")
    table = (
        load_cdnow()
        if options.file is None
        else read_file(
            options.file,
            columns,
            reading,
            separator=options.separator,
            time_format=options.time_format,
        )
    )
    report = value_report(
        read_transactions(table, columns=columns, options=reading),
        as_of=options.as_of,
        margin=options.margin,
        horizon=options.horizon,
        discount_rate=options.discount_rate,
        progress=tell,
    )
    try:
        print(report, flush=True)
    finally:  # also where no one reads to the end
        report.customers.write_parquet(options.out)
    print(f"\nscored customers: {report.customers.height:,}, in {options.out}", flush=True)


def _check(options: argparse.Namespace) -> None:
    """Refuse what would fail, or do harm, after the work is done."""
    from customer_value.exceptions import OptionError

    # The one place that looks at a clock: no one has seen a day that is yet to come.
    today = datetime.now().astimezone().date()
    if options.as_of > today:
        raise OptionError(f"--as-of {options.as_of} is in the future (today is {today})")
    if options.file is not None and not options.file.is_file():
        raise OptionError(f"{options.file}: no such file")
    if options.separator is not None and not re.fullmatch(r"[\x00-\x7f]", options.separator):
        raise OptionError("--separator must be one character, such as ';'")
    out: Path = options.out
    if out.suffix.lower() not in _PARQUET:
        raise OptionError(f"--out {out}: name it .parquet, that is what is written")
    if out.is_dir() or not out.parent.is_dir():
        raise OptionError(f"--out {out}: no file can be written there")
    if options.file is not None and out.exists() and out.samefile(options.file):
        raise OptionError(f"--out {out} is the file that is read")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="customer_value",
        description="What each customer is worth. Without a command: the report on the bundled "
        "CDNOW log, as of 1998-06-30, with an assumed margin of 30 %.",
    )
    names = [name.removeprefix("--").replace("-", "_") for name in _OPTIONS]
    defaults = {
        name: option.get("default") for name, option in zip(names, _OPTIONS.values(), strict=True)
    }
    cdnow = {"as_of": date(1998, 6, 30), "out": Path("cdnow_customers.parquet")}
    parser.set_defaults(file=None, **dict.fromkeys(_ROLES), **(defaults | cdnow))
    report = parser.add_subparsers(title="commands").add_parser(
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
    for name, option in _OPTIONS.items():
        suffix = f" (default: {option['default']})" if option.get("default") else ""
        report.add_argument(name, **(option | {"help": option["help"] + suffix}))
    return parser


def _problem(problem: ErrorDetails) -> str:
    place = ".".join(map(str, problem["loc"]))
    says = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {says}" if place else says


def _fail(message: str) -> int:
    line = " ".join(message.split())
    line = line if len(line) <= 800 else f"{line[:800]} ..."
    print("error:", "".join(c if c.isprintable() else "?" for c in line), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
