"""What each customer is worth.

One transaction log in; scores, classes, tiers, lifetime values, profit and lifecycle stages out.

- the log: `load_cdnow`, `simulate_transactions`, `Columns`, `TransactionOptions`,
  `clean_transactions`, `summarize`, `split_holdout`
- RFM: `RfmOptions`, `fit_rfm`, `score_rfm`, `segment_rfm`, `RFM_LIST_125`
- ABC and tiers: `AbcOptions`, `classify_abc`, `TierOptions`, `assign_tiers`
- lifetime value: `fit_bg_nbd`, `fit_gamma_gamma`, `load_model`, `probability_alive`,
  `expected_purchases`, `expected_spend`, `customer_lifetime_value`
- profit: `customer_pnl`
- lifecycle: `LifecycleRules`, `assign_stages`
- everything at once: `value_report`

Importing this package loads none of its dependencies; each name loads what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from customer_value.datasets import load_cdnow as load_cdnow
    from customer_value.datasets import simulate_transactions as simulate_transactions
    from customer_value.exceptions import CustomerValueError as CustomerValueError
    from customer_value.exceptions import DataError as DataError
    from customer_value.exceptions import FitError as FitError
    from customer_value.exceptions import SchemaError as SchemaError
    from customer_value.transactions import Columns as Columns
    from customer_value.transactions import DataQualityReport as DataQualityReport
    from customer_value.transactions import TransactionOptions as TransactionOptions
    from customer_value.transactions import clean_transactions as clean_transactions
    from customer_value.transactions import split_holdout as split_holdout
    from customer_value.transactions import summarize as summarize

_MODULE_OF = {
    "load_cdnow": "datasets",
    "simulate_transactions": "datasets",
    "CustomerValueError": "exceptions",
    "DataError": "exceptions",
    "FitError": "exceptions",
    "SchemaError": "exceptions",
    "Columns": "transactions",
    "DataQualityReport": "transactions",
    "TransactionOptions": "transactions",
    "clean_transactions": "transactions",
    "split_holdout": "transactions",
    "summarize": "transactions",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
