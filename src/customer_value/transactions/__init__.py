"""The transaction log's contract, and the customer frame that every other module starts from.

A log has one row per order line, order or payment: who, when, how much.
[`read_transactions`][customer_value.read_transactions] checks it and gives it canonical names;
[`summarize`][customer_value.summarize] makes one row per customer of it;
[`split_holdout`][customer_value.split_holdout] does so at an earlier day and adds what came after.
"""

from customer_value.transactions.log import Transactions, read_transactions
from customer_value.transactions.options import Columns, TransactionOptions
from customer_value.transactions.quality import DataQualityReport, RuleCount
from customer_value.transactions.summary import split_holdout, summarize

__all__ = [
    "Columns",
    "DataQualityReport",
    "RuleCount",
    "TransactionOptions",
    "Transactions",
    "read_transactions",
    "split_holdout",
    "summarize",
]
